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
