//! `platewatch hotlist`: lists before they are used, and who vouches for them.

use super::DONE;
use super::{hotlist_check, hotlist_sign};
use crate::hotlist::{Mapping, ready};
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch hotlist check wanted.csv\n  \
    platewatch hotlist check new.csv --config /etc/platewatch.toml --list stolen\n  \
    platewatch hotlist mapping ncic > my-ncic.toml\n  \
    platewatch hotlist search-past --config platewatch.toml --list stolen --purpose theft --case AN.11.L9.1/2026")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say how many false hits a list is expected to cause, before it causes any
    Budget(super::hotlist_budget::Args),
    /// Load a list as `run` would: every row that cannot be used, and what would change
    Check(hotlist_check::Args),
    /// The ready mappings, one a line
    #[command(after_help = "Examples:\n  platewatch hotlist mappings\n\nExit codes: 0.")]
    Mappings,
    /// Print a ready mapping, to read or to change
    #[command(after_help = "Examples:\n  platewatch hotlist mapping genetec > my-list.toml\n  \
        platewatch hotlist check export.txt --mapping my-list.toml\n\n\
        Exit codes: 0; 1 there is no such mapping; 2 wrong usage.")]
    Mapping {
        /// Its name, as `mappings` shows it
        name: String,
    },
    /// Make a pair of keys for signing lists
    Keygen(hotlist_sign::KeygenArgs),
    /// Sign a list: write its manifest
    Sign(hotlist_sign::SignArgs),
    /// Check a list against its manifest
    Verify(hotlist_sign::VerifyArgs),
    /// Search passages already kept for the entries of a list, as late hits
    SearchPast(super::search_past::Args),
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Budget(args) => super::hotlist_budget::run(args),
        Verb::Check(args) => hotlist_check::run(args),
        Verb::Mappings => mappings(),
        Verb::Mapping { name } => mapping(name),
        Verb::Keygen(args) => hotlist_sign::keygen(args),
        Verb::Sign(args) => hotlist_sign::sign(args),
        Verb::Verify(args) => hotlist_sign::verify(args),
        Verb::SearchPast(args) => super::search_past::run(args),
    }
}

fn mappings() -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for (name, text) in ready() {
        writeln!(out, "{name:16} {}", Mapping::parse(name, text)?.about())?;
    }
    Ok(DONE)
}

fn mapping(name: &str) -> anyhow::Result<u8> {
    let Some((_, text)) = ready().iter().find(|(n, _)| *n == name) else {
        let names: Vec<&str> = ready().iter().map(|m| m.0).collect();
        anyhow::bail!("there is no ready mapping {name:?}; there are {}", names.join(", "));
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(DONE)
}
