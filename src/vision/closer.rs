//! The second look: cuts of the frame at full resolution around what may be a small plate.
//!
//! A plate of 45 px in a 1920 wide frame is 15 px wide and 3 px high in an input of 640 px: enough to be
//! suspected, not enough to be sure of, and its corners are off by a third of its height. A cut of 192 x 128 px
//! costs a tenth of the whole frame and settles both.

use super::card::CloserLook;
use super::letterbox::{Fit, Part};
use crate::domain::{Detection, iou};

/// Around a plate at least this share of a cut is left free on each side: the detector wants to see the car.
const MARGIN: f32 = 0.17;
/// A plate wider than this share of a cut is looked at in a larger one, scaled down.
const WIDEST: f32 = 0.55;

/// An expected plate is found where a sure box overlaps it by so much.
pub(super) const EXPLAINED: f32 = 0.2;
/// Where a plate is expected, the closer look takes one from this share of the threshold on: that it was there a
/// moment ago speaks for it.
pub(super) const EXPECTED_SCORE: f32 = 0.4;
/// The first look measures small plates so roughly that one may really be wider by the inverse of this.
const ROUGHLY: f32 = 0.7;

/// One cut: where it lies in the frame, and how it is fitted into the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub part: Part,
    pub fit: Fit,
}

/// What the whole frame showed.
pub(super) struct FirstLook<'a> {
    /// Surest first, px of the frame.
    pub seen: &'a [Detection],
    /// Boxes where a plate should be, px of the frame.
    pub expected: &'a [[f32; 4]],
    /// Score from which a plate is one.
    pub sure: f32,
    /// Input px a frame px.
    pub scale: f32,
    /// Plates under so many px of the frame are not read, so they need no second look.
    pub readable: f32,
}

/// Chooses the cuts for what a frame as a whole showed. Before what is only suspected come the boxes where a plate is
/// `expected` (it was there a moment ago) and the first look is not `sure` of one, however large. Plates that fit into
/// one cut share it. Empty where the frame is hardly scaled down.
pub(super) fn looks(first: &FirstLook<'_>, wanted: &CloserLook, frame: (u32, u32)) -> Vec<Look> {
    let (wide, high) = (wanted.width as f32, wanted.height as f32);
    if first.scale > 0.8 {
        return Vec::new();
    }
    let mut groups: Vec<([f32; 4], f32)> = Vec::new();
    let is_sure = |d: &Detection| d.score >= first.sure;
    let (known, suspected): (Vec<&Detection>, Vec<&Detection>) =
        first.seen.iter().filter(|d| is_small(d, wanted, first)).partition(|d| is_sure(d));
    let missing = first.expected.iter().filter(|e| {
        e[2] - e[0] >= ROUGHLY * first.readable
            && e.iter().all(|v| v.is_finite())
            && !first.seen.iter().any(|d| is_sure(d) && iou(&d.bounds, e) >= EXPLAINED)
    });
    let bounds = |d: &&Detection| d.bounds;
    let wished = known.iter().map(bounds).chain(missing.copied()).chain(suspected.iter().map(bounds));
    for own_box in wished {
        let [x0, y0, x1, y1] = own_box;
        let grow = ((x1 - x0) / (WIDEST * wide)).max((y1 - y0) / (WIDEST * high)).max(1.0);
        let room = 1.0 - 2.0 * MARGIN;
        let joined = groups.iter_mut().find_map(|(all, own)| {
            let both = [all[0].min(x0), all[1].min(y0), all[2].max(x1), all[3].max(y1)];
            let fits = both[2] - both[0] <= wide * *own * room
                && both[3] - both[1] <= high * *own * room
                && grow <= *own * 1.3;
            fits.then(|| *all = both)
        });
        if joined.is_none() && groups.len() < wanted.most {
            groups.push((own_box, grow));
        }
    }
    groups.iter().map(|(all, grow)| look(all, *grow, wanted, frame)).collect()
}

fn look(all: &[f32; 4], grow: f32, wanted: &CloserLook, frame: (u32, u32)) -> Look {
    let side = |px: u32, whole: u32| ((px as f32 * grow).round() as u32).clamp(1, whole.max(1));
    let (width, height) = (side(wanted.width, frame.0), side(wanted.height, frame.1));
    let place = |low: f32, high: f32, size: u32, whole: u32| {
        let start = (low + high) / 2.0 - size as f32 / 2.0;
        (start.max(0.0) as u32).min(whole.saturating_sub(size))
    };
    let part = Part {
        x: place(all[0], all[2], width, frame.0),
        y: place(all[1], all[3], height, frame.1),
        width,
        height,
    };
    let fit = Fit::into(wanted.width, wanted.height, width, height);
    Look { part, fit }
}

/// Whether a detection in the whole frame is worth a second look.
fn is_small(d: &Detection, wanted: &CloserLook, first: &FirstLook<'_>) -> bool {
    let width = d.bounds[2] - d.bounds[0];
    d.score >= wanted.from && width * first.scale < wanted.below && width >= ROUGHLY * first.readable
}

/// What both looks say together: `close` where it saw a plate, what the first look was sure of (`threshold`)
/// elsewhere. Surest first.
pub(super) fn together(
    seen: Vec<Detection>,
    close: Vec<Detection>,
    threshold: f32,
    max_iou: f32,
) -> Vec<Detection> {
    let mut out = close;
    let exact = out.len();
    for d in seen.into_iter().filter(|d| d.score >= threshold) {
        let (x, y) = ((d.bounds[0] + d.bounds[2]) / 2.0, (d.bounds[1] + d.bounds[3]) / 2.0);
        // A box of 13 x 3 px may overlap the exact one by little and still mean the same plate.
        let same = |c: &Detection| {
            let [x0, y0, x1, y1] = c.bounds;
            iou(&c.bounds, &d.bounds) >= max_iou || (x0 <= x && x <= x1 && y0 <= y && y <= y1)
        };
        if !out.iter().take(exact).any(same) {
            out.push(d);
        }
    }
    out.sort_by(|a, b| b.score.total_cmp(&a.score));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Corners;

    const WANTED: CloserLook = CloserLook { below: 40.0, from: 0.01, width: 192, height: 128, most: 3 };
    const FRAME: (u32, u32) = (1920, 1080);

    fn at(x: f32, y: f32, width: f32, height: f32, score: f32) -> Detection {
        let bounds = [x, y, x + width, y + height];
        Detection { corners: Corners::from_box(x, y, x + width, y + height), bounds, score }
    }

    fn chosen(
        seen: &[Detection],
        wanted: &CloserLook,
        scale: f32,
        readable: f32,
        frame: (u32, u32),
    ) -> Vec<Look> {
        looks(&FirstLook { seen, expected: &[], sure: 0.3, scale, readable }, wanted, frame)
    }

    #[test]
    fn a_plate_that_was_there_a_moment_ago_is_looked_for_unless_it_is_seen() {
        let third = 1.0 / 3.0;
        let expected = [[500.0, 300.0, 650.0, 335.0]];
        let look = |seen: &[Detection], expected: &[[f32; 4]]| {
            looks(&FirstLook { seen, expected, sure: 0.3, scale: third, readable: 40.0 }, &WANTED, FRAME)
        };
        let cuts = |seen: &[Detection]| look(seen, &expected);
        let found = cuts(&[]);
        let part = found[0].part;
        assert!(found.len() == 1 && part.x < 500 && part.x + part.width > 650, "{part:?}");
        assert!(cuts(&[at(510.0, 298.0, 150.0, 35.0, 0.8)]).is_empty(), "it is seen");
        // It goes before what is only suspected.
        let many: Vec<_> = (0..9).map(|k| at(k as f32 * 200.0, 900.0, 40.0, 10.0, 0.1)).collect();
        assert_eq!(cuts(&many).len(), 3);
        assert_eq!(cuts(&many)[0].part, part);
        assert!(look(&[], &[[f32::NAN; 4]]).is_empty());
        assert!(look(&[], &[[500.0, 300.0, 520.0, 306.0]]).is_empty(), "not read");
    }

    #[test]
    fn a_small_plate_is_looked_at_in_its_middle_at_full_resolution() {
        let found = chosen(&[at(500.0, 300.0, 50.0, 12.0, 0.02)], &WANTED, 1.0 / 3.0, 40.0, FRAME);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].part, Part { x: 429, y: 242, width: 192, height: 128 });
        assert_eq!((found[0].fit.width, found[0].fit.height, found[0].fit.scale_x), (192, 128, 1.0));
    }

    #[test]
    fn large_plates_faint_ones_and_small_frames_are_not() {
        let third = 1.0 / 3.0;
        assert!(
            chosen(&[at(500.0, 300.0, 150.0, 30.0, 0.9)], &WANTED, third, 40.0, FRAME).is_empty(),
            "large"
        );
        assert!(
            chosen(&[at(500.0, 300.0, 50.0, 12.0, 0.005)], &WANTED, third, 40.0, FRAME).is_empty(),
            "faint"
        );
        assert!(
            chosen(&[at(500.0, 300.0, 27.0, 7.0, 0.9)], &WANTED, third, 40.0, FRAME).is_empty(),
            "not read"
        );
        assert!(
            chosen(&[at(50.0, 30.0, 30.0, 8.0, 0.9)], &WANTED, 1.0, 40.0, (640, 360)).is_empty(),
            "not scaled"
        );
    }

    #[test]
    fn neighbours_share_a_cut_and_no_frame_has_more_than_the_most() {
        let pair = [at(500.0, 300.0, 40.0, 10.0, 0.9), at(560.0, 320.0, 40.0, 10.0, 0.5)];
        assert_eq!(chosen(&pair, &WANTED, 1.0 / 3.0, 40.0, FRAME).len(), 1);
        let many: Vec<_> = (0..9).map(|k| at(k as f32 * 200.0, 300.0, 40.0, 10.0, 0.9)).collect();
        assert_eq!(chosen(&many, &WANTED, 1.0 / 3.0, 40.0, FRAME).len(), 3);
    }

    #[test]
    fn cuts_stay_inside_the_frame_whatever_its_size() {
        for (x, y) in [(0.0, 0.0), (1890.0, 1070.0), (-20.0, 500.0), (f32::NAN, 3.0)] {
            for frame in [FRAME, (100, 90), (1, 1)] {
                for found in chosen(&[at(x, y, 30.0, 9.0, 0.5)], &WANTED, 0.3, 0.0, frame) {
                    let p = found.part;
                    assert!(p.width > 0 && p.height > 0, "{p:?}");
                    assert!(p.x + p.width <= frame.0 && p.y + p.height <= frame.1, "{p:?} in {frame:?}");
                }
            }
        }
    }

    #[test]
    fn a_plate_small_in_a_4k_frame_is_looked_at_in_a_larger_cut() {
        let found = chosen(&[at(1000.0, 900.0, 210.0, 50.0, 0.5)], &WANTED, 1.0 / 6.0, 40.0, (3840, 2160));
        assert_eq!((found[0].part.width, found[0].part.height), (382, 255));
        assert!((found[0].fit.scale_x - 0.5).abs() < 0.01, "{:?}", found[0].fit);
    }

    #[test]
    fn the_second_look_replaces_the_first_and_leaves_the_rest() {
        let seen = vec![
            at(100.0, 100.0, 60.0, 8.0, 0.9),
            at(300.0, 100.0, 60.0, 14.0, 0.8),
            at(0.0, 0.0, 9.0, 9.0, 0.1),
        ];
        let close = vec![at(110.0, 102.0, 40.0, 9.0, 0.7)];
        let both = together(seen, close, 0.3, 0.3);
        assert_eq!(both.iter().map(|d| d.score).collect::<Vec<_>>(), [0.8, 0.7]);
    }
}
