//! Between the nouns of `domain` and the columns of `schema.sql`.
//!
//! Going in, a figure that is no number or out of range is brought into range: a hit must not be lost
//! because a probability came out as 1.0000001. Coming out, what no platewatch writes is an error.

use super::StoreError;
use super::outcomes::AnswerSource;
use super::record::{EvidenceRole, MessageKind};
use crate::domain::{
    ALPHABET, CharDistribution, ClockQuality, ClockSource, Corners, HitState, MatchKind, PassageState, Point,
    Position,
};
use serde_json::{Map, Value};

/// Probabilities under this are not kept.
const LEAST: f32 = 0.0001;

/// A probability for a column: 0 for no number, else within 0 to 1.
pub(super) fn unit(p: f32) -> f64 {
    if p.is_nan() { 0.0 } else { f64::from(p.clamp(0.0, 1.0)) }
}

/// An unsigned number for a column; SQLite has none over `i64::MAX`, which no counter here reaches.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number of a column that is never negative.
pub(super) fn uint<T: TryFrom<i64>>(n: i64, column: &'static str) -> Result<T, StoreError> {
    T::try_from(n).map_err(|_| StoreError::Corrupt { column })
}

/// `NULL` for what is no number.
fn finite(x: f32) -> Option<f64> {
    x.is_finite().then(|| f64::from(x))
}

/// Longitude, latitude, heading, accuracy for their columns. A place that is none counts as not known.
pub(super) fn position(position: Option<&Position>) -> [Option<f64>; 4] {
    match position {
        Some(p) if (-180.0..=180.0).contains(&p.longitude) && (-90.0..=90.0).contains(&p.latitude) => {
            [Some(p.longitude), Some(p.latitude), p.heading.and_then(finite), p.accuracy_m.and_then(finite)]
        }
        _ => [None; 4],
    }
}

/// The other way round.
pub(super) fn position_from(columns: [Option<f64>; 4]) -> Option<Position> {
    let [longitude, latitude, heading, accuracy_m] = columns;
    Some(Position {
        longitude: longitude?,
        latitude: latitude?,
        heading: heading.map(|x| x as f32),
        accuracy_m: accuracy_m.map(|x| x as f32),
    })
}

/// The fused distribution as JSON: one object a position, from character to probability.
pub(super) fn distribution(positions: &[CharDistribution]) -> String {
    // As f64 with six decimals, so that 0.9 is written 0.9 and not 0.8999999761581421.
    let rounded = |p: f32| Value::from((unit(p) * 1e6).round() / 1e6);
    let one = |d: &CharDistribution| {
        let none = std::iter::once((String::new(), d.none));
        let characters = ALPHABET.iter().zip(d.p).map(|(&c, p)| (char::from(c).to_string(), p));
        let kept = none.chain(characters).filter(|&(_, p)| p >= LEAST);
        Value::Object(kept.map(|(c, p)| (c, rounded(p))).collect::<Map<_, _>>())
    };
    Value::Array(positions.iter().map(one).collect()).to_string()
}

/// The other way round.
pub(super) fn distribution_from(json: &str) -> Result<Vec<CharDistribution>, StoreError> {
    let wrong = || StoreError::Corrupt { column: "passage.distribution" };
    let positions: Vec<Map<String, Value>> = serde_json::from_str(json).map_err(|_| wrong())?;
    let one = |object: &Map<String, Value>| {
        let p = |key: &str| object.get(key).and_then(Value::as_f64).unwrap_or(0.0) as f32;
        let mut d = CharDistribution { p: [0.0; 36], none: p("") };
        for (slot, &c) in d.p.iter_mut().zip(ALPHABET) {
            *slot = p(char::from(c).encode_utf8(&mut [0; 4]));
        }
        d
    };
    Ok(positions.iter().map(one).collect())
}

/// Corners as JSON; what is no number becomes 0.
pub(super) fn corners(corners: &Corners) -> String {
    let round = |x: f32| finite(x).map_or(0.0, |x| (x * 100.0).round() / 100.0);
    Value::from(corners.0.iter().map(|p| Value::from(vec![round(p.x), round(p.y)])).collect::<Vec<_>>())
        .to_string()
}

/// The other way round.
pub(super) fn corners_from(json: &str) -> Result<Corners, StoreError> {
    let wrong = StoreError::Corrupt { column: "passage.best_corners" };
    let Ok(points) = serde_json::from_str::<[[f32; 2]; 4]>(json) else {
        return Err(wrong);
    };
    Ok(Corners(points.map(|[x, y]| Point { x, y })))
}

/// The clock behind a time.
pub(super) fn clock_from(source: &str, error_ms: Option<i64>) -> Result<ClockQuality, StoreError> {
    const ALL: [ClockSource; 4] =
        [ClockSource::Ntp, ClockSource::Gps, ClockSource::FreeRunning, ClockSource::Media];
    let source = word(source, &ALL, ClockSource::as_str, "passage.clock_source")?;
    let error_ms = error_ms.map(|ms| uint(ms, "passage.clock_error_ms")).transpose()?;
    Ok(ClockQuality { source, error_ms })
}

/// The word of a passage's state.
pub(super) fn state(state: PassageState) -> &'static str {
    match state {
        PassageState::Open => "open",
        PassageState::Closed => "closed",
    }
}

pub(super) fn state_from(text: &str) -> Result<PassageState, StoreError> {
    word(text, &[PassageState::Open, PassageState::Closed], state, "passage.state")
}

pub(super) fn hit_state_from(text: &str) -> Result<HitState, StoreError> {
    const ALL: [HitState; 4] = [HitState::New, HitState::Updated, HitState::Final, HitState::Withdrawn];
    word(text, &ALL, HitState::as_str, "hit.state")
}

pub(super) fn match_kind_from(text: &str) -> Result<MatchKind, StoreError> {
    const ALL: [MatchKind; 4] =
        [MatchKind::Exact, MatchKind::Resolved, MatchKind::Alternative, MatchKind::Wildcard];
    word(text, &ALL, MatchKind::as_str, "hit.kind")
}

pub(super) fn answer_source_from(text: &str) -> Result<AnswerSource, StoreError> {
    const ALL: [AnswerSource; 3] = [AnswerSource::Console, AnswerSource::Cli, AnswerSource::Mqtt];
    word(text, &ALL, AnswerSource::as_str, "outcome.source")
}

pub(super) fn role_from(text: &str) -> Result<EvidenceRole, StoreError> {
    let all = [EvidenceRole::Plate, EvidenceRole::Context];
    word(text, &all, EvidenceRole::as_str, "passage_evidence.role")
}

pub(super) fn message_kind_from(text: &str) -> Result<MessageKind, StoreError> {
    word(text, &[MessageKind::Hit, MessageKind::Passage], MessageKind::as_str, "outbox.kind")
}

/// Finds the one that is written so.
fn word<T: Copy>(
    text: &str,
    all: &[T],
    spelling: impl Fn(T) -> &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    all.iter().copied().find(|&one| spelling(one) == text).ok_or(StoreError::Corrupt { column })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_are_brought_into_range() {
        assert_eq!([unit(f32::NAN), unit(-1.0), unit(1.000_000_1)], [0.0, 0.0, 1.0]);
        assert_eq!(int(u64::MAX), i64::MAX);
        let nowhere = Position { longitude: f64::NAN, latitude: 1.0, heading: None, accuracy_m: None };
        assert_eq!(position(Some(&nowhere)), [None; 4]);
        let here =
            Position { longitude: 4.4, latitude: 51.2, heading: Some(f32::INFINITY), accuracy_m: Some(3.0) };
        assert_eq!(position(Some(&here)), [Some(4.4), Some(51.2), None, Some(3.0)]);
    }

    #[test]
    fn words_come_back_or_are_named() {
        assert_eq!(hit_state_from("withdrawn").unwrap(), HitState::Withdrawn);
        let text = match_kind_from("guess").unwrap_err().to_string();
        assert!(text.contains("hit.kind"), "{text}");
    }

    proptest! {
        #[test]
        fn distributions_come_back(
            raw in proptest::collection::vec(proptest::collection::vec(0.0f32..=1.0, 37), 0..16)
        ) {
            let positions: Vec<_> = raw.iter().map(|v| {
                let mut d = CharDistribution { p: [0.0; 36], none: v[36] };
                d.p.copy_from_slice(&v[..36]);
                d
            }).collect();
            let back = distribution_from(&distribution(&positions)).unwrap();
            prop_assert_eq!(back.len(), positions.len());
            for (a, b) in positions.iter().zip(&back) {
                prop_assert!((a.none - b.none).abs() <= LEAST);
                prop_assert!(a.p.iter().zip(&b.p).all(|(a, b)| (a - b).abs() <= LEAST));
            }
        }

        #[test]
        fn any_json_is_read_or_refused(json in "\\PC{0,40}") {
            let _ = (distribution_from(&json), corners_from(&json));
        }

        #[test]
        fn any_corners_are_written(xs in proptest::array::uniform4(any::<(f32, f32)>())) {
            let any = Corners(xs.map(|(x, y)| Point { x, y }));
            prop_assert!(corners_from(&corners(&any)).is_ok());
        }
    }
}
