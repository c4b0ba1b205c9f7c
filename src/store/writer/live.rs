//! What is told first, and the outbox's bound.

use super::{MessageKind, OutboxRow, Record, Store, StoreError, outbox};
use std::time::{Duration, Instant};

/// How long a message of a hit goes ahead of older ones.
const LIVE: Duration = Duration::from_secs(60);
/// Such messages remembered at most: more than a box can have in a minute.
const MOST_LIVE: usize = 10_000;
/// How many messages of passages are taken between two looks at the outbox's bound: some 100 KiB.
const BOUND_EVERY: u32 = 64;

impl Store {
    /// Waiting messages; see [`crate::store::StoreHandle::outbox_next`].
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn outbox_next(&mut self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.forget_old();
        let mut rows = outbox::next(&self.db, limit, self.live.front().map(|(row, _)| *row))?;
        for row in &mut rows {
            row.waited =
                self.born.iter().rev().find(|(first, _)| *first <= row.id).map(|(_, at)| at.elapsed());
        }
        Ok(rows)
    }

    /// Remembers where the messages of hits of the last minute begin.
    pub(super) fn note_live(&mut self, record: &Record) {
        self.forget_old();
        let Some(first) = record.messages.first() else { return };
        // Asked for by its id: the row inserted last is of another table.
        let row = match outbox::row_of(&self.db, &first.event_id) {
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "what was just recorded goes out in its turn, not first");
                return;
            }
        };
        if record.messages.iter().any(|m| m.kind == MessageKind::Hit) {
            self.live.push_back((row, Instant::now()));
        }
        let due = |at: &Instant| at.elapsed() >= Duration::from_secs(1);
        if self.born.back().is_none_or(|(_, at)| due(at)) {
            self.born.push_back((row, Instant::now()));
            if self.born.len() > MOST_LIVE {
                // The middle of an outage of hours need not be known to the second.
                self.born.remove(1);
            }
        }
    }

    pub(super) fn forget_old(&mut self) {
        while self.live.front().is_some_and(|(_, at)| at.elapsed() > LIVE) || self.live.len() > MOST_LIVE {
            self.live.pop_front();
        }
    }

    /// Holds the outbox against its bound now and then.
    pub(super) fn bound_outbox(&mut self, record: &Record) {
        self.unbounded += record.messages.iter().filter(|m| m.kind == MessageKind::Passage).count() as u32;
        if self.unbounded < BOUND_EVERY {
            return;
        }
        self.unbounded = 0;
        match outbox::trim(&self.db, self.settings.outbox_max_bytes) {
            Ok(0) => {}
            Ok(dropped) => {
                self.totals.outbox_dropped += dropped;
                tracing::warn!(dropped, "the outbox is full: the oldest messages of passages were dropped");
            }
            Err(error) => tracing::error!(%error, "the outbox cannot be held to its bound"),
        }
    }
}
