//! Frame to detections, as the detector's card says.

use super::VisionError;
use super::card::{Card, CloserLook, DetectorCard, DetectorOutput};
use super::closer::{EXPECTED_SCORE, EXPLAINED, FirstLook, looks, together};
use super::letterbox::{Fit, Part, letterbox};
use super::session::{Model, Tensor};
use crate::domain::{Corners, Detection, Image, Point, iou};
use opencv::core::Mat;
use std::path::Path;
use std::time::{Duration, Instant};

/// More cells than this above the threshold mean a broken model or an attack, not plates.
const MAX_CELLS: usize = 5_000;
/// Tiles with a side below this, in px of the frame, would only enlarge.
const MIN_TILE: u32 = 160;
/// More plates than this in one frame are not believed.
const MAX_DETECTIONS: usize = 200;

/// A detector on one thread.
pub(super) struct Detector {
    card: DetectorCard,
    min_score: f32,
    readable: f32,
    model: Model,
    fixed: [Option<u32>; 2],
    scaled: Mat,
    input: Vec<f32>,
}

/// Time of one frame.
#[derive(Default)]
struct Spent {
    scaling: Duration,
    inference: Duration,
}

impl Detector {
    /// `readable`: plates narrower than this many px of the frame are not read.
    pub fn open(
        card: &Card<DetectorCard>,
        library: Option<&Path>,
        intra_threads: usize,
        min_score: Option<f32>,
        readable: f32,
    ) -> Result<Self, VisionError> {
        let DetectorOutput::Dense { score, ltrb, corners, .. } = &card.card.output;
        let mut outputs = vec![score.as_str(), ltrb.as_str()];
        outputs.extend(corners.as_deref());
        let input = &card.card.input.name;
        let model = Model::open(library, &card.path, &card.id, &card.bytes, intra_threads, input, &outputs)?;
        let fixed = model.input_size();
        let min_score = min_score.unwrap_or(card.card.threshold);
        Ok(Self {
            card: card.card.clone(),
            min_score,
            readable,
            model,
            fixed,
            scaled: Mat::default(),
            input: Vec::new(),
        })
    }

    /// Plates in the frame, surest first. Also how long scaling and inference took. Where the card asks for a closer
    /// look, one goes to each of the `expected` boxes (px of the frame) in which the first finds nothing.
    pub fn detect(
        &mut self,
        image: &Image,
        expected: &[[f32; 4]],
    ) -> Result<(Vec<Detection>, Duration, Duration), VisionError> {
        let mut spent = Spent::default();
        // Cuts have a size of their own, so the model's axes must be free.
        let closer = self.card.input.closer.filter(|_| self.fixed == [None, None]);
        let least = closer.map_or(self.min_score, |c| c.from.min(self.min_score));
        let mut cells = Vec::new();
        let mut scale = 1.0;
        for part in parts(image.width(), image.height(), self.card.input.tiles) {
            let fit = Fit::choose(&self.card.input, self.fixed, part.width, part.height);
            if part.width == image.width() {
                scale = fit.scale_x;
            }
            cells.extend(self.look(image, part, fit, least, &mut spent)?);
        }
        let start = Instant::now();
        let mut found = self.plates(cells);
        spent.inference += start.elapsed();
        if let Some(closer) = closer {
            found = self.look_closer(image, found, expected, &closer, scale, &mut spent)?;
        }
        let (w, h) = (image.width() as f32, image.height() as f32);
        found.retain(|d| d.bounds[0] < w && d.bounds[1] < h && d.bounds[2] > 0.0 && d.bounds[3] > 0.0);
        Ok((found, spent.scaling, spent.inference))
    }

    /// Looks again at what may be a small plate in a frame seen at `scale`.
    fn look_closer(
        &mut self,
        image: &Image,
        seen: Vec<Detection>,
        expected: &[[f32; 4]],
        wanted: &CloserLook,
        scale: f32,
        spent: &mut Spent,
    ) -> Result<Vec<Detection>, VisionError> {
        let mut cells = Vec::new();
        let frame = (image.width(), image.height());
        let first = FirstLook { seen: &seen, expected, sure: self.min_score, scale, readable: self.readable };
        for look in looks(&first, wanted, frame) {
            cells.extend(self.look(image, look.part, look.fit, self.min_score * EXPECTED_SCORE, spent)?);
        }
        let mut close = self.plates(cells);
        let waited_for = |d: &Detection| expected.iter().any(|e| iou(&d.bounds, e) >= EXPLAINED);
        close.retain(|d| d.score >= self.min_score || waited_for(d));
        Ok(together(seen, close, self.min_score, self.card.nms_iou))
    }

    /// Cells above `least` in a part of the frame, in px of the frame.
    fn look(
        &mut self,
        image: &Image,
        part: Part,
        fit: Fit,
        least: f32,
        spent: &mut Spent,
    ) -> Result<Vec<Detection>, VisionError> {
        let start = Instant::now();
        letterbox(image, part, fit, &self.card.input, &mut self.scaled, &mut self.input)?;
        spent.scaling += start.elapsed();
        let start = Instant::now();
        let cells = self.cells(fit, least)?;
        let found = cells.into_iter().filter_map(|d| to_frame(d, fit, part, image)).collect();
        spent.inference += start.elapsed();
        Ok(found)
    }

    /// The plates that cells speak of, surest first.
    fn plates(&self, mut cells: Vec<Detection>) -> Vec<Detection> {
        cells.sort_by(|a, b| b.score.total_cmp(&a.score));
        cells.truncate(MAX_CELLS);
        suppress(cells, self.card.nms_iou)
    }

    /// Runs the model on the input as it stands: cells above `least`, in input px.
    fn cells(&mut self, fit: Fit, least: f32) -> Result<Vec<Detection>, VisionError> {
        let shape = [1, 3, fit.height as usize, fit.width as usize];
        let DetectorOutput::Dense { stride, score, ltrb, corners } = &self.card.output;
        let mut outputs = vec![score.as_str(), ltrb.as_str()];
        outputs.extend(corners.as_deref());
        Ok(match self.model.run(&self.card.input.name, shape, &self.input, &outputs)?.as_slice() {
            [score, ltrb, rest @ ..] => decode_dense(score, ltrb, rest.first(), *stride, least),
            _ => Vec::new(),
        })
    }
}

/// What of a frame is looked at: the whole, and with `tiles` above 1 also as many parts each way, which
/// overlap so that a small plate is whole in one of them.
fn parts(width: u32, height: u32, tiles: u32) -> Vec<Part> {
    let mut out = vec![Part { x: 0, y: 0, width, height }];
    if tiles > 1 && width / tiles >= MIN_TILE && height / tiles >= MIN_TILE {
        let side = |whole: u32| (whole / tiles + whole / tiles / 4).min(whole);
        let (w, h) = (side(width), side(height));
        let at = |k: u32, whole: u32, part: u32| (whole - part) * k / (tiles - 1);
        out.extend((0..tiles * tiles).map(|k| Part {
            x: at(k % tiles, width, w),
            y: at(k / tiles, height, h),
            width: w,
            height: h,
        }));
    }
    out
}

/// A detection in the input of a part as one in the frame. None where it touches an edge that the part has
/// and the frame has not: there it is cut off, and another part shows it whole.
fn to_frame(d: Detection, fit: Fit, part: Part, frame: &Image) -> Option<Detection> {
    let place = |x: f32, y: f32| {
        let p = fit.to_frame(x, y);
        Point { x: p.x + part.x as f32, y: p.y + part.y as f32 }
    };
    let [x0, y0, x1, y1] = d.bounds;
    let (a, b) = (place(x0, y0), place(x1, y1));
    let (left, top) = (part.x as f32, part.y as f32);
    let (right, bottom) = (left + part.width as f32, top + part.height as f32);
    let cut = (part.x > 0 && a.x < left + 1.0)
        || (part.y > 0 && a.y < top + 1.0)
        || (right < frame.width() as f32 && b.x > right - 1.0)
        || (bottom < frame.height() as f32 && b.y > bottom - 1.0);
    let corners = Corners(d.corners.0.map(|p| place(p.x, p.y)));
    (!cut).then_some(Detection { corners, bounds: [a.x, a.y, b.x, b.y], score: d.score })
}

/// Cells above `min_score` as detections in input px; cells with numbers that are none are left out.
fn decode_dense(
    score: &Tensor,
    ltrb: &Tensor,
    corners: Option<&Tensor>,
    stride: u32,
    min_score: f32,
) -> Vec<Detection> {
    let &[_, _, rows, cols] = score.shape.as_slice() else { return Vec::new() };
    let plane = rows * cols;
    let at =
        |t: &Tensor, channel: usize, i: usize| t.values.get(channel * plane + i).copied().unwrap_or(f32::NAN);
    let mut found = Vec::new();
    for (i, &s) in score.values.iter().take(plane).enumerate() {
        if s.is_nan() || s < min_score {
            continue;
        }
        let centre = |n: usize| (n as f32 + 0.5) * stride as f32;
        let (cx, cy) = (centre(i % cols), centre(i / cols));
        let bounds = [cx - at(ltrb, 0, i), cy - at(ltrb, 1, i), cx + at(ltrb, 2, i), cy + at(ltrb, 3, i)];
        let upright = Corners::from_box(bounds[0], bounds[1], bounds[2], bounds[3]);
        let quad = match corners {
            None => upright,
            Some(c) => Corners(std::array::from_fn(|k| Point {
                x: cx + at(c, 2 * k, i),
                y: cy + at(c, 2 * k + 1, i),
            })),
        };
        let sound = upright.is_finite() && bounds[2] > bounds[0] && bounds[3] > bounds[1];
        if sound {
            // Corners that contradict the box are worse than the box.
            let corners = if quad.is_finite() && iou(&quad.bounds(), &bounds) > 0.4 { quad } else { upright };
            found.push(Detection { corners, bounds, score: s.min(1.0) });
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_CELLS);
    found
}

/// Cells whose boxes overlap the surest one's by this much saw the same plate as well as it did.
const SAME_PLATE: f32 = 0.7;

/// A plate and the sum of what the cells that saw it say, weighted by the square of their scores.
struct Cluster {
    best: Detection,
    weight: f32,
    bounds: [f32; 4],
    corners: [Point; 4],
}

impl Cluster {
    fn new(best: Detection) -> Self {
        let origin = Point { x: 0.0, y: 0.0 };
        let mut own = Self { best, weight: 0.0, bounds: [0.0; 4], corners: [origin; 4] };
        own.add(&best);
        own
    }

    fn add(&mut self, d: &Detection) {
        let w = d.score * d.score;
        self.weight += w;
        for (sum, v) in self.bounds.iter_mut().zip(d.bounds) {
            *sum += w * v;
        }
        for (sum, p) in self.corners.iter_mut().zip(d.corners.0) {
            sum.x += w * p.x;
            sum.y += w * p.y;
        }
    }

    fn mean(self) -> Detection {
        if self.weight <= f32::EPSILON {
            return self.best;
        }
        let w = self.weight;
        Detection {
            bounds: self.bounds.map(|v| v / w),
            corners: Corners(self.corners.map(|p| Point { x: p.x / w, y: p.y / w })),
            score: self.best.score,
        }
    }
}

/// Greedy non-maximum suppression over boxes sorted by falling score. Box and corners of what is kept are
/// the mean over the cells that agree with it: one cell's guess is a few pixels off, theirs together less.
fn suppress(sorted: Vec<Detection>, max_iou: f32) -> Vec<Detection> {
    let mut kept: Vec<Cluster> = Vec::new();
    for d in sorted {
        let full = kept.len() >= MAX_DETECTIONS;
        let near = kept
            .iter_mut()
            .map(|k| (iou(&k.best.bounds, &d.bounds), k))
            .filter(|(overlap, _)| *overlap >= max_iou)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match near {
            Some((overlap, k)) if overlap >= SAME_PLATE => k.add(&d),
            Some(_) => {}
            None if !full => kept.push(Cluster::new(d)),
            None => {}
        }
    }
    kept.into_iter().map(Cluster::mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(channels: usize, values: &[f32]) -> Tensor {
        Tensor { shape: vec![1, channels, 1, 2], values: values.to_vec() }
    }

    #[test]
    fn a_cell_becomes_a_box_around_its_centre() {
        let score = tensor(1, &[0.9, f32::NAN]);
        let ltrb = tensor(4, &[2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 1.0, 0.0]);
        let found = decode_dense(&score, &ltrb, None, 8, 0.5);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bounds, [2.0, 3.0, 7.0, 5.0]);
    }

    #[test]
    fn corners_far_from_their_box_are_not_used() {
        let score = tensor(1, &[0.9, 0.0]);
        let ltrb = tensor(4, &[2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 1.0, 0.0]);
        let found = decode_dense(&score, &ltrb, Some(&tensor(8, &[500.0; 16])), 8, 0.5);
        assert_eq!(found[0].corners, Corners::from_box(2.0, 3.0, 7.0, 5.0));
    }

    #[test]
    fn outputs_of_the_wrong_shape_give_nothing() {
        let none = Tensor { shape: vec![1, 2], values: vec![1.0; 2] };
        assert!(decode_dense(&none, &tensor(4, &[]), None, 8, 0.5).is_empty());
        assert!(decode_dense(&tensor(1, &[0.9, 0.9]), &tensor(4, &[]), None, 8, 0.5).is_empty());
    }

    #[test]
    fn the_weaker_of_two_overlapping_boxes_goes() {
        let d = |x: f32, score: f32| Detection {
            corners: Corners::from_box(x, 0.0, x + 10.0, 4.0),
            bounds: [x, 0.0, x + 10.0, 4.0],
            score,
        };
        let kept = suppress(vec![d(0.0, 0.9), d(1.0, 0.8), d(20.0, 0.7)], 0.3);
        assert_eq!(kept.iter().map(|k| k.score).collect::<Vec<_>>(), [0.9, 0.7]);
    }

    #[test]
    fn a_box_is_the_mean_of_the_cells_that_agree_on_it() {
        let d = |x: f32, score: f32| Detection {
            corners: Corners::from_box(x, 0.0, x + 10.0, 4.0),
            bounds: [x, 0.0, x + 10.0, 4.0],
            score,
        };
        // The third overlaps too little to be trusted and too much to be another plate.
        let kept = suppress(vec![d(0.0, 0.8), d(1.0, 0.8), d(4.0, 0.7)], 0.3);
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].bounds, kept[0].score), ([0.5, 0.0, 10.5, 4.0], 0.8));
        assert_eq!(kept[0].corners, Corners::from_box(0.5, 0.0, 10.5, 4.0));
    }

    #[test]
    fn tiles_cover_the_frame_and_overlap() {
        let whole = Part { x: 0, y: 0, width: 1920, height: 1080 };
        assert_eq!(parts(1920, 1080, 1), [whole]);
        assert_eq!(parts(300, 200, 4).len(), 1, "too small to cut");
        let tiles = parts(1920, 1080, 2);
        assert_eq!(tiles.len(), 5);
        assert_eq!(tiles[4], Part { x: 720, y: 405, width: 1200, height: 675 });
        for p in parts(1921, 1079, 3) {
            assert!(p.x + p.width <= 1921 && p.y + p.height <= 1079, "{p:?}");
        }
    }

    #[test]
    fn a_plate_cut_by_a_tile_is_left_to_its_neighbour() {
        let frame = Image::new(200, 100, vec![0; 200 * 100 * 3]).unwrap();
        let fit = Fit { width: 64, height: 64, scale_x: 0.5, scale_y: 0.5 };
        let part = Part { x: 100, y: 0, width: 100, height: 100 };
        let d = |x: f32| Detection {
            corners: Corners::from_box(x, 0.0, x + 10.0, 4.0),
            bounds: [x, 0.0, x + 10.0, 4.0],
            score: 0.9,
        };
        let found = to_frame(d(5.0), fit, part, &frame).unwrap();
        assert_eq!(found.bounds, [110.0, 0.0, 130.0, 8.0]);
        assert_eq!(found.corners, Corners::from_box(110.0, 0.0, 130.0, 8.0));
        assert!(to_frame(d(0.0), fit, part, &frame).is_none(), "the left edge is the tile's alone");
        assert!(to_frame(d(40.0), fit, part, &frame).is_some(), "the right edge is the frame's too");
    }
}
