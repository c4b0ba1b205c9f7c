//! Creating the database and bringing older ones to the present version, one step a version.
//!
//! `vN.sql` is the frozen schema of version N, as shipped; it is never edited. A step may use nothing
//! but its own SQL: today's Rust types are not those of then.

use super::StoreError;
use super::connection::{APPLICATION_ID, Database, sync_dir};
use crate::domain::Utc;
use std::path::{Path, PathBuf};

/// The SQL that leads from each version to the next, from version 1 on.
const STEPS: &[&str] = &[
    include_str!("audit.sql"),
    include_str!("outcomes.sql"),
    include_str!("passage_course.sql"),
    concat!(
        include_str!("v5/closed.sql"),
        include_str!("v5/mandate.sql"),
        include_str!("v5/retention.sql"),
        include_str!("v5/access.sql"),
        include_str!("v5/proof.sql"),
    ),
];

/// What this program reads and writes.
pub(super) const VERSION: i64 = STEPS.len() as i64 + 1;

/// Where the copy of a database of version `version` is put before it is upgraded.
fn copy_path(path: &Path, version: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    PathBuf::from(name)
}

/// Creates the tables in an empty database.
pub(super) fn create(db: &mut Database) -> Result<(), StoreError> {
    let path = db.path.clone();
    let fail = |e| StoreError::sql("creating the tables", &path, e);
    let tx = db.connection.transaction().map_err(fail)?;
    tx.execute_batch(include_str!("../schema.sql")).map_err(fail)?;
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}"))
        .map_err(fail)?;
    note_version(&tx, VERSION).map_err(fail)?;
    tx.commit().map_err(fail)
}

/// Brings a database of version `found` to [`VERSION`]; no-op where it is there.
pub(super) fn upgrade(db: &mut Database, found: i64) -> Result<(), StoreError> {
    run(db, found, STEPS)
}

fn run(db: &mut Database, found: i64, steps: &[&str]) -> Result<(), StoreError> {
    let missing = usize::try_from(found - 1).ok().and_then(|done| steps.get(done..)).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let path = db.path.clone();
    let copy = copy_path(&path, found);
    copy_aside(db, &copy)?;
    tracing::info!(database = %path.display(), copy = %copy.display(), from = found, "upgrading the database");
    let fail = |e| StoreError::sql("upgrading the database (a copy stands beside it)", &path, e);
    // All steps in one transaction: a box that loses power meanwhile starts again from the old version.
    let tx = db.connection.transaction().map_err(fail)?;
    for (step, version) in missing.iter().zip(found + 1..) {
        tx.execute_batch(step).map_err(fail)?;
        tx.execute_batch(&format!("PRAGMA user_version = {version}")).map_err(fail)?;
        note_version(&tx, version).map_err(fail)?;
    }
    tx.commit().map_err(fail)
}

/// Copies the whole database, what stands in its write-ahead log included, and has it on disk.
fn copy_aside(db: &Database, copy: &Path) -> Result<(), StoreError> {
    // A copy cut off by a loss of power, or one of an upgrade that failed: the database is still older.
    match std::fs::remove_file(copy) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(StoreError::file("replacing", copy, e)),
    }
    let Some(name) = copy.to_str() else {
        return Err(StoreError::file("copying to", copy, std::io::ErrorKind::InvalidFilename.into()));
    };
    db.connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(|e| StoreError::sql("copying the database before its upgrade", copy, e))?;
    std::fs::File::open(copy).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("syncing", copy, e))?;
    sync_dir(copy.parent().unwrap_or(Path::new(".")))
}

fn note_version(connection: &rusqlite::Connection, version: i64) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO schema_version (version, installed_at, program) VALUES (?1, ?2, ?3)",
            (version, Utc::now().unix_ms(), env!("CARGO_PKG_VERSION")),
        )
        .map(|_| ())
}

#[cfg(test)]
mod tests;
