//! How long things are kept.

use crate::domain::Utc;

/// Days each kind of data is kept, counted from when the vehicle was first seen (or the thing was done).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Passages without a hit, readable or as traces.
    pub non_hits: u32,
    /// Passages with a hit, their hits, answers and messages.
    pub hits: u32,
    /// Readable plates, with or without a hit: after it only a keyed hash is left until the passage's own term.
    pub plate_texts: u32,
    /// Pictures.
    pub pictures: u32,
    /// The register: searches on record, requests of subjects, ended holds, stretches of use.
    pub register: u32,
    /// The audit chain.
    pub audit: u32,
}

/// What is kept of a passage without a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonHits {
    /// The plate as read.
    #[default]
    Text,
    /// A keyed hash of the plate only, from the beginning.
    Hash,
}

/// Deletion by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long.
    pub terms: Terms,
    /// What is kept of passages without a hit.
    pub non_hits: NonHits,
}

const DAY_MS: i64 = 86_400_000;

/// What is older than `days` at `now` lies before this time.
pub(in crate::store) fn before(now: Utc, days: u32) -> i64 {
    now.plus_ms(-i64::from(days).saturating_mul(DAY_MS)).unix_ms()
}
