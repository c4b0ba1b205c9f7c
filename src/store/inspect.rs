//! Whether a store is whole: schema, rows, pictures, outbox and audit chain, for `platewatch check store`.
//!
//! Looking changes nothing. Mending is a second step, asked for, done while no daemon runs, and told to the
//! audit chain: it removes what belongs to nobody and puts aside what cannot be right; it invents nothing.

use super::audit::{self, AuditEntry, AuditFault, AuditHead};
use super::connection::Database;
use super::writer::Store;
use super::{OutboxStats, Settings, StoreError, dossier, outbox, pictures, shape};
use std::fmt;
use std::path::PathBuf;

/// Findings of one kind that are named; more are counted.
const NAMED: usize = 50;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The tables are not those of this version.
    Schema {
        /// The part that differs, as SQLite tells it.
        what: String,
    },
    /// SQLite's own check of the file.
    Damaged {
        /// What it says.
        what: String,
    },
    /// A row points at one that is not there.
    Dangling {
        /// The table.
        table: String,
        /// Its row.
        row: i64,
    },
    /// A picture that a row names is not there.
    PictureMissing {
        /// Its SHA-256.
        sha256: String,
    },
    /// A picture whose bytes are not those of its name.
    PictureChanged {
        /// The file.
        path: PathBuf,
    },
    /// A file under `pictures` that no row names.
    Orphan {
        /// The file.
        path: PathBuf,
    },
    /// What is kept of a hit is not what the audit chain says was kept.
    HitChanged {
        /// The hit.
        hit: String,
    },
    /// A message that cannot be sent as it is.
    Message {
        /// Its row in the outbox.
        id: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The audit chain does not hold.
    Audit(AuditFault),
}

impl Finding {
    /// What mending would do; `None` where it can do nothing and a copy must be restored.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Orphan { .. } => Some("remove the file"),
            Self::PictureChanged { .. } => Some("put the file aside as NAME.changed"),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema { what } => write!(f, "schema: {what}"),
            Self::Damaged { what } => write!(f, "database: {what}"),
            Self::Dangling { table, row } => {
                write!(f, "table {table}: row {row} points at a row that is not there")
            }
            Self::PictureMissing { sha256 } => {
                write!(f, "picture {sha256} is named by a row and is not there")
            }
            Self::PictureChanged { path } => {
                write!(f, "picture {}: its bytes are not those it was kept with", path.display())
            }
            Self::Orphan { path } => write!(f, "{}: no row names this file", path.display()),
            Self::HitChanged { hit } => {
                write!(f, "hit {hit}: it is not as it was recorded, by its hash in the audit chain")
            }
            Self::Message { id, what } => write!(f, "outbox: message {id} {what}"),
            Self::Audit(fault) => write!(f, "audit chain: {fault}"),
        }
    }
}

/// What was looked at and found.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// Findings, at most 50 of a kind.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
    /// Pictures that rows name.
    pub pictures: u64,
    /// Bytes of them.
    pub picture_bytes: u64,
    /// The outbox.
    pub outbox: OutboxStats,
    /// Rows of the audit chain.
    pub audit_rows: u64,
    /// The latest of them.
    pub audit_head: Option<AuditHead>,
}

impl Inspection {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        let same = |f: &&Finding| std::mem::discriminant(*f) == std::mem::discriminant(&finding);
        if self.findings.iter().filter(same).count() < NAMED {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// Looks at the whole store, reading every picture: some seconds a gigabyte. The daemon may run meanwhile;
/// pictures it writes in those seconds are not taken for orphans.
///
/// `told`: a head of the audit chain from an earlier `health` message.
///
/// # Errors
/// There is no database, it is of another version, or it cannot be read at all.
pub fn inspect(settings: &Settings, told: Option<&AuditHead>) -> Result<Inspection, StoreError> {
    let started = std::time::SystemTime::now();
    let db = Database::open_reader(settings)?;
    let mut found = Inspection::default();
    schema(&db, &mut found)?;
    soundness(&db, &mut found)?;
    files(&db, started, &mut found)?;
    found.outbox = outbox::stats(&db)?;
    for (id, what) in outbox::unfit(&db)? {
        found.add(Finding::Message { id, what });
    }
    for hit in dossier::altered(&db)? {
        found.add(Finding::HitChanged { hit });
    }
    let key = settings.public_key();
    let report = audit::verify(&db, key.as_ref(), told)?;
    (found.audit_rows, found.audit_head) = (report.rows, Some(report.head));
    report.faults.into_iter().for_each(|fault| found.add(Finding::Audit(fault)));
    Ok(found)
}

/// Does what [`Finding::remedy`] says of each finding, and tells the audit chain with `entry`; how many were mended.
///
/// # Errors
/// The daemon holds the store; or a file cannot be moved or removed.
pub fn mend(settings: &Settings, findings: &[Finding], entry: AuditEntry) -> Result<u64, StoreError> {
    let mut store = Store::open(settings)?;
    let (mut removed, mut aside) = (0_u64, 0_u64);
    for finding in findings {
        match finding {
            Finding::Orphan { path } => {
                std::fs::remove_file(path).map_err(|e| StoreError::file("removing", path, e))?;
                removed += 1;
            }
            Finding::PictureChanged { path } => {
                let to = pictures::beside(path, "changed");
                std::fs::rename(path, &to).map_err(|e| StoreError::file("putting aside", path, e))?;
                aside += 1;
            }
            _ => {}
        }
    }
    if removed + aside > 0 {
        store.audit(&entry.with("files_removed", removed).with("pictures_put_aside", aside))?;
    }
    Ok(removed + aside)
}

fn schema(db: &Database, found: &mut Inspection) -> Result<(), StoreError> {
    let fail = db.fail("reading the schema");
    let is = shape::shape(&db.connection).map_err(&fail)?;
    let wanted = shape::expected().map_err(&fail)?;
    for line in wanted.iter().filter(|l| !is.contains(l)) {
        found.add(Finding::Schema { what: format!("missing or different: {line}") });
    }
    for line in is.iter().filter(|l| !wanted.contains(l)) {
        found.add(Finding::Schema { what: format!("not ours: {line}") });
    }
    Ok(())
}

fn soundness(db: &Database, found: &mut Inspection) -> Result<(), StoreError> {
    let fail = db.fail("checking the database");
    let mut statement = db.connection.prepare("PRAGMA integrity_check").map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    while let Some(row) = rows.next().map_err(&fail)? {
        let what: String = row.get(0).map_err(&fail)?;
        if what != "ok" {
            found.add(Finding::Damaged { what });
        }
    }
    let mut statement = db.connection.prepare("PRAGMA foreign_key_check").map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    while let Some(row) = rows.next().map_err(&fail)? {
        let table = row.get(0).map_err(&fail)?;
        let row: Option<i64> = row.get(1).map_err(&fail)?;
        found.add(Finding::Dangling { table, row: row.unwrap_or(0) });
    }
    Ok(())
}

fn files(db: &Database, started: std::time::SystemTime, found: &mut Inspection) -> Result<(), StoreError> {
    let fail = db.fail("reading which pictures there are");
    let mut statement = db.connection.prepare("SELECT sha256 FROM evidence").map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    while let Some(row) = rows.next().map_err(&fail)? {
        let sha256: String = row.get(0).map_err(&fail)?;
        found.pictures += 1;
        let Some(path) = db.pictures.path_of(&sha256) else {
            found.add(Finding::PictureMissing { sha256 });
            continue;
        };
        match std::fs::read(&path) {
            Ok(bytes) => {
                found.picture_bytes += bytes.len() as u64;
                if db.pictures.plain(&sha256, bytes).is_none() {
                    found.add(Finding::PictureChanged { path });
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                found.add(Finding::PictureMissing { sha256 });
            }
            Err(e) => return Err(StoreError::file("reading", &path, e)),
        }
    }
    for path in db.pictures.without_a_row(db)? {
        // A file younger than this look may have its row by now.
        let young = std::fs::metadata(&path).and_then(|m| m.modified()).is_ok_and(|at| at >= started);
        if !young {
            found.add(Finding::Orphan { path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::AuditAction;
    use super::super::testing::{full, picture_files, settings, tamper};
    use super::*;

    fn store_with_two(settings: &Settings) {
        let mut store = Store::open(settings).unwrap();
        store.record(&full("e1")).unwrap();
        store.audit(&AuditEntry::by_box(AuditAction::BoxStarted)).unwrap();
    }

    #[test]
    fn a_whole_store_has_no_findings() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        store_with_two(&settings);
        let found = inspect(&settings, None).unwrap();
        assert!(found.is_whole(), "{:?}", found.findings);
        assert_eq!((found.pictures, found.audit_rows, found.outbox.pending), (2, 3, 1));
    }

    #[test]
    fn what_is_wrong_is_named_and_only_mended_when_told() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        store_with_two(&settings);
        let [changed, missing] = picture_files(&settings).try_into().unwrap();
        std::fs::write(&changed, b"other bytes").unwrap();
        std::fs::remove_file(&missing).unwrap();
        let orphan = pictures::Cabinet::of(&settings).path_of(&"0e".repeat(32)).unwrap();
        std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
        std::fs::write(&orphan, b"x").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20)); // older than the look, as time stamps go
        let found = inspect(&settings, None).unwrap();
        let missing = missing.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = [
            Finding::PictureChanged { path: changed.clone() },
            Finding::PictureMissing { sha256: missing.clone() },
            Finding::Orphan { path: orphan.clone() },
        ];
        assert_eq!(found.findings.len(), 3, "{:?}", found.findings);
        assert!(expected.iter().all(|e| found.findings.contains(e)), "{:?}", found.findings);
        assert!(orphan.exists() && changed.exists());
        let entry = AuditEntry::by("j.peeters", AuditAction::StoreMended);
        assert_eq!(mend(&settings, &found.findings, entry).unwrap(), 2);
        assert!(!orphan.exists() && !changed.exists());
        let after = inspect(&settings, None).unwrap();
        let gone: Vec<_> =
            after.findings.iter().filter(|f| matches!(f, Finding::PictureMissing { .. })).collect();
        assert_eq!((gone.len(), after.findings.len(), after.audit_rows), (2, 2, 4), "{:?}", after.findings);
    }

    #[test]
    fn a_schema_that_is_not_ours_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        store_with_two(&settings);
        let other = rusqlite::Connection::open(settings.database()).unwrap();
        other.execute_batch("DROP INDEX hit_by_list; CREATE TABLE guest (x INTEGER) STRICT").unwrap();
        let found = inspect(&settings, None).unwrap();
        let said: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|s| s.contains("missing") && s.contains("hit_by_list")), "{said:?}");
        assert!(said.iter().any(|s| s.contains("not ours") && s.contains("guest")), "{said:?}");
    }

    /// What is found after `sql`, in words.
    fn said_after(sql: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        store_with_two(&settings);
        tamper(&settings, sql);
        inspect(&settings, None).unwrap().findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_hit_or_passage_changed_by_another_hand_is_named() {
        for sql in [
            "UPDATE hit SET entry_case = 'other'",
            "UPDATE passage SET text = '1ABC123'",
            "UPDATE passage SET distribution = '[]'",
            "UPDATE list_version SET name = 'other'",
            "UPDATE model_versions SET reader_sha256 = 'ff'",
            "INSERT INTO evidence VALUES (lower(hex(zeroblob(32))), 1, 1, 1);
             INSERT INTO passage_evidence SELECT id, lower(hex(zeroblob(32))), 'plate', 1, 1 FROM passage",
        ] {
            let said = said_after(sql);
            assert!(
                said.iter().any(|s| s.contains("hit ") && s.contains("not as it was recorded")),
                "{sql}: {said:?}"
            );
        }
        // What is no part of it, and a picture that has passed its term, are no such findings.
        for sql in [
            "UPDATE outbox SET state = 'done', ended_at = 1",
            "DELETE FROM passage_evidence; DELETE FROM evidence",
        ] {
            let said = said_after(sql);
            assert!(!said.iter().any(|s| s.contains("not as it was recorded")), "{sql}: {said:?}");
        }
    }

    #[test]
    fn messages_that_cannot_be_sent_are_named() {
        let said = said_after("UPDATE outbox SET payload = '{broken'");
        assert_eq!(said, ["outbox: message 1 holds no JSON"]);
        let said = said_after("UPDATE outbox SET topic = 'a/#'");
        assert_eq!(said, ["outbox: message 1 has a topic that no broker takes"]);
    }

    #[test]
    fn a_row_that_points_nowhere_is_named() {
        let said = said_after("PRAGMA foreign_keys = OFF; DELETE FROM passage");
        assert!(said.iter().any(|s| s.contains("table hit: row 1 points at")), "{said:?}");
    }

    #[test]
    fn a_chain_that_was_cut_or_changed_is_named() {
        let said = said_after("UPDATE audit SET actor = 'nobody' WHERE seq = 2");
        assert_eq!(said, ["audit chain: row 2 was changed: its words do not give its hash"]);
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        store_with_two(&settings);
        let head = inspect(&settings, None).unwrap().audit_head.unwrap();
        tamper(&settings, "DELETE FROM audit_seal; DELETE FROM audit WHERE seq = 3");
        assert!(inspect(&settings, None).unwrap().is_whole(), "nothing can show without the head told");
        let said = inspect(&settings, Some(&head)).unwrap().findings;
        assert_eq!(said, [Finding::Audit(AuditFault::Head { seq: 3 })]);
    }
}
