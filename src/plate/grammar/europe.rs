//! Other European countries: the shapes met in number, as plain patterns.
//!
//! Sources: each country's registration rules as summarised by the European Registration Plate Association;
//! second-hand, so no rule here carries years, and special series (diplomatic, military, trade) are left
//! out. Letters a country does not issue are named where that is certain.

use super::{RULE, Rule};

const SOURCE: &str = "European Registration Plate Association, country pages (second-hand)";

const fn plain(series: &'static str, pattern: &'static str, share: f32) -> Rule {
    Rule { series, pattern, share, source: SOURCE, ..RULE }
}

const fn with(series: &'static str, pattern: &'static str, letters: &'static str, share: f32) -> Rule {
    Rule { letters: Some(letters), ..plain(series, pattern, share) }
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
];
pub(super) const ROMANIA: &[Rule] = &[
    with("ro-county", "@@##@@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.8),
    with("ro-bucharest", "B##?#@@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.2),
];
pub(super) const BULGARIA: &[Rule] = &[with("bg", "@@?####@@", "ABCEHKMOPTXY", 0.98)];
pub(super) const SPAIN: &[Rule] =
    &[with("es-2000", "####@@@", "BCDFGHJKLMNPRSTVWXYZ", 0.93), plain("es-provincial", "@@?####@@?", 0.05)];
pub(super) const ITALY: &[Rule] = &[with("it-1994", "@@###@@", "ABCDEFGHJKLMNPRSTVWXYZ", 0.98)];
pub(super) const PORTUGAL: &[Rule] = &[
    plain("pt-1937", "@@####", 0.05),
    plain("pt-1992", "####@@", 0.3),
    plain("pt-2005", "##@@##", 0.35),
    plain("pt-2020", "@@##@@", 0.3),
];
pub(super) const CZECHIA: &[Rule] = &[
    plain("cz-2001", "#[ABCEHJKLMPSTUZ]#####", 0.7),
    plain("cz-2009", "#[ABCEHJKLMPSTUZ][ABCDEFHIJKLMNPRSTUVXYZ]####", 0.28),
];
pub(super) const SLOVAKIA: &[Rule] = &[with("sk", "@@###@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const HUNGARY: &[Rule] =
    &[with("hu-1990", "@@@###", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.7), plain("hu-2022", "@@@@###", 0.29)];
pub(super) const LITHUANIA: &[Rule] = &[
    with("lt", "@@@###", "ABCDEFGHIJKLMNOPRSTUVYZ", 0.95),
    with("lt-trailer", "@@###", "ABCDEFGHIJKLMNOPRSTUVYZ", 0.05),
];
pub(super) const LATVIA: &[Rule] = &[with("lv", "@@%#?#?#?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const ESTONIA: &[Rule] = &[with("ee", "###@@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.98)];
pub(super) const DENMARK: &[Rule] = &[plain("dk", "@@#####", 0.98)];
pub(super) const SWEDEN: &[Rule] = &[
    with("se-1973", "@@@###", "ABCDEFGHJKLMNOPRSTUWXYZ", 0.7),
    with("se-2019", "@@@##@", "ABCDEFGHJKLMNOPRSTUWXYZ", 0.28),
];
pub(super) const FINLAND: &[Rule] = &[plain("fi", "@@@?%#?#?", 0.98)];
pub(super) const NORWAY: &[Rule] = &[plain("no", "@@#####", 0.98)];
pub(super) const CROATIA: &[Rule] = &[with("hr", "@@###?#@@?", "ABCDEFGHIJKLMNOPRSTUVZ", 0.98)];
pub(super) const SLOVENIA: &[Rule] = &[
    with("si-1", "@@@@###", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.5),
    with("si-2", "@@###@@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.2),
    with("si-3", "@@#@###", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.1),
    with("si-4", "@@@###@", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.1),
];
pub(super) const AUSTRIA: &[Rule] = &[
    with("at", "@@?%##?#?#?@@?@?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.85),
    with("at-chosen", "@@?@@?@?@?%#?#?#?", "ABCDEFGHIJKLMNOPRSTUVWXYZ", 0.1),
];
pub(super) const SWITZERLAND: &[Rule] = &[plain("ch", "[ABFGJLNOSTUVZ][EGHILORSTUWZ]%#?#?#?#?#?", 0.98)];
pub(super) const IRELAND: &[Rule] = &[
    with("ie-2013", "##[12]@@?%#?#?#?#?#?", "CDEGHKLMNORSTWXY", 0.8),
    with("ie-1987", "##@@?%#?#?#?#?#?", "CDEGHKLMNORSTWXY", 0.18),
];
pub(super) const GREECE: &[Rule] = &[with("gr", "@@@####", "ABEHIKMNOPTXYZ", 0.95)];
pub(super) const UKRAINE: &[Rule] = &[with("ua", "@@####@@", "ABCEHIKMOPTX", 0.98)];
