//! Live cameras against real servers on loopback: RTSP and HTTP, well and badly behaved.

use crate::rtsp_server::{Auth, Fault, Options, RtspServer};
use platewatch::capture::{self, CaptureEvent, CaptureEvents, FrameSink, Settings, Source, Transport, probe};
use platewatch::domain::{CameraId, Frame};
use platewatch::runtime::{Secret, Stop};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A video made by FFmpeg; `None` (and a line that says so) where there is none.
pub fn video(dir: &Path, name: &str, size: &str, arguments: &[&str]) -> Option<PathBuf> {
    let path = dir.join(name);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=size={size}:rate=25:duration=2"))
        .args(["-pix_fmt", "yuv420p"])
        .args(arguments)
        .arg(&path)
        .status();
    match made {
        Ok(status) => {
            assert!(status.success(), "ffmpeg could not make {name}");
            Some(path)
        }
        Err(_) => {
            println!("skipped: ffmpeg is not installed");
            None
        }
    }
}

fn h264(dir: &Path, size: &str) -> Option<PathBuf> {
    let arguments = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10"];
    video(dir, &format!("{size}.h264"), size, &arguments)
}

/// Takes a number of frames, then asks for the end; remembers what happened.
pub struct Watcher {
    wanted: usize,
    pub stop: Stop,
    seen: Mutex<Seen>,
}

#[derive(Default)]
pub struct Seen {
    /// Number, width and height of each frame.
    pub frames: Vec<(u64, u32, u32)>,
    /// When each was taken, in Unix ms.
    pub times: Vec<i64>,
    pub events: Vec<String>,
}

impl Watcher {
    pub fn new(wanted: usize) -> Self {
        Self { wanted, stop: Stop::new(), seen: Mutex::default() }
    }

    pub fn run(&self, settings: &Settings) -> Seen {
        capture::run(settings, self, self, &self.stop).unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl FrameSink for Watcher {
    fn offer(&self, frame: Frame) -> bool {
        let mut seen = self.seen.lock().unwrap();
        seen.times.push(frame.stamp.captured_at.unix_ms());
        seen.frames.push((frame.stamp.seq, frame.image.width(), frame.image.height()));
        seen.frames.len() < self.wanted
    }
}

impl CaptureEvents for Watcher {
    fn event(&self, _: &CameraId, event: CaptureEvent<'_>) {
        let text = match &event {
            CaptureEvent::Failed(error) => format!("Failed {error}"),
            other => format!("{other:?}"),
        };
        self.seen.lock().unwrap().events.push(text);
    }
}

pub fn camera(source: Source) -> Settings {
    Settings {
        camera: CameraId::new("test"),
        source,
        open_timeout: Duration::from_secs(3),
        read_timeout: Duration::from_secs(2),
        reconnect: (Duration::from_millis(50), Duration::from_millis(200)),
        position: None,
    }
}

fn rtsp(server: &RtspServer, transport: Transport, credentials: Option<(&str, &str)>) -> Settings {
    camera(Source::Rtsp {
        url: server.url(),
        transport,
        credentials: credentials.map(|(u, p)| (u.to_owned(), Secret::new(p.to_owned()))),
    })
}

pub fn assert_has(seen: &Seen, word: &str) {
    assert!(seen.events.iter().any(|e| e.contains(word)), "no {word:?} in {:#?}", seen.events);
}

#[test]
fn rtsp_h264_over_tcp_and_udp_and_h265() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "320x240") else { return };
    let h265 = video(
        dir.path(),
        "v.h265",
        "320x240",
        &["-c:v", "libx265", "-preset", "ultrafast", "-g", "10", "-x265-params", "log-level=error"],
    );
    for (file, transport, way) in [
        (file.clone(), Transport::Tcp, "RTP/AVP/TCP"),
        (file, Transport::Udp, "RTP/AVP;unicast;client_port"),
        (h265.unwrap(), Transport::Tcp, "RTP/AVP/TCP"),
    ] {
        let server = RtspServer::start(Options::of(&file));
        let seen = Watcher::new(60).run(&rtsp(&server, transport, None));
        assert_eq!(seen.frames.len(), 60, "{file:?} {transport:?} {:#?}", seen.events);
        assert!(seen.frames.iter().enumerate().all(|(i, f)| *f == (i as u64, 320, 240)));
        let requests = server.requests.lock().unwrap();
        let setups: Vec<_> = requests.iter().filter(|r| r.starts_with("SETUP")).collect();
        assert!(!setups.is_empty() && setups.iter().all(|s| s.contains(way)), "{setups:?}");
    }
}

#[test]
fn passwords_with_odd_characters_open_and_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "160x120") else { return };
    let password = "p@ss:w/ö%20\"rd\\#?";
    for digest in [true, false] {
        let auth = Auth { user: "operator".into(), password: password.into(), digest };
        let server = RtspServer::start(Options { auth: Some(auth), ..Options::of(&file) });
        let good = rtsp(&server, Transport::Tcp, Some(("operator", password)));
        assert_eq!(probe(&good).unwrap().width, 160);
        let bad = rtsp(&server, Transport::Tcp, Some(("operator", "wrong-one")));
        let error = probe(&bad).unwrap_err().to_string();
        assert!(error.contains("does not accept the user and password"), "{error}");
        assert!(!error.contains("wrong-one"));
        let none = probe(&rtsp(&server, Transport::Tcp, None)).unwrap_err().to_string();
        assert!(none.contains("wants a user and password"), "{none}");
    }
}

#[test]
fn a_transport_the_camera_does_not_allow_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "160x120") else { return };
    let server = RtspServer::start(Options { tcp: false, ..Options::of(&file) });
    let error = probe(&rtsp(&server, Transport::Tcp, None)).unwrap_err().to_string();
    assert!(error.contains("461") && error.contains("transport"), "{error}");
    assert_eq!(probe(&rtsp(&server, Transport::Udp, None)).unwrap().height, 120);
}

#[test]
fn a_camera_that_says_nothing_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "160x120") else { return };
    let silent = RtspServer::start(Options { fault: Fault::SilentAfterAccept, ..Options::of(&file) });
    let error = probe(&rtsp(&silent, Transport::Tcp, None)).unwrap_err().to_string();
    assert!(error.contains("did not answer within"), "{error}");

    for transport in [Transport::Tcp, Transport::Udp] {
        let stalling = RtspServer::start(Options { fault: Fault::StallAfter(30), ..Options::of(&file) });
        // Frames of a second session come only after the first one's stall was noticed.
        let seen = Watcher::new(40).run(&rtsp(&stalling, transport, None));
        assert_eq!(seen.frames.len(), 40, "{transport:?} {:#?}", seen.events);
        assert_has(&seen, "Stalled");
        assert_has(&seen, "sent no frame for");
    }
}

#[test]
fn a_stalled_camera_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "160x120") else { return };
    for (fault, transport) in [
        (Fault::SilentAfterAccept, Transport::Tcp),
        (Fault::StallAfter(15), Transport::Tcp),
        (Fault::StallAfter(15), Transport::Udp),
    ] {
        let server = RtspServer::start(Options { fault, ..Options::of(&file) });
        let mut settings = rtsp(&server, transport, None);
        (settings.open_timeout, settings.read_timeout) = (Duration::from_secs(60), Duration::from_secs(60));
        let watcher = Watcher::new(usize::MAX);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| watcher.run(&settings));
            std::thread::sleep(Duration::from_millis(1500));
            let asked = Instant::now();
            watcher.stop.request();
            running.join().unwrap();
            // Far below the time-outs of 60 s, far above what a loaded machine needs.
            assert!(asked.elapsed() < Duration::from_secs(20));
        });
    }
}

#[test]
fn a_camera_that_goes_and_comes_back_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = h264(dir.path(), "160x120") else { return };
    let Some(larger) = h264(dir.path(), "320x240") else { return };
    let mut server = RtspServer::start(Options { fault: Fault::DropAfter(20), ..Options::of(&file) });
    let settings = rtsp(&server, Transport::Tcp, None);
    let port = server.port;
    let watcher = Watcher::new(60);
    let seen = std::thread::scope(|scope| {
        let running = scope.spawn(|| watcher.run(&settings));
        while watcher.seen.lock().unwrap().frames.len() < 10 {
            std::thread::sleep(Duration::from_millis(20));
        }
        server.stop();
        while !watcher.seen.lock().unwrap().events.iter().any(|e| e.contains("refuses")) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _again = RtspServer::start(Options { port, ..Options::of(&larger) });
        running.join().unwrap()
    });
    assert!(seen.frames.iter().enumerate().all(|(i, f)| f.0 == i as u64));
    assert_has(&seen, "ended its stream");
    assert_has(&seen, "ResolutionChanged { from: (160, 120), to: (320, 240) }");
}

#[test]
fn a_resolution_that_changes_in_flight_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (Some(small), Some(large)) = (h264(dir.path(), "160x120"), h264(dir.path(), "320x240")) else {
        return;
    };
    for files in [vec![small.clone(), large.clone()], vec![large, small]] {
        let first = if files[0].ends_with("160x120.h264") { 160 } else { 320 };
        let server = RtspServer::start(Options { files, ..Options::of("") });
        for transport in [Transport::Tcp, Transport::Udp] {
            let seen = Watcher::new(70).run(&rtsp(&server, transport, None));
            assert!(seen.frames.iter().all(|f| f.1 == first || f.1 == 480 - first));
            assert_has(&seen, "changed its picture format");
        }
    }
}

/// Serves `parts` as MJPEG, again and again, to whoever shows `authorization`.
fn mjpeg_server(parts: Vec<Vec<u8>>, with_length: bool, authorization: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap();
            if authorization.is_some_and(|a| !request.contains(&format!("Authorization: {a}\r\n"))) {
                let _ = stream
                    .write_all(b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n");
                continue;
            }
            let _ = stream.write_all(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
            );
            'serve: loop {
                for part in &parts {
                    let length = if with_length {
                        format!("Content-Length: {}\r\n", part.len())
                    } else {
                        String::new()
                    };
                    let head = format!("--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n");
                    let all = [head.as_bytes(), part, b"\r\n"].concat();
                    if stream.write_all(&all).is_err() {
                        break 'serve;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    });
    port
}

#[test]
fn mjpeg_with_and_without_lengths_and_password() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = video(dir.path(), "small.jpg", "160x120", &["-frames:v", "1"]) else { return };
    let large = video(dir.path(), "large.jpg", "320x240", &["-frames:v", "1"]).unwrap();
    let (small, large) = (std::fs::read(small).unwrap(), std::fs::read(large).unwrap());
    for with_length in [true, false] {
        let parts = vec![small.clone(), large.clone(), b"no jpeg at all \xff\xd9".to_vec()];
        // base64 of "me:p@ss:wörd"
        let port = mjpeg_server(parts, with_length, Some("Basic bWU6cEBzczp3w7ZyZA=="));
        let source = |password: &str| {
            camera(Source::Mjpeg {
                url: format!("http://127.0.0.1:{port}/video.cgi?fps=5"),
                credentials: Some(("me".into(), Secret::new(password.into()))),
            })
        };
        let seen = Watcher::new(6).run(&source("p@ss:wörd"));
        let widths: Vec<u32> = seen.frames.iter().map(|f| f.1).collect();
        assert_eq!(widths, [160, 320, 160, 320, 160, 320], "{:#?}", seen.events);
        assert_has(&seen, "BadFrame");
        assert_has(&seen, "ResolutionChanged");
        let error = probe(&source("other")).unwrap_err().to_string();
        assert!(error.contains("does not accept the user and password"), "{error}");
    }
}
