//! What one passage says of the text of its plate, and the texts that it makes likely.
//!
//! Probability by Bayes' rule: what was seen if the plate carries a text ([`Evidence::likelihood`]) times how common
//! that text is ([`super::prior`]), over the sum of this for all texts. Besides texts of the observed length, those
//! that are one character longer or shorter count: a reader drops characters and reads some that are not there.

use super::confusions::Confusions;
use super::prior::{MaskId, PRIOR, Shape, Weights};
use crate::domain::{Country, Passage, PlateText};

/// How much the reader's measured confusions count beside what it says of this very plate: a reader that is surer
/// than it should be must not make its usual mistakes impossible.
const MEASURED: f64 = 0.05;

/// How much likelier a listed plate is to pass than any one text of its format: of the 35 million texts of the
/// Belgian format some six million are on a vehicle, listed ones nearly all.
pub const LISTED: f64 = 5.0;

/// A candidate may be of so many formats at once; each of them alone may stay this far below what all must reach.
const FORMATS_OF_A_TEXT: f64 = 4.0;

/// Steps of a search after which it ends; it goes from the likeliest shapes and characters to less likely ones.
const MOST_STEPS: usize = 20_000;
/// Texts found after which it ends.
const MOST_TEXTS: usize = 500;

/// The column of a character that was not read.
const GAP: usize = usize::MAX;

/// A text by places in the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Places {
    codes: [u8; PlateText::MAX_LEN],
    length: u8,
}

impl Places {
    pub fn of(text: &PlateText) -> Self {
        let mut places = Self { codes: [0; PlateText::MAX_LEN], length: 0 };
        for (slot, c) in places.codes.iter_mut().zip(text.as_str().bytes()) {
            *slot = if c.is_ascii_digit() { c - b'0' } else { c.wrapping_sub(b'A').wrapping_add(10) };
            places.length += 1;
        }
        places
    }

    pub fn as_slice(&self) -> &[u8] {
        self.codes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// What was seen, ready to be asked about texts.
pub(super) struct Evidence {
    /// For each position what the plate's character makes of it, up to a factor.
    columns: Vec<[f64; 36]>,
    /// The same for a character that was not read.
    gap: [f64; 36],
    /// For each position that nothing stands there, in the same measure.
    spurious: Vec<f64>,
    weights: Weights,
    /// Sum and largest of each column's values over each mask.
    sums: Table,
    tops: Table,
    /// Likelihood times prior of all texts.
    total: f64,
    /// Probability that the passage is of one plate that could be read, as far as the positions do not say it.
    reliability: f64,
}

impl Evidence {
    /// `None` where the passage has no distribution of its text, or is sure of nothing.
    pub fn new(passage: &Passage, confusions: &Confusions) -> Option<Self> {
        let observed = Places::of(&passage.text);
        let length = observed.as_slice().len();
        if passage.positions.len() != length {
            return None;
        }
        let sane = |p: f32| if p.is_finite() { f64::from(p.clamp(0.0, 1.0)) } else { 0.0 };
        let raw: f64 = passage
            .positions
            .iter()
            .zip(observed.as_slice())
            .map(|(d, &o)| sane(d.p.get(usize::from(o)).copied().unwrap_or(0.0)))
            .product();
        let reliability = (sane(passage.confidence) / raw).clamp(0.0, 1.0);
        if !(raw > 0.0 && reliability > 0.0) {
            return None;
        }
        let mut columns = Vec::with_capacity(length);
        let mut spurious = Vec::with_capacity(length);
        for (d, &o) in passage.positions.iter().zip(observed.as_slice()) {
            let meant = confusions.meant(usize::from(o));
            let said: f64 = d.p.iter().map(|&p| sane(p)).sum::<f64>() + sane(d.none);
            let mix = |said_p: f32, measured: f64| {
                (1.0 - MEASURED) * sane(said_p) / said.max(1e-9) + MEASURED * measured
            };
            columns.push(std::array::from_fn(|c| {
                mix(d.p.get(c).copied().unwrap_or(0.0), meant.get(c).copied().unwrap_or(0.0))
            }));
            // The reader's probability that nothing stands there holds that a text without this position is 36
            // times as common as each one with it; the prior says how common, so that is taken out again.
            spurious.push(mix(d.none, meant[36]) / 36.0);
        }
        let gap = std::array::from_fn(|c| confusions.dropped(c));
        let at = |column: &[f64; 36], c: usize| column.get(c).copied().unwrap_or(0.0);
        let sums = Table::new(&columns, &gap, &|column, m| PRIOR.places(m).map(|c| at(column, c)).sum());
        let tops = Table::new(&columns, &gap, &|column, m| {
            PRIOR.places(m).map(|c| at(column, c)).fold(0.0, f64::max)
        });
        let weights = Weights::new(passage.country);
        let mut evidence = Self { columns, gap, spurious, weights, sums, tops, total: 0.0, reliability };
        evidence.total = evidence.all_texts();
        (evidence.total > 0.0).then_some(evidence)
    }

    /// Likelihood times prior of all texts.
    fn all_texts(&self) -> f64 {
        let mut total = 0.0;
        for way in Way::ALL {
            let Some(length) = way.length(self.columns.len()) else { continue };
            for shape in PRIOR.formats.get(length).into_iter().flatten() {
                let weight = shape.weight(&self.weights);
                self.each(way, &shape.masks, &self.sums, &mut |_, texts| total += weight * texts);
            }
        }
        for e in self.explanations() {
            let sum = |i: usize, m: MaskId| self.sums.of(e.column(i), m);
            total += e.factor * PRIOR.total_others(e.columns.len(), &self.weights, &sum);
        }
        total
    }

    /// For every explanation of this way, by its place, the product of the table's values over the positions of
    /// a shape, times the explanation's factor.
    fn each(&self, way: Way, masks: &[MaskId], table: &Table, tell: &mut dyn FnMut(usize, f64)) {
        // after[i]: the product from column i on, each with the mask it has behind the place of the change.
        let n = self.columns.len();
        let mask = |i: usize| masks.get(i).copied().unwrap_or(0);
        let mut after = [1.0; PlateText::MAX_LEN + 2];
        for i in (0..n).rev() {
            let behind = match way {
                Way::AsRead => i,
                // Column 0 is never behind the column that is left out.
                Way::Without => i.saturating_sub(1),
                Way::With => i + 1,
            };
            let rest = after.get(i + 1).copied().unwrap_or(1.0);
            if let Some(slot) = after.get_mut(i) {
                *slot = rest * table.of(i, mask(behind));
            }
        }
        let after = |i: usize| after.get(i).copied().unwrap_or(1.0);
        let mut before = 1.0;
        match way {
            Way::AsRead => tell(0, after(0)),
            Way::Without => {
                for i in 0..n {
                    tell(i, before * after(i + 1) * self.spurious.get(i).copied().unwrap_or(0.0));
                    before *= table.of(i, mask(i));
                }
            }
            Way::With => {
                for i in 0..=n {
                    tell(i, before * after(i) * table.of(GAP, mask(i)));
                    before *= if i < n { table.of(i, mask(i)) } else { 1.0 };
                }
            }
        }
    }

    fn value(&self, column: usize, place: usize) -> f64 {
        let column = if column == GAP { Some(&self.gap) } else { self.columns.get(column) };
        column.and_then(|c| c.get(place)).copied().unwrap_or(0.0)
    }

    /// Every way in which a text may have become these positions.
    fn explanations(&self) -> impl Iterator<Item = Explanation> + '_ {
        let n = self.columns.len();
        Way::ALL.into_iter().filter(move |w| w.length(n).is_some()).flat_map(move |way| {
            let places = match way {
                Way::AsRead => 0..1,
                Way::Without => 0..n,
                Way::With => 0..n + 1,
            };
            places.map(move |at| self.explanation(way, at))
        })
    }

    fn explanation(&self, way: Way, at: usize) -> Explanation {
        let n = self.columns.len();
        let mut columns: Vec<usize> = (0..n).collect();
        let mut factor = 1.0;
        match way {
            Way::AsRead => {}
            Way::Without => {
                columns.retain(|&c| c != at);
                factor = self.spurious.get(at).copied().unwrap_or(0.0);
            }
            Way::With => columns.insert(at.min(n), GAP),
        }
        Explanation { columns, factor }
    }

    /// Probability of what was seen where the plate carries this text, up to a factor that is the same for all.
    fn likelihood(&self, text: &Places) -> f64 {
        let places = text.as_slice();
        self.explanations()
            .filter(|e| e.columns.len() == places.len())
            .map(|e| {
                let values = e.columns.iter().zip(places).map(|(&c, &p)| self.value(c, usize::from(p)));
                e.factor * values.product::<f64>()
            })
            .sum()
    }

    /// Probability that the plate carries this listed text, as one of `country` where the entry says one. `listed`
    /// is how much likelier it is to pass than another of its format ([`LISTED`]).
    pub fn probability(&self, text: &Places, country: Option<Country>, listed: f64) -> f64 {
        let own = self.likelihood(text) * PRIOR.density(text.as_slice(), &self.weights, country);
        self.reliability * listed * own / (self.total + (listed - 1.0) * own)
    }

    /// The texts that could reach the probability `least` if they were listed, each once, in no order, as far as
    /// the bounds of the search allow.
    pub fn candidates(&self, least: f64) -> Vec<Places> {
        let least = (least / self.reliability).max(1e-4);
        if least > 1.0 {
            return Vec::new();
        }
        let needed = least * self.total / (LISTED * (1.0 - least) + least) / FORMATS_OF_A_TEXT;
        let mut worth: Vec<(f64, Way, usize, &Shape)> = Vec::new();
        for way in Way::ALL {
            let Some(length) = way.length(self.columns.len()) else { continue };
            let formats = PRIOR.formats.get(length).into_iter().flatten();
            // A text of no format with a character too many or too few could be nearly anything.
            let others = PRIOR.others.get(length).filter(|_| way == Way::AsRead).into_iter().flatten();
            for shape in formats.chain(others) {
                let weight = shape.weight(&self.weights);
                self.each(way, &shape.masks, &self.tops, &mut |at, top| {
                    if weight * top >= needed {
                        worth.push((weight * top, way, at, shape));
                    }
                });
            }
        }
        worth.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let order = self
            .columns
            .iter()
            .chain([&self.gap])
            .map(|column| {
                let at = |c: u8| column.get(usize::from(c)).copied().unwrap_or(0.0);
                let mut order: [u8; 36] = std::array::from_fn(|i| i as u8);
                order.sort_unstable_by(|&a, &b| at(b).total_cmp(&at(a)));
                order
            })
            .collect();
        let mut search = Search {
            evidence: self,
            order,
            needed,
            steps: 0,
            found: Vec::new(),
            text: [0; PlateText::MAX_LEN],
        };
        for (_, way, at, shape) in worth {
            let explanation = self.explanation(way, at);
            search.shape(&explanation, shape, explanation.factor * shape.weight(&self.weights));
        }
        search.found.sort_unstable();
        search.found.dedup();
        search.found
    }
}

/// How a text may have become what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Character by character.
    AsRead,
    /// One of the characters read is not there.
    Without,
    /// One that is there was not read.
    With,
}

impl Way {
    const ALL: [Self; 3] = [Self::AsRead, Self::Without, Self::With];

    /// How long the text is where so many characters were read.
    fn length(self, read: usize) -> Option<usize> {
        match self {
            Self::AsRead => Some(read),
            Self::Without => read.checked_sub(1).filter(|&n| n > 0),
            Self::With => Some(read + 1).filter(|&n| n <= PlateText::MAX_LEN),
        }
    }
}

/// One number for each column and mask; the gap's last.
struct Table {
    values: Vec<f64>,
    columns: usize,
}

impl Table {
    fn new(columns: &[[f64; 36]], gap: &[f64; 36], fold: &dyn Fn(&[f64; 36], MaskId) -> f64) -> Self {
        let masks = PRIOR.masks.len();
        let mut values = vec![0.0; masks * (columns.len() + 1)];
        let used = PRIOR.used.get(columns.len()).map(Vec::as_slice).unwrap_or_default();
        for (row, column) in values.chunks_mut(masks.max(1)).zip(columns.iter().chain([gap])) {
            for &m in used {
                if let Some(slot) = row.get_mut(usize::from(m)) {
                    *slot = fold(column, m);
                }
            }
        }
        Self { values, columns: columns.len() }
    }

    fn of(&self, column: usize, mask: MaskId) -> f64 {
        let row = column.min(self.columns);
        self.values.get(row * PRIOR.masks.len() + usize::from(mask)).copied().unwrap_or(0.0)
    }
}

/// Which column each character of a text stands behind.
struct Explanation {
    columns: Vec<usize>,
    factor: f64,
}

impl Explanation {
    fn column(&self, i: usize) -> usize {
        self.columns.get(i).copied().unwrap_or(GAP)
    }
}

/// A walk over the texts of a shape, position by position, cut where even the likeliest rest is not enough.
struct Search<'a> {
    evidence: &'a Evidence,
    /// Places of each column, likeliest first; the gap's last.
    order: Vec<[u8; 36]>,
    needed: f64,
    steps: usize,
    found: Vec<Places>,
    text: [u8; PlateText::MAX_LEN],
}

impl Search<'_> {
    fn shape(&mut self, explanation: &Explanation, shape: &Shape, weight: f64) {
        // rest[i]: the most that positions from i on can give.
        let mut rest = [1.0; PlateText::MAX_LEN + 1];
        for (i, &mask) in shape.masks.iter().enumerate().rev() {
            let after = rest.get(i + 1).copied().unwrap_or(1.0);
            if let Some(slot) = rest.get_mut(i) {
                *slot = after * self.evidence.tops.of(explanation.column(i), mask);
            }
        }
        if weight * rest[0] >= self.needed {
            self.walk(explanation, shape, &rest, 0, weight);
        }
    }

    fn walk(&mut self, explanation: &Explanation, shape: &Shape, rest: &[f64], at: usize, so_far: f64) {
        let Some(&mask) = shape.masks.get(at) else {
            self.found.push(Places { codes: self.text, length: at as u8 });
            return;
        };
        let after = rest.get(at + 1).copied().unwrap_or(1.0);
        let column = explanation.column(at);
        let order = if column == GAP { self.order.last() } else { self.order.get(column) };
        let Some(order) = order.copied() else { return };
        for place in order {
            let value = so_far * self.evidence.value(column, usize::from(place));
            self.steps += 1;
            if value * after < self.needed || self.steps > MOST_STEPS || self.found.len() >= MOST_TEXTS {
                return;
            }
            if PRIOR.allows(mask, usize::from(place)) {
                if let Some(slot) = self.text.get_mut(at) {
                    *slot = place;
                }
                self.walk(explanation, shape, rest, at + 1, value);
                // What is left of a longer text must not stand behind a shorter one.
                if let Some(slot) = self.text.get_mut(at) {
                    *slot = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CharDistribution, Utc};
    use crate::hotlist::simulate::{Chance, Channel, Traffic};

    /// Every text of a length.
    fn texts(length: usize) -> impl Iterator<Item = Places> {
        (0..36usize.pow(length as u32)).map(move |mut n| {
            let mut places = Places { codes: [0; PlateText::MAX_LEN], length: length as u8 };
            for slot in places.codes.iter_mut().take(length) {
                *slot = (n % 36) as u8;
                n /= 36;
            }
            places
        })
    }

    /// A passage of `text`, uncertain in its own way at each position.
    fn seen(text: &str) -> Passage {
        let mut chance = Chance::new(5);
        let (plate, country) = Traffic::new().draw(&mut chance);
        let channel = Channel::new(Confusions::builtin());
        let mut passage = channel.draw(&plate, country, Utc::from_unix_ms(0), &mut chance).unwrap();
        passage.text = PlateText::new(text).unwrap();
        passage.positions = (0..text.len())
            .zip(Places::of(&passage.text).as_slice())
            .map(|(i, &c)| CharDistribution {
                p: std::array::from_fn(|k| {
                    let other = 0.3 / 36.0 * (1.0 + ((k + i * 7) % 5) as f32 / 4.0 - 0.5);
                    if k == usize::from(c) { 0.6 } else { other }
                }),
                none: 0.05,
            })
            .collect();
        passage.confidence = 0.6f32.powi(text.len() as i32);
        passage
    }

    #[test]
    fn all_texts_together_are_the_sum_that_each_is_held_against() {
        for text in ["A1", "12", "7"] {
            let evidence = Evidence::new(&seen(text), &Confusions::builtin()).unwrap();
            let brute: f64 = (text.len() - 1..=text.len() + 1)
                .filter(|&n| n > 0)
                .flat_map(texts)
                .map(|t| evidence.likelihood(&t) * PRIOR.density(t.as_slice(), &evidence.weights, None))
                .sum();
            assert!((evidence.total / brute - 1.0).abs() < 0.02, "{text}: {} {brute}", evidence.total);
            let all: f64 = (text.len() - 1..=text.len() + 1)
                .filter(|&n| n > 0)
                .flat_map(texts)
                .map(|t| evidence.probability(&t, None, 1.0))
                .sum();
            assert!((all / evidence.reliability - 1.0).abs() < 0.02, "{text}: {all}");
        }
    }

    #[test]
    fn candidates_are_all_that_could_be_likely_enough() {
        for text in ["A1", "12"] {
            let evidence = Evidence::new(&seen(text), &Confusions::builtin()).unwrap();
            for least in [0.1, 0.2, 0.5] {
                let found = evidence.candidates(least);
                let enough = |n: usize| texts(n).filter(|t| evidence.probability(t, None, LISTED) >= least);
                // Those of no format with a character more or less are left out on purpose.
                for t in enough(text.len()) {
                    assert!(
                        found.contains(&t),
                        "{text} {least} {t:?} {}",
                        evidence.probability(&t, None, LISTED)
                    );
                }
            }
        }
    }
}
