//! gpsd, the daemon that reads receivers: a client that always has the latest position and never blocks who asks.
//!
//! One thread, `gpsd`, connects over TCP, asks to be told (`?WATCH`), and reads lines of JSON (gpsd's
//! `gpsd_json(5)`; written against 3.22). What it heard is in [`Hearing`], which does no input or output. A connection
//! that ends, or says nothing when asked, leaves no position behind; the next one is tried with a growing wait.

use super::position::{Fix, PositionSource};
use crate::domain::{Position, Utc};
use crate::runtime::{Backoff, Stop};
use serde::Deserialize;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where gpsd listens when nobody says otherwise.
const PORT: u16 = 2947;
/// Longest line that is read: gpsd's own bound is 10,240 bytes.
const LONGEST: usize = 32 * 1024;
/// Slower than this, in m/s, a receiver's course is noise.
const MOVING: f64 = 1.0;
/// What a connection may take, and a write.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a read waits before it looks whether the box ends.
const READ: Duration = Duration::from_millis(500);
/// Silence after which gpsd is asked whether it is there; twice that, and it is not.
const SILENCE: Duration = Duration::from_secs(15);

/// Where gpsd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpsdAddress {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl GpsdAddress {
    /// Reads `gpsd://HOST`, `gpsd://HOST:PORT` or `gpsd://[V6]:PORT`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("gpsd://").ok_or("it does not begin with gpsd://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[').map(|inner| inner.split_once(']')) {
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, port))) => {
                (host, Some(port.strip_prefix(':').ok_or("a port follows after a colon")?))
            }
            Some(None) => return Err("a bracket is not closed".into()),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(fits) {
            return Err("gpsd://HOST:PORT, such as gpsd://127.0.0.1:2947".into());
        }
        let port = match port {
            None => PORT,
            Some(port) => match port.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(format!("{port:?} is no TCP port")),
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for GpsdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[derive(Deserialize)]
struct Class {
    class: String,
}

/// A report "time, position, velocity". Every number may be left out.
#[derive(Deserialize)]
struct Tpv {
    #[serde(default)]
    device: String,
    #[serde(default)]
    mode: u8,
    time: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    speed: Option<f64>,
    track: Option<f64>,
    eph: Option<f64>,
    epx: Option<f64>,
    epy: Option<f64>,
}

impl Tpv {
    /// Where, where it says so: a fix in two dimensions or three, on earth.
    fn position(&self) -> Option<Position> {
        let (longitude, latitude) = (self.lon?, self.lat?);
        let on_earth = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        if self.mode < 2 || !on_earth {
            return None;
        }
        let course = self.track.filter(|t| (0.0..=360.0).contains(t) && self.speed.unwrap_or(0.0) >= MOVING);
        let error = self.eph.or_else(|| Some(self.epx?.hypot(self.epy?)));
        let error = error.filter(|e| e.is_finite() && *e >= 0.0);
        let (heading, accuracy_m) = (course.map(|c| c as f32), error.map(|e| e as f32));
        Some(Position { longitude, latitude, heading, accuracy_m })
    }
}

/// What was heard over one connection.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Hearing {
    line: Vec<u8>,
    /// The rest of a line that was too long is passed over.
    overlong: bool,
    /// Lines that are none of gpsd's.
    pub bad: u64,
    /// Lines that are.
    pub good: u64,
    /// The device, its own time of the report, and the position with the time at which it was heard.
    latest: Option<(String, String, Fix)>,
}

impl Hearing {
    /// Takes in some bytes, however they are cut, that came at `now`.
    pub fn hear(&mut self, bytes: &[u8], now: Utc) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            if self.line.len() + text.len() > LONGEST {
                self.overlong = true;
                self.line.clear();
            }
            if !self.overlong {
                self.line.extend_from_slice(text);
            }
            if ends {
                let line = std::mem::take(&mut self.line);
                if std::mem::take(&mut self.overlong) || self.take(&line, now).is_err() {
                    self.bad += 1;
                }
            }
        }
    }

    fn take(&mut self, line: &[u8], now: Utc) -> Result<(), serde_json::Error> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let class: Class = serde_json::from_slice(line)?;
        if class.class == "TPV" {
            self.report(serde_json::from_slice(line)?, now);
        }
        self.good += 1;
        Ok(())
    }

    fn report(&mut self, tpv: Tpv, now: Utc) {
        let known = self.latest.as_ref().filter(|(device, ..)| *device == tpv.device);
        let Some((position, time)) = tpv.position().zip(tpv.time) else {
            // Only the receiver that gave the position can take it back.
            if known.is_some() {
                self.latest = None;
            }
            return;
        };
        // A receiver that says the same instant again has no newer fix: its age goes on growing. The age counts by this
        // box's clock, as passages do, so a receiver with a wrong date is still of use.
        if known.is_none_or(|(_, before, _)| *before != time) {
            self.latest = Some((tpv.device, time, Fix { position, at: now }));
        }
    }

    /// The latest position.
    pub fn fix(&self) -> Option<Fix> {
        self.latest.as_ref().map(|(.., fix)| *fix)
    }
}

#[derive(Debug)]
struct Shared {
    fix: Option<Fix>,
    /// Why nothing is heard; `None` while connected.
    problem: Option<String>,
}

/// The client.
#[derive(Debug)]
pub struct Gpsd {
    address: GpsdAddress,
    shared: Arc<Mutex<Shared>>,
    stop: Stop,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpsd {
    /// Starts the thread that listens. gpsd need not be there yet.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(address: GpsdAddress) -> std::io::Result<Self> {
        let problem = Some(format!("gpsd at {address} is not connected yet"));
        let shared = Arc::new(Mutex::new(Shared { fix: None, problem }));
        let stop = Stop::new();
        let listener = Listener { address: address.clone(), shared: Arc::clone(&shared), stop: stop.clone() };
        std::thread::Builder::new().name("gpsd".into()).spawn(move || listener.run())?;
        Ok(Self { address, shared, stop })
    }
}

impl PositionSource for Gpsd {
    fn latest(&mut self) -> Option<Fix> {
        lock(&self.shared).fix
    }

    fn problem(&mut self) -> Option<String> {
        let shared = lock(&self.shared);
        if shared.fix.is_some() {
            return None;
        }
        let without =
            || format!("gpsd at {} is connected, and no receiver gives it a position", self.address);
        Some(shared.problem.clone().unwrap_or_else(without))
    }
}

impl Drop for Gpsd {
    fn drop(&mut self) {
        // Not waited for: it may stand in a connection for some seconds, and holds nothing that must be kept.
        self.stop.request();
    }
}

struct Listener {
    address: GpsdAddress,
    shared: Arc<Mutex<Shared>>,
    stop: Stop,
}

impl Listener {
    fn run(&self) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        let mut said = false;
        while !self.stop.requested() {
            let mut heard = false;
            let why = match self.listen(&mut heard) {
                Ok(()) => return,
                Err(error) => error.to_string(),
            };
            {
                let mut shared = lock(&self.shared);
                shared.fix = None;
                shared.problem = Some(format!("gpsd at {}: {why}", self.address));
            }
            if heard {
                backoff.succeeded();
                said = false;
            }
            // Said when it is lost, not at every further try.
            if !std::mem::replace(&mut said, true) {
                tracing::warn!(gpsd = %self.address, why, "gpsd is not there: no position until it is again");
            }
            if self.stop.wait(backoff.failed()) {
                return;
            }
        }
    }

    /// Listens until the box ends; an error is how the connection ended.
    fn listen(&self, heard: &mut bool) -> std::io::Result<()> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(READ))?;
        stream.set_write_timeout(Some(CONNECT))?;
        stream.write_all(b"?WATCH={\"enable\":true,\"json\":true};\n")?;
        let mut hearing = Hearing::default();
        let (mut last, mut asked) = (Instant::now(), false);
        let mut bytes = [0; 4096];
        while !self.stop.requested() {
            let n = match stream.read(&mut bytes) {
                Ok(0) => return Err(std::io::Error::other("it closed the connection")),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    match last.elapsed() {
                        silent if silent > SILENCE * 2 => {
                            return Err(std::io::Error::other("it does not answer any more"));
                        }
                        silent if silent > SILENCE && !asked => {
                            asked = true;
                            stream.write_all(b"?VERSION;\n")?;
                        }
                        _ => {}
                    }
                    continue;
                }
                Err(e) => return Err(e),
            };
            (last, asked) = (Instant::now(), false);
            let bad = hearing.bad;
            hearing.hear(bytes.get(..n).unwrap_or_default(), Utc::now());
            if bad == 0 && hearing.bad > 0 {
                tracing::warn!(gpsd = %self.address, "a line from gpsd cannot be read and is passed over; is it gpsd?");
            }
            if hearing.good > 0 && !std::mem::replace(heard, true) {
                tracing::info!(gpsd = %self.address, "gpsd connected");
                lock(&self.shared).problem = None;
            }
            lock(&self.shared).fix = hearing.fix();
        }
        Ok(())
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let mut why = std::io::Error::new(ErrorKind::NotFound, "its name has no address");
        for address in (self.address.host.as_str(), self.address.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => return Ok(stream),
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

#[cfg(test)]
#[path = "gpsd_tests.rs"]
mod tests;
