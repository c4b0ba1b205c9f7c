//! `platewatch run`: the daemon.

use super::common::complain;
use super::{DONE, FAILED};
use crate::runtime::{Stop, own_memory, systemd};
use crate::telemetry::{Metrics, logging};
use crate::{config, pipeline};
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch run --config /etc/platewatch.toml\n  \
    platewatch print-config > platewatch.toml && platewatch check --config platewatch.toml\n\n\
    SIGTERM or Ctrl-C ends in order: cameras stop, open passages close, messages drain until the deadline \
    (run.stop_deadline_s). A second one ends at once.\n\
    Exit codes: 0 ended in order; 1 could not start, or a part failed; 2 wrong usage.")]
pub(super) struct Args {
    /// The configuration
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Card or service number of the officer who takes charge (cameras that move need one); ends with the
    /// program. Later: platewatch duty start
    #[arg(long, value_name = "CODE")]
    officer: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let loaded = match config::load(&args.config) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return Ok(FAILED);
        }
    };
    logging::init(&loaded.settings.telemetry)?;
    if let Err(error) = own_memory::close() {
        tracing::warn!(%error, "core dumps could not be switched off: a crash may write keys and plates to a file");
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut settings = loaded.settings;
    if let Some(code) = &args.officer {
        settings.officer = Some(super::duty::officer(&settings.law.officers, Some(code))?);
    }
    let stop = stop_on_signals()?;
    let running = pipeline::start(&settings, Metrics::new(), stop, |_| {})?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        cameras = settings.cameras.len(),
        lists = settings.hotlists.len(),
        console = running.console_address().map(|a| a.to_string()),
        "running"
    );
    systemd::ready();
    running.wait();
    tracing::info!("ending in order");
    let summary = running.finish()?;
    tracing::info!(
        passages = summary.totals.passages,
        hits = summary.totals.hits,
        undelivered = summary.undelivered,
        "ended"
    );
    Ok(DONE)
}

/// The first SIGTERM or SIGINT asks for an orderly end, the second ends the process at once.
pub(super) fn stop_on_signals() -> anyhow::Result<Stop> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let stop = Stop::new();
    let twice = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag set by the first.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&twice))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&twice)))
            .context("signals cannot be handled")?;
    }
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).context("signals cannot be handled")?;
    let asked = stop.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if signals.forever().next().is_some() {
                asked.request();
            }
        })
        .context("the signal thread cannot be started")?;
    Ok(stop)
}
