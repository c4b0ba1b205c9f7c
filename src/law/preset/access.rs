//! `[access]` of a preset.

use serde::Deserialize;

/// The section `[access]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRules {}
