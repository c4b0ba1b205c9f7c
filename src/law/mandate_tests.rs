//! Mandate files: what is signed is read back, what was changed is not, what is missing is named.

use super::*;
use crate::law::Preset;

const WRITTEN: &str = r#"reference = "GR-2026-114"
decided = 2026-06-22T18:00:00+02:00
authority = "municipal council of Exampleton"
types = ["fixed"]
purposes = ["crimes-and-offences", "traffic-offences"]
valid_from = "2026-07-01T00:00:00+02:00"
valid_until = "2027-07-01T00:00:00+02:00"
impact_analysis = "DPIA-2026-07"
contact = "hoofdinspecteur Example, gsc@example.org"

[modalities]
visible = true

[[places]]
name = "Quay"
geometry = { type = "Point", coordinates = [4.402, 51.219] }
radius_m = 50
"#;

fn key() -> SigningKey {
    SigningKey::create(&tempfile::tempdir().unwrap().path().join("key")).unwrap()
}

fn signers(key: &SigningKey) -> Signers {
    Signers::parse(&Signers::line("zone", &key.public()).unwrap()).unwrap()
}

#[test]
fn what_is_signed_is_read_back_and_every_change_is_found() {
    let key = key();
    let text = Mandate::sign(WRITTEN, "zone", &key);
    let mandate = Mandate::verify(&text, &signers(&key)).unwrap();
    assert_eq!((mandate.reference.as_str(), mandate.signer.as_str()), ("GR-2026-114", "zone"));
    assert_eq!(mandate.decided.unwrap().to_string(), "2026-06-22T16:00:00.000Z");
    let rules = Preset::be_wpa().rules.unwrap();
    assert_eq!(mandate.problems(&rules), [""; 0]);
    for (at, _) in text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        assert!(Mandate::verify(&changed, &signers(&key)).is_err(), "byte {at}");
    }
    assert!(matches!(Mandate::verify(WRITTEN, &signers(&key)), Err(MandateError::Unsigned)));
    let other = Mandate::sign(WRITTEN, "stranger", &key);
    assert!(matches!(Mandate::verify(&other, &signers(&key)), Err(MandateError::UnknownSigner(_))));
    let again = Mandate::sign(&text, "zone", &key);
    assert_eq!(again, text, "signing again replaces the signature");
}

#[test]
fn an_error_names_line_and_field() {
    let error = Mandate::parse(&WRITTEN.replace("authority =", "autority =")).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("autority"), "{error}");
    let error = Mandate::parse(&WRITTEN.replace("\"2026-07-01T00:00:00+02:00\"", "\"July\"")).unwrap_err();
    assert!(error.to_string().contains("line 6") && error.to_string().contains("July"), "{error}");
    let error = Mandate::parse(&WRITTEN.replace("\"fixed\"", "\"fixd\"")).unwrap_err().to_string();
    assert!(error.contains("line 4") && error.contains("fixd"), "{error}");
}

#[test]
fn what_the_rules_ask_for_and_is_missing_is_named_with_its_article() {
    let rules = Preset::be_wpa().rules.unwrap();
    let of = |from: &str, to: &str| {
        assert!(WRITTEN.contains(from), "{from}");
        Mandate::parse(&WRITTEN.replace(from, to)).unwrap().problems(&rules).join("; ")
    };
    let found = of("impact_analysis = \"DPIA-2026-07\"", "");
    assert!(found.contains("impact_analysis: found nothing, and WPA art. 25/4"), "{found}");
    assert!(of("\"crimes-and-offences\"", "\"parking\"").contains("\"parking\" is none of"));
    assert!(of("[\"fixed\"]", "[\"temporary-fixed\"]").is_empty());
    let found = of("[\"fixed\"]", "[\"third-party\"]");
    assert!(found.contains("third_party.owner") && found.contains("third_party.police_record"), "{found}");
    let two_years = WRITTEN.replace("[\"fixed\"]", "[\"temporary-fixed\"]").replace("2027-07", "2028-07");
    let found = Mandate::parse(&two_years).unwrap().problems(&rules).join("; ");
    assert!(found.contains("a temporary camera for 731 days; at most 365"), "{found}");
}

#[test]
fn an_oral_decision_lapses_after_the_hours_of_the_preset() {
    let rules = Preset::be_wpa().rules.unwrap();
    let oral = WRITTEN.replace("impact_analysis = \"DPIA-2026-07\"\n", "")
        + "[oral]\nby = \"the mayor\"\nheard_by = \"commissaris Example\"\nurgency = \"a child is missing\"\n";
    let mandate = Mandate::parse(&oral).unwrap();
    assert_eq!(mandate.problems(&rules), [""; 0]);
    assert_eq!(mandate.ends(&rules).unwrap().to_string(), "2026-06-25T16:00:00.000Z");
}
