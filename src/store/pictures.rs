//! Picture files, on disk before any row names them: `pictures/<first two digits>/<sha256>.jpg` as they are, or,
//! in a store with a key, `<keyed name>.sealed` (`src/runtime/at_rest.rs`), bound to the picture's SHA-256.

use super::connection::{Database, sync_dir};
use super::record::EvidenceFile;
use super::{Settings, StoreError};
use crate::runtime::StoreKey;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The folder of the pictures and how they are kept in it. The only way from a picture's SHA-256 to its bytes.
#[derive(Debug, Clone)]
pub(super) struct Cabinet {
    folder: PathBuf,
    key: Option<StoreKey>,
}

impl Cabinet {
    /// That of a store.
    pub fn of(settings: &Settings) -> Self {
        Self::new(settings.pictures(), settings.key.clone())
    }

    /// The one in `folder`.
    pub fn new(folder: PathBuf, key: Option<StoreKey>) -> Self {
        Self { folder, key }
    }

    /// Where the picture with this hash is; `None` where `sha256` is no hash (it becomes a path).
    pub fn path_of(&self, sha256: &str) -> Option<PathBuf> {
        if !is_hash(sha256) {
            return None;
        }
        let name = self.name_of(sha256);
        Some(self.folder.join(name.get(..2)?).join(name))
    }

    fn name_of(&self, sha256: &str) -> String {
        match &self.key {
            None => format!("{sha256}.jpg"),
            Some(key) => format!("{}.sealed", key.name_of(sha256)),
        }
    }

    /// The picture with this hash, opened and held against it.
    ///
    /// # Errors
    /// It is not there, cannot be read, or its bytes are not those it was kept with.
    pub fn read(&self, sha256: &str) -> Result<Vec<u8>, StoreError> {
        let wrong = |why| StoreError::Picture { claimed: sha256.to_owned(), why };
        let path = self.path_of(sha256).ok_or_else(|| wrong(NO_HASH))?;
        let kept = fs::read(&path).map_err(|e| StoreError::file("reading", &path, e))?;
        self.plain(sha256, kept).ok_or_else(|| wrong("its bytes are not those it was kept with"))
    }

    /// The picture in the bytes of its file; `None` where they are not those it was kept with.
    pub fn plain(&self, sha256: &str, kept: Vec<u8>) -> Option<Vec<u8>> {
        let plain = match &self.key {
            None => kept,
            Some(key) => key.unseal(&about(sha256), &kept)?,
        };
        (hex(&Sha256::digest(&plain)) == sha256).then_some(plain)
    }

    /// Writes what is not there yet and returns the new files, fsynced, their folders too. On failure none
    /// of them is left.
    pub fn write_all(&self, pictures: &[EvidenceFile]) -> Result<Vec<PathBuf>, StoreError> {
        let mut new = Vec::new();
        for picture in pictures {
            match self.write(picture) {
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
    fn write(&self, picture: &EvidenceFile) -> Result<Option<PathBuf>, StoreError> {
        let wrong = |why| StoreError::Picture { claimed: picture.sha256.clone(), why };
        if picture.jpeg.is_empty() || picture.width == 0 || picture.height == 0 {
            return Err(wrong("it is empty"));
        }
        if is_hash(&picture.sha256) && hex(&Sha256::digest(&picture.jpeg)) != picture.sha256 {
            return Err(wrong("its bytes have another SHA-256"));
        }
        self.put(&picture.sha256, &picture.jpeg)
    }

    /// Writes the bytes that have this hash; `None` where the file was there already.
    pub fn put(&self, sha256: &str, jpeg: &[u8]) -> Result<Option<PathBuf>, StoreError> {
        let wrong = |why| StoreError::Picture { claimed: sha256.to_owned(), why };
        let path = self.path_of(sha256).ok_or_else(|| wrong(NO_HASH))?;
        // The same bytes may be there from another passage. Compared, not trusted: a file that a failing disk
        // has changed is replaced while the right bytes are at hand.
        let there = match fs::read(&path) {
            Ok(kept) => {
                if self.plain(sha256, kept).as_deref() == Some(jpeg) {
                    return Ok(None);
                }
                true
            }
            Err(e) if e.kind() == ErrorKind::NotFound => false,
            Err(e) => return Err(StoreError::file("reading", &path, e)),
        };
        let sealed = match &self.key {
            None => None,
            Some(key) => Some(key.seal(&about(sha256), jpeg)?),
        };
        let sub = path.parent().unwrap_or(&self.folder);
        if !sub.exists() {
            fs::create_dir_all(sub).map_err(|e| StoreError::file("making the folder", sub, e))?;
            sync_dir(&self.folder)?;
        }
        // Left over from a crash or not, this name is only ever ours: there is one writer.
        let tmp = beside(&path, "tmp");
        let written = File::create(&tmp)
            .and_then(|mut file| {
                file.write_all(sealed.as_deref().unwrap_or(jpeg))?;
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

    /// Removes every file under `pictures` that no row names, and returns how many; for the start after
    /// a crash, when a picture may have been written whose record was not. Such a picture belongs to nobody,
    /// so no retention would ever find it.
    pub fn sweep(&self, db: &Database) -> Result<usize, StoreError> {
        let orphans = self.without_a_row(db)?;
        for file in &orphans {
            fs::remove_file(file).map_err(|e| StoreError::file("removing", file, e))?;
        }
        Ok(orphans.len())
    }

    /// Every file under `pictures` that is one of ours by its name and that no row names.
    pub fn without_a_row(&self, db: &Database) -> Result<Vec<PathBuf>, StoreError> {
        let list = |dir: &Path| -> Result<Vec<PathBuf>, StoreError> {
            let fail = |e| StoreError::file("listing", dir, e);
            fs::read_dir(dir).map_err(fail)?.map(|entry| Ok(entry.map_err(fail)?.path())).collect()
        };
        // A keyed name does not lead back to its picture, so the names of all are made: 64 bytes a picture.
        let known: HashSet<String> = hashes(db)?.iter().map(|sha256| self.name_of(sha256)).collect();
        let mut found = Vec::new();
        for sub in list(&self.folder)?.iter().filter(|p| p.is_dir()) {
            for file in list(sub)? {
                let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
                let ours = match name.rsplit_once('.') {
                    Some((hash, "jpg" | "sealed")) => {
                        let home = hash.get(..2).is_some_and(|two| sub.ends_with(two));
                        is_hash(hash) && home && !known.contains(name)
                    }
                    _ => name.ends_with(".jpg.tmp") || name.ends_with(".sealed.tmp"),
                };
                if ours {
                    found.push(file);
                }
            }
        }
        Ok(found)
    }
}

const NO_HASH: &str = "not 64 lower-case hexadecimal digits";

/// What a sealed picture is bound to: a file put in another's place does not open.
fn about(sha256: &str) -> Vec<u8> {
    format!("platewatch picture {sha256}").into_bytes()
}

/// `path` with `.ending` at its end.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// The hash of every picture that a row names.
pub(super) fn hashes(db: &Database) -> Result<Vec<String>, StoreError> {
    let fail = db.fail("reading which pictures there are");
    let mut statement = db.connection.prepare("SELECT sha256 FROM evidence").map_err(&fail)?;
    let found = statement.query_map([], |r| r.get(0)).map_err(&fail)?;
    found.collect::<Result<_, _>>().map_err(&fail)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
