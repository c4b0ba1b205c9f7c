//! Layer 3: all SQL and all pictures: what the box keeps, and what still has to be told to operators.
//!
//! One thread records what cameras see ([`start`]); everyone else in the box holds a [`StoreHandle`] and waits
//! for its answer, or a [`Reader`], which sees the same file read-only. Another process that has a word to
//! add (an answer, a late hit) is a [`Clerk`]. May import `domain`, `telemetry` and `runtime`; the only door
//! to `rusqlite`.
//!
//! Reading order: `schema.sql` (the contract of the file), `record` (what is handed in), `rows` (what
//! comes out), `thread` (who calls), `writer` (one record, one transaction), `pictures`, `outbox`, `audit`,
//! `outcomes`, `orders`, `unfinished`, `retention`, `access`, `clerk`, `queries`, `connection` and `upgrade` (opening,
//! creating, migrating), `soundness` and `salvage` (a damaged database), `alarms`,
//! `sealing`, `conversion` and `backup` (encryption at rest, copies), `error`.

mod access;
mod alarms;
mod audit;
mod backup;
mod clerk;
mod connection;
mod conversion;
mod convert;
mod dossier;
mod error;
mod export;
mod inspect;
mod orders;
mod outbox;
mod outcomes;
mod pictures;
mod queries;
mod record;
mod retention;
mod rows;
mod salvage;
mod sealing;
mod seen_under;
mod settings;
mod shape;
mod soundness;
#[cfg(test)]
pub(crate) mod testing;
mod thread;
mod unfinished;
mod upgrade;
mod usage;
mod writer;

pub use access::{LawInForce, LookDone, LookFilter, NewLook, SubjectDone, SubjectRequest};
pub use alarms::Alarm;
pub use audit::{
    AuditAction, AuditEntry, AuditFault, AuditHead, AuditReport, AuditRow, AuditSeal, AuditWriter,
    ChainProof, ProofFault, ProvenRow,
};
pub use backup::{Backup, backup};
pub use clerk::{Clerk, LateHit, PastSearch};
pub use conversion::{Conversion, convert};
pub use dossier::{HIT_RECORD, HitRecord};
pub use error::StoreError;
pub use export::{Dossier, DossierPicture};
pub use inspect::{Finding, Inspection, inspect, mend};
pub use orders::{Order, Ordered, PausedCamera};
pub use outcomes::{Answer, AnswerSource};
pub use queries::Reader;
pub use record::{EvidenceFile, EvidenceRole, MessageKind, ModelVersions, OutboxMessage, Record};
pub use retention::{Hold, HoldTarget, NewHold, NonHits, Retention, Terms};
pub use rows::{
    DeadRow, EvidenceRow, HitQuery, HitRow, OutboxRow, OutboxStats, OutcomeRow, PassageQuery, PassageRow,
    Tally, TallyBy, Totals, TraceRow,
};
pub use seen_under::SeenUnder;
pub use settings::Settings;
pub use thread::{PATIENCE, StoreHandle, StoreThread, start};
pub use unfinished::OpenHit;
pub use usage::{Duty, UseChange, UsePeriod};
pub use writer::Store;
