//! Matches against lists small enough to check by hand, and against brute force.

use super::*;
use crate::domain::{
    CameraId, CharDistribution, ClockQuality, ClockSource, Corners, PassageId, PassageState,
};
use crate::hotlist::import_bytes;
use proptest::prelude::*;

fn now() -> Utc {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn distribution(chars: &[(char, f32)]) -> CharDistribution {
    let mut d = CharDistribution { p: [0.0; 36], none: 0.0 };
    for &(c, p) in chars {
        d.p[crate::domain::ALPHABET.iter().position(|&a| char::from(a) == c).unwrap()] = p;
    }
    d
}

fn passage(text: &str, country: Option<(&str, f32)>) -> Passage {
    let positions: Vec<_> = text.chars().map(|c| distribution(&[(c, 0.98)])).collect();
    Passage {
        id: PassageId::generate(),
        camera: CameraId::new("c"),
        state: PassageState::Closed,
        first_seen: now(),
        last_seen: now(),
        clock: ClockQuality { source: ClockSource::Media, error_ms: None },
        position: None,
        text: PlateText::new(text).unwrap(),
        confidence: 0.98f32.powi(text.len() as i32),
        positions,
        country: country.map(|(c, p)| (Country::parse(c).unwrap(), p)),
        lines: 1,
        readings: 3,
        agreement: 1.0,
        contradictory: false,
        direction: None,
        lane: None,
        best_frame: 1,
        best_frame_at: now(),
        best_frame_received_at: now(),
        best_corners: Corners::from_box(0.0, 0.0, 100.0, 20.0),
    }
}

fn set(rows: &[&str]) -> HotlistSet {
    sets(&[("list", rows)])
}

fn sets(lists: &[(&str, &[&str])]) -> HotlistSet {
    lists.iter().fold(HotlistSet::default(), |set, (name, rows)| {
        let text = format!("plate,category,priority,country,valid_from,valid_until\n{}\n", rows.join("\n"));
        set.with(Arc::new(import_bytes(text.as_bytes(), name, 0.0, now()).unwrap().0))
    })
}

/// `plate kind` of each match.
fn met(set: &HotlistSet, passage: &Passage) -> Vec<String> {
    match_passage(set, passage, now())
        .iter()
        .map(|m| format!("{} {}", m.entry.plate, m.kind.as_str()))
        .collect()
}

#[test]
fn exact_and_resolved() {
    let lists = set(&["1ABC123,,,,,", "2DEFI23,,,,,"]);
    let met = |text: &str| met(&lists, &passage(text, None));
    assert_eq!(met("1ABC123"), ["1ABC123 exact"]);
    assert_eq!(met("IABC123"), ["1ABC123 resolved"]);
    assert_eq!(met("1ABC124"), [""; 0]);
    // The list holds a letter where only a digit can stand.
    assert_eq!(met("2DEF123"), ["2DEFI23 resolved"]);
    assert_eq!(met("2DEFI23"), ["2DEFI23 exact"]);
    // Both do, at different places.
    assert_eq!(met("ZDEF123"), [""; 0], "Z-DEF-123 is a dealer's plate as it stands");
    assert_eq!(met("2DEFIZ3"), ["2DEFI23 resolved"]);
}

#[test]
fn one_match_an_entry_most_urgent_first() {
    let lists = sets(&[
        ("b", &["1ABC123,insurance,60,,,", "1ABC123,stolen,10,,,"]),
        ("a", &["1ABC123,,60,,,", "1ABC123,x,60,BE,,"]),
    ]);
    let matches = match_passage(&lists, &passage("1ABC123", None), now());
    let order: Vec<_> =
        matches.iter().map(|m| (m.entry.priority, m.list.name.as_str(), m.entry.line)).collect();
    assert_eq!(order, [(10, "b", 3), (60, "a", 2), (60, "a", 3), (60, "b", 2)]);
}

#[test]
fn a_foreign_plate_of_the_same_text_is_no_match() {
    let lists = set(&["AB123CD,,,FR,,", "AB123CD,other,,,,"]);
    let kinds = |country| met(&lists, &passage("AB123CD", country)).len();
    assert_eq!(kinds(Some(("FR", 0.99))), 2);
    assert_eq!(kinds(Some(("IT", 0.99))), 1, "only the entry for any country");
    assert_eq!(kinds(Some(("IT", 0.6))), 2, "not believed");
    assert_eq!(kinds(None), 2);
}

#[test]
fn look_alikes_are_settled_in_the_country_of_the_plate() {
    let lists = set(&["1ABC123,,,BE,,"]);
    assert_eq!(met(&lists, &passage("IABC123", Some(("BE", 0.95)))), ["1ABC123 resolved"]);
    assert_eq!(met(&lists, &passage("IABC123", Some(("DE", 0.95)))), [""; 0]);
    // The entry may be for any country; the plate is German all the same.
    let lists = set(&["1ABC123,,,,,"]);
    assert_eq!(met(&lists, &passage("IABC123", Some(("DE", 0.95)))), [""; 0]);
}

#[test]
fn validity_begins_inclusive_and_ends_exclusive() {
    let lists = set(&["1ABC123,,,,2026-11-23T12:00:00Z,2026-11-23T13:00:00Z"]);
    let at = |t: &str| match_passage(&lists, &passage("1ABC123", None), t.parse().unwrap()).len();
    assert_eq!(at("2026-11-23T11:59:59.999Z"), 0);
    assert_eq!(at("2026-11-23T12:00:00Z"), 1);
    assert_eq!(at("2026-11-23T12:59:59.999Z"), 1);
    assert_eq!(at("2026-11-23T13:00:00Z"), 0);
}

#[test]
fn probability_is_the_passages_or_what_both_look_alikes_were_given() {
    let lists = set(&["1ABC123,,,,,"]);
    let exact = &match_passage(&lists, &passage("1ABC123", None), now())[0];
    assert_eq!(exact.probability, 0.98f32.powi(7));
    let mut seen = passage("IABC123", None);
    seen.positions[0] = distribution(&[('I', 0.6), ('1', 0.3)]);
    seen.confidence = 0.6 * 0.98f32.powi(6);
    let resolved = &match_passage(&lists, &seen, now())[0];
    assert!((resolved.probability - 0.9 * 0.98f32.powi(6)).abs() < 1e-5, "{}", resolved.probability);
    // Observed and matched stay apart.
    assert_eq!((seen.text.as_str(), resolved.entry.plate.as_str()), ("IABC123", "1ABC123"));
}

proptest! {
    #[test]
    fn matching_equals_brute_force(
        rows in prop::collection::vec(("[12IZ]A[B8][C0O][1I]2[0O3]", prop::sample::select(vec!["", "BE", "NL"])), 1..30),
        seen in "[12IZ]A[B8][C0O][1I]2[0O3]",
        country in prop::option::of(prop::sample::select(vec!["BE", "NL", "DE"])),
    ) {
        let lines: Vec<String> = rows.iter().map(|(p, c)| format!("{p},,,{c},,")).collect();
        let lists = set(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let seen = passage(&seen, country.map(|c| (c, 0.9)));
        let country = country.and_then(Country::parse);
        let meaning = |t: &PlateText, c: Option<Country>| resolve(t, c);
        let of_plate = meaning(&seen.text, country);
        let mut expected: Vec<(u64, MatchKind)> = lists.lists()[0].entries().filter_map(|e| {
            let agrees = |a: Option<Country>, b: Option<Country>| a.is_none() || b.is_none() || a == b;
            if !agrees(e.country, country) {
                return None;
            }
            if e.plate == seen.text {
                return Some((e.line, MatchKind::Exact));
            }
            let of_entry = meaning(&e.plate, e.country);
            let (a, in_a) = of_plate.as_ref().map_or((&seen.text, country), |r| (&r.text, Some(r.format.country)));
            let (b, in_b) = of_entry.as_ref().map_or((&e.plate, e.country), |r| (&r.text, Some(r.format.country)));
            // The plate's text as read may be what the entry means, or both mean a third.
            let same = (a == b || (of_plate.is_some() && a == &e.plate))
                && agrees(in_a, in_b) && agrees(in_b, country);
            let literal = of_plate.is_some() && a == &e.plate && agrees(in_a, e.country);
            (literal || (of_entry.is_some() && same)).then_some((e.line, MatchKind::Resolved))
        }).collect();
        expected.sort();
        let mut found: Vec<(u64, MatchKind)> =
            match_passage(&lists, &seen, now()).iter().map(|m| (m.entry.line, m.kind)).collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
