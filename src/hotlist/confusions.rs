//! How often a reader takes one character for another, drops one, or reads one that is not there.
//!
//! Measured by reading plates of known text (`training/`) and kept as lines `truth read count`, `-` for no
//! character. What was never seen is not impossible: a few made-up observations of known look-alikes stand
//! under the measured ones (additive smoothing).

use crate::domain::ALPHABET;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// Characters, and no character after them.
const NONE: usize = 36;

/// The matrix of the shipped reader.
const BUILTIN: &str = include_str!("../../models/reader.confusion.tsv");
/// What is said of it in place of a file name.
const BUILTIN_NAME: &str = "built in, of the shipped reader";

/// Made-up observations of each character that stand under the measured ones.
const ASSUMED: f64 = 50.0;
/// Share of them that are substitutions, and of these those by a look-alike.
const ASSUMED_WRONG: f64 = 0.01;
const ASSUMED_ALIKE: f64 = 0.7;
/// Share of them that are dropped, and extra characters for each.
const ASSUMED_DROPPED: f64 = 0.002;
const ASSUMED_EXTRA: f64 = 0.001;

/// Characters that look alike, in groups: letters among each other, digits, and across.
const ALIKE: &[&str] = &[
    "0OQD", "0CGO", "1IL", "1T7", "IT", "IJL", "2Z", "27", "38B", "3S5", "4A", "5S", "6G", "6B8", "89", "8S",
    "BPR", "CG", "EF", "FP", "HMN", "HK", "KX", "MNW", "NV", "PR", "UV", "UJ", "VY", "VW", "XY", "TY", "TL",
    "06", "09", "ER", "EB", "DO", "AR",
];

/// Why a file of confusions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfusionsError {
    /// Not there or not readable.
    #[error("confusions {}: cannot be read; leave the key out to use those of the shipped reader", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that says something else.
    #[error(
        "confusions {name}: line {line}: found {found:?}; allowed is `truth read count`: a letter or digit or -, twice, and a whole number"
    )]
    Line {
        /// The file.
        name: String,
        /// From 1.
        line: usize,
        /// What stands there, cut to 40 characters.
        found: String,
    },
    /// It holds no character that was read right.
    #[error("confusions {name}: holds no character that was read right; is it the matrix of a reader?")]
    Empty {
        /// The file.
        name: String,
    },
}

/// Rates of confusion, by character.
#[derive(Debug, Clone)]
pub struct Confusions {
    /// `read[truth][read]`: probability of each reading of a character, of none last; sums to 1.
    read: Vec<[f64; NONE + 1]>,
    /// Extra characters read for each character of a text, by what was read.
    extra: [f64; NONE],
    /// `meant[read][truth]`: probability of each truth behind a character that was read, all characters being as
    /// common as each other; of none last.
    meant: Vec<[f64; NONE + 1]>,
    /// File, or what else it comes from.
    name: String,
    /// How many characters were measured.
    measured: u64,
}

impl Confusions {
    /// The matrix that was measured for the shipped reader.
    pub fn builtin() -> Arc<Self> {
        static BUILT: LazyLock<Arc<Confusions>> = LazyLock::new(|| {
            // Were the file of the source tree broken, its test fails; the assumptions alone still hold.
            let counts = counts(BUILTIN, BUILTIN_NAME).unwrap_or_else(|_| vec![[0.0; NONE + 1]; NONE + 1]);
            Arc::new(Confusions::of(&counts, BUILTIN_NAME))
        });
        Arc::clone(&BUILT)
    }

    /// Those of a file.
    ///
    /// # Errors
    /// Where it cannot be read, a line is something else, or no character was ever read right.
    pub fn load(path: &Path) -> Result<Self, ConfusionsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfusionsError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Those of lines `truth read count`; blank lines and those that begin with `#` do not count.
    ///
    /// # Errors
    /// Where a line is something else, or no character was ever read right.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfusionsError> {
        Ok(Self::of(&counts(text, name)?, name))
    }

    fn of(counts: &[[f64; NONE + 1]], name: &str) -> Self {
        let count = |truth: usize, read: usize| {
            counts.get(truth).and_then(|row| row.get(read)).copied().unwrap_or(0.0)
        };
        let mut read = Vec::with_capacity(NONE);
        for truth in 0..NONE {
            let mut row: [f64; NONE + 1] = std::array::from_fn(|r| count(truth, r) + assumed(truth, r));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
            read.push(row);
        }
        let characters: f64 =
            (0..NONE).flat_map(|t| (0..=NONE).map(move |r| (t, r))).map(|(t, r)| count(t, r)).sum();
        let assumed_characters = ASSUMED * NONE as f64;
        let extra: [f64; NONE] = std::array::from_fn(|r| {
            (count(NONE, r) + assumed_characters * ASSUMED_EXTRA / NONE as f64)
                / (characters + assumed_characters)
        });
        let meant = (0..NONE)
            .map(|r| {
                let mut row: [f64; NONE + 1] = std::array::from_fn(|truth| match truth {
                    NONE => extra.get(r).copied().unwrap_or(0.0),
                    _ => read.get(truth).and_then(|row| row.get(r)).copied().unwrap_or(0.0) / NONE as f64,
                });
                let sum: f64 = row.iter().sum();
                row.iter_mut().for_each(|p| *p /= sum);
                row
            })
            .collect();
        Self { read, extra, meant, name: name.to_owned(), measured: characters as u64 }
    }

    /// The file, or what else it comes from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many characters were measured.
    pub fn measured(&self) -> u64 {
        self.measured
    }

    /// Probability of each reading of the character at place `truth` of the alphabet, that of no reading last.
    pub fn read(&self, truth: usize) -> [f64; 37] {
        self.read.get(truth).copied().unwrap_or([0.0; NONE + 1])
    }

    /// Probability that the character at place `truth` is dropped.
    pub fn dropped(&self, truth: usize) -> f64 {
        self.read.get(truth).map_or(0.0, |row| row[NONE])
    }

    /// How many extra characters are read as each character, for each character of a text.
    pub fn extra(&self) -> &[f64; 36] {
        &self.extra
    }

    /// Probability of each character, that of none last, behind the character at place `read`.
    pub fn meant(&self, read: usize) -> [f64; 37] {
        self.meant.get(read).copied().unwrap_or([0.0; NONE + 1])
    }
}

/// The made-up observations of a character.
fn assumed(truth: usize, read: usize) -> f64 {
    let wrong = ASSUMED * ASSUMED_WRONG;
    if read == NONE {
        return ASSUMED * ASSUMED_DROPPED;
    }
    if read == truth {
        return ASSUMED * (1.0 - ASSUMED_WRONG - ASSUMED_DROPPED);
    }
    let alike = |r: usize| {
        let (a, b) = (ALPHABET.get(truth).copied().unwrap_or(0), ALPHABET.get(r).copied().unwrap_or(0));
        ALIKE.iter().any(|group| group.as_bytes().contains(&a) && group.as_bytes().contains(&b))
    };
    let likes = (0..NONE).filter(|&r| r != truth && alike(r)).count() as f64;
    let even = wrong * (1.0 - ASSUMED_ALIKE) / (NONE - 1) as f64;
    if likes == 0.0 {
        wrong / (NONE - 1) as f64
    } else {
        even + if alike(read) { wrong * ASSUMED_ALIKE / likes } else { 0.0 }
    }
}

fn place(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [b'-'] => Some(NONE),
        [c] => ALPHABET.iter().position(|a| a == c),
        _ => None,
    }
}

fn counts(text: &str, name: &str) -> Result<Vec<[f64; NONE + 1]>, ConfusionsError> {
    let mut counts = vec![[0.0; NONE + 1]; NONE + 1];
    for (line, said) in (1..).zip(text.lines()) {
        let said = said.trim();
        if said.is_empty() || said.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = said.split_whitespace().collect();
        let parsed = match *words.as_slice() {
            [truth, read, count] => place(truth).zip(place(read)).zip(count.parse::<u32>().ok()),
            _ => None,
        };
        let cell = parsed.and_then(|((t, r), n)| Some((counts.get_mut(t)?.get_mut(r)?, n)));
        let Some((cell, n)) = cell else {
            let found = said.chars().take(40).collect();
            return Err(ConfusionsError::Line { name: name.to_owned(), line, found });
        };
        *cell += f64::from(n);
    }
    if (0..NONE).all(|c| counts.get(c).and_then(|row| row.get(c)).is_none_or(|&n| n == 0.0)) {
        return Err(ConfusionsError::Empty { name: name.to_owned() });
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(c: char) -> usize {
        ALPHABET.iter().position(|&a| char::from(a) == c).unwrap()
    }

    #[test]
    fn the_built_in_matrix_is_sound() {
        assert!(counts(BUILTIN, "").is_ok());
        let c = Confusions::builtin();
        assert!(c.measured() > 10_000);
        for i in 0..36 {
            assert!(
                (c.read(i).iter().sum::<f64>() - 1.0).abs() < 1e-9
                    && (c.meant(i).iter().sum::<f64>() - 1.0).abs() < 1e-9
            );
            assert!(c.read(i)[i] > 0.8 && c.read(i).iter().all(|&p| p > 0.0), "{i}");
        }
        assert!(c.read(at('O'))[at('0')] > 20.0 * c.read(at('O'))[at('X')]);
    }

    #[test]
    fn lines_count_and_bad_ones_are_named() {
        let c = Confusions::parse("# reader\nA A 900\nA 4 100\n\n- 1 10\nA - 5\n", "x").unwrap();
        assert!((c.read(at('A'))[at('4')] - 0.095).abs() < 0.005);
        assert!(c.meant(at('4'))[at('A')] > 0.05 && c.meant(at('1'))[36] > 0.05);
        for (text, line) in [("A A 1\nA B", 2), ("A B -3", 1), ("a B 3", 1), ("AB C 3", 1), ("Ä B 3", 1)] {
            match Confusions::parse(text, "x") {
                Err(ConfusionsError::Line { line: at, .. }) => assert_eq!(at, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(Confusions::parse("A B 3", "x"), Err(ConfusionsError::Empty { .. })));
        assert!(matches!(Confusions::load(Path::new("/nowhere")), Err(ConfusionsError::Read { .. })));
    }
}
