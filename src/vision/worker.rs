//! The models as a worker thread uses them: frame in, readings out.

use super::card::{Card, DetectorCard, ModelId, ReaderCard};
use super::detector::Detector;
use super::reader::{RawReading, Reader};
use super::rectify::{append_planes, rectify, whole};
use super::{Settings, VisionError};
use crate::domain::{Corners, Detection, Frame, Image, Reading};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The models of a box, checked and in memory once; workers make their own sessions from it.
#[derive(Debug, Clone)]
pub struct Vision {
    detector: Arc<Card<DetectorCard>>,
    reader: Arc<Card<ReaderCard>>,
    settings: Settings,
}

/// How long each part of a frame took.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageTimes {
    /// Scaling into the detector's input.
    pub scale: Duration,
    /// The detector, its decoding included.
    pub detect: Duration,
    /// Cutting plates out and laying them flat.
    pub rectify: Duration,
    /// The reader, its decoding included.
    pub read: Duration,
}

impl Vision {
    /// Reads the cards and models `settings` names and checks them against each other.
    pub fn load(settings: &Settings) -> Result<Self, VisionError> {
        Ok(Self {
            detector: Arc::new(DetectorCard::load(&settings.detector)?),
            reader: Arc::new(ReaderCard::load(&settings.reader)?),
            settings: settings.clone(),
        })
    }

    /// The detector's name and hash, then the reader's.
    pub fn models(&self) -> [&ModelId; 2] {
        [&self.detector.id, &self.reader.id]
    }

    /// The file of the reader's confusions, where its card names one.
    pub fn confusions(&self) -> Option<PathBuf> {
        let name = self.reader.card.confusions.as_ref()?;
        Some(self.reader.path.with_file_name(name))
    }

    /// Sessions for one thread. The first call opens ONNX Runtime.
    pub fn worker(&self) -> Result<Worker, VisionError> {
        let s = &self.settings;
        let library: Option<&PathBuf> = s.onnxruntime.as_ref();
        let library = library.map(PathBuf::as_path);
        Ok(Worker {
            detector: Detector::open(
                &self.detector,
                library,
                s.intra_threads,
                s.min_score,
                s.min_plate_width_px,
            )?,
            reader: Reader::open(&self.reader, library, s.intra_threads)?,
            min_plate_width_px: s.min_plate_width_px,
            batch: Vec::new(),
        })
    }
}

/// Plates read in one batch; more would grow the buffers for a frame that cannot be real.
const MAX_BATCH: usize = 16;

/// Corners within this share of the box's sides of its own corners make the same cut.
const SAME_CUT: f32 = 0.08;

/// What is to be done with a detection before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Read it, if it is wide enough.
    Read,
    /// Do not read it; it still holds a track together.
    Follow,
    /// Leave it out.
    Ignore,
}

/// One thread's detector and reader.
pub struct Worker {
    detector: Detector,
    reader: Reader,
    min_plate_width_px: f32,
    batch: Vec<f32>,
}

impl Worker {
    /// Every plate in the frame with its reading, surest detection first. Detections narrower than the
    /// configured width keep an empty reading: they still hold a track together.
    pub fn process(&mut self, frame: &Frame) -> Result<(Vec<Reading>, StageTimes), VisionError> {
        self.process_where(frame, &[], |_| Treatment::Read)
    }

    /// [`Self::process`], each detection treated as `treatment` says. `expected` are the boxes (px) in which plates
    /// followed until now should be: where the detector does not find them, it looks closer, if its card says so.
    pub fn process_where(
        &mut self,
        frame: &Frame,
        expected: &[[f32; 4]],
        mut treatment: impl FnMut(&Detection) -> Treatment,
    ) -> Result<(Vec<Reading>, StageTimes), VisionError> {
        let mut times = StageTimes::default();
        let (detections, scale, detect) = self.detector.detect(&frame.image, expected)?;
        (times.scale, times.detect) = (scale, detect);
        let (mut to_read, mut to_follow) = (Vec::with_capacity(detections.len()), Vec::new());
        for d in detections {
            match treatment(&d) {
                Treatment::Read if d.corners.width_px() >= self.min_plate_width_px => to_read.push(d),
                Treatment::Read | Treatment::Follow => to_follow.push(d),
                Treatment::Ignore => {}
            }
        }
        let mut readings = self.read(frame, &to_read, &mut times)?;
        let nothing = || RawReading { positions: Vec::new(), countries: Vec::new(), lines: 0, readable: 0.0 };
        readings.extend(to_follow.into_iter().map(|d| reading(frame, d, nothing())));
        Ok((readings, times))
    }

    /// Reads plates that someone else found: with known places, to measure the reader and what comes after it.
    pub fn read_at(&mut self, frame: &Frame, detections: &[Detection]) -> Result<Vec<Reading>, VisionError> {
        self.read(frame, detections, &mut StageTimes::default())
    }

    fn read(
        &mut self,
        frame: &Frame,
        to_read: &[Detection],
        times: &mut StageTimes,
    ) -> Result<Vec<Reading>, VisionError> {
        let views: Vec<View> = to_read
            .iter()
            .enumerate()
            .flat_map(|(plate, d)| views(d).map(move |corners| View { plate, corners, cut: corners }))
            .collect();
        let mut best: Vec<Option<Reading>> = vec![None; to_read.len()];
        self.read_best(frame, to_read, &views, &mut best, times)?;
        for look in FURTHER_LOOKS {
            let again: Vec<View> = best
                .iter()
                .enumerate()
                .filter_map(|(plate, read)| Some((plate, read.as_ref().filter(|r| is_doubtful(r))?)))
                .flat_map(|(plate, read)| {
                    let corners = read.detection.corners;
                    look.map(|(x, y)| View { plate, corners, cut: scaled(&corners, x, y) })
                })
                .collect();
            self.read_best(frame, to_read, &again, &mut best, times)?;
        }
        Ok(best.into_iter().flatten().collect())
    }

    /// Reads a picture that is one plate already.
    pub fn read_crop(&mut self, frame: &Frame) -> Result<Reading, VisionError> {
        let (w, h) = (frame.image.width() as f32, frame.image.height() as f32);
        let bounds = [0.0, 0.0, w, h];
        let detection = Detection { corners: Corners::from_box(0.0, 0.0, w, h), bounds, score: 1.0 };
        self.batch.clear();
        let input = self.reader.card().input.clone();
        append_planes(&whole(&frame.image, &input)?, &input, &mut self.batch)?;
        let raw = self.reader.read(1, &self.batch)?.pop();
        let raw = raw.unwrap_or(RawReading { positions: vec![], countries: vec![], lines: 0, readable: 0.0 });
        Ok(reading(frame, detection, raw))
    }

    /// Plates of the frame without reading them, surest first.
    pub fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, VisionError> {
        Ok(self.detector.detect(image, &[])?.0)
    }

    /// Reads `views` and keeps for each plate the reading that is surest of its text.
    fn read_best(
        &mut self,
        frame: &Frame,
        plates: &[Detection],
        views: &[View],
        best: &mut [Option<Reading>],
        times: &mut StageTimes,
    ) -> Result<(), VisionError> {
        let least = self.reader.card().min_readable;
        for chunk in views.chunks(MAX_BATCH) {
            let raw = self.read_views(&frame.image, chunk, times)?;
            for (view, raw) in chunk.iter().zip(raw) {
                let (Some(d), Some(slot)) = (plates.get(view.plate), best.get_mut(view.plate)) else {
                    continue;
                };
                let read = reading(frame, Detection { corners: view.corners, ..*d }, believed(raw, least));
                if slot.as_ref().is_none_or(|other| read.confidence() > other.confidence()) {
                    *slot = Some(read);
                }
            }
        }
        Ok(())
    }

    fn read_views(
        &mut self,
        image: &Image,
        chunk: &[View],
        times: &mut StageTimes,
    ) -> Result<Vec<RawReading>, VisionError> {
        let start = Instant::now();
        self.batch.clear();
        let input = self.reader.card().input.clone();
        for view in chunk {
            append_planes(&rectify(image, &view.cut, &input)?, &input, &mut self.batch)?;
        }
        times.rectify += start.elapsed();
        let start = Instant::now();
        let raw = self.reader.read(chunk.len(), &self.batch)?;
        times.read += start.elapsed();
        Ok(raw)
    }
}

/// One way to lay a plate flat: `cut` becomes the reader's picture, `corners` is where the plate then is said
/// to be.
struct View {
    plate: usize,
    corners: Corners,
    cut: Corners,
}

/// A text less sure than this is looked at again.
const DOUBTFUL: f32 = 0.8;

/// The second look, and the third at what is doubtful still: the same corners drawn in and let out by these shares
/// of width and height. Boxes are seldom exact, and which cut is best differs; the surest reading is kept. Measured on
/// held-out real crops: training/runs/2026-11-25-reader-2 and -4.
const FURTHER_LOOKS: [[(f32, f32); 2]; 2] = [[(0.957, 0.91), (1.066, 1.125)], [(0.92, 0.84), (1.12, 1.25)]];

/// A text the reader is not sure of, of something it holds for a plate.
fn is_doubtful(read: &Reading) -> bool {
    !read.positions.is_empty() && read.confidence() < DOUBTFUL
}

/// Corners drawn towards their middle (below 1) or away from it, along the plate's width and height.
fn scaled(corners: &Corners, x: f32, y: f32) -> Corners {
    let [tl, tr, br, bl] = corners.0;
    // A corner is the middle of the four, plus or minus half the mean width, half the mean height, and what
    // perspective adds; only the first two are scaled.
    let along = |sign: [f32; 4], v: [f32; 4]| sign.iter().zip(v).map(|(s, v)| s * v).sum::<f32>() / 4.0;
    let part =
        |sign: [f32; 4]| (along(sign, [tl.x, tr.x, br.x, bl.x]), along(sign, [tl.y, tr.y, br.y, bl.y]));
    let (middle, twist) = (part([1.0; 4]), part([1.0, -1.0, 1.0, -1.0]));
    let (wide, high) = (part([-1.0, 1.0, 1.0, -1.0]), part([-1.0, -1.0, 1.0, 1.0]));
    let corner = |w: f32, h: f32| crate::domain::Point {
        x: middle.0 + w * x * wide.0 + h * y * high.0 + w * h * twist.0,
        y: middle.1 + w * x * wide.1 + h * y * high.1 + w * h * twist.1,
    };
    Corners([corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)])
}

/// The ways a plate is laid flat for reading: by its corners, and by its upright box where that is clearly
/// another cut. Corners are exact on oblique plates and now and then wildly wrong on small ones; the reader
/// tells which of the two it can read.
fn views(d: &Detection) -> impl Iterator<Item = Corners> {
    let [x0, y0, x1, y1] = d.bounds;
    let upright = Corners::from_box(x0, y0, x1, y1);
    let far =
        d.corners.0.iter().zip(&upright.0).any(|(a, b)| {
            (a.x - b.x).abs() > SAME_CUT * (x1 - x0) || (a.y - b.y).abs() > SAME_CUT * (y1 - y0)
        });
    std::iter::once(d.corners).chain(far.then_some(upright))
}

/// What the reader itself holds unreadable has no text: a badge or a sign that looked like a plate.
fn believed(mut raw: RawReading, least: f32) -> RawReading {
    if raw.readable < least {
        raw.positions.clear();
    }
    raw
}

fn reading(frame: &Frame, detection: Detection, raw: RawReading) -> Reading {
    // Wide plates are read from more pixels; beyond 120 px nothing is gained.
    let size = (detection.corners.width_px() / 120.0).clamp(0.1, 1.0);
    Reading {
        stamp: frame.stamp.clone(),
        detection,
        quality: (size * detection.score * raw.readable).clamp(0.0, 1.0),
        positions: raw.positions,
        countries: raw.countries,
        lines: raw.lines,
        readable: raw.readable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Point;

    #[test]
    fn scaling_moves_corners_along_the_plate() {
        let same = |a: &Corners, b: &[(f32, f32); 4]| {
            a.0.iter().zip(b).all(|(p, q)| (p.x - q.0).abs() < 1e-3 && (p.y - q.1).abs() < 1e-3)
        };
        let upright = Corners::from_box(10.0, 20.0, 110.0, 40.0);
        let drawn_in = scaled(&upright, 0.9, 0.5);
        assert!(same(&drawn_in, &[(15.0, 25.0), (105.0, 25.0), (105.0, 35.0), (15.0, 35.0)]), "{drawn_in:?}");
        // An oblique plate keeps its slant; scaled by 1 it is itself.
        let slanted = [(0.0, 0.0), (100.0, 30.0), (104.0, 52.0), (2.0, 20.0)];
        let corners = Corners(slanted.map(|(x, y)| Point { x, y }));
        assert!(same(&scaled(&corners, 1.0, 1.0), &slanted));
        let [tl, tr, ..] = scaled(&corners, 0.9, 0.9).0;
        assert!(((tr.y - tl.y) / (tr.x - tl.x) - 0.3).abs() < 0.02);
    }
}
