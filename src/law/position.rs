//! Where a vehicle is: the seam a receiver plugs into, a file that another program keeps up to date, and where it was
//! a moment ago.

use super::gpsd::{Gpsd, GpsdAddress};
use crate::domain::{Position, Utc};
use serde::Deserialize;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Age up to which the latest position still is where a picture was taken: 40 m at 50 km/h.
const FRESH_MS: i64 = 3_000;
/// Two positions further apart in time than this say nothing of the way between.
const GAP_MS: i64 = 10_000;
/// How many positions are remembered: a minute at four a second.
const REMEMBERED: usize = 240;

/// A position and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Where.
    pub position: Position,
    /// When: by the clock of the file's writer, or when gpsd told it.
    pub at: Utc,
}

/// Where positions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// A file that another program keeps up to date.
    File(PathBuf),
    /// gpsd.
    Gpsd(GpsdAddress),
}

impl Positions {
    /// Begins to listen.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn open(&self) -> std::io::Result<Box<dyn PositionSource>> {
        Ok(match self {
            Self::File(path) => Box::new(PositionFile::new(path)),
            Self::Gpsd(address) => Box::new(Gpsd::start(address.clone())?),
        })
    }
}

/// Something that knows where the vehicle is.
pub trait PositionSource: Send {
    /// The latest position; `None` where there is none.
    fn latest(&mut self) -> Option<Fix>;

    /// Why there is none, in words, where the source knows.
    fn problem(&mut self) -> Option<String> {
        None
    }
}

/// Where the vehicle was during the last minute or so, in order of time.
#[derive(Debug, Default)]
pub struct Route(VecDeque<Fix>);

impl Route {
    /// Remembers where it is now. A fix that is not later than the last ones (a clock set back) takes their place.
    pub fn went(&mut self, fix: Fix) {
        while self.0.back().is_some_and(|last| last.at >= fix.at) {
            self.0.pop_back();
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(fix);
    }

    /// Where it was at `time`: between two fixes, on the straight line between them; after the last, there, as long as
    /// that is a few seconds ago; else nobody knows.
    pub fn at(&self, time: Utc) -> Option<Position> {
        let before = self.0.iter().rev().find(|f| f.at <= time)?;
        let after = self.0.iter().find(|f| f.at > time);
        if let Some(after) = after.filter(|a| a.at.since_ms(before.at) <= GAP_MS) {
            let share = time.since_ms(before.at) as f64 / after.at.since_ms(before.at).max(1) as f64;
            let (a, b) = (before.position, after.position);
            let nearer = if share < 0.5 { a } else { b };
            // Across the 180th meridian there is no straight line in degrees.
            if (a.longitude - b.longitude).abs() > 180.0 {
                return Some(nearer);
            }
            return Some(Position {
                longitude: a.longitude + (b.longitude - a.longitude) * share,
                latitude: a.latitude + (b.latitude - a.latitude) * share,
                heading: nearer.heading,
                accuracy_m: a.accuracy_m.zip(b.accuracy_m).map(|(a, b)| a.max(b)),
            });
        }
        (time.since_ms(before.at) <= FRESH_MS).then_some(before.position)
    }
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

    fn fix(ms: i64, longitude: f64) -> Fix {
        let position = Position { longitude, latitude: 51.0, heading: Some(90.0), accuracy_m: Some(5.0) };
        Fix { position, at: Utc::from_unix_ms(ms) }
    }

    fn on(route: &Route, ms: i64) -> Option<f64> {
        route.at(Utc::from_unix_ms(ms)).map(|p| p.longitude)
    }

    #[test]
    fn a_place_lies_between_two_fixes_or_at_a_fresh_one() {
        let mut route = Route::default();
        assert_eq!(on(&route, 0), None);
        for (ms, longitude) in [(1_000, 4.0), (2_000, 5.0), (60_000, 8.0)] {
            route.went(fix(ms, longitude));
        }
        assert_eq!(on(&route, 999), None, "before the first nobody knows");
        assert_eq!((on(&route, 1_250), on(&route, 2_000)), (Some(4.25), Some(5.0)));
        assert_eq!((on(&route, 5_000), on(&route, 5_001)), (Some(5.0), None), "a gap is no straight line");
        assert_eq!((on(&route, 63_000), on(&route, 63_001)), (Some(8.0), None));
        route.went(fix(1_500, 9.0));
        assert_eq!(on(&route, 60_000), None, "a clock set back forgets what is to come");
        for n in 0..1_000 {
            route.went(fix(2_000 + n, 1.0));
        }
        assert_eq!(route.0.len(), REMEMBERED);
    }

    #[test]
    fn over_the_180th_meridian_the_nearer_fix_counts() {
        let mut route = Route::default();
        route.went(fix(0, 179.9));
        route.went(fix(1_000, -179.9));
        assert_eq!((on(&route, 400), on(&route, 600)), (Some(179.9), Some(-179.9)));
    }

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
