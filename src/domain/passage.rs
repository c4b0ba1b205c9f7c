//! One vehicle's pass before one camera.

use super::{
    CameraId, CharDistribution, ClockQuality, Corners, Country, PassageId, PlateText, Position, Utc,
};
use std::sync::Arc;

/// Where a passage is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassageState {
    /// The vehicle is still in view.
    Open,
    /// Its track has ended; nothing will change any more.
    Closed,
}

/// Where a vehicle goes, seen from the camera. For a camera that moves itself: relative to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It comes nearer.
    Towards,
    /// It goes away.
    Away,
    /// Across the picture, to the left.
    Left,
    /// Across the picture, to the right.
    Right,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Towards, Self::Away, Self::Left, Self::Right];

    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Towards => "towards",
            Self::Away => "away",
            Self::Left => "left",
            Self::Right => "right",
        }
    }
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
    /// Whether its readings contradict each other more than misreading explains, as those of two vehicles do;
    /// `text` is then what the better part of them says.
    pub contradictory: bool,
    /// Where the vehicle went; `None` where it stood, or was seen too briefly to tell.
    pub direction: Option<Direction>,
    /// The camera's configured lane or zone in which it was seen most.
    pub lane: Option<Arc<str>>,
    /// Reference of the mandate the camera worked under; `None`: under none.
    pub mandate: Option<Arc<str>>,
    /// Sequence number of the frame with the best reading: the evidence frame.
    pub best_frame: u64,
    /// When that frame was taken.
    pub best_frame_at: Utc,
    /// When that frame's pixels were in memory here.
    pub best_frame_received_at: Utc,
    /// Where the plate is in that frame.
    pub best_corners: Corners,
}
