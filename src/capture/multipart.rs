//! A multipart stream of JPEGs (`multipart/x-mixed-replace`), taken apart as its bytes come, with or without
//! HTTP chunks (RFC 9112 section 7.1) around them. No input or output: [`super::mjpeg`] reads for it.

/// Longest head of a reply or part in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Longest JPEG in bytes.
const MAX_JPEG: usize = 32 * 1024 * 1024;

/// What has come of a stream and is not yet given out.
#[derive(Debug, Default)]
pub(super) struct Multipart {
    /// Without the chunks' frames.
    buffer: Vec<u8>,
    /// As it came; empty where the stream is not chunked.
    raw: Vec<u8>,
    chunked: bool,
    /// Bytes of the current chunk still to come.
    chunk_left: usize,
    wanted: Wanted,
}

/// What is to come next.
#[derive(Debug, Default)]
enum Wanted {
    /// The head of a part.
    #[default]
    Head,
    /// A body of so many bytes.
    Body(usize),
    /// A body whose length nobody said; so many bytes of it were looked at.
    Unsaid(usize),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The bytes of one part.
    Part(Vec<u8>),
    /// Something that is no part, and why.
    Bad(&'static str),
    /// More must come.
    More,
}

impl Multipart {
    /// For a stream that is chunked or not.
    pub fn new(chunked: bool) -> Self {
        Self { chunked, ..Self::default() }
    }

    /// Takes all of `more`.
    ///
    /// # Errors
    /// The stream has ended or cannot be followed any more; what it did.
    pub fn push(&mut self, more: &mut Vec<u8>) -> Result<(), &'static str> {
        if !self.chunked {
            self.buffer.append(more);
            return Ok(());
        }
        self.raw.append(more);
        loop {
            if self.chunk_left > 0 {
                let n = self.chunk_left.min(self.raw.len());
                self.buffer.extend(self.raw.drain(..n));
                self.chunk_left -= n;
                if self.chunk_left > 0 {
                    return Ok(());
                }
            }
            let start = self.raw.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let rest = self.raw.get(start..).unwrap_or_default();
            let Some(end) = rest.iter().position(|b| *b == b'\n') else {
                // A line without an end must not fill the memory.
                return if rest.len() > MAX_HEAD { Err("it sent a broken HTTP chunk") } else { Ok(()) };
            };
            let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            match usize::from_str_radix(size, 16) {
                Ok(size) if size > 0 && size <= MAX_JPEG => self.chunk_left = size,
                Ok(0) => return Err("it ended the stream"),
                _ => return Err("it sent a broken HTTP chunk"),
            }
            self.raw.drain(..start + end + 1);
        }
    }

    /// The next part, as far as it has come.
    pub fn next(&mut self) -> Step {
        loop {
            match self.wanted {
                Wanted::Head => {
                    let Some(head) = take_head(&mut self.buffer) else {
                        if self.buffer.len() > MAX_HEAD {
                            self.buffer.clear();
                            return Step::Bad("what should be the head of a part is too long");
                        }
                        return Step::More;
                    };
                    self.wanted = match header(&head, "content-length").map(str::parse::<usize>) {
                        Some(Ok(length)) if length <= MAX_JPEG => Wanted::Body(length),
                        Some(_) => return Step::Bad("the head of a part holds an impossible length"),
                        None => Wanted::Unsaid(0),
                    };
                }
                Wanted::Body(length) if self.buffer.len() >= length => {
                    self.wanted = Wanted::Head;
                    return Step::Part(self.buffer.drain(..length).collect());
                }
                Wanted::Body(_) => return Step::More,
                Wanted::Unsaid(searched) => return self.until_end_of_jpeg(searched),
            }
        }
    }

    /// A JPEG whose length nobody said: up to the next boundary, found as the line break and dashes that
    /// follow the end-of-image marker.
    fn until_end_of_jpeg(&mut self, mut searched: usize) -> Step {
        loop {
            let rest = self.buffer.get(searched..).unwrap_or_default();
            let end = rest.windows(2).position(|w| w == [0xff, 0xd9]).map(|at| searched + at + 2);
            match end {
                Some(end) => match self.buffer.get(end..end + 3) {
                    Some([b'\r' | b'\n', ..] | [b'-', b'-', ..]) => {
                        self.wanted = Wanted::Head;
                        return Step::Part(self.buffer.drain(..end).collect());
                    }
                    Some(_) => searched = end,
                    None => {
                        self.wanted = Wanted::Unsaid(end - 2);
                        return Step::More;
                    }
                },
                None => {
                    let searched = self.buffer.len().saturating_sub(1);
                    if searched > MAX_JPEG {
                        self.wanted = Wanted::Head;
                        return Step::Part(std::mem::take(&mut self.buffer));
                    }
                    self.wanted = Wanted::Unsaid(searched);
                    return Step::More;
                }
            }
        }
    }
}

/// Takes the text up to the first empty line that ends headers off the front, with leading empty lines.
pub(super) fn take_head(buffer: &mut Vec<u8>) -> Option<String> {
    let start = buffer.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let rest = buffer.get(start..)?;
    let crlf = rest.windows(4).position(|w| w == b"\r\n\r\n").map(|at| (at, 4));
    let lf = rest.windows(2).position(|w| w == b"\n\n").map(|at| (at, 2));
    let (at, gap) = [crlf, lf].into_iter().flatten().min()?;
    let head = String::from_utf8_lossy(rest.get(..at)?).into_owned();
    buffer.drain(..start + at + gap);
    Some(head)
}

/// The value of header `name` (in lower case).
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All parts of `bytes`, given in pieces of `piece` bytes.
    fn parts(bytes: &[u8], chunked: bool, piece: usize) -> (Vec<Step>, Option<&'static str>) {
        let mut stream = Multipart::new(chunked);
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            if let Err(end) = stream.push(&mut piece.to_vec()) {
                return (found, Some(end));
            }
            loop {
                match stream.next() {
                    Step::More => break,
                    step => found.push(step),
                }
            }
        }
        (found, None)
    }

    const STREAM: &[u8] = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 3\r\n\r\nabc\r\n--b\r\n\r\n\xff\xd8x\xff\xd9y\xff\xd9\r\n--b\nContent-Length: 99999999999\n\n";

    #[test]
    fn the_parts_are_the_same_however_the_bytes_come() {
        let expected = vec![
            Step::Part(b"abc".to_vec()),
            Step::Part(b"\xff\xd8x\xff\xd9y\xff\xd9".to_vec()),
            Step::Bad("the head of a part holds an impossible length"),
        ];
        let mut chunked = Vec::new();
        for piece in STREAM.chunks(7) {
            chunked.extend(format!("{:x};x=1\r\n", piece.len()).into_bytes());
            chunked.extend(piece);
            chunked.extend(b"\r\n");
        }
        for piece in 1..40 {
            assert_eq!(parts(STREAM, false, piece), (expected.clone(), None), "pieces of {piece}");
            assert_eq!(parts(&chunked, true, piece), (expected.clone(), None), "pieces of {piece}");
        }
    }

    #[test]
    fn chunks_that_cannot_be_end_the_stream() {
        assert_eq!(parts(b"0\r\n\r\n", true, 3).1, Some("it ended the stream"));
        assert_eq!(parts(b"zz\r\n", true, 3).1, Some("it sent a broken HTTP chunk"));
        // Before, bytes without a line end were kept without a bound.
        assert_eq!(parts(&vec![b'1'; 2 * MAX_HEAD], true, 4096).1, Some("it sent a broken HTTP chunk"));
    }

    #[test]
    fn a_head_without_an_end_is_given_up() {
        let (steps, _) = parts(&vec![b'x'; MAX_HEAD + 4096], false, 4096);
        assert_eq!(steps, [Step::Bad("what should be the head of a part is too long")]);
    }
}
