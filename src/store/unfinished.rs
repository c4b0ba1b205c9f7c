//! Hits that have not had their last word: of a box that is at work, or of one that was cut off.

use super::StoreError;
use super::queries::{self, Reader};
use super::rows::{HitQuery, HitRow, PassageRow};
use crate::domain::Hit;
use std::sync::Arc;

/// A hit in its last known state, with its passage.
#[derive(Debug, Clone)]
pub struct OpenHit {
    /// The hit.
    pub hit: Hit,
    /// What is kept of the passage.
    pub passage: PassageRow,
}

impl Reader {
    /// Hits whose last message was `new` or `updated`, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open_hits(&self) -> Result<Vec<HitRow>, StoreError> {
        let query = HitQuery { open: true, limit: usize::MAX, ..HitQuery::default() };
        let mut found = self.recent_hits(&query)?;
        found.reverse();
        Ok(found)
    }

    /// `row` with its passage.
    ///
    /// # Errors
    /// The passage cannot be read.
    pub fn open_hit(&self, row: HitRow) -> Result<OpenHit, StoreError> {
        let passage = queries::by_id(self.database(), row.passage)?;
        let hit = Hit {
            id: row.id,
            passage: row.passage,
            state: row.state,
            kind: row.kind,
            probability: row.probability,
            entry: Arc::new(row.entry),
            list: Arc::new(row.list),
            decided_at: row.decided_at,
        };
        Ok(OpenHit { hit, passage })
    }
}
