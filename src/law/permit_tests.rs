//! Every way in which a camera may not look, with its words.

use super::*;
use crate::domain::Position;
use crate::law::{Preset, Rules};
use crate::runtime::{Signers, SigningKey};

fn rules() -> Rules {
    Preset::be_wpa().rules.unwrap()
}

const PLACE: &str = "[[places]]\nname = \"Quay\"\ngeometry = { type = \"Point\", coordinates = [4.4, 51.2] }\nradius_m = 50\n";

fn mandates(edit: impl Fn(String) -> String) -> Mandates {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::create(&dir.path().join("key")).unwrap();
    let signers = Signers::parse(&Signers::line("zone", &key.public()).unwrap()).unwrap();
    let text = format!(
        "reference = \"M1\"\ndecided = 2026-06-01T00:00:00Z\nauthority = \"council\"\ntypes = [\"fixed\", \"mobile\"]\n\
         purposes = [\"traffic-offences\"]\nvalid_from = 2026-07-01T00:00:00Z\nvalid_until = 2027-07-01T00:00:00Z\n\
         impact_analysis = \"D1\"\ncontact = \"c\"\nvehicles = [\"car-12\"]\n[modalities]\nvisible = true\n{PLACE}"
    );
    std::fs::write(dir.path().join("m.toml"), Mandate::sign(&edit(text), "zone", &key)).unwrap();
    Mandates::read(dir.path(), &signers, &rules()).unwrap()
}

fn fixed() -> CameraUse {
    CameraUse { mandate: Some("M1".into()), kind: Some(CameraType::Fixed), ..CameraUse::default() }
}

fn moment(now: &str) -> Moment {
    let position = Position { longitude: 4.4, latitude: 51.2, heading: None, accuracy_m: None };
    Moment {
        now: now.parse().unwrap(),
        position: Some(position),
        vehicle: Some("car-12".into()),
        officer: None,
    }
}

const NOW: &str = "2026-11-25T12:00:00Z";

fn said(mandates: &Mandates, camera: &CameraUse, at: &Moment) -> String {
    match decide(&rules(), mandates, camera, at) {
        Permit::Granted(grant) => {
            format!("granted until {:?} in {:?}", grant.until.map(|u| u.to_string()), grant.place)
        }
        Permit::Refused(refusal) => format!("{}: {}", refusal.code, refusal.text),
    }
}

#[test]
fn what_fits_is_granted_until_the_mandate_ends() {
    let found = said(&mandates(|t| t), &fixed(), &moment(NOW));
    assert_eq!(found, "granted until Some(\"2027-07-01T00:00:00.000Z\") in Some(\"Quay\")");
}

#[test]
fn each_thing_that_does_not_fit_is_refused_in_its_words() {
    let all = mandates(|t| t);
    let case = |camera: &dyn Fn(&mut CameraUse), at: &dyn Fn(&mut Moment)| {
        let (mut c, mut m) = (fixed(), moment(NOW));
        camera(&mut c);
        at(&mut m);
        said(&all, &c, &m)
    };
    let same = |_: &mut Moment| {};
    let begins = |found: String, with: &str| assert!(found.starts_with(with), "{found:?} is not {with:?}");
    begins(case(&|c| c.mandate = None, &same), "no-mandate: the camera names no mandate");
    begins(case(&|c| c.mandate = Some("M2".into()), &same), "no-mandate: there is no mandate M2");
    begins(case(&|c| c.kind = None, &same), "no-type: ");
    begins(
        case(&|c| c.kind = Some(CameraType::Bodycam), &same),
        "type: the mandate M1 is for cameras of the kind fixed, mobile",
    );
    begins(case(&|c| c.mode = Mode::Covert, &same), "mode: the mandate M1 does not allow covert use");
    begins(case(&|_| {}, &|m| m.now = "2026-06-30T00:00:00Z".parse().unwrap()), "not-yet: ");
    begins(case(&|_| {}, &|m| m.now = "2027-07-01T00:00:00Z".parse().unwrap()), "over: the mandate M1 ended");
    begins(case(&|_| {}, &|m| m.position = None), "no-position: the camera says no position");
    begins(case(&|_| {}, &|m| m.position.as_mut().unwrap().latitude = 51.3), "outside-area: ");
    let mobile = |c: &mut CameraUse| c.kind = Some(CameraType::Mobile);
    begins(case(&mobile, &same), "no-officer: ");
    begins(
        case(&mobile, &|m| m.vehicle = Some("car-13".into())),
        "vehicle: the mandate M1 is for the vehicles car-12, this one is car-13",
    );
    begins(case(&mobile, &|m| m.position = None), "no-position: the vehicle's position is not known");
    begins(case(&mobile, &|m| m.officer = Some("4711".into())), "granted");
    begins(case(&|c| (c.mandate, c.kind) = (None, Some(CameraType::Premises)), &same), "granted");
}

#[test]
fn covert_use_needs_ground_officer_and_an_end() {
    let all = mandates(|t| t.replace("visible = true", "visible = true\ncovert = true"));
    let covert = |from: &str, until: &str, ground: &str| Covert {
        ground: ground.into(),
        officer: "4711".into(),
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
    };
    let mut camera = CameraUse { kind: Some(CameraType::Mobile), mode: Mode::Covert, ..fixed() };
    let at = Moment { officer: Some("4711".into()), ..moment(NOW) };
    assert!(said(&all, &camera, &at).contains("needs its legal ground"));
    camera.covert = Some(covert("2026-11-25T06:00:00Z", "2026-11-26T06:00:00Z", "WPA art. 99"));
    assert!(said(&all, &camera, &at).contains("is no legal ground"));
    camera.covert = Some(covert("2026-11-25T06:00:00Z", "2026-12-26T06:00:00Z", "WPA art. 46/4"));
    assert!(said(&all, &camera, &at).contains("744 hours; more than 0 and at most 168"));
    camera.covert = Some(covert("2026-11-24T06:00:00Z", "2026-11-25T06:00:00Z", "WPA art. 46/4"));
    assert!(said(&all, &camera, &at).starts_with("over: the covert use ended"));
    camera.covert = Some(covert("2026-11-25T06:00:00Z", "2026-11-26T06:00:00Z", "WPA art. 46/4"));
    assert_eq!(
        said(&all, &camera, &at),
        "granted until Some(\"2026-11-26T06:00:00.000Z\") in Some(\"Quay\")"
    );
    camera.kind = Some(CameraType::Fixed);
    assert!(said(&all, &camera, &at).contains("a fixed camera is never covert"));
}

#[test]
fn a_list_is_matched_only_for_purposes_the_mandate_allows() {
    let all = mandates(|t| t);
    let mandate = all.get("M1").unwrap();
    assert!(list_allowed(mandate, "x", &["traffic-offences".into()]).is_ok());
    let both = ["traffic-offences".into(), "sentences".into()];
    assert!(list_allowed(mandate, "x", &both).unwrap_err().contains("does not allow sentences"));
    assert!(list_allowed(mandate, "x", &[]).unwrap_err().contains("says no purposes"));
}
