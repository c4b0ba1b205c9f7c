//! Copying what can be read, table by table, whatever tables this version has.
//!
//! A damaged page makes every statement fail that comes to it. So rows are asked for by their number: behind a
//! failure, ever farther on, until SQLite finds its way to a page that is sound again.

use super::super::StoreError;
use super::super::connection::Database;
use super::Salvaged;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, Statement, params_from_iter};

/// What was promised to be sent and kept comes first: a disk that dies meanwhile takes the rest.
const FIRST: &[&str] = &[
    "outbox",
    "list_version",
    "model_versions",
    "past_search",
    "hit",
    "outcome",
    "evidence",
    "audit",
    "audit_seal",
    "passage",
];
/// Steps by which a damaged stretch is passed at most, in rows: more than any page or branch of pages holds.
const FARTHEST: i64 = 1 << 40;

/// Copies every table that both have, then lets go of rows that point at nothing.
pub(super) fn copy(old: &Connection, new: &mut Database, found: &mut Salvaged) -> Result<(), StoreError> {
    let fail = new.fail("salvaging rows");
    let tx = new.connection.transaction().map_err(&fail)?;
    let mut tables = names(&tx).map_err(&fail)?;
    tables.sort_by_key(|t| FIRST.iter().position(|f| f == t).unwrap_or(FIRST.len()));
    for table in tables.iter().filter(|t| *t != "schema_version") {
        let (rows, whole) = copy_table(old, &tx, table).map_err(&fail)?;
        if rows > 0 {
            found.rows.insert(table.clone(), rows);
        }
        if !whole {
            found.torn.push(table.clone());
        }
    }
    let_go(&tx, found).map_err(&fail)?;
    tx.commit().map_err(&fail)
}

fn names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?
        .query_map([], |r| r.get(0))?
        .collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare("SELECT name FROM pragma_table_info(?1)")?.query_map([table], |r| r.get(0))?.collect()
}

/// Copies a table; how many rows, and whether that is all of it. Only a failure of the new database is an error.
fn copy_table(old: &Connection, new: &Connection, table: &str) -> rusqlite::Result<(u64, bool)> {
    let wanted = columns(new, table)?;
    let Ok(there) = columns(old, table) else { return Ok((0, false)) };
    let common: Vec<String> = wanted.into_iter().filter(|c| there.contains(c)).collect();
    if common.is_empty() {
        return Ok((0, there.is_empty()));
    }
    let list = common.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
    let marks = vec!["?"; common.len()].join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO \"{table}\" ({list}) VALUES ({marks})"))?;
    let without_rowid: bool =
        new.query_row("SELECT wr FROM pragma_table_list WHERE name = ?1", [table], |r| r.get(0))?;
    if without_rowid {
        return copy_keyed(old, &mut insert, table, &list, common.len());
    }
    let sql = format!("SELECT rowid, {list} FROM \"{table}\" WHERE rowid > ?1 ORDER BY rowid");
    let Ok(mut select) = old.prepare(&sql) else { return Ok((0, false)) };
    let sql =
        format!("SELECT rowid, {list} FROM \"{table}\" WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid DESC");
    let Ok(mut back) = old.prepare(&sql) else { return Ok((0, false)) };
    let (mut copied, mut whole) = (0, true);
    // The row last reached, and how far beyond it the next attempt begins.
    let (mut at, mut skip) = (i64::MIN, 0_i64);
    loop {
        let from = at.saturating_add(skip);
        let end = walk(&mut select, from, common.len(), &mut insert, &mut copied, &mut whole)?;
        if skip > 0 && !matches!(end, Walked::Torn { reached: None }) {
            // Steps double: what lies sound between the last that failed and this one is fetched from behind.
            let least = at.saturating_add(skip / 2);
            copied += fetch(&mut back, least, from, common.len(), &mut insert)?;
        }
        match end {
            Walked::ToTheEnd => return Ok((copied, whole)),
            Walked::Torn { reached } => {
                whole = false;
                match reached {
                    Some(reached) => (at, skip) = (reached, 1),
                    // Before the first row there is nothing to count from.
                    None if at == i64::MIN => (at, skip) = (0, 1),
                    None => skip = skip.saturating_mul(2).max(1),
                }
                if skip > FARTHEST {
                    return Ok((copied, false));
                }
            }
        }
    }
}

enum Walked {
    ToTheEnd,
    /// A page could not be read; `reached` is the row before it, where there was one.
    Torn {
        reached: Option<i64>,
    },
}

/// Copies from after row `from` on until the end or until a page cannot be read.
fn walk(
    select: &mut Statement<'_>,
    from: i64,
    columns: usize,
    insert: &mut Statement<'_>,
    copied: &mut u64,
    whole: &mut bool,
) -> rusqlite::Result<Walked> {
    let mut reached = None;
    let Ok(mut rows) = select.query([from]) else { return Ok(Walked::Torn { reached }) };
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Walked::ToTheEnd),
            Err(_) => return Ok(Walked::Torn { reached }),
        };
        // A torn page may give any number; one that does not grow would never end.
        let number = match row.get::<_, i64>(0) {
            Ok(number) if number > reached.unwrap_or(from) => number,
            _ => return Ok(Walked::Torn { reached }),
        };
        reached = Some(number);
        match values(row, 1, columns) {
            Some(values) => *copied += take(insert, values)?,
            None => *whole = false,
        }
    }
}

/// Copies rows above `least` up to `most`, the last first, until a page cannot be read.
fn fetch(
    back: &mut Statement<'_>,
    least: i64,
    most: i64,
    columns: usize,
    insert: &mut Statement<'_>,
) -> rusqlite::Result<u64> {
    let (mut copied, mut before) = (0, i64::MAX);
    let Ok(mut rows) = back.query([least, most]) else { return Ok(0) };
    while let Ok(Some(row)) = rows.next() {
        match row.get::<_, i64>(0) {
            Ok(number) if number < before => before = number,
            _ => break,
        }
        if let Some(values) = values(row, 1, columns) {
            copied += take(insert, values)?;
        }
    }
    Ok(copied)
}

/// A table without row numbers is read in its own order until a page cannot be read, and then from its end.
fn copy_keyed(
    old: &Connection,
    insert: &mut Statement<'_>,
    table: &str,
    list: &str,
    columns: usize,
) -> rusqlite::Result<(u64, bool)> {
    let mut copied = 0;
    let first = list.split(',').next().unwrap_or(list);
    for order in ["", "DESC"] {
        let sql = format!("SELECT {list} FROM \"{table}\" ORDER BY {first} {order}");
        let Ok(mut select) = old.prepare(&sql) else { return Ok((copied, false)) };
        let Ok(mut rows) = select.query([]) else { continue };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    if let Some(values) = values(row, 0, columns) {
                        copied += take(insert, values)?;
                    }
                }
                Ok(None) if order.is_empty() => return Ok((copied, true)),
                Ok(None) | Err(_) => break,
            }
        }
    }
    Ok((copied, false))
}

/// The row's values; `None` where they cannot be read or a text is none.
fn values(row: &Row<'_>, from: usize, count: usize) -> Option<Vec<Value>> {
    (from..from + count)
        .map(|i| match row.get_ref(i).ok()? {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(|t| Value::Text(t.to_owned())),
            ValueRef::Null => Some(Value::Null),
            ValueRef::Integer(n) => Some(Value::Integer(n)),
            ValueRef::Real(x) => Some(Value::Real(x)),
            ValueRef::Blob(bytes) => Some(Value::Blob(bytes.to_vec())),
        })
        .collect()
}

/// Puts a row in; one that the new table refuses (noise that looks like a row) is left where it is.
fn take(insert: &mut Statement<'_>, values: Vec<Value>) -> rusqlite::Result<u64> {
    match insert.execute(params_from_iter(values)) {
        Ok(rows) => Ok(rows as u64),
        Err(e) => match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => Err(e),
            _ => Ok(0),
        },
    }
}

/// Rows whose other half is gone: a message keeps going, a link to a search is dropped, the rest is let go.
fn let_go(new: &Connection, found: &mut Salvaged) -> rusqlite::Result<()> {
    new.execute_batch(
        "UPDATE outbox SET hit = NULL WHERE hit NOT IN (SELECT id FROM hit);
         UPDATE hit SET past_search = NULL WHERE past_search NOT IN (SELECT id FROM past_search);
         UPDATE passage SET models = NULL WHERE models NOT IN (SELECT id FROM model_versions);",
    )?;
    // Letting go of one row may leave another without its half.
    for _ in 0..8 {
        let dangling: Vec<(String, Option<i64>)> = new
            .prepare("PRAGMA foreign_key_check")?
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        if dangling.is_empty() {
            return Ok(());
        }
        for (table, row) in dangling {
            let gone = match row {
                Some(row) => new.execute(&format!("DELETE FROM \"{table}\" WHERE rowid = ?1"), [row])?,
                None if table == "passage_evidence" => new.execute(
                    "DELETE FROM passage_evidence WHERE passage NOT IN (SELECT id FROM passage)
                         OR sha256 NOT IN (SELECT sha256 FROM evidence)",
                    [],
                )?,
                None => 0,
            };
            *found.misfits.entry(table).or_default() += gone as u64;
        }
        new.execute_batch("UPDATE outbox SET hit = NULL WHERE hit NOT IN (SELECT id FROM hit)")?;
    }
    Ok(())
}
