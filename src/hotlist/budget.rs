//! The false hits a list is expected to cause, before it causes any.
//!
//! For an entry `e`, let a passage of evidence `x` be one of its own vehicle with probability `p(e|x)`, `e` being as
//! common as any plate of its format. The innocents who meet `e` by evidence `x` are then `(1 - p) / p` for each
//! own vehicle that does. So the rate of false hits is
//!
//! ```text
//! sum over entries of  P(e passes) * mean over its own passages x that meet e of (1 - p(e|x)) / p(e|x)
//! ```
//!
//! (a change of measure: innocents who look like `e` are rare, vehicles that are `e` can be drawn at will). What
//! stands near each entry counts, because `p` is held against all plates there could be: an entry that is one
//! look-alike away from a common plate has a low `p`. Own passages are drawn by [`Channel`], entries by chance where
//! the list is long. A pattern's hits are all taken for false: which of the vehicles that fit is meant, nobody knows.

use super::evidence::{Evidence, Places};
use super::matching::match_passage;
use super::prior::{PRIOR, Weights};
use super::simulate::{Chance, Channel, Traffic};
use super::{Confusions, HotlistSet, ImportError, List, Rules, Settings};
use crate::domain::{Country, Entry, MatchKind, PlateText, Utc};
use crate::plate::grammar::HOME;
use crate::plate::{classify, resolve};
use std::sync::Arc;

/// Own passages that are drawn, over all entries together; fewer in tests, which run without optimisation.
const DRAWS: usize = if cfg!(test) { 4_000 } else { 40_000 };
/// Plates of the traffic that are held against patterns.
const PATTERN_DRAWS: usize = if cfg!(test) { 10_000 } else { 200_000 };
/// No single draw counts as more innocents than this for one own vehicle.
const MOST_EACH: f64 = 1e9;

/// What one kind of match is expected to cause in a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedKind {
    /// The kind.
    pub kind: MatchKind,
    /// False hits a day.
    pub false_hits_per_day: f64,
    /// Share of the own passages of its plates that it meets; 0 for patterns, whose vehicles nobody knows.
    pub own_share: f64,
}

/// What a list is expected to cause in a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Entries of the list.
    pub entries: usize,
    /// Passages a day that it was reckoned for.
    pub passages_per_day: f64,
    /// By kind, those its rules raise.
    pub kinds: Vec<ExpectedKind>,
    /// Entries that cause most: their texts and false hits a day, the worst first; at most ten, of those drawn.
    pub worst: Vec<(String, f64)>,
}

impl Expected {
    /// False hits a day, all kinds together.
    pub fn false_hits_per_day(&self) -> f64 {
        self.kinds.iter().map(|k| k.false_hits_per_day).sum()
    }
}

/// Reckons the false hits of `list` in a day of `passages_per_day`, read by a reader of these confusions. The same
/// list gives the same figures every time. Takes about a second, however long the list is.
pub fn expect(list: &Arc<List>, confusions: &Arc<Confusions>, passages_per_day: f64, now: Utc) -> Expected {
    let set = HotlistSet::of_reader(Arc::clone(confusions)).with(Arc::clone(list));
    let channel = Channel::new(Arc::clone(confusions));
    let mut chance = Chance::new(0x706c_6174_6577);
    let entries = list.len();
    let sampled = entries.min(DRAWS);
    let each = (DRAWS / sampled.max(1)).clamp(1, 200);
    let mut sums = [Sum::default(); Rules::ALL.len()];
    let mut worst: Vec<(String, f64)> = Vec::new();
    let mut drawn = 0usize;
    for i in 0..sampled {
        // Evenly over the rows, whose order is one of chance.
        let row = i * entries / sampled.max(1);
        let Some(entry) = list.entry(row) else { continue };
        let Some(plate) = entry.plate.plate() else { continue };
        // A list that holds the O for the 0 looks for the vehicle with the 0.
        let meant = resolve(plate, entry.country).map(|r| r.text);
        let plate = meant.as_ref().unwrap_or(plate);
        let own = own_passages(&set, &channel, &entry, plate, each, now, &mut chance);
        let per_day = own.common * passages_per_day / each as f64;
        drawn += each;
        let mut here = 0.0;
        for (sum, (met, odds)) in sums.iter_mut().zip(own.kinds) {
            sum.met += met;
            sum.false_hits += odds * per_day;
            here += odds * per_day;
        }
        worst.push((entry.plate.to_string(), here));
    }
    worst.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    worst.truncate(10);
    let scale = entries as f64 / sampled.max(1) as f64;
    let of_patterns = pattern_hits(list, passages_per_day, &mut chance);
    let kinds = Rules::ALL
        .into_iter()
        .zip(sums)
        .filter(|(kind, _)| list.rules().raises(*kind))
        .map(|(kind, sum)| match kind {
            MatchKind::Wildcard => ExpectedKind { kind, false_hits_per_day: of_patterns, own_share: 0.0 },
            _ => ExpectedKind {
                kind,
                false_hits_per_day: sum.false_hits * scale,
                own_share: sum.met / drawn.max(1) as f64,
            },
        })
        .collect();
    Expected { entries, passages_per_day, kinds, worst }
}

/// Whether a list may be used under its budget; what it is expected to cause, where it has one.
///
/// # Errors
/// Where it is expected to cause more than `max_false_hits_per_day` and nobody said to use it all the same.
pub fn admit(
    list: &Arc<List>,
    settings: &Settings,
    confusions: &Arc<Confusions>,
    now: Utc,
) -> Result<Option<Expected>, ImportError> {
    let Some(allowed) = settings.budget.max_false_hits_per_day else { return Ok(None) };
    let expected = expect(list, confusions, settings.budget.passages_per_day, now);
    let total = expected.false_hits_per_day();
    if total <= allowed {
        return Ok(Some(expected));
    }
    if settings.budget.activate_anyway {
        tracing::warn!(
            list = settings.name,
            expected_per_day = total,
            allowed_per_day = allowed,
            "hotlist is over its budget of false hits and is used all the same, as activate_over_budget says"
        );
        return Ok(Some(expected));
    }
    let (path, entries) = (settings.path.clone(), list.len());
    Err(ImportError::OverBudget { path, entries, expected: total, allowed })
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    met: f64,
    false_hits: f64,
}

struct Own {
    /// Probability that a passing plate is this one.
    common: f64,
    /// By kind: own passages that it meets, and the innocents for them.
    kinds: [(f64, f64); Rules::ALL.len()],
}

fn own_passages(
    set: &HotlistSet,
    channel: &Channel,
    entry: &Entry,
    plate: &PlateText,
    each: usize,
    now: Utc,
    chance: &mut Chance,
) -> Own {
    let country = entry.country.or_else(|| classify(plate, None).map(|f| f.country)).unwrap_or(HOME);
    let places = Places::of(plate);
    let common = PRIOR.density(places.as_slice(), &Weights::new(None), entry.country);
    let mut kinds = [(0.0, 0.0); Rules::ALL.len()];
    for _ in 0..each {
        let Some(passage) = channel.draw(plate, country, now, chance) else { continue };
        if passage.confidence < MIN_CONFIDENCE {
            continue;
        }
        for m in match_passage(set, &passage, now) {
            if m.entry.line != entry.line {
                continue;
            }
            let own = Evidence::new(&passage, set.confusions())
                .map_or(1.0, |e| e.probability(&places, entry.country, 1.0));
            let odds = if own > 0.0 { ((1.0 - own) / own).min(MOST_EACH) } else { MOST_EACH };
            if let Some(kind) = Rules::ALL.iter().position(|&k| k == m.kind).and_then(|k| kinds.get_mut(k)) {
                kind.0 += 1.0;
                kind.1 += odds;
            }
        }
    }
    Own { common, kinds }
}

/// Passages that are less sure than this are none (`track.min_confidence`'s default).
pub const MIN_CONFIDENCE: f32 = 0.5;

fn pattern_hits(list: &Arc<List>, passages_per_day: f64, chance: &mut Chance) -> f64 {
    if list.patterns() == 0 {
        return 0.0;
    }
    let traffic = Traffic::new();
    let believed = |entry: Option<Country>, country: Country| entry.is_none_or(|c| c == country);
    let hits: usize = (0..PATTERN_DRAWS)
        .map(|_| {
            let (plate, country) = traffic.draw(chance);
            list.rows_fitting(&plate).filter(|&row| believed(list.country(row), country)).count()
        })
        .sum();
    hits as f64 / PATTERN_DRAWS as f64 * passages_per_day
}

#[cfg(test)]
mod tests;
