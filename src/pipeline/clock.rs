//! The wall clock held against the monotonic one.

use crate::domain::Utc;
use std::time::Instant;

/// A difference from which the clock was set rather than steered (NTP slews what is smaller), and no thread was
/// merely late between two readings.
const JUMP_MS: i64 = 1_000;

/// Sees jumps of the wall clock between two looks.
pub(super) struct Clock {
    wall: Utc,
    steady: Instant,
}

impl Clock {
    pub fn new() -> Self {
        Self { wall: Utc::now(), steady: Instant::now() }
    }

    /// What the wall clock should say and what it says, where the two differ by a jump since the last look.
    pub fn look(&mut self) -> Option<(Utc, Utc)> {
        self.look_at(Utc::now(), Instant::now())
    }

    fn look_at(&mut self, wall: Utc, steady: Instant) -> Option<(Utc, Utc)> {
        let passed = steady.saturating_duration_since(self.steady).as_millis();
        let expected = self.wall.plus_ms(i64::try_from(passed).unwrap_or(i64::MAX));
        (self.wall, self.steady) = (wall, steady);
        (wall.since_ms(expected).abs() >= JUMP_MS).then_some((expected, wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_jump_is_seen_once_and_by_how_much_and_drift_is_none() {
        let mut clock = Clock::new();
        let (wall, steady) = (clock.wall, clock.steady);
        let after = |s| steady + Duration::from_secs(s);
        assert_eq!(clock.look_at(wall.plus_ms(60_400), after(60)), None);
        let back = wall.plus_ms(-3_600_000);
        assert_eq!(clock.look_at(back, after(61)), Some((wall.plus_ms(61_400), back)));
        assert_eq!(clock.look_at(back.plus_ms(1_000), after(62)), None);
        let forth = wall.plus_ms(86_400_000);
        assert_eq!(clock.look_at(forth, after(63)).map(|(_, now)| now), Some(forth));
    }
}
