//! Citizens who ask what is held of their plate.

use super::kept::*;
use crate::world::*;

fn ask<'a>(out: &'a str, from: &'a str, to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec![
        "access",
        "subject",
        "1-ABC-123",
        "--from",
        from,
        "--to",
        to,
        "--reference",
        "COC/2026/114",
        "--out",
        out,
    ];
    all.extend(more);
    all
}

struct Asked {
    kept: Kept,
    out: String,
    from: String,
    to: String,
}

fn asked() -> Asked {
    let kept = Kept::new("enforce");
    kept.passed("1ABC123", &[1, 5, 90]);
    kept.passed("1OTH999", &[1]);
    let street = std::fs::read(root().join("samples/pictures/day-1.jpg")).unwrap();
    kept.hit("1ABC123", 3, "", [street.clone(), street.clone()]);
    kept.hit("1ABC123", 4, "CASE-77", [street.clone(), street]);
    let out = kept.path("answer").display().to_string();
    Asked { kept, out, from: ago(20).to_string(), to: ago(0).to_string() }
}

#[test]
fn only_the_officer_may_answer_a_citizen_and_only_with_a_second_person() {
    let a = asked();
    let said = a.kept.refused("investigator", &ask(&a.out, &a.from, &a.to, &["--second", "supervisor"]));
    assert!(said.contains("has not the right \"subject\""), "{said}");
    let said = a.kept.refused("data-protection-officer", &ask(&a.out, &a.from, &a.to, &[]));
    assert!(said.contains("\"subject\" needs a second person"), "{said}");
    assert!(!std::path::Path::new(&a.out).exists(), "nothing is made of a refused request");
}

#[test]
fn the_answer_must_hold_what_is_held_and_only_of_that_plate_and_period() {
    let a = asked();
    let told =
        a.kept.shown("data-protection-officer", &ask(&a.out, &a.from, &a.to, &["--second", "supervisor"]));
    assert!(told.contains("3 items given, 1 withheld"), "{told}");
    let text = std::fs::read_to_string(format!("{}/answer.json", a.out)).unwrap();
    assert!(!text.contains("1OTH999") && !text.contains("CASE-77"), "{text}");
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = answer["items"].as_array().unwrap();
    assert!(items.iter().all(|i| i["kept_until"].is_string() && i["camera"] == "gate"), "{text}");
    assert!(
        items.iter().any(|i| !i["messages"].as_array().unwrap().is_empty()),
        "what was done with it: {text}"
    );
    let page = std::fs::read_to_string(format!("{}/answer.html", a.out)).unwrap();
    for part in
        ["COC/2026/114", "Officer who answers", "Date and signature", "Kept until", "controleorgaan.be"]
    {
        assert!(page.contains(part), "{part}");
    }
    // The pictures it names lie beside it.
    let named: Vec<&str> = items
        .iter()
        .flat_map(|i| i["pictures"].as_array().unwrap())
        .map(|p| p["file"].as_str().unwrap())
        .collect();
    assert!(
        !named.is_empty() && named.iter().all(|f| std::path::Path::new(&a.out).join(f).is_file()),
        "{named:?}"
    );
}

#[test]
fn hits_of_a_case_must_be_withheld_for_the_officer_with_the_reason() {
    let a = asked();
    a.kept.shown("data-protection-officer", &ask(&a.out, &a.from, &a.to, &["--second", "supervisor"]));
    let text = std::fs::read_to_string(format!("{}/withheld.json", a.out)).unwrap();
    let withheld: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = withheld["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{text}");
    assert!(items[0]["reason"].as_str().unwrap().contains("could harm an investigation"), "{text}");
    assert!(
        items[0]["decision"].is_null() && withheld["article"].as_str().unwrap().contains("art. 38"),
        "{text}"
    );
}

#[test]
fn request_and_answer_must_be_on_record_without_the_plate() {
    let a = asked();
    a.kept.shown("data-protection-officer", &ask(&a.out, &a.from, &a.to, &["--second", "supervisor"]));
    let (given, withheld): (i64, i64) =
        (a.kept.sql("SELECT given FROM subject_request"), a.kept.sql("SELECT withheld FROM subject_request"));
    assert_eq!((given, withheld), (3, 1));
    let chain = stdout(&run(&["audit", "list", "--data", a.kept.store().to_str().unwrap()]));
    assert!(chain.contains("subject-asked") && chain.contains("subject-answered"), "{chain}");
    assert!(!chain.contains("1ABC123"), "{chain}");
    assert_eq!(a.kept.sql::<i64>("SELECT answered_at IS NOT NULL FROM subject_request"), 1);
}
