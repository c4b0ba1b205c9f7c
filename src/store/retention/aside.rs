//! What was moved aside when a database was damaged: the file, its log and index, what could be read of its audit
//! chain, and pictures that no row named any more. No term reaches the rows inside, so the whole goes.
//!
//! It goes when the shortest term of what it holds has passed since it was moved aside: a longer wait would keep
//! vehicles without a hit beyond their own term. Everything that could be read lies in the new database, under the terms
//! of its rows. A legal hold that was placed before, and whose passage did not come over, keeps it.

use super::files::erase;
use super::terms::{self, Terms};
use crate::domain::Utc;
use crate::store::connection::{Database, sync_dir};
use crate::store::{Settings, StoreError};
use std::fs;
use std::path::Path;

const DATABASE: &str = "platewatch.db.damaged-";
const PICTURES: &str = "pictures.damaged-";
/// Pictures a step removes at most: each waits for the disk.
const FILES: usize = 16;

/// What a step removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    /// Files of databases moved aside.
    pub files: u64,
    /// Pictures moved aside.
    pub pictures: u64,
    /// Whether there are more.
    pub more: bool,
}

/// Whether the file of this name is one of a database moved aside, which goes by the rules of this module.
pub(super) fn is_aside(name: &str) -> bool {
    name.starts_with(DATABASE)
}

/// Removes some of what was moved aside long enough ago.
pub(super) fn remove(
    db: &Database,
    settings: &Settings,
    terms: &Terms,
    now: Utc,
) -> Result<Gone, StoreError> {
    let shortest = terms.non_hits.min(terms.hits).min(terms.plate_texts).min(terms.pictures);
    let before = terms::before(now, shortest);
    let mut gone = Gone::default();
    let fail = |e| StoreError::file("listing", &settings.dir, e);
    for entry in fs::read_dir(&settings.dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(end) = name.strip_prefix(DATABASE).or_else(|| name.strip_prefix(PICTURES)) else { continue };
        let moved = moved_at(end, &entry.path())?;
        if moved.unix_ms() >= before || is_needed(db, moved, now)? {
            continue;
        }
        if name.starts_with(DATABASE) {
            gone.files += u64::from(erase(&entry.path())?);
            continue;
        }
        let (pictures, more) = empty(&entry.path(), FILES)?;
        gone.pictures += pictures;
        gone.more |= more;
    }
    Ok(gone)
}

/// When it was moved: by its name, which carries the box's clock of then, and never before its own last change (a
/// clock that stood at 1970).
fn moved_at(end: &str, path: &Path) -> Result<Utc, StoreError> {
    let fail = |e| StoreError::file("looking at", path, e);
    let changed = fs::symlink_metadata(path).and_then(|m| m.modified()).map_err(fail)?;
    let changed = changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
    Ok(named_at(end).unwrap_or(Utc::from_unix_ms(0)).max(Utc::from_unix_ms(changed)))
}

/// The time of `20261125T031500Z-wal`.
fn named_at(end: &str) -> Option<Utc> {
    let part = |from: usize, to: usize| end.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

/// Whether a hold that was placed before has nothing to hold in the new database: then what it is for may be in the old
/// one alone. A plate's hold may be for passages that were lost, which nobody can tell.
fn is_needed(db: &Database, moved: Utc, now: Utc) -> Result<bool, StoreError> {
    db.connection
        .prepare_cached(
            "SELECT 1 FROM legal_hold l WHERE l.released_at IS NULL AND l.until > ?1 AND l.placed_at <= ?2 AND (
                l.since IS NOT NULL
                OR (l.hit IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hit h WHERE h.id = l.hit))
                OR (l.passage IS NOT NULL AND NOT EXISTS (SELECT 1 FROM passage p WHERE p.id = l.passage)))",
        )
        .and_then(|mut s| s.exists([now.unix_ms(), moved.unix_ms()]))
        .map_err(db.fail("looking for holds"))
}

/// Removes up to `most` files of a folder, and the folder when it is empty; how many, and whether there are more.
fn empty(folder: &Path, most: usize) -> Result<(u64, bool), StoreError> {
    let fail = |e| StoreError::file("emptying", folder, e);
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(fail)?.take(most) {
        removed += u64::from(erase(&entry.map_err(fail)?.path())?);
    }
    if removed as usize == most {
        return Ok((removed, true));
    }
    // What is no file of ours (a folder made by hand) stays, and its folder with it.
    if fs::remove_dir(folder).is_ok() {
        sync_dir(folder.parent().unwrap_or(Path::new(".")))?;
    }
    Ok((removed, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_when_it_was_moved() {
        let at: Utc = "2026-11-25T03:15:00Z".parse().unwrap();
        for end in ["20261125T031500Z", "20261125T031500Z-2-wal", "20261125T031500Z.audit.jsonl"] {
            assert_eq!(named_at(end), Some(at), "{end}");
        }
        for end in ["", "x", "20261325T031500Z", "2026112é"] {
            assert_eq!(named_at(end), None, "{end}");
        }
    }
}
