//! One text out of many readings of the same plate.
//!
//! Not voting on strings: the distributions are multiplied position by position (a product of experts,
//! Hinton 2002), each reading weighted by its quality. Readings of another length than the likeliest one
//! cannot be laid over it and only lower the confidence.

use crate::domain::{CharDistribution, Country, Reading};

/// What the readings say together.
#[derive(Debug, Clone)]
pub struct Fused {
    /// One distribution a character.
    pub positions: Vec<CharDistribution>,
    /// The likeliest text.
    pub text: String,
    /// Probability that the whole text is right.
    pub confidence: f32,
    /// The likeliest country and its probability.
    pub country: Option<(Country, f32)>,
    /// Lines of text; 0 where unknown.
    pub lines: u8,
    /// Share of the readings whose own text is `text`.
    pub agreement: f32,
}

/// Consecutive frames show the same dirt, blur and glare, so their errors go together: `n` readings count
/// as `n / (1 + (n - 1) * CORRELATION)` independent ones (the design effect of Kish 1965), at most
/// `1 / CORRELATION`.
const CORRELATION: f32 = 0.4;

/// A character's probability never counts as less: one frame with a smudge must not veto a hundred.
const FLOOR: f32 = 1e-3;

/// Fuses readings; `None` where none of them has a text. The order of the readings does not matter.
pub fn fuse(readings: &[&Reading]) -> Option<Fused> {
    let with_text: Vec<&Reading> = readings.iter().copied().filter(|r| !r.positions.is_empty()).collect();
    let weight = |r: &Reading| (r.quality * r.confidence()).max(1e-6);
    let total: f32 = with_text.iter().map(|r| weight(r)).sum();
    let longest = with_text.iter().map(|r| r.positions.len()).max()?;
    let of_length = |n: usize| with_text.iter().filter(move |r| r.positions.len() == n);
    let (length, share) = (1..=longest)
        .map(|n| (n, of_length(n).map(|r| weight(r)).sum::<f32>() / total))
        .fold((0, 0.0), |best, x| if x.1 > best.1 { x } else { best });
    let agreeing: Vec<&Reading> = of_length(length).copied().collect();
    let n = agreeing.len() as f32;
    let independent = n / (1.0 + (n - 1.0) * CORRELATION);
    let positions: Vec<CharDistribution> =
        (0..length).map(|i| fuse_position(&agreeing, i, independent)).collect();
    let text: String = positions.iter().map(|d| d.best().0).collect();
    let readable = fuse_readable(&agreeing, independent);
    // Readings of another length are evidence against this one.
    let confidence = positions.iter().map(|d| d.best().1).product::<f32>() * readable * share;
    let same = with_text.iter().filter(|r| r.text() == text).count();
    Some(Fused {
        agreement: same as f32 / with_text.len() as f32,
        country: fuse_country(&with_text),
        lines: majority_lines(&with_text),
        confidence,
        text,
        positions,
    })
}

fn fuse_position(readings: &[&Reading], i: usize, independent: f32) -> CharDistribution {
    let weights: f32 = readings.iter().map(|r| r.quality.max(1e-3)).sum();
    let mut logs = [0.0_f32; 36];
    let mut none = 0.0;
    for r in readings {
        let Some(d) = r.positions.get(i) else { continue };
        let w = r.quality.max(1e-3) / weights * independent;
        for (sum, &p) in logs.iter_mut().zip(&d.p) {
            *sum += w * p.max(FLOOR).ln();
        }
        none += w * d.none.max(FLOOR).ln();
    }
    let top = logs.iter().copied().fold(none, f32::max);
    let mut p = logs.map(|l| (l - top).exp());
    let mut none = (none - top).exp();
    let sum = p.iter().sum::<f32>() + none;
    p.iter_mut().for_each(|v| *v /= sum);
    none /= sum;
    CharDistribution { p, none }
}

fn fuse_country(readings: &[&Reading]) -> Option<(Country, f32)> {
    let mut sums: Vec<(Country, f32)> = Vec::new();
    let mut total = 0.0;
    for r in readings.iter().filter(|r| !r.countries.is_empty()) {
        let w = r.quality.max(1e-3);
        total += w;
        for &(country, p) in &r.countries {
            match sums.iter_mut().find(|(c, _)| *c == country) {
                Some((_, sum)) => *sum += w * p,
                None => sums.push((country, w * p)),
            }
        }
    }
    // The name breaks ties, so that the order of the readings cannot matter.
    let best = sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    Some((best.0, (best.1 / total).clamp(0.0, 1.0)))
}

fn majority_lines(readings: &[&Reading]) -> u8 {
    let count = |n: u8| readings.iter().filter(|r| r.lines == n).count();
    match (count(1), count(2)) {
        (0, 0) => 0,
        (one, two) if one >= two => 1,
        _ => 2,
    }
}

/// The same product of experts for the two cases "can be read" and "cannot".
fn fuse_readable(readings: &[&Reading], independent: f32) -> f32 {
    let weights: f32 = readings.iter().map(|r| r.quality.max(1e-3)).sum();
    let (yes, no) = readings.iter().fold((0.0, 0.0), |(yes, no), r| {
        let w = r.quality.max(1e-3) / weights * independent;
        (yes + w * r.readable.max(FLOOR).ln(), no + w * (1.0 - r.readable).max(FLOOR).ln())
    });
    1.0 / (1.0 + (no - yes).exp())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{ALPHABET, CameraId, ClockQuality, ClockSource, Corners, Detection, FrameStamp, Utc};
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
                    p: std::array::from_fn(
                        |i| {
                            if char::from(ALPHABET[i]) == c { p } else { (1.0 - p) / 36.0 }
                        },
                    ),
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
        fn order_does_not_matter(texts in prop::collection::vec(("[0-9A-Z]{5,8}", 0.3_f32..0.99), 1..8)) {
            let r: Vec<_> = texts.iter().enumerate().map(|(i, (t, p))| reading(t, *p, i as u64, 0.0)).collect();
            let forth = fuse(&r.iter().collect::<Vec<_>>()).unwrap();
            let back = fuse(&r.iter().rev().collect::<Vec<_>>()).unwrap();
            prop_assert!((forth.confidence - back.confidence).abs() < 1e-3);
            prop_assert!((0.0..=1.0).contains(&forth.confidence));
            prop_assert_eq!(forth.text.len(), back.text.len());
        }
    }
}
