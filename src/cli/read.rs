//! `platewatch read`: the plates in pictures, for people and for programs.

use super::common::{ModelArgs, complain, pictures, progress, still, told, worker};
use super::{DONE, PARTLY};
use crate::capture::read_picture;
use crate::domain::{Image, Reading};
use crate::track::alone;
use crate::vision::{Overlay, Worker, annotate};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch read samples/pictures\n  platewatch read --annotate out/ photo.jpg\n  \
    platewatch read --json *.jpg | jq -r '.plates[].text'\n  platewatch read --crops --json plates/\n\n\
    Exit codes: 0 all pictures read; 1 nothing could be done; 2 wrong usage; 3 some pictures could not be read."
)]
pub(super) struct Args {
    /// Pictures, or folders of pictures
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// One JSON object a picture and line, instead of a table
    #[arg(long)]
    json: bool,
    /// The pictures are plates already: read them whole, without looking for plates in them
    #[arg(long)]
    crops: bool,
    /// Write a copy of each picture with its plates outlined and read into DIR
    #[arg(long, value_name = "DIR", conflicts_with = "crops")]
    annotate: Option<PathBuf>,
    /// Leave out plates narrower than this many pixels
    #[arg(long, value_name = "PX", default_value_t = 20.0)]
    min_width: f32,
    #[command(flatten)]
    models: ModelArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut worker = worker(&args.models.settings(args.min_width)?)?;
    let paths = pictures(&args.paths)?;
    if let Some(dir) = &args.annotate {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    }
    let bar = progress(paths.len() as u64, "reading");
    let mut out = std::io::stdout().lock();
    let mut failed = 0_usize;
    if !args.json {
        writeln!(
            out,
            "{:<40} {:<12} {:>6} {:<7} {:>6} {:>8}",
            "picture", "plate", "sure", "country", "score", "width"
        )?;
    }
    for (i, path) in paths.iter().enumerate() {
        match read_one(&mut worker, path, i as u64, args) {
            Ok((image, readings)) => {
                if args.json {
                    writeln!(out, "{}", to_json(path, &image, &readings))?;
                } else {
                    bar.suspend(|| table(&mut out, path, &readings))?;
                }
                if let Some(dir) = &args.annotate {
                    draw(dir, path, &image, &readings)?;
                }
            }
            Err(error) => {
                failed += 1;
                bar.suspend(|| complain(&told(&error)));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match failed {
        0 => Ok(DONE),
        n if n == paths.len() => anyhow::bail!("none of the {n} pictures could be read"),
        n => {
            complain(&format!("{n} of {} pictures could not be read", paths.len()));
            Ok(PARTLY)
        }
    }
}

fn read_one(
    worker: &mut Worker,
    path: &Path,
    seq: u64,
    args: &Args,
) -> anyhow::Result<(Image, Vec<Reading>)> {
    let image = read_picture(path)?;
    let frame = still(image, seq);
    let named = || format!("{}", path.display());
    let mut readings = if args.crops {
        vec![worker.read_crop(&frame).with_context(named)?]
    } else {
        worker.process(&frame).with_context(named)?.0
    };
    readings.retain(|r| !r.positions.is_empty());
    // A still picture has no second look: what the grammar says is all there is besides.
    let mut readings: Vec<Reading> = readings.into_iter().map(alone).collect();
    readings.sort_by(|a, b| b.detection.score.total_cmp(&a.detection.score));
    let image = std::sync::Arc::try_unwrap(frame.image).unwrap_or_else(|shared| (*shared).clone());
    Ok((image, readings))
}

/// The object of issue 2's `read --json`; `characters` has the likeliest character of each position.
fn to_json(path: &Path, image: &Image, readings: &[Reading]) -> Value {
    let plates: Vec<Value> = readings
        .iter()
        .map(|r| {
            let corners: Vec<[f64; 2]> =
                r.detection.corners.0.iter().map(|p| [round(p.x, 10.0), round(p.y, 10.0)]).collect();
            let characters: Vec<Value> = r
                .positions
                .iter()
                .map(|d| json!({"char": d.best().0.to_string(), "p": round(d.best().1, 10_000.0)}))
                .collect();
            json!({
                "text": r.text(),
                "confidence": round(r.confidence(), 10_000.0),
                "country": r.countries.first().map(|c| c.0.to_string()),
                "corners": corners,
                "score": round(r.detection.score, 10_000.0),
                "characters": characters,
            })
        })
        .collect();
    json!({"image": path.display().to_string(), "width": image.width(), "height": image.height(), "plates": plates})
}

/// Rounds to a readable number of decimals; the JSON would else show noise of 32-bit floats.
pub(super) fn round(value: f32, steps: f64) -> f64 {
    (f64::from(value) * steps).round() / steps
}

fn table(out: &mut impl Write, path: &Path, readings: &[Reading]) -> std::io::Result<()> {
    let name = path.display().to_string();
    if readings.is_empty() {
        return writeln!(out, "{name:<40} (no plate)");
    }
    for r in readings {
        let country = r.countries.first().map_or_else(|| "-".into(), |c| c.0.to_string());
        writeln!(
            out,
            "{name:<40} {:<12} {:>5.0}% {country:<7} {:>5.0}% {:>5.0} px",
            r.text(),
            r.confidence() * 100.0,
            r.detection.score * 100.0,
            r.detection.corners.width_px(),
        )?;
    }
    Ok(())
}

fn draw(dir: &Path, path: &Path, image: &Image, readings: &[Reading]) -> anyhow::Result<()> {
    let overlays: Vec<Overlay> = readings
        .iter()
        .map(|r| Overlay {
            corners: r.detection.corners,
            label: format!("{} {:.0}%", r.text(), r.confidence() * 100.0),
            sure: r.confidence() >= 0.9,
        })
        .collect();
    let stem = path.file_stem().map_or_else(|| "picture".into(), |s| s.to_string_lossy().into_owned());
    let target = dir.join(format!("{stem}.jpg"));
    std::fs::write(&target, annotate(image, &overlays)?)
        .with_context(|| format!("cannot write {}", target.display()))
}
