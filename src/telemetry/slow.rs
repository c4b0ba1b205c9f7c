//! Says in the log what took longer than it may: it finds the stalling disk first.

use std::panic::Location;
use std::time::{Duration, Instant};

/// Measures from its making to its drop, and logs a warning where that was over budget.
///
/// ```
/// # use std::time::Duration;
/// let _slow = platewatch::telemetry::SlowGuard::new("commit a passage", Duration::from_millis(250));
/// ```
#[derive(Debug)]
#[must_use = "it measures until it is dropped; bind it to a name"]
pub struct SlowGuard {
    what: &'static str,
    budget: Duration,
    started: Instant,
    at: &'static Location<'static>,
}

impl SlowGuard {
    /// Starts the watch over `what`, which may take `budget`.
    #[track_caller]
    pub fn new(what: &'static str, budget: Duration) -> Self {
        Self { what, budget, started: Instant::now(), at: Location::caller() }
    }
}

impl Drop for SlowGuard {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        if took > self.budget {
            tracing::warn!(
                operation = self.what,
                took_ms = took.as_secs_f64() * 1e3,
                budget_ms = self.budget.as_secs_f64() * 1e3,
                at = %self.at,
                "took longer than it may"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::logging::tests::logged;

    #[test]
    fn only_what_is_over_budget_is_logged_with_its_place() {
        let log = logged(|| {
            drop(SlowGuard::new("quick thing", Duration::from_secs(3_600)));
            let slow = SlowGuard::new("slow thing", Duration::ZERO);
            std::thread::sleep(Duration::from_millis(1));
            drop(slow);
        });
        assert!(log.contains("slow thing") && log.contains("slow.rs:"), "{log}");
        assert!(!log.contains("quick thing"), "{log}");
    }
}
