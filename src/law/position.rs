//! Where a vehicle is: the seam a receiver plugs into, and a file that another program keeps up to date.

use crate::domain::{Position, Utc};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A position and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Where.
    pub position: Position,
    /// When, by the source's clock.
    pub at: Utc,
}

/// Something that knows where the vehicle is.
pub trait PositionSource: Send {
    /// The latest position; `None` where there is none.
    fn latest(&mut self) -> Option<Fix>;
}

/// A file of one JSON object `{"time": "…Z", "longitude": 4.4, "latitude": 51.2}`, replaced as the vehicle moves;
/// also the line that gpsd calls TPV (`lon`, `lat`, `time`), so that `gpspipe -w` can feed it.
#[derive(Debug)]
pub struct PositionFile(PathBuf);

impl PositionFile {
    /// Watches the file at `path`, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

#[derive(Deserialize)]
struct Said {
    time: String,
    #[serde(alias = "lon")]
    longitude: f64,
    #[serde(alias = "lat")]
    latitude: f64,
    #[serde(alias = "track")]
    heading: Option<f32>,
    #[serde(alias = "eph")]
    accuracy_m: Option<f32>,
}

impl PositionSource for PositionFile {
    fn latest(&mut self) -> Option<Fix> {
        let text = std::fs::read_to_string(&self.0).ok()?;
        last_fix(&text)
    }
}

/// The position in the text of such a file. The last whole object counts: whoever appends lines is understood too.
pub(crate) fn last_fix(text: &str) -> Option<Fix> {
    text.lines().rev().filter_map(|line| serde_json::from_str::<Said>(line).ok()).find_map(|said| {
        let there = (-180.0..=180.0).contains(&said.longitude) && (-90.0..=90.0).contains(&said.latitude);
        let position = Position {
            longitude: said.longitude,
            latitude: said.latitude,
            heading: said.heading.filter(|h| h.is_finite()),
            accuracy_m: said.accuracy_m.filter(|a| a.is_finite()),
        };
        Some(Fix { position, at: said.time.parse().ok()? }).filter(|_| there)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("position.json");
        let mut source = PositionFile::new(&path);
        assert_eq!(source.latest(), None);
        let tpv =
            r#"{"class":"TPV","time":"2026-11-25T08:00:00.000Z","lat":51.219,"lon":4.402,"track":90.0}"#;
        std::fs::write(&path, format!("{tpv}\n{{\"time\":\"2026-11")).unwrap();
        let fix = source.latest().unwrap();
        assert_eq!((fix.position.longitude, fix.position.heading), (4.402, Some(90.0)));
        std::fs::write(&path, tpv.replace("51.219", "951.219")).unwrap();
        assert_eq!(source.latest(), None, "no place on earth");
    }
}
