//! The pictures kept of a passage: cut from the frame that was read, encoded and hashed.
//!
//! Two cuts of the same frame, never of a nicer one: the plate, and its surroundings. The rest of the frame is not
//! kept. People are not recorded unless the mandate says so (WPA art. 25/4: modalities; design.md section 6): the
//! surroundings end below the windscreen, and faces that are in them all the same are made unrecognisable before the
//! picture is encoded, so that no file ever held them.

use super::VisionError;
use super::card::hex;
use super::faces::FaceFinder;
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

/// How people are treated in the pictures of a camera.
#[derive(Debug)]
pub enum People<'a> {
    /// The mandate allows them: wide surroundings, nothing hidden.
    Allowed,
    /// They are kept out and hidden: surroundings end below the windscreen, and the finder's faces are blurred. Without
    /// a finder the surroundings are narrower still.
    Hidden(Option<&'a mut FaceFinder>),
}

/// Border around a plate: left and right as a share of its width, above and below of its height.
#[derive(Debug, Clone, Copy)]
struct Margin {
    side: f32,
    above: f32,
    below: f32,
}

const PLATE: Margin = Margin { side: 0.15, above: 0.5, below: 0.5 };
/// About a car's width and height around its plate.
const WIDE: Margin = Margin { side: 1.5, above: 6.0, below: 6.0 };
/// A car is 1.8 m wide and its plate 0.52 m: 1.25 plates to each side. The plate is 0.11 m high and windscreens begin some
/// 0.5 m above it.
const VEHICLE: Margin = Margin { side: 1.25, above: 4.5, below: 2.5 };
/// Bumper and bonnet's edge.
const NARROW: Margin = Margin { side: 1.0, above: 2.5, below: 1.5 };
/// A plate of two lines is twice as high and no wider: its height says less of where the windscreen is than its width.
const ABOVE_AT_MOST_WIDTHS: f32 = 1.4;

/// Cuts, encodes and hashes both pictures. Costs a few milliseconds, with a face finder some 30, which a hit
/// waits for and frames do not.
pub fn encode_evidence(
    evidence: &EvidenceFrame,
    people: People<'_>,
) -> Result<[EncodedPicture; 2], VisionError> {
    let plate = encode(&roi(evidence, PLATE, false)?.0, PictureRole::Plate, 92)?;
    let context = match people {
        People::Allowed => encode(&roi(evidence, WIDE, false)?.0, PictureRole::Context, 85)?,
        People::Hidden(None) => encode(&roi(evidence, NARROW, true)?.0, PictureRole::Context, 85)?,
        People::Hidden(Some(finder)) => {
            let (mut picture, left, top) = roi(evidence, VEHICLE, true)?;
            let [x0, y0, x1, y1] = evidence.corners.bounds();
            let plate = [x0 - left, y0 - top, x1 - left, y1 - top];
            finder.hide(&mut picture, Some(plate))?;
            encode(&picture, PictureRole::Context, 85)?
        }
    };
    Ok([plate, context])
}

/// A copy of the part of the frame around the plate, and where its left top corner lies.
fn roi(e: &EvidenceFrame, margin: Margin, low: bool) -> Result<(Mat, f32, f32), VisionError> {
    let failed = VisionError::picture("cutting evidence");
    let [x0, y0, x1, y1] = e.corners.bounds();
    let (w, h) = (e.image.width() as f32, e.image.height() as f32);
    let mx = (x1 - x0) * margin.side;
    let mut above = (y1 - y0) * margin.above;
    if low {
        above = above.min((x1 - x0) * ABOVE_AT_MOST_WIDTHS);
    }
    let below = (y1 - y0) * margin.below;
    // `max` and `min` also take care of NaN: they give the other argument.
    let left = (x0 - mx).floor().max(0.0).min(w - 1.0);
    let top = (y0 - above).floor().max(0.0).min(h - 1.0);
    let right = (x1 + mx).ceil().min(w).max(left + 1.0);
    let bottom = (y1 + below).ceil().min(h).max(top + 1.0);
    let rect = Rect::new(left as i32, top as i32, (right - left) as i32, (bottom - top) as i32);
    let source = borrow(&e.image)?;
    let part = Mat::roi(&source, rect).map_err(&failed)?;
    Ok((part.try_clone().map_err(&failed)?, left, top))
}

fn encode(picture: &Mat, role: PictureRole, quality: u8) -> Result<EncodedPicture, VisionError> {
    let jpeg = jpeg(picture, quality)?;
    Ok(EncodedPicture {
        role,
        sha256: hex(&Sha256::digest(&jpeg)),
        jpeg,
        width: picture.cols().unsigned_abs(),
        height: picture.rows().unsigned_abs(),
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
            for people in [People::Allowed, People::Hidden(None)] {
                let [plate, context] = encode_evidence(&e, people).unwrap();
                assert!(plate.width >= 1 && context.width >= plate.width.min(100) && context.height <= 60);
                assert_eq!(plate.sha256, hex(&Sha256::digest(&plate.jpeg)));
            }
        }
    }
}
