//! Whether the database can be trusted to go on with: looked at every start, and in bounded time.
//!
//! SQLite's `quick_check` reads every page of a table. On a box with millions of passages that takes longer than an
//! officer should wait for the first hit, so the look ends after [`LONGEST`]: first come the tables that hold what
//! was promised (outbox, hits, audit chain), last the passages. What it did not get to is found when it is used
//! (SQLite refuses a page that makes no sense) or by `platewatch check store`, which reads everything.

use super::StoreError;
use super::connection::Database;
use std::time::{Duration, Instant};

/// Longest look at a start.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// In this order; tables not named here come after them.
const FIRST: &[&str] = &[
    "outbox",
    "hit",
    "list_version",
    "model_versions",
    "audit",
    "audit_seal",
    "outcome",
    "past_search",
    "evidence",
    "passage_evidence",
    "passage",
];

/// Looks for damage; true where there was time for all of it.
///
/// # Errors
/// [`StoreError::Damaged`] with what was found.
pub(super) fn look(db: &Database, longest: Duration) -> Result<bool, StoreError> {
    let until = Instant::now() + longest;
    let tables = tables(db)?;
    // Interrupts the check from outside when the time is up; ends with the check otherwise.
    let handle = db.connection.get_interrupt_handle();
    let (done, waits) = crossbeam_channel::bounded::<()>(0);
    let watcher = std::thread::Builder::new()
        .name("store-check".into())
        .spawn(move || {
            let left = until.saturating_duration_since(Instant::now());
            if waits.recv_timeout(left) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        })
        .map_err(|source| StoreError::Thread { source })?;
    let found = tables.iter().try_fold(true, |_, table| one(db, table, until));
    drop(done);
    let _ = watcher.join();
    match found {
        Err(None) => Ok(false),
        Err(Some(error)) => Err(error),
        Ok(_) => Ok(true),
    }
}

/// One table with its indexes; `Err(None)` where the time is up.
fn one(db: &Database, table: &str, until: Instant) -> Result<bool, Option<StoreError>> {
    if Instant::now() >= until {
        return Err(None);
    }
    let sorted = |e: rusqlite::Error| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => None,
        _ => Some(db.fail("checking the database")(e)),
    };
    let quoted = table.replace('\'', "''");
    let said: String = db
        .connection
        .query_row(&format!("PRAGMA quick_check('{quoted}')"), [], |r| r.get(0))
        .map_err(sorted)?;
    if said == "ok" {
        return Ok(true);
    }
    Err(Some(StoreError::Damaged { path: db.path.clone(), what: format!("table {table}: {said}") }))
}

fn tables(db: &Database) -> Result<Vec<String>, StoreError> {
    let fail = db.fail("reading the schema");
    let mut names: Vec<String> = db
        .connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .and_then(|mut s| s.query_map([], |r| r.get(0))?.collect())
        .map_err(&fail)?;
    names.sort_by_key(|n| FIRST.iter().position(|f| f == n).unwrap_or(FIRST.len()));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::testing::{full, settings};
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn a_page_of_noise_is_found_and_a_look_without_time_finds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        (0..200).for_each(|i| store.record(&full(&format!("e{i}"))).unwrap());
        drop(store);
        let db = Database::open_writer(&settings).unwrap();
        assert!(look(&db, LONGEST).unwrap());
        let root: i64 = db
            .connection
            .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'", [], |r| r.get(0))
            .unwrap();
        drop(db);
        let file = std::fs::OpenOptions::new().write(true).open(settings.database()).unwrap();
        file.write_all_at(&[0xA5; 4096], (root as u64 - 1) * 4096).unwrap();
        let db = Database::open_writer(&settings).unwrap();
        assert!(!look(&db, Duration::ZERO).unwrap());
        assert!(matches!(look(&db, LONGEST), Err(StoreError::Damaged { .. })));
    }
}
