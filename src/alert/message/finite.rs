//! Numbers of a message as it is read: one that is too large for an `f32` would become infinity, and an infinity
//! cannot be written as JSON again.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

pub(super) trait Finite {
    fn is_finite(&self) -> bool;
}

impl Finite for f32 {
    fn is_finite(&self) -> bool {
        f32::is_finite(*self)
    }
}

impl<T: Finite> Finite for Option<T> {
    fn is_finite(&self) -> bool {
        self.as_ref().is_none_or(T::is_finite)
    }
}

impl<T: Finite, const N: usize> Finite for [T; N] {
    fn is_finite(&self) -> bool {
        self.iter().all(T::is_finite)
    }
}

/// For `deserialize_with`: what is read, or an error where a number of it has no end.
pub(super) fn read<'de, T: Deserialize<'de> + Finite, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let read = T::deserialize(from)?;
    if read.is_finite() { Ok(read) } else { Err(D::Error::custom("a number out of range")) }
}

#[cfg(test)]
mod tests {
    use crate::alert::message::{BestFrame, Character, Position};

    #[test]
    fn a_number_too_large_is_no_number() {
        let position = |heading: &str| {
            let text = format!(
                r#"{{"type":"Point","coordinates":[4.4,51.2],"heading":{heading},"accuracy_m":null}}"#
            );
            serde_json::from_str::<Position>(&text)
        };
        assert_eq!(position("90.5").unwrap().heading, Some(90.5));
        assert_eq!(position("null").unwrap().heading, None);
        assert!(position("1e99").unwrap_err().to_string().contains("out of range"));
        assert!(serde_json::from_str::<Character>(r#"{"char":"A","p":0.5}"#).is_ok());
        assert!(serde_json::from_str::<Character>(r#"{"char":"A","p":1e99}"#).is_err());
        let frame = |x: &str| {
            let corners = format!("[[1,2],[3,4],[5,6],[{x},8]]");
            let text = format!(r#"{{"seq":1,"captured_at":"2026-11-23T08:15:00.240Z","corners":{corners}}}"#);
            serde_json::from_str::<BestFrame>(&text)
        };
        assert!(frame("7").is_ok() && frame("1e99").is_err());
    }
}
