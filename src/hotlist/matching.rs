//! A passage against a snapshot of all lists. Pure: the time is an argument.

use super::evidence::{Evidence, LISTED, Places};
use super::key::Key;
use super::{HotlistSet, List};
use crate::domain::{Country, Entry, ListVersion, MatchKind, Passage, PlateText, Utc};
use crate::plate::resolve;
use std::sync::Arc;

/// Probability from which the reader's country is believed; below it the country counts as unknown.
pub const COUNTRY_BELIEVED: f32 = 0.8;

/// An entry that a passage met.
#[derive(Debug, Clone)]
pub struct Match {
    /// The entry.
    pub entry: Arc<Entry>,
    /// The list it stands in, and the version of it.
    pub list: Arc<ListVersion>,
    /// How the passage met it.
    pub kind: MatchKind,
    /// Probability that the plate carries the entry's text, or one that fits its pattern, 0 to 1.
    ///
    /// * Exact: the passage's confidence.
    /// * Resolved: the product over the positions of the observed text's probability, to which, where a grammar
    ///   changed the character, that of the entry's is added: the grammar settles that both mean the same, so
    ///   what the reader gave to either counts.
    /// * Alternative: by Bayes' rule over all plates there could be (`hotlist::evidence`), an entry being
    ///   [`LISTED`] times as likely to pass as any other plate of its format.
    /// * Wildcard: as exact where the observed text fits the pattern, as resolved where only the settled one does.
    pub probability: f32,
}

/// Every entry that `passage` meets at `now`, most urgent first, then by list name and line; each once, by the best
/// kind: exact, resolved, alternative, wildcard. Each list raises only the kinds that its rules name.
///
/// * Exact: the observed text is the entry's.
/// * Resolved: they are the same after the grammar has settled look-alikes, in the observed text, in the
///   entry's (lists that hold `O` for `0`), or in both; under the same country's grammar.
/// * Alternative: the observed text is another, but the passage's distribution makes the entry's at least as
///   probable as the list's rules ask.
/// * Wildcard: the observed text, or the settled one, fits the entry's pattern.
/// * Country: an entry without one matches any. One with a country does not match a passage of which the
///   reader believes another ([`COUNTRY_BELIEVED`]): the same text on a foreign plate is another vehicle,
///   and stopping it is the false alarm the country column exists to prevent. Where the reader does not
///   know, the text decides.
/// * Policy: a list counts only at its cameras, in its hours and while it is not stopped for its age. Where
///   its source writes every O as 0, an observed O is looked up as 0 too (resolved).
/// * Validity: from `valid_from` inclusive to `valid_until` exclusive. While the clock is not set, neither validity
///   nor hours nor age can be judged: all count, and the hit says so.
pub fn match_passage(set: &HotlistSet, passage: &Passage, now: Utc) -> Vec<Match> {
    match_passage_on(set, passage, now, |_| true)
}

/// The same on those lists only for which `allowed` is true.
pub fn match_passage_on(
    set: &HotlistSet,
    passage: &Passage,
    now: Utc,
    allowed: impl Fn(&List) -> bool,
) -> Vec<Match> {
    met(set, passage, now, now, allowed)
}

/// The same for a passage kept from before: a list's cameras and hours are held against the passage as it was, the
/// validity of its entries and its age against `now`. A theft reported today is wanted for what passed yesterday.
pub fn match_past(set: &HotlistSet, passage: &Passage, now: Utc) -> Vec<Match> {
    met(set, passage, passage.last_seen, now, |_| true)
}

fn met(
    set: &HotlistSet,
    passage: &Passage,
    passed: Utc,
    now: Utc,
    allowed: impl Fn(&List) -> bool,
) -> Vec<Match> {
    let seen = Seen::new(set, passage);
    let mut found = Vec::new();
    for list in set.lists().iter().filter(|l| !l.is_empty()) {
        if list.policy().applies_to(&passage.camera, passed, now) && allowed(list) {
            seen.meet(list, now, &mut found);
        }
    }
    found.sort_by(|a, b| {
        let key = |m: &Match| (m.entry.priority, m.entry.line);
        (key(a).0, &a.list.name, key(a).1).cmp(&(key(b).0, &b.list.name, key(b).1))
    });
    found
}

/// What a passage says, worked out once for all lists.
struct Seen<'a> {
    passage: &'a Passage,
    /// The country, where it is believed.
    country: Option<Country>,
    settled: Option<crate::plate::Resolved>,
    evidence: Option<Evidence>,
    /// Texts that could be likely enough for the list that asks least.
    candidates: Vec<Places>,
}

impl<'a> Seen<'a> {
    fn new(set: &HotlistSet, passage: &'a Passage) -> Self {
        let country = passage.country.filter(|c| c.1 >= COUNTRY_BELIEVED).map(|c| c.0);
        let asking = set.lists().iter().filter(|l| !l.is_empty() && l.rules().raises(MatchKind::Alternative));
        let least = asking.map(|l| l.rules().min_alternative).reduce(f32::min);
        let evidence = least.and_then(|_| Evidence::new(passage, set.confusions()));
        let candidates = match (&evidence, least) {
            (Some(evidence), Some(least)) => evidence.candidates(f64::from(least)),
            _ => Vec::new(),
        };
        Self { passage, country, settled: resolve(&passage.text, country), evidence, candidates }
    }

    /// Adds the entries of `list` that this passage meets.
    fn meet(&self, list: &Arc<List>, now: Utc, found: &mut Vec<Match>) {
        let passage = self.passage;
        let rules = list.rules();
        let mut seen: Vec<usize> = Vec::new();
        let mut take = |row: usize, kind: MatchKind, settled_in: Option<Country>, probability: f32| {
            // An entry that the best kind meets is not met by another one, raised or not.
            if seen.contains(&row) {
                return;
            }
            let Some(mut entry) = list.entry(row) else { return };
            let contradicts = |c: Option<Country>| matches!((entry.country, c), (Some(a), Some(b)) if a != b);
            if contradicts(self.country) || contradicts(settled_in) || !is_valid(&entry, now) {
                return;
            }
            seen.push(row);
            if rules.raises(kind) {
                list.policy().mark(&mut entry, now);
                found.push(Match {
                    entry: Arc::new(entry),
                    list: Arc::clone(list.version()),
                    kind,
                    probability,
                });
            }
        };
        for row in list.rows_of(Key::of(&passage.text)) {
            take(row, MatchKind::Exact, None, passage.confidence);
        }
        if let Some(s) = &self.settled {
            for row in list.rows_of(Key::of(&s.text)) {
                take(row, MatchKind::Resolved, Some(s.format.country), settled_probability(passage, &s.text));
            }
        }
        if let Some(as_listed) = list.policy().as_listed(&passage.text) {
            for row in list.rows_of(Key::of(&as_listed)) {
                take(row, MatchKind::Resolved, None, settled_probability(passage, &as_listed));
            }
        }
        // Entries that mean another text than they hold.
        let meant = self.settled.as_ref().map_or(&passage.text, |s| &s.text);
        for (row, settled_in) in list.rows_meaning(Key::of(meant)) {
            let same_grammar = self.country.is_none_or(|c| c == settled_in)
                && self.settled.as_ref().is_none_or(|s| s.format.country == settled_in);
            let Some(entry) = list.entry(row).filter(|_| same_grammar) else { continue };
            let probability = entry.plate.plate().map_or(0.0, |text| settled_probability(passage, text));
            take(row, MatchKind::Resolved, Some(settled_in), probability);
        }
        if let (Some(evidence), true) = (&self.evidence, rules.raises(MatchKind::Alternative)) {
            for text in &self.candidates {
                let key = Key::of_places(text.as_slice());
                let rows = list.rows_of(key).map(|row| (row, None));
                for (row, settled_in) in rows.chain(list.rows_meaning(key).map(|(row, c)| (row, Some(c)))) {
                    let country = list.country(row).or(settled_in);
                    let probability = evidence.probability(text, country, LISTED) as f32;
                    if probability >= rules.min_alternative {
                        take(row, MatchKind::Alternative, settled_in, probability.min(1.0));
                    }
                }
            }
        }
        for row in list.rows_fitting(&passage.text) {
            take(row, MatchKind::Wildcard, None, passage.confidence);
        }
        if let Some(s) = &self.settled {
            for row in list.rows_fitting(&s.text) {
                take(row, MatchKind::Wildcard, Some(s.format.country), settled_probability(passage, &s.text));
            }
        }
    }
}

/// A clock that is not set cannot judge: then every entry counts, and says so ([`super::Policy::mark`]).
fn is_valid(entry: &Entry, now: Utc) -> bool {
    if !now.is_set() {
        return true;
    }
    entry.valid_from.is_none_or(|t| t <= now) && entry.valid_until.is_none_or(|t| now < t)
}

/// See [`Match::probability`].
fn settled_probability(passage: &Passage, wanted: &PlateText) -> f32 {
    let observed = passage.text.as_str();
    // A passage without its distribution (or with another than its text) has only its confidence.
    if observed == wanted.as_str()
        || observed.len() != passage.positions.len()
        || observed.len() != wanted.as_str().len()
    {
        return passage.confidence;
    }
    // The confidence may hold more than the product of the positions (readability, agreement); keep that.
    let product = |f: &dyn Fn(char, char, usize) -> f32| -> f32 {
        observed.chars().zip(wanted.as_str().chars()).enumerate().map(|(i, (o, w))| f(o, w, i)).product()
    };
    let of = |c: char, i: usize| passage.positions.get(i).map_or(0.0, |d| d.of(c)).clamp(0.0, 1.0);
    let raw = product(&|o, _, i| of(o, i));
    let settled = product(&|o, w, i| if o == w { of(o, i) } else { (of(o, i) + of(w, i)).min(1.0) });
    // A reader that gave nonsense (NaN) is sure of nothing.
    let probability = passage.confidence * settled / raw;
    if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
