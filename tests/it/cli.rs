//! The verbs as a user calls them.

use crate::world::*;

#[test]
fn every_verb_shows_examples_and_exit_codes() {
    for verb in ["run", "demo", "read", "replay", "check", "hotlist", "log", "bench", "version"] {
        let output = run(&[verb, "--help"]);
        assert!(output.status.success(), "{verb}");
        assert!(stdout(&output).contains("Examples:"), "{verb} shows no examples");
    }
    assert_eq!(run(&["read"]).status.code(), Some(2));
    assert!(stdout(&run(&["--help"])).contains("Exit codes:"));
}

#[test]
fn version_names_the_models_by_hash() {
    let text = stdout(&run(&["version"]));
    let hashes = text.lines().filter_map(|l| l.split("sha256 ").nth(1)).filter(|h| h.len() == 64).count();
    assert_eq!(hashes, 2, "{text}");
}

#[test]
fn read_gives_the_documented_object_and_draws() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("drawn");
    let output = run(&["read", "--json", "--annotate", out.to_str().unwrap(), "samples/pictures"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut plates = 0;
    for line in stdout(&output).lines() {
        let v: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(v["width"].as_u64().unwrap() > 0 && v["height"].as_u64().unwrap() > 0);
        let found = v["plates"].as_array().unwrap();
        let scores: Vec<f64> = found.iter().map(|p| p["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "sorted by score: {scores:?}");
        for p in found {
            let text = p["text"].as_str().unwrap();
            let characters: String =
                p["characters"].as_array().unwrap().iter().map(|c| c["char"].as_str().unwrap()).collect();
            assert_eq!(characters, text);
            assert_eq!(p["corners"].as_array().unwrap().len(), 4);
            assert!((0.0..=1.0).contains(&p["confidence"].as_f64().unwrap()));
            plates += 1;
        }
    }
    assert!(plates > 0);
    let drawn = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(drawn, stdout(&output).lines().count());
}

#[test]
fn a_car_park_without_plates_gives_no_passage() {
    let Some(clip) = shared("data/clips/car-park-no-plates.mp4") else { return };
    let output = run(&["replay", "--json", clip.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn replay_finds_most_of_what_a_person_reads() {
    let output = run(&["replay", "--json", "samples/roadside-day.mp4"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let read: Vec<String> = stdout(&output)
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    let readable: Vec<String> = truth("roadside-day").into_iter().filter(|v| v.1).map(|v| v.0).collect();
    let right = readable.iter().filter(|t| read.contains(t)).count();
    assert!(right * 2 >= readable.len(), "{right} of {}: {read:?}", readable.len());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let mut child = platewatch()
        .args(["read", "--json", "samples/pictures"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
