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

/// A message as `alert` makes them.
fn real(id: &str, hit: &crate::domain::Hit, filler: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/platewatch/z/b\",\"type\":\"platewatch.hit.v1\",\
         \"time\":\"2027-01-15T08:00:03.000Z\",\"data\":{{\"hit\":\"{}\",\"x\":\"{filler}\"}}}}",
        hit.id
    )
}

/// A store as a kill leaves it, with its log: `n` messages of the size of real ones, every fifth delivered, every
/// seventh longer than a page. The messages that wait, by their event.
fn killed(
    dir: &Path,
    n: usize,
    key: Option<crate::runtime::StoreKey>,
) -> (Settings, BTreeMap<String, String>) {
    let settings = Settings { key, ..settings(&dir.join("made")) };
    let mut store = Store::open(&settings).unwrap();
    let mut waiting = BTreeMap::new();
    for i in 0..n {
        let id = crate::domain::EventId::generate().to_string();
        let mut record = full(&id);
        let filler = "y".repeat(if i % 7 == 0 { 9_000 } else { 1_800 });
        record.messages[0].payload = real(&id, &record.hits[0], &filler);
        let payload = record.messages[0].payload.clone();
        store.record(&record).unwrap();
        if i % 5 == 4 {
            let row = store.outbox_next(1).unwrap().remove(0);
            store.outbox_done(row.id).unwrap();
            waiting.remove(&row.event_id);
        }
        waiting.insert(id, payload);
    }
    // The last may have been delivered at once where nothing else waited.
    let pending: Vec<String> = store.outbox_next(n).unwrap().into_iter().map(|r| r.event_id).collect();
    waiting.retain(|id, _| pending.contains(id));
    let copy = dir.join("killed");
    copied(&settings.dir, &copy);
    let killed = Settings { dir: copy, ..settings.clone() };
    drop(store);
    (killed, waiting)
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|e| e.unwrap().path()) {
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copied(&entry, &to);
        } else {
            std::fs::copy(&entry, &to).unwrap();
        }
    }
}

/// Noise from a seed, the same every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn over(&mut self, path: &Path, at: u64, length: usize) {
        let bytes: Vec<u8> = (0..length).map(|_| (self.next() >> 32) as u8).collect();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(&bytes, at).unwrap();
    }

    fn pages(&mut self, path: &Path, share: u64, length: usize) {
        let pages = std::fs::metadata(path).unwrap().len() / PAGE;
        for _ in 0..(pages * share / 100).max(1) {
            let at = self.next() % pages * PAGE;
            self.over(path, at, length);
        }
    }
}

/// Whether the message still stands in one piece in one of the files.
fn stands(files: &[Vec<u8>], payload: &str) -> bool {
    files.iter().any(|f| memchr::memmem::find(f, payload.as_bytes()).is_some())
}

#[test]
fn every_message_that_stands_whole_comes_back_whatever_pages_are_noise() {
    comes_back(None, 10);
}

#[test]
fn so_it_does_of_an_encrypted_store_also_without_its_first_page() {
    let dir = tempfile::tempdir().unwrap();
    comes_back(Some(crate::runtime::StoreKey::create(&dir.path().join("key")).unwrap()), 8);
}

#[test]
fn what_was_delivered_or_is_past_its_term_is_not_fetched_from_old_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (made, waiting) = killed(dir.path(), 40, None);
    let waits = Settings { dir: dir.path().join("waits"), ..made.clone() };
    copied(&made.dir, &waits.dir);
    let mut store = Store::open(&made).unwrap();
    for row in store.outbox_next(100).unwrap() {
        store.outbox_done(row.id).unwrap();
    }
    let copy = Settings { dir: dir.path().join("delivered"), ..made.clone() };
    copied(&made.dir, &copy.dir);
    drop(store);
    Noise(7).over(&copy.database(), 0, PAGE as usize);
    // The log holds every message as it waited once.
    let [_, log, _] = with_companions(&copy.database());
    assert!(std::fs::metadata(&log).unwrap().len() > 50 * PAGE);
    let mut store = Store::open(&copy).unwrap();
    assert!(store.outbox_next(100).unwrap().is_empty(), "delivered ones do not wait again");
    drop(store);
    // A message whose term is over may have been deleted: what is left of it on old pages stays there.
    let [database, log, _] = with_companions(&waits.database());
    let images = images::Images::of(&[&database], &log, None).unwrap();
    for (since, left) in [(i64::MIN, waiting.len() as u64), (at(3).unix_ms() + 1, 0)] {
        let new = create(&waits, &dir.path().join(format!("{left}.db"))).unwrap();
        let terms = messages::Terms { hits: since, passages: i64::MIN };
        assert_eq!(messages::fetch(&images, terms, &new.connection).unwrap(), left);
    }
}

fn comes_back(key: Option<crate::runtime::StoreKey>, seeds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (made, waiting) = killed(dir.path(), 120, key.clone());
    let [database, log, _] = with_companions(&made.database());
    assert!(std::fs::metadata(&log).unwrap().len() > 100 * PAGE);
    let mut overwritten = 0;
    for seed in 1..=seeds {
        let settings = Settings { dir: dir.path().join(format!("seed-{seed}")), ..made.clone() };
        copied(&made.dir, &settings.dir);
        let [database, log, _] = with_companions(&settings.database());
        let mut noise = Noise(seed * 0x9E37_79B9_7F4A_7C15);
        match seed % 5 {
            0 => noise.pages(&database, 10, PAGE as usize),
            1 => noise.pages(&log, 5, 2_000),
            2 => (noise.pages(&database, 50, PAGE as usize), noise.pages(&log, 30, 2_000)).1,
            3 => (noise.over(&database, 0, PAGE as usize), noise.over(&log, 0, 32)).1,
            _ => (noise.pages(&database, 90, PAGE as usize), noise.pages(&log, 60, PAGE as usize)).1,
        }
        let mut files = vec![std::fs::read(&database).unwrap(), std::fs::read(&log).unwrap()];
        if key.is_some() {
            // What is encrypted is looked for page by page.
            files.clear();
            let images = images::Images::of(&[&database], &log, key.as_ref()).unwrap();
            images.each(|page, _| files.push(page.to_vec())).unwrap();
        }
        let mut store = Store::open(&settings).unwrap();
        let left: BTreeMap<String, String> =
            store.outbox_next(1_000).unwrap().into_iter().map(|r| (r.event_id, r.payload)).collect();
        for (id, payload) in &waiting {
            match left.get(id) {
                Some(found) => assert!(found == payload, "seed {seed}: {id} came back changed"),
                None => assert!(!stands(&files, payload), "seed {seed}: {id} stands whole and is lost"),
            }
            overwritten += usize::from(!left.contains_key(id));
        }
        drop(store);
        std::fs::remove_dir_all(&settings.dir).unwrap();
    }
    assert!(overwritten > 0, "nothing was destroyed: the test proves nothing");
    assert!(database.exists());
}

#[test]
fn a_log_is_as_it_was_when_damage_has_been_found() {
    let dir = tempfile::tempdir().unwrap();
    let (made, _) = killed(dir.path(), 40, None);
    let [_, log, _] = with_companions(&made.database());
    let before = std::fs::read(&log).unwrap();
    // The first page is sound: SQLite opens the file, and only the look at its tables finds the damage.
    let pages = std::fs::metadata(made.database()).unwrap().len() / PAGE;
    for number in 2..=pages {
        spoil(&made, number);
    }
    let mut store = Store::open(&made).unwrap();
    assert_eq!(store.alarms().unwrap().len(), 1);
    let [_, moved, _] = with_companions(&aside(&made)[0]);
    assert!(std::fs::read(moved).unwrap() == before, "the log was written back, emptied or deleted");
}
