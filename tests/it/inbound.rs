//! Commands and answers over MQTT to the real program, from friends and others.

use crate::world::*;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Box1 {
    dir: PathBuf,
    config: PathBuf,
    broker: Mosquitto,
}

impl Box1 {
    /// Listens to `dispatch`, who may everything, and to `reader`, who may only have health said.
    fn new(dir: &Path, camera: &str, list: &Path) -> Self {
        let broker = Mosquitto::start(dir);
        let keygen = |id: &str| {
            let secret = dir.join(format!("{id}.key"));
            let made = run(&["message", "keygen", "--id", id, "--secret", secret.to_str().unwrap()]);
            assert!(made.status.success(), "{}", stderr(&made));
            stdout(&made)
        };
        let only_health =
            keygen("reader").lines().filter(|l| !l.starts_with("may")).collect::<Vec<_>>().join("\n");
        keygen("stranger");
        let config = dir.join("box.toml");
        let text = format!(
            "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\nworkers = 1\ndetector = {:?}\n\
             reader = {:?}\n[[cameras]]\nname = \"gate\"\n{camera}\n[[hotlists]]\nname = \"wanted\"\npath = {list:?}\n\
             poll_s = 3600\n{}\n[mqtt.inbound]\nmax_age_s = 600\n{}\n{only_health}\nmay = [\"health-now\"]\n",
            dir.join("store"),
            root().join("models/detector.toml"),
            root().join("models/reader.toml"),
            // `health` comes when something is asked only: what is counted is then what had come.
            broker.section().replace("[mqtt]\n", "[mqtt]\nhealth_every_s = 3600\n"),
            keygen("dispatch"),
        );
        std::fs::write(&config, text).unwrap();
        Self { dir: dir.to_path_buf(), config, broker }
    }

    fn signed_by(&self, signer: &str, key: &str, what: &[&str]) -> String {
        let key = self.dir.join(format!("{key}.key"));
        let head = ["message", "sign"];
        let tail = ["--zone", "antwerp", "--box", "box-1", "--by", "Peeters", "--signer", signer, "--key"];
        let args: Vec<&str> =
            head.into_iter().chain(what.iter().copied()).chain(tail).chain([key.to_str().unwrap()]).collect();
        let output = run(&args);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    }

    fn signed(&self, what: &[&str]) -> String {
        self.signed_by("dispatch", "dispatch", what)
    }

    /// Hands `payload` to the broker.
    fn send(&self, topic: &str, payload: &[u8], more: &[&str]) {
        let mut child = Command::new("mosquitto_pub")
            .args([
                "-h",
                "localhost",
                "-p",
                &self.broker.port.to_string(),
                "-u",
                USER,
                "-P",
                PASSWORD,
                "-V",
                "5",
            ])
            .args(["-q", "1", "-s", "-t", &format!("platewatch/v1/antwerp/box-1/{topic}"), "--cafile"])
            .arg(&self.broker.ca)
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(payload).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// The health that follows a `health-now`: one more accepted than before.
    fn health(&self, heard: &Lines) -> Value {
        let accepted = |h: &Value| h["data"]["inbound"]["accepted"].as_u64().unwrap_or(0);
        let before = payloads(heard, "/health").last().map_or(0, accepted);
        self.send("commands", self.signed(&["health-now"]).as_bytes(), &[]);
        eventually("health is said", || payloads(heard, "/health").pop().filter(|h| accepted(h) > before))
    }

    fn store(&self, args: &[&str]) -> String {
        let config = self.config.to_str().unwrap();
        let output = run(&[args, &["--config", config]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    }
}

fn gate(heard: &Lines) -> Option<(String, String)> {
    let last = payloads(heard, "/cameras/gate/status").pop()?;
    let text = |field: &str| last["data"][field].as_str().unwrap_or_default().to_owned();
    Some((text("state"), text("reason")))
}

#[test]
fn only_what_counts_is_followed_once_and_everything_else_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("wanted.csv");
    std::fs::write(&list, "plate,category\n1ABC123,stolen-vehicle\n").unwrap();
    let the = Box1::new(dir.path(), "v4l2 = \"/dev/video-none\"", &list);
    let (_subscriber, heard) = the.broker.subscriber();
    let (mut box_1, log) = daemon(&the.config);
    eventually("the box has connected", || log.has("connected to the broker").then_some(()));
    eventually("the camera is tried", || gate(&heard).filter(|g| g.0 == "failed"));

    let first = the.health(&heard);
    assert_eq!(first["data"]["inbound"]["refused"], serde_json::json!({}));

    // A camera is paused wherever it waits, and let go on.
    let pause = the.signed(&["pause", "--camera", "gate", "--reason", "works on the road"]);
    the.send("commands", pause.as_bytes(), &[]);
    let paused = eventually("it is paused", || gate(&heard).filter(|g| g.0 == "ended"));
    assert_eq!(paused.1, "paused by Peeters: works on the road");

    // A list is read at once, which is looked at once an hour otherwise.
    std::fs::write(&list, "plate,category\n1ABC123,stolen-vehicle\n1DEF456,stolen-vehicle\n").unwrap();
    the.send("commands", the.signed(&["reload-lists"]).as_bytes(), &[]);
    eventually("the list is read again", || {
        payloads(&heard, "/hotlists/wanted/status").pop().filter(|s| s["data"]["entries"] == 2)
    });

    // Everything hostile.
    let health_now = || the.signed(&["health-now"]);
    let resume = the.signed(&["resume", "--camera", "gate"]);
    let deep = format!("{}{}", "[".repeat(7_000), "]".repeat(7_000));
    let mut no_utf8 = health_now().into_bytes();
    no_utf8[20] = 0xff;
    let other_box = resume.replace("box-1", "box-2");
    let changed = resume.replace("gate", "quay");
    let unsigned = {
        let mut value: Value = serde_json::from_str(&resume).unwrap();
        let map = value.as_object_mut().unwrap();
        map.remove("signer");
        map.remove("signature");
        value.to_string()
    };
    let refused: Vec<(&str, &str, Vec<u8>)> = vec![
        ("too-large", "commands", vec![b' '; 20_000]),
        ("too-large", "outcomes", vec![b'['; 200_000]),
        ("not-utf8", "commands", no_utf8),
        ("malformed", "commands", deep.into_bytes()),
        ("malformed", "commands", b"{\"data\":1}".to_vec()),
        ("malformed", "outcomes", resume.clone().into_bytes()),
        ("wrong-box", "commands", other_box.into_bytes()),
        ("unsigned", "commands", unsigned.into_bytes()),
        ("bad-signature", "commands", changed.into_bytes()),
        (
            "bad-signature",
            "commands",
            the.signed_by("dispatch", "stranger", &["resume", "--camera", "gate"]).into(),
        ),
        (
            "unknown-signer",
            "commands",
            the.signed_by("stranger", "stranger", &["resume", "--camera", "gate"]).into(),
        ),
        (
            "not-allowed",
            "commands",
            the.signed_by("reader", "reader", &["resume", "--camera", "gate"]).into(),
        ),
        ("replayed", "commands", pause.clone().into_bytes()),
        ("no-such-thing", "commands", the.signed(&["pause", "--camera", "quay"]).into()),
        (
            "no-such-thing",
            "outcomes",
            the.signed(&["outcome", "--hit", "019ab2c0-5d0f-7a41-8b52-3c1f5e9d2a60", "--answer", "misread"])
                .into(),
        ),
    ];
    let mut expected = std::collections::BTreeMap::new();
    for (reason, topic, payload) in &refused {
        the.send(topic, payload, &[]);
        *expected.entry(*reason).or_insert(0_u64) += 1;
    }
    let health = the.health(&heard);
    assert_eq!(health["data"]["inbound"]["refused"], serde_json::json!(expected));
    assert_eq!(gate(&heard).unwrap().0, "ended", "none of them let the camera go on");

    // Over a restart: the camera stays paused, ids stay known; what was kept by the broker does not count.
    assert_eq!(box_1.terminate(), Some(0));
    the.send("commands", pause.as_bytes(), &["-r"]);
    let (mut box_1, log) = daemon(&the.config);
    eventually("the box has connected", || log.has("connected to the broker").then_some(()));
    eventually("it is still paused", || log.has("camera paused").then_some(()));
    eventually("it counts anew", || {
        payloads(&heard, "/health").pop().filter(|h| h["data"]["inbound"]["accepted"] == 0)
    });
    let refused = the.health(&heard)["data"]["inbound"]["refused"].clone();
    // It came twice: by the session, which the broker kept while the box was away, and as a retained message.
    assert_eq!(refused, serde_json::json!({"replayed": 1, "retained": 1}));
    the.send("commands", the.signed(&["resume", "--camera", "gate"]).as_bytes(), &[]);
    eventually("it goes on", || gate(&heard).filter(|g| g.0 == "failed" || g.0 == "connecting"));
    assert_eq!(box_1.terminate(), Some(0));

    // Each is a row of the chain, with who asked and whose key it was.
    let rows = the.store(&["audit", "list", "--json", "--action", "command"]);
    let said: Vec<Value> = rows.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(said.iter().all(|r| r["actor"] == "Peeters" && r["detail"]["signer"] == "dispatch"), "{rows}");
    for word in ["pause", "reload-lists", "health-now", "resume"] {
        assert!(said.iter().any(|r| r["detail"]["command"] == word), "{word}: {rows}");
    }
    assert_eq!(run(&["audit", "verify", "--config", the.config.to_str().unwrap()]).status.code(), Some(0));
    // Nothing was ever answered: the box wrote to its own topics only.
    assert!(payloads(&heard, "/answers").is_empty());
}

#[test]
fn an_answer_over_mqtt_is_kept_beside_its_hit() {
    let dir = tempfile::tempdir().unwrap();
    let clip =
        format!("file = {:?}\npace = \"fast\"\nrepeat = true", root().join("samples/roadside-day.mp4"));
    let the = Box1::new(dir.path(), &clip, &root().join("samples/hotlist.csv"));
    let (_subscriber, heard) = the.broker.subscriber();
    let (mut box_1, _log) = daemon(&the.config);
    let hit = eventually("a hit comes", || payloads(&heard, "/hits").into_iter().next());
    let id = hit["data"]["hit"].as_str().unwrap().to_owned();
    let answer = the.signed(&["outcome", "--hit", &id, "--answer", "misread", "--note", "8, not B — zeker"]);
    the.send("outcomes", answer.as_bytes(), &[]);
    the.send("outcomes", answer.as_bytes(), &[]);
    // A file is not a camera that can be stopped.
    the.send("commands", the.signed(&["pause", "--camera", "gate"]).as_bytes(), &[]);
    let health = the.health(&heard);
    assert_eq!(health["data"]["inbound"]["refused"], serde_json::json!({"no-such-thing": 1, "replayed": 1}));
    let shown = the.store(&["log", "--json", "--limit", "10000"]);
    let hits: Vec<Value> = shown.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let kept = hits.iter().find(|h| h["id"] == id.as_str() || h["hit"] == id.as_str());
    let kept = kept.unwrap_or_else(|| panic!("{id} in {shown}"));
    assert!(kept.to_string().contains("misread") && kept.to_string().contains("8, not B — zeker"), "{kept}");
    let rows = the.store(&["audit", "list", "--json", "--action", "outcome"]);
    assert!(rows.contains("\"source\":\"mqtt\"") && rows.contains("\"signer\":\"dispatch\""), "{rows}");
    box_1.terminate();
}
