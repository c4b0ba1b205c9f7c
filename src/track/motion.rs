//! Where a plate was, and where it should be in a later frame.
//!
//! Places are kept in *steady* coordinates: what the whole picture moved by (a camera that shakes or turns) is
//! taken off before a place comes here. What is left is the vehicle's own motion seen through a lens: a plate
//! that comes nearer at constant speed grows, and moves, ever faster. With `w` the width and `g` its relative
//! growth now, the distance to the camera is `1 / w` and falls linearly, so after `dt` the width is
//! `w / (1 - g dt)` and the place has moved by `v dt / (1 - g dt)`.

use crate::domain::{Corners, Point};
use std::collections::VecDeque;

/// Places kept for the estimate of speed, and how far back they may lie.
const PLACES: usize = 6;
const MEMORY_MS: i64 = 700;
/// A prediction never reaches further ahead than this: beyond it nothing is known.
const AHEAD_MS: f32 = 1_000.0;

/// One place of a plate, in steady coordinates.
#[derive(Debug, Clone, Copy)]
struct Place {
    at_ms: i64,
    centre: Point,
    width: f32,
    /// Width and height of the upright box around it.
    around: (f32, f32),
}

/// A plate's place at a time, as expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// Centre in steady coordinates, px.
    pub centre: Point,
    /// Width in px.
    pub width: f32,
    /// Width and height of the upright box around it, px.
    pub around: (f32, f32),
    /// Whether it rests on a known speed.
    pub moving_known: bool,
    /// Time since the plate was last found, ms.
    pub age_ms: f32,
}

/// What a track remembers of a plate's places.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    places: VecDeque<Place>,
    first: Place,
    velocity: Point,
    growth: f32,
    updates: u32,
}

impl Motion {
    /// A plate seen for the first time; `camera` is how far the picture has moved so far.
    pub fn new(corners: &Corners, at_ms: i64, camera: Point) -> Self {
        let place = place(corners, at_ms, camera);
        Self {
            places: VecDeque::from([place]),
            first: place,
            velocity: Point { x: 0.0, y: 0.0 },
            growth: 0.0,
            updates: 1,
        }
    }

    /// Takes the plate's place at a later time. Places at the same time or before change nothing.
    pub fn update(&mut self, corners: &Corners, at_ms: i64, camera: Point) {
        let new = place(corners, at_ms, camera);
        if self.places.back().is_some_and(|last| at_ms <= last.at_ms) {
            return;
        }
        self.places.push_back(new);
        let old = |p: &Place| at_ms - p.at_ms > MEMORY_MS;
        // Two places always stay, however long ago: some speed is better than none.
        while self.places.len() > PLACES || self.places.len() > 2 && self.places.front().is_some_and(old) {
            self.places.pop_front();
        }
        self.updates = self.updates.saturating_add(1);
        self.estimate();
    }

    /// Moves every time by `ms`.
    pub fn shift(&mut self, ms: i64) {
        self.places.iter_mut().chain([&mut self.first]).for_each(|p| p.at_ms = p.at_ms.saturating_add(ms));
    }

    /// Straight lines through the latest places, by least squares: jitter of the corners averages out.
    fn estimate(&mut self) {
        let Some(last) = self.places.back() else { return };
        let n = self.places.len() as f32;
        let t = |p: &Place| p.at_ms.saturating_sub(last.at_ms) as f32;
        let mean_t = self.places.iter().map(t).sum::<f32>() / n;
        let spread: f32 = self.places.iter().map(|p| (t(p) - mean_t).powi(2)).sum();
        if spread <= 0.0 {
            return;
        }
        let slope = |value: &dyn Fn(&Place) -> f32| {
            let mean = self.places.iter().map(value).sum::<f32>() / n;
            self.places.iter().map(|p| (t(p) - mean_t) * (value(p) - mean)).sum::<f32>() / spread
        };
        // From two places the width's noise is taken for growth and thrown far ahead.
        let growth = if self.places.len() < 3 { 0.0 } else { slope(&|p| p.width.ln()).clamp(-0.004, 0.004) };
        // A line's slope is that of its middle. The relative growth goes with the width, and the speed with its square:
        // a few frames a second apart, a plate moves a third further than between the frames before.
        let grown = (growth * -mean_t).clamp(-0.5, 0.5).exp();
        self.growth = growth * grown;
        self.velocity =
            Point { x: slope(&|p| p.centre.x) * grown * grown, y: slope(&|p| p.centre.y) * grown * grown };
    }

    /// Where the plate should be at `at_ms`.
    pub fn expect(&self, at_ms: i64) -> Expected {
        let last = self.last();
        let age_ms = at_ms.saturating_sub(last.at_ms).max(0) as f32;
        let dt = age_ms.min(AHEAD_MS);
        let nearer = (1.0 - self.growth * dt).clamp(0.5, 2.0);
        let shift = dt / nearer;
        Expected {
            centre: Point {
                x: last.centre.x + self.velocity.x * shift,
                y: last.centre.y + self.velocity.y * shift,
            },
            width: last.width / nearer,
            around: (last.around.0 / nearer, last.around.1 / nearer),
            moving_known: self.updates > 1,
            age_ms,
        }
    }

    /// Change since the first place: to the right and down in widths, and the logarithm of the growth.
    pub fn travelled(&self) -> (f32, f32, f32) {
        let (a, b) = (self.first, self.last());
        let width = ((a.width + b.width) / 2.0).max(1.0);
        let (dx, dy) = (b.centre.x - a.centre.x, b.centre.y - a.centre.y);
        (dx / width, dy / width, (b.width / a.width).ln())
    }

    /// Continues with another's latest places; where it all began stays.
    pub fn continue_with(&mut self, later: Self) {
        let first = self.first;
        *self = Self { first, updates: self.updates.saturating_add(later.updates), ..later };
    }

    fn last(&self) -> Place {
        self.places.back().copied().unwrap_or(self.first)
    }
}

fn place(corners: &Corners, at_ms: i64, camera: Point) -> Place {
    let c = corners.centre();
    let [x0, y0, x1, y1] = corners.bounds();
    Place {
        at_ms,
        centre: Point { x: c.x - camera.x, y: c.y - camera.y },
        width: corners.width_px().max(1.0),
        around: ((x1 - x0).max(1.0), (y1 - y0).max(1.0)),
    }
}

/// Distance of two places, px.
pub(super) fn distance(a: Point, b: Point) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: Point = Point { x: 0.0, y: 0.0 };

    /// A plate 0.5 m wide, 2 m beside and 1 m below a lens of 1,000 px, `z` metres ahead.
    fn seen(z: f32) -> Corners {
        let (x, y, w) = (2_000.0 / z, 1_000.0 / z, 500.0 / z);
        Corners::from_box(x - w / 2.0, y - w / 9.0, x + w / 2.0, y + w / 9.0)
    }

    #[test]
    fn a_vehicle_at_constant_speed_is_where_it_is_expected_half_a_second_later() {
        // 14 m/s towards the camera, 25 frames a second, from 20 m.
        let z = |ms: i64| 20.0 - 0.014 * ms as f32;
        let mut motion = Motion::new(&seen(z(0)), 0, STEADY);
        for i in 1..10 {
            motion.update(&seen(z(i * 40)), i * 40, STEADY);
        }
        let expected = motion.expect(860);
        let real = seen(z(860));
        let off = distance(expected.centre, real.centre()) / real.width_px();
        assert!(off < 0.6, "{off} widths");
        assert!((expected.width / real.width_px()).ln().abs() < 0.2);
    }

    #[test]
    fn five_frames_a_second_are_enough_to_know_where_it_goes() {
        // 14 m/s away from the camera and towards it.
        for (from, speed) in [(8.0, 0.014), (40.0, -0.014)] {
            let z = |ms: i64| from + speed * ms as f32;
            let mut motion = Motion::new(&seen(z(0)), 0, STEADY);
            for i in 1..10 {
                if i > 2 {
                    let (expected, real) = (motion.expect(i * 200), seen(z(i * 200)));
                    let off = distance(expected.centre, real.centre()) / real.width_px();
                    assert!(off < 0.12, "{off} widths at {} m", z(i * 200));
                }
                motion.update(&seen(z(i * 200)), i * 200, STEADY);
            }
        }
    }

    #[test]
    fn jitter_does_not_run_away() {
        let mut motion = Motion::new(&Corners::from_box(100.0, 100.0, 200.0, 122.0), 0, STEADY);
        for i in 1..20_i64 {
            let j = if i % 2 == 0 { 2.0 } else { -2.0 };
            motion.update(&Corners::from_box(100.0 + j, 100.0, 200.0 - j, 122.0), i * 40, STEADY);
        }
        assert!(distance(motion.expect(1_760).centre, Point { x: 150.0, y: 111.0 }) < 30.0);
    }

    #[test]
    fn what_the_camera_moved_is_no_motion_of_the_plate() {
        let mut motion = Motion::new(&Corners::from_box(100.0, 100.0, 200.0, 122.0), 0, STEADY);
        let shaken = Point { x: 30.0, y: -12.0 };
        motion.update(&Corners::from_box(130.0, 88.0, 230.0, 110.0), 40, shaken);
        assert!(distance(motion.expect(80).centre, Point { x: 150.0, y: 111.0 }) < 1e-3);
    }

    #[test]
    fn times_that_stand_still_or_jump_back_change_nothing() {
        let mut motion = Motion::new(&Corners::from_box(0.0, 0.0, 100.0, 22.0), 1_000, STEADY);
        motion.update(&Corners::from_box(500.0, 0.0, 600.0, 22.0), 1_000, STEADY);
        motion.update(&Corners::from_box(500.0, 0.0, 600.0, 22.0), 10, STEADY);
        assert_eq!(motion.expect(1_000).centre.x, 50.0);
    }
}
