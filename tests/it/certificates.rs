//! Certificates that end: `check` says so long before the broker does.

use crate::world::*;
use platewatch::domain::Utc;
use std::path::Path;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `name.pem` and `name.key`, ending at `end`.
fn issue(dir: &Path, name: &str, end: SystemTime) {
    let mut params = rcgen::CertificateParams::new(vec!["box".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2000, 1, 1), end.into());
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(dir.join(format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn check_says_which_certificate_ends_soon_or_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let text = format!(
        "zone = \"example\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nfile = {:?}\n\
         [mqtt]\nhost = \"broker.example\"\n[mqtt.tls]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n",
        path("store"),
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        root().join("samples/roadside-day.mp4"),
        path("ca.pem"),
        path("box.pem"),
        path("box.key"),
    );
    std::fs::write(path("box.toml"), text).unwrap();
    let now = SystemTime::now();
    let check = || run(&["check", "--config", path("box.toml").to_str().unwrap()]);

    issue(dir.path(), "ca", now + 3_650 * DAY);
    issue(dir.path(), "box", now + 365 * DAY);
    let all_well = check();
    assert_eq!(all_well.status.code(), Some(0), "{}", stderr(&all_well));
    assert!(!stderr(&all_well).contains("certificate"), "{}", stderr(&all_well));

    // An hour more than five days, so that a slow machine says five too.
    issue(dir.path(), "box", now + 5 * DAY + DAY / 24);
    issue(dir.path(), "ca", now + 29 * DAY);
    let soon = check();
    assert_eq!(soon.status.code(), Some(0), "{}", stderr(&soon));
    let said = stderr(&soon);
    let line =
        |part: &str| said.lines().find(|l| l.contains(part)).unwrap_or_else(|| panic!("{part}: {said}"));
    let client = line("client certificate");
    assert!(client.starts_with("warning: mqtt: ") && client.contains("box.pem: ends in 5 days"), "{client}");
    assert!(line("CA certificate").contains("ca.pem: ends in 28 days"), "{said}");

    issue(dir.path(), "box", now - DAY);
    let over = check();
    assert_eq!(over.status.code(), Some(1), "{}", stderr(&over));
    let said = stderr(&over);
    let line = said.lines().find(|l| l.starts_with("error: mqtt: client certificate")).unwrap();
    let day = Utc::now().plus_ms(-24 * 3_600_000).to_string();
    assert!(line.contains(&format!("has ended ({}", &day[..10])), "{line}");

    std::fs::write(path("box.pem"), "no certificate").unwrap();
    let broken = check();
    assert!(broken.status.code() == Some(1) && stderr(&broken).contains("box.pem"), "{}", stderr(&broken));
}
