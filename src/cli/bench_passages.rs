//! `platewatch bench passages`: the passages of a clip against its truth.

use super::DONE;
use super::bench_readings::{ReadingsIn, ReadingsOut};
use super::common::{ModelArgs, progress, worker};
use crate::capture::ClipReader;
use crate::domain::{CameraId, Corners, Detection, Frame, PassageState, Point, Reading, iou};
use crate::plate::normalise;
use crate::track::score::{Figures, Score, Shows, TrueVehicle};
use crate::track::{self, Tracker, simulated};
use crate::vision::{self, Treatment};
use anyhow::Context;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench passages\n  \
    platewatch bench passages --clip clip.mp4 --truth clip.truth.json --errors\n  \
    platewatch bench passages --clip clip.mp4 --truth clip.truth.json --perfect-detections\n  \
    platewatch bench passages --simulated\n  \
    platewatch bench passages --clip clip.mp4 --truth clip.truth.json --dump readings.jsonl\n  \
    platewatch bench passages --truth clip.truth.json --from readings.jsonl\n\n\
    Prints `name value` lines. `identity_f1` is the harmonic mean of identity precision and recall over frames \
    (Ristani et al. 2016), over plates of at least 40 px that a person can read; `identity_f1_found` the same over \
    those of these frames in which the plate was found at all (`found`), so without what the detector costs; \
    `identity_f1_filled` that over all of them again, the gaps of a passage filled by straight lines between its \
    detections, as trackers do that know the whole clip. \
    `text_right` is the share of the readable vehicles of which some passage has the right text, \
    `text_right_single` the same with the surest single reading instead of the fused one, `passages_right` the \
    share of their passages that have it. A vehicle with two passages is split; a passage over two vehicles \
    joined. With --perfect-detections the truth's corners take the detector's place: what is lost then is the \
    reader's, the tracker's and the fusion's. With --simulated there is neither picture nor model.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage.")]
pub(super) struct Args {
    /// The clip [default: samples/roadside-day.mp4]
    #[arg(long, value_name = "FILE", requires = "truth", conflicts_with = "from")]
    clip: Option<PathBuf>,
    /// Its truth (see samples/README.md)
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Also keep what was read in every frame, as JSON lines (every plate of the clip is in it)
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Take the readings of such a file instead of a clip: without pictures and models, in a second
    #[arg(long, value_name = "FILE", requires = "truth", conflicts_with_all = ["dump", "perfect_detections"])]
    from: Option<PathBuf>,
    /// Take plates from this score of the detector on [default: as its card says]
    #[arg(long, value_name = "0..1", conflicts_with = "from")]
    min_score: Option<f32>,
    /// Also name the vehicles that were misread, missed, split or joined, and passages of no vehicle
    #[arg(long)]
    errors: bool,
    /// Read the plates where the truth says they are, instead of finding them
    #[arg(long)]
    perfect_detections: bool,
    /// Follow and fuse simulated traffic instead of a clip, and print its figures by scene
    #[arg(long, conflicts_with_all = ["clip", "truth", "perfect_detections"])]
    simulated: bool,
    /// With --simulated: vehicles a scene
    #[arg(long, value_name = "N", default_value_t = 200)]
    vehicles: usize,
    /// With --simulated: seed of the traffic
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    models: ModelArgs,
}

#[derive(Deserialize)]
struct Truth {
    vehicles: Vec<Vehicle>,
}

#[derive(Deserialize)]
struct Vehicle {
    text: String,
    #[serde(default = "yes")]
    readable: bool,
    #[serde(default)]
    heading: Option<String>,
    /// Where there are no corners (truth counted by hand): between these frames it is in the picture.
    #[serde(default)]
    first_frame: u64,
    #[serde(default)]
    last_frame: u64,
    #[serde(default)]
    frames: Vec<Seen>,
}

#[derive(Deserialize)]
struct Seen {
    frame: u64,
    corners: [[f32; 2]; 4],
    width_px: f32,
    visible: f32,
}

fn yes() -> bool {
    true
}

/// Plates narrower than this (px), or less visible, are nobody's miss.
const FAIR_WIDTH: f32 = 40.0;
const FAIR_VISIBLE: f32 = 0.9;
/// Gaps in a passage of more frames than this are not filled for `identity_f1_filled`.
const MOST_FILLED: u64 = 25;
/// How much wider than the narrowest plate of the truth a box of a plate that is left out there may be: boxes are drawn
/// a little wide.
const LOOSE: f32 = 1.15;
/// Overlap from which a detection is a vehicle's plate.
const SAME_PLATE: f32 = 0.3;
/// Perfect detections: what a detector could find of a plate that is cut off or covered.
const FOUND_VISIBLE: f32 = 0.6;
/// Without corners, a reading is a vehicle's that was there then and reads so much alike (shares of the longer text).
const SAME_TEXT: f64 = 0.6;

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    if args.simulated {
        return simulate(args);
    }
    let samples = super::common::find_folder("samples", "hotlist.csv");
    let default = |name: &str| {
        samples.as_ref().map(|d| d.join(name)).context("no samples folder found; give --clip and --truth")
    };
    anyhow::ensure!(
        args.truth.is_none() || args.clip.is_some() || args.from.is_some(),
        "--truth needs --clip (or --from): the truth of which clip?"
    );
    let mut source = Source::open(args, &default)?;
    let truth = args.truth.clone().map_or_else(|| default("roadside-day.truth.json"), Ok)?;
    let text = std::fs::read_to_string(&truth).with_context(|| format!("cannot read {}", truth.display()))?;
    let truth: Truth = serde_json::from_str(&text).with_context(|| truth.display().to_string())?;
    let figures = play(&mut source, &truth)?;
    let mut out = std::io::stdout().lock();
    if args.errors {
        for error in &figures.errors {
            writeln!(out, "error {error}")?;
        }
    }
    for (name, value) in figures.lines {
        print(&mut out, "", name, value)?;
    }
    Ok(DONE)
}

fn print(out: &mut impl Write, prefix: &str, name: &str, value: f64) -> std::io::Result<()> {
    if value.fract() == 0.0 && name != "identity_f1" && !name.contains("right") {
        writeln!(out, "{prefix}{name} {value:.0}")
    } else {
        writeln!(out, "{prefix}{name} {value:.4}")
    }
}

fn simulate(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for (scene, what, conditions) in simulated::measured() {
        let figures = simulated::run(what, conditions, args.vehicles, args.seed)?;
        if args.errors {
            for error in &figures.errors {
                writeln!(out, "error {scene} {error}")?;
            }
        }
        for name in [
            "identity_f1",
            "identity_f1_found",
            "text_right",
            "text_right_single",
            "missed",
            "split",
            "joined",
            "no_vehicle",
        ] {
            print(&mut out, &format!("{scene}_"), name, figures.get(name))?;
        }
    }
    Ok(DONE)
}

/// The truth of one frame: vehicle, place, and whether it can be asked for.
type Here = Vec<(usize, Corners, bool)>;

/// Where the readings come from.
enum Source {
    Clip { reader: Box<ClipReader>, worker: Box<vision::Worker>, perfect: bool, dump: Option<ReadingsOut> },
    Kept(ReadingsIn),
}

impl Source {
    fn open(args: &Args, sample: &dyn Fn(&str) -> anyhow::Result<PathBuf>) -> anyhow::Result<Self> {
        if let Some(path) = &args.from {
            return Ok(Self::Kept(ReadingsIn::open(path)?));
        }
        let clip = args.clip.clone().map_or_else(|| sample("roadside-day.mp4"), Ok)?;
        let mut settings = args.models.settings(40.0)?;
        settings.min_score = args.min_score;
        Ok(Self::Clip {
            reader: Box::new(ClipReader::open(&clip, CameraId::new("bench"), None)?),
            worker: Box::new(worker(&settings)?),
            perfect: args.perfect_detections,
            dump: args.dump.as_deref().map(ReadingsOut::create).transpose()?,
        })
    }

    fn frames(&self) -> u64 {
        match self {
            Self::Clip { reader, .. } => reader.frame_count().unwrap_or(0),
            Self::Kept(_) => 0,
        }
    }

    /// The next frame and its readings; `findable` are the places of plates that could be found.
    fn next(
        &mut self,
        findable: impl Fn() -> Vec<Detection>,
        tracker: &Tracker,
    ) -> anyhow::Result<Option<(Frame, Vec<Reading>)>> {
        match self {
            Self::Kept(kept) => kept.next(),
            Self::Clip { reader, worker, perfect, dump } => {
                let Some(frame) = reader.next()? else { return Ok(None) };
                let readings = if *perfect {
                    worker.read_at(&frame, &findable())?
                } else {
                    worker.process_where(&frame, &tracker.expected(&frame), |_| Treatment::Read)?.0
                };
                if let Some(dump) = dump {
                    dump.write(&frame, &readings)?;
                }
                Ok(Some((frame, readings)))
            }
        }
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Clip { dump, .. } => dump.take().map_or(Ok(()), ReadingsOut::finish),
            Self::Kept(_) => Ok(()),
        }
    }
}

fn play(source: &mut Source, truth: &Truth) -> anyhow::Result<Figures> {
    let mut tracker = Tracker::new(CameraId::new("bench"), track::Settings::default());
    let mut by_frame: BTreeMap<u64, Here> = BTreeMap::new();
    let mut findable: BTreeSet<(u64, usize)> = BTreeSet::new();
    for (v, vehicle) in truth.vehicles.iter().enumerate() {
        for seen in &vehicle.frames {
            let fair = seen.width_px >= FAIR_WIDTH && seen.visible >= FAIR_VISIBLE;
            let corners = Corners(seen.corners.map(|[x, y]| Point { x, y }));
            by_frame.entry(seen.frame).or_default().push((v, corners, fair));
            if seen.visible >= FOUND_VISIBLE && seen.width_px >= FAIR_WIDTH {
                findable.insert((seen.frame, v));
            }
        }
    }
    let widths = truth.vehicles.iter().flat_map(|v| &v.frames).map(|s| s.width_px);
    let narrowest = widths.fold(f32::INFINITY, f32::min);
    let left_out = if narrowest.is_finite() { narrowest * LOOSE } else { 0.0 };
    let bar = progress(source.frames(), "frames");
    let mut score = Score::default();
    let mut number = 0;
    let nothing = Here::new();
    loop {
        let here = by_frame.get(&number).unwrap_or(&nothing);
        let given = || {
            let given = here.iter().filter(|(v, ..)| findable.contains(&(number, *v)));
            given
                .map(|(_, corners, _)| Detection { corners: *corners, bounds: corners.bounds(), score: 0.9 })
                .collect()
        };
        let Some((frame, readings)) = source.next(given, &tracker)? else { break };
        let events = tracker.step(&frame, readings);
        score.moved(&tracker.take_reassigned());
        for (id, reading) in tracker.assigned() {
            let mut shown = shows(reading, here, truth, number);
            if shown == Shows::Nothing && reading.detection.corners.width_px() < left_out {
                shown = Shows::Unrecorded;
            }
            score.assigned(*id, reading, shown);
        }
        for e in events.into_iter().filter(|e| e.passage.state == PassageState::Closed) {
            score.closed(e.passage);
        }
        number += 1;
        bar.inc(1);
    }
    source.finish()?;
    tracker.finish().into_iter().for_each(|e| score.closed(e.passage));
    bar.finish_and_clear();
    let vehicles: Vec<TrueVehicle> = truth
        .vehicles
        .iter()
        .map(|v| TrueVehicle {
            text: normalise(&v.text).map(|t| t.to_string()).unwrap_or_default(),
            readable: v.readable,
            fair_frames: v
                .frames
                .iter()
                .filter(|s| s.width_px >= FAIR_WIDTH && s.visible >= FAIR_VISIBLE)
                .count() as u32,
            heading: v.heading.clone(),
        })
        .collect();
    let mut figures = score.figures(&vehicles);
    // Up to the time after which the tracker itself takes a vehicle for gone.
    score.fill_gaps(MOST_FILLED, |number, place| {
        by_frame.get(&number).and_then(|here| shown_at(here, place)).unwrap_or(Shows::Nothing)
    });
    let filled = score.figures(&vehicles).get("identity_f1");
    let after = figures.lines.iter().position(|l| l.0 == "found").unwrap_or(0);
    figures.lines.insert(after, ("identity_f1_filled", filled));
    Ok(figures)
}

/// The vehicle of the truth whose plate is at a place.
fn shown_at(here: &Here, place: &[f32; 4]) -> Option<Shows> {
    let overlaps = here.iter().map(|(v, c, fair)| (*v, *fair, iou(&c.bounds(), place)));
    let best = overlaps.max_by(|a, b| a.2.total_cmp(&b.2)).filter(|o| o.2 >= SAME_PLATE);
    best.map(|(v, fair, _)| if fair { Shows::Vehicle(v) } else { Shows::Unasked(v) })
}

/// Which vehicle a reading shows: by its place, or, where the truth has no places, by time and text.
fn shows(reading: &Reading, here: &Here, truth: &Truth, number: u64) -> Shows {
    if let Some(shows) = shown_at(here, &reading.detection.bounds) {
        return shows;
    }
    let text = reading.text();
    let there = truth
        .vehicles
        .iter()
        .enumerate()
        .filter(|(_, v)| v.frames.is_empty() && (v.first_frame..=v.last_frame).contains(&number));
    let alike = there.map(|(i, v)| {
        let wanted = normalise(&v.text).map(|t| t.to_string()).unwrap_or_default();
        (i, strsim::normalized_levenshtein(&wanted, &text))
    });
    let best = alike.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|b| b.1 >= SAME_TEXT);
    best.map_or(Shows::Nothing, |(v, _)| Shows::Unasked(v))
}

/// Door for the fuzz targets: the truth of a clip.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzz(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Truth>(bytes);
}
