//! One text of many readings.

use super::*;
use crate::domain::{CameraId, ClockQuality, ClockSource, Corners, Detection, FrameStamp, Utc};
use proptest::prelude::*;

/// A reading of `text` whose every character has probability `p`, at `x` in frame `seq`.
pub fn reading(text: &str, p: f32, seq: u64, x: f32) -> Reading {
    let at = Utc::from_unix_ms(seq as i64 * 40);
    let corners = Corners::from_box(x, 100.0, x + 100.0, 122.0);
    Reading {
        stamp: FrameStamp {
            camera: CameraId::new("c"),
            seq,
            captured_at: at,
            received_at: at,
            clock: ClockQuality { source: ClockSource::Media, error_ms: None },
            position: None,
        },
        detection: Detection { corners, bounds: corners.bounds(), score: 0.9 },
        positions: text
            .chars()
            .map(|c| CharDistribution {
                p: std::array::from_fn(|i| if char::from(ALPHABET[i]) == c { p } else { (1.0 - p) / 36.0 }),
                none: (1.0 - p) / 36.0,
            })
            .collect(),
        countries: vec![(Country::BE, 0.9)],
        lines: 1,
        readable: 1.0,
        quality: 0.8,
    }
}

#[test]
fn agreeing_readings_grow_surer_than_each() {
    let r: Vec<_> = (0..5).map(|i| reading("1ABC123", 0.8, i, 0.0)).collect();
    let fused = fuse(&r.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!((fused.text.as_str(), fused.agreement, fused.lines), ("1ABC123", 1.0, 1));
    assert!(fused.confidence > r[0].confidence() && fused.confidence <= 1.0, "{}", fused.confidence);
}

#[test]
fn one_bad_frame_is_outvoted_even_where_it_is_sure() {
    let mut r: Vec<_> = (0..4).map(|i| reading("1ABC123", 0.85, i, 0.0)).collect();
    r.push(reading("1A8C123", 0.97, 4, 0.0));
    let fused = fuse(&r.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!((fused.text.as_str(), fused.agreement), ("1ABC123", 0.8));
}

fn fused(texts: &[(&str, f32)]) -> Fused {
    let r: Vec<_> = texts.iter().enumerate().map(|(i, (t, p))| reading(t, *p, i as u64, 0.0)).collect();
    fuse(&r.iter().collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_cut_off_reading_still_speaks_for_what_it_shows() {
    // The third place is doubtful in the whole readings; the one that lost its first character settles it.
    let doubt = [("1A8C123", 0.9), ("1ABC123", 0.9)];
    let settled = fused(&[doubt[0], doubt[1], ("ABC123", 0.95)]);
    assert_eq!(settled.text, "1ABC123");
    assert!(settled.positions[2].of('B') > 0.7, "{}", settled.positions[2].of('B'));
}

#[test]
fn ends_that_a_narrow_cut_took_come_back_and_hallucinated_ones_do_not() {
    assert_eq!(fused(&[("1ABC123", 0.95), ("ABC123", 0.95), ("1ABC12", 0.95)]).text, "1ABC123");
    assert_eq!(fused(&[("1ABC123", 0.95), ("1ABC123", 0.95), ("1ABC123I", 0.9)]).text, "1ABC123");
    assert_eq!(fused(&[("1ABC123", 0.95), ("1ABC123", 0.95), ("1AB0C123", 0.9)]).text, "1ABC123");
    assert_eq!(fused(&[("1AC123", 0.9), ("1ABC123", 0.95), ("1ABC123", 0.95)]).text, "1ABC123");
}

#[test]
fn an_i_that_may_be_a_one_does_not_make_the_plate_doubtful() {
    let f = fused(&[("WT49IBJ", 0.95), ("WT491BJ", 0.95)]);
    // A temporary Belgian plate has letters there.
    assert_eq!(f.text, "WT49IBJ");
    assert!(f.confidence < 0.7 && f.confidence_but_for_look_alikes() > 0.75, "{}", f.confidence);
    let f = fused(&[("WT49IBJ", 0.95), ("WT49KBJ", 0.95)]);
    assert!(f.confidence_but_for_look_alikes() < 0.6);
}

#[test]
fn a_reading_that_stays_alone_is_settled_by_the_grammar_too() {
    // An I where Belgium has a 1, and the reader in doubt between both.
    let mut doubtful = reading("IABC123", 0.99, 0, 0.0);
    let place = |c: u8| ALPHABET.iter().position(|&a| a == c).unwrap();
    let d = &mut doubtful.positions[0];
    (d.p[place(b'I')], d.p[place(b'1')]) = (0.6, 0.39);
    assert_eq!(doubtful.text(), "IABC123");
    let settled = alone(doubtful);
    assert_eq!(settled.text(), "1ABC123");
    assert!(settled.confidence() > 0.9 * 0.99_f32.powi(7), "what both had together");
}

#[test]
fn a_shifted_reading_of_the_same_length_is_no_veto() {
    let f = fused(&[("1ABC123", 0.95), ("1ABC123", 0.95), ("ABC1234", 0.95)]);
    assert_eq!(f.text, "1ABC123");
    assert!(
        f.positions.iter().all(|d| d.best().1 > 0.9),
        "{:?}",
        f.positions.iter().map(|d| d.best().1).collect::<Vec<_>>()
    );
}

#[test]
fn readings_of_another_length_lower_the_confidence() {
    let sure: Vec<_> = (0..4).map(|i| reading("1ABC123", 0.95, i, 0.0)).collect();
    let alone = fuse(&sure.iter().collect::<Vec<_>>()).unwrap().confidence;
    let mut mixed = sure.clone();
    mixed.push(reading("11ABC123", 0.95, 5, 0.0));
    let fused = fuse(&mixed.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(fused.text, "1ABC123");
    assert!(fused.confidence < alone);
}

#[test]
fn nothing_read_is_nothing() {
    assert!(fuse(&[]).is_none());
    assert!(fuse(&[&reading("", 0.9, 0, 0.0)]).is_none());
}

proptest! {
    #[test]
    fn order_does_not_matter_to_the_bit(
        texts in prop::collection::vec(("[0-9A-Z]{1,9}", 0.3_f32..0.99, 0.05_f32..1.0), 1..8),
        by in 0_usize..8,
    ) {
        let r: Vec<_> = texts.iter().enumerate().map(|(i, (t, p, q))| {
            Reading { quality: *q, ..reading(t, *p, i as u64 / 2, 0.0) }
        }).collect();
        let forth = fuse(&r.iter().collect::<Vec<_>>()).unwrap();
        let mut turned: Vec<&Reading> = r.iter().rev().collect();
        let by = by % turned.len();
        turned.rotate_left(by);
        let back = fuse(&turned).unwrap();
        prop_assert_eq!(forth.confidence.to_bits(), back.confidence.to_bits());
        prop_assert_eq!(&forth.text, &back.text);
        prop_assert_eq!(&forth.positions, &back.positions);
        prop_assert!((0.0..=1.0001).contains(&forth.confidence));
        prop_assert_eq!(forth.text.len(), forth.positions.len());
    }

    #[test]
    fn every_position_is_a_distribution(texts in prop::collection::vec(("[0-9A-C]{3,9}", 0.5_f32..0.99), 1..6)) {
        let r: Vec<_> = texts.iter().enumerate().map(|(i, (t, p))| reading(t, *p, i as u64, 0.0)).collect();
        for d in fuse(&r.iter().collect::<Vec<_>>()).unwrap().positions {
            prop_assert!((d.p.iter().sum::<f32>() + d.none - 1.0).abs() < 1e-3);
        }
    }
}
