//! `[retention]` of a preset: how long things may be kept.

use super::Rule;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The section `[retention]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRules {
    /// Longest that passages, hits, plate texts and pictures may be kept, in days.
    pub max_days: Rule<u32>,
    /// Longest that the register may be kept, in days.
    pub register_max_days: Rule<u32>,
    /// Longest that the audit chain may be kept, in days.
    pub audit_max_days: Rule<u32>,
    /// The scheme that holds where a zone chooses none.
    pub scheme: Rule<String>,
    /// Terms that go together, by name.
    pub schemes: BTreeMap<String, Rule<Scheme>>,
}

/// Terms that go together, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Passages without a hit.
    pub non_hits: u32,
    /// Passages with a hit.
    pub hits: u32,
    /// Readable plates.
    pub plate_texts: u32,
    /// Pictures.
    pub pictures: u32,
    /// The register.
    pub register: u32,
    /// The audit chain.
    pub audit: u32,
}
