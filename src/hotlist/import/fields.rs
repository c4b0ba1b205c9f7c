//! One row by its mapping → a checked entry, or everything wrong with the row.

use super::builder::Checked;
use super::dates::read_iso;
use super::mapping::{DateFormat, FIELDS, Field, Format, Mapping, Part, Place, plain};
use super::parts::{Row, characters, cut, member, place, problem, raw, shown, shown_bytes};
use super::report::{ImportError, Problem};
use crate::domain::{Country, Listed, Utc};
use crate::hotlist::pattern::{ListedError, listed};
use crate::plate::NormaliseError;
use std::borrow::Cow;

/// Priority of a row that does not say one.
const NO_PRIORITY: u8 = 50;

const MAX_PLATE_CHARS: usize = 40;
const MAX_CATEGORY_CHARS: usize = 64;
const MAX_CASE_CHARS: usize = 128;
const MAX_INSTRUCTION_CHARS: usize = 1_000;

const PLATE: usize = 0;
const CATEGORY: usize = 1;
const PRIORITY: usize = 2;
const COUNTRY: usize = 3;
const VALID_FROM: usize = 4;
const VALID_UNTIL: usize = 5;
const CASE: usize = 6;
const INSTRUCTION: usize = 7;

/// What became of a row.
pub(super) enum Outcome<'a> {
    Good(Checked<'a>),
    /// Its plate is one the mapping passes over.
    Skipped,
    Bad(Vec<Problem>),
}

/// Where each field's parts stand in this file: columns by name have been found.
pub(super) struct Checker<'m> {
    mapping: &'m Mapping,
    parts: [Vec<Part>; FIELDS.len()],
    /// How many columns a row must have, and whether it may have more.
    columns: Option<(usize, bool)>,
    /// The date last read of each validity: lists repeat them.
    memo: [(String, Option<Utc>); 2],
}

impl<'m> Checker<'m> {
    /// For files without a header.
    pub fn new(mapping: &'m Mapping) -> Self {
        let parts = std::array::from_fn(|i| {
            let parts = mapping.fields.get(i).map(|f| f.parts.as_slice()).unwrap_or_default();
            parts.iter().filter(|p| !matches!(p.place, Place::Named(_))).cloned().collect()
        });
        let columns = match mapping.format {
            Format::Delimited { columns: Some(n), rest, .. } => Some((n, rest)),
            Format::Delimited { .. } => {
                let last = mapping.fields.iter().flat_map(|f| &f.parts).filter_map(|p| match p.place {
                    Place::Column(i) => Some(i + 1),
                    _ => None,
                });
                last.max().map(|n| (n, true))
            }
            _ => None,
        };
        Self { mapping, parts, columns, memo: Default::default() }
    }

    /// Finds the columns that the mapping names in the header `row`.
    pub fn with_header(
        mapping: &'m Mapping,
        row: Row<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ImportError> {
        let refuse = |index: usize, found: String, allowed: &str| {
            let at = row.cells.get(row.line, index).map_or(0, |c| c.1);
            let (line, column) = place(row.line, at, 0);
            ImportError::Header { path: None, problem: problem(line, column, "header", found, allowed) }
        };
        let mut names: Vec<String> = Vec::new();
        for i in 0..row.cells.len() {
            let bytes = row.cells.get(row.line, i).map_or(b"".as_slice(), |c| c.0);
            let Ok(name) = std::str::from_utf8(bytes) else {
                return Err(refuse(i, shown_bytes(bytes), "text in UTF-8"));
            };
            names.push(name.trim().to_owned());
        }
        let wanted = |name: &str| {
            let name = plain(name);
            mapping.fields.iter().flat_map(|f| &f.parts).any(|p| match &p.place {
                Place::Named(names) => names.contains(&name),
                _ => false,
            })
        };
        for (i, name) in names.iter().enumerate() {
            let twice = names.iter().take(i).any(|n| plain(n) == plain(name));
            if twice && wanted(name) {
                return Err(refuse(i, format!("a second column {}", shown(name)), "each column once"));
            }
            if mapping.own && !name.is_empty() && !wanted(name) {
                warnings.push(format!(
                    "column {} is not known and is left out; known are {}",
                    shown(name),
                    FIELDS.join(", ")
                ));
            }
        }
        let mut checker = Self::new(mapping);
        for ((field, slot), name) in mapping.fields.iter().zip(&mut checker.parts).zip(FIELDS) {
            let mut absent = Vec::new();
            *slot = field
                .parts
                .iter()
                .filter_map(|part| {
                    let Place::Named(wanted) = &part.place else { return Some(part.clone()) };
                    let at = names.iter().position(|n| wanted.contains(&plain(n)));
                    if at.is_none() {
                        absent.extend(wanted.first().cloned());
                    }
                    Some(Part { place: Place::Column(at?), ..part.clone() })
                })
                .collect();
            if field.required && slot.is_empty() && field.default.is_none() {
                let line = String::from_utf8_lossy(row.line.bytes);
                let column = absent.first().map_or(name, String::as_str);
                let found = format!("without a column \"{column}\": {}", shown(&line));
                return Err(refuse(0, found, &format!("a column \"{column}\"")));
            }
            if !absent.is_empty() && !mapping.own {
                warnings
                    .push(format!("there is no column {:?}; {name} is made without it", absent.join(", ")));
            }
        }
        checker.columns = Some((names.len(), false));
        Ok(checker)
    }

    /// Whether a row may have so many columns.
    pub fn takes(&self, columns: usize) -> bool {
        self.columns.is_none_or(|(n, more)| columns == n || (more && columns > n))
    }

    /// The checked row, or everything wrong with it.
    pub fn check<'a>(&mut self, row: Row<'a>) -> Outcome<'a>
    where
        'm: 'a,
    {
        if let Err(problem) = self.shape(row) {
            return Outcome::Bad(vec![problem]);
        }
        let mut problems = Vec::new();
        let plate = self.plate(row).map_err(|p| problems.push(p)).ok();
        if let Some(plate) = &plate
            && plate.plate().is_some_and(|p| self.mapping.skip_plates.contains(p))
        {
            return Outcome::Skipped;
        }
        let category = self.text(row, CATEGORY, MAX_CATEGORY_CHARS).map_err(|p| problems.push(p)).ok();
        let priority =
            self.priority(row, category.as_deref().unwrap_or_default()).map_err(|p| problems.push(p)).ok();
        let country = self.country(row).map_err(|p| problems.push(p)).ok();
        let valid_from = self.time(row, VALID_FROM).map_err(|p| problems.push(p)).ok();
        let valid_until = self.time(row, VALID_UNTIL).map_err(|p| problems.push(p)).ok();
        let case = self.text(row, CASE, MAX_CASE_CHARS).map_err(|p| problems.push(p)).ok();
        let instruction =
            self.text(row, INSTRUCTION, MAX_INSTRUCTION_CHARS).map_err(|p| problems.push(p)).ok();
        if let (Some(Some(from)), Some(Some(until))) = (valid_from, valid_until)
            && until <= from
        {
            problems.push(self.wrong(row, VALID_UNTIL, 0, format!("{until}"), "a time after valid_from"));
        }
        match (plate, category, priority, country, valid_from, valid_until, case, instruction) {
            (
                Some(plate),
                Some(category),
                Some(priority),
                Some(country),
                Some(valid_from),
                Some(valid_until),
                Some(case),
                Some(instruction),
            ) if problems.is_empty() => Outcome::Good(Checked {
                plate,
                line: row.line.number,
                country,
                category,
                priority,
                valid_from,
                valid_until,
                instruction,
                case,
            }),
            _ => Outcome::Bad(problems),
        }
    }

    /// Whether the line is as long as it must be.
    fn shape(&self, row: Row<'_>) -> Result<(), Problem> {
        if let Some((columns, more)) = self.columns {
            let found = row.cells.len();
            let surplus = !more
                && (columns..found).any(|i| {
                    row.cells.get(row.line, i).is_some_and(|(text, _)| !text.trim_ascii().is_empty())
                });
            if found < columns || surplus {
                // A row cut short may have lost the end of its validity; a longer one has a separator too many.
                let at = row.cells.get(row.line, found.min(columns)).map_or(row.line.bytes.len(), |c| c.1);
                let (line, column) = place(row.line, at, 0);
                let least = if more { "at least " } else { "" };
                let allowed =
                    format!("{least}{columns} fields as in the header; text with a separator in quotes");
                return Err(problem(line, column, "row", format!("{found} fields long"), &allowed));
            }
        }
        if let Format::Fixed { width: (least, most) } = self.mapping.format {
            let length = characters(row.line.bytes);
            // Spaces at the end are often cut off, or padded.
            let text = characters(row.line.bytes.trim_ascii_end());
            if length < least && text < least || text > most {
                let found = format!("{text} characters long");
                let allowed = match most {
                    usize::MAX => format!("at least {least} characters"),
                    most => format!("{least} to {most} characters"),
                };
                let (line, column) = place(row.line, row.line.bytes.len(), 0);
                return Err(problem(line, column, "row", found, &allowed));
            }
        }
        Ok(())
    }

    fn field(&self, index: usize) -> Option<&'m Field> {
        let mapping: &'m Mapping = self.mapping;
        mapping.fields.get(index)
    }

    fn wrong(&self, row: Row<'_>, field: usize, char_in: usize, found: String, allowed: &str) -> Problem {
        let parts = self.parts.get(field).map(Vec::as_slice).unwrap_or_default();
        let at = parts.first().and_then(|p| raw(row, p)).map_or(0, |r| r.1);
        let (line, column) = place(row.line, at, char_in);
        problem(line, column, FIELDS.get(field).copied().unwrap_or("row"), found, allowed)
    }

    /// The text of one part without the spaces around it, and how many characters stand before it.
    fn part<'a>(&self, row: Row<'a>, field: usize, part: &Part) -> Result<(Cow<'a, str>, usize), Problem> {
        if let (Some(object), Place::Member(path)) = (row.object, &part.place) {
            return match member(object, path) {
                Ok(text) => Ok((cut(text, part.chars), 0)),
                Err(found) => Err(self.wrong(row, field, 0, found, "a text or a number")),
            };
        }
        let Some((bytes, _)) = raw(row, part) else { return Ok((Cow::Borrowed(""), 0)) };
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let good = bytes.get(..e.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(good).chars().count();
            let allowed = "text in UTF-8; other encodings need a mapping that names them";
            self.wrong(row, field, before, shown_bytes(bytes), allowed)
        })?;
        let trimmed = text.trim_start();
        let before =
            if trimmed.len() == text.len() { 0 } else { text.chars().count() - trimmed.chars().count() };
        Ok((Cow::Borrowed(trimmed.trim_end()), before))
    }

    /// The text of a field as it stands in the file, its parts joined.
    fn raw_text<'a>(&self, row: Row<'a>, index: usize) -> Result<(Cow<'a, str>, usize), Problem> {
        let parts = self.parts.get(index).map(Vec::as_slice).unwrap_or_default();
        let Some(field) = self.field(index) else { return Ok((Cow::Borrowed(""), 0)) };
        let (text, before) = match parts {
            [] => (Cow::Borrowed(""), 0),
            [one] if one.label.is_none() => self.part(row, index, one)?,
            parts => {
                let mut joined = String::new();
                for part in parts {
                    let (text, _) = self.part(row, index, part)?;
                    if text.is_empty() {
                        continue;
                    }
                    if !joined.is_empty() {
                        joined.push_str(&field.join);
                    }
                    if let Some(label) = &part.label {
                        joined.push_str(label);
                        joined.push(' ');
                    }
                    joined.push_str(&text);
                }
                (Cow::Owned(joined), 0)
            }
        };
        let means_nothing = !field.empty.is_empty() && field.empty.contains(&text.to_uppercase());
        Ok(if means_nothing { (Cow::Borrowed(""), before) } else { (text, before) })
    }

    /// The text of a field with codes and default applied, not yet checked.
    fn value<'a>(&self, row: Row<'a>, index: usize) -> Result<(Cow<'a, str>, usize), Problem>
    where
        'm: 'a,
    {
        let (text, before) = self.raw_text(row, index)?;
        let Some(field) = self.field(index) else { return Ok((text, before)) };
        if text.is_empty() {
            return match &field.default {
                Some(default) => Ok((Cow::Borrowed(default.as_str()), before)),
                None if field.required && index != PLATE => {
                    Err(self.wrong(row, index, 0, "empty".into(), "a text; the mapping requires it"))
                }
                None => Ok((text, before)),
            };
        }
        if field.codes.is_empty() {
            return Ok((text, before));
        }
        match (field.codes.get(&text.to_uppercase()), &field.other) {
            (Some(means), _) => Ok((Cow::Borrowed(means.as_str()), before)),
            (None, Some(other)) if other == "*" => Ok((text, before)),
            (None, Some(other)) => Ok((Cow::Borrowed(other.as_str()), before)),
            (None, None) => {
                let mut codes: Vec<&str> = field.codes.keys().map(String::as_str).collect();
                codes.sort_unstable();
                codes.truncate(20);
                let allowed = format!("one of the mapping's codes: {}", codes.join(", "));
                Err(self.wrong(row, index, before, shown(&text), &allowed))
            }
        }
    }

    fn text<'a>(&self, row: Row<'a>, index: usize, most: usize) -> Result<Cow<'a, str>, Problem>
    where
        'm: 'a,
    {
        let (mut text, before) = self.value(row, index)?;
        if row.line.lines > 1 && text.contains(['\n', '\r']) {
            // A quoted column over several lines: its breaks are spaces.
            let lines = text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty());
            text = Cow::Owned(lines.collect::<Vec<_>>().join(" "));
        }
        let odd = |b: u8| b < 0x20 || b == 0x7f || b >= 0x80;
        if text.bytes().any(odd) {
            let control = |c: char| c.is_control() || c == '\u{fffd}';
            if let Some(i) = text.chars().position(control) {
                let allowed = "text without control characters and without U+FFFD, the mark of lost bytes";
                return Err(self.wrong(row, index, before + i, shown(&text), allowed));
            }
        }
        if text.len() > most {
            let length = text.chars().count();
            if length > most {
                let found = format!("{length} characters long, {}", shown(&text));
                return Err(self.wrong(row, index, before, found, &format!("at most {most} characters")));
            }
        }
        Ok(text)
    }

    fn plate(&self, row: Row<'_>) -> Result<Listed, Problem> {
        let (text, before) = self.value(row, PLATE)?;
        if text.len() > MAX_PLATE_CHARS && text.chars().count() > MAX_PLATE_CHARS {
            let found = format!("{} characters long, {}", text.chars().count(), shown(&text));
            let allowed = format!("at most {MAX_PLATE_CHARS} characters");
            return Err(self.wrong(row, PLATE, before, found, &allowed));
        }
        let plate = listed(&text).map_err(|e| {
            let char_in = match e {
                ListedError::Normalise(NormaliseError::Character { column, .. }) => before + column - 1,
                _ => before,
            };
            let found = if text.is_empty() { "empty".to_owned() } else { format!("{}, {e}", shown(&text)) };
            let allowed = "1 to 16 letters A-Z and digits, or a pattern with ? for one character and at most two * \
                           for any; spaces, hyphens and dots do not count";
            self.wrong(row, PLATE, char_in, found, allowed)
        })?;
        if self.mapping.zero_for_o && plate.as_str().contains('O') {
            // The source has one form for both; so has the list.
            return Listed::new(&plate.as_str().replace('O', "0"))
                .map_err(|e| self.wrong(row, PLATE, before, e.to_string(), "a plate"));
        }
        Ok(plate)
    }

    fn priority(&self, row: Row<'_>, category: &str) -> Result<u8, Problem> {
        let by_category = self.field(PRIORITY).and_then(|f| f.by_category.get(category)).copied();
        let (written, _) = self.raw_text(row, PRIORITY)?;
        if let (true, Some(priority)) = (written.is_empty(), by_category) {
            return Ok(priority);
        }
        let (text, before) = self.value(row, PRIORITY)?;
        if text.is_empty() {
            return Ok(NO_PRIORITY);
        }
        // `parse` alone would take "+7".
        text.parse().ok().filter(|p| *p <= 100 && text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
            self.wrong(row, PRIORITY, before, shown(&text), "a whole number from 0 (most urgent) to 100")
        })
    }

    fn country(&self, row: Row<'_>) -> Result<Option<Country>, Problem> {
        let (text, before) = self.value(row, COUNTRY)?;
        if text.is_empty() {
            return Ok(None);
        }
        Country::parse(&text).map(Some).ok_or_else(|| {
            let allowed = "two letters of ISO 3166-1 such as BE, or nothing for any";
            self.wrong(row, COUNTRY, before, shown(&text), allowed)
        })
    }

    /// A date alone is the first instant of that day in the mapping's zone.
    fn time(&mut self, row: Row<'_>, index: usize) -> Result<Option<Utc>, Problem> {
        let (text, before) = self.value(row, index)?;
        if text.is_empty() {
            return Ok(None);
        }
        let slot = index - VALID_FROM;
        if let Some((seen, time)) = self.memo.get(slot)
            && *seen == *text
        {
            return Ok(*time);
        }
        let Some(field) = self.field(index) else { return Ok(None) };
        let zone = &self.mapping.zone;
        let read = |format: &DateFormat| match format {
            DateFormat::Iso => read_iso(&text, zone, field.last_day),
            DateFormat::Unix => text.parse::<i64>().ok().map(|s| Utc::from_unix_ms(s.saturating_mul(1_000))),
            DateFormat::UnixMs => text.parse::<i64>().ok().map(Utc::from_unix_ms),
            DateFormat::Pattern(p) => p.read(&text, zone, field.last_day),
        };
        let Some(time) = field.dates.iter().find_map(read) else {
            let allowed = if matches!(field.dates.as_slice(), [DateFormat::Iso]) {
                let zone = zone.name();
                format!(
                    "a date such as 2026-11-23 (00:00 {zone}) or a time such as 2026-11-23T08:15:00+01:00"
                )
            } else {
                let formats: Vec<&str> = field.dates.iter().map(DateFormat::as_str).collect();
                format!("a date as {}", formats.join(" or "))
            };
            return Err(self.wrong(row, index, before, shown(&text), &allowed));
        };
        if let Some(memo) = self.memo.get_mut(slot) {
            memo.0.clear();
            memo.0.push_str(&text);
            memo.1 = Some(time);
        }
        Ok(Some(time))
    }
}
