//! The beginning of a chain whose oldest rows have passed their term.
//!
//! A hash chain cannot lose a row in its middle, but it can begin later: rows are removed from the front, up to one the
//! box had sealed, and what is left hangs on an anchor: number and hash of the last row removed, signed with the box's
//! key. Whoever removes rows without that key, or more than the anchor says, leaves a gap that shows.

use super::super::retention::Counts;
use super::{AuditHead, GENESIS};
use crate::domain::Utc;
use crate::runtime::{PublicKey, Signature, SigningKey};
use crate::store::connection::Database;
use crate::store::{StoreError, convert};
use rusqlite::{OptionalExtension, Transaction, params};

/// What the box signs.
fn anchor_text(seq: i64, hash: &str, at: i64, before: i64) -> String {
    format!("platewatch audit anchor 1\n{seq}\n{hash}\n{at}\n{before}\n")
}

/// Removes rows older than `before` from the front, up to a sealed one, some `limit` of them; whether there are more.
/// The latest row always stays.
pub(in crate::store) fn prune(
    tx: &Transaction<'_>,
    key: &SigningKey,
    before: i64,
    now: Utc,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let number = |sql: &str| -> rusqlite::Result<Option<i64>> {
        tx.prepare_cached(sql)?.query_row([], |r| r.get(0)).optional().map(Option::flatten)
    };
    let (Some(first), Some(last)) =
        (number("SELECT min(seq) FROM audit")?, number("SELECT max(seq) FROM audit")?)
    else {
        return Ok(false);
    };
    // The first row that stays. Along the chain, not by time: a clock set back must not tear a hole.
    let stays: i64 = tx
        .prepare_cached("SELECT seq FROM audit WHERE at >= ?1 ORDER BY seq LIMIT 1")?
        .query_row([before], |r| r.get(0))
        .optional()?
        .unwrap_or(last);
    let upper = first.saturating_add(convert::int(limit as u64));
    let sealed = |order: &str, sql: &str| -> rusqlite::Result<Option<(i64, String)>> {
        tx.prepare_cached(&format!(
            "SELECT s.seq, a.hash FROM audit_seal s JOIN audit a ON a.seq = s.seq
             WHERE s.seq < ?1 AND s.seq < ?2 AND {sql} ORDER BY s.seq {order} LIMIT 1"
        ))?
        .query_row([stays, last], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()
    };
    let within = sealed("DESC", &format!("s.seq <= {upper}"))?;
    let Some((seq, hash)) = (match within {
        Some(found) => Some(found),
        None => sealed("ASC", "1")?,
    }) else {
        return Ok(false);
    };
    tx.execute("DELETE FROM audit_seal WHERE seq <= ?1", [seq])?;
    let gone = tx.execute("DELETE FROM audit WHERE seq <= ?1", [seq])?;
    tx.execute("DELETE FROM audit_anchor", [])?;
    let signature = key.sign(anchor_text(seq, &hash, now.unix_ms(), before).as_bytes());
    tx.execute(
        "INSERT INTO audit_anchor (seq, hash, at, before, key, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![seq, hash, now.unix_ms(), before, key.public().to_string(), signature.to_string()],
    )?;
    *counts.entry("audit_rows").or_default() += gone as u64;
    Ok(gone >= limit)
}

/// Where the chain begins, and what is wrong with the anchor that says so.
pub(super) fn beginning(
    db: &Database,
    key: Option<&PublicKey>,
) -> Result<(AuditHead, Option<&'static str>), StoreError> {
    let fail = db.fail("reading where the audit chain begins");
    let found: Option<(i64, String, i64, i64, String, String)> = db
        .connection
        .prepare("SELECT seq, hash, at, before, key, signature FROM audit_anchor ORDER BY seq DESC LIMIT 1")
        .and_then(|mut s| {
            s.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)))
                .optional()
        })
        .map_err(&fail)?;
    let Some((seq, hash, at, before, named, signature)) = found else {
        return Ok((AuditHead { seq: 0, hash: GENESIS.to_owned() }, None));
    };
    let wrong = match (named.parse::<PublicKey>(), signature.parse::<Signature>()) {
        (Ok(named), _) if key.is_some_and(|k| *k != named) => {
            Some("the anchor of the chain is by another key than the box's")
        }
        (Ok(named), Ok(signature)) => (!named
            .verifies(anchor_text(seq, &hash, at, before).as_bytes(), &signature))
        .then_some("the anchor of the chain is not what the box signed"),
        _ => Some("the anchor of the chain holds no key and signature"),
    };
    Ok((AuditHead { seq: seq.unsigned_abs(), hash }, wrong))
}
