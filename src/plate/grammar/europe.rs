//! Other European countries: the shapes met in number, and where a law was read its special series.
//!
//! Sources: [`SECOND_HAND`] for most, so these rules carry no years; where a rule names a law, it was read as
//! quoted in the plate dossiers of vehiclesdb (CC BY 4.0), not in the gazette. Letters a country does not
//! issue are named where that is certain; district lists stand in `areas`. Diplomatic, military and trade
//! series are mostly left out: their texts fit nothing and are therefore left alone.

use super::areas::{
    Areas, CROATIAN_TOWNS, IRISH_COUNTIES, ROMANIAN_COUNTIES, SLOVENIAN_REGIONS, SWISS_CANTONS, followed,
    leading,
};
use super::{RULE, Rule, VehicleClass};

const SECOND_HAND: &str = "European Registration Plate Association, country pages (second-hand)";
const AS_OBSERVED: &str = "as observed";

const fn plain(series: &'static str, pattern: &'static str, share: f32) -> Rule {
    Rule { series, pattern, share, source: SECOND_HAND, ..RULE }
}

const fn with(series: &'static str, pattern: &'static str, letters: &'static str, share: f32) -> Rule {
    Rule { letters: Some(letters), ..plain(series, pattern, share) }
}

/// A series that only one class of vehicle carries.
const fn of(class: VehicleClass, source: &'static str, rule: Rule) -> Rule {
    Rule { class, source, ..rule }
}

const fn since(from: u16, until: Option<u16>, rule: Rule) -> Rule {
    Rule { years: (Some(from), until), ..rule }
}

const fn in_areas(areas: Option<Areas>, source: &'static str, rule: Rule) -> Rule {
    Rule { areas, source, ..rule }
}

pub(super) const POLAND: &[Rule] = &[
    plain("pl-2", "@@####[0123456789ACEFGHJKLMNPRSTUVWXY]", 0.3),
    plain("pl-2-two", "@@###[ACEFGHJKLMNPRSTUVWXY][ACEFGHJKLMNPRSTUVWXY]", 0.2),
    plain("pl-2-third", "@@#[ACEFGHJKLMNPRSTUVWXY]###", 0.05),
    plain("pl-2-mixed", "@@#[ACEFGHJKLMNPRSTUVWXY]#[ACEFGHJKLMNPRSTUVWXY][ACEFGHJKLMNPRSTUVWXY]", 0.02),
    plain("pl-3-letter", "@@@[ACEFGHJKLMNPRSTUVWXY]###", 0.1),
    plain("pl-3-two", "@@@##[ACEFGHJKLMNPRSTUVWXY][ACEFGHJKLMNPRSTUVWXY]", 0.1),
    plain("pl-3-second", "@@@#[ACEFGHJKLMNPRSTUVWXY]##", 0.05),
    plain("pl-3-third", "@@@##[ACEFGHJKLMNPRSTUVWXY]#", 0.05),
    plain("pl-3-mixed", "@@@#[ACEFGHJKLMNPRSTUVWXY][ACEFGHJKLMNPRSTUVWXY]#", 0.03),
    plain("pl-3-letters", "@@@[ACEFGHJKLMNPRSTUVWXY][ACEFGHJKLMNPRSTUVWXY]##", 0.05),
    plain("pl-3-number", "@@@####[0123456789ACEFGHJKLMNPRSTUVWXY]", 0.03),
    of(VehicleClass::Personalised, SECOND_HAND, plain("pl-chosen", "@#@@@&?&?", 0.01)),
];
const ROMANIAN_LETTERS: &str = "ABCDEFGHIJKLMNOPRSTUVWXYZ";
const RO_LAW: &str = "HG 1391/2006 art. 23: county, order number, three letters";

pub(super) const ROMANIA: &[Rule] = &[
    in_areas(leading(ROMANIAN_COUNTIES), RO_LAW, with("ro-county", "@@##@@@", ROMANIAN_LETTERS, 0.78)),
    Rule { source: RO_LAW, ..with("ro-bucharest", "B##?#@@@", ROMANIAN_LETTERS, 0.2) },
    of(
        VehicleClass::Temporary,
        AS_OBSERVED,
        in_areas(leading(ROMANIAN_COUNTIES), AS_OBSERVED, plain("ro-temporary", "@@0#####?", 0.01)),
    ),
];
pub(super) const BULGARIA: &[Rule] = &[with("bg", "@@?####@@", "ABCEHKMOPTXY", 0.98)];
const SPANISH: &str = "BCDFGHJKLMNPRSTVWXYZ";
const ES_LAW: &str = "Real Decreto 2822/1998, annex XVIII (named from memory)";

pub(super) const SPAIN: &[Rule] = &[
    since(2000, None, Rule { source: ES_LAW, ..with("es-2000", "####@@@", SPANISH, 0.9) }),
    of(VehicleClass::Trailer, ES_LAW, with("es-trailer", "R####@@@", SPANISH, 0.02)),
    of(VehicleClass::Moped, ES_LAW, with("es-moped", "C####@@@", SPANISH, 0.01)),
    of(VehicleClass::Historic, ES_LAW, with("es-historic", "H####@@@", SPANISH, 0.002)),
    of(VehicleClass::Agricultural, ES_LAW, with("es-special", "E####@@@", SPANISH, 0.005)),
    of(VehicleClass::Temporary, ES_LAW, with("es-temporary", "[PSTV]####@@@", SPANISH, 0.005)),
    of(VehicleClass::Diplomatic, AS_OBSERVED, plain("es-diplomatic", "C[CD]######?#?", 0.000_5)),
    since(1971, Some(2000), plain("es-provincial", "@@?####@@?", 0.05)),
];
pub(super) const ITALY: &[Rule] = &[
    since(1994, None, with("it-1994", "@@###@@", "ABCDEFGHJKLMNPRSTVWXYZ", 0.93)),
    of(
        VehicleClass::Motorcycle,
        SECOND_HAND,
        since(1999, None, with("it-motorcycle-1999", "@@#####", "ABCDEFGHJKLMNPRSTVWXYZ", 0.05)),
    ),
];
pub(super) const PORTUGAL: &[Rule] = &[
    since(1937, Some(1992), plain("pt-1937", "@@####", 0.05)),
    since(1992, Some(2005), plain("pt-1992", "####@@", 0.3)),
    since(2005, Some(2020), plain("pt-2005", "##@@##", 0.35)),
    since(2020, None, plain("pt-2020", "@@##@@", 0.3)),
];
pub(super) const CZECHIA: &[Rule] = &[
    since(2001, None, plain("cz-2001", "#[ABCEHJKLMPSTUZ]#####", 0.67)),
    since(2009, None, plain("cz-2009", "#[ABCEHJKLMPSTUZ][ABCDEFHIJKLMNPRSTUVXYZ]####", 0.28)),
    of(VehicleClass::Motorcycle, SECOND_HAND, plain("cz-motorcycle", "#[ABCEHJKLMPSTUZ]####", 0.03)),
];
pub(super) const SLOVAKIA: &[Rule] = &[with("sk", "@@###@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const HUNGARY: &[Rule] = &[
    since(1990, Some(2022), with("hu-1990", "@@@###", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.7)),
    since(2022, None, plain("hu-2022", "@@@@###", 0.29)),
];
pub(super) const LITHUANIA: &[Rule] = &[
    with("lt", "@@@###", "ABCDEFGHIJKLMNOPRSTUVYZ", 0.95),
    of(VehicleClass::Trailer, SECOND_HAND, with("lt-trailer", "@@###", "ABCDEFGHIJKLMNOPRSTUVYZ", 0.03)),
    of(
        VehicleClass::Motorcycle,
        SECOND_HAND,
        with("lt-motorcycle", "###@@", "ABCDEFGHIJKLMNOPRSTUVYZ", 0.01),
    ),
];
pub(super) const LATVIA: &[Rule] = &[with("lv", "@@%#?#?#?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const ESTONIA: &[Rule] = &[with("ee", "###@@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const DENMARK: &[Rule] = &[plain("dk", "@@#####", 0.98)];
pub(super) const SWEDEN: &[Rule] = &[
    since(1973, None, with("se-1973", "@@@###", "ABCDEFGHJKLMNOPRSTUWXYZ", 0.7)),
    since(2019, None, with("se-2019", "@@@##[ABCDEFGHJKLMNPRSTUWXYZ]", "ABCDEFGHJKLMNOPRSTUWXYZ", 0.28)),
];
pub(super) const FINLAND: &[Rule] = &[plain("fi", "@@@?%#?#?", 0.98)];
pub(super) const NORWAY: &[Rule] = &[plain("no", "@@#####", 0.98)];
pub(super) const CROATIA: &[Rule] = &[in_areas(
    leading(CROATIAN_TOWNS),
    "NN 130/2017 art. 52 and Prilog 1",
    with("hr", "@@###?#@@?", "ABCDEFGHIJKLMNOPRSTUVZ", 0.98),
)];
/// Slovenia: the region, and five or six characters of which the holder may choose the order.
const fn slovenian(series: &'static str, pattern: &'static str, share: f32) -> Rule {
    in_areas(
        followed(SLOVENIAN_REGIONS, 0, 2),
        "Uradni list RS 48/2011 arts. 29 and 30, Priloga IV",
        with(series, pattern, "ABCDEFGHIJKLMNOPRSTUVWXYZ", share),
    )
}

pub(super) const SLOVENIA: &[Rule] = &[
    slovenian("si-1", "@@@@###", 0.5),
    slovenian("si-2", "@@###@@", 0.2),
    slovenian("si-3", "@@#@###", 0.1),
    slovenian("si-4", "@@@###@", 0.1),
    slovenian("si-5", "@@##@##", 0.05),
];
pub(super) const AUSTRIA: &[Rule] = &[
    with("at", "@@?%##?#?#?@@?@?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.85),
    with("at-chosen", "@@?@@?@?@?%#?#?#?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.1),
];
pub(super) const SWITZERLAND: &[Rule] = &[in_areas(
    leading(SWISS_CANTONS),
    "Verkehrszulassungsverordnung (SR 741.51), named from memory: canton and number",
    plain("ch", "@@%#?#?#?#?#?", 0.98),
)];

const IE_LAW: &str = "S.I. 318/1992 and S.I. 542/2012: year, half-year since 2013, index mark, number";

pub(super) const IRELAND: &[Rule] = &[
    since(
        2013,
        None,
        in_areas(
            Some(Areas { codes: IRISH_COUNTIES, at: &[3], further: (0, 0) }),
            IE_LAW,
            plain("ie-2013", "##[12]@@?%#?#?#?#?#?", 0.79),
        ),
    ),
    since(
        1987,
        Some(2012),
        in_areas(
            Some(Areas { codes: IRISH_COUNTIES, at: &[2], further: (0, 0) }),
            IE_LAW,
            plain("ie-1987", "##@@?%#?#?#?#?#?", 0.18),
        ),
    ),
    of(VehicleClass::Historic, "S.I. 318/1992 reg. 9: ZV", plain("ie-vintage", "ZV##?#?#?#?", 0.005)),
    of(VehicleClass::Temporary, AS_OBSERVED, plain("ie-temporary", "ZZ#####?", 0.002)),
];
pub(super) const GREECE: &[Rule] = &[
    with("gr", "@@@####", "ABEHIKMNOPTXYZ", 0.93),
    of(VehicleClass::Motorcycle, SECOND_HAND, with("gr-motorcycle", "@@@##?#?", "ABEHIKMNOPTXYZ", 0.04)),
];
pub(super) const UKRAINE: &[Rule] = &[with("ua", "@@####@@", "ABCEHIKMOPTX", 0.98)];
