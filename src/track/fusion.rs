//! One text out of many readings of the same plate.
//!
//! Not voting on strings: every position of the plate has 37 hypotheses, the 36 characters and "nothing stands
//! here", and each reading is evidence for and against them (a product of experts, Hinton 2002), weighted by its
//! quality. A reading of another length is laid over the others first (`align.rs`): what it lacks speaks for
//! "nothing", weakly at the ends, where a narrow cut takes characters away, and strongly inside. Where look-alikes are
//! in doubt in the end, the grammar of the likely countries is weighed in (`plate::settle`).

use super::align::{EXTRA, EXTRA_END, MISSING, MISSING_END, align};
use crate::domain::{ALPHABET, CharDistribution, Country, Reading};
use crate::plate::confusion::alike;
use crate::plate::{settle_distribution, weigh_countries};
use std::collections::BTreeMap;

/// What the readings say together.
#[derive(Debug, Clone)]
pub struct Fused {
    /// One distribution a character.
    pub positions: Vec<CharDistribution>,
    /// The likeliest text.
    pub text: String,
    /// Probability that the whole text is right.
    pub confidence: f32,
    /// The likeliest country and its probability.
    pub country: Option<(Country, f32)>,
    /// Lines of text; 0 where unknown.
    pub lines: u8,
    /// Share of the readings whose own text is `text`.
    pub agreement: f32,
}

impl Fused {
    /// Probability that the text is right but for look-alikes. Whether an I or a 1 stands there is for the grammar
    /// and the lists to say; a vehicle is not lost over it.
    pub fn confidence_but_for_look_alikes(&self) -> f32 {
        let mut confidence = self.confidence;
        for d in &self.positions {
            let (best, p) = d.best();
            let pooled: f32 =
                ALPHABET.iter().map(|&c| char::from(c)).filter(|&c| alike(best, c)).map(|c| d.of(c)).sum();
            confidence *= pooled / p.max(f32::MIN_POSITIVE);
        }
        confidence.clamp(0.0, 1.0)
    }
}

/// Consecutive frames show the same dirt, blur and glare, so their errors go together: `n` readings count
/// as `n / (1 + (n - 1) * CORRELATION)` independent ones (the design effect of Kish 1965), at most
/// `1 / CORRELATION`.
const CORRELATION: f32 = 0.5;

/// The same for whether a character stands there at all: a box that is cut too narrow is narrow in this frame, and
/// another in the next.
const CORRELATION_OF_ENDS: f32 = 0.1;

/// A character's probability never counts as less: one frame with a smudge must not veto a hundred.
const FLOOR: f32 = 1e-3;

/// Hypotheses a position has: the alphabet, then "nothing".
const HYPOTHESES: usize = 37;
const NOTHING: usize = HYPOTHESES - 1;

/// Before a reading says so, how likely it is that a position exists which most readings do not have: inside, and at
/// the ends. Of 1,551 readings of the rendered clips with a confidence of 0.3 to 0.97, 22 lacked an end of the plate
/// and 4 had a character too many there, so at the ends the majority says nothing by itself.
const EXTRA_PRIOR: f32 = 0.1;
const EXTRA_PRIOR_END: f32 = 0.5;

/// A reading made ready for fusing.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub reading: Reading,
    pub text: String,
    pub confidence: f32,
    /// How far (in plate widths) it lay from where its track expected it.
    pub jump: f32,
    /// Logarithms of the likelihood of each hypothesis, a position.
    logs: Vec<[f32; HYPOTHESES]>,
}

impl Sample {
    pub fn new(reading: Reading, jump: f32) -> Self {
        let last = reading.positions.len().saturating_sub(1);
        let logs = reading.positions.iter().enumerate().map(|(i, d)| {
            let least = if i == 0 || i == last { EXTRA_END } else { EXTRA };
            let character = |h: usize| d.p.get(h).copied().unwrap_or(0.0).max(FLOOR).ln();
            std::array::from_fn(|h| if h == NOTHING { d.none.max(least).ln() } else { character(h) })
        });
        Self { logs: logs.collect(), text: reading.text(), confidence: reading.confidence(), jump, reading }
    }

    /// What it counts against other readings; never 0, never NaN. How sure the reader is of all of it counts beside
    /// size and sharpness: whatever spoils a picture and is not in its quality (glare, spray, a bad cut) spreads the
    /// reader's probabilities too.
    pub fn weight(&self) -> f32 {
        (self.reading.quality * self.confidence).max(1e-3)
    }

    /// How good it is: what is worth keeping, and worth showing.
    pub fn merit(&self) -> f32 {
        self.reading.quality * self.confidence
    }
}

/// Fuses readings; `None` where none of them has a text. The order of the readings does not matter, to the bit.
pub fn fuse(readings: &[&Reading]) -> Option<Fused> {
    let samples: Vec<Sample> = readings.iter().map(|r| Sample::new((*r).clone(), 0.0)).collect();
    fuse_samples(&samples.iter().collect::<Vec<_>>())
}

/// A reading that stays the only one, as of a still picture: look-alikes in doubt are weighed with the grammar, as
/// [`fuse`] does for the readings of a passage.
pub fn alone(mut reading: Reading) -> Reading {
    settle_distribution(&mut reading.positions, 1.0, &reading.countries);
    let text = reading.text();
    weigh_countries(&text, &mut reading.countries);
    reading
}

/// [`fuse`] over prepared readings.
pub(super) fn fuse_samples(samples: &[&Sample]) -> Option<Fused> {
    let mut all: Vec<&Sample> = samples.iter().copied().filter(|s| !s.logs.is_empty()).collect();
    // Sums of floating numbers depend on their order in the last bit.
    all.sort_by(|a, b| {
        let key = |s: &Sample| (s.reading.stamp.seq, s.reading.quality.to_bits(), s.confidence.to_bits());
        key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text))
    });
    let n = all.len() as f32;
    let independent = n / (1.0 + (n - 1.0) * CORRELATION);
    let presence = n / (1.0 + (n - 1.0) * CORRELATION_OF_ENDS);
    let total: f32 = all.iter().map(|s| s.weight()).sum();
    let share = |s: &Sample| Share {
        character: s.weight() / total * independent,
        presence: s.weight() / total * presence,
    };
    let pivot = likeliest(&all)?;
    let length = pivot.logs.len();
    let fits = |s: &&Sample| s.logs.len() == length && differing(s.text.chars(), pivot.text.chars()) <= FLAT;
    let fitting: Vec<&Sample> = all.iter().copied().filter(fits).collect();
    let fitting_total: f32 = fitting.iter().map(|s| s.weight()).sum();
    let profile: Vec<Column> = (0..length)
        .map(|i| {
            let mut column = Column::new();
            fitting.iter().for_each(|s| {
                let part = s.weight() / fitting_total;
                column.seen(Share { character: part * independent, presence: part * presence }, s, i);
            });
            column
        })
        .collect();
    let profile = if fitting.len() == all.len() && fitting.iter().all(|s| lies_flat(s, &profile)) {
        profile
    } else {
        laid_over(&all, &profile, share)
    };
    let mut positions = Vec::with_capacity(profile.len());
    let mut confidence = fuse_readable(&all, independent);
    for column in profile {
        let d = column.distribution();
        let best = d.best().1;
        confidence *= best.max(d.none);
        if best >= d.none {
            positions.push(d);
        }
    }
    let mut countries = fuse_countries(&all);
    let unsettled: f32 = positions.iter().map(|d| d.best().1).product();
    settle_distribution(&mut positions, independent, &countries);
    let settled: f32 = positions.iter().map(|d| d.best().1).product();
    if unsettled > 0.0 {
        confidence = (confidence * settled / unsettled).min(1.0);
    }
    let text: String = positions.iter().map(|d| d.best().0).collect();
    weigh_countries(&text, &mut countries);
    let same = all.iter().filter(|s| s.text == text).count();
    Some(Fused {
        agreement: same as f32 / n,
        country: countries.first().copied(),
        lines: majority_lines(&all),
        confidence,
        text,
        positions,
    })
}

/// The reading over which the others are laid: one of the text that most readings, by their merit, have.
fn likeliest<'a>(samples: &[&'a Sample]) -> Option<&'a Sample> {
    let mut merits: BTreeMap<&str, f32> = BTreeMap::new();
    for s in samples {
        *merits.entry(&s.text).or_default() += s.merit().max(1e-6);
    }
    let best = merits.into_iter().fold(("", 0.0), |best, x| if x.1 > best.1 { x } else { best }).0;
    samples.iter().copied().find(|s| s.text == best)
}

/// Places at which two texts of one length may differ before one of them may be shifted.
const FLAT: usize = 2;

fn differing(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).filter(|(a, b)| a != b).count()
}

/// Whether a reading lies over the profile place by place.
fn lies_flat(sample: &Sample, profile: &[Column]) -> bool {
    sample.logs.len() == profile.len()
        && differing(sample.text.chars(), profile.iter().map(Column::best)) <= FLAT
}

/// All readings over the profile, positions that only some of them have included.
fn laid_over(all: &[&Sample], profile: &[Column], share: impl Fn(&Sample) -> Share) -> Vec<Column> {
    let n = profile.len();
    let under: Vec<CharDistribution> = profile.iter().map(Column::distribution).collect();
    let mut columns = vec![Column::new(); n];
    // What stands before each position, and after the last.
    let mut between: Vec<Vec<(usize, usize)>> = vec![Vec::new(); n + 1];
    for (k, s) in all.iter().enumerate() {
        let w = share(s);
        if lies_flat(s, profile) {
            columns.iter_mut().enumerate().for_each(|(i, column)| column.seen(w, s, i));
            continue;
        }
        let laid = align(&under, &s.reading.positions);
        let first = laid.at.iter().position(Option::is_some).unwrap_or(n);
        let last = laid.at.iter().rposition(Option::is_some).unwrap_or(0);
        for (i, (column, at)) in columns.iter_mut().zip(&laid.at).enumerate() {
            match at {
                Some(j) => column.seen(w, s, *j),
                None => column.missing(w, i < first || i > last),
            }
        }
        for (before, j) in laid.extra {
            if let Some(slot) = between.get_mut(before).filter(|slot| slot.last().is_none_or(|l| l.0 != k)) {
                slot.push((k, j));
            }
        }
    }
    let mut result = Vec::with_capacity(n + 2);
    let mut columns = columns.into_iter();
    for (i, slot) in between.into_iter().enumerate() {
        if !slot.is_empty() {
            let mut column = Column::doubtful(i == 0 || i == n);
            let mut having = slot.into_iter().peekable();
            for (k, s) in all.iter().enumerate() {
                match having.next_if(|(of, _)| *of == k) {
                    Some((_, j)) => column.seen(share(s), s, j),
                    None => column.missing(share(s), i == 0 || i == n),
                }
            }
            result.push(column);
        }
        result.extend(columns.next());
    }
    result
}

/// What one reading counts, among all: for which character stands at a position, and for whether one does.
#[derive(Clone, Copy)]
struct Share {
    character: f32,
    presence: f32,
}

/// The evidence for every hypothesis at one position, as logarithms.
#[derive(Clone)]
struct Column([f32; HYPOTHESES]);

impl Column {
    fn new() -> Self {
        Self([0.0; HYPOTHESES])
    }

    /// A position that most readings do not have.
    fn doubtful(at_end: bool) -> Self {
        let prior = if at_end { EXTRA_PRIOR_END } else { EXTRA_PRIOR };
        Self(std::array::from_fn(|h| if h == NOTHING { (1.0 - prior).ln() } else { prior.ln() }))
    }

    fn seen(&mut self, share: Share, sample: &Sample, position: usize) {
        let Some(logs) = sample.logs.get(position) else { return };
        for (h, (sum, log)) in self.0.iter_mut().zip(logs).enumerate() {
            *sum += if h == NOTHING { share.presence } else { share.character } * log;
        }
    }

    fn missing(&mut self, share: Share, at_end: bool) {
        let lacking = if at_end { MISSING_END } else { MISSING }.ln();
        for (h, sum) in self.0.iter_mut().enumerate() {
            // 1 - EXTRA: next to nothing.
            *sum += if h == NOTHING { 0.0 } else { share.presence * lacking };
        }
    }

    fn best(&self) -> char {
        let (h, _) = (0..NOTHING)
            .zip(&self.0)
            .fold((0, f32::NEG_INFINITY), |b, (h, &v)| if v > b.1 { (h, v) } else { b });
        ALPHABET.get(h).map_or('?', |&c| char::from(c))
    }

    fn distribution(&self) -> CharDistribution {
        let top = self.0.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let raised = self.0.map(|l| (l - top).exp());
        let sum: f32 = raised.iter().sum();
        CharDistribution { p: std::array::from_fn(|h| raised[h] / sum), none: raised[NOTHING] / sum }
    }
}

/// Countries with their probabilities, likeliest first; empty where no reading says any.
fn fuse_countries(samples: &[&Sample]) -> Vec<(Country, f32)> {
    let mut sums: Vec<(Country, f32)> = Vec::new();
    let mut total = 0.0;
    for r in samples.iter().map(|s| &s.reading).filter(|r| !r.countries.is_empty()) {
        let w = r.quality.max(1e-3);
        total += w;
        for &(country, p) in &r.countries {
            match sums.iter_mut().find(|(c, _)| *c == country) {
                Some((_, sum)) => *sum += w * p,
                None => sums.push((country, w * p)),
            }
        }
    }
    // The name breaks ties, so that the order of the readings cannot matter.
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sums.into_iter().map(|(country, sum)| (country, (sum / total).clamp(0.0, 1.0))).collect()
}

fn majority_lines(samples: &[&Sample]) -> u8 {
    let count = |n: u8| samples.iter().filter(|s| s.reading.lines == n).count();
    match (count(1), count(2)) {
        (0, 0) => 0,
        (one, two) if one >= two => 1,
        _ => 2,
    }
}

/// The same product of experts for the two cases "can be read" and "cannot".
fn fuse_readable(samples: &[&Sample], independent: f32) -> f32 {
    let weights: f32 = samples.iter().map(|s| s.weight()).sum();
    let (yes, no) = samples.iter().fold((0.0, 0.0), |(yes, no), s| {
        let (w, r) = (s.weight() / weights * independent, &s.reading);
        (yes + w * r.readable.max(FLOOR).ln(), no + w * (1.0 - r.readable).max(FLOOR).ln())
    });
    1.0 / (1.0 + (no - yes).exp())
}

#[cfg(test)]
pub(super) mod tests;
