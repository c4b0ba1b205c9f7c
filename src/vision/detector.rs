//! Frame to detections, as the detector's card says.

use super::VisionError;
use super::card::{Card, DetectorCard, DetectorOutput};
use super::letterbox::{Fit, letterbox};
use super::session::{Model, Tensor};
use crate::domain::{Corners, Detection, Image, Point, iou};
use opencv::core::Mat;
use std::path::Path;
use std::time::{Duration, Instant};

/// More cells than this above the threshold mean a broken model or an attack, not plates.
const MAX_CELLS: usize = 5_000;
/// More plates than this in one frame are not believed.
const MAX_DETECTIONS: usize = 200;

/// A detector on one thread.
pub(super) struct Detector {
    card: DetectorCard,
    min_score: f32,
    model: Model,
    fixed: [Option<u32>; 2],
    scaled: Mat,
    input: Vec<f32>,
}

impl Detector {
    pub fn open(
        card: &Card<DetectorCard>,
        library: Option<&Path>,
        intra_threads: usize,
        min_score: Option<f32>,
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
            model,
            fixed,
            scaled: Mat::default(),
            input: Vec::new(),
        })
    }

    /// Plates in the frame, surest first. Also how long scaling and inference took.
    pub fn detect(&mut self, image: &Image) -> Result<(Vec<Detection>, Duration, Duration), VisionError> {
        let start = Instant::now();
        let fit = Fit::choose(&self.card.input, self.fixed, image.width(), image.height());
        letterbox(image, fit, &self.card.input, &mut self.scaled, &mut self.input)?;
        let scaled = start.elapsed();
        let start = Instant::now();
        let shape = [1, 3, fit.height as usize, fit.width as usize];
        let DetectorOutput::Dense { stride, score, ltrb, corners } = &self.card.output;
        let name = &self.card.input.name;
        let mut outputs = vec![score.as_str(), ltrb.as_str()];
        outputs.extend(corners.as_deref());
        let cells = match self.model.run(name, shape, &self.input, &outputs)?.as_slice() {
            [score, ltrb, rest @ ..] => decode_dense(score, ltrb, rest.first(), *stride, self.min_score),
            _ => Vec::new(),
        };
        let mut found = suppress(cells, self.card.nms_iou);
        for d in &mut found {
            let [x0, y0, x1, y1] = d.bounds;
            let (a, b) = (fit.to_frame(x0, y0), fit.to_frame(x1, y1));
            d.bounds = [a.x, a.y, b.x, b.y];
            d.corners = Corners(d.corners.0.map(|p| fit.to_frame(p.x, p.y)));
        }
        let (w, h) = (image.width() as f32, image.height() as f32);
        found.retain(|d| d.bounds[0] < w && d.bounds[1] < h && d.bounds[2] > 0.0 && d.bounds[3] > 0.0);
        Ok((found, scaled, start.elapsed()))
    }
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

/// Greedy non-maximum suppression over boxes sorted by falling score.
fn suppress(sorted: Vec<Detection>, max_iou: f32) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for d in sorted {
        if kept.len() >= MAX_DETECTIONS {
            break;
        }
        if kept.iter().all(|k| iou(&k.bounds, &d.bounds) < max_iou) {
            kept.push(d);
        }
    }
    kept
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
}
