//! Records that wait for the disk: in memory, in order, within a bound.

use crate::store::{MessageKind, Record};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that may wait. A hit with its two pictures takes about 200 KiB, one whose pictures were let go about 8 KiB:
/// room for some 300 hits with pictures, or 8,000 without.
pub(super) const MAX_BYTES: usize = 64 << 20;
/// What a record takes beside its pictures and messages, roughly.
const OVERHEAD: usize = 2_048;

/// A record that is not on disk yet.
pub(super) struct Waiting {
    pub record: Arc<Record>,
    bytes: usize,
    came: Instant,
    /// Its hits have been told of before it was kept.
    pub told: bool,
}

impl Waiting {
    /// For how long it has waited.
    pub fn age(&self) -> Duration {
        self.came.elapsed()
    }

    /// Whether it has hits to tell of.
    pub fn has_hits(&self) -> bool {
        self.record.messages.iter().any(|m| m.kind == MessageKind::Hit)
    }
}

/// What had to go because the bound was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shed {
    /// Passages without a hit.
    pub passages: u64,
    /// Hits that go on without their pictures.
    pub pictures: u64,
    /// Hits, told of or not: nothing else was left to let go.
    pub hits: u64,
}

/// See the module.
pub(super) struct Backlog {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    max: usize,
}

impl Backlog {
    pub fn new(max: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, max }
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the bound is reached.
    pub fn is_full(&self) -> bool {
        self.bytes > self.max
    }

    /// Adds one at the end.
    pub fn push(&mut self, record: Record) {
        let bytes = size(&record);
        self.bytes += bytes;
        self.waiting.push_back(Waiting {
            record: Arc::new(record),
            bytes,
            came: Instant::now(),
            told: false,
        });
    }

    pub fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    pub fn front_mut(&mut self) -> Option<&mut Waiting> {
        self.waiting.front_mut()
    }

    pub fn pop(&mut self) -> Option<Waiting> {
        let gone = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(gone.bytes);
        Some(gone)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.waiting.iter_mut()
    }

    /// Lets go until the bound holds again: first passages without a hit, then pictures, the oldest of each first,
    /// then hits. The first `busy` are left alone: the store has them in hand.
    pub fn shed(&mut self, busy: usize) -> Shed {
        let mut shed = Shed::default();
        while self.is_full() {
            let after = || self.waiting.iter().enumerate().skip(busy);
            if let Some(i) = after().find(|(_, w)| w.record.hits.is_empty() && !w.has_hits()).map(|(i, _)| i)
            {
                self.remove(i);
                shed.passages += 1;
            } else if let Some(i) = after().find(|(_, w)| !w.record.evidence.is_empty()).map(|(i, _)| i) {
                self.strip(i);
                shed.pictures += 1;
            } else if self.waiting.len() > busy {
                self.remove(busy);
                shed.hits += 1;
            } else {
                break;
            }
        }
        shed
    }

    fn remove(&mut self, i: usize) {
        if let Some(gone) = self.waiting.remove(i) {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }

    fn strip(&mut self, i: usize) {
        let Some(w) = self.waiting.get_mut(i) else { return };
        Arc::make_mut(&mut w.record).evidence.clear();
        let bytes = size(&w.record);
        self.bytes = self.bytes.saturating_sub(w.bytes) + bytes;
        w.bytes = bytes;
    }
}

fn size(record: &Record) -> usize {
    let pictures: usize = record.evidence.iter().map(|e| e.jpeg.len()).sum();
    let messages: usize = record.messages.iter().map(|m| m.payload.len()).sum();
    pictures + messages + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hit_record, plain_record};
    use super::*;

    #[test]
    fn passages_go_first_then_pictures_then_hits_and_never_what_is_in_hand() {
        let mut backlog = Backlog::new(40_000);
        backlog.push(plain_record());
        backlog.push(hit_record(20_000));
        backlog.push(plain_record());
        assert_eq!(backlog.shed(0), Shed::default());
        backlog.push(hit_record(20_000));
        assert_eq!(backlog.shed(1), Shed { passages: 1, pictures: 1, hits: 0 }, "{} bytes", backlog.bytes);
        assert_eq!(backlog.len(), 3);
        let busy = backlog.front().unwrap();
        assert!(!busy.has_hits(), "what the store has in hand stays");
        for _ in 0..100 {
            backlog.push(hit_record(10));
            backlog.shed(0);
        }
        assert!(!backlog.is_full() && backlog.len() > 10);
        let hits = backlog.iter_mut().filter(|w| w.has_hits()).count();
        assert_eq!(hits, backlog.len(), "passages had to go before any hit");
        while backlog.pop().is_some() {}
        assert_eq!(backlog.bytes, 0);
    }
}
