//! One vehicle's pass before one camera.

use super::{
    CameraId, CharDistribution, ClockQuality, Corners, Country, PassageId, PlateText, Position, Utc,
};

/// Where a passage is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassageState {
    /// The vehicle is still in view.
    Open,
    /// Its track has ended; nothing will change any more.
    Closed,
}

/// One vehicle's pass: the plate as read from all its frames, how sure, when and where.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Fixed from the first frame on.
    pub id: PassageId,
    /// Which camera saw it.
    pub camera: CameraId,
    /// Whether it may still change.
    pub state: PassageState,
    /// When its first reading was taken.
    pub first_seen: Utc,
    /// When its latest reading was taken.
    pub last_seen: Utc,
    /// The clock behind these times.
    pub clock: ClockQuality,
    /// Where the camera was at the best reading.
    pub position: Option<Position>,
    /// The observed text; nothing ever overwrites it with what a list says.
    pub text: PlateText,
    /// Probability that the whole text is right, 0 to 1.
    pub confidence: f32,
    /// The fused distribution of every position of `text`.
    pub positions: Vec<CharDistribution>,
    /// The likeliest country and its probability.
    pub country: Option<(Country, f32)>,
    /// Lines of text on the plate; 0 where unknown.
    pub lines: u8,
    /// How many readings were fused.
    pub readings: u32,
    /// Share of the readings whose own text is `text`, 0 to 1.
    pub agreement: f32,
    /// Sequence number of the frame with the best reading: the evidence frame.
    pub best_frame: u64,
    /// When that frame was taken.
    pub best_frame_at: Utc,
    /// When that frame's pixels were in memory here.
    pub best_frame_received_at: Utc,
    /// Where the plate is in that frame.
    pub best_corners: Corners,
}
