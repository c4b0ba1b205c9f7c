//! What is wrong with a configuration, in the words in which it is told.

use super::*;

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
