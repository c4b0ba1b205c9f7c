//! When readings become a passage, and when it is over.

use super::areas::Areas;
use std::sync::Arc;

/// One camera's tracking.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A track without a detection for this long (media time, ms) is over.
    pub lost_after_ms: i64,
    /// A vehicle that has stood or stayed in view for long may be hidden for as long as it was seen, at most this
    /// (media time, ms): whoever walks past a parked car does not make it another passage.
    pub hidden_at_most_ms: i64,
    /// Readings needed before a track is a passage.
    pub min_readings: u32,
    /// Fused confidence from which a passage is announced while the vehicle is still in view.
    pub announce_confidence: f32,
    /// Fused confidence below which a closed track is no passage (it is counted).
    pub min_confidence: f32,
    /// Masks and lanes.
    pub areas: Arc<Areas>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lost_after_ms: 1_500,
            hidden_at_most_ms: 30_000,
            min_readings: 2,
            announce_confidence: 0.9,
            min_confidence: 0.5,
            areas: Arc::default(),
        }
    }
}
