//! Deletion by age: what has passed its term goes, by itself, completely, and never what a case holds.
//!
//! The store's thread calls [`Sweep::step`] when it has nothing else to do. One step is one short transaction, so a
//! passage that comes meanwhile waits for one step at most; and every step can be the last before a loss of power: what
//! is left over is found again by the next sweep, files included, because their names stand in `picture_removal`
//! until they are gone. What was removed is counted in the same transactions and told to the audit chain at the end.
//!
//! * `terms`: how long, for whom. * `rows`: the SQL of each kind. * `files`: pictures, copies, what was put aside.
//! * `aside`: databases moved aside as damaged. * `holds`: what a case keeps.

mod aside;
mod files;
mod holds;
mod rows;
mod terms;

pub use holds::{Hold, HoldTarget, NewHold};
pub use terms::{NonHits, Retention, Terms};

pub(super) use holds::{add as add_hold, list as list_holds, release as release_hold};
pub(super) use rows::{TRACE_DOMAIN, traces, write_trace};
pub(super) use terms::before;

use super::connection::Database;
use super::{AuditAction, AuditEntry, Settings, StoreError, access, audit};
use crate::domain::Utc;
use crate::runtime::{HashKey, SigningKey};
use rusqlite::{Connection, TransactionBehavior};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the store looks for what has passed its term.
pub(super) const EVERY: Duration = Duration::from_secs(600);
/// Passages a step removes at most: some milliseconds of one transaction.
const BATCH: usize = 100;

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Texts,
    NonHits,
    Hits,
    Pictures,
    Traces,
    Messages,
    Register,
    Lists,
    Audit,
    Copies,
    Aside,
    Files,
    Tell,
    Vacuum,
    Checkpoint,
}

impl Phase {
    fn next(self) -> Option<Self> {
        Some(match self {
            Self::Texts => Self::NonHits,
            Self::NonHits => Self::Hits,
            Self::Hits => Self::Pictures,
            Self::Pictures => Self::Traces,
            Self::Traces => Self::Messages,
            Self::Messages => Self::Register,
            Self::Register => Self::Lists,
            Self::Lists => Self::Audit,
            Self::Audit => Self::Copies,
            Self::Copies => Self::Aside,
            Self::Aside => Self::Files,
            Self::Files => Self::Tell,
            Self::Tell => Self::Vacuum,
            Self::Vacuum => Self::Checkpoint,
            Self::Checkpoint => return None,
        })
    }
}

/// One pass over everything that has a term, taken up step by step.
#[derive(Debug)]
pub(super) struct Sweep {
    phase: Phase,
    /// Where the last batch of this phase ended: time and id.
    after: (i64, String),
    /// The pass counts by this time, so that it comes to an end.
    now: Utc,
    /// Whether anything was removed.
    removed: bool,
}

/// What a sweep needs to know.
pub(super) struct Means<'a> {
    pub settings: &'a Settings,
    pub retention: &'a Retention,
    pub key: &'a SigningKey,
    pub plate_key: &'a HashKey,
}

/// Counts of one step, by kind.
pub(super) type Counts = BTreeMap<&'static str, u64>;

impl Sweep {
    /// A pass by the time `now`.
    pub(super) fn new(now: Utc) -> Self {
        Self { phase: Phase::Texts, after: (i64::MIN, String::new()), now, removed: false }
    }

    /// Does the next piece; `false` when the pass is over.
    ///
    /// # Errors
    /// The database or a file refuses. What was removed until then stays removed; the next pass goes on.
    pub(super) fn step(&mut self, db: &mut Database, means: &Means<'_>) -> Result<bool, StoreError> {
        let more = match self.phase {
            Phase::Copies => {
                let (removed, now) = (self.removed, self.now);
                let copies = files::remove_copies(means.settings, &means.retention.terms, removed, now)?;
                self.count(db, &[("copies", copies)])?;
                false
            }
            Phase::Aside => {
                let gone = aside::remove(db, means.settings, &means.retention.terms, self.now)?;
                self.count(db, &[("damaged_files", gone.files), ("damaged_pictures", gone.pictures)])?;
                gone.more
            }
            Phase::Files => {
                let (files, more) = files::remove_pictures(db)?;
                self.removed |= files > 0;
                more
            }
            Phase::Tell => {
                self.tell(db, means)?;
                false
            }
            Phase::Vacuum => self.removed && vacuum(db)?,
            Phase::Checkpoint => {
                if self.removed {
                    checkpoint(db)?;
                }
                false
            }
            _ => self.rows(db, means)?,
        };
        if !more {
            self.after = (i64::MIN, String::new());
            match self.phase.next() {
                Some(next) => self.phase = next,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A batch of rows in one transaction with its counts.
    fn rows(&mut self, db: &mut Database, means: &Means<'_>) -> Result<bool, StoreError> {
        let fail = db.fail("deleting what has passed its term");
        let terms = &means.retention.terms;
        let now = self.now;
        let cut = |days: u32| terms::before(now, days);
        let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let mut counts = Counts::new();
        let after = &mut self.after;
        let more = match self.phase {
            Phase::Texts => {
                let what = rows::Expire { before: cut(terms.plate_texts), hits: None, trace: true };
                // Where the rows go at the same age or earlier, there is nothing to leave behind.
                terms.plate_texts < terms.non_hits.max(terms.hits)
                    && rows::expire(&tx, &what, means, after, now, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::NonHits => {
                let what = rows::Expire { before: cut(terms.non_hits), hits: Some(false), trace: false };
                rows::expire(&tx, &what, means, after, now, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::Hits => {
                let what = rows::Expire { before: cut(terms.hits), hits: Some(true), trace: false };
                rows::expire(&tx, &what, means, after, now, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::Pictures => {
                rows::pictures(&tx, cut(terms.pictures), after, now, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::Traces => {
                let (non_hits, hits) = (cut(terms.non_hits), cut(terms.hits));
                rows::old_traces(&tx, non_hits, hits, means, now, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::Messages => {
                // With the readable plate go the hit and its messages.
                let hits = cut(terms.hits.min(terms.plate_texts));
                rows::messages(&tx, cut(terms.non_hits), hits, BATCH, &mut counts).map_err(&fail)?
            }
            Phase::Register => {
                let more =
                    rows::register(&tx, cut(terms.register), now, BATCH, &mut counts).map_err(&fail)?;
                let (texts, register) = (cut(terms.plate_texts), cut(terms.register));
                let (gone, looks) = access::expire(&tx, texts, register, BATCH).map_err(&fail)?;
                *counts.entry("looks").or_default() += gone;
                more || looks
            }
            Phase::Lists => rows::lists(&tx).map(|_| false).map_err(&fail)?,
            Phase::Audit => {
                audit::prune(&tx, means.key, cut(terms.audit), now, BATCH * 10, &mut counts).map_err(&fail)?
            }
            _ => false,
        };
        tally(&tx, &counts).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        self.removed |= counts.values().any(|n| *n > 0);
        Ok(more)
    }

    fn count(&mut self, db: &mut Database, counts: &[(&'static str, u64)]) -> Result<(), StoreError> {
        let counts: Counts = counts.iter().copied().filter(|(_, n)| *n > 0).collect();
        self.removed |= !counts.is_empty();
        tally(&db.connection, &counts).map_err(db.fail("counting what was deleted"))
    }

    /// One row in the audit chain with the counts, those of a pass that was cut off included.
    fn tell(&mut self, db: &mut Database, means: &Means<'_>) -> Result<(), StoreError> {
        let fail = db.fail("telling the audit chain what was deleted");
        let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let counts: Vec<(String, i64)> = tx
            .prepare_cached("SELECT what, n FROM deletion_tally WHERE n > 0 ORDER BY what")
            .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
            .map_err(&fail)?;
        if counts.is_empty() {
            return Ok(());
        }
        self.removed = true; // also of a pass that was cut off before it freed the space
        let mut entry = AuditEntry::by_box(AuditAction::Deletion);
        for (what, n) in &counts {
            entry = entry.with(what, n);
        }
        audit::append(&tx, &entry, self.now).map_err(&fail)?;
        audit::seal(&tx, means.key, self.now, false).map_err(&fail)?;
        tx.execute("DELETE FROM deletion_tally", []).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        let told: Vec<String> = counts.iter().map(|(what, n)| format!("{what} {n}")).collect();
        tracing::info!(deleted = told.join(", "), "what had passed its term was deleted");
        Ok(())
    }
}

fn tally(connection: &Connection, counts: &Counts) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO deletion_tally (what, n) VALUES (?1, ?2) ON CONFLICT (what) DO UPDATE SET n = n + excluded.n",
    )?;
    counts.iter().filter(|(_, n)| **n > 0).try_for_each(|(what, n)| {
        add.execute((what, super::convert::int(*n)))?;
        Ok(())
    })
}

/// Gives some free pages back to the disk, where the file was made for it; whether there are more.
fn vacuum(db: &Database) -> Result<bool, StoreError> {
    let fail = db.fail("giving free pages back");
    let number = |sql: &str| db.connection.query_row(sql, [], |r| r.get::<_, i64>(0)).map_err(&fail);
    // 2: incremental. Older files keep their free pages, zeroed, and fill them again.
    if number("PRAGMA auto_vacuum")? != 2 {
        return Ok(false);
    }
    db.connection
        .prepare("PRAGMA incremental_vacuum(256)")
        .and_then(|mut s| {
            let mut rows = s.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })
        .map_err(&fail)?;
    Ok(number("PRAGMA freelist_count")? > 0)
}

/// Moves the write-ahead log into the file and cuts it to nothing: it held the rows as they were written.
fn checkpoint(db: &Database) -> Result<(), StoreError> {
    let fail = db.fail("emptying the write-ahead log");
    let busy: i64 =
        db.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0)).map_err(fail)?;
    if busy != 0 {
        tracing::warn!(
            "the write-ahead log could not be emptied after a deletion: someone reads the database; tried again with the next one"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
