//! British plates, Northern Ireland included.
//!
//! Source: DVLA INF104 (current and former systems). I and Q are not issued in the current random letters
//! nor Z in the area; the numbers below 21 of the prefix system were sold later and are allowed here.

use super::{RULE, Rule, VehicleClass};

const LETTERS: Option<&str> = Some("ABCDEFGHJKLMNOPRSTUVWXYZ");
const SOURCE: &str = "DVLA INF104";

pub(super) const RULES: &[Rule] = &[
    Rule {
        series: "gb-current-2001",
        pattern: "[ABCDEFGHJKLMNOPRSTUVWXY][ABCDEFGHJKLMNOPRSTUVWXY]##@@@",
        letters: LETTERS,
        years: (Some(2001), None),
        share: 0.88,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-northern-ireland",
        pattern: "[ABCDEFGHIJKLMNOPRSTUVWXYZ]?[ABCDEFGHIJKLMNOPRSTUVWXYZ][IZ]%#?#?#?",
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-northern-ireland-2",
        pattern: "[ABCDEFGHIJKLMNOPRSTUVWXYZ]?[IZ][ABCDEFGHIJKLMNOPRSTUVWXYZ]%#?#?#?",
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-prefix-1983",
        pattern: "[ABCDEFGHJKLMNPRSTVWXY]%#?#?@@@",
        letters: LETTERS,
        years: (Some(1983), Some(2001)),
        share: 0.06,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-suffix-1963",
        class: VehicleClass::Historic,
        pattern: "@@@%#?#?[ABCDEFGHJKLMNPRSTVWXY]",
        letters: LETTERS,
        years: (Some(1963), Some(1983)),
        share: 0.005,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-dateless",
        pattern: "@@?@?%#?#?#?",
        letters: LETTERS,
        years: (None, Some(1963)),
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-dateless-reversed",
        pattern: "%#?#?#?@@?@?",
        letters: LETTERS,
        years: (None, Some(1963)),
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "gb-diplomatic-1979",
        class: VehicleClass::Diplomatic,
        pattern: "###[DX]###",
        years: (Some(1979), None),
        share: 0.001,
        source: "as observed: three digits of the country, D diplomats or X others, three digits",
        ..RULE
    },
    Rule {
        series: "gb-military",
        class: VehicleClass::Military,
        pattern: "##@@##",
        share: 0.000_5,
        source: "as observed",
        ..RULE
    },
];
