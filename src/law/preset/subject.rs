//! `[subject]` of a preset.

use serde::Deserialize;

/// The section `[subject]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectRules {}
