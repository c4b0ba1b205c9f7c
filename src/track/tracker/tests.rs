//! Passages as they open, improve and close.

use super::super::fusion::tests::reading;
use super::super::{Areas, Polygon};
use super::*;
use crate::domain::{Corners, Detection, Direction, Image};
use std::sync::Arc;

fn frame(seq: u64) -> Frame {
    let stamp = reading("A", 0.9, seq, 0.0).stamp;
    Frame { stamp, image: Arc::new(Image::new(1000, 400, vec![0; 1_200_000]).unwrap()) }
}

fn run(tracker: &mut Tracker, frames: &[(u64, Vec<Reading>)]) -> Vec<TrackEvent> {
    let mut events: Vec<_> =
        frames.iter().flat_map(|(seq, r)| tracker.step(&frame(*seq), r.clone())).collect();
    events.extend(tracker.finish());
    events
}

fn tracker() -> Tracker {
    Tracker::new(CameraId::new("c"), Settings::default())
}

#[test]
fn one_vehicle_is_one_passage_announced_once_and_closed() {
    let frames: Vec<_> =
        (0..20).map(|i| (i, vec![reading("1ABC123", 0.99, i, 10.0 + 20.0 * i as f32)])).collect();
    let events = run(&mut tracker(), &frames);
    let states: Vec<_> = events.iter().map(|e| (e.passage.state, e.announced_before)).collect();
    assert_eq!(states, [(PassageState::Open, false), (PassageState::Closed, true)]);
    let last = &events[1].passage;
    assert_eq!((last.text.as_str(), last.readings, last.id), ("1ABC123", 20, events[0].passage.id));
}

#[test]
fn one_plate_in_a_picture_that_shakes_is_one_passage() {
    let shakes = [0_i64, 0, 50, -40, 30, -60, 40, -20, 60, -40, 10, 60, -40];
    let run = |steady: bool| {
        let mut t = tracker();
        let mut events = Vec::new();
        for (i, &by) in (0_u64..).zip(&shakes) {
            let image = super::super::shift::tests::wall(1000, 400, if steady { 0 } else { by }, 0);
            let frame = Frame { image: Arc::new(image), ..frame(i) };
            // Not readable, so only its place can tell.
            let mut r = reading(if i % 4 == 0 { "1ABC123" } else { "" }, 0.99, i, 400.0 + by as f32);
            let narrow = Corners::from_box(450.0 + by as f32, 100.0, 490.0 + by as f32, 109.0);
            r.detection = Detection { corners: narrow, bounds: narrow.bounds(), score: 0.9 };
            events.extend(t.step(&frame, vec![r]));
        }
        let followed: std::collections::BTreeSet<_> = t.tracks.iter().map(|t| t.id).collect();
        (followed.len(), events.len())
    };
    assert_eq!(run(false).0, 1);
    assert!(run(true).0 > 1, "were it not for the picture, the plate would have jumped twice its width");
}

#[test]
fn a_jolt_and_a_misread_character_make_no_second_passage() {
    // Frames 10 and 11 are far off and misread; before and after it stands where it stood.
    let jolted = |i: u64| (10..12).contains(&i);
    let misread = |i: u64| {
        let mut r = reading("1ABC923", 0.97, i, 600.0);
        let d = &mut r.positions[4];
        (d.p[9], d.p[1]) = (0.55, 0.43);
        r
    };
    let frames: Vec<_> = (0..60)
        .map(|i| (i, vec![if jolted(i) { misread(i) } else { reading("1ABC123", 0.97, i, 100.0) }]))
        .collect();
    let events = run(&mut tracker(), &frames);
    let closed: Vec<_> = events.iter().filter(|e| e.passage.state == PassageState::Closed).collect();
    assert_eq!(closed.len(), 1, "{:?}", closed.iter().map(|e| e.passage.text.as_str()).collect::<Vec<_>>());
    // Two that stand there at the same time are two.
    let both = |i: u64| {
        let mut all = vec![reading("1ABC123", 0.97, i, 100.0)];
        all.extend(jolted(i).then(|| misread(i)));
        all
    };
    let events = run(&mut tracker(), &(0..60).map(|i| (i, both(i))).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 2);
}

#[test]
fn two_plates_side_by_side_stay_two() {
    let both = |i: u64| {
        vec![
            reading("1ABC123", 0.99, i, 10.0 * i as f32),
            reading("2XYZ987", 0.99, i, 120.0 + 10.0 * i as f32),
        ]
    };
    let events = run(&mut tracker(), &(0..10).map(|i| (i, both(i))).collect::<Vec<_>>());
    let closed = events.iter().filter(|e| e.passage.state == PassageState::Closed);
    let mut texts: Vec<_> = closed.map(|e| e.passage.text.to_string()).collect();
    texts.sort();
    assert_eq!(texts, ["1ABC123", "2XYZ987"]);
}

#[test]
fn a_plate_is_expected_where_it_is_going_until_it_has_been_away_for_long() {
    let mut t = tracker();
    assert!(t.expected(&frame(0)).is_empty());
    for i in 0..6 {
        t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 100.0 + 20.0 * i as f32)]);
    }
    let there = t.expected(&frame(6));
    assert_eq!(there.len(), 1);
    assert!((there[0][0] - 220.0).abs() < 3.0 && (there[0][2] - 320.0).abs() < 3.0, "{there:?}");
    t.step(&frame(6), vec![]);
    assert!((t.expected(&frame(8))[0][0] - 260.0).abs() < 6.0);
    assert!(t.expected(&frame(60)).is_empty(), "away for two seconds, and out of the picture");
}

#[test]
fn a_plate_hidden_for_a_second_is_still_the_same() {
    let seen = (0..10).chain(30..40);
    let frames: Vec<_> =
        seen.map(|i| (i, vec![reading("1ABC123", 0.99, i, 10.0 + 5.0 * i as f32)])).collect();
    let events = run(&mut tracker(), &frames);
    assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 1);
}

#[test]
fn a_car_that_comes_back_later_is_another_passage() {
    let seen = (0..10).chain(500..510);
    let frames: Vec<_> = seen.map(|i| (i, vec![reading("1ABC123", 0.99, i, 50.0)])).collect();
    let events = run(&mut tracker(), &frames);
    let mut ids: Vec<_> = events.iter().map(|e| e.passage.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[test]
fn one_reading_or_unsure_ones_are_counted_and_no_passage() {
    let mut t = tracker();
    assert!(run(&mut t, &[(0, vec![reading("1ABC123", 0.99, 0, 50.0)])]).is_empty());
    assert_eq!(t.take_discarded(), [Discarded::TooFewReadings]);
    let frames: Vec<_> = (0..5).map(|i| (i, vec![reading("1ABC123", 0.3, i, 50.0)])).collect();
    assert!(run(&mut t, &frames).is_empty());
    assert_eq!(t.take_discarded(), [Discarded::TooUnsure]);
}

#[test]
fn the_evidence_is_a_frame_that_reads_the_passages_text() {
    let texts = ["1A8C123", "1ABC123", "1ABC123", "1ABC12B", "1ABC123"];
    let frames: Vec<_> =
        texts.iter().enumerate().map(|(i, t)| (i as u64, vec![reading(t, 0.95, i as u64, 50.0)])).collect();
    let events = run(&mut tracker(), &frames);
    let last = events.last().unwrap();
    assert_eq!(last.passage.text.as_str(), "1ABC123");
    assert!([1, 2, 4].contains(&last.passage.best_frame));
    assert_eq!(last.evidence.stamp.seq, last.passage.best_frame);
}

#[test]
fn a_plate_found_twice_is_one_passage() {
    let twice = |i: u64| vec![reading("1ABC123", 0.99, i, 100.0), reading("1ABC123", 0.98, i, 600.0)];
    let mut t = tracker();
    let events = run(&mut t, &(0..10).map(|i| (i, twice(i))).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 1);
    assert_eq!(t.take_discarded(), [Discarded::SameAsOther]);
}

#[test]
fn a_shop_sign_is_no_passage_but_a_belgian_name_is() {
    let word = |country: &str| {
        let frames: Vec<_> = (0..5)
            .map(|i| {
                let mut r = reading("SLAGERIJ", 0.99, i, 50.0);
                r.countries = vec![(crate::domain::Country::parse(country).unwrap(), 0.9)];
                (i, vec![r])
            })
            .collect();
        let mut t = tracker();
        (run(&mut t, &frames).len(), t.take_discarded())
    };
    assert_eq!(word("US"), (0, vec![Discarded::Lettering]));
    assert!(word("BE").0 > 0);
}

#[test]
fn a_plate_cut_off_by_the_border_is_not_read() {
    let frames: Vec<_> = (0..5).map(|i| (i, vec![reading("1ABC12", 0.99, i, 899.0)])).collect();
    assert!(run(&mut tracker(), &frames).is_empty());
}

#[test]
fn a_clock_that_jumps_back_closes_tracks_instead_of_keeping_them() {
    let mut t = tracker();
    for i in 1_000..1_005 {
        t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 50.0)]);
    }
    let events = t.step(&frame(1), vec![]);
    assert_eq!(events.len(), 1);
}

fn closed(events: &[TrackEvent]) -> Vec<&Passage> {
    events.iter().map(|e| &e.passage).filter(|p| p.state == PassageState::Closed).collect()
}

#[test]
fn a_parked_car_seen_for_an_hour_is_one_passage_told_of_once() {
    let mut t = tracker();
    let mut events = Vec::new();
    // 5 frames a second; now and then someone walks past for some seconds, and corners tremble.
    for i in (0..90_000_u64).step_by(5).filter(|i| !(3_000..3_200).contains(&(i % 9_000))) {
        let x = 50.0 + (i % 3) as f32;
        events.extend(t.step(&frame(i), vec![reading("1ABC123", 0.97, i, x)]));
    }
    events.extend(t.finish());
    assert_eq!(events.len(), 2, "{:?}", events.iter().map(|e| e.passage.state).collect::<Vec<_>>());
    let last = &events[1].passage;
    assert!(last.last_seen.since_ms(last.first_seen) > 3_590_000);
}

#[test]
fn the_next_car_in_the_same_place_is_another_passage() {
    let mut t = tracker();
    let mut events = Vec::new();
    for i in 0..500 {
        events.extend(t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 50.0)]));
    }
    for i in 600..700 {
        events.extend(t.step(&frame(i), vec![reading("2XYZ987", 0.99, i, 52.0)]));
    }
    events.extend(t.finish());
    let mut texts: Vec<_> = closed(&events).iter().map(|p| p.text.to_string()).collect();
    texts.sort();
    assert_eq!(texts, ["1ABC123", "2XYZ987"]);
}

#[test]
fn plates_that_cross_stay_themselves() {
    // They meet at frame 10 and one covers the other for three frames.
    let frames: Vec<_> = (0..21_u64)
        .map(|i| {
            let x = 40.0 * i as f32;
            let mut both = vec![reading("1ABC123", 0.99, i, x)];
            if !(9..=11).contains(&i) {
                both.push(reading("2XYZ987", 0.99, i, 800.0 - x));
            }
            (i, both)
        })
        .collect();
    let events = run(&mut tracker(), &frames);
    let told = closed(&events);
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|p| p.agreement == 1.0 && !p.contradictory));
    let goes = |text: &str| told.iter().find(|p| p.text.as_str() == text).and_then(|p| p.direction);
    assert_eq!(goes("1ABC123"), Some(Direction::Right));
    assert_eq!(goes("2XYZ987"), Some(Direction::Left));
}

#[test]
fn two_vehicles_joined_while_unread_are_split_when_they_are_read() {
    // The second stands where the first would be; its first frames are not read, so it continues the first.
    let frames: Vec<_> = (0..20_u64)
        .map(|i| {
            let text = if i < 8 {
                "1ABC123"
            } else if i < 11 {
                ""
            } else {
                "2XYZ987"
            };
            (i, vec![reading(text, 0.96, i, 20.0 + 10.0 * i as f32)])
        })
        .collect();
    let events = run(&mut tracker(), &frames);
    let told = closed(&events);
    let mut texts: Vec<_> = told.iter().map(|p| (p.text.to_string(), p.readings)).collect();
    texts.sort();
    assert_eq!(texts, [("1ABC123".to_owned(), 8), ("2XYZ987".to_owned(), 9)]);
    assert!(told.iter().all(|p| p.agreement == 1.0));
}

#[test]
fn a_passage_read_as_two_plates_in_turn_is_marked_and_not_averaged() {
    let unsure = |i: u64| if i % 8 < 5 { "1ABC123" } else { "1ABC147" };
    let frames: Vec<_> = (0..16).map(|i| (i, vec![reading(unsure(i), 0.96, i, 50.0)])).collect();
    let events = run(&mut tracker(), &frames);
    let last = closed(&events)[0];
    assert!(last.contradictory && last.confidence < 0.75, "{last:?}");
    assert_eq!(last.text.as_str(), "1ABC123");
}

#[test]
fn the_lane_is_where_it_was_seen_most() {
    let half = |x0: f32, x1: f32| {
        let corners = [(x0, 0.0), (x1, 0.0), (x1, 1.0), (x0, 1.0)];
        Polygon::new(corners.iter().map(|&(x, y)| Point { x, y }).collect()).unwrap()
    };
    let lanes = vec![("left".into(), half(0.0, 0.5)), ("right".into(), half(0.5, 1.0))];
    let areas = Areas { masks: Vec::new(), lanes };
    let settings = Settings { areas: areas.into(), ..Settings::default() };
    let frames: Vec<_> =
        (0..20).map(|i| (i, vec![reading("1ABC123", 0.99, i, 300.0 + 20.0 * i as f32)])).collect();
    let events = run(&mut Tracker::new(CameraId::new("c"), settings), &frames);
    assert_eq!(closed(&events)[0].lane.as_deref(), Some("right"));
}

#[test]
fn one_sure_reading_is_enough_where_frames_are_sparse() {
    let at = |seq: u64| reading("1ABC123", 0.999, seq, 50.0);
    let mut t = tracker();
    let mut events = Vec::new();
    for i in (0..60).step_by(5) {
        events.extend(t.step(&frame(i), if i == 20 { vec![at(i)] } else { vec![] }));
    }
    events.extend(t.finish());
    assert_eq!(closed(&events).len(), 1);
}

#[test]
fn traffic_that_all_goes_one_way_is_no_movement_of_the_picture() {
    // A light turns green: three cars that are not read yet speed up together, for longer than any picture shakes.
    let mut t = tracker();
    for i in 0..16_u64 {
        let gone = 2.5 * (i * i) as f32;
        t.step(&frame(i), [0.0, 300.0, 600.0].map(|x| reading("", 0.99, i, x + gone)).to_vec());
    }
    assert_eq!(t.tracks.len(), 3);
    assert!(t.moved.x.hypot(t.moved.y) < 100.0, "believed to have moved by {:?}", t.moved);
}

/// Passages that the readings of `text` went to, frame by frame.
fn followed(t: &mut Tracker, at: &[(u64, &str, f32, f32)]) -> Vec<PassageId> {
    let step = |&(seq, text, p, x): &(u64, &str, f32, f32)| {
        t.step(&frame(seq), vec![reading(text, p, seq, x)]);
        t.assigned().iter().map(|(id, _)| *id).collect::<Vec<_>>()
    };
    at.iter().flat_map(step).collect()
}

#[test]
fn what_was_hardly_read_from_afar_may_be_read_otherwise_when_it_is_near() {
    let way: Vec<_> = (0..8)
        .map(|i| if i < 3 { (5 * i, "9K1E374", 0.83) } else { (5 * i, "3KLE724", 0.999) })
        .map(|(seq, text, p)| (seq, text, p, 20.0 + 16.0 * seq as f32))
        .collect();
    let ids = followed(&mut tracker(), &way);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn the_next_vehicle_on_a_lane_does_not_go_on_the_way_of_one_that_was_never_read() {
    let mut way: Vec<_> = (0..4).map(|i| (5 * i, "", 0.9, 20.0 + 60.0 * i as f32)).collect();
    // Gone for a second; the other comes to where it was when it was last seen.
    way.extend((9..13).map(|i| (5 * i, "1ABC123", 0.999, 60.0 * (i - 5) as f32)));
    let ids = followed(&mut tracker(), &way);
    assert_ne!(ids[3], ids[4]);
    assert!(ids[4..].iter().all(|id| *id == ids[4]));
}
