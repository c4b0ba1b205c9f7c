//! An upgraded database must be a fresh one, and the old one must still be there.

use super::super::shape::shape;
use super::*;
use rusqlite::Connection;

#[test]
fn version_1_upgraded_is_the_fresh_schema() {
    let old = Connection::open_in_memory().unwrap();
    old.execute_batch(include_str!("v1.sql")).unwrap();
    for step in STEPS {
        old.execute_batch(step).unwrap();
    }
    let fresh = Connection::open_in_memory().unwrap();
    fresh.execute_batch(include_str!("../schema.sql")).unwrap();
    assert_eq!(shape(&old).unwrap(), shape(&fresh).unwrap());
    assert!(shape(&fresh).unwrap().len() > 50);
}

#[test]
fn every_table_is_strict() {
    let fresh = Connection::open_in_memory().unwrap();
    fresh.execute_batch(include_str!("../schema.sql")).unwrap();
    let lax: i64 = fresh
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE NOT strict AND name NOT LIKE 'sqlite_%'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(lax, 0);
}

#[test]
fn a_box_of_version_1_opens_with_its_hits() {
    let dir = tempfile::tempdir().unwrap();
    let old = first_version(dir.path());
    old.connection
        .execute_batch(
            "INSERT INTO passage VALUES ('00000000-0000-7000-8000-000000000001', 'gate', 'closed', 1, 2, 'ntp',
                 NULL, NULL, NULL, NULL, NULL, '1ABC123', 0.9, '[]', NULL, NULL, 1, 3, 1.0, 1, 1, 1,
                 '[[0,0],[1,0],[1,1],[0,1]]', NULL);
             INSERT INTO list_version VALUES (1, 'zone', 'ab', 0);
             INSERT INTO hit VALUES ('00000000-0000-7000-8000-000000000002',
                 '00000000-0000-7000-8000-000000000001', 'final', 'exact', 0.9, '1ABC123', 1, '1ABC123', 2,
                 'stolen', 10, NULL, NULL, NULL, '', '', 5, 5);",
        )
        .unwrap();
    let settings = super::super::Settings::new(old.path.parent().unwrap());
    drop(old);
    let db = Database::open_writer(&settings).unwrap();
    let hits = super::super::queries::recent_hits(&db, &super::super::HitQuery::default()).unwrap();
    assert_eq!(hits.len(), 1);
    assert!(!hits[0].late && hits[0].outcome.is_none());
}

const STEP: &str = "ALTER TABLE schema_version ADD COLUMN note TEXT NOT NULL DEFAULT 'x';";

/// A database as the first release made it.
fn first_version(dir: &Path) -> Database {
    let path = dir.join("platewatch.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("v1.sql")).unwrap();
    connection
        .execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1"))
        .unwrap();
    note_version(&connection, 1).unwrap();
    let pictures = super::super::pictures::Cabinet::new(dir.join("pictures"), None);
    Database { connection, path, pictures }
}

#[test]
fn a_step_keeps_the_rows_and_a_copy_of_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = first_version(dir.path());
    run(&mut db, 1, &[STEP]).unwrap();
    let (version, rows): (i64, i64) = (
        db.connection.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap(),
        db.connection.query_row("SELECT count(note) FROM schema_version", [], |r| r.get(0)).unwrap(),
    );
    assert_eq!((version, rows), (2, 2));
    let copy = Connection::open(dir.path().join("platewatch.db.v1.bak")).unwrap();
    let (version, id): (i64, i64) = (
        copy.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap(),
        copy.query_row("PRAGMA application_id", [], |r| r.get(0)).unwrap(),
    );
    assert_eq!((version, id), (1, APPLICATION_ID));
    copy.query_row("SELECT version FROM schema_version", [], |r| r.get::<_, i64>(0)).unwrap();
}

#[test]
fn a_step_that_fails_leaves_the_old_version_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = first_version(dir.path());
    let text = run(&mut db, 1, &[STEP, "INSERT INTO nowhere VALUES (1);"]).unwrap_err().to_string();
    assert!(text.contains("upgrading the database"), "{text}");
    let version: i64 = db.connection.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!(version, 1);
    assert!(db.connection.prepare("SELECT note FROM schema_version").is_err());
    run(&mut db, 1, &[STEP]).unwrap();
}

/// A database as a box of `version` left it: an ended passage with a hit whose message waits.
fn version_n(dir: &Path, version: usize) -> PathBuf {
    let old = first_version(dir);
    old.connection
        .execute_batch(
            "INSERT INTO passage (id, camera, state, first_seen, last_seen, clock_source, text, confidence,
                 distribution, lines, readings, agreement, best_frame, best_frame_at, best_frame_received_at,
                 best_corners)
             VALUES ('00000000-0000-7000-8000-000000000001', 'gate', 'closed', 1, 2, 'ntp', '1ABC123', 0.9, '[]',
                 1, 3, 1.0, 1, 1, 1, '[[0,0],[1,0],[1,1],[0,1]]');
             INSERT INTO list_version VALUES (1, 'zone', 'ab', 0);
             INSERT INTO hit VALUES ('00000000-0000-7000-8000-000000000002',
                 '00000000-0000-7000-8000-000000000001', 'final', 'exact', 0.9, '1ABC123', 1, '1ABC123', 2,
                 'stolen', 10, NULL, NULL, NULL, '', '', 5, 5);
             INSERT INTO outbox (event_id, kind, hit, topic, payload, created_at)
             VALUES ('e1', 'hit', '00000000-0000-7000-8000-000000000002', 't', '{}', 5);",
        )
        .unwrap();
    for (step, version) in STEPS.iter().take(version - 1).zip(2..) {
        old.connection.execute_batch(step).unwrap();
        old.connection.execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
        note_version(&old.connection, version).unwrap();
    }
    old.connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old.path
}

#[test]
fn boxes_of_every_version_before_open_with_all_they_had_and_can_go_back() {
    for version in 1..VERSION {
        let dir = tempfile::tempdir().unwrap();
        let path = version_n(dir.path(), usize::try_from(version).unwrap());
        let settings = super::super::Settings::new(dir.path());
        let mut store = super::super::Store::open(&settings).unwrap();
        let hits = super::super::queries::recent_hits(store.database(), &Default::default()).unwrap();
        assert_eq!(hits.len(), 1, "from version {version}");
        assert_eq!(
            store.outbox_next(10).unwrap().len(),
            1,
            "what waited still waits, from version {version}"
        );
        drop(store);
        let found = super::super::inspect(&settings, None).unwrap();
        assert!(found.is_whole(), "from version {version}: {:?}", found.findings);
        // The way back: the copy takes the file's place, and is what the older program left.
        let copy = copy_path(&path, version);
        std::fs::rename(&copy, &path).unwrap();
        let back = Connection::open(&path).unwrap();
        let (is, hits): (i64, i64) = (
            back.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap(),
            back.query_row("SELECT count(*) FROM hit", [], |r| r.get(0)).unwrap(),
        );
        assert_eq!((is, hits), (version, 1));
        assert_eq!(back.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
    }
}
