//! What a list file looks like: which column or place holds what, and what its codes mean.
//!
//! A mapping is a TOML file (docs/guide/hotlists.md). [`spec`] is the file as written; here is what it
//! means. The ready ones stand in `ready/` and are built in.

mod ready;
mod spec;

pub use ready::ready;

use super::dates::Pattern;
use super::text::Encoding;
use crate::domain::{PlateText, Zone};
use std::collections::HashMap;
use std::path::Path;

/// The fields of an entry in the order of our own layout.
pub(super) const FIELDS: [&str; 8] =
    ["plate", "category", "priority", "country", "valid_from", "valid_until", "case", "instruction"];

/// How a list file is laid out.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) format: Format,
    pub(super) encoding: Encoding,
    /// Where dates without an offset are meant.
    pub(super) zone: Zone,
    pub(super) skip_lines: u64,
    /// Lines that begin so are no rows.
    pub(super) comments: Vec<String>,
    /// A line that begins so ends the rows; a number in it is how many there are.
    pub(super) footer: Option<String>,
    /// False alerts of the source; rows with these plates are passed over.
    pub(super) skip_plates: Vec<PlateText>,
    /// The source writes every O as 0.
    pub(super) zero_for_o: bool,
    pub(super) fields: [Field; FIELDS.len()],
    /// Whether this is our own layout: unknown columns are warned of, missing ones are not.
    pub(super) own: bool,
}

/// How a file is cut into rows and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    Delimited {
        /// `None`: what the first line uses.
        delimiter: Option<u8>,
        quote: Option<u8>,
        /// Whether the first line names the columns.
        header: bool,
        /// How many columns a row has, where there is no header to say it.
        columns: Option<usize>,
        /// Whether separators beyond the last column belong to it.
        rest: bool,
    },
    Fixed {
        /// Fewest and most characters of a line.
        width: (usize, usize),
    },
    Json {
        /// Members that lead to the array of entries.
        entries: Vec<String>,
    },
}

/// Where the text of one field comes from and what it means.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    pub parts: Vec<Part>,
    /// Between the texts of the parts.
    pub join: String,
    /// Where the text is empty.
    pub default: Option<String>,
    /// Texts, in capitals, and what they stand for.
    pub codes: HashMap<String, String>,
    /// What a text that is no code stands for.
    pub other: Option<String>,
    pub required: bool,
    /// Texts, in capitals, that mean nothing.
    pub empty: Vec<String>,
    pub dates: Vec<DateFormat>,
    /// Whether a date is the last day on which the entry counts.
    pub last_day: bool,
    /// Priority of a category.
    pub by_category: HashMap<String, u8>,
}

/// A way of writing dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DateFormat {
    /// RFC 3339, or a date alone.
    Iso,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
    Pattern(Pattern),
}

impl DateFormat {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Iso => "2026-11-23 or 2026-11-23T08:15:00+01:00",
            Self::Unix => "seconds since 1970",
            Self::UnixMs => "milliseconds since 1970",
            Self::Pattern(p) => p.as_str(),
        }
    }
}

/// One piece of text in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub place: Place,
    /// Only these characters of it, from 0, the second not included.
    pub chars: Option<(usize, usize)>,
    /// Put before it.
    pub label: Option<String>,
}

/// Where a piece of text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The whole line.
    Line,
    /// A column, from 0.
    Column(usize),
    /// A column by one of its names, in plain form.
    Named(Vec<String>),
    /// After a tag such as `VMA/`.
    Tag(String),
    /// A member of a JSON object.
    Member(Vec<String>),
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Neither a ready one nor a file.
    #[error(
        "mapping {name:?} is neither a ready one ({}) nor a file that can be read ({source})",
        ready().iter().map(|m| m.0).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// Why it is no file.
        source: std::io::Error,
    },
    /// It is no mapping.
    #[error("mapping {name}: {}", problems.join("\n"))]
    Invalid {
        /// Name or file.
        name: String,
        /// Everything wrong with it.
        problems: Vec<String>,
    },
}

impl Mapping {
    /// Our own layout: CSV with the columns of the design.
    pub fn own() -> Self {
        // A test holds every ready mapping to be right.
        Self::load("platewatch").unwrap_or_else(|_| Self {
            name: "platewatch".into(),
            about: String::new(),
            format: Format::Fixed { width: (0, usize::MAX) },
            encoding: Encoding::Auto,
            zone: Zone::utc(),
            skip_lines: 0,
            comments: Vec::new(),
            footer: None,
            skip_plates: Vec::new(),
            zero_for_o: false,
            fields: std::array::from_fn(|_| Field::default()),
            own: true,
        })
    }

    /// The ready mapping of that name, or the one in that file.
    ///
    /// # Errors
    /// Where there is none, or it is wrong; the error names everything wrong with it.
    pub fn load(name: &str) -> Result<Self, MappingError> {
        if let Some((_, text)) = ready().iter().find(|(ready, _)| *ready == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(Path::new(name))
            .map_err(|source| MappingError::Unknown { name: name.to_owned(), source })?;
        Self::parse(name, &text)
    }

    /// Reads a mapping from the text of its file; `name` is for messages.
    ///
    /// # Errors
    /// Where it is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, MappingError> {
        spec::parse(name, text).map_err(|problems| MappingError::Invalid { name: name.to_owned(), problems })
    }

    /// Its name: of a ready one, or the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the source writes every O as 0.
    pub fn zero_for_o(&self) -> bool {
        self.zero_for_o
    }

    /// What it is for, in one line.
    pub fn about(&self) -> &str {
        &self.about
    }
}

/// A column's name as names are compared: small letters, without spaces, hyphens and underscores.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '\u{feff}')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_mapping_is_right() {
        for (name, text) in ready() {
            let mapping = Mapping::parse(name, text).unwrap_or_else(|e| panic!("{e}"));
            assert!(!mapping.about().is_empty(), "{name}");
            assert_eq!(mapping.own, *name == "platewatch");
        }
    }

    fn refused(text: &str) -> String {
        Mapping::parse("my.toml", text).map_or_else(|e| e.to_string(), |_| "taken".into())
    }

    #[test]
    fn mistakes_are_named() {
        let base = "about = \"x\"\nformat = \"delimited\"\n";
        for (text, says) in [
            ("", "missing field `about`"),
            ("about = \"x\"\nformat = \"delimited\"\ndelimeter = \";\"\n", "line 3"),
            (&format!("{base}delimiter = \"ab\"\n[plate]\ncolumn = 1\n"), "delimiter: found \"ab\""),
            (&format!("{base}[plate]\n"), "[plate]: nothing says where the plate stands"),
            (&format!("{base}[plate]\ncolumn = 0\n"), "[plate] column: found 0"),
            (&format!("{base}[plate]\nchars = \"9-3\"\n"), "[plate] chars: found \"9-3\""),
            (&format!("{base}header = \"none\"\n[plate]\ncolumn = \"Plate\"\n"), "header = \"none\""),
            (&format!("{base}[plate]\nmember = \"plate\"\n"), "only with format = \"json\""),
            (
                &format!("{base}[plate]\ncolumn = 1\n[valid_until]\ncolumn = 2\nformats = [\"DD-MM\"]\n"),
                "date pattern \"DD-MM\"",
            ),
            (
                &format!("{base}[plate]\ncolumn = 1\n[country]\ndefault = \"Belgium\"\n"),
                "[country] default: found \"Belgium\"",
            ),
            (
                &format!("{base}[plate]\ncolumn = 1\n[priority]\ndefault = 200\n"),
                "[priority] default: found 200",
            ),
            (
                &format!("{base}time_zone = \"Brussels\"\n[plate]\ncolumn = 1\n"),
                "time_zone: \"Brussels\" is no time zone",
            ),
            (&format!("{base}encoding = \"ansi\"\n[plate]\ncolumn = 1\n"), "encoding: found \"ansi\""),
            (&format!("{base}columns = 2\n[plate]\ncolumn = 3\n"), "column 3 of 2"),
            ("about = \"x\"\nformat = \"excel\"\n[plate]\ncolumn = 1\n", "format: found \"excel\""),
        ] {
            let found = refused(text);
            assert!(found.starts_with("mapping my.toml: ") && found.contains(says), "{text}\n{found}");
        }
        let error = Mapping::load("no-such").unwrap_err().to_string();
        assert!(error.contains("\"no-such\"") && error.contains("illinois-leads"), "{error}");
    }
}
