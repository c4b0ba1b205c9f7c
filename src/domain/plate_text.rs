//! The text of a plate in the one form in which plates are compared.

use std::fmt;

/// 1 to 16 characters of `0-9 A-Z`, no separators. Only `plate::normalise` and readers make it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlateText(Box<str>);

/// Why a text cannot be a plate's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlateTextError {
    /// Nothing left.
    #[error("no letter or digit")]
    Empty,
    /// Longer than any plate.
    #[error("{0} characters, at most 16 are possible")]
    TooLong(usize),
    /// A character outside `0-9 A-Z`.
    #[error("character {0:?} cannot stand on a plate")]
    Character(char),
}

impl PlateText {
    /// The longest text taken. Belgian personalised plates have 8, some US vanity plates 8.
    pub const MAX_LEN: usize = 16;

    /// Takes a text that is already in the form `[0-9A-Z]{1,16}`.
    pub fn new(text: &str) -> Result<Self, PlateTextError> {
        if let Some(c) = text.chars().find(|c| !matches!(c, '0'..='9' | 'A'..='Z')) {
            return Err(PlateTextError::Character(c));
        }
        match text.len() {
            0 => Err(PlateTextError::Empty),
            n if n > Self::MAX_LEN => Err(PlateTextError::TooLong(n)),
            _ => Ok(Self(text.into())),
        }
    }

    /// The characters, all ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PlateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_the_compared_form() {
        assert_eq!(PlateText::new("1ABC123").unwrap().as_str(), "1ABC123");
        assert_eq!(PlateText::new(""), Err(PlateTextError::Empty));
        assert_eq!(PlateText::new("1-ABC"), Err(PlateTextError::Character('-')));
        assert_eq!(PlateText::new("abc"), Err(PlateTextError::Character('a')));
        assert_eq!(PlateText::new(&"A".repeat(17)), Err(PlateTextError::TooLong(17)));
    }
}
