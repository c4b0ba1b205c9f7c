//! What can go wrong with the store, in words an operator can act on.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A failure of the store. The texts name the file, the cause and what to do; never a plate.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left for the database or a picture. Nothing of the record was kept.
    #[error(
        "the disk of {} is full: nothing more can be recorded; free space or shorten retention", path.display()
    )]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The folder or the database cannot be written.
    #[error(
        "{} cannot be written: read-only, or not owned by the user platewatch runs as; \
         mount it writable or give the folder to that user", path.display()
    )]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// Another process writes to this store.
    #[error("{} is in use by another platewatch; stop that one or set another store.dir", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// There is no database yet.
    #[error("no database at {}; `platewatch run` or `demo` creates it", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database was written by a later platewatch.
    #[error(
        "{} has schema version {found}, this platewatch knows up to {known}; install the newer platewatch \
         again, or restore the copy made before the upgrade (platewatch.db.v{known}.bak)", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// The database has to be upgraded, which a reader does not do.
    #[error(
        "{} has schema version {found}, this platewatch needs {known}; `platewatch run` upgrades it",
        path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version needed.
        known: i64,
    },
    /// A file of that name exists but is not ours.
    #[error("{} is not a platewatch database; move it away or set another store.dir", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The store is encrypted and no key was given.
    #[error(
        "the store in {} is encrypted and no key was given: name the key in [store.encryption] of the \
         configuration, and give the configuration (--config FILE) instead of the folder", dir.display()
    )]
    KeyMissing {
        /// The store.
        dir: PathBuf,
    },
    /// The store is encrypted with another key.
    #[error(
        "the store in {} is encrypted with another key than [store.encryption] names; nothing was opened or \
         changed", dir.display()
    )]
    WrongKey {
        /// The store.
        dir: PathBuf,
    },
    /// There is a key and the store is not encrypted.
    #[error(
        "the store in {} is not encrypted, though [store.encryption] names a key: run `platewatch store encrypt \
         --config FILE` while no box uses it, or take the key out of the configuration", dir.display()
    )]
    NotEncrypted {
        /// The store.
        dir: PathBuf,
    },
    /// The store's key cannot be used.
    #[error(transparent)]
    StoreKey(#[from] crate::runtime::StoreKeyError),
    /// A copy of the store is not what it was made of.
    #[error("the copy {} is not what it was made of: {why}; the store is as it was", path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// What differs.
        why: &'static str,
    },
    /// What a picture is said to be and what it is differ.
    #[error("a picture said to be {claimed:?} cannot be recorded: {why}")]
    Picture {
        /// The claimed SHA-256.
        claimed: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A file could not be read or written.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{doing} in {}: {source}", path.display())]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file of the database is damaged.
    #[error(
        "the database {} is damaged ({what}); `platewatch run` moves it aside, salvages what can be read and \
         begins a new one", path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The store works on something it cannot finish: the disk does not answer.
    #[error("the disk has not answered for {:.0} s; what has to be kept waits", silent.as_secs_f64())]
    Slow {
        /// For how long.
        silent: Duration,
    },
    /// A row holds what no platewatch writes.
    #[error("column {column} of the database holds what platewatch never writes; restore a copy of it")]
    Corrupt {
        /// `table.column`.
        column: &'static str,
    },
    /// There is no such hit.
    #[error("there is no hit {found:?}; `platewatch log` shows the hits with their ids")]
    UnknownHit {
        /// What was asked for.
        found: String,
    },
    /// What is kept of a hit is not what was kept of it once.
    #[error(
        "hit {hit} is not as it was recorded: row {seq} of the audit chain holds the hash of something else; \
             `platewatch check store` says what else was changed"
    )]
    Altered {
        /// The hit.
        hit: String,
        /// The row.
        seq: u64,
    },
    /// More than one hit ends so.
    #[error("more than one hit ends with {found:?}; give more characters of its id")]
    ManyHits {
        /// What was asked for.
        found: String,
    },
    /// A hold that cannot be placed or released.
    #[error("the hold was refused: {why}")]
    Hold {
        /// What is wrong with it.
        why: &'static str,
    },
    /// An answer that cannot be kept.
    #[error("the answer cannot be kept: {why}")]
    Answer {
        /// What is wrong with it.
        why: &'static str,
    },
    /// An outbox row that is not waiting (any more).
    #[error("outbox row {id} does not wait for an acknowledgement")]
    NotPending {
        /// Its number.
        id: i64,
    },
    /// The box's key cannot be used.
    #[error(transparent)]
    Key(#[from] crate::runtime::KeyError),
    /// The thread could not be started.
    #[error("the store's thread cannot be started: {source}")]
    Thread {
        /// Why not.
        source: io::Error,
    },
    /// The store has ended.
    #[error("the store has ended; nothing more can be recorded")]
    Stopped,
    /// The store did not end in time.
    #[error("the store did not end within {deadline:?}; records still queued are lost")]
    Late {
        /// How long was waited.
        deadline: Duration,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anyone changing the configuration: the disk is
    /// full, the database is busy, a file operation failed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::DiskFull { .. } | Self::File { .. } | Self::Slow { .. } | Self::Damaged { .. } => true,
            Self::Sql { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    rusqlite::ErrorCode::DatabaseBusy
                        | rusqlite::ErrorCode::DatabaseLocked
                        | rusqlite::ErrorCode::SystemIoFailure
                        | rusqlite::ErrorCode::OutOfMemory
                )
            ),
            _ => false,
        }
    }

    /// Sorts a failure of SQLite.
    pub(super) fn sql(doing: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, what: source.to_string() }
            }
            _ => Self::Sql { doing, path, source },
        }
    }

    /// Sorts a failure of the file system.
    pub(super) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::File { doing, path, source },
        }
    }
}
