//! Plate formats per country and generation, as data with their sources.
//!
//! One file a country for those met daily on Belgian roads, [`europe`] for the others of Europe, [`world`]
//! for the rest that the reader names (its `other` has no grammar), [`areas`] the lists of district codes. A
//! rule's pattern is written over normalised text (no separators): `@` a letter, `#` a digit, `%` a digit but
//! `0`, `&` a letter or a digit, `[ABC]` one of these, any other character itself; `?` after one of these
//! makes it optional. [`draw()`] makes plates of this traffic.

mod areas;
mod belgium;
mod britain;
mod draw;
mod europe;
mod france;
mod germany;
mod luxembourg;
mod netherlands;
mod world;

use crate::domain::{Country, PlateText};
use areas::Areas;
use std::sync::LazyLock;

pub use draw::{Drawn, draw};

/// What a plate of a series stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VehicleClass {
    /// Cars, vans, lorries and buses that the series does not tell apart, and what else carries it.
    Ordinary,
    /// Motorcycles, tricycles, quadricycles.
    Motorcycle,
    /// Mopeds, speed pedelecs, light quadricycles.
    Moped,
    /// Trailers.
    Trailer,
    /// Licensed taxis.
    Taxi,
    /// Hire with driver.
    HireWithDriver,
    /// Oldtimers.
    Historic,
    /// Agricultural and forestry tractors.
    Agricultural,
    /// Dealers', test and professional plates: they belong to a business, not a vehicle.
    Trade,
    /// Short-term plates for use in the country.
    Temporary,
    /// Short-term plates for taking a vehicle out of the country.
    Export,
    /// Diplomatic and consular corps, international organisations.
    Diplomatic,
    /// Court, government, parliament, authorities.
    Official,
    /// Armed forces.
    Military,
    /// Lorries and vans where a country gives them their own series.
    Goods,
    /// The holder chose the text.
    Personalised,
}

impl VehicleClass {
    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Motorcycle => "motorcycle",
            Self::Moped => "moped",
            Self::Trailer => "trailer",
            Self::Taxi => "taxi",
            Self::HireWithDriver => "hire-with-driver",
            Self::Historic => "historic",
            Self::Agricultural => "agricultural",
            Self::Trade => "trade",
            Self::Temporary => "temporary",
            Self::Export => "export",
            Self::Diplomatic => "diplomatic",
            Self::Official => "official",
            Self::Military => "military",
            Self::Goods => "goods",
            Self::Personalised => "personalised",
        }
    }
}

/// One series of plates, as a country's file states it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Short name, unique in its country: `be-standard-2010`.
    pub series: &'static str,
    /// What it stands on.
    pub class: VehicleClass,
    /// The shape; see the module.
    pub pattern: &'static str,
    /// Letters that `@` stands for; `None` for all 26.
    pub letters: Option<&'static str>,
    /// District codes that the text must carry; `None` where the series has none or they are not held here.
    pub areas: Option<Areas>,
    /// Whether a look-alike may be settled by this series. False where a country leaves so much open that a
    /// shape proves nothing: such a rule only says what fits as it stands.
    pub settles: bool,
    /// First and last year of issue, where known.
    pub years: (Option<u16>, Option<u16>),
    /// Share of the country's plates that are of this series: an order of magnitude, an assumption used
    /// only to weigh formats against each other.
    pub share: f32,
    /// Where the rule stands.
    pub source: &'static str,
}

/// Filled in by the country files: everything a rule seldom says.
const RULE: Rule = Rule {
    series: "",
    class: VehicleClass::Ordinary,
    pattern: "",
    letters: None,
    areas: None,
    settles: true,
    years: (None, None),
    share: 0.01,
    source: "",
};

/// One length of one rule, ready to be compared with texts.
#[derive(Debug, Clone)]
pub struct Format {
    /// Who issues it.
    pub country: Country,
    /// The series.
    pub rule: &'static Rule,
    /// Allowed characters of each position, bit `i` for `ALPHABET[i]`.
    masks: Vec<u64>,
    /// Natural logarithm of the probability that a plate before the camera is one certain text of it.
    log_density: f32,
}

/// The country a box without other knowledge stands in. Where the reader names no country, plates are
/// taken for this one's before all others.
pub const HOME: Country = Country::BE;

/// Countries, their share of the vehicles on Belgian roads (an assumption: order of magnitude only), rules.
const COUNTRIES: &[(&str, f32, &[Rule])] = &[
    ("BE", 0.85, belgium::RULES),
    ("NL", 0.05, netherlands::RULES),
    ("FR", 0.04, france::RULES),
    ("DE", 0.02, germany::RULES),
    ("LU", 0.008, luxembourg::RULES),
    ("GB", 0.005, britain::RULES),
    ("PL", 0.006, europe::POLAND),
    ("RO", 0.004, europe::ROMANIA),
    ("BG", 0.002, europe::BULGARIA),
    ("ES", 0.002, europe::SPAIN),
    ("IT", 0.002, europe::ITALY),
    ("PT", 0.001, europe::PORTUGAL),
    ("CZ", 0.001, europe::CZECHIA),
    ("SK", 0.001, europe::SLOVAKIA),
    ("HU", 0.001, europe::HUNGARY),
    ("LT", 0.002, europe::LITHUANIA),
    ("LV", 0.000_5, europe::LATVIA),
    ("EE", 0.000_3, europe::ESTONIA),
    ("DK", 0.000_5, europe::DENMARK),
    ("SE", 0.000_5, europe::SWEDEN),
    ("FI", 0.000_3, europe::FINLAND),
    ("NO", 0.000_3, europe::NORWAY),
    ("HR", 0.000_3, europe::CROATIA),
    ("SI", 0.000_5, europe::SLOVENIA),
    ("AT", 0.000_5, europe::AUSTRIA),
    ("CH", 0.000_5, europe::SWITZERLAND),
    ("IE", 0.000_5, europe::IRELAND),
    ("GR", 0.000_3, europe::GREECE),
    ("UA", 0.002, europe::UKRAINE),
    ("TR", 0.000_3, world::TURKEY),
    ("LI", 0.000_02, world::LIECHTENSTEIN),
    ("IS", 0.000_02, world::ICELAND),
    ("MT", 0.000_02, world::MALTA),
    ("CY", 0.000_02, world::CYPRUS),
    ("US", 0.000_05, world::UNITED_STATES),
    ("BR", 0.000_01, world::BRAZIL),
];

struct Grammar {
    /// By text length, then in the order of `COUNTRIES` and of each file.
    by_length: Vec<Vec<Format>>,
    /// Countries with rules, home first.
    countries: Vec<(Country, f32)>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let mut by_length: Vec<Vec<Format>> = (0..=PlateText::MAX_LEN).map(|_| Vec::new()).collect();
    let mut countries = Vec::new();
    for (code, share, rules) in COUNTRIES {
        let Some(country) = Country::parse(code) else { continue };
        countries.push((country, *share));
        for rule in *rules {
            let shapes = expand(rule);
            // The texts of one rule share its probability: longer shapes hold more texts.
            let texts: f64 = shapes.iter().map(|m| size(m, rule.areas.as_ref())).sum();
            let log_density = (f64::from(rule.share) / texts.max(1.0)).ln() as f32;
            for masks in shapes {
                if let Some(formats) = by_length.get_mut(masks.len()) {
                    formats.push(Format { country, rule, masks, log_density });
                }
            }
        }
    }
    Grammar { by_length, countries }
});

/// How many texts there are of a shape.
fn size(masks: &[u64], areas: Option<&Areas>) -> f64 {
    let all: f64 = masks.iter().map(|m| f64::from(m.count_ones())).product();
    all * areas.map_or(1.0, |a| a.share_of(masks))
}

const DIGITS: u64 = (1 << 10) - 1;
const LETTERS: u64 = ((1 << 26) - 1) << 10;

/// Bit of `c` in a mask (its place in [`ALPHABET`](crate::domain::ALPHABET)); 0 for what no plate carries.
pub(super) fn bit(c: char) -> u64 {
    match c {
        '0'..='9' => 1 << (c as u32 - '0' as u32),
        'A'..='Z' => 1 << (c as u32 - 'A' as u32 + 10),
        _ => 0,
    }
}

fn mask_of(text: &str) -> u64 {
    text.chars().map(bit).fold(0, |m, b| m | b)
}

/// Every shape a pattern with its optional positions stands for.
fn expand(rule: &Rule) -> Vec<Vec<u64>> {
    let letters = rule.letters.map_or(LETTERS, mask_of);
    let mut shapes: Vec<Vec<u64>> = vec![Vec::new()];
    let mut chars = rule.pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let mask = match c {
            '@' => letters,
            '#' => DIGITS,
            '%' => DIGITS & !bit('0'),
            '&' => LETTERS | DIGITS,
            '[' => chars.by_ref().take_while(|&c| c != ']').map(bit).fold(0, |m, b| m | b),
            c => bit(c),
        };
        let optional = chars.next_if_eq(&'?').is_some();
        let without = if optional { shapes.clone() } else { Vec::new() };
        for shape in &mut shapes {
            shape.push(mask);
        }
        shapes.extend(without);
    }
    // Two optional positions of one kind in a row make the same shape twice.
    shapes.sort();
    shapes.dedup();
    shapes
}

impl Format {
    /// Allowed characters of each position, bit `i` for `ALPHABET[i]`.
    pub fn masks(&self) -> &[u64] {
        &self.masks
    }

    /// Natural logarithm of the probability that a plate of its country is one certain text of it.
    pub fn log_density(&self) -> f32 {
        self.log_density
    }

    /// Whether `text` is of this format as it stands.
    pub fn fits(&self, text: &PlateText) -> bool {
        text.as_str().len() == self.masks.len()
            && text.as_str().chars().zip(&self.masks).all(|(c, m)| bit(c) & m != 0)
            && self.names_an_area(text)
    }

    /// Whether `text`, which has this format's shape, carries a district code that exists.
    pub(super) fn names_an_area(&self, text: &PlateText) -> bool {
        self.rule.areas.is_none_or(|areas| areas.found_in(text.as_str()))
    }
}

/// The formats of texts of `length` characters, Belgian ones first.
pub fn formats(length: usize) -> &'static [Format] {
    GRAMMAR.by_length.get(length).map_or(&[], Vec::as_slice)
}

/// Countries whose formats are known with their assumed share of traffic, [`HOME`] first.
pub fn countries() -> &'static [(Country, f32)] {
    &GRAMMAR.countries
}

/// The first format that `text` is of as it stands; of `country` where it is said, else of any.
///
/// Within a country the narrower series comes first (`T-XAA-001` is a taxi's, not a text of the ordinary
/// shape). A Belgian text of no series is a personalised one only if it could be: 1 to 8 characters with a
/// letter. Where no country is said, that guess is not made, nor are series named that settle nothing: nearly
/// everything could be.
pub fn classify(text: &PlateText, country: Option<Country>) -> Option<&'static Format> {
    let fits = |f: &&Format| country.map_or(f.rule.settles, |c| f.country == c) && f.fits(text);
    formats(text.as_str().len())
        .iter()
        .find(fits)
        .or_else(|| (country == Some(HOME) && belgium::could_be_personalised(text)).then(|| &*PERSONALISED))
}

/// Probability that a plate of [`HOME`] is this very text because its holder chose it; home is the only
/// country whose personalised plates are known.
pub fn personalised_density(text: &PlateText) -> f32 {
    belgium::personalised_density(text)
}

/// Stands for texts their holders chose; resolves nothing.
static PERSONALISED: LazyLock<Format> = LazyLock::new(|| Format {
    country: HOME,
    rule: &belgium::PERSONALISED,
    masks: Vec::new(),
    log_density: f32::NEG_INFINITY,
});

#[cfg(test)]
pub(in crate::plate) mod tests;
