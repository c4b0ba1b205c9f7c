//! `[register]` of a preset: the register of use and the public list of places.

use super::Rule;
use crate::law::CameraType;
use serde::Deserialize;

/// The section `[register]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterRules {
    /// What each entry says: columns of the export, in this order.
    pub columns: Rule<Vec<String>>,
    /// Kinds of camera that look only while an officer in charge is on duty.
    pub officer_types: Rule<Vec<CameraType>>,
    /// Hours after which a duty ends by itself: an officer who forgot to end it is not in charge for ever.
    pub duty_max_h: Rule<u32>,
    /// Kinds of camera whose places are published; covert uses never are.
    pub public_types: Rule<Vec<CameraType>>,
}
