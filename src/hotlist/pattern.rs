//! Entries that hold a pattern: how they are written, and which of them a text fits.

use super::key::Key;
use crate::domain::{ALPHABET, Listed, PatternError, PlatePattern, PlateText};
use crate::plate::{NormaliseError, normalise};
use std::collections::BTreeMap;

/// The most patterns of one list: each is a question about vehicles at large.
pub(super) const MOST: usize = 10_000;

/// Why the text of an entry is neither a plate nor a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListedError {
    /// A character or a length that no plate has.
    #[error(transparent)]
    Normalise(#[from] NormaliseError),
    /// A pattern that may not be searched for.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// The text of an entry as it is compared: as [`normalise()`] has it, and with `*` and `?` as a [`PlatePattern`].
///
/// # Errors
/// Where it is neither a plate's text nor a pattern with at most two `*` and at least three known characters.
pub fn listed(text: &str) -> Result<Listed, ListedError> {
    if !text.contains(['*', '?']) {
        return Ok(Listed::Plate(normalise(text)?));
    }
    let mut out = String::new();
    let mut before = 0;
    for part in text.split_inclusive(['*', '?']) {
        let known = part.trim_end_matches(['*', '?']);
        match normalise(known) {
            Ok(known) => out.push_str(known.as_str()),
            Err(NormaliseError::Empty) => {}
            Err(NormaliseError::Character { character, column }) => {
                return Err(NormaliseError::Character { character, column: before + column }.into());
            }
            Err(other) => return Err(other.into()),
        }
        out.push_str(part.get(known.len()..).unwrap_or_default());
        before += part.chars().count();
    }
    Ok(Listed::Pattern(PlatePattern::new(&out)?))
}

/// The patterns of a list, each under one thing that every text that fits it has: two known characters at a place
/// counted from the start or from the end, or side by side anywhere; one where there are no two.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    patterns: Vec<(Quick, PlatePattern)>,
    /// Places in `patterns` by what their texts have, in the order of the pairs.
    under: Vec<(Trait, u32)>,
}

/// What a text must have before it is compared with a pattern.
#[derive(Debug, Clone, Copy)]
struct Quick {
    /// Characters that must occur, bit `i` for `ALPHABET[i]`.
    must: u64,
    least: u8,
    most: u8,
    row: u32,
}

/// Characters that a text has, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trait {
    /// So far from the start: one character, or two in a row (0 for no second).
    Start(u8, [u8; 2]),
    /// So far from the end, counted to the first of them.
    End(u8, [u8; 2]),
    /// Anywhere.
    Within([u8; 2]),
}

impl Trait {
    /// How many texts have it, roughly: the fewer, the better a pattern stands under it.
    fn commonness(self) -> u8 {
        match self {
            Self::Start(_, [_, 0]) | Self::End(_, [_, 0]) => 2,
            Self::Within([_, 0]) => 3,
            Self::Within(_) => 1,
            Self::Start(..) | Self::End(..) => 0,
        }
    }
}

/// One and two characters in a row that begin at each place of `text`, in which `?` is unknown.
fn grams(text: &[u8]) -> impl Iterator<Item = (usize, [u8; 2])> + '_ {
    text.iter().enumerate().filter(|(_, c)| **c != b'?').flat_map(|(i, &c)| {
        let two = text.get(i + 1).filter(|c| **c != b'?').map(|&next| (i, [c, next]));
        std::iter::once((i, [c, 0])).chain(two)
    })
}

/// Everything that all texts of a pattern have.
fn traits_of_pattern(pattern: &str) -> Vec<Trait> {
    let parts: Vec<&[u8]> = pattern.split('*').map(str::as_bytes).collect();
    let mut all = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let (first, last) = (n == 0, n + 1 == parts.len());
        for (i, gram) in grams(part) {
            if first {
                all.push(Trait::Start(i as u8, gram));
            }
            if last {
                all.push(Trait::End((part.len() - i) as u8, gram));
            }
            if !first && !last {
                all.push(Trait::Within(gram));
            }
        }
    }
    all
}

fn traits_of_text(text: &str) -> impl Iterator<Item = Trait> + '_ {
    let length = text.len();
    grams(text.as_bytes()).flat_map(move |(i, gram)| {
        [Trait::Start(i as u8, gram), Trait::End((length - i) as u8, gram), Trait::Within(gram)]
    })
}

fn mask(text: &str) -> u64 {
    text.bytes().filter_map(|c| ALPHABET.iter().position(|&a| a == c)).fold(0, |m, i| m | 1 << i)
}

impl Patterns {
    /// Of rows with their texts; those that are plates are left out.
    pub fn new(rows: impl Iterator<Item = (u32, Key)>) -> Self {
        let mut all = Self::default();
        // How many patterns stand under each trait already: a list of one prefix must not end up under that alone.
        let mut crowd: BTreeMap<Trait, u32> = BTreeMap::new();
        for (row, key) in rows {
            let Some(Listed::Pattern(pattern)) = key.listed() else { continue };
            let text = pattern.as_str();
            let runs = text.contains('*');
            let least = text.bytes().filter(|&c| c != b'*').count() as u8;
            let most = if runs { PlateText::MAX_LEN as u8 } else { least };
            let quick = Quick { must: mask(text), least, most, row };
            let crowded = |t: &Trait| crowd.get(t).copied().unwrap_or(0) / 8;
            let best = traits_of_pattern(text).into_iter().min_by_key(|t| (crowded(t), t.commonness()));
            // A pattern has at least three known characters, so there is one.
            let Some(best) = best else { continue };
            *crowd.entry(best).or_default() += 1;
            all.under.push((best, all.patterns.len() as u32));
            all.patterns.push((quick, pattern));
        }
        all.under.sort_unstable();
        all
    }

    /// Rows whose pattern `text` fits, in the order of the rows.
    pub fn fitting(&self, text: &PlateText) -> impl Iterator<Item = usize> + use<> {
        let (has, length) = (mask(text.as_str()), text.as_str().len() as u8);
        let mut rows = Vec::new();
        let asked = if self.under.is_empty() { None } else { Some(traits_of_text(text.as_str())) };
        for wanted in asked.into_iter().flatten() {
            let start = self.under.partition_point(|(t, _)| *t < wanted);
            let under = self.under.get(start..).unwrap_or_default().iter().take_while(|(t, _)| *t == wanted);
            for (q, p) in under.filter_map(|(_, at)| self.patterns.get(*at as usize)) {
                if q.must & !has == 0 && q.least <= length && length <= q.most && p.matches(text) {
                    rows.push(q.row as usize);
                }
            }
        }
        // Texts can have a trait `Within` twice.
        rows.sort_unstable();
        rows.dedup();
        rows.into_iter()
    }

    pub fn len(&self) -> usize {
        self.patterns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_written_like_plates() {
        let of = |t: &str| listed(t).map(|l| l.to_string());
        assert_eq!(of("1-abc-*").unwrap(), "1ABC*");
        assert_eq!(of("?-AB?-12 3").unwrap(), "?AB?123");
        assert_eq!(of("1-ABC-123").unwrap(), "1ABC123");
        assert_eq!(of("1-A*"), Err(PatternError::Known(2).into()));
        assert_eq!(of("*A*BC*1"), Err(PatternError::Runs(3).into()));
        assert_eq!(
            of("1-AB*-€"),
            Err(NormaliseError::Character { character: '€', column: 7 }.into()),
            "counted in the text as given"
        );
        assert_eq!(of(""), Err(NormaliseError::Empty.into()));
    }

    fn patterns(texts: &[String]) -> Patterns {
        let keys = texts.iter().map(|t| match listed(t) {
            Ok(listed) => Key::of_listed(&listed),
            other => panic!("{t}: {other:?}"),
        });
        Patterns::new((0..).zip(keys))
    }

    proptest! {
        #[test]
        fn the_index_finds_what_holding_each_against_the_text_finds(
            texts in prop::collection::vec("[AB1?]{0,2}[AB1]{3}[AB1?]{0,2}|[AB1]{1,3}[*][AB1?]{0,2}[AB1]{2}|[*][AB1]{3}[*?]|[AB1][?][AB1][?][AB1]", 1..30),
            seen in "[AB1]{3,8}",
        ) {
            let texts: Vec<String> = texts.into_iter().filter(|t| matches!(listed(t), Ok(Listed::Pattern(_)))).collect();
            let seen = PlateText::new(&seen).unwrap();
            let each = |t: &String| PlatePattern::new(t).unwrap().matches(&seen);
            let expected: Vec<usize> = (0..texts.len()).filter(|&i| each(&texts[i])).collect();
            prop_assert_eq!(patterns(&texts).fitting(&seen).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_text_is_taken_or_refused_and_twice_is_once(text in "\\PC{0,20}|[0-9A-Za-z*? .-]{0,18}") {
            if let Ok(once) = listed(&text) {
                prop_assert_eq!(listed(once.as_str()), Ok(once));
            }
        }
    }
}
