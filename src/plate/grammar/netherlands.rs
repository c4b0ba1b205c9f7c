//! Dutch plates by sidecode: the order of groups says when a number was issued.
//!
//! Source: the list of sidecodes of the RDW (Dienst Wegverkeer). Since 1978 no vowels and no C or Q are
//! issued, so that no words arise and no letter is taken for a digit; M and W stand only where they name
//! motorcycles and trailers. Groups are two or three characters; hyphens are not part of the number.

use super::{RULE, Rule, VehicleClass};

const SOURCE: &str = "RDW, sidecodes";
/// Letters since sidecode 4, with the M of motorcycles and the W of trailers.
const LETTERS: Option<&str> = Some("BDFGHJKLMNPRSTVWXZ");

const fn sidecode(
    series: &'static str,
    pattern: &'static str,
    years: (Option<u16>, Option<u16>),
    share: f32,
) -> Rule {
    Rule { series, pattern, letters: LETTERS, years, share, source: SOURCE, ..RULE }
}

const fn old(series: &'static str, pattern: &'static str, years: (Option<u16>, Option<u16>)) -> Rule {
    Rule { letters: None, ..sidecode(series, pattern, years, 0.003) }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        series: "nl-trailer-o",
        class: VehicleClass::Trailer,
        pattern: "O[BDFGHJKLNPRSTVXZ]##[BDFGHJKLNPRSTVXZ][BDFGHJKLNPRSTVXZ]",
        share: 0.02,
        source: SOURCE,
        ..RULE
    },
    Rule {
        series: "nl-diplomatic",
        class: VehicleClass::Diplomatic,
        pattern: "CD[J0123456789]###",
        share: 0.001,
        source: "as observed: CD diplomats, CDJ the International Court of Justice; the RDW lists neither as a sidecode",
        ..RULE
    },
    old("nl-sidecode-1", "@@####", (Some(1951), Some(1965))),
    old("nl-sidecode-2", "####@@", (Some(1965), Some(1973))),
    old("nl-sidecode-3", "##@@##", (Some(1973), Some(1978))),
    sidecode("nl-sidecode-4", "@@##@@", (Some(1978), Some(1991)), 0.05),
    sidecode("nl-sidecode-5", "@@@@##", (Some(1991), Some(1999)), 0.05),
    sidecode("nl-sidecode-6", "##@@@@", (Some(1999), Some(2008)), 0.15),
    sidecode("nl-sidecode-7", "##@@@#", (Some(2008), Some(2015)), 0.2),
    sidecode("nl-sidecode-8", "#@@@##", (Some(2006), Some(2019)), 0.15),
    sidecode("nl-sidecode-9", "@@###@", (Some(2006), Some(2020)), 0.15),
    sidecode("nl-sidecode-10", "@###@@", (Some(2011), Some(2024)), 0.15),
    sidecode("nl-sidecode-11", "@@@##@", (Some(2015), None), 0.03),
    sidecode("nl-sidecode-12", "@##@@@", (None, None), 0.01),
    sidecode("nl-sidecode-13", "#@@###", (Some(2016), None), 0.01),
    sidecode("nl-sidecode-14", "###@@#", (Some(2019), None), 0.02),
];
