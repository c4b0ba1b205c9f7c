//! Which lists are loaded, and which hits they may raise.

use super::{Mapping, Policy, Signers};
use crate::domain::MatchKind;
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
    /// Which hits it may raise.
    pub rules: Rules,
    /// How many false hits it may be expected to cause.
    pub budget: Budget,
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
            rules: Rules::default(),
            budget: Budget::default(),
        }
    }
}

/// Which hits a list may raise.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// These kinds of match only.
    pub kinds: Vec<MatchKind>,
    /// Least probability, 0 to 1, of a match of kind `alternative`.
    pub min_alternative: f32,
}

impl Rules {
    /// Every kind there is. Patterns raise hits only where a list holds them.
    pub const ALL: [MatchKind; 4] =
        [MatchKind::Exact, MatchKind::Resolved, MatchKind::Alternative, MatchKind::Wildcard];
    /// See docs/design/right-hits.md for what it costs and gains.
    pub const MIN_ALTERNATIVE: f32 = 0.2;

    /// Whether a list under these rules raises hits of this kind.
    pub fn raises(&self, kind: MatchKind) -> bool {
        self.kinds.contains(&kind)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { kinds: Self::ALL.to_vec(), min_alternative: Self::MIN_ALTERNATIVE }
    }
}

/// How many false hits a list may be expected to cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// False hits a day; `None` for as many as it causes.
    pub max_false_hits_per_day: Option<f64>,
    /// Load it even above that; every time it is said in the log.
    pub activate_anyway: bool,
    /// Passages a day before this box's cameras.
    pub passages_per_day: f64,
}

impl Budget {
    /// The shield of Erpe-Mere and Lede: 14,991,932 vehicles in 182 days.
    pub const PASSAGES_PER_DAY: f64 = 82_000.0;
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_false_hits_per_day: None,
            activate_anyway: false,
            passages_per_day: Self::PASSAGES_PER_DAY,
        }
    }
}
