//! Rows that have passed their term, a batch at a time.

use super::{Counts, Means, holds};
use crate::domain::Utc;
use crate::runtime::HashKey;
use crate::store::convert;
use crate::store::rows::TraceRow;
use rusqlite::{Connection, Transaction, named_params, params};

/// What a plate's hash is for, so that it is no use for anything else.
pub(in crate::store) const TRACE_DOMAIN: &str = "platewatch plate 1";

/// Which passages go.
pub(super) struct Expire {
    /// First seen before then.
    pub before: i64,
    /// Only those with (or without) a hit.
    pub hits: Option<bool>,
    /// Whether a trace stays.
    pub trace: bool,
}

struct Old {
    id: String,
    camera: String,
    first_seen: i64,
    last_seen: i64,
    text: String,
    hits: i64,
}

/// Passages with everything that hangs on them; whether there may be more.
pub(super) fn expire(
    tx: &Transaction<'_>,
    what: &Expire,
    means: &Means<'_>,
    after: &mut (i64, String),
    now: Utc,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT p.id, p.camera, p.first_seen, p.last_seen, p.text, (SELECT count(*) FROM hit WHERE passage = p.id)
         FROM passage p WHERE p.first_seen < :before AND (p.first_seen, p.id) > (:at, :id)
           AND (:hits IS NULL OR EXISTS (SELECT 1 FROM hit WHERE passage = p.id) = :hits)
           AND NOT {held} ORDER BY p.first_seen, p.id LIMIT :limit",
        held = holds::HELD
    );
    let found: Vec<Old> = tx
        .prepare_cached(&sql)?
        .query_map(
            named_params! {
                ":before": what.before, ":at": after.0, ":id": after.1, ":hits": what.hits,
                ":now": now.unix_ms(), ":limit": convert::int(limit as u64),
            },
            |r| {
                Ok(Old {
                    id: r.get(0)?,
                    camera: r.get(1)?,
                    first_seen: r.get(2)?,
                    last_seen: r.get(3)?,
                    text: r.get(4)?,
                    hits: r.get(5)?,
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    for old in &found {
        remove_pictures_of(tx, &old.id, counts)?;
        if what.trace {
            let hash = means.plate_key.hash(TRACE_DOMAIN, &old.text);
            insert_trace(tx, &old.id, &old.camera, (old.first_seen, old.last_seen), &hash, old.hits)?;
        }
        let messages: i64 = tx
            .prepare_cached(
                "SELECT count(*) FROM outbox WHERE hit IN (SELECT id FROM hit WHERE passage = ?1)",
            )?
            .query_row([&old.id], |r| r.get(0))?;
        *counts.entry("messages").or_default() += messages.unsigned_abs();
        // Its hits, their answers and messages go with it.
        tx.prepare_cached("DELETE FROM passage WHERE id = ?1")?.execute([&old.id])?;
        let name = match (what.trace, old.hits > 0) {
            (true, _) => "plate_texts",
            (false, true) => "passages_with_hits",
            (false, false) => "passages_without_hit",
        };
        *counts.entry(name).or_default() += 1;
        *counts.entry("hits").or_default() += old.hits.unsigned_abs();
    }
    if let Some(last) = found.last() {
        *after = (last.first_seen, last.id.clone());
    }
    Ok(found.len() == limit)
}

/// The links of a passage to its pictures; pictures that no other passage has go on the list of removal.
fn remove_pictures_of(tx: &Transaction<'_>, passage: &str, counts: &mut Counts) -> rusqlite::Result<()> {
    let pictures: Vec<String> = tx
        .prepare_cached("SELECT DISTINCT sha256 FROM passage_evidence WHERE passage = ?1")?
        .query_map([passage], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    tx.prepare_cached("DELETE FROM passage_evidence WHERE passage = ?1")?.execute([passage])?;
    for sha256 in pictures {
        let gone = tx
            .prepare_cached(
                "DELETE FROM evidence WHERE sha256 = ?1
                     AND NOT EXISTS (SELECT 1 FROM passage_evidence WHERE sha256 = ?1)",
            )?
            .execute([&sha256])?;
        if gone > 0 {
            tx.prepare_cached("INSERT INTO picture_removal (sha256) VALUES (?1) ON CONFLICT DO NOTHING")?
                .execute([&sha256])?;
            *counts.entry("pictures").or_default() += 1;
        }
    }
    Ok(())
}

/// Pictures whose own term is over, of passages that stay.
pub(super) fn pictures(
    tx: &Transaction<'_>,
    before: i64,
    after: &mut (i64, String),
    now: Utc,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT p.id, p.first_seen FROM passage p
         WHERE p.first_seen < :before AND (p.first_seen, p.id) > (:at, :id)
           AND EXISTS (SELECT 1 FROM passage_evidence WHERE passage = p.id)
           AND NOT {held} ORDER BY p.first_seen, p.id LIMIT :limit",
        held = holds::HELD
    );
    let found: Vec<(String, i64)> = tx
        .prepare_cached(&sql)?
        .query_map(
            named_params! {
                ":before": before, ":at": after.0, ":id": after.1, ":now": now.unix_ms(),
                ":limit": convert::int(limit as u64),
            },
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    for (id, _) in &found {
        remove_pictures_of(tx, id, counts)?;
    }
    if let Some((id, at)) = found.last() {
        *after = (*at, id.clone());
    }
    Ok(found.len() == limit)
}

/// Traces whose passage's own term is over.
pub(super) fn old_traces(
    tx: &Transaction<'_>,
    non_hits: i64,
    hits: i64,
    means: &Means<'_>,
    now: Utc,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    // A plate on hold is known here by its hash only; there are never many.
    let held: Vec<(String, i64, i64)> = holds::plates(tx, now)?
        .into_iter()
        .map(|(plate, since, before)| (means.plate_key.hash(TRACE_DOMAIN, &plate), since, before))
        .collect();
    let found: Vec<(String, String, i64)> = tx
        .prepare_cached(
            "SELECT id, plate_hash, first_seen FROM passage_trace
             WHERE first_seen < CASE hits WHEN 0 THEN ?1 ELSE ?2 END
               AND NOT EXISTS (SELECT 1 FROM legal_hold WHERE passage = passage_trace.id
                   AND released_at IS NULL AND until > ?3)
             ORDER BY first_seen LIMIT ?4",
        )?
        .query_map(
            params![non_hits, hits, now.unix_ms(), convert::int((limit + held.len() * limit) as u64)],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
        )?
        .collect::<Result<_, _>>()?;
    let is_held =
        |hash: &str, at: i64| held.iter().any(|(h, from, to)| h == hash && (*from..*to).contains(&at));
    let mut gone = 0;
    for (id, _, _) in found.iter().filter(|(_, hash, at)| !is_held(hash, *at)).take(limit) {
        gone += tx.prepare_cached("DELETE FROM passage_trace WHERE id = ?1")?.execute([id])? as u64;
    }
    *counts.entry("traces").or_default() += gone;
    Ok(gone == limit as u64)
}

/// Messages that hang on no hit: of passages, and of hits whose row was lost to damage and their messages saved. Others
/// go with their hits.
pub(super) fn messages(
    tx: &Transaction<'_>,
    passages: i64,
    hits: i64,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let old = "SELECT id FROM outbox WHERE hit IS NULL
                 AND created_at < CASE kind WHEN 'hit' THEN ?2 ELSE ?1 END ORDER BY id LIMIT ?3";
    let gone = tx.prepare_cached(&format!("DELETE FROM outbox WHERE id IN ({old})"))?.execute(params![
        passages,
        hits,
        convert::int(limit as u64)
    ])?;
    *counts.entry("messages").or_default() += gone as u64;
    Ok(gone == limit)
}

/// Searches, requests and ended holds that have passed the register's term; and the plates of ended holds at once.
pub(super) fn register(
    tx: &Transaction<'_>,
    before: i64,
    now: Utc,
    limit: usize,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "UPDATE legal_hold SET plate = NULL WHERE plate IS NOT NULL AND (released_at IS NOT NULL OR until <= ?1)",
    )?
    .execute([now.unix_ms()])?;
    let limit_sql = convert::int(limit as u64);
    let searches = tx
        .prepare_cached(
            "DELETE FROM past_search WHERE id IN (SELECT id FROM past_search WHERE started_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM hit WHERE past_search = past_search.id) ORDER BY id LIMIT ?2)",
        )?
        .execute(params![before, limit_sql])?;
    *counts.entry("searches").or_default() += searches as u64;
    let holds = tx
        .prepare_cached(
            "DELETE FROM legal_hold WHERE id IN (SELECT id FROM legal_hold
                 WHERE coalesce(released_at, until) < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![before, limit_sql])?;
    *counts.entry("holds").or_default() += holds as u64;
    let uses = tx
        .prepare_cached(
            "DELETE FROM use_period WHERE id IN
                 (SELECT id FROM use_period WHERE ended_at < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![before, limit_sql])?;
    *counts.entry("uses").or_default() += uses as u64;
    Ok([searches, holds, uses].contains(&limit))
}

/// Versions of lists that nothing names any more.
pub(super) fn lists(tx: &Transaction<'_>) -> rusqlite::Result<usize> {
    tx.execute(
        "DELETE FROM list_version WHERE id NOT IN (SELECT list_version FROM hit)
             AND id NOT IN (SELECT list_version FROM past_search)",
        [],
    )
}

fn insert_trace(
    connection: &Connection,
    id: &str,
    camera: &str,
    seen: (i64, i64),
    hash: &str,
    hits: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO passage_trace (id, camera, first_seen, last_seen, plate_hash, hits)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?
        .execute(params![id, camera, seen.0, seen.1, hash, hits])
        .map(|_| ())
}

/// A passage of which nothing but a trace is kept.
pub(in crate::store) fn write_trace(
    connection: &Connection,
    passage: &crate::domain::Passage,
    key: &HashKey,
) -> rusqlite::Result<()> {
    let hash = key.hash(TRACE_DOMAIN, passage.text.as_str());
    let seen = (passage.first_seen.unix_ms(), passage.last_seen.unix_ms());
    insert_trace(connection, &passage.id.to_string(), passage.camera.as_str(), seen, &hash, 0)
}

/// Traces of a plate, the latest first.
pub(in crate::store) fn traces(
    connection: &Connection,
    hash: &str,
    since: Option<Utc>,
    until: Option<Utc>,
    limit: usize,
) -> rusqlite::Result<Vec<TraceRow>> {
    connection
        .prepare_cached(
            "SELECT id, camera, first_seen, last_seen, hits FROM passage_trace WHERE plate_hash = ?1
               AND (?2 IS NULL OR first_seen >= ?2) AND (?3 IS NULL OR first_seen < ?3)
             ORDER BY first_seen DESC, id DESC LIMIT ?4",
        )?
        .query_map(
            params![hash, since.map(Utc::unix_ms), until.map(Utc::unix_ms), convert::int(limit as u64)],
            |r| {
                Ok(TraceRow {
                    passage: r.get(0)?,
                    camera: r.get(1)?,
                    first_seen: Utc::from_unix_ms(r.get(2)?),
                    last_seen: Utc::from_unix_ms(r.get(3)?),
                    hits: r.get::<_, i64>(4)?.unsigned_abs(),
                })
            },
        )?
        .collect()
}
