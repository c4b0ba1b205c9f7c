//! `platewatch bench accuracy`: recall, precision and full-plate accuracy on labelled pictures.

use super::common::{ModelArgs, complain, progress, still, told, worker};
use super::dataset::{Labelled, Truth, load};
use super::{DONE, PARTLY};
use crate::capture::read_picture;
use crate::domain::{Country, PlateText, Reading, iou};
use crate::plate::{fold, grammar::countries};
use crate::track::alone;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench accuracy --dataset eval.jsonl\n  \
    platewatch bench accuracy --dataset benchmarks/endtoend/eu --errors\n\n\
    Prints `name value` lines. Detection counts where boxes are labelled: recall and precision at IoU 0.5. \
    Reading counts where texts are labelled: `strict` is the whole text right, `folded` with O and Q taken as 0 \
    and I as 1, in whole pictures (the detector included). A text is what `platewatch read` says: look-alikes that \
    the reader doubts between are settled by the grammar of the likely countries; `--raw` leaves that out. \
    `country` is the share of the texts read right whose country is right, where the index names one.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage; 3 measured, but some pictures could not be read.")]
pub(super) struct Args {
    /// An index (JSON lines) or a folder in the layout of the OpenALPR benchmarks (may be given several times)
    #[arg(long, required = true, value_name = "INDEX")]
    dataset: Vec<PathBuf>,
    /// Count detections from this score on [default: what the detector's card says]
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f32>,
    /// Take texts as the reader gives them, without the grammar
    #[arg(long)]
    raw: bool,
    /// Also name every plate that was not found or misread
    #[arg(long)]
    errors: bool,
    #[command(flatten)]
    models: ModelArgs,
}

/// Counts of one group of plates.
#[derive(Debug, Default, Clone)]
struct Tally {
    boxes: u32,
    found: u32,
    false_found: u32,
    /// Detections in pictures where all plates are boxed.
    texts: u32,
    strict: u32,
    folded: u32,
    /// Texts read right in pictures whose country is named, and those of them with that country.
    placed: u32,
    placed_right: u32,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut settings = args.models.settings(0.0)?;
    settings.min_score = args.min_score;
    let mut worker = worker(&settings)?;
    let mut all = Vec::new();
    for path in &args.dataset {
        all.extend(load(path)?);
    }
    let bar = progress(all.len() as u64, "measuring");
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    for (i, labelled) in all.iter().enumerate() {
        let readings = read_picture(&labelled.image)
            .map_err(anyhow::Error::from)
            .and_then(|image| Ok(worker.process(&still(image, i as u64))?.0))
            .map(|all| if args.raw { all } else { all.into_iter().map(alone).collect() });
        match readings {
            Ok(readings) => {
                for wrong in count(labelled, &readings, &mut tallies) {
                    if args.errors {
                        bar.suspend(|| writeln!(out, "error {} {wrong}", labelled.image.display()))?;
                    }
                }
            }
            Err(error) => {
                failed += 1;
                bar.suspend(|| complain(&format!("{}: {}", labelled.image.display(), told(&error))));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    writeln!(out, "pictures {}", all.len() - failed)?;
    for (name, tally) in &tallies {
        print(&mut out, name, tally)?;
    }
    Ok(if failed == 0 { DONE } else { PARTLY })
}

/// Adds one picture to every group it belongs to; says what was missed or misread.
fn count(labelled: &Labelled, readings: &[Reading], tallies: &mut BTreeMap<String, Tally>) -> Vec<String> {
    let mut groups = vec!["all".to_owned(), format!("country {}", labelled.country)];
    if !labelled.source.is_empty() {
        groups.push(format!("source {}", labelled.source.replace(' ', "_")));
    }
    // An index may name a region ("EU", "world") that is no country.
    let country = Country::parse(&labelled.country).filter(|c| countries().iter().any(|known| known.0 == *c));
    let boxed = labelled.truths.iter().all(|t| t.bounds.is_some());
    let matched = assign(&labelled.truths, readings);
    let mut wrong = Vec::new();
    for (truth, reading) in labelled.truths.iter().zip(&matched) {
        let mut groups = groups.clone();
        groups.extend(truth.bounds.map(|b| format!("width {}", bucket(b[2] - b[0]))));
        // Without a box any plate of the picture may be the one that is meant.
        let meant: Vec<&Reading> = match (truth.bounds, reading) {
            (Some(_), r) => r.iter().copied().collect(),
            (None, _) => readings.iter().collect(),
        };
        let texts: Vec<String> = meant.iter().map(|r| r.text()).collect();
        let strict = truth.text.as_ref().is_some_and(|t| texts.contains(t));
        let right = texts.iter().zip(&meant).find(|(t, _)| truth.text.as_ref() == Some(t)).map(|(_, r)| *r);
        let place = country.zip(right.and_then(|r| r.countries.first()));
        let folded =
            truth.text.as_ref().is_some_and(|t| texts.iter().any(|o| folded_text(o) == folded_text(t)));
        for group in groups {
            let tally = tallies.entry(group).or_default();
            tally.boxes += u32::from(truth.bounds.is_some());
            tally.found += u32::from(truth.bounds.is_some() && reading.is_some());
            tally.texts += u32::from(truth.text.is_some());
            tally.strict += u32::from(strict);
            tally.folded += u32::from(folded);
            tally.placed += u32::from(place.is_some());
            tally.placed_right += u32::from(place.is_some_and(|(truth, said)| truth == said.0));
        }
        if truth.bounds.is_some() && reading.is_none() {
            wrong.push(format!("missed {}", truth.text.as_deref().unwrap_or("plate")));
        } else if let Some(text) = truth.text.as_ref().filter(|_| !strict) {
            wrong.push(format!(
                "misread {text} as {}",
                if texts.is_empty() { "nothing".into() } else { texts.join(",") }
            ));
        }
    }
    if boxed {
        let false_found = readings.len() - matched.iter().flatten().count();
        for group in groups {
            tallies.entry(group).or_default().false_found += false_found as u32;
        }
    }
    wrong
}

/// For each truth with a box the detection that overlaps it by at least half, each used once.
fn assign<'a>(truths: &[Truth], readings: &'a [Reading]) -> Vec<Option<&'a Reading>> {
    let mut free: Vec<&Reading> = readings.iter().collect();
    truths
        .iter()
        .map(|truth| {
            let bounds = truth.bounds?;
            let overlap = |r: &Reading| iou(&r.detection.bounds, &bounds);
            let best = (0..free.len()).max_by(|&a, &b| {
                let at = |i: usize| free.get(i).map_or(0.0, |r| overlap(r));
                at(a).total_cmp(&at(b))
            })?;
            free.get(best).filter(|r| overlap(r) >= 0.5)?;
            Some(free.swap_remove(best))
        })
        .collect()
}

/// `text` with O and Q taken as 0 and I as 1; itself where it is no plate's text.
fn folded_text(text: &str) -> String {
    PlateText::new(text).map_or_else(|_| text.to_owned(), |t| fold(&t))
}

fn bucket(width: f32) -> &'static str {
    match width {
        w if w < 40.0 => "under-40",
        w if w < 60.0 => "40-60",
        w if w < 80.0 => "60-80",
        w if w < 120.0 => "80-120",
        w if w < 200.0 => "120-200",
        _ => "from-200",
    }
}

fn print(out: &mut impl Write, name: &str, t: &Tally) -> std::io::Result<()> {
    let name = name.replace(' ', ".");
    let share = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
    if t.boxes > 0 {
        writeln!(out, "{name}.plates {}", t.boxes)?;
        writeln!(out, "{name}.recall {:.4}", share(t.found, t.boxes))?;
        if !name.starts_with("width") {
            writeln!(out, "{name}.precision {:.4}", share(t.found, t.found + t.false_found))?;
        }
    }
    if t.texts > 0 {
        writeln!(out, "{name}.texts {}", t.texts)?;
        writeln!(out, "{name}.strict {:.4}", share(t.strict, t.texts))?;
        writeln!(out, "{name}.folded {:.4}", share(t.folded, t.texts))?;
        if t.placed > 0 {
            writeln!(out, "{name}.country {:.4}", share(t.placed_right, t.placed))?;
        }
    }
    Ok(())
}
