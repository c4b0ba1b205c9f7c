//! `platewatch hold`: what a case keeps from being deleted.

use super::DONE;
use super::asking::{Asked, AskingArgs, permit};
use super::common::StoreArgs;
use crate::domain::{PassageId, PlateText, Utc};
use crate::law::access::Right;
use crate::plate::normalise;
use crate::store::{Clerk, HoldTarget, NewHold, Reader, Settings};
use anyhow::bail;
use serde_json::json;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch hold add --hit 9b1f02c4d7aa --case AN.11.L9.1/2026 --reason \"asked for by the prosecutor\" \
    --until 2027-03-01T00:00:00Z --as j.peeters --data /var/lib/platewatch\n  \
    platewatch hold list --data /var/lib/platewatch\n  \
    platewatch hold release 3 --reason \"case closed\" --as m.claes --second j.peeters --data /var/lib/platewatch\n\n\
    What is on hold is not deleted when its term is over. A hold names its case, its reason and its end.\n\
    Exit codes: 0 done; 1 refused or failed; 2 wrong usage.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Place a hold on a hit, a passage, or a plate over a period
    Add(Box<Add>),
    /// Show all holds; plates of ended ones are gone
    List {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        asking: AskingArgs,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// End a hold before its time
    Release {
        /// Its number, from `hold list`
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// Why it is no longer needed
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        asking: AskingArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The hit to hold: its id or at least its last 6 characters
    #[arg(long, value_name = "HIT", conflicts_with_all = ["passage", "plate"])]
    hit: Option<String>,
    /// The passage to hold, by its id
    #[arg(long, value_name = "PASSAGE", conflicts_with = "plate")]
    passage: Option<String>,
    /// The plate to hold, in any way of writing it; needs --from and --to
    #[arg(long, value_name = "PLATE", value_parser = plate, requires_all = ["from", "to"])]
    plate: Option<PlateText>,
    /// With --plate: passages first seen from then on
    #[arg(long, value_name = "TIME")]
    from: Option<Utc>,
    /// With --plate: and before then (may lie in the future)
    #[arg(long, value_name = "TIME")]
    to: Option<Utc>,
    /// Reference of the case
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// Why it is needed
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When it ends by itself
    #[arg(long, value_name = "TIME")]
    until: Utc,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    asking: AskingArgs,
}

fn plate(text: &str) -> Result<PlateText, String> {
    normalise(text).map_err(|e| e.to_string())
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Add(add) => place(add),
        Verb::List { store, asking, json } => list(&store.settings()?, asking, *json),
        Verb::Release { id, reason, store, asking } => release(&store.settings()?, *id, reason, asking),
    }
}

fn asked(right: Right, what: &'static str, case: Option<String>) -> Asked {
    Asked { right, what, bulk: false, plate: None, since: None, before: None, purpose: None, case }
}

fn place(add: &Add) -> anyhow::Result<u8> {
    let settings = add.store.settings()?;
    let permit = permit(&settings, &add.asking, &asked(Right::Hold, "hold add", Some(add.case.clone())))?;
    let mut clerk = Clerk::open(&settings)?;
    let target = match (&add.hit, &add.passage, &add.plate, add.from, add.to) {
        (Some(hit), ..) => HoldTarget::Hit(clerk.find_hit(hit)?),
        (_, Some(passage), ..) => match PassageId::parse(passage) {
            Some(id) => HoldTarget::Passage(id),
            None => bail!("{passage:?} is no id of a passage; `platewatch log --passages --json` shows them"),
        },
        (.., Some(plate), Some(since), Some(before)) => {
            HoldTarget::Plate { plate: Some(plate.clone()), since, before }
        }
        _ => bail!("say what is to be held: --hit, --passage, or --plate with --from and --to"),
    };
    let hold = NewHold {
        target,
        reference: add.case.clone(),
        reason: add.reason.clone(),
        until: add.until,
        by: permit.who.clone(),
    };
    let id = clerk.place_hold(&hold, Utc::now())?;
    permit.done(&settings, 0, 0)?;
    writeln!(std::io::stdout().lock(), "hold {id} placed until {}", add.until)?;
    Ok(DONE)
}

fn release(settings: &Settings, id: i64, reason: &str, asking: &AskingArgs) -> anyhow::Result<u8> {
    let permit = permit(settings, asking, &asked(Right::ReleaseHold, "hold release", None))?;
    Clerk::open(settings)?.release_hold(id, &permit.who, reason, Utc::now())?;
    writeln!(std::io::stdout().lock(), "hold {id} released")?;
    Ok(DONE)
}

fn list(settings: &Settings, asking: &AskingArgs, as_json: bool) -> anyhow::Result<u8> {
    let permit = permit(settings, asking, &asked(Right::Hold, "hold list", None))?;
    let holds = Reader::open(settings)?.holds()?;
    let now = Utc::now();
    let mut out = std::io::stdout().lock();
    for h in &holds {
        let state = match &h.released {
            Some((by, at)) => format!("released {at} by {by}"),
            None if h.is_active(now) => "holds".into(),
            None => "ended by itself".into(),
        };
        let (of, what) = match &h.hold.target {
            HoldTarget::Hit(id) => ("hit", id.to_string()),
            HoldTarget::Passage(id) => ("passage", id.to_string()),
            HoldTarget::Plate { plate, since, before } => {
                let plate = plate.as_ref().map_or("(gone)", PlateText::as_str);
                ("plate", format!("{plate} from {since} to {before}"))
            }
        };
        if as_json {
            let line = json!({
                "hold": h.id, "of": of, "what": what, "case": h.hold.reference, "reason": h.hold.reason,
                "until": h.hold.until.to_string(), "by": h.hold.by, "placed_at": h.placed_at.to_string(),
                "state": state,
            });
            writeln!(out, "{line}")?;
        } else {
            let (case, reason, until, by) = (&h.hold.reference, &h.hold.reason, h.hold.until, &h.hold.by);
            writeln!(out, "{:>4} {of} {what}  case {case}: {reason}; until {until}, by {by}; {state}", h.id)?;
        }
    }
    permit.done(settings, holds.len() as u64, 0)?;
    Ok(DONE)
}
