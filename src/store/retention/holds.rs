//! Legal holds: what a case keeps from being deleted, for a reason and until an end.

use crate::domain::{HitId, PassageId, PlateText, Utc};
use crate::store::connection::Database;
use crate::store::{AuditAction, AuditEntry, StoreError, audit};
use rusqlite::{Connection, TransactionBehavior, params};

/// Whether passage `p` is on hold at `:now`; to stand after `NOT`.
pub(super) const HELD: &str = "EXISTS (SELECT 1 FROM legal_hold l WHERE l.released_at IS NULL AND l.until > :now AND (
    l.passage = p.id
    OR (l.hit IS NOT NULL AND EXISTS (SELECT 1 FROM hit h WHERE h.id = l.hit AND h.passage = p.id))
    OR (l.plate IS NOT NULL AND p.first_seen >= l.since AND p.first_seen < l.before AND (p.text = l.plate
        OR EXISTS (SELECT 1 FROM hit h WHERE h.passage = p.id AND (h.entry_plate = l.plate OR h.observed = l.plate))))))";

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldTarget {
    /// One hit with its passage.
    Hit(HitId),
    /// One passage.
    Passage(PassageId),
    /// Passages of a plate, read as it or matched to it, first seen in a period; those still to come too.
    Plate {
        /// The plate; `None` once the hold has ended.
        plate: Option<PlateText>,
        /// From then on.
        since: Utc,
        /// And before then.
        before: Utc,
    },
}

/// A hold to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// What is held.
    pub target: HoldTarget,
    /// Reference of the case.
    pub reference: String,
    /// Why it is needed.
    pub reason: String,
    /// When it ends by itself.
    pub until: Utc,
    /// Who places it.
    pub by: String,
}

/// A hold as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// What was asked for.
    pub hold: NewHold,
    /// When it was placed.
    pub placed_at: Utc,
    /// Who released it and when; `None` where nobody has.
    pub released: Option<(String, Utc)>,
}

impl Hold {
    /// Whether it keeps anything at `now`.
    pub fn is_active(&self, now: Utc) -> bool {
        self.released.is_none() && self.hold.until > now
    }
}

fn refused(why: &'static str) -> StoreError {
    StoreError::Hold { why }
}

/// Places a hold, in one transaction with its row in the audit chain (which names no plate); its number.
///
/// # Errors
/// Reference, reason or end are missing or past, what it holds is not there, or the database cannot be written.
pub(in crate::store) fn add(db: &mut Database, new: &NewHold, now: Utc) -> Result<i64, StoreError> {
    let fail = db.fail("placing a hold");
    for (text, why) in [
        (&new.reference, "it must name the reference of the case"),
        (&new.reason, "it must name its reason"),
        (&new.by, "it must name who places it"),
    ] {
        if text.trim().is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
            return Err(refused(why));
        }
    }
    if new.until <= now {
        return Err(refused("its end must lie in the future"));
    }
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let is_there = |sql: &str, id: &str| tx.prepare(sql).and_then(|mut s| s.exists([id])).map_err(&fail);
    let (kind, hit, passage, plate, since, before) = match &new.target {
        HoldTarget::Hit(id) => {
            let id = id.to_string();
            if !is_there("SELECT 1 FROM hit WHERE id = ?1", &id)? {
                return Err(StoreError::UnknownHit { found: id });
            }
            ("hit", Some(id), None, None, None, None)
        }
        HoldTarget::Passage(id) => {
            let id = id.to_string();
            if !is_there("SELECT 1 FROM passage WHERE id = ?1", &id)?
                && !is_there("SELECT 1 FROM passage_trace WHERE id = ?1", &id)?
            {
                return Err(refused("there is no such passage"));
            }
            ("passage", None, Some(id), None, None, None)
        }
        HoldTarget::Plate { plate: Some(plate), since, before } if since < before => (
            "plate",
            None,
            None,
            Some(plate.as_str().to_owned()),
            Some(since.unix_ms()),
            Some(before.unix_ms()),
        ),
        HoldTarget::Plate { .. } => {
            return Err(refused("a hold of a plate names the plate and a period that begins before it ends"));
        }
    };
    tx.execute(
        "INSERT INTO legal_hold (reference, reason, hit, passage, plate, since, before, until, placed_by, placed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            new.reference.trim(), new.reason.trim(), hit, passage, plate, since, before, new.until.unix_ms(),
            new.by.trim(), now.unix_ms()
        ],
    )
    .map_err(&fail)?;
    let id = tx.last_insert_rowid();
    let entry = AuditEntry::by(&new.by, AuditAction::HoldPlaced)
        .with("hold", id)
        .with("of", kind)
        .with("case", new.reference.trim())
        .with("reason", new.reason.trim())
        .with("until", new.until);
    audit::append(&tx, &entry, now).map_err(&fail)?;
    tx.commit().map_err(&fail)?;
    Ok(id)
}

/// Ends a hold before its time.
///
/// # Errors
/// There is no such hold, it has ended, or the database cannot be written.
pub(in crate::store) fn release(
    db: &mut Database,
    id: i64,
    by: &str,
    reason: &str,
    now: Utc,
) -> Result<(), StoreError> {
    let fail = db.fail("releasing a hold");
    if reason.trim().is_empty() || by.trim().is_empty() {
        return Err(refused("a release must name who releases it and why"));
    }
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let changed = tx
        .execute(
            "UPDATE legal_hold SET released_by = ?2, released_at = ?3, plate = NULL
             WHERE id = ?1 AND released_at IS NULL AND until > ?3",
            params![id, by.trim(), now.unix_ms()],
        )
        .map_err(&fail)?;
    if changed == 0 {
        return Err(refused(
            "there is no hold of that number that still holds; `platewatch hold list` shows them",
        ));
    }
    let entry = AuditEntry::by(by, AuditAction::HoldReleased).with("hold", id).with("reason", reason.trim());
    audit::append(&tx, &entry, now).map_err(&fail)?;
    tx.commit().map_err(&fail)
}

/// All holds, the latest first.
pub(in crate::store) fn list(db: &Database) -> Result<Vec<Hold>, StoreError> {
    let fail = db.fail("reading the holds");
    let mut statement = db
        .connection
        .prepare(
            "SELECT id, reference, reason, hit, passage, plate, since, before, until, placed_by, placed_at,
                 released_by, released_at FROM legal_hold ORDER BY id DESC",
        )
        .map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(r) = rows.next().map_err(&fail)? {
        let text = |i: usize| r.get::<_, Option<String>>(i).map_err(&fail);
        let time = |i: usize| r.get::<_, Option<i64>>(i).map(|t| t.map(Utc::from_unix_ms)).map_err(&fail);
        let corrupt = |column| StoreError::Corrupt { column };
        let target = match (text(3)?, text(4)?, time(6)?, time(7)?) {
            (Some(hit), ..) => HoldTarget::Hit(HitId::parse(&hit).ok_or(corrupt("legal_hold.hit"))?),
            (_, Some(id), ..) => {
                HoldTarget::Passage(PassageId::parse(&id).ok_or(corrupt("legal_hold.passage"))?)
            }
            (_, _, Some(since), Some(before)) => {
                let plate = text(5)?
                    .map(|p| PlateText::new(&p).map_err(|_| corrupt("legal_hold.plate")))
                    .transpose()?;
                HoldTarget::Plate { plate, since, before }
            }
            _ => return Err(corrupt("legal_hold.since")),
        };
        found.push(Hold {
            id: r.get(0).map_err(&fail)?,
            hold: NewHold {
                target,
                reference: r.get(1).map_err(&fail)?,
                reason: r.get(2).map_err(&fail)?,
                until: Utc::from_unix_ms(r.get(8).map_err(&fail)?),
                by: r.get(9).map_err(&fail)?,
            },
            placed_at: Utc::from_unix_ms(r.get(10).map_err(&fail)?),
            released: text(11)?.zip(time(12)?),
        });
    }
    Ok(found)
}

/// Plates on hold with their periods.
pub(super) fn plates(connection: &Connection, now: Utc) -> rusqlite::Result<Vec<(String, i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT plate, since, before FROM legal_hold
             WHERE plate IS NOT NULL AND released_at IS NULL AND until > ?1",
        )?
        .query_map([now.unix_ms()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect()
}
