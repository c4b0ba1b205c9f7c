//! Entries that hold a pattern: how they are written, and which of them a text fits.

use super::key::Key;
use crate::domain::{ALPHABET, Listed, PatternError, PlatePattern, PlateText};
use crate::plate::{NormaliseError, normalise};

/// The most patterns of one list: each is held against every passage.
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

/// The patterns of a list.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    quick: Vec<Quick>,
    patterns: Vec<PlatePattern>,
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

fn mask(text: &str) -> u64 {
    text.bytes().filter_map(|c| ALPHABET.iter().position(|&a| a == c)).fold(0, |m, i| m | 1 << i)
}

impl Patterns {
    /// Of rows with their texts; those that are plates are left out.
    pub fn new(rows: impl Iterator<Item = (u32, Key)>) -> Self {
        let mut all = Self::default();
        for (row, key) in rows {
            let Some(Listed::Pattern(pattern)) = key.listed() else { continue };
            let text = pattern.as_str();
            let runs = text.contains('*');
            let least = text.bytes().filter(|&c| c != b'*').count() as u8;
            let most = if runs { PlateText::MAX_LEN as u8 } else { least };
            all.quick.push(Quick { must: mask(text), least, most, row });
            all.patterns.push(pattern);
        }
        all
    }

    /// Rows whose pattern `text` fits.
    pub fn fitting<'a>(&'a self, text: &'a PlateText) -> impl Iterator<Item = usize> + 'a {
        let (has, length) = (mask(text.as_str()), text.as_str().len() as u8);
        self.quick
            .iter()
            .zip(&self.patterns)
            .filter(move |(q, p)| {
                q.must & !has == 0 && q.least <= length && length <= q.most && p.matches(text)
            })
            .map(|(q, _)| q.row as usize)
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

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_and_twice_is_once(text in "\\PC{0,20}|[0-9A-Za-z*? .-]{0,18}") {
            if let Ok(once) = listed(&text) {
                prop_assert_eq!(listed(once.as_str()), Ok(once));
            }
        }
    }
}
