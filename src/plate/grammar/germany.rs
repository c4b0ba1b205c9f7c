//! German plates: district, letters, number.
//!
//! Source: Fahrzeug-Zulassungsverordnung (FZV) 2023, §§ 9 to 12 and annexes 1, 2 and 4: one to three
//! letters of the district, one or two letters, one to four digits without a leading zero, eight
//! characters at most; H for oldtimers and E for electric vehicles at the end. District letters with an
//! umlaut stand here without it (see `plate::normalise`). The gap between district and letters is where
//! the seal is and not part of the text, so `BAB12` may be B-AB 12 or BA-B 12: the same text.
//!
//! The list of districts narrows: `IABCS23` is no German plate, there is no district I, IA or IAB. The list is
//! gathered, not the official one, so `de-unlisted` keeps a plate of a district that it lacks from being
//! taken for a misread one.

use super::areas::{Areas, GERMAN_DISTRICTS, followed, leading};
use super::{RULE, Rule, VehicleClass};

/// A district and one or two letters.
const DISTRICT: Option<Areas> = followed(GERMAN_DISTRICTS, 1, 2);
/// A district and nothing but digits after it.
const DISTRICT_ALONE: Option<Areas> = leading(GERMAN_DISTRICTS);

pub(super) const RULES: &[Rule] = &[
    Rule {
        series: "de-historic",
        class: VehicleClass::Historic,
        pattern: "@@@?@?@?%#?#?H",
        areas: DISTRICT,
        share: 0.01,
        source: "FZV § 10 (H)",
        ..RULE
    },
    Rule {
        series: "de-electric",
        pattern: "@@@?@?@?%#?#?E",
        areas: DISTRICT,
        years: (Some(2015), None),
        share: 0.05,
        source: "FZV § 11 (E)",
        ..RULE
    },
    Rule {
        series: "de-ordinary",
        pattern: "@@@?@?%#?#?#?",
        areas: DISTRICT,
        share: 0.8,
        source: "FZV § 9 and annex 2",
        ..RULE
    },
    Rule {
        series: "de-ordinary-five-letters",
        pattern: "@@@@@%#?#?",
        areas: DISTRICT,
        share: 0.1,
        source: "FZV § 9 and annex 2: eight characters at most",
        ..RULE
    },
    Rule {
        series: "de-trade",
        class: VehicleClass::Trade,
        pattern: "@@?@?0[67]##?#?#?",
        areas: DISTRICT_ALONE,
        share: 0.005,
        source: "FZV § 41: red plates, 06 trade, 07 oldtimers",
        ..RULE
    },
    Rule {
        series: "de-short-term",
        class: VehicleClass::Temporary,
        pattern: "@@?@?0[34]##?#?#?",
        areas: DISTRICT_ALONE,
        share: 0.003,
        source: "FZV § 42",
        ..RULE
    },
    Rule {
        series: "de-export",
        class: VehicleClass::Export,
        pattern: "@@?@?%#?#?#?@",
        areas: DISTRICT_ALONE,
        share: 0.002,
        source: "FZV § 45",
        ..RULE
    },
    Rule {
        series: "de-military",
        class: VehicleClass::Military,
        pattern: "[XY]%####?#?",
        share: 0.001,
        source: "FZV annex 3: Y Bundeswehr, X NATO headquarters",
        ..RULE
    },
    Rule {
        series: "de-diplomatic",
        class: VehicleClass::Diplomatic,
        pattern: "0%#?#?%#?#?@?",
        share: 0.000_5,
        source: "as observed: 0, number of the mission, number of the vehicle",
        ..RULE
    },
    Rule {
        series: "de-official",
        class: VehicleClass::Official,
        pattern: "@@?@?%#?#?#?#?",
        areas: DISTRICT_ALONE,
        share: 0.005,
        source: "FZV § 9 and annex 3: authorities, district and number only",
        ..RULE
    },
    Rule {
        series: "de-unlisted",
        pattern: "@@@?@?@?%#?#?#?[EH]?",
        share: 0.002,
        source: "districts that the list here lacks",
        settles: false,
        ..RULE
    },
];
