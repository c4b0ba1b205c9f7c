//! What the grammar says where the reader itself is in doubt between look-alikes.
//!
//! Where [`resolve`](super::resolve()) asks what a text means that was read, this asks what was read. It never goes
//! beyond the reader's own doubt: a character that the reader gives no chance gets none, and characters that do not
//! look alike are never weighed against each other. Plates that their holders chose have their place among the
//! possibilities, so that a grammar does not turn them into ordinary ones.

use super::confusion::{alike, twin};
use super::grammar::{self, HOME, bit};
use super::resolve::{country_weight, log_background};
use crate::domain::{ALPHABET, CharDistribution, Country, PlateText};

/// A look-alike that the reader gives less than this is none.
const DOUBT: f32 = 0.005;
/// However sure a reader is of `O`, `0`, `I` or `1`: the other of the pair has so much of it. Many plates draw both
/// with one shape, and the shipped reader takes one for the other in 0.4 to 13 % of the cases
/// (`models/reader.confusion.tsv`).
const TWIN: f32 = 0.02;
/// Most texts weighed against each other for one plate.
const MOST: usize = 64;

/// Moves what the reader gave to look-alikes it doubts between to those that the grammar makes likely, by Bayes'
/// rule: what the reader gave to the characters of each text that differs in look-alikes only, times how common such
/// a plate is in the traffic of `countries` (where empty: the assumed traffic). Each position keeps what it gave to
/// the look-alikes together, and all it gave to other characters.
pub fn settle_distribution(positions: &mut [CharDistribution], countries: &[(Country, f32)]) {
    if positions.is_empty() || positions.len() > PlateText::MAX_LEN {
        return;
    }
    let mut options: Vec<Vec<(usize, f32)>> = positions.iter().map(options).collect();
    if options.iter().all(|o| o.len() < 2) {
        return;
    }
    // The least likely of all goes first where there are too many.
    while options.iter().map(Vec::len).product::<usize>() > MOST {
        let weakest =
            options.iter_mut().filter(|o| o.len() > 1).min_by(|a, b| last_share(a).total_cmp(&last_share(b)));
        let Some(weakest) = weakest else { return };
        weakest.pop();
    }
    let mut texts = vec![(Vec::with_capacity(positions.len()), 0.0_f32)];
    for o in &options {
        texts = texts
            .iter()
            .flat_map(|(text, log)| {
                o.iter().map(move |&(c, p)| {
                    let mut longer: Vec<usize> = text.clone();
                    longer.push(c);
                    (longer, log + p.max(f32::MIN_POSITIVE).ln())
                })
            })
            .collect();
    }
    for (text, log) in &mut texts {
        *log += log_prior(text, countries);
    }
    let top = texts.iter().map(|t| t.1).fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = texts.iter().map(|t| (t.1 - top).exp()).sum();
    if !(top.is_finite() && total.is_finite() && total > 0.0) {
        return;
    }
    for (i, (d, o)) in positions.iter_mut().zip(&options).enumerate().filter(|(_, (_, o))| o.len() > 1) {
        let mass: f32 = o.iter().filter_map(|(c, _)| d.p.get(*c)).sum();
        for &(c, _) in o {
            let with = texts.iter().filter(|(text, _)| text.get(i) == Some(&c));
            let share = with.map(|t| (t.1 - top).exp()).sum::<f32>() / total;
            if let Some(p) = d.p.get_mut(c) {
                *p = mass * share;
            }
        }
    }
}

/// The likeliest character and its look-alikes in doubt, by their places in the alphabet, likeliest first.
fn options(d: &CharDistribution) -> Vec<(usize, f32)> {
    let (best, p) = d.best();
    if !(p.is_finite() && p > 0.0) {
        return Vec::new();
    }
    let mut found: Vec<(usize, f32)> = Vec::new();
    for (i, (&c, &p)) in ALPHABET.iter().zip(&d.p).enumerate() {
        let c = char::from(c);
        if c == best {
            found.push((i, p));
        } else if alike(best, c) && p.is_finite() {
            let least = if twin(best) == Some(c) { TWIN * d.of(best) } else { 0.0 };
            let p = p.max(least);
            if p >= DOUBT {
                found.push((i, p));
            }
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

fn last_share(options: &[(usize, f32)]) -> f32 {
    match (options.first(), options.last()) {
        (Some(first), Some(last)) => last.1 / first.1.max(f32::MIN_POSITIVE),
        _ => 0.0,
    }
}

/// Natural logarithm of the probability that a plate of the traffic is this very text.
fn log_prior(text: &[usize], countries: &[(Country, f32)]) -> f32 {
    let characters: String = text.iter().filter_map(|&c| ALPHABET.get(c)).map(|&c| char::from(c)).collect();
    let Ok(text) = PlateText::new(&characters) else { return f32::NEG_INFINITY };
    let bits: Vec<u64> = characters.chars().map(bit).collect();
    let mut sum = log_background(&text, country_weight(HOME, countries)).exp();
    for format in grammar::formats(bits.len()) {
        if format.masks().iter().zip(&bits).all(|(mask, c)| mask & c != 0) && format.names_an_area(&text) {
            sum += country_weight(format.country, countries) * format.log_density().exp();
        }
    }
    sum.ln()
}

#[cfg(test)]
mod tests {
    use super::super::confusion::across;
    use super::*;
    use proptest::prelude::*;

    /// `text` read with every character at `sure`, the rest on the look-alikes first, and on all others.
    fn read(text: &str, doubts: &[(usize, char, f32)]) -> Vec<CharDistribution> {
        let mut all: Vec<CharDistribution> = text
            .chars()
            .map(|c| {
                let mut d = CharDistribution { p: [0.000_2; 36], none: 0.000_2 };
                d.p[ALPHABET.iter().position(|&a| char::from(a) == c).unwrap()] = 0.99;
                d
            })
            .collect();
        for &(i, c, p) in doubts {
            let best = all[i].best().0;
            for (slot, &a) in all[i].p.iter_mut().zip(ALPHABET) {
                match char::from(a) {
                    a if a == c => *slot = p,
                    a if a == best => *slot = 0.99 - p,
                    _ => {}
                }
            }
        }
        all
    }

    fn settled(text: &str, doubts: &[(usize, char, f32)], country: &str) -> String {
        let mut positions = read(text, doubts);
        let countries: Vec<_> = Country::parse(country).map(|c| (c, 0.9)).into_iter().collect();
        settle_distribution(&mut positions, &countries);
        positions.iter().map(|d| d.best().0).collect()
    }

    #[test]
    fn the_place_decides_where_a_format_allows_one_class() {
        for (text, doubts, country, meant) in [
            ("CTOP878", &[][..], "PL", "CT0P878"),
            ("AO55BDO", &[(1, '0', 0.3)], "GB", "AO55BDO"),
            ("A055BDO", &[(1, 'O', 0.3)], "GB", "AO55BDO"),
            ("1ABCI23", &[], "BE", "1ABC123"),
            ("1A8C123", &[(2, 'B', 0.2)], "BE", "1ABC123"),
            ("OOCF643", &[(0, '0', 0.1)], "BE", "0OCF643"),
        ] {
            assert_eq!(settled(text, doubts, country), meant, "{text} {country}");
        }
    }

    #[test]
    fn what_the_reader_does_not_doubt_and_what_was_chosen_stays() {
        // An 8 read surely is an 8; nothing but O and 0, I and 1 is doubted for the reader.
        assert_eq!(settled("1A8C123", &[], "BE"), "1A8C123");
        // Chosen texts: no ordinary format has them.
        for chosen in ["BOSS12", "ZO1", "IO", "OLIO", "B1OB", "COIYAEEI"] {
            assert_eq!(settled(chosen, &[], "BE"), chosen);
        }
    }

    #[test]
    fn doubt_that_the_grammar_settles_makes_surer_and_other_characters_keep_theirs() {
        let mut positions = read("1ABC123", &[(0, 'I', 0.4)]);
        let before = positions.clone();
        settle_distribution(&mut positions, &[(Country::BE, 0.9)]);
        assert!(positions[0].of('1') > 0.98, "{}", positions[0].of('1'));
        assert!((positions[0].of('1') + positions[0].of('I') - 0.99).abs() < 1e-4);
        assert_eq!(positions[0].of('7'), before[0].of('7'));
        assert_eq!(positions[3], before[3]);
    }

    /// Plates of the traffic, read with the confusions of [`TWIN`]: more are right than before, in every country
    /// about as many chosen ones.
    #[test]
    fn more_plates_of_the_traffic_are_right() {
        let mut state = 5;
        let mut next = || grammar::tests::splitmix(&mut state);
        let (mut before, mut after, mut chosen) = (0, 0, [0, 0]);
        for _ in 0..4_000 {
            let drawn = grammar::draw(&mut next);
            let mut doubts = Vec::new();
            for (i, c) in drawn.text.as_str().chars().enumerate() {
                let other = across(c)[0].first().filter(|o| twin(c) == Some(**o));
                if let Some(&other) = other {
                    let roll = (next() >> 40) as f32 / (1u64 << 24) as f32;
                    doubts.push((i, other, if roll < 0.05 { 0.7 } else { 0.1 * roll }));
                }
            }
            let mut positions = read(drawn.text.as_str(), &doubts);
            let right = |p: &[CharDistribution]| {
                p.iter().map(|d| d.best().0).collect::<String>() == drawn.text.as_str()
            };
            let was = right(&positions);
            settle_distribution(&mut positions, &[(drawn.country, 0.9)]);
            let is = right(&positions);
            before += u32::from(was);
            after += u32::from(is);
            if drawn.series.contains("personal") {
                chosen[0] += u32::from(was);
                chosen[1] += u32::from(is);
            }
        }
        assert!(after > before + 60, "{before} {after}");
        assert!(chosen[1] + 3 >= chosen[0], "{chosen:?}");
    }

    proptest! {
        #[test]
        fn probabilities_stay_probabilities(values in prop::collection::vec(prop::array::uniform32(0.0f32..1.0), 0..9), nonsense in any::<u8>()) {
            let mut positions: Vec<CharDistribution> = values.iter().map(|v| {
                let sum: f32 = v.iter().sum::<f32>().max(1e-6);
                let mut d = CharDistribution { p: [0.0; 36], none: 0.0 };
                for (slot, x) in d.p.iter_mut().skip(2).zip(v) { *slot = x / sum; }
                d
            }).collect();
            if nonsense < 40 && let Some(d) = positions.first_mut() { d.p[usize::from(nonsense % 36)] = f32::NAN; }
            let sums: Vec<f32> = positions.iter().map(|d| d.p.iter().sum()).collect();
            settle_distribution(&mut positions, &[(Country::BE, 0.7)]);
            for (d, sum) in positions.iter().zip(sums) {
                let now: f32 = d.p.iter().sum();
                prop_assert!(sum.is_nan() || (now - sum).abs() < 1e-3 && d.p.iter().all(|p| *p >= 0.0));
            }
        }
    }
}
