//! `platewatch alarms`: what somebody has to take note of.

use super::DONE;
use super::common::StoreArgs;
use crate::store::{AuditAction, AuditEntry, AuditWriter, Reader};
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch alarms list --data /var/lib/platewatch\n  \
    platewatch alarms acknowledge --all --data /var/lib/platewatch --by j.peeters")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the alarms that nobody has acknowledged
    #[command(after_help = "Examples:\n  platewatch alarms list --data demo-data\n  \
        platewatch alarms list --config /etc/platewatch/platewatch.toml\n\n\
        `store-recovered`: the database was damaged, lies beside the new one under the name in `aside`, and what \
        could be read of it was taken over.\n\
        Exit codes: 0 done (also where there is none); 1 the store cannot be read; 2 wrong usage.")]
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take note of alarms: they leave `health`, and the audit chain says who did
    #[command(after_help = "Examples:\n  platewatch alarms acknowledge 17 --data /var/lib/platewatch\n  \
        platewatch alarms acknowledge --all --data /var/lib/platewatch --by j.peeters\n\n\
        A running daemon finds out with its next health message.\n\
        Exit codes: 0 done; 1 there is no such alarm, or the store cannot be written; 2 wrong usage.")]
    Acknowledge {
        /// Numbers, as `alarms list` prints them
        #[arg(value_name = "SEQ", required_unless_present = "all", conflicts_with = "all")]
        alarms: Vec<u64>,
        /// All of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        store: StoreArgs,
        /// Who says so, for the audit chain
        #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
        by: String,
    },
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match &args.verb {
        Verb::List { store, json } => {
            let open = Reader::open(&store.settings()?)?.alarms()?;
            for a in &open {
                if *json {
                    let detail: serde_json::Value = serde_json::from_str(&a.detail).unwrap_or_default();
                    let line = serde_json::json!({
                        "seq": a.seq, "at": a.at.to_string(), "what": a.what, "detail": detail,
                    });
                    writeln!(out, "{line}")?;
                } else {
                    writeln!(out, "{:>6} {} {} {}", a.seq, a.at, a.what, a.detail)?;
                }
            }
            if open.is_empty() && !json {
                writeln!(out, "no alarm stands")?;
            }
        }
        Verb::Acknowledge { alarms, all, store, by } => {
            let settings = store.settings()?;
            let open: Vec<u64> = Reader::open(&settings)?.alarms()?.iter().map(|a| a.seq).collect();
            let named = if *all { &open } else { alarms };
            if let Some(strange) = named.iter().find(|a| !open.contains(a)) {
                anyhow::bail!("no alarm {strange} stands; platewatch alarms list shows those that do");
            }
            let mut writer = AuditWriter::open(&settings)?;
            for alarm in named {
                writer.append(&AuditEntry::by(by, AuditAction::AlarmAcknowledged).with("alarm", alarm))?;
            }
            let s = if named.len() == 1 { "" } else { "s" };
            writeln!(out, "{} alarm{s} acknowledged", named.len())?;
        }
    }
    Ok(DONE)
}
