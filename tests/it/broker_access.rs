//! deploy/mosquitto as it is shipped, with a real mosquitto: what each user is forbidden is not delivered.
//!
//! Never judged by the answer to a subscription or a publish, which a broker may give as it likes: whatever is
//! forbidden is sent first, then something allowed on the same way, and what has come by then is everything.

use crate::world::*;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

const USERS: [&str; 5] = ["antwerp/box-1", "antwerp/box-2", "ghent/box-1", "dispatch", "monitor"];
const PASSWORD: &str = "of-all-users-in-this-test";

struct Broker {
    port: u16,
    _process: Process,
}

impl Broker {
    /// The shipped files, with certificates, port and places of their own.
    fn start(dir: &Path) -> Self {
        let port = free_port();
        // Its certificates; its own configuration is not used.
        let made = Mosquitto::prepare(dir);
        drop(made);
        for (i, user) in USERS.iter().enumerate() {
            let mut command = Command::new("mosquitto_passwd");
            command
                .arg("-b")
                .args((i == 0).then_some("-c"))
                .arg(dir.join("passwords"))
                .args([user, PASSWORD]);
            assert!(command.output().unwrap().status.success());
        }
        let deploy = root().join("deploy/mosquitto");
        std::fs::copy(deploy.join("acl"), dir.join("acl")).unwrap();
        let shipped = std::fs::read_to_string(deploy.join("platewatch.conf")).unwrap();
        let config = shipped
            .replace("/etc/mosquitto/zone", &dir.display().to_string())
            .replace("listener 8883", &format!("user root\nlistener {port} 127.0.0.1"));
        std::fs::write(dir.join("shipped.conf"), config).unwrap();
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(dir.join("shipped.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed: run scripts/setup.sh --tests");
        let process = Process(child);
        eventually("mosquitto listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { port, _process: process }
    }

    fn client(&self, program: &str, dir: &Path, user: Option<&str>, version: &str) -> Command {
        let mut command = Command::new("stdbuf");
        command.args([
            "-oL",
            program,
            "-h",
            "localhost",
            "-p",
            &self.port.to_string(),
            "-V",
            version,
            "-q",
            "1",
        ]);
        command.arg("--cafile").arg(dir.join("ca.pem"));
        if let Some(user) = user {
            command.args(["-u", user, "-P", PASSWORD]);
        }
        command
    }

    /// Says `payload`; whether the client thinks that it worked.
    fn publish(&self, dir: &Path, user: Option<&str>, topic: &str, payload: &str, version: &str) -> bool {
        let mut client = self.client("mosquitto_pub", dir, user, version);
        client.args(["-t", topic, "-m", payload]).output().unwrap().status.success()
    }

    /// Listens to everything that `user` is let to.
    fn listen(&self, dir: &Path, user: &str, topics: &[&str]) -> (Process, Lines) {
        let mut client = self.client("mosquitto_sub", dir, Some(user), "5");
        client.args(["-v", "-d"]);
        topics.iter().for_each(|t| {
            client.args(["-t", t]);
        });
        let mut child = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        eventually("it has subscribed", || lines.has("SUBACK").then_some(()));
        (Process(child), lines)
    }
}

/// Topics of what came.
fn topics(lines: &Lines) -> Vec<String> {
    let all = lines.all();
    let came = all.iter().filter_map(|l| l.split_once(' ')).filter(|(t, _)| t.starts_with("platewatch/"));
    let mut topics: Vec<String> = came.map(|(topic, _)| topic.to_owned()).collect();
    // With two subscriptions that overlap, mosquitto may deliver twice.
    topics.dedup();
    topics
}

/// As above, by payload.
fn came(lines: &Lines, payload: &str) -> bool {
    lines.all().iter().any(|l| l.starts_with("platewatch/") && l.ends_with(&format!(" {payload}")))
}

#[test]
fn what_the_shipped_access_list_forbids_does_not_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let broker = Broker::start(dir);
    let (_d, dispatch) =
        broker.listen(dir, "dispatch", &["platewatch/v1/#", "platewatch/v1/ghent/+/hits", "#"]);
    let (_m, monitor) = broker.listen(dir, "monitor", &["#"]);
    let (_listener, box_1) = broker.listen(dir, "antwerp/box-1", &["#", "platewatch/v1/antwerp/+/commands"]);
    let (_g, ghent) = broker.listen(dir, "ghent/box-1", &["platewatch/v1/+/box-1/commands", "#"]);
    // (who, on which topic, what it would be)
    let forbidden = [
        ("antwerp/box-1", "platewatch/v1/antwerp/box-2/hits", "a box as another box"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-2/status", "a box as another box's status"),
        ("antwerp/box-1", "platewatch/v1/ghent/box-1/hits", "a box as one of another zone"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/commands", "a box commanding itself"),
        ("antwerp/box-2", "platewatch/v1/antwerp/box-1/commands", "a box commanding another"),
        ("antwerp/box-2", "platewatch/v1/antwerp/box-1/outcomes", "a box answering for operators"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/else", "a topic that is not in the list"),
        ("dispatch", "platewatch/v1/antwerp/box-1/hits", "operators making hits"),
        ("dispatch", "platewatch/v1/antwerp/dispatch/hits", "operators as a box of their name"),
        ("dispatch", "platewatch/v1/antwerp/box-1/status", "operators as a box's status"),
        ("dispatch", "platewatch/v1/ghent/box-1/commands", "operators commanding another zone"),
        ("monitor", "platewatch/v1/antwerp/box-1/commands", "a watcher commanding"),
        ("monitor", "platewatch/v1/antwerp/box-1/outcomes", "a watcher answering"),
    ];
    for version in ["5", "mqttv311"] {
        for (user, topic, what) in forbidden {
            // Whatever the client thinks of it: with MQTT 3.1.1 it cannot even be told.
            let _ = broker.publish(dir, Some(user), topic, &format!("forbidden {what}"), version);
        }
        assert!(
            !broker.publish(dir, None, "platewatch/v1/antwerp/box-1/hits", "forbidden", version),
            "anonymous"
        );
    }
    // Read by nobody who may not: all of these are written by who may.
    for (user, topic, payload) in [
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/passages", "passage"),
        ("ghent/box-1", "platewatch/v1/ghent/box-1/hits", "of ghent"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/hits", "hit"),
        ("dispatch", "platewatch/v1/antwerp/box-2/commands", "for box 2"),
        ("dispatch", "platewatch/v1/antwerp/box-1/commands", "for box 1"),
        ("dispatch", "platewatch/v1/antwerp/box-1/outcomes", "answer"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/cameras/gate/status", "camera"),
        ("antwerp/box-1", "platewatch/v1/antwerp/box-1/health", "last"),
    ] {
        assert!(broker.publish(dir, Some(user), topic, payload, "5"), "{user} may write {topic}");
    }
    for lines in [&dispatch, &monitor] {
        eventually("what is allowed arrives", || came(lines, "last").then_some(()));
    }
    eventually("the box is told", || came(&box_1, "answer").then_some(()));
    // A last word for who has heard nothing so far: ghent may read its own commands, which nobody here may write.
    let everything = [&dispatch, &monitor, &box_1, &ghent];
    assert!(everything.iter().all(|l| !l.has(" forbidden ")), "{:?}", everything.map(topics));
    assert!(came(&dispatch, "hit") && !came(&dispatch, "of ghent") && !came(&dispatch, "passage"));
    assert!(!came(&dispatch, "for box 1"), "commands are for boxes");
    let branch = "platewatch/v1/antwerp/box-1";
    assert_eq!(topics(&monitor), [format!("{branch}/cameras/gate/status"), format!("{branch}/health")]);
    assert_eq!(topics(&box_1), [format!("{branch}/commands"), format!("{branch}/outcomes")]);
    assert_eq!(topics(&ghent), Vec::<String>::new());
}

#[test]
fn a_box_works_with_what_the_shipped_access_list_lets_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let broker = Broker::start(dir);
    let (_d, dispatch) = broker.listen(dir, "dispatch", &["platewatch/v1/antwerp/+/#"]);
    std::fs::write(dir.join("password"), PASSWORD).unwrap();
    let config = dir.join("box.toml");
    std::fs::create_dir(dir.join("in")).unwrap();
    std::fs::copy(root().join("samples/pictures/day-1.jpg"), dir.join("in/1.jpg")).unwrap();
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = \"store\"\n[vision]\nworkers = 1\ndetector = {:?}\n\
         reader = {:?}\n[[cameras]]\nname = \"gate\"\nfolder = \"in\"\n[[hotlists]]\nname = \"wanted\"\npath = {:?}\n\
         [mqtt]\nhost = \"localhost\"\nport = {}\nusername = \"antwerp/box-1\"\npassword_file = \"password\"\n\
         [mqtt.tls]\nca = \"ca.pem\"\n",
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        root().join("samples/hotlist.csv"),
        broker.port,
    );
    std::fs::write(&config, text).unwrap();
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("refused"), "{}", stderr(&output));
    for end in ["/status", "/health", "/cameras/gate/status", "/hotlists/wanted/status"] {
        eventually(end, || topics(&dispatch).iter().any(|t| t.ends_with(end)).then_some(()));
    }
}
