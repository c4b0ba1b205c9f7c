//! `platewatch bench faults`: the whole box with defects made on purpose.

use super::DONE;
use super::run::stop_on_signals;
use crate::config;
use crate::pipeline::{self, Faults};
use crate::telemetry::{Metrics, logging};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench faults --config box.toml --vision-every 50\n  \
    platewatch bench faults --config box.toml --recorder-at 3\n\n\
    Runs the box of the configuration until its files end or it is told to, with threads that panic. Prints \
    `name value` lines. Nothing in a configuration can ask for this.\n\
    Exit codes: 0 ended in order; 1 could not start, or a part failed that ends the box; 2 wrong usage.")]
pub(super) struct Args {
    /// The configuration
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Every vision thread panics at each frame of this number
    #[arg(long, value_name = "N")]
    vision_every: Option<u64>,
    /// The recorder panics at this record
    #[arg(long, value_name = "N")]
    recorder_at: Option<u64>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = config::load(&args.config)?.settings;
    logging::init(&settings.telemetry)?;
    let stop = stop_on_signals()?;
    let metrics = Metrics::new();
    let faults = Faults { vision_every: args.vision_every, recorder_at: args.recorder_at };
    let began = Instant::now();
    let running = pipeline::start_faulty(&settings, metrics.clone(), stop, |_| {}, faults)?;
    running.wait();
    let restarts = running.restarts();
    let summary = running.finish()?;
    let counts = metrics.snapshot();
    let mut out = std::io::stdout().lock();
    let frames: u64 = counts.cameras.iter().map(|c| c.received).sum();
    let dropped: u64 = counts.cameras.iter().map(|c| c.dropped).sum();
    writeln!(out, "frames {frames}")?;
    writeln!(out, "dropped {dropped}")?;
    writeln!(out, "passages {}", summary.totals.passages)?;
    writeln!(out, "hits {}", summary.totals.hits)?;
    writeln!(out, "restarts {restarts}")?;
    writeln!(out, "undelivered {}", summary.undelivered)?;
    writeln!(out, "seconds {:.1}", Duration::as_secs_f64(&began.elapsed()))?;
    Ok(DONE)
}
