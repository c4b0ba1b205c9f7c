//! Messages that wait for the broker: the truth behind "no hit is lost".

use super::StoreError;
use super::connection::Database;
use super::convert;
use super::record::MessageKind;
use super::rows::{DeadRow, OutboxRow, OutboxStats};
use crate::domain::{HitId, Utc};
use rusqlite::{Connection, OptionalExtension, params};

/// The row of the message of an event; `None` where there is none.
pub(super) fn row_of(db: &Database, event_id: &str) -> Result<Option<i64>, StoreError> {
    db.connection
        .prepare_cached("SELECT id FROM outbox WHERE event_id = ?1")
        .and_then(|mut s| s.query_row([event_id], |r| r.get(0)).optional())
        .map_err(db.fail("looking for a message"))
}

/// Waiting messages, hits first, each kind in the order of recording (so `new` before `final`).
///
/// Those of hits from row `live_from` on come first of all: after an outage, an officer can still act on what has
/// just passed, and hardly on what passed hours ago. A hit whose earlier message still waits keeps its turn.
pub(super) fn next(
    db: &Database,
    limit: usize,
    live_from: Option<i64>,
) -> Result<Vec<OutboxRow>, StoreError> {
    const COLUMNS: &str = "SELECT id, event_id, topic, payload, kind, hit, created_at FROM outbox o
         WHERE state = 'pending'";
    let mut found = Vec::new();
    if let Some(live_from) = live_from {
        let live = format!(
            "{COLUMNS} AND kind = 'hit' AND id >= ?2 AND NOT EXISTS
                 (SELECT 1 FROM outbox e WHERE e.hit = o.hit AND e.state = 'pending' AND e.id < ?2)
             ORDER BY id LIMIT ?1"
        );
        read(db, &live, limit, Some(live_from), &mut found)?;
    }
    if found.len() < limit {
        let live = found.len();
        read(db, &format!("{COLUMNS} ORDER BY kind, id LIMIT ?1"), limit, None, &mut found)?;
        let (first, rest) = found.split_at(live.min(found.len()));
        let known: Vec<i64> = first.iter().map(|r| r.id).collect();
        let rest: Vec<OutboxRow> = rest.iter().filter(|r| !known.contains(&r.id)).cloned().collect();
        found.truncate(live);
        found.extend(rest);
        found.truncate(limit);
    }
    Ok(found)
}

fn read(
    db: &Database,
    sql: &str,
    limit: usize,
    live_from: Option<i64>,
    found: &mut Vec<OutboxRow>,
) -> Result<(), StoreError> {
    let fail = db.fail("reading the outbox");
    let mut statement = db.connection.prepare_cached(sql).map_err(&fail)?;
    let limit = convert::int(limit as u64);
    let mut rows = match live_from {
        Some(id) => statement.query([limit, id]),
        None => statement.query([limit]),
    }
    .map_err(&fail)?;
    let mut torn = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        match outbox_row(row) {
            Some(row) => found.push(row),
            None => torn.push(row.get::<_, i64>(0).map_err(&fail)?),
        }
    }
    // One row of noise must not hold up all that waits behind it.
    drop(rows);
    for id in torn {
        tracing::error!(row = id, "a message in the outbox is damaged and is put aside");
        failed(db, id, "its row is damaged", Utc::now())?;
    }
    Ok(())
}

/// The row, where it holds what platewatch writes.
fn outbox_row(row: &rusqlite::Row<'_>) -> Option<OutboxRow> {
    let kind: String = row.get(4).ok()?;
    let hit: Option<String> = row.get(5).ok()?;
    Some(OutboxRow {
        id: row.get(0).ok()?,
        event_id: row.get(1).ok()?,
        topic: row.get(2).ok()?,
        payload: row.get(3).ok()?,
        kind: convert::message_kind_from(&kind).ok()?,
        hit: match hit {
            None => None,
            Some(id) => Some(HitId::parse(&id)?),
        },
        created_at: Utc::from_unix_ms(row.get(6).ok()?),
        waited: None,
    })
}

/// Drops the oldest waiting messages of passages until the rest of them holds at most `max_bytes`; how many went.
pub(super) fn trim(db: &Database, max_bytes: u64) -> Result<u64, StoreError> {
    let fail = db.fail("bounding the outbox");
    // The first row (from the newest) at which the sum is over the bound, and everything older.
    db.connection
        .prepare_cached(
            "DELETE FROM outbox WHERE state = 'pending' AND kind = 'passage' AND id <= (
                 SELECT id FROM (
                     SELECT id, sum(length(payload)) OVER (ORDER BY id DESC) AS bytes FROM outbox
                     WHERE state = 'pending' AND kind = 'passage')
                 WHERE bytes > ?1 ORDER BY id DESC LIMIT 1)",
        )
        .and_then(|mut s| s.execute([convert::int(max_bytes)]))
        .map(|n| n as u64)
        .map_err(fail)
}

/// The broker has it. The payload of a passage is forgotten with that: the passage's own row, if it is
/// kept at all, is the record.
pub(super) fn done(db: &Database, id: i64, now: Utc) -> Result<(), StoreError> {
    let fail = db.fail("marking a message as delivered");
    let changed = db
        .connection
        .prepare_cached(
            "UPDATE outbox SET state = 'done', ended_at = ?2,
                 payload = CASE kind WHEN ?3 THEN NULL ELSE payload END
             WHERE id = ?1 AND state = 'pending'",
        )
        .and_then(|mut s| s.execute(params![id, now.unix_ms(), MessageKind::Passage.as_str()]))
        .map_err(&fail)?;
    let known_done = || {
        db.connection
            .prepare_cached("SELECT 1 FROM outbox WHERE id = ?1 AND state = 'done'")
            .and_then(|mut s| s.exists([id]))
            .map_err(&fail)
    };
    if changed == 1 || known_done()? { Ok(()) } else { Err(StoreError::NotPending { id }) }
}

/// It can never be delivered.
pub(super) fn failed(db: &Database, id: i64, reason: &str, now: Utc) -> Result<(), StoreError> {
    let changed = db
        .connection
        .prepare_cached(
            "UPDATE outbox SET state = 'dead', ended_at = ?2, reason = ?3 WHERE id = ?1 AND state = 'pending'",
        )
        .and_then(|mut s| s.execute(params![id, now.unix_ms(), reason]))
        .map_err(db.fail("giving up on a message"))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotPending { id }) }
}

/// Messages given up on, the oldest first.
pub(super) fn dead(db: &Database, limit: usize) -> Result<Vec<DeadRow>, StoreError> {
    let fail = db.fail("reading the outbox");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT id, event_id, topic, length(payload), created_at, ended_at, reason FROM outbox
             WHERE state = 'dead' ORDER BY id LIMIT ?1",
        )
        .map_err(&fail)?;
    let found = statement
        .query_map([convert::int(limit as u64)], |r| {
            Ok(DeadRow {
                id: r.get(0)?,
                event_id: r.get(1)?,
                topic: r.get(2)?,
                bytes: r.get::<_, Option<i64>>(3)?.unwrap_or(0).unsigned_abs(),
                created_at: Utc::from_unix_ms(r.get(4)?),
                given_up_at: Utc::from_unix_ms(r.get::<_, Option<i64>>(5)?.unwrap_or(0)),
                reason: r.get::<_, Option<String>>(6)?.unwrap_or_default(),
            })
        })
        .map_err(&fail)?
        .collect::<Result<_, _>>()
        .map_err(&fail)?;
    Ok(found)
}

/// Lets messages given up on wait again: those of `ids`, or all; how many. They keep their ids, so whoever
/// has one already will know it.
pub(super) fn retry(connection: &Connection, ids: Option<&[i64]>) -> rusqlite::Result<u64> {
    const REVIVE: &str =
        "UPDATE outbox SET state = 'pending', ended_at = NULL, reason = NULL WHERE state = 'dead'";
    let Some(ids) = ids else {
        return connection.execute(REVIVE, []).map(|n| n as u64);
    };
    let mut statement = connection.prepare_cached(&format!("{REVIVE} AND id = ?1"))?;
    ids.iter().try_fold(0, |sum, id| statement.execute([id]).map(|n| sum + n as u64))
}

/// How it stands.
pub(super) fn stats(db: &Database) -> Result<OutboxStats, StoreError> {
    let (pending, oldest, dead): (i64, Option<i64>, i64) = db
        .connection
        .prepare_cached(
            "SELECT count(*), min(created_at), (SELECT count(*) FROM outbox WHERE state = 'dead')
             FROM outbox WHERE state = 'pending'",
        )
        .and_then(|mut s| s.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))))
        .map_err(db.fail("counting the outbox"))?;
    Ok(OutboxStats {
        pending: convert::uint(pending, "outbox.id")?,
        oldest: oldest.map(Utc::from_unix_ms),
        dead: convert::uint(dead, "outbox.id")?,
        dropped: 0,
    })
}

/// Messages that wait or were given up on and cannot be sent as they are, with what is wrong.
pub(super) fn unfit(db: &Database) -> Result<Vec<(i64, &'static str)>, StoreError> {
    let fail = db.fail("looking through the outbox");
    let mut statement = db
        .connection
        .prepare(
            "SELECT id, json_valid(payload) FROM outbox
             WHERE state <> 'done' AND (NOT json_valid(payload) OR topic = '' OR topic GLOB '*[#+]*')
             ORDER BY id",
        )
        .map_err(&fail)?;
    let found = statement
        .query_map([], |r| {
            let json: bool = r.get(1)?;
            Ok((r.get(0)?, if json { "has a topic that no broker takes" } else { "holds no JSON" }))
        })
        .map_err(&fail)?
        .collect::<Result<_, _>>()
        .map_err(&fail)?;
    Ok(found)
}
