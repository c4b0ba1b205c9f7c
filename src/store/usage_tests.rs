//! The register has no hole, whatever ended the box.

use super::super::testing::*;
use super::*;

fn period(camera: &str, used: bool, second: i64) -> UsePeriod {
    UsePeriod {
        camera: camera.into(),
        used,
        began_at: at(second),
        ended_at: None,
        alive_at: at(second),
        reason: if used { String::new() } else { "outside-area".into() },
        explanation: String::new(),
        preset: "be-wpa".into(),
        policy: "enforce".into(),
        kind: Some("fixed".into()),
        mandate: Some("M1".into()),
        mode: "visible".into(),
        ground: None,
        officer: None,
        purposes: vec!["sentences".into()],
        place: Some("Quay".into()),
        track: vec![[4.4, 51.2]],
        lists: BTreeMap::new(),
        passages: 0,
        hits: 0,
    }
}

fn told(store: &Reader) -> Vec<(bool, i64, Option<i64>, String)> {
    let second = |t: Utc| (t.unix_ms() - at(0).unix_ms()) / 1000;
    let all = store.use_periods(at(-1000), at(1000)).unwrap();
    all.iter().map(|p| (p.used, second(p.began_at), p.ended_at.map(second), p.reason.clone())).collect()
}

#[test]
fn every_gap_is_explained_after_a_stop_and_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let alive = |s: &mut Store, second| {
        let lists = vec![(CameraId::new("gate-1"), "zone".to_owned(), format!("v{second}"))];
        let points = vec![(CameraId::new("gate-1"), [4.4, 51.2 + second as f64])];
        s.usage(&UseChange::Alive { points, lists }, at(second)).unwrap();
    };
    store.usage(&UseChange::Start, at(0)).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", true, 0))), at(0)).unwrap();
    alive(&mut store, 5);
    store.usage(&UseChange::Begin(Box::new(period("gate-1", false, 10))), at(10)).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", true, 20))), at(20)).unwrap();
    store.usage(&UseChange::End, at(30)).unwrap();
    // Started again, and killed after a last sign of life.
    store.usage(&UseChange::Start, at(40)).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", true, 41))), at(41)).unwrap();
    alive(&mut store, 45);
    store.usage(&UseChange::Start, at(60)).unwrap();
    let found = told(&Reader::open(&settings).unwrap());
    let expected = [
        (true, 0, Some(10), ""),
        (false, 10, Some(20), "outside-area"),
        (true, 20, Some(30), ""),
        (false, 30, Some(40), "stopped"),
        (true, 40, Some(45), ""),
        (false, 45, Some(60), "cut-off"),
    ];
    assert_eq!(found, expected.map(|(u, b, e, r)| (u, b, e, r.to_owned())));
    let first = &Reader::open(&settings).unwrap().use_periods(at(0), at(1)).unwrap()[0];
    assert_eq!(first.track, [[4.4, 51.2], [4.4, 56.2]]);
    assert_eq!(first.lists, BTreeMap::from([("zone".to_owned(), vec!["v5".to_owned()])]));
}

#[test]
fn passages_and_hits_count_in_the_period_in_which_the_camera_looked() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", true, 0))), at(0)).unwrap();
    let mut record = full("e1");
    store.record(&record).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", false, 5))), at(5)).unwrap();
    record.passage.state = crate::domain::PassageState::Closed;
    store.record(&record).unwrap();
    store.record(&record).unwrap();
    let all = Reader::open(&settings).unwrap().use_periods(at(0), at(100)).unwrap();
    assert_eq!(all.iter().map(|p| (p.passages, p.hits)).collect::<Vec<_>>(), [(1, 1), (0, 0)]);
}

#[test]
fn a_clock_set_back_makes_no_hole_and_no_period_that_ends_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", true, 100))), at(100)).unwrap();
    store.usage(&UseChange::Begin(Box::new(period("gate-1", false, 50))), at(50)).unwrap();
    store.usage(&UseChange::End, at(60)).unwrap();
    let found = told(&Reader::open(&settings).unwrap());
    assert_eq!(
        found,
        [(true, 100, Some(100), String::new()), (false, 100, Some(100), "outside-area".into())]
    );
}

#[test]
fn an_officer_is_on_duty_until_relieved() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Store::open(&settings).unwrap();
    let (mut clerk, reader) = (Clerk::open(&settings).unwrap(), Reader::open(&settings).unwrap());
    assert_eq!(reader.on_duty().unwrap(), None);
    clerk.duty(Some("4711"), at(0)).unwrap();
    clerk.duty(Some("4712"), at(10)).unwrap();
    assert_eq!(reader.on_duty().unwrap().map(|d| d.officer), Some("4712".into()));
    clerk.duty(None, at(20)).unwrap();
    assert_eq!(reader.on_duty().unwrap(), None);
    drop(store);
}
