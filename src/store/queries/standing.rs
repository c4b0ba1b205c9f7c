//! How a reader stands to the file it was opened on, and what alarms stand.

use super::super::{Alarm, DeadRow, StoreError, alarms::Alarms, outbox};
use super::Reader;
use std::path::Path;

/// Device and number of the file there is now.
pub(super) fn file_of(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

impl Reader {
    /// Whether the database has been replaced since (a damaged one is moved aside): open another reader then.
    pub fn is_outdated(&self) -> bool {
        file_of(&self.db.path) != self.file
    }

    /// Alarms that nobody has acknowledged, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        Alarms::default().open(&self.db)
    }

    /// Messages given up on, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn outbox_dead(&self, limit: usize) -> Result<Vec<DeadRow>, StoreError> {
        outbox::dead(&self.db, limit)
    }
}
