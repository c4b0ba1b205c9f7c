//! What a box that was cut off owes those it had told something, paid at its next start.

use crate::rtsp_server::{Options, RtspServer};
use crate::world::*;
use std::collections::BTreeMap;

/// States heard of each hit, in order, and how often it was said to have ended by a restart.
fn lives(heard: &Lines) -> BTreeMap<String, (Vec<String>, usize)> {
    let mut lives: BTreeMap<String, (Vec<String>, usize)> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::new();
    for event in payloads(heard, "/hits") {
        if !known.insert(event["id"].as_str().unwrap().to_owned()) {
            continue; // an acknowledgement was cut off: told again under the same id
        }
        let data = &event["data"];
        let life = lives.entry(data["hit"].as_str().unwrap().to_owned()).or_default();
        life.0.push(data["state"].as_str().unwrap().to_owned());
        life.1 += usize::from(data["ended"] == "restart");
    }
    lives
}

#[test]
fn a_hit_that_was_open_when_the_box_was_killed_gets_its_last_word_once() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(dir.path());
    let (_subscriber, heard) = broker.subscriber();
    // Cars that stand in view until the end of the clip: their hits are open all the while.
    let camera = RtspServer::start(Options::of(crate::end_to_end::stream(dir.path(), "parked-row")));
    let list = dir.path().join("list.csv");
    let plates: Vec<String> =
        truth("parked-row").iter().map(|(text, _)| format!("{text},stolen-vehicle,C1\n")).collect();
    std::fs::write(&list, format!("plate,category,case\n{}", plates.concat())).unwrap();
    let config = |with_camera: bool| {
        let path = dir.path().join(format!("box-{with_camera}.toml"));
        let url = camera.url();
        // The second start sees nothing: what it tells is what it owes.
        let source = if with_camera {
            format!("rtsp = {url:?}\ntransport = \"tcp\"\nread_timeout_s = 5\n")
        } else {
            "rtsp = \"rtsp://127.0.0.1:9/none\"\ntransport = \"tcp\"\n".to_owned()
        };
        let text = format!(
            "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {store:?}\n[vision]\nworkers = 1\n\
             detector = {models:?}\nreader = {reader:?}\n[[cameras]]\nname = \"gate\"\n{source}\
             [[hotlists]]\nname = \"wanted\"\npath = {list:?}\n{mqtt}",
            store = dir.path().join("store"),
            models = root().join("models/detector.toml"),
            reader = root().join("models/reader.toml"),
            mqtt = broker.section(),
        );
        std::fs::write(&path, text).unwrap();
        path
    };
    let is_open = |life: &(Vec<String>, usize)| !life.0.iter().any(|s| s == "final" || s == "withdrawn");
    let (mut first, _) = daemon(&config(true));
    eventually("a hit is told of while its vehicle is in view", || {
        lives(&heard).values().any(is_open).then_some(())
    });
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let store = dir.path().join("store");
    let kept = |state: &str| {
        let shown = run(&["log", "--json", "--limit", "1000", "--data", store.to_str().unwrap()]);
        assert!(shown.status.success(), "{}", stderr(&shown));
        stdout(&shown).lines().filter(|l| l.contains(&format!("\"state\":\"{state}\""))).count()
    };
    assert!(kept("new") + kept("updated") > 0, "no hit was open when the box was killed");

    let none = config(false);
    let (mut second, log) = daemon(&none);
    eventually("every hit has its last word", || {
        let lives = lives(&heard);
        (lives.values().any(|l| l.1 > 0) && !lives.values().any(is_open)).then_some(())
    });
    assert_eq!(second.terminate(), Some(0), "{}", log.all().join("\n"));
    assert_eq!((kept("new"), kept("updated")), (0, 0));
    let told = lives(&heard);

    // Once: the next start owes nothing.
    let (mut third, log) = daemon(&none);
    eventually("the box is up again", || log.has("connected").then_some(()));
    assert_eq!(third.terminate(), Some(0), "{}", log.all().join("\n"));
    assert_eq!(lives(&heard), told);
    for (hit, (states, restarts)) in told {
        let ends = states.iter().filter(|s| *s == "final" || *s == "withdrawn").count();
        assert_eq!(ends, 1, "{hit}: {states:?}");
        assert!(restarts <= 1, "{hit}");
    }
}
