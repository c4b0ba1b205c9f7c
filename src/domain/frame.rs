//! One picture from a camera, with where and when it was taken.

use super::{CameraId, ClockQuality, Utc};
use std::sync::Arc;

/// Pixels of a picture: 8-bit BGR, rows from the top, no padding. Width and height are at least 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    bgr: Vec<u8>,
}

/// Pixels and size do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes cannot be a {width}x{height} BGR picture")]
pub struct ImageError {
    /// Claimed width in px.
    pub width: u32,
    /// Claimed height in px.
    pub height: u32,
    /// Bytes given.
    pub bytes: usize,
}

impl Image {
    /// Wraps `bgr`, which must hold exactly `width * height * 3` bytes and not be empty.
    pub fn new(width: u32, height: u32, bgr: Vec<u8>) -> Result<Self, ImageError> {
        let needed = (width as usize).checked_mul(height as usize).and_then(|n| n.checked_mul(3));
        if bgr.is_empty() || needed != Some(bgr.len()) {
            return Err(ImageError { width, height, bytes: bgr.len() });
        }
        Ok(Self { width, height, bgr })
    }

    /// The pixels alone.
    pub fn into_bgr(self) -> Vec<u8> {
        self.bgr
    }

    /// The part of it from `x`, `y` on, as far as it is within the picture; at least one pixel.
    pub fn part(&self, x: u32, y: u32, width: u32, height: u32) -> Self {
        let (x, y) = (x.min(self.width.saturating_sub(1)), y.min(self.height.saturating_sub(1)));
        let (width, height) = (width.clamp(1, self.width - x), height.clamp(1, self.height - y));
        let (at, row) = (x as usize * 3, width as usize * 3);
        let mut bgr = Vec::with_capacity(row * height as usize);
        let rows = self.bgr.chunks_exact(self.width as usize * 3).skip(y as usize).take(height as usize);
        rows.filter_map(|line| line.get(at..at + row)).for_each(|line| bgr.extend_from_slice(line));
        Self { width, height, bgr }
    }

    /// Width in px.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in px.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, `height * width * 3` bytes.
    pub fn bgr(&self) -> &[u8] {
        &self.bgr
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{})", self.width, self.height)
    }
}

/// Where on earth, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Degrees east.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees clockwise from north in which the vehicle or camera points.
    pub heading: Option<f32>,
    /// Estimated horizontal error in metres.
    pub accuracy_m: Option<f32>,
}

/// Everything about a frame but its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameStamp {
    /// Which camera.
    pub camera: CameraId,
    /// Counts the frames this camera delivered since it was started, dropped ones included.
    pub seq: u64,
    /// When it was taken; for recorded files the start time plus the media time.
    pub captured_at: Utc,
    /// When its pixels were in memory here; equals `captured_at` for live cameras.
    pub received_at: Utc,
    /// What stands behind `captured_at`.
    pub clock: ClockQuality,
    /// Where the camera was.
    pub position: Option<Position>,
}

/// One picture. Cloning shares the pixels.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where and when.
    pub stamp: FrameStamp,
    /// The pixels.
    pub image: Arc<Image>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_must_fit_the_size() {
        assert!(Image::new(2, 2, vec![0; 12]).is_ok());
        assert!(Image::new(2, 2, vec![0; 11]).is_err());
        assert!(Image::new(0, 2, vec![]).is_err());
        assert!(Image::new(u32::MAX, u32::MAX, vec![0; 3]).is_err());
    }

    #[test]
    fn a_part_has_its_pixels_and_stays_inside() {
        let image = Image::new(3, 2, (0..18).collect()).unwrap();
        assert_eq!(image.part(1, 1, 2, 1).bgr(), [12, 13, 14, 15, 16, 17]);
        assert_eq!(image.part(2, 0, 9, 9).bgr(), [6, 7, 8, 15, 16, 17]);
        assert_eq!(image.part(9, 9, 0, 0).bgr(), [15, 16, 17]);
        assert_eq!(image.part(0, 0, 3, 2), image);
    }
}
