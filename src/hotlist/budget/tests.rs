//! Budgets of lists whose order is known.

use super::*;
use crate::hotlist::import_bytes;
use std::fmt::Write as _;

fn now() -> Utc {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn list(plates: impl Iterator<Item = String>) -> Arc<List> {
    let mut text = "plate\n".to_owned();
    plates.for_each(|p| writeln!(text, "{p}").unwrap());
    Arc::new(import_bytes(text.as_bytes(), "l", 0.0, now()).unwrap().0)
}

fn of(list: &Arc<List>) -> Expected {
    expect(list, &Confusions::builtin(), 82_000.0, now())
}

fn ordinary(n: usize) -> impl Iterator<Item = String> {
    let (traffic, mut chance) = (Traffic::new(), Chance::new(1));
    std::iter::repeat_with(move || traffic.draw(&mut chance).0.to_string()).take(n)
}

#[test]
fn ten_times_the_list_is_ten_times_the_false_hits() {
    let (small, large) = (of(&list(ordinary(300))), of(&list(ordinary(3_000))));
    let ratio = large.false_hits_per_day() / small.false_hits_per_day();
    // A few entries that stand close to common plates make most of it, so it is ten times only about.
    assert!((3.0..30.0).contains(&ratio), "{ratio}");
    assert!(large.kinds[0].own_share > 0.85, "{large:?}");
    assert_eq!(of(&list(ordinary(300))), small, "the same every time");
}

#[test]
fn it_is_the_plates_that_count_not_only_their_number() {
    // French plates stand far apart among all that could be read; Belgian ones side by side.
    let near = of(&list((0..100).map(|i| format!("1ABC{i:03}")))).false_hits_per_day();
    let far = of(&list((0..100).map(|i| format!("AB{i:03}CD")))).false_hits_per_day();
    assert!(near > 5.0 * far && far > 0.0, "{near} {far}");
    // A list that holds the letter for the digit looks for the same vehicles.
    let odd = of(&list((0..100).map(|i| format!("IABC{i:03}")))).false_hits_per_day();
    assert!((0.2..5.0).contains(&(odd / near)), "{odd} {near}");
}

#[test]
fn patterns_cost_what_fits_them() {
    let wide = of(&list(["1A*1*1".to_owned(), "1ABC123".to_owned()].into_iter()));
    let wildcard = wide.kinds.iter().find(|k| k.kind == MatchKind::Wildcard).unwrap();
    assert!(wildcard.false_hits_per_day > 10.0, "{wide:?}");
    assert!(wide.false_hits_per_day() >= wildcard.false_hits_per_day);
}

#[test]
fn an_empty_list_costs_nothing() {
    assert_eq!(of(&list(std::iter::empty())).false_hits_per_day(), 0.0);
}
