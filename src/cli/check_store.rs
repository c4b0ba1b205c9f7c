//! `platewatch check store`: whether what is kept is whole.

use super::common::{StoreArgs, by_person};
use super::{DONE, FAILED};
use crate::store::{self, AuditAction, AuditHead};
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch check store --data /var/lib/platewatch\n  \
    platewatch check store --data /var/lib/platewatch --mend\n\n\
    Looks at the schema, the rows, every picture, the outbox and the audit chain, and changes nothing. With\n\
    --mend, what can be mended is, while no daemon runs on the store; the audit chain says so.\n\
    Exit codes: 0 whole, or all of it mended; 1 something is wrong; 2 wrong usage.")]
pub(super) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Mend what can be mended
    #[arg(long)]
    mend: bool,
    /// Who mends, for the audit chain [default: the user of this system]
    #[arg(long, value_name = "NAME", requires = "mend")]
    by: Option<String>,
    /// A head of the audit chain that `health` told earlier
    #[arg(long, value_name = "SEQ:HASH", value_parser = super::audit::head)]
    head: Option<AuditHead>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = args.store.settings()?;
    let found = store::inspect(&settings, args.head.as_ref())?;
    let mut out = std::io::stdout().lock();
    for finding in &found.findings {
        match finding.remedy() {
            Some(remedy) if !args.mend => writeln!(out, "{finding}; --mend would {remedy}")?,
            _ => writeln!(out, "{finding}")?,
        }
    }
    if found.more > 0 {
        writeln!(out, "and {} more", found.more)?;
    }
    writeln!(out, "pictures {}", found.pictures)?;
    writeln!(out, "picture_bytes {}", found.picture_bytes)?;
    writeln!(out, "outbox_pending {}", found.outbox.pending)?;
    writeln!(out, "outbox_dead {}", found.outbox.dead)?;
    writeln!(out, "audit_rows {}", found.audit_rows)?;
    if let Some(head) = &found.audit_head {
        writeln!(out, "audit_head {}:{}", head.seq, head.hash)?;
    }
    let wrong = found.findings.len() as u64 + found.more;
    writeln!(out, "findings {wrong}")?;
    let entry = by_person(args.by.as_deref(), AuditAction::StoreMended);
    let mended = if args.mend && wrong > 0 { store::mend(&settings, &found.findings, entry)? } else { 0 };
    if args.mend {
        writeln!(out, "mended {mended}")?;
    }
    Ok(if wrong == mended { DONE } else { FAILED })
}
