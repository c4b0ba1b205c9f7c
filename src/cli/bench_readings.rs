//! Readings kept in a file, so that following and fusing can be run again without pictures and models.
//!
//! JSON lines: first what the file holds (`format`, `width`, `height` in px), then one line a frame: `seq`, `at_ms`
//! and `readings`. Probabilities under [`LEAST`] are left out and spread evenly when read again. Holds the plates of
//! every vehicle in the clip: for work on the tracker, not for keeping.

use crate::domain::{
    ALPHABET, CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Country, Detection, Frame,
    FrameStamp, Image, Point, Reading, Utc,
};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the first line must say.
const FORMAT: &str = "platewatch-readings-1";
/// Probabilities below this are not written.
const LEAST: f32 = 1e-5;
/// Stands for "nothing stands here" among the characters.
const NONE: &str = "-";

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    width: u32,
    height: u32,
}

#[derive(Serialize, Deserialize)]
struct KeptFrame {
    seq: u64,
    at_ms: i64,
    readings: Vec<KeptReading>,
}

#[derive(Serialize, Deserialize)]
struct KeptReading {
    corners: [[f32; 2]; 4],
    bounds: [f32; 4],
    score: f32,
    quality: f32,
    readable: f32,
    lines: u8,
    countries: Vec<(String, f32)>,
    positions: Vec<BTreeMap<String, f32>>,
}

/// Writes readings, frame by frame.
pub(super) struct ReadingsOut {
    path: PathBuf,
    out: BufWriter<File>,
    begun: bool,
}

impl ReadingsOut {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), begun: false })
    }

    pub fn write(&mut self, frame: &Frame, readings: &[Reading]) -> anyhow::Result<()> {
        if !self.begun {
            let (width, height) = (frame.image.width(), frame.image.height());
            self.line(&Head { format: FORMAT.into(), width, height })?;
            self.begun = true;
        }
        self.line(&KeptFrame {
            seq: frame.stamp.seq,
            at_ms: frame.stamp.captured_at.unix_ms(),
            readings: readings.iter().map(kept).collect(),
        })
    }

    /// Must be called at the end: what is still in memory is written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(value)?;
        writeln!(self.out, "{text}").with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Reads them again. The frames have the right size and no picture.
pub(super) struct ReadingsIn {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    number: usize,
    image: Arc<Image>,
}

impl ReadingsIn {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines = BufReader::new(file).lines();
        let first = lines.next().transpose().with_context(|| format!("cannot read {}", path.display()))?;
        let head: Head = serde_json::from_str(&first.unwrap_or_default()).with_context(|| {
            format!("{} line 1: not a file that `bench passages --dump` wrote", path.display())
        })?;
        if head.format != FORMAT {
            bail!("{}: format {:?}; this program reads {FORMAT}", path.display(), head.format);
        }
        if head.width > 16_384 || head.height > 16_384 {
            bail!("{}: frames of {} x {} px are not believed", path.display(), head.width, head.height);
        }
        let bytes = head.width as usize * head.height as usize * 3;
        let image = Arc::new(Image::new(head.width, head.height, vec![0; bytes])?);
        Ok(Self { path: path.to_owned(), lines, number: 1, image })
    }

    pub fn next(&mut self) -> anyhow::Result<Option<(Frame, Vec<Reading>)>> {
        let Some(line) = self.lines.next() else { return Ok(None) };
        self.number += 1;
        let line = line.with_context(|| format!("cannot read {}", self.path.display()))?;
        let frame: KeptFrame = serde_json::from_str(&line)
            .with_context(|| format!("{} line {}", self.path.display(), self.number))?;
        let at = Utc::from_unix_ms(frame.at_ms);
        let clock = ClockQuality { source: ClockSource::Media, error_ms: None };
        let stamp = FrameStamp {
            camera: CameraId::new("bench"),
            seq: frame.seq,
            captured_at: at,
            received_at: at,
            clock,
            position: None,
        };
        let readings = frame.readings.into_iter().map(|r| reading(r, &stamp)).collect();
        Ok(Some((Frame { stamp, image: self.image.clone() }, readings)))
    }
}

fn kept(r: &Reading) -> KeptReading {
    let position = |d: &CharDistribution| -> BTreeMap<String, f32> {
        let characters = ALPHABET.iter().zip(d.p).map(|(&c, p)| (char::from(c).to_string(), p));
        characters.chain([(NONE.to_owned(), d.none)]).filter(|(_, p)| *p >= LEAST).collect()
    };
    KeptReading {
        corners: r.detection.corners.0.map(|p| [p.x, p.y]),
        bounds: r.detection.bounds,
        score: r.detection.score,
        quality: r.quality,
        readable: r.readable,
        lines: r.lines,
        countries: r.countries.iter().map(|(c, p)| (c.to_string(), *p)).collect(),
        positions: r.positions.iter().map(position).collect(),
    }
}

fn reading(r: KeptReading, stamp: &FrameStamp) -> Reading {
    let position = |given: &BTreeMap<String, f32>| -> CharDistribution {
        let rest = (1.0 - given.values().sum::<f32>()).max(0.0) / (37 - given.len().min(36)) as f32;
        let of = |c: &str| given.get(c).copied().unwrap_or(rest);
        CharDistribution {
            p: std::array::from_fn(|i| {
                of(ALPHABET.get(i..=i).and_then(|c| str::from_utf8(c).ok()).unwrap_or(""))
            }),
            none: of(NONE),
        }
    };
    Reading {
        stamp: stamp.clone(),
        detection: Detection {
            corners: Corners(r.corners.map(|[x, y]| Point { x, y })),
            bounds: r.bounds,
            score: r.score,
        },
        positions: r.positions.iter().map(position).collect(),
        countries: r.countries.iter().filter_map(|(c, p)| Some((Country::parse(c)?, *p))).collect(),
        lines: r.lines,
        readable: r.readable,
        quality: r.quality,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> (Frame, Vec<Reading>) {
        let at = Utc::from_unix_ms(1_234);
        let clock = ClockQuality { source: ClockSource::Media, error_ms: None };
        let stamp = FrameStamp {
            camera: CameraId::new("bench"),
            seq: 7,
            captured_at: at,
            received_at: at,
            clock,
            position: None,
        };
        let corners = Corners::from_box(1.0, 2.0, 91.5, 22.25);
        let d = |i: usize| CharDistribution {
            p: std::array::from_fn(|k| if k == i { 0.9 } else { 0.09 / 35.0 }),
            none: 0.01,
        };
        let reading = Reading {
            stamp: stamp.clone(),
            detection: Detection { corners, bounds: corners.bounds(), score: 0.75 },
            positions: vec![d(1), d(10), d(35)],
            countries: vec![(Country::BE, 0.9)],
            lines: 1,
            readable: 0.98,
            quality: 0.5,
        };
        (Frame { stamp, image: Arc::new(Image::new(20, 10, vec![0; 600]).unwrap()) }, vec![reading])
    }

    #[test]
    fn what_is_kept_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("readings.jsonl");
        let (frame, readings) = frame();
        let mut out = ReadingsOut::create(&path).unwrap();
        out.write(&frame, &readings).unwrap();
        out.finish().unwrap();
        let mut again = ReadingsIn::open(&path).unwrap();
        let (back, read) = again.next().unwrap().unwrap();
        assert!(again.next().unwrap().is_none());
        assert_eq!((back.stamp, back.image.width()), (frame.stamp, 20));
        let (a, b) = (&readings[0], &read[0]);
        assert_eq!((a.text(), a.detection, a.lines, a.quality), (b.text(), b.detection, b.lines, b.quality));
        assert_eq!(a.countries, b.countries);
        assert!((a.confidence() - b.confidence()).abs() < 1e-5);
        assert!((b.positions[0].of('7') - 0.09 / 35.0).abs() < 1e-6);
    }

    #[test]
    fn other_files_are_refused_with_their_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("readings.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        assert!(ReadingsIn::open(&path).err().unwrap().to_string().contains("line 1"));
        std::fs::write(&path, "{\"format\":\"platewatch-readings-1\",\"width\":2,\"height\":2}\nx\n")
            .unwrap();
        let error = ReadingsIn::open(&path).unwrap().next().err().unwrap();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
