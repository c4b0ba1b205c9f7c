//! The frame a passage's best reading came from, before it is encoded.

use super::{Corners, FrameStamp, Image};
use std::sync::Arc;

/// The pixels that were read, and where the plate is in them. Never a nicer frame than the one read.
#[derive(Debug, Clone)]
pub struct EvidenceFrame {
    /// Where and when.
    pub stamp: FrameStamp,
    /// The whole frame; the store cuts the plate and its surroundings out of it.
    pub image: Arc<Image>,
    /// Where the plate is.
    pub corners: Corners,
}
