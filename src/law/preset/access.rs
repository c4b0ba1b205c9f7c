//! `[access]` of a preset: who may look at what, and for what.

use super::Rule;
use crate::law::access::{Right, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section `[access]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRules {
    /// What each role may do.
    pub roles: Rule<BTreeMap<Role, Vec<Right>>>,
    /// Of which police each purpose is.
    pub purposes: Rule<BTreeMap<String, Police>>,
    /// Days for which data may be seen without more.
    pub first_days: Rule<u32>,
    /// What older data needs, by police.
    pub older: Rule<BTreeMap<Police, Older>>,
    /// Rights that need a second person.
    pub four_eyes: Rule<Vec<Right>>,
    /// Most rows that a look without a plate shows.
    pub bulk_rows: Rule<u32>,
    /// Most looks without a plate, or with a pattern, that a person may make in 24 hours.
    pub bulk_per_day: Rule<u32>,
    /// Entries from which a list that the past is searched for counts as a bulk search; one with a pattern always does.
    pub bulk_entries: Rule<u32>,
    /// Minutes after which a session at the page without a sign of life ends.
    pub session_idle_min: Rule<u32>,
    /// Hours after which a session at the page ends in any case.
    pub session_max_h: Rule<u32>,
}

/// Of which police a purpose is (WPA art. 14 and 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Police {
    /// Judicial police.
    Judicial,
    /// Administrative police.
    Administrative,
}

/// What data older than the first days needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Older {
    /// It is not shown.
    Never,
    /// The written, reasoned decision of the prosecutor, by its reference.
    Decision,
    /// Nothing more.
    Free,
}
