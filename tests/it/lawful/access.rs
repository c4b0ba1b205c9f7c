//! Who may look back, for what, how far and how much.

use super::kept::*;
use crate::world::{platewatch, run, stderr, stdout};

const LOOK: &[&str] = &["log", "--passages", "--plate", "1-ABC-123"];

fn look<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = LOOK.to_vec();
    all.extend(more);
    all
}

fn lawful_look(more: &[&'static str]) -> Vec<&'static str> {
    let mut all = look(&["--purpose", "crimes-and-offences", "--case", "AN.11/2026"]);
    all.extend(more);
    all
}

/// Young, old and older passages of one plate.
fn kept() -> Kept {
    let kept = Kept::new("enforce");
    kept.passed("1ABC123", &[1, 2, 40, 50, 60]);
    kept
}

fn rows(shown: &str) -> usize {
    shown.lines().filter(|l| l.contains("1ABC123")).count()
}

#[test]
fn looking_back_must_say_who_looks() {
    assert!(kept().refused("", &lawful_look(&[])).contains("say who you are with --as NAME"));
}

#[test]
fn looking_back_must_name_its_purpose() {
    let said = kept().refused("investigator", &look(&["--case", "AN.11/2026"]));
    assert!(said.contains("must name its purpose") && said.contains("disappearances"), "{said}");
}

#[test]
fn looking_back_must_name_its_case() {
    let said = kept().refused("investigator", &look(&["--purpose", "crimes-and-offences"]));
    assert!(said.contains("must name its case"), "{said}");
}

#[test]
fn a_purpose_must_be_one_that_the_law_knows() {
    let said = kept().refused("investigator", &look(&["--purpose", "curiosity", "--case", "AN.11/2026"]));
    assert!(said.contains("\"curiosity\" is no purpose of the preset be-wpa"), "{said}");
}

#[test]
fn only_an_investigator_may_look_back() {
    let kept = kept();
    assert_eq!(rows(&kept.shown("investigator", &lawful_look(&[]))), 2);
    for role in ["operator", "supervisor", "data-protection-officer"] {
        let said = kept.refused(role, &lawful_look(&[]));
        assert!(said.contains(&format!("the role {role} has not the right \"search\"")), "{said}");
    }
}

#[test]
fn a_maintainer_never_sees_a_plate() {
    let kept = kept();
    for verb in [lawful_look(&[]), vec!["access", "report"], vec!["hold", "list"]] {
        let said = kept.refused("maintainer", &verb);
        assert!(said.contains("the role maintainer has not the right"), "{said}");
    }
}

#[test]
fn administrative_purposes_may_see_the_first_month_only() {
    let look = look(&[
        "--purpose",
        "administrative-44-5",
        "--case",
        "A-1",
        "--decision",
        "PdK 1",
        "--second",
        "supervisor",
    ]);
    let shown = kept().shown("investigator", &look);
    assert_eq!(rows(&shown), 2, "{shown}");
    assert!(
        shown.contains(
            "left out: 3: older than 30 days: purposes of administrative police see the first 30 days only"
        ),
        "{shown}"
    );
}

#[test]
fn after_the_first_month_there_must_be_a_decision_of_the_prosecutor() {
    let kept = kept();
    let shown = kept.shown("investigator", &lawful_look(&[]));
    assert_eq!(rows(&shown), 2, "{shown}");
    assert!(
        shown.contains("left out: 3: older than 30 days: needs the prosecutor's written, reasoned decision"),
        "{shown}"
    );
    let shown =
        kept.shown("investigator", &lawful_look(&["--decision", "PdK 2026/17", "--second", "supervisor"]));
    assert_eq!(rows(&shown), 5, "{shown}");
    assert!(!shown.contains("left out"), "{shown}");
}

#[test]
fn what_is_older_must_be_looked_at_by_two() {
    let said = kept().refused("investigator", &lawful_look(&["--decision", "PdK 2026/17"]));
    assert!(said.contains("\"older\" needs a second person") && said.contains("--second NAME"), "{said}");
}

#[test]
fn one_person_may_never_be_two() {
    let said =
        kept().refused("investigator", &lawful_look(&["--decision", "PdK 1", "--second", "investigator"]));
    assert!(said.contains("one person is not two"), "{said}");
}

#[test]
fn the_second_person_must_have_the_right_to_be_it() {
    let said =
        kept().refused("investigator", &lawful_look(&["--decision", "PdK 1", "--second", "maintainer"]));
    assert!(said.contains("the role maintainer has not the right \"second\""), "{said}");
}

#[test]
fn the_answer_must_say_what_was_left_out_and_why_to_machines_too() {
    let shown = kept().shown("investigator", &lawful_look(&["--json"]));
    let last: serde_json::Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(last["left_out"], 3);
    assert!(last["why"].as_str().unwrap().contains("decision"), "{last}");
}

#[test]
fn hits_found_late_must_be_judged_by_when_the_vehicle_passed() {
    let kept = kept();
    kept.hit("1ABC123", 45, "C-1", [b"a".to_vec(), b"b".to_vec()]);
    kept.execute(&format!("UPDATE hit SET first_decided_at = {}", ago(0).unix_ms()));
    let hits = ["log", "--plate", "1ABC123", "--purpose", "crimes-and-offences", "--case", "AN.11/2026"];
    let shown = kept.shown("investigator", &hits);
    assert!(shown.contains("left out: 1") && !shown.contains("stolen-vehicle"), "{shown}");
}

#[test]
fn looking_without_a_plate_must_be_done_by_two_and_shows_no_more_than_its_limit() {
    let kept = Kept::new("enforce");
    kept.passed("1ABC123", &[1; 205]);
    let bulk =
        ["log", "--passages", "--limit", "1000", "--purpose", "crimes-and-offences", "--case", "AN.11/2026"];
    assert!(kept.refused("investigator", &bulk).contains("\"bulk\" needs a second person"));
    let mut two = bulk.to_vec();
    two.extend(["--second", "supervisor"]);
    let shown = kept.shown("investigator", &two);
    assert_eq!(rows(&shown), 200);
    assert!(shown.contains("left out: 5: a look without a plate shows 200 rows at most"), "{shown}");
}

#[test]
fn one_person_may_look_without_a_plate_only_so_often_a_day() {
    let kept = kept();
    let look =
        ["log", "--passages", "--purpose", "crimes-and-offences", "--case", "A-1", "--second", "supervisor"];
    kept.shown("investigator", &look);
    for _ in 0..9 {
        kept.execute("INSERT INTO look (at, who, role, what, bulk, purpose, case_ref, decision, second, allowed, reason)
            SELECT at, who, role, what, bulk, purpose, case_ref, decision, second, allowed, reason FROM look WHERE id = 1");
    }
    let said = kept.refused("investigator", &look);
    assert!(said.contains("10 looks without a single plate in 24 hours are the limit"), "{said}");
}

#[test]
fn every_look_must_be_in_the_audit_chain_which_never_names_the_plate() {
    let kept = kept();
    kept.shown("investigator", &lawful_look(&[]));
    kept.refused("operator", &lawful_look(&[]));
    let chain = stdout(&run(&["audit", "list", "--data", kept.store().to_str().unwrap()]));
    assert!(chain.contains("investigator     search") && chain.contains("AN.11/2026"), "{chain}");
    assert!(chain.contains("operator         look-refused"), "{chain}");
    assert!(chain.contains("plate_hash") && !chain.contains("1ABC123"), "{chain}");
    let verified = run(&["audit", "verify", "--data", kept.store().to_str().unwrap()]);
    assert!(verified.status.success(), "{}", stdout(&verified));
}

#[test]
fn the_supervisor_must_be_able_to_read_who_looked_for_what() {
    let kept = kept();
    kept.shown("investigator", &lawful_look(&[]));
    kept.refused("operator", &lawful_look(&[]));
    let report = kept.shown("supervisor", &["access", "report"]);
    let of =
        |who: &str| report.lines().find(|l| l.contains(who)).unwrap_or_else(|| panic!("{report}")).to_owned();
    let looked = of("investigator");
    assert!(
        looked.contains("1ABC123")
            && looked.contains("shown 2, left out 3")
            && looked.contains("case AN.11/2026"),
        "{looked}"
    );
    assert!(of("operator").contains("REFUSED"), "{report}");
    // And reading the report is a look itself.
    assert!(kept.shown("supervisor", &["access", "report"]).contains(" report "), "{report}");
    let of_plate = kept.shown("supervisor", &["access", "report", "--plate", "1-ABC-123"]);
    assert_eq!(of_plate.lines().filter(|l| l.contains(" log ")).count(), 2, "{of_plate}");
}

#[test]
fn an_investigator_may_not_read_who_looked_for_what() {
    let said = kept().refused("investigator", &["access", "report"]);
    assert!(said.contains("has not the right \"report\""), "{said}");
}

#[test]
fn a_password_may_never_stand_on_the_command_line_nor_in_the_file() {
    let kept = kept();
    let mut with = lawful_look(&[]);
    with.extend(["--password", PASSWORD]);
    assert_eq!(kept.verb("investigator", &with).status.code(), Some(2), "there is no such argument");
    assert!(holding(&kept.store(), PASSWORD).is_empty());
    let secret = kept.path("pw");
    std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    let mut command = platewatch();
    command.args(lawful_look(&[])).arg("--data").arg(kept.store()).args([
        "--as",
        "investigator",
        "--password-file",
    ]);
    assert!(command.arg(&secret).env_remove("PLATEWATCH_PASSWORD").output().unwrap().status.success());
}

#[test]
fn a_wrong_password_may_never_open_and_is_on_record() {
    let kept = kept();
    let mut command = platewatch();
    command.args(lawful_look(&[])).arg("--data").arg(kept.store()).args(["--as", "investigator"]);
    let output = command.env("PLATEWATCH_PASSWORD", "a wrong enough one").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("refused: name or password is wrong, or the person is disabled"),
        "{}",
        stderr(&output)
    );
    assert_eq!(kept.sql::<i64>("SELECT count(*) FROM audit WHERE action = 'login-failed'"), 1);
}

#[test]
fn a_disabled_person_may_never_come_in_again_under_that_name() {
    let kept = kept();
    assert!(kept.shown("supervisor", &["access", "user", "disable", "investigator"]).contains("disabled"));
    assert!(kept.refused("investigator", &lawful_look(&[])).contains("disabled"));
    let again = kept.verb("supervisor", &["access", "user", "add", "investigator", "--role", "maintainer"]);
    assert_eq!(again.status.code(), Some(1));
    let mut command = platewatch();
    command.args([
        "access",
        "user",
        "add",
        "investigator",
        "--role",
        "operator",
        "--as",
        "supervisor",
        "--data",
    ]);
    command.arg(kept.store()).env("PLATEWATCH_PASSWORD", PASSWORD).env("PLATEWATCH_NEW_PASSWORD", PASSWORD);
    let said = stderr(&command.output().unwrap());
    assert!(said.contains("names are never given twice"), "{said}");
}

#[test]
fn only_who_has_the_right_may_add_people() {
    let kept = kept();
    let add = ["access", "user", "add", "new.one", "--role", "investigator"];
    assert!(kept.refused("maintainer", &add).contains("has not the right \"users\""));
    assert!(kept.refused("", &add).contains("say who you are"));
}

#[test]
fn an_answer_must_come_from_somebody_who_is_logged_in() {
    let kept = kept();
    let hit = kept.hit("1ABC123", 1, "C-1", [b"a".to_vec(), b"b".to_vec()]).to_string();
    let said = kept.refused("", &["outcome", &hit, "confirmed", "--by", "anybody"]);
    assert!(said.contains("say who you are"), "{said}");
    assert!(
        kept.refused("maintainer", &["outcome", &hit, "confirmed"]).contains("has not the right \"answer\"")
    );
    kept.shown("operator", &["outcome", &hit, "confirmed"]);
    assert_eq!(kept.sql::<String>("SELECT answered_by FROM outcome"), "operator");
}

#[test]
fn a_search_of_the_past_must_name_a_purpose_of_the_preset_and_leaves_out_what_is_older() {
    let kept = kept();
    let list = kept.path("list.csv");
    std::fs::write(&list, "plate,category,case\n1ABC123,stolen-vehicle,C-1\n").unwrap();
    let config = kept.config("");
    let search = |purpose: &str, who: &str| {
        let mut command = platewatch();
        command.args(["hotlist", "search-past", "--config"]).arg(&config).arg("--list").arg(&list);
        command
            .args(["--purpose", purpose, "--case", "AN.11/2026", "--as", who])
            .env("PLATEWATCH_PASSWORD", PASSWORD);
        command.output().unwrap()
    };
    assert!(stderr(&search("curiosity", "investigator")).contains("refused: \"curiosity\" is no purpose"));
    assert!(
        stderr(&search("sentences", "operator")).contains("refused: the role operator has not the right")
    );
    let found = search("sentences", "investigator");
    assert!(found.status.success(), "{}", stderr(&found));
    let shown = stdout(&found);
    assert!(
        shown.contains("2 late hits") && shown.contains("left out: 3 passages: older than 30 days"),
        "{shown}"
    );
}

#[test]
fn outside_police_law_looking_back_works_without_a_login_and_says_so() {
    let kept = Kept::new("off");
    kept.passed("1ABC123", &[1, 40]);
    let output = kept.verb("", LOOK);
    assert_eq!(rows(&stdout(&output)), 2);
    assert!(
        stderr(&output).contains("note: looking back is not restricted here (law.policy = off)"),
        "{}",
        stderr(&output)
    );
    let warned = Kept::new("warn");
    warned.passed("1ABC123", &[1, 40]);
    let output = warned.verb("", LOOK);
    assert_eq!(rows(&stdout(&output)), 2);
    assert!(stderr(&output).contains("under enforce this would be refused"), "{}", stderr(&output));
}

/// Puts a passage in the store that was seen under a mandate.
fn seen_under(kept: &Kept, text: &str, days_ago: i64, mandate: &str) {
    use platewatch::store::{Record, Settings, Store};
    let mut passage = passage(text, ago(days_ago));
    passage.mandate = Some(mandate.into());
    let record = Record { passage, hits: vec![], evidence: vec![], messages: vec![], models: None };
    Store::open(&Settings::new(kept.store())).unwrap().record(&record).unwrap();
}

#[test]
fn a_late_hit_may_only_come_from_what_was_seen_under_a_mandate_that_allows_the_list() {
    let kept = Kept::new("enforce");
    for (days, mandate) in [(9, "GR-1"), (5, "GR-1"), (4, "GR-2"), (3, "GR-9")] {
        seen_under(&kept, "1ABC123", days, mandate);
    }
    // What the mandates were for: GR-1 was widened a week ago; nobody knows of GR-9.
    let was = |mandate: &str, days: i64, purposes: &str| {
        let at = ago(days).unix_ms();
        kept.execute(&format!(
            "INSERT INTO use_period (camera, state, began_at, alive_at, reason, explanation, preset, policy, mandate, mode,
             purposes, track, lists) VALUES ('gate', 'use', {at}, {at}, '', '', 'be-wpa', 'enforce', '{mandate}', 'visible',
             '{purposes}', '[]', '{{}}')"
        ));
    };
    was("GR-1", 20, r#"["traffic-offences"]"#);
    was("GR-1", 7, r#"["traffic-offences", "disappearances"]"#);
    was("GR-2", 20, r#"["traffic-offences"]"#);
    let list = kept.path("missing.csv");
    std::fs::write(&list, "plate,category,case\n1ABC123,missing-person,C-1\n").unwrap();
    let config = kept.config(&format!(
        "[[hotlists]]\nname = \"missing\"\npath = {list:?}\npurposes = [\"disappearances\"]\n"
    ));
    let search = |list: &str| {
        let mut command = platewatch();
        command.args(["hotlist", "search-past", "--config"]).arg(&config).args(["--list", list]);
        command.args(["--purpose", "disappearances", "--case", "AN.43/2026", "--as", "investigator"]);
        stdout(&command.env("PLATEWATCH_PASSWORD", PASSWORD).output().unwrap())
    };
    let shown = search("missing");
    assert!(shown.contains("1 passages searched: 1 late hits"), "{shown}");
    for why in [
        "left out: 1 passages: the mandate GR-1 does not allow disappearances, which the list missing is for",
        "left out: 1 passages: the mandate GR-2 does not allow disappearances, which the list missing is for",
        "left out: 1 passages: the register does not say for what the mandate GR-9 was given",
    ] {
        assert!(shown.contains(why), "{shown}");
    }
    assert_eq!(kept.sql::<i64>("SELECT count(*) FROM hit"), 1);
    assert_eq!(
        kept.sql::<i64>("SELECT left_out FROM look WHERE what = 'search-past' ORDER BY id DESC LIMIT 1"),
        3
    );
    // A file that the configuration does not name is for what the search is for.
    let shown = search(list.to_str().unwrap());
    assert!(shown.contains("1 passages searched: 0 late hits, 1 matches known before"), "{shown}");
}
