//! Luxembourg plates: two letters and four digits, and the older numbers.
//!
//! Source: règlement grand-ducal of 26 January 2016 on the registration of vehicles; older numbers of four
//! or five digits can still be reserved and are met daily.

use super::{RULE, Rule, VehicleClass};

const SOURCE: &str = "règlement grand-ducal of 26 January 2016";

pub(super) const RULES: &[Rule] = &[
    Rule {
        series: "lu-diplomatic",
        class: VehicleClass::Diplomatic,
        pattern: "CD####",
        share: 0.01,
        source: SOURCE,
        ..RULE
    },
    Rule { series: "lu-ordinary", pattern: "@@####", share: 0.8, source: SOURCE, ..RULE },
    Rule { series: "lu-numeric", pattern: "%####?", share: 0.17, source: SOURCE, ..RULE },
    Rule { series: "lu-one-letter", pattern: "@####", share: 0.01, source: SOURCE, ..RULE },
];
