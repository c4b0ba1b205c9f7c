//! The console over real HTTP on loopback.

use super::super::view::{AnswerError, AnswerView, HitView, NewAnswer, PictureRef, Status};
use super::*;
use crate::domain::{CameraId, ClockSource, Country, Direction, HitState, MatchKind, Outcome};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;

struct Fixed {
    hits: Result<Vec<HitView>, String>,
    jpeg: Vec<u8>,
}

impl HitSource for Fixed {
    fn recent_hits(&self, limit: usize) -> Result<Vec<HitView>, String> {
        self.hits.clone().map(|hits| hits.into_iter().take(limit).collect())
    }

    fn picture(&self, sha256: &str) -> Option<Vec<u8>> {
        // Panics on anything a caller should have refused.
        assert!(is_sha256(sha256), "{sha256} reached the source");
        (sha256 == "ab".repeat(32)).then(|| self.jpeg.clone())
    }
}

fn hit() -> HitView {
    let at = "2026-11-23T08:15:00Z".parse::<Utc>().unwrap();
    let picture = |sha: &str| PictureRef { sha256: sha.repeat(32), width: 240, height: 60 };
    HitView {
        id: "01936b5e-0000-7000-8000-000000000001".into(),
        state: HitState::New,
        kind: MatchKind::Resolved,
        probability: 0.973,
        matched: "1ABC230".into(),
        observed: "1ABC23O".into(),
        country: Some(Country::BE),
        category: "stolen-vehicle".into(),
        priority: 10,
        case: "BR.11.L1.000123/2026".into(),
        instruction: "<script>alert(1)</script> \"stop\" & 'check'".into(),
        camera: CameraId::new("gate-north"),
        first_seen: at,
        last_seen: at.plus_ms(900),
        direction: Some(Direction::Away),
        lane: Some("<left>".into()),
        contradictory: true,
        clock: ClockSource::Ntp,
        decided_at: at.plus_ms(400),
        list: "national".into(),
        list_sha256: "cd".repeat(32),
        list_loaded_at: at.plus_ms(-3_600_000),
        plate_picture: Some(picture("ab")),
        context_picture: Some(picture("ef")),
        late: false,
        answer: None,
    }
}

/// Keeps answers in memory.
#[derive(Default)]
struct Kept(Mutex<Vec<NewAnswer>>);

impl AnswerSink for Kept {
    fn answer(&self, answer: NewAnswer) -> Result<(), AnswerError> {
        if answer.hit.to_string() != HIT {
            return Err(AnswerError::UnknownHit);
        }
        if answer.by == "full" {
            return Err(AnswerError::Failed("disk <gone>".into()));
        }
        if answer.by.is_empty() {
            return Err(AnswerError::Refused("who answers is missing".into()));
        }
        self.0.lock().unwrap().push(answer);
        Ok(())
    }
}

const HIT: &str = "01936b5e-0000-7000-8000-000000000001";

struct Running {
    answers: Arc<Kept>,
    console: Option<ConsoleThread>,
    stop: Stop,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(console) = self.console.take() {
            console.join().unwrap();
        }
    }
}

fn run_with(page: bool, hits: Result<Vec<HitView>, String>, problems: &[&str]) -> Running {
    start_with(page, false, hits, problems)
}

fn start_with(page: bool, answering: bool, hits: Result<Vec<HitView>, String>, problems: &[&str]) -> Running {
    let problems: Vec<String> = problems.iter().map(|p| (*p).to_owned()).collect();
    let answers = Arc::new(Kept::default());
    let sources = Sources {
        zone: "zone <1>".into(),
        box_id: "car-7".into(),
        hits: Arc::new(Fixed { hits, jpeg: vec![0xff, 0xd8, 0xff, 0xd9] }),
        status: Arc::new(move || Status { problems: problems.clone() }),
        answers: Arc::clone(&answers) as Arc<dyn AnswerSink>,
        door: None,
        note: String::new(),
    };
    let metrics = Metrics::new();
    metrics.frame_received(&CameraId::new("gate-north"));
    metrics.hit("national", MatchKind::Exact);
    let settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), page, answers: answering };
    let stop = Stop::new();
    let console = start(&settings, sources, metrics, stop.clone()).unwrap();
    let address = console.address();
    Running { answers, console: Some(console), stop, address }
}

fn run() -> Running {
    run_with(true, Ok(vec![hit()]), &[])
}

struct Answer {
    code: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends the bytes as they are, so that nothing cleans the path on the way.
fn raw(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let cut = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..cut].to_vec()).unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { code, head, body: all[cut + 4..].to_vec() }
}

fn get(running: &Running, path: &str) -> Answer {
    let host = running.address;
    raw(running.address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
}

#[test]
fn metrics_are_openmetrics_text() {
    let answer = get(&run(), "/metrics");
    assert_eq!(answer.code, 200);
    assert!(
        answer.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("platewatch_") && value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(text.contains("platewatch_frames_received_total{camera=\"gate-north\"} 1"));
    assert!(!text.contains("1ABC23"), "a plate in the metrics");
}

#[test]
fn health_says_why_it_is_not_well() {
    assert_eq!(get(&run(), "/healthz").code, 200);
    let answer = get(&run_with(true, Ok(vec![]), &["camera \"x\": no frames"]), "/healthz");
    assert_eq!(answer.code, 503);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["reasons"], serde_json::json!(["camera \"x\": no frames"]));
}

#[test]
fn texts_from_lists_are_never_markup() {
    let running = run();
    let page = get(&running, "/");
    assert_eq!(page.code, 200);
    let json: serde_json::Value = serde_json::from_slice(&get(&running, "/hits.json").body).unwrap();
    for html in [page.text(), json["hits"][0]["html"].as_str().unwrap()] {
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;stop&quot; &amp; &#39;check&#39;")
        );
        assert!(html.contains("1ABC23<mark>O</mark>") && html.contains(">1ABC230<") && html.contains("97.3"));
    }
    assert!(page.text().contains("zone &lt;1&gt;"));
    assert_eq!(json["hits"][0]["observed"], "1ABC23O");
}

#[test]
fn every_answer_carries_the_strict_headers() {
    let running = run();
    for path in ["/", "/metrics", "/nothing", "/pictures/x.jpg", "/console.js"] {
        let answer = get(&running, path);
        let csp = answer.header("content-security-policy").unwrap();
        assert!(csp.starts_with("default-src 'none'") && !csp.contains("unsafe"), "{path}: {csp}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    // What the policy forbids must not be what the page needs.
    let page = get(&running, "/");
    assert!(!page.text().contains("style=") && !page.text().contains("<style"));
    assert_eq!(page.text().matches("<script").count(), 1);
}

#[test]
fn pictures_go_by_hash_and_by_nothing_else() {
    let running = run();
    let good = get(&running, &format!("/pictures/{}.jpg", "ab".repeat(32)));
    assert_eq!((good.code, good.body.as_slice()), (200, [0xff, 0xd8, 0xff, 0xd9].as_slice()));
    assert_eq!(good.header("content-type"), Some("image/jpeg"));
    assert!(good.header("cache-control").unwrap().contains("immutable"));
    for bad in [
        "/pictures/../../etc/passwd".to_owned(),
        "/pictures/..%2f..%2fetc%2fpasswd".to_owned(),
        "/pictures/%2e%2e/secret.jpg".to_owned(),
        "/pictures/..%2f..%2fplatewatch.db.jpg".to_owned(),
        format!("/pictures/{}", "ab".repeat(32)),
        format!("/pictures/{}.jpg", "AB".repeat(32)),
        format!("/pictures/{}.jpg", "ab".repeat(31)),
        format!("/pictures/{}%00.jpg", "ab".repeat(32)),
        format!("/pictures/{}.jpg", "00".repeat(32)),
    ] {
        assert_eq!(get(&running, &bad).code, 404, "{bad}");
    }
}

#[test]
fn a_foreign_host_name_is_refused_on_loopback() {
    let running = run();
    for (host, code) in [("evil.example", 421), ("localhost", 200), ("127.0.0.1.evil.example", 421)] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(running.address, &request);
        assert_eq!(answer.code, code, "{host}");
        assert!(code == 200 || !answer.text().contains("1ABC230"), "{host}");
    }
    let twice = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_ne!(raw(running.address, twice).code, 200);
}

#[test]
fn it_is_read_only() {
    let running = run();
    for method in ["POST", "PUT", "DELETE"] {
        let host = running.address;
        let request =
            format!("{method} / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_eq!(raw(running.address, &request).code, 405, "{method}");
    }
}

fn post(running: &Running, path: &str, origin: &str, kind: &str, body: &str) -> Answer {
    let host = running.address;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    raw(running.address, &request)
}

#[test]
fn an_answer_given_on_the_page_is_kept() {
    let running = start_with(true, true, Ok(vec![hit()]), &[]);
    let (own, path) = (format!("http://{}", running.address), format!("/hits/{HIT}/outcome"));
    let body = r#"{"outcome":"misread","by":"Peeters","note":"8 for B"}"#;
    assert_eq!(post(&running, &path, &own, "application/json", body).code, 204);
    let kept = running.answers.0.lock().unwrap().clone();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].outcome, kept[0].by.as_str(), kept[0].note.as_str()),
        (Outcome::Misread, "Peeters", "8 for B")
    );

    for (path, body, code, word) in [
        (path.as_str(), r#"{"outcome":"wrong","by":"P"}"#, 400, "one of confirmed"),
        (path.as_str(), r#"{"outcome":"misread"}"#, 400, "JSON"),
        (path.as_str(), r#"{"outcome":"misread","by":"P","admin":true}"#, 400, "JSON"),
        (path.as_str(), "outcome=misread&by=P", 400, "JSON"),
        (path.as_str(), r#"{"outcome":"misread","by":""}"#, 400, "who answers"),
        (path.as_str(), r#"{"outcome":"misread","by":"full"}"#, 503, "Try again"),
        (
            "/hits/01936b5e-0000-7000-8000-000000000002/outcome",
            r#"{"outcome":"misread","by":"P"}"#,
            404,
            "no such hit",
        ),
        ("/hits/x/outcome", r#"{"outcome":"misread","by":"P"}"#, 404, "no such hit"),
    ] {
        let answer = post(&running, path, &own, "application/json", body);
        assert_eq!(answer.code, code, "{path} {body}: {}", answer.text());
        assert!(answer.text().contains(word) && !answer.text().contains("disk"), "{body}: {}", answer.text());
    }
    let long = format!(r#"{{"outcome":"misread","by":"{}"}}"#, "x".repeat(9_000));
    assert_eq!(post(&running, &path, &own, "application/json", &long).code, 413);
    assert_eq!(running.answers.0.lock().unwrap().len(), 1);
}

#[test]
fn other_pages_cannot_answer_through_an_operators_browser() {
    let running = start_with(true, true, Ok(vec![hit()]), &[]);
    let (own, path) = (format!("http://{}", running.address), format!("/hits/{HIT}/outcome"));
    let body = r#"{"outcome":"dismissed","by":"mallory"}"#;
    for (origin, kind) in [
        ("http://evil.example", "application/json"),
        ("null", "application/json"),
        (own.as_str(), "text/plain"),
        (own.as_str(), "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(post(&running, &path, origin, kind, body).code, 403, "{origin} {kind}");
    }
    // A browser asks before it sends JSON elsewhere; nobody says yes.
    let asked = format!(
        "OPTIONS {path} HTTP/1.1\r\nHost: {}\r\nOrigin: http://evil.example\r\n\
         Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
        running.address
    );
    let answer = raw(running.address, &asked);
    assert!(answer.header("access-control-allow-origin").is_none(), "{}", answer.head);
    assert!(running.answers.0.lock().unwrap().is_empty());
}

#[test]
fn answering_is_off_unless_it_is_switched_on() {
    let running = run();
    let own = format!("http://{}", running.address);
    let body = r#"{"outcome":"misread","by":"P"}"#;
    assert_eq!(post(&running, &format!("/hits/{HIT}/outcome"), &own, "application/json", body).code, 404);
    let page = get(&running, "/");
    assert!(!page.text().contains("data-outcome") && !page.text().contains("id=\"who\""));
    let open = start_with(true, true, Ok(vec![hit()]), &[]);
    let page = get(&open, "/");
    assert_eq!(page.text().matches("data-outcome=").count(), Outcome::ALL.len());
    assert!(page.text().contains("id=\"who\"") && !page.text().contains("<form"));
}

#[test]
fn the_answer_and_lateness_are_shown_as_text() {
    let answer = AnswerView {
        outcome: Outcome::WrongCountry,
        by: "<b>Peeters".into(),
        at: "2026-11-23T08:20:00Z".parse().unwrap(),
        note: "<i>NL".into(),
    };
    let mut late = hit();
    (late.late, late.answer) = (true, Some(answer));
    let running = run_with(true, Ok(vec![late]), &[]);
    let page = get(&running, "/");
    assert!(page.text().contains("Late: found afterwards"));
    assert!(page.text().contains("Wrong country") && page.text().contains("&lt;b&gt;Peeters"));
    assert!(page.text().contains("&lt;i&gt;NL") && !page.text().contains("<i>NL"));
}

#[test]
fn without_the_page_only_metrics_and_health_answer() {
    let running = run_with(false, Ok(vec![hit()]), &[]);
    for path in ["/", "/hits.json", "/console.css", &format!("/pictures/{}.jpg", "ab".repeat(32))] {
        assert_eq!(get(&running, path).code, 404, "{path}");
    }
    assert_eq!((get(&running, "/metrics").code, get(&running, "/healthz").code), (200, 200));
}

#[test]
fn hits_that_cannot_be_read_are_said_on_the_page() {
    let answer = get(&run_with(true, Err("disk <gone>".into()), &[]), "/");
    assert_eq!(answer.code, 200);
    assert!(answer.text().contains("hits cannot be read: disk &lt;gone&gt;"));
}

#[test]
fn a_port_in_use_is_named_with_its_cause() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let sources = Sources {
        zone: "z".into(),
        box_id: "b".into(),
        hits: Arc::new(Fixed { hits: Ok(vec![]), jpeg: vec![] }),
        status: Arc::new(Status::default),
        answers: Arc::new(Kept::default()),
        door: None,
        note: String::new(),
    };
    let settings = Settings { listen: address, page: true, answers: false };
    let error = start(&settings, sources, Metrics::new(), Stop::new()).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
}

#[test]
fn it_ends_although_a_connection_is_open() {
    let mut running = run();
    let mut idle = TcpStream::connect(running.address).unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    running.stop.request();
    running.console.take().unwrap().join().unwrap();
    assert!(TcpStream::connect(running.address).is_err());
}
