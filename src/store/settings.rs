//! Where records and pictures are kept.

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
}
