//! Where records and pictures are kept.

use super::retention::Retention;
use crate::runtime::StoreKey;
use std::path::PathBuf;

/// The store of one box.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the database (`platewatch.db`) and the pictures (`pictures/`).
    pub dir: PathBuf,
    /// Whether passages without a hit are kept too.
    pub keep_passages: bool,
    /// Whether pictures are kept for passages without a hit.
    pub keep_passage_pictures: bool,
    /// Bytes of payload that messages of passages without a hit may hold while they wait for the broker; beyond
    /// it the oldest go, counted. Messages of hits are never dropped.
    pub outbox_max_bytes: u64,
    /// Deletion by age; `None` keeps everything.
    pub retention: Option<Retention>,
    /// The key with which database and pictures are encrypted; `None`: they are not.
    pub key: Option<StoreKey>,
}

impl Settings {
    /// The store in `dir` with every default.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            keep_passages: true,
            keep_passage_pictures: false,
            outbox_max_bytes: 512 << 20,
            retention: None,
            key: None,
        }
    }
}
