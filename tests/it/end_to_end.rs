//! The main job on real servers: RTSP in, mosquitto with TLS and password out, `mosquitto_sub` as the witness.

use crate::rtsp_server::{Options, RtspServer};
use crate::world::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A sample clip as an Annex B stream a camera could send: no B-frames, so that a player needs no time stamps.
pub fn stream(dir: &Path, clip: &str) -> std::path::PathBuf {
    let target = dir.join("camera.h264");
    let done = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i"])
        .arg(root().join(format!("samples/{clip}.mp4")))
        .args(["-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "0", "-g", "25"])
        .arg(&target)
        .output()
        .expect("ffmpeg is installed: run scripts/setup.sh --tests");
    assert!(done.status.success(), "{}", stderr(&done));
    target
}

/// A metric without labels, as the page of metrics has it; 0 where it has not.
fn metric(console: u16, name: &str) -> f64 {
    http(console, "/metrics")
        .lines()
        .find_map(|l| l.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or_default()
}

/// Characters to change, add or leave out.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[test]
fn every_wanted_vehicle_read_right_arrives_once_and_can_be_proved() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(dir.path());
    let (_subscriber, heard) = broker.subscriber();
    let mut options = Options::of(stream(dir.path(), "roadside-day"));
    options.repeat = false;
    let camera = RtspServer::start(options);
    let config = dir.path().join("box.toml");
    let console = free_port();
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {store:?}\n[vision]\nworkers = 1\n\
         detector = {models:?}\nreader = {reader:?}\n\
         [[cameras]]\nname = \"gate\"\nrtsp = {url:?}\ntransport = \"tcp\"\nread_timeout_s = 5\n\
         [[hotlists]]\nname = \"wanted\"\npath = {list:?}\n[console]\nlisten = \"127.0.0.1:{console}\"\n{mqtt}",
        store = dir.path().join("store"),
        models = root().join("models/detector.toml"),
        reader = root().join("models/reader.toml"),
        url = camera.url(),
        list = root().join("samples/hotlist.csv"),
        mqtt = broker.section(),
    );
    std::fs::write(&config, text).unwrap();
    let (mut daemon, log) = daemon(&config);

    // The clip plays once; the camera falls silent after it, and the box says so.
    eventually("the clip has been played", || {
        (log.has("camera failed") || log.has("sends nothing") || log.has("camera will be opened again"))
            .then_some(())
    });
    let arrived = || payloads(&heard, "/hits").iter().filter(|h| h["data"]["state"] == "new").count();
    eventually("every hit's way from light to broker is timed", || {
        let timed = metric(console, "platewatch_capture_to_delivered_seconds_count");
        (timed > 0.0 && timed == arrived() as f64).then_some(())
    });
    let took = metric(console, "platewatch_capture_to_delivered_seconds_sum") / arrived() as f64;
    assert!(took > 0.001, "no hit comes to the broker in {took} s");
    assert_eq!(daemon.terminate(), Some(0), "{}", log.all().join("\n"));

    // What the box itself says it saw.
    let store = dir.path().join("store");
    let shown = run(&["log", "--passages", "--json", "--limit", "10000", "--data", store.to_str().unwrap()]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    let seen: Vec<String> = stdout(&shown)
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    let expected: BTreeMap<String, Vec<String>> =
        serde_json::from_str(&std::fs::read_to_string(root().join("samples/expected-hits.json")).unwrap())
            .unwrap();
    let wanted_and_read: Vec<&String> =
        expected["roadside-day"].iter().filter(|plate| seen.contains(plate)).collect();
    assert!(wanted_and_read.len() >= 3, "too few wanted vehicles were read to prove anything: {seen:?}");

    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("docs/ref/schema/hit.json")).unwrap())
            .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hits = payloads(&heard, "/hits");
    for hit in &hits {
        assert!(
            validator.is_valid(hit),
            "{:?}\n{hit:#}",
            validator.iter_errors(hit).next().map(|e| e.to_string())
        );
        let listed = hit["data"]["matched"]["plate"].as_str().unwrap();
        assert!(expected.values().flatten().any(|p| p == listed), "false hit on {listed}");
    }
    let (mut exactly, mut shown_of) = (0, 0);
    for plate in wanted_and_read {
        let new: Vec<_> = hits
            .iter()
            .filter(|h| h["data"]["matched"]["plate"] == **plate && h["data"]["state"] == "new")
            .collect();
        assert_eq!(new.len(), 1, "{plate} must arrive exactly once as new");
        let pictures = new[0]["data"]["evidence"].as_array().unwrap();
        assert!(!pictures.is_empty(), "{plate} has no picture");
        let mut read = Vec::new();
        for picture in pictures {
            let sha256 = picture["sha256"].as_str().unwrap();
            let path = store.join("pictures").join(&sha256[..2]).join(format!("{sha256}.jpg"));
            let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let hex: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, sha256);
            let context = picture["role"] == "context";
            let mode: &[&str] = if context { &["read", "--json"] } else { &["read", "--json", "--crops"] };
            let shown = platewatch().args(mode).arg(&path).output().unwrap();
            let line: serde_json::Value = serde_json::from_str(stdout(&shown).trim()).unwrap();
            let plates = line["plates"].as_array().unwrap().clone();
            read.extend(plates.iter().map(|p| p["text"].as_str().unwrap().to_owned()));
        }
        let observed = new[0]["data"]["observed"]["text"].as_str().unwrap();
        // A hit is told as soon as it is sure, from frames together: the plate may be small then, and its picture
        // alone, compressed, read a little differently; another vehicle's plate has hardly a character in common.
        let off = read.iter().map(|t| edits(t, observed).min(edits(t, plate))).min().unwrap_or(usize::MAX);
        assert!(off <= 3, "{plate}: its pictures show {read:?}");
        exactly += usize::from(off == 0);
        shown_of += 1;
    }
    assert!(exactly * 3 >= shown_of * 2, "{exactly} of {shown_of} hits can be read in their pictures");

    // The box said that it came and went, and how it was.
    let states: Vec<String> = payloads(&heard, "/box-1/status")
        .iter()
        .map(|s| s["data"]["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states.first().map(String::as_str), Some("online"), "{states:?}");
    assert_eq!(states.last().map(String::as_str), Some("offline"), "{states:?}");
    assert!(!payloads(&heard, "/health").is_empty());
    assert!(!log.has(PASSWORD));
}

#[test]
fn a_broker_absent_at_the_start_and_gone_later_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::prepare(dir.path());
    let config = dir.path().join("box.toml");
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nfile = {:?}\npace = \"fast\"\n\
         [[hotlists]]\nname = \"wanted\"\npath = {:?}\n{}\n[run]\nstop_deadline_s = 5\n",
        dir.path().join("store"),
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        root().join("samples/roadside-day.mp4"),
        root().join("samples/hotlist.csv"),
        broker.section(),
    );
    std::fs::write(&config, text).unwrap();

    // No broker at all: the box works, keeps what it has to say, and says so.
    let (mut first, log) = daemon(&config);
    eventually("the box notices", || log.has("no connection to the broker").then_some(()));
    eventually("the clip has been played", || first.0.try_wait().unwrap());
    assert!(log.has("undelivered"), "{}", log.all().join("\n"));
    let store = dir.path().join("store");
    let shown = run(&["log", "--json", "--data", store.to_str().unwrap()]);
    let kept: Vec<serde_json::Value> =
        stdout(&shown).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(!kept.is_empty(), "no hit to lose");

    // Next start, now with a broker: everything that waited goes out, once each.
    broker.up();
    let (_subscriber, heard) = broker.subscriber();
    let (mut second, _) = daemon(&config);
    let wanted: Vec<&str> = kept.iter().map(|h| h["hit"].as_str().unwrap()).collect();
    let new = |heard: &Lines, id: &str| {
        let hits = payloads(heard, "/hits");
        hits.iter().filter(|h| h["data"]["hit"] == *id && h["data"]["state"] == "new").count()
    };
    eventually("all that waited has arrived", || wanted.iter().all(|id| new(&heard, id) >= 1).then_some(()));
    // Gone again in the middle: the box goes on.
    broker.down();
    second.terminate();
    for id in wanted {
        assert_eq!(new(&heard, id), 1, "{id} arrived more than once");
    }
}
