//! A damaged database: moved aside, not deleted before its term (`retention::aside`); what can be read of it goes into
//! a new one.
//!
//! In an order that a loss of power may cut anywhere: `platewatch.recovering` says under which name the damaged
//! file goes; file, write-ahead log and index are renamed; the new database is made as `platewatch.db.new`, whole
//! and on disk, and gets its name; the note is removed. A start that finds the note goes on from there.
//!
//! Pictures that no row names any more are moved aside too: the sweep would take them for left-overs. The audit
//! chain is copied where every row of it is there and holds; else what can be read of it is written to a file of
//! its own, and a new chain begins with a row that names the old one's head.

mod images;
mod leaves;
mod log;
mod messages;
mod rows;

use super::audit::{self, AuditAction, AuditEntry, AuditHead};
use super::connection::{Database, sync_dir};
use super::{Settings, StoreError, retention, upgrade};
use crate::domain::Utc;
use crate::runtime::SigningKey;
use rusqlite::OpenFlags;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was done with a damaged database.
#[derive(Debug, Clone, Default)]
pub(super) struct Salvaged {
    /// The damaged database, as it lies there now.
    pub aside: PathBuf,
    /// Rows that were copied, by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows that could be read and fitted nothing any more (a hit whose passage is gone), by table.
    pub misfits: BTreeMap<String, u64>,
    /// Tables of which not every row could be read.
    pub torn: Vec<String>,
    /// The latest row of the old audit chain that is known of.
    pub old_head: Option<AuditHead>,
    /// Whether the audit chain goes on; else a new one has begun.
    pub chain_whole: bool,
    /// Pictures that no row names any more.
    pub pictures_aside: u64,
}

impl Salvaged {
    /// The row for the audit chain.
    pub fn entry(&self, why: &str) -> AuditEntry {
        let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut entry = AuditEntry::by_box(AuditAction::StoreRecovered)
            .with("why", why)
            .with("aside", name(&self.aside))
            .with("chain", if self.chain_whole { "goes on" } else { "begun anew" })
            .with("pictures_aside", self.pictures_aside);
        if let Some(head) = &self.old_head {
            entry = entry.with("old_head", format!("{}:{}", head.seq, head.hash));
        }
        for (table, rows) in &self.rows {
            entry = entry.with(&format!("salvaged_{table}"), rows);
        }
        for (table, rows) in &self.misfits {
            entry = entry.with(&format!("left_{table}"), rows);
        }
        if !self.torn.is_empty() {
            entry = entry.with("torn", self.torn.join(" "));
        }
        entry
    }
}

fn note(settings: &Settings) -> PathBuf {
    settings.dir.join("platewatch.recovering")
}

/// Whether a recovery was cut off.
pub(super) fn is_unfinished(settings: &Settings) -> bool {
    note(settings).exists()
}

/// Whether the database is gone or empty though this box has recorded before: then SQLite would make an empty one
/// without a word, and throw away the write-ahead log beside it.
pub(super) fn is_gone(settings: &Settings) -> bool {
    let empty = std::fs::metadata(settings.database()).map_or(true, |m| m.len() == 0);
    empty && settings.box_key().exists()
}

/// Moves the damaged database aside and makes a new one of what can be read of it. `known` is the head of the audit
/// chain as last told. Nothing may have the database open but readers.
///
/// # Errors
/// A file cannot be moved or written; the next call goes on from there.
pub(super) fn replace(settings: &Settings, known: Option<AuditHead>) -> Result<Salvaged, StoreError> {
    let dir = &settings.dir;
    let aside = set_aside(settings)?;
    let fresh = dir.join("platewatch.db.new");
    for name in with_companions(&fresh) {
        remove(&name)?; // of a recovery that was cut off
    }
    let mut found = Salvaged { aside: aside.clone(), old_head: known, ..Salvaged::default() };
    let mut new = create(settings, &fresh)?;
    // A copy, with the frames of the log that hold: looking changes nothing of what lies aside.
    let rebuilt = dir.join("platewatch.db.rebuilt");
    let [_, log, _] = with_companions(&aside);
    log::rebuild(&aside, &log, &rebuilt).map_err(|e| StoreError::file("rebuilding", &rebuilt, e))?;
    let old = source(settings, &rebuilt).or_else(|_| {
        // Without its first page no table can be found. In a database made by this version the tables stand where
        // they stand in a new one; where that is not so, the new one takes no row of another shape.
        borrow_first_page(&fresh, &rebuilt)?;
        source(settings, &rebuilt)
    });
    match old {
        Ok(old) => rows::copy(&old.connection, &mut new, &mut found)?,
        Err(error) => {
            tracing::error!(%error, file = %aside.display(), "nothing can be read of the damaged database");
            found.torn.push("all".into());
        }
    }
    // Of a message whose other pages are zeros or another message's, the whole one may still be found.
    let torn = "DELETE FROM outbox WHERE state <> 'done' AND NOT coalesce(json_valid(payload), 0)";
    new.connection.execute_batch(torn).map_err(new.fail("salvaging rows"))?;
    let fetched = images::Images::of(&[&rebuilt, &aside], &log, settings.key.as_ref())
        .and_then(|images| messages::fetch(&images, not_expired(settings), &new.connection))
        .map_err(|e| StoreError::file("reading", &rebuilt, e))?;
    if fetched > 0 {
        *found.rows.entry("outbox".into()).or_default() += fetched;
    }
    for name in with_companions(&rebuilt) {
        remove(&name)?;
    }
    judge_chain(settings, &mut new, &mut found)?;
    let folder = dir.join(format!("pictures.{}", suffix(&aside)));
    found.pictures_aside = move_pictures(settings, &new, &folder)?;
    drop(new);
    let fail = |e| StoreError::file("syncing", &fresh, e);
    std::fs::File::open(&fresh).and_then(|f| f.sync_all()).map_err(fail)?;
    rename(&fresh, &settings.database())?;
    sync_dir(dir)?;
    remove(&note(settings))?;
    sync_dir(dir)?;
    Ok(found)
}

/// Since when a message must have been made to be fetched from pages: older ones have been deleted, or must be.
fn not_expired(settings: &Settings) -> messages::Terms {
    let since = |days: Option<u32>| days.map_or(i64::MIN, |days| retention::before(Utc::now(), days));
    let terms = settings.retention.map(|r| r.terms);
    messages::Terms {
        // With the readable plate go the passage's hits and their messages.
        hits: since(terms.map(|t| t.hits.min(t.plate_texts))),
        passages: since(terms.map(|t| t.non_hits)),
    }
}

/// `damaged-20261125T031500Z` of the file's name.
fn suffix(aside: &Path) -> String {
    aside.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Gives the database its new name, its log and index too; goes on where that was cut off.
fn set_aside(settings: &Settings) -> Result<PathBuf, StoreError> {
    let (dir, database, note) = (&settings.dir, settings.database(), note(settings));
    let aside = match std::fs::read_to_string(&note) {
        Ok(name) if name.starts_with("platewatch.db.damaged-") && !name.contains('/') => dir.join(name),
        _ => {
            let aside = unused_name(dir);
            let name = aside.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            std::fs::File::create(&note)
                .and_then(|mut f| f.write_all(name.as_bytes()).and_then(|()| f.sync_all()))
                .map_err(|e| StoreError::file("writing", &note, e))?;
            sync_dir(dir)?;
            aside
        }
    };
    for (from, to) in with_companions(&database).iter().zip(with_companions(&aside)) {
        // What has its new name already was moved before the cut; what lies at the old one then is the new
        // database of this very recovery, and its note would be gone but for the last moment.
        if from.exists() && !to.exists() {
            rename(from, &to)?;
        }
    }
    sync_dir(dir)?;
    Ok(aside)
}

/// Named by the time, which two damages in a second, or a clock that stands at 1970, may share.
fn unused_name(dir: &Path) -> PathBuf {
    let stamp: String =
        Utc::now().to_string().chars().filter(|c| c.is_ascii_alphanumeric()).take(15).collect();
    let named = |n: u32| {
        let more = if n == 0 { String::new() } else { format!("-{n}") };
        dir.join(format!("platewatch.db.damaged-{stamp}Z{more}"))
    };
    let taken = |path: &PathBuf| with_companions(path).iter().any(|p| p.exists());
    (0..).map(named).find(|p| !taken(p)).unwrap_or_else(|| named(u32::MAX))
}

/// The file, its write-ahead log and the log's index.
fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|e| StoreError::file("moving aside", from, e))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(StoreError::file("removing", path, e)),
        _ => Ok(()),
    }
}

/// An empty database of this version that is written in one go: it has its name only when it is whole.
fn create(settings: &Settings, path: &Path) -> Result<Database, StoreError> {
    let fail = |e| StoreError::sql("making a new database", path, e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut db = Database::connect_to(settings, path.to_path_buf(), flags)?;
    db.connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")
        .map_err(fail)?;
    upgrade::create(&mut db)?;
    Ok(db)
}

/// The copy of the damaged database.
fn source(settings: &Settings, aside: &Path) -> Result<Database, StoreError> {
    let fail = |e| StoreError::sql("opening the damaged database", aside, e);
    let db = Database::connect_to(settings, aside.to_path_buf(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON;").map_err(fail)?;
    let tables: i64 = db
        .connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |r| r.get(0))
        .map_err(fail)?;
    if tables == 0 {
        return Err(StoreError::Damaged { path: aside.to_path_buf(), what: "no table can be found".into() });
    }
    Ok(db)
}

/// Puts the first page of `fresh` over that of `damaged`, with the size the file has.
fn borrow_first_page(fresh: &Path, damaged: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::FileExt;
    const PAGE: usize = 4096;
    let fail = |e| StoreError::file("mending", damaged, e);
    let mut page = [0; PAGE];
    std::fs::File::open(fresh).and_then(|f| f.read_exact_at(&mut page, 0)).map_err(fail)?;
    if !page.starts_with(b"SQLite format 3\0") {
        return Ok(()); // encrypted: the first page of another database does not fit
    }
    let file = std::fs::OpenOptions::new().write(true).open(damaged).map_err(fail)?;
    let pages = file.metadata().map_err(fail)?.len() / PAGE as u64;
    let pages = u32::try_from(pages).unwrap_or(u32::MAX).to_be_bytes();
    file.write_all_at(&page, 0).map_err(fail)?;
    file.write_all_at(&pages, 28).map_err(fail)
}

/// Whether the write-ahead log beside the database holds transactions that SQLite would drop without a word.
pub(super) fn is_log_torn(settings: &Settings) -> bool {
    let [_, log, _] = with_companions(&settings.database());
    log::is_torn(&log).unwrap_or_else(|error| {
        tracing::error!(%error, "the write-ahead log cannot be read");
        false
    })
}

/// Keeps the copied chain where it holds; else writes it to a file beside and empties it.
fn judge_chain(settings: &Settings, new: &mut Database, found: &mut Salvaged) -> Result<(), StoreError> {
    let report = audit::verify(new, None, found.old_head.as_ref())?;
    // The head last told must be in it: a chain whose end is lost is not whole.
    found.chain_whole = report.is_whole() && !found.torn.iter().any(|t| t == "audit" || t == "all");
    if found.chain_whole && report.head.seq > 0 {
        found.old_head = Some(report.head);
        return Ok(());
    }
    if report.head.seq > found.old_head.as_ref().map_or(0, |h| h.seq) {
        found.old_head = Some(report.head);
    }
    found.chain_whole = false;
    let forget = "DELETE FROM audit_seal; DELETE FROM audit;";
    if settings.key.is_some() {
        // What is encrypted stays so: what can be read of the old chain lies in the file moved aside.
        return new.connection.execute_batch(forget).map_err(new.fail("beginning a new audit chain"));
    }
    let mut name = found.aside.as_os_str().to_owned();
    name.push(".audit.jsonl");
    let path = PathBuf::from(name);
    let written = std::fs::File::create(&path).and_then(|mut file| {
        let mut next = 1;
        while let Ok(rows) = audit::rows(new, next, 1_000) {
            let Some(last) = rows.last() else { break };
            next = last.seq + 1;
            for r in &rows {
                let line = serde_json::json!({
                    "seq": r.seq, "at": r.at.to_string(), "actor": r.actor, "action": r.action,
                    "detail": r.detail, "previous": r.previous, "hash": r.hash, "salt": r.salt,
                });
                writeln!(file, "{line}")?;
            }
        }
        file.sync_all()
    });
    written.map_err(|e| StoreError::file("writing", &path, e))?;
    new.connection.execute_batch(forget).map_err(new.fail("beginning a new audit chain"))
}

/// Moves pictures that no row names any more into `folder`; how many.
fn move_pictures(settings: &Settings, db: &Database, folder: &Path) -> Result<u64, StoreError> {
    let from = settings.pictures();
    if !from.exists() {
        return Ok(0);
    }
    let mut moved = 0;
    for file in db.pictures.without_a_row(db)? {
        let Some(name) = file.file_name() else { continue };
        if moved == 0 {
            std::fs::create_dir_all(folder).map_err(|e| StoreError::file("making the folder", folder, e))?;
        }
        rename(&file, &folder.join(name))?;
        moved += 1;
    }
    Ok(moved)
}

/// Tells the chain of the new database, at once signed: it is the row that links it to the old one.
pub(super) fn tell(
    db: &mut Database,
    key: &SigningKey,
    why: &str,
    what: &Salvaged,
) -> Result<(), StoreError> {
    tracing::error!(
        why, aside = %what.aside.display(), salvaged = ?what.rows, left = ?what.misfits, torn = ?what.torn,
        chain_whole = what.chain_whole, pictures_aside = what.pictures_aside,
        "the database was damaged: it was moved aside and a new one begun; platewatch alarms acknowledge when seen"
    );
    let now = Utc::now();
    audit::append_sealed(db, key, &what.entry(why), now, true).map(|_| ())
}

#[cfg(test)]
mod tests;
