//! What comes after a hit: operators' answers, and hits found afterwards, with the real program and broker.

use crate::world::*;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

fn config(dir: &Path, camera: &str, list: &Path, rest: &str) -> std::path::PathBuf {
    let path = dir.join("box.toml");
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\n{camera}\n[[hotlists]]\nname = \"wanted\"\npath = {list:?}\n{rest}\n",
        dir.join("store"),
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Answers a hit as the page's script does; the status code.
fn press(port: u16, hit: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!(
        "POST /hits/{hit}/outcome HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn vehicles_wanted_afterwards_are_found_once_told_as_late_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(dir.path());
    let (_subscriber, heard) = broker.subscriber();
    let store = dir.path().join("store");
    let store = store.to_str().unwrap();

    // Vehicles pass of which none is wanted.
    let list = dir.path().join("wanted.csv");
    std::fs::write(&list, "plate,category\n9ZZZ999,stolen-vehicle\n").unwrap();
    let clip = format!("file = {:?}\npace = \"fast\"", root().join("samples/roadside-day.mp4"));
    let (mut first, log) = daemon(&config(dir.path(), &clip, &list, &broker.section()));
    eventually("the clip has been played", || first.0.try_wait().unwrap());
    let passages = lines(&run(&["log", "--passages", "--json", "--limit", "10000", "--data", store]));
    let seen: Vec<&str> = passages.iter().map(|p| p["text"].as_str().unwrap()).collect();
    assert!(payloads(&heard, "/hits").is_empty(), "{}", log.all().join("\n"));
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("samples/expected-hits.json")).unwrap())
            .unwrap();
    let wanted: Vec<&str> = expected["roadside-day"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .filter(|plate| seen.iter().filter(|s| *s == plate).count() == 1)
        .collect();
    assert!(wanted.len() >= 2, "too few were read to prove anything: {seen:?}");

    // Later they are. The box runs, its camera is away.
    let new = dir.path().join("late-theft.csv");
    let rows: String = wanted.iter().map(|p| format!("{p},stolen-vehicle,AN.11.L9.1/2026\n")).collect();
    std::fs::write(&new, format!("plate,category,case\n{rows}")).unwrap();
    let port = free_port();
    let gone = format!("rtsp = \"rtsp://127.0.0.1:{}/x\"\ntransport = \"tcp\"", free_port());
    let rest = format!("{}\n[console]\nlisten = \"127.0.0.1:{port}\"\nanswers = true", broker.section());
    let config = config(dir.path(), &gone, &list, &rest);
    let (mut second, log) = daemon(&config);
    eventually("the console answers", || TcpStream::connect(("127.0.0.1", port)).ok());
    let search = |more: &[&str]| {
        let mut args = vec!["hotlist", "search-past", "--json", "--config", config.to_str().unwrap()];
        args.extend(["--list", new.to_str().unwrap()]);
        args.extend(more);
        run(&args)
    };
    let refused = search(&["--purpose", " ", "--case", "AN.11.L9.1/2026"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("must name its purpose"), "{}", stderr(&refused));
    let asked = ["--purpose", "theft", "--case", "AN.11.L9.1/2026", "--by", "Peeters"];
    let dry = lines(&search(&[asked.as_slice(), &["--dry-run"]].concat()));
    assert_eq!(dry.last().unwrap()["late_hits"], wanted.len());
    assert!(lines(&run(&["log", "--json", "--data", store])).is_empty(), "a dry run keeps nothing");

    let found = lines(&search(&asked));
    let (summary, late) = found.split_last().unwrap();
    assert_eq!((&summary["late_hits"], &summary["known"]), (&wanted.len().into(), &0.into()), "{summary}");
    let matched: Vec<&str> = late.iter().map(|h| h["matched"].as_str().unwrap()).collect();
    assert!(wanted.iter().all(|w| matched.contains(w)), "{matched:?}");
    for h in late {
        let passage = passages.iter().find(|p| p["passage"] == h["passage"]).unwrap();
        assert_eq!(h["first_seen"], passage["first_seen"], "the time is that of the passage");
    }

    // The running box tells of them, as late.
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("docs/ref/schema/hit.json")).unwrap())
            .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let told = eventually("all late hits are told of", || {
        let told = payloads(&heard, "/hits");
        (told.len() >= 2 * wanted.len()).then_some(told)
    });
    for message in &told {
        assert!(validator.is_valid(message), "{message:#}");
        assert_eq!(message["data"]["late"], true);
    }
    for state in ["new", "final"] {
        assert_eq!(told.iter().filter(|m| m["data"]["state"] == state).count(), wanted.len(), "{state}");
    }

    // Searched again, nothing is found twice.
    let again = lines(&search(&asked));
    assert_eq!(again.len(), 1, "{again:?}");
    assert_eq!((&again[0]["late_hits"], &again[0]["known"]), (&0.into(), &wanted.len().into()));

    // An officer answers on the page; a colleague corrects it on the command line; the last counts.
    let hit = late[0]["hit"].as_str().unwrap();
    assert_eq!(press(port, hit, r#"{"outcome":"confirmed","by":"Peeters"}"#), 204);
    assert_eq!(press(port, hit, r#"{"outcome":"nonsense","by":"Peeters"}"#), 400);
    let tail = &hit[hit.len() - 12..];
    let said =
        run(&["outcome", tail, "misread", "--by", "Janssens", "--note", "8 read as B", "--data", store]);
    assert!(said.status.success(), "{}", stderr(&said));
    assert!(stdout(&said).contains(hit));
    assert_eq!(run(&["outcome", tail, "wrong", "--by", "x", "--data", store]).status.code(), Some(2));
    let nobody = run(&["outcome", "ffffffffffff", "misread", "--by", "x", "--data", store]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("there is no hit"), "{}", stderr(&nobody));

    let hits = lines(&run(&["log", "--json", "--data", store]));
    let answered = hits.iter().find(|h| h["hit"] == hit).unwrap();
    assert_eq!((&answered["late"], &answered["state"]), (&true.into(), &"final".into()));
    assert_eq!(answered["outcome"]["outcome"], "misread");
    assert_eq!(
        (&answered["outcome"]["by"], &answered["outcome"]["source"]),
        (&"Janssens".into(), &"cli".into())
    );
    let counted = lines(&run(&["log", "outcomes", "--json", "--data", store]));
    assert_eq!(counted.len(), 1);
    assert_eq!((&counted[0]["key"], &counted[0]["hits"]), (&"late-theft".into(), &wanted.len().into()));
    assert_eq!((&counted[0]["answered"], &counted[0]["misread"]), (&1.into(), &1.into()));
    assert_eq!((&counted[0]["confirmed"], &counted[0]["false_share"]), (&0.into(), &1.0.into()));
    let config = config.to_str().unwrap();
    let beside =
        lines(&run(&["log", "outcomes", "--json", "--by", "kind", "--data", store, "--config", config]));
    assert!(beside[0]["expected_false_a_day"].as_f64().is_some_and(|n| n >= 0.0), "{beside:?}");
    let by_camera = lines(&run(&["log", "outcomes", "--json", "--by", "camera", "--data", store]));
    assert_eq!(by_camera[0]["key"], "gate");
    let table = run(&["log", "outcomes", "--by", "kind", "--data", store]);
    assert!(stdout(&table).contains("exact") && stdout(&table).contains("100.0%"), "{}", stdout(&table));

    assert_eq!(payloads(&heard, "/hits").len(), 2 * wanted.len(), "nothing was told twice");
    assert_eq!(second.terminate(), Some(0), "{}", log.all().join("\n"));
}

#[test]
fn a_list_that_is_neither_named_nor_a_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let list = root().join("samples/hotlist.csv");
    let clip = format!("file = {:?}", root().join("samples/roadside-day.mp4"));
    let config = config(dir.path(), &clip, &list, "[mqtt]\nembedded = true");
    let args =
        ["hotlist", "search-past", "--config", config.to_str().unwrap(), "--purpose", "p", "--case", "c"];
    let unknown = run(&[args.as_slice(), &["--list", "stolen"]].concat());
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("neither a file nor a list") && stderr(&unknown).contains("wanted"));
    // Nothing has passed yet.
    let empty = run(&[args.as_slice(), &["--list", "wanted"]].concat());
    assert_eq!(empty.status.code(), Some(1));
    assert!(stderr(&empty).contains("no database"), "{}", stderr(&empty));
}
