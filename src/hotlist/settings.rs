//! Which lists are loaded.

use std::path::PathBuf;
use std::time::Duration;

/// One list.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in hits, topics and logs.
    pub name: String,
    /// The CSV file.
    pub path: PathBuf,
    /// How often the file is looked at for a change.
    pub poll: Duration,
    /// Share of bad rows (0 to 1) above which the whole file is refused.
    pub max_bad_share: f64,
}
