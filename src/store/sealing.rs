//! Whether a store is encrypted and with which key, known before anything in it is opened.
//!
//! The file `encryption` in `store.dir` stands in every encrypted store. It holds a value derived from the key, so
//! that a missing key and a wrong one are told from a damaged database, which looks the same to SQLite.

use super::connection::sync_dir;
use super::{Settings, StoreError};
use crate::runtime::{StoreKey, StoreKeyError};
use rusqlite::Connection;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Name of that file.
pub(super) const MARKER: &str = "encryption";
const HEADER: &str = "platewatch store encryption 1";

fn marker(dir: &Path) -> PathBuf {
    dir.join(MARKER)
}

/// The value in the marker; `None` where there is none.
fn told(dir: &Path) -> Result<Option<String>, StoreError> {
    let path = marker(dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::file("reading", &path, e)),
    };
    let check = text.strip_prefix(HEADER).and_then(|rest| rest.trim().strip_prefix("check: "));
    check.map(|c| Some(c.to_owned())).ok_or(StoreError::NotOurs { path })
}

/// Whether the store in `dir` is encrypted.
///
/// # Errors
/// The marker cannot be read.
pub(super) fn is_sealed(dir: &Path) -> Result<bool, StoreError> {
    Ok(told(dir)?.is_some())
}

/// Holds the key against the store.
///
/// # Errors
/// The store is encrypted and there is no key, or another one; or it is not and there is a key.
pub(super) fn admit(settings: &Settings) -> Result<(), StoreError> {
    let dir = || settings.dir.clone();
    match (told(&settings.dir)?, &settings.key) {
        (Some(check), Some(key)) if check == key.check() => Ok(()),
        (Some(_), Some(_)) => Err(StoreError::WrongKey { dir: dir() }),
        (Some(_), None) => Err(StoreError::KeyMissing { dir: dir() }),
        (None, Some(_)) if is_plain_database(&settings.database()) => {
            Err(StoreError::NotEncrypted { dir: dir() })
        }
        (None, _) => Ok(()),
    }
}

/// Whether the file begins as every SQLite database that is not encrypted does.
pub(super) fn is_plain_database(path: &Path) -> bool {
    let mut first = [0; 16];
    let read = File::open(path).and_then(|mut f| f.read_exact(&mut first));
    read.is_ok() && &first == b"SQLite format 3\0"
}

/// Says in `dir` that what is in it is encrypted with `key`; on disk when this returns.
pub(super) fn mark(dir: &Path, key: &StoreKey) -> Result<(), StoreError> {
    let path = marker(dir);
    let tmp = super::pictures::beside(&path, "tmp");
    File::create(&tmp)
        .and_then(|mut f| {
            f.write_all(format!("{HEADER}\ncheck: {}\n", key.check()).as_bytes())?;
            f.sync_all()
        })
        .and_then(|()| std::fs::rename(&tmp, &path))
        .map_err(|e| StoreError::file("writing", &path, e))?;
    sync_dir(dir)
}

/// Gives a new connection its key, before it reads anything.
pub(super) fn unlock(connection: &Connection, key: &StoreKey) -> Result<(), StoreError> {
    // A raw key: SQLCipher derives nothing from it (https://www.zetetic.net/sqlcipher/sqlcipher-api/#PRAGMA_key).
    let sql = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", key.database()));
    // The error of SQLite might repeat the statement.
    connection.execute_batch(&sql).map_err(|_| StoreError::StoreKey(StoreKeyError::Crypto))
}
