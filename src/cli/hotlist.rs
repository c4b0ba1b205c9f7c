//! `platewatch hotlist`: lists before they are used.

use super::{DONE, FAILED, PARTLY};
use crate::hotlist::{Settings, load_file};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch hotlist check wanted.csv\n  \
    platewatch hotlist search-past --config platewatch.toml --list stolen --purpose theft --case AN.11.L9.1/2026")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Load a list as `run` would, and name every row that cannot be used
    #[command(after_help = "Examples:\n  platewatch hotlist check wanted.csv\n  \
        platewatch hotlist check --max-bad-share 0 wanted.csv\n\n\
        Exit codes: 0 every row can be used; 1 the list is refused; 2 wrong usage; 3 some rows cannot be used.")]
    Check {
        /// The CSV file; its columns are plate, category, priority, country, valid_from, valid_until, case,
        /// instruction
        file: PathBuf,
        /// Share of bad rows above which the whole list is refused
        #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
        max_bad_share: f64,
    },
    /// Search passages already kept for the entries of a list, as late hits
    SearchPast(super::search_past::Args),
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let (file, max_bad_share) = match &args.verb {
        Verb::Check { file, max_bad_share } => (file, max_bad_share),
        Verb::SearchPast(args) => return super::search_past::run(args),
    };
    let name = file.file_stem().map_or_else(|| "list".into(), |s| s.to_string_lossy().into_owned());
    let settings =
        Settings { name, path: file.clone(), poll: Duration::from_secs(2), max_bad_share: *max_bad_share };
    let mut out = std::io::stdout().lock();
    match load_file(&settings) {
        Ok((list, report)) => {
            write!(out, "{report}")?;
            writeln!(out, "\n{}: {} entries, version {}", file.display(), list.len(), list.version().sha256)?;
            Ok(if report.bad_rows == 0 { DONE } else { PARTLY })
        }
        Err(error) => {
            if let Some(report) = error.report() {
                write!(out, "{report}")?;
                writeln!(out)?;
            }
            super::common::complain(&error.to_string());
            Ok(FAILED)
        }
    }
}
