//! Deletion on real files.

use super::*;
use crate::domain::{Hit, HitState, PassageState, PlateText};
use crate::store::testing::*;
use crate::store::{Clerk, HitQuery, PassageQuery, Reader, Record, Store};
use std::path::Path;

const TERMS: Terms =
    Terms { non_hits: 30, hits: 90, plate_texts: 90, pictures: 60, register: 365, audit: 365 };

fn kept(dir: &Path, terms: Terms, non_hits: NonHits) -> Settings {
    Settings { retention: Some(Retention { terms, non_hits }), ..settings(dir) }
}

fn days(n: i64) -> Utc {
    at(n * 86_400)
}

fn sweep(store: &mut Store, now: Utc) {
    while store.delete_expired(now).unwrap() {}
}

fn closed(mut record: Record, text: &str) -> Record {
    record.passage.text = PlateText::new(text).unwrap();
    record.passage.state = PassageState::Closed;
    record
}

/// Every file of the store that holds `text`, read raw.
fn holding(dir: &Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn messages_of_hits_go_at_the_term_of_hits_delivered_or_not_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    for event in ["sent", "waits", "refused", "orphan"] {
        store.record(&closed(full(event), "1HITA11")).unwrap();
    }
    let mut passage = closed(plain("1NHX001", 0), "1NHX001");
    passage.messages = vec![message("passing", None)];
    store.record(&passage).unwrap();
    let rows = store.outbox_next(10).unwrap();
    let id = |event: &str| rows.iter().find(|r| r.event_id == event).unwrap().id;
    store.outbox_done(id("sent")).unwrap();
    store.outbox_failed(id("refused"), "too large").unwrap();
    // As salvage leaves a message whose hit could not be saved.
    tamper(&settings, "UPDATE outbox SET hit = NULL WHERE event_id = 'orphan'");
    let left = |store: &mut Store, day: i64| {
        sweep(store, days(day));
        let reader = rusqlite::Connection::open(settings.database()).unwrap();
        let mut statement = reader.prepare("SELECT event_id FROM outbox ORDER BY event_id").unwrap();
        statement.query_map([], |r| r.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap()
    };
    assert_eq!(left(&mut store, 31), ["orphan", "refused", "sent", "waits"]);
    assert_eq!(left(&mut store, 89).len(), 4);
    assert_eq!(left(&mut store, 91), Vec::<String>::new());
    let told = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
    let told: Vec<&str> = told.iter().filter(|r| r.action == "deletion").map(|r| r.detail.as_str()).collect();
    let last = told.last().unwrap();
    assert!(last.contains(r#""messages":"4""#), "{told:?}");
}

#[test]
fn each_kind_goes_at_its_own_term_and_leaves_nothing_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    for n in 0..2_000 {
        // Neither in the order of the texts nor of the ids.
        store.record(&closed(plain("X", n * 7 % 2_000), &format!("1NHX{n:04}"))).unwrap();
    }
    let hit = closed(full("e1"), "1HITA11");
    store.record(&hit).unwrap();
    let tables = |sql: &str| store_count(&settings, sql);

    assert!(!holding(&settings.dir, "1NHX0007").is_empty());
    sweep(&mut store, days(29));
    assert_eq!(tables("SELECT count(*) FROM passage"), 2_001);
    sweep(&mut store, days(31));
    assert_eq!(tables("SELECT count(*) FROM passage"), 1);
    assert_eq!(holding(&settings.dir, "1NHX"), Vec::<std::path::PathBuf>::new());
    assert_eq!(picture_files(&settings).len(), 2);
    sweep(&mut store, days(61));
    assert_eq!((picture_files(&settings).len(), tables("SELECT count(*) FROM hit")), (0, 1));
    sweep(&mut store, days(91));
    assert_eq!(tables("SELECT count(*) FROM hit") + tables("SELECT count(*) FROM outbox"), 0);
    for gone in ["1HITA11", "1ABC123", "AN-1", "{\"id\":\"e1\"}"] {
        assert_eq!(holding(&settings.dir, gone), Vec::<std::path::PathBuf>::new(), "{gone}");
    }
    let told = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
    let told: Vec<&str> = told.iter().filter(|r| r.action == "deletion").map(|r| r.detail.as_str()).collect();
    assert_eq!(
        told,
        [
            r#"{"passages_without_hit":"2000"}"#,
            r#"{"pictures":"2"}"#,
            r#"{"hits":"1","messages":"1","passages_with_hits":"1"}"#
        ]
    );
}

fn store_count(settings: &Settings, sql: &str) -> i64 {
    rusqlite::Connection::open(settings.database()).unwrap().query_row(sql, [], |r| r.get(0)).unwrap()
}

#[test]
fn what_is_on_hold_stays_with_its_pictures_until_the_hold_ends() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    let (one, two) = (closed(full("e1"), "1HITA11"), closed(full("e2"), "1HITB22"));
    let passed = closed(plain("X", 0), "1NHX001");
    let free = closed(plain("X", 0), "1NHX002");
    for record in [&one, &two, &passed, &free] {
        store.record(record).unwrap();
    }
    let mut clerk = Clerk::open(&settings).unwrap();
    let hold = |target| NewHold {
        target,
        reference: "AN.11/2026".into(),
        reason: "asked for by the prosecutor".into(),
        until: days(200),
        by: "Peeters".into(),
    };
    let of_hit = clerk.place_hold(&hold(HoldTarget::Hit(one.hits[0].id)), at(1)).unwrap();
    let plate = Some(PlateText::new("1NHX001").unwrap());
    clerk.place_hold(&hold(HoldTarget::Plate { plate, since: at(-5), before: at(5) }), at(1)).unwrap();
    sweep(&mut store, days(150));
    let reader = Reader::open(&settings).unwrap();
    let texts = |reader: &Reader| -> Vec<String> {
        let mut all: Vec<String> = reader
            .recent_passages(&PassageQuery { limit: 10, ..PassageQuery::default() })
            .unwrap()
            .iter()
            .map(|r| r.passage.text.to_string())
            .collect();
        all.sort();
        all
    };
    assert_eq!(texts(&reader), ["1HITA11", "1NHX001"]);
    assert_eq!(picture_files(&settings).len(), 2);

    clerk.release_hold(of_hit, "Peeters", "case closed", days(150)).unwrap();
    assert!(clerk.release_hold(of_hit, "Peeters", "again", days(150)).is_err());
    sweep(&mut store, days(151));
    assert_eq!(texts(&reader), ["1NHX001"]);
    // The other ends by itself, and takes its plate with it.
    sweep(&mut store, days(201));
    assert!(texts(&reader).is_empty());
    assert_eq!(holding(&settings.dir, "1NHX001"), Vec::<std::path::PathBuf>::new());
    assert_eq!(reader.holds().unwrap().len(), 2);
}

#[test]
fn a_plate_kept_as_a_hash_is_found_by_who_asks_for_it_and_stands_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Hash);
    let mut store = Store::open(&settings).unwrap();
    store.record(&closed(plain("X", 0), "1NHX001")).unwrap();
    store.record(&closed(full("e1"), "1HITA11")).unwrap();
    let reader = Reader::open(&settings).unwrap();
    let traces =
        |text: &str| reader.traces(&settings, &PlateText::new(text).unwrap(), None, None, 10).unwrap().len();
    assert_eq!((traces("1NHX001"), traces("1NHX002"), traces("1HITA11")), (1, 0, 0));
    assert_eq!(holding(&settings.dir, "1NHX001"), Vec::<std::path::PathBuf>::new());
    assert_eq!(reader.recent_hits(&HitQuery::default()).unwrap().len(), 1);
    sweep(&mut store, days(31));
    assert_eq!(traces("1NHX001"), 0);
}

#[test]
fn after_the_term_of_texts_a_passage_is_a_trace_until_its_own_term() {
    let dir = tempfile::tempdir().unwrap();
    let terms = Terms { non_hits: 60, plate_texts: 10, ..TERMS };
    let settings = kept(dir.path(), terms, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    store.record(&closed(plain("X", 0), "1NHX001")).unwrap();
    store.record(&closed(full("e1"), "1HITA11")).unwrap();
    sweep(&mut store, days(11));
    for gone in ["1NHX001", "1HITA11", "1ABC123"] {
        assert_eq!(holding(&settings.dir, gone), Vec::<std::path::PathBuf>::new(), "{gone}");
    }
    let reader = Reader::open(&settings).unwrap();
    let traces =
        |text: &str| reader.traces(&settings, &PlateText::new(text).unwrap(), None, None, 10).unwrap();
    assert_eq!((traces("1NHX001")[0].hits, traces("1HITA11")[0].hits), (0, 1));
    assert!(picture_files(&settings).is_empty());
    sweep(&mut store, days(61));
    assert_eq!((traces("1NHX001").len(), traces("1HITA11").len()), (0, 1));
    sweep(&mut store, days(91));
    assert!(traces("1HITA11").is_empty());
}

#[test]
fn a_deletion_cut_off_anywhere_is_finished_by_the_next() {
    for steps in [0, 1, 2, 3, 6, 9, 13, 17] {
        let dir = tempfile::tempdir().unwrap();
        let settings = kept(dir.path(), Terms { hits: 30, ..TERMS }, NonHits::Text);
        let mut store = Store::open(&settings).unwrap();
        for n in 0..150 {
            store.record(&closed(plain("X", n), &format!("1NHX{n:03}"))).unwrap();
        }
        for n in 0..5 {
            store.record(&closed(full(&format!("e{n}")), "1HITA11")).unwrap();
        }
        for _ in 0..steps {
            let _ = store.delete_expired(days(40)).unwrap();
        }
        drop(store); // the sweep's memory is lost with it
        let mut store = Store::open(&settings).unwrap();
        sweep(&mut store, days(40));
        assert_eq!(store_count(&settings, "SELECT count(*) FROM passage"), 0, "{steps}");
        assert!(picture_files(&settings).is_empty(), "{steps}");
        assert_eq!(store_count(&settings, "SELECT count(*) FROM picture_removal"), 0);
        assert!(holding(&settings.dir, "1NHX").is_empty() && holding(&settings.dir, "1HITA11").is_empty());
        let rows = Reader::open(&settings).unwrap().audit_rows(1, 1_000).unwrap();
        let sum = |what: &str| -> u64 {
            let details = rows.iter().filter(|r| r.action == "deletion");
            details
                .filter_map(|r| {
                    serde_json::from_str::<serde_json::Value>(&r.detail).unwrap()[what]
                        .as_str()?
                        .parse::<u64>()
                        .ok()
                })
                .sum()
        };
        // Counted once, however often it was cut off.
        assert_eq!((sum("passages_without_hit"), sum("hits"), sum("pictures")), (150, 5, 10), "{steps}");
    }
}

#[test]
fn a_picture_two_passages_share_goes_with_the_last_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    let old = closed(full("e1"), "1HITA11");
    let mut young = closed(full("e2"), "1HITB22");
    young.evidence = old.evidence.clone();
    young.passage.first_seen = days(50);
    store.record(&old).unwrap();
    store.record(&young).unwrap();
    sweep(&mut store, days(95));
    assert_eq!(picture_files(&settings).len(), 2);
    sweep(&mut store, days(111));
    assert!(picture_files(&settings).is_empty());
}

#[test]
fn copies_and_files_put_aside_go_too() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    store.record(&closed(plain("X", 0), "1NHX001")).unwrap();
    let now = Utc::now(); // the files' own times count
    for name in ["platewatch.db.v4.bak", "platewatch.db.corrupt-1"] {
        std::fs::write(settings.dir.join(name), "1NHX001").unwrap();
    }
    let there = || -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&settings.dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|n| n.starts_with("platewatch.db."))
            .collect();
        names.sort();
        names
    };
    // Nothing has passed its term by this clock.
    let early = Retention { terms: Terms { non_hits: 36_000, ..TERMS }, non_hits: NonHits::Text };
    drop(store);
    let mut store = Store::open(&Settings { retention: Some(early), ..settings.clone() }).unwrap();
    sweep(&mut store, now);
    assert_eq!(there(), ["platewatch.db.corrupt-1", "platewatch.db.v4.bak"]);
    sweep(&mut store, now.plus_ms(2 * 86_400_000));
    assert_eq!(there(), ["platewatch.db.corrupt-1"]);
    drop(store);
    let mut store = Store::open(&settings).unwrap();
    sweep(&mut store, now.plus_ms(40 * 86_400_000));
    assert!(there().is_empty());
}

#[test]
fn what_was_moved_aside_as_damaged_goes_after_the_shortest_term_and_waits_for_a_hold() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    // The files' own times count too, so all of this is to come.
    let moved: Utc = "2096-01-10T08:00:00Z".parse().unwrap();
    let shortest = TERMS.non_hits.min(TERMS.hits).min(TERMS.plate_texts).min(TERMS.pictures);
    let after = |days: u32| moved.plus_ms(i64::from(days) * 86_400_000 + 60_000);
    for end in ["", "-wal", "-shm", ".audit.jsonl"] {
        let name = format!("platewatch.db.damaged-20960110T080000Z{end}");
        std::fs::write(settings.dir.join(name), "1NHX001").unwrap();
    }
    let pictures = settings.dir.join("pictures.damaged-20960110T080000Z");
    std::fs::create_dir(&pictures).unwrap();
    for n in 0..40 {
        std::fs::write(pictures.join(format!("{n}.jpg")), "PICTURE").unwrap();
    }
    let left = || {
        std::fs::read_dir(&settings.dir)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("damaged-"))
            .count()
    };
    let plate = Some(PlateText::new("1LOST11").unwrap());
    let hold = NewHold {
        target: HoldTarget::Plate { plate, since: moved.plus_ms(-86_400_000), before: moved },
        reference: "C-1".into(),
        reason: "trial".into(),
        until: after(shortest + 50),
        by: "Peeters".into(),
    };
    Clerk::open(&settings).unwrap().place_hold(&hold, moved.plus_ms(-1_000)).unwrap();
    sweep(&mut store, after(shortest - 1));
    assert_eq!(left(), 5, "its term has not passed");
    sweep(&mut store, after(shortest));
    assert_eq!(left(), 5, "a hold of what may have been lost keeps it");
    sweep(&mut store, after(shortest + 51));
    assert_eq!(left(), 0, "the hold is over");
    let rows = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
    let told: Vec<&str> = rows.iter().filter(|r| r.action == "deletion").map(|r| r.detail.as_str()).collect();
    assert_eq!(told.last(), Some(&r#"{"damaged_files":"4","damaged_pictures":"40"}"#), "{told:?}");
}

#[test]
fn a_pruned_chain_still_proves_itself() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    for n in 0..200 {
        store.audit(&AuditEntry::by("Peeters", AuditAction::Search).with("n", n)).unwrap();
    }
    let told = store.audit_head().unwrap();
    let reader = Reader::open(&settings).unwrap();
    let key = settings.public_key().unwrap();
    let whole = reader.verify_audit(Some(&key), Some(&told)).unwrap();
    assert!(whole.is_whole() && whole.pruned_to == 0, "{whole:?}");
    let later = Utc::now().plus_ms(366 * 86_400_000);
    sweep(&mut store, later);
    let report = reader.verify_audit(Some(&key), Some(&told)).unwrap();
    assert!(report.is_whole() && report.pruned_to >= 128 && report.rows < 100, "{report:?}");
    // It goes on, and a second time too.
    store.audit(&AuditEntry::by_box(AuditAction::BoxStopped)).unwrap();
    assert!(reader.verify_audit(Some(&key), None).unwrap().is_whole());
    // Whoever cuts more off the front shows.
    let other = rusqlite::Connection::open(settings.database()).unwrap();
    let cut = format!(
        "PRAGMA foreign_keys = OFF; DELETE FROM audit_seal WHERE seq <= {0}; DELETE FROM audit WHERE seq <= {0}",
        report.pruned_to + 3
    );
    other.execute_batch(&cut).unwrap();
    let torn = reader.verify_audit(Some(&key), None).unwrap();
    assert!(!torn.is_whole() && torn.faults[0].to_string().contains("missing"), "{:?}", torn.faults);
    // And so does whoever moves the anchor along.
    let seq = report.pruned_to + 3;
    let hash: String =
        other.query_row("SELECT previous FROM audit WHERE seq = ?1", [seq as i64 + 1], |r| r.get(0)).unwrap();
    other.execute("UPDATE audit_anchor SET seq = ?1, hash = ?2", (seq as i64, hash)).unwrap();
    let moved = reader.verify_audit(Some(&key), None).unwrap();
    assert!(moved.faults[0].to_string().contains("not what the box signed"), "{:?}", moved.faults);
}

/// A hit that is withdrawn is still one: its passage keeps the term of hits.
#[test]
fn a_withdrawn_hit_keeps_the_term_of_hits() {
    let dir = tempfile::tempdir().unwrap();
    let settings = kept(dir.path(), TERMS, NonHits::Text);
    let mut store = Store::open(&settings).unwrap();
    let mut record = closed(full("e1"), "1HITA11");
    record.hits = vec![Hit { state: HitState::Withdrawn, ..record.hits[0].clone() }];
    store.record(&record).unwrap();
    sweep(&mut store, days(31));
    assert_eq!(store_count(&settings, "SELECT count(*) FROM hit"), 1);
}
