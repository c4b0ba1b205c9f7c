//! Bytes of a list file → a [`List`] and a report that names everything wrong with it.
//!
//! [`csv`] knows the layout of the design; importers for other layouts will stand beside it and fill the
//! same [`builder::Builder`].

mod builder;
mod csv;
mod report;

pub use report::{Duplicate, ImportError, ImportReport, Problem};

use super::{List, Settings};
use crate::domain::{ListVersion, Utc};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// The largest file taken: ten million entries with long instructions stay under it.
pub const MAX_FILE_BYTES: u64 = 2 << 30;

/// Reads and checks a list file.
///
/// # Errors
/// Where the file cannot be read, has no usable header or more than `max_bad_share` of its rows are bad.
pub fn load_file(settings: &Settings) -> Result<(List, ImportReport), ImportError> {
    let bytes =
        read(&settings.path).map_err(|source| ImportError::Read { path: settings.path.clone(), source })?;
    import_bytes(&bytes, &settings.name, settings.max_bad_share, Utc::now())
        .map(|(list, report)| (list.with_rules(settings.rules.clone()), report))
        .map_err(|e| e.in_file(&settings.path))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    // Not the size that metadata says: a pipe has none and a file may grow meanwhile.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!(
            "larger than {} MiB, the most that is taken; split the list",
            MAX_FILE_BYTES >> 20
        )));
    }
    Ok(bytes)
}

/// Checks the bytes of a list in the CSV layout of the design; `now` becomes the time of loading.
///
/// # Errors
/// As [`load_file`], but for reading.
pub fn import_bytes(
    bytes: &[u8],
    name: &str,
    max_bad_share: f64,
    now: Utc,
) -> Result<(List, ImportReport), ImportError> {
    let mut builder = builder::Builder::new(now);
    csv::read(bytes, &mut builder)?;
    let version = ListVersion {
        name: name.to_owned(),
        sha256: Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect(),
        loaded_at: now,
    };
    builder.finish(version, max_bad_share)
}

#[cfg(test)]
mod tests;
