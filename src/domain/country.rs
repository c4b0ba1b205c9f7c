//! The country a plate was issued in.

use std::fmt;

/// An ISO 3166-1 alpha-2 code in capitals (`BE`, `NL`, `GB`); a country nobody named is `Option::None`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Belgium.
    pub const BE: Self = Self(*b"BE");

    /// Two ASCII letters in either case; anything else is `None`. `UK` is taken as `GB`.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes = code.trim().as_bytes();
        let (&[a, b], true) = (bytes, bytes.iter().all(u8::is_ascii_alphabetic)) else {
            return None;
        };
        let code = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        Some(if code == *b"UK" { Self(*b"GB") } else { Self(code) })
    }

    /// The two capitals.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_two_letters_only() {
        assert_eq!(Country::parse("be"), Some(Country::BE));
        assert_eq!(Country::parse("UK").map(|c| c.to_string()).as_deref(), Some("GB"));
        for bad in ["", "B", "BEL", "1E", "é"] {
            assert_eq!(Country::parse(bad), None, "{bad}");
        }
    }
}
