//! `[subject]` of a preset: citizens who ask what is held of them.

use super::Rule;
use serde::Deserialize;

/// The section `[subject]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectRules {
    /// Days within which an answer is due.
    pub answer_days: Rule<u32>,
    /// Where the request comes from and the answer goes to, in a sentence of the covering form.
    pub channel: Rule<String>,
    /// What is withheld until the officer has decided: `open-case` (hits of a case that has not ended).
    pub withheld: Rule<Vec<Withheld>>,
    /// Why, in a sentence of the covering form.
    pub withheld_reason: Rule<String>,
}

/// A kind of data that is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// Hits whose list entry names a case.
    OpenCase,
    /// Searches for the plate.
    Searches,
    /// What is on legal hold.
    OnHold,
}
