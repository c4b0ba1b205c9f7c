//! The register of use as it is kept: every camera's time as periods without a hole, and who was in charge.
//!
//! A period is begun and ended by the box; every few seconds it says that it lives. What a loss of power cut
//! off ends at that last sign of life, and the next start explains the time since: so the register explains
//! itself, whatever happens.

use super::connection::Database;
use super::{Clerk, Reader, Store, StoreError, convert};
use crate::domain::{CameraId, Utc};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};
use std::collections::BTreeMap;

/// Points of a track that are kept of one period; a shift of ten hours at one a ten seconds has 3600.
const MOST_POINTS: usize = 4000;

/// A time in which a camera looked, or did not.
#[derive(Debug, Clone, PartialEq)]
pub struct UsePeriod {
    /// The camera.
    pub camera: String,
    /// Whether it looked.
    pub used: bool,
    /// Its begin.
    pub began_at: Utc,
    /// Its end; `None`: it goes on.
    pub ended_at: Option<Utc>,
    /// Until then the box is known to have lived.
    pub alive_at: Utc,
    /// Why it did not look, a word; or what did not fit although it looked.
    pub reason: String,
    /// The same as a sentence.
    pub explanation: String,
    /// The rules in force.
    pub preset: String,
    /// `enforce`, `warn` or `off`.
    pub policy: String,
    /// The kind of camera; `None`: not configured.
    pub kind: Option<String>,
    /// Reference of the mandate; `None`: none.
    pub mandate: Option<String>,
    /// `visible` or `covert`.
    pub mode: String,
    /// Legal ground of a covert use.
    pub ground: Option<String>,
    /// Who was in charge.
    pub officer: Option<String>,
    /// What for.
    pub purposes: Vec<String>,
    /// Name of the place.
    pub place: Option<String>,
    /// Longitude and latitude, in order of time; one point where it stood.
    pub track: Vec<[f64; 2]>,
    /// Versions (SHA-256) of every list that was matched, by its name.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Passages that ended in it.
    pub passages: u64,
    /// Hits found in it.
    pub hits: u64,
}

/// An officer's time in charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Who.
    pub officer: String,
    /// From.
    pub began_at: Utc,
    /// To; `None`: on duty.
    pub ended_at: Option<Utc>,
}

/// What the box tells the register.
#[derive(Debug, Clone)]
pub enum UseChange {
    /// The program has started: what was left open is ended and explained.
    Start,
    /// A camera begins a period; the one before it ends at that moment.
    Begin(Box<UsePeriod>),
    /// The box lives; points to add to the tracks, and lists in use.
    Alive {
        /// Where the cameras that move are now.
        points: Vec<(CameraId, [f64; 2])>,
        /// Lists that are matched now: camera, name and SHA-256.
        lists: Vec<(CameraId, String, String)>,
    },
    /// The box ends in order.
    End,
    /// The officer takes charge, or nobody does any more.
    Duty(Option<String>, &'static str),
}

impl Store {
    /// Tells the register of use; on disk when this returns.
    ///
    /// # Errors
    /// The database cannot be written; nothing was changed.
    pub fn usage(&mut self, change: &UseChange, now: Utc) -> Result<(), StoreError> {
        let db = self.database_mut();
        let fail = db.fail("writing the register of use");
        let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        apply(&tx, change, now).map_err(&fail)?;
        tx.commit().map_err(&fail)
    }
}

fn apply(tx: &Connection, change: &UseChange, now: Utc) -> rusqlite::Result<()> {
    let ms = now.unix_ms();
    match change {
        UseChange::Start => start(tx, ms),
        UseChange::Begin(period) => {
            end_open(tx, Some(&period.camera), ms)?;
            insert(tx, period)
        }
        UseChange::Alive { points, lists } => alive(tx, points, lists, ms),
        UseChange::End => end_open(tx, None, ms),
        UseChange::Duty(officer, why) => duty(tx, officer.as_deref(), why, ms),
    }
}

fn end_open(tx: &Connection, camera: Option<&str>, ms: i64) -> rusqlite::Result<()> {
    // max: a clock set back must not make a period end before it began.
    tx.prepare_cached(
        "UPDATE use_period SET ended_at = max(?1, alive_at), alive_at = max(?1, alive_at)
         WHERE ended_at IS NULL AND (?2 IS NULL OR camera = ?2)",
    )?
    .execute(params![ms, camera])
    .map(|_| ())
}

/// Ends what a cut-off left open at its last sign of life, and explains the time since then.
fn start(tx: &Connection, ms: i64) -> rusqlite::Result<()> {
    let mut last = tx.prepare(
        "SELECT camera, ended_at IS NULL, coalesce(ended_at, alive_at), preset, policy, kind, mode FROM use_period
         WHERE id IN (SELECT max(id) FROM use_period GROUP BY camera)",
    )?;
    type Last = (String, bool, i64, String, String, Option<String>, String);
    let found: Vec<Last> = last
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?)))?
        .collect::<Result<_, _>>()?;
    tx.execute("UPDATE use_period SET ended_at = alive_at WHERE ended_at IS NULL", [])?;
    for (camera, cut_off, since, preset, policy, kind, mode) in found {
        if since >= ms {
            continue; // the clock was set back; the next period begins at the later of the two
        }
        let (reason, explanation) = if cut_off {
            (
                "cut-off",
                "the box was cut off: power, or the program was killed; it lived until the begin of this pause",
            )
        } else {
            ("stopped", "the program had been stopped in order and was not running")
        };
        tx.prepare_cached(
            "INSERT INTO use_period (camera, state, began_at, ended_at, alive_at, reason, explanation, preset, policy,
                 kind, mode, purposes, track, lists)
             VALUES (?1, 'pause', ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '[]', '[]', '{}')",
        )?
        .execute(params![camera, since, ms, reason, explanation, preset, policy, kind, mode])?;
    }
    Ok(())
}

fn insert(tx: &Connection, p: &UsePeriod) -> rusqlite::Result<()> {
    // Begins where the one before ended, so that there is no hole whatever the clock did meanwhile.
    let before: Option<i64> = tx
        .prepare_cached("SELECT ended_at FROM use_period WHERE camera = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([&p.camera], |r| r.get(0))
        .optional()?
        .flatten();
    let began = before.unwrap_or(p.began_at.unix_ms());
    tx.prepare_cached(
        "INSERT INTO use_period (camera, state, began_at, alive_at, reason, explanation, preset, policy, kind,
             mandate, mode, ground, officer, purposes, place, track, lists)
         VALUES (:camera, :state, :began, :alive, :reason, :explanation, :preset, :policy, :kind, :mandate,
             :mode, :ground, :officer, :purposes, :place, :track, :lists)",
    )?
    .execute(named_params! {
        ":camera": p.camera,
        ":state": if p.used { "use" } else { "pause" },
        ":began": began,
        ":alive": p.began_at.unix_ms().max(began),
        ":reason": p.reason,
        ":explanation": p.explanation,
        ":preset": p.preset,
        ":policy": p.policy,
        ":kind": p.kind,
        ":mandate": p.mandate,
        ":mode": p.mode,
        ":ground": p.ground,
        ":officer": p.officer,
        ":purposes": json(&p.purposes),
        ":place": p.place,
        ":track": json(&p.track),
        ":lists": json(&p.lists),
    })
    .map(|_| ())
}

fn alive(
    tx: &Connection,
    points: &[(CameraId, [f64; 2])],
    lists: &[(CameraId, String, String)],
    ms: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE use_period SET alive_at = max(?1, alive_at) WHERE ended_at IS NULL")?
        .execute([ms])?;
    let mut open = tx.prepare_cached(
        "SELECT id, camera, track, lists FROM use_period WHERE ended_at IS NULL AND state = 'use'",
    )?;
    let rows: Vec<(i64, String, String, String)> = open
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
        .collect::<Result<_, _>>()?;
    for (id, camera, track, had) in rows {
        let mut points_of: Vec<[f64; 2]> = serde_json::from_str(&track).unwrap_or_default();
        let mut lists_of: BTreeMap<String, Vec<String>> = serde_json::from_str(&had).unwrap_or_default();
        let (points_before, had_before) = (points_of.len(), lists_of.clone());
        for (_, point) in points.iter().filter(|(c, _)| c.as_str() == camera) {
            if points_of.last() != Some(point) && points_of.len() < MOST_POINTS {
                points_of.push(*point);
            }
        }
        for (_, name, sha256) in lists.iter().filter(|(c, ..)| c.as_str() == camera) {
            let versions = lists_of.entry(name.clone()).or_default();
            if !versions.contains(sha256) {
                versions.push(sha256.clone());
            }
        }
        if points_of.len() != points_before || lists_of != had_before {
            tx.prepare_cached("UPDATE use_period SET track = ?1, lists = ?2 WHERE id = ?3")?
                .execute(params![json(&points_of), json(&lists_of), id])?;
        }
    }
    Ok(())
}

/// Counts a passage that has ended and new hits in the period in which the camera last looked.
pub(super) fn count(tx: &Connection, camera: &CameraId, ended: bool, hits: u64) -> rusqlite::Result<()> {
    if !ended && hits == 0 {
        return Ok(());
    }
    tx.prepare_cached(
        "UPDATE use_period SET passages = passages + ?2, hits = hits + ?3
         WHERE id = (SELECT max(id) FROM use_period WHERE camera = ?1 AND state = 'use')",
    )?
    .execute(params![camera.as_str(), i64::from(ended), convert::int(hits)])
    .map(|_| ())
}

fn duty(tx: &Connection, officer: Option<&str>, why: &str, ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE duty SET ended_at = max(?1, began_at), ended_by = ?2 WHERE ended_at IS NULL")?
        .execute(params![ms, why])?;
    match officer {
        None => Ok(()),
        Some(officer) => tx
            .prepare_cached("INSERT INTO duty (officer, began_at) VALUES (?1, ?2)")?
            .execute(params![officer, ms])
            .map(|_| ()),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    // Texts, numbers that are finite, and maps of them: what JSON can always say.
    serde_json::to_string(value).unwrap_or_else(|_| "[]".into())
}

impl Clerk {
    /// Puts an officer in charge (who was before is relieved), or nobody.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn duty(&mut self, officer: Option<&str>, now: Utc) -> Result<(), StoreError> {
        let db = self.database_mut();
        let fail = db.fail("noting who is on duty");
        let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let why = if officer.is_some() { "relieved" } else { "officer" };
        duty(&tx, officer, why, now.unix_ms()).map_err(&fail)?;
        tx.commit().map_err(&fail)
    }
}

impl Reader {
    /// Periods that touch the time from `from` to before `until`, by camera and begin.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn use_periods(&self, from: Utc, until: Utc) -> Result<Vec<UsePeriod>, StoreError> {
        periods(self.database(), from, until)
    }

    /// The mode of a camera's latest period; `None` where there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_mode(&self, camera: &str) -> Result<Option<String>, StoreError> {
        let db = self.database();
        db.connection
            .prepare_cached("SELECT mode FROM use_period WHERE camera = ?1 ORDER BY id DESC LIMIT 1")
            .and_then(|mut s| s.query_row([camera], |r| r.get(0)).optional())
            .map_err(db.fail("reading the register of use"))
    }

    /// Who is in charge.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn on_duty(&self) -> Result<Option<Duty>, StoreError> {
        let db = self.database();
        db.connection
            .prepare_cached(
                "SELECT officer, began_at FROM duty WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1",
            )
            .and_then(|mut s| {
                s.query_row([], |r| {
                    let began_at = Utc::from_unix_ms(r.get(1)?);
                    Ok(Duty { officer: r.get(0)?, began_at, ended_at: None })
                })
                .optional()
            })
            .map_err(db.fail("reading who is on duty"))
    }
}

fn periods(db: &Database, from: Utc, until: Utc) -> Result<Vec<UsePeriod>, StoreError> {
    let fail = db.fail("reading the register of use");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT * FROM use_period
             WHERE began_at < ?2 AND coalesce(ended_at, alive_at) >= ?1 ORDER BY camera, id",
        )
        .map_err(&fail)?;
    let found = statement
        .query_map([from.unix_ms(), until.unix_ms()], |r| {
            let time = |column: &str| r.get::<_, i64>(column).map(Utc::from_unix_ms);
            let text = |column: &str| r.get::<_, String>(column);
            Ok(UsePeriod {
                camera: text("camera")?,
                used: text("state")? == "use",
                began_at: time("began_at")?,
                ended_at: r.get::<_, Option<i64>>("ended_at")?.map(Utc::from_unix_ms),
                alive_at: time("alive_at")?,
                reason: text("reason")?,
                explanation: text("explanation")?,
                preset: text("preset")?,
                policy: text("policy")?,
                kind: r.get("kind")?,
                mandate: r.get("mandate")?,
                mode: text("mode")?,
                ground: r.get("ground")?,
                officer: r.get("officer")?,
                purposes: serde_json::from_str(&text("purposes")?).unwrap_or_default(),
                place: r.get("place")?,
                track: serde_json::from_str(&text("track")?).unwrap_or_default(),
                lists: serde_json::from_str(&text("lists")?).unwrap_or_default(),
                passages: r.get::<_, i64>("passages")?.unsigned_abs(),
                hits: r.get::<_, i64>("hits")?.unsigned_abs(),
            })
        })
        .map_err(&fail)?
        .collect::<Result<_, _>>()
        .map_err(&fail)?;
    Ok(found)
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
