//! Files that are one JSON document with an array of entries.
//!
//! The array is walked by hand and each entry read on its own: one broken entry costs one row, and a
//! problem has a line.

use super::builder::Builder;
use super::fields::{Checker, Outcome};
use super::lines::Stop;
use super::mapping::Mapping;
use super::parts::{Row, problem};
use super::report::ImportError;
use super::row::Cells;
use super::text::{Line, Text};
use serde_json::Value;
use std::io::Read;

/// The largest document taken, in bytes: it is held whole.
const MAX_BYTES: usize = 512 << 20;

/// Reads every entry of `text` into `builder`.
pub(super) fn read<R: Read>(
    text: &mut Text<R>,
    mapping: &Mapping,
    path: &[String],
    builder: &mut Builder,
) -> Result<(), Stop> {
    let bytes = text.rest(MAX_BYTES)?;
    let mut scan = Scan { bytes, at: 0 };
    if !scan.enter(path) {
        let found = if bytes.trim_ascii().is_empty() { "nothing" } else { "other JSON, or none" };
        let wanted = match path {
            [] => "an array of entries".to_owned(),
            path => format!("an object whose member {:?} is an array of entries", path.join(".")),
        };
        let line = 1 + breaks(bytes.get(..scan.at).unwrap_or_default());
        return Err(Stop::Refused(ImportError::Header {
            path: None,
            problem: problem(line, 1, "document", found.to_owned(), &wanted),
        }));
    }
    let mut checker = Checker::new(mapping);
    let cells = Cells::default();
    let (mut counted, mut number) = (0, 1);
    loop {
        let from = scan.space();
        if matches!(bytes.get(from), None | Some(b']')) {
            if bytes.get(from).is_none() {
                let allowed = "a document with its end; is the file whole?";
                builder.bad(1, [problem(number, 1, "document", "cut off".into(), allowed)]);
            }
            return Ok(());
        }
        let to = scan.value();
        number += breaks(bytes.get(counted..from).unwrap_or_default());
        counted = from;
        let entry = bytes.get(from..to).unwrap_or_default();
        let line = Line { bytes: entry, number, lines: 1, cut: false };
        match serde_json::from_slice::<Value>(entry) {
            Ok(object @ Value::Object(_)) => {
                match checker.check(Row { line, cells: &cells, object: Some(&object) }) {
                    Outcome::Good(checked) => builder.take(checked),
                    Outcome::Skipped => builder.report.skipped += 1,
                    Outcome::Bad(problems) => builder.bad(1, problems),
                }
            }
            Ok(_) => builder.bad(1, [problem(number, 1, "entry", "no object".into(), "an object")]),
            Err(e) => {
                let at = number + e.line().saturating_sub(1) as u64;
                let column = e.column().max(1) as u64;
                builder.bad(1, [problem(at, column, "entry", format!("no JSON ({e})"), "JSON")]);
            }
        }
        let next = scan.space();
        match bytes.get(next) {
            Some(b',') => scan.at = next + 1,
            Some(b']') => return Ok(()),
            _ => {
                let at = number + breaks(bytes.get(counted..next).unwrap_or_default());
                let allowed = "a comma or the end of the array; what follows is not read";
                builder.bad(1, [problem(at, 1, "document", "broken off or mistaken".into(), allowed)]);
                return Ok(());
            }
        }
    }
}

fn breaks(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Walks JSON without keeping any of it.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over white space; gives where it ends.
    fn space(&mut self) -> usize {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.at
    }

    /// Passes over a string that begins here.
    fn string(&mut self) {
        self.at += 1;
        while let Some(b) = self.peek() {
            self.at += if b == b'\\' { 2 } else { 1 };
            if b == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    /// Passes over the value that begins here; gives where it ends. What is no JSON ends at the next comma
    /// or bracket.
    fn value(&mut self) -> usize {
        let mut depth = 0usize;
        while let Some(b) = self.peek() {
            match b {
                b'"' => {
                    self.string();
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    if depth <= 1 {
                        self.at += usize::from(depth == 1);
                        break;
                    }
                    depth -= 1;
                }
                b',' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at
    }

    /// Goes to the first entry of the array at `path`.
    fn enter(&mut self, path: &[String]) -> bool {
        for name in path {
            self.space();
            if self.peek() != Some(b'{') {
                return false;
            }
            self.at += 1;
            loop {
                let from = self.space();
                if self.peek() != Some(b'"') {
                    return false;
                }
                self.string();
                let key = self.bytes.get(from..self.at).unwrap_or_default();
                let is_it = serde_json::from_slice::<String>(key).is_ok_and(|k| k == *name);
                self.space();
                if self.peek() != Some(b':') {
                    return false;
                }
                self.at += 1;
                self.space();
                if is_it {
                    break;
                }
                self.value();
                self.space();
                if self.peek() != Some(b',') {
                    return false;
                }
                self.at += 1;
            }
        }
        self.space();
        let found = self.peek() == Some(b'[');
        self.at += usize::from(found);
        found
    }
}
