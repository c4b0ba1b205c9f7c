//! Which detection of this frame is which vehicle of the frames before.
//!
//! Plates are small and fast: from one frame to the next they may not overlap at all, so intersection over
//! union alone (SORT, Bewley et al. 2016) loses them. The measure here is the distance of the centres from
//! where the track's motion puts it, in plate widths, with overlap, size and what was read beside it. What the
//! whole picture moved by, all plates alike, is found first and taken off.

use super::contradiction::{UNSURE, conflicts};
use super::fusion::Fused;
use super::motion::{Expected, Motion, distance};
use crate::domain::{CharDistribution, Corners, Point, Reading, iou};

/// What the association knows of a track.
pub(super) struct Known<'a> {
    pub motion: &'a Motion,
    pub fused: Option<&'a Fused>,
    pub readings: u32,
    /// Hidden for longer than passing traffic is: only the same place or the same text brings it back.
    pub hidden: bool,
}

/// How two texts of one plate or two compare.
struct Likeness {
    /// 1 for the same, 0 for nothing in common, 0.5 where either says nothing.
    score: f32,
    /// Characters at which both are sure and that no confusion explains.
    conflicts: usize,
    /// The same text, read surely both times.
    same: bool,
    /// The same but for a character at an end, which a narrow cut takes away.
    nearly: bool,
}

/// Two plates lie at one place when their centres are nearer than this share of a plate's width.
const SAME_PLACE: f32 = 0.35;
/// What a text read surely and alike adds, and what every sure conflict takes away, in a measure whose other parts
/// are 1. One conflict is little: a sure misreading is commoner than a neighbour with nearly the same plate.
const SAME_TEXT: f32 = 2.0;
const OTHER_TEXT: f32 = 0.5;
/// A plate that was not read continues a track up to so far (widths) from where it was expected.
const UNREAD_REACH: f32 = 1.2;
/// A character is sure from this probability on.
const SURE: f32 = 0.95;
/// From so long ago (ms) on, a place is a guess.
const AWHILE_MS: f32 = 400.0;
/// A track's text is sure from this confidence on.
const SURE_TEXT: f32 = 0.9;
/// A movement of the picture smaller than this (widths) is left to the tracks themselves.
const TREMOR: f32 = 0.1;

/// A frame's detections against the tracks.
pub(super) struct Association<'a> {
    known: Vec<Known<'a>>,
    readings: &'a [Reading],
    at_ms: i64,
    /// How far the picture has moved since the first frame, as believed before this frame.
    camera: Point,
    /// What all plates with a known speed are off by.
    pub shake: Point,
    /// What all plates seen once have moved by.
    flow: Point,
    /// What the picture has moved by, where it was asked.
    picture: Option<Point>,
}

impl<'a> Association<'a> {
    /// `picture` is what the pixels say the picture moved by since the frame before: it counts where there are not two
    /// plates to tell.
    pub fn new(
        known: Vec<Known<'a>>,
        readings: &'a [Reading],
        at_ms: i64,
        camera: Point,
        picture: Option<Point>,
    ) -> Self {
        let zero = Point { x: 0.0, y: 0.0 };
        let mut new = Self { known, readings, at_ms, camera, shake: zero, flow: zero, picture: None };
        new.picture = picture.filter(|_| new.readings.len() < 2 || new.moving() < 2);
        new.shake = new.picture.unwrap_or_else(|| new.vote(true));
        new.flow = new.vote(false);
        new
    }

    /// The worth of every reading (row) as the continuation of every track (column); 0 where it cannot be.
    pub fn worth(&self) -> Vec<Vec<f32>> {
        self.readings.iter().map(|r| self.known.iter().map(|k| self.pair(k, r)).collect()).collect()
    }

    /// How far (in plate widths) a reading lies from where the track was expected.
    pub fn jump(&self, track: usize, reading: &Reading) -> f32 {
        let Some(known) = self.known.get(track) else { return 0.0 };
        let expected = known.motion.expect(self.at_ms);
        self.off(&expected, &reading.detection.corners)
    }

    /// What the picture has moved by, measured on the pairs that were made: the median of what they are off by,
    /// where there are at least two.
    pub fn measured_shake(&self, pairs: &[(usize, usize)]) -> Point {
        let mut offs: Vec<(f32, f32, f32)> = Vec::new();
        for &(t, r) in pairs {
            let (Some(known), Some(reading)) = (self.known.get(t), self.readings.get(r)) else { continue };
            let expected = known.motion.expect(self.at_ms);
            if expected.moving_known && expected.age_ms < AWHILE_MS {
                let c = self.steady(&reading.detection.corners);
                offs.push((c.x - expected.centre.x, c.y - expected.centre.y, expected.width));
            }
        }
        if offs.len() < 2 {
            return self.picture.unwrap_or(Point { x: 0.0, y: 0.0 });
        }
        let median = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            let middle = values.len() / 2;
            let upper = values.get(middle).copied().unwrap_or(0.0);
            // Of two, the smaller: one plate's own turn is no movement of the picture.
            if values.len().is_multiple_of(2) {
                let lower = values.get(middle.wrapping_sub(1)).copied().unwrap_or(0.0);
                if lower * upper <= 0.0 {
                    0.0
                } else if lower.abs() < upper.abs() {
                    lower
                } else {
                    upper
                }
            } else {
                upper
            }
        };
        let shift = Point {
            x: median(offs.iter().map(|o| o.0).collect()),
            y: median(offs.iter().map(|o| o.1).collect()),
        };
        let width = median(offs.iter().map(|o| o.2).collect());
        if shift.x.hypot(shift.y) < TREMOR * width { Point { x: 0.0, y: 0.0 } } else { shift }
    }

    /// Tracks whose way is known and that were seen a moment ago.
    fn moving(&self) -> usize {
        let recent = |k: &&Known<'_>| {
            let expected = k.motion.expect(self.at_ms);
            expected.moving_known && expected.age_ms < AWHILE_MS && !k.hidden
        };
        self.known.iter().filter(recent).count()
    }

    fn steady(&self, corners: &Corners) -> Point {
        let c = corners.centre();
        Point { x: c.x - self.camera.x, y: c.y - self.camera.y }
    }

    /// Distance from the nearest of the places a plate may be expected at, in widths.
    fn off(&self, expected: &Expected, seen: &Corners) -> f32 {
        let place = self.steady(seen);
        let width = expected.width.max(seen.width_px().max(1.0));
        let at = |by: Point| {
            distance(place, Point { x: expected.centre.x + by.x, y: expected.centre.y + by.y }) / width
        };
        let near = at(self.shake);
        if expected.moving_known { near } else { near.min(at(self.flow)) }
    }

    fn pair(&self, known: &Known<'_>, reading: &Reading) -> f32 {
        let seen = &reading.detection.corners;
        let mut expected = known.motion.expect(self.at_ms);
        let likeness = likeness(known, reading);
        let seen_width = seen.width_px().max(1.0);
        let ratio = (seen_width / expected.width).max(expected.width / seen_width);
        // NaN falls through here as anywhere else it can come from: no plate continues such a track.
        if ratio.is_nan() || ratio >= if likeness.same { 3.0 } else { 2.0 } {
            return 0.0;
        }
        if known.hidden {
            expected = known.motion.expect(self.at_ms - expected.age_ms as i64);
        }
        let off = self.off(&expected, seen);
        let dt = expected.age_ms.max(1.0);
        // A track seen once has no speed yet: its plate may be anywhere a fast car can get to.
        let reach = if known.hidden {
            1.0
        } else if expected.moving_known {
            (0.8 + dt / 150.0).min(4.0)
        } else {
            (1.2 + dt / 60.0).min(6.0)
        };
        let reach = reach
            * (0.4 + 1.2 * likeness.score)
            * if likeness.conflicts > 1 { 0.6 } else { 1.0 }
            * if likeness.nearly { 2.0 } else { 1.0 };
        // What could not be read says nothing for itself: it must be where the track was going. So must what comes
        // where a plate was that was never read, a while later: on one lane, that is the next vehicle.
        let never_read = known.fused.is_none_or(|f| f.text.is_empty()) && expected.moving_known;
        let blind = reading.positions.is_empty() || never_read && dt >= AWHILE_MS;
        let reach = if blind { reach.min(UNREAD_REACH) } else { reach };
        // What was hardly read may be read otherwise when it is larger, where it is just where it was to be.
        let unsure = known.fused.is_none_or(|f| f.confidence < SURE_TEXT);
        let there = unsure && expected.moving_known && off < SAME_PLACE && dt < AWHILE_MS;
        let settled = known.readings >= 2 && !there;
        if off.is_nan() || !likeness.same && (off >= reach || likeness.conflicts >= 3 && settled) {
            return 0.0;
        }
        let place = (1.0 - off / reach).max(0.0);
        let texts = if likeness.same {
            SAME_TEXT
        } else if likeness.nearly {
            SAME_TEXT / 2.0
        } else if likeness.conflicts > 0 {
            -OTHER_TEXT * likeness.conflicts as f32
        } else {
            0.0
        };
        place + self.overlap(&expected, seen) + likeness.score - (ratio - 1.0) + texts + f32::EPSILON
    }

    /// Intersection over union of the expected plate and the one seen.
    fn overlap(&self, expected: &Expected, seen: &Corners) -> f32 {
        let c = self.steady(seen);
        let (w, h) = (seen.width_px().max(1.0), seen.height_px().max(1.0));
        let of = |x: f32, y: f32, w: f32, h: f32| [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
        let there = of(
            expected.centre.x + self.shake.x,
            expected.centre.y + self.shake.y,
            expected.width,
            h * expected.width / w,
        );
        iou(&there, &of(c.x, c.y, w, h))
    }

    /// The movement that most tracks have in common: every pair of track and detection proposes one, and the one
    /// under which most plates are found counts, if at least two are and it explains more than no movement does.
    fn vote(&self, moving_known: bool) -> Point {
        let zero = Point { x: 0.0, y: 0.0 };
        let tracks: Vec<(Expected, &Known<'_>)> = self
            .known
            .iter()
            .map(|k| (k.motion.expect(self.at_ms), k))
            .filter(|(e, k)| e.moving_known == moving_known && e.age_ms < AWHILE_MS && !k.hidden)
            .collect();
        if tracks.len() < 2 || self.readings.len() < 2 {
            return zero;
        }
        // What each pair says: where the detection lies from the track, and how much the texts speak for it.
        let mut says: Vec<Vec<(Point, f32)>> = Vec::with_capacity(tracks.len());
        for (expected, known) in &tracks {
            let mut own = Vec::new();
            for r in self.readings {
                let width = r.detection.corners.width_px().max(1.0);
                if !(0.66..=1.5).contains(&(width / expected.width)) {
                    continue;
                }
                let likeness = likeness(known, r);
                let c = self.steady(&r.detection.corners);
                let by = Point { x: c.x - expected.centre.x, y: c.y - expected.centre.y };
                if likeness.conflicts == 0 && (likeness.same || by.x.hypot(by.y) < 3.0 * width) {
                    own.push((by, if likeness.same { 2.0 } else { 0.5 + likeness.score / 2.0 }));
                }
            }
            says.push(own);
        }
        let support = |by: Point| -> (f32, usize) {
            let mut sum = (0.0, 0);
            for ((expected, _), own) in tracks.iter().zip(&says) {
                let width = expected.width;
                let fits = own.iter().filter(|(p, _)| distance(*p, by) < SAME_PLACE * width);
                if let Some(best) = fits.map(|(_, weight)| *weight).max_by(f32::total_cmp) {
                    sum = (sum.0 + best - by.x.hypot(by.y) / (20.0 * width), sum.1 + 1);
                }
            }
            sum
        };
        let still = support(zero);
        let best = says
            .iter()
            .flatten()
            .map(|(by, _)| (*by, support(*by)))
            .filter(|(_, s)| s.1 >= 2)
            .max_by(|a, b| a.1.0.total_cmp(&b.1.0));
        match best {
            Some((by, s)) if s.0 > still.0 + 0.2 => by,
            _ => zero,
        }
    }
}

fn likeness(known: &Known<'_>, reading: &Reading) -> Likeness {
    let unknown = Likeness { score: 0.5, conflicts: 0, same: false, nearly: false };
    let Some(fused) = known.fused.filter(|f| !f.text.is_empty()) else { return unknown };
    let text = reading.text();
    if text.is_empty() {
        return unknown;
    }
    let confidence = reading.confidence();
    let believable = confidence >= 0.5 && fused.confidence >= 0.5 && text.len() >= 5;
    Likeness {
        score: text_likeness(&fused.text, &text),
        conflicts: if believable { conflicts(&sure(&fused.positions), &sure(&reading.positions)) } else { 0 },
        same: believable && text == fused.text,
        nearly: believable && lacks_an_end(&text, &fused.text),
    }
}

/// The text with only its sure characters.
fn sure(positions: &[CharDistribution]) -> String {
    let character = |d: &CharDistribution| Some(d.best()).filter(|b| b.1 >= SURE).map_or(UNSURE, |b| b.0);
    positions.iter().map(character).collect()
}

/// Whether one text is the other without its first or its last character.
pub(super) fn lacks_an_end(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() + 1 == long.len() && short.len() >= 5 && (long.starts_with(short) || long.ends_with(short))
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
    use super::super::fusion::fuse;
    use super::super::fusion::tests::reading;
    use super::*;

    const STEADY: Point = Point { x: 0.0, y: 0.0 };

    /// A track that read `text` at these places in frames 0, 1, 2…
    fn track(text: &str, places: &[f32]) -> (Motion, Fused) {
        let readings: Vec<Reading> =
            places.iter().enumerate().map(|(i, &x)| reading(text, 0.99, i as u64, x)).collect();
        let mut motion = Motion::new(&readings[0].detection.corners, 0, STEADY);
        for r in &readings {
            motion.update(&r.detection.corners, r.stamp.captured_at.unix_ms(), STEADY);
        }
        (motion, fuse(&readings.iter().collect::<Vec<_>>()).unwrap())
    }

    fn worth(tracks: &[(Motion, Fused)], readings: &[Reading], frame: i64) -> Vec<Vec<f32>> {
        let known = tracks
            .iter()
            .map(|(motion, fused)| Known { motion, fused: Some(fused), readings: 3, hidden: false })
            .collect();
        Association::new(known, readings, frame * 40, STEADY, None).worth()
    }

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
        let t = [track("1ABC123", &[0.0, 150.0])];
        let there = worth(&t, &[reading("", 0.9, 2, 300.0), reading("", 0.9, 2, 0.0)], 2);
        assert!(there[0][0] > 1.5 && there[1][0] == 0.0, "{there:?}");
    }

    #[test]
    fn another_plate_elsewhere_is_another_track() {
        let t = [track("1ABC123", &[0.0, 0.0])];
        assert_eq!(worth(&t, &[reading("2XYZ987", 0.99, 2, 160.0)], 2)[0][0], 0.0);
    }

    #[test]
    fn the_same_text_is_found_wherever_it_has_got_to() {
        let t = [track("1ABC123", &[0.0, 10.0])];
        let there = worth(&t, &[reading("1ABC123", 0.99, 2, 900.0), reading("1ABC124", 0.99, 2, 25.0)], 2);
        assert!(there[0][0] > there[1][0], "{there:?}");
    }

    #[test]
    fn a_jolt_that_moves_all_plates_is_the_cameras() {
        let t = [track("1ABC123", &[0.0, 0.0, 0.0]), track("2XYZ987", &[200.0, 200.0, 200.0])];
        let known =
            t.iter().map(|(motion, fused)| Known { motion, fused: Some(fused), readings: 3, hidden: false });
        // Both have moved by 190 px: the one now stands next to where the other stood, and none was read.
        let readings = [reading("", 0.9, 3, 190.0), reading("", 0.9, 3, 390.0)];
        let a = Association::new(known.collect(), &readings, 120, STEADY, None);
        assert!((a.shake.x - 190.0).abs() < 1.0, "{:?}", a.shake);
        let worth = a.worth();
        assert!(worth[0][0] > worth[0][1] && worth[1][1] > worth[1][0], "{worth:?}");
    }
}
