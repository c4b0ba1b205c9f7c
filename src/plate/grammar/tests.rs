//! The formats against plates whose class is known, and the table against itself.

use super::*;
use crate::plate::normalise;

fn series(written: &str, country: &str) -> &'static str {
    let text = normalise(written).unwrap();
    classify(&text, Country::parse(country)).map_or("none", |f| f.rule.series)
}

#[test]
fn belgian_series() {
    for (written, expected) in [
        ("1-ABC-123", "be-standard-2010"),
        ("2-XYZ-001", "be-standard-2010"),
        ("1-TXA-123", "be-taxi-2010"),
        ("1-TLA-123", "be-hire-2010"),
        ("1-OAB-123", "be-historic-2014"),
        ("1-QAB-123", "be-trailer-2014"),
        ("1-MAB-123", "be-motorcycle-2014"),
        ("8-ABC-123", "be-international-2010"),
        ("1-234567", "be-temporary-2010"),
        ("T-XAB-123", "be-taxi-2021"),
        ("T-LAB-123", "be-hire-2021"),
        ("O-ABC-123", "be-historic-2021"),
        ("O-MBC-123", "be-historic-motorcycle-2021"),
        ("O-SBC-123", "be-historic-moped-2021"),
        ("Q-ABC-123", "be-trailer-2021"),
        ("M-ABC-123", "be-motorcycle-2021"),
        ("S-ABC-123", "be-moped-2014"),
        ("S-PBC-123", "be-moped-2014"),
        ("G-LAB-123", "be-agricultural-2020"),
        ("Z-ABC-123", "be-trade-2021"),
        ("Y-ABC-123", "be-trade-2021"),
        ("V-ABC-123", "be-trade-2021"),
        ("UA-26-ABC", "be-national-2021"),
        ("WA-26-ABC", "be-temporary-2021"),
        ("XM-26-ABC", "be-export-2021"),
        ("CD-AB-123", "be-diplomatic-2010"),
        ("CD-A-123", "be-diplomatic-2001"),
        ("7", "be-court"),
        ("A-12", "be-office"),
        ("P-123", "be-office"),
        ("ABC-123", "be-standard-2001"),
        ("123-ABC", "be-standard-2008"),
        ("QAB-123", "be-trailer-2001"),
        ("MAB-123", "be-motorcycle-2001"),
        ("OAB-123", "be-historic-2001"),
        ("ZXA-123", "be-trade-2001"),
        ("A-1234", "be-standard-short"),
        ("AB-123", "be-standard-short-2"),
        // What no series has, and the holder may have chosen.
        ("GEN1US", "be-personalised-2014"),
        ("BOSS-1", "be-personalised-2014"),
        ("3-ABC-123", "be-personalised-2014"),
        // Too long, or digits only.
        ("ABCDEFGHI", "none"),
        ("12345", "none"),
        // Reserved, so that nobody may choose it.
        ("ABCD-123", "none"),
        ("CD-BOSS", "none"),
    ] {
        assert_eq!(series(written, "BE"), expected, "{written}");
    }
}

#[test]
fn belgian_classes() {
    let class = |t: &str| classify(&normalise(t).unwrap(), Some(Country::BE)).map(|f| f.rule.class);
    assert_eq!(class("1-ABC-123"), Some(VehicleClass::Ordinary));
    assert_eq!(class("CD-AB-123"), Some(VehicleClass::Diplomatic));
    assert_eq!(class("XA-26-ABC"), Some(VehicleClass::Export));
    assert_eq!(class("GEN1US"), Some(VehicleClass::Personalised));
}

#[test]
fn neighbours() {
    for (written, country, expected) in [
        ("XX-99-99", "NL", "nl-sidecode-1"),
        ("12-34-AB", "NL", "nl-sidecode-2"),
        ("12-AB-34", "NL", "nl-sidecode-3"),
        ("XB-12-GH", "NL", "nl-sidecode-4"),
        ("XB-GH-12", "NL", "nl-sidecode-5"),
        ("12-XB-GH", "NL", "nl-sidecode-6"),
        ("12-XBG-3", "NL", "nl-sidecode-7"),
        ("1-XBG-23", "NL", "nl-sidecode-8"),
        ("XB-123-G", "NL", "nl-sidecode-9"),
        ("X-123-BG", "NL", "nl-sidecode-10"),
        ("XBG-12-H", "NL", "nl-sidecode-11"),
        ("X-12-BGH", "NL", "nl-sidecode-12"),
        ("1-XB-234", "NL", "nl-sidecode-13"),
        ("123-XB-4", "NL", "nl-sidecode-14"),
        ("OB-12-XG", "NL", "nl-trailer-o"),
        ("AB-123-CD", "FR", "fr-siv-2009"),
        ("WW-123-AB", "FR", "fr-temporary"),
        ("1234 AB 75", "FR", "fr-departmental"),
        ("12 AB 2A", "FR", "fr-departmental-corsica"),
        ("AI-123-CD", "FR", "none"),
        ("TÖL-BA 218", "DE", "de-ordinary-five-letters"),
        ("B-A 1", "DE", "de-ordinary"),
        ("M-AB 123E", "DE", "de-electric"),
        ("OF-PS 30H", "DE", "de-historic"),
        ("Y-123456", "DE", "de-military"),
        ("B-AB 0123", "DE", "none"),
        ("AB 1234", "LU", "lu-ordinary"),
        ("12345", "LU", "lu-numeric"),
        ("CD 1234", "LU", "lu-diplomatic"),
        ("AB12 CDE", "GB", "gb-current-2001"),
        ("A123 BCD", "GB", "gb-prefix-1983"),
        ("QA12 CDE", "GB", "none"),
        ("1234 BCD", "ES", "es-2000"),
        ("AA-1234-BB", "UA", "ua"),
    ] {
        assert_eq!(series(written, country), expected, "{written}");
    }
    assert_eq!(series("1-ABC-123", "JP"), "none");
}

#[test]
fn further_away() {
    for (written, country, expected) in [
        ("34 AB 1234", "TR", "tr-two-four"),
        ("06 A 12345", "TR", "tr-one-five"),
        ("34 CD 1234", "TR", "tr-diplomatic"),
        ("34 ABC 123", "TR", "tr-three-three"),
        ("FL 12345", "LI", "li"),
        ("FM 12345", "LI", "none"),
        ("AB-123", "IS", "is-1989"),
        ("ABC-12", "IS", "is-2006"),
        ("ABC 123", "MT", "mt-standard-2004"),
        ("GVP 123", "MT", "mt-official-2004"),
        ("TAXI 123 M", "MT", "mt-taxi"),
        ("HKX 123", "CY", "cy-2013"),
        ("ABC 123", "CY", "cy-older"),
        ("ABC-1234", "BR", "br-1990"),
        ("ABC1D23", "BR", "br-mercosul-2018"),
        ("ABC1X23", "BR", "br-mercosul-later"),
        ("7ABC123", "US", "us-california"),
        ("ABC 1234", "US", "us-letters-3-digits-4"),
        ("DK0 H7Z", "US", "us-missouri"),
        ("GR8 CAR", "US", "us-any"),
        ("ZG 1234-AB", "HR", "hr"),
        ("XX 1234-AB", "HR", "none"),
        ("LJ AB-123", "SI", "si-1"),
        ("B 123 ABC", "RO", "ro-bucharest"),
        ("CJ 12 ABC", "RO", "ro-county"),
        ("CX 12 ABC", "RO", "none"),
        ("131-D-12345", "IE", "ie-2013"),
        ("08-KY-1", "IE", "ie-1987"),
        ("131-X-12345", "IE", "none"),
        ("ZH 123456", "CH", "ch"),
        ("XH 123456", "CH", "none"),
        ("R 1234 BCD", "ES", "es-trailer"),
        ("0 17-123", "DE", "de-diplomatic"),
        ("XYZ-AB 12", "DE", "de-unlisted"),
        ("CD 1234", "NL", "nl-diplomatic"),
        ("123 D 456", "GB", "gb-diplomatic-1979"),
    ] {
        assert_eq!(series(written, country), expected, "{written}");
    }
    // The reader's `other`, and countries it does not name, have no grammar.
    assert_eq!(series("А 123 ВС 77", "RU"), "none");
}

/// The countries that the shipped reader names, from its card; `other` is no country.
#[test]
fn every_country_of_the_reader_has_a_grammar() {
    let card = concat!(env!("CARGO_MANIFEST_DIR"), "/models/reader.toml");
    let card = std::fs::read_to_string(card).unwrap();
    let list = card.split("countries = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let named: Vec<&str> = list.split('"').skip(1).step_by(2).filter(|c| *c != "other").collect();
    assert!(named.len() >= 36, "{named:?}");
    for code in named {
        assert!(COUNTRIES.iter().any(|c| c.0 == code), "{code} has no grammar");
    }
}

/// `docs/ref/plates.md`: every rule with its source.
fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    let year = |y: Option<u16>| y.map_or(String::new(), |y| y.to_string());
    for (code, share, rules) in COUNTRIES {
        out.push_str(&format!("\n## {code}\n\nAssumed share of traffic: {share}.\n\n"));
        out.push_str("| series | class | pattern | letters | issued | share | source |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        let chosen = (*code == HOME.as_str()).then_some(&belgium::PERSONALISED);
        for r in rules.iter().chain(chosen) {
            let issued = match r.years {
                (None, None) => "-".to_owned(),
                (from, until) => format!("{} to {}", year(from), year(until)).trim().to_owned(),
            };
            let pattern = match r.pattern {
                "" => "the holder's choice".to_owned(),
                p => format!("`{p}`"),
            };
            let notes = [r.areas.map(|_| "district list"), (!r.settles).then_some("settles nothing")];
            let notes: Vec<&str> = notes.into_iter().flatten().collect();
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            out.push_str(&format!(
                "| {} | {} | {pattern}{notes} | {} | {issued} | {} | {} |\n",
                r.series,
                r.class.as_str(),
                r.letters.unwrap_or("all"),
                r.share,
                r.source,
            ));
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Plates

Every series that the grammar knows, with the source of each rule. This page is written from the rules \
(`src/plate/grammar`); a test keeps the two the same (`UPDATE_DOCS=1` rewrites it). What a grammar may settle: \
`docs/design/decisions/0012-what-a-grammar-may-settle.md`.

Patterns stand for plates without separators: `@` a letter, `#` a digit, `%` a digit but 0, `&` a letter or a \
digit, `[ABC]` one of these, other characters themselves; `?` after one makes it optional. `letters`: which \
letters `@` stands for. The earlier series of a country is the narrower one: a text is of the first that it fits. \
Shares are orders of magnitude, assumed, and used only to weigh series against each other. Sources marked second-hand \
or as observed are not law. Laws were read as quoted in the plate dossiers of vehiclesdb (CC BY 4.0), not in the \
gazettes, or are named from memory where it says so. The reader's `other` has no grammar: nothing is settled there.
";

#[test]
fn the_reference_holds_every_rule() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ref/plates.md");
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == wanted, "docs/ref/plates.md is stale: run with UPDATE_DOCS=1");
}

/// SplitMix64 (Steele, Lea, Flood 2014): random enough to draw plates with.
pub(in crate::plate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Earlier in a file is narrower: a sample of a rule is of that rule or of one before it.
#[test]
fn samples_of_every_rule_are_of_it_or_of_a_narrower_one() {
    let mut state = 1;
    let mut next = || splitmix(&mut state);
    for (code, _, rules) in COUNTRIES {
        let country = Country::parse(code).unwrap();
        for (at, rule) in rules.iter().enumerate() {
            let own: Vec<&Format> = (1..=PlateText::MAX_LEN)
                .flat_map(formats)
                .filter(|f| f.country == country && f.rule.series == rule.series)
                .collect();
            assert!(!own.is_empty(), "{}", rule.series);
            let mut seen = false;
            for format in &own {
                let texts = (0..300).filter_map(|_| draw::sample(format, &mut next));
                for text in texts.filter(|t| format.fits(t)).take(20) {
                    seen = true;
                    let found = classify(&text, Some(country)).map(|f| f.rule.series).unwrap();
                    let place = rules.iter().position(|r| r.series == found).unwrap();
                    assert!(place <= at, "{text} of {} counts as {found}", rule.series);
                }
            }
            assert!(seen, "no text of {} was found", rule.series);
        }
    }
}

#[test]
fn drawn_plates_are_of_the_traffic() {
    let mut state = 7;
    let mut next = || splitmix(&mut state);
    let drawn: Vec<Drawn> = (0..20_000).map(|_| draw(&mut next)).collect();
    let share = |f: &dyn Fn(&Drawn) -> bool| drawn.iter().filter(|d| f(d)).count() as f32 / 20_000.0;
    let belgian = share(&|d| d.country == Country::BE);
    assert!((0.82..0.88).contains(&belgian), "{belgian}");
    let ordinary = share(&|d| d.series == "be-standard-2010");
    assert!((0.66..0.71).contains(&ordinary), "{ordinary}");
    for d in &drawn {
        assert!(classify(&d.text, Some(d.country)).is_some(), "{d:?}");
    }
    // The same bits give the same plates.
    let again = {
        let mut state = 7;
        let mut next = || splitmix(&mut state);
        draw(&mut next)
    };
    assert_eq!(again, drawn[0]);
}

#[test]
fn without_a_country_home_comes_first() {
    let text = PlateText::new("1ABC123").unwrap();
    assert_eq!(classify(&text, None).map(|f| f.country), Some(HOME));
    // Nearly everything could be personalised; that alone says nothing.
    assert!(classify(&PlateText::new("GEN1US").unwrap(), None).is_none());
}

#[test]
fn optional_positions() {
    let rule = Rule { pattern: "A@?#?", ..RULE };
    let lengths: Vec<usize> = expand(&rule).iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 4);
    assert!(lengths.contains(&1) && lengths.contains(&3));
    // `##?#?` has one shape a length, not four.
    assert_eq!(expand(&Rule { pattern: "##?#?", ..RULE }).len(), 3);
}

#[test]
fn every_rule_is_whole() {
    for (code, share, rules) in COUNTRIES {
        assert!(Country::parse(code).is_some_and(|c| c.as_str() == *code), "{code}");
        assert!(*share > 0.0 && !rules.is_empty(), "{code}");
        let total: f32 = rules.iter().map(|r| r.share).sum();
        assert!((0.9..=1.1).contains(&total), "shares of {code} sum to {total}");
        for rule in *rules {
            let prefix = code.to_lowercase();
            assert!(rule.series.starts_with(&prefix), "{} of {code}", rule.series);
            assert!(!rule.source.is_empty() && rule.share > 0.0, "{}", rule.series);
            assert_eq!(rules.iter().filter(|r| r.series == rule.series).count(), 1, "{} twice", rule.series);
            for shape in expand(rule) {
                assert!((1..=PlateText::MAX_LEN).contains(&shape.len()), "{}", rule.series);
                assert!(shape.iter().all(|m| *m != 0 && m & !(LETTERS | DIGITS) == 0), "{}", rule.series);
            }
        }
    }
    let shares: f32 = COUNTRIES.iter().map(|c| c.1).sum();
    assert!((0.95..=1.05).contains(&shares), "countries sum to {shares}");
}
