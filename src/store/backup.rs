//! `platewatch store backup`: a copy that can be put in the store's place, made while the box runs.
//!
//! The database first, then every picture that a row of the copy names: what the copy says is in it. An encrypted
//! store is copied encrypted, with the same key.

use super::connection::{Database, sync_dir};
use super::pictures::{self, Cabinet};
use super::{AuditAction, AuditEntry, AuditWriter, Settings, StoreError, sealing, writer};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backup {
    /// Pictures.
    pub pictures: u64,
    /// Pictures that rows name and that are not there.
    pub missing: u64,
}

/// Copies the store of `settings` to the folder `to`, which is made and must not be there yet; on disk when this
/// returns. `by` stands in the audit chain, of the store and so of the copy, before anything is copied.
///
/// # Errors
/// The store cannot be read, `to` is there or cannot be written; what was copied until then is removed.
pub fn backup(settings: &Settings, to: &Path, by: &str) -> Result<Backup, StoreError> {
    if to.exists() {
        return Err(StoreError::file("making", to, ErrorKind::AlreadyExists.into()));
    }
    let there = Settings { dir: to.to_path_buf(), ..settings.clone() };
    let entry = AuditEntry::by(by, AuditAction::Export).with("what", "backup").with("to", to.display());
    AuditWriter::open(settings)?.append(&entry)?;
    writer::make_dir(&there.pictures())?;
    let copied = copy(settings, &there);
    if copied.is_err() {
        let _ = fs::remove_dir_all(to); // the cause is reported
    }
    copied
}

fn copy(settings: &Settings, there: &Settings) -> Result<Backup, StoreError> {
    let db = Database::open_reader(settings)?;
    let path = there.database();
    let name = path
        .to_str()
        .ok_or_else(|| StoreError::file("copying to", &path, ErrorKind::InvalidFilename.into()))?;
    db.connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(|e| StoreError::sql("copying the database", &path, e))?;
    sync(&path)?;
    if let Some(key) = &settings.key {
        sealing::mark(&there.dir, key)?;
    }
    let (from, to) = (Cabinet::of(settings), Cabinet::of(there));
    let mut done = Backup::default();
    for sha256 in pictures::hashes(&Database::open_reader(there)?)? {
        let (Some(from), Some(to)) = (from.path_of(&sha256), to.path_of(&sha256)) else { continue };
        let folder = to.parent().unwrap_or(&there.dir);
        writer::make_dir(folder)?;
        match fs::copy(&from, &to) {
            Ok(_) => done.pictures += 1,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                done.missing += 1;
                continue;
            }
            Err(e) => return Err(StoreError::file("copying", &from, e)),
        }
        sync(&to)?;
    }
    let folders: Vec<PathBuf> = fs::read_dir(there.pictures())
        .map_err(|e| StoreError::file("listing", &there.pictures(), e))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    folders
        .iter()
        .map(PathBuf::as_path)
        .chain([there.pictures().as_path(), &there.dir])
        .try_for_each(sync_dir)?;
    Ok(done)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("syncing", path, e))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{HitQuery, Reader, Store, inspect};
    use super::*;
    use crate::runtime::StoreKey;

    #[test]
    fn a_backup_made_while_the_box_writes_is_a_whole_store_with_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let plain = settings(dir.path());
        let key = StoreKey::create(&dir.path().join("key")).unwrap();
        let sealed = Settings { key: Some(key), dir: dir.path().join("sealed"), ..plain.clone() };
        for from in [plain, sealed] {
            let mut store = Store::open(&from).unwrap();
            store.record(&full("e1")).unwrap();
            let to = dir.path().join(format!("copy-{}", from.key.is_some()));
            let done = backup(&from, &to, "admin").unwrap();
            assert_eq!(done, Backup { pictures: 2, missing: 0 });
            store.record(&full("e2")).unwrap();
            let there = Settings { dir: to.clone(), ..from.clone() };
            let found = inspect(&there, None).unwrap();
            assert!(found.is_whole(), "{:?}", found.findings);
            let reader = Reader::open(&there).unwrap();
            let hits = reader.recent_hits(&HitQuery::default()).unwrap();
            assert_eq!((hits.len(), hits[0].evidence.len()), (1, 2));
            reader.picture(&hits[0].evidence[0].sha256).unwrap();
            assert!(reader.audit_rows(1, 10).unwrap().iter().any(|r| r.action == "export"));
            assert_eq!(sealing::is_plain_database(&there.database()), from.key.is_none());
            assert!(backup(&from, &to, "admin").is_err(), "nothing is written over");
            Store::open(&there).unwrap().record(&full("e3")).unwrap();
        }
    }
}
