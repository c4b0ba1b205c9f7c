//! Faces in a picture that is to be kept: found and made unrecognisable.
//!
//! The finder is CenterFace (arXiv:1911.03599): a heat map of face centres at a quarter of the size, with the logarithm
//! of each face's size and the offset of its centre. What it misses stays in the picture; that is why pictures are cut
//! below the windscreen first.

use super::VisionError;
use super::card::{Card, check, parse, read_card, with_model};
use super::session::Model;
use opencv::core::{Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// Card of a face finder.
#[derive(Debug, Clone, Deserialize)]
struct FaceCard {
    task: String,
    version: Option<String>,
    file: Option<String>,
    input: String,
    heatmap: String,
    scale: String,
    offset: String,
    multiple_of: u32,
    side: u32,
    threshold: f32,
    sha256: String,
}

/// Outputs are at a quarter of the input's size.
const STRIDE: f32 = 4.0;
/// A picture is enlarged no further than this: a hit waits for its pictures, and beyond it nothing more is found.
const ENLARGED: f32 = 2.0;
/// How much wider than the face the hidden part is, as a share to each side: hair and chin tell too.
const BORDER: f32 = 0.25;
/// Squares across a hidden face: too few to tell anybody by.
const SQUARES: i32 = 5;
/// More faces than these in one picture of one vehicle are not believed.
const MOST: usize = 50;
/// A "face" that covers so much of the plate is none.
const ON_THE_PLATE: f32 = 0.3;

/// Finds faces. One thread's.
pub struct FaceFinder {
    card: FaceCard,
    model: Model,
    scaled: Mat,
    input: Vec<f32>,
}

impl std::fmt::Debug for FaceFinder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaceFinder")
    }
}

impl FaceFinder {
    /// The finder whose card `faces.toml` lies beside the detector's card; `None` where there is none.
    ///
    /// # Errors
    /// The card or the model is there and cannot be used.
    pub fn beside(detector: &Path, library: Option<&Path>) -> Result<Option<Self>, VisionError> {
        let path = detector.with_file_name("faces.toml");
        if !path.is_file() {
            return Ok(None);
        }
        let card: FaceCard = parse(&path, &read_card(&path)?)?;
        check(&path, card.task == "face-detection", "task must be \"face-detection\"")?;
        check(&path, (32..=4096).contains(&card.side), "side must be from 32 to 4096")?;
        check(&path, (1..=256).contains(&card.multiple_of), "multiple_of must be from 1 to 256")?;
        check(&path, (0.0..=1.0).contains(&card.threshold), "threshold must be between 0 and 1")?;
        let card: Card<FaceCard> =
            with_model(&path, card.file.clone(), card.version.clone(), card.sha256.clone(), card)?;
        let outputs = [&card.card.heatmap, &card.card.scale, &card.card.offset].map(String::as_str);
        let model = Model::open(library, &card.path, &card.id, &card.bytes, 1, &card.card.input, &outputs)?;
        Ok(Some(Self { card: card.card, model, scaled: Mat::default(), input: Vec::new() }))
    }

    /// Makes every face in `picture` (8-bit BGR) unrecognisable, and nothing that lies on the `plate` (left, top,
    /// right, bottom, px); how many.
    ///
    /// # Errors
    /// The model or OpenCV fails: then the picture must not be kept.
    pub fn hide(&mut self, picture: &mut Mat, plate: Option<[f32; 4]>) -> Result<usize, VisionError> {
        let faces = self.find(picture)?;
        let mut hidden = 0;
        for face in faces {
            if plate.is_some_and(|p| covered(p, face) > ON_THE_PLATE) {
                continue;
            }
            blur(picture, face)?;
            hidden += 1;
        }
        Ok(hidden)
    }

    /// Faces as left, top, right, bottom, px of the picture.
    fn find(&mut self, picture: &Mat) -> Result<Vec<[f32; 4]>, VisionError> {
        let failed = VisionError::picture("looking for faces");
        let (w, h) = (picture.cols() as f32, picture.rows() as f32);
        if w < 2.0 || h < 2.0 {
            return Ok(Vec::new());
        }
        let step = self.card.multiple_of as f32;
        let factor = (self.card.side as f32 / w.max(h)).min(ENLARGED);
        let side = |px: f32| ((px * factor / step).ceil().max(1.0) * step).min(4096.0);
        let (in_w, in_h) = (side(w), side(h));
        let size = Size::new(in_w as i32, in_h as i32);
        imgproc::resize(picture, &mut self.scaled, size, 0.0, 0.0, imgproc::INTER_LINEAR).map_err(&failed)?;
        let bytes = self.scaled.data_bytes().map_err(&failed)?;
        self.input.clear();
        // RGB planes of BGR pixels.
        for channel in [2, 1, 0] {
            self.input.extend(bytes.iter().skip(channel).step_by(3).map(|b| f32::from(*b)));
        }
        let shape = [1, 3, in_h as usize, in_w as usize];
        let outputs = [&self.card.heatmap, &self.card.scale, &self.card.offset].map(String::as_str);
        let got = self.model.run(&self.card.input, shape, &self.input, &outputs)?;
        let [heat, scale, offset] = got.as_slice() else { return Ok(Vec::new()) };
        let &[_, _, rows, cols] = heat.shape.as_slice() else { return Ok(Vec::new()) };
        let plane = rows * cols;
        let at = |values: &[f32], channel: usize, i: usize| {
            values.get(channel * plane + i).copied().unwrap_or(f32::NAN)
        };
        let mut found: Vec<([f32; 4], f32)> = Vec::new();
        for (i, score) in heat.values.iter().take(plane).copied().enumerate() {
            if score.is_nan() || score < self.card.threshold {
                continue;
            }
            let (row, col) = ((i / cols.max(1)) as f32, (i % cols.max(1)) as f32);
            let height = at(&scale.values, 0, i).exp() * STRIDE;
            let width = at(&scale.values, 1, i).exp() * STRIDE;
            let y = (row + at(&offset.values, 0, i) + 0.5) * STRIDE;
            let x = (col + at(&offset.values, 1, i) + 0.5) * STRIDE;
            let face = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
            if face.iter().all(|v| v.is_finite()) {
                let (sx, sy) = (w / in_w, h / in_h);
                found.push(([face[0] * sx, face[1] * sy, face[2] * sx, face[3] * sy], score));
            }
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut faces: Vec<[f32; 4]> = Vec::new();
        for (face, _) in found {
            if faces.len() < MOST && faces.iter().all(|f| covered(*f, face).max(covered(face, *f)) < 0.5) {
                faces.push(face);
            }
        }
        Ok(faces)
    }
}

/// Which share of `a` lies in `b`.
fn covered(a: [f32; 4], b: [f32; 4]) -> f32 {
    let w = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let h = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let area = ((a[2] - a[0]) * (a[3] - a[1])).max(1.0);
    w * h / area
}

/// A few squares in place of what is there: scaled down to them and up again, which nothing brings back.
fn blur(picture: &mut Mat, [x0, y0, x1, y1]: [f32; 4]) -> Result<(), VisionError> {
    let failed = VisionError::picture("hiding a face");
    let (bx, by) = ((x1 - x0) * BORDER, (y1 - y0) * BORDER);
    let clamp = |v: f32, most: i32| (v as i32).clamp(0, most);
    let (left, right) = (clamp(x0 - bx, picture.cols()), clamp(x1 + bx + 1.0, picture.cols()));
    let (top, bottom) = (clamp(y0 - by, picture.rows()), clamp(y1 + by + 1.0, picture.rows()));
    if right - left < 1 || bottom - top < 1 {
        return Ok(());
    }
    let rect = Rect::new(left, top, right - left, bottom - top);
    let mut part = Mat::roi_mut(picture, rect).map_err(&failed)?;
    let (mut small, mut large) = (Mat::default(), Mat::default());
    let squares = Size::new(SQUARES.min(rect.width), SQUARES.min(rect.height));
    imgproc::resize(&part, &mut small, squares, 0.0, 0.0, imgproc::INTER_AREA).map_err(&failed)?;
    let size = Size::new(rect.width, rect.height);
    imgproc::resize(&small, &mut large, size, 0.0, 0.0, imgproc::INTER_NEAREST).map_err(&failed)?;
    large.copy_to(&mut part).map_err(&failed)
}

#[cfg(test)]
#[path = "faces_recall.rs"]
mod recall;

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::CV_8UC3;

    #[test]
    fn a_hidden_part_is_a_few_squares_and_the_rest_untouched() {
        let mut picture =
            Mat::new_rows_cols_with_default(60, 80, CV_8UC3, opencv::core::Scalar::default()).unwrap();
        for row in 0..60 {
            for col in 0..80 {
                *picture.at_2d_mut::<opencv::core::Vec3b>(row, col).unwrap() =
                    opencv::core::Vec3b::from([(row * 4) as u8, (col * 3) as u8, ((row * col) % 251) as u8]);
            }
        }
        let before = picture.try_clone().unwrap();
        blur(&mut picture, [20.0, 20.0, 40.0, 40.0]).unwrap();
        let pixel = |m: &Mat, r, c| *m.at_2d::<opencv::core::Vec3b>(r, c).unwrap();
        let mut colours = std::collections::BTreeSet::new();
        for row in 15..45 {
            for col in 15..45 {
                let p = pixel(&picture, row, col);
                colours.insert([p[0], p[1], p[2]]);
            }
        }
        assert!(colours.len() <= 25, "{}", colours.len());
        assert_eq!(pixel(&picture, 5, 5), pixel(&before, 5, 5));
        // At the edges and beyond.
        blur(&mut picture, [-50.0, -50.0, 3.0, 3.0]).unwrap();
        blur(&mut picture, [500.0, 500.0, 510.0, 510.0]).unwrap();
    }

    #[test]
    fn shares() {
        assert_eq!(covered([0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]), 0.5);
        assert_eq!(covered([0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 5.0]), 0.0);
    }
}
