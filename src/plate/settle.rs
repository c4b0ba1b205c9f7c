//! What the grammar says where the reader itself is in doubt between look-alikes.
//!
//! Where [`resolve`](super::resolve()) asks what a text means that was read, this asks what was read. It never goes
//! beyond the reader's own doubt: a character that the reader gives no chance gets none, and characters that do not
//! look alike are never weighed against each other. Plates that their holders chose have their place among the
//! possibilities, so that a grammar does not turn them into ordinary ones.

use super::confusion::alike;
use super::grammar::{self, HOME, bit};
use super::resolve::{country_weight, log_background};
use crate::domain::{ALPHABET, CharDistribution, Country, PlateText};

/// A look-alike that is less likely than this beside the likeliest character is not in doubt: of [`TWINS`], of others.
const DOUBT: f32 = 0.003;
const DOUBT_OF_OTHERS: f32 = 0.1;
/// Characters that many plates draw with one shape, or nearly.
const TWINS: [&str; 2] = ["O0Q", "I1"];
/// Natural logarithm of how much likelier the grammar may hold one text than another: about one plate in 300 is of a
/// series, or written in a way, that it does not know.
const BELIEVED: f32 = 5.7;
/// How much likelier than any text of its length a text is on the plate of a country without a grammar here, whose
/// plates have their own shapes: about what it is for those with one (a shape of three letters and four digits is a
/// 440th of all texts of its length, and there are tens of shapes).
const SHAPED: f32 = 10.0;
/// Most texts weighed against each other for one plate.
const MOST: usize = 64;

/// Moves what the reader gave to look-alikes it doubts between to those that the grammar makes likely, by Bayes'
/// rule: what the reader gave to the characters of each text that differs in look-alikes only, times how common such
/// a plate is in the traffic of `countries` (where empty: the assumed traffic). Each position keeps what it gave to
/// the look-alikes together, and all it gave to other characters.
///
/// `looks` is how many independent looks `positions` are the product of. For O and 0, I and 1 they count as one: a font
/// that draws them with one shape draws them so in every frame, and what one frame cannot tell, thirty cannot.
pub fn settle_distribution(positions: &mut [CharDistribution], looks: f32, countries: &[(Country, f32)]) {
    if positions.is_empty() || positions.len() > PlateText::MAX_LEN {
        return;
    }
    let mut options: Vec<Vec<(usize, f32)>> = positions.iter().map(|d| options(d, looks)).collect();
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
    // Every text that is in question, with what the reader and what the grammar give to it.
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
    let priors: Vec<f32> = texts.iter().map(|(text, _)| log_prior(text, countries)).collect();
    let likeliest = priors.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for ((_, log), prior) in texts.iter_mut().zip(priors) {
        *log += prior.max(likeliest - BELIEVED);
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

/// The likeliest character and its look-alikes in doubt, by their places in the alphabet, likeliest first, with how
/// likely each is beside the likeliest.
fn options(d: &CharDistribution, looks: f32) -> Vec<(usize, f32)> {
    let (best, p) = d.best();
    if !(p.is_finite() && p > 0.0) {
        return Vec::new();
    }
    let mut found: Vec<(usize, f32)> = Vec::new();
    for (i, (&c, &other)) in ALPHABET.iter().zip(&d.p).enumerate() {
        let c = char::from(c);
        let twins = TWINS.iter().any(|group| group.contains(c) && group.contains(best));
        if c == best {
            found.push((i, 1.0));
        } else if (twins || alike(best, c)) && other > 0.0 {
            let ratio = other / p;
            let (ratio, least) =
                if twins { (ratio.powf(1.0 / looks.max(1.0)), DOUBT) } else { (ratio, DOUBT_OF_OTHERS) };
            if ratio >= least {
                found.push((i, ratio));
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
    // What the reader gives to countries it has no name for: they know nothing of these formats.
    if !countries.is_empty() {
        let unnamed = (1.0 - countries.iter().map(|c| c.1).sum::<f32>()).clamp(0.0, 1.0);
        sum += unnamed * SHAPED * 36f32.powi(-(bits.len() as i32));
    }
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
        settle_distribution(&mut positions, 1.0, &countries);
        positions.iter().map(|d| d.best().0).collect()
    }

    #[test]
    fn the_place_decides_where_a_format_allows_one_class() {
        for (text, doubts, country, meant) in [
            ("AO55BDO", &[(1, '0', 0.3)][..], "GB", "AO55BDO"),
            ("A055BDO", &[(1, 'O', 0.3)], "GB", "AO55BDO"),
            ("1ABCI23", &[(4, '1', 0.01)], "BE", "1ABC123"),
            ("1A8C123", &[(2, 'B', 0.2)], "BE", "1ABC123"),
            // Missouri writes two letters, a digit, a letter, a digit, a letter.
            ("DKOH7Z", &[(2, '0', 0.4)], "US", "DK0H7Z"),
            // No letter Q in Britain.
            ("AO55BDQ", &[(6, 'O', 0.3)], "GB", "AO55BDO"),
        ] {
            assert_eq!(settled(text, doubts, country), meant, "{text} {country}");
        }
    }

    #[test]
    fn a_country_without_a_grammar_is_not_asked_of_others() {
        // A plate that is likely of none of the named countries: Belgium has 1-ABC-123, and that says nothing of it.
        let mut foreign = read("IABC123", &[(0, '1', 0.3)]);
        let mut home = foreign.clone();
        settle_distribution(&mut foreign, 1.0, &[(Country::BE, 0.001)]);
        settle_distribution(&mut home, 1.0, &[(Country::BE, 0.9)]);
        assert_eq!((foreign[0].best().0, home[0].best().0), ('I', '1'));
    }

    #[test]
    fn what_the_reader_does_not_doubt_and_what_was_chosen_stays() {
        // What is read surely is read.
        assert_eq!(settled("1A8C123", &[], "BE"), "1A8C123");
        assert_eq!(settled("GZU07173", &[(3, 'O', 0.001)], "DE"), "GZU07173");
        // Chosen texts: no ordinary format has them.
        for chosen in ["BOSS12", "ZO1", "OLIO", "COIYAEEI"] {
            let twin = |c: char| across(c)[0].first().copied();
            let doubts: Vec<_> =
                chosen.chars().enumerate().filter_map(|(i, c)| Some((i, twin(c)?, 0.05))).collect();
            assert_eq!(settled(chosen, &doubts, "BE"), chosen);
        }
    }

    #[test]
    fn doubt_that_the_grammar_settles_makes_surer_and_other_characters_keep_theirs() {
        let mut positions = read("1ABC123", &[(0, 'I', 0.4)]);
        let before = positions.clone();
        settle_distribution(&mut positions, 1.0, &[(Country::BE, 0.9)]);
        assert!(positions[0].of('1') > 0.98, "{}", positions[0].of('1'));
        assert!((positions[0].of('1') + positions[0].of('I') - 0.99).abs() < 1e-4);
        assert_eq!(positions[0].of('7'), before[0].of('7'));
        assert_eq!(positions[3], before[3]);
    }

    #[test]
    fn many_looks_are_one_where_it_comes_to_look_alikes() {
        // 0.999 after two looks is 0.97 in one; the grammar outweighs that, and not what one look is sure of.
        let read = |p: f32| read("IQWB052", &[(0, '1', p)]);
        let mut positions = read(0.001);
        settle_distribution(&mut positions, 2.0, &[(Country::BE, 0.9)]);
        assert_eq!(positions[0].best().0, '1');
        let mut positions = read(0.001);
        settle_distribution(&mut positions, 1.0, &[(Country::BE, 0.9)]);
        assert_eq!(positions[0].best().0, 'I');
    }

    /// Plates of the traffic, O for 0 and I for 1 read in one of twenty: more are right than before, and about as many
    /// chosen ones.
    #[test]
    fn more_plates_of_the_traffic_are_right() {
        let mut state = 5;
        let mut next = || grammar::tests::splitmix(&mut state);
        let (mut before, mut after, mut chosen) = (0, 0, [0, 0]);
        for _ in 0..4_000 {
            let drawn = grammar::draw(&mut next);
            let mut doubts = Vec::new();
            for (i, c) in drawn.text.as_str().chars().enumerate() {
                let other = across(c)[0].first().filter(|_| "O0I1".contains(c));
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
            settle_distribution(&mut positions, 1.0, &[(drawn.country, 0.9)]);
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
            settle_distribution(&mut positions, f32::from(nonsense % 3), &[(Country::BE, 0.7)]);
            for (d, sum) in positions.iter().zip(sums) {
                let now: f32 = d.p.iter().sum();
                prop_assert!(sum.is_nan() || (now - sum).abs() < 1e-3 && d.p.iter().all(|p| *p >= 0.0));
            }
        }
    }
}
