//! The register has no hole; the public list shows no camera that it may not show.

use super::lawbox::*;
use crate::world::*;
use platewatch::domain::Utc;

/// Begin, end, state and reason of every entry, from the JSON export.
fn exported(all: &LawBox, month: &str) -> serde_json::Value {
    let out = all.export(&["--month", month, "--format", "json"]);
    assert!(out.status.success(), "{}", stderr(&out));
    serde_json::from_str(&stdout(&out)).unwrap()
}

fn this_month() -> String {
    Utc::now().to_string()[..7].to_owned()
}

#[test]
fn every_moment_of_a_camera_is_in_the_register_also_after_a_kill() {
    let mut all = LawBox::lawful();
    all.list("stolen", "purposes = [\"crimes-and-offences\"]\n");
    let (mut process, _log) = all.start();
    all.until_state("gate", "use", "");
    eventually("a hit", || all.try_rows("SELECT id FROM hit").ok().filter(|r| !r.is_empty()));
    eventually("the lists are noted", || {
        all.try_rows("SELECT lists FROM use_period WHERE lists LIKE '%stolen%'")
            .ok()
            .filter(|r| !r.is_empty())
    });
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    for uses in [2, 3] {
        let (mut process, log) = all.start();
        eventually("it looks again", || {
            let found = all.try_rows("SELECT count(*) FROM use_period WHERE state = 'use'").ok()?;
            (found[0].parse() == Ok(uses)).then_some(())
        });
        assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    }

    let month = exported(&all, &this_month());
    let entries = month["entries"].as_array().unwrap();
    let told: Vec<(&str, &str)> =
        entries.iter().map(|e| (e["state"].as_str().unwrap(), e["reason"].as_str().unwrap())).collect();
    let cut = told.iter().position(|t| *t == ("pause", "cut-off")).expect("the kill is explained");
    let stopped = told.iter().position(|t| *t == ("pause", "stopped")).expect("the stop is explained");
    assert!(cut < stopped, "{told:?}");
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["until"], pair[1]["from"], "a hole: {pair:#?}");
    }
    let first = entries.iter().find(|e| e["state"] == "use").unwrap();
    assert_eq!(first["mandate"], "GR-1");
    assert_eq!(first["place"], "Quay");
    assert_eq!(first["officer"], "officer Example");
    assert_eq!(first["purposes"], serde_json::json!(["crimes-and-offences", "traffic-offences"]));
    assert_eq!(first["track"], serde_json::json!([[4.402, 51.219]]));
    assert_eq!(first["lists"]["stolen"].as_array().unwrap().len(), 1);
    assert_eq!(first["hits"], 1);
    assert!(all.actions("export").iter().any(|d| d.contains("register of use")));
}

#[test]
fn a_camera_that_fails_is_a_gap_with_its_reason() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.cameras = format!(
        "[[cameras]]\nname = \"gate\"\nrtsp = \"rtsp://127.0.0.1:{}/x\"\nreconnect_s = [0.5, 1]\n{FIXED}",
        free_port()
    );
    let (mut process, _log) = all.start();
    all.until_state("gate", "pause", "fault");
    assert_eq!(process.terminate(), Some(0));
    let why = all.rows("SELECT explanation FROM use_period WHERE reason = 'fault'");
    assert!(why[0].contains("127.0.0.1"), "{why:?}");
}

#[test]
fn the_register_of_a_month_comes_as_csv_json_and_a_page_that_prints() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.once("gate", FIXED);
    all.clock("2026-10-31T23:59:50Z");
    all.played();
    let export = |format: &str, month: &str| {
        let out = all.export(&["--month", month, "--format", format]);
        assert!(out.status.success(), "{}", stderr(&out));
        stdout(&out)
    };
    let csv = export("csv", "2026-10");
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with(
        "# Belgium, law on the police function (WPA), preset be-wpa. Zone example, box box-1, 2026-10."
    ));
    let mut reader = csv::Reader::from_reader(csv.split_once('\n').unwrap().1.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().any(|r| &r[column("state")] == "use" && &r[column("mandate")] == "GR-1"), "{csv}");
    let page = export("html", "2026-10");
    assert!(page.contains("<h1>Register of use, 2026-10</h1>") && page.contains("@page{size:A4 landscape"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    let later = export("csv", "2026-12");
    assert_eq!(later.lines().count(), 2, "nothing of another month: {later}");
}

/// Six cameras, of which two may be published.
fn six() -> LawBox {
    let mut all = LawBox::new();
    let of = |reference: &str, kind: &str, more: &str| {
        MANDATE.replace("GR-1", reference).replace("[\"fixed\"]", &format!("[\"{kind}\"]{more}"))
    };
    all.mandate("a", &of("A", "fixed", ""));
    all.mandate(
        "b",
        &of("B", "temporary-fixed", "")
            .replace("2026-01-10", "2026-11-01")
            .replace("2098", "2027")
            .replace("visible = true", "visible = true\ncovert = true"),
    );
    all.mandate("c", &of("C", "mobile", ""));
    all.mandate("d", &of("D", "fixed", "").replace("2098-01-01", "2026-11-10"));
    let camera = |reference: &str, kind: &str| {
        format!("mandate = \"{reference}\"\ntype = \"{kind}\"\nposition = [4.402, 51.219]\n")
    };
    all.camera("cam-fixed-secret-name", &camera("A", "fixed"));
    all.camera("cam-temporary", &camera("B", "temporary-fixed"));
    all.camera("cam-covert", &(camera("B", "temporary-fixed") + "mode = \"covert\"\n[cameras.covert]\nground = \"WPA art. 46/4\"\nofficer = \"4711\"\nfrom = \"2026-11-25T06:00:00Z\"\nuntil = \"2026-11-26T06:00:00Z\"\n"));
    all.camera("cam-car", "mandate = \"C\"\ntype = \"mobile\"\n");
    all.camera("cam-over", &camera("D", "fixed"));
    all.camera("cam-outside", &camera("A", "fixed").replace("51.219", "51.319"));
    all.clock("2026-11-25T12:00:00Z");
    all
}

#[test]
fn the_public_list_never_shows_covert_mobile_or_ended_cameras() {
    let all = six();
    let config = all.config();
    let out = all.by_clock(&["register", "places", "--config", config.to_str().unwrap(), "--out", "public"]);
    assert!(
        stdout(&out).contains("2 places; 4 cameras of this box left out"),
        "{}{}",
        stdout(&out),
        stderr(&out)
    );
    let text = std::fs::read_to_string(all.path("public/places.geojson")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list["type"], "FeatureCollection");
    let features = list["features"].as_array().unwrap();
    let mandates: Vec<&str> = features.iter().map(|f| f["properties"]["mandate"].as_str().unwrap()).collect();
    assert_eq!(mandates, ["A", "B"]);
    assert_eq!(features[0]["geometry"], serde_json::json!({"type": "Point", "coordinates": [4.402, 51.219]}));
    let page = std::fs::read_to_string(all.path("public/index.html")).unwrap();
    for text in [&text, &page] {
        for hidden in ["cam-", "4711", "46/4", "rtsp", "clip.mp4"] {
            assert!(!text.contains(hidden), "{hidden} is on the public list");
        }
    }
    assert!(
        page.contains("<svg")
            && !page.contains("http://")
            && !page.contains("https://")
            && !page.contains("<script")
    );
}

#[test]
fn a_copy_without_covert_uses_holds_none() {
    let mut all = LawBox::new();
    all.mandate(
        "b",
        &MANDATE
            .replace("[\"fixed\"]", "[\"temporary-fixed\"]")
            .replace("2026-01-10", "2026-11-01")
            .replace("2098", "2027")
            .replace("visible = true", "visible = true\ncovert = true"),
    );
    all.once("gate", "mandate = \"GR-1\"\ntype = \"temporary-fixed\"\nposition = [4.402, 51.219]\nmode = \"covert\"\n[cameras.covert]\nground = \"WPA art. 46/4\"\nofficer = \"4711\"\nfrom = \"2026-11-25T06:00:00Z\"\nuntil = \"2026-11-26T06:00:00Z\"\n");
    all.clock("2026-11-25T12:00:00Z");
    all.played();
    let export =
        |more: &[&str]| stdout(&all.export(&[&["--month", "2026-11", "--format", "html"], more].concat()));
    assert!(export(&[]).contains("ground WPA art. 46/4"));
    let open = export(&["--without-covert"]);
    assert!(!open.contains("46/4") && !open.contains("4711") && open.contains("Covert uses are left out"));
}

#[test]
fn the_register_may_only_be_taken_out_by_who_may_read_reports_and_is_on_record() {
    let all = LawBox::lawful();
    let (mut process, log) = all.start();
    all.until_state("gate", "use", "");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    assert!(all.export(&["--month", &this_month()]).status.success());
    let mut users = platewatch::law::access::Users::read(&all.store().join("users.toml")).unwrap();
    let secret = platewatch::runtime::Secret::new("a long enough one".into());
    let role = platewatch::law::access::Role::Investigator;
    users.add("j.peeters", role, &secret, "test", "2026-01-01T00:00:00Z").unwrap();
    let config = all.path("box.toml");
    let refused = |who: &[&str]| {
        let mut command = all.command();
        command.env("PLATEWATCH_PASSWORD", "a long enough one").args(["register", "export", "--config"]);
        let output = command.arg(&config).args(["--month", &this_month()]).args(who).output().unwrap();
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{}", stderr(&output));
        stderr(&output)
    };
    assert!(refused(&["--by", "anybody"]).contains("refused"));
    assert!(refused(&[]).contains("say who you are with --as NAME"));
    assert!(refused(&["--as", "j.peeters"]).contains("the role investigator has not the right \"report\""));
    assert_eq!(all.actions("export").len(), 1, "only what was handed out is an export");
    assert_eq!(all.rows("SELECT actor FROM audit WHERE action = 'export'"), ["m.claes"]);
    let looks = all.rows("SELECT who || ' ' || allowed FROM look WHERE what = 'register export' ORDER BY id");
    assert_eq!(looks, ["m.claes 1", "j.peeters 0"], "a refusal is on record too");
}
