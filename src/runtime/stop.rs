//! One signal that asks every thread to end in order.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A flag that can be waited for. Clones share it; it never goes back.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

#[derive(Debug, Default)]
struct Shared {
    requested: bool,
    /// Flags that are set with this one.
    children: Vec<Weak<(Mutex<Shared>, Condvar)>>,
}

impl Stop {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone who holds a clone to end.
    pub fn request(&self) {
        let (shared, wake) = &*self.shared;
        let children = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.requested = true;
            std::mem::take(&mut shared.children)
        };
        wake.notify_all();
        for shared in children.iter().filter_map(Weak::upgrade) {
            Self { shared }.request();
        }
    }

    /// A flag of its own that is set with this one too: a part that can be ended while the rest goes on.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new();
        let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.requested {
            drop(shared);
            child.request();
        } else {
            // Children that are gone are forgotten here, so that a part that often ends costs nothing.
            shared.children.retain(|c| c.strong_count() > 0);
            shared.children.push(Arc::downgrade(&child.shared));
        }
        child
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).requested
    }

    /// Sleeps for `time` or until the end is asked for; true in the latter case.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let (shared, wake) = &*self.shared;
        let mut set = shared.lock().unwrap_or_else(PoisonError::into_inner);
        while !set.requested {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            set = wake.wait_timeout(set, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_the_wait() {
        let stop = Stop::new();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        stop.request();
        assert!(waiter.join().unwrap() && stop.requested());
    }

    #[test]
    fn a_child_ends_with_its_parent_and_not_the_other_way() {
        let stop = Stop::new();
        let (one, two) = (stop.child(), stop.child());
        one.request();
        assert!(one.requested() && !stop.requested() && !two.requested());
        stop.request();
        assert!(two.requested() && stop.child().requested());
    }
}
