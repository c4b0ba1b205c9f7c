//! How much a look leaves out: counts of what a query would give without its limit.

use crate::domain::{CameraId, PlateText, Utc};
use crate::store::connection::Database;
use crate::store::{HitQuery, PassageQuery, Reader, StoreError, convert};
use rusqlite::named_params;

impl Reader {
    /// How many hits `query` would give without its limit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_hits(&self, query: &HitQuery) -> Result<u64, StoreError> {
        count_hits(self.database(), query)
    }

    /// How many passages `query` would give without its limit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_passages(&self, query: &PassageQuery) -> Result<u64, StoreError> {
        count_passages(self.database(), query)
    }
}

/// How many hits a query would give without its limit.
fn count_hits(db: &Database, query: &HitQuery) -> Result<u64, StoreError> {
    let fail = db.fail("counting hits");
    let count: i64 = db
        .connection
        .prepare_cached(
            "SELECT count(*)
             FROM hit h JOIN passage p ON p.id = h.passage JOIN list_version l ON l.id = h.list_version
             WHERE (:since IS NULL OR h.first_decided_at >= :since)
               AND (:until IS NULL OR h.first_decided_at < :until)
               AND (:camera IS NULL OR p.camera = :camera)
               AND (:plate IS NULL OR h.observed = :plate OR h.entry_plate = :plate)
               AND (:list IS NULL OR l.name = :list)
               AND (:late IS NULL OR (h.past_search IS NOT NULL) = :late)
               AND (:seen_since IS NULL OR p.first_seen >= :seen_since)",
        )
        .and_then(|mut s| {
            s.query_row(
                named_params! {
                    ":since": query.since.map(Utc::unix_ms),
                    ":until": query.until.map(Utc::unix_ms),
                    ":camera": query.camera.as_ref().map(CameraId::as_str),
                    ":plate": query.plate.as_ref().map(PlateText::as_str),
                    ":list": query.list,
                    ":late": query.late,
                    ":seen_since": query.seen_since.map(Utc::unix_ms),
                },
                |r| r.get(0),
            )
        })
        .map_err(&fail)?;
    convert::uint(count, "hit.id")
}

/// How many passages a query would give without its limit.
fn count_passages(db: &Database, query: &PassageQuery) -> Result<u64, StoreError> {
    let fail = db.fail("counting passages");
    let count: i64 = db
        .connection
        .prepare_cached(
            "SELECT count(*) FROM passage p
             WHERE (:since IS NULL OR p.first_seen >= :since) AND (:until IS NULL OR p.first_seen < :until)
               AND (:camera IS NULL OR p.camera = :camera) AND (:plate IS NULL OR p.text = :plate)",
        )
        .and_then(|mut s| {
            s.query_row(
                named_params! {
                    ":since": query.since.map(Utc::unix_ms),
                    ":until": query.until.map(Utc::unix_ms),
                    ":camera": query.camera.as_ref().map(CameraId::as_str),
                    ":plate": query.plate.as_ref().map(PlateText::as_str),
                },
                |r| r.get(0),
            )
        })
        .map_err(&fail)?;
    convert::uint(count, "passage.id")
}
