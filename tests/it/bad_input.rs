//! Bad input to the real binary: each gets a clear error with its coordinates, and nothing else is lost.

use crate::world::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A box that plays `clip` into `dir/store`, with an embedded broker and `extra` sections.
fn config(dir: &Path, clip: &Path, list: &Path, extra: &str) -> PathBuf {
    let path = dir.join("box.toml");
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nfile = {:?}\npace = \"fast\"\n\
         [[hotlists]]\nname = \"wanted\"\npath = {:?}\npoll_s = 1\n[mqtt]\nembedded = true\nport = {port}\n{extra}",
        dir.join("store"),
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        clip,
        list,
        port = free_port(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn clip() -> PathBuf {
    root().join("samples/roadside-day.mp4")
}

/// A folder of the repository's models with a reader that can be spoiled.
fn models(dir: &Path) -> PathBuf {
    let copy = dir.join("models");
    std::fs::create_dir_all(&copy).unwrap();
    for name in ["detector.onnx", "detector.toml", "reader.onnx", "reader.toml"] {
        std::fs::copy(root().join("models").join(name), copy.join(name)).unwrap();
    }
    copy
}

fn with_models(models: &Path) -> (Option<i32>, String) {
    let output = run(&["read", "--models", models.to_str().unwrap(), "samples/pictures"]);
    (output.status.code(), stderr(&output))
}

#[test]
fn a_picture_that_is_none_is_named_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let good = std::fs::read_dir(root().join("samples/pictures")).unwrap();
    let good = good.map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "jpg")).unwrap();
    std::fs::copy(&good, dir.path().join("a.jpg")).unwrap();
    std::fs::write(dir.path().join("b.jpg"), b"no picture at all").unwrap();
    std::fs::write(dir.path().join("c.jpg"), b"").unwrap();
    let output = run(&["read", "--json", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("b.jpg") && stderr(&output).contains("c.jpg"), "{}", stderr(&output));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["image"].as_str().unwrap().ends_with("a.jpg"));
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let output = run(&["read", "/nowhere/car.jpg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nowhere/car.jpg"), "{}", stderr(&output));
}

#[test]
fn models_that_are_empty_wrong_or_not_their_cards_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let models = models(dir.path());
    let card = std::fs::read_to_string(models.join("reader.toml")).unwrap();
    let spoil = |bytes: &[u8], card: &str| {
        std::fs::write(models.join("reader.onnx"), bytes).unwrap();
        std::fs::write(models.join("reader.toml"), card).unwrap();
        let (code, text) = with_models(&models);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("reader."), "{text}");
        text
    };
    let hashed = |bytes: &[u8]| {
        use sha2::{Digest, Sha256};
        let hash: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        let at = card.lines().find(|l| l.trim_start().starts_with("sha256")).unwrap();
        card.replace(at, &format!("sha256 = \"{hash}\""))
    };
    assert!(spoil(b"", &card).contains("is empty"));
    assert!(spoil(b"not a model", &card).contains("SHA-256"));
    assert!(spoil(b"not a model", &hashed(b"not a model")).contains("no model ONNX Runtime can run"));
    // A sound model that is not the one the card speaks of: the detector under the reader's name.
    let detector = std::fs::read(models.join("detector.onnx")).unwrap();
    let text = spoil(&detector, &hashed(&detector));
    assert!(text.contains("as its card says"), "{text}");
}

#[test]
fn a_clip_that_is_cut_off_gives_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    // Fragmented, so that the index does not go with the end; then cut in the middle.
    let whole = dir.path().join("whole.mp4");
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-t", "12", "-i"])
        .arg(clip())
        .args(["-c", "copy", "-movflags", "+faststart"])
        .arg(&whole)
        .status()
        .expect("ffmpeg is installed: run scripts/setup.sh --tests");
    assert!(made.success());
    let bytes = std::fs::read(&whole).unwrap();
    let cut = dir.path().join("cut.mp4");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let output = run(&["replay", "--json", cut.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("cut.mp4"), "{}", stderr(&output));
    assert!(!stdout(&output).is_empty(), "passages before the cut must be there");

    std::fs::write(&cut, &bytes[..100]).unwrap();
    let output = run(&["replay", cut.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cut.mp4"), "{}", stderr(&output));
}

#[test]
fn a_list_with_bad_rows_loads_the_good_and_names_the_bad() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("wanted.csv");
    let mut text = String::from("plate,category,priority,country,valid_from,valid_until,case,instruction\n");
    for i in 0..30 {
        text.push_str(&format!("1-ABC-{i:03},stolen-vehicle,10,BE,,,C{i},\n"));
    }
    text.push_str("1-ABC-9*9,stolen-vehicle,900,BE,,,C,\n");
    std::fs::write(&list, &text).unwrap();
    let output = run(&["hotlist", "check", list.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("32"), "the bad row's line is named: {}", stdout(&output));
    assert!(stdout(&output).contains("30 entries"), "{}", stdout(&output));

    // More than a tenth bad: refused whole.
    std::fs::write(&list, "plate,priority\n1ABC123,5\n1ABC124,x\n").unwrap();
    let output = run(&["hotlist", "check", list.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("wanted.csv"), "{}", stderr(&output));
}

#[test]
fn a_refused_list_leaves_the_old_one_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("wanted.csv");
    std::fs::copy(root().join("samples/hotlist.csv"), &list).unwrap();
    let config = config(dir.path(), &clip(), &list, "");
    // In real time, so that there is time to spoil the list while it plays.
    let text = std::fs::read_to_string(&config).unwrap().replace("\"fast\"", "\"real-time\"");
    std::fs::write(&config, text).unwrap();
    let (mut daemon, log) = daemon(&config);
    eventually("the list is loaded", || log.has("hotlist loaded").then_some(()));
    std::fs::write(&list, "plate,priority\nA-B-C,x\n?,y\n").unwrap();
    eventually("the spoilt list is refused", || log.has("hotlist refused").then_some(()));
    eventually("the clip has been played", || daemon.0.try_wait().unwrap());
    let shown = run(&["log", "--json", "--data", dir.path().join("store").to_str().unwrap()]);
    assert!(!stdout(&shown).is_empty(), "the old list must go on giving hits: {}", log.all().join("\n"));
    drop(daemon.0.wait());
}

#[test]
fn a_broken_configuration_is_told_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("box.toml");
    std::fs::write(
        &path,
        "zone = \"antwerp\"\nbocks = \"b\"\n[[cameras]]\nname = \"a\"\nrtsp = \"http://x\"\n",
    )
    .unwrap();
    for verb in ["run", "check"] {
        let output = run(&[verb, "--config", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{verb}");
        let text = stderr(&output);
        assert!(text.contains(":2:") && text.contains("bocks") && text.contains("box"), "{verb}: {text}");
        assert!(text.contains("rtsp"), "{verb} must tell the second problem too: {text}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let list = root().join("samples/hotlist.csv");
    let config = config(dir.path(), &clip(), &list, "");
    let (mut first, _) = daemon(&config);
    let database = dir.path().join("store/platewatch.db");
    eventually("the database is there", || database.exists().then_some(()));
    first.terminate();
    // user_version is a big-endian 32-bit number at byte 60 of the file (SQLite file format, section 1.3).
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&4_000_u32.to_be_bytes());
    std::fs::write(&database, &bytes).unwrap();
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("4000"), "{}", stderr(&output));
    assert_eq!(std::fs::read(&database).unwrap()[60..64], 4_000_u32.to_be_bytes());
}

#[test]
fn a_store_that_cannot_be_written_is_named_at_once() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be: refused for root too, whom permissions do not stop.
    std::fs::write(dir.path().join("store"), b"in the way").unwrap();
    let config = config(dir.path(), &clip(), &root().join("samples/hotlist.csv"), "");
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("store"), "{}", stderr(&output));
}

#[test]
fn a_disk_that_fills_up_is_said_and_nothing_is_claimed() {
    // A small file system of our own; needs root, as CI and our machines have.
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&store)
        .output();
    if !mounted.is_ok_and(|m| m.status.success()) {
        eprintln!("skipped: no right to mount a small file system here");
        return;
    }
    let config =
        config(dir.path(), &clip(), &root().join("samples/hotlist.csv"), "[run]\nstop_deadline_s = 4\n");
    let (mut daemon, log) = daemon(&config);
    // Filled by someone else while the box runs.
    eventually("the database is there", || store.join("platewatch.db").exists().then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    let _ = std::fs::write(store.join("someone-elses.bin"), vec![1_u8; 1024 * 1024]);
    eventually("the box says that its disk is full", || {
        (log.has("is full") || log.has("No space left") || daemon.0.try_wait().unwrap().is_some())
            .then_some(())
    });
    let said = log.has("is full") || log.has("No space left");
    std::fs::remove_file(store.join("someone-elses.bin")).ok();
    // It waits for space with what it could not keep; told to end, it ends all the same.
    assert_eq!(daemon.terminate(), Some(0), "{}", log.all().join("\n"));
    let shown = run(&["log", "--passages", "--json", "--data", store.to_str().unwrap()]);
    let sound = shown.status.success();
    let unmounted = std::process::Command::new("umount").arg(&store).status().unwrap();
    assert!(unmounted.success());
    assert!(said, "{}", log.all().join("\n"));
    assert!(sound, "the database must stay sound: {}", stderr(&shown));
}
