//! Bytes in some encoding → lines of UTF-8, a piece of the file at a time.
//!
//! A list of ten million lines is some 600 MB; held whole beside the entries made of it, it would more than
//! double what a box needs to load it. The SHA-256 of the bytes is made on the way.
//!
//! Only the line ends are looked for here; whether a line is text at all is its reader's business, so that
//! one bad line costs one row.

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::ops::Range;

/// The longest line taken, in bytes of UTF-8; of a longer one only its start is seen.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;

const PIECE: usize = 1 << 18;

/// How a file's bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// As its byte order mark says; UTF-16 where every other byte is zero; else UTF-8.
    #[default]
    Auto,
    Utf8,
    Utf16Le,
    Utf16Be,
    /// ISO 8859-1.
    Latin1,
    Windows1252,
    /// Line by line: UTF-8 where it is that, else Windows-1252.
    Mixed,
}

impl Encoding {
    pub const NAMES: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("utf-8", Self::Utf8),
        ("utf-16le", Self::Utf16Le),
        ("utf-16be", Self::Utf16Be),
        ("latin-1", Self::Latin1),
        ("windows-1252", Self::Windows1252),
        ("mixed", Self::Mixed),
    ];
}

/// Why bytes are no list in any encoding.
#[derive(Debug)]
pub(super) enum TextError {
    Read(io::Error),
    NoText(&'static str),
}

impl From<io::Error> for TextError {
    fn from(e: io::Error) -> Self {
        Self::Read(e)
    }
}

/// A line, or several that one quoted field spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Without the line end.
    pub bytes: &'a [u8],
    /// Its number, from 1, as editors count.
    pub number: u64,
    /// How many lines it spans.
    pub lines: u64,
    /// Whether only its start is here, because it is longer than [`MAX_LINE_BYTES`].
    pub cut: bool,
}

/// Reads lines.
pub(super) struct Text<R> {
    input: R,
    hash: Sha256,
    /// Bytes read from `input`.
    pub read: u64,
    decoder: Option<Decoder>,
    latin1: bool,
    raw: Vec<u8>,
    /// Text not yet given out; what is before `start` is done with.
    buffer: Vec<u8>,
    start: usize,
    /// The line last given, without its end.
    line: Range<usize>,
    /// Where the line after it begins.
    next: usize,
    number: u64,
    lines: u64,
    cut: bool,
    ended: bool,
    /// Whether lines that are not UTF-8 are to be read as Windows-1252.
    pub mixed: bool,
}

impl<R: Read> Text<R> {
    /// Looks at the start of `input` for what it is.
    pub fn new(mut input: R, encoding: Encoding) -> Result<Self, TextError> {
        let mut head = vec![0; 4096];
        let mut got = 0;
        while got < head.len() {
            match input.read(head.get_mut(got..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        head.truncate(got);
        let (found, mark) = sniff(&head);
        if let Some(what) = no_text(&head, found) {
            return Err(TextError::NoText(what));
        }
        // A byte order mark is stronger than what a mapping says.
        let encoding = match (encoding, found) {
            (Encoding::Auto, found) => found,
            (_, found) if mark > 0 => found,
            (said, _) => said,
        };
        let decoder = match encoding {
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
            _ => None,
        };
        let mut text = Self {
            input,
            hash: Sha256::new(),
            read: got as u64,
            decoder,
            latin1: encoding == Encoding::Latin1,
            raw: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            line: 0..0,
            next: 0,
            number: 0,
            lines: 0,
            cut: false,
            ended: false,
            mixed: encoding == Encoding::Mixed,
        };
        text.hash.update(&head);
        text.decode(head.get(mark..).unwrap_or_default(), false);
        Ok(text)
    }

    /// The next line.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.number += self.lines;
        self.start = self.next;
        self.lines = 1;
        self.cut = false;
        let Some(end) = self.find_end(self.start)? else { return Ok(None) };
        if self.number == 0 {
            self.number = 1;
        }
        self.line = self.start..end;
        Ok(Some(self.line()))
    }

    /// The line together with the one after it; `None` where there is none or both are too long.
    pub fn extend(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.cut {
            return Ok(None);
        }
        let (length, at) = (self.line.len(), self.next - self.start);
        if length > MAX_LINE_BYTES / 2 {
            return Ok(None);
        }
        let Some(end) = self.find_end(self.start + at)? else { return Ok(None) };
        self.line = self.start..end;
        self.lines += 1;
        Ok(Some(self.line()))
    }

    /// Takes back all extending: `length` bytes are the line, and the next one follows it.
    pub fn only_first(&mut self, length: usize) {
        let end = self.start + length;
        self.line = self.start..end;
        self.lines = 1;
        self.cut = false;
        let rest = self.buffer.get(end..).unwrap_or_default();
        self.next = end
            + match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => 0,
            };
    }

    /// The line last given.
    pub fn line(&self) -> Line<'_> {
        let bytes = self.buffer.get(self.line.clone()).unwrap_or_default();
        Line { bytes, number: self.number.max(1), lines: self.lines, cut: self.cut }
    }

    /// All that is left, at most `most` bytes of it.
    pub fn rest(&mut self, most: usize) -> io::Result<&[u8]> {
        self.start = self.next;
        while !self.ended && self.buffer.len() - self.start <= most {
            self.fill()?;
        }
        if !self.ended {
            return Err(io::Error::other(format!("larger than {} MiB, the most that is taken", most >> 20)));
        }
        Ok(self.buffer.get(self.start..).unwrap_or_default())
    }

    /// The SHA-256 of everything, lower-case hexadecimal; reads to the end.
    pub fn finish(mut self) -> io::Result<String> {
        while !self.ended {
            self.start = self.buffer.len();
            self.fill()?;
        }
        Ok(hex(&self.hash.finalize()))
    }

    /// Where the line that begins at `from` ends, and sets where the next begins. Of a line that is too long
    /// the start is kept and the rest passed over.
    fn find_end(&mut self, from: usize) -> io::Result<Option<usize>> {
        // Relative to `start`, which moves when the buffer is filled.
        let begin = from - self.start;
        let mut searched = begin;
        loop {
            let tail = self.buffer.get(self.start + searched..).unwrap_or_default();
            match memchr::memchr2(b'\n', b'\r', tail) {
                Some(at) => {
                    let end = searched + at;
                    let two = self.buffer.get(self.start + end) == Some(&b'\r');
                    // Whether a line feed follows may stand in the next piece.
                    if two && self.start + end + 1 == self.buffer.len() && !self.ended {
                        self.fill()?;
                    }
                    let end = self.start + end;
                    let feed = two && self.buffer.get(end + 1) == Some(&b'\n');
                    self.next = end + 1 + usize::from(feed);
                    return Ok(Some(if self.cut { self.line.end } else { end }));
                }
                None if self.ended => {
                    let end = self.buffer.len();
                    self.next = end;
                    let nothing = self.start + begin >= end;
                    return Ok((!nothing || self.cut).then_some(if self.cut { self.line.end } else { end }));
                }
                None => {
                    searched = self.buffer.len() - self.start;
                    if searched > MAX_LINE_BYTES {
                        // Keep the start, forget what follows up to the line end.
                        self.cut = true;
                        self.buffer.truncate(self.start + MAX_LINE_BYTES);
                        searched = MAX_LINE_BYTES;
                        self.line = self.start..self.start + MAX_LINE_BYTES;
                    }
                    self.fill()?;
                    if self.cut {
                        self.line = self.start..self.start + MAX_LINE_BYTES;
                    }
                }
            }
        }
    }

    /// Reads a piece and moves what is not done with to the front.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            let left = self.buffer.len().saturating_sub(self.start);
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(left);
            self.line = self.line.start.saturating_sub(self.start)..self.line.end.saturating_sub(self.start);
            self.next = self.next.saturating_sub(self.start);
            self.start = 0;
        }
        let mut piece = std::mem::take(&mut self.raw);
        piece.resize(PIECE, 0);
        let got = loop {
            match self.input.read(&mut piece) {
                Ok(n) => break n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        };
        let read = piece.get(..got).unwrap_or_default();
        self.hash.update(read);
        self.read += got as u64;
        self.decode(read, got == 0);
        self.ended = got == 0;
        self.raw = piece;
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8], last: bool) {
        if self.latin1 {
            for &b in bytes {
                self.buffer.extend_from_slice(char::from(b).encode_utf8(&mut [0; 2]).as_bytes());
            }
            return;
        }
        let Some(decoder) = &mut self.decoder else {
            self.buffer.extend_from_slice(bytes);
            return;
        };
        let mut bytes = bytes;
        let mut out = String::new();
        loop {
            out.reserve(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(PIECE * 3).max(16));
            let (result, read, _) = decoder.decode_to_string(bytes, &mut out, last);
            bytes = bytes.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                break;
            }
        }
        self.buffer.extend_from_slice(out.as_bytes());
    }
}

/// What the start of a file says of its encoding, and how long its byte order mark is.
fn sniff(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        _ => {
            // Lists are ASCII for the most part: in UTF-16 every other byte of them is zero.
            let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&b| b == 0).count();
            let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
            if head.len() >= 8 && odd * 10 > half * 7 && even * 10 < half {
                (Encoding::Utf16Le, 0)
            } else if head.len() >= 8 && even * 10 > half * 7 && odd * 10 < half {
                (Encoding::Utf16Be, 0)
            } else {
                (Encoding::Utf8, 0)
            }
        }
    }
}

/// What a file is that is no text.
fn no_text(head: &[u8], found: Encoding) -> Option<&'static str> {
    match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            Some("it is no text but a ZIP archive or a spreadsheet (.xlsx, .ods)")
        }
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some("it is no text but an old spreadsheet (.xls)"),
        [0x1F, 0x8B, ..] => Some("it is no text but compressed (gzip)"),
        [b'%', b'P', b'D', b'F', ..] => Some("it is no text but a PDF"),
        _ if found == Encoding::Utf8 => {
            // A stray zero is one bad row; many are another kind of file.
            let zeros = head.iter().filter(|&&b| b == 0).count();
            (zeros * 10 > head.len()).then_some("it is no text")
        }
        _ => None,
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or('0');
    bytes.iter().flat_map(|&b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives its bytes in pieces of these sizes, over and over.
    struct Dribble<'a>(&'a [u8], Vec<usize>, usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let size = self.1[self.2 % self.1.len()].max(1).min(out.len()).min(self.0.len());
            self.2 += 1;
            out[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }

    fn lines(input: impl Read, encoding: Encoding) -> Vec<(u64, String)> {
        let mut text = Text::new(input, encoding).unwrap();
        let mut found = Vec::new();
        while let Some(line) = text.next().unwrap() {
            found.push((line.number, String::from_utf8_lossy(line.bytes).into_owned()));
        }
        found
    }

    #[test]
    fn encodings() {
        let expected = vec![(1, "plate;Straße".to_owned()), (2, "1ABC123;é".to_owned())];
        let text = "plate;Straße\r\n1ABC123;é\r\n";
        let wide = |f: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(f).collect::<Vec<u8>>();
        let (le, be) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        let narrow: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert_eq!(lines(text.as_bytes(), Encoding::Auto), expected);
        assert_eq!(lines([b"\xEF\xBB\xBF", text.as_bytes()].concat().as_slice(), Encoding::Auto), expected);
        assert_eq!(lines([b"\xFF\xFE", le.as_slice()].concat().as_slice(), Encoding::Auto), expected);
        assert_eq!(lines([b"\xFE\xFF", be.as_slice()].concat().as_slice(), Encoding::Auto), expected);
        assert_eq!(lines(le.as_slice(), Encoding::Auto), expected, "without a mark");
        assert_eq!(lines(be.as_slice(), Encoding::Auto), expected, "without a mark");
        assert_eq!(lines(be.as_slice(), Encoding::Utf16Be), expected);
        assert_eq!(lines(narrow.as_slice(), Encoding::Latin1), expected);
        assert_eq!(lines(narrow.as_slice(), Encoding::Windows1252), expected);
        assert_eq!(lines(b"\x80 5".as_slice(), Encoding::Windows1252), [(1, "€ 5".to_owned())]);
    }

    #[test]
    fn what_is_no_text_says_what_it_is() {
        let refused = |bytes: &[u8]| match Text::new(bytes, Encoding::Auto) {
            Err(TextError::NoText(what)) => what,
            _ => "taken",
        };
        assert!(refused(b"PK\x03\x04\x14\x00").contains("ZIP"));
        assert!(refused(&[0x1F, 0x8B, 8, 0]).contains("gzip"));
        assert!(refused(&[0; 64]).contains("no text"));
        assert_eq!(refused(b"1ABC123\x00\n2DEF456\n3GHI789\n4JKL012\n"), "taken", "one stray zero");
    }

    #[test]
    fn a_line_too_long_is_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(MAX_LINE_BYTES * 2 + 77);
        let bytes = format!("a\n{long}\nb\n");
        let mut text = Text::new(bytes.as_bytes(), Encoding::Auto).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = text.next().unwrap() {
            seen.push((line.number, line.bytes.len(), line.cut));
        }
        assert_eq!(seen, [(1, 1, false), (2, MAX_LINE_BYTES, true), (3, 1, false)]);
    }

    #[test]
    fn extending_and_taking_it_back() {
        let mut text = Text::new(b"a\"b\r\nc\nd".as_slice(), Encoding::Auto).unwrap();
        assert_eq!(text.next().unwrap().unwrap().bytes, b"a\"b");
        assert_eq!(text.extend().unwrap().unwrap().bytes, b"a\"b\r\nc");
        assert_eq!(text.extend().unwrap().unwrap().lines, 3);
        assert!(text.extend().unwrap().is_none());
        text.only_first(3);
        let next = text.next().unwrap().unwrap();
        assert_eq!((next.bytes, next.number), (b"c".as_slice(), 2));
        assert_eq!(text.next().unwrap().unwrap().number, 3);
        assert!(text.next().unwrap().is_none());
    }

    proptest! {
        #[test]
        fn lines_are_those_an_editor_shows(
            text in "[ab\n\r\"é]{0,80}",
            sizes in prop::collection::vec(1usize..9, 1..4),
        ) {
            // Past what is read first, so that the pieces matter.
            let text = format!("{}{text}", "z".repeat(4_094));
            let found = lines(Dribble(text.as_bytes(), sizes, 0), Encoding::Auto);
            let one = text.replace("\r\n", "\n").replace('\r', "\n");
            let expected: Vec<(u64, String)> = (1..).zip(one.lines().map(str::to_owned)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn the_hash_is_of_all_bytes(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
            if let Ok(text) = Text::new(bytes.as_slice(), Encoding::Auto) {
                prop_assert_eq!(text.finish().unwrap(), hex(&Sha256::digest(&bytes)));
            }
        }
    }
}
