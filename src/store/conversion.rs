//! `platewatch store encrypt`, `decrypt`, `rekey`: a store that is kept otherwise from now on.
//!
//! A whole copy is made in `converting/`, verified and synced; then `converting/READY` says that it is good. Only
//! now the old files go, by renaming, to `before-conversion/` (`READY` becomes `MOVED`), the new ones take their
//! place, and what is in `before-conversion/` is removed. A power cut before `READY` leaves the store as it was; one
//! after it is finished at the next opening. No step leaves fewer than one whole store.

use super::connection::{Database, Lock, sync_dir};
use super::pictures::{self, Cabinet};
use super::{AuditAction, AuditEntry, Settings, StoreError, audit, sealing, writer};
use crate::domain::Utc;
use crate::runtime::{SigningKey, StoreKey};
use rusqlite::params;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const WORK: &str = "converting";
const BEFORE: &str = "before-conversion";
const READY: &str = "READY";
const MOVED: &str = "MOVED";
/// What changes its place, the marker last: a store with it is never taken for a plain one.
const ITEMS: [&str; 5] =
    ["platewatch.db-wal", "platewatch.db-shm", "platewatch.db", "pictures", sealing::MARKER];

/// What was converted.
#[derive(Debug, Clone, Default)]
pub struct Conversion {
    /// Pictures.
    pub pictures: u64,
    /// Pictures that rows name and that had not been there before either.
    pub missing: u64,
    /// Files of the folder that hold records or pictures and were not converted: copies made before upgrades,
    /// things put aside.
    pub left: Vec<PathBuf>,
}

/// Converts the store of `from`, which no box may be using, so that it is kept with the key `to` (`None`: without
/// encryption). `by` stands in the audit chain; `told` hears how many pictures are done, of how many.
///
/// # Errors
/// The store is in use, is not as `from` says, is of another version, or cannot be copied; it is then as it was.
pub fn convert(
    from: &Settings,
    to: Option<StoreKey>,
    by: &str,
    mut told: impl FnMut(u64, u64),
) -> Result<Conversion, StoreError> {
    let (lock, cut_off) = Lock::take(&from.dir)?;
    finish_interrupted(&from.dir)?;
    let there = Settings { dir: from.dir.join(WORK), key: to, ..from.clone() };
    let mut done = match copy(from, &there, by, &mut told) {
        Ok(done) => done,
        Err(error) => {
            // What is wrong is said; what this leaves is removed at the next opening.
            let _ = fs::remove_dir_all(&there.dir);
            return Err(error);
        }
    };
    declare(&there.dir, READY)?;
    finish_interrupted(&from.dir)?;
    if !cut_off {
        lock.ended()?;
    }
    done.left = left(&from.dir)?;
    Ok(done)
}

fn copy(
    from: &Settings,
    there: &Settings,
    by: &str,
    told: &mut impl FnMut(u64, u64),
) -> Result<Conversion, StoreError> {
    let db = Database::open_beside(from)?;
    writer::make_dir(&there.pictures())?;
    copy_database(&db, there)?;
    let (old, new) = (Cabinet::of(from), Cabinet::of(there));
    let hashes = pictures::hashes(&db)?;
    let mut done = Conversion::default();
    for (i, sha256) in hashes.iter().enumerate() {
        match old.read(sha256) {
            Ok(jpeg) => {
                new.put(sha256, &jpeg)?;
                new.read(sha256)?; // as whoever needs it will
                done.pictures += 1;
            }
            Err(StoreError::File { source, .. }) if source.kind() == ErrorKind::NotFound => done.missing += 1,
            Err(error) => return Err(error),
        }
        told(i as u64 + 1, hashes.len() as u64);
    }
    let mut copied = Database::open_beside(there)?;
    let way = |sealed: bool| if sealed { "encrypted" } else { "plain" };
    let entry = AuditEntry::by(by, AuditAction::StoreConverted)
        .with("from", way(from.key.is_some()))
        .with("to", way(there.key.is_some()))
        .with("pictures", done.pictures);
    let key = SigningKey::read_or_create(&from.box_key())?;
    audit::append_sealed(&mut copied, &key, &entry, Utc::now(), false)?;
    drop(copied);
    let database = there.database();
    File::open(&database)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::file("syncing", &database, e))?;
    if let Some(key) = &there.key {
        sealing::mark(&there.dir, key)?;
    }
    sync_dir(&there.dir)?;
    Ok(done)
}

/// Copies every table with SQLCipher's own function and compares.
fn copy_database(db: &Database, there: &Settings) -> Result<(), StoreError> {
    let path = there.database();
    let fail = |e: rusqlite::Error| StoreError::sql("copying the database", &path, e);
    let name = path
        .to_str()
        .ok_or_else(|| StoreError::file("copying to", &path, ErrorKind::InvalidFilename.into()))?;
    let key = Zeroizing::new(there.key.as_ref().map_or_else(String::new, |k| format!("x'{}'", k.database())));
    // The connection may open files and not make them.
    File::create(&path).map_err(|e| StoreError::file("making", &path, e))?;
    let c = &db.connection;
    let number = |sql: &str| c.query_row(sql, [], |r| r.get::<_, i64>(0)).map_err(fail);
    c.execute_batch("PRAGMA foreign_keys = OFF").map_err(fail)?;
    c.execute("ATTACH DATABASE ?1 AS copy KEY ?2", params![name, key.as_str()]).map_err(fail)?;
    c.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(())).map_err(fail)?;
    for pragma in ["application_id", "user_version"] {
        let value = number(&format!("PRAGMA main.{pragma}"))?;
        c.execute_batch(&format!("PRAGMA copy.{pragma} = {value}")).map_err(fail)?;
    }
    let tables: Vec<String> = c
        .prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
        .and_then(|mut s| s.query_map([], |r| r.get(0))?.collect())
        .map_err(fail)?;
    for table in tables {
        let rows =
            |of: &str| number(&format!("SELECT count(*) FROM {of}.\"{}\"", table.replace('"', "\"\"")));
        if rows("main")? != rows("copy")? {
            return Err(StoreError::Copy { path: path.clone(), why: "it has other numbers of rows" });
        }
    }
    let sound: String = c.query_row("PRAGMA copy.integrity_check", [], |r| r.get(0)).map_err(fail)?;
    if sound != "ok" {
        return Err(StoreError::Copy { path: path.clone(), why: "SQLite does not find it sound" });
    }
    c.execute_batch("DETACH DATABASE copy").map_err(fail)
}

/// Finishes a conversion that was good and was cut off, or removes one that was not; whoever opens the store for
/// recording calls it first, with the lock held.
pub(super) fn finish_interrupted(dir: &Path) -> Result<(), StoreError> {
    let (work, before) = (dir.join(WORK), dir.join(BEFORE));
    if work.join(READY).exists() {
        writer::make_dir(&before)?;
        move_all(dir, &before)?;
        rename(&work.join(READY), &work.join(MOVED))?;
        sync_dir(&work)?;
    }
    if work.join(MOVED).exists() {
        move_all(&work, dir)?;
    }
    if work.exists() {
        remove_dir(&work)?;
    }
    if before.exists() {
        remove_converted(&before)?;
    }
    sync_dir(dir)
}

fn move_all(from: &Path, to: &Path) -> Result<(), StoreError> {
    for item in ITEMS {
        if from.join(item).exists() {
            rename(&from.join(item), &to.join(item))?;
        }
    }
    sync_dir(to)?;
    sync_dir(from)
}

/// Removes what has been converted, and the folder where nothing else is in it.
fn remove_converted(before: &Path) -> Result<(), StoreError> {
    for item in ITEMS.iter().filter(|i| **i != "pictures") {
        match fs::remove_file(before.join(item)) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::file("removing", &before.join(item), e)),
        }
    }
    let folder = before.join("pictures");
    for sub in list(&folder)? {
        for file in list(&sub)? {
            let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if [".jpg", ".sealed", ".tmp"].iter().any(|end| name.ends_with(end)) {
                fs::remove_file(&file).map_err(|e| StoreError::file("removing", &file, e))?;
            }
        }
        let _ = fs::remove_dir(&sub); // not empty: something was put aside there and stays
    }
    let _ = fs::remove_dir(&folder);
    let _ = fs::remove_dir(before);
    Ok(())
}

/// Files of the store's folder that hold what was converted and are still as they were.
fn left(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let copy = |p: &PathBuf| {
        let name = p.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with("platewatch.db.") || p.is_dir() && name == BEFORE
    };
    let mut found: Vec<PathBuf> = list(dir)?.into_iter().filter(copy).collect();
    found.sort();
    Ok(found)
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = |e| StoreError::file("listing", dir, e);
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(fail)?.path())).collect(),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(e) => Err(fail(e)),
    }
}

fn declare(work: &Path, what: &str) -> Result<(), StoreError> {
    let path = work.join(what);
    File::create(&path).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("writing", &path, e))?;
    sync_dir(work)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|e| StoreError::file("renaming", from, e))
}

fn remove_dir(dir: &Path) -> Result<(), StoreError> {
    fs::remove_dir_all(dir).map_err(|e| StoreError::file("removing", dir, e))
}

#[cfg(test)]
mod tests;
