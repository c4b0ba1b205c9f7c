//! Messages that wait, fetched from the pages themselves: where a table's branches are gone, its leaves may still be
//! there, and what was promised to be sent must be looked for everywhere.
//!
//! Format: <https://sqlite.org/fileformat2.html#b_tree_pages>. A page is taken for a leaf of the outbox where its rows
//! have the outbox's shape; the new table's own rules refuse the rest.

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What every database of ours has.
const PAGE: usize = 4096;
/// First byte of a leaf of a table.
const LEAF: u8 = 0x0d;
/// Longer payloads are noise: a message is a few KiB.
const LONGEST: usize = 1 << 20;
/// Columns of the outbox in its first version; later ones only gain.
const COLUMNS: usize = 10;

/// Adds the waiting messages of `file` that `new` does not have, and then those of any page of `log`, valid or of
/// an earlier round; how many. The latter may have been delivered since: they go out again under their ids.
pub(super) fn fetch_messages(file: &Path, log: &Path, new: &Connection) -> io::Result<u64> {
    let file = File::open(file)?;
    let mut fetched = 0;
    let mut each = |from: &File, at: u64, first: bool| {
        let mut page = vec![0; PAGE];
        if from.read_exact_at(&mut page, at).is_err() {
            return;
        }
        // The first page begins with the header of the file.
        let at = if first { 100 } else { 0 };
        if page.get(at) != Some(&LEAF) {
            return;
        }
        let cells = u16_at(&page, at + 3).map_or(0, usize::from).min(PAGE / 4);
        for i in 0..cells {
            let row = u16_at(&page, at + 8 + 2 * i).and_then(|c| message(&file, &page, usize::from(c)));
            if let Some(row) = row {
                fetched += keep(new, &row);
            }
        }
    };
    for number in 0..file.metadata()?.len() / PAGE as u64 {
        each(&file, number * PAGE as u64, number == 0);
    }
    match File::open(log) {
        Ok(log) => {
            let (header, frame) = (32, 24 + PAGE as u64);
            for number in 0..log.metadata()?.len().saturating_sub(header) / frame {
                each(&log, header + number * frame + 24, false);
            }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    Ok(fetched)
}

fn keep(new: &Connection, row: &[Value]) -> u64 {
    let text = |i: usize| match row.get(i) {
        Some(Value::Text(t)) => Some(t.as_str()),
        _ => None,
    };
    let (Some(event), Some(kind), Some(topic), Some(payload), Some("pending")) =
        (text(1), text(2), text(4), text(5), text(7))
    else {
        return 0;
    };
    let Some(Value::Integer(created_at)) = row.get(6) else { return 0 };
    // Noise may have the shape: a message names its own event.
    if event.len() != 36
        || !payload.contains(event)
        || serde_json::from_str::<serde_json::Value>(payload).is_err()
    {
        return 0;
    }
    let insert = "INSERT OR IGNORE INTO outbox (event_id, kind, hit, topic, payload, created_at)
                  SELECT ?1, ?2, (SELECT id FROM hit WHERE id = ?3), ?4, ?5, ?6";
    new.execute(insert, params![event, kind, text(3), topic, payload, created_at]).unwrap_or(0) as u64
}

fn page(file: &File, number: u64) -> Option<Vec<u8>> {
    let mut page = vec![0; PAGE];
    file.read_exact_at(&mut page, number * PAGE as u64).ok()?;
    Some(page)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The row of the cell at `at`, where it has the columns of the outbox.
fn message(file: &File, page: &[u8], at: usize) -> Option<Vec<Value>> {
    let (length, at) = varint(page, at)?;
    let (_, at) = varint(page, at)?;
    let record = payload(file, page, at, usize::try_from(length).ok()?)?;
    let (head, mut next) = varint(&record, 0)?;
    let head = usize::try_from(head).ok()?;
    let mut body = head;
    let mut row = Vec::new();
    while next < head && row.len() < COLUMNS {
        let (kind, after) = varint(&record, next)?;
        let (value, end) = value(&record, kind, body)?;
        (next, body) = (after, end);
        row.push(value);
    }
    (row.len() == COLUMNS).then_some(row)
}

/// A cell's payload, with what has gone over to other pages.
fn payload(file: &File, page: &[u8], at: usize, length: usize) -> Option<Vec<u8>> {
    if length > LONGEST {
        return None;
    }
    let most = PAGE - 35;
    if length <= most {
        return Some(page.get(at..at + length)?.to_vec());
    }
    let least = (PAGE - 12) * 32 / 255 - 23;
    let spilled = least + (length - least) % (PAGE - 4);
    let here = if spilled <= most { spilled } else { least };
    let mut all = page.get(at..at + here)?.to_vec();
    let mut next = u32::from_be_bytes(page.get(at + here..at + here + 4)?.try_into().ok()?);
    while all.len() < length {
        let more = self::page(file, u64::from(next.checked_sub(1)?))?;
        next = u32::from_be_bytes(more.get(..4)?.try_into().ok()?);
        let take = (length - all.len()).min(PAGE - 4);
        all.extend_from_slice(more.get(4..4 + take)?);
    }
    Some(all)
}

/// A number of one to nine bytes, and where the next begins.
fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut n = 0_u64;
    for i in 0..9 {
        let byte = *bytes.get(at)?;
        at += 1;
        if i == 8 {
            return Some((n << 8 | u64::from(byte), at));
        }
        n = n << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((n, at))
}

/// The value of serial type `kind` at `at`, and where the next begins.
fn value(record: &[u8], kind: u64, at: usize) -> Option<(Value, usize)> {
    let whole = |n: usize| -> Option<i64> {
        let bytes = record.get(at..at + n)?;
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1_i64 };
        Some(bytes.iter().fold(sign, |n, b| n << 8 | i64::from(*b)))
    };
    Some(match kind {
        0 => (Value::Null, at),
        1..=4 => (Value::Integer(whole(kind as usize)?), at + kind as usize),
        5 => (Value::Integer(whole(6)?), at + 6),
        6 => (Value::Integer(whole(8)?), at + 8),
        7 => (Value::Real(f64::from_bits(whole(8)?.cast_unsigned())), at + 8),
        8 | 9 => (Value::Integer(i64::try_from(kind).ok()? - 8), at),
        12.. => {
            let length = usize::try_from((kind - 12) / 2).ok()?;
            let bytes = record.get(at..at.checked_add(length)?)?;
            let value = if kind % 2 == 1 {
                Value::Text(std::str::from_utf8(bytes).ok()?.to_owned())
            } else {
                Value::Blob(bytes.to_vec())
            };
            (value, at + length)
        }
        _ => return None,
    })
}
