//! The ignore list: plates whose passages are not kept, because whoever drives them agreed to that.
//!
//! For the zone's own convoy, above all: a patrol car that follows another would record it for hours. An entry
//! names who consented and why, or it is refused; a list with a bad row is refused as a whole, since nobody can tell
//! what was meant. A hit goes out all the same unless its entry says otherwise.

use crate::domain::{PlateText, Utc};
use crate::plate::normalise;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// Who consented.
    pub consented_by: String,
    /// Why.
    pub reason: String,
    /// First instant at which it no longer counts.
    pub until: Option<Utc>,
    /// Whether hits on this plate are held back too.
    pub suppress_hits: bool,
}

/// An ignore list as loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreList {
    entries: HashMap<PlateText, Ignored>,
}

/// Why a file is no ignore list.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// It cannot be read.
    #[error("the ignore list {} cannot be read", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Rows of it are wrong; none counts.
    #[error("the ignore list {} cannot be used: {}", .path.display(), .wrong.join("; "))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, field and what is wrong, of each; no plate.
        wrong: Vec<String>,
    },
}

/// The columns, in any order; the last two may be missing.
const COLUMNS: [&str; 5] = ["plate", "consented_by", "reason", "until", "hits"];

impl IgnoreList {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or any row without a plate, a person and a reason.
    pub fn load(path: &Path) -> Result<Self, IgnoreError> {
        let bytes =
            std::fs::read(path).map_err(|source| IgnoreError::Io { path: path.to_owned(), source })?;
        Self::parse(&bytes).map_err(|wrong| IgnoreError::Wrong { path: path.to_owned(), wrong })
    }

    /// Reads the bytes of a file; the errors name line and field.
    ///
    /// # Errors
    /// Every wrong row.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<String>> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
        let header = reader.headers().map_err(|e| vec![format!("line 1: {e}")])?.clone();
        let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
        let mut wrong: Vec<String> = header
            .iter()
            .filter(|h| !COLUMNS.iter().any(|c| h.eq_ignore_ascii_case(c)))
            .map(|h| format!("line 1, {h:?}: an unknown column; known are {}", COLUMNS.join(", ")))
            .collect();
        let missing = COLUMNS.iter().take(3).filter(|c| column(c).is_none());
        wrong.extend(missing.map(|c| format!("line 1, {c}: the column is missing")));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut entries: HashMap<PlateText, Ignored> = HashMap::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(e) => {
                    wrong.push(format!("line {}: {e}", e.position().map_or(0, csv::Position::line)));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |name: &str| column(name).and_then(|i| record.get(i)).unwrap_or("");
            match row(line, &cell) {
                Ok((plate, entry)) => {
                    if let Some(first) = entries.get(&plate) {
                        wrong.push(format!("line {line}, plate: stands on line {} already", first.line));
                    } else {
                        entries.insert(plate, entry);
                    }
                }
                Err(problems) => wrong.extend(problems),
            }
        }
        if wrong.is_empty() { Ok(Self { entries }) } else { Err(wrong) }
    }

    /// The entry for `plate` that counts at `now`.
    pub fn find(&self, plate: &PlateText, now: Utc) -> Option<&Ignored> {
        self.entries.get(plate).filter(|e| e.until.is_none_or(|until| now < until))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn row<'a>(line: u64, cell: &impl Fn(&str) -> &'a str) -> Result<(PlateText, Ignored), Vec<String>> {
    let mut wrong = Vec::new();
    let plate = normalise(cell("plate")).map_err(|e| wrong.push(format!("line {line}, plate: {e}"))).ok();
    for (name, why) in [("consented_by", "who consented must be named"), ("reason", "a reason must be given")]
    {
        if cell(name).is_empty() {
            wrong.push(format!("line {line}, {name}: empty; {why}"));
        }
    }
    let until = match cell("until") {
        "" => None,
        text => match day(text).or_else(|| text.parse().ok()) {
            Some(until) => Some(until),
            None => {
                wrong.push(format!(
                    "line {line}, until: neither a day such as 2027-01-31 nor a time with an offset"
                ));
                None
            }
        },
    };
    let suppress_hits = match cell("hits") {
        "" | "send" => false,
        "suppress" => true,
        _ => {
            wrong.push(format!("line {line}, hits: \"send\" (a hit goes out all the same) or \"suppress\""));
            false
        }
    };
    match plate {
        Some(plate) if wrong.is_empty() => Ok((
            plate,
            Ignored {
                line,
                consented_by: cell("consented_by").to_owned(),
                reason: cell("reason").to_owned(),
                until,
                suppress_hits,
            },
        )),
        _ => Err(wrong),
    }
}

/// The end (UTC) of a day written as 2027-01-31: the day itself still counts.
fn day(text: &str) -> Option<Utc> {
    let start: Utc = (text.len() == 10).then(|| format!("{text}T00:00:00Z").parse().ok()).flatten()?;
    Some(start.plus_ms(24 * 3_600_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Utc {
        text.parse().unwrap()
    }

    #[test]
    fn consented_entries_count_until_their_day_has_ended() {
        let list = "plate,consented_by,reason,until,hits\n1-ABC-123,Insp. Peeters,own convoy,2027-01-31,\n\
                    2xyz987,Chief,test car,,suppress\n";
        let list = IgnoreList::parse(list.as_bytes()).unwrap();
        let plate = PlateText::new("1ABC123").unwrap();
        let entry = list.find(&plate, at("2027-01-31T23:59:59Z")).unwrap();
        assert_eq!((entry.line, entry.suppress_hits, entry.reason.as_str()), (2, false, "own convoy"));
        assert!(list.find(&plate, at("2027-02-01T00:00:00Z")).is_none());
        assert!(
            list.find(&PlateText::new("2XYZ987").unwrap(), at("2030-01-01T00:00:00Z")).unwrap().suppress_hits
        );
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn every_wrong_row_is_named_by_line_and_field_without_its_plate() {
        let list = "plate,consented_by,reason,until,hits\n1ABC123,,own convoy,,\n1ABC124,P,convoy,soon,never\n\
                    1ABC125,P,convoy,,\n1-ABC-125,P,convoy,,\n";
        let wrong = IgnoreList::parse(list.as_bytes()).unwrap_err();
        for (part, problem) in
            ["line 2, consented_by", "line 3, until", "line 3, hits", "line 5, plate"].iter().zip(&wrong)
        {
            assert!(problem.contains(part), "{wrong:?}");
        }
        assert!(wrong.len() == 4 && !wrong.join(" ").contains("1ABC12"), "{wrong:?}");
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        let wrong = IgnoreList::parse(b"plate,why\n1ABC123,x\n").unwrap_err();
        assert!(
            wrong.iter().any(|w| w.contains("\"why\"")) && wrong.iter().any(|w| w.contains("consented_by"))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = IgnoreList::parse(&bytes);
        }
    }
}
