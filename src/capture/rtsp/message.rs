//! What passes over an RTSP connection: messages (RFC 2326 section 4) and interleaved binary frames
//! (section 10.12).

/// Longest head of a message in bytes; longer ones are not RTSP.
const MAX_HEAD: usize = 64 * 1024;
/// Longest body of a message in bytes; session descriptions are a few kilobytes.
const MAX_BODY: usize = 1024 * 1024;

/// One thing on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    /// A `$` frame, whole.
    Interleaved(&'a [u8]),
    /// A request or response.
    Message(Message),
}

/// A request or response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its first line.
    pub start: String,
    /// Names and values in their order.
    pub headers: Vec<(String, String)>,
    /// What follows.
    pub body: Vec<u8>,
}

impl Message {
    /// The first value of header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// All values of header `name`.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Replaces header `name` (or adds it); removes it for `None`.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.extend(value.map(|v| (name.to_owned(), v)));
    }

    /// The status of a response, `None` for requests.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("RTSP/")?.split(' ').nth(1)?.parse().ok()
    }

    /// Status and phrase of a response as people read it.
    pub fn status_text(&self) -> &str {
        self.start.split_once(' ').map_or(self.start.as_str(), |(_, rest)| rest)
    }

    /// Method and URI of a request.
    pub fn request(&self) -> (&str, &str) {
        let mut words = self.start.split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The bytes on the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(value);
            out.push_str("\r\n");
        }
        out.push_str("\r\n");
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

/// The first unit in `bytes` and its length; `None` while it is not whole. Fails on what is not RTSP.
pub(super) fn first_unit(bytes: &[u8]) -> Result<Option<(Unit<'_>, usize)>, String> {
    let skipped = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let rest = bytes.get(skipped..).unwrap_or_default();
    if let [b'$', rest_of_frame @ ..] = rest {
        let [_, high, low, ..] = rest_of_frame else { return Ok(None) };
        let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        return Ok(rest.get(..length).map(|frame| (Unit::Interleaved(frame), skipped + length)));
    }
    let Some(head_length) = rest.windows(4).position(|w| w == b"\r\n\r\n") else {
        return if rest.len() > MAX_HEAD { Err("it does not speak RTSP".into()) } else { Ok(None) };
    };
    let head = String::from_utf8_lossy(rest.get(..head_length).unwrap_or_default());
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    if !start.contains("RTSP/") {
        return Err("it does not speak RTSP".into());
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let mut message = Message { start, headers, body: Vec::new() };
    let length = match message.header("Content-Length") {
        Some(text) => text.parse::<usize>().ok().filter(|n| *n <= MAX_BODY),
        None => Some(0),
    };
    let length = length.ok_or("it sent an RTSP message with an impossible length")?;
    let from = head_length + 4;
    let Some(body) = rest.get(from..from + length) else { return Ok(None) };
    message.body = body.to_vec();
    Ok(Some((Unit::Message(message), skipped + from + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\ncontent-length: 3\r\nWWW-Authenticate: Basic\r\n\r\nv=0$\x00\x00\x02ab";

    #[test]
    fn reads_messages_and_frames_only_when_whole() {
        for cut in 0..REPLY.len() {
            let part = REPLY.get(..cut).unwrap();
            match first_unit(part).unwrap() {
                Some((Unit::Message(m), used)) => {
                    assert_eq!(
                        (m.status(), m.body.as_slice(), used),
                        (Some(200), b"v=0".as_slice(), REPLY.len() - 6)
                    );
                    assert_eq!(m.status_text(), "200 OK");
                }
                Some(other) => panic!("{other:?}"),
                None => assert!(cut < REPLY.len() - 6),
            }
        }
        let (_, used) = first_unit(REPLY).unwrap().unwrap();
        let frame = first_unit(&REPLY[used..]).unwrap().unwrap();
        assert_eq!(frame, (Unit::Interleaved(b"$\x00\x00\x02ab"), 6));
    }

    #[test]
    fn refuses_what_is_not_rtsp() {
        assert!(first_unit(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(first_unit(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n").is_err());
        assert!(first_unit(&[b'x'; MAX_HEAD + 5]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = first_unit(&bytes);
        }
    }
}
