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
/// About a car's width and height around its plate: all that is held of the frame.
const WIDE: Margin = Margin {
    side: EvidenceFrame::SIDE,
    above: EvidenceFrame::ABOVE_AND_BELOW,
    below: EvidenceFrame::ABOVE_AND_BELOW,
};
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
    let mx = (x1 - x0) * margin.side;
    let mut above = (y1 - y0) * margin.above;
    if low {
        above = above.min((x1 - x0) * ABOVE_AT_MOST_WIDTHS);
    }
    let below = (y1 - y0) * margin.below;
    let [left, top, right, bottom] = e.around(mx, above, below);
    let (x, y) = (left.saturating_sub(e.origin.0), top.saturating_sub(e.origin.1));
    let rect = Rect::new(x as i32, y as i32, (right - left) as i32, (bottom - top) as i32);
    let source = borrow(&e.image)?;
    let part = Mat::roi(&source, rect).map_err(&failed)?;
    Ok((part.try_clone().map_err(&failed)?, left as f32, top as f32))
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
    use crate::domain::{CameraId, ClockQuality, ClockSource, Corners, Frame, FrameStamp, Image, Utc};
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
            let stamp = FrameStamp {
                camera: CameraId::new("c"),
                seq: 1,
                captured_at: now,
                received_at: now,
                clock,
                position: None,
            };
            let image = Arc::new(Image::new(100, 60, vec![80; 18_000]).unwrap());
            let e = EvidenceFrame::cut(&Frame { stamp, image }, Corners::from_box(x0, y0, x1, y1));
            for people in [People::Allowed, People::Hidden(None)] {
                let [plate, context] = encode_evidence(&e, people).unwrap();
                assert!(plate.width >= 1 && context.width >= plate.width.min(100) && context.height <= 60);
                assert_eq!(plate.sha256, hex(&Sha256::digest(&plate.jpeg)));
            }
        }
    }

    #[test]
    fn pictures_are_those_of_the_whole_frame() {
        let (width, height) = (640, 480);
        let shade = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
        let bgr = (0..width * height * 3).map(shade).collect();
        let image = Arc::new(Image::new(width, height, bgr).unwrap());
        let now = Utc::from_unix_ms(0);
        let clock = ClockQuality { source: ClockSource::Media, error_ms: None };
        let camera = CameraId::new("c");
        let stamp = FrameStamp { camera, seq: 1, captured_at: now, received_at: now, clock, position: None };
        let frame = Frame { stamp, image };
        for n in 0..60_u32 {
            // Plates of all sizes, some partly outside, at fractions of pixels.
            let (x, y) = (n as f32 * 11.37 - 20.0, (n * 7 % 60) as f32 * 8.21 - 10.0);
            let (w, h) = (8.0 + (n % 13) as f32 * 11.9, 4.0 + (n % 7) as f32 * 6.3);
            let cut = EvidenceFrame::cut(&frame, Corners::from_box(x, y, x + w, y + h));
            let whole = EvidenceFrame { image: frame.image.clone(), origin: (0, 0), ..cut.clone() };
            for margin in [PLATE, WIDE, VEHICLE, NARROW] {
                for low in [false, true] {
                    let [a, b] = [&cut, &whole].map(|e| roi(e, margin, low).unwrap());
                    assert_eq!((a.1, a.2), (b.1, b.2));
                    assert_eq!(a.0.data_bytes().unwrap(), b.0.data_bytes().unwrap(), "{margin:?} of {cut:?}");
                }
            }
        }
    }
}
