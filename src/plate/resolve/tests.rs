//! What is settled, and what is left alone.

use super::*;
use crate::domain::ALPHABET;
use crate::plate::{classify, confusion};
use proptest::prelude::*;

fn text(t: &str) -> PlateText {
    PlateText::new(t).unwrap()
}

fn settled(t: &str, country: Option<&str>) -> String {
    resolve(&text(t), country.and_then(Country::parse)).map_or_else(|| "-".into(), |r| r.text.to_string())
}

#[test]
fn belgian_look_alikes() {
    for (read, meant) in [
        ("IABC123", "1ABC123"),
        ("1A8C123", "1ABC123"),
        ("1ABC12O", "1ABC120"),
        ("1ABCI2O", "1ABC120"),
        ("10BC123", "1OBC123"),
        ("1ABC1B3", "1ABC183"),
        ("1ABCQ23", "1ABC023"),
        ("CDABI23", "CDAB123"),
        ("0O1ABC", "001ABC"),
    ] {
        assert_eq!(settled(read, Some("BE")), meant, "{read}");
        assert_eq!(settled(read, None), meant, "{read} without a country");
    }
}

#[test]
fn two_look_alikes_need_the_country() {
    // ILL-CS 23 could be German as it stands; on a Belgian plate there is nothing else it could be.
    assert_eq!(settled("ILLCS23", Some("BE")), "1LLC523");
    assert_eq!(settled("ILLCS23", None), "-");
    // There is a German district B, and none that is I or IA.
    assert_eq!(settled("8AB1234", Some("DE")), "BAB1234");
    assert_eq!(settled("1AB1234", Some("DE")), "-");
    assert_eq!(settled("TX4B123", Some("BE")), "TXAB123");
}

#[test]
fn what_is_left_alone() {
    for as_it_is in [
        "1ABC123",  // fits
        "OABC123",  // an oldtimer's, not 0-ABC-123
        "GEN1US",   // personalised
        "BOSS12",   // personalised, not BOS-512
        "MARI70",   // personalised, not MAR-170
        "5EXY",     // personalised
        "B0SS",     // personalised
        "R0B1N",    // personalised
        "007BOND",  // personalised
        "B055123",  // three look-alikes of an ordinary shape that is not issued
        "ZABCS23",  // 2-ABC-523 or the dealer's Z-ABC-523
        "8O88O8",   // BOB-808 or 808-BOB
        "8OSS",     // no shape near
        "IOO",      // court plates have three digits, but this is another text
        "1ABC123X", // too long
        "1AXC1X3",  // X looks like no digit
    ] {
        assert_eq!(settled(as_it_is, Some("BE")), "-", "{as_it_is}");
    }
}

#[test]
fn the_country_decides() {
    // Of the vowels the Netherlands issue only the O of trailers.
    assert_eq!(settled("0B12GH", Some("NL")), "OB12GH");
    assert_eq!(settled("XBG12O", Some("NL")), "-");
    assert_eq!(settled("AB1Z3CD", Some("FR")), "AB123CD");
    assert_eq!(settled("IABC123", Some("DE")), "-", "a German plate as it stands");
    assert_eq!(settled("AB12CD3", Some("JP")), "-", "no grammar, nothing settled");
    // A Croatian plate begins with one of 34 codes, a Swiss one with a canton.
    assert_eq!(settled("26123AB", Some("HR")), "ZG123AB");
    assert_eq!(settled("HR123AB", Some("HR")), "-", "no such town, and nothing near it");
    assert_eq!(settled("8E12345", Some("CH")), "BE12345");
    // Old and new Brazilian plates differ in the class of the fifth character alone.
    assert_eq!(settled("ABC1O34", Some("BR")), "-");
    assert_eq!(settled("A8C1234", Some("BR")), "ABC1234");
    // Everything may stand on an American plate.
    assert_eq!(settled("1A8C123", Some("US")), "-");
    assert_eq!(settled("3401AB12", Some("TR")), "-");
    assert_eq!(settled("F112345", Some("LI")), "FL12345");
    assert_eq!(settled("FL1234O", Some("LI")), "FL12340");
}

fn sure(t: &str) -> Vec<CharDistribution> {
    t.chars().map(|c| mix(&[(c, 1.0)])).collect()
}

fn mix(chars: &[(char, f32)]) -> CharDistribution {
    let mut d = CharDistribution { p: [0.0; 36], none: 0.0 };
    for &(c, p) in chars {
        let i = ALPHABET.iter().position(|&a| char::from(a) == c).unwrap();
        d.p[i] = p;
    }
    d
}

#[test]
fn a_distribution_is_settled_by_its_own_second_choice() {
    let mut positions = sure("1ABC123");
    positions[4] = mix(&[('I', 0.9), ('1', 0.1)]);
    let guesses = resolve_distribution(&positions, &[(Country::BE, 1.0)]);
    assert_eq!(guesses[0].text, text("1ABC123"));
    assert!(guesses[0].probability > 0.99, "{guesses:?}");
    assert_eq!(guesses[0].format.unwrap().rule.series, "be-standard-2010");
    // The reader's O, D and Q are weighed by what it gave them, not by how they look.
    let mut positions = sure("1ABC123");
    positions[2] = mix(&[('0', 0.6), ('D', 0.35), ('O', 0.05)]);
    assert_eq!(resolve_distribution(&positions, &[])[0].text, text("1ADC123"));
}

#[test]
fn an_unreadable_plate_stays_unreadable() {
    let flat = CharDistribution { p: [1.0 / 37.0; 36], none: 1.0 / 37.0 };
    for guess in resolve_distribution(&[flat; 7], &[(Country::BE, 1.0)]) {
        assert!(guess.probability < 1e-6, "{guess:?}");
    }
    assert!(resolve_distribution(&[], &[]).is_empty());
    let nothing = CharDistribution { p: [f32::NAN; 36], none: 1.0 };
    assert!(resolve_distribution(&[nothing; 7], &[]).iter().all(|g| g.probability < 1e-6));
}

fn country() -> impl Strategy<Value = Option<Country>> {
    prop::option::of(prop::sample::select(grammar::countries().iter().map(|c| c.0).collect::<Vec<_>>()))
}

proptest! {
    #[test]
    fn a_text_that_fits_is_never_changed(t in "[12][A-Z]{3}[0-9]{3}|[A-Z]{3}[0-9]{3}|[0-9A-Z]{5,7}", c in country()) {
        let t = text(&t);
        if let Some(r) = resolve(&t, c) {
            prop_assert!(!formats(&t, c.unwrap_or(HOME)), "{} fits", t);
            // Settled texts fit, differ by look-alikes only, and are settled for good.
            prop_assert!(r.format.fits(&r.text));
            prop_assert_ne!(&r.text, &t);
            prop_assert!(t.as_str().chars().zip(r.text.as_str().chars()).all(|(a, b)| confusion::alike(a, b)));
            prop_assert!(resolve(&r.text, Some(r.format.country)).is_none());
            prop_assert!(classify(&r.text, Some(r.format.country)).is_some());
        }
    }

    #[test]
    fn resolving_twice_changes_nothing_more(t in "[0-9A-Z]{1,9}", c in country()) {
        if let Some(r) = resolve(&text(&t), c) {
            prop_assert!(resolve(&r.text, c).is_none(), "{} -> {} -> another", t, r.text);
        }
    }

    #[test]
    fn a_plate_of_the_traffic_is_never_changed(seed in any::<u64>()) {
        let mut state = seed;
        let drawn = grammar::draw(&mut || grammar::tests::splitmix(&mut state));
        prop_assert!(resolve(&drawn.text, Some(drawn.country)).is_none(), "{:?}", drawn);
    }

    #[test]
    fn a_belgian_plate_survives_one_look_alike(t in "[12][A-Z]{3}[0-9]{3}", at in 0usize..7, pick in 0usize..2) {
        let mut chars: Vec<char> = t.chars().collect();
        let options: Vec<char> = confusion::across(chars[at])[0].to_vec();
        if let Some(&other) = options.get(pick) {
            chars[at] = other;
            let read: String = chars.iter().collect();
            // A look-alike may make another Belgian plate (Z for 2 a dealer's); nothing can tell.
            // And a Q looks like 0 as O does, so a 0 among letters is taken for the commoner O.
            let meant = if t.as_bytes()[at] == b'Q' { t[..at].to_owned() + "O" + &t[at + 1..] } else { t.clone() };
            if !formats(&text(&read), Country::BE) {
                prop_assert_eq!(settled(&read, Some("BE")), meant);
            }
        }
    }

    #[test]
    fn probabilities_are_probabilities(values in prop::collection::vec(prop::array::uniform32(0.0f32..1.0), 0..9), c in country()) {
        let positions: Vec<CharDistribution> = values.iter().map(|v| {
            let sum: f32 = v.iter().sum::<f32>().max(1e-6);
            let mut d = CharDistribution { p: [0.0; 36], none: 0.0 };
            for (slot, x) in d.p.iter_mut().skip(2).zip(v) { *slot = x / sum; }
            d
        }).collect();
        let given: Vec<_> = c.into_iter().map(|c| (c, 0.9)).collect();
        let guesses = resolve_distribution(&positions, &given);
        let total: f32 = guesses.iter().map(|g| g.probability).sum();
        prop_assert!((0.0..=1.0001).contains(&total), "{}", total);
        prop_assert!(guesses.windows(2).all(|w| w[0].probability >= w[1].probability));
        for g in &guesses {
            prop_assert!(g.format.is_none_or(|f| f.fits(&g.text)));
        }
    }
}

/// Whether `t` fits a format of `c` as it stands.
fn formats(t: &PlateText, c: Country) -> bool {
    grammar::formats(t.as_str().len()).iter().any(|f| f.country == c && f.fits(t))
}
