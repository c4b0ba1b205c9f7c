//! Files that have passed their term: pictures, copies made before upgrades, what was put aside.

use super::aside;
use super::terms::{self, Terms};
use crate::domain::Utc;
use crate::store::connection::{Database, sync_dir};
use crate::store::{Settings, StoreError, pictures};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Files a step removes at most: each waits for the disk.
const FILES: usize = 4;
/// How long a copy made before an upgrade stays at most.
const COPY_DAYS: u32 = 1;

/// Removes some of the files on the list of removal; how many, and whether there are more.
///
/// Each is overwritten with zeros before it is unlinked, so that nothing reads it back from a disk that writes in
/// place. Flash and copy-on-write file systems put the zeros elsewhere: there the old bytes stay until the disk erases
/// the block, hence the encrypted store.
pub(super) fn remove_pictures(db: &Database) -> Result<(u64, bool), StoreError> {
    let fail = db.fail("removing pictures");
    let listed: Vec<String> = db
        .connection
        .prepare_cached("SELECT sha256 FROM picture_removal LIMIT ?1")
        .and_then(|mut s| s.query_map([FILES as i64], |r| r.get(0))?.collect())
        .map_err(&fail)?;
    let mut removed = 0;
    for sha256 in &listed {
        // Kept anew meanwhile by another passage with the very same picture.
        let wanted = db
            .connection
            .prepare_cached("SELECT 1 FROM evidence WHERE sha256 = ?1")
            .and_then(|mut s| s.exists([sha256]))
            .map_err(&fail)?;
        if let (false, Some(path)) = (wanted, db.pictures.path_of(sha256)) {
            for file in [pictures::beside(&path, "changed"), path] {
                removed += u64::from(erase(&file)?);
            }
        }
        db.connection
            .prepare_cached("DELETE FROM picture_removal WHERE sha256 = ?1")
            .and_then(|mut s| s.execute([sha256]))
            .map_err(&fail)?;
    }
    Ok((removed, listed.len() == FILES))
}

/// Overwrites and unlinks a file and has that on disk; `false` where there was none.
pub(super) fn erase(path: &Path) -> Result<bool, StoreError> {
    let fail = |e| StoreError::file("removing", path, e);
    let length = match fs::symlink_metadata(path) {
        Ok(file) if file.is_file() => file.len(),
        Ok(_) => return Ok(false),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(fail(e)),
    };
    // Best effort: on a full disk of a copy-on-write file system even this needs space, and unlinking must not fail for it.
    let overwritten = OpenOptions::new().write(true).open(path).and_then(|mut file| {
        let zeros = [0; 64 * 1024];
        let mut left = length;
        while left > 0 {
            let piece = zeros.get(..usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len()));
            let piece = piece.unwrap_or(&zeros);
            file.write_all(piece)?;
            left -= piece.len() as u64;
        }
        file.sync_all()
    });
    if let Err(cause) = overwritten {
        tracing::warn!(%cause, "a file that has passed its term could not be overwritten; it is unlinked only");
    }
    fs::remove_file(path).map_err(fail)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(true)
}

/// Removes copies of the database made before upgrades and files put aside by hand: no term reaches the rows inside them.
/// (What the box moved aside as damaged is in `aside`.) They go with the first rows that are deleted, and a copy at the latest after a day, other files once their last
/// change is older than the shortest term.
pub(super) fn remove_copies(
    settings: &Settings,
    terms: &Terms,
    rows_went: bool,
    now: Utc,
) -> Result<u64, StoreError> {
    let shortest = terms.non_hits.min(terms.hits).min(terms.plate_texts);
    let mut removed = 0;
    let fail = |e| StoreError::file("listing", &settings.dir, e);
    for entry in fs::read_dir(&settings.dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(end) = name.strip_prefix("platewatch.db") else { continue };
        if matches!(end, "" | "-wal" | "-shm" | "-journal") || aside::is_aside(&name) {
            continue;
        }
        let changed = entry.metadata().and_then(|m| m.modified()).map_err(fail)?;
        let changed = changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
        let is_copy = end.ends_with(".bak");
        let days = if is_copy { COPY_DAYS.min(shortest) } else { shortest };
        if (is_copy && rows_went) || changed < terms::before(now, days) {
            removed += u64::from(erase(&entry.path())?);
        }
    }
    Ok(removed)
}
