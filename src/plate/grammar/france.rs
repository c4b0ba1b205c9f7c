//! French plates: the national series of 2009 and the departmental one before it.
//!
//! Source: arrêté of 9 February 2009 on the registration of vehicles (SIV). I, O and U are not issued, in
//! either system, for their likeness to 1, 0 and V.

use super::{RULE, Rule, VehicleClass};

const LETTERS: Option<&str> = Some("ABCDEFGHJKLMNPQRSTVWXYZ");
const SOURCE: &str = "arrêté of 9 February 2009 (SIV)";

pub(super) const RULES: &[Rule] = &[
    Rule {
        series: "fr-temporary",
        class: VehicleClass::Temporary,
        pattern: "WW###@@",
        letters: LETTERS,
        years: (Some(2009), None),
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "fr-trade",
        class: VehicleClass::Trade,
        pattern: "W###@@",
        letters: LETTERS,
        years: (Some(2009), None),
        share: 0.005,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "fr-siv-2009",
        pattern: "@@###@@",
        letters: LETTERS,
        years: (Some(2009), None),
        share: 0.93,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "fr-departmental",
        pattern: "%#?#?#?@@?@?##",
        letters: LETTERS,
        years: (Some(1950), Some(2009)),
        share: 0.03,
        source: "departmental series (FNI): number, letters, department",
        ..RULE
    },
    Rule {
        series: "fr-departmental-corsica",
        pattern: "%#?#?#?@@?@?2[AB]",
        letters: LETTERS,
        years: (Some(1976), Some(2009)),
        share: 0.000_5,
        source: "departmental series (FNI): 2A and 2B since 1976",
        ..RULE
    },
    Rule {
        series: "fr-diplomatic",
        class: VehicleClass::Diplomatic,
        pattern: "%#?#?CM?D%#?#?#?",
        share: 0.000_5,
        source: "diplomatic series: CD and CMD (head of mission)",
        ..RULE
    },
];
