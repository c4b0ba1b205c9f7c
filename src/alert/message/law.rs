//! What `health` says of the law.

use super::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Under which rules the box works, and what does not fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LawHealth {
    /// Name of the rules.
    pub preset: String,
    /// The rules in a sentence.
    pub statement: String,
    /// `enforce` (cameras without a fitting mandate do not look), `warn` or `off`.
    pub policy: String,
    /// False where the configuration says nothing about the law.
    pub configured: bool,
    /// Whether an officer in charge is on duty.
    pub on_duty: bool,
    /// Of the vehicle's position; null where nobody is asked for it. Where it is stands in passages and hits only.
    #[serde(default)]
    pub position: Option<PositionHealth>,
    /// Mandates in the box.
    pub mandates: Vec<MandateHealth>,
    /// Files that were not taken.
    pub mandates_refused: Vec<MandateRefused>,
    /// Every camera.
    pub cameras: Vec<CameraLaw>,
    /// Rules of the preset whose wording was not checked; `platewatch check` names them.
    pub unchecked_rules: u64,
}

/// Whether it is known where the vehicle is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PositionHealth {
    /// Whether it is known and not too old.
    pub known: bool,
    /// Why not: gpsd is not connected, no receiver has a fix, or it is too old.
    pub problem: Option<String>,
}

/// One mandate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MandateHealth {
    /// Reference of the decision.
    pub reference: String,
    /// When it ends, or an oral one lapses; null where it has no end.
    pub ends_at: Option<Time>,
    /// Whether it was given by word of mouth.
    pub oral: bool,
    /// Whether it has ended.
    pub over: bool,
    /// Whether it ends within the days of the preset.
    pub ending: bool,
}

/// A mandate file that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MandateRefused {
    /// The file; empty where the folder could not be read.
    pub file: String,
    /// Why.
    pub why: String,
}

/// A camera before the law.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameraLaw {
    /// The camera.
    pub camera: String,
    /// Whether a mandate covers what it does now.
    pub may_look: bool,
    /// Whether it is opened; with the policy `warn` also where it may not look.
    pub opened: bool,
    /// The mandate it works under; null where under none.
    pub mandate: Option<String>,
    /// `visible` or `covert`.
    pub mode: String,
    /// Why it may not look; null where it may.
    pub reason: Option<String>,
    /// Lists whose purposes the mandate does not allow.
    pub lists_left_out: Vec<String>,
}
