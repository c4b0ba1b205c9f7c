//! `platewatch print-config`: a commented example to start from, or the reference of every key.

use super::DONE;
use crate::config;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch print-config > platewatch.toml\n  \
    platewatch print-config --reference > docs/ref/config.md")]
pub(super) struct Args {
    /// Print the reference of every key (Markdown) instead
    #[arg(long)]
    reference: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let text = if args.reference { config::reference() } else { config::example().to_owned() };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(DONE)
}
