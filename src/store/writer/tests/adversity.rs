//! A writer whose disk, file or process fails it.

use super::*;

#[test]
fn a_full_disk_loses_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.record(&full("e1")).unwrap();
    let (before, files) = (rows(&store), picture_files(&settings));
    let pages: i64 = store.db.connection.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    let limit = |store: &Store, pages: i64| {
        store
            .db
            .connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |r| r.get::<_, i64>(0))
            .unwrap();
    };
    limit(&store, pages);
    let mut big = full("e2");
    big.messages[0].payload = "x".repeat(100_000);
    let failure = store.record(&big).unwrap_err();
    assert!(matches!(failure, StoreError::DiskFull { .. }) && failure.is_transient(), "{failure}");
    assert!(failure.to_string().contains("platewatch.db is full"), "{failure}");
    assert_eq!((rows(&store), picture_files(&settings)), (before, files));
    // The caller still has the record: once there is space, it is taken.
    limit(&store, pages + 1000);
    store.record(&big).unwrap();
    assert_eq!(store.outbox_stats().unwrap().pending, 2);
}

#[test]
fn a_picture_for_which_there_is_no_space_fails_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let record = full("e1");
    // The kernel's own full disk, where the second picture would be written first.
    let path = pictures::Cabinet::of(&settings).path_of(&record.evidence[1].sha256).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", path.with_extension("jpg.tmp")).unwrap();
    let failure = store.record(&record).unwrap_err();
    assert!(matches!(failure, StoreError::DiskFull { .. }), "{failure:?}");
    assert_eq!((rows(&store), picture_files(&settings).len()), (0, 0));
    store.record(&record).unwrap();
    assert_eq!(picture_files(&settings).len(), 2);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    // Nobody, root included, makes folders in sysfs.
    let failure = Store::open(&settings(std::path::Path::new("/sys"))).unwrap_err();
    assert!(matches!(failure, StoreError::ReadOnly { .. }) && !failure.is_transient(), "{failure:?}");
    assert!(
        failure.to_string().contains("/sys/store") && failure.to_string().contains("read-only"),
        "{failure}"
    );

    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.db.connection.execute_batch("PRAGMA query_only = ON").unwrap();
    let failure = store.record(&full("e1")).unwrap_err();
    assert!(matches!(failure, StoreError::ReadOnly { .. }), "{failure:?}");
    assert!(picture_files(&settings).is_empty());
}

#[test]
fn a_file_in_the_way_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    fs::write(&settings.dir, b"").unwrap();
    let failure = Store::open(&settings).unwrap_err();
    assert!(failure.to_string().contains("making the folder"), "{failure}");
}

#[test]
fn a_newer_database_is_refused_by_writer_and_reader() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    drop(Store::open(&settings).unwrap());
    let database = settings.database();
    rusqlite::Connection::open(&database).unwrap().execute_batch("PRAGMA user_version = 77").unwrap();
    let before = fs::read(&database).unwrap();
    for failure in [Store::open(&settings).unwrap_err(), Reader::open(&settings).unwrap_err()] {
        let text = failure.to_string();
        assert!(matches!(failure, StoreError::Newer { found: 77, known: upgrade::VERSION, .. }), "{text}");
        assert!(text.contains("version 77") && text.contains("up to") && text.contains("install"), "{text}");
    }
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn a_foreign_file_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    fs::create_dir_all(&settings.dir).unwrap();
    let text = vec![b'x'; 4096];
    fs::write(settings.database(), &text).unwrap();
    assert!(matches!(Store::open(&settings), Err(StoreError::NotOurs { .. })));
    assert_eq!(fs::read(settings.database()).unwrap(), text);
    fs::remove_file(settings.database()).unwrap();
    rusqlite::Connection::open(settings.database()).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Store::open(&settings), Err(StoreError::NotOurs { .. })));
}

#[test]
fn a_second_writer_is_kept_out_until_the_first_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    assert!(matches!(Reader::open(&settings), Err(StoreError::Missing { .. })));
    let first = Store::open(&settings).unwrap();
    assert!(matches!(Store::open(&settings), Err(StoreError::InUse { .. })));
    drop(first);
    Store::open(&settings).unwrap();
}

#[test]
fn pictures_without_a_record_are_removed_after_a_crash_only() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.record(&full("e1")).unwrap();
    drop(store);
    let kept = picture_files(&settings);
    let orphan = pictures::Cabinet::of(&settings).path_of(&"0e".repeat(32)).unwrap();
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, b"x").unwrap();
    fs::write(orphan.with_extension("jpg.tmp"), b"x").unwrap();

    drop(Store::open(&settings).unwrap());
    assert_eq!(picture_files(&settings).len(), kept.len() + 2);
    fs::write(settings.dir.join("platewatch.lock"), b"\0").unwrap(); // as a crash leaves it
    drop(Store::open(&settings).unwrap());
    assert_eq!(picture_files(&settings), kept);
}

#[test]
fn the_connection_has_the_promised_settings() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&settings(dir.path())).unwrap();
    let number = |sql: &str| store.db.connection.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!(number("PRAGMA synchronous"), 2);
    assert_eq!(number("PRAGMA foreign_keys"), 1);
    assert_eq!(number("PRAGMA secure_delete"), 1);
    assert_eq!(number("PRAGMA user_version"), upgrade::VERSION);
    assert_eq!(number("PRAGMA busy_timeout"), 5000);
    let mode: String = store.db.connection.query_row("PRAGMA journal_mode", [], |r| r.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_message_of_an_unknown_hit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&settings(dir.path())).unwrap();
    let mut record = full("e1");
    record.hits.clear();
    assert!(store.record(&record).is_err());
    assert_eq!(rows(&store), 0);
}

const KILLED: &str = "PLATEWATCH_TEST_KILLED_WRITER";

/// Not a test by itself: what `no_confirmed_record_is_lost_to_a_kill` kills.
#[test]
fn killed_writer() {
    use std::io::Write;
    let Some(dir) = std::env::var_os(KILLED) else { return };
    let mut store = Store::open(&settings(std::path::Path::new(&dir))).unwrap();
    for i in 0.. {
        let record = full(&format!("event-{i}"));
        store.record(&record).unwrap();
        writeln!(std::io::stdout(), "recorded event-{i}").unwrap();
    }
}

#[test]
fn no_confirmed_record_is_lost_to_a_kill() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::writer::tests::adversity::killed_writer", "--nocapture"])
        .env(KILLED, dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut confirmed = Vec::new();
    // The first line may share its place with the test runner's own words.
    let event = |line: String| line.split_once("recorded ").map(|(_, event)| event.to_owned());
    while confirmed.len() < 40 {
        confirmed.extend(event(lines.next().unwrap().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had confirmed before the kill but we had not read yet counts too.
    confirmed.extend(lines.filter_map(|line| event(line.unwrap())));

    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let waiting: Vec<_> = store.outbox_next(100_000).unwrap().into_iter().map(|r| r.event_id).collect();
    assert!(waiting.starts_with(&confirmed), "{} confirmed, {} kept", confirmed.len(), waiting.len());
    assert!(waiting.len() <= confirmed.len() + 1);
    let hits = super::super::super::queries::recent_hits(
        &store.db,
        &HitQuery { limit: 100_000, ..Default::default() },
    );
    let named: std::collections::BTreeSet<_> =
        hits.unwrap().into_iter().flat_map(|h| h.evidence).map(|e| e.path).collect();
    assert_eq!(named.into_iter().collect::<Vec<_>>(), picture_files(&settings));
    let sound: String = store.db.connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(sound, "ok");
}
