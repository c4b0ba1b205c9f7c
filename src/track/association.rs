//! Which detection of this frame is which vehicle of the frames before.
//!
//! Plates are small and fast: from one frame to the next they may not overlap at all, so intersection over
//! union alone (SORT, Bewley et al. 2016) loses them. The measure here is the distance of the centres from
//! where the track's motion puts it, in plate widths, with overlap, size and what was read beside it.

use crate::domain::{Corners, Point, Reading, iou};

/// What a track remembers of a plate's place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    bounds: [f32; 4],
    centre: Point,
    width: f32,
    at_ms: i64,
    /// px per ms
    velocity: Point,
    /// Relative growth per ms.
    growth: f32,
    updates: u32,
}

impl Motion {
    pub fn new(corners: &Corners, at_ms: i64) -> Self {
        Self {
            bounds: corners.bounds(),
            centre: corners.centre(),
            width: corners.width_px().max(1.0),
            at_ms,
            velocity: Point { x: 0.0, y: 0.0 },
            growth: 0.0,
            updates: 1,
        }
    }

    /// Takes the plate's place at a later time. Places at the same time or before change nothing.
    pub fn update(&mut self, corners: &Corners, at_ms: i64) {
        let dt = at_ms.saturating_sub(self.at_ms) as f32;
        if dt <= 0.0 {
            return;
        }
        let (centre, width) = (corners.centre(), corners.width_px().max(1.0));
        // The first step is all that is known of the motion; later ones are averaged against jitter.
        let keep = if self.updates == 1 { 0.0 } else { 0.5 };
        let mix = |old: f32, new: f32| keep * old + (1.0 - keep) * new;
        self.velocity.x = mix(self.velocity.x, (centre.x - self.centre.x) / dt);
        self.velocity.y = mix(self.velocity.y, (centre.y - self.centre.y) / dt);
        self.growth = mix(self.growth, (width / self.width).ln() / dt);
        (self.centre, self.width, self.bounds) = (centre, width, corners.bounds());
        self.at_ms = at_ms;
        self.updates = self.updates.saturating_add(1);
    }

    /// Where the plate should be at `at_ms`: its box, centre and width.
    fn predict(&self, at_ms: i64) -> ([f32; 4], Point, f32) {
        let dt = (at_ms.saturating_sub(self.at_ms) as f32).clamp(0.0, 1_000.0);
        let (dx, dy) = (self.velocity.x * dt, self.velocity.y * dt);
        let [x0, y0, x1, y1] = self.bounds;
        let scale = (self.growth * dt).clamp(-0.7, 0.7).exp();
        let centre = Point { x: self.centre.x + dx, y: self.centre.y + dy };
        ([x0 + dx, y0 + dy, x1 + dx, y1 + dy], centre, self.width * scale)
    }

    /// How well `reading` continues this track: above 0 where it can, larger is better.
    ///
    /// `text` is what the track has read so far. A plate that reads the same may have jumped further than
    /// motion explains (low frame rates); one that reads clearly differently must be where it was expected.
    pub fn affinity(&self, reading: &Reading, text: Option<&str>) -> f32 {
        let at_ms = reading.stamp.captured_at.unix_ms();
        let (bounds, centre, width) = self.predict(at_ms);
        let seen = reading.detection.corners;
        let seen_width = seen.width_px().max(1.0);
        let ratio = (seen_width / width).max(width / seen_width);
        // NaN falls through here as anywhere else it can come from: no plate continues such a track.
        if ratio.is_nan() || ratio >= 2.0 {
            return 0.0;
        }
        let place = seen.centre();
        let distance = (place.x - centre.x).hypot(place.y - centre.y) / width.max(seen_width);
        let likeness = text.map_or(0.5, |t| text_likeness(t, &reading.text()));
        // A track seen once has no velocity yet: its plate may be anywhere a fast car can get to.
        let dt = at_ms.saturating_sub(self.at_ms).max(1) as f32;
        let reach = if self.updates < 2 { 1.2 + dt / 80.0 } else { 0.8 + dt / 150.0 };
        let reach = reach.min(4.0) * (0.4 + 1.2 * likeness);
        if distance.is_nan() || distance >= reach {
            return 0.0;
        }
        (1.0 - distance / reach) + iou(&bounds, &seen.bounds()) + likeness - (ratio - 1.0) + f32::EPSILON
    }
}

/// 1 for the same text, 0 for one that shares nothing; 0.5 where either says nothing.
pub(super) fn text_likeness(a: &str, b: &str) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 0.5;
    }
    let longest = a.len().max(b.len());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(ca != cb)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    let distance = row.last().copied().unwrap_or(longest);
    1.0 - distance as f32 / longest as f32
}

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::*;

    #[test]
    fn likeness_is_one_minus_relative_edit_distance() {
        assert_eq!(text_likeness("1ABC123", "1ABC123"), 1.0);
        assert!((text_likeness("1ABC123", "1A8C123") - 6.0 / 7.0).abs() < 1e-6);
        assert!((text_likeness("1ABC123", "11ABC123") - 7.0 / 8.0).abs() < 1e-6);
        assert_eq!(text_likeness("AAA", "BBB"), 0.0);
        assert_eq!(text_likeness("", "BBB"), 0.5);
    }

    #[test]
    fn a_moving_plate_is_expected_ahead() {
        let mut motion = Motion::new(&reading("A", 0.9, 0, 0.0).detection.corners, 0);
        motion.update(&reading("A", 0.9, 1, 150.0).detection.corners, 40);
        let ahead = motion.affinity(&reading("1ABC123", 0.9, 2, 300.0), Some("1ABC123"));
        let behind = motion.affinity(&reading("1ABC123", 0.9, 2, 0.0), Some("1ABC123"));
        assert!(ahead > 2.0 && behind < ahead / 2.0, "{ahead} {behind}");
    }

    #[test]
    fn another_plate_elsewhere_is_another_track() {
        let motion = Motion::new(&reading("1ABC123", 0.9, 0, 0.0).detection.corners, 0);
        assert_eq!(motion.affinity(&reading("2XYZ987", 0.9, 1, 160.0), Some("1ABC123")), 0.0);
    }
}
