//! Files with a row a line: delimited, or with fixed places.

use super::builder::Builder;
use super::fields::{Checker, Outcome};
use super::mapping::{Format, Mapping};
use super::parts::{Row, place, problem, shown};
use super::report::ImportError;
use super::row::{Broken, Cells, MAX_QUOTED_LINES, Separators, guess_delimiter};
use super::text::{Line, Text};
use encoding_rs::WINDOWS_1252;
use std::borrow::Cow;
use std::io::{self, Read};

/// Why reading stopped before the end.
pub(super) enum Stop {
    Read(io::Error),
    Refused(ImportError),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Self::Read(e)
    }
}

/// Reads every row of `text` into `builder`.
pub(super) fn read<R: Read>(
    text: &mut Text<R>,
    mapping: &Mapping,
    builder: &mut Builder,
) -> Result<(), Stop> {
    let (delimiter, quote, header, columns, rest) = match &mapping.format {
        Format::Delimited { delimiter, quote, header, columns, rest } => {
            (Some(*delimiter), *quote, *header, *columns, *rest)
        }
        _ => (None, None, false, None, false),
    };
    let mut by = Separators {
        delimiter: delimiter.flatten().unwrap_or(b','),
        quote,
        rest_from: if rest { columns } else { None },
    };
    let mut guess = delimiter == Some(None);
    let mut checker = (!header).then(|| Checker::new(mapping));
    let mut cells = Cells::default();
    let mut footer: Option<Option<u64>> = None;
    let mixed = text.mixed;
    while let Some(line) = text.next()? {
        let number = line.number;
        if line.cut {
            let found = "longer than 1 MiB".to_owned();
            builder.bad(1, [problem(number, 1, "row", found, "rows of at most 1 MiB")]);
            continue;
        }
        if number <= mapping.skip_lines {
            skipped_header(line, mapping, checker.as_mut(), builder);
            continue;
        }
        if line.bytes.trim_ascii().is_empty() || begins(line.bytes, mapping.comments.iter()) {
            continue;
        }
        if begins(line.bytes, mapping.footer.iter()) {
            footer = Some(first_number(line.bytes));
            continue;
        }
        if guess {
            guess = false;
            by.delimiter = guess_delimiter(line.bytes);
            let what = match by.delimiter {
                b';' => "semicolons",
                b'\t' => "tabs",
                b'|' => "bars",
                _ => "",
            };
            if !what.is_empty() && mapping.own {
                builder.report.warnings.push(format!("columns are separated by {what} instead of commas"));
            }
        }
        let first = line.bytes.len();
        let mut line = line;
        // Where another encoding has to be tried, the line is a copy.
        let decoded = if mixed { windows(line.bytes) } else { None };
        if let Some(decoded) = &decoded {
            line.bytes = decoded;
        }
        let split = |cells: &mut Cells, bytes: &[u8]| match delimiter {
            Some(_) => cells.split(bytes, by),
            None => {
                cells.whole(bytes);
                Ok(())
            }
        };
        let mut broken = split(&mut cells, line.bytes).err();
        if broken == Some(Broken::Open) && decoded.is_none() {
            // Perhaps a quoted column with line breaks: only where that makes a whole row.
            broken = loop {
                if text.line().lines >= MAX_QUOTED_LINES {
                    break Some(Broken::Open);
                }
                let Some(more) = text.extend()? else { break Some(Broken::Open) };
                match split(&mut cells, more.bytes) {
                    Ok(()) if !more.cut && columns_fit(cells.len(), checker.as_ref()) => break None,
                    Err(Broken::Open) if !more.cut => {}
                    _ => break Some(Broken::Open),
                }
            };
            if broken.is_some() {
                text.only_first(first);
            }
            line = text.line();
        }
        match broken {
            None => {}
            Some(Broken::Open) => {
                let allowed = "a row on one line; is a quotation mark left open?";
                let found = format!("{} without its end", shown(&String::from_utf8_lossy(line.bytes)));
                builder.bad(1, [problem(line.number, 1, "row", found, allowed)]);
                continue;
            }
            Some(Broken::AfterQuote(at)) => {
                let (at_line, column) = place(line, at, 0);
                let found = "text after the quotation mark that ends a field".to_owned();
                let allowed = "a separator; a quotation mark inside of text is written twice";
                builder.bad(line.lines, [problem(at_line, column, "row", found, allowed)]);
                continue;
            }
        }
        let row = Row { line, cells: &cells, object: None };
        let Some(checker) = &mut checker else {
            if !cells.are_blank(line) {
                checker = Some(
                    Checker::with_header(mapping, row, &mut builder.report.warnings)
                        .map_err(Stop::Refused)?,
                );
            }
            continue;
        };
        if delimiter.is_some() && cells.are_blank(line) {
            continue;
        }
        match checker.check(row) {
            Outcome::Good(checked) => builder.take(checked),
            Outcome::Skipped => builder.report.skipped += 1,
            Outcome::Bad(problems) => builder.bad(line.lines, problems),
        }
    }
    if checker.is_none() {
        let found = "nothing".to_owned();
        return Err(Stop::Refused(ImportError::Header {
            path: None,
            problem: problem(1, 1, "header", found, "the names of the columns"),
        }));
    }
    check_footer(mapping, footer, builder);
    Ok(())
}

/// A first line that is left out as a header but reads as a row is likely one.
fn skipped_header(
    line: Line<'_>,
    mapping: &Mapping,
    checker: Option<&mut Checker<'_>>,
    builder: &mut Builder,
) {
    let (Format::Fixed { .. }, Some(checker)) = (&mapping.format, checker) else { return };
    let mut cells = Cells::default();
    cells.whole(line.bytes);
    let row = Row { line, cells: &cells, object: None };
    if let Outcome::Good(_) = checker.check(row) {
        let number = line.number;
        builder.report.warnings.push(format!(
            "line {number} is left out as a header (skip_lines), but reads as a row; check the mapping"
        ));
    }
}

/// A list cut off on its way lacks its footer, or has fewer rows than it says.
fn check_footer(mapping: &Mapping, footer: Option<Option<u64>>, builder: &mut Builder) {
    let Some(mark) = &mapping.footer else { return };
    let rows = builder.report.rows + builder.report.skipped;
    match footer {
        None => {
            let text = format!("there is no line {mark:?} at the end; is the file whole?");
            builder.report.warnings.push(text);
        }
        Some(Some(said)) if said != rows => {
            let text = format!("the line {mark:?} says {said} rows, there are {rows}; is the file whole?");
            builder.report.warnings.push(text);
        }
        Some(_) => {}
    }
}

fn columns_fit(found: usize, checker: Option<&Checker<'_>>) -> bool {
    checker.is_none_or(|c| c.takes(found))
}

fn begins<'a>(line: &[u8], mut marks: impl Iterator<Item = &'a String>) -> bool {
    let line = line.trim_ascii_start();
    marks.any(|m| line.starts_with(m.as_bytes()))
}

fn first_number(line: &[u8]) -> Option<u64> {
    let digits: String = line
        .iter()
        .skip_while(|b| !b.is_ascii_digit())
        .take_while(|b| b.is_ascii_digit() || **b == b',')
        .filter(|b| **b != b',')
        .map(|b| char::from(*b))
        .collect();
    digits.parse().ok()
}

/// The line as Windows-1252, where it is no UTF-8.
fn windows(bytes: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let text: Cow<'_, str> = WINDOWS_1252.decode_without_bom_handling(bytes).0;
    Some(text.into_owned().into_bytes())
}
