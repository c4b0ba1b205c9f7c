//! `platewatch outbox`: messages that could not be delivered.

use super::DONE;
use super::common::StoreArgs;
use crate::store::{AuditAction, AuditWriter, Reader};
use std::io::Write;

/// Rows printed at most.
const SHOWN: usize = 10_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch outbox list --data /var/lib/platewatch\n  \
    platewatch outbox retry --all --data /var/lib/platewatch")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the messages given up on, with the reason
    #[command(after_help = "Examples:\n  platewatch outbox list --data demo-data\n\n\
        Exit codes: 0 done (also where there is none); 1 the store cannot be read; 2 wrong usage.")]
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Send messages again that were given up on, once the cause is mended
    #[command(after_help = "Examples:\n  platewatch outbox retry 17 18 --data /var/lib/platewatch\n  \
        platewatch outbox retry --all --data /var/lib/platewatch --by j.peeters\n\n\
        A running daemon finds them within seconds; another one at its start.\n\
        Exit codes: 0 done; 1 the store cannot be written; 2 wrong usage.")]
    Retry {
        /// Numbers, as `outbox list` prints them
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        store: StoreArgs,
        /// Who says so, for the audit chain [default: the user of this system]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match &args.verb {
        Verb::List { store, json } => {
            let rows = Reader::open(&store.settings()?)?.outbox_dead(SHOWN)?;
            for r in &rows {
                if *json {
                    let line = serde_json::json!({
                        "id": r.id, "event_id": r.event_id, "topic": r.topic, "bytes": r.bytes,
                        "created_at": r.created_at.to_string(), "given_up_at": r.given_up_at.to_string(),
                        "reason": r.reason,
                    });
                    writeln!(out, "{line}")?;
                } else {
                    let (made, given_up) = (r.created_at, r.given_up_at);
                    writeln!(out, "{:>6} {made} {given_up} {:>7} {} {}", r.id, r.bytes, r.topic, r.reason)?;
                }
            }
            if rows.is_empty() && !json {
                writeln!(out, "no message was given up on")?;
            }
        }
        Verb::Retry { ids, all, store, by } => {
            let entry = super::common::by_person(by.as_deref(), AuditAction::OutboxRetried);
            let ids = (!all).then_some(ids.as_slice());
            let revived = AuditWriter::open(&store.settings()?)?.retry_outbox(ids, entry)?;
            let s = if revived == 1 { "" } else { "s" };
            writeln!(out, "{revived} message{s} will be sent again")?;
        }
    }
    Ok(DONE)
}
