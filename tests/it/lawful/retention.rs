//! What must be gone, what must stay, and what is said of it.

use super::kept::*;
use crate::world::*;
use std::time::Duration;

const THIRTY: &str = "[law]\npreset = \"be-wpa\"\npolicy = \"warn\"\nmandates = \"m\"\nsigners = \"s\"\n[retention]\nscheme = \"antwerp-30d\"\n";

fn with_law(kept: &Kept) {
    std::fs::create_dir_all(kept.path("m")).unwrap();
    let key = kept.path("k");
    let made = platewatch()
        .args(["mandate", "key", "--id", "zone", "--secret"])
        .arg(&key)
        .arg("--public")
        .arg(kept.path("s"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
}

fn pictures(n: u8) -> [Vec<u8>; 2] {
    [format!("PLATEPICTURE{n}").into_bytes(), format!("CONTEXTPICTURE{n}").into_bytes()]
}

#[test]
fn what_has_passed_its_term_must_be_gone_from_every_file_of_the_store() {
    let kept = Kept::new("warn");
    with_law(&kept);
    for n in 0..300 {
        kept_passed(&kept, &format!("1OLD{n:03}"), 31 + n % 60);
    }
    kept.passed("1NEW001", &[3]);
    kept.hit("1HIT001", 45, "CASE-77", pictures(1));
    std::fs::write(kept.store().join("platewatch.db.v4.bak"), "1OLD007").unwrap();
    for text in ["1OLD007", "1HIT001", "CASE-77", "PLATEPICTURE1"] {
        assert!(!holding(&kept.store(), text).is_empty(), "{text} is there before");
    }
    kept.run(THIRTY);
    for text in ["1OLD", "1HIT001", "CASE-77", "PLATEPICTURE1", "CONTEXTPICTURE1"] {
        assert_eq!(holding(&kept.store(), text), Vec::<std::path::PathBuf>::new(), "{text}");
    }
    assert!(!holding(&kept.store(), "1NEW001").is_empty(), "what has not passed its term stays");
}

/// Many in one store: opening it once each time would take long.
fn kept_passed(kept: &Kept, text: &str, days: i64) {
    use platewatch::store::{Record, Settings, Store};
    thread_local! { static STORE: std::cell::RefCell<Option<(std::path::PathBuf, Store)>> = const { std::cell::RefCell::new(None) }; }
    STORE.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(path, _)| *path != kept.store()) {
            *slot = Some((kept.store(), Store::open(&Settings::new(kept.store())).unwrap()));
        }
        let (_, store) = slot.as_mut().unwrap();
        let passage = passage(text, ago(days));
        store
            .record(&Record { passage, hits: vec![], evidence: vec![], messages: vec![], models: None })
            .unwrap();
        if text.ends_with("299") {
            *slot = None;
        }
    });
}

#[test]
fn a_deletion_must_survive_being_killed_and_be_complete_in_the_end() {
    let kept = Kept::new("warn");
    with_law(&kept);
    for n in 0..300 {
        kept_passed(&kept, &format!("1OLD{n:03}"), 31 + n % 60);
    }
    for n in 0..20 {
        kept.hit("1HIT001", 45, "CASE-77", pictures(n));
    }
    let config = kept.config(THIRTY);
    // Killed at a different point each time; the last run is left alone.
    for wait in [0, 300, 600, 900] {
        let (process, log) = daemon(&config);
        eventually("the box begins", || (!log.all().is_empty()).then_some(()));
        std::thread::sleep(Duration::from_millis(wait));
        drop(process); // SIGKILL
    }
    kept.run(THIRTY);
    for text in ["1OLD", "1HIT001", "CASE-77", "PLATEPICTURE", "CONTEXTPICTURE"] {
        assert_eq!(holding(&kept.store(), text), Vec::<std::path::PathBuf>::new(), "{text}");
    }
    let sum: i64 = kept.sql(
        "SELECT sum(CAST(json_extract(detail, '$.passages_without_hit') AS INTEGER)) FROM audit WHERE action = 'deletion'",
    );
    assert_eq!(sum, 300, "each is counted once, however often it was killed");
    let checked = run(&["check", "store", "--data", kept.store().to_str().unwrap()]);
    assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
}

#[test]
fn what_is_on_hold_must_stay_whatever_its_age_and_must_go_when_the_hold_is_released() {
    let kept = Kept::new("enforce");
    with_law(&kept);
    let held = kept.hit("1HIT001", 45, "CASE-77", pictures(1)).to_string();
    kept.hit("1HIT002", 45, "CASE-78", pictures(2));
    let until = ago(-100).to_string();
    kept.shown(
        "investigator",
        &["hold", "add", "--hit", &held, "--case", "CASE-77", "--reason", "trial", "--until", &until],
    );
    kept.run(THIRTY);
    assert!(
        !holding(&kept.store(), "1HIT001").is_empty()
            && !holding(&kept.store(), "CONTEXTPICTURE1").is_empty()
    );
    assert!(
        holding(&kept.store(), "1HIT002").is_empty() && holding(&kept.store(), "CONTEXTPICTURE2").is_empty()
    );
    kept.execute("UPDATE law_in_force SET policy = 'enforce'");
    kept.shown(
        "supervisor",
        &["hold", "release", "1", "--reason", "case closed", "--second", "investigator"],
    );
    kept.run(THIRTY);
    assert!(
        holding(&kept.store(), "1HIT001").is_empty() && holding(&kept.store(), "CONTEXTPICTURE1").is_empty()
    );
}

#[test]
fn a_hold_must_name_reference_reason_and_an_end_to_come() {
    let kept = Kept::new("enforce");
    let hit = kept.hit("1HIT001", 1, "CASE-77", pictures(1)).to_string();
    let add = |case: &str, reason: &str, until: &str| {
        let output = kept.verb(
            "investigator",
            &["hold", "add", "--hit", &hit, "--case", case, "--reason", reason, "--until", until],
        );
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        stderr(&output)
    };
    let later = ago(-10).to_string();
    assert!(add(" ", "trial", &later).contains("it must name the reference of the case"));
    assert!(add("C", " ", &later).contains("it must name its reason"));
    assert!(add("C", "trial", "2020-01-01T00:00:00Z").contains("its end must lie in the future"));
}

#[test]
fn a_hold_may_be_released_only_by_two() {
    let kept = Kept::new("enforce");
    let hit = kept.hit("1HIT001", 1, "CASE-77", pictures(1)).to_string();
    let until = ago(-10).to_string();
    kept.shown(
        "investigator",
        &["hold", "add", "--hit", &hit, "--case", "C", "--reason", "trial", "--until", &until],
    );
    let release = ["hold", "release", "1", "--reason", "closed"];
    assert!(kept.refused("investigator", &release).contains("has not the right \"release-hold\""));
    assert!(kept.refused("supervisor", &release).contains("\"release-hold\" needs a second person"));
}

#[test]
fn a_deletion_must_be_logged_by_counts_and_never_with_the_data() {
    let kept = Kept::new("warn");
    with_law(&kept);
    kept.passed("1OLD001", &[31, 32]);
    let config = kept.config(THIRTY);
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    let log = stderr(&output);
    assert!(
        log.contains("what had passed its term was deleted") && log.contains("passages_without_hit 2"),
        "{log}"
    );
    assert!(!log.contains("1OLD001"), "{log}");
    let detail: String = kept.sql("SELECT detail FROM audit WHERE action = 'deletion'");
    assert_eq!(detail, r#"{"passages_without_hit":"2"}"#);
    let verified = run(&["audit", "verify", "--data", kept.store().to_str().unwrap()]);
    assert!(verified.status.success(), "{}", stdout(&verified));
}

fn check(kept: &Kept, retention: &str) -> (Option<i32>, String) {
    let law = "[law]\npreset = \"be-wpa\"\npolicy = \"warn\"\nmandates = \"m\"\nsigners = \"s\"\n";
    let config = kept.config(&format!("{law}[retention]\n{retention}\n"));
    let output = run(&["check", "--config", config.to_str().unwrap()]);
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn a_zone_may_shorten_a_term_and_never_lengthen_it_beyond_the_law() {
    let kept = Kept::new("warn");
    with_law(&kept);
    let (code, said) = check(&kept, "non_hits_days = 7\nhits_days = 365");
    assert_eq!(code, Some(0), "{said}");
    for key in ["non_hits_days", "hits_days", "plate_texts_days", "pictures_days"] {
        let (code, said) = check(&kept, &format!("{key} = 366"));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("retention.{key}: found 366 days")), "{said}");
        assert!(said.contains("allows at most 365") && said.contains("never more"), "{said}");
        assert!(said.contains("verify with the zone's data protection officer"), "{said}");
    }
    let (code, said) = check(&kept, "scheme = \"antwerp-30\"");
    assert!(code == Some(1) && said.contains("did you mean \"antwerp-30d\"?"), "{said}");
}

#[test]
fn passages_without_a_hit_may_be_kept_as_hashes_only_or_not_at_all() {
    let kept = Kept::new("warn");
    with_law(&kept);
    let config = kept.config(&format!("{THIRTY}non_hits = \"hash\"\n"));
    let text = std::fs::read_to_string(&config).unwrap().replace("keep_passages = false\n", "");
    std::fs::write(&config, text).unwrap();
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(kept.sql::<i64>("SELECT count(*) FROM passage"), 0);
    assert!(kept.sql::<i64>("SELECT count(*) FROM passage_trace") >= 1, "{}", stderr(&output));
    // Found by who knows the plate: the sample's truth says which it is.
    let read = stdout(&run(&["read", "samples/pictures/day-1.jpg", "--json"]));
    let line: serde_json::Value = serde_json::from_str(read.lines().next().unwrap()).unwrap();
    let plate = find_text(&line).unwrap();
    assert!(holding(&kept.store(), &plate).is_empty(), "{plate}");
    let shown = stdout(&kept.verb("", &["log", "--passages", "--plate", &plate]));
    assert!(shown.contains("known by its keyed hash only"), "{plate}: {shown}");
}

/// The first plate anywhere in the output of `read --json`.
fn find_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Object(all) => all
            .get("text")
            .and_then(|t| t.as_str())
            .map(str::to_owned)
            .or_else(|| all.values().find_map(find_text)),
        serde_json::Value::Array(all) => all.iter().find_map(find_text),
        _ => None,
    }
}

#[test]
fn the_audit_chain_may_be_pruned_only_from_its_front_and_must_stay_verifiable() {
    let kept = Kept::new("warn");
    with_law(&kept);
    kept.passed("1NEW001", &[1]);
    {
        use platewatch::store::{AuditAction, AuditEntry, Settings, Store};
        let mut store = Store::open(&Settings::new(kept.store())).unwrap();
        for n in 0..150 {
            store.audit(&AuditEntry::by("Peeters", AuditAction::Search).with("n", n)).unwrap();
        }
    }
    // As rows of eleven years ago would stand there: the chain written anew with old times by its own key.
    let config = kept.config("[law]\npreset = \"be-wpa\"\npolicy = \"warn\"\nmandates = \"m\"\nsigners = \"s\"\n[retention]\naudit_days = 1\n");
    let multiarch = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    assert!(std::path::Path::new(&multiarch).exists(), "faketime is installed: run scripts/setup.sh --tests");
    let output = platewatch()
        .args(["run", "--config", config.to_str().unwrap()])
        .env("LD_PRELOAD", multiarch)
        .env("FAKETIME", "+3d")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(kept.sql::<i64>("SELECT min(seq) FROM audit") > 100);
    let verified = run(&["audit", "verify", "--data", kept.store().to_str().unwrap()]);
    assert!(verified.status.success(), "{}{}", stdout(&verified), stderr(&verified));
    assert!(stdout(&verified).contains("pruned_to "), "{}", stdout(&verified));
    kept.execute("PRAGMA foreign_keys = OFF; DELETE FROM audit_seal WHERE seq = (SELECT min(seq) FROM audit_seal); DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)");
    let torn = run(&["audit", "verify", "--data", kept.store().to_str().unwrap()]);
    assert!(!torn.status.success() && stdout(&torn).contains("missing"), "{}", stdout(&torn));
}
