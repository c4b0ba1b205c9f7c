//! Why a hit ended, where it was not by the vehicle leaving.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a hit ended otherwise than by its vehicle leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// The box was cut off with the vehicle in view and has been started again: the message holds what was last
    /// recorded. Where the vehicle still stands there, it gives a hit of its own.
    Restart,
}
