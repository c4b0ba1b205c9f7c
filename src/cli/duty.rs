//! `platewatch duty`: which officer is in charge of a box in a vehicle.

use super::{DONE, FAILED};
use crate::config;
use crate::domain::Utc;
use crate::law::Officers;
use crate::store::{AuditAction, AuditEntry, AuditWriter, Clerk, Reader};
use anyhow::{Context, bail};
use std::io::{BufRead, Write};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch duty start --config platewatch.toml              (asks for card or code)\n  \
    platewatch duty start --config platewatch.toml --officer 4711\n  \
    platewatch duty end --config platewatch.toml\n  \
    platewatch duty show --config platewatch.toml\n\n\
    Cameras that move look only while an officer is on duty. Works beside a running box, which sees it within a second.\n\
    Exit codes: 0; 1 the code is not known, or the store cannot be written (show: nobody is on duty); 2 wrong usage."
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Take charge; who was before is relieved
    Start {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Card or service number; asked for on standard input where it is not given (card readers type)
        #[arg(long, value_name = "CODE")]
        officer: Option<String>,
    },
    /// End the duty
    End {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say who is in charge
    Show {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// Who the code belongs to, asked for where it is not given.
pub(super) fn officer(officers: &Officers, given: Option<&str>) -> anyhow::Result<String> {
    let code = match given {
        Some(code) => code.to_owned(),
        None => {
            write!(std::io::stderr(), "officer in charge, card or code: ")?;
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("the code cannot be read")?;
            line
        }
    };
    match officers.find(&code) {
        Some(officer) => Ok(officer),
        // The code is not repeated: a number misread may be another officer's.
        None if code.trim().is_empty() => bail!("no code was given; nobody is in charge"),
        None => bail!("this code is not among law.officers; nobody is in charge"),
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let (Verb::Start { config, .. } | Verb::End { config } | Verb::Show { config }) = &args.verb;
    let settings = config::load(config)?.settings;
    let mut out = std::io::stdout().lock();
    match &args.verb {
        Verb::Start { officer: given, .. } => {
            let officer = officer(&settings.law.officers, given.as_deref())?;
            AuditWriter::open(&settings.store)?
                .append(&AuditEntry::by(&officer, AuditAction::DutyBegan).with("by", "duty start"))?;
            Clerk::open(&settings.store)?.duty(Some(&officer), Utc::now())?;
            writeln!(out, "{officer} is in charge")?;
        }
        Verb::End { .. } => {
            let Some(duty) = Reader::open(&settings.store)?.on_duty()? else {
                writeln!(out, "nobody was on duty")?;
                return Ok(DONE);
            };
            AuditWriter::open(&settings.store)?
                .append(&AuditEntry::by(&duty.officer, AuditAction::DutyEnded).with("by", "duty end"))?;
            Clerk::open(&settings.store)?.duty(None, Utc::now())?;
            writeln!(out, "the duty of {} has ended", duty.officer)?;
        }
        Verb::Show { .. } => match Reader::open(&settings.store)?.on_duty()? {
            Some(duty) => writeln!(out, "{} since {}", duty.officer, duty.began_at)?,
            None => {
                writeln!(out, "nobody is on duty")?;
                return Ok(FAILED);
            }
        },
    }
    Ok(DONE)
}
