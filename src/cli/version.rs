//! `platewatch version`: what is running, models included, for a record or a report.

use super::DONE;
use super::common::ModelArgs;
use crate::vision::Vision;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch version\n  platewatch version --models /opt/models")]
pub(super) struct Args {
    #[command(flatten)]
    models: ModelArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "platewatch {}", env!("CARGO_PKG_VERSION"))?;
    let vision = Vision::load(&args.models.settings(0.0)?)?;
    for model in vision.models() {
        let version = model.version.as_deref().unwrap_or("-");
        writeln!(out, "model {} {version} sha256 {}", model.name, model.sha256)?;
    }
    Ok(DONE)
}
