//! A small real RTSP server for tests: serves an Annex B file over TCP and UDP, asks for passwords, and
//! misbehaves on request. RFC 2326, RFC 6184 (H.264), RFC 7798 (H.265).

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How the server behaves.
#[derive(Clone)]
pub struct Options {
    /// Annex B files (`.h264` or `.h265` by their extension), played one after the other.
    pub files: Vec<PathBuf>,
    /// Frames per second it sends.
    pub fps: f64,
    /// Begin again at the end.
    pub repeat: bool,
    /// Asks for user and password.
    pub auth: Option<Auth>,
    /// What goes wrong.
    pub fault: Fault,
    /// Transports it allows.
    pub tcp: bool,
    pub udp: bool,
    /// TCP port; 0 takes a free one.
    pub port: u16,
}

impl Options {
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self {
            files: vec![file.into()],
            fps: 25.0,
            repeat: true,
            auth: None,
            fault: Fault::None,
            tcp: true,
            udp: true,
            port: 0,
        }
    }
}

#[derive(Clone)]
pub struct Auth {
    pub user: String,
    pub password: String,
    pub digest: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Accepts and never says a word.
    SilentAfterAccept,
    /// Sends nothing more after this many frames, but keeps the connection.
    StallAfter(usize),
    /// Closes the connection after this many frames.
    DropAfter(usize),
}

pub struct RtspServer {
    pub port: u16,
    stop: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
    /// Requests as they came, first lines and transports.
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl RtspServer {
    pub fn start(options: Options) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let streams = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let media = Arc::new(Media::load(&options.files));
        let thread = {
            let (stop, streams, requests) = (stop.clone(), streams.clone(), requests.clone());
            std::thread::spawn(move || {
                let mut sessions = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let Ok((stream, peer)) = listener.accept() else {
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    };
                    stream.set_nonblocking(false).unwrap();
                    streams.lock().unwrap().push(stream.try_clone().unwrap());
                    let (options, media, stop, requests) =
                        (options.clone(), media.clone(), stop.clone(), requests.clone());
                    sessions.push(std::thread::spawn(move || {
                        let ended = Arc::new(AtomicBool::new(false));
                        let session = Session { options, media, stop, ended: ended.clone(), requests, peer };
                        session.serve(stream);
                        ended.store(true, Ordering::SeqCst);
                    }));
                }
                for session in sessions {
                    let _ = session.join();
                }
            })
        };
        Self { port, stop, streams, thread: Some(thread), requests }
    }

    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/cam/main?x=1", self.port)
    }

    /// Ends every connection and the server.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The NAL units of each frame.
struct Media {
    h265: bool,
    frames: Vec<Vec<Vec<u8>>>,
}

impl Media {
    fn load(files: &[PathBuf]) -> Self {
        let h265 = files.iter().any(|f| f.extension().is_some_and(|e| e == "h265"));
        let mut frames = Vec::new();
        for file in files {
            let bytes = std::fs::read(file).unwrap();
            let mut frame: Vec<Vec<u8>> = Vec::new();
            let mut has_picture = false;
            for unit in annex_b(&bytes) {
                let kind = if h265 { unit[0] >> 1 & 0x3f } else { unit[0] & 0x1f };
                let picture = if h265 { kind < 32 } else { (1..=5).contains(&kind) };
                // The first slice of a picture has its first bit set behind the header (first_mb_in_slice
                // 0, first_slice_segment_in_pic_flag).
                let first = picture && unit[if h265 { 2 } else { 1 }] & 0x80 != 0;
                if has_picture && (first || !picture) {
                    frames.push(std::mem::take(&mut frame));
                    has_picture = false;
                }
                has_picture |= picture;
                frame.push(unit);
            }
            if has_picture {
                frames.push(frame);
            }
        }
        assert!(!frames.is_empty());
        Self { h265, frames }
    }

    /// RTP payloads of one NAL unit.
    fn payloads(&self, unit: &[u8]) -> Vec<Vec<u8>> {
        const MTU: usize = 1200;
        if unit.len() <= MTU {
            return vec![unit.to_vec()];
        }
        let header = if self.h265 { 2 } else { 1 };
        let chunks: Vec<&[u8]> = unit[header..].chunks(MTU).collect();
        let last = chunks.len() - 1;
        chunks
            .iter()
            .enumerate()
            .map(|(i, chunk)| {
                let edge = u8::from(i == 0) << 7 | u8::from(i == last) << 6;
                let mut out = if self.h265 {
                    vec![unit[0] & 0x81 | 49 << 1, unit[1], edge | unit[0] >> 1 & 0x3f]
                } else {
                    vec![unit[0] & 0xe0 | 28, edge | unit[0] & 0x1f]
                };
                out.extend_from_slice(chunk);
                out
            })
            .collect()
    }
}

fn annex_b(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 3 <= bytes.len() {
        if bytes[at..at + 3] == [0, 0, 1] {
            starts.push(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).map(|s| s - 3).chain([bytes.len()]);
    let trim = |unit: &[u8]| {
        let zeros = unit.iter().rev().take_while(|b| **b == 0).count();
        unit[..unit.len() - zeros].to_vec()
    };
    starts.iter().zip(ends).map(|(s, e)| trim(&bytes[*s..e])).filter(|u| u.len() > 2).collect()
}

struct Session {
    options: Options,
    media: Arc<Media>,
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<String>>>,
    peer: SocketAddr,
}

enum Way {
    Tcp(Arc<Mutex<TcpStream>>),
    Udp(UdpSocket, SocketAddr),
}

impl Session {
    fn over(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.ended.load(Ordering::SeqCst)
    }

    fn serve(&self, mut stream: TcpStream) {
        let out = Arc::new(Mutex::new(stream.try_clone().unwrap()));
        let mut way = None;
        let mut player: Option<JoinHandle<()>> = None;
        let mut buffer = Vec::new();
        let mut chunk = [0; 4096];
        'connection: loop {
            loop {
                if buffer.first() == Some(&b'$') {
                    if buffer.len() < 4 {
                        break;
                    }
                    let length = 4 + usize::from(u16::from_be_bytes([buffer[2], buffer[3]]));
                    if buffer.len() < length {
                        break;
                    }
                    buffer.drain(..length);
                    continue;
                }
                let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else { break };
                let request = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
                if self.options.fault == Fault::SilentAfterAccept {
                    continue;
                }
                let (reply, play) = self.answer(&request, &mut way, &out);
                if out.lock().unwrap().write_all(reply.as_bytes()).is_err() {
                    break 'connection;
                }
                if play && let Some(way) = way.take() {
                    let this = Self {
                        options: self.options.clone(),
                        media: self.media.clone(),
                        stop: self.stop.clone(),
                        ended: self.ended.clone(),
                        requests: self.requests.clone(),
                        peer: self.peer,
                    };
                    let out = out.clone();
                    player = Some(std::thread::spawn(move || this.play(way, &out)));
                }
            }
            match stream.read(&mut chunk) {
                Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
                _ => break,
            }
        }
        self.ended.store(true, Ordering::SeqCst);
        if let Some(player) = player {
            let _ = player.join();
        }
    }

    fn answer(&self, request: &str, way: &mut Option<Way>, out: &Arc<Mutex<TcpStream>>) -> (String, bool) {
        let header = |name: &str| {
            request
                .lines()
                .filter_map(|l| l.split_once(':'))
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.trim().to_owned())
        };
        let cseq = header("CSeq").unwrap_or_default();
        let first = request.lines().next().unwrap_or_default();
        let method = first.split(' ').next().unwrap_or_default();
        let uri = first.split(' ').nth(1).unwrap_or_default();
        let transport = header("Transport").unwrap_or_default();
        self.requests.lock().unwrap().push(format!("{first} {transport}"));
        let reply = |status: &str, more: &str, body: &str| {
            format!("RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
        };
        if method != "OPTIONS" && !self.authorized(header("Authorization"), method, uri) {
            let kind = match &self.options.auth {
                Some(Auth { digest: true, .. }) => "Digest realm=\"test cam\", nonce=\"f00dcafe\"",
                _ => "Basic realm=\"test cam\"",
            };
            return (reply("401 Unauthorized", &format!("WWW-Authenticate: {kind}\r\n"), ""), false);
        }
        match method {
            "OPTIONS" => (reply("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""), false),
            "DESCRIBE" => {
                let codec = if self.media.h265 { "H265" } else { "H264" };
                let sdp = format!(
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
                     a=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=control:track1\r\n"
                );
                let more = format!("Content-Base: {uri}/\r\nContent-Type: application/sdp\r\n");
                (reply("200 OK", &more, &sdp), false)
            }
            "SETUP" if transport.contains("RTP/AVP/TCP") && self.options.tcp => {
                *way = Some(Way::Tcp(out.clone()));
                let more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 7;timeout=60\r\n";
                (reply("200 OK", more, ""), false)
            }
            "SETUP" if transport.contains("client_port=") && self.options.udp => {
                let port: u16 = transport
                    .split("client_port=")
                    .nth(1)
                    .and_then(|p| p.split(['-', ';']).next())
                    .and_then(|p| p.parse().ok())
                    .unwrap();
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                let server_port = socket.local_addr().unwrap().port();
                let more = format!(
                    "Transport: RTP/AVP;unicast;client_port={port}-{};server_port={server_port}-{}\r\nSession: 7\r\n",
                    port + 1,
                    server_port + 1
                );
                *way = Some(Way::Udp(socket, SocketAddr::new(self.peer.ip(), port)));
                (reply("200 OK", &more, ""), false)
            }
            "SETUP" => (reply("461 Unsupported Transport", "", ""), false),
            "PLAY" => (reply("200 OK", "Session: 7\r\nRange: npt=0-\r\n", ""), true),
            "TEARDOWN" => {
                self.ended.store(true, Ordering::SeqCst);
                (reply("200 OK", "Session: 7\r\n", ""), false)
            }
            _ => (reply("200 OK", "Session: 7\r\n", ""), false),
        }
    }

    fn authorized(&self, given: Option<String>, method: &str, uri: &str) -> bool {
        let Some(Auth { user, password, digest }) = &self.options.auth else { return true };
        let Some(given) = given else { return false };
        if *digest {
            let ha1 = md5(&format!("{user}:test cam:{password}"));
            let ha2 = md5(&format!("{method}:{uri}"));
            given.starts_with("Digest ")
                && given.contains(&format!("response=\"{}\"", md5(&format!("{ha1}:f00dcafe:{ha2}"))))
        } else {
            let output = tool("base64", &["-w0"], format!("{user}:{password}").as_bytes());
            given == format!("Basic {}", output.trim())
        }
    }

    fn play(&self, way: Way, out: &Mutex<TcpStream>) {
        let started = Instant::now();
        let mut rtp_seq: u16 = 7;
        let mut sent = 0;
        'play: loop {
            for frame in &self.media.frames {
                match self.options.fault {
                    Fault::StallAfter(n) if sent >= n => {
                        while !self.over() {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    }
                    Fault::DropAfter(n) if sent >= n => break 'play,
                    _ => {}
                }
                let due = Duration::from_secs_f64(sent as f64 / self.options.fps);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
                if self.over() {
                    break 'play;
                }
                let time = (sent as f64 * 90_000.0 / self.options.fps) as u32;
                for (n, unit) in frame.iter().enumerate() {
                    let payloads = self.media.payloads(unit);
                    for (p, payload) in payloads.iter().enumerate() {
                        let last = n + 1 == frame.len() && p + 1 == payloads.len();
                        let mut packet = vec![0x80, 96 | u8::from(last) << 7];
                        packet.extend(rtp_seq.to_be_bytes());
                        packet.extend(time.to_be_bytes());
                        packet.extend([0, 0, 0, 42]);
                        packet.extend_from_slice(payload);
                        rtp_seq = rtp_seq.wrapping_add(1);
                        if !send(&way, &packet) {
                            break 'play;
                        }
                    }
                }
                sent += 1;
            }
            if !self.options.repeat {
                break;
            }
        }
        let _ = out.lock().unwrap().shutdown(Shutdown::Both);
    }
}

fn send(way: &Way, packet: &[u8]) -> bool {
    match way {
        Way::Tcp(stream) => {
            let mut framed = vec![b'$', 0];
            framed.extend((packet.len() as u16).to_be_bytes());
            framed.extend_from_slice(packet);
            stream.lock().unwrap().write_all(&framed).is_ok()
        }
        // What nobody takes is lost; that is what UDP is.
        Way::Udp(socket, to) => {
            let _ = socket.send_to(packet, to);
            true
        }
    }
}

/// Runs a tool of coreutils, so that what the product computes is checked by other code than its own.
fn tool(name: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut child =
        Command::new(name).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn md5(text: &str) -> String {
    tool("md5sum", &[], text.as_bytes()).split(' ').next().unwrap().to_owned()
}
