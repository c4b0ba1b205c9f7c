//! Covert use needs its ground, its officer and its end; policies are what they say, and everybody is told.

use super::lawbox::*;
use crate::world::*;

/// A mandate for a temporary camera that allows covert use.
fn covert_mandate() -> String {
    MANDATE
        .replace("[\"fixed\"]", "[\"temporary-fixed\", \"fixed\"]")
        .replace("2098-01-01", "2027-01-01")
        .replace("visible = true", "visible = true\ncovert = true")
        .replace("valid_from = 2026-01-10", "valid_from = 2026-06-10")
}

const COVERT: &str = "mandate = \"GR-1\"\ntype = \"temporary-fixed\"\nposition = [4.402, 51.219]\nmode = \"covert\"\n\
    [cameras.covert]\nground = \"WPA art. 46/4\"\nofficer = \"4711\"\nfrom = \"2026-11-25T06:00:00Z\"\nuntil = \"2026-11-26T06:00:00Z\"\n";

fn at_noon() -> LawBox {
    let mut all = LawBox::new();
    all.clock("2026-11-25T12:00:00Z");
    all
}

#[test]
fn covert_use_must_name_its_legal_ground_its_officer_and_its_end() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &covert_mandate());
    all.camera("gate", COVERT.split("[cameras.covert]").next().unwrap());
    let ran = all.verb(&["run", "--config", all.config().to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(stderr(&ran).contains("cameras[gate].covert: found nothing, allowed: a table [cameras.covert] (legal ground, officer, from and until"), "{}", stderr(&ran));
    for missing in ["ground", "officer", "from", "until"] {
        let mut all = LawBox::new();
        let lines: Vec<&str> = COVERT.lines().filter(|l| !l.starts_with(missing)).collect();
        all.camera("gate", &(lines.join("\n") + "\n"));
        let ran = all.verb(&["run", "--config", all.config().to_str().unwrap()]);
        assert!(
            stderr(&ran).contains(&format!("cameras[gate].covert.{missing}: found nothing")),
            "{}",
            stderr(&ran)
        );
    }
}

#[test]
fn covert_use_needs_a_mandate_that_allows_it() {
    let mut all = at_noon();
    all.mandate("gr-1", &covert_mandate().replace("covert = true", "covert = false"));
    all.camera("gate", COVERT);
    assert_eq!(all.refused(), "the mandate GR-1 does not allow covert use");
}

#[test]
fn covert_use_needs_a_ground_that_the_law_knows() {
    let mut all = at_noon();
    all.mandate("gr-1", &covert_mandate());
    all.camera("gate", &COVERT.replace("46/4", "25/1"));
    assert!(
        all.refused()
            .starts_with("\"WPA art. 25/1\" is no legal ground for covert use; known: WPA art. 46/4")
    );
}

#[test]
fn a_fixed_camera_is_never_covert() {
    let mut all = at_noon();
    all.mandate("gr-1", &covert_mandate().replace("\"temporary-fixed\", ", ""));
    all.camera("gate", &COVERT.replace("temporary-fixed", "fixed"));
    assert!(all.refused().starts_with("a fixed camera is never covert (WPA art. 46/2"));
}

#[test]
fn covert_use_ends_by_itself_at_its_end() {
    let mut all = at_noon();
    all.mandate("gr-1", &covert_mandate());
    all.camera("gate", COVERT);
    let (mut process, log) = all.start();
    all.until_state("gate", "use", "");
    all.clock("2026-11-26T06:00:01Z");
    all.until_state("gate", "pause", "over");
    all.health("the covert use ended at 2026-11-26T06:00:00.000Z");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    let kept = all.rows("SELECT mode || ' ' || ground || ' ' || officer FROM use_period WHERE state = 'use'");
    assert_eq!(kept, ["covert WPA art. 46/4 4711"]);
}

#[test]
fn nobody_changes_a_cameras_mode_in_silence() {
    let mut all = at_noon();
    all.mandate("gr-1", &covert_mandate());
    all.once("gate", COVERT.split("mode =").next().unwrap());
    all.played();
    assert_eq!(all.actions("mode-changed"), [""; 0]);
    all.cameras.clear();
    all.once("gate", COVERT);
    let log = all.played();
    assert!(log.has("the camera's mode is another than before"), "{}", log.all().join("\n"));
    let told = all.actions("mode-changed").join("");
    for part in ["\"from\":\"visible\"", "\"to\":\"covert\"", "WPA art. 46/4", "4711"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn with_warn_the_camera_looks_and_everybody_is_told() {
    let mut all = LawBox::new();
    all.law += "policy = \"warn\"\n";
    all.once("gate", "type = \"fixed\"\n");
    let log = all.played();
    assert!(
        log.has("the camera looks without a mandate that covers it (policy warn)"),
        "{}",
        log.all().join("\n")
    );
    assert!(log.has("law.policy"), "the configuration is warned of");
    assert!(all.actions("camera-refused")[0].contains("\"opened\":\"true\""));
    assert_eq!(all.rows("SELECT reason FROM use_period WHERE state = 'use'"), ["no-mandate"]);
    assert_eq!(all.rows("SELECT mandate FROM passage"), ["NULL"]);
}

#[test]
fn outside_police_law_every_export_says_so() {
    let mut all = LawBox::new();
    all.law = "[law]\npreset = \"off\"\n".into();
    all.once("gate", "");
    let log = all.played();
    assert!(log.has("camera opened") && !log.has("says nothing about the law"));
    let config = all.config();
    for format in ["csv", "json", "html"] {
        let month = platewatch::domain::Utc::now().to_string()[..7].to_owned();
        let out = all.verb(&[
            "register",
            "export",
            "--config",
            config.to_str().unwrap(),
            "--month",
            &month,
            "--format",
            format,
        ]);
        assert!(stdout(&out).contains("Made outside police law (preset off)"), "{format}: {}", stdout(&out));
    }
    assert!(all.actions("law-not-applied")[0].contains("\"preset\":\"off\""));
    let places = all.verb(&["register", "places", "--config", config.to_str().unwrap(), "--out", "public"]);
    assert!(stderr(&places).contains("outside police law"), "{}", stderr(&places));
}

#[test]
fn a_configuration_that_says_nothing_about_the_law_is_told_so_everywhere() {
    let mut all = LawBox::new();
    all.law.clear();
    all.once("gate", "");
    let log = all.played();
    assert!(log.has("the configuration says nothing about the law"), "{}", log.all().join("\n"));
    assert!(all.actions("law-not-applied")[0].contains("\"said\":\"false\""));
    assert_eq!(all.rows("SELECT reason FROM use_period WHERE state = 'use'"), ["law-unsaid"]);
    let checked = all.verb(&["check", "--config", all.config().to_str().unwrap()]);
    assert!(stderr(&checked).contains("law: found nothing"), "{}", stderr(&checked));
}

#[test]
fn a_preset_with_a_mistake_is_refused_with_file_line_and_field() {
    let mut all = LawBox::lawful();
    let text = stdout(&all.verb(&["mandate", "preset", "be-wpa"]));
    std::fs::write(all.path("zone.toml"), text.replace("value = 72", "value = \"three days\"")).unwrap();
    all.law += "preset = \"zone.toml\"\n";
    let ran = all.verb(&["run", "--config", all.config().to_str().unwrap()]);
    let said = stderr(&ran);
    assert_eq!(ran.status.code(), Some(1));
    assert!(said.contains("zone.toml: TOML parse error at line") && said.contains("three days"), "{said}");
}
