//! Opening the database: the settings every connection needs, and whose file it is.

use super::pictures::Cabinet;
use super::{Settings, StoreError, sealing, upgrade};
use crate::runtime::{PublicKey, SigningKey};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "PLWA", in the header of every database of ours (<https://sqlite.org/pragma.html#pragma_application_id>).
pub(super) const APPLICATION_ID: i64 = 0x504C_5741;

/// How long a statement waits for another connection's lock. Readers never block the writer in WAL;
/// what is waited for is a check-point or a recovery, or someone with the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// A connection and where it leads.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) pictures: Cabinet,
}

impl Settings {
    /// The database.
    pub fn database(&self) -> PathBuf {
        self.dir.join("platewatch.db")
    }

    /// The key with which this box signs; made at the first start.
    pub fn box_key(&self) -> PathBuf {
        self.dir.join("box.key")
    }

    /// The key of the hashes that stand for plates; made at the first start.
    pub fn plate_key(&self) -> PathBuf {
        self.dir.join("plate.key")
    }

    /// The people known on this box.
    pub fn users(&self) -> PathBuf {
        self.dir.join("users.toml")
    }

    /// Public half of the box's key; `None` before the first start or where it cannot be read.
    pub fn public_key(&self) -> Option<PublicKey> {
        SigningKey::read(&self.box_key()).ok().map(|key| key.public())
    }

    /// Bytes that an ordinary user can still write where records and pictures are kept; `None` where the
    /// system does not say.
    pub fn disk_free_bytes(&self) -> Option<u64> {
        let space = rustix::fs::statvfs(&self.dir).ok()?;
        Some(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Whether the store that is there is encrypted.
    ///
    /// # Errors
    /// The file that says so cannot be read.
    pub fn is_encrypted(&self) -> Result<bool, StoreError> {
        sealing::is_sealed(&self.dir)
    }

    /// The folder of the pictures.
    pub fn pictures(&self) -> PathBuf {
        self.dir.join("pictures")
    }
}

impl Database {
    /// A connection with its key, where the store has one; nothing is read yet.
    fn connect(settings: &Settings, flags: OpenFlags) -> Result<Self, StoreError> {
        Self::connect_to(settings, settings.database(), flags)
    }

    /// The same to another file of the store.
    pub(super) fn connect_to(
        settings: &Settings,
        path: PathBuf,
        flags: OpenFlags,
    ) -> Result<Self, StoreError> {
        sealing::admit(settings)?;
        let fail = |e| StoreError::sql("opening the database", &path, e);
        let connection =
            Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fail)?;
        if let Some(key) = &settings.key {
            sealing::unlock(&connection, key)?;
        }
        connection.busy_timeout(BUSY).map_err(fail)?;
        let db = Self { connection, path: path.clone(), pictures: Cabinet::of(settings) };
        if settings.key.is_some() && !sealing::is_sealed(&settings.dir)? {
            // Without the marker only the database itself can say whether the key is right.
            return match db.version() {
                // Never taken for damage: what another key has written is whole.
                Err(StoreError::NotOurs { .. } | StoreError::Damaged { .. }) => {
                    Err(StoreError::WrongKey { dir: settings.dir.clone() })
                }
                _ => Ok(db),
            };
        }
        Ok(db)
    }

    /// Opens the file for writing; creates or upgrades it as needed.
    pub(super) fn open_writer(settings: &Settings) -> Result<Self, StoreError> {
        let path = settings.database();
        let fail = |e| StoreError::sql("opening the database", &path, e);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut db = Self::connect(settings, flags)?;
        // Until it is known to be sound, closing must leave the log alone: SQLite would write back what it believes
        // of it and delete the rest, which may hold the last whole images of damaged pages.
        db.keep_log(true)?;
        // Before anything is written: is it ours, and not from the future?
        let found = db.version()?;
        if db.connection.is_readonly("main").map_err(fail)? {
            // SQLite falls back to reading where it may not write; a store that cannot record must not start.
            return Err(StoreError::ReadOnly { path });
        }
        // FULL: a commit is on disk when it returns, also in WAL (https://sqlite.org/pragma.html#pragma_synchronous).
        // secure_delete: what retention removes is overwritten.
        db.connection
            .execute_batch(
                // auto_vacuum counts for a new file only (https://sqlite.org/pragma.html#pragma_auto_vacuum).
                "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
            )
            .map_err(fail)?;
        match found {
            None => upgrade::create(&mut db)?,
            Some(found) => upgrade::upgrade(&mut db, found)?,
        }
        db.keep_log(false)?;
        Ok(db)
    }

    /// Whether closing leaves the write-ahead log as it is.
    pub(super) fn keep_log(&self, keep: bool) -> Result<(), StoreError> {
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
            .map(|_| ())
            .map_err(self.fail("opening the database"))
    }

    /// Opens the file for short writes beside the daemon that owns it; neither creates nor upgrades.
    pub(super) fn open_beside(settings: &Settings) -> Result<Self, StoreError> {
        // Has every check of a reader; the connection itself is not kept.
        drop(Self::open_reader(settings)?);
        let path = settings.database();
        let fail = |e| StoreError::sql("opening the database", &path, e);
        let db = Self::connect(settings, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if db.connection.is_readonly("main").map_err(fail)? {
            return Err(StoreError::ReadOnly { path });
        }
        // As for the box's own writer; the journal mode is the file's and stays.
        db.connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
                 PRAGMA trusted_schema = OFF;",
            )
            .map_err(fail)?;
        Ok(db)
    }

    /// Opens the file read-only, as it is.
    pub(super) fn open_reader(settings: &Settings) -> Result<Self, StoreError> {
        let path = settings.database();
        if !path.exists() {
            return Err(StoreError::Missing { path });
        }
        let db = Self::connect(settings, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match db.version()? {
            None => Err(StoreError::Missing { path }),
            Some(found) if found < upgrade::VERSION => {
                Err(StoreError::Older { path, found, known: upgrade::VERSION })
            }
            Some(_) => Ok(db),
        }
    }

    /// The file's version, checked not to be newer than ours; `None` where it is still empty.
    fn version(&self) -> Result<Option<i64>, StoreError> {
        let number = |sql| {
            self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| {
                match StoreError::sql("reading the version", &self.path, e) {
                    // Without the key that every store of ours has beside it, it is somebody else's file.
                    StoreError::Damaged { path, .. } if !path.with_file_name("box.key").exists() => {
                        StoreError::NotOurs { path }
                    }
                    other => other,
                }
            })
        };
        let found = number("PRAGMA user_version")?;
        match number("PRAGMA application_id")? {
            0 if found == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(None),
            APPLICATION_ID if found > upgrade::VERSION => {
                Err(StoreError::Newer { path: self.path.clone(), found, known: upgrade::VERSION })
            }
            APPLICATION_ID if found >= 1 => Ok(Some(found)),
            _ => Err(StoreError::NotOurs { path: self.path.clone() }),
        }
    }

    /// Sorts a failure of a statement.
    pub(super) fn fail(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |e| StoreError::sql(doing, &path, e)
    }
}

/// The lock that keeps a second writer out, held as long as this lives.
///
/// The file also says whether the last writer ended in order: it is empty then.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes it; the second value is whether the last holder was cut off.
    pub(super) fn take(dir: &Path) -> Result<(Self, bool), StoreError> {
        let path = dir.join("platewatch.lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| StoreError::file("opening", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path }),
            Err(TryLockError::Error(e)) => return Err(StoreError::file("locking", &path, e)),
        }
        let cut_off = file.metadata().map_err(|e| StoreError::file("reading", &path, e))?.len() > 0;
        let lock = Self { file, path };
        lock.mark(1)?;
        Ok((lock, cut_off))
    }

    /// Says that the end was in order.
    pub(super) fn ended(&self) -> Result<(), StoreError> {
        self.mark(0)
    }

    fn mark(&self, len: u64) -> Result<(), StoreError> {
        self.file
            .set_len(len)
            .and_then(|()| self.file.sync_all())
            .map_err(|e| StoreError::file("writing", &self.path, e))
    }
}

/// Has a folder's entries on disk: a new or renamed file is only there after a crash once they are.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| StoreError::file("syncing", dir, e))
}
