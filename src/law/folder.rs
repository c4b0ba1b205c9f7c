//! All mandates of a box: the files `*.toml` of one folder, and why some of them are not taken.

use super::{Mandate, Rules};
use crate::runtime::Signers;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The mandates of a folder as it was read.
#[derive(Debug, Clone, Default)]
pub struct Mandates {
    taken: BTreeMap<String, Arc<Mandate>>,
    /// Which written decision confirms an oral one.
    confirmed_by: BTreeMap<String, String>,
    refused: Vec<Refused>,
    seen: Vec<(PathBuf, Option<SystemTime>, u64)>,
}

/// A file that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// The reference it gives, where that much could be read; nothing of an unsigned file is believed, this
    /// is only said to people.
    pub reference: Option<String>,
    /// Why, in a sentence.
    pub why: String,
}

impl Mandates {
    /// Reads every `*.toml` in `folder`. What is wrong with one file stops no other.
    ///
    /// # Errors
    /// Where the folder itself cannot be read.
    pub fn read(folder: &Path, signers: &Signers, rules: &Rules) -> std::io::Result<Self> {
        let mut found = Self { seen: listing(folder)?, ..Self::default() };
        for (path, ..) in found.seen.clone() {
            match read_one(&path, signers, rules) {
                Ok(mandate) => found.take(path, mandate),
                Err(refused) => found.refused.push(refused),
            }
        }
        for mandate in found.taken.values() {
            if let Some(oral) = &mandate.confirms {
                found.confirmed_by.insert(oral.clone(), mandate.reference.clone());
            }
        }
        Ok(found)
    }

    fn take(&mut self, path: PathBuf, mandate: Mandate) {
        let reference = mandate.reference.clone();
        match self.taken.entry(reference) {
            Entry::Vacant(free) => _ = free.insert(Arc::new(mandate)),
            Entry::Occupied(taken) => {
                let reference = taken.key().clone();
                let why = format!(
                    "a second mandate of the reference {reference:?}; the first file, by name, counts"
                );
                self.refused.push(Refused { path, reference: Some(reference), why });
            }
        }
    }

    /// Whether the folder holds other files than when this was read.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn changed(&self, folder: &Path) -> std::io::Result<bool> {
        Ok(listing(folder)? != self.seen)
    }

    /// The mandate that counts for a camera which names `reference`: that one, or the written decision that
    /// confirms it.
    pub fn get(&self, reference: &str) -> Option<&Arc<Mandate>> {
        let confirmed = self.confirmed_by.get(reference).and_then(|written| self.taken.get(written));
        confirmed.or_else(|| self.taken.get(reference))
    }

    /// Why the file that gives this reference is not taken.
    pub fn refusal(&self, reference: &str) -> Option<&Refused> {
        self.refused.iter().find(|r| r.reference.as_deref() == Some(reference))
    }

    /// Those that are taken, by reference.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Mandate>> {
        self.taken.values()
    }

    /// Files that are not taken.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }
}

fn read_one(path: &Path, signers: &Signers, rules: &Rules) -> Result<Mandate, Refused> {
    let refuse = |reference: Option<String>, why: String| Refused { path: path.to_owned(), reference, why };
    let text = super::mandate::read_text(path).map_err(|e| refuse(None, e.to_string()))?;
    let said = || Mandate::parse(super::mandate::unsigned(&text)).ok().map(|m| m.reference);
    let mandate = Mandate::verify(&text, signers).map_err(|e| refuse(said(), e.to_string()))?;
    let problems = mandate.problems(rules);
    if problems.is_empty() {
        return Ok(mandate);
    }
    Err(refuse(Some(mandate.reference.clone()), problems.join("; ")))
}

/// Every `*.toml` with the time of its last change and its size, by name.
fn listing(folder: &Path) -> std::io::Result<Vec<(PathBuf, Option<SystemTime>, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            // A file that went between the listing and the look is as if it had not been there.
            if let Ok(about) = std::fs::metadata(&path) {
                found.push((path, about.modified().ok(), about.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}
