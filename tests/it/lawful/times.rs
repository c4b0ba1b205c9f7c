//! A camera looks only while its mandate counts; what ends is announced and ends by itself.

use super::lawbox::*;
use crate::world::*;

fn temporary() -> String {
    MANDATE
        .replace("[\"fixed\"]", "[\"temporary-fixed\"]")
        .replace("valid_from = 2026-01-10T00:00:00Z", "valid_from = 2026-11-01T00:00:00Z")
        .replace("2098-01-01", "2026-12-05")
}

const TEMPORARY: &str = "mandate = \"GR-1\"\ntype = \"temporary-fixed\"\nposition = [4.402, 51.219]\n";

#[test]
fn a_camera_does_not_look_before_its_mandate_counts() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &temporary());
    all.camera("gate", TEMPORARY);
    all.clock("2026-10-31T23:00:00Z");
    assert_eq!(all.refused(), "the mandate GR-1 counts from 2026-11-01T00:00:00.000Z on");
}

#[test]
fn a_camera_does_not_look_after_its_mandate_has_ended() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &temporary());
    all.camera("gate", TEMPORARY);
    // The clock of the test is right to a second.
    all.clock("2026-12-05T00:00:05Z");
    assert_eq!(all.refused(), "the mandate GR-1 ended at 2026-12-05T00:00:00.000Z");
}

#[test]
fn a_temporary_camera_is_announced_and_ends_by_itself() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &temporary());
    all.camera("gate", TEMPORARY);
    all.clock("2026-11-10T12:00:00Z");
    let (mut process, log) = all.start();
    all.until_state("gate", "use", "");
    assert!(!log.has("a mandate ends soon"), "25 days before");
    all.clock("2026-11-25T12:00:00Z");
    eventually("the end is announced", || log.has("a mandate ends soon").then_some(()));
    // The line in the log comes before the row is written.
    let told =
        eventually("the end is in the audit chain", || all.actions("mandate-ending").into_iter().next());
    assert!(told.contains("2026-12-05T00:00:00.000Z"), "{told}");
    all.clock("2026-12-04T23:59:58Z");
    all.until_state("gate", "pause", "over");
    all.health("the mandate GR-1 ended at");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    let ended: Vec<String> = all.rows("SELECT ended_at FROM use_period WHERE state = 'use'");
    let end = "2026-12-05T00:00:00Z".parse::<platewatch::domain::Utc>().unwrap().unix_ms();
    let late = ended[0].parse::<i64>().unwrap() - end;
    assert!((0..5_000).contains(&late), "it ended {late} ms after its mandate");
}

#[test]
fn a_temporary_camera_may_only_stand_for_the_days_of_the_preset() {
    let mut all = LawBox::new();
    all.mandate("gr-1", &temporary().replace("2026-12-05", "2027-12-05"));
    all.camera("gate", TEMPORARY);
    assert!(all.refused().contains("a temporary camera for 399 days; at most 365 (WPA art. 25/2"));
}

fn oral() -> String {
    let text = temporary()
        .replace("decided = 2026-01-05T18:00:00Z", "decided = 2026-11-20T20:00:00Z")
        .replace("valid_until = 2026-12-05T00:00:00Z\n", "")
        .replace("impact_analysis = \"DPIA-1\"\n", "");
    text.replace("[modalities]", "[oral]\nby = \"mayor Example\"\nheard_by = \"commissaris Example\"\nurgency = \"a missing child\"\n[modalities]")
}

#[test]
fn an_oral_decision_lapses_unless_a_written_one_confirms_it() {
    let mut all = LawBox::new();
    all.mandate("oral", &oral());
    all.camera("gate", TEMPORARY);
    all.clock("2026-11-20T21:00:00Z");
    let (mut process, log) = all.start();
    all.until_state("gate", "use", "");
    all.clock("2026-11-23T20:00:01Z");
    all.until_state("gate", "pause", "oral-lapsed");
    all.health(
        "the oral decision GR-1 lapsed at 2026-11-23T20:00:00.000Z, 72 hours after it was given, and no written one \
         confirms it (WPA art. 25/4 par. 3)",
    );
    let written = temporary().replace("\"GR-1\"", "\"GR-2\"\nconfirms = \"GR-1\"");
    all.mandate("written", &written.replace("2026-01-05T18:00:00Z", "2026-11-23T10:00:00Z"));
    all.until_state("gate", "use", "");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    assert_eq!(all.rows("SELECT mandate FROM use_period WHERE state = 'use' ORDER BY id"), ["GR-1", "GR-2"]);
}

#[test]
fn a_written_confirmation_in_time_lets_the_camera_go_on() {
    let mut all = LawBox::new();
    all.mandate("oral", &oral());
    let written = temporary().replace("\"GR-1\"", "\"GR-2\"\nconfirms = \"GR-1\"");
    all.mandate("written", &written.replace("2026-01-05T18:00:00Z", "2026-11-21T10:00:00Z"));
    all.once("gate", TEMPORARY);
    all.clock("2026-11-24T12:00:00Z");
    let log = all.played();
    assert!(log.has("camera opened"), "{}", log.all().join("\n"));
    assert_eq!(all.rows("SELECT mandate FROM passage"), ["GR-2"]);
}

#[test]
fn a_duty_ends_by_itself_after_the_hours_of_the_preset() {
    let mut all = LawBox::new();
    let mobile = MANDATE.replace("[\"fixed\"]", "[\"mobile\"]\nvehicles = [\"car-12\"]");
    all.mandate("gr-1", mobile.split("[[places]]").next().unwrap());
    all.law += "vehicle = \"car-12\"\n";
    all.camera("gate", "mandate = \"GR-1\"\ntype = \"mobile\"\n");
    all.clock("2026-11-25T06:00:00Z");
    let (mut process, log) = all.start_with(&["--officer", "4711"]);
    all.until_state("gate", "use", "");
    all.clock("2026-11-25T18:00:01Z");
    all.until_state("gate", "pause", "no-officer");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    assert!(log.has("the duty ended by itself"));
}
