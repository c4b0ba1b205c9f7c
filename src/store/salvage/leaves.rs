//! Rows of a table's leaves, read from the pages themselves: where the branches are gone, the leaves may still be there.
//!
//! Format: <https://sqlite.org/fileformat2.html#b_tree_pages>. What has gone over to other pages is looked for in every
//! image of these: the one of the same moment is not known, but only the right one gives a row that makes sense.

use super::images::{Images, PAGE};
use rusqlite::types::Value;

/// First byte of a leaf of a table.
const LEAF: u8 = 0x0d;
/// Longer payloads are noise: a message is a few KiB.
const LONGEST: usize = 1 << 20;
/// Columns of the outbox in its first version; later ones only gain.
const COLUMNS: usize = 10;
/// Images of a page that are tried at most.
const IMAGES: usize = 32;

/// Rows of the outbox's width on `page`, whose own header begins at `from`; more than one of a cell where what it has
/// on other pages is there in several images.
pub(super) fn rows(images: &Images, page: &[u8], from: usize) -> Vec<Vec<Value>> {
    if page.get(from) != Some(&LEAF) {
        return Vec::new();
    }
    let cells = u16_at(page, from + 3).map_or(0, usize::from).min(PAGE / 4);
    let places = (0..cells).filter_map(|i| u16_at(page, from + 8 + 2 * i));
    places.flat_map(|at| payloads(images, page, usize::from(at))).filter_map(|p| row(&p)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The values of a record.
fn row(record: &[u8]) -> Option<Vec<Value>> {
    let (head, mut next) = varint(record, 0)?;
    let head = usize::try_from(head).ok()?;
    let mut body = head;
    let mut row = Vec::new();
    while next < head && row.len() < COLUMNS {
        let (kind, after) = varint(record, next)?;
        let (value, end) = value(record, kind, body)?;
        (next, body) = (after, end);
        row.push(value);
    }
    (row.len() == COLUMNS).then_some(row)
}

/// What the cell at `at` holds, with what has gone over to other pages.
fn payloads(images: &Images, page: &[u8], at: usize) -> Vec<Vec<u8>> {
    let cell = || {
        let (length, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        Some((usize::try_from(length).ok().filter(|n| *n <= LONGEST)?, at))
    };
    let Some((length, at)) = cell() else { return Vec::new() };
    let usable = images.usable();
    let most = usable - 35;
    if length <= most {
        return page.get(at..at + length).map(<[u8]>::to_vec).into_iter().collect();
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let spilled = least + (length - least) % (usable - 4);
    let here = if spilled <= most { spilled } else { least };
    let (Some(begun), Some(next)) = (page.get(at..at + here), u32_at(page, at + here)) else {
        return Vec::new();
    };
    let mut whole: Vec<Vec<u8>> =
        (0..IMAGES).map_while(|choice| followed(images, begun, next, length, choice)).flatten().collect();
    whole.dedup();
    whole
}

/// The payload that begins with `begun`, each further page taken from its image number `choice`, or its last one.
/// `None` where no page has so many images; `Some(None)` where the chain breaks.
fn followed(
    images: &Images,
    begun: &[u8],
    mut next: u32,
    length: usize,
    choice: usize,
) -> Option<Option<Vec<u8>>> {
    let mut all = begun.to_vec();
    let mut chosen = choice == 0;
    while all.len() < length {
        let candidates: Vec<Vec<u8>> = images.numbered(next).take(choice + 1).collect();
        chosen |= candidates.len() > choice;
        let Some(page) = candidates.last().filter(|_| next > 0) else { return chosen.then_some(None) };
        let take = (length - all.len()).min(images.usable() - 4);
        let (Some(more), Some(after)) = (page.get(4..4 + take), u32_at(page, 0)) else { return Some(None) };
        all.extend_from_slice(more);
        next = after;
    }
    chosen.then_some(Some(all))
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
