//! Connections to cameras that can be opened in bounded time and cut from another thread.

use super::CaptureError;
use super::address::Address;
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Cuts connections from outside: whoever reads from one then sees its end at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Cut {
    shared: Arc<Mutex<(bool, Vec<TcpStream>)>>,
}

impl Cut {
    /// Lets `stream` be cut; cuts it at once where that was asked for already.
    pub fn add(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.0 {
            stream.shutdown(Shutdown::Both)?;
        }
        shared.1.push(stream.try_clone()?);
        Ok(())
    }

    /// Cuts every connection, now and in future.
    pub fn cut(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 = true;
        for stream in shared.1.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether [`Cut::cut`] was called.
    pub fn is_cut(&self) -> bool {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What the attempts to reach one camera share: its name for messages and the end of patience.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// Address as configured.
    pub source_name: String,
    /// Time allowed in all.
    pub timeout: Duration,
    /// When it is over.
    pub deadline: Instant,
    /// Cuts its connections.
    pub cut: Cut,
}

impl Attempt {
    /// Begins now.
    pub fn new(source_name: String, timeout: Duration, cut: Cut) -> Self {
        Self { source_name, timeout, deadline: Instant::now() + timeout, cut }
    }

    /// Time left; an error when there is none.
    pub fn left(&self) -> Result<Duration, CaptureError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.timed_out()) } else { Ok(left) }
    }

    /// The error of an attempt that took too long.
    pub fn timed_out(&self) -> CaptureError {
        CaptureError::OpenTimeout { source_name: self.source_name.clone(), after: self.timeout }
    }

    /// An opening that failed because of `cause`.
    pub fn refused(&self, cause: impl Into<String>, advice: &'static str) -> CaptureError {
        CaptureError::Open { source_name: self.source_name.clone(), cause: cause.into(), advice }
    }

    /// What a failed read or write means.
    pub fn io(&self, error: &std::io::Error) -> CaptureError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => self.timed_out(),
            ErrorKind::ConnectionRefused => {
                self.refused("it refuses the connection", "see its port and that it is on")
            }
            _ => self.refused(error.to_string(), "see the network between here and the camera"),
        }
    }

    /// Connects, trying every address of the host's name.
    pub fn connect(&self, address: &Address) -> Result<TcpStream, CaptureError> {
        let candidates = (address.host.as_str(), address.port).to_socket_addrs().map_err(|e| {
            self.refused(format!("its host name is not known ({e})"), "see the url and the name server")
        })?;
        let mut last = self.refused("its host name has no address", "see the url and the name server");
        for candidate in candidates {
            match TcpStream::connect_timeout(&candidate, self.left()?) {
                Ok(stream) => {
                    let prepare = || -> std::io::Result<()> {
                        stream.set_nodelay(true)?;
                        self.cut.add(&stream)
                    };
                    prepare().map_err(|e| self.io(&e))?;
                    return Ok(stream);
                }
                Err(error) => last = self.io(&error),
            }
        }
        Err(last)
    }

    /// Reads some bytes onto the end of `buffer`; fails at the deadline and at the end of the stream.
    pub fn read_more(&self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), CaptureError> {
        stream.set_read_timeout(Some(self.left()?)).map_err(|e| self.io(&e))?;
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) => Err(self.refused("it closed the connection", "see whether it allows another viewer")),
            Ok(n) => {
                buffer.extend(chunk.iter().take(n));
                Ok(())
            }
            Err(error) => Err(self.io(&error)),
        }
    }
}
