//! What is damaged goes aside, what is sound comes over.

use super::super::testing::*;
use super::super::thread::mended;
use super::super::{HitQuery, Store, inspect, queries};
use super::*;
use rusqlite::Connection;
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;

/// A closed store of `n` hits, every one with a message that waits.
fn filled(n: usize) -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    for i in 0..n {
        store.record(&full(&format!("event-{i:05}"))).unwrap();
        if i % 2 == 0 {
            store.audit(&AuditEntry::by_box(AuditAction::Export).with("n", i)).unwrap();
        }
    }
    drop(store);
    (dir, settings)
}

fn waiting(store: &mut Store) -> Vec<String> {
    store.outbox_next(100_000).unwrap().into_iter().map(|r| r.event_id).collect()
}

/// Page numbers, from 1, of the leaves and branches of a table.
fn pages_of(settings: &Settings, table: &str) -> Vec<u64> {
    let bytes = std::fs::read(settings.database()).unwrap();
    let db = Connection::open(settings.database()).unwrap();
    let root: u64 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |r| r.get::<_, i64>(0))
        .unwrap() as u64;
    let (mut todo, mut found) = (vec![root], Vec::new());
    while let Some(page) = todo.pop() {
        found.push(page);
        let at = ((page - 1) * PAGE) as usize;
        let page = &bytes[at..at + PAGE as usize];
        let number = |at: usize| u32::from_be_bytes(page[at..at + 4].try_into().unwrap()) as u64;
        if page[0] == 0x05 {
            let cells = u16::from_be_bytes([page[3], page[4]]) as usize;
            todo.push(number(8));
            todo.extend(
                (0..cells).map(|c| number(u16::from_be_bytes([page[12 + 2 * c], page[13 + 2 * c]]) as usize)),
            );
        }
    }
    found.sort_unstable();
    found
}

fn spoil(settings: &Settings, page: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(settings.database()).unwrap();
    file.write_all_at(&[0xA5; PAGE as usize], (page - 1) * PAGE).unwrap();
}

fn aside(settings: &Settings) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(&settings.dir).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|p| p.extension().is_some_and(|e| e.to_string_lossy().starts_with("damaged-")))
        .filter(|p| !p.to_string_lossy().ends_with("-wal") && !p.to_string_lossy().ends_with("-shm"))
        .filter(|p| p.is_file())
        .collect();
    found.sort();
    found
}

#[test]
fn one_spoilt_leaf_costs_its_rows_and_nothing_else() {
    let (_dir, settings) = filled(150);
    let leaves = pages_of(&settings, "outbox");
    assert!(leaves.len() > 4, "{}", leaves.len());
    let before = std::fs::metadata(settings.database()).unwrap().len();
    spoil(&settings, leaves[leaves.len() / 2]);
    let mut store = Store::open(&settings).unwrap();
    let left = waiting(&mut store);
    assert!(left.len() < 150 && left.len() > 100, "{} rows of one page are gone, no more", left.len());
    // The hits are all there, with their pictures; the chain goes on.
    let hits =
        queries::recent_hits(store.database(), &HitQuery { limit: 1000, ..Default::default() }).unwrap();
    assert_eq!(hits.len(), 150);
    assert!(hits.iter().all(|h| h.evidence.len() == 2));
    let alarm = store.alarms().unwrap().remove(0);
    assert!(alarm.detail.contains("\"chain\":\"goes on\""), "{alarm:?}");
    assert!(alarm.detail.contains("\"torn\":\"outbox\""), "{alarm:?}");
    // Nothing was deleted, and nothing of the damaged file was changed by looking.
    let aside = aside(&settings);
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::metadata(&aside[0]).unwrap().len(), before);
    drop(store);
    let found = inspect(&settings, None).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
}

#[test]
fn messages_are_fetched_from_leaves_whose_branches_are_gone() {
    let (_dir, settings) = filled(0);
    let mut store = Store::open(&settings).unwrap();
    let ids: Vec<String> = (0..150).map(|_| crate::domain::EventId::generate().to_string()).collect();
    for (i, id) in ids.iter().enumerate() {
        let mut record = full(id);
        // Every second one goes over to other pages.
        if i % 2 == 0 {
            record.messages[0].payload = format!("{{\"id\":\"{id}\",\"x\":\"{}\"}}", "y".repeat(10_000));
        }
        store.record(&record).unwrap();
    }
    drop(store);
    let root: i64 = Connection::open(settings.database())
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'", [], |r| r.get(0))
        .unwrap();
    spoil(&settings, root as u64);
    let mut store = Store::open(&settings).unwrap();
    let left = waiting(&mut store);
    assert_eq!(left.iter().filter(|id| ids.contains(id)).count(), 150);
    assert!(store.outbox_next(200).unwrap().iter().any(|r| r.payload.len() > 10_000));
    drop(store);
    let found = inspect(&settings, None).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
}

#[test]
fn a_lost_chain_begins_anew_with_the_old_head_and_is_kept_beside() {
    let (_dir, settings) = filled(150);
    let told = {
        let mut store = Store::open(&settings).unwrap();
        store.audit(&AuditEntry::by_box(AuditAction::BoxStopped)).unwrap()
    };
    let pages = pages_of(&settings, "audit");
    assert!(pages.len() > 3, "{}", pages.len());
    spoil(&settings, pages[1]);
    let mut store = Store::open(&settings).unwrap();
    assert_eq!(waiting(&mut store).len(), 150);
    let alarm = store.alarms().unwrap().remove(0);
    assert_eq!(alarm.seq, 1);
    let detail: serde_json::Value = serde_json::from_str(&alarm.detail).unwrap();
    assert_eq!(detail["chain"], "begun anew");
    // The store's own last seal and row may have come after what we were told.
    let (seq, _) = detail["old_head"].as_str().unwrap().split_once(':').unwrap();
    assert!(seq.parse::<u64>().unwrap() >= told.seq, "{detail}");
    let beside = format!("{}.audit.jsonl", aside(&settings)[0].display());
    assert!(std::fs::read_to_string(beside).unwrap().lines().count() > 40);
    drop(store);
    assert!(inspect(&settings, None).unwrap().is_whole());
}

#[test]
fn whatever_is_done_to_the_file_the_box_starts_says_so_and_keeps_what_it_had() {
    let noise = |settings: &Settings, from: u64, bytes: usize| {
        let file = std::fs::OpenOptions::new().write(true).open(settings.database()).unwrap();
        file.write_all_at(&vec![0x5A; bytes], from).unwrap();
    };
    let cut = |settings: &Settings, to: u64| {
        std::fs::OpenOptions::new().write(true).open(settings.database()).unwrap().set_len(to).unwrap();
    };
    type Way<'a> = (&'a str, &'a dyn Fn(&Settings));
    let ways: [Way<'_>; 6] = [
        ("header", &|s| noise(s, 0, 100)),
        ("first page", &|s| noise(s, 0, 4096)),
        ("everything", &|s| noise(s, 0, std::fs::metadata(s.database()).unwrap().len() as usize)),
        ("half", &|s| cut(s, std::fs::metadata(s.database()).unwrap().len() / 2)),
        ("empty", &|s| cut(s, 0)),
        ("gone", &|s| std::fs::remove_file(s.database()).unwrap()),
    ];
    for (name, way) in ways {
        let (_dir, settings) = filled(20);
        way(&settings);
        let mut store = Store::open(&settings).unwrap();
        assert_eq!(store.alarms().unwrap().len(), 1, "{name}");
        store.record(&full("after")).unwrap();
        assert!(waiting(&mut store).contains(&"after".to_owned()), "{name}");
        // No picture is thrown away: named by a row, or moved aside.
        let moved: usize = std::fs::read_dir(&settings.dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.is_dir() && p.to_string_lossy().contains("pictures.damaged-"))
            .map(|p| std::fs::read_dir(p).unwrap().count())
            .sum();
        assert_eq!(picture_files(&settings).len() + moved, 42, "{name}");
        drop(store);
        let found = inspect(&settings, None).unwrap();
        assert!(found.is_whole(), "{name}: {:?}", found.findings);
        // Only once: the next start finds a sound database.
        drop(Store::open(&settings).unwrap());
        assert!(aside(&settings).len() <= 1, "{name}");
    }
}

#[test]
fn damage_met_at_work_is_mended_at_work() {
    let (_dir, settings) = filled(100);
    let mut store = Store::open(&settings).unwrap();
    // Behind the back of the open connection, which is made to read its pages again.
    let leaves = pages_of(&settings, "hit");
    leaves.iter().skip(1).for_each(|page| spoil(&settings, *page));
    store.database().connection.execute_batch("PRAGMA shrink_memory").unwrap();
    for i in 0..5 {
        mended(&mut store, |s| s.record(&full(&format!("more-{i}")))).unwrap();
    }
    assert_eq!(store.alarms().unwrap().len(), 1, "the writer came to the spoilt pages and went on");
    let left = waiting(&mut store);
    assert_eq!(left.len(), 105, "the messages were not in the spoilt pages");
    drop(store);
    let found = inspect(&settings, None).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
}

#[test]
fn a_recovery_that_is_cut_off_goes_on_at_the_next_start() {
    let (_dir, settings) = filled(50);
    // Cut after the note and the first rename.
    let name = "platewatch.db.damaged-20261125T031500Z";
    std::fs::write(note(&settings), name).unwrap();
    std::fs::rename(settings.database(), settings.dir.join(name)).unwrap();
    std::fs::write(settings.dir.join("platewatch.db.new"), b"half").unwrap();
    let mut store = Store::open(&settings).unwrap();
    assert_eq!(waiting(&mut store).len(), 50);
    assert_eq!(aside(&settings), [settings.dir.join(name)]);
    assert!(!note(&settings).exists() && !settings.dir.join("platewatch.db.new").exists());
}

#[test]
fn transactions_behind_damage_in_the_log_are_found_and_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    for i in 0..30 {
        store.record(&full(&format!("event-{i:05}"))).unwrap();
    }
    // As after a kill: the log is there and was not written back.
    let [database, log, _] = with_companions(&settings.database());
    let copy = dir.path().join("copy");
    std::fs::create_dir_all(&copy).unwrap();
    for from in [&database, &log] {
        std::fs::copy(from, copy.join(from.file_name().unwrap())).unwrap();
    }
    drop(store);
    let put_back = |spoil: &dyn Fn(&std::fs::File, u64)| {
        for to in with_companions(&settings.database()) {
            let _ = std::fs::remove_file(&to);
            let from = copy.join(to.file_name().unwrap());
            if from.exists() {
                std::fs::copy(from, &to).unwrap();
            }
        }
        let file = std::fs::OpenOptions::new().write(true).open(&log).unwrap();
        let size = file.metadata().unwrap().len();
        assert!(size > 20 * 4120, "{size}");
        spoil(&file, size);
    };
    put_back(&|_, _| {});
    assert!(!is_log_torn(&settings), "a log that is whole");
    put_back(&|file, size| file.set_len(size - 100).unwrap());
    assert!(!is_log_torn(&settings), "a cut of the power tears the last transaction");
    // One frame in the middle, then the header.
    put_back(&|file, size| {
        let frame = (size - 32) / 4120 / 2;
        file.write_all_at(&[0x5A; 500], 32 + frame * 4120 + 300).unwrap();
    });
    assert!(is_log_torn(&settings));
    let mut store = Store::open(&settings).unwrap();
    assert_eq!(store.alarms().unwrap().len(), 1);
    let left = waiting(&mut store);
    assert!(left.len() >= 20 && left.contains(&"event-00029".to_owned()), "{left:?}");
    drop(store);
    put_back(&|file, _| file.write_all_at(&[0x5A; 32], 0).unwrap());
    assert!(is_log_torn(&settings));
    let mut store = Store::open(&settings).unwrap();
    assert!(waiting(&mut store).len() >= 29, "only the first frame cannot be checked without the header");
}
