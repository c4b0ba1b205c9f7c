//! `platewatch hotlist budget`: the false hits a list is expected to cause, before it causes any.

use super::{DONE, FAILED};
use crate::domain::Utc;
use crate::hotlist::{Budget, Confusions, Expected, Settings, expect, load_file};
use crate::{config, pipeline, vision};
use anyhow::{Context, bail};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch hotlist budget wanted.csv\n  \
    platewatch hotlist budget wanted.csv --passages 12000 --max 0.5\n  \
    platewatch hotlist budget --config platewatch.toml\n\n\
    Reckons with the reader's measured confusions, the plates of the list and how common the plates around them are; \
    docs/design/right-hits.md says how. `--config` takes every list of a configuration with its own kinds and limits.\n\
    Exit codes: 0 within the budget, or none was said; 1 above it, or it could not be reckoned; 2 wrong usage.")]
pub(super) struct Args {
    /// The CSV file
    #[arg(required_unless_present = "config", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// Every list of this configuration instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passages", "max", "confusions"])]
    config: Option<PathBuf>,
    /// Vehicles a day before the cameras
    #[arg(long, value_name = "N", default_value_t = Budget::PASSAGES_PER_DAY)]
    passages: f64,
    /// False hits a day above which the list is too much
    #[arg(long, value_name = "N")]
    max: Option<f64>,
    /// Confusions of the reader, lines `truth read count` [default: those of the shipped reader]
    #[arg(long, value_name = "FILE")]
    confusions: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let (lists, confusions) = match (&args.config, &args.file) {
        (Some(path), _) => configured(path)?,
        (None, Some(file)) => (vec![alone(args, file)?], load(args.confusions.as_deref())?),
        (None, None) => bail!("say a list or --config FILE"),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "confusions {} ({} characters)", confusions.name(), confusions.measured())?;
    let mut within = true;
    for settings in &lists {
        let (list, _) = load_file(settings)?;
        let list = Arc::new(list);
        let expected = expect(&list, &confusions, settings.budget.passages_per_day, Utc::now());
        within &= show(&mut out, settings, &expected)?;
    }
    Ok(if within { DONE } else { FAILED })
}

fn load(path: Option<&std::path::Path>) -> anyhow::Result<Arc<Confusions>> {
    Ok(path.map(Confusions::load).transpose()?.map_or_else(Confusions::builtin, Arc::new))
}

/// One list with the limits of the command line.
fn alone(args: &Args, file: &std::path::Path) -> anyhow::Result<Settings> {
    let positive = |n: f64| n.is_finite() && n >= 0.0;
    if !positive(args.passages) || !args.max.is_none_or(positive) {
        bail!("--passages and --max are numbers from 0 on");
    }
    let budget =
        Budget { max_false_hits_per_day: args.max, activate_anyway: false, passages_per_day: args.passages };
    let name = file.file_stem().map_or_else(|| "list".into(), |s| s.to_string_lossy().into_owned());
    Ok(Settings { max_bad_share: 1.0, budget, ..Settings::plain(name, file) })
}

/// The lists of a configuration and the confusions it is run with.
fn configured(path: &std::path::Path) -> anyhow::Result<(Vec<Settings>, Arc<Confusions>)> {
    let settings = config::load(path).with_context(|| path.display().to_string())?.settings;
    let confusions = confusions(&settings)?;
    Ok((settings.hotlists, confusions))
}

/// The confusions that a box of this configuration matches with.
pub(super) fn confusions(settings: &pipeline::Settings) -> anyhow::Result<Arc<Confusions>> {
    let file = match &settings.confusions {
        Some(file) => Some(file.clone()),
        None => vision::Vision::load(&settings.vision)?.confusions(),
    };
    load(file.as_deref())
}

/// What every list of a configuration that can be loaded is expected to cause, by its name.
pub(super) fn expected(path: &std::path::Path) -> anyhow::Result<Vec<(String, Expected)>> {
    let (lists, confusions) = configured(path)?;
    let one = |settings: Settings| match load_file(&settings) {
        Ok((list, _)) => {
            let per_day = settings.budget.passages_per_day;
            Some((settings.name, expect(&Arc::new(list), &confusions, per_day, Utc::now())))
        }
        Err(error) => {
            super::common::complain(&format!("nothing can be expected of list {}: {error}", settings.name));
            None
        }
    };
    Ok(lists.into_iter().filter_map(one).collect())
}

/// Prints one list; whether it is within its budget.
fn show(out: &mut impl Write, settings: &Settings, expected: &Expected) -> anyhow::Result<bool> {
    writeln!(out, "\nlist {}", settings.name)?;
    writeln!(out, "file {}", settings.path.display())?;
    writeln!(out, "entries {}", expected.entries)?;
    writeln!(out, "passages_per_day {:.0}", expected.passages_per_day)?;
    for kind in &expected.kinds {
        writeln!(out, "false_hits_per_day.{} {:.3}", kind.kind.as_str(), kind.false_hits_per_day)?;
    }
    let total = expected.false_hits_per_day();
    writeln!(out, "false_hits_per_day.all {total:.3}")?;
    for kind in expected.kinds.iter().filter(|k| k.own_share > 0.0) {
        writeln!(out, "own_passages_hit.{} {:.4}", kind.kind.as_str(), kind.own_share)?;
    }
    for (plate, per_day) in expected.worst.iter().filter(|w| w.1 > 0.0) {
        writeln!(out, "worst {plate} {per_day:.4}")?;
    }
    let Some(allowed) = settings.budget.max_false_hits_per_day else {
        writeln!(out, "budget none")?;
        return Ok(true);
    };
    let verdict = match (total <= allowed, settings.budget.activate_anyway) {
        (true, _) => "within",
        (false, false) => "above: refused",
        (false, true) => "above: used all the same",
    };
    writeln!(out, "budget {allowed} {verdict}")?;
    Ok(total <= allowed || settings.budget.activate_anyway)
}
