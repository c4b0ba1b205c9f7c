//! A store that begins anew because its database is damaged.

use super::super::{Alarm, alarms::Alarms, salvage, soundness};
use super::{Database, Settings, Store, StoreError};

impl Store {
    /// Alarms that nobody has acknowledged, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn alarms(&mut self) -> Result<Vec<Alarm>, StoreError> {
        self.alarms.open(&self.db)
    }

    /// Moves the database, found damaged (`why`) while at work, aside and goes on with a new one, into which goes
    /// what can be read of the old. On failure the next call tries again.
    ///
    /// # Errors
    /// A file cannot be moved or written.
    pub fn begin_anew(&mut self, why: &str) -> Result<(), StoreError> {
        tracing::error!(why, "the database is damaged; it is moved aside");
        // Closed first, and so that it writes nothing more: a check-point would spread the damage.
        let no_file = |e| StoreError::sql("closing the damaged database", &self.settings.database(), e);
        let nowhere = rusqlite::Connection::open_in_memory().map_err(no_file)?;
        let _ = self
            .db
            .connection
            .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        drop(std::mem::replace(&mut self.db.connection, nowhere));
        let what = salvage::replace(&self.settings, self.head.take())?;
        self.db = Database::open_writer(&self.settings)?;
        salvage::tell(&mut self.db, &self.key, why, &what)?;
        self.alarms = Alarms::default();
        self.live.clear();
        self.born.clear();
        Ok(())
    }
}

/// Opens the database; one that is damaged, or gone though there was one, is replaced by what can be read of it. The
/// second value then says what was done, and why.
pub(super) fn open_sound(
    settings: &Settings,
) -> Result<(Database, Option<(salvage::Salvaged, String)>), StoreError> {
    let found = if salvage::is_unfinished(settings) {
        Err("a recovery was cut off".to_owned())
    } else if salvage::is_gone(settings) {
        Err("the file is gone or empty, and this box has recorded before".to_owned())
    } else if salvage::is_log_torn(settings) {
        Err("synced transactions lie behind damage in the write-ahead log".to_owned())
    } else {
        let sound = Database::open_writer(settings).and_then(|db| {
            db.keep_log(true)?;
            let all = soundness::look(&db, soundness::LONGEST)?;
            db.keep_log(false)?;
            if !all {
                tracing::info!(
                    "the database is large: only a part was checked; platewatch check store checks all"
                );
            }
            Ok(db)
        });
        match sound {
            Ok(db) => Ok(db),
            Err(StoreError::Damaged { what, .. }) => Err(what),
            Err(other) => return Err(other),
        }
    };
    match found {
        Ok(db) => Ok((db, None)),
        Err(why) => {
            let what = salvage::replace(settings, None)?;
            Ok((Database::open_writer(settings)?, Some((what, why))))
        }
    }
}
