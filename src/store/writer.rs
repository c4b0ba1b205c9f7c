//! The sole writer: one record, one transaction.
use super::record::Record;
use super::rows::{OutboxRow, OutboxStats, Totals};
use super::{Settings, StoreError};

/// The open store: owns the one writing connection. Used by the thread `store` only.
#[derive(Debug)]
pub struct Store {}

#[allow(missing_docs, unused)]
impl Store {
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn record(&mut self, record: &Record) -> Result<(), StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn totals(&self) -> Totals {
        Totals::default()
    }
    pub fn outbox_next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn outbox_done(&mut self, id: i64) -> Result<(), StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn outbox_failed(&mut self, id: i64, reason: &str) -> Result<(), StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        Err(StoreError::Stopped)
    }
    pub(super) fn database(&self) -> &super::connection::Database {
        &super::connection::Database
    }
}
