//! `[mandate]` of a preset: what an authorisation must say and when a camera may look.

use super::Rule;
use crate::law::CameraType;
use serde::Deserialize;

/// The section `[mandate]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateRules {
    /// Kinds of camera the law knows; others are refused.
    pub camera_types: Rule<Vec<CameraType>>,
    /// Kinds that need no authorisation: the police's own closed premises.
    pub exempt_types: Rule<Vec<CameraType>>,
    /// Fields without which a mandate counts for nothing, by their names in the mandate file.
    pub required: Rule<Vec<String>>,
    /// Purposes an authorisation may be given for; words of the mandate and of lists.
    pub purposes: Rule<Vec<String>>,
    /// Hours for which an oral decision of the mayor counts without a written one.
    pub oral_valid_h: Rule<u32>,
    /// Days for which a temporary camera may stand in one place.
    pub temporary_max_days: Rule<u32>,
    /// Days before its end from which a mandate is announced as ending.
    pub end_notice_days: Rule<u32>,
    /// Kinds of camera that may look without being seen, where the mandate and a legal ground say so.
    pub covert_types: Rule<Vec<CameraType>>,
    /// The legal grounds a covert use may name.
    pub covert_grounds: Rule<Vec<String>>,
    /// Longest covert use in one go, in hours.
    pub covert_max_h: Rule<u32>,
    /// What a third-party camera must say: fields of the mandate's `[third_party]`.
    pub third_party_required: Rule<Vec<String>>,
    /// Seconds after which a vehicle's last position says nothing of where it is.
    pub position_max_age_s: Rule<u32>,
}
