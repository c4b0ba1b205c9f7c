//! What an entry of a hotlist wants: one plate, or every plate of a pattern.

use super::{PlateText, PlateTextError};
use std::fmt;

/// The text of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Listed {
    /// One plate.
    Plate(PlateText),
    /// Every plate that fits.
    Pattern(PlatePattern),
}

impl Listed {
    /// Takes a text that is already in the form `[0-9A-Z]{1,16}`, or in that of a [`PlatePattern`].
    ///
    /// # Errors
    /// Where it is neither.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.contains(['*', '?']) {
            PlatePattern::new(text).map(Self::Pattern)
        } else {
            Ok(Self::Plate(PlateText::new(text)?))
        }
    }

    /// As it stands in the list, all ASCII.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plate(text) => text.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }

    /// The plate, where it is one.
    pub fn plate(&self) -> Option<&PlateText> {
        match self {
            Self::Plate(text) => Some(text),
            Self::Pattern(_) => None,
        }
    }
}

impl From<PlateText> for Listed {
    fn from(text: PlateText) -> Self {
        Self::Plate(text)
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `1AB*23?`: `*` stands for any run of characters, also none, `?` for one character.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlatePattern(Box<str>);

/// Why a text is no pattern that may be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not even a plate's characters.
    #[error(transparent)]
    Text(#[from] PlateTextError),
    /// So many patterns of this kind would meet half of all traffic.
    #[error("{0} times *, at most {most} are possible", most = PlatePattern::MAX_RUNS)]
    Runs(usize),
    /// Too little is known.
    #[error("{0} known characters, at least {least} are needed", least = PlatePattern::MIN_KNOWN)]
    Known(usize),
    /// Neither `*` nor `?`.
    #[error("neither * nor ?")]
    NoPattern,
}

impl PlatePattern {
    /// The most `*`.
    pub const MAX_RUNS: usize = 2;
    /// The fewest letters and digits.
    pub const MIN_KNOWN: usize = 3;

    /// Takes 1 to 16 of `0-9 A-Z * ?` with at most [`Self::MAX_RUNS`] `*` and at least
    /// [`Self::MIN_KNOWN`] letters and digits.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if let Some(c) = text.chars().find(|c| !matches!(c, '0'..='9' | 'A'..='Z' | '*' | '?')) {
            return Err(PlateTextError::Character(c).into());
        }
        let runs = text.matches('*').count();
        let known = text.len() - runs - text.matches('?').count();
        match text.len() {
            0 => Err(PlateTextError::Empty.into()),
            n if n > PlateText::MAX_LEN => Err(PlateTextError::TooLong(n).into()),
            n if n == known => Err(PatternError::NoPattern),
            _ if runs > Self::MAX_RUNS => Err(PatternError::Runs(runs)),
            _ if known < Self::MIN_KNOWN => Err(PatternError::Known(known)),
            _ => Ok(Self(text.into())),
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` fits.
    pub fn matches(&self, text: &PlateText) -> bool {
        matches(self.0.as_bytes(), text.as_str().as_bytes())
    }
}

/// The usual comparison with one place to fall back to: the latest `*`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(&k) if k == b'?' || k == c => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((after, from)) = back else { return false };
                back = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&k| k == b'*')
}

impl fmt::Display for PlatePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PlatePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `*` and `?` mean, said without cleverness.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                plainly(rest, text) || text.split_first().is_some_and(|(_, t)| plainly(pattern, t))
            }
            (Some((&k, p)), Some((&c, t))) => (k == b'?' || k == c) && plainly(p, t),
            _ => false,
        }
    }

    #[test]
    fn takes_only_patterns_that_know_enough() {
        for good in ["1ABC12?", "1ABC*", "*ABC*", "1A?*23", "1AB?????????????"] {
            assert_eq!(PlatePattern::new(good).unwrap().as_str(), good);
        }
        assert_eq!(PlatePattern::new("*A*BC*"), Err(PatternError::Runs(3)));
        assert_eq!(PlatePattern::new("1A*"), Err(PatternError::Known(2)));
        assert_eq!(PlatePattern::new("1ABC123"), Err(PatternError::NoPattern));
        assert!(PlatePattern::new("1ab*").is_err() && PlatePattern::new("").is_err());
        assert!(PlatePattern::new("1ABC*123456789012").is_err());
        assert!(
            Listed::new("1ABC123").unwrap().plate().is_some()
                && Listed::new("1ABC*").unwrap().plate().is_none()
        );
    }

    proptest! {
        #[test]
        fn fits_as_said_plainly(pattern in "[A-C*?]{4,9}", text in "[A-C]{1,9}") {
            let Ok(pattern) = PlatePattern::new(&pattern) else { return Ok(()) };
            let text = PlateText::new(&text).unwrap();
            prop_assert_eq!(pattern.matches(&text), plainly(pattern.as_str().as_bytes(), text.as_str().as_bytes()));
        }
    }
}
