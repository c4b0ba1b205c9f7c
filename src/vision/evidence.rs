//! The pictures kept of a passage: cut from the frame that was read, encoded and hashed.
//!
//! Two cuts of the same frame, never of a nicer one: the plate, and its surroundings up to a few plate
//! widths. The rest of the frame is not kept, so that people are not recorded (design.md section 6).

use super::VisionError;
use super::card::hex;
use super::letterbox::borrow;
use super::picture::jpeg;
use crate::domain::EvidenceFrame;
use opencv::core::Rect;
use opencv::prelude::*;
use sha2::{Digest, Sha256};

/// Which cut a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureRole {
    /// The plate with a narrow border.
    Plate,
    /// The plate and its surroundings.
    Context,
}

/// A JPEG ready to be kept.
#[derive(Debug, Clone)]
pub struct EncodedPicture {
    /// Which cut.
    pub role: PictureRole,
    /// The file's bytes.
    pub jpeg: Vec<u8>,
    /// SHA-256 of `jpeg`, lower-case hexadecimal.
    pub sha256: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
}

/// Border around the plate, as shares of its width and height.
const PLATE_MARGIN: [f32; 2] = [0.15, 0.5];
/// Surroundings: about a car's width and height around its plate.
const CONTEXT_MARGIN: [f32; 2] = [1.5, 6.0];

/// Cuts, encodes and hashes both pictures. Costs a few milliseconds: off the hot path.
pub fn encode_evidence(evidence: &EvidenceFrame) -> Result<[EncodedPicture; 2], VisionError> {
    Ok([
        cut(evidence, PictureRole::Plate, PLATE_MARGIN, 92)?,
        cut(evidence, PictureRole::Context, CONTEXT_MARGIN, 85)?,
    ])
}

fn cut(
    e: &EvidenceFrame,
    role: PictureRole,
    margin: [f32; 2],
    quality: u8,
) -> Result<EncodedPicture, VisionError> {
    let failed = VisionError::picture("cutting evidence");
    let [x0, y0, x1, y1] = e.corners.bounds();
    let (w, h) = (e.image.width() as f32, e.image.height() as f32);
    let (mx, my) = ((x1 - x0) * margin[0], (y1 - y0) * margin[1]);
    // `max` and `min` also take care of NaN: they give the other argument.
    let left = (x0 - mx).floor().max(0.0).min(w - 1.0);
    let top = (y0 - my).floor().max(0.0).min(h - 1.0);
    let right = (x1 + mx).ceil().min(w).max(left + 1.0);
    let bottom = (y1 + my).ceil().min(h).max(top + 1.0);
    let rect = Rect::new(left as i32, top as i32, (right - left) as i32, (bottom - top) as i32);
    let source = borrow(&e.image)?;
    let roi = Mat::roi(&source, rect).map_err(&failed)?;
    let jpeg = jpeg(&roi, quality)?;
    Ok(EncodedPicture {
        role,
        sha256: hex(&Sha256::digest(&jpeg)),
        jpeg,
        width: rect.width.unsigned_abs(),
        height: rect.height.unsigned_abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CameraId, ClockQuality, ClockSource, Corners, FrameStamp, Image, Utc};
    use std::sync::Arc;

    #[test]
    fn cuts_stay_inside_the_frame_whatever_the_corners() {
        let now = Utc::from_unix_ms(0);
        let clock = ClockQuality { source: ClockSource::Media, error_ms: None };
        for (x0, y0, x1, y1) in [
            (10.0, 10.0, 40.0, 18.0),
            (-50.0, -9.0, 2.0, 2.0),
            (90.0, 50.0, 300.0, 70.0),
            (500.0, 500.0, 510.0, 505.0),
            (f32::NAN, 0.0, 1.0, 1.0),
        ] {
            let e = EvidenceFrame {
                stamp: FrameStamp {
                    camera: CameraId::new("c"),
                    seq: 1,
                    captured_at: now,
                    received_at: now,
                    clock,
                    position: None,
                },
                image: Arc::new(Image::new(100, 60, vec![80; 18_000]).unwrap()),
                corners: Corners::from_box(x0, y0, x1, y1),
            };
            let [plate, context] = encode_evidence(&e).unwrap();
            assert!(plate.width >= 1 && context.width >= plate.width.min(100) && context.height <= 60);
            assert_eq!(plate.sha256, hex(&Sha256::digest(&plate.jpeg)));
        }
    }
}
