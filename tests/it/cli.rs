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

#[test]
fn a_list_is_checked_against_the_running_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        at("running.txt"),
        "PlateNumber;Category;ExpiryDate\n1-ABC-123;Stolen;\n2-DEF-456;Stolen;\n",
    )
    .unwrap();
    std::fs::write(
        at("new.txt"),
        "PlateNumber;Category;ExpiryDate\n1-ABC-123;Stolen;2027-01-31\n3-GHI-789;Wanted;2020-01-01\n4-?;;\n",
    )
    .unwrap();
    let args = ["hotlist", "check", &at("new.txt"), "--mapping", "genetec", "--max-bad-share", "0.5"];
    let output = run(&[&args[..], &["--against", &at("running.txt")]].concat());
    assert_eq!(output.status.code(), Some(3), "a row cannot be used: {}", stderr(&output));
    let text = stdout(&output);
    for line in [
        "3 rows: 2 entries loaded, 1 bad, 0 repeated, 1 expired",
        "1 added, 1 removed, 1 changed, 0 the same",
        "+ line 3: 3GHI789 Wanted",
        "- line 3 of the running list: 2DEF456 Stolen",
        "~ line 2: 1ABC123 Stolen: valid_until \"none\" becomes \"2027-02-01T00:00:00.000Z\"",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    let output = run(&[&args[..], &["--against", &at("running.txt"), "--json"]].concat());
    let v: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&v["changes"]["added"], &v["bad_rows"], &v["refused"]),
        (&1.into(), &1.into(), &serde_json::Value::Null)
    );
    assert_eq!(v["problems"][0]["line"], 4);
    // Refused whole, and the machine is told why.
    let output = run(&["hotlist", "check", &at("new.txt"), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let v: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(v["refused"].as_str().unwrap().contains("without a column"), "{v}");
    assert_eq!(run(&["hotlist", "check", &at("new.txt"), "--max-bad-share", "7"]).status.code(), Some(2));
    assert_eq!(
        run(&["hotlist", "check", &at("new.txt"), "--against", &at("gone.txt"), "--mapping", "genetec"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn ready_mappings_can_be_printed_and_used() {
    let listed = stdout(&run(&["hotlist", "mappings"]));
    let names: Vec<&str> = listed.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(names.len(), 12, "{listed}");
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("own.toml");
    std::fs::write(&own, run(&["hotlist", "mapping", "simple"]).stdout).unwrap();
    let list = dir.path().join("list.txt");
    std::fs::write(&list, "ABC123\n").unwrap();
    let output = run(&["hotlist", "check", list.to_str().unwrap(), "--mapping", own.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run(&["hotlist", "mapping", "gentec"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("genetec"));
}

#[test]
fn a_list_is_signed_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let keygen = [
        "hotlist",
        "keygen",
        "--id",
        "zone-antwerp",
        "--secret",
        &at("zone.key"),
        "--public",
        &at("signers"),
    ];
    assert_eq!(run(&keygen).status.code(), Some(0));
    let secret = std::fs::metadata(at("zone.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&secret.permissions()) & 0o777, 0o600);
    assert_eq!(run(&keygen).status.code(), Some(1), "never over a key");
    std::fs::write(at("stolen.csv"), "plate\n1ABC123\n").unwrap();
    let signed = run(&[
        "hotlist",
        "sign",
        &at("stolen.csv"),
        "--key",
        &at("zone.key"),
        "--signer",
        "zone-antwerp",
        "--name",
        "stolen",
        "--version",
        "7",
        "--expires-h",
        "48",
    ]);
    assert_eq!(signed.status.code(), Some(0), "{}", stderr(&signed));
    let verify = |name: &str| {
        run(&["hotlist", "verify", &at("stolen.csv"), "--signers", &at("signers"), "--name", name])
    };
    let good = verify("stolen");
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    assert!(stdout(&good).contains("version 7 of stolen by zone-antwerp"), "{}", stdout(&good));
    assert_eq!(verify("uninsured").status.code(), Some(1));
    std::fs::write(at("stolen.csv"), "plate\n1ABC124\n").unwrap();
    let bad = verify("stolen");
    assert_eq!(bad.status.code(), Some(1));
    assert!(stderr(&bad).contains("not the one that was signed"), "{}", stderr(&bad));
}
