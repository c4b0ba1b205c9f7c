//! `platewatch replay`: a clip as fast as possible to passages.

use super::common::{ModelArgs, complain, progress, worker};
use super::read::round;
use super::{DONE, PARTLY};
use crate::capture::ClipReader;
use crate::domain::{CameraId, Passage, PassageState, Utc};
use crate::track::{self, Tracker};
use crate::vision::Treatment;
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch replay samples/roadside-day.mp4\n  \
    platewatch replay --json clip.mp4 | jq -r .text\n  \
    platewatch replay --start-at 2026-11-23T08:00:00Z --camera gate clip.mp4\n\n\
    Exit codes: 0 the whole clip was played; 1 it could not be; 2 wrong usage; 3 it ended before its container said.")]
pub(super) struct Args {
    /// The clip
    clip: PathBuf,
    /// One JSON object a passage and line, instead of a table
    #[arg(long)]
    json: bool,
    /// Name of the camera in the output [default: the clip's file name]
    #[arg(long, value_name = "NAME")]
    camera: Option<String>,
    /// When the recording began [default: the file's modification time]
    #[arg(long, value_name = "TIME")]
    start_at: Option<Utc>,
    /// Do not read plates narrower than this many pixels
    #[arg(long, value_name = "PX", default_value_t = 40.0)]
    min_width: f32,
    #[command(flatten)]
    models: ModelArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut worker = worker(&args.models.settings(args.min_width)?)?;
    let stem = args.clip.file_stem().map_or_else(|| "clip".into(), |s| s.to_string_lossy().into_owned());
    let camera = CameraId::new(args.camera.as_deref().unwrap_or(&stem));
    let mut clip = ClipReader::open(&args.clip, camera.clone(), args.start_at)?;
    let mut tracker = Tracker::new(camera, track::Settings::default());
    let bar = progress(clip.frame_count().unwrap_or(0), "frames");
    let mut out = std::io::stdout().lock();
    if !args.json {
        writeln!(
            out,
            "{:<24} {:>7} {:<12} {:>6} {:<7} {:>8} {:>6}",
            "first seen", "seconds", "plate", "sure", "country", "readings", "frame"
        )?;
    }
    let mut print = |passages: Vec<Passage>| -> std::io::Result<()> {
        passages.iter().try_for_each(|p| {
            bar.suspend(|| if args.json { writeln!(out, "{}", to_json(p)) } else { row(&mut out, p) })
        })
    };
    while let Some(frame) = clip.next()? {
        let expected = tracker.expected(&frame);
        let (readings, _) = worker
            .process_where(&frame, &expected, |_| Treatment::Read)
            .with_context(|| format!("frame {}", frame.stamp.seq))?;
        print(closed(tracker.step(&frame, readings)))?;
        bar.inc(1);
    }
    print(closed(tracker.finish()))?;
    bar.finish_and_clear();
    if clip.missing() > 0 || clip.bad_frames() > 0 {
        complain(&format!(
            "{}: {} frames are missing at the end and {} could not be decoded; what could be read was read",
            args.clip.display(),
            clip.missing(),
            clip.bad_frames()
        ));
        return Ok(PARTLY);
    }
    Ok(DONE)
}

fn closed(events: Vec<track::TrackEvent>) -> Vec<Passage> {
    events.into_iter().map(|e| e.passage).filter(|p| p.state == PassageState::Closed).collect()
}

fn to_json(p: &Passage) -> Value {
    json!({
        "passage": p.id.to_string(),
        "camera": p.camera.as_str(),
        "first_seen": p.first_seen.to_string(),
        "last_seen": p.last_seen.to_string(),
        "text": p.text.as_str(),
        "confidence": round(p.confidence, 10_000.0),
        "country": p.country.map(|c| c.0.to_string()),
        "readings": p.readings,
        "best_frame": p.best_frame,
    })
}

fn row(out: &mut impl Write, p: &Passage) -> std::io::Result<()> {
    let country = p.country.map_or_else(|| "-".into(), |c| c.0.to_string());
    writeln!(
        out,
        "{:<24} {:>7.2} {:<12} {:>5.0}% {country:<7} {:>8} {:>6}",
        p.first_seen,
        p.last_seen.since_ms(p.first_seen) as f64 / 1000.0,
        p.text.as_str(),
        p.confidence * 100.0,
        p.readings,
        p.best_frame,
    )
}
