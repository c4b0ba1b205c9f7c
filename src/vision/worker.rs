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
            detector: Detector::open(&self.detector, library, s.intra_threads, s.min_score)?,
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
        let mut times = StageTimes::default();
        let (detections, scale, detect) = self.detector.detect(&frame.image)?;
        (times.scale, times.detect) = (scale, detect);
        let wide_enough = |d: &Detection| d.corners.width_px() >= self.min_plate_width_px;
        let (to_read, too_small): (Vec<_>, Vec<_>) = detections.into_iter().partition(wide_enough);
        let mut readings = Vec::with_capacity(to_read.len() + too_small.len());
        let views: Vec<(usize, Corners)> =
            to_read.iter().enumerate().flat_map(|(i, d)| views(d).map(move |corners| (i, corners))).collect();
        let mut best: Vec<Option<Reading>> = vec![None; to_read.len()];
        let least = self.reader.card().min_readable;
        for chunk in views.chunks(MAX_BATCH) {
            let raw = self.read_views(&frame.image, chunk, &mut times)?;
            for (&(i, corners), raw) in chunk.iter().zip(raw) {
                let (Some(d), Some(slot)) = (to_read.get(i), best.get_mut(i)) else { continue };
                let read = reading(frame, Detection { corners, ..*d }, believed(raw, least));
                if slot.as_ref().is_none_or(|other| read.confidence() > other.confidence()) {
                    *slot = Some(read);
                }
            }
        }
        readings.extend(best.into_iter().flatten());
        let nothing = || RawReading { positions: Vec::new(), countries: Vec::new(), lines: 0, readable: 0.0 };
        readings.extend(too_small.into_iter().map(|d| reading(frame, d, nothing())));
        Ok((readings, times))
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
        Ok(self.detector.detect(image)?.0)
    }

    fn read_views(
        &mut self,
        image: &Image,
        chunk: &[(usize, Corners)],
        times: &mut StageTimes,
    ) -> Result<Vec<RawReading>, VisionError> {
        let start = Instant::now();
        self.batch.clear();
        let input = self.reader.card().input.clone();
        for (_, corners) in chunk {
            append_planes(&rectify(image, corners, &input)?, &input, &mut self.batch)?;
        }
        times.rectify += start.elapsed();
        let start = Instant::now();
        let raw = self.reader.read(chunk.len(), &self.batch)?;
        times.read += start.elapsed();
        Ok(raw)
    }
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
