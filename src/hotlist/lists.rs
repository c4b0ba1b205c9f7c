//! A list as an immutable snapshot, and the shared handle to all of them.

use super::Policy;
use crate::domain::{ALPHABET, Country, Entry, ListVersion, PlateText, Utc};
use crate::plate::resolve;
use arc_swap::ArcSwap;
use std::ops::Range;
use std::sync::Arc;

/// A plate text in 12 bytes that sort as the texts do: 6 bits a character, 0 past the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u8; 12]);

impl Key {
    pub(super) fn of(text: &PlateText) -> Self {
        let mut bits: u128 = 0;
        for c in text.as_str().bytes() {
            let code = match c {
                b'0'..=b'9' => c - b'0' + 1,
                _ => c.wrapping_sub(b'A').wrapping_add(11),
            };
            bits = bits << 6 | u128::from(code & 0x3f);
        }
        bits <<= 6 * (PlateText::MAX_LEN - text.as_str().len().min(PlateText::MAX_LEN));
        let [_, _, _, _, key @ ..] = bits.to_be_bytes();
        Self(key)
    }

    fn text(self) -> Option<PlateText> {
        let mut bytes = [0; 16];
        bytes[4..].copy_from_slice(&self.0);
        let bits = u128::from_be_bytes(bytes);
        let text: String = (0..PlateText::MAX_LEN)
            .rev()
            .map(|i| (bits >> (6 * i) & 0x3f) as usize)
            .take_while(|&code| code != 0)
            .filter_map(|code| ALPHABET.get(code - 1).map(|&c| char::from(c)))
            .collect();
        PlateText::new(&text).ok()
    }
}

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

/// One entry: 28 bytes and its case reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub key: Key,
    /// Line in the file.
    pub line: u32,
    /// Index into the list's details.
    pub details: u32,
    /// Where its case reference begins in the list's references.
    pub case_at: u32,
    /// How many bytes it has.
    pub case_len: u16,
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
/// Rows are sorted by text and packed; an [`Entry`] is made of one only where a passage meets it, so a
/// list costs some 40 bytes an entry instead of some 250.
#[derive(Debug)]
pub struct List {
    version: Arc<ListVersion>,
    rows: Vec<Row>,
    details: Vec<Details>,
    cases: String,
    meanings: Vec<Meaning>,
    policy: Arc<Policy>,
}

impl List {
    /// `rows` must be sorted by key, and what they point at must exist (checked where it is used).
    pub(super) fn new(version: ListVersion, rows: Vec<Row>, details: Vec<Details>, cases: String) -> Self {
        let policy = Arc::default();
        let mut list =
            Self { version: Arc::new(version), rows, details, cases, meanings: Vec::new(), policy };
        let mut meanings: Vec<Meaning> = (0u32..)
            .zip(&list.rows)
            .filter_map(|(row, r)| {
                let country = list.details.get(r.details as usize).and_then(|d| d.country);
                let settled = resolve(&r.key.text()?, country)?;
                Some(Meaning { key: Key::of(&settled.text), country: settled.format.country, row })
            })
            .collect();
        meanings.sort_unstable_by_key(|m| m.key);
        list.meanings = meanings;
        list
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

    /// The entries in the order of their texts.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.rows.len()).filter_map(|row| self.entry(row))
    }

    /// The entry of a row.
    pub(super) fn entry(&self, row: usize) -> Option<Entry> {
        let row = self.rows.get(row)?;
        let details = self.details.get(row.details as usize)?;
        let case = row.case_at as usize..row.case_at as usize + row.case_len as usize;
        Some(Entry {
            plate: row.key.text()?,
            line: u64::from(row.line),
            category: details.category.clone(),
            priority: details.priority,
            country: details.country,
            valid_from: details.valid_from,
            valid_until: details.valid_until,
            case: self.cases.get(case).unwrap_or_default().to_owned(),
            instruction: details.instruction.clone(),
        })
    }

    /// The rows whose text is `text`.
    pub(super) fn rows_of(&self, text: &PlateText) -> Range<usize> {
        equal_range(&self.rows, Key::of(text), |r| r.key)
    }

    /// The rows that a grammar reads as `text` though they hold another one, and the grammar's country.
    pub(super) fn rows_meaning(&self, text: &PlateText) -> impl Iterator<Item = (usize, Country)> + '_ {
        let range = equal_range(&self.meanings, Key::of(text), |m| m.key);
        self.meanings.get(range).unwrap_or_default().iter().map(|m| (m.row as usize, m.country))
    }
}

fn equal_range<T>(sorted: &[T], key: Key, of: impl Fn(&T) -> Key) -> Range<usize> {
    let start = sorted.partition_point(|t| of(t) < key);
    let len = sorted.get(start..).unwrap_or_default().iter().take_while(|t| of(t) == key).count();
    start..start + len
}

/// All lists at one instant, in the order of their names.
#[derive(Debug, Default, Clone)]
pub struct HotlistSet {
    lists: Vec<Arc<List>>,
}

impl HotlistSet {
    /// The lists.
    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
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
        Self { lists }
    }
}

/// The lists in use, shared by all who match; swapped whole, so that matching never waits for a reload.
#[derive(Debug, Clone, Default)]
pub struct Hotlists {
    current: Arc<ArcSwap<HotlistSet>>,
}

impl Hotlists {
    /// No list yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lists as they are now; what is done with one snapshot sees one version of each.
    pub fn snapshot(&self) -> Arc<HotlistSet> {
        self.current.load_full()
    }

    /// Puts `list` in the place of the one of its name.
    pub fn replace(&self, list: List) {
        let list = Arc::new(list);
        self.current.rcu(|set| set.with(Arc::clone(&list)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_hold_the_text_and_sort_like_it(a in "[0-9A-Z]{1,16}", b in "[0-9A-Z]{1,16}") {
            let (a, b) = (PlateText::new(&a).unwrap(), PlateText::new(&b).unwrap());
            prop_assert_eq!(Key::of(&a).text(), Some(a.clone()));
            prop_assert_eq!(Key::of(&a).cmp(&Key::of(&b)), a.cmp(&b));
        }
    }
}
