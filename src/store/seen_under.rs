//! For what the mandates were given under which passages were seen: from the register of use, which goes back further
//! than the folder of mandates.

use super::{Clerk, StoreError};
use crate::domain::{Passage, Utc};
use std::collections::BTreeMap;

/// Purposes from a time on.
type Since = (Utc, Vec<String>);

/// Purposes by camera and mandate, in order of time.
#[derive(Debug, Default)]
pub struct SeenUnder(BTreeMap<(String, String), Vec<Since>>);

impl SeenUnder {
    /// The purposes of the mandate the passage was seen under, as they were then; `None` where it was seen under none,
    /// or the register does not know it.
    pub fn purposes(&self, passage: &Passage) -> Option<&[String]> {
        let mandate = passage.mandate.as_deref()?.to_owned();
        let known = self.0.get(&(passage.camera.as_str().to_owned(), mandate))?;
        // A recording may be older than the use in which it was played: then the first words count.
        let then = known.partition_point(|(from, _)| *from <= passage.first_seen).saturating_sub(1);
        known.get(then).map(|(_, purposes)| purposes.as_slice())
    }
}

impl Clerk {
    /// What the register says of every mandate that was used.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn seen_under(&self) -> Result<SeenUnder, StoreError> {
        let fail = self.db.fail("reading the register of use");
        let mut statement = self
            .db
            .connection
            .prepare(
                "SELECT camera, mandate, began_at, purposes FROM use_period WHERE mandate IS NOT NULL ORDER BY id",
            )
            .map_err(&fail)?;
        let mut rows = statement.query([]).map_err(&fail)?;
        let mut found = SeenUnder::default();
        while let Some(row) = rows.next().map_err(&fail)? {
            let key = (row.get(0).map_err(&fail)?, row.get(1).map_err(&fail)?);
            let text: String = row.get(3).map_err(&fail)?;
            let purposes: Vec<String> = serde_json::from_str(&text)
                .map_err(|_| StoreError::Corrupt { column: "use_period.purposes" })?;
            let known = found.0.entry(key).or_default();
            if known.last().is_none_or(|(_, last)| *last != purposes) {
                known.push((Utc::from_unix_ms(row.get(2).map_err(&fail)?), purposes));
            }
        }
        Ok(found)
    }
}
