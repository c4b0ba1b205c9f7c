//! Pictures for a citizen who asks what is held of their plate: nobody else in them, nor anybody else's plate.

use super::faces::FaceFinder;
use super::picture::jpeg;
use super::{Treatment, VisionError, Worker};
use crate::domain::{CameraId, ClockQuality, ClockSource, Frame, FrameStamp, Image, Utc};
use opencv::core::{Rect, Scalar, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use std::sync::Arc;

/// A picture with others hidden.
#[derive(Debug, Clone)]
pub struct Masked {
    /// The file's bytes.
    pub jpeg: Vec<u8>,
    /// How many other plates were painted over.
    pub plates: usize,
    /// How many faces were hidden.
    pub faces: usize,
}

/// Border painted over around another plate, as a share of its sides.
const BORDER: f32 = 0.2;

/// The surroundings of a plate with every other plate painted over and every face hidden. `None` where no plate is
/// found in it: then nobody can say whose picture it is.
///
/// # Errors
/// It is no JPEG, or the models fail: then it must not be given out.
pub fn for_subject(
    picture: &[u8],
    worker: &mut Worker,
    faces: &mut FaceFinder,
) -> Result<Option<Masked>, VisionError> {
    let failed = VisionError::picture("hiding others");
    let bytes = Vector::<u8>::from_slice(picture);
    let mut mat = imgcodecs::imdecode(&bytes, imgcodecs::IMREAD_COLOR).map_err(&failed)?;
    if mat.empty() {
        let cause = "it is no picture".to_owned();
        return Err(VisionError::Picture { what: "hiding others", cause });
    }
    let (w, h) = (mat.cols().unsigned_abs(), mat.rows().unsigned_abs());
    let pixels = mat.data_bytes().map_err(&failed)?.to_vec();
    let image = Image::new(w, h, pixels)
        .map_err(|e| VisionError::Picture { what: "hiding others", cause: e.to_string() })?;
    let now = Utc::now();
    let frame = Frame {
        stamp: FrameStamp {
            camera: CameraId::new("subject"),
            seq: 1,
            captured_at: now,
            received_at: now,
            clock: ClockQuality { source: ClockSource::FreeRunning, error_ms: None },
            position: None,
        },
        image: Arc::new(image),
    };
    // Where plates are is enough; nobody else's is read.
    let (found, _) = worker.process_where(&frame, &[], |_| Treatment::Follow)?;
    let plates: Vec<[f32; 4]> = found.iter().map(|r| r.detection.bounds).collect();
    // The cut is made around its own plate: as far to the left as to the right of it.
    let middle = [w as f32 / 2.0, h as f32 / 2.0];
    let far = |p: &[f32; 4]| {
        ((p[0] + p[2]) / 2.0 - middle[0]).abs() + ((p[1] + p[3]) / 2.0 - middle[1]).abs() / 2.0
    };
    let Some(own) = plates.iter().copied().min_by(|a, b| far(a).total_cmp(&far(b))) else { return Ok(None) };
    let mut others = 0;
    for plate in plates.iter().filter(|p| **p != own) {
        let (bx, by) = ((plate[2] - plate[0]) * BORDER, (plate[3] - plate[1]) * BORDER);
        let left = (plate[0] - bx).max(0.0) as i32;
        let top = (plate[1] - by).max(0.0) as i32;
        let rect = Rect::new(
            left,
            top,
            ((plate[2] + bx) as i32 - left).max(1),
            ((plate[3] + by) as i32 - top).max(1),
        );
        let grey = Scalar::new(90.0, 90.0, 90.0, 0.0);
        imgproc::rectangle(&mut mat, rect, grey, imgproc::FILLED, imgproc::LINE_8, 0).map_err(&failed)?;
        others += 1;
    }
    let hidden = faces.hide(&mut mat, Some(own))?;
    Ok(Some(Masked { jpeg: jpeg(&mat, 85)?, plates: others, faces: hidden }))
}
