//! What is wrong with a configuration, in words that say where, what was found and what to write.

use std::fmt;
use std::path::PathBuf;

/// One thing wrong, or (as a warning) one thing that deserves a second look.
///
/// Displays as `platewatch.toml:12:13: cameras[gate].transport: found "tpc", allowed: "tcp", "udp" (did
/// you mean "tcp"?)`. Holds no secret: passwords and URLs that carry one are never copied into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file.
    pub file: PathBuf,
    /// Where in it, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key, such as `cameras[gate].transport`; `cameras[#2]` where the second camera has no name.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there; empty for a warning.
    pub allowed: String,
    /// How to put it right, where that can be said.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file.display(), self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "found {}", self.found)?;
        if !self.allowed.is_empty() {
            write!(f, ", allowed: {}", self.allowed)?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: cannot read the configuration: {cause}; say which file with --config FILE", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Everything wrong with what stands in it, in the order of its lines.
    #[error("{}", lines(.problems))]
    Invalid {
        /// At least one.
        problems: Vec<Problem>,
        /// What deserves a second look besides.
        warnings: Vec<Problem>,
    },
}

impl ConfigError {
    /// The problems, in the order of their lines; none where the file could not be read at all.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Invalid { problems, .. } => problems,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
