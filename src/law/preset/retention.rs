//! `[retention]` of a preset.

use serde::Deserialize;

/// The section `[retention]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRules {}
