//! Waiting longer after each failure, for everything that reconnects.

use std::time::Duration;

/// Doubles from `first` up to `most`; a success starts it anew.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits `first`, then twice as long each time, never over `most`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// How long to wait after this failure.
    pub fn failed(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.most);
        wait
    }

    /// Starts anew.
    pub fn succeeded(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_most_and_starts_anew() {
        let s = Duration::from_secs;
        let mut b = Backoff::new(s(1), s(5));
        assert_eq!([b.failed(), b.failed(), b.failed(), b.failed()], [s(1), s(2), s(4), s(5)]);
        b.succeeded();
        assert_eq!(b.failed(), s(1));
    }
}
