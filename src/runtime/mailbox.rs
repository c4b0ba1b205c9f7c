//! Bounded waiting places between the threads that bring and the one that takes.
//!
//! One box a camera, one taker for several cameras, served in turn so that no camera starves another.
//! What happens when a box is full is the bringer's policy, a type and not a habit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What happens to a new item when its box is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest item makes room: live cameras, where the newest frame wins.
    DropOldest,
    /// The bringer waits: files, of which nothing may be lost.
    Wait,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits to be taken.
    Kept,
    /// It waits, and an older one was dropped for it.
    DroppedOldest,
    /// The taker has gone; the item was dropped.
    Closed,
}

struct Inner<T> {
    boxes: Vec<VecDeque<T>>,
    next: usize,
    closed: bool,
}

/// `n` boxes of `capacity` items each.
pub struct Mailboxes<T> {
    inner: Mutex<Inner<T>>,
    capacity: usize,
    arrived: Condvar,
    room: Condvar,
}

impl<T> Mailboxes<T> {
    /// Empty boxes.
    pub fn new(n: usize, capacity: usize) -> Self {
        let boxes = (0..n).map(|_| VecDeque::new()).collect();
        Self {
            inner: Mutex::new(Inner { boxes, next: 0, closed: false }),
            capacity: capacity.max(1),
            arrived: Condvar::new(),
            room: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings `item` to box `index`. A box that does not exist is closed.
    pub fn put(&self, index: usize, item: T, when_full: WhenFull) -> Put {
        let mut inner = self.lock();
        let mut outcome = Put::Kept;
        loop {
            if inner.closed {
                return Put::Closed;
            }
            let Some(queue) = inner.boxes.get_mut(index) else { return Put::Closed };
            if queue.len() < self.capacity {
                queue.push_back(item);
                self.arrived.notify_one();
                return outcome;
            }
            match when_full {
                WhenFull::DropOldest => {
                    queue.pop_front();
                    outcome = Put::DroppedOldest;
                }
                WhenFull::Wait => inner = self.room.wait(inner).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Takes the oldest item of the next box that has one; `None` after `timeout` or once closed and empty.
    pub fn take(&self, timeout: Duration) -> Option<(usize, T)> {
        let until = Instant::now() + timeout;
        let mut inner = self.lock();
        loop {
            let n = inner.boxes.len();
            let turn = inner.next;
            for i in (0..n).map(|k| (turn + k) % n.max(1)) {
                if let Some(item) = inner.boxes.get_mut(i).and_then(VecDeque::pop_front) {
                    inner.next = (i + 1) % n;
                    self.room.notify_all();
                    return Some((i, item));
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if inner.closed || left.is_zero() {
                return None;
            }
            inner = self.arrived.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Items waiting in all boxes.
    pub fn len(&self) -> usize {
        self.lock().boxes.iter().map(VecDeque::len).sum()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`Self::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// No item is taken in any more; those waiting can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn the_newest_wins_where_the_oldest_is_dropped() {
        let m = Mailboxes::new(1, 1);
        assert_eq!(m.put(0, 1, WhenFull::DropOldest), Put::Kept);
        assert_eq!(m.put(0, 2, WhenFull::DropOldest), Put::DroppedOldest);
        assert_eq!((m.take(NOW), m.take(NOW)), (Some((0, 2)), None));
    }

    #[test]
    fn boxes_are_served_in_turn() {
        let m = Mailboxes::new(2, 8);
        for i in 0..3 {
            m.put(0, i, WhenFull::Wait);
        }
        m.put(1, 9, WhenFull::Wait);
        let order: Vec<_> = std::iter::from_fn(|| m.take(NOW)).collect();
        assert_eq!(order, [(0, 0), (1, 9), (0, 1), (0, 2)]);
    }

    #[test]
    fn a_waiting_bringer_goes_on_when_there_is_room_or_the_taker_goes() {
        let m = Arc::new(Mailboxes::new(1, 1));
        m.put(0, 1, WhenFull::Wait);
        let other = Arc::clone(&m);
        let bringer = std::thread::spawn(move || [2, 3].map(|i| other.put(0, i, WhenFull::Wait)));
        assert_eq!(m.take(Duration::from_secs(60)), Some((0, 1)));
        assert_eq!(m.take(Duration::from_secs(60)), Some((0, 2)));
        m.close();
        let outcome = bringer.join().unwrap();
        assert_eq!(outcome[0], Put::Kept);
        assert!(matches!(outcome[1], Put::Kept | Put::Closed));
        assert_eq!(m.put(0, 4, WhenFull::Wait), Put::Closed);
    }
}
