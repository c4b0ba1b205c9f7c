//! `platewatch bench speed`: frames per second, time per stage, time to a delivered message.

use super::DONE;
use super::common::{ModelArgs, find_folder, progress};
use super::play::{Play, percentile, play};
use crate::capture::{ClipReader, Pace};
use crate::domain::{CameraId, PassageState};
use crate::pipeline::evidence_files;
use crate::runtime::Stop;
use crate::store::Record;
use crate::track::{self, Tracker};
use crate::vision::{People, Treatment, Vision};
use crate::{store, vision};
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch bench speed\n  platewatch bench speed --clip clip.mp4 --frames 500\n\n\
    One thread does every stage in turn, so the shares add up; then the clip is played in real time through the \
    whole chain with the embedded broker. Prints `name value` lines, milliseconds unless said otherwise.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage."
)]
pub(super) struct Args {
    /// The clip [default: samples/roadside-day.mp4]
    #[arg(long, value_name = "FILE")]
    clip: Option<PathBuf>,
    /// At most so many frames in the first part
    #[arg(long, value_name = "N", default_value_t = 750)]
    frames: u64,
    /// The hotlist of the second part [default: samples/hotlist.csv]
    #[arg(long, value_name = "FILE")]
    hotlist: Option<PathBuf>,
    #[command(flatten)]
    models: ModelArgs,
}

/// Time spent in each stage over all frames.
#[derive(Default)]
struct Spent {
    decode: Duration,
    vision: vision::StageTimes,
    track: Duration,
    encode: Duration,
    record: Duration,
    frames: u32,
    plates: u32,
    records: u32,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let samples = || {
        find_folder("samples", "hotlist.csv").context("no samples folder found; give --clip and --hotlist")
    };
    let clip = match &args.clip {
        Some(clip) => clip.clone(),
        None => samples()?.join("roadside-day.mp4"),
    };
    let hotlist = match &args.hotlist {
        Some(list) => list.clone(),
        None => samples()?.join("hotlist.csv"),
    };
    let settings = args.models.settings(40.0)?;
    let work = std::env::temp_dir().join(format!("platewatch-bench-{}", std::process::id()));
    let outcome = measure(args, &settings, &clip, &hotlist, &work);
    let _ = std::fs::remove_dir_all(&work); // nothing depends on it
    outcome?;
    Ok(DONE)
}

fn measure(
    args: &Args,
    settings: &vision::Settings,
    clip: &Path,
    hotlist: &Path,
    work: &Path,
) -> anyhow::Result<()> {
    let spent = stages(args, settings, clip, &work.join("stages"))?;
    let mut out = std::io::stdout().lock();
    let frames = f64::from(spent.frames.max(1));
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    let hot = spent.decode
        + spent.vision.scale
        + spent.vision.detect
        + spent.vision.rectify
        + spent.vision.read
        + spent.track;
    writeln!(out, "frames {}", spent.frames)?;
    writeln!(out, "plates_per_frame {:.2}", f64::from(spent.plates) / frames)?;
    writeln!(out, "fps_per_core {:.1}", frames / hot.as_secs_f64().max(1e-9))?;
    for (name, time) in [
        ("decode", spent.decode),
        ("scale", spent.vision.scale),
        ("detect", spent.vision.detect),
        ("rectify", spent.vision.rectify),
        ("read", spent.vision.read),
        ("track", spent.track),
    ] {
        writeln!(out, "{name}_per_frame {:.3}", ms(time) / frames)?;
    }
    let plates = f64::from(spent.plates.max(1));
    writeln!(out, "rectify_per_plate {:.3}", ms(spent.vision.rectify) / plates)?;
    writeln!(out, "read_per_plate {:.3}", ms(spent.vision.read) / plates)?;
    let records = f64::from(spent.records.max(1));
    writeln!(out, "encode_per_record {:.3}", ms(spent.encode) / records)?;
    writeln!(out, "record_per_record {:.3}", ms(spent.record) / records)?;

    let request = Play {
        clips: vec![clip.to_path_buf()],
        hotlist: hotlist.to_path_buf(),
        data: work.join("delivery"),
        pace: Pace::RealTime,
        vision: settings.clone(),
        console: None,
    };
    let played = play(&request, Stop::new(), |_| {}, |_| {})?;
    let latencies = played.latencies_ms();
    writeln!(out, "hits {}", latencies.len())?;
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        if let Some(ms) = percentile(&latencies, share) {
            writeln!(out, "capture_to_delivered_{name} {ms}")?;
        }
    }
    Ok(())
}

/// Every stage in turn on this thread.
fn stages(args: &Args, settings: &vision::Settings, clip: &Path, dir: &Path) -> anyhow::Result<Spent> {
    let mut worker = Vision::load(settings)?.worker()?;
    let camera = CameraId::new("bench");
    let mut reader = ClipReader::open(clip, camera.clone(), None)?;
    let mut tracker = Tracker::new(camera, track::Settings::default());
    let kept = store::Settings { keep_passage_pictures: true, ..store::Settings::new(dir) };
    let (store, thread) = store::start(&kept)?;
    let bar = progress(args.frames.min(reader.frame_count().unwrap_or(args.frames)), "stages");
    let mut spent = Spent::default();
    while u64::from(spent.frames) < args.frames {
        let start = Instant::now();
        let Some(frame) = reader.next()? else { break };
        spent.decode += start.elapsed();
        let (readings, times) =
            worker.process_where(&frame, &tracker.expected(&frame), |_| Treatment::Read)?;
        spent.vision.scale += times.scale;
        spent.vision.detect += times.detect;
        spent.vision.rectify += times.rectify;
        spent.vision.read += times.read;
        spent.plates += readings.iter().filter(|r| !r.positions.is_empty()).count() as u32;
        spent.frames += 1;
        let start = Instant::now();
        let events = tracker.step(&frame, readings);
        spent.track += start.elapsed();
        record(events, &store, &mut spent)?;
        bar.inc(1);
    }
    record(tracker.finish(), &store, &mut spent)?;
    bar.finish_and_clear();
    drop(store);
    thread.join(Duration::from_secs(10))?;
    Ok(spent)
}

fn record(
    events: Vec<track::TrackEvent>,
    store: &store::StoreHandle,
    spent: &mut Spent,
) -> anyhow::Result<()> {
    for event in events.into_iter().filter(|e| e.passage.state == PassageState::Closed) {
        let start = Instant::now();
        let evidence = evidence_files(&event.evidence, People::Hidden(None))?;
        spent.encode += start.elapsed();
        let start = Instant::now();
        store.record(Record {
            passage: event.passage,
            hits: vec![],
            evidence,
            messages: vec![],
            models: None,
        })?;
        spent.record += start.elapsed();
        spent.records += 1;
    }
    Ok(())
}
