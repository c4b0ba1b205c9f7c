//! The rules of one country, read from one file: every figure with its article, its source and whether its
//! wording was checked.
//!
//! A file says `applies = false` where police law does not apply (`off`); then it holds no rules, and its
//! `statement` stands in every export. A section a file, so that each can be read beside its part of the code.

mod access;
mod mandate;
mod register;
mod retention;
mod subject;

pub use access::{AccessRules, Older, Police};
pub use mandate::MandateRules;
pub use register::RegisterRules;
pub use retention::{RetentionRules, Scheme};
pub use subject::{SubjectRules, Withheld};

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The presets that come with the program: name and text.
const READY: &[(&str, &str)] =
    &[("be-wpa", include_str!("../presets/be-wpa.toml")), ("off", include_str!("../presets/off.toml"))];

/// Why a preset cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// The file cannot be read.
    #[error("the preset {} cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// It is no preset: line, column and field, as the file's reader says.
    #[error("the preset {from}: {why}")]
    Invalid {
        /// The file, or the name of a ready one.
        from: String,
        /// What is wrong, with line and field.
        why: String,
    },
}

/// One rule: a figure or a list, and what it rests on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<T> {
    /// What holds.
    pub value: T,
    /// Article of the law, or whose decision it is where the law gives no figure.
    pub article: String,
    /// Where its wording or figure was found.
    pub source: String,
    /// Whether it was checked word for word against the consolidated text.
    pub checked: bool,
    /// What to know besides.
    #[serde(default)]
    pub note: String,
}

/// Everything a country's law asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Authorisations and cameras.
    pub mandate: MandateRules,
    /// The register of use and the public list.
    pub register: RegisterRules,
    /// How long things are kept.
    pub retention: RetentionRules,
    /// Who may look at what.
    pub access: AccessRules,
    /// Citizens who ask what is held.
    pub subject: SubjectRules,
}

/// A preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its name, in every export.
    pub name: String,
    /// What it is, in a sentence.
    pub title: String,
    /// Stands in every export.
    pub statement: String,
    /// What is to be done with rules that were not checked.
    pub verify: String,
    /// The file as it was read.
    pub text: String,
    /// The rules; `None` where police law does not apply.
    pub rules: Option<Rules>,
    /// Rules whose wording was not checked.
    pub unchecked: Vec<Unchecked>,
}

/// A rule whose wording was not checked word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// Its place in the file: `mandate.oral_valid_h`.
    pub rule: String,
    /// The article it refers to.
    pub article: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    title: String,
    statement: String,
    #[serde(default)]
    verify: String,
    applies: bool,
    mandate: Option<MandateRules>,
    register: Option<RegisterRules>,
    retention: Option<RetentionRules>,
    access: Option<AccessRules>,
    subject: Option<SubjectRules>,
}

impl Preset {
    /// The preset `said`: the name of a ready one, or the path of a file (relative to `base`).
    ///
    /// # Errors
    /// [`PresetError`] where it cannot be read or a line of it is wrong.
    pub fn load(said: &str, base: &Path) -> Result<Self, PresetError> {
        if let Some((name, text)) = READY.iter().find(|(name, _)| *name == said) {
            return Self::parse(text, name);
        }
        let path = base.join(said);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(cause) => Err(PresetError::Unreadable { path, cause }),
        }
    }

    /// The names of the ready ones.
    pub fn ready() -> impl Iterator<Item = &'static str> {
        READY.iter().map(|(name, _)| *name)
    }

    /// The text of a ready one, for whoever writes another zone's.
    pub fn text_of(name: &str) -> Option<&'static str> {
        READY.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
    }

    /// The Belgian preset.
    pub fn be_wpa() -> Self {
        Self::built_in("be-wpa")
    }

    /// The preset for use outside police law.
    pub fn off() -> Self {
        Self::built_in("off")
    }

    fn built_in(name: &str) -> Self {
        let text = Self::text_of(name).unwrap_or_default();
        Self::parse(text, name).unwrap_or_else(|error| {
            // A test reads every ready preset, so this is never reached; if it were, nothing would be allowed
            // silently: a preset without rules says that it has none.
            tracing::error!(%error, "a preset that comes with the program is wrong");
            let statement = format!("the preset {name} could not be read; no rule was applied");
            Self {
                name: name.to_owned(),
                title: String::new(),
                statement,
                verify: String::new(),
                text: String::new(),
                rules: None,
                unchecked: Vec::new(),
            }
        })
    }

    /// The preset that `text` holds; `from` names it in errors.
    ///
    /// # Errors
    /// [`PresetError::Invalid`] with line, column and field.
    pub fn parse(text: &str, from: &str) -> Result<Self, PresetError> {
        let invalid = |why: String| PresetError::Invalid { from: from.to_owned(), why };
        let written: Written =
            toml::from_str(text).map_err(|e| invalid(e.to_string().trim_end().to_owned()))?;
        let table: toml::Table =
            toml::from_str(text).map_err(|e| invalid(e.to_string().trim_end().to_owned()))?;
        let mut unchecked = Vec::new();
        collect_unchecked(&table, "", &mut unchecked);
        let rules = match (
            written.applies,
            written.mandate,
            written.register,
            written.retention,
            written.access,
            written.subject,
        ) {
            (false, None, None, None, None, None) => None,
            (true, Some(mandate), Some(register), Some(retention), Some(access), Some(subject)) => {
                Some(Rules { mandate, register, retention, access, subject })
            }
            (true, mandate, register, retention, access, _) => {
                let there = [mandate.is_some(), register.is_some(), retention.is_some(), access.is_some()];
                let names = ["mandate", "register", "retention", "access", "subject"];
                let missing =
                    names.iter().zip(there).find(|(_, there)| !there).map_or("subject", |(n, _)| *n);
                return Err(invalid(format!(
                    "the section [{missing}] is missing; a preset that applies needs all of [mandate], [register], [retention], [access], [subject]"
                )));
            }
            (false, ..) => {
                return Err(invalid(
                    "applies = false and there are rules; take them out, or say applies = true".into(),
                ));
            }
        };
        if !unchecked.is_empty() && written.verify.trim().is_empty() {
            return Err(invalid(
                "some rules say checked = false, but `verify` does not say who is to be asked".into(),
            ));
        }
        if written.statement.trim().is_empty() {
            return Err(invalid("`statement` is empty; it stands in every export".into()));
        }
        Ok(Self {
            name: written.name,
            title: written.title,
            statement: written.statement,
            verify: written.verify,
            text: text.to_owned(),
            rules,
            unchecked,
        })
    }
}

/// Every table with `checked = false`, in the order of the file's keys.
fn collect_unchecked(table: &toml::Table, path: &str, found: &mut Vec<Unchecked>) {
    for (name, value) in table {
        let toml::Value::Table(inner) = value else { continue };
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if inner.get("checked").and_then(toml::Value::as_bool) == Some(false) {
            let article = inner.get("article").and_then(toml::Value::as_str).unwrap_or_default();
            found.push(Unchecked { rule: path, article: article.to_owned() });
        } else {
            collect_unchecked(inner, &path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_preset_reads() {
        for (name, text) in READY {
            let preset = Preset::parse(text, name).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(preset.name, *name);
            assert!(!preset.statement.is_empty());
        }
        assert!(Preset::off().rules.is_none());
        let belgian = Preset::be_wpa();
        assert!(belgian.rules.is_some());
        assert!(
            belgian.unchecked.iter().any(|u| u.rule == "mandate.oral_valid_h"),
            "{:?}",
            belgian.unchecked
        );
        assert_eq!(belgian.verify, "verify with the zone's data protection officer");
    }

    #[test]
    fn an_error_names_file_line_and_field() {
        let text = READY[0]
            .1
            .replace("[mandate.oral_valid_h]\nvalue = 72", "[mandate.oral_valid_h]\nvalue = \"three days\"");
        assert_ne!(text, READY[0].1);
        let error = Preset::parse(&text, "zone.toml").unwrap_err().to_string();
        assert!(
            error.contains("zone.toml") && error.contains("line ") && error.contains("three days"),
            "{error}"
        );
        let error = Preset::parse(&READY[0].1.replace("\napplies", "\naplies"), "zone.toml").unwrap_err();
        assert!(error.to_string().contains("aplies"), "{error}");
        let off = format!("{}\n{}", READY[1].1, "[subject]\n");
        assert!(Preset::parse(&off, "x").is_err());
    }
}
