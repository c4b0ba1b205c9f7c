//! The web page where the law is enforced: who comes in, and who sees plates.

use super::kept::*;
use super::lawbox::LawBox;
use crate::world::{Lines, Process, eventually, free_port, platewatch};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

struct Page {
    port: u16,
    kept: Kept,
    _law: LawBox,
    _box: Process,
}

/// A box over a store with a hit, its page served, the law enforced.
fn page() -> Page {
    let kept = Kept::new("enforce");
    kept.hit("1ABC123", 1, "C-1", [b"plate picture".to_vec(), b"context picture".to_vec()]);
    let law = LawBox::new();
    let port = free_port();
    let section = format!(
        "[law]\nmandates = {:?}\nsigners = {:?}\n[console]\nlisten = \"127.0.0.1:{port}\"\nanswers = true\n",
        law.path("mandates"),
        law.path("signers")
    );
    let config = kept.config(&section);
    // A live camera that is nowhere keeps the box up; it may not look without a mandate anyway.
    let text = std::fs::read_to_string(&config).unwrap();
    let folder = text.lines().find(|l| l.starts_with("folder = ")).unwrap();
    let text = text.replace(folder, &format!("mjpeg = \"http://127.0.0.1:{}/x\"", free_port()));
    std::fs::write(&config, text).unwrap();
    let mut child = platewatch()
        .args(["run", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Lines::of(child.stderr.take().unwrap());
    let process = Process(child);
    eventually("the page is served", || {
        let up = TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(up || !log.has("error: "), "{:?}", log.all());
        up.then_some(())
    });
    Page { port, kept, _law: law, _box: process }
}

impl Page {
    fn send(&self, request: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str, cookie: &str) -> String {
        let headers = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
        self.send(&format!("GET {path}"), &headers, "")
    }

    fn form(&self, name: &str, password: &str) -> String {
        let headers = format!(
            "Origin: http://127.0.0.1:{}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.port
        );
        self.send("POST /login", &headers, &format!("name={name}&password={}", password.replace(' ', "+")))
    }

    fn log_in(&self, role: &str) -> String {
        let answer = self.form(role, PASSWORD);
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let line = answer.lines().find(|l| l.to_lowercase().starts_with("set-cookie:")).unwrap();
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict"), "{line}");
        line.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned()
    }
}

#[test]
fn the_page_must_ask_who_is_there_before_it_shows_anything() {
    let page = page();
    assert!(page.get("/", "").starts_with("HTTP/1.1 303"));
    let hits = page.get("/hits.json", "");
    assert!(hits.starts_with("HTTP/1.1 401") && !hits.contains("1ABC123"), "{hits}");
    let picture = page.get(&format!("/pictures/{}.jpg", "ab".repeat(32)), "");
    assert!(picture.starts_with("HTTP/1.1 401"), "{picture}");
    assert!(page.get("/login", "").contains("type=\"password\""));
    let made_up = format!("platewatch={}", "ab".repeat(32));
    assert!(page.get("/hits.json", &made_up).starts_with("HTTP/1.1 401"));
}

#[test]
fn an_operator_must_see_hits_as_they_come_and_the_look_is_on_record() {
    let page = page();
    let cookie = page.log_in("operator");
    let shown = page.get("/", &cookie);
    assert!(shown.contains("1ABC123"), "{shown}");
    page.get("/hits.json", &cookie);
    assert_eq!(
        page.kept
            .sql::<i64>("SELECT count(*) FROM look WHERE who = 'operator' AND what = 'page' AND shown = 1"),
        1
    );
    assert_eq!(
        page.kept.sql::<i64>("SELECT count(*) FROM audit WHERE action = 'logged-in' AND actor = 'operator'"),
        1
    );
    // Answers carry who is logged in, whatever the page sends.
    let hit: String = page.kept.sql("SELECT id FROM hit");
    let headers = format!(
        "Origin: http://127.0.0.1:{}\r\nContent-Type: application/json\r\nCookie: {cookie}\r\n",
        page.port
    );
    let answer = page.send(
        &format!("POST /hits/{hit}/outcome"),
        &headers,
        r#"{"outcome":"confirmed","by":"the chief"}"#,
    );
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert_eq!(page.kept.sql::<String>("SELECT answered_by FROM outcome"), "operator");
}

#[test]
fn a_maintainer_may_see_the_state_of_the_box_and_never_a_plate() {
    let page = page();
    let cookie = page.log_in("maintainer");
    for path in ["/", "/hits.json"] {
        let shown = page.get(path, &cookie);
        assert!(shown.starts_with("HTTP/1.1 200") && !shown.contains("1ABC123"), "{shown}");
    }
    assert!(page.get("/", &cookie).contains("Your role sees the state of the box, no plates."));
    let picture: String = page.kept.sql("SELECT sha256 FROM evidence LIMIT 1");
    let refused = page.get(&format!("/pictures/{picture}.jpg"), &cookie);
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("may not see pictures"), "{refused}");
    let hit: String = page.kept.sql("SELECT id FROM hit");
    let headers = format!(
        "Origin: http://127.0.0.1:{}\r\nContent-Type: application/json\r\nCookie: {cookie}\r\n",
        page.port
    );
    let answer =
        page.send(&format!("POST /hits/{hit}/outcome"), &headers, r#"{"outcome":"confirmed","by":"x"}"#);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[test]
fn a_login_must_come_from_the_page_itself() {
    let page = page();
    let body = format!("name=operator&password={}", PASSWORD.replace(' ', "+"));
    for origin in ["", "Origin: http://evil.example\r\n", "Origin: null\r\n"] {
        let headers = format!("{origin}Content-Type: application/x-www-form-urlencoded\r\n");
        let answer = page.send("POST /login", &headers, &body);
        assert!(
            answer.starts_with("HTTP/1.1 403") && !answer.to_lowercase().contains("set-cookie"),
            "{answer}"
        );
    }
}

#[test]
fn a_password_may_be_tried_only_so_often() {
    let page = page();
    for _ in 0..5 {
        assert!(page.form("operator", "not the right one").starts_with("HTTP/1.1 403"));
    }
    let held = page.form("operator", PASSWORD);
    assert!(held.starts_with("HTTP/1.1 429") && held.contains("Too many tries"), "{held}");
    assert_eq!(page.kept.sql::<i64>("SELECT count(*) FROM audit WHERE action = 'login-failed'"), 5);
    page.log_in("supervisor"); // another name is not held back
}
