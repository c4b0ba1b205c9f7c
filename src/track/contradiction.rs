//! Sets of readings of one track that cannot be of one plate.
//!
//! A reader errs: on a look-alike, on a lost end, on a smudged frame. What it does not do is read one text surely
//! in several frames and another text, with other characters that look nothing like them, surely in several more.
//! Then two vehicles were joined. Where the two sets follow each other in time they are split again; where they are
//! mixed, the passage is marked, and the smaller set has no say in the text.

use super::fusion::Sample;
use crate::plate::confusion::alike;
use std::collections::BTreeMap;

/// What the readings of a track are among themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Of one plate, as far as can be said.
    One,
    /// Of two: those from this place on (in order of time) are another vehicle's.
    Split { from: usize },
    /// Of two, and not to be told apart: these, the smaller set, do not count.
    Mixed { lesser: Vec<usize> },
}

/// Readings of each side that are needed: fewer are an accident.
const SEVERAL: usize = 3;
/// A reading is sure from this confidence on.
const SURE: f32 = 0.6;
/// Characters that must differ for two sets that follow each other without a jump in place: the same plate is read
/// differently, and surely, at a distance and near by, in one or two characters.
const CLEARLY_OTHER: usize = 3;
/// A jump (plate widths) at which one sure character is enough. A small plate's box trembles by half its width.
const JUMP: f32 = 0.8;
/// Share of the sure readings that the smaller set must have to mark a passage.
const LESSER_SHARE: f32 = 0.25;

/// Stands in a text for a character that is not sure, and contradicts nothing.
pub(super) const UNSURE: char = '?';

/// Letters of one class that readers take for each other in the same plate, in light rain or at a distance.
const ROUND: &str = "0ODQ";

fn taken_for_each_other(a: char, b: char) -> bool {
    alike(a, b) || ROUND.contains(a) && ROUND.contains(b)
}

/// Characters at which two texts differ more than a reader's confusion explains: other characters that do not look
/// alike, or characters more or fewer inside. Up to two that the one lacks at an end do not count.
pub(super) fn conflicts(a: &str, b: &str) -> usize {
    const FREE: usize = 2;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (n, m) = (a.len(), b.len());
    // Leaving out character `i` of `n`, with `j` of the other's `m` behind: free at either end.
    let skip = |i: usize, n: usize, j: usize, m: usize| {
        usize::from(!(j == 0 && i < FREE || j == m && i + FREE >= n))
    };
    let mut row: Vec<usize> = (0..=m).map(|j| j.saturating_sub(FREE)).collect();
    for (i, &ca) in a.iter().enumerate() {
        let mut diagonal = row.first().copied().unwrap_or(0);
        let mut left = diagonal + skip(i, n, 0, m);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (j, (&cb, cell)) in b.iter().zip(row.iter_mut().skip(1)).enumerate() {
            let unsure = ca == UNSURE || cb == UNSURE;
            let best = (diagonal + usize::from(!unsure && !taken_for_each_other(ca, cb)))
                .min(*cell + skip(i, n, j + 1, m))
                .min(left + skip(j, m, i + 1, n));
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Judges the readings of one track, in order of time.
pub(super) fn judge(samples: &[&Sample]) -> Verdict {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, s) in samples.iter().enumerate().filter(|(_, s)| s.confidence >= SURE) {
        groups.entry(&s.text).or_default().push(i);
    }
    let weight = |members: &[usize]| -> f32 {
        members.iter().filter_map(|&i| samples.get(i)).map(|s| s.merit()).sum()
    };
    let heaviest = |counts: &dyn Fn(&str) -> bool| {
        let mut best: Option<(&str, f32)> = None;
        for (text, members) in groups.iter().filter(|(t, _)| counts(t)) {
            if best.is_none_or(|b| weight(members) > b.1) {
                best = Some((text, weight(members)));
            }
        }
        best.map(|(text, _)| text)
    };
    let Some(first) = heaviest(&|_| true) else { return Verdict::One };
    let Some(second) = heaviest(&|t| conflicts(first, t) > 0) else { return Verdict::One };
    let differing = conflicts(first, second);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for (text, members) in &groups {
        match (conflicts(first, text), conflicts(second, text)) {
            (a, b) if a < b => ones.extend(members),
            (a, b) if b < a => others.extend(members),
            _ => {}
        }
    }
    if ones.len() < SEVERAL || others.len() < SEVERAL || !surely_other(samples, &ones, &others) {
        return Verdict::One;
    }
    if let Some(from) = turning_point(&ones, &others) {
        let jumped = samples.iter().skip(from.saturating_sub(1)).take(3).any(|s| s.jump >= JUMP);
        if differing >= CLEARLY_OTHER || jumped {
            return Verdict::Split { from };
        }
    }
    let lesser = if weight(&ones) >= weight(&others) { others } else { ones };
    let sure: usize = groups.values().map(Vec::len).sum();
    if lesser.len() as f32 >= LESSER_SHARE * sure as f32 { Verdict::Mixed { lesser } } else { Verdict::One }
}

/// Whether neither side's readings leave room for the other's text: where they do, it is one plate read in doubt.
fn surely_other(samples: &[&Sample], ones: &[usize], others: &[usize]) -> bool {
    let certainty = |members: &[usize]| {
        let each = members.iter().filter_map(|&i| samples.get(i));
        let least = each.map(|s| s.reading.positions.iter().map(|d| d.best().1).fold(1.0, f32::min));
        least.sum::<f32>() / members.len().max(1) as f32
    };
    certainty(ones) >= 0.8 && certainty(others) >= 0.8
}

/// From which reading on the one set has given way to the other; `None` where they are mixed (more than one in ten
/// on the wrong side).
fn turning_point(ones: &[usize], others: &[usize]) -> Option<usize> {
    let mut order: Vec<(usize, bool)> =
        ones.iter().map(|&i| (i, true)).chain(others.iter().map(|&i| (i, false))).collect();
    order.sort_unstable();
    let wrong = |cut: usize, first_is: bool| {
        let side = |(k, (_, is)): (usize, &(usize, bool))| usize::from((k < cut) != (*is == first_is));
        order.iter().enumerate().map(side).sum::<usize>()
    };
    let cuts = (1..order.len()).flat_map(|cut| [(wrong(cut, true), cut), (wrong(cut, false), cut)]);
    let (errors, cut) = cuts.min()?;
    (errors * 10 <= order.len()).then(|| order.get(cut).map(|(i, _)| *i)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::*;
    use proptest::prelude::*;

    fn verdict(texts: &[(&str, f32, f32)]) -> Verdict {
        let samples: Vec<Sample> = texts
            .iter()
            .enumerate()
            .map(|(i, (t, p, jump))| Sample::new(reading(t, *p, i as u64, 0.0), *jump))
            .collect();
        judge(&samples.iter().collect::<Vec<_>>())
    }

    fn run(parts: &[(&'static str, usize)]) -> Vec<(&'static str, f32, f32)> {
        parts.iter().flat_map(|&(t, n)| vec![(t, 0.97, 0.05); n]).collect()
    }

    #[test]
    fn conflicts_are_more_than_confusion() {
        for (a, b, n) in [
            ("1ABC123", "1ABC123", 0),
            ("1ABC123", "1A8C123", 0),
            ("1ABC123", "ABC123", 0),
            ("1SDQ743", "1SOQ743", 0),
            ("1ABC123", "1ABC12", 0),
            ("1ABC123", "1ABC124", 1),
            ("1ABC123", "1ABC23", 1),
            ("1ABC123", "2XYZ987", 4),
        ] {
            assert!(
                (n..=n + 2 * usize::from(n > 2)).contains(&conflicts(a, b)),
                "{a} {b} {}",
                conflicts(a, b)
            );
            assert_eq!(conflicts(a, b), conflicts(b, a));
        }
    }

    #[test]
    fn two_vehicles_one_after_the_other_are_split() {
        assert_eq!(verdict(&run(&[("1ABC123", 5), ("2XYZ987", 4)])), Verdict::Split { from: 5 });
    }

    #[test]
    fn neighbours_that_differ_in_one_character_are_split_where_the_place_jumped() {
        let mut readings = run(&[("1ABC123", 5), ("1ABC124", 5)]);
        assert_ne!(verdict(&readings), Verdict::Split { from: 5 });
        readings[5].2 = 0.9;
        assert_eq!(verdict(&readings), Verdict::Split { from: 5 });
    }

    #[test]
    fn two_texts_in_turn_are_marked() {
        let mixed: Vec<_> =
            (0..10).map(|i| (if i % 2 == 0 { "1ABC123" } else { "2XYZ987" }, 0.97, 0.05)).collect();
        assert!(matches!(verdict(&mixed), Verdict::Mixed { lesser } if lesser.len() == 5));
    }

    #[test]
    fn look_alikes_lost_ends_accidents_and_doubt_are_no_contradiction() {
        assert_eq!(verdict(&run(&[("1ABC123", 5), ("1A8C123", 5), ("ABC123", 5)])), Verdict::One);
        assert_eq!(verdict(&run(&[("1ABC123", 9), ("2XYZ987", 2)])), Verdict::One);
        let doubtful: Vec<_> =
            (0..10).map(|i| (if i < 5 { "1ABC123" } else { "1ABC124" }, 0.93, 0.0)).collect();
        let doubtful: Vec<_> = doubtful.into_iter().map(|(t, _, j)| (t, 0.75, j)).collect();
        assert_eq!(verdict(&doubtful), Verdict::One);
    }

    proptest! {
        #[test]
        fn conflicts_are_symmetric_and_bounded(a in "[0-9A-Z]{1,9}", b in "[0-9A-Z]{1,9}") {
            prop_assert_eq!(conflicts(&a, &b), conflicts(&b, &a));
            prop_assert!(conflicts(&a, &b) <= a.len().max(b.len()));
            prop_assert_eq!(conflicts(&a, &a), 0);
        }
    }
}
