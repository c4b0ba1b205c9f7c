//! When, where and in which frame a plate was seen.

use super::{Time, finite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The frame of the best reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BestFrame {
    /// Counts the frames of this camera since it was started.
    pub seq: u64,
    /// When it was taken.
    pub captured_at: Time,
    /// Top-left, top-right, bottom-right and bottom-left of the plate: `[x, y]` in px.
    #[serde(deserialize_with = "finite::read")]
    pub corners: [[f32; 2]; 4],
}

/// The clock behind the times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// `ntp`, `gps`, `free-running` or `media` (a recording).
    pub source: String,
    /// Estimated error in milliseconds; null where nothing is known.
    pub error_ms: Option<u32>,
}

/// Where, WGS 84, as a GeoJSON point (RFC 7946) with two members of our own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Always `Point`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Longitude, latitude in degrees.
    pub coordinates: [f64; 2],
    /// Degrees clockwise from north in which the vehicle or camera points; null where unknown.
    #[serde(default, deserialize_with = "finite::read")]
    pub heading: Option<f32>,
    /// Estimated horizontal error in metres; null where unknown.
    #[serde(default, deserialize_with = "finite::read")]
    pub accuracy_m: Option<f32>,
}
