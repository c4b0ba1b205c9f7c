//! Passes RTSP between FFmpeg on the loopback interface and the camera; see the room's door for why.

use super::Trouble;
use super::message::{Message, Unit, first_unit};
use super::parameter_sets::ParameterSets;
use super::udp::{Reorder, Track, interleaved, receive};
use crate::capture::Transport;
use crate::capture::http_auth::Challenge;
use crate::capture::net::Cut;
use crate::runtime::Secret;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most requests that may wait for their reply; a client that sends more is not FFmpeg.
const MAX_PENDING: usize = 64;

/// Our half of the conversation with the camera.
#[derive(Debug)]
pub(super) struct Session {
    camera: TcpStream,
    credentials: Option<(String, Secret)>,
    /// The camera's last challenge and how often it was answered.
    challenge: Option<(Challenge, u32)>,
    cseq: u32,
    pending: VecDeque<Pending>,
}

/// A request that has no reply yet.
#[derive(Debug)]
struct Pending {
    cseq: u32,
    /// The number FFmpeg gave it; `None` for our own.
    client_cseq: Option<String>,
    request: Message,
    authorized: bool,
}

impl Session {
    pub fn new(camera: TcpStream, credentials: Option<(String, Secret)>) -> Self {
        Self { camera, credentials, challenge: None, cseq: 0, pending: VecDeque::new() }
    }

    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Sends a request under our own number, with authorization where the camera asked for it before.
    pub fn send(&mut self, mut request: Message, client_cseq: Option<String>) -> io::Result<()> {
        if self.pending.len() >= MAX_PENDING {
            return Err(ErrorKind::QuotaExceeded.into());
        }
        self.cseq = self.cseq.wrapping_add(1);
        request.set("CSeq", Some(self.cseq.to_string()));
        let authorization = match (&mut self.challenge, &self.credentials) {
            (Some((challenge, count)), Some((user, password))) => {
                let (method, uri) = request.request();
                let answer = challenge.answer(user, password, method, uri, *count);
                *count = count.wrapping_add(1);
                Some(answer)
            }
            _ => None,
        };
        let authorized = authorization.is_some();
        request.set("Authorization", authorization);
        self.camera.write_all(&request.to_bytes())?;
        self.pending.push_back(Pending { cseq: self.cseq, client_cseq, request, authorized });
        Ok(())
    }

    /// Finds the request that `reply` belongs to. `None` when it was a challenge that has been answered
    /// by sending the request again; else the reply under the number its sender knows.
    pub fn take_reply(&mut self, mut reply: Message) -> io::Result<Option<Message>> {
        let cseq = reply.header("CSeq").and_then(|n| n.trim().parse::<u32>().ok());
        let at = self.pending.iter().position(|p| Some(p.cseq) == cseq).unwrap_or(0);
        let Some(pending) = self.pending.remove(at) else { return Ok(Some(reply)) };
        if reply.status() == Some(401) && self.credentials.is_some() {
            let challenge = Challenge::strongest(reply.headers_named("WWW-Authenticate"));
            // A second refusal of the same nonce means a wrong password; asking on would lock the account.
            let fresh = match (&challenge, &self.challenge) {
                (Some(new), Some((old, _))) => !pending.authorized || (new != old && is_stale(&reply)),
                (Some(_), None) => true,
                (None, _) => false,
            };
            if let (true, Some(challenge)) = (fresh, challenge) {
                self.challenge = Some((challenge, 0));
                self.send(pending.request, pending.client_cseq)?;
                return Ok(None);
            }
        }
        reply.set("CSeq", pending.client_cseq);
        Ok(Some(reply))
    }
}

/// Whether the camera only wants a newer nonce (RFC 7616 section 3.3).
fn is_stale(reply: &Message) -> bool {
    reply.headers_named("WWW-Authenticate").any(|v| {
        let v = v.to_ascii_lowercase();
        v.contains("stale=true") || v.contains("stale=\"true\"")
    })
}

/// Both directions of one conversation.
pub(super) struct Relay {
    pub session: Mutex<Session>,
    /// `rtsp://host[:port]` as configured.
    pub camera_origin: String,
    /// `rtsp://127.0.0.1:port` as FFmpeg knows it.
    pub local_origin: String,
    pub transport: Transport,
    pub trouble: Arc<Mutex<Option<Trouble>>>,
    pub cut: Cut,
    /// The camera, where UDP packets come from.
    pub camera_ip: IpAddr,
    pub udp: Mutex<Udp>,
    /// Whether FFmpeg has been told that the stream begins: packets before that it would throw away.
    pub playing: AtomicBool,
    /// Those of the description, for each track to begin with.
    pub sets: Option<ParameterSets>,
}

/// Tracks over UDP.
#[derive(Debug, Default)]
pub(super) struct Udp {
    /// Asked for, not yet granted.
    asked: Option<Track>,
    /// Where FFmpeg's receiver reports on a channel go.
    reports: Vec<(u8, UdpSocket, SocketAddr)>,
}

impl Relay {
    /// Starts the relay's threads; they end when either side ends or the connection is cut.
    pub fn start(self, listener: TcpListener, camera: TcpStream, left_over: Vec<u8>) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let relay = Arc::new(self);
        std::thread::Builder::new().name("rtsp-relay-up".into()).spawn(move || {
            // Every way out of here ends in the cut, which OpenCV sees as the end of the stream.
            if let Ok(client) = relay.accept(&listener) {
                drop(listener);
                let _ = relay.both_ways(client, camera, left_over);
            }
            relay.cut.cut();
        })?;
        Ok(())
    }

    /// Waits for FFmpeg.
    fn accept(&self, listener: &TcpListener) -> io::Result<TcpStream> {
        loop {
            match listener.accept() {
                Ok((client, _)) => {
                    client.set_nonblocking(false)?;
                    client.set_nodelay(true)?;
                    self.cut.add(&client)?;
                    return Ok(client);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock && !self.cut.is_cut() => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn both_ways(
        self: &Arc<Self>,
        mut client: TcpStream,
        mut camera: TcpStream,
        left_over: Vec<u8>,
    ) -> io::Result<()> {
        let to_client = Arc::new(Mutex::new(client.try_clone()?));
        let down = {
            let (relay, to_client) = (Arc::clone(self), Arc::clone(&to_client));
            std::thread::Builder::new().name("rtsp-relay-down".into()).spawn(move || {
                let _ = relay.downwards(&mut camera, &to_client, left_over);
                relay.cut.cut();
            })?
        };
        let result = each_unit(&mut client, Vec::new(), |unit, raw| match unit {
            Unit::Interleaved(frame) if self.transport == Transport::Udp => {
                if let [_, channel, _, _, report @ ..] = frame {
                    for (_, socket, to) in lock(&self.udp).reports.iter().filter(|(c, ..)| c == channel) {
                        // A report that is lost is followed by the next.
                        let _ = socket.send_to(report, to);
                    }
                }
                Ok(())
            }
            Unit::Interleaved(_) => self.lock_session().camera.write_all(raw),
            Unit::Message(request) => self.upwards(request, &to_client),
        });
        self.cut.cut();
        let _ = down.join();
        result
    }

    /// A request of FFmpeg's.
    fn upwards(&self, mut request: Message, to_client: &Mutex<TcpStream>) -> io::Result<()> {
        let client_cseq = request.header("CSeq").map(str::to_owned);
        // FFmpeg tries UDP itself when the camera refuses TCP; that is not what was configured.
        let transport = request.header("Transport").filter(|_| request.request().0 == "SETUP");
        let unwanted = transport.is_some_and(|t| !t.to_ascii_uppercase().contains("RTP/AVP/TCP"));
        if unwanted {
            let refusal = Message {
                start: "RTSP/1.0 461 Unsupported Transport".into(),
                headers: client_cseq.map(|n| ("CSeq".into(), n)).into_iter().collect(),
                body: Vec::new(),
            };
            return lock(to_client).write_all(&refusal.to_bytes());
        }
        if let (Some(transport), Transport::Udp) = (transport, self.transport) {
            let channel = interleaved_channel(transport);
            let track = Track::bind(self.camera_ip, channel)?;
            let wanted = format!("RTP/AVP;unicast;client_port={}-{}", track.port, track.port + 1);
            request.set("Transport", Some(wanted));
            lock(&self.udp).asked = Some(track);
        }
        // FFmpeg knows only the relay's address; the camera may insist on its own.
        request.start = request.start.replacen(&self.local_origin, &self.camera_origin, 1);
        self.lock_session().send(request, client_cseq)
    }

    /// Everything the camera sends.
    fn downwards(
        self: &Arc<Self>,
        camera: &mut TcpStream,
        to_client: &Arc<Mutex<TcpStream>>,
        left_over: Vec<u8>,
    ) -> io::Result<()> {
        let mut sets = self.sets.clone();
        each_unit(camera, left_over, |unit, raw| match unit {
            Unit::Interleaved(frame) => {
                let packet = frame.get(4..).unwrap_or_default();
                self.check_format(&mut sets, packet)?;
                lock(to_client).write_all(raw)
            }
            Unit::Message(message) if message.status().is_none() => lock(to_client).write_all(raw),
            Unit::Message(reply) => {
                let method = {
                    let session = self.lock_session();
                    session.pending.front().map(|p| p.request.request().0.to_owned())
                };
                let Some(mut reply) = self.lock_session().take_reply(reply)? else { return Ok(()) };
                if reply.status().is_some_and(|s| s >= 400) {
                    let text = format!("{}: {}", method.as_deref().unwrap_or_default(), reply.status_text());
                    *lock(&self.trouble) = Some(Trouble::Refused(text));
                }
                // Taken in a statement of its own: the lock must be free again before `take_udp`.
                let is_grant = reply.status() == Some(200) && reply.header("Transport").is_some();
                let granted_track = if is_grant { lock(&self.udp).asked.take() } else { None };
                if let Some(track) = granted_track {
                    let granted =
                        format!("RTP/AVP/TCP;unicast;interleaved={}-{}", track.channel, track.channel + 1);
                    self.take_udp(track, &reply, to_client)?;
                    reply.set("Transport", Some(granted));
                }
                lock(to_client).write_all(&reply.to_bytes())?;
                if method.as_deref() == Some("PLAY") && reply.status() == Some(200) {
                    self.playing.store(true, Ordering::Release);
                }
                Ok(())
            }
        })
    }

    /// Starts to hand on what the camera sends over UDP for a track it has granted.
    fn take_udp(
        self: &Arc<Self>,
        track: Track,
        reply: &Message,
        to_client: &Arc<Mutex<TcpStream>>,
    ) -> io::Result<()> {
        let (from, reports_to) =
            track.open_way(reply, self.camera_ip).ok_or(io::Error::from(ErrorKind::InvalidData))?;
        let Track { rtp, rtcp, channel, .. } = track;
        lock(&self.udp).reports.push((channel + 1, rtcp.try_clone()?, reports_to));
        for (socket, channel, is_media) in [(rtp, channel, true), (rtcp, channel + 1, false)] {
            let (relay, to_client) = (Arc::clone(self), Arc::clone(to_client));
            std::thread::Builder::new().name("rtsp-relay-udp".into()).spawn(move || {
                // The socket keeps what comes meanwhile.
                while !relay.playing.load(Ordering::Acquire) && !relay.cut.is_cut() {
                    std::thread::sleep(Duration::from_millis(2));
                }
                let (mut order, mut sets) = (Reorder::default(), relay.sets.clone());
                let _ = receive(
                    &socket,
                    from.ip(),
                    || !relay.cut.is_cut(),
                    |packet| {
                        let packets = if is_media { order.push(packet) } else { vec![packet.to_vec()] };
                        for packet in packets {
                            if is_media {
                                relay.check_format(&mut sets, &packet)?;
                            }
                            if let Some(frame) = interleaved(channel, &packet) {
                                lock(&to_client).write_all(&frame)?;
                            }
                        }
                        Ok(())
                    },
                );
                relay.cut.cut();
            })?;
        }
        Ok(())
    }

    /// Fails, which ends the stream, when an RTP packet changes the picture's format.
    fn check_format(&self, sets: &mut Option<ParameterSets>, packet: &[u8]) -> io::Result<()> {
        if sets.as_mut().is_some_and(|s| s.changed_by(packet)) {
            *lock(&self.trouble) = Some(Trouble::FormatChanged);
            return Err(ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    fn lock_session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }
}

/// The first channel of `interleaved=a-b`.
pub(super) fn interleaved_channel(transport: &str) -> u8 {
    let field = transport.split(';').find_map(|f| f.trim().strip_prefix("interleaved="));
    field.and_then(|f| f.split('-').next()?.parse().ok()).filter(|c| *c < u8::MAX).unwrap_or(0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads `from` to its end and hands over each unit with its bytes.
fn each_unit(
    from: &mut TcpStream,
    mut buffer: Vec<u8>,
    mut take: impl FnMut(Unit<'_>, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let mut used = 0;
        loop {
            let rest = buffer.get(used..).unwrap_or_default();
            match first_unit(rest).map_err(|_| io::Error::from(ErrorKind::InvalidData))? {
                Some((unit, length)) => {
                    take(unit, rest.get(..length).unwrap_or_default())?;
                    used += length;
                }
                None => break,
            }
        }
        buffer.drain(..used);
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(n) => buffer.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
