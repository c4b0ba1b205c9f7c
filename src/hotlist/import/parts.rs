//! Pieces of a row: where they stand and how they are shown to people.

use super::mapping::{Part, Place};
use super::report::Problem;
use super::row::{Cells, tagged};
use super::text::Line;
use serde_json::Value;
use std::borrow::Cow;

/// One row as it stands in the file.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub line: Line<'a>,
    pub cells: &'a Cells,
    /// The object, where the file is JSON.
    pub object: Option<&'a Value>,
}

/// The bytes of a part, spaces and all, and the byte of the line at which they begin.
pub(super) fn raw<'a>(row: Row<'a>, part: &Part) -> Option<(&'a [u8], usize)> {
    let (bytes, at) = match &part.place {
        Place::Line => (row.line.bytes, 0),
        Place::Column(i) => row.cells.get(row.line, *i)?,
        Place::Tag(tag) => tagged(row.line.bytes, tag.as_bytes())?,
        Place::Named(_) | Place::Member(_) => return None,
    };
    let Some((from, to)) = part.chars else { return Some((bytes, at)) };
    let (from, to) = byte_range(bytes, from, to);
    Some((bytes.get(from..to)?, at + from))
}

/// Bytes of the characters `from..to`; one byte a character where the text is ASCII, as nearly all is.
fn byte_range(bytes: &[u8], from: usize, to: usize) -> (usize, usize) {
    if bytes.is_ascii() {
        return (from.min(bytes.len()), to.min(bytes.len()));
    }
    // A byte that continues a character begins none; bytes that are no UTF-8 count one each.
    let mut starts = (0..bytes.len()).filter(|&i| bytes.get(i).is_some_and(|b| b & 0xC0 != 0x80));
    let start = starts.by_ref().nth(from).unwrap_or(bytes.len());
    let end = if to == usize::MAX { None } else { starts.nth(to.saturating_sub(from).saturating_sub(1)) };
    (start, end.unwrap_or(bytes.len()).max(start))
}

pub(super) fn characters(bytes: &[u8]) -> usize {
    if bytes.is_ascii() { bytes.len() } else { bytes.iter().filter(|b| **b & 0xC0 != 0x80).count() }
}

pub(super) fn cut(text: Cow<'_, str>, chars: Option<(usize, usize)>) -> Cow<'_, str> {
    match chars {
        None => text,
        Some((from, to)) => Cow::Owned(text.chars().skip(from).take(to.saturating_sub(from)).collect()),
    }
}

/// The text of a member, trimmed; empty where there is none.
pub(super) fn member<'a>(object: &'a Value, path: &[String]) -> Result<Cow<'a, str>, String> {
    let found = path.iter().try_fold(object, |at, name| at.get(name));
    match found {
        None | Some(Value::Null) => Ok(Cow::Borrowed("")),
        Some(Value::String(text)) => Ok(Cow::Borrowed(text.trim())),
        Some(Value::Number(n)) => Ok(Cow::Owned(n.to_string())),
        Some(Value::Bool(b)) => Ok(Cow::Borrowed(if *b { "true" } else { "false" })),
        Some(Value::Array(_)) => Err("an array".into()),
        Some(Value::Object(_)) => Err("an object".into()),
    }
}

/// Line and column, in characters from 1, of the character `char_in` after byte `at` of a row.
pub(super) fn place(line: Line<'_>, at: usize, char_in: usize) -> (u64, u64) {
    let before = line.bytes.get(..at).unwrap_or(line.bytes);
    let is_break = |b: &u8| *b == b'\n';
    let start = before.iter().rposition(is_break).map_or(0, |i| i + 1);
    let breaks = before.iter().filter(|b| is_break(b)).count() as u64;
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count();
    (line.number + breaks, (column + 1 + char_in) as u64)
}

pub(super) fn problem(line: u64, column: u64, field: &str, found: String, allowed: &str) -> Problem {
    Problem { line, column, field: field.to_owned(), found, allowed: allowed.to_owned() }
}

/// A text in quotes, cut to 40 characters, control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}

pub(super) fn shown_bytes(bytes: &[u8]) -> String {
    format!("{} with bytes that are not UTF-8", shown(&String::from_utf8_lossy(bytes)))
}
