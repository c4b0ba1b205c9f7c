//! Whether the store's thread is at work, and for how long.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Since when the store's thread has been at one command; by the monotonic clock.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) began: Instant,
    /// Milliseconds from `began` to the start of the command, plus one; 0 while idle.
    pub(super) busy_since: AtomicU64,
}

impl Pulse {
    fn ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    pub(super) fn at_work(&self) {
        self.busy_since.store(self.ms() + 1, Relaxed);
    }

    pub(super) fn idle(&self) {
        self.busy_since.store(0, Relaxed);
    }

    pub(super) fn silent(&self) -> Duration {
        match self.busy_since.load(Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis((self.ms() + 1).saturating_sub(since)),
        }
    }
}
