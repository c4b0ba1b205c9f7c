//! A hit of a real box as one file, taken to a folder where there is neither box nor store.

use crate::accountable::{configured, verb};
use crate::world::*;
use std::path::Path;

/// The samples' plates through the real chain: a box with pictures as its camera, and a list that has them all.
fn box_with_hits(dir: &Path) -> std::path::PathBuf {
    let config = configured(dir);
    let list = dir.join("wanted.csv");
    let truth = std::fs::read_to_string(root().join("samples/pictures/truth.csv")).unwrap();
    let plates: Vec<&str> =
        truth.lines().filter(|l| l.starts_with("day-1.jpg,")).filter_map(|l| l.split(',').nth(1)).collect();
    let mut rows = "plate,category,case,instruction\n".to_owned();
    for plate in plates {
        rows += &format!("{plate},wanted,AN.11.L9.1/2026,stop <b>now</b>\n");
    }
    std::fs::write(&list, rows).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(root().join("samples/hotlist.csv").to_str().unwrap(), list.to_str().unwrap());
    // One still picture is a whole passage.
    std::fs::write(&config, text + "[track]\nmin_readings = 1\n").unwrap();
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    dir.join("store")
}

fn verify(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = platewatch();
    // Somewhere without store, configuration and models.
    command.current_dir(file.parent().unwrap()).args(["evidence", "verify"]).arg(file).args(more);
    let output = command.output().unwrap();
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn a_hit_taken_out_is_proven_elsewhere_and_any_change_shows() {
    let dir = tempfile::tempdir().unwrap();
    let store = box_with_hits(dir.path());
    let (code, listed) = verb(&["log", "--json", "--as", "j.peeters"], &store, &[]);
    assert_eq!(code, Some(0), "{listed}");
    let hit: serde_json::Value = serde_json::from_str(listed.lines().next().expect("a hit")).unwrap();
    let id = hit["hit"].as_str().unwrap();
    let (code, said) =
        verb(&["outcome", id, "confirmed", "--by", "Janssens", "--note", "seen by two"], &store, &[]);
    assert_eq!(code, Some(0), "{said}");

    let away = tempfile::tempdir().unwrap();
    let file = away.path().join("hit.zip");
    let out = file.to_str().unwrap();
    let export = [
        "evidence",
        "export",
        &id[24..],
        "--out",
        out,
        "--as",
        "j.peeters",
        "--purpose",
        "theft",
        "--case",
        "AN-7",
    ];
    let (code, said) = verb(&export, &store, &[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = verb(&export, &store, &[]);
    assert_eq!(code, Some(1), "an existing file is not written over: {said}");

    let key = {
        let (_, said) = verb(&["audit", "list", "--json", "--action", "key-made"], &store, &[]);
        let row: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        row["detail"]["key"].as_str().unwrap().to_owned()
    };
    let (code, said) = verify(&file, &["--key", &key]);
    assert_eq!(code, Some(0), "{said}");
    for words in ["GENUINE\n", "first kept at", "\"j.peeters\"", "1 answers", "models", "the list \"wanted\""]
    {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let keys = away.path().join("boxes.keys");
    std::fs::write(&keys, format!("platewatch-ed25519 box-1 {key}\n")).unwrap();
    assert_eq!(verify(&file, &["--keys", keys.to_str().unwrap()]).0, Some(0));
    let (code, said) = verify(&file, &["--key", &"5b".repeat(32)]);
    assert_eq!(code, Some(1));
    assert!(said.contains("NOT GENUINE") && said.contains(&key), "{said}");

    // Any unzip program opens it; the page stands in it, with the card of the reader.
    let python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(*z.namelist())";
    let listing = std::process::Command::new("python3").args(["-c", python]).arg(&file).output().unwrap();
    let names = String::from_utf8_lossy(&listing.stdout).into_owned();
    for name in [
        "index.html",
        "record.json",
        "chain.json",
        "models/reader.toml",
        "models/detector.toml",
        "manifest.sig",
    ] {
        assert!(names.contains(name), "{name} is missing in {names}");
    }

    let bytes = std::fs::read(&file).unwrap();
    let changed = away.path().join("changed.zip");
    for at in (0..bytes.len()).step_by(bytes.len() / 25) {
        let mut other = bytes.clone();
        other[at] ^= 1;
        std::fs::write(&changed, other).unwrap();
        let (code, said) = verify(&changed, &[]);
        assert!(code == Some(1) && said.contains("NOT GENUINE"), "byte {at}: {said}");
    }

    // The chain says who looked and who took what out.
    let (_, looks) = verb(&["audit", "list", "--action", "search"], &store, &[]);
    assert!(looks.contains("j.peeters") && looks.contains("\"what\":\"log\""), "{looks}");
    let (_, exports) = verb(&["audit", "list", "--action", "export"], &store, &[]);
    assert_eq!(exports.lines().count(), 1, "the one that failed is not among them: {exports}");
    assert!(exports.contains("AN-7") && exports.contains(id), "{exports}");
    assert_eq!(verb(&["audit", "verify"], &store, &[]).0, Some(0));
    assert_eq!(verb(&["check", "store"], &store, &[]).0, Some(0));

    // With the sqlite3 shell a reading is made to fit: nothing is given out as evidence any more.
    let database = rusqlite::Connection::open(store.join("platewatch.db")).unwrap();
    database.execute_batch("UPDATE passage SET text = '1ABC123'").unwrap();
    let again = away.path().join("again.zip");
    let (code, said) = verb(
        &["evidence", "export", id, "--out", again.to_str().unwrap(), "--purpose", "theft", "--case", "AN-7"],
        &store,
        &[],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not as it was recorded") && !again.exists(), "{said}");
    let (code, said) = verb(&["check", "store"], &store, &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("not as it was recorded"), "{said}");
}

#[test]
fn what_cannot_be_put_on_record_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let store = box_with_hits(dir.path());
    // Nobody can write to the chain: another holds the database's write lock for good.
    let database = rusqlite::Connection::open(store.join("platewatch.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (code, said) = verb(&["log", "--json"], &store, &[]);
    assert_eq!(code, Some(1));
    assert!(!said.contains("\"hit\""), "{said}");
}

#[test]
fn the_whole_chain_can_be_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = box_with_hits(dir.path());
    let file = dir.path().join("chain.jsonl");
    let (code, said) =
        verb(&["audit", "export", "--out", file.to_str().unwrap(), "--purpose", "inspection"], &store, &[]);
    assert_eq!(code, Some(0), "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let rows: Vec<_> = lines.iter().filter(|l| l["seq"].is_u64()).collect();
    assert!(rows.windows(2).all(|w| w[0]["hash"] == w[1]["previous"]), "{text}");
    assert_eq!(rows.last().unwrap()["detail"]["purpose"], "inspection");
    assert!(said.contains(rows.last().unwrap()["hash"].as_str().unwrap()), "{said}");
    assert_eq!(lines.last().unwrap()["seal"], rows.last().unwrap()["seq"], "the last row is sealed");
}
