//! Wall-clock instants as they stand in evidence: UTC with milliseconds and the clock they came from.

use std::fmt;
use std::str::FromStr;

/// An instant in UTC, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Displays and parses as RFC 3339 with exactly three decimals and `Z` (RFC 3339 section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utc(i64);

/// 2025-01-01T00:00:00Z: no platewatch ran before.
const EARLIEST_MS: i64 = 1_735_689_600_000;

/// A text that is no RFC 3339 date-time with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a date and time such as 2026-11-23T08:15:00Z")]
pub struct ParseUtcError {
    /// What stood there.
    pub found: String,
}

impl Utc {
    /// The instant `ms` milliseconds after the Unix epoch; clamped to the years -9999 to 9999.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(jiff::Timestamp::MIN.as_millisecond() + 1, jiff::Timestamp::MAX.as_millisecond()))
    }

    /// The system clock now. Rooms that decide take the time as an argument instead.
    pub fn now() -> Self {
        Self::from_unix_ms(jiff::Timestamp::now().as_millisecond())
    }

    /// Whether a clock that says this can be right: it stands after the making of this program. A box whose battery
    /// is dead begins at 1970, or at the making of its system, and knows no better until somebody tells it.
    pub fn is_set(self) -> bool {
        self.0 >= EARLIEST_MS
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds, saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative where `earlier` is later.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Utc {
    type Err = ParseUtcError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.trim()
            .parse::<jiff::Timestamp>()
            .map(|t| Self::from_unix_ms(t.as_millisecond()))
            .map_err(|_| ParseUtcError { found: s.chars().take(40).collect() })
    }
}

/// Where a time came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The box's clock, kept by NTP (kernel says synchronised).
    Ntp,
    /// A GPS receiver.
    Gps,
    /// The box's clock, not known to be synchronised.
    FreeRunning,
    /// Position in a recorded file added to a start time; says nothing about when it was recorded.
    Media,
}

impl ClockSource {
    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ntp => "ntp",
            Self::Gps => "gps",
            Self::FreeRunning => "free-running",
            Self::Media => "media",
        }
    }
}

/// The clock behind a time, and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockQuality {
    /// The clock.
    pub source: ClockSource,
    /// Estimated error in milliseconds; `None` where nothing is known.
    pub error_ms: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_three_decimals_and_parses_back() {
        let t = Utc::from_unix_ms(1_763_888_400_070);
        assert_eq!(t.to_string(), "2025-11-23T09:00:00.070Z");
        assert_eq!(t.to_string().parse::<Utc>().unwrap(), t);
        assert_eq!(
            "2026-01-01T01:00:00+01:00".parse::<Utc>().unwrap().to_string(),
            "2026-01-01T00:00:00.000Z"
        );
        assert!("yesterday".parse::<Utc>().is_err());
    }
}
