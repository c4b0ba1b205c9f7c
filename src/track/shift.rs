//! What the whole picture moved by since the frame before, from its pixels.
//!
//! Two plates tell a camera's movement from their own; one cannot. Then the picture is asked: its mean brightness by
//! column and by row (integral projections; Sauer and Schwartz 1996 and others stabilise video with them) is laid over
//! that of the frame before, and the shift at which both correlate best counts where they do so clearly. A picture
//! that turns, zooms or is half covered by a lorry gives no answer, which is right: it did not simply move.

use crate::domain::{Image, Point};

/// Pixels from one sample to the next, both ways.
const STEP: usize = 4;
/// The farthest shift that is looked for, as a share of the side.
const FARTHEST: f32 = 0.125;
/// Correlation from which a shift is believed, and by how much it must beat standing still.
const CLEAR: f32 = 0.85;
const BETTER: f32 = 0.03;

/// Brightness by column and by row.
pub(super) struct Profile {
    columns: Vec<f32>,
    rows: Vec<f32>,
}

impl Profile {
    /// `None` where the picture is too small to say anything.
    pub fn of(image: &Image) -> Option<Self> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (across, down) = (width / STEP, height / STEP);
        if across < 32 || down < 32 {
            return None;
        }
        let mut columns = vec![0_u32; across];
        let mut rows = Vec::with_capacity(down);
        for line in image.bgr().chunks_exact(width * 3).step_by(STEP).take(down) {
            let mut row = 0_u32;
            // Green carries most of the brightness.
            for (pixel, column) in line.chunks_exact(3 * STEP).zip(&mut columns) {
                let green = pixel.get(1).copied().map_or(0, u32::from);
                *column += green;
                row += green;
            }
            rows.push(row as f32 / across as f32);
        }
        let columns = columns.into_iter().map(|sum| sum as f32 / down as f32).collect();
        Some(Self { columns, rows })
    }

    /// How far (px) what is in the picture moved from `before` to this; `None` where that is not clear.
    pub fn moved_since(&self, before: &Self) -> Option<Point> {
        let x = shift(&before.columns, &self.columns)?;
        let y = shift(&before.rows, &self.rows)?;
        Some(Point { x: x * STEP as f32, y: y * STEP as f32 })
    }
}

/// By how many samples `now` is `before` moved on.
fn shift(before: &[f32], now: &[f32]) -> Option<f32> {
    if before.len() != now.len() {
        return None;
    }
    let farthest = (before.len() as f32 * FARTHEST) as isize;
    let at = |by: isize| correlation(before, now, by);
    let still = at(0);
    let (best, by) = (-farthest..=farthest)
        .map(|by| (at(by), by))
        .fold((f32::NEG_INFINITY, 0), |a, b| if b.0 > a.0 { b } else { a });
    if best.is_nan() || best < CLEAR {
        return None;
    }
    if by == 0 || best < still + BETTER {
        return Some(0.0);
    }
    // Between the samples: the top of a parabola through the best and its neighbours.
    let (left, right) = (at(by - 1), at(by + 1));
    let bend = left - 2.0 * best + right;
    let part = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    Some(by as f32 + part)
}

/// Correlation (-1 to 1) of `now` with `before` moved on by `by` samples, over what both show.
fn correlation(before: &[f32], now: &[f32], by: isize) -> f32 {
    let (a, b) = if by >= 0 {
        (before, now.get(by as usize..))
    } else {
        (before.get(by.unsigned_abs()..).unwrap_or_default(), Some(now))
    };
    let b = b.unwrap_or_default();
    let n = a.len().min(b.len()) as f32;
    let pairs = || a.iter().zip(b);
    let (sum_a, sum_b) = pairs().fold((0.0, 0.0), |s, (x, y)| (s.0 + x, s.1 + y));
    let (mean_a, mean_b) = (sum_a / n, sum_b / n);
    let (mut both, mut own_a, mut own_b) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (x, y) in pairs() {
        let (x, y) = (x - mean_a, y - mean_b);
        both += x * y;
        own_a += x * x;
        own_b += y * y;
    }
    // A picture without structure correlates with nothing.
    if own_a < n || own_b < n { 0.0 } else { both / (own_a * own_b).sqrt() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::simulation::Random;
    use super::*;

    /// A wall of blocks, looked at from a place: what stands at (x, y) in one picture stands at (x + dx, y + dy) in
    /// that moved by (dx, dy).
    pub fn wall(width: u32, height: u32, dx: i64, dy: i64) -> Image {
        let block = |x: i64, y: i64| {
            let (x, y) = (x.div_euclid(24), y.div_euclid(24));
            let mut random = Random::new((x * 7_919 + y * 104_729).unsigned_abs());
            (random.unit() * 255.0) as u8
        };
        let pixels = (0..i64::from(height))
            .flat_map(|y| (0..i64::from(width)).map(move |x| block(x - dx, y - dy)))
            .flat_map(|v| [v, v, v]);
        Image::new(width, height, pixels.collect()).unwrap()
    }

    #[test]
    fn a_picture_that_moved_is_found_moved() {
        let before = Profile::of(&wall(640, 360, 0, 0)).unwrap();
        for (dx, dy) in [(0, 0), (30, -12), (-41, 17), (6, 0), (0, 40)] {
            let moved = Profile::of(&wall(640, 360, dx, dy)).unwrap().moved_since(&before).unwrap();
            let near = |a: f32, b: i64| (a - b as f32).abs() <= STEP as f32;
            assert!(near(moved.x, dx) && near(moved.y, dy), "{dx} {dy}: {moved:?}");
        }
    }

    #[test]
    fn another_picture_and_an_empty_one_say_nothing() {
        let before = Profile::of(&wall(640, 360, 0, 0)).unwrap();
        assert!(Profile::of(&wall(640, 360, 5_000, 9_000)).unwrap().moved_since(&before).is_none());
        let grey = Profile::of(&Image::new(640, 360, vec![90; 640 * 360 * 3]).unwrap()).unwrap();
        assert!(grey.moved_since(&before).is_none() && grey.moved_since(&grey).is_none());
        assert!(Profile::of(&Image::new(100, 60, vec![0; 18_000]).unwrap()).is_none());
    }
}
