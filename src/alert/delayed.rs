//! Messages that are sent late: marked as such, and not faster than allowed.

use crate::domain::Utc;
use crate::store::OutboxRow;
use std::time::{Duration, Instant};

/// A message sent later than this after it was made is marked `delayed`.
pub(super) const DELAYED_AFTER: Duration = Duration::from_secs(10);

/// Whether a message is sent late. What this run has recorded is judged by the monotonic clock. For what was there
/// before there is only the wall clock; one that says it was made in the future has been set back meanwhile.
pub(super) fn is_old(row: &OutboxRow) -> bool {
    match row.waited {
        Some(waited) => waited > DELAYED_AFTER,
        None => {
            let ms = Utc::now().since_ms(row.created_at);
            u64::try_from(ms).map_or(true, |ms| ms > DELAYED_AFTER.as_millis() as u64)
        }
    }
}

/// Adds the extension attribute `delayed` to a CloudEvent in JSON without touching anything else of it, so
/// that the rest stays byte for byte what was recorded.
pub(super) fn mark_delayed(payload: String) -> String {
    match payload.strip_prefix('{') {
        Some(rest) => format!("{{\"delayed\":true,{rest}"),
        None => payload,
    }
}

/// A rate held by tokens: as many as a second brings at most, each message takes one.
pub(super) struct Allowance {
    per_s: f64,
    tokens: f64,
    at: Instant,
}

impl Allowance {
    pub fn new(per_s: u32) -> Self {
        let per_s = f64::from(per_s.max(1));
        Self { per_s, tokens: per_s, at: Instant::now() }
    }

    pub fn take(&mut self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * self.per_s).min(self.per_s);
        let may = self.tokens >= 1.0;
        if may {
            self.tokens -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_the_rate_and_no_more_than_a_second_of_it() {
        let start = Instant::now();
        let mut allowance = Allowance::new(10);
        allowance.at = start;
        let taken = |a: &mut Allowance, at| (0..100).filter(|_| a.take_at(at)).count();
        assert_eq!(taken(&mut allowance, start), 10);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(500)), 5);
        assert_eq!(taken(&mut allowance, start + Duration::from_secs(60)), 10);
    }

    #[test]
    fn delayed_is_added_and_the_rest_is_kept() {
        let json = mark_delayed(r#"{"id":"1","data":{"p":0.1}}"#.into());
        let event: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(event["delayed"], true);
        assert!(json.ends_with(r#""id":"1","data":{"p":0.1}}"#));
    }
}
