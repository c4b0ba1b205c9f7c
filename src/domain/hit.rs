//! Hotlist entries and the hits they cause.

use super::{Country, HitId, Listed, PassageId, Utc};
use std::sync::Arc;

/// Which list, and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListVersion {
    /// The list's configured name.
    pub name: String,
    /// SHA-256 of the file as it was loaded, lower-case hexadecimal.
    pub sha256: String,
    /// When it was loaded.
    pub loaded_at: Utc,
}

/// One line of a hotlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The wanted plate, or the pattern of wanted plates.
    pub plate: Listed,
    /// Line number in its file, the header being line 1.
    pub line: u64,
    /// Why, as the list says: `stolen-vehicle`, `wanted-person`, ...
    pub category: String,
    /// 0 (most urgent) to 100.
    pub priority: u8,
    /// Country of issue; `None` matches any.
    pub country: Option<Country>,
    /// First instant at which it counts.
    pub valid_from: Option<Utc>,
    /// First instant at which it no longer counts.
    pub valid_until: Option<Utc>,
    /// Reference of the case behind it.
    pub case: String,
    /// What the officer should do or know.
    pub instruction: String,
}

/// How a passage met an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchKind {
    /// The observed text is the entry's.
    Exact,
    /// A plate grammar allows only one reading of a look-alike, and that is the entry's.
    Resolved,
    /// The observed text is another one, but what the reader saw makes the entry's likely enough.
    Alternative,
    /// The entry is a pattern.
    Wildcard,
}

impl MatchKind {
    /// Whether operators see it as "possible": the text that was read is not the one that is wanted.
    pub fn is_possible(self) -> bool {
        matches!(self, Self::Alternative | Self::Wildcard)
    }

    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Resolved => "resolved",
            Self::Alternative => "alternative",
            Self::Wildcard => "wildcard",
        }
    }
}

/// Where a hit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitState {
    /// First message: sure enough to act on.
    New,
    /// A better reading of the same vehicle.
    Updated,
    /// The vehicle has left; the last word.
    Final,
    /// The final reading no longer matches.
    Withdrawn,
}

impl HitState {
    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Updated => "updated",
            Self::Final => "final",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A match that goes to operators.
#[derive(Debug, Clone)]
pub struct Hit {
    /// One id through `new`, `updated` and `final`.
    pub id: HitId,
    /// The passage that met the entry.
    pub passage: PassageId,
    /// Where it is in its life.
    pub state: HitState,
    /// How it met the entry.
    pub kind: MatchKind,
    /// Probability that this vehicle carries the entry's plate, 0 to 1.
    pub probability: f32,
    /// The entry, shared with the list it stands in.
    pub entry: Arc<Entry>,
    /// The list and its version.
    pub list: Arc<ListVersion>,
    /// When the box decided it.
    pub decided_at: Utc,
}
