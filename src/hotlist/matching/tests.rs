//! Matches against lists small enough to check by hand, and against brute force.

use super::*;
use crate::domain::{
    CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Listed, PassageId, PassageState,
};
use crate::hotlist::prior::{PRIOR, Shape, Weights};
use crate::hotlist::{Confusions, Rules, import_bytes};
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
        mandate: None,
        best_frame: 1,
        best_frame_at: now(),
        best_frame_received_at: now(),
        best_corners: Corners::from_box(0.0, 0.0, 100.0, 20.0),
    }
}

/// A list under rules.
fn ruled(rows: &[&str], rules: Rules) -> HotlistSet {
    let text = format!("plate,category,priority,country,valid_from,valid_until\n{}\n", rows.join("\n"));
    let list = import_bytes(text.as_bytes(), "list", 0.0, now()).unwrap().0;
    HotlistSet::default().with(Arc::new(list.with_rules(rules)))
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

/// What part of the traffic with this plate has a format: personalised plates and unknown series are the rest.
fn share_of_formats(plate: &PlateText, seen: &Passage, country: Option<Country>) -> f64 {
    let (places, weights) = (Places::of(plate), Weights::new(seen.country));
    let places = places.as_slice();
    let fits = |s: &&Shape| {
        country.is_none_or(|c| s.country == Some(c))
            && s.masks.iter().zip(places).all(|(&m, &p)| PRIOR.allows(m, usize::from(p)))
    };
    let shapes = PRIOR.formats.get(places.len()).into_iter().flatten();
    shapes.filter(fits).map(|s| s.weight(&weights)).sum::<f64>() / PRIOR.density(places, &weights, country)
}

proptest! {
    #[test]
    fn matching_equals_brute_force(
        rows in prop::collection::vec(("[12IZ]A[B8][C0O][1I]2[0O3]", prop::sample::select(vec!["", "BE", "NL"])), 1..30),
        seen in "[12IZ]A[B8][C0O][1I]2[0O3]",
        country in prop::option::of(prop::sample::select(vec!["BE", "NL", "DE"])),
    ) {
        let lines: Vec<String> = rows.iter().map(|(p, c)| format!("{p},,,{c},,")).collect();
        let rules = Rules { kinds: vec![MatchKind::Exact, MatchKind::Resolved], ..Rules::default() };
        let lists = ruled(&lines.iter().map(String::as_str).collect::<Vec<_>>(), rules);
        let seen = passage(&seen, country.map(|c| (c, 0.9)));
        let country = country.and_then(Country::parse);
        let meaning = |t: &PlateText, c: Option<Country>| resolve(t, c);
        let of_plate = meaning(&seen.text, country);
        let mut expected: Vec<(u64, MatchKind)> = lists.lists()[0].entries().filter_map(|e| {
            let agrees = |a: Option<Country>, b: Option<Country>| a.is_none() || b.is_none() || a == b;
            if !agrees(e.country, country) {
                return None;
            }
            let plate = e.plate.plate()?;
            if *plate == seen.text {
                return Some((e.line, MatchKind::Exact));
            }
            let of_entry = meaning(plate, e.country);
            let (a, in_a) = of_plate.as_ref().map_or((&seen.text, country), |r| (&r.text, Some(r.format.country)));
            let (b, in_b) = of_entry.as_ref().map_or((plate, e.country), |r| (&r.text, Some(r.format.country)));
            // The plate's text as read may be what the entry means, or both mean a third.
            let same = (a == b || (of_plate.is_some() && a == plate))
                && agrees(in_a, in_b) && agrees(in_b, country);
            let literal = of_plate.is_some() && a == plate && agrees(in_a, e.country);
            (literal || (of_entry.is_some() && same)).then_some((e.line, MatchKind::Resolved))
        }).collect();
        expected.sort();
        let mut found: Vec<(u64, MatchKind)> =
            match_passage(&lists, &seen, now()).iter().map(|m| (m.entry.line, m.kind)).collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn alternatives_equal_brute_force(
        rows in prop::collection::vec(("[12I7]?[AH]B[8B][0O6][1I7]2[038]?", prop::sample::select(vec!["", "BE", "NL"])), 1..40),
        seen in "[12]AB[8B][0O][17]2[08]?",
        doubts in prop::collection::vec((0usize..7, "[0-9A-Z]", 0.05f32..0.6), 0..4),
        none in prop::option::of((0usize..7, 0.05f32..0.6)),
        country in prop::option::of(prop::sample::select(vec!["BE", "NL", "US"])),
        least in prop::sample::select(vec![0.02f32, 0.2, 0.5]),
    ) {
        let lines: Vec<String> = rows.iter().map(|(p, c)| format!("{p},,,{c},,")).collect();
        let rules = Rules { min_alternative: least, ..Rules::default() };
        let lists = ruled(&lines.iter().map(String::as_str).collect::<Vec<_>>(), rules);
        let mut seen = passage(&seen, country.map(|c| (c, 0.9)));
        for (at, c, p) in doubts {
            if let Some(d) = seen.positions.get_mut(at) {
                let best = d.best().0;
                *d = distribution(&[(best, 0.97 - p), (c.chars().next().unwrap(), p)]);
            }
        }
        if let Some((at, p)) = none && let Some(d) = seen.positions.get_mut(at) {
            d.none = p;
            d.p.iter_mut().for_each(|q| *q *= 1.0 - p);
        }
        seen.confidence = seen.positions.iter().zip(seen.text.as_str().chars()).map(|(d, c)| d.of(c)).product();
        let found: Vec<Match> = match_passage(&lists, &seen, now());
        let Some(evidence) = Evidence::new(&seen, &Confusions::builtin()) else { return Ok(()) };
        for e in lists.lists()[0].entries() {
            let plate = e.plate.plate().unwrap();
            let met = found.iter().find(|m| m.entry.line == e.line);
            let believed = country.and_then(Country::parse);
            if matches!((e.country, believed), (Some(a), Some(b)) if a != b) {
                prop_assert!(met.is_none());
                continue;
            }
            let probability = evidence.probability(&Places::of(plate), e.country, LISTED) as f32;
            match met {
                Some(m) if m.kind == MatchKind::Alternative => {
                    // An entry that a grammar reads as another text may be met by that one.
                    let means = resolve(plate, e.country).map(|r| {
                        evidence.probability(&Places::of(&r.text), e.country.or(Some(r.format.country)), LISTED) as f32
                    });
                    prop_assert!(m.probability >= least);
                    prop_assert!(probability.min(1.0) == m.probability || means == Some(m.probability));
                }
                Some(_) => {}
                // Left out on purpose: a text of no format with a character more or less (`Evidence::candidates`).
                None if plate.as_str().len() != seen.text.as_str().len() => {
                    let share = share_of_formats(plate, &seen, e.country) as f32;
                    prop_assert!(probability * share < least, "{} {probability} {share} {}", plate, seen.text);
                }
                // What is on the edge may fall to either side; nothing else is left out.
                None => prop_assert!(probability < least, "{} {probability} {}", plate, seen.text),
            }
        }
    }

    #[test]
    fn patterns_equal_brute_force(
        rows in prop::collection::vec("[1A?]{1,2}[AB?*][BC][12]?[23*]{1,2}", 1..30),
        seen in "1?A{0,2}[AB][BC]12?[23]",
    ) {
        let good: Vec<&str> = rows.iter().map(String::as_str)
            .filter(|r| crate::domain::PlatePattern::new(r).is_ok()).collect();
        prop_assume!(!good.is_empty());
        let lines: Vec<String> = good.iter().map(|p| format!("{p},,,,,")).collect();
        let lists = set(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let seen = passage(&seen, None);
        let settled = resolve(&seen.text, None);
        let mut expected: Vec<u64> = lists.lists()[0].entries().filter(|e| match &e.plate {
            Listed::Pattern(p) => p.matches(&seen.text) || settled.as_ref().is_some_and(|s| p.matches(&s.text)),
            Listed::Plate(_) => false,
        }).map(|e| e.line).collect();
        expected.sort();
        let found = match_passage(&lists, &seen, now());
        prop_assert!(found.iter().all(|m| m.kind == MatchKind::Wildcard));
        let mut found: Vec<u64> = found.iter().map(|m| m.entry.line).collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    /// Readers give nonsense when they are broken: nothing panics, no probability leaves 0 to 1.
    #[test]
    fn no_passage_panics(
        text in "[0-9A-Z]{1,16}",
        values in prop::collection::vec(prop::sample::select(vec![0.0f32, 1.0, -1.0, f32::NAN, f32::INFINITY, 1e-30, 0.3]), 0..20),
        confidence in prop::sample::select(vec![0.0f32, 0.5, 1.0, 7.0, f32::NAN]),
        country in prop::option::of((prop::sample::select(vec!["BE", "ZZ"]), prop::sample::select(vec![0.9f32, f32::NAN, -1.0]))),
    ) {
        let lists = set(&["1ABC123,,,,,", "1AB*3,,,,,", "IABC123,,,,,"]);
        let mut seen = passage(&text, country);
        seen.confidence = confidence;
        for (d, &v) in seen.positions.iter_mut().zip(&values) {
            d.p = [v; 36];
            d.none = v;
        }
        for m in match_passage(&lists, &seen, now()) {
            prop_assert!(m.kind == MatchKind::Exact || m.kind == MatchKind::Wildcard || (0.0..=1.0).contains(&m.probability));
        }
    }
}

fn doubtful(text: &str, at: usize, chars: &[(char, f32)]) -> Passage {
    let mut seen = passage(text, None);
    seen.positions[at] = distribution(chars);
    seen.confidence = chars[0].1 * 0.98f32.powi(text.len() as i32 - 1);
    seen
}

#[test]
fn what_the_reader_half_saw_is_an_alternative() {
    let lists = set(&["1ABC123,,,,,"]);
    let seen = doubtful("1ABC128", 6, &[('8', 0.6), ('3', 0.35)]);
    let found = &match_passage(&lists, &seen, now())[0];
    assert_eq!((found.kind, found.kind.is_possible()), (MatchKind::Alternative, true));
    // 0.35 against 0.6, the listed plate five times as likely to pass.
    assert!((0.6..0.8).contains(&found.probability), "{}", found.probability);
    assert_eq!(seen.text.as_str(), "1ABC128", "what was read stays");
    assert_eq!(met(&lists, &doubtful("1ABC128", 6, &[('8', 0.97), ('3', 0.01)])), [""; 0]);
    // The same doubt about a character that could be any other is no reason to stop anyone.
    let vague: Vec<(char, f32)> = ('A'..='Z').map(|c| (c, 0.038)).collect();
    assert_eq!(met(&lists, &doubtful("1XBC123", 1, &vague)), [""; 0]);
}

#[test]
fn a_dropped_and_a_doubled_character_are_alternatives() {
    let lists = set(&["1ABB123,,,,,"]);
    assert_eq!(
        met(&lists, &passage("1ABB1123", None)),
        ["1ABB123 alternative"],
        "no Belgian plate has 8 characters"
    );
    let dropped = match_passage(&set(&["1ABB123,,,,,"]), &passage("1ABB12", None), now());
    assert!(dropped.iter().all(|m| m.kind == MatchKind::Alternative && m.probability < 0.9), "{dropped:?}");
}

#[test]
fn patterns_are_their_own_kind() {
    let lists = set(&["1AB*,x,10,,,", "?ABC1?3,,,NL,,", "1ABC123,,,,,"]);
    assert_eq!(
        met(&lists, &passage("1ABC123", None)),
        ["1AB* wildcard", "?ABC1?3 wildcard", "1ABC123 exact"]
    );
    assert_eq!(met(&lists, &passage("1ABC123", Some(("BE", 0.9)))), ["1AB* wildcard", "1ABC123 exact"]);
    assert_eq!(met(&lists, &passage("IABX999", None)), ["1AB* wildcard"], "by the settled text");
    assert!(MatchKind::Wildcard.is_possible() && !MatchKind::Exact.is_possible());
}

#[test]
fn a_list_raises_only_the_kinds_it_may() {
    let seen = doubtful("1ABC128", 6, &[('8', 0.6), ('3', 0.35)]);
    let with = |kinds: &[MatchKind]| {
        ruled(&["1ABC123,,,,,", "1ABC1*,,,,,"], Rules { kinds: kinds.to_vec(), ..Rules::default() })
    };
    assert_eq!(met(&with(&[MatchKind::Exact]), &seen), [""; 0]);
    assert_eq!(met(&with(&[MatchKind::Alternative]), &seen), ["1ABC123 alternative"]);
    assert_eq!(met(&with(&[MatchKind::Wildcard]), &seen), ["1ABC1* wildcard"]);
    let strict = Rules { min_alternative: 0.95, ..Rules::default() };
    assert_eq!(met(&ruled(&["1ABC123,,,,,"], strict), &seen), [""; 0]);
}
