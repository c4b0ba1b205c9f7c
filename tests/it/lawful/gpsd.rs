//! A car whose place comes from the real gpsd, which is fed the sentences of a receiver.

use super::lawbox::*;
use crate::world::*;
use platewatch::domain::Utc;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where Debian puts it; `None`, said in one line, where it is not installed.
fn gpsd_program() -> Option<&'static Path> {
    let found = Some(Path::new("/usr/sbin/gpsd")).filter(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: gpsd is not installed (scripts/setup.sh --tests)");
    }
    found
}

/// A sentence with its check sum.
fn nmea(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, b| sum ^ b);
    format!("${body}*{sum:02X}\r\n")
}

/// Degrees as `DDMM.MMMM`.
fn minutes(degrees: f64, digits: usize) -> String {
    let whole = degrees.trunc();
    format!("{:0digits$}{:08.5}", whole as u32, (degrees - whole) * 60.0)
}

/// What a receiver says at this moment, driving north at 20 knots.
fn sentences(latitude: f64) -> String {
    let now = Utc::now().to_string();
    let time = format!("{}{}{}.{}", &now[11..13], &now[14..16], &now[17..19], &now[20..22]);
    let date = format!("{}{}{}", &now[8..10], &now[5..7], &now[2..4]);
    let (lat, lon) = (minutes(latitude, 2), minutes(4.402, 3));
    nmea(&format!("GPGGA,{time},{lat},N,{lon},E,1,09,0.9,12.0,M,47.0,M,,"))
        + &nmea("GPGSA,A,3,04,05,09,12,17,20,24,25,28,,,,1.5,0.9,1.2")
        + &nmea(&format!("GPRMC,{time},A,{lat},N,{lon},E,020.0,000.0,{date},,,A"))
}

/// A receiver that drives towards where it is told, over TCP, for gpsd to connect to; it ends with the test.
struct Receiver {
    port: u16,
    towards: Arc<Mutex<f64>>,
}

impl Receiver {
    fn at(latitude: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let towards = Arc::new(Mutex::new(latitude));
        let (there, here) = (towards.clone(), Arc::new(Mutex::new(latitude)));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (there, here) = (there.clone(), here.clone());
                std::thread::spawn(move || {
                    loop {
                        let latitude = {
                            let mut here = here.lock().unwrap();
                            *here += (*there.lock().unwrap() - *here).clamp(-0.0006, 0.0006);
                            *here
                        };
                        if stream.write_all(sentences(latitude).as_bytes()).is_err() {
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(250));
                    }
                });
            }
        });
        Self { port, towards }
    }

    fn drive_to(&self, latitude: f64) {
        *self.towards.lock().unwrap() = latitude;
    }
}

fn gpsd(program: &Path, port: u16, receiver: &Receiver) -> Process {
    let child = Command::new(program)
        .args(["-N", "-n", "-S", &port.to_string(), &format!("tcp://127.0.0.1:{}", receiver.port)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Process(child)
}

/// A live camera over HTTP that shows the vehicle for as long as somebody looks; its port.
fn live_camera(all: &LawBox) -> u16 {
    let picture = all.path("frame.jpg");
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i"])
        .arg(root().join("samples/pictures/street-1.jpg"))
        .args(["-vf", "crop=960:540:960:540", "-q:v", "2"])
        .arg(&picture)
        .status()
        .expect("ffmpeg is installed: run scripts/setup.sh --tests");
    assert!(made.success());
    let jpeg = std::fs::read(picture).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let jpeg = jpeg.clone();
            std::thread::spawn(move || {
                let mut request = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while request.read_line(&mut line).is_ok_and(|n| n > 2) {
                    line.clear();
                }
                let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n";
                let part =
                    format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
                let mut whole = part.into_bytes();
                whole.extend_from_slice(&jpeg);
                whole.extend_from_slice(b"\r\n");
                let mut went = stream.write_all(head.as_bytes());
                while went.is_ok() {
                    went = stream.write_all(&whole);
                    std::thread::sleep(Duration::from_millis(300));
                }
            });
        }
    });
    port
}

#[test]
fn a_car_with_gpsd_looks_only_inside_its_area_and_only_while_gpsd_says_where_it_is() {
    let Some(program) = gpsd_program() else { return };
    let mut all = LawBox::new();
    all.mandate(
        "gr-1",
        &MANDATE.replace("[\"fixed\"]", "[\"mobile\"]").replace("radius_m = 50", "radius_m = 200"),
    );
    let port = free_port();
    all.law += &format!("positions = \"gpsd://127.0.0.1:{port}\"\n");
    let camera = live_camera(&all);
    all.cameras = format!(
        "[[cameras]]\nname = \"gate\"\nmjpeg = \"http://127.0.0.1:{camera}/\"\nmandate = \"GR-1\"\ntype = \"mobile\"\n"
    );
    all.list("stolen", "purposes = [\"crimes-and-offences\"]\n");

    // No gpsd yet.
    let (mut process, log) = all.start_with(&["--officer", "4711"]);
    all.until_state("gate", "pause", "no-position");
    eventually("it is said once", || log.has("gpsd is not there").then_some(()));
    let receiver = Receiver::at(51.219);
    let first = gpsd(program, port, &receiver);
    all.until_state("gate", "use", "");
    eventually("a hit", || all.try_rows("SELECT id FROM hit").ok().filter(|r| !r.is_empty()));

    // Out of the area and back.
    let reads_on = || {
        let before = all.readings("gate");
        eventually("it reads on", || (all.readings("gate") >= before + 4).then_some(()));
    };
    receiver.drive_to(51.224);
    all.until_state("gate", "pause", "outside-area");
    receiver.drive_to(51.219);
    all.until_state("gate", "use", "");
    reads_on();

    // gpsd dies, and comes back.
    drop(first);
    all.until_state("gate", "pause", "no-position");
    let died = Utc::now();
    eventually("it is said", || log.has("the vehicle's position is not known any more").then_some(()));
    let _second = gpsd(program, port, &receiver);
    all.until_state("gate", "use", "");
    reads_on();
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));

    // What was seen carries where: inside the area, with course and time; the hits' messages say it too.
    let outside =
        "longitude IS NULL OR abs(longitude - 4.402) > 0.0001 OR latitude NOT BETWEEN 51.217 AND 51.221";
    assert!(all.rows("SELECT count(*) FROM passage")[0].parse::<u32>().unwrap() >= 2);
    assert_eq!(all.rows(&format!("SELECT count(*) FROM passage WHERE {outside}")), ["0"]);
    assert_eq!(all.rows("SELECT count(*) FROM passage WHERE heading IS NULL OR accuracy_m IS NULL"), ["0"]);
    let told =
        "SELECT json_extract(payload, '$.data.position.coordinates[1]') FROM outbox WHERE kind = 'hit'";
    let told = all.rows(told);
    assert!(!told.is_empty() && told.iter().all(|l| l.starts_with("51.2")), "{told:?}");
    // Nothing was seen while nobody said where it was.
    let back: i64 = all.rows("SELECT max(began_at) FROM use_period WHERE state = 'use'")[0].parse().unwrap();
    let between =
        format!("SELECT count(*) FROM passage WHERE first_seen BETWEEN {} AND {}", died.unix_ms(), back - 1);
    assert_eq!(all.rows(&between), ["0"]);
    let why = all.rows("SELECT DISTINCT explanation FROM use_period WHERE reason = 'no-position'");
    assert!(why[0].contains("the vehicle's position is not known"), "{why:?}");
}
