//! The texts operators get, word for word, and that no text whatever makes the check panic.

use super::*;
use crate::alert::{Broker, Version};
use crate::capture::{Pace, Source, Transport};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const GOOD: &str = r#"zone = "antwerp"
box = "box-1"
[vision]
detector = "models/detector.toml"
reader = "models/reader.toml"
[[cameras]]
name = "gate"
rtsp = "rtsp://192.0.2.10:554/stream1"
transport = "udp"
username = "viewer"
password_file = "secrets/gate"
position = [4.402, 51.219]
[[cameras]]
name = "clip"
file = "clip.mp4"
pace = "real-time"
[[hotlists]]
name = "stolen"
path = "stolen.csv"
[mqtt]
host = "broker.example"
username = "box-1"
password_env = "MQTT_PASSWORD"
[mqtt.tls]
ca = "ca.pem"
[console]
listen = "127.0.0.1:8080"
[law]
preset = "off"
"#;

/// A folder with every file that `GOOD` and the example name.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "models/detector.toml",
        "models/reader.toml",
        "clip.mp4",
        "stolen.csv",
        "lists/stolen.csv",
        "ca.pem",
        "tls/ca.pem",
        "key.pem",
        "secrets/gate",
        "secrets/scheldt-1",
        "secrets/mqtt",
        "secrets/empty",
        "secrets/two-lines",
        "keys/mandate-signers",
        "mandates/none",
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = match name {
            "secrets/empty" => "\n",
            "secrets/two-lines" => "hunter2\nhunter3\n",
            "keys/mandate-signers" => {
                "platewatch-ed25519 zone 0000000000000000000000000000000000000000000000000000000000000001\n"
            }
            _ => "hunter2\n",
        };
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

fn env(name: &str) -> Option<String> {
    match name {
        "MQTT_PASSWORD" => Some("hunter2".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// What is wrong with `text`, without the file's and the test folder's name.
fn problems(dir: &tempfile::TempDir, text: &str) -> Vec<String> {
    let clean = |p: &Problem| {
        let text = p.to_string().replace(&format!("{}/", dir.path().display()), "");
        text.strip_prefix("platewatch.toml:").unwrap().to_owned()
    };
    match parse(text, dir.path(), &env) {
        Ok(_) => Vec::new(),
        Err(e) => e.problems().iter().map(clean).collect(),
    }
}

fn loaded(dir: &tempfile::TempDir, text: &str) -> Loaded {
    parse(text, dir.path(), &env).unwrap_or_else(|e| panic!("{e}"))
}

/// `GOOD` with `from` replaced by `to` once, and what is wrong then.
#[rustfmt::skip]
const CASES: &[(&str, &str, &[&str])] = &[
    ("zone = \"antwerp\"\n", "", &[
        r#"1:1: zone: found nothing, allowed: 1 to 32 of a-z, 0-9 and -"#,
    ]),
    ("\"antwerp\"", "\"Antwerp Noord\"", &[
        r#"1:8: zone: found "Antwerp Noord", allowed: 1 to 32 of a-z, 0-9 and - (for example "antwerp-noord")"#,
    ]),
    ("\"antwerp\"", "7", &[
        r#"1:8: zone: found 7, allowed: 1 to 32 of a-z, 0-9 and -"#,
    ]),
    ("\"box-1\"\n[vision]", "\"box_1\"\n[vision]", &[
        r#"2:7: box: found "box_1", allowed: 1 to 32 of a-z, 0-9 and - (for example "box-1")"#,
    ]),
    ("zone =", "zon =", &[
        r#"1:1: zon: found an unknown key, allowed: "zone", "box", "store", "vision", "track", "cameras", "hotlists", "ignore", "matching", "law", "retention", "mqtt", "console", "log", "run" (did you mean "zone"?)"#,
    ]),
    ("[vision]", "workers = 4\n[vision]", &[
        r#"3:1: workers: found an unknown key, allowed: "zone", "box", "store", "vision", "track", "cameras", "hotlists", "ignore", "matching", "law", "retention", "mqtt", "console", "log", "run" (it belongs in [vision])"#,
    ]),
    ("[vision]", "[vison]", &[
        r#"3:2: vison: found an unknown key, allowed: "zone", "box", "store", "vision", "track", "cameras", "hotlists", "ignore", "matching", "law", "retention", "mqtt", "console", "log", "run" (did you mean "vision"?)"#,
    ]),
    ("\"models/reader.toml\"", "\"models/raeder.toml\"", &[
        r#"5:10: vision.reader: found "models/raeder.toml", which does not exist, allowed: an existing file (looked for models/raeder.toml)"#,
    ]),
    ("\"models/reader.toml\"", "\"models\"", &[
        r#"5:10: vision.reader: found "models", which is no file, allowed: an existing file (looked for models)"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nmin_score = nan", &[
        r#"6:13: vision.min_score: found nan, allowed: a number from 0 to 1"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nmin_plate_width_px = -1", &[
        r#"6:22: vision.min_plate_width_px: found -1, allowed: a number of px from 0 to 4096"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nmin_plate_width_px = inf", &[
        r#"6:22: vision.min_plate_width_px: found inf, allowed: a number of px from 0 to 4096"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nworkers = \"4\"", &[
        r#"6:11: vision.workers: found "4", allowed: a whole number from 0 to 256 (without quotes)"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nworkers = 2.5", &[
        r#"6:11: vision.workers: found 2.5, allowed: a whole number from 0 to 256"#,
    ]),
    ("\"models/reader.toml\"", "\"models/reader.toml\"\nworkers = 99999999999999999999", &[
        r#"6:11: vision.workers: found 99999999999999999999, allowed: a whole number from 0 to 256"#,
    ]),
    ("[[hotlists]]", "[track]\nmin_confidence = 0.95\n[[hotlists]]", &[
        r#"18:18: track.min_confidence: found 0.95, allowed: a number from 0 to 1 (min_confidence, 0.95, is above announce_confidence, 0.9)"#,
    ]),
    ("name = \"clip\"", "name = \"gate\"", &[
        r#"14:8: cameras[gate].name: found "gate", the name of the one on line 7 too, allowed: 1 to 64 of a-z, 0-9, - and _ (each needs its own name)"#,
    ]),
    ("name = \"clip\"\n", "", &[
        r#"13:1: cameras[#2].name: found nothing, allowed: 1 to 64 of a-z, 0-9, - and _"#,
    ]),
    ("name = \"clip\"", "name = \"Clip 1\"", &[
        r#"14:8: cameras[#2].name: found "Clip 1", allowed: 1 to 64 of a-z, 0-9, - and _ (for example "clip-1")"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"rtsp://viewer:hunter2@192.0.2.10/stream1\"", &[
        r#"8:8: cameras[gate].rtsp: found a URL with a user or password in it (not repeated here), allowed: rtsp://host[:port]/path, without user or password (user and password stand in username and password_file or password_env; write an @ of the path as %40)"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"rtsp://192.0.2.10/s?user=v&password=hunter2\"", &[
        r#"8:8: cameras[gate].rtsp: found a URL with a user or password in it (not repeated here), allowed: rtsp://host[:port]/path, without user or password (user and password stand in username and password_file or password_env; write an @ of the path as %40)"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"http://192.0.2.10/stream1\"", &[
        r#"8:8: cameras[gate].rtsp: found "http://192.0.2.10/stream1", allowed: rtsp://host[:port]/path, without user or password (http:// belongs under "mjpeg")"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"192.0.2.10/stream1\"", &[
        r#"8:8: cameras[gate].rtsp: found "192.0.2.10/stream1", allowed: rtsp://host[:port]/path, without user or password"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"rtsp://192.0.2.10:99999/stream1\"", &[
        r#"8:8: cameras[gate].rtsp: found "rtsp://192.0.2.10:99999/stream1", allowed: rtsp://host[:port]/path, without user or password (host or port cannot be right)"#,
    ]),
    ("\"rtsp://192.0.2.10:554/stream1\"", "\"rtsp:///stream1\"", &[
        r#"8:8: cameras[gate].rtsp: found "rtsp:///stream1", allowed: rtsp://host[:port]/path, without user or password (host or port cannot be right)"#,
    ]),
    ("\"udp\"", "\"tpc\"", &[
        r#"9:13: cameras[gate].transport: found "tpc", allowed: "tcp", "udp" (did you mean "tcp"?)"#,
    ]),
    ("username = \"viewer\"\npassword_file", "password_file", &[
        r#"6:1: cameras[gate].username: found nothing, allowed: a user name (a password stands without a user)"#,
    ]),
    ("password_file = \"secrets/gate\"\n", "", &[
        r#"10:12: cameras[gate].username: found "viewer", allowed: a user name (username stands without a password: add password_file or password_env)"#,
    ]),
    ("password_file = \"secrets/gate\"", "password = \"hunter2\"", &[
        r#"10:12: cameras[gate].username: found "viewer", allowed: a user name (username stands without a password: add password_file or password_env)"#,
        r#"11:1: cameras[gate].password: found an unknown key, allowed: "name", "rtsp", "mjpeg", "v4l2", "file", "folder", "transport", "username", "password_file", "password_env", "open_timeout_s", "read_timeout_s", "reconnect_s", "position", "heading", "pace", "start_at", "repeat", "fps", "size", "masks", "min_plate_width_px", "people", "max_passages_per_min", "mandate", "type", "mode", "track", "lanes", "covert" (passwords stand in a file or an environment variable: password_file, password_env)"#,
    ]),
    ("\"secrets/gate\"", "\"secrets/gone\"", &[
        r#"11:17: cameras[gate].password_file: found "secrets/gone", which does not exist, allowed: an existing file with the password"#,
    ]),
    ("\"secrets/gate\"", "\"hunter2\"", &[
        r#"11:17: cameras[gate].password_file: found a file (not repeated, in case it is the password itself), which does not exist, allowed: an existing file with the password"#,
    ]),
    ("\"secrets/gate\"", "\"hun/hunter2==\"", &[
        r#"11:17: cameras[gate].password_file: found a file (not repeated, in case it is the password itself), which does not exist, allowed: an existing file with the password"#,
    ]),
    ("\"secrets/gate\"", "\"secrets/empty\"", &[
        r#"11:17: cameras[gate].password_file: found "secrets/empty", which is empty, allowed: an existing file with the password"#,
    ]),
    ("\"secrets/gate\"", "\"secrets/two-lines\"", &[
        r#"11:17: cameras[gate].password_file: found "secrets/two-lines", which holds more than one line, allowed: an existing file with the password"#,
    ]),
    ("\"secrets/gate\"", "\"secrets/gate\"\npassword_env = \"MQTT_PASSWORD\"", &[
        r#"12:16: cameras[gate].password_env: found a second password, allowed: the name of an environment variable that is set (password_file is there too)"#,
    ]),
    ("\"MQTT_PASSWORD\"", "\"MQTT_PASWORD\"", &[
        r#"23:16: mqtt.password_env: found "MQTT_PASWORD", which is not set, allowed: the name of an environment variable that is set"#,
    ]),
    ("\"MQTT_PASSWORD\"", "\"EMPTY\"", &[
        r#"23:16: mqtt.password_env: found "EMPTY", which is empty, allowed: the name of an environment variable that is set"#,
    ]),
    ("\"MQTT_PASSWORD\"", "\"hunter2!\"", &[
        r#"23:16: mqtt.password_env: found a name (not repeated, in case it is the password itself), which is not set, allowed: the name of an environment variable that is set"#,
    ]),
    ("[4.402, 51.219]", "[4.402, 91]", &[
        r#"12:12: cameras[gate].position: found [4.402, 91], allowed: [longitude, latitude] in degrees, -180 to 180 and -90 to 90"#,
    ]),
    ("[4.402, 51.219]", "[4.402]", &[
        r#"12:12: cameras[gate].position: found [4.402], allowed: [longitude, latitude] in degrees, -180 to 180 and -90 to 90"#,
    ]),
    ("position = [4.402, 51.219]", "heading = 90", &[
        r#"12:11: cameras[gate].heading: found a heading without a position, allowed: a number of degrees from 0 to 360 (add position)"#,
    ]),
    ("position = [4.402, 51.219]", "reconnect_s = [30, 1]", &[
        r#"12:15: cameras[gate].reconnect_s: found [30, 1], allowed: [first, longest], seconds from 0.1 to 3600, the first not above the longest"#,
    ]),
    ("position = [4.402, 51.219]", "open_timeout_s = 0", &[
        r#"12:18: cameras[gate].open_timeout_s: found 0, allowed: a number of seconds from 0.1 to 300"#,
    ]),
    ("position = [4.402, 51.219]", "repeat = true", &[
        r#"12:10: cameras[gate].repeat: found repeat with "rtsp", allowed: repeat only with "file""#,
    ]),
    ("position = [4.402, 51.219]", "mjpeg = \"http://192.0.2.11/\"", &[
        r#"12:9: cameras[gate].mjpeg: found a second source besides "rtsp", allowed: exactly one of "rtsp", "mjpeg", "v4l2", "file", "folder""#,
    ]),
    ("position = [4.402, 51.219]", "[cameras.track]\nmin_reading = 3", &[
        r#"13:1: cameras[gate].track.min_reading: found an unknown key, allowed: "lost_after_ms", "hidden_at_most_ms", "min_readings", "announce_confidence", "min_confidence" (did you mean "min_readings"?)"#,
    ]),
    ("file = \"clip.mp4\"", "file = \"gone.mp4\"", &[
        r#"15:8: cameras[clip].file: found "gone.mp4", which does not exist, allowed: an existing file (looked for gone.mp4)"#,
    ]),
    ("file = \"clip.mp4\"\n", "", &[
        r#"13:1: cameras[clip]: found no source of pictures, allowed: exactly one of "rtsp", "mjpeg", "v4l2", "file", "folder""#,
    ]),
    ("file = \"clip.mp4\"", "file = \"clip.mp4\"\nstart_at = \"yesterday\"", &[
        r#"16:12: cameras[clip].start_at: found "yesterday", allowed: a date and time with an offset (RFC 3339), such as 2026-11-23T08:15:00Z"#,
    ]),
    ("file = \"clip.mp4\"", "file = \"clip.mp4\"\nstart_at = 2026-11-23T08:15:00", &[
        r#"16:12: cameras[clip].start_at: found 2026-11-23T08:15:00, allowed: a date and time with an offset (RFC 3339), such as 2026-11-23T08:15:00Z"#,
    ]),
    ("file = \"clip.mp4\"\npace = \"real-time\"", "v4l2 = \"video0\"\nsize = [0, 1080]", &[
        r#"15:8: cameras[clip].v4l2: found "video0", allowed: a device such as /dev/video0"#,
        r#"16:8: cameras[clip].size: found [0, 1080], allowed: [width, height], whole numbers of px from 16 to 16384"#,
    ]),
    ("[[hotlists]]", "[hotlists]", &[
        r#"17:1: hotlists: found a table, allowed: blocks [[hotlists]] (write [[hotlists]], with two brackets)"#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nmax_bad_share = 10", &[
        r#"20:17: hotlists[stolen].max_bad_share: found 10, allowed: a number from 0 to 1"#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nmapping = \"genetek\"\nwhen_stale = \"halt\"", &[
        r#"20:11: hotlists[stolen].mapping: found "genetek", allowed: the name of a ready mapping (platewatch hotlist mappings), or a mapping file ending in .toml (did you mean "genetec"?)"#,
        r#"21:14: hotlists[stolen].when_stale: found "halt", allowed: "lower", "stop""#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nhours = [\"Mon-Fri 7-19\"]\ntime_zone = \"Brussels\"", &[
        r#"20:9: hotlists[stolen].hours: found "Mon-Fri 7-19": the time is no HH:MM-HH:MM; for example "Mon-Fri 07:00-19:00", allowed: times of the week such as "Mon-Fri 07:00-19:00""#,
        r#"21:13: hotlists[stolen].time_zone: found "Brussels", allowed: a time zone such as "Europe/Brussels""#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nhours = \"Mon-Fri 07:00-19:00\"\ntime_zone = \"UTC\"\ncameras = []", &[
        r#"20:9: hotlists[stolen].hours: found "Mon-Fri 07:00-19:00", allowed: times of the week such as "Mon-Fri 07:00-19:00" (in brackets: ["Mon-Fri 07:00-19:00"])"#,
        r#"22:11: hotlists[stolen].cameras: found [], allowed: names of cameras, * standing for any text"#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nexpires = \"tomorrow\"\nsigners = \"ca.pem\"\nmax_age_h = 0", &[
        r#"20:11: hotlists[stolen].expires: found "tomorrow", allowed: a date and time with an offset (RFC 3339), such as 2026-12-31T23:59:59Z (with an offset, such as Z)"#,
        r#"21:11: hotlists[stolen].signers: found "ca.pem", allowed: an existing file (ca.pem: line 1: no public key; a line is "platewatch-ed25519 ID 64-HEXADECIMAL-DIGITS")"#,
        r#"22:13: hotlists[stolen].max_age_h: found 0, allowed: a number of hours from 0.1 to 87600"#,
    ]),
    ("path = \"stolen.csv\"", "path = \"stolen.csv\"\nhours = [\"Sat\"]\nallow_older = true", &[
        r#"17:1: hotlists[stolen].time_zone: found nothing, allowed: a time zone such as "Europe/Brussels" (hours are those of a clock somewhere)"#,
        r#"21:15: hotlists[stolen].allow_older: found true, allowed: true, false (only with signers)"#,
    ]),
    ("[mqtt.tls]\nca = \"ca.pem\"\n", "", &[
        r#"21:8: mqtt.host: found "broker.example" without TLS, allowed: a broker elsewhere only with [mqtt.tls] (or allow_plaintext = true, and plates and passwords go unencrypted)"#,
    ]),
    ("host = \"broker.example\"", "host = \"mqtt://broker.example\"", &[
        r#"21:8: mqtt.host: found "mqtt://broker.example", allowed: a host name or an IP address, without scheme or port (without the scheme; TLS comes from [mqtt.tls])"#,
    ]),
    ("host = \"broker.example\"", "host = \"broker.example:8883\"", &[
        r#"21:8: mqtt.host: found "broker.example:8883", allowed: a host name or an IP address, without scheme or port (the port stands in mqtt.port)"#,
    ]),
    ("host = \"broker.example\"\n", "", &[
        r#"20:1: mqtt.host: found nothing, allowed: a host name or an IP address, without scheme or port (or embedded = true, for demo and development)"#,
    ]),
    ("host = \"broker.example\"", "host = \"broker.example\"\nport = 70000", &[
        r#"22:8: mqtt.port: found 70000, allowed: a whole number from 0 to 65535"#,
    ]),
    ("host = \"broker.example\"", "host = \"broker.example\"\nversion = 5", &[
        r#"22:11: mqtt.version: found 5, allowed: "5", "3.1.1""#,
    ]),
    ("host = \"broker.example\"", "embedded = true", &[
        r#"22:12: mqtt.username: found username with embedded = true, allowed: username only with a broker elsewhere"#,
        r#"23:16: mqtt.password_env: found password_env with embedded = true, allowed: password_env only with a broker elsewhere"#,
        r#"24:1: mqtt.tls: found mqtt.tls with embedded = true, allowed: mqtt.tls only with a broker elsewhere"#,
    ]),
    ("host = \"broker.example\"", "host = \"broker.example\"\nembedded = \"false\"", &[
        r#"22:12: mqtt.embedded: found "false", allowed: true, false (without quotes)"#,
    ]),
    ("ca = \"ca.pem\"", "certificate = \"ca.pem\"", &[
        r#"24:1: mqtt.tls.ca: found nothing, allowed: an existing file"#,
        r#"24:1: mqtt.tls.key: found nothing, allowed: an existing file (certificate stands without its key)"#,
    ]),
    ("\"127.0.0.1:8080\"", "\"localhost:8080\"", &[
        r#"27:10: console.listen: found "localhost:8080", allowed: address:port, such as "127.0.0.1:8080" (for example "127.0.0.1:8080")"#,
    ]),
    ("[console]", "[log]\nlevel = \"inof\"\n[console]", &[
        r#"27:9: log.level: found "inof", allowed: "error", "warn", "info", "debug", "trace", or a filter such as "info,platewatch::capture=debug" (did you mean "info"?)"#,
    ]),
    ("[console]", "[log]\nformat = \"xml\"\n[console]", &[
        r#"27:10: log.format: found "xml", allowed: "text", "json""#,
    ]),
    ("[console]", "[run]\nstop_deadline_s = 1e9\n[console]", &[
        r#"27:19: run.stop_deadline_s: found 1e9, allowed: a number of seconds from 1 to 600"#,
    ]),
    ("[console]", "[store]\nkeep_passages = false\nkeep_passage_pictures = true\n[console]", &[
        r#"28:25: store.keep_passage_pictures: found true, allowed: true, false (there are no pictures of passages that are not kept)"#,
    ]),
    ("[console]", "[store]\ndir = \"clip.mp4\"\n[console]", &[
        r#"27:7: store.dir: found "clip.mp4", allowed: a folder (this is a file)"#,
    ]),
    ("[console]", "[console", &[
        r#"26:9: found what is no TOML: unclosed table, expected `]`"#,
    ]),
    ("box = \"box-1\"\n[", "box = \"box-1\"\nbox = \"box-2\"\n[", &[
        r#"3:1: found a key that stands there already"#,
    ]),
    ("zone = \"antwerp\"\n", "zone = \"ant\n", &[
        r#"1:12: found what is no TOML: invalid basic string, expected `"`"#,
    ]),
];

#[test]
fn each_problem_is_named_in_these_words() {
    let dir = folder();
    assert_eq!(problems(&dir, GOOD), [""; 0]);
    let mut wrong = String::new();
    for (from, to, expect) in CASES {
        assert!(GOOD.contains(from), "{from:?} is not in GOOD");
        let found = problems(&dir, &GOOD.replacen(from, to, 1));
        assert!(!found.join("").contains("hunter2"), "a secret in {found:?}");
        if found != *expect {
            wrong.push_str(&format!("{from:?} => {to:?}\n"));
            found.iter().for_each(|f| wrong.push_str(&format!("        r#\"{f}\"#,\n")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn several_problems_come_at_once_in_the_order_of_their_lines() {
    let dir = folder();
    let text = GOOD
        .replace("\"udp\"", "\"tpc\"")
        .replace("zone = \"antwerp\"", "zone = \"\"")
        .replace("listen = \"127.0.0.1:8080\"", "listen = 8080\npages = true")
        .replace("\"stolen.csv\"", "\"gone.csv\"")
        .replace("[mqtt.tls]\n", "[mqtt.tsl]\n");
    assert_eq!(
        problems(&dir, &text),
        [
            r#"1:8: zone: found "", allowed: 1 to 32 of a-z, 0-9 and -"#,
            r#"9:13: cameras[gate].transport: found "tpc", allowed: "tcp", "udp" (did you mean "tcp"?)"#,
            r#"19:8: hotlists[stolen].path: found "gone.csv", which does not exist, allowed: an existing file (looked for gone.csv)"#,
            r#"24:7: mqtt.tsl: found an unknown key, allowed: "embedded", "host", "port", "version", "username", "password_file", "password_env", "keep_alive_s", "allow_plaintext", "publish_passages", "health_every_s", "catch_up_per_s", "tls", "inbound" (did you mean "tls"?)"#,
            r#"27:10: console.listen: found 8080, allowed: address:port, such as "127.0.0.1:8080""#,
            r#"28:1: console.pages: found an unknown key, allowed: "listen", "page", "answers" (did you mean "page"?)"#,
        ]
    );
    assert_eq!(
        problems(&dir, ""),
        [
            "1:1: box: found nothing, allowed: 1 to 32 of a-z, 0-9 and -",
            "1:1: cameras: found nothing, allowed: at least one block [[cameras]]",
            "1:1: mqtt.host: found nothing, allowed: a host name or an IP address, without scheme or port (or embedded = true, for demo and development)",
            "1:1: vision.detector: found nothing, allowed: an existing file",
            "1:1: vision.reader: found nothing, allowed: an existing file",
            "1:1: zone: found nothing, allowed: 1 to 32 of a-z, 0-9 and -",
        ]
    );
}

#[test]
fn a_right_file_becomes_these_settings() {
    let dir = folder();
    let Loaded { settings: s, warnings } = loaded(&dir, GOOD);
    assert_eq!(warnings, []);
    let [gate, clip] = s.cameras.as_slice() else { panic!("{:?}", s.cameras) };
    assert_eq!((gate.capture.camera.as_str(), clip.capture.camera.as_str()), ("gate", "clip"));
    let Source::Rtsp { url, transport: Transport::Udp, credentials: Some((user, password)) } =
        &gate.capture.source
    else {
        panic!("{:?}", gate.capture.source)
    };
    assert_eq!((url.as_str(), user.as_str()), ("rtsp://192.0.2.10:554/stream1", "viewer"));
    assert_eq!(password.reveal(), "hunter2", "without the line end");
    assert_eq!(gate.capture.position.map(|p| (p.longitude, p.latitude)), Some((4.402, 51.219)));
    assert_eq!(gate.capture.reconnect, (Duration::from_secs(1), Duration::from_secs(30)));
    let Source::File { path, pace: Pace::RealTime, start_at: None, repeat: false } = &clip.capture.source
    else {
        panic!("{:?}", clip.capture.source)
    };
    assert_eq!(*path, dir.path().join("clip.mp4"), "relative to the file's folder");
    let Broker::Remote(broker) = &s.alert.broker else { panic!("{:?}", s.alert.broker) };
    assert_eq!((broker.port, broker.version, broker.keep_alive_s), (8883, Version::V5, 30));
    assert!(broker.tls.as_ref().is_some_and(|t| t.client.is_none()));
    assert!(s.vision.workers >= 1 && s.store.keep_passages && !s.store.keep_passage_pictures);
    assert!(!format!("{s:?}").contains("hunter2"));
}

#[test]
fn a_camera_tracks_as_all_do_where_it_does_not_say_otherwise() {
    let dir = folder();
    let text = GOOD
        .replace("[vision]", "[track]\nmin_readings = 3\nlost_after_ms = 900\n[vision]")
        .replace("pace = \"real-time\"", "[cameras.track]\nmin_readings = 7");
    let tracks: Vec<_> = loaded(&dir, &text).settings.cameras.into_iter().map(|c| c.track).collect();
    let of = |t: &crate::track::Settings| (t.min_readings, t.lost_after_ms, t.announce_confidence);
    assert_eq!(tracks.iter().map(of).collect::<Vec<_>>(), [(3, 900, 0.9), (7, 900, 0.9)]);
}

#[test]
fn what_is_allowed_but_deserves_a_second_look_is_a_warning() {
    let dir = folder();
    let everyone = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(dir.path().join("secrets/gate"), everyone).unwrap();
    let text = GOOD
        .replace("[4.402, 51.219]", "[51.219, 4.402]")
        .replace("[[hotlists]]\nname = \"stolen\"\npath = \"stolen.csv\"\n", "")
        .replace("[mqtt.tls]\nca = \"ca.pem\"\n", "allow_plaintext = true\n")
        .replace("127.0.0.1:8080\"", "0.0.0.0:8080\"\n[log]\nplates = true");
    let found: Vec<_> = loaded(&dir, &text)
        .warnings
        .iter()
        .map(|w| w.to_string().replace(&format!("{}/", dir.path().display()), ""))
        .collect();
    assert_eq!(
        found,
        [
            "platewatch.toml:1:1: hotlists: found nothing (without a list, nothing is a hit)",
            "platewatch.toml:11:17: cameras[gate].password_file: found a file that everyone may read (mode 644) (chmod o-r secrets/gate)",
            "platewatch.toml:12:12: cameras[gate].position: found [51.219, 4.402] (longitude comes first; these look swapped)",
            "platewatch.toml:18:8: mqtt.host: found \"broker.example\" without TLS (plates and passwords go unencrypted to another machine)",
            "platewatch.toml:23:10: console.listen: found \"0.0.0.0:8080\", beyond this box (others on the network see hits and pictures without a login)",
            "platewatch.toml:25:10: log.plates: found true (plate texts are personal data and will stand in every log)",
        ]
    );
    let embedded = GOOD.split("[mqtt]").next().unwrap().to_owned() + "[mqtt]\nembedded = true\nport = 0\n";
    let Loaded { settings, warnings } = loaded(&dir, &embedded);
    assert!(matches!(settings.alert.broker, Broker::Embedded { port: 0 }) && settings.console.is_none());
    assert!(warnings.iter().any(|w| w.key == "mqtt.embedded"), "{warnings:?}");
}

#[test]
fn a_broker_on_this_box_needs_no_tls() {
    let dir = folder();
    for host in ["localhost", "127.0.0.1", "::1"] {
        let text = GOOD.replace("[mqtt.tls]\nca = \"ca.pem\"\n", "").replace("broker.example", host);
        let Broker::Remote(broker) = loaded(&dir, &text).settings.alert.broker else { panic!() };
        assert_eq!((broker.host.as_str(), broker.port, broker.tls.is_none()), (host, 1883, true));
    }
}

#[test]
fn the_example_is_right_and_shows_defaults_as_they_are() {
    let dir = folder();
    assert_eq!(problems(&dir, example()), [""; 0]);
    // Every commented-out default, taken in, is known and changes nothing.
    let uncommented: String = example()
        .lines()
        .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(l).to_owned() + "\n")
        .filter(|l| !l.starts_with("certificate") && !l.starts_with("key ="))
        .collect();
    let settings = |text| format!("{:?}", loaded(&dir, text).settings);
    assert_eq!(settings(&uncommented), settings(example()));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("/nowhere/platewatch.toml")).unwrap_err().to_string();
    assert_eq!(
        error,
        "/nowhere/platewatch.toml: cannot read the configuration: No such file or directory (os error 2); \
         say which file with --config FILE"
    );
}

#[test]
fn values_of_the_wrong_type_are_problems_for_every_key() {
    let dir = folder();
    for key in keys::KEYS {
        let block = match key.section {
            "" => String::new(),
            "cameras" | "hotlists" => format!("[[{}]]\n", key.section),
            "cameras.track" => "[[cameras]]\n[cameras.track]\n".into(),
            "cameras.covert" => "[[cameras]]\n[cameras.covert]\n".into(),
            "cameras.lanes" => "[[cameras]]\n[[cameras.lanes]]\n".into(),
            "mqtt.inbound.signers" => "[mqtt.inbound]\n[[mqtt.inbound.signers]]\n".into(),
            other => format!("[{other}]\n"),
        };
        // Keys that only count with others get them.
        let with = match (key.section, key.name) {
            ("cameras", "transport" | "username" | "password_file" | "password_env") => {
                "rtsp = 'rtsp://h/'\n"
            }
            ("cameras", "start_at" | "repeat" | "pace") => "file = 'clip.mp4'\n",
            ("cameras", "fps" | "size") => "v4l2 = '/dev/video0'\n",
            ("mqtt", "password_file" | "password_env") => "username = 'u'\n",
            _ => "",
        };
        let text = format!("{block}{with}{} = [[]]\n", key.name);
        let found = problems(&dir, &text);
        let line = text.lines().count();
        assert!(
            found.iter().any(|p| p.starts_with(&format!("{line}:")) && p.contains(key.name)),
            "{}.{} takes anything: {found:#?}",
            key.section,
            key.name
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        let _ = parse(&text, Path::new("/nowhere"), &env);
    }

    #[test]
    fn no_damage_to_a_right_file_makes_it_panic(
        cut in 0..GOOD.len(), length in 0usize..40, put in "[\\[\\]{}\"'=.,#\n a-z0-9-]{0,12}"
    ) {
        let end = (cut + length).min(GOOD.len());
        let text = format!("{}{put}{}", &GOOD[..cut], &GOOD[end..]);
        if let Err(e) = parse(&text, Path::new("/nowhere"), &env) {
            prop_assert!(!e.problems().is_empty());
            prop_assert!(e.problems().is_sorted_by_key(|p| (p.line, p.column)));
        }
    }

    #[test]
    fn lines_of_keys_in_any_order_make_no_panic(
        lines in prop::collection::vec((0..keys::KEYS.len(), "[0-9a-z\"\\[\\].:/@-]{0,10}", any::<bool>()), 0..12)
    ) {
        let mut text = String::new();
        for (i, value, header) in lines {
            let key = &keys::KEYS[i];
            let example = if value.is_empty() { key.example } else { value.as_str() };
            if header && !key.section.is_empty() {
                text.push_str(&format!("[{}]\n", key.section));
            }
            text.push_str(&format!("{} = {example}\n", key.name));
        }
        let _ = parse(&text, Path::new("/nowhere"), &env);
    }
}

#[test]
fn the_examples_of_the_guide_are_right() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/configuration-by-example.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let dir = folder();
    for file in
        ["secrets/kaai-north", "lists/wanted.csv", "tls/car-17.pem", "tls/car-17.key", "clips/tollbooth.mp4"]
    {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    std::fs::create_dir_all(dir.path().join("pictures")).unwrap();
    let examples: Vec<_> = guide.split("```toml\n").skip(1).map(|t| t.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 3);
    for text in examples {
        let answer = |name: &str| (name == "REAR_CAMERA_PASSWORD").then(|| "x".to_owned());
        parse(text, dir.path(), &answer).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn lanes_masks_and_limits_of_a_camera_are_read() {
    let dir = folder();
    let text = GOOD.replace(
        "pace = \"real-time\"\n",
        "pace = \"real-time\"\nmasks = [[[0, 0], [1, 0], [1, 0.1]]]\nmin_plate_width_px = 60\n\
         max_passages_per_min = 30\n[[cameras.lanes]]\nname = \"left\"\npolygon = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]\n",
    );
    let settings = loaded(&dir, &text).settings;
    let camera = &settings.cameras[1];
    assert_eq!((camera.track.areas.masks.len(), camera.track.areas.lanes.len()), (1, 1));
    assert_eq!(camera.track.areas.lanes[0].0.as_ref(), "left");
    assert_eq!((camera.min_plate_width_px, camera.max_passages_per_min), (Some(60.0), Some(30)));
    assert!(settings.cameras[0].track.areas.lanes.is_empty());
}

#[test]
fn wrong_lanes_and_masks_are_named_with_their_keys() {
    let dir = folder();
    let text = GOOD.replace(
        "pace = \"real-time\"\n",
        "pace = \"real-time\"\nmasks = [[[0, 0], [1, 0], [1, 0.1]], [[0, 0], [1, 1]]]\n\
         [[cameras.lanes]]\nname = \"left\"\npolygon = [[0, 0], [0.5, 0], [1.5, 1]]\n\
         [[cameras.lanes]]\nname = \"left\"\npolygon = [0, 1]\n",
    );
    let found = problems(&dir, &text).join("\n");
    for part in [
        "cameras[clip].masks: found mask 2: a polygon of 2 points",
        "cameras[clip].lanes[left].polygon: found point 3 [1.5, 1] lies outside the picture",
        "cameras[clip].lanes[left].name",
        "cameras[clip].lanes[left].polygon: found [0, 1]",
    ] {
        assert!(found.contains(part), "{part} is not in\n{found}");
    }
}

#[test]
fn an_ignore_list_is_read_before_the_box_starts() {
    let dir = folder();
    let path = dir.path().join("convoy.csv");
    std::fs::write(&path, "plate,consented_by,reason\n1ABC123,Chief,convoy\n").unwrap();
    let text = format!("{GOOD}[ignore]\npath = \"convoy.csv\"\n");
    assert_eq!(loaded(&dir, &text).settings.ignore, Some(path.clone()));
    std::fs::write(&path, "plate,consented_by,reason\n1ABC123,,convoy\n").unwrap();
    let found = problems(&dir, &text).join("\n");
    assert!(found.contains("ignore.path") && found.contains("line 2, consented_by"), "{found}");
}

#[test]
fn where_and_until_when_a_list_counts() {
    let dir = folder();
    let text = GOOD.replace(
        "path = \"stolen.csv\"",
        "path = \"stolen.csv\"\nmapping = \"genetec\"\ncameras = [\"ga*\", \"tower\"]\nhours = [\"Mon-Fri 07:00-19:00\"]\n\
         time_zone = \"Europe/Brussels\"\nexpires = 2026-12-31T23:59:59Z\nmax_age_h = 48\nwhen_stale = \"stop\"",
    );
    let loaded = parse(&text, dir.path(), &env).unwrap();
    let list = &loaded.settings.hotlists[0];
    assert_eq!(list.mapping.name(), "genetec");
    let applies = |camera: &str, at: &str| {
        list.policy.applies(&crate::domain::CameraId::new(camera), at.parse().unwrap())
    };
    assert!(applies("gate", "2026-11-23T06:30:00Z") && !applies("clip", "2026-11-23T06:30:00Z"));
    assert!(!applies("gate", "2026-11-23T05:30:00Z") && !applies("gate", "2027-01-04T10:00:00Z"));
    assert_eq!(list.policy.max_age, Some(Duration::from_secs(48 * 3600)));
    let warned: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warned.iter().any(|w| w.contains("\"tower\"") && w.contains("no camera")), "{warned:?}");
}

#[test]
fn a_mapping_of_ones_own_and_what_is_wrong_with_it() {
    let dir = folder();
    let text = GOOD.replace("path = \"stolen.csv\"", "path = \"stolen.csv\"\nmapping = \"own.toml\"");
    std::fs::write(
        dir.path().join("own.toml"),
        "about = \"x\"\nformat = \"fixed\"\n[plate]\nchars = \"1-8\"\n",
    )
    .unwrap();
    assert!(parse(&text, dir.path(), &env).is_ok());
    std::fs::write(
        dir.path().join("own.toml"),
        "about = \"x\"\nformat = \"fixed\"\n[plate]\nchars = \"8-1\"\n",
    )
    .unwrap();
    let told = parse(&text, dir.path(), &env).unwrap_err().to_string();
    assert!(
        told.contains("hotlists[stolen].mapping") && told.contains("[plate] chars: found \"8-1\""),
        "{told}"
    );
}
