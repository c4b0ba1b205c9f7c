//! Requests of citizens, on record before the answer is made.

use crate::domain::{PlateText, Utc};
use crate::runtime::HashKey;
use crate::store::{AuditAction, AuditEntry, Clerk, Settings, StoreError, audit, convert, retention};
use rusqlite::{TransactionBehavior, params};

/// A request as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRequest {
    /// Its reference.
    pub reference: String,
    /// The plate asked about.
    pub plate: PlateText,
    /// From then on.
    pub since: Utc,
    /// And before then.
    pub before: Utc,
    /// Who handles it.
    pub by: String,
    /// The second person; empty where there was none.
    pub second: String,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectDone {
    /// Items in the package.
    pub given: u64,
    /// Items for the officer to decide.
    pub withheld: u64,
    /// SHA-256 of the package's JSON, lower-case hexadecimal.
    pub sha256: String,
}

impl Clerk {
    /// Puts a request on record before anything is read for it; its number.
    ///
    /// # Errors
    /// It is not on record: then nothing may be read for it.
    pub fn begin_subject(
        &mut self,
        settings: &Settings,
        request: &SubjectRequest,
        now: Utc,
    ) -> Result<i64, StoreError> {
        let hash = HashKey::read_or_create(&settings.plate_key())?
            .hash(retention::TRACE_DOMAIN, request.plate.as_str());
        let fail = self.db.fail("putting a request on record");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        tx.execute(
            "INSERT INTO subject_request (reference, plate_hash, since, before, asked_at, handled_by, second)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                request.reference,
                hash,
                request.since.unix_ms(),
                request.before.unix_ms(),
                now.unix_ms(),
                request.by,
                request.second
            ],
        )
        .map_err(&fail)?;
        let id = tx.last_insert_rowid();
        let entry = AuditEntry::by(&request.by, AuditAction::SubjectAsked)
            .with("request", id)
            .with("reference", &request.reference)
            .with("plate_hash", hash)
            .with("second", &request.second);
        audit::append(&tx, &entry, now).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        Ok(id)
    }

    /// Notes the answer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn end_subject(&mut self, id: i64, by: &str, done: &SubjectDone, now: Utc) -> Result<(), StoreError> {
        let fail = self.db.fail("noting the answer to a request");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        tx.execute(
            "UPDATE subject_request SET answered_at = ?2, given = ?3, withheld = ?4, sha256 = ?5 WHERE id = ?1",
            params![id, now.unix_ms(), convert::int(done.given), convert::int(done.withheld), done.sha256],
        )
        .map_err(&fail)?;
        let entry = AuditEntry::by(by, AuditAction::SubjectAnswered)
            .with("request", id)
            .with("given", done.given)
            .with("withheld", done.withheld)
            .with("sha256", &done.sha256);
        audit::append(&tx, &entry, now).map_err(&fail)?;
        tx.commit().map_err(&fail)
    }
}
