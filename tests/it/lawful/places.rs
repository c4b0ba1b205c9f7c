//! A camera looks only where its mandate allows it, and a car only with an officer in charge.

use super::lawbox::*;
use crate::world::*;
use platewatch::domain::Utc;

#[test]
fn a_fixed_camera_must_stand_inside_the_places_of_its_mandate() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", &FIXED.replace("51.219", "51.220"));
    assert_eq!(all.refused(), "the camera is outside the places of the mandate GR-1: Quay");
}

#[test]
fn a_fixed_camera_must_say_where_it_stands() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", "mandate = \"GR-1\"\ntype = \"fixed\"\n");
    assert!(all.refused().starts_with("the camera says no position, and the mandate GR-1 is for a place"));
}

/// A car with a mandate for the quay and for the vehicle car-12.
fn car(vehicle: &str) -> LawBox {
    let mut all = LawBox::new();
    all.mandate(
        "gr-1",
        &MANDATE.replace("types = [\"fixed\"]", "types = [\"mobile\"]\nvehicles = [\"car-12\"]"),
    );
    all.law += &format!("vehicle = {vehicle:?}\npositions = \"position.json\"\nofficers = \"officers\"\n");
    std::fs::write(all.path("officers"), "4711 An Example\n4712 Bo Example\n").unwrap();
    all.camera("gate", "mandate = \"GR-1\"\ntype = \"mobile\"\n");
    all
}

/// Says where the car is, by the clock of the test, `age_s` seconds ago.
fn drive(all: &LawBox, latitude: f64, age_s: i64) {
    let at = Utc::now().plus_ms(-age_s * 1000);
    let (path, beside) = (all.path("position.json"), all.path("position.new"));
    std::fs::write(&beside, format!("{{\"time\":\"{at}\",\"longitude\":4.402,\"latitude\":{latitude}}}\n"))
        .unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// Drives on in the background until the test is over.
struct Driving(std::sync::Arc<std::sync::Mutex<Option<f64>>>, Option<std::thread::JoinHandle<()>>);

impl Driving {
    fn from(all: &LawBox, latitude: f64) -> Self {
        let at = std::sync::Arc::new(std::sync::Mutex::new(Some(latitude)));
        let path = all.path("");
        let shared = at.clone();
        let thread = std::thread::spawn(move || {
            loop {
                let Some(latitude) = *shared.lock().unwrap() else { return };
                let text = format!("{{\"time\":\"{}\",\"lon\":4.402,\"lat\":{latitude}}}\n", Utc::now());
                std::fs::write(path.join("position.new"), text).unwrap();
                std::fs::rename(path.join("position.new"), path.join("position.json")).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
        });
        Self(at, Some(thread))
    }

    fn to(&self, latitude: f64) {
        *self.0.lock().unwrap() = Some(latitude);
    }

    fn end(&mut self) {
        *self.0.lock().unwrap() = None;
        if let Some(thread) = self.1.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn leaving_the_area_pauses_reading_and_coming_back_resumes() {
    let all = car("car-12");
    let mut driving = Driving::from(&all, 51.219);
    let (mut process, log) = all.start_with(&["--officer", "4711"]);
    all.until_state("gate", "use", "");
    let left = Utc::now();
    driving.to(51.230);
    all.until_state("gate", "pause", "outside-area");
    let paused: i64 =
        all.rows("SELECT max(began_at) FROM use_period WHERE reason = 'outside-area'")[0].parse().unwrap();
    assert!(paused - left.unix_ms() < 5_000, "paused after {} ms", paused - left.unix_ms());
    let passages = all.rows("SELECT count(*) FROM passage");
    driving.to(51.2191);
    all.until_state("gate", "use", "");
    driving.end();
    all.until_state("gate", "pause", "no-position");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    let late = format!("SELECT count(*) FROM passage WHERE first_seen > {}", paused + 2_000);
    assert!(passages[0].parse::<u32>().unwrap() <= 1, "{passages:?}");
    assert!(all.rows(&late)[0].parse::<u32>().unwrap() <= 1, "read again only after it came back");
    let track = all.rows("SELECT track FROM use_period WHERE state = 'use' ORDER BY id")[0].clone();
    assert!(track.contains("51.219"), "{track}");
}

#[test]
fn a_car_whose_position_is_unknown_or_old_does_not_look() {
    let all = car("car-12");
    let (mut process, log) = all.start_with(&["--officer", "4711"]);
    all.health("the vehicle's position is not known, and the mandate GR-1 is for an area");
    drive(&all, 51.219, 60);
    std::thread::sleep(std::time::Duration::from_secs(2));
    all.health("the vehicle's position is not known");
    assert_eq!(process.terminate(), Some(0));
    assert!(!log.has("camera opened"), "{}", log.all().join("\n"));
}

#[test]
fn a_mandate_for_one_vehicle_never_covers_another() {
    let all = car("car-13");
    drive(&all, 51.219, 0);
    assert_eq!(all.refused(), "the mandate GR-1 is for the vehicles car-12, this one is car-13");
}

#[test]
fn a_mobile_camera_looks_only_while_an_officer_is_in_charge() {
    let all = car("car-12");
    let _driving = Driving::from(&all, 51.219);
    let (mut process, log) = all.start();
    all.health("no officer in charge is on duty, and WPA art. 25/7 asks for one; platewatch duty start");
    assert!(!log.has("camera opened"));
    let config = all.path("box.toml");
    let duty = |args: &[&str]| all.verb(&[&["duty"], args, &["--config", config.to_str().unwrap()]].concat());
    let strange = duty(&["start", "--officer", "9999"]);
    assert!(
        !strange.status.success() && stderr(&strange).contains("not among law.officers"),
        "{}",
        stderr(&strange)
    );
    assert!(stdout(&duty(&["start", "--officer", "4711"])).contains("4711 An Example is in charge"));
    all.until_state("gate", "use", "");
    assert!(stdout(&duty(&["end"])).contains("has ended"));
    all.until_state("gate", "pause", "no-officer");
    assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
    let who = all.rows("SELECT DISTINCT officer FROM use_period WHERE state = 'use'");
    assert_eq!(who, ["4711 An Example"]);
    assert_eq!(all.actions("duty-began").len(), 1);
    assert_eq!(all.actions("duty-ended").len(), 1);
}

#[test]
fn the_officer_is_asked_for_and_a_card_reader_can_answer() {
    use std::io::Write as _;
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.once("gate", FIXED);
    all.played();
    let config = all.path("box.toml");
    let mut child = platewatch()
        .args(["duty", "start", "--config", config.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"4711\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(stderr(&output).contains("officer in charge, card or code:"), "{}", stderr(&output));
    assert!(stdout(&output).contains("4711 is in charge"));
}
