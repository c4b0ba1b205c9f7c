//! What the writer does besides recording: the law on record, looks, deletion by age.

use super::Store;
use crate::domain::Utc;
use crate::store::retention::{self, Sweep};
use crate::store::{LawInForce, NewLook, StoreError, access};

impl Store {
    /// Puts the law of this start on record, for verbs beside the box.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn set_law(&mut self, law: &LawInForce, now: Utc) -> Result<(), StoreError> {
        access::set_law(&self.db.connection, law, now).map_err(self.db.fail("putting the law on record"))
    }

    /// Puts a look on record; see [`crate::store::StoreHandle::look`].
    ///
    /// # Errors
    /// It is not on record.
    pub fn look(&mut self, look: &NewLook) -> Result<(), StoreError> {
        access::keep(&mut self.db, &self.settings, look, Utc::now())
    }

    /// Does the next piece of deleting what has passed its term; `false` when nothing is left of this pass, or
    /// where nothing has a term. The first call after that begins the next pass.
    ///
    /// # Errors
    /// The database or a file refuses; what was deleted until then stays deleted.
    pub fn delete_expired(&mut self, now: Utc) -> Result<bool, StoreError> {
        let Some(retention) = self.settings.retention else { return Ok(false) };
        let means = retention::Means {
            settings: &self.settings,
            retention: &retention,
            key: &self.key,
            plate_key: &self.plate_key,
        };
        let mut sweep = self.sweep.take().unwrap_or_else(|| Sweep::new(now));
        let more = sweep.step(&mut self.db, &means)?;
        self.sweep = more.then_some(sweep);
        Ok(more)
    }
}
