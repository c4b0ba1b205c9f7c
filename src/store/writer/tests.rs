//! On real files: what must be kept is kept, what fails leaves nothing.

use super::super::testing::*;
use super::super::{EvidenceRole, HitQuery, MessageKind, PassageQuery, Reader, upgrade};
use super::*;
use crate::domain::{CameraId, MatchKind, PlateText};
use std::fs;

mod adversity;

fn count(store: &Store, table: &str) -> i64 {
    store.db.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
}

/// Rows of every table a record writes to.
fn rows(store: &Store) -> i64 {
    ["passage", "hit", "evidence", "passage_evidence", "outbox", "list_version", "model_versions"]
        .iter()
        .map(|t| count(store, t))
        .sum()
}

#[test]
fn a_record_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let record = full("e1");
    store.record(&record).unwrap();

    let reader = Reader::open(&settings).unwrap();
    let passages = reader.recent_passages(&PassageQuery::default()).unwrap();
    let [row] = passages.as_slice() else { panic!("{passages:?}") };
    // The distribution keeps six decimals, so compare it on its own.
    let mut back = row.passage.clone();
    for (a, b) in back.positions.iter().zip(&record.passage.positions) {
        assert!((a.of('B') - b.of('B')).abs() < 1e-4 && (a.none - b.none).abs() < 1e-4);
    }
    back.positions.clone_from(&record.passage.positions);
    assert_eq!(format!("{back:?}"), format!("{:?}", record.passage));
    assert_eq!(row.models.as_ref(), record.models.as_deref());
    assert_eq!(row.hits, 1);
    assert_eq!(row.evidence.len(), 2);
    for (found, given) in row.evidence.iter().zip(&record.evidence) {
        assert_eq!(
            (found.role, &found.sha256, found.bytes),
            (given.role, &given.sha256, given.jpeg.len() as u64)
        );
        assert_eq!(fs::read(&found.path).unwrap(), given.jpeg);
        let (sub, name) = (&given.sha256[..2], format!("{}.jpg", given.sha256));
        assert_eq!(found.path, settings.dir.join("pictures").join(sub).join(name));
    }

    let hits = reader.recent_hits(&HitQuery::default()).unwrap();
    let [row] = hits.as_slice() else { panic!("{hits:?}") };
    let given = &record.hits[0];
    assert_eq!(
        (row.id, row.passage, row.state, row.kind),
        (given.id, given.passage, given.state, given.kind)
    );
    assert_eq!((row.observed.as_str(), row.entry.plate.as_str()), ("1A8C123", "1ABC123"));
    assert_eq!((&row.entry, &row.list), (&*given.entry, &*given.list));
    assert_eq!((row.position, row.evidence.len()), (record.passage.position, 2));
}

#[test]
fn the_last_word_updates_the_announced_passage_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&settings(dir.path())).unwrap();
    let open = full("e1");
    store.record(&open).unwrap();
    assert_eq!(store.totals(), Totals { passages: 0, hits: 1, outbox_dropped: 0 });

    let mut closed = open.clone();
    closed.passage.state = PassageState::Closed;
    closed.passage.text = PlateText::new("1ABC123").unwrap();
    closed.passage.country = None;
    closed.models = None;
    closed.hits[0].state = HitState::Final;
    closed.hits[0].kind = MatchKind::Exact;
    closed.hits[0].decided_at = at(9);
    closed.evidence = vec![picture(EvidenceRole::Plate, b"a better one")];
    closed.messages = vec![message("e2", Some(closed.hits[0].id))];
    store.record(&closed).unwrap();
    store.record(&closed).unwrap(); // given twice
    store.record(&open).unwrap(); // and a late one

    let passages = super::super::queries::recent_passages(&store.db, &PassageQuery::default()).unwrap();
    assert_eq!(passages.len(), 1);
    assert_eq!(passages[0].passage.state, PassageState::Closed);
    assert_eq!((passages[0].passage.text.as_str(), passages[0].passage.country), ("1ABC123", None));
    assert_eq!(passages[0].models.as_ref(), open.models.as_deref());
    assert_eq!(passages[0].evidence.len(), 3);
    let hits = super::super::queries::recent_hits(&store.db, &HitQuery::default()).unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(
        (hits[0].state, hits[0].kind, hits[0].observed.as_str()),
        (HitState::Final, MatchKind::Exact, "1ABC123")
    );
    assert_eq!((hits[0].first_decided_at, hits[0].decided_at), (at(2), at(9)));
    assert_eq!(count(&store, "outbox"), 2);
    assert_eq!(store.totals(), Totals { passages: 1, hits: 1, outbox_dropped: 0 });
}

#[test]
fn a_failure_in_the_last_table_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let mut kept = full("kept");
    kept.evidence.truncate(1);
    store.record(&kept).unwrap();
    let (before, files) = (rows(&store), picture_files(&settings));
    store
        .db
        .connection
        .execute_batch("CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'injected'); END")
        .unwrap();

    let mut lost = full("lost");
    lost.evidence.push(kept.evidence[0].clone()); // shared with a record that was kept
    let text = store.record(&lost).unwrap_err().to_string();
    assert!(text.contains("recording a passage") && text.contains("injected"), "{text}");
    assert_eq!(rows(&store), before);
    assert_eq!(picture_files(&settings), files);
    assert_eq!(store.totals().hits, 1);

    store.db.connection.execute_batch("DROP TRIGGER no").unwrap();
    store.record(&lost).unwrap();
    assert_eq!(picture_files(&settings).len(), 3);
}

#[test]
fn the_outbox_outlives_the_process_and_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let mut a = full("hit-1");
    a.messages.insert(0, message("passage-1", None));
    store.record(&a).unwrap();
    store.record(&full("hit-2")).unwrap();
    drop(store);

    let mut store = Store::open(&settings).unwrap();
    let waiting = store.outbox_next(10).unwrap();
    let ids: Vec<_> = waiting.iter().map(|r| r.event_id.as_str()).collect();
    assert_eq!(ids, ["hit-1", "hit-2", "passage-1"]);
    assert_eq!((waiting[0].hit, waiting[0].payload.as_str()), (Some(a.hits[0].id), "{\"id\":\"hit-1\"}"));
    assert_eq!(store.outbox_next(1).unwrap().len(), 1);

    store.outbox_done(waiting[0].id).unwrap();
    store.outbox_done(waiting[0].id).unwrap();
    store.outbox_failed(waiting[1].id, "too large").unwrap();
    store.outbox_done(waiting[2].id).unwrap();
    assert!(matches!(store.outbox_done(waiting[1].id), Err(StoreError::NotPending { .. })));
    assert!(matches!(store.outbox_failed(waiting[0].id, "x"), Err(StoreError::NotPending { .. })));
    assert!(matches!(store.outbox_done(999), Err(StoreError::NotPending { id: 999 })));
    assert_eq!(store.outbox_stats().unwrap(), OutboxStats { pending: 0, oldest: None, dead: 1, dropped: 0 });
    let payload = |kind: MessageKind| -> Vec<Option<String>> {
        store
            .db
            .connection
            .prepare("SELECT payload FROM outbox WHERE kind = ?1 ORDER BY id")
            .unwrap()
            .query_map([kind.as_str()], |r| r.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    assert!(payload(MessageKind::Hit).iter().all(Option::is_some));
    assert_eq!(payload(MessageKind::Passage), [None]);
}

#[test]
fn an_event_is_taken_once_even_after_its_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&settings(dir.path())).unwrap();
    let record = full("e1");
    store.record(&record).unwrap();
    store.record(&record).unwrap();
    let waiting = store.outbox_next(10).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        store.outbox_stats().unwrap(),
        OutboxStats { pending: 1, oldest: Some(at(3)), dead: 0, dropped: 0 }
    );
    store.outbox_done(waiting[0].id).unwrap();
    store.record(&record).unwrap();
    assert!(store.outbox_next(10).unwrap().is_empty());
}

#[test]
fn filters_pick_and_the_latest_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&settings(dir.path())).unwrap();
    for (text, second) in [("1AAA111", 0), ("1BBB222", 10), ("1CCC333", 20)] {
        let mut record = plain(text, second);
        if second == 20 {
            record.passage.camera = CameraId::new("gate-2");
        }
        store.record(&record).unwrap();
    }
    let texts = |query: PassageQuery| -> Vec<String> {
        let rows = super::super::queries::recent_passages(&store.db, &query).unwrap();
        rows.iter().map(|r| r.passage.text.to_string()).collect()
    };
    let all = PassageQuery::default();
    assert_eq!(texts(all.clone()), ["1CCC333", "1BBB222", "1AAA111"]);
    assert_eq!(texts(PassageQuery { limit: 1, ..all.clone() }), ["1CCC333"]);
    assert_eq!(texts(PassageQuery { since: Some(at(10)), until: Some(at(20)), ..all.clone() }), ["1BBB222"]);
    assert_eq!(texts(PassageQuery { camera: Some(CameraId::new("gate-2")), ..all.clone() }), ["1CCC333"]);
    assert_eq!(texts(PassageQuery { plate: PlateText::new("1AAA111").ok(), ..all }), ["1AAA111"]);

    store.record(&full("e1")).unwrap();
    let hits = |query: HitQuery| super::super::queries::recent_hits(&store.db, &query).unwrap().len();
    for plate in ["1A8C123", "1ABC123"] {
        assert_eq!(hits(HitQuery { plate: PlateText::new(plate).ok(), ..Default::default() }), 1);
    }
    assert_eq!(hits(HitQuery { list: Some("zone".into()), ..Default::default() }), 1);
    assert_eq!(hits(HitQuery { list: Some("other".into()), ..Default::default() }), 0);
    assert_eq!(hits(HitQuery { since: Some(at(3)), ..Default::default() }), 0);
}

#[test]
fn passages_without_hits_are_kept_only_as_told() {
    let record = || {
        let mut record = plain("1AAA111", 0);
        record.evidence = vec![picture(EvidenceRole::Plate, b"p")];
        record.messages = vec![message(&record.passage.id.to_string(), None)];
        record.passage.state = PassageState::Closed;
        record
    };
    for (keep_passages, keep_passage_pictures, passages, files) in
        [(false, false, 0, 0), (false, true, 0, 0), (true, false, 1, 0), (true, true, 1, 1)]
    {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { keep_passages, keep_passage_pictures, ..settings(dir.path()) };
        let mut store = Store::open(&settings).unwrap();
        store.record(&record()).unwrap();
        assert_eq!((count(&store, "passage"), picture_files(&settings).len()), (passages, files));
        assert_eq!((count(&store, "outbox"), store.totals().passages), (1, 1));
        // With a hit everything is kept, and what comes later of the same passage too.
        let mut hit = full("e");
        store.record(&hit).unwrap();
        hit.hits.clear();
        hit.passage.state = PassageState::Closed;
        hit.evidence.push(picture(EvidenceRole::Plate, b"later"));
        store.record(&hit).unwrap();
        assert_eq!((count(&store, "passage"), picture_files(&settings).len()), (passages + 1, files + 3));
    }
}

#[test]
fn figures_out_of_range_do_not_lose_a_hit() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&settings(dir.path())).unwrap();
    let mut record = full("e1");
    record.passage.confidence = 1.000_001;
    record.passage.agreement = f32::NAN;
    record.passage.best_corners.0[0].x = f32::INFINITY;
    record.passage.best_frame = u64::MAX;
    record.passage.position.as_mut().unwrap().latitude = 400.0;
    record.hits[0].probability = f32::NAN;
    store.record(&record).unwrap();
    assert_eq!(count(&store, "hit"), 1);
}

#[test]
fn a_picture_that_is_not_what_it_says_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    for claimed in ["../../../../etc/cron.d/x", "", &"ab".repeat(32), &"AB".repeat(32)] {
        let mut record = full("e1");
        record.evidence[1].sha256 = claimed.to_string();
        let failure = store.record(&record).unwrap_err();
        assert!(matches!(failure, StoreError::Picture { .. }) && !failure.is_transient(), "{failure}");
    }
    assert_eq!((rows(&store), picture_files(&settings).len()), (0, 0));
}

#[test]
fn a_picture_that_is_there_is_shared_and_a_damaged_one_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let mut record = full("e1");
    store.record(&record).unwrap();
    let file = &picture_files(&settings)[0];
    let right = fs::read(file).unwrap();
    fs::write(file, b"rot").unwrap();
    record.passage.id = crate::domain::PassageId::generate();
    record.hits.clear();
    store.record(&record).unwrap();
    assert_eq!(fs::read(file).unwrap(), right);
    assert_eq!((count(&store, "evidence"), count(&store, "passage_evidence")), (2, 4));
}

#[test]
fn hits_of_this_minute_go_before_those_of_an_outage_but_never_before_their_own_new() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let mut old = full("old-new");
    store.record(&old).unwrap();
    store.record(&full("older")).unwrap();
    drop(store); // the next start knows nothing of this minute: both wait from before
    let mut store = Store::open(&settings).unwrap();
    old.messages = vec![message("old-final", Some(old.hits[0].id))];
    store.record(&old).unwrap();
    let mut fresh = full("fresh-new");
    store.record(&fresh).unwrap();
    fresh.messages = vec![message("fresh-final", Some(fresh.hits[0].id))];
    store.record(&fresh).unwrap();
    let order = |n| store.outbox_next(n).unwrap().into_iter().map(|r| r.event_id).collect::<Vec<_>>();
    let mut order = order;
    assert_eq!(order(10), ["fresh-new", "fresh-final", "old-new", "older", "old-final"]);
    assert_eq!(order(1), ["fresh-new"]);
    assert_eq!(order(3), ["fresh-new", "fresh-final", "old-new"]);
}

#[test]
fn a_full_outbox_drops_the_oldest_passages_and_never_a_hit() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { outbox_max_bytes: 2_000, ..settings(dir.path()) };
    let mut store = Store::open(&settings).unwrap();
    store.record(&full("hit")).unwrap();
    for i in 0..200 {
        let mut record = plain("1AAA111", i);
        record.messages = vec![message(&format!("passage-{i:03}"), None)];
        store.record(&record).unwrap();
    }
    let left: Vec<_> = store.outbox_next(1_000).unwrap().into_iter().map(|r| r.event_id).collect();
    let dropped = store.outbox_stats().unwrap().dropped;
    assert_eq!(left[0], "hit");
    assert_eq!(left.len() as u64 - 1 + dropped, 200);
    assert!(dropped > 50 && left.len() < 200, "{dropped} dropped, {} left", left.len());
    assert_eq!(left.last().unwrap(), "passage-199", "the newest stay");
}

#[test]
fn a_kept_passage_is_brought_to_its_end_whatever_is_kept_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    let mut record = plain("1AAA111", 0);
    Store::open(&settings).unwrap().record(&record).unwrap();
    settings.keep_passages = false;
    record.passage.state = PassageState::Closed;
    let mut store = Store::open(&settings).unwrap();
    store.record(&record).unwrap();
    let rows = super::super::queries::recent_passages(&store.db, &PassageQuery::default()).unwrap();
    assert_eq!(rows[0].passage.state, PassageState::Closed);
}
