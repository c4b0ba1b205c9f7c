//! Motion JPEG over HTTP: `multipart/x-mixed-replace`, one JPEG a part, as cameras have sent it for decades.
//!
//! Read by ourselves rather than through FFmpeg: password and address stay out of its messages, every
//! part may have another size, and a broken part is told from a broken connection.

use super::CaptureError;
use super::address::Address;
use super::http_auth::basic;
use super::multipart::{MAX_HEAD, Multipart, Step, header, take_head};
use super::net::Attempt;
use super::pictures::Pictures;
use crate::domain::{Image, Utc};
use crate::runtime::Secret;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open stream.
pub(super) struct MjpegStream {
    stream: TcpStream,
    attempt: Attempt,
    parts: Multipart,
    /// What was read and not yet handed to `parts`.
    raw: Vec<u8>,
    pictures: Pictures,
}

/// What came next.
pub(super) enum Part {
    /// A picture and when it had arrived.
    Picture(Arc<Image>, Utc),
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
        let mut this = Self {
            stream,
            attempt: reading,
            parts: Multipart::new(chunked),
            raw: buffer,
            pictures: Pictures::default(),
        };
        this.take()?;
        Ok(this)
    }

    /// The next part; waits at most the read time-out for all of it.
    pub fn next(&mut self) -> Result<Part, CaptureError> {
        self.attempt =
            Attempt::new(self.attempt.source_name.clone(), self.attempt.timeout, self.attempt.cut.clone());
        let jpeg = loop {
            match self.parts.next() {
                Step::Part(jpeg) => break jpeg,
                Step::Bad(why) => return Ok(Part::Bad(why.into())),
                Step::More => {
                    self.attempt.read_more(&mut self.stream, &mut self.raw)?;
                    self.take()?;
                }
            }
        };
        let arrived = Utc::now();
        Ok(match self.pictures.decode(jpeg, Path::new("part")) {
            Ok(image) => Part::Picture(image, arrived),
            Err(error) => Part::Bad(error.to_string()),
        })
    }

    fn take(&mut self) -> Result<(), CaptureError> {
        self.parts.push(&mut self.raw).map_err(|did| self.attempt.refused(did, "see the camera"))
    }
}
