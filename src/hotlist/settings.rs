//! Which lists are loaded.

use super::{Mapping, Policy, Signers};
use std::path::PathBuf;
use std::time::Duration;

/// One list.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in hits, topics and logs.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// How the file is laid out.
    pub mapping: Mapping,
    /// How often the file is looked at for a change.
    pub poll: Duration,
    /// Share of bad rows (0 to 1) above which the whole file is refused.
    pub max_bad_share: f64,
    /// Where, when and until when it counts.
    pub policy: Policy,
    /// Who may have signed it; `None` where it needs no signature.
    pub signing: Option<Signing>,
}

/// What a signed list is held to.
#[derive(Debug, Clone)]
pub struct Signing {
    /// Who may sign.
    pub signers: Signers,
    /// The manifest.
    pub manifest: PathBuf,
    /// Folder where the latest accepted version is kept, so that an older one is refused after a restart
    /// too; `None` remembers only while the process runs.
    pub memory: Option<PathBuf>,
    /// Whether an older version than the latest may be loaded.
    pub allow_older: bool,
}

impl Settings {
    /// A list in our own layout, everywhere and always, without a signature.
    pub fn plain(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            mapping: Mapping::own(),
            poll: Duration::from_secs(2),
            max_bad_share: 0.1,
            policy: Policy::default(),
            signing: None,
        }
    }
}
