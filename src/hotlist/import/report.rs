//! What an import says of a file, for people.

use crate::hotlist::ManifestError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Something wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, the header being line 1.
    pub line: u64,
    /// Column in that line, counted in characters from 1: where the field begins, or the bad character
    /// in it.
    pub column: u64,
    /// The field's name as in the header, or `row`.
    pub field: String,
    /// What stood there, cut to 40 characters.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, field, found, allowed } = self;
        write!(f, "line {line}, column {column}: {field} is {found}; allowed is {allowed}")
    }
}

/// Two rows for one plate, country and category. The first one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The line that was left out.
    pub line: u64,
    /// The line that counts.
    pub first_line: u64,
    /// Fields in which they say different things; empty where they say the same.
    pub contradicts: Vec<&'static str>,
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: same plate, country and category as line {}", self.line, self.first_line)?;
        if !self.contradicts.is_empty() {
            write!(f, ", but another {}; line {} counts", self.contradicts.join(", "), self.first_line)?;
        }
        Ok(())
    }
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Rows with something in them, the header not counted.
    pub rows: u64,
    /// Entries loaded.
    pub loaded: u64,
    /// Rows left out because something in them is wrong; `bad` names the first of them.
    pub bad_rows: u64,
    /// What is wrong, in the order of the file; at most [`ImportReport::MOST`].
    pub bad: Vec<Problem>,
    /// Rows left out because they repeat another; `duplicates` names the first of them.
    pub duplicate_rows: u64,
    /// Repeated rows, contradicting ones first; at most [`ImportReport::MOST`].
    pub duplicates: Vec<Duplicate>,
    /// Entries for a plate that has another entry of another category or country; all of them count.
    pub conflict_rows: u64,
    /// Such entries, with the one they differ from; at most [`ImportReport::MOST`].
    pub conflicts: Vec<Duplicate>,
    /// Rows whose plate the mapping passes over.
    pub skipped: u64,
    /// Entries that no longer count at the time of loading.
    pub expired: u64,
    /// Entries that do not count yet at the time of loading.
    pub not_yet_valid: u64,
    /// What is odd about the file as a whole.
    pub warnings: Vec<String>,
}

impl ImportReport {
    /// The most problems and duplicates that are kept one by one; the rest is only counted.
    pub const MOST: usize = 1_000;

    /// Share of the rows that are bad, 0 to 1.
    pub fn bad_share(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.bad_rows as f64 / self.rows as f64 }
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, loaded, bad_rows, duplicate_rows, expired, not_yet_valid, skipped, .. } = self;
        write!(
            f,
            "{rows} rows: {loaded} entries loaded, {bad_rows} bad, {duplicate_rows} repeated, {expired} expired"
        )?;
        for (count, what) in [(*not_yet_valid, "not yet valid"), (*skipped, "passed over by the mapping")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        writeln!(f)?;
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for problem in &self.bad {
            writeln!(f, "{problem}")?;
        }
        let more = self.bad_rows.saturating_sub(self.bad.len() as u64);
        if more > 0 {
            writeln!(f, "and {more} more bad rows")?;
        }
        for duplicate in &self.duplicates {
            writeln!(f, "{duplicate}")?;
        }
        let more = self.duplicate_rows.saturating_sub(self.duplicates.len() as u64);
        if more > 0 {
            writeln!(f, "and {more} more repeated rows")?;
        }
        for conflict in &self.conflicts {
            let (line, first, other) = (conflict.line, conflict.first_line, conflict.contradicts.join(", "));
            writeln!(f, "line {line}: same plate as line {first}, another {other}; both count")?;
        }
        let more = self.conflict_rows.saturating_sub(self.conflicts.len() as u64);
        if more > 0 {
            writeln!(f, "and {more} more plates with several entries")?;
        }
        Ok(())
    }
}

/// Why a whole file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("hotlist {}: cannot be read; check that it exists and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Its header cannot be used.
    #[error(
        "hotlist{}: {problem}{}", of(path),
        if problem.field == "header" {
            "; the header is line 1 and names the columns, for example \
             plate,category,priority,country,valid_from,valid_until,case,instruction; \
             other layouts need a mapping (platewatch hotlist mappings)"
        } else { "" }
    )]
    Header {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// What is wrong.
        problem: Problem,
    },
    /// It is no text at all.
    #[error("hotlist{}: {found}; save it as CSV in UTF-8", of(path))]
    Encoding {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// What it looks like.
        found: &'static str,
    },
    /// Its manifest is missing, is not signed by who may sign, or does not fit it.
    #[error("hotlist{}: {problem}", of(path))]
    Signature {
        /// The list file, where there is one.
        path: Option<PathBuf>,
        /// What is wrong.
        problem: ManifestError,
    },
    /// Too many of its rows are bad.
    #[error(
        "hotlist{}: {} of {} rows are bad, over {:.0} % the whole file is refused; first: {}",
        of(path), report.bad_rows, report.rows, max_bad_share * 100.0,
        report.bad.first().map_or_else(String::new, ToString::to_string)
    )]
    TooManyBad {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// The share above which it is refused.
        max_bad_share: f64,
        /// Everything wrong with it.
        report: Box<ImportReport>,
    },
    /// It would cause more false hits than its budget allows.
    #[error(
        "hotlist {}: {expected:.2} false hits a day are expected of its {entries} entries, more than \
         max_false_hits_per_day ({allowed}); see `platewatch hotlist budget {}`, or set activate_over_budget = true",
        path.display(), path.display()
    )]
    OverBudget {
        /// The file.
        path: PathBuf,
        /// Entries it would have.
        entries: usize,
        /// False hits a day that are expected.
        expected: f64,
        /// What is allowed.
        allowed: f64,
    },
}

fn of(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or_else(String::new, |p| format!(" {}", p.display()))
}

impl ImportError {
    /// The same, naming the file.
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        match &mut self {
            Self::Read { path, .. } | Self::OverBudget { path, .. } => *path = file.to_owned(),
            Self::Header { path, .. }
            | Self::Encoding { path, .. }
            | Self::TooManyBad { path, .. }
            | Self::Signature { path, .. } => *path = Some(file.to_owned()),
        }
        self
    }

    /// What happened without quoting the file: for logs and topics, where no plate may stand.
    pub fn without_content(&self) -> String {
        let at = |p: &Problem| format!("line {}, column {} ({})", p.line, p.column, p.field);
        match self {
            Self::Read { source, .. } => format!("{self}: {source}"),
            Self::Encoding { .. } | Self::OverBudget { .. } | Self::Signature { .. } => self.to_string(),
            Self::Header { path, problem } => {
                format!("hotlist{}: its {} cannot be used, {}", of(path), problem.field, at(problem))
            }
            Self::TooManyBad { path, report, .. } => {
                let first =
                    report.bad.first().map_or_else(String::new, |p| format!(", the first at {}", at(p)));
                format!("hotlist{}: {} of {} rows are bad{first}", of(path), report.bad_rows, report.rows)
            }
        }
    }

    /// The report of a file refused for its bad rows.
    pub fn report(&self) -> Option<&ImportReport> {
        match self {
            Self::TooManyBad { report, .. } => Some(report),
            _ => None,
        }
    }

    /// Whether the same file may load at another time.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}
