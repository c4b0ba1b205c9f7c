//! The CSV layout of the design: a header with `plate` and any of the other columns in any order.
//!
//! RFC 4180, with what people's programs make of it: a byte order mark, any line end, a semicolon or tab
//! instead of the comma where the header has one, blank lines and rows of nothing but separators.
//! Nothing is repaired silently: what is not understood is named with line and column.

use super::builder::{Builder, Checked};
use super::report::{ImportError, Problem};
use crate::domain::{Country, Utc};
use crate::hotlist::lists::Details;
use crate::hotlist::pattern::{ListedError, listed};
use crate::plate::NormaliseError;

/// The columns, `plate` first; all others may be absent.
const COLUMNS: [&str; 8] =
    ["plate", "category", "priority", "country", "valid_from", "valid_until", "case", "instruction"];

/// Category of a row that does not say one.
const NO_CATEGORY: &str = "unspecified";
/// Priority of a row that does not say one.
const NO_PRIORITY: u8 = 50;

const MAX_PLATE_CHARS: usize = 40;
const MAX_CATEGORY_CHARS: usize = 64;
const MAX_CASE_CHARS: usize = 128;
const MAX_INSTRUCTION_CHARS: usize = 1_000;

/// Reads `bytes` into `builder`.
pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ImportError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(ImportError::Encoding { path: None, found: "it is text in UTF-16" });
    }
    if bytes.iter().take(4096).any(|&b| b == 0) {
        return Err(ImportError::Encoding { path: None, found: "it is no text" });
    }
    let mut lines = Lines::new(bytes);
    let delimiter = delimiter(bytes);
    if delimiter != b',' {
        let what = if delimiter == b';' { "semicolons" } else { "tabs" };
        builder.report.warnings.push(format!("columns are separated by {what} instead of commas"));
    }
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut record = ::csv::ByteRecord::new();
    let mut layout: Option<Layout> = None;
    loop {
        // Reading bytes from memory cannot fail; were it to, what follows could not be trusted either.
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                let found = format!("unreadable ({e})");
                let line = lines.line_at(bytes.len());
                builder.bad(1, [problem(line, 1, "row", found, "rows as in RFC 4180")]);
                break;
            }
        }
        let start = record.position().map_or(0, |p| p.byte() as usize);
        let end = reader.position().byte() as usize;
        let row = Row::at(bytes, start, end, delimiter, &mut lines);
        match &layout {
            None => layout = Some(Layout::of(&record, &row, &mut builder.report.warnings)?),
            Some(_) if record.iter().all(|f| f.trim_ascii().is_empty()) => {}
            Some(layout) => match layout.check(&record, &row) {
                Ok(checked) => builder.take(checked),
                Err(problems) => builder.bad(row.lines, problems),
            },
        }
    }
    if layout.is_none() {
        let found = "nothing".to_owned();
        return Err(ImportError::Header {
            path: None,
            problem: problem(1, 1, "header", found, "the names of the columns"),
        });
    }
    Ok(())
}

/// What separates the columns of the first line that has anything in it.
fn delimiter(bytes: &[u8]) -> u8 {
    let ends = |b: &u8| matches!(b, b'\n' | b'\r');
    let header = bytes.split(ends).find(|l| !l.is_empty()).unwrap_or_default();
    let has = |d: u8| header.contains(&d);
    if has(b',') { b',' } else { [b';', b'\t'].into_iter().find(|&d| has(d)).unwrap_or(b',') }
}

/// Counts lines as an editor does; asked for rising places only, so the file is walked once.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line that the byte `to` stands in, from 1.
    fn line_at(&mut self, to: usize) -> u64 {
        let to = to.min(self.bytes.len());
        while self.at < to {
            let next = self.bytes.get(self.at + 1);
            match self.bytes.get(self.at) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') if next != Some(&b'\n') => self.line += 1,
                _ => {}
            }
            self.at += 1;
        }
        self.line
    }
}

/// Where a row stands, to name places in it.
struct Row<'a> {
    raw: &'a [u8],
    delimiter: u8,
    line: u64,
    /// How many lines it spans: more than one only where a quoted field holds a line break.
    lines: u64,
}

impl<'a> Row<'a> {
    fn at(bytes: &'a [u8], start: usize, end: usize, delimiter: u8, lines: &mut Lines<'_>) -> Self {
        let raw = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
        // The reader skips line ends before a row without moving the row's place.
        let skipped = raw.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let raw = raw.get(skipped..).unwrap_or_default();
        let line = lines.line_at(start + skipped);
        let ends = raw.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let raw = raw.get(..raw.len() - ends).unwrap_or_default();
        let last = lines.line_at(start + skipped + raw.len());
        Self { raw, delimiter, line, lines: last - line + 1 }
    }

    /// Line and column of character `char_in` of field `index`.
    fn place(&self, index: usize, char_in: usize) -> (u64, u64) {
        let (mut field, mut quoted, mut start) = (0, false, 0);
        for (i, &b) in self.raw.iter().enumerate() {
            match b {
                b'"' => quoted = !quoted,
                b if b == self.delimiter && !quoted => {
                    field += 1;
                    if field <= index {
                        start = i + 1;
                    }
                }
                _ => {}
            }
        }
        let quote = usize::from(self.raw.get(start) == Some(&b'"'));
        let before = self.raw.get(..start).unwrap_or_default();
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let breaks = before.iter().filter(|&&b| b == b'\n').count() as u64;
        let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count();
        (self.line + breaks, (column + 1 + quote + char_in) as u64)
    }
}

/// Which column stands where.
struct Layout {
    /// Field index of each of [`COLUMNS`].
    at: [Option<usize>; COLUMNS.len()],
    fields: usize,
}

impl Layout {
    fn of(
        record: &::csv::ByteRecord,
        row: &Row<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ImportError> {
        let refuse = |index: usize, found: String, allowed: &str| {
            let (line, column) = row.place(index, 0);
            ImportError::Header { path: None, problem: problem(line, column, "header", found, allowed) }
        };
        let mut at = [None; COLUMNS.len()];
        for (i, name) in record.iter().enumerate() {
            let Ok(name) = std::str::from_utf8(name) else {
                return Err(refuse(i, shown_bytes(name), "text in UTF-8"));
            };
            let name = name.trim();
            let plain = name.to_lowercase().replace([' ', '-'], "_");
            match COLUMNS.iter().position(|c| *c == plain).and_then(|c| at.get_mut(c)) {
                Some(slot @ None) => *slot = Some(i),
                Some(Some(_)) => {
                    return Err(refuse(i, format!("a second column {}", shown(name)), "each column once"));
                }
                None if name.is_empty() => {}
                None => warnings.push(format!(
                    "column {} is not known and is left out; known are {}",
                    shown(name),
                    COLUMNS.join(", ")
                )),
            }
        }
        if at.first() == Some(&None) {
            let line = String::from_utf8_lossy(row.raw);
            let found = format!("without a column \"plate\": {}", shown(&line));
            return Err(refuse(0, found, "a column \"plate\""));
        }
        Ok(Self { at, fields: record.len() })
    }

    /// The checked row, or everything wrong with it.
    fn check(&self, record: &::csv::ByteRecord, row: &Row<'_>) -> Result<Checked, Vec<Problem>> {
        // A line break inside quotes is a quote that nobody closed: the rows after it are in this one.
        if row.lines > 1 {
            let allowed = "a row on one line; is a quotation mark left open?";
            let found = format!("{} lines long", row.lines);
            return Err(vec![problem(row.line, 1, "row", found, allowed)]);
        }
        // A row cut short may have lost the end of its validity; a longer one has a separator too many.
        let surplus = record.iter().skip(self.fields).any(|f| !f.trim_ascii().is_empty());
        if record.len() < self.fields || surplus {
            let found = format!("{} fields long", record.len());
            let allowed = format!("{} fields as in the header; text with a separator in quotes", self.fields);
            let (line, column) = row.place(record.len().min(self.fields), 0);
            return Err(vec![problem(line, column, "row", found, &allowed)]);
        }
        let fields = Fields { layout: self, record, row };
        let mut problems = Vec::new();
        let mut keep = |p: Problem| problems.push(p);
        let plate = fields.plate().map_err(&mut keep).ok();
        let category = fields.text(1, MAX_CATEGORY_CHARS).map_err(&mut keep).ok();
        let priority = fields.priority().map_err(&mut keep).ok();
        let country = fields.country().map_err(&mut keep).ok();
        let valid_from = fields.time(4).map_err(&mut keep).ok();
        let valid_until = fields.time(5).map_err(&mut keep).ok();
        let case = fields.text(6, MAX_CASE_CHARS).map_err(&mut keep).ok();
        let instruction = fields.text(7, MAX_INSTRUCTION_CHARS).map_err(&mut keep).ok();
        if let (Some(Some(from)), Some(Some(until))) = (valid_from, valid_until)
            && until <= from
        {
            keep(fields.problem(5, 0, format!("{until}"), "a time after valid_from"));
        }
        let (
            Some(plate),
            Some(category),
            Some(priority),
            Some(country),
            Some(valid_from),
            Some(valid_until),
            Some(case),
            Some(instruction),
            true,
        ) = (
            plate,
            category,
            priority,
            country,
            valid_from,
            valid_until,
            case,
            instruction,
            problems.is_empty(),
        )
        else {
            return Err(problems);
        };
        let category = if category.is_empty() { NO_CATEGORY } else { category }.to_owned();
        let instruction = instruction.to_owned();
        Ok(Checked {
            plate,
            line: row.line,
            details: Details { country, category, priority, valid_from, valid_until, instruction },
            case: case.to_owned(),
        })
    }
}

/// The fields of one row by their place in [`COLUMNS`].
struct Fields<'a> {
    layout: &'a Layout,
    record: &'a ::csv::ByteRecord,
    row: &'a Row<'a>,
}

impl<'a> Fields<'a> {
    fn index(&self, column: usize) -> Option<usize> {
        self.layout.at.get(column).copied().flatten()
    }

    fn problem(&self, column: usize, char_in: usize, found: String, allowed: &str) -> Problem {
        let (line, at) = self.row.place(self.index(column).unwrap_or(0), char_in);
        problem(line, at, COLUMNS.get(column).copied().unwrap_or("row"), found, allowed)
    }

    /// The field as text without the spaces around it, and how many characters stand before it; empty
    /// where the file has no such column.
    fn raw(&self, column: usize) -> Result<(&'a str, usize), Problem> {
        let Some(bytes) = self.index(column).and_then(|i| self.record.get(i)) else { return Ok(("", 0)) };
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let good = bytes.get(..e.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(good).chars().count();
            self.problem(column, before, shown_bytes(bytes), "text in UTF-8")
        })?;
        let trimmed = text.trim_start();
        Ok((trimmed.trim_end(), text.chars().count() - trimmed.chars().count()))
    }

    fn text(&self, column: usize, most: usize) -> Result<&'a str, Problem> {
        let (text, before) = self.raw(column)?;
        if let Some(i) = text.chars().position(char::is_control) {
            return Err(self.problem(column, before + i, shown(text), "text without control characters"));
        }
        let length = text.chars().count();
        if length > most {
            let found = format!("{length} characters long, {}", shown(text));
            return Err(self.problem(column, before, found, &format!("at most {most} characters")));
        }
        Ok(text)
    }

    fn plate(&self) -> Result<crate::domain::Listed, Problem> {
        let (text, before) = self.raw(0)?;
        if text.chars().count() > MAX_PLATE_CHARS {
            let found = format!("{} characters long, {}", text.chars().count(), shown(text));
            return Err(self.problem(0, before, found, &format!("at most {MAX_PLATE_CHARS} characters")));
        }
        listed(text).map_err(|e| {
            let char_in = match e {
                ListedError::Normalise(NormaliseError::Character { column, .. }) => before + column - 1,
                _ => before,
            };
            let found = if text.is_empty() { "empty".to_owned() } else { format!("{}, {e}", shown(text)) };
            self.problem(
                0,
                char_in,
                found,
                "1 to 16 letters A-Z and digits, or a pattern with ? for one character and at most two * for any; \
                 spaces, hyphens and dots do not count",
            )
        })
    }

    fn priority(&self) -> Result<u8, Problem> {
        let (text, before) = self.raw(2)?;
        if text.is_empty() {
            return Ok(NO_PRIORITY);
        }
        // `parse` alone would take "+7".
        text.parse()
            .ok()
            .filter(|p| *p <= 100 && text.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| self.problem(2, before, shown(text), "a whole number from 0 (most urgent) to 100"))
    }

    fn country(&self) -> Result<Option<Country>, Problem> {
        let (text, before) = self.raw(3)?;
        if text.is_empty() {
            return Ok(None);
        }
        Country::parse(text).map(Some).ok_or_else(|| {
            self.problem(3, before, shown(text), "two letters of ISO 3166-1 such as BE, or nothing for any")
        })
    }

    /// A date alone is the first instant of that day in UTC.
    fn time(&self, column: usize) -> Result<Option<Utc>, Problem> {
        let (text, before) = self.raw(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        let date = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let parsed = if date { format!("{text}T00:00:00Z").parse() } else { text.parse::<Utc>() };
        parsed.map(Some).map_err(|_| {
            let allowed = "a date such as 2026-11-23 (00:00 UTC) or a time such as 2026-11-23T08:15:00+01:00";
            self.problem(column, before, shown(text), allowed)
        })
    }
}

fn problem(line: u64, column: u64, field: &str, found: String, allowed: &str) -> Problem {
    Problem { line, column, field: field.to_owned(), found, allowed: allowed.to_owned() }
}

/// A text in quotes, cut to 40 characters, control characters escaped.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}

fn shown_bytes(bytes: &[u8]) -> String {
    format!("{} with bytes that are not UTF-8", shown(&String::from_utf8_lossy(bytes)))
}
