//! `platewatch audit`: the chain of who did and saw what.

use super::common::{StoreArgs, by_person, note_look};
use super::{DONE, FAILED};
use crate::domain::Utc;
use crate::runtime::PublicKey;
use crate::store::{AuditAction, AuditEntry, AuditHead, AuditRow, AuditWriter, Reader};
use anyhow::Context;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch audit list --data /var/lib/platewatch\n  \
    platewatch audit verify --data /var/lib/platewatch\n  \
    platewatch audit verify --data /mnt/copy --key 4f1c... --head 1042:9ab3...")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the chain, the oldest row first
    #[command(after_help = "Examples:\n  platewatch audit list --data demo-data\n  \
        platewatch audit list --data demo-data --action search --json\n\n\
        Exit codes: 0 done; 1 the store cannot be read; 2 wrong usage.")]
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// Only this action, such as `search`, `export`, `list-activated`
        #[arg(long, value_name = "WORD")]
        action: Option<String>,
        /// Only from this time on
        #[arg(long, value_name = "TIME")]
        since: Option<Utc>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Write the whole chain with its seals to a file
    #[command(
        after_help = "Examples:\n  platewatch audit export --out chain.jsonl --purpose \"yearly inspection\" --data demo-data\n\n\
        One JSON object a line: the rows, then the seals. That it was taken out is the last row.\n\
        Exit codes: 0 written; 1 it is not; 2 wrong usage."
    )]
    Export {
        /// The file to write; it must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Why it is taken out
        #[arg(long, value_name = "TEXT")]
        purpose: String,
        /// Who takes it out [default: the user of this system]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Check that no row was changed, removed or reordered
    #[command(after_help = "Examples:\n  platewatch audit verify --data demo-data\n  \
        platewatch audit verify --data /mnt/copy --key 4f1c... --head 1042:9ab3...\n\n\
        --head is audit_head of any earlier `health` message, SEQ:HASH: with it a chain whose end was cut off\n\
        shows too. --key is box_key of `health`; without it the key file in the store is asked.\n\
        Exit codes: 0 the chain is whole; 1 it is not, or cannot be read; 2 wrong usage.")]
    Verify {
        #[command(flatten)]
        store: StoreArgs,
        /// Public key of the box, 64 hexadecimal digits
        #[arg(long, value_name = "KEY")]
        key: Option<PublicKey>,
        /// A head of the chain that was told earlier
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        head: Option<AuditHead>,
    },
}

/// `SEQ:HASH`, as `health` tells it.
pub(super) fn head(text: &str) -> Result<AuditHead, String> {
    let wrong = || format!("{text:?} is no head of the chain: SEQ:HASH, HASH of 64 hexadecimal digits");
    let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
    let seq = seq.parse().map_err(|_| wrong())?;
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    Ok(AuditHead { seq, hash: hash.to_ascii_lowercase() })
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::List { store, action, since, json } => list(store, action.as_deref(), *since, *json),
        Verb::Export { out, purpose, by, store } => {
            let entry = by_person(by.as_deref(), AuditAction::Export);
            export(store, out, entry.with("what", "audit").with("purpose", purpose))
        }
        Verb::Verify { store, key, head } => verify(store, *key, head.as_ref()),
    }
}

fn list(store: &StoreArgs, action: Option<&str>, since: Option<Utc>, json: bool) -> anyhow::Result<u8> {
    const BATCH: usize = 1_000;
    let settings = store.settings()?;
    let asked = [("action", action.map(str::to_owned)), ("since", since.map(|t| t.to_string()))];
    note_look(&settings, None, "audit", &asked)?;
    let reader = Reader::open(&settings)?;
    let mut out = std::io::stdout().lock();
    let mut next = 1;
    loop {
        let rows = reader.audit_rows(next, BATCH)?;
        let Some(last) = rows.last() else { return Ok(DONE) };
        next = last.seq + 1;
        let wanted =
            |r: &&AuditRow| action.is_none_or(|a| a == r.action) && since.is_none_or(|at| r.at >= at);
        for row in rows.iter().filter(wanted) {
            if json {
                writeln!(out, "{}", as_json(row))?;
            } else {
                let (at, actor, action) = (row.at, &row.actor, &row.action);
                writeln!(out, "{:>6} {at} {actor:<16} {action:<20} {}", row.seq, row.detail)?;
            }
        }
    }
}

fn as_json(row: &AuditRow) -> serde_json::Value {
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
    serde_json::json!({
        "seq": row.seq, "at": row.at.to_string(), "actor": row.actor, "action": row.action,
        "detail": detail, "previous": row.previous, "hash": row.hash, "salt": row.salt,
    })
}

/// The whole chain with its seals, for whoever keeps it elsewhere. That it was taken out is its last row.
fn export(store: &StoreArgs, path: &Path, entry: AuditEntry) -> anyhow::Result<u8> {
    const BATCH: usize = 1_000;
    let settings = store.settings()?;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let head = AuditWriter::open(&settings)?.append_and_seal(&entry)?;
    let reader = Reader::open(&settings)?;
    let mut out = std::io::BufWriter::new(file);
    let mut next = 1;
    // Rows that come meanwhile belong to the next export.
    while next <= head.seq {
        let mut rows = reader.audit_rows(next, BATCH)?;
        rows.retain(|r| r.seq <= head.seq);
        let Some(last) = rows.last() else { break };
        next = last.seq + 1;
        rows.iter().try_for_each(|row| writeln!(out, "{}", as_json(row)))?;
    }
    for seal in reader.audit_seals()?.iter().filter(|s| s.seq <= head.seq) {
        let line = serde_json::json!({
            "seal": seal.seq, "at": seal.at.to_string(), "key": seal.key, "signature": seal.signature,
        });
        writeln!(out, "{line}")?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    writeln!(std::io::stdout().lock(), "head {}:{}", head.seq, head.hash)?;
    Ok(DONE)
}

fn verify(store: &StoreArgs, key: Option<PublicKey>, told: Option<&AuditHead>) -> anyhow::Result<u8> {
    let settings = store.settings()?;
    let key = key.or_else(|| settings.public_key());
    let report = Reader::open(&settings)?.verify_audit(key.as_ref(), told)?;
    let mut out = std::io::stdout().lock();
    for fault in &report.faults {
        writeln!(out, "{fault}")?;
    }
    let unnamed = report.fault_count - report.faults.len() as u64;
    if unnamed > 0 {
        writeln!(out, "and {unnamed} more")?;
    }
    writeln!(out, "rows {}", report.rows)?;
    writeln!(out, "seals {}", report.seals)?;
    if report.pruned_to > 0 {
        writeln!(out, "pruned_to {}", report.pruned_to)?;
    }
    writeln!(out, "sealed_to {}", report.sealed_to)?;
    writeln!(out, "head {}:{}", report.head.seq, report.head.hash)?;
    writeln!(out, "faults {}", report.fault_count)?;
    if key.is_none() {
        writeln!(
            out,
            "note: no key of the box was given or found; each seal was checked with the key it names"
        )?;
    }
    if report.is_whole() {
        return Ok(DONE);
    }
    super::common::complain("the audit chain is not whole");
    Ok(FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_number_and_a_hash() {
        let hash = "ab".repeat(32);
        assert_eq!(head(&format!("7:{hash}")).unwrap(), AuditHead { seq: 7, hash: hash.clone() });
        for wrong in ["", "7", "7:ab", "x:aa", &format!("-1:{hash}"), &hash] {
            assert!(head(wrong).is_err(), "{wrong}");
        }
    }
}
