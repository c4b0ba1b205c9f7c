//! Picture files: `pictures/<first two digits>/<sha256>.jpg`, on disk before any row names them.

use super::StoreError;
use super::connection::{Database, sync_dir};
use super::record::EvidenceFile;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Where the picture with this hash is; `None` where `sha256` is no hash (it becomes a path).
pub(super) fn path_of(folder: &Path, sha256: &str) -> Option<PathBuf> {
    let digits = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if sha256.len() != 64 || !sha256.as_bytes().iter().all(digits) {
        return None;
    }
    Some(folder.join(sha256.get(..2)?).join(format!("{sha256}.jpg")))
}

/// Writes what is not there yet and returns the new files, fsynced, their folders too. On failure none
/// of them is left.
pub(super) fn write_all(folder: &Path, pictures: &[EvidenceFile]) -> Result<Vec<PathBuf>, StoreError> {
    let mut new = Vec::new();
    for picture in pictures {
        match write(folder, picture) {
            Ok(path) => new.extend(path),
            Err(e) => {
                remove_all(&new);
                return Err(e);
            }
        }
    }
    Ok(new)
}

/// Writes one picture; `None` where the file was there already.
fn write(folder: &Path, picture: &EvidenceFile) -> Result<Option<PathBuf>, StoreError> {
    let wrong = |why| StoreError::Picture { claimed: picture.sha256.clone(), why };
    let path =
        path_of(folder, &picture.sha256).ok_or_else(|| wrong("not 64 lower-case hexadecimal digits"))?;
    if picture.jpeg.is_empty() || picture.width == 0 || picture.height == 0 {
        return Err(wrong("it is empty"));
    }
    if hex(&Sha256::digest(&picture.jpeg)) != picture.sha256 {
        return Err(wrong("its bytes have another SHA-256"));
    }
    // The same bytes may be there from another passage. Compared, not trusted: a file that a failing disk
    // has changed is replaced while the right bytes are at hand.
    let there = match fs::read(&path) {
        Ok(bytes) if bytes == picture.jpeg => return Ok(None),
        Ok(_) => true,
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) => return Err(StoreError::file("reading", &path, e)),
    };
    let sub = path.parent().unwrap_or(folder);
    if !sub.exists() {
        fs::create_dir_all(sub).map_err(|e| StoreError::file("making the folder", sub, e))?;
        sync_dir(folder)?;
    }
    // Left over from a crash or not, this name is only ever ours: there is one writer.
    let tmp = path.with_extension("jpg.tmp");
    let written = File::create(&tmp)
        .and_then(|mut file| {
            file.write_all(&picture.jpeg)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&tmp, &path));
    if let Err(e) = written {
        let _ = fs::remove_file(&tmp); // the cause is reported; the sweep removes what this cannot
        return Err(StoreError::file("writing the picture", &path, e));
    }
    if let Err(e) = sync_dir(sub) {
        if !there {
            remove_all(std::slice::from_ref(&path));
        }
        return Err(e);
    }
    Ok((!there).then_some(path))
}

/// The bytes of a picture, held against its name.
pub(super) fn read(folder: &Path, sha256: &str) -> Result<Vec<u8>, StoreError> {
    let wrong = |why| StoreError::Picture { claimed: sha256.to_owned(), why };
    let path = path_of(folder, sha256).ok_or_else(|| wrong("not 64 lower-case hexadecimal digits"))?;
    let bytes = fs::read(&path).map_err(|e| StoreError::file("reading", &path, e))?;
    match hex(&Sha256::digest(&bytes)) == sha256 {
        true => Ok(bytes),
        false => Err(wrong("its bytes are not those it was kept with")),
    }
}

/// Removes files that no row will name. What cannot be removed is listed in the log, and removed by the
/// sweep at the next start.
pub(super) fn remove_all(files: &[PathBuf]) {
    for file in files {
        if let Err(cause) = fs::remove_file(file) {
            tracing::warn!(picture = %file.display(), %cause, "a picture without a record could not be removed");
        }
    }
}

/// Removes every file under `pictures` that no row names, and returns how many; for the start after
/// a crash, when a picture may have been written whose record was not. Such a picture belongs to nobody,
/// so no retention would ever find it.
pub(super) fn sweep(folder: &Path, db: &Database) -> Result<usize, StoreError> {
    let orphans = without_a_row(folder, db)?;
    for file in &orphans {
        fs::remove_file(file).map_err(|e| StoreError::file("removing", file, e))?;
    }
    Ok(orphans.len())
}

/// Every file under `pictures` that is one of ours by its name and that no row names.
pub(super) fn without_a_row(folder: &Path, db: &Database) -> Result<Vec<PathBuf>, StoreError> {
    let list = |dir: &Path| -> Result<Vec<PathBuf>, StoreError> {
        let fail = |e| StoreError::file("listing", dir, e);
        fs::read_dir(dir).map_err(fail)?.map(|entry| Ok(entry.map_err(fail)?.path())).collect()
    };
    let fail = db.fail("looking for pictures without a record");
    let mut known = db.connection.prepare("SELECT 1 FROM evidence WHERE sha256 = ?1").map_err(&fail)?;
    let mut found = Vec::new();
    for sub in list(folder)?.iter().filter(|p| p.is_dir()) {
        for file in list(sub)? {
            let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let orphan = match name.strip_suffix(".jpg") {
                Some(sha256) => {
                    path_of(folder, sha256).as_ref() == Some(&file)
                        && !known.exists([sha256]).map_err(&fail)?
                }
                None => name.ends_with(".jpg.tmp"),
            };
            if orphan {
                found.push(file);
            }
        }
    }
    Ok(found)
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
