//! What operators say of a hit once they have seen to it.

/// An operator's answer to a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was the wanted vehicle.
    Confirmed,
    /// The camera read another text than stood on the plate.
    Misread,
    /// The text is right, the plate is of another country than the wanted one.
    WrongCountry,
    /// The vehicle is no longer wanted, or never was as the list says.
    ListOutOfDate,
    /// Nobody could go; nothing is known of the vehicle.
    NoCapacity,
    /// It was the wanted vehicle, and it was stopped.
    Intercepted,
    /// Put aside without a finding.
    Dismissed,
}

impl Outcome {
    /// All answers, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::Confirmed,
        Self::Intercepted,
        Self::Misread,
        Self::WrongCountry,
        Self::ListOutOfDate,
        Self::NoCapacity,
        Self::Dismissed,
    ];

    /// The word used in messages, tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Misread => "misread",
            Self::WrongCountry => "wrong-country",
            Self::ListOutOfDate => "list-out-of-date",
            Self::NoCapacity => "no-capacity",
            Self::Intercepted => "intercepted",
            Self::Dismissed => "dismissed",
        }
    }

    /// The answer of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == word)
    }

    /// What the answer says of the hit.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Confirmed | Self::Intercepted => Verdict::Right,
            Self::Misread | Self::WrongCountry => Verdict::FalseByReading,
            Self::ListOutOfDate => Verdict::FalseByList,
            Self::NoCapacity | Self::Dismissed => Verdict::None,
        }
    }
}

/// Whether a hit was right, and where it was not, whose fault that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The wanted vehicle.
    Right,
    /// Another vehicle: the box read or matched it wrongly.
    FalseByReading,
    /// The right text, but the list should not have held it.
    FalseByList,
    /// The answer says nothing of it.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back() {
        for o in Outcome::ALL {
            assert_eq!(Outcome::parse(o.as_str()), Some(o));
        }
        assert_eq!(Outcome::parse("Misread"), None);
        assert_eq!(Outcome::parse(""), None);
    }
}
