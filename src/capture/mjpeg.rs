//! Motion JPEG over HTTP: `multipart/x-mixed-replace`, one JPEG a part, as cameras have sent it for decades.
//!
//! Read by ourselves rather than through FFmpeg: password and address stay out of its messages, every
//! part may have another size, and a broken part is told from a broken connection.

use super::CaptureError;
use super::address::Address;
use super::http_auth::basic;
use super::net::Attempt;
use super::pictures;
use crate::domain::{Image, Utc};
use crate::runtime::Secret;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// Longest head of a reply or part in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Longest JPEG in bytes.
const MAX_JPEG: usize = 32 * 1024 * 1024;

/// An open stream.
pub(super) struct MjpegStream {
    stream: TcpStream,
    buffer: Vec<u8>,
    attempt: Attempt,
    chunked: bool,
    /// Bytes of the current HTTP chunk still to come (RFC 9112 section 7.1); only where `chunked`.
    chunk_left: usize,
    raw: Vec<u8>,
}

/// What came next.
pub(super) enum Part {
    /// A picture and when it had arrived.
    Picture(Image, Utc),
    /// Something that is no picture, and why.
    Bad(String),
}

impl MjpegStream {
    /// Connects and asks for the stream.
    pub fn open(
        url: &str,
        credentials: Option<&(String, Secret)>,
        attempt: &Attempt,
        read_timeout: Duration,
    ) -> Result<Self, CaptureError> {
        let address = Address::parse(url, "http", 80)?;
        let mut stream = attempt.connect(&address)?;
        let host = address.origin.strip_prefix("http://").unwrap_or(&address.host);
        let authorization = credentials
            .map(|(user, password)| format!("Authorization: {}\r\n", basic(user, password)))
            .unwrap_or_default();
        // HTTP/1.0 keeps servers from sending chunks; some do so nevertheless.
        let request = format!(
            "GET {} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: platewatch\r\n{authorization}\r\n",
            address.path
        );
        stream
            .set_write_timeout(Some(attempt.left()?))
            .and_then(|()| stream.write_all(request.as_bytes()))
            .map_err(|e| attempt.io(&e))?;
        let mut buffer = Vec::new();
        let head = loop {
            if let Some(head) = take_head(&mut buffer) {
                break head;
            }
            if buffer.len() > MAX_HEAD {
                return Err(attempt.refused("it does not speak HTTP", "see the url's port"));
            }
            attempt.read_more(&mut stream, &mut buffer)?;
        };
        let status = head.lines().next().unwrap_or_default();
        match status.split(' ').nth(1) {
            Some("200") => {}
            Some("401") if credentials.is_none() => {
                let advice = "set them in the camera's configuration";
                return Err(attempt.refused("it wants a user and password", advice));
            }
            Some("401") => {
                let advice =
                    "correct them in the camera's configuration, or allow basic authentication on it";
                return Err(attempt.refused("it does not accept the user and password", advice));
            }
            _ => {
                let shown: String = status.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(attempt.refused(format!("it answered {shown:?}"), "see the path in its url"));
            }
        }
        let kind = header(&head, "content-type").unwrap_or_default().to_ascii_lowercase();
        if !kind.starts_with("multipart/") {
            let cause = format!("it sends {kind:?}, not a stream of pictures");
            return Err(attempt.refused(cause, "see the path in its url"));
        }
        let chunked = header(&head, "transfer-encoding").is_some_and(|t| t.eq_ignore_ascii_case("chunked"));
        let reading = Attempt { timeout: read_timeout, ..attempt.clone() };
        let mut this =
            Self { stream, buffer: Vec::new(), attempt: reading, chunked, chunk_left: 0, raw: buffer };
        this.unchunk()?;
        Ok(this)
    }

    /// The next part; waits at most the read time-out for all of it.
    pub fn next(&mut self) -> Result<Part, CaptureError> {
        self.attempt =
            Attempt::new(self.attempt.source_name.clone(), self.attempt.timeout, self.attempt.cut.clone());
        let head = loop {
            if let Some(head) = take_head(&mut self.buffer) {
                break head;
            }
            if self.buffer.len() > MAX_HEAD {
                self.buffer.clear();
                return Ok(Part::Bad("what should be the head of a part is too long".into()));
            }
            self.more()?;
        };
        let jpeg = match header(&head, "content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if length <= MAX_JPEG => {
                while self.buffer.len() < length {
                    self.more()?;
                }
                self.buffer.drain(..length).collect()
            }
            Some(_) => return Ok(Part::Bad("the head of a part holds an impossible length".into())),
            None => self.until_end_of_jpeg()?,
        };
        let arrived = Utc::now();
        Ok(match pictures::decode(jpeg, Path::new("part")) {
            Ok(image) => Part::Picture(image, arrived),
            Err(error) => Part::Bad(error.to_string()),
        })
    }

    /// A JPEG whose length nobody said: up to the next boundary, found as the line break and dashes that
    /// follow the end-of-image marker.
    fn until_end_of_jpeg(&mut self) -> Result<Vec<u8>, CaptureError> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.get(searched..).unwrap_or_default();
            let end = rest.windows(2).position(|w| w == [0xff, 0xd9]).map(|at| searched + at + 2);
            match end {
                Some(end) => match self.buffer.get(end..end + 3) {
                    Some([b'\r' | b'\n', ..] | [b'-', b'-', ..]) => {
                        return Ok(self.buffer.drain(..end).collect());
                    }
                    Some(_) => searched = end,
                    None => self.more()?,
                },
                None => {
                    searched = self.buffer.len().saturating_sub(1);
                    if searched > MAX_JPEG {
                        return Ok(std::mem::take(&mut self.buffer));
                    }
                    self.more()?;
                }
            }
        }
    }

    fn more(&mut self) -> Result<(), CaptureError> {
        self.attempt.read_more(&mut self.stream, &mut self.raw)?;
        self.unchunk()
    }

    /// Moves what has arrived to the buffer, without the chunks' frames.
    fn unchunk(&mut self) -> Result<(), CaptureError> {
        if !self.chunked {
            self.buffer.append(&mut self.raw);
            return Ok(());
        }
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
            let Some(end) = rest.iter().position(|b| *b == b'\n') else { return Ok(()) };
            let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            match usize::from_str_radix(size, 16) {
                Ok(size) if size > 0 && size <= MAX_JPEG => self.chunk_left = size,
                Ok(0) => return Err(self.attempt.refused("it ended the stream", "see the camera")),
                _ => return Err(self.attempt.refused("it sent a broken HTTP chunk", "see the camera")),
            }
            self.raw.drain(..start + end + 1);
        }
    }
}

/// Takes the text up to the first empty line that ends headers off the front, with leading empty lines.
fn take_head(buffer: &mut Vec<u8>) -> Option<String> {
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
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
