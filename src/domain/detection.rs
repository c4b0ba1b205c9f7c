//! A plate found in a frame.

/// A place in a frame in px: x to the right, y down, (0, 0) the outer corner of the first pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// Top-left, top-right, bottom-right, bottom-left of a plate as its text is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corners(pub [Point; 4]);

impl Corners {
    /// The corners of an upright box.
    pub fn from_box(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self([Point { x: x0, y: y0 }, Point { x: x1, y: y0 }, Point { x: x1, y: y1 }, Point { x: x0, y: y1 }])
    }

    /// The smallest upright box around them: `[x0, y0, x1, y1]` in px.
    pub fn bounds(&self) -> [f32; 4] {
        let mut b = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        for p in &self.0 {
            b = [b[0].min(p.x), b[1].min(p.y), b[2].max(p.x), b[3].max(p.y)];
        }
        b
    }

    /// Mean length of the upper and lower edge in px: the plate's width however it is turned.
    pub fn width_px(&self) -> f32 {
        let [tl, tr, br, bl] = self.0;
        ((tr.x - tl.x).hypot(tr.y - tl.y) + (br.x - bl.x).hypot(br.y - bl.y)) / 2.0
    }

    /// Mean length of the left and right edge in px.
    pub fn height_px(&self) -> f32 {
        let [tl, tr, br, bl] = self.0;
        ((bl.x - tl.x).hypot(bl.y - tl.y) + (br.x - tr.x).hypot(br.y - tr.y)) / 2.0
    }

    /// Centre of gravity of the four.
    pub fn centre(&self) -> Point {
        let (x, y) = self.0.iter().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
        Point { x: x / 4.0, y: y / 4.0 }
    }

    /// Whether all are finite numbers.
    pub fn is_finite(&self) -> bool {
        self.0.iter().all(|p| p.x.is_finite() && p.y.is_finite())
    }
}

/// A plate found in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Its corners in the frame, px at full resolution.
    pub corners: Corners,
    /// The upright box the detector gave, `[x0, y0, x1, y1]` in px at full resolution.
    pub bounds: [f32; 4],
    /// How sure the detector is, 0 to 1.
    pub score: f32,
}

/// Intersection over union of two upright boxes `[x0, y0, x1, y1]`; 0 where they do not meet.
pub fn iou(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let w = a[2].min(b[2]) - a[0].max(b[0]);
    let h = a[3].min(b[3]) - a[1].max(b[1]);
    if w <= 0.0 || h <= 0.0 {
        return 0.0;
    }
    let area = |r: &[f32; 4]| (r[2] - r[0]).max(0.0) * (r[3] - r[1]).max(0.0);
    let union = area(a) + area(b) - w * h;
    if union > 0.0 { w * h / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_measures() {
        let c = Corners::from_box(10.0, 20.0, 110.0, 40.0);
        assert_eq!(c.bounds(), [10.0, 20.0, 110.0, 40.0]);
        assert_eq!((c.width_px(), c.height_px()), (100.0, 20.0));
        assert_eq!(c.centre(), Point { x: 60.0, y: 30.0 });
    }

    #[test]
    fn iou_of_halves() {
        assert_eq!(iou(&[0.0, 0.0, 2.0, 1.0], &[1.0, 0.0, 3.0, 1.0]), 1.0 / 3.0);
        assert_eq!(iou(&[0.0, 0.0, 1.0, 1.0], &[1.0, 0.0, 2.0, 1.0]), 0.0);
    }
}
