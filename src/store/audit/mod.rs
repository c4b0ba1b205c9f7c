//! The audit chain: who did and saw what on this box, each row sealed to the one before it by SHA-256
//! and, at intervals, by the box's signature.
//!
//! A row's hash covers its number, time, words and the hash before it, so a row that was changed, removed or
//! put elsewhere shows. Whoever can write the file can also compute new hashes to its end; against that stand
//! the seals (signatures with the box's key over the hash so far) and the head of the chain, which goes out in
//! every `health` message: a tail cut off, or a chain written anew, no longer holds the head that was told.
//! The idea is that of tamper-evident logs (Schneier and Kelsey 1999; RFC 6962 without its tree).

mod anchor;
mod proof;
mod verify;

pub(super) use anchor::prune;
pub use proof::{ChainProof, ProofFault, ProvenRow};
pub(super) use proof::{about, prove};
pub(super) use verify::read_seals;
pub(super) use verify::verify;
pub use verify::{AuditFault, AuditReport, AuditSeal};

use super::connection::Database;
use super::{Settings, StoreError, convert, outbox, upgrade};
use crate::domain::Utc;
use crate::runtime::SigningKey;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A seal at the latest after so many rows.
const SEAL_EVERY_ROWS: i64 = 64;
/// And at the latest so long after the one before, when a row comes.
const SEAL_EVERY_MS: i64 = 10 * 60 * 1000;
/// What the first row names as the hash before it.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What was done. The word of each stands in tables and exports and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditAction {
    /// The program has started on this store.
    BoxStarted,
    /// It ended in order.
    BoxStopped,
    /// A configuration came into use.
    ConfigurationUsed,
    /// The rules and terms the box started with.
    LawInForce,
    /// A camera is to be watched.
    CameraStarted,
    /// It no longer is.
    CameraStopped,
    /// A version of a hotlist came into use.
    ListActivated,
    /// A version of a hotlist was refused.
    ListRefused,
    /// Somebody read passages or hits back.
    Search,
    /// Data left the box by a person's hand.
    Export,
    /// A hit was kept or changed; binds what is kept of it by its hash.
    HitRecorded,
    /// The box made its own key.
    KeyMade,
    /// An operator said what a hit was worth.
    Outcome,
    /// Data was deleted.
    Deletion,
    /// Somebody wanted to read back and was refused.
    LookRefused,
    /// Somebody logged in at the page.
    LoggedIn,
    /// They logged out, or their session ended.
    LoggedOut,
    /// A name or password did not fit.
    LoginFailed,
    /// Somebody was added to the people known here.
    UserAdded,
    /// Somebody is let in no more.
    UserDisabled,
    /// A citizen asked what is held.
    SubjectAsked,
    /// The answer was made.
    SubjectAnswered,
    /// A case has something kept from deletion.
    HoldPlaced,
    /// It no longer needs it.
    HoldReleased,
    /// A message that had been given up on is to be sent again.
    OutboxRetried,
    /// The store was mended.
    StoreMended,
    /// A damaged database was moved aside and a new one begun.
    StoreRecovered,
    /// Somebody has taken note of an alarm.
    AlarmAcknowledged,
    /// The disk takes no more records; hits go out before they are kept.
    DiskFailed,
    /// It takes them again, and what waited is kept.
    DiskRecovered,
    /// The box's clock has jumped, or is not set.
    ClockJumped,
    /// A part of the program failed by a defect and was started again.
    WorkerRestarted,
    /// An operator asked something of the box over MQTT.
    Command,
    /// The store is encrypted, no longer encrypted, or encrypted with another key from now on.
    StoreConverted,
    /// A mandate came into use.
    MandateTaken,
    /// A mandate file was not taken.
    MandateRefused,
    /// A mandate will end soon.
    MandateEnding,
    /// A camera may look.
    CameraPermitted,
    /// A camera may not look, or looks although nothing allows it (policy `warn`).
    CameraRefused,
    /// A camera's mode, visible or covert, is another than before.
    ModeChanged,
    /// A list is not matched at a camera, or is although the mandate does not allow it (policy `warn`).
    ListNotAllowed,
    /// An officer is in charge.
    DutyBegan,
    /// An officer no longer is.
    DutyEnded,
    /// The box runs without being told of the law, or outside it.
    LawNotApplied,
}

impl AuditAction {
    /// The word used in tables and exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BoxStarted => "box-started",
            Self::BoxStopped => "box-stopped",
            Self::ConfigurationUsed => "configuration-used",
            Self::LawInForce => "law-in-force",
            Self::CameraStarted => "camera-started",
            Self::CameraStopped => "camera-stopped",
            Self::ListActivated => "list-activated",
            Self::ListRefused => "list-refused",
            Self::Search => "search",
            Self::Export => "export",
            Self::HitRecorded => "hit-recorded",
            Self::KeyMade => "key-made",
            Self::Outcome => "outcome",
            Self::Deletion => "deletion",
            Self::LookRefused => "look-refused",
            Self::LoggedIn => "logged-in",
            Self::LoggedOut => "logged-out",
            Self::LoginFailed => "login-failed",
            Self::UserAdded => "user-added",
            Self::UserDisabled => "user-disabled",
            Self::SubjectAsked => "subject-asked",
            Self::SubjectAnswered => "subject-answered",
            Self::HoldPlaced => "hold-placed",
            Self::HoldReleased => "hold-released",
            Self::OutboxRetried => "outbox-retried",
            Self::StoreMended => "store-mended",
            Self::StoreRecovered => "store-recovered",
            Self::AlarmAcknowledged => "alarm-acknowledged",
            Self::DiskFailed => "disk-failed",
            Self::DiskRecovered => "disk-recovered",
            Self::ClockJumped => "clock-jumped",
            Self::WorkerRestarted => "worker-restarted",
            Self::Command => "command",
            Self::StoreConverted => "store-converted",
            Self::MandateTaken => "mandate-taken",
            Self::MandateRefused => "mandate-refused",
            Self::MandateEnding => "mandate-ending",
            Self::CameraPermitted => "camera-permitted",
            Self::CameraRefused => "camera-refused",
            Self::ModeChanged => "mode-changed",
            Self::ListNotAllowed => "list-not-allowed",
            Self::DutyBegan => "duty-began",
            Self::DutyEnded => "duty-ended",
            Self::LawNotApplied => "law-not-applied",
        }
    }
}

/// One thing done, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Who: `box` for the machine itself, else the name of a person or role as it was given.
    pub actor: String,
    /// What.
    pub action: AuditAction,
    /// On what and why: names and values, kept as a JSON object.
    pub detail: BTreeMap<String, String>,
}

impl AuditEntry {
    /// Something the machine did by itself.
    pub fn by_box(action: AuditAction) -> Self {
        Self::by("box", action)
    }

    /// Something a person did.
    pub fn by(actor: &str, action: AuditAction) -> Self {
        let actor = if actor.trim().is_empty() { "unknown" } else { actor.trim() };
        Self { actor: actor.to_owned(), action, detail: BTreeMap::new() }
    }

    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.detail.insert(name.to_owned(), value.to_string());
        self
    }
}

/// The latest row of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; 0 where the chain is empty.
    pub seq: u64,
    /// Its hash, 64 lower-case hexadecimal digits.
    pub hash: String,
}

/// One row as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Number, from 1 without gaps.
    pub seq: u64,
    /// When, by the box's clock.
    pub at: Utc,
    /// Who.
    pub actor: String,
    /// What, in the words of [`AuditAction`] (of this or a later platewatch).
    pub action: String,
    /// JSON object.
    pub detail: String,
    /// Hash of the row before.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
    /// 32 random hexadecimal digits; `None` in rows of before version 5.
    pub salt: Option<String>,
}

/// SHA-256 over a label, then each part with its length before it, so that no two different rows have the same bytes.
fn digest(label: &str, numbers: &[[u8; 8]], parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(label.as_bytes());
    numbers.iter().for_each(|n| hasher.update(n));
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    super::pictures::hex(&hasher.finalize())
}

/// Hash of who did what, on what. With the salt, it tells nothing to who does not know them.
fn content_hash(salt: &str, actor: &str, action: &str, detail: &str) -> String {
    digest("platewatch audit content 1\n", &[], &[salt, actor, action, detail])
}

/// Hash of a row with such a content.
fn linked_hash(seq: u64, at: Utc, previous: &str, content: &str) -> String {
    digest("platewatch audit row 2\n", &[seq.to_be_bytes(), at.unix_ms().to_be_bytes()], &[previous, content])
}

/// SHA-256 over everything a row says.
pub(super) fn row_hash(row: &AuditRow) -> String {
    match &row.salt {
        Some(salt) => {
            let content = content_hash(salt, &row.actor, &row.action, &row.detail);
            linked_hash(row.seq, row.at, &row.previous, &content)
        }
        // Before version 5.
        None => digest(
            "platewatch audit row 1\n",
            &[row.seq.to_be_bytes(), row.at.unix_ms().to_be_bytes()],
            &[&row.previous, &row.actor, &row.action, &row.detail],
        ),
    }
}

/// What the box signs: the head at a time.
pub(super) fn seal_text(seq: u64, hash: &str, at: Utc) -> String {
    format!("platewatch audit seal 1\n{seq}\n{hash}\n{}\n", at.unix_ms())
}

/// The latest row.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<AuditHead> {
    connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |r| Ok(AuditHead { seq: r.get::<_, i64>(0)?.unsigned_abs(), hash: r.get(1)? }))
        .optional()
        .map(|h| h.unwrap_or_else(|| AuditHead { seq: 0, hash: GENESIS.to_owned() }))
}

/// Adds a row to the chain; to be called within a transaction that holds the write lock.
pub(super) fn append(connection: &Connection, entry: &AuditEntry, now: Utc) -> rusqlite::Result<AuditHead> {
    let before = head(connection)?;
    let detail: serde_json::Map<String, serde_json::Value> =
        entry.detail.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
    let mut row = AuditRow {
        seq: before.seq + 1,
        at: now,
        actor: entry.actor.clone(),
        action: entry.action.as_str().to_owned(),
        detail: serde_json::Value::Object(detail).to_string(),
        previous: before.hash,
        hash: String::new(),
        // SQLite's random numbers are ChaCha20, seeded by the system (https://sqlite.org/lang_corefunc.html#randomblob).
        salt: connection
            .prepare_cached("SELECT lower(hex(randomblob(16)))")?
            .query_row([], |r| r.get(0))
            .map(Some)?,
    };
    row.hash = row_hash(&row);
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, actor, action, detail, previous, hash, salt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            convert::int(row.seq),
            row.at.unix_ms(),
            row.actor,
            row.action,
            row.detail,
            row.previous,
            row.hash,
            row.salt
        ])?;
    Ok(AuditHead { seq: row.seq, hash: row.hash })
}

/// Signs the head where it is time to, or where `now_at_any_rate`; within the same transaction.
pub(super) fn seal(
    connection: &Connection,
    key: &SigningKey,
    now: Utc,
    now_at_any_rate: bool,
) -> rusqlite::Result<()> {
    let head = head(connection)?;
    let last: Option<(i64, i64)> = connection
        .prepare_cached("SELECT seq, at FROM audit_seal ORDER BY seq DESC LIMIT 1")?
        .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let (last_seq, last_at) = last.unwrap_or((0, i64::MIN));
    let rows = convert::int(head.seq) - last_seq;
    let due = now_at_any_rate
        || rows >= SEAL_EVERY_ROWS
        || now.unix_ms().saturating_sub(last_at) >= SEAL_EVERY_MS
        || now.unix_ms() < last_at; // a clock set back must not stop the seals
    if rows <= 0 || !due {
        return Ok(());
    }
    let signature = key.sign(seal_text(head.seq, &head.hash, now).as_bytes());
    connection
        .prepare_cached("INSERT INTO audit_seal (seq, at, key, signature) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            convert::int(head.seq),
            now.unix_ms(),
            key.public().to_string(),
            signature.to_string()
        ])
        .map(|_| ())
}

/// Appends from beside the daemon: a verb that reads the store back says so in the chain of the same file.
///
/// Takes no lock but SQLite's own for the moment of writing, so the daemon goes on.
#[derive(Debug)]
pub struct AuditWriter {
    pub(super) db: Database,
    pub(super) key: SigningKey,
}

impl AuditWriter {
    /// Opens the database of `settings.dir`, which must be of this version.
    ///
    /// # Errors
    /// There is none, it is of another version, cannot be written, or the box's key cannot be read.
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        let db = Database::open_beside(settings)?;
        Ok(Self { db, key: SigningKey::read_or_create(&settings.box_key())? })
    }

    /// Keeps `entry`; on disk when this returns.
    ///
    /// # Errors
    /// The database cannot be written; what was to be done must then not be done.
    pub fn append(&mut self, entry: &AuditEntry) -> Result<AuditHead, StoreError> {
        append_sealed(&mut self.db, &self.key, entry, Utc::now(), false)
    }

    /// The same, with a seal on it at once.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_and_seal(&mut self, entry: &AuditEntry) -> Result<AuditHead, StoreError> {
        append_sealed(&mut self.db, &self.key, entry, Utc::now(), true)
    }
}

impl AuditWriter {
    /// Lets messages that were given up on wait again (those of `ids`, or all), with `entry` in the chain, in one
    /// transaction; how many. The daemon finds them within seconds.
    ///
    /// # Errors
    /// The database cannot be written; nothing was changed.
    pub fn retry_outbox(&mut self, ids: Option<&[i64]>, entry: AuditEntry) -> Result<u64, StoreError> {
        let fail = self.db.fail("letting messages wait again");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let revived = outbox::retry(&tx, ids).map_err(&fail)?;
        if revived > 0 {
            append(&tx, &entry.with("messages", revived), Utc::now()).map_err(&fail)?;
        }
        tx.commit().map_err(&fail)?;
        Ok(revived)
    }
}

/// One row, and a seal where it is time (or at any rate), in a transaction of their own.
pub(super) fn append_sealed(
    db: &mut Database,
    key: &SigningKey,
    entry: &AuditEntry,
    now: Utc,
    seal_at_any_rate: bool,
) -> Result<AuditHead, StoreError> {
    let fail = db.fail("adding to the audit chain");
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let head = append(&tx, entry, now).map_err(&fail)?;
    seal(&tx, key, now, seal_at_any_rate).map_err(&fail)?;
    tx.commit().map_err(&fail)?;
    Ok(head)
}

/// Rows from `since` on, the oldest first, at most `limit`.
pub(super) fn rows(db: &Database, since_seq: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
    let fail = db.fail("reading the audit chain");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT seq, at, actor, action, detail, previous, hash, salt FROM audit
             WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
        )
        .map_err(&fail)?;
    let found = statement
        .query_map([convert::int(since_seq), convert::int(limit as u64)], audit_row)
        .map_err(&fail)?
        .collect::<Result<_, _>>()
        .map_err(&fail)?;
    Ok(found)
}

/// Of the columns `seq, at, actor, action, detail, previous, hash, salt`.
fn audit_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        seq: r.get::<_, i64>(0)?.unsigned_abs(),
        at: Utc::from_unix_ms(r.get(1)?),
        actor: r.get(2)?,
        action: r.get(3)?,
        detail: r.get(4)?,
        previous: r.get(5)?,
        hash: r.get(6)?,
        salt: r.get(7)?,
    })
}

const _: () = assert!(upgrade::VERSION >= 2, "the audit chain came with version 2");

#[cfg(test)]
mod tests;
