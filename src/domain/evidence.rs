//! What a passage's best reading came from, before it is encoded.

use super::{Corners, Frame, FrameStamp, Image};
use std::sync::Arc;

/// The pixels that were read, and where the plate is in them. Never of a nicer frame than the one read.
///
/// A cut, not the frame: a frame of 1920x1080 is 6 MB, every vehicle in view keeps up to two of them, and no more than
/// this much of one is ever stored.
#[derive(Debug, Clone)]
pub struct EvidenceFrame {
    /// Where and when.
    pub stamp: FrameStamp,
    /// The plate and all around it that may be kept; the store cuts its pictures out of it.
    pub image: Arc<Image>,
    /// Where the left top corner of `image` lies in the frame, in px.
    pub origin: (u32, u32),
    /// Where the plate is, in the frame.
    pub corners: Corners,
}

impl EvidenceFrame {
    /// The most that may be shown to the left and right of a plate, in its widths.
    pub const SIDE: f32 = 1.5;
    /// The most that may be shown above and below a plate, in its heights.
    pub const ABOVE_AND_BELOW: f32 = 6.0;

    /// Cuts the plate and its surroundings out of the frame it was read in. Of corners outside the frame, or that are no
    /// numbers, the nearest pixels.
    pub fn cut(frame: &Frame, corners: Corners) -> Self {
        let [x0, y0, x1, y1] = corners.bounds();
        let (across, high) = ((x1 - x0) * Self::SIDE, (y1 - y0) * Self::ABOVE_AND_BELOW);
        let whole = [0, 0, frame.image.width(), frame.image.height()];
        let [left, top, right, bottom] = part_around(corners, [across, high, high], whole);
        let image = Arc::new(frame.image.part(left, top, right - left, bottom - top));
        Self { stamp: frame.stamp.clone(), image, origin: (left, top), corners }
    }

    /// The part around the plate that reaches so many px to the sides, above and below it, as far as it was cut out:
    /// `[x0, y0, x1, y1]` in the frame's px, at least one pixel.
    pub fn around(&self, sides: f32, above: f32, below: f32) -> [u32; 4] {
        let (x, y) = self.origin;
        let cut = [x, y, x.saturating_add(self.image.width()), y.saturating_add(self.image.height())];
        part_around(self.corners, [sides, above, below], cut)
    }
}

/// `corners` and so many px to the sides, above and below them, within a rectangle that is not empty.
fn part_around(corners: Corners, [sides, above, below]: [f32; 3], within: [u32; 4]) -> [u32; 4] {
    let [x0, y0, x1, y1] = corners.bounds();
    // `max` and `min` also take care of NaN: they give the other argument.
    let inside = |at: f32, low: u32, high: u32| at.max(low as f32).min(high as f32) as u32;
    let [w0, w1, w2, w3] = within;
    let left = inside((x0 - sides).floor(), w0, w2.saturating_sub(1));
    let top = inside((y0 - above).floor(), w1, w3.saturating_sub(1));
    let right = inside((x1 + sides).ceil(), left.saturating_add(1), w2);
    let bottom = inside((y1 + below).ceil(), top.saturating_add(1), w3);
    [left, top, right, bottom]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CameraId, ClockQuality, ClockSource, Utc};

    fn frame(width: u32, height: u32) -> Frame {
        let pixel = |x: u32, y: u32| [x as u8, y as u8, 7];
        let bgr = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
        let now = Utc::from_unix_ms(0);
        let stamp = FrameStamp {
            camera: CameraId::new("c"),
            seq: 1,
            captured_at: now,
            received_at: now,
            clock: ClockQuality { source: ClockSource::Media, error_ms: None },
            position: None,
        };
        Frame { stamp, image: Arc::new(Image::new(width, height, bgr).unwrap()) }
    }

    #[test]
    fn a_cut_holds_the_surroundings_and_no_more() {
        let e = EvidenceFrame::cut(&frame(200, 150), Corners::from_box(100.0, 70.0, 120.0, 75.0));
        assert_eq!((e.origin, e.image.width(), e.image.height()), ((70, 40), 80, 65));
        assert_eq!(e.image.bgr().first_chunk(), Some(&[70, 40, 7]));
        assert_eq!(e.image.bgr().last_chunk(), Some(&[149, 104, 7]));
        assert_eq!(e.around(10.0, 5.0, 8.0), [90, 65, 130, 83]);
        assert_eq!(e.around(1000.0, 1000.0, 1000.0), [70, 40, 150, 105], "there is no more of the frame");
    }

    #[test]
    fn a_cut_has_a_pixel_whatever_the_corners() {
        let nan = f32::NAN;
        for (x0, y0, x1, y1) in [(-50.0, -9.0, 2.0, 2.0), (500.0, 500.0, 510.0, 505.0), (nan, nan, nan, nan)]
        {
            let e = EvidenceFrame::cut(&frame(100, 60), Corners::from_box(x0, y0, x1, y1));
            let [x0, y0, x1, y1] = e.around(0.0, 0.0, 0.0);
            assert!(x0 < x1 && x1 <= 100 && y0 < y1 && y1 <= 60, "{x0} {y0} {x1} {y1}");
        }
    }
}
