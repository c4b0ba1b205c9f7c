//! Time zones: instants as clocks on walls show them, for opening hours and for dates without an offset.

use super::Utc;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt;

/// A time zone of the IANA database, `Europe/Brussels`, or `UTC`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no time zone of the IANA database such as Europe/Brussels, nor UTC")]
pub struct ParseZoneError {
    /// What stood there, cut to 40 characters.
    pub found: String,
}

/// What a clock on a wall shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallTime {
    /// Days since Monday, 0 to 6.
    pub weekday: u8,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// The zone of that name, from the system's database or, where it has none, the one built in.
    ///
    /// # Errors
    /// Where no zone has that name.
    pub fn parse(name: &str) -> Result<Self, ParseZoneError> {
        let name = name.trim();
        if name == "UTC" {
            return Ok(Self::utc());
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self { name: name.to_owned(), zone }),
            Err(_) => Err(ParseZoneError { found: name.chars().take(40).collect() }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clock shows there at `at`.
    pub fn wall(&self, at: Utc) -> WallTime {
        // Every instant that `Utc` can hold is one; the fallback is the epoch, a Thursday.
        let at = jiff::Timestamp::from_millisecond(at.unix_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let wall = self.zone.to_datetime(at);
        WallTime {
            weekday: wall.weekday().to_monday_zero_offset().unsigned_abs(),
            minute: u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs()),
        }
    }

    /// The instant at which the clock shows this; `None` where there is no such day or time. What a change
    /// to summer time skips is taken as if the change came later, what occurs twice as its first time.
    pub fn instant(&self, year: i16, month: i8, day: i8, hour: i8, minute: i8, second: i8) -> Option<Utc> {
        let wall = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let at = self.zone.to_timestamp(wall).ok()?;
        Some(Utc::from_unix_ms(at.as_millisecond()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brussels_in_winter_and_in_summer() {
        let brussels = Zone::parse("Europe/Brussels").unwrap();
        let wall = |t: &str| brussels.wall(t.parse().unwrap());
        assert_eq!(wall("2026-11-23T06:00:00Z"), WallTime { weekday: 0, minute: 7 * 60 });
        assert_eq!(wall("2026-07-05T22:30:00Z"), WallTime { weekday: 0, minute: 30 });
        let midnight = brussels.instant(2026, 7, 6, 0, 0, 0).unwrap();
        assert_eq!(midnight.to_string(), "2026-07-05T22:00:00.000Z");
        // 02:30 on the last Sunday of March does not exist; 02:30 on the last of October does so twice.
        assert!(brussels.instant(2026, 3, 29, 2, 30, 0).is_some());
        let twice = brussels.instant(2026, 10, 25, 2, 30, 0).unwrap();
        assert_eq!(twice.to_string(), "2026-10-25T00:30:00.000Z");
        assert_eq!(brussels.instant(2026, 2, 30, 0, 0, 0), None);
    }

    #[test]
    fn names_that_are_no_zone() {
        assert!(Zone::parse("Europe/Antwerpen").unwrap_err().to_string().contains("Europe/Brussels"));
        assert!(Zone::parse("").is_err());
        assert_eq!(Zone::parse("UTC").unwrap(), Zone::utc());
    }
}
