//! What a new list would change against the running one.
//!
//! Entries are the same where plate, country and category are: that is what a hit is known by. Each list is
//! boiled down to two numbers an entry, so that lists of ten million can be compared in memory.

use crate::domain::Entry;
use crate::hotlist::List;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// What differs between two lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Entries only in the new one.
    pub added: u64,
    /// Entries only in the running one.
    pub removed: u64,
    /// Entries in both with another priority, validity, case or instruction.
    pub changed: u64,
    /// Entries that are the same in both.
    pub same: u64,
    /// The first of the added, by line of the new list.
    pub added_examples: Vec<Named>,
    /// The first of the removed, by line of the running list.
    pub removed_examples: Vec<Named>,
    /// The first of the changed, by line of the new list.
    pub changed_examples: Vec<Changed>,
}

/// An entry, as far as people need to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Line in its file.
    pub line: u64,
    /// The plate.
    pub plate: String,
    /// Its country, where it has one.
    pub country: Option<String>,
    /// Its category.
    pub category: String,
}

/// An entry that says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The entry in the new list.
    pub entry: Named,
    /// Its line in the running list.
    pub running_line: u64,
    /// Field, what the running list says, what the new one says.
    pub fields: Vec<(&'static str, String, String)>,
}

impl Named {
    fn of(entry: &Entry) -> Self {
        Self {
            line: entry.line,
            plate: entry.plate.as_str().to_owned(),
            country: entry.country.map(|c| c.to_string()),
            category: entry.category.clone(),
        }
    }
}

/// An entry boiled down: who it is, what it says, where it stands.
type Mark = (u64, u64, u64);

fn marks(list: &List, by: &RandomState) -> Vec<Mark> {
    let mark = |e: Entry| {
        let who = by.hash_one((e.plate.as_str(), e.country, &e.category));
        let says = by.hash_one((e.priority, e.valid_from, e.valid_until, &e.case, &e.instruction));
        (who, says, e.line)
    };
    let mut marks: Vec<Mark> = list.entries().map(mark).collect();
    marks.sort_unstable();
    marks
}

/// What `new` would change against `running`, with at most `examples` of each kind.
pub fn difference(running: &List, new: &List, examples: usize) -> Difference {
    let by = RandomState::new();
    let (before, after) = (marks(running, &by), marks(new, &by));
    let mut found = Difference::default();
    let (mut added, mut removed): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut changed: Vec<(u64, u64)> = Vec::new();
    let (mut a, mut b) = (before.iter().peekable(), after.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(old), Some(now)) if old.0 == now.0 => {
                if old.1 == now.1 {
                    found.same += 1
                } else {
                    changed.push((now.2, old.2))
                }
                a.next();
                b.next();
            }
            (Some(old), Some(now)) if old.0 < now.0 => {
                removed.push(old.2);
                a.next();
            }
            (_, Some(now)) => {
                added.push(now.2);
                b.next();
            }
            (Some(old), None) => {
                removed.push(old.2);
                a.next();
            }
            (None, None) => break,
        }
    }
    (found.added, found.removed) = (added.len() as u64, removed.len() as u64);
    found.changed = changed.len() as u64;
    for lines in [&mut added, &mut removed] {
        lines.sort_unstable();
        lines.truncate(examples);
    }
    changed.sort_unstable();
    changed.truncate(examples);
    let mut of_new: Vec<u64> = changed.iter().map(|c| c.0).chain(added.iter().copied()).collect();
    let mut of_running: Vec<u64> = changed.iter().map(|c| c.1).chain(removed.iter().copied()).collect();
    let (new, running) = (pick(new, &mut of_new), pick(running, &mut of_running));
    let named = |from: &HashMap<u64, Entry>, line: &u64| from.get(line).map(Named::of);
    found.added_examples = added.iter().filter_map(|l| named(&new, l)).collect();
    found.removed_examples = removed.iter().filter_map(|l| named(&running, l)).collect();
    found.changed_examples = changed
        .iter()
        .filter_map(|(now, old)| {
            let (now, old) = (new.get(now)?, running.get(old)?);
            Some(Changed { entry: Named::of(now), running_line: old.line, fields: fields(old, now) })
        })
        .collect();
    found
}

/// The entries on these lines.
fn pick(list: &List, lines: &mut [u64]) -> HashMap<u64, Entry> {
    lines.sort_unstable();
    if lines.is_empty() {
        return HashMap::new();
    }
    list.entries().filter(|e| lines.binary_search(&e.line).is_ok()).map(|e| (e.line, e)).collect()
}

fn fields(old: &Entry, now: &Entry) -> Vec<(&'static str, String, String)> {
    let time = |t: Option<crate::domain::Utc>| t.map_or_else(|| "none".to_owned(), |t| t.to_string());
    let all = [
        ("priority", old.priority.to_string(), now.priority.to_string()),
        ("valid_from", time(old.valid_from), time(now.valid_from)),
        ("valid_until", time(old.valid_until), time(now.valid_until)),
        ("case", old.case.clone(), now.case.clone()),
        ("instruction", old.instruction.clone(), now.instruction.clone()),
    ];
    all.into_iter().filter(|(_, old, now)| old != now).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Utc;
    use crate::hotlist::import_bytes;
    use proptest::prelude::*;

    fn list(text: &str) -> List {
        import_bytes(text.as_bytes(), "t", 0.1, Utc::from_unix_ms(0)).unwrap().0
    }

    #[test]
    fn added_removed_and_changed() {
        let head = "plate,category,priority,country,case\n";
        let running =
            list(&format!("{head}1ABC123,stolen,10,BE,C1\n2DEF456,stolen,10,,C2\n3GHI789,stolen,5,,\n"));
        let new = list(&format!(
            "{head}3GHI789,stolen,5,,\n1ABC123,stolen,20,BE,C9\n2DEF456,wanted,10,,C2\n4JKL012,,,,\n"
        ));
        let found = difference(&running, &new, 10);
        assert_eq!((found.added, found.removed, found.changed, found.same), (2, 1, 1, 1));
        let added: Vec<_> = found.added_examples.iter().map(|n| (n.line, n.plate.as_str())).collect();
        assert_eq!(added, [(4, "2DEF456"), (5, "4JKL012")]);
        assert_eq!(found.removed_examples[0].category, "stolen");
        let changed = &found.changed_examples[0];
        assert_eq!((changed.entry.line, changed.running_line), (3, 2));
        assert_eq!(
            changed.fields,
            [("priority", "10".to_owned(), "20".to_owned()), ("case", "C1".into(), "C9".into())]
        );
        assert_eq!(difference(&new, &new, 10), Difference { same: 4, ..Difference::default() });
    }

    proptest! {
        #[test]
        fn every_entry_is_counted_once(
            a in prop::collection::btree_set("[A-C]{1,2}", 1..8),
            b in prop::collection::btree_set("[A-C]{1,2}", 1..8),
        ) {
            let make = |plates: &std::collections::BTreeSet<String>| {
                list(&format!("plate\n{}\n", plates.iter().cloned().collect::<Vec<_>>().join("\n")))
            };
            let found = difference(&make(&a), &make(&b), 3);
            prop_assert_eq!(found.added as usize, b.difference(&a).count());
            prop_assert_eq!(found.removed as usize, a.difference(&b).count());
            prop_assert_eq!(found.same as usize, a.intersection(&b).count());
            prop_assert!(found.added_examples.len() <= 3);
        }
    }
}
