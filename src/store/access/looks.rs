//! Looks, and the law in force.

use crate::domain::{PlateText, Utc};
use crate::runtime::HashKey;
use crate::store::connection::Database;
use crate::store::{AuditAction, AuditEntry, Clerk, Reader, Settings, StoreError, audit, convert};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// What the hash of a plate asked for is for: the same as that of traces, so that a look can be held against them.
const LOOK_DOMAIN: &str = crate::store::retention::TRACE_DOMAIN;

/// The law the box last started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawInForce {
    /// `enforce`, `warn` or `off`.
    pub policy: String,
    /// The preset's name.
    pub preset: String,
    /// Stands in every export.
    pub statement: String,
    /// The preset's file (TOML).
    pub rules: String,
    /// Days by kind, a JSON object.
    pub terms: String,
}

/// A look about to be made, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewLook {
    /// Who looks.
    pub who: String,
    /// Their role; empty where nobody has to log in.
    pub role: String,
    /// With what: `log`, `search-past`, `page`, ...
    pub what: String,
    /// Without a plate, or for many.
    pub bulk: bool,
    /// The plate asked for.
    pub plate: Option<PlateText>,
    /// From then on.
    pub since: Option<Utc>,
    /// And before then.
    pub before: Option<Utc>,
    /// For what.
    pub purpose: String,
    /// For which case.
    pub case: String,
    /// Reference of the prosecutor's decision.
    pub decision: String,
    /// The second person.
    pub second: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why it was allowed or refused.
    pub reason: String,
    /// Rows shown, where that is known at once.
    pub shown: u64,
}

/// A look as it stands on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookDone {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Utc,
    /// What was asked; the plate only while texts may be kept.
    pub look: NewLook,
    /// Whether a plate was asked for.
    pub had_plate: bool,
    /// Rows left out.
    pub left_out: u64,
}

/// Which looks are asked for.
#[derive(Debug, Clone, Default)]
pub struct LookFilter {
    /// Only from then on.
    pub since: Option<Utc>,
    /// Only by this person.
    pub who: Option<String>,
    /// Only for this plate; found by its keyed hash too.
    pub plate: Option<PlateText>,
    /// At most so many, the latest first.
    pub limit: usize,
}

fn hash(settings: &Settings, plate: Option<&PlateText>) -> Result<Option<String>, StoreError> {
    plate
        .map(|p| Ok(HashKey::read_or_create(&settings.plate_key())?.hash(LOOK_DOMAIN, p.as_str())))
        .transpose()
}

/// Puts the law of this start on record.
pub(in crate::store) fn set_law(connection: &Connection, law: &LawInForce, now: Utc) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO law_in_force (id, policy, preset, statement, rules, terms, set_at)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET policy = excluded.policy,
                 preset = excluded.preset, statement = excluded.statement, rules = excluded.rules,
                 terms = excluded.terms, set_at = excluded.set_at",
            params![law.policy, law.preset, law.statement, law.rules, law.terms, now.unix_ms()],
        )
        .map(|_| ())
}

/// The law on record; `None` where the box never started with one.
fn law_in_force(db: &Database) -> Result<Option<LawInForce>, StoreError> {
    db.connection
        .prepare("SELECT policy, preset, statement, rules, terms FROM law_in_force")
        .and_then(|mut s| {
            s.query_row([], |r| {
                Ok(LawInForce {
                    policy: r.get(0)?,
                    preset: r.get(1)?,
                    statement: r.get(2)?,
                    rules: r.get(3)?,
                    terms: r.get(4)?,
                })
            })
            .optional()
        })
        .map_err(db.fail("reading the law in force"))
}

/// A look in its table and in the chain, in the caller's transaction; its number.
fn put(tx: &Transaction<'_>, look: &NewLook, hash: Option<&str>, now: Utc) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO look (at, who, role, what, bulk, plate, plate_hash, since, before, purpose, case_ref, decision,
             second, allowed, reason, shown)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            now.unix_ms(),
            look.who,
            look.role,
            look.what,
            look.bulk,
            look.plate.as_ref().map(PlateText::as_str),
            hash,
            look.since.map(Utc::unix_ms),
            look.before.map(Utc::unix_ms),
            look.purpose,
            look.case,
            look.decision,
            look.second,
            look.allowed,
            look.reason,
            convert::int(look.shown),
        ],
    )?;
    let id = tx.last_insert_rowid();
    let time = |t: Option<Utc>| t.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let action = if look.allowed { AuditAction::Search } else { AuditAction::LookRefused };
    let mut entry = AuditEntry::by(&look.who, action).with("look", id).with("with", &look.what);
    for (name, value) in [
        ("role", look.role.as_str()),
        ("purpose", &look.purpose),
        ("case", &look.case),
        ("decision", &look.decision),
        ("second", &look.second),
        ("reason", &look.reason),
        ("plate_hash", hash.unwrap_or_default()),
    ] {
        if !value.is_empty() {
            entry = entry.with(name, value);
        }
    }
    if look.since.is_some() || look.before.is_some() {
        entry = entry.with("since", time(look.since)).with("before", time(look.before));
    }
    audit::append(tx, &entry, now)?;
    Ok(id)
}

/// Forgets the plates of looks whose texts' term is over, and looks whose own is; how many went.
pub(in crate::store) fn expire(
    tx: &Transaction<'_>,
    texts_before: i64,
    before: i64,
    limit: usize,
) -> rusqlite::Result<(u64, bool)> {
    let forgotten = tx
        .prepare_cached(
            "UPDATE look SET plate = NULL WHERE id IN
                 (SELECT id FROM look WHERE plate IS NOT NULL AND at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![texts_before, convert::int(limit as u64)])?;
    let gone = tx
        .prepare_cached(
            "DELETE FROM look WHERE id IN (SELECT id FROM look WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before, convert::int(limit as u64)])?;
    let requests = tx
        .prepare_cached(
            "DELETE FROM subject_request WHERE id IN
                 (SELECT id FROM subject_request WHERE asked_at < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![before, convert::int(limit as u64)])?;
    Ok(((gone + requests) as u64, forgotten == limit || gone == limit || requests == limit))
}

impl Clerk {
    /// Puts a look on record, in the audit chain too, before anything is shown; its number.
    ///
    /// # Errors
    /// It is not on record: then nothing may be shown.
    pub fn begin_look(&mut self, settings: &Settings, look: &NewLook, now: Utc) -> Result<i64, StoreError> {
        let hash = hash(settings, look.plate.as_ref())?;
        let fail = self.db.fail("putting a look on record");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let id = put(&tx, look, hash.as_deref(), now).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        Ok(id)
    }

    /// Notes how much was shown and how much left out.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn end_look(&mut self, id: i64, shown: u64, left_out: u64) -> Result<(), StoreError> {
        self.db
            .connection
            .execute(
                "UPDATE look SET shown = ?2, left_out = ?3 WHERE id = ?1",
                params![id, convert::int(shown), convert::int(left_out)],
            )
            .map(|_| ())
            .map_err(self.db.fail("noting what a look showed"))
    }

    /// Adds a row to the audit chain.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn tell_audit(&mut self, entry: &AuditEntry, now: Utc) -> Result<(), StoreError> {
        let fail = self.db.fail("adding to the audit chain");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        audit::append(&tx, entry, now).map_err(&fail)?;
        tx.commit().map_err(&fail)
    }
}

/// A look made by way of the store's thread.
pub(in crate::store) fn keep(
    db: &mut Database,
    settings: &Settings,
    look: &NewLook,
    now: Utc,
) -> Result<(), StoreError> {
    let hash = hash(settings, look.plate.as_ref())?;
    let fail = db.fail("putting a look on record");
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    put(&tx, look, hash.as_deref(), now).map_err(&fail)?;
    tx.commit().map_err(&fail)
}

impl Reader {
    /// The law the box last started with; `None` where it never did.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn law_in_force(&self) -> Result<Option<LawInForce>, StoreError> {
        law_in_force(self.database())
    }

    /// How many allowed bulk looks `who` made from `since` on.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn bulk_looks(&self, who: &str, since: Utc) -> Result<u32, StoreError> {
        let db = self.database();
        db.connection
            .query_row(
                "SELECT count(*) FROM look WHERE who = ?1 AND at >= ?2 AND bulk AND allowed",
                params![who, since.unix_ms()],
                |r| r.get(0),
            )
            .map_err(db.fail("counting looks"))
    }

    /// Looks on record, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn looks(&self, settings: &Settings, filter: &LookFilter) -> Result<Vec<LookDone>, StoreError> {
        let hash = match &filter.plate {
            Some(_) if !settings.plate_key().exists() => return Ok(Vec::new()),
            plate => hash(settings, plate.as_ref())?,
        };
        let db = self.database();
        let fail = db.fail("reading looks");
        let time = |t: Option<i64>| t.map(Utc::from_unix_ms);
        db.connection
            .prepare(
                "SELECT id, at, who, role, what, bulk, plate, plate_hash IS NOT NULL, since, before, purpose, case_ref,
                     decision, second, allowed, reason, shown, left_out FROM look
                 WHERE (?1 IS NULL OR at >= ?1) AND (?2 IS NULL OR who = ?2) AND (?3 IS NULL OR plate_hash = ?3)
                 ORDER BY at DESC, id DESC LIMIT ?4",
            )
            .and_then(|mut s| {
                s.query_map(
                    params![
                        filter.since.map(Utc::unix_ms),
                        filter.who,
                        hash,
                        convert::int(filter.limit as u64)
                    ],
                    |r| {
                        let plate: Option<String> = r.get(6)?;
                        Ok(LookDone {
                            id: r.get(0)?,
                            at: Utc::from_unix_ms(r.get(1)?),
                            had_plate: r.get(7)?,
                            left_out: r.get::<_, i64>(17)?.unsigned_abs(),
                            look: NewLook {
                                who: r.get(2)?,
                                role: r.get(3)?,
                                what: r.get(4)?,
                                bulk: r.get(5)?,
                                plate: plate.and_then(|p| PlateText::new(&p).ok()),
                                since: time(r.get(8)?),
                                before: time(r.get(9)?),
                                purpose: r.get(10)?,
                                case: r.get(11)?,
                                decision: r.get(12)?,
                                second: r.get(13)?,
                                allowed: r.get(14)?,
                                reason: r.get(15)?,
                                shown: r.get::<_, i64>(16)?.unsigned_abs(),
                            },
                        })
                    },
                )?
                .collect()
            })
            .map_err(fail)
    }
}
