//! `platewatch outcome`: an operator's answer to a hit.

use super::DONE;
use super::asking::{AskingArgs, asker, gate};
use super::common::StoreArgs;
use crate::domain::{Outcome, Utc};
use crate::law::access::Right;
use crate::store::{Answer, AnswerSource, Clerk, Reader};
use anyhow::bail;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch outcome 9b1f02c4d7aa confirmed --by Peeters --data /var/lib/platewatch\n  \
    platewatch outcome 9b1f02c4d7aa misread --by Peeters --note \"8 read as B\"\n\n\
    Works beside a running box. A later answer corrects an earlier one: both are kept, the last counts.\n\
    Exit codes: 0 the answer is on disk; 1 it is not; 2 wrong usage.")]
pub(super) struct Args {
    /// The hit: its id, or at least its last 6 characters (the first column of `platewatch log`)
    #[arg(value_name = "HIT")]
    hit: String,
    /// confirmed, intercepted, misread, wrong-country, list-out-of-date, no-capacity or dismissed
    #[arg(value_name = "ANSWER", value_parser = outcome)]
    outcome: Outcome,
    /// Who answers; under law.policy = enforce, say it with --as
    #[arg(long, value_name = "NAME", required_unless_present = "who", conflicts_with = "who")]
    by: Option<String>,
    #[command(flatten)]
    asking: AskingArgs,
    /// What else there is to say, one line
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn outcome(word: &str) -> Result<Outcome, String> {
    Outcome::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Outcome::ALL.iter().map(|o| o.as_str()).collect();
        format!("an answer is one of {}", words.join(", "))
    })
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = args.store.settings()?;
    let gate = gate(Reader::open(&settings)?.law_in_force()?.as_ref())?;
    let asking = match &args.by {
        // Where people must log in, a name alone is none.
        Some(by) if !gate.asks() => AskingArgs { who: Some(by.clone()), ..AskingArgs::default() },
        _ => args.asking.clone(),
    };
    let by = asker(&settings, &gate, &asking)?;
    if !gate.has(by.role, Right::Answer) {
        bail!("refused: the role {} has not the right \"answer\"", by.role.map_or("-", |r| r.word()));
    }
    let mut clerk = Clerk::open(&settings)?;
    let hit = clerk.find_hit(&args.hit)?;
    clerk.answer(&Answer {
        hit,
        outcome: args.outcome,
        by: by.name,
        at: Utc::now(),
        note: args.note.clone(),
        source: AnswerSource::Cli,
    })?;
    writeln!(std::io::stdout().lock(), "{hit} {}", args.outcome.as_str())?;
    Ok(DONE)
}
