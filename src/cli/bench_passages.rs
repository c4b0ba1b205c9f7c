//! `platewatch bench passages`: the passages of a clip against its truth.

use super::DONE;
use super::common::{ModelArgs, progress, worker};
use crate::capture::ClipReader;
use crate::domain::{CameraId, Corners, PassageId, PassageState, Point, iou};
use crate::plate::normalise;
use crate::track::{self, Tracker};
use anyhow::Context;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench passages\n  \
    platewatch bench passages --clip clip.mp4 --truth clip.truth.json --errors\n\n\
    Prints `name value` lines. `identity_f1` is the harmonic mean of identity precision and recall over frames \
    (Ristani et al. 2016), over plates of at least 40 px that a person can see. `text_right` is the share of the \
    readable vehicles of which some passage has the right text, `text_right_single` the same with the surest \
    single reading instead of the fused one. A vehicle with two passages is split; a passage over two vehicles \
    joined.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage.")]
pub(super) struct Args {
    /// The clip [default: samples/roadside-day.mp4]
    #[arg(long, value_name = "FILE", requires = "truth")]
    clip: Option<PathBuf>,
    /// Its truth (see samples/README.md)
    #[arg(long, value_name = "FILE", requires = "clip")]
    truth: Option<PathBuf>,
    /// Also name the vehicles that were misread, missed or split, and passages of no vehicle
    #[arg(long)]
    errors: bool,
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
    readable: bool,
    frames: Vec<Seen>,
}

#[derive(Deserialize)]
struct Seen {
    frame: u64,
    corners: [[f32; 2]; 4],
    width_px: f32,
    visible: f32,
}

/// Plates narrower than this (px), or less visible, are nobody's miss.
const FAIR_WIDTH: f32 = 40.0;
const FAIR_VISIBLE: f32 = 0.9;
/// Overlap from which a detection is a vehicle's plate.
const SAME_PLATE: f32 = 0.3;

/// What was seen of a passage while the clip played.
#[derive(Default)]
struct Seat {
    /// Frames on each vehicle, by its place in the truth.
    frames: BTreeMap<usize, u32>,
    total: u32,
    single: Option<(String, f32)>,
    fused: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let samples = super::common::find_folder("samples", "hotlist.csv");
    let default = |name: &str| {
        samples.as_ref().map(|d| d.join(name)).context("no samples folder found; give --clip and --truth")
    };
    let clip = args.clip.clone().map_or_else(|| default("roadside-day.mp4"), Ok)?;
    let truth = args.truth.clone().map_or_else(|| default("roadside-day.truth.json"), Ok)?;
    let text = std::fs::read_to_string(&truth).with_context(|| format!("cannot read {}", truth.display()))?;
    let truth: Truth = serde_json::from_str(&text).with_context(|| truth.display().to_string())?;
    let seats = play(args, &clip, &truth)?;
    report(args, &truth, &seats)?;
    Ok(DONE)
}

fn play(args: &Args, clip: &Path, truth: &Truth) -> anyhow::Result<BTreeMap<PassageId, Seat>> {
    let mut worker = worker(&args.models.settings(40.0)?)?;
    let camera = CameraId::new("bench");
    let mut reader = ClipReader::open(clip, camera.clone(), None)?;
    let mut tracker = Tracker::new(camera, track::Settings::default());
    let mut by_frame: BTreeMap<u64, Vec<(usize, [f32; 4])>> = BTreeMap::new();
    for (v, vehicle) in truth.vehicles.iter().enumerate() {
        for seen in &vehicle.frames {
            by_frame.entry(seen.frame).or_default().push((v, bounds(&seen.corners)));
        }
    }
    let bar = progress(reader.frame_count().unwrap_or(0), "frames");
    let mut seats: BTreeMap<PassageId, Seat> = BTreeMap::new();
    let mut number = 0;
    let close = |seats: &mut BTreeMap<PassageId, Seat>, events: Vec<track::TrackEvent>| {
        for e in events.into_iter().filter(|e| e.passage.state == PassageState::Closed) {
            seats.entry(e.passage.id).or_default().fused = Some(e.passage.text.to_string());
        }
    };
    while let Some(frame) = reader.next()? {
        let readings = worker.process(&frame)?.0;
        let events = tracker.step(&frame, readings);
        for (id, reading) in tracker.assigned() {
            let seat = seats.entry(*id).or_default();
            seat.total += 1;
            if seat.single.as_ref().is_none_or(|(_, p)| reading.confidence() > *p) {
                seat.single = Some((reading.text(), reading.confidence()));
            }
            let here = by_frame.get(&number).map_or(&[][..], Vec::as_slice);
            let overlaps = here.iter().map(|(v, b)| (*v, iou(b, &reading.detection.bounds)));
            if let Some((v, _)) = overlaps.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|o| o.1 >= SAME_PLATE) {
                *seat.frames.entry(v).or_default() += 1;
            }
        }
        close(&mut seats, events);
        number += 1;
        bar.inc(1);
    }
    close(&mut seats, tracker.finish());
    bar.finish_and_clear();
    Ok(seats)
}

fn bounds(corners: &[[f32; 2]; 4]) -> [f32; 4] {
    Corners(corners.map(|[x, y]| Point { x, y })).bounds()
}

fn report(args: &Args, truth: &Truth, seats: &BTreeMap<PassageId, Seat>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let passages: Vec<&Seat> = seats.values().filter(|s| s.fused.is_some()).collect();
    let mut of_vehicle: BTreeMap<usize, Vec<&Seat>> = BTreeMap::new();
    let (mut joined, mut nobodys) = (0, 0);
    for seat in &passages {
        // A detection that strays onto a neighbour for a frame or two joins nothing.
        let solid: Vec<usize> = seat.frames.iter().filter(|(_, n)| **n >= 3).map(|(v, _)| *v).collect();
        joined += u32::from(solid.len() > 1);
        match seat.frames.iter().max_by_key(|(_, n)| **n) {
            Some((v, _)) => of_vehicle.entry(*v).or_default().push(seat),
            None => {
                nobodys += 1;
                if args.errors {
                    writeln!(out, "error no-vehicle {}", seat.fused.as_deref().unwrap_or(""))?;
                }
            }
        }
    }
    let (mut readable, mut right, mut right_single, mut missed, mut split) =
        (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut identity = (0_u32, 0_u32, 0_u32);
    for (v, vehicle) in truth.vehicles.iter().enumerate() {
        let text = normalise(&vehicle.text).map(|t| t.to_string()).unwrap_or_default();
        let own = of_vehicle.get(&v).map_or(&[][..], Vec::as_slice);
        let fair =
            vehicle.frames.iter().filter(|s| s.width_px >= FAIR_WIDTH && s.visible >= FAIR_VISIBLE).count()
                as u32;
        let longest = own.iter().filter_map(|s| s.frames.get(&v)).max().copied().unwrap_or(0);
        identity.0 += longest;
        identity.1 += fair.max(longest);
        identity.2 += own.iter().map(|s| s.total).sum::<u32>();
        split += u32::from(own.len() > 1);
        if !vehicle.readable {
            continue;
        }
        readable += 1;
        let texts: BTreeSet<&str> = own.iter().filter_map(|s| s.fused.as_deref()).collect();
        let ok = texts.contains(text.as_str());
        right += u32::from(ok);
        right_single += u32::from(own.iter().any(|s| s.single.as_ref().is_some_and(|(t, _)| *t == text)));
        missed += u32::from(own.is_empty());
        if args.errors && (!ok || own.len() > 1) {
            let read: Vec<&str> = own.iter().filter_map(|s| s.fused.as_deref()).collect();
            writeln!(
                out,
                "error {text} read as {}",
                if read.is_empty() { "nothing".into() } else { read.join(",") }
            )?;
        }
    }
    let share = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
    writeln!(out, "vehicles {}", truth.vehicles.len())?;
    writeln!(out, "readable {readable}")?;
    writeln!(out, "passages {}", passages.len())?;
    writeln!(out, "identity_f1 {:.4}", share(2 * identity.0, identity.1 + identity.2))?;
    writeln!(out, "text_right {:.4}", share(right, readable))?;
    writeln!(out, "text_right_single {:.4}", share(right_single, readable))?;
    writeln!(out, "missed {missed}")?;
    writeln!(out, "split {split}")?;
    writeln!(out, "joined {joined}")?;
    writeln!(out, "no_vehicle {nobodys}")?;
    Ok(())
}
