//! Bytes of a list file → a [`List`] and a report that names everything wrong with it.
//!
//! ```text
//! bytes ─► text ─► lines ─► row ─► fields ─► builder ─► List, ImportReport
//!          json ──────────────────────▲
//!                  mapping ───────────┘
//! ```
//!
//! * [`text`]: encodings and line ends, a piece of the file at a time;
//! * [`lines`], [`row`], [`json`]: rows and their columns;
//! * [`mapping`]: which column is what; [`fields`], [`parts`]: a row checked by it; [`dates`]: dates as lists write them;
//! * [`builder`]: the list, duplicates and contradictions; [`report`]: what is said of the file;
//! * [`diff`]: one list against another.

mod builder;
mod dates;
mod diff;
mod fields;
mod json;
mod lines;
mod mapping;
mod parts;
mod report;
mod row;
mod text;

pub use diff::{Changed, Difference, Named, difference};
pub use mapping::{Mapping, MappingError, ready};
pub use report::{Duplicate, ImportError, ImportReport, Problem};
pub(super) use text::hex;

use super::List;
use crate::domain::{ListVersion, Utc};
use mapping::Format;
use std::io::{self, Read};
use std::path::Path;
use text::{Text, TextError};

/// The largest file taken.
pub const MAX_FILE_BYTES: u64 = 8 << 30;

/// Reads and checks the list file at `path`; signature and policy are not its business.
///
/// # Errors
/// Where the file cannot be read, has no usable header or more than `max_bad_share` of its rows are bad.
pub fn read_file(
    path: &Path,
    mapping: &Mapping,
    name: &str,
    max_bad_share: f64,
    now: Utc,
) -> Result<(List, ImportReport), ImportError> {
    let unreadable = |source| ImportError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Not the size that metadata says: a pipe has none and a file may grow meanwhile.
    let file = Bounded { file, left: MAX_FILE_BYTES };
    import(file, mapping, name, max_bad_share, now).map_err(|e| e.in_file(path))
}

/// Checks the bytes of a list in the CSV layout of the design; `now` becomes the time of loading.
///
/// # Errors
/// As [`read_file`], but for reading.
pub fn import_bytes(
    bytes: &[u8],
    name: &str,
    max_bad_share: f64,
    now: Utc,
) -> Result<(List, ImportReport), ImportError> {
    import(bytes, &Mapping::own(), name, max_bad_share, now)
}

/// Checks a list of any layout; reads `input` once, a piece at a time.
///
/// # Errors
/// As [`read_file`].
pub fn import(
    input: impl Read,
    mapping: &Mapping,
    name: &str,
    max_bad_share: f64,
    now: Utc,
) -> Result<(List, ImportReport), ImportError> {
    let unreadable = |source| ImportError::Read { path: name.into(), source };
    let mut text = Text::new(input, mapping.encoding).map_err(|e| match e {
        TextError::Read(source) => unreadable(source),
        TextError::NoText(found) => ImportError::Encoding { path: None, found },
    })?;
    let mut builder = builder::Builder::new(now);
    let read = match &mapping.format {
        Format::Json { entries } => json::read(&mut text, mapping, entries, &mut builder),
        _ => lines::read(&mut text, mapping, &mut builder),
    };
    read.map_err(|stop| match stop {
        lines::Stop::Read(source) => unreadable(source),
        lines::Stop::Refused(error) => error,
    })?;
    let sha256 = text.finish().map_err(unreadable)?;
    let version = ListVersion { name: name.to_owned(), sha256, loaded_at: now };
    builder.finish(version, max_bad_share)
}

/// A file of which no more than so many bytes are read.
struct Bounded {
    file: std::fs::File,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(out)?;
        self.left = self.left.checked_sub(got as u64).ok_or_else(|| {
            let most = MAX_FILE_BYTES >> 20;
            io::Error::other(format!("larger than {most} MiB, the most that is taken; split the list"))
        })?;
        Ok(got)
    }
}

#[cfg(test)]
mod tests;
