//! The other countries that the reader names: Turkey, Liechtenstein, Iceland, Malta, Cyprus, Brazil, and the
//! United States.
//!
//! Laws are cited as quoted in the plate dossiers of vehiclesdb (CC BY 4.0), not read in the gazettes. The
//! reader's `other` has no grammar: nothing is settled there.

use super::{RULE, Rule, VehicleClass};

const TR_LAW: &str = "Karayolları Trafik Yönetmeliği art. 55 (six groups, as amended 2014; repealed 04-11-2025, \
                      still issued so)";

/// Province, then one to three letters and two to five digits. The law names no letters; that Q, W and X are
/// not issued, and that provinces end at 81, is second-hand and therefore not used.
const fn turkish(series: &'static str, pattern: &'static str, share: f32) -> Rule {
    Rule { series, pattern, share, source: TR_LAW, ..RULE }
}

pub(super) const TURKEY: &[Rule] = &[
    Rule { class: VehicleClass::Diplomatic, ..turkish("tr-diplomatic", "##C[DM]####", 0.001) },
    turkish("tr-one-four", "##@####", 0.05),
    turkish("tr-one-five", "##@#####", 0.02),
    turkish("tr-two-three", "##@@###", 0.25),
    turkish("tr-two-four", "##@@####", 0.2),
    turkish("tr-three-two", "##@@@##", 0.2),
    turkish("tr-three-three", "##@@@###", 0.27),
];

/// A number may repeat over colours and vehicle classes: the text alone names no class.
pub(super) const LIECHTENSTEIN: &[Rule] = &[Rule {
    series: "li",
    pattern: "FL%#?#?#?#?",
    years: (Some(1925), None),
    share: 0.98,
    source: "VZV (LR 741.51) art. 73: the letters FL and a number; five digits at most is practice, not law",
    ..RULE
}];

/// Numbers are drawn at random: no age, no region. No letter is excluded by rule.
pub(super) const ICELAND: &[Rule] = &[
    Rule {
        series: "is-1989",
        pattern: "@@###",
        years: (Some(1989), None),
        share: 0.5,
        source: "reglugerð 751/2003 art. 4",
        ..RULE
    },
    Rule {
        series: "is-2006",
        pattern: "@@@##",
        years: (Some(2006), None),
        share: 0.48,
        source: "reglugerð 691/2006 art. 2",
        ..RULE
    },
];

const MT_LAW: &str = "S.L. 368.02 regs. 30 and 31";

/// The first letter of a private car tells the month of its tax; marks of two to nine characters can be bought.
pub(super) const MALTA: &[Rule] = &[
    Rule {
        series: "mt-official-2004",
        class: VehicleClass::Official,
        pattern: "GV[AHNP]###",
        share: 0.005,
        source: MT_LAW,
        ..RULE
    },
    Rule {
        series: "mt-diplomatic-2004",
        class: VehicleClass::Diplomatic,
        pattern: "CD@###",
        share: 0.002,
        source: MT_LAW,
        ..RULE
    },
    Rule {
        series: "mt-standard-2004",
        pattern: "@@@###",
        years: (Some(2004), None),
        share: 0.96,
        source: MT_LAW,
        ..RULE
    },
    Rule { series: "mt-bus", pattern: "@BUS###", share: 0.005, source: MT_LAW, ..RULE },
    Rule {
        series: "mt-taxi",
        class: VehicleClass::Taxi,
        pattern: "TAXI###[GM]",
        share: 0.01,
        source: "S.L. 499.59: M Malta, G Gozo",
        ..RULE
    },
];

/// The twelve letters that are the same in Latin and Greek and not like a digit.
const CYPRIOT: Option<&str> = Some("ABEHKMNPTXYZ");
const CY_LAW: &str = "K.D.P. 291/2010, second schedule, part I, in force 03-06-2013";

pub(super) const CYPRUS: &[Rule] = &[
    Rule {
        series: "cy-2013",
        pattern: "@@@###",
        letters: CYPRIOT,
        years: (Some(2013), None),
        share: 0.8,
        source: CY_LAW,
        ..RULE
    },
    // Before 2013 no rule said what stands on a plate: these only fit, they settle nothing.
    Rule {
        series: "cy-older",
        pattern: "@@@?%#?#?",
        years: (None, Some(2013)),
        share: 0.18,
        source: "as observed; K.D.P. 66/1984 leaves letters and numbers to the registrar",
        settles: false,
        ..RULE
    },
];

/// Old and new plates differ in the fifth character alone, a digit or a letter, so it is never settled. A to J
/// there is a converted old number or a number of the first years; later letters are not ruled out.
pub(super) const BRAZIL: &[Rule] = &[
    Rule {
        series: "br-1990",
        pattern: "@@@####",
        years: (Some(1990), Some(2020)),
        share: 0.5,
        source: "Resolução CONTRAN 231/2007: three letters, four digits",
        ..RULE
    },
    Rule {
        series: "br-mercosul-2018",
        pattern: "@@@#[ABCDEFGHIJ]##",
        years: (Some(2018), None),
        share: 0.46,
        source: "Resolução CONTRAN 741/2018 annex III; 969/2022 annexes I (1.2) and II",
        ..RULE
    },
    Rule {
        series: "br-mercosul-later",
        pattern: "@@@#[KLMNOPQRSTUVWXYZ]##",
        years: (Some(2018), None),
        share: 0.03,
        source: "Resolução CONTRAN 969/2022 annex I (1.2): LLLNLNN, drawn at random",
        ..RULE
    },
];

/// A shape of some states. None of them settles a text by itself: the reader does not name the state, the shapes
/// of fifty states together leave nearly every position open to both classes, and every state sells texts of the
/// holder's choice in up to seven characters of any mix. They say what a text of the commonest shapes may be, and
/// weigh against each other what the reader itself doubts between.
const fn state(series: &'static str, pattern: &'static str, share: f32) -> Rule {
    Rule {
        series,
        pattern,
        share,
        settles: false,
        source: "as observed: shapes of passenger series that the states' plates show (training/, states.py)",
        ..RULE
    }
}

pub(super) const UNITED_STATES: &[Rule] = &[
    state("us-california", "#@@@###", 0.13),
    state("us-letters-3-digits-4", "@@@####", 0.2),
    state("us-letters-3-digits-3", "@@@###", 0.14),
    state("us-digits-3-letters-3", "###@@@", 0.14),
    state("us-california-commercial", "#@#####", 0.02),
    state("us-california-2011", "#####@#", 0.01),
    state("us-letters-2-digits", "@@###?#?#?", 0.05),
    state("us-digits-letters", "###?#?#?@@?", 0.05),
    state("us-florida", "@@@@##", 0.03),
    state("us-florida-texas-new-jersey", "@##@@@", 0.04),
    state("us-new-jersey-arkansas", "@@@##@", 0.03),
    state("us-missouri", "@@#@#@", 0.02),
    state("us-texas", "@@#@###", 0.03),
    state("us-idaho-illinois", "@######", 0.02),
    state("us-county-digit", "#@@####", 0.02),
    state("us-county-two-digits", "##@###?#?", 0.02),
    state("us-alabama", "#@##@##", 0.005),
    state("us-alabama-county", "##@@###", 0.005),
    state("us-tennessee", "@####@", 0.01),
    state("us-utah", "@###@@", 0.01),
    state("us-south-dakota", "#@@###", 0.005),
    state("us-massachusetts", "###@@#", 0.01),
    state("us-mirrored", "##@@##", 0.01),
    state("us-ohio-trailing", "@@##@@", 0.01),
    state("us-digits", "#####?#?#?", 0.02),
    state("us-any", "&&&&&?&?&?", 0.02),
];
