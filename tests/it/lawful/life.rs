//! Two months in the life of a box with four cameras, by a clock moved from outside: a temporary camera that ends,
//! an oral decision that lapses, a hold, deletions, a look at what is older than a month, a citizen's request. At
//! the end the register, the access report and the public list are compared with what was done, and the raw files
//! are searched for what should be gone.

use super::lawbox::*;
use crate::world::*;
use std::path::Path;
use std::process::Output;

const PASSWORD: &str = "a long password of the test";

/// The box: two cameras that stay, one that ends on 10 November, one under an oral decision of 20 October.
fn four_cameras() -> LawBox {
    let mut all = LawBox::new();
    all.clock("2026-10-05T08:00:00Z");
    let of = |reference: &str, kind: &str| {
        MANDATE.replace("GR-1", reference).replace("[\"fixed\"]", &format!("[\"{kind}\"]"))
    };
    let third =
        "[third_party]\nowner = \"Port of Exampleton\"\nprotocol = \"P-4\"\npolice_record = true\n[[places]]";
    all.mandate("fixed", &of("GR-1", "fixed"));
    all.mandate(
        "temporary",
        &of("GR-2", "temporary-fixed")
            .replace("2026-01-10", "2026-10-01")
            .replace("2098-01-01", "2026-11-10"),
    );
    all.mandate("port", &of("GR-4", "third-party").replace("[[places]]", third));
    let camera = |reference: &str, kind: &str| {
        format!("mandate = \"{reference}\"\ntype = \"{kind}\"\nposition = [4.402, 51.219]\n")
    };
    all.camera("bridge", &camera("GR-1", "fixed"));
    all.camera("fair", &camera("GR-2", "temporary-fixed"));
    all.camera("missing-child", &camera("ORAL-3", "temporary-fixed"));
    all.camera("port", &camera("GR-4", "third-party"));
    all.list("stolen", "purposes = [\"crimes-and-offences\"]\ncameras = [\"bridge\"]\n");
    all.law += "[retention]\nscheme = \"antwerp-30d\"\n";
    all
}

fn oral() -> String {
    MANDATE
        .replace("GR-1", "ORAL-3")
        .replace("[\"fixed\"]", "[\"temporary-fixed\"]")
        .replace("decided = 2026-01-05T18:00:00Z", "decided = 2026-10-20T10:00:00Z")
        .replace("valid_from = 2026-01-10T00:00:00Z", "valid_from = 2026-10-20T10:00:00Z")
        .replace("valid_until = 2098-01-01T00:00:00Z\n", "")
        .replace("impact_analysis = \"DPIA-1\"\n", "")
        .replace(
            "[modalities]",
            "[oral]\nby = \"mayor Example\"\nheard_by = \"commissaris Example\"\nurgency = \"a missing child\"\n[modalities]",
        )
}

/// One morning: the box runs until each of `looking` has seen the vehicle and the retention has gone round.
fn morning(all: &mut LawBox, at: &str, looking: &[&str], refused: &[(&str, &str)]) -> Lines {
    all.clock(at);
    all.taken_at = Some(at.to_owned());
    // The clock of the test is right to a second.
    let since = at.parse::<platewatch::domain::Utc>().unwrap().unix_ms() - 2_000;
    let (mut process, log) = all.start();
    for camera in looking {
        let seen = format!(
            "SELECT id FROM use_period WHERE camera = '{camera}' AND state = 'use' AND began_at >= {since}"
        );
        eventually(&format!("{at}: {camera} looks"), || all.try_rows(&seen).ok().filter(|r| !r.is_empty()));
    }
    for (camera, reason) in refused {
        all.until_state(camera, "pause", reason);
    }
    // The passage is written when the camera ends.
    for camera in looking {
        eventually(&format!("{at}: {camera} has read"), || (all.readings(camera) >= 4).then_some(()));
    }
    assert_eq!(process.terminate(), Some(0), "{at}: {}", log.all().join("\n"));
    let passages = format!(
        "SELECT DISTINCT camera FROM passage WHERE first_seen >= {since} AND first_seen < {since} + 3600000 ORDER BY camera"
    );
    assert_eq!(all.rows(&passages), looking, "{at}: {}", log.all().join("\n"));
    log
}

fn people(all: &LawBox, args: &[&str]) -> Output {
    let config = all.path("box.toml");
    let store = ["--config", config.to_str().unwrap()];
    let mut command = all.command();
    command
        .env("PLATEWATCH_PASSWORD", PASSWORD)
        .env("PLATEWATCH_SECOND_PASSWORD", PASSWORD)
        .env("PLATEWATCH_NEW_PASSWORD", PASSWORD);
    command.current_dir(root()).args(args).args(store).output().unwrap()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", stdout(output), stderr(output));
    stdout(output)
}

/// Files below `dir` that hold these bytes.
fn holding(dir: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if path.to_string_lossy().contains(needle)
            || std::fs::read(&path).unwrap().windows(needle.len()).any(|w| w == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn two_months_of_a_box_leave_what_the_law_wants_and_nothing_else() {
    let mut all = four_cameras();
    let none = ("missing-child", "no-mandate");

    // 5 October: three cameras look, the fourth has no decision yet.
    morning(&mut all, "2026-10-05T08:00:00Z", &["bridge", "fair", "port"], &[none]);
    let first_ids = all.rows("SELECT id FROM passage ORDER BY camera");
    let first_pictures = all.rows("SELECT sha256 FROM evidence");
    let held = all.rows("SELECT passage FROM hit")[0].clone();
    assert_eq!((first_ids.len(), first_pictures.len()), (3, 2), "three passages, two pictures of the hit");
    for (name, role) in
        [("m.claes", "supervisor"), ("j.peeters", "investigator"), ("l.maes", "data-protection-officer")]
    {
        done(&people(&all, &["access", "user", "add", name, "--role", role, "--as", "m.claes"]));
    }
    let investigator = ["--as", "j.peeters", "--second", "m.claes"];

    // 20 October: the mayor decides by word of mouth; the camera looks within a second of the file.
    all.mandate("oral", &oral());
    morning(&mut all, "2026-10-20T12:00:00Z", &["bridge", "fair", "missing-child", "port"], &[]);
    let oral_passage = all.rows("SELECT id FROM passage WHERE mandate = 'ORAL-3'");
    assert_eq!(oral_passage.len(), 1);

    // 24 October: nobody has confirmed it.
    let lapsed = ("missing-child", "oral-lapsed");
    morning(&mut all, "2026-10-24T08:00:00Z", &["bridge", "fair", "port"], &[lapsed]);

    // 1 November: a case keeps the hit of 5 October; the end of the temporary camera is announced.
    let hold =
        ["hold", "add", "--passage", &held, "--case", "AN-1/2026", "--reason", "asked for by the prosecutor"];
    done(&people(&all, &[&hold[..], &["--until", "2027-03-01T00:00:00Z", "--as", "j.peeters"]].concat()));
    let log = morning(&mut all, "2026-11-01T08:00:00Z", &["bridge", "fair", "port"], &[lapsed]);
    assert!(log.has("a mandate ends soon"), "{}", log.all().join("\n"));

    // 11 November: the temporary camera has ended by itself; what is older than 30 days is gone, but for the hold.
    let over = ("fair", "over");
    morning(&mut all, "2026-11-11T08:00:00Z", &["bridge", "port"], &[lapsed, over]);
    let before = "2026-10-12T08:00:00Z".parse::<platewatch::domain::Utc>().unwrap().unix_ms();
    let old = || all.rows(&format!("SELECT id FROM passage WHERE first_seen < {before}"));
    assert_eq!(old(), std::slice::from_ref(&held), "only what is on hold is older than 30 days");

    // A look at what is older than a month: without the prosecutor's decision it is left out, with it it is shown.
    let look = [
        "log",
        "--plate",
        PLATE,
        "--json",
        "--limit",
        "100",
        "--purpose",
        "crimes-and-offences",
        "--case",
        "AN-1/2026",
    ];
    let plain = done(&people(&all, &[&look[..], &["--as", "j.peeters"]].concat()));
    assert!(!plain.contains(&held), "{plain}");
    let decided = done(&people(&all, &[&look[..], &["--decision", "PROS-77"], &investigator].concat()));
    assert!(decided.contains(&held), "{decided}");
    let officer = people(&all, &[&look[..], &["--as", "l.maes"]].concat());
    assert!(!officer.status.success() && stderr(&officer).contains("refused"), "{}", stderr(&officer));

    // 5 December: two months; a citizen asks.
    morning(&mut all, "2026-12-05T08:00:00Z", &["bridge", "port"], &[lapsed, over]);
    let answer = all.path("answer");
    let subject =
        ["access", "subject", PLATE, "--from", "2026-10-01T00:00:00Z", "--to", "2026-12-06T00:00:00Z"];
    let more = [
        "--reference",
        "COC/2026/114",
        "--out",
        answer.to_str().unwrap(),
        "--as",
        "l.maes",
        "--second",
        "m.claes",
    ];
    done(&people(&all, &[&subject[..], &more].concat()));
    let given: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(answer.join("answer.json")).unwrap()).unwrap();
    assert!(given["items"].as_array().is_some_and(|i| !i.is_empty()), "{given:#}");

    // The register of both months: no hole, each camera's story as it was.
    let config = all.config();
    let mut story: Vec<(String, String, String, String)> = Vec::new();
    for month in ["2026-10", "2026-11", "2026-12"] {
        let args = ["register", "export", "--month", month, "--format", "json", "--as", "m.claes"];
        let month: serde_json::Value = serde_json::from_str(&done(&people(&all, &args))).unwrap();
        let entries = month["entries"].as_array().unwrap();
        for pair in entries.windows(2).filter(|p| p[0]["camera"] == p[1]["camera"]) {
            assert_eq!(pair[0]["until"], pair[1]["from"], "a hole: {pair:#?}");
        }
        let text = |e: &serde_json::Value, key: &str| e[key].as_str().unwrap_or_default().to_owned();
        story.extend(entries.iter().filter(|e| e["state"] == "use").map(|e| {
            (text(e, "camera"), text(e, "mandate"), text(e, "from")[..10].to_owned(), e["hits"].to_string())
        }));
    }
    let days = |camera: &str| -> Vec<&str> {
        story.iter().filter(|s| s.0 == camera).map(|s| s.2.as_str()).collect()
    };
    let all_days = ["2026-10-05", "2026-10-20", "2026-10-24", "2026-11-01", "2026-11-11", "2026-12-05"];
    assert_eq!(days("bridge"), all_days);
    assert_eq!(days("port"), all_days);
    assert_eq!(days("fair"), all_days[..4]);
    assert_eq!(days("missing-child"), ["2026-10-20"]);
    assert!(story.iter().filter(|s| s.0 == "bridge").all(|s| s.1 == "GR-1" && s.3 == "1"), "{story:?}");
    assert!(story.iter().filter(|s| s.0 == "missing-child").all(|s| s.1 == "ORAL-3"), "{story:?}");

    // Who looked for what.
    let report = done(&people(&all, &["access", "report", "--json", "--as", "m.claes"]));
    let looks: Vec<serde_json::Value> = report.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |what: &str, allowed: bool| {
        looks.iter().filter(|l| l["what"] == what && l["allowed"] == allowed).collect::<Vec<_>>()
    };
    assert_eq!((of("log", true).len(), of("log", false).len()), (2, 1), "{report}");
    assert_eq!(of("hold add", true).len(), 1, "{report}");
    assert_eq!(of("subject", true).len(), 1, "{report}");
    assert!(
        of("log", true).iter().any(|l| l["decision"] == "PROS-77" && l["second"] == "m.claes"),
        "{report}"
    );
    assert!(looks.iter().filter(|l| l["what"] == "log").all(|l| l["case"] == "AN-1/2026"), "{report}");

    // What the public may know now.
    let places = ["register", "places", "--config", config.to_str().unwrap(), "--out", "public"];
    let mut command = all.command();
    done(&command.current_dir(all.path("")).args(places).output().unwrap());
    let list: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(all.path("public/places.geojson")).unwrap()).unwrap();
    let public: Vec<&str> = list["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["properties"]["mandate"].as_str().unwrap())
        .collect();
    assert_eq!(public, ["GR-1", "GR-4"]);

    // The raw files: of what passed its term nothing is found, of what is on hold all.
    for gone in first_ids.iter().chain(&oral_passage).filter(|id| **id != held) {
        assert_eq!(holding(&all.store(), gone), [""; 0], "passage {gone} should be gone");
    }
    assert!(!holding(&all.store(), &held).is_empty(), "what is on hold is there");
    for picture in &first_pictures {
        assert!(!holding(&all.store().join("pictures"), picture).is_empty(), "pictures on hold are there");
    }
    assert!(all.actions("deletion").iter().all(|d| !d.contains(PLATE) && !d.contains(&first_ids[1])));
    let audit = all.by_clock(&["audit", "verify", "--data", all.store().to_str().unwrap()]);
    assert!(audit.status.success(), "{}{}", stdout(&audit), stderr(&audit));
}
