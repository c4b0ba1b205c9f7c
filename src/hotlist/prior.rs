//! How common each text is in the traffic before the cameras: the background that a likelihood is held against.
//!
//! Made of the grammar: each format's share of its country's plates, spread evenly over its texts, times the
//! country's share of traffic; Belgian personalised plates; and a rest that may be any text. Sums over all texts
//! are products over positions, so they cost some hundred multiplications and not some thousand million.

use crate::domain::{ALPHABET, Country, PlateText};
use crate::plate::grammar::{self, HOME};
use std::sync::LazyLock;

/// Share of plates of no format that is known.
const UNKNOWN: f64 = 0.001;
/// The reader is never believed more than this about a country.
const MOST_BELIEVED: f64 = 0.99;
/// Personalised plates have at most this many characters.
const LONGEST_CHOSEN: usize = 8;

/// Which characters may stand at a position, by its place in [`Prior::masks`].
pub(super) type MaskId = u16;

/// Texts of one shape that are as common as each other.
#[derive(Debug)]
pub(super) struct Shape {
    /// `None` for texts of no country.
    pub country: Option<Country>,
    /// Its place in [`grammar::countries`].
    at: usize,
    pub masks: Vec<MaskId>,
    /// Probability of each of its texts among the plates of its country.
    pub density: f64,
}

/// The traffic, but for what is known of the countries.
#[derive(Debug)]
pub(super) struct Prior {
    pub masks: Vec<u64>,
    /// Formats by length of text.
    pub formats: Vec<Vec<Shape>>,
    /// By length of text: shapes that personalised plates have, and those that hold all the rest, whose density
    /// is the most that a text of theirs can have.
    pub others: Vec<Vec<Shape>>,
    /// By length of text: every mask that texts one shorter, as long and one longer have.
    pub used: Vec<Vec<MaskId>>,
}

impl Shape {
    fn new(country: Option<Country>, masks: Vec<MaskId>, density: f64) -> Self {
        let at = grammar::countries().iter().position(|c| Some(c.0) == country).unwrap_or(usize::MAX);
        Self { country, at, masks, density }
    }

    /// Probability of each of its texts.
    pub fn weight(&self, weights: &Weights) -> f64 {
        self.density * if self.country.is_none() { 1.0 } else { weights.at(self.at) }
    }
}

const DIGITS: MaskId = 0;
const LETTERS: MaskId = 1;
const ANY: MaskId = 2;
const DIGIT_MASK: u64 = (1 << 10) - 1;
const LETTER_MASK: u64 = ((1 << 26) - 1) << 10;

/// The prior of this program's grammar.
pub(super) static PRIOR: LazyLock<Prior> = LazyLock::new(Prior::of_grammar);

impl Prior {
    fn of_grammar() -> Self {
        let mut masks: Vec<u64> = vec![DIGIT_MASK, LETTER_MASK, DIGIT_MASK | LETTER_MASK];
        let mut id = |mask: u64| {
            let at = masks.iter().position(|&m| m == mask).unwrap_or_else(|| {
                masks.push(mask);
                masks.len() - 1
            });
            at as MaskId
        };
        // A series' share spread over all texts of its shapes. The grammar itself spreads it over those whose
        // district code exists; sums over positions cannot know which do, so here they all count.
        let size = |f: &grammar::Format| f.masks().iter().map(|m| f64::from(m.count_ones())).product::<f64>();
        let all = || (0..=PlateText::MAX_LEN).flat_map(grammar::formats);
        let texts = |of: &grammar::Format| -> f64 {
            let same = |f: &&grammar::Format| f.country == of.country && f.rule.series == of.rule.series;
            all().filter(same).map(size).sum()
        };
        let shape = |f: &grammar::Format, id: &mut dyn FnMut(u64) -> MaskId| {
            let masks = f.masks().iter().map(|&m| id(m)).collect();
            Shape::new(Some(f.country), masks, f64::from(f.rule.share) / texts(f).max(1.0))
        };
        let formats: Vec<Vec<Shape>> = (0..=PlateText::MAX_LEN)
            .map(|n| grammar::formats(n).iter().map(|f| shape(f, &mut id)).collect())
            .collect();
        let others = (0..=PlateText::MAX_LEN).map(others).collect();
        let used = (0..=PlateText::MAX_LEN)
            .map(|n| {
                let near = formats.get(n.saturating_sub(1)..(n + 2).min(formats.len())).unwrap_or_default();
                let all = near.iter().flatten().flat_map(|s| s.masks.iter().copied());
                let mut all: Vec<MaskId> = all.chain([DIGITS, LETTERS, ANY]).collect();
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect();
        Self { masks, formats, others, used }
    }

    /// The characters of a mask by their places in the alphabet.
    pub fn places(&self, mask: MaskId) -> impl Iterator<Item = usize> + use<> {
        let mut mask = self.masks.get(usize::from(mask)).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let at = mask.trailing_zeros();
            mask &= mask.wrapping_sub(1);
            (at < 36).then_some(at as usize)
        })
    }

    pub fn allows(&self, mask: MaskId, place: usize) -> bool {
        self.masks.get(usize::from(mask)).is_some_and(|m| m >> place & 1 == 1)
    }

    /// Probability that a passing plate is this text; only as one of `country` where that is said.
    pub fn density(&self, places: &[u8], weights: &Weights, country: Option<Country>) -> f64 {
        let fits = |s: &&Shape| {
            country.is_none_or(|c| s.country == Some(c))
                && s.masks.iter().zip(places).all(|(&m, &p)| self.allows(m, usize::from(p)))
        };
        let shapes = self.formats.get(places.len()).into_iter().flatten();
        let formats: f64 = shapes.filter(fits).map(|s| s.weight(weights)).sum();
        let chosen = if country.is_none_or(|c| c == HOME) { weights.of(HOME) * chosen(places) } else { 0.0 };
        formats + chosen + weights.unknown(country) * 36f64.powi(-(places.len() as i32))
    }

    /// Sum over all texts of no format of the probability that a passing plate is that text, times what
    /// `sum(position, mask)` gives for the characters of each position.
    pub fn total_others(&self, length: usize, weights: &Weights, sum: &dyn Fn(usize, MaskId) -> f64) -> f64 {
        let any: f64 = (0..length).map(|i| sum(i, ANY) / 36.0).product();
        weights.of(HOME) * total_chosen(length, sum) + weights.unknown(None) * any
    }

    /// The same over all texts.
    #[cfg(test)]
    pub fn total(&self, length: usize, weights: &Weights, sum: &dyn Fn(usize, MaskId) -> f64) -> f64 {
        let texts = |s: &Shape| s.masks.iter().enumerate().map(|(i, &m)| sum(i, m)).product::<f64>();
        let formats: f64 =
            self.formats.get(length).into_iter().flatten().map(|s| texts(s) * s.weight(weights)).sum();
        formats + self.total_others(length, weights, sum)
    }
}

/// The grammar's density of a personalised plate.
fn chosen(places: &[u8]) -> f64 {
    let text: String =
        places.iter().filter_map(|&p| ALPHABET.get(usize::from(p)).map(|&c| char::from(c))).collect();
    PlateText::new(&text).map_or(0.0, |t| f64::from(grammar::personalised_density(&t)))
}

/// The sum of [`chosen`] over all texts, as in [`Prior::total_others`]. What the grammar reserves by a letter at the
/// start (`CD`, `TX`, `TL`) is not taken out: it is a thousandth of the sum.
fn total_chosen(length: usize, sum: &dyn Fn(usize, MaskId) -> f64) -> f64 {
    if !(1..=LONGEST_CHOSEN).contains(&length) {
        return 0.0;
    }
    // Density of `A` times the texts of its shape.
    let each = chosen(&[10]) * 26.0;
    let letter = |i: usize| sum(i, LETTERS) / 26.0;
    let digit = |i: usize| sum(i, DIGITS) / 10.0;
    // By the class of the last character (letter, digit) and whether the class has changed before: every change
    // but the first counts a tenth.
    let mut state = [[letter(0), 0.0], [digit(0), 0.0]];
    for i in 1..length {
        let [[l0, l1], [d0, d1]] = state;
        state = [
            [l0 * letter(i), (l1 + d0 + 0.1 * d1) * letter(i)],
            [d0 * digit(i), (d1 + l0 + 0.1 * l1) * digit(i)],
        ];
    }
    let digits_only: f64 = (0..length).map(digit).product();
    let reserved: f64 = if length == 7 {
        let shape = |first_letters: bool, n: usize| -> f64 {
            (0..7).map(|i| if (i < n) == first_letters { letter(i) } else { digit(i) }).product()
        };
        shape(true, 4) + shape(true, 3) + shape(false, 3) + shape(false, 4)
    } else {
        0.0
    };
    each * (state.iter().flatten().sum::<f64>() - digits_only - reserved).max(0.0)
}

/// See [`Prior::others`].
fn others(length: usize) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let any = UNKNOWN * 36f64.powi(-(length as i32));
    if (1..=LONGEST_CHOSEN).contains(&length) {
        // A word and a number, a number and a word, a word.
        for (split, letters_first) in (1..=length).map(|s| (s, true)).chain((1..length).map(|s| (s, false))) {
            let is_letter = |i: usize| (i < split) == letters_first;
            let example: Vec<u8> = (0..length).map(|i| if is_letter(i) { 10 } else { 1 }).collect();
            let density = chosen(&example);
            if density > 0.0 {
                let masks = (0..length).map(|i| if is_letter(i) { LETTERS } else { DIGITS }).collect();
                shapes.push(Shape::new(Some(HOME), masks, density));
            }
        }
        // Any other mix: at most what the one with the fewest letters has.
        let mix: Vec<u8> = (0..length).map(|i| if i == 1 { 10 } else { 1 }).collect();
        let mixed = if length > 2 { chosen(&mix) } else { 0.0 };
        shapes.push(Shape::new(None, vec![ANY; length], any + mixed));
    } else if length > 0 {
        shapes.push(Shape::new(None, vec![ANY; length], any));
    }
    shapes
}

/// What is known of the country of one plate.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// Probability of each of [`grammar::countries`].
    of: Vec<f64>,
    /// A country that the grammar does not know, with its probability.
    foreign: Option<(Country, f64)>,
}

impl Weights {
    /// `given` is what the reader says.
    pub fn new(given: Option<(Country, f32)>) -> Self {
        let given = given
            .filter(|g| g.1.is_finite() && g.1 > 0.0)
            .map(|(c, p)| (c, f64::from(p).clamp(0.001, MOST_BELIEVED)));
        let all = grammar::countries();
        let share = |country: Country| all.iter().find(|c| c.0 == country).map_or(0.0, |c| f64::from(c.1));
        let of = all
            .iter()
            .map(|&(country, part)| match given {
                None => f64::from(part),
                Some((given, p)) if given == country => p,
                Some((given, p)) => (1.0 - p) * f64::from(part) / (1.0 - share(given)).max(0.01),
            })
            .collect();
        Self { of, foreign: given.filter(|g| share(g.0) == 0.0) }
    }

    /// Probability that the plate is of `country`.
    pub fn of(&self, country: Country) -> f64 {
        let at = grammar::countries().iter().position(|c| c.0 == country);
        at.map_or(0.0, |at| self.at(at))
    }

    fn at(&self, at: usize) -> f64 {
        self.of.get(at).copied().unwrap_or(0.0)
    }

    /// Probability that it is of no known format; with a country of which none is known, where that is said.
    fn unknown(&self, country: Option<Country>) -> f64 {
        match self.foreign {
            Some((given, p)) if country.is_none_or(|c| c == given) => p.max(UNKNOWN),
            _ => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brute(length: usize, weights: &Weights, p: &dyn Fn(usize, usize) -> f64) -> f64 {
        let mut places = vec![0u8; length];
        let mut total = 0.0;
        loop {
            let given: f64 = places.iter().enumerate().map(|(i, &c)| p(i, usize::from(c))).product();
            total += given * PRIOR.density(&places, weights, None);
            let Some(at) = places.iter().rposition(|&c| c < 35) else { return total };
            places[at] += 1;
            places[at + 1..].fill(0);
        }
    }

    #[test]
    fn the_closed_sum_is_the_sum_over_all_texts() {
        let p = |i: usize, c: usize| 1.0 / (1.0 + ((c * 7 + i * 5) % 36) as f64);
        let sum = |i: usize, m: MaskId| PRIOR.places(m).map(|c| p(i, c)).sum::<f64>();
        for given in [None, Some((Country::BE, 0.9)), Some((Country::parse("ZZ").unwrap(), 0.9))] {
            let weights = Weights::new(given);
            for length in 1..=3 {
                let (closed, brute) = (PRIOR.total(length, &weights, &sum), brute(length, &weights, &p));
                assert!((closed / brute - 1.0).abs() < 0.02, "{length} {given:?}: {closed} {brute}");
            }
        }
    }

    #[test]
    fn all_texts_together_are_about_all_plates() {
        let weights = Weights::new(None);
        let all: f64 =
            (1..=16).map(|n| PRIOR.total(n, &weights, &|_, m| PRIOR.places(m).count() as f64)).sum();
        assert!((0.9..1.1).contains(&all), "{all}");
    }

    #[test]
    fn a_common_plate_is_likelier_than_a_rare_one() {
        let weights = Weights::new(None);
        let of = |t: &str, c| {
            let places: Vec<u8> =
                t.bytes().map(|b| ALPHABET.iter().position(|&a| a == b).unwrap() as u8).collect();
            PRIOR.density(&places, &weights, c)
        };
        assert!(of("1ABC123", None) > 1e-8 && of("1ABC123", None) < 5e-8);
        assert!(of("BOSS12", None) > of("B0SS12", None));
        assert!(of("IABC123", None) < 1e-3 * of("1ABC123", None));
        assert!(of("1ABC123", Country::parse("FR")) < 1e-3 * of("1ABC123", Country::parse("BE")));
    }
}
