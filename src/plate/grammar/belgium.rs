//! Belgian plates: every series since 2010, the letter indexes of 2021, and the older ones still valid.
//!
//! Sources, cited by article: RD = royal decree of 20 July 2001 (Justel 2001-07-20/35); MD = ministerial
//! decree of 23 July 2001 (Justel 2001-07-23/30), consolidated to 22-07-2025; MD 2010 = that of 8 November
//! 2010 (2010-11-08/01, in force 15-11-2010); MD 2014 = that of 28 March 2014 (2014-03-28/07, in force
//! 31-03-2014); MD 2019 = that of 15 December 2019 (2019-12-15/19, in force 01-01-2021). They were read as
//! quoted in the plates/be.yml of vehiclesdb (CC BY 4.0), not in the Moniteur itself.
//!
//! Two lines: motorcycles (210x140 mm), mopeds (100x120 mm) and the square car plate (340x210 mm) stack
//! the groups of the same text without separators, index and first group above (MD art. 4 § 1, 2°), so the
//! patterns hold for one and two lines alike. The rear plate is the official one, the front a private copy
//! (RD art. 1, 22° and art. 30). The plate follows its holder, not the vehicle (RD art. 22 § 2), and says
//! nothing of where it was issued. MD art. 25: a plate stays valid until the next registration, so no old
//! series has left the road.

use super::{RULE, Rule, VehicleClass};
use crate::domain::PlateText;

/// All series of field notes § 5c. The order `1-123-ABC` and an index at the end are legal and not issued: no rule
/// has them, and a list that holds one matches as any text does. Narrower series stand before the shapes that
/// contain them.
pub(super) const RULES: &[Rule] = &[
    // 2010 to 2020: a digit index on every category, told apart by the group of letters.
    Rule {
        series: "be-taxi-2010",
        class: VehicleClass::Taxi,
        pattern: "[12]TX@###",
        years: (Some(2010), Some(2020)),
        share: 0.001,
        source: "MD as published 2001 art. 4 § 5 (TX), MD 2010 art. 3 (index)",
        ..RULE
    },
    Rule {
        series: "be-hire-2010",
        class: VehicleClass::HireWithDriver,
        pattern: "[12]TL@###",
        years: (Some(2010), Some(2020)),
        share: 0.001,
        source: "DIV, conditions of personalised plates: TX and TL reserved for taxis and hire",
        ..RULE
    },
    Rule {
        series: "be-historic-2014",
        class: VehicleClass::Historic,
        pattern: "[12]O@@###",
        years: (Some(2014), Some(2020)),
        share: 0.01,
        source: "MD 2014 art. 3 b",
        ..RULE
    },
    Rule {
        series: "be-trailer-2014",
        class: VehicleClass::Trailer,
        pattern: "[12]Q@@###",
        years: (Some(2014), Some(2020)),
        share: 0.02,
        source: "MD 2014 art. 3 c",
        ..RULE
    },
    Rule {
        series: "be-motorcycle-2014",
        class: VehicleClass::Motorcycle,
        pattern: "[12]M@@###",
        years: (Some(2014), Some(2020)),
        share: 0.02,
        source: "MD 2014 art. 7",
        ..RULE
    },
    // The decree allows any digit; only 1 and 2 are issued in number (which one when is published
    // nowhere), 8 was the international series until 2020 and 9 was withdrawn (RD art. 22 § 2).
    Rule {
        series: "be-standard-2010",
        class: VehicleClass::Ordinary,
        pattern: "[12]@@@###",
        years: (Some(2010), None),
        share: 0.87,
        source: "MD art. 4 § 1, 1°; MD 2010 arts. 3 and 16",
        ..RULE
    },
    Rule {
        series: "be-international-2010",
        class: VehicleClass::Diplomatic,
        pattern: "8@@@###",
        years: (Some(2010), Some(2020)),
        share: 0.000_1,
        source: "MD 2010 art. 5 (index eight: diplomatic staff, SHAPE, NATO), dropped by MD 2019",
        ..RULE
    },
    Rule {
        series: "be-temporary-2010",
        class: VehicleClass::Temporary,
        pattern: "#######",
        years: (Some(2010), Some(2020)),
        share: 0.000_01,
        source: "MD 2010 art. 4: index and six digits, the year in small figures not part of the text",
        ..RULE
    },
    // Since 2021: a letter index tells the category.
    Rule {
        series: "be-taxi-2021",
        class: VehicleClass::Taxi,
        pattern: "TX@@###",
        years: (Some(2021), None),
        share: 0.002,
        source: "MD art. 4 § 4",
        ..RULE
    },
    Rule {
        series: "be-hire-2021",
        class: VehicleClass::HireWithDriver,
        pattern: "TL@@###",
        years: (Some(2021), None),
        share: 0.002,
        source: "MD art. 4 § 4",
        ..RULE
    },
    Rule {
        series: "be-historic-motorcycle-2021",
        class: VehicleClass::Historic,
        pattern: "OM@@###",
        years: (Some(2021), None),
        share: 0.001,
        source: "MD art. 12 § 3",
        ..RULE
    },
    Rule {
        series: "be-historic-moped-2021",
        class: VehicleClass::Historic,
        pattern: "OS@@###",
        years: (Some(2021), None),
        share: 0.000_5,
        source: "MD art. 19 § 3",
        ..RULE
    },
    Rule {
        series: "be-historic-2021",
        class: VehicleClass::Historic,
        pattern: "O@@@###",
        years: (Some(2021), None),
        share: 0.005,
        source: "MD art. 4 § 2",
        ..RULE
    },
    Rule {
        series: "be-trailer-2021",
        class: VehicleClass::Trailer,
        pattern: "Q@@@###",
        years: (Some(2021), None),
        share: 0.02,
        source: "MD art. 4 § 3",
        ..RULE
    },
    Rule {
        series: "be-motorcycle-2021",
        class: VehicleClass::Motorcycle,
        pattern: "M@@@###",
        years: (Some(2021), None),
        share: 0.02,
        source: "MD art. 12 § 2",
        ..RULE
    },
    Rule {
        series: "be-moped-2014",
        class: VehicleClass::Moped,
        pattern: "S[ABPU]@@###",
        years: (Some(2014), None),
        share: 0.02,
        source: "MD art. 19 § 2: A and B mopeds, P speed pedelecs, U light quadricycles (P and U from 2021)",
        ..RULE
    },
    Rule {
        series: "be-agricultural-2020",
        class: VehicleClass::Agricultural,
        pattern: "GL@@###",
        years: (Some(2020), None),
        share: 0.003,
        source: "MD art. 9 § 2, in force 01-10-2020",
        ..RULE
    },
    Rule {
        series: "be-trade-2021",
        class: VehicleClass::Trade,
        pattern: "[ZYV]@@@###",
        years: (Some(2021), None),
        share: 0.005,
        source: "MD art. 8 § 3: Y test, Z dealer, V professional; arts. 16 § 3 and 22 § 3 for M and S groups",
        ..RULE
    },
    Rule {
        series: "be-national-2021",
        class: VehicleClass::Temporary,
        pattern: "U@##@@@",
        years: (Some(2021), None),
        share: 0.001,
        source: "MD art. 10 §§ 1 and 3: the digits are the year of validity",
        ..RULE
    },
    Rule {
        series: "be-temporary-2021",
        class: VehicleClass::Temporary,
        pattern: "W@##@@@",
        years: (Some(2021), None),
        share: 0.003,
        source: "MD arts. 5 §§ 1 and 4, 13 § 4, 21 § 4: second letter Q trailer, M motorcycle, S moped",
        ..RULE
    },
    Rule {
        series: "be-export-2021",
        class: VehicleClass::Export,
        pattern: "X@##@@@",
        years: (Some(2021), None),
        share: 0.003,
        source: "MD arts. 5 § 4 and 13 § 4",
        ..RULE
    },
    Rule {
        series: "be-diplomatic-2010",
        class: VehicleClass::Diplomatic,
        pattern: "CD@@###",
        years: (Some(2010), None),
        share: 0.002,
        source: "MD art. 7, 1° and art. 15; RD art. 20 § 4",
        ..RULE
    },
    // Additional plates of offices: the vehicle has an ordinary one too (RD art. 20 § 2).
    Rule {
        series: "be-court",
        class: VehicleClass::Official,
        pattern: "##?#?",
        years: (Some(2001), None),
        share: 0.000_001,
        source: "MD art. 4 § 5, 1°",
        ..RULE
    },
    Rule {
        series: "be-office",
        class: VehicleClass::Official,
        pattern: "[AEP]##?#?",
        years: (Some(2001), None),
        share: 0.000_1,
        source: "MD art. 4 § 5, 2°: A federal, E communities and regions, P parliaments",
        ..RULE
    },
    // Before 15 November 2010, 340x110 mm, mostly without the European band.
    Rule {
        series: "be-trailer-2001",
        class: VehicleClass::Trailer,
        pattern: "[UQ]@@###",
        years: (None, Some(2010)),
        share: 0.004,
        source: "MD as published 2001 art. 4 § 4",
        ..RULE
    },
    Rule {
        series: "be-historic-2001",
        class: VehicleClass::Historic,
        pattern: "O@@###",
        years: (None, Some(2010)),
        share: 0.004,
        source: "MD as published 2001 art. 4 § 3",
        ..RULE
    },
    Rule {
        series: "be-taxi-2001",
        class: VehicleClass::Taxi,
        pattern: "TX@###",
        years: (Some(2001), Some(2010)),
        share: 0.000_1,
        source: "MD as published 2001 art. 4 § 5",
        ..RULE
    },
    Rule {
        series: "be-motorcycle-2001",
        class: VehicleClass::Motorcycle,
        pattern: "[MW]@@###",
        years: (None, Some(2010)),
        share: 0.003,
        source: "MD as published 2001 art. 12 § 2: black on yellow",
        ..RULE
    },
    Rule {
        series: "be-trade-2001",
        class: VehicleClass::Trade,
        pattern: "Z@@###",
        years: (Some(2001), Some(2010)),
        share: 0.000_1,
        source: "MD as published 2001 art. 10 § 3",
        ..RULE
    },
    Rule {
        series: "be-temporary-2001",
        class: VehicleClass::Temporary,
        pattern: "######",
        years: (Some(2001), Some(2010)),
        share: 0.000_01,
        source: "MD as published 2001 art. 5 § 1: the year in small figures is not part of the text",
        ..RULE
    },
    Rule {
        series: "be-diplomatic-2001",
        class: VehicleClass::Diplomatic,
        pattern: "CD@###",
        years: (Some(2001), Some(2010)),
        share: 0.000_1,
        source: "MD as published 2001 art. 7",
        ..RULE
    },
    Rule {
        series: "be-standard-2001",
        class: VehicleClass::Ordinary,
        pattern: "@@@###",
        years: (None, Some(2010)),
        share: 0.03,
        source: "MD as published 2001 art. 4 § 1",
        ..RULE
    },
    Rule {
        series: "be-standard-2008",
        class: VehicleClass::Ordinary,
        pattern: "###@@@",
        years: (Some(2008), Some(2010)),
        share: 0.02,
        source: "issued from 2008 when the letters-first order ran out (field notes § 5c)",
        ..RULE
    },
    Rule {
        series: "be-standard-short",
        class: VehicleClass::Ordinary,
        pattern: "@####",
        years: (None, Some(2010)),
        share: 0.000_3,
        source: "MD as published 2001 art. 4 § 1: older stock kept valid",
        ..RULE
    },
    Rule {
        series: "be-standard-short-2",
        class: VehicleClass::Ordinary,
        pattern: "@@###",
        years: (None, Some(2010)),
        share: 0.000_3,
        source: "MD as published 2001 art. 4 § 1: older stock kept valid",
        ..RULE
    },
];

/// Texts their holders chose, since 31-03-2014 (MD art. 4 § 1/1, RD art. 23): it settles nothing.
pub(super) const PERSONALISED: Rule = Rule {
    series: "be-personalised-2014",
    class: VehicleClass::Personalised,
    years: (Some(2014), None),
    share: 0.005,
    source: "MD art. 4 § 1/1; DIV, conditions of personalised plates",
    ..RULE
};

/// Whether the rules for personalised plates allow `text`: at most 8 characters, not digits only, and none
/// of the shapes that DIV reserves for its own series.
pub(super) fn could_be_personalised(text: &PlateText) -> bool {
    let text = text.as_str();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { '@' }).collect();
    let reserved = match shape.as_str() {
        "@@@@###" | "@@@####" | "###@@@@" | "####@@@" => true,
        "@@##@@@" => text.starts_with(['U', 'W', 'X', 'Y', 'Z']),
        _ => ["CD", "TX", "TL"].iter().any(|p| text.starts_with(p)),
    };
    text.len() <= 8 && shape.contains('@') && !reserved
}

/// Probability that a Belgian plate is this very text because its holder chose it: an order of magnitude,
/// to tell what a grammar must not repair. People choose a word and a number (`BOSS12`), seldom a mix, so
/// every further change between letters and digits counts a tenth.
pub(super) fn personalised_density(text: &PlateText) -> f32 {
    if !could_be_personalised(text) {
        return 0.0;
    }
    /// About as many lengths and splits into word and number as there are.
    const SHAPES: f32 = 40.0;
    let bytes = text.as_str().as_bytes();
    let texts: f32 = bytes.iter().map(|b| if b.is_ascii_digit() { 10.0 } else { 26.0 }).product();
    let runs = bytes.windows(2).filter(|w| matches!(w, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()));
    let further = runs.count().saturating_sub(1) as i32;
    PERSONALISED.share / SHAPES / texts * 0.1f32.powi(further)
}
