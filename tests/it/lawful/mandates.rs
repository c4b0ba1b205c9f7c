//! A camera looks only under a mandate that somebody entitled to it has signed and that says what the law asks.

use super::lawbox::*;
use crate::world::*;

/// What the box says where `mandate` stands in its folder.
fn refused_under(mandate: &str) -> String {
    let all = LawBox::lawful();
    all.mandate("gr-1", mandate);
    all.refused()
}

fn edited(from: &str, to: &str) -> String {
    assert!(MANDATE.contains(from), "{from:?}");
    MANDATE.replace(from, to)
}

#[test]
fn a_camera_under_a_fitting_mandate_looks_and_every_passage_and_hit_names_it() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.once("gate", FIXED);
    all.list("stolen", "purposes = [\"crimes-and-offences\"]\n");
    let log = all.played();
    assert!(log.has("camera opened"), "{}", log.all().join("\n"));
    assert_eq!(all.rows("SELECT DISTINCT mandate FROM passage"), ["GR-1"]);
    let told = all.rows("SELECT json_extract(payload, '$.data.mandate') FROM outbox WHERE kind = 'hit'");
    assert!(!told.is_empty() && told.iter().all(|m| m == "GR-1"), "{told:?}");
    assert!(all.actions("mandate-taken")[0].contains("GR-1"));
    assert!(all.actions("camera-permitted")[0].contains("GR-1"));
}

#[test]
fn a_camera_without_a_mandate_is_not_opened() {
    let mut all = LawBox::new();
    all.camera("gate", "type = \"fixed\"\nposition = [4.402, 51.219]\n");
    assert_eq!(all.refused(), "the camera names no mandate; write mandate = \"REFERENCE\"");
}

#[test]
fn a_camera_whose_mandate_is_not_in_the_box_is_not_opened() {
    let mut all = LawBox::new();
    all.camera("gate", FIXED);
    assert_eq!(all.refused(), "there is no mandate GR-1 in the folder of mandates");
}

#[test]
fn a_camera_that_says_no_type_is_not_opened() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", "mandate = \"GR-1\"\nposition = [4.402, 51.219]\n");
    assert_eq!(all.refused(), "the camera says no type; write type = \"fixed\" or another kind");
}

#[test]
fn a_mandate_that_nobody_signed_counts_for_nothing() {
    let mut all = LawBox::new();
    std::fs::write(all.path("mandates/gr-1.toml"), MANDATE).unwrap();
    all.camera("gate", FIXED);
    assert!(all.refused().starts_with("the mandate GR-1 is not taken: it is not signed"));
}

#[test]
fn a_mandate_changed_after_signing_counts_for_nothing() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", FIXED);
    let path = all.path("mandates/gr-1.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("radius_m = 50", "radius_m = 5000");
    std::fs::write(&path, text).unwrap();
    assert_eq!(
        all.refused(),
        "the mandate GR-1 is not taken: its signature is wrong: it was changed after \"zone\" signed it, or signed \
         with another key"
    );
    assert!(all.actions("mandate-refused")[0].contains("signature is wrong"));
}

#[test]
fn a_mandate_signed_by_a_stranger_counts_for_nothing() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", FIXED);
    let made = all.verb(&["mandate", "key", "--id", "other", "--secret", "other.key", "--public", "others"]);
    assert!(made.status.success());
    std::fs::copy(all.path("others"), all.path("signers")).unwrap();
    assert!(all.refused().contains("it is signed by \"zone\", who is not among the signers"));
}

#[test]
fn a_mandate_must_name_its_impact_analysis() {
    let said = refused_under(&edited("impact_analysis = \"DPIA-1\"\n", ""));
    assert!(said.contains("impact_analysis: found nothing, and WPA art. 25/4"), "{said}");
}

#[test]
fn a_mandate_must_name_its_end() {
    let said = refused_under(&edited("valid_until = 2098-01-01T00:00:00Z\n", ""));
    assert!(said.contains("valid_until: found nothing, and WPA art. 25/4"), "{said}");
}

#[test]
fn a_mandate_may_only_be_for_purposes_of_the_law() {
    let said = refused_under(&edited("\"traffic-offences\"", "\"parking-money\""));
    assert!(said.contains("\"parking-money\" is none of crimes-and-offences, sentences"), "{said}");
}

#[test]
fn a_camera_must_be_of_a_kind_that_its_mandate_names() {
    let said = refused_under(
        &edited("types = [\"fixed\"]", "types = [\"temporary-fixed\"]").replace("2098", "2027"),
    );
    assert!(
        said.starts_with("the mandate GR-1 is for cameras of the kind temporary-fixed, this one is fixed"),
        "{said}"
    );
}

#[test]
fn a_third_partys_camera_must_say_its_owner_the_protocol_and_whether_the_police_record() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &edited("[\"fixed\"]", "[\"third-party\"]"));
    all.camera("gate", &FIXED.replace("\"fixed\"", "\"third-party\""));
    let said = all.refused();
    for part in ["third_party.owner", "third_party.protocol", "third_party.police_record", "WPA art. 25/1"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_a_third_partys_camera_sees_is_not_kept_where_the_police_do_not_record() {
    let third = |record: bool| {
        let mut all = LawBox::new();
        let whose = format!(
            "[third_party]\nowner = \"Port\"\nprotocol = \"P-1\"\npolice_record = {record}\n[[places]]"
        );
        all.mandate("gr-1", &edited("[\"fixed\"]", "[\"third-party\"]").replace("[[places]]", &whose));
        all.once("gate", &FIXED.replace("\"fixed\"", "\"third-party\""));
        all.played();
        (
            all.rows("SELECT count(*) FROM passage"),
            all.rows("SELECT passages > 0 FROM use_period WHERE state = 'use'"),
        )
    };
    assert_eq!(third(true).0, ["1"]);
    assert_eq!(third(false).0, ["0"]);
}

#[test]
fn premises_of_the_police_need_no_mandate() {
    let mut all = LawBox::new();
    all.once("gate", "type = \"premises\"\n");
    let log = all.played();
    assert!(log.has("camera opened"), "{}", log.all().join("\n"));
    assert_eq!(all.rows("SELECT mandate FROM passage"), ["NULL"]);
}

#[test]
fn a_mandate_taken_out_of_the_folder_ends_its_camera_and_one_put_in_begins_it() {
    let all = LawBox::lawful();
    let (mut process, log) = all.start();
    all.until_state("gate", "use", "");
    std::fs::rename(all.path("mandates/gr-1.toml"), all.path("gr-1.toml")).unwrap();
    all.until_state("gate", "pause", "no-mandate");
    all.health("there is no mandate GR-1");
    std::fs::rename(all.path("gr-1.toml"), all.path("mandates/gr-1.toml")).unwrap();
    all.until_state("gate", "use", "");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
}

#[test]
fn a_list_is_matched_only_for_purposes_that_the_mandate_allows() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.once("gate", FIXED);
    all.list("allowed", "purposes = [\"crimes-and-offences\", \"traffic-offences\"]\n");
    all.list("sentences", "purposes = [\"crimes-and-offences\", \"sentences\"]\n");
    all.list("unsaid", "");
    let log = all.played();
    let hits = all.rows("SELECT DISTINCT l.name FROM hit h JOIN list_version l ON l.id = h.list_version");
    assert_eq!(hits, ["allowed"], "{}", log.all().join("\n"));
    let told = all.actions("list-not-allowed").join("\n");
    assert!(
        told.contains("the mandate GR-1 does not allow sentences, which the list sentences is for"),
        "{told}"
    );
    assert!(told.contains("the list unsaid says no purposes"), "{told}");
}

#[test]
fn the_verbs_lead_from_a_draft_to_a_box_that_looks() {
    let mut all = LawBox::new();
    for kind in
        ["fixed-network", "temporary-fixed", "fixed-anpr", "van-roof", "car-anpr", "third-party", "oral"]
    {
        let draft = all.verb(&["mandate", "new", kind]);
        std::fs::write(all.path("draft.toml"), draft.stdout).unwrap();
        let checked = all.verb(&["mandate", "check", "draft.toml"]);
        assert!(checked.status.success(), "{kind}: {}", stderr(&checked));
        assert!(
            stdout(&checked).contains("nothing is wrong; signature not looked at"),
            "{}",
            stdout(&checked)
        );
    }
    std::fs::write(all.path("mandates/gr-1.toml"), MANDATE).unwrap();
    let signed =
        all.verb(&["mandate", "sign", "mandates/gr-1.toml", "--key", "zone.key", "--signer", "zone"]);
    assert!(stdout(&signed).contains("GR-1 signed by zone"), "{}", stderr(&signed));
    let checked = all.verb(&["mandate", "check", "mandates/gr-1.toml", "--signers", "signers"]);
    assert!(stdout(&checked).contains("GR-1: nothing is wrong; signed by zone"), "{}", stderr(&checked));
    all.camera("gate", FIXED);
    let config = all.config();
    let listed = all.verb(&["mandate", "list", "--config", config.to_str().unwrap()]);
    assert!(
        listed.status.success() && stdout(&listed).contains("camera gate: may look under GR-1"),
        "{}",
        stdout(&listed)
    );
    let shown = all.verb(&["mandate", "show", "GR-1", "--config", config.to_str().unwrap()]);
    assert!(stdout(&shown).contains("impact_analysis = \"DPIA-1\""), "{}", stdout(&shown));
}

#[test]
fn a_mandate_that_the_rules_would_not_take_is_never_signed() {
    let all = LawBox::new();
    let path = all.path("draft.toml");
    std::fs::write(&path, edited("contact = \"officer Example\"\n", "")).unwrap();
    let signed = all.verb(&["mandate", "sign", "draft.toml", "--key", "zone.key", "--signer", "zone"]);
    assert_eq!(signed.status.code(), Some(1));
    assert!(stderr(&signed).contains("contact: found nothing, and WPA art. 25/4"), "{}", stderr(&signed));
    assert!(!std::fs::read_to_string(&path).unwrap().contains("# signature"));
}

#[test]
fn check_says_what_would_be_refused_and_what_must_be_verified_with_the_data_protection_officer() {
    let mut all = LawBox::lawful();
    all.camera("yard", "type = \"fixed\"\n");
    let config = all.config();
    let checked = all.verb(&["check", "--config", config.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let (said, wrong) = (stdout(&checked), stderr(&checked));
    assert!(wrong.contains("camera yard: would not be opened: the camera names no mandate"), "{wrong}");
    assert!(said.contains("camera gate: mandate GR-1, visible, until 2098-01-01T00:00:00.000Z"), "{said}");
    assert!(said.contains("verify with the zone's data protection officer"), "{said}");
    assert!(said.contains("mandate.oral_valid_h (WPA art. 25/4 par. 3)"), "{said}");
}
