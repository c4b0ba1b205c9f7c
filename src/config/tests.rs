//! The texts operators get, word for word, and that no text whatever makes the check panic.

use super::*;
use crate::alert::{Broker, Version};
use crate::capture::{Pace, Source, Transport};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

mod problems;

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
