//! What the publisher needs of the outbox, so that it can be tried without a store.

use crate::store::{OutboxRow, OutboxStats, StoreError, StoreHandle};
use crossbeam_channel::Receiver;

/// Messages that wait for the broker's acknowledgement. The methods may take as long as a disk write.
pub trait Outbox: Send + 'static {
    /// Up to `limit` waiting messages, most urgent first; a message stays until done or given up on.
    ///
    /// # Errors
    /// The store cannot be read or has ended.
    fn next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError>;

    /// The broker has acknowledged message `id`.
    ///
    /// # Errors
    /// The store cannot be written or has ended; the message will be sent again.
    fn done(&self, id: i64) -> Result<(), StoreError>;

    /// Message `id` can never be delivered, for `reason`.
    ///
    /// # Errors
    /// The store cannot be written or has ended.
    fn failed(&self, id: i64, reason: &str) -> Result<(), StoreError>;

    /// How many wait, since when, and how many were given up on.
    ///
    /// # Errors
    /// The store cannot be read or has ended.
    fn stats(&self) -> Result<OutboxStats, StoreError>;

    /// Told after new messages were recorded.
    fn wakes(&self) -> Receiver<()>;
}

impl Outbox for StoreHandle {
    fn next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.outbox_next(limit)
    }

    fn done(&self, id: i64) -> Result<(), StoreError> {
        self.outbox_done(id)
    }

    fn failed(&self, id: i64, reason: &str) -> Result<(), StoreError> {
        self.outbox_failed(id, reason)
    }

    fn stats(&self) -> Result<OutboxStats, StoreError> {
        self.outbox_stats()
    }

    fn wakes(&self) -> Receiver<()> {
        self.subscribe_outbox()
    }
}
