//! Reading back.
use super::connection::Database;
use super::rows::{HitQuery, HitRow, OutboxStats, PassageQuery, PassageRow};
use super::{Settings, StoreError};

/// A read-only connection, for the `log` verb, the console and tests. Sees the store as it was last
/// committed, while the writer goes on.
#[derive(Debug)]
pub struct Reader {}

#[allow(missing_docs, unused)]
impl Reader {
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn recent_hits(&self, query: &HitQuery) -> Result<Vec<HitRow>, StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn recent_passages(&self, query: &PassageQuery) -> Result<Vec<PassageRow>, StoreError> {
        Err(StoreError::Stopped)
    }
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        Err(StoreError::Stopped)
    }
}
#[allow(unused)]
pub(super) fn recent_hits(db: &Database, query: &HitQuery) -> Result<Vec<HitRow>, StoreError> {
    Err(StoreError::Stopped)
}
#[allow(unused)]
pub(super) fn recent_passages(db: &Database, query: &PassageQuery) -> Result<Vec<PassageRow>, StoreError> {
    Err(StoreError::Stopped)
}
