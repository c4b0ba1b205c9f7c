//! A list as an immutable snapshot, and the shared handle to all of them.

use super::Policy;
use super::confusions::Confusions;
use super::index::{Index, shift_for};
use super::key::Key;
use super::pattern::Patterns;
use super::settings::Rules;
use crate::domain::{Country, Entry, ListVersion, Listed, PlateText, Utc};
use crate::plate::resolve;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What many entries of a list have in common, stored once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Details {
    pub country: Option<Country>,
    pub category: String,
    pub priority: u8,
    pub valid_from: Option<Utc>,
    pub valid_until: Option<Utc>,
    pub instruction: String,
}

/// [`Row::case_at`] of an entry without a case reference.
const NO_CASE: u32 = u32::MAX;

/// One entry: 24 bytes and its case reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub key: Key,
    /// Line in the file.
    pub line: u32,
    /// Index into the list's details.
    pub details: u32,
    /// Where its case reference begins in [`Cases`].
    pub case_at: u32,
}

/// Case references one after the other, each behind its length in two bytes.
#[derive(Debug, Default)]
pub(super) struct Cases(Vec<u8>);

impl Cases {
    /// Where it stands now; `None` where it or all of them together are too long.
    pub fn push(&mut self, case: &str) -> Option<u32> {
        if case.is_empty() {
            return Some(NO_CASE);
        }
        let at = u32::try_from(self.0.len()).ok().filter(|&at| at < NO_CASE)?;
        self.0.extend(u16::try_from(case.len()).ok()?.to_le_bytes());
        self.0.extend(case.as_bytes());
        Some(at)
    }

    pub fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let text = || {
            let length = u16::from_le_bytes([*self.0.get(at)?, *self.0.get(at + 1)?]);
            std::str::from_utf8(self.0.get(at + 2..at + 2 + usize::from(length))?).ok()
        };
        text().unwrap_or_default()
    }

    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// An entry whose text a grammar reads as another one.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    key: Key,
    country: Country,
    row: u32,
}

/// One hotlist as it was loaded; never changes.
///
/// Rows are packed and stand in the order of their [`Index`]; an [`Entry`] is made of one only where a passage
/// meets it, so a list costs some 25 bytes an entry and its case reference instead of some 250.
#[derive(Debug)]
pub struct List {
    version: Arc<ListVersion>,
    rows: Vec<Row>,
    index: Index,
    details: Vec<Details>,
    cases: Cases,
    meanings: Vec<Meaning>,
    patterns: Patterns,
    rules: Rules,
    policy: Arc<Policy>,
}

impl List {
    /// `rows` must stand in the [`order`](super::index::order) of the index for their number, and what they point
    /// at must exist (checked where it is used).
    pub(super) fn new(version: ListVersion, rows: Vec<Row>, details: Vec<Details>, cases: Cases) -> Self {
        let index = Index::new(rows.iter().map(|r| r.key), shift_for(rows.len()));
        let (meanings, patterns) = meanings(&rows, &details);
        let keys = patterns.into_iter().filter_map(|row| Some((row, rows.get(row as usize)?.key)));
        let patterns = Patterns::new(keys);
        let rules = Rules::default();
        let policy = Arc::default();
        Self { version: Arc::new(version), rows, index, details, cases, meanings, patterns, rules, policy }
    }

    /// This list under other rules.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Which hits its entries may raise.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Name, hash and time of loading.
    pub fn version(&self) -> &Arc<ListVersion> {
        &self.version
    }

    /// The same under `policy`.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Where and when it counts, and where it comes from.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many of the entries are patterns.
    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// Bytes that entries and index take, but for what many entries have in common.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.index.bytes()
            + self.cases.0.capacity()
            + self.meanings.capacity() * size_of::<Meaning>()
    }

    /// The entries in the order of their texts.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut order: Vec<u32> = (0u32..).take(self.rows.len()).collect();
        order.sort_unstable_by_key(|&row| self.rows.get(row as usize).map(|r| (r.key, r.line)));
        order.into_iter().filter_map(|row| self.entry(row as usize))
    }

    /// How many entries hold this very text.
    pub fn holds(&self, text: &PlateText) -> usize {
        self.rows_of(Key::of(text)).count()
    }

    /// The entry of a row.
    pub(super) fn entry(&self, row: usize) -> Option<Entry> {
        let row = self.rows.get(row)?;
        let details = self.details.get(row.details as usize)?;
        Some(Entry {
            plate: row.key.listed()?,
            line: u64::from(row.line),
            category: details.category.clone(),
            priority: details.priority,
            country: details.country,
            valid_from: details.valid_from,
            valid_until: details.valid_until,
            case: self.cases.get(row.case_at).to_owned(),
            instruction: details.instruction.clone(),
        })
    }

    /// The country that the entry of a row is for.
    pub(super) fn country(&self, row: usize) -> Option<Country> {
        self.details.get(self.rows.get(row)?.details as usize)?.country
    }

    /// The rows whose text has this key.
    pub(super) fn rows_of(&self, key: Key) -> impl Iterator<Item = usize> + '_ {
        let bucket = self.index.bucket(key);
        let start = bucket.start;
        let rows = self.rows.get(bucket).unwrap_or_default();
        rows.iter().enumerate().filter(move |(_, r)| r.key == key).map(move |(i, _)| start + i)
    }

    /// The rows that a grammar reads as the text of `key` though they hold another one, and the grammar's country.
    pub(super) fn rows_meaning(&self, key: Key) -> impl Iterator<Item = (usize, Country)> + '_ {
        let start = self.meanings.partition_point(|m| m.key < key);
        let from = self.meanings.get(start..).unwrap_or_default();
        from.iter().take_while(move |m| m.key == key).map(|m| (m.row as usize, m.country))
    }

    /// The rows whose pattern the text fits.
    pub(super) fn rows_fitting(&self, text: &PlateText) -> impl Iterator<Item = usize> + use<> {
        self.patterns.fitting(text)
    }
}

/// The rows that mean another text than they hold, by that text, and those that are patterns.
fn meanings(rows: &[Row], details: &[Details]) -> (Vec<Meaning>, Vec<u32>) {
    let of = |first: usize, rows: &[Row]| {
        let (mut meanings, mut patterns) = (Vec::new(), Vec::new());
        for (row, r) in (first as u32..).zip(rows) {
            match r.key.listed() {
                Some(Listed::Plate(text)) => {
                    let country = details.get(r.details as usize).and_then(|d| d.country);
                    if let Some(settled) = resolve(&text, country) {
                        let key = Key::of(&settled.text);
                        meanings.push(Meaning { key, country: settled.format.country, row });
                    }
                }
                Some(Listed::Pattern(_)) => patterns.push(row),
                None => {}
            }
        }
        (meanings, patterns)
    };
    // Asking the grammar is most of the work of loading a long list.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8);
    let share = rows.len().div_ceil(threads).max(10_000);
    let of = &of;
    let parts: Vec<(Vec<Meaning>, Vec<u32>)> = std::thread::scope(|scope| {
        let parts: Vec<_> = rows
            .chunks(share)
            .enumerate()
            .map(|(i, part)| (i * share, part))
            .map(|(first, part)| (first, part, scope.spawn(move || of(first, part))))
            .collect();
        parts
            .into_iter()
            .map(|(first, part, thread)| thread.join().unwrap_or_else(|_| of(first, part)))
            .collect()
    });
    let (mut meanings, mut patterns) = (Vec::new(), Vec::new());
    for (m, p) in parts {
        meanings.extend(m);
        patterns.extend(p);
    }
    meanings.sort_unstable_by_key(|m| (m.key, m.row));
    meanings.shrink_to_fit();
    (meanings, patterns)
}

/// All lists at one instant, in the order of their names, and the confusions of the reader they are matched with.
#[derive(Debug, Clone)]
pub struct HotlistSet {
    lists: Vec<Arc<List>>,
    confusions: Arc<Confusions>,
}

impl Default for HotlistSet {
    fn default() -> Self {
        Self::of_reader(Confusions::builtin())
    }
}

impl HotlistSet {
    /// No list yet, for a reader that confuses characters so.
    pub fn of_reader(confusions: Arc<Confusions>) -> Self {
        Self { lists: Vec::new(), confusions }
    }

    /// The lists.
    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
    }

    /// How the reader confuses characters.
    pub fn confusions(&self) -> &Arc<Confusions> {
        &self.confusions
    }

    /// How many entries all lists have together.
    pub fn entries(&self) -> usize {
        self.lists.iter().map(|l| l.len()).sum()
    }

    /// The list of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<List>> {
        self.lists.iter().find(|l| l.version.name == name)
    }

    /// These lists with `list` in the place of the one of its name.
    #[must_use]
    pub fn with(&self, list: Arc<List>) -> Self {
        let mut lists: Vec<_> =
            self.lists.iter().filter(|l| l.version.name != list.version.name).cloned().collect();
        lists.push(list);
        lists.sort_by(|a, b| a.version.name.cmp(&b.version.name));
        Self { lists, confusions: Arc::clone(&self.confusions) }
    }
}

/// The lists in use, shared by all who match; swapped whole, so that matching never waits for a reload.
#[derive(Debug, Clone, Default)]
pub struct Hotlists {
    current: Arc<ArcSwap<HotlistSet>>,
    reload: Arc<AtomicBool>,
}

impl Hotlists {
    /// No list yet, for the shipped reader.
    pub fn new() -> Self {
        Self::default()
    }

    /// No list yet, for a reader that confuses characters so.
    pub fn of_reader(confusions: Arc<Confusions>) -> Self {
        let current = Arc::new(ArcSwap::from_pointee(HotlistSet::of_reader(confusions)));
        Self { current, reload: Arc::default() }
    }

    /// The lists as they are now; what is done with one snapshot sees one version of each.
    pub fn snapshot(&self) -> Arc<HotlistSet> {
        self.current.load_full()
    }

    /// Asks for every list's file to be read again within a second, changed or not.
    pub fn reload(&self) {
        self.reload.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked since the last call.
    pub(super) fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }

    /// Puts `list` in the place of the one of its name.
    pub fn replace(&self, list: impl Into<Arc<List>>) {
        let list = list.into();
        self.current.rcu(|set| set.with(Arc::clone(&list)));
    }
}
