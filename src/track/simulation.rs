//! Traffic with known truth, without pictures and models: what the tracker and the fusion can do by themselves.
//!
//! Vehicles are boxes on a road before a lens; their plates are projected, jittered, missed, misread, and joined by
//! detections of nothing. The same seed gives the same traffic. What is drawn for a reading does not depend on any
//! model: it is a plain reader of a given error rate whose probabilities say how sure it is, no better and no worse.

use crate::domain::{
    ALPHABET, CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Country, Detection, FrameStamp,
    Point, Reading, Utc,
};

/// What is driven past what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Three lanes under a fixed camera, dense: plates near and beside each other.
    Road,
    /// Two streams that cross before the camera: plates pass in front of plates.
    Crossing,
    /// A patrol car at 14 m/s past a row of parked cars; every neighbour's plate differs in one character only.
    ParkedRow,
    /// A patrol car at 70 km/h with oncoming traffic at as much: 140 km/h relative.
    Oncoming,
}

/// How well it is seen.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// Frames per second.
    pub fps: f32,
    /// Time stamps vary by this share of the time between frames.
    pub uneven: f32,
    /// The whole picture moves by so many px (standard deviation), anew in every frame.
    pub shake_px: f32,
    /// Share of plates not found in a frame; misses come in runs of three on average.
    pub miss: f32,
    /// Detections of nothing, a frame.
    pub noise: f32,
    /// Probability that a character is misread.
    pub misread: f32,
    /// Probability that a reading lacks its first or last character.
    pub cut_off: f32,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { fps: 25.0, uneven: 0.1, shake_px: 0.0, miss: 0.05, noise: 0.05, misread: 0.02, cut_off: 0.03 }
    }
}

/// A frame's readings, each with the vehicle it shows; `None` for what is no plate.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The frame.
    pub stamp: FrameStamp,
    /// What was found in it.
    pub readings: Vec<(Reading, Option<usize>)>,
    /// Vehicles whose plate is in the picture and at least 40 px wide, found or not.
    pub visible: Vec<usize>,
}

/// Width and height of the picture in px.
pub const PICTURE: (u32, u32) = (1920, 1080);
const FOCAL_PX: f32 = 1_400.0;
const PLATE_M: (f32, f32) = (0.52, 0.11);
const LEAST_PX: f32 = 40.0;

/// A small generator (SplitMix64, Steele et al. 2014): the same numbers on every machine and in every version.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator that begins with `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to 1, 1 excluded.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Evenly from 0 to `n`, `n` excluded; 0 for 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f32) as usize).min(n.saturating_sub(1))
    }

    /// Normally distributed around 0 with deviation 1: twelve even numbers' sum.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    fn character(&mut self) -> char {
        ALPHABET.get(self.below(36)).map_or('A', |&c| char::from(c))
    }
}

struct Vehicle {
    text: String,
    /// When it is nearest, s, and where then: right, down, ahead in m.
    at_s: f32,
    place: (f32, f32, f32),
    /// m/s to the right and ahead.
    speed: (f32, f32),
    missed: bool,
}

/// Traffic of a scene.
pub struct Simulation {
    vehicles: Vec<Vehicle>,
    conditions: Conditions,
    random: Random,
    seconds: f32,
    frame: u64,
    now_s: f32,
}

impl Simulation {
    /// `count` vehicles of `scene`, drawn by `seed`.
    pub fn new(scene: Scene, conditions: Conditions, count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let base = plate(&mut random);
        let mut vehicles: Vec<Vehicle> = Vec::with_capacity(count);
        for i in 0..count {
            let n = i as f32;
            let text = match scene {
                Scene::ParkedRow => {
                    let before = vehicles.last().map_or(base.clone(), |v| v.text.clone());
                    // No plate stands twice in the row, a few cars apart.
                    let mut text = neighbour(&before, &mut random);
                    while vehicles.iter().any(|v| v.text == text) {
                        text = neighbour(&before, &mut random);
                    }
                    text
                }
                _ => plate(&mut random),
            };
            let r = |random: &mut Random, a: f32, b: f32| a + (b - a) * random.unit();
            let (at_s, place, speed) = match scene {
                // One a second and lane, 14 m/s; one lane goes the other way.
                Scene::Road => {
                    let lane = (i % 3) as f32;
                    let v = r(&mut random, 11.0, 17.0) * if i % 3 == 2 { 1.0 } else { -1.0 };
                    (2.0 + n / 3.0 * 1.1 + r(&mut random, 0.0, 0.3), (lane * 3.2 - 3.2, 3.5, 9.0), (0.0, v))
                }
                // Two streams at a right angle, 8 m/s, one further off than the other.
                Scene::Crossing => {
                    let left = i % 2 == 0;
                    let v = r(&mut random, 6.0, 10.0) * if left { 1.0 } else { -1.0 };
                    let ahead = if left { 9.0 } else { 11.5 };
                    (
                        2.0 + n / 2.0 * 1.4 + r(&mut random, 0.0, 0.5),
                        (0.0, 1.0 + r(&mut random, 0.0, 0.3), ahead),
                        (v, 0.0),
                    )
                }
                // A car every 5.5 m, 3 m to the right.
                Scene::ParkedRow => (2.0 + n * 5.5 / 14.0, (3.0, 1.2, 2.6), (0.0, -14.0)),
                Scene::Oncoming => (2.0 + n * 1.3 + r(&mut random, 0.0, 0.8), (-3.0, 1.0, 3.0), (0.0, -38.9)),
            };
            vehicles.push(Vehicle { text, at_s, place, speed, missed: false });
        }
        let seconds = vehicles.iter().map(|v| v.at_s).fold(0.0, f32::max) + 3.0;
        Self { vehicles, conditions, random, seconds, frame: 0, now_s: 0.0 }
    }

    /// The plates, by the numbers used in [`Shown`].
    pub fn texts(&self) -> Vec<&str> {
        self.vehicles.iter().map(|v| v.text.as_str()).collect()
    }

    /// Corners of a vehicle's plate now, before any jitter; `None` where it is not wholly in the picture or narrower
    /// than can be read.
    fn corners(v: &Vehicle, now_s: f32, shake: (f32, f32)) -> Option<Corners> {
        let t = now_s - v.at_s;
        let (x, y, z) = (v.place.0 + v.speed.0 * t, v.place.1, v.place.2 + v.speed.1 * t);
        if !(1.0..60.0).contains(&z) {
            return None;
        }
        let scale = FOCAL_PX / z;
        let (cx, cy) =
            (PICTURE.0 as f32 / 2.0 + x * scale + shake.0, PICTURE.1 as f32 / 2.0 + y * scale + shake.1);
        let (w, h) = (PLATE_M.0 * scale, PLATE_M.1 * scale);
        let inside = cx - w / 2.0 > 10.0
            && cx + w / 2.0 < PICTURE.0 as f32 - 10.0
            && cy - h / 2.0 > 10.0
            && cy + h / 2.0 < PICTURE.1 as f32 - 10.0;
        (w >= LEAST_PX && inside)
            .then(|| Corners::from_box(cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0))
    }

    fn read(&mut self, text: &str, corners: Corners, stamp: &FrameStamp) -> Reading {
        let c = self.conditions;
        let random = &mut self.random;
        let width = corners.width_px();
        // Small plates are read worse: twice the errors at 40 px.
        let misread = c.misread * (1.0 + (120.0 - width).clamp(0.0, 80.0) / 80.0);
        let mut shown: Vec<char> = text.chars().collect();
        if random.unit() < c.cut_off && shown.len() > 4 {
            if random.unit() < 0.5 {
                shown.remove(0);
            } else {
                shown.pop();
            }
        }
        let positions = shown.into_iter().map(|right| {
            let wrong = random.unit() < misread;
            let other = random.character();
            let (c, p) = if wrong {
                // A misread character is doubted half of the time.
                (other, if random.unit() < 0.5 { 0.55 } else { 0.93 })
            } else {
                (right, 0.97 + 0.025 * random.unit())
            };
            let second = if wrong { right } else { other };
            distribution(c, p, second)
        });
        let positions: Vec<CharDistribution> = positions.collect();
        Reading {
            stamp: stamp.clone(),
            detection: Detection { corners, bounds: corners.bounds(), score: 0.9 },
            positions,
            countries: vec![(Country::BE, 0.9)],
            lines: 1,
            readable: 0.99,
            quality: (width / 120.0).clamp(0.1, 1.0) * 0.9,
        }
    }
}

impl Iterator for Simulation {
    type Item = Shown;

    fn next(&mut self) -> Option<Shown> {
        let c = self.conditions;
        if self.now_s > self.seconds {
            return None;
        }
        let shake = (self.random.normal() * c.shake_px, self.random.normal() * c.shake_px);
        let at = Utc::from_unix_ms((self.now_s * 1000.0) as i64);
        let stamp = FrameStamp {
            camera: CameraId::new("simulated"),
            seq: self.frame,
            captured_at: at,
            received_at: at,
            clock: ClockQuality { source: ClockSource::Media, error_ms: None },
            position: None,
        };
        let mut shown = Shown { stamp, readings: Vec::new(), visible: Vec::new() };
        for i in 0..self.vehicles.len() {
            let Some(v) = self.vehicles.get_mut(i) else { continue };
            let Some(corners) = Self::corners(v, self.now_s, shake) else { continue };
            shown.visible.push(i);
            // Runs: after a miss two of three are missed, so that the share comes out as asked for.
            let miss = if v.missed { 2.0 / 3.0 } else { c.miss / 3.0 / (1.0 - c.miss).max(0.05) };
            v.missed = self.random.unit() < miss;
            if v.missed {
                continue;
            }
            let text = v.text.clone();
            let jitter = 0.012 * corners.width_px();
            let corners = Corners(corners.0.map(|p| Point {
                x: p.x + self.random.normal() * jitter,
                y: p.y + self.random.normal() * jitter,
            }));
            let reading = self.read(&text, corners, &shown.stamp);
            shown.readings.push((reading, Some(i)));
        }
        if self.random.unit() < c.noise {
            let (x, y) = (self.random.unit() * 1_700.0 + 50.0, self.random.unit() * 950.0 + 50.0);
            let text: String = (0..6).map(|_| self.random.character()).collect();
            let mut r = self.read(&text, Corners::from_box(x, y, x + 90.0, y + 20.0), &shown.stamp);
            r.readable = 0.5;
            shown.readings.push((r, None));
        }
        self.frame += 1;
        let uneven = 1.0 + c.uneven * (2.0 * self.random.unit() - 1.0);
        self.now_s += uneven / c.fps;
        Some(shown)
    }
}

/// A Belgian plate of today.
fn plate(random: &mut Random) -> String {
    let letters: String = (0..3).map(|_| char::from(b'A' + random.below(26) as u8)).collect();
    format!("{}{letters}{:03}", 1 + random.below(2), random.below(1000))
}

/// The plate next to it: one digit or letter other, not by a look-alike.
fn neighbour(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = 1 + random.below(characters.len().saturating_sub(1));
    if let Some(c) = characters.get_mut(at) {
        let old = *c;
        while *c == old || crate::plate::confusion::alike(*c, old) {
            *c = if old.is_ascii_digit() {
                char::from(b'0' + random.below(10) as u8)
            } else {
                char::from(b'A' + random.below(26) as u8)
            };
        }
    }
    characters.into_iter().collect()
}

/// `c` with probability `p`, most of the rest on `second`.
fn distribution(c: char, p: f32, second: char) -> CharDistribution {
    let rest = (1.0 - p) * 0.5 / 36.0;
    let mut d = CharDistribution { p: [rest; 36], none: rest };
    for (slot, &a) in d.p.iter_mut().zip(ALPHABET) {
        if char::from(a) == second {
            *slot = (1.0 - p) * 0.5;
        }
        if char::from(a) == c {
            *slot = p;
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_traffic_and_misses_come_as_asked_for() {
        let run = |seed| {
            let conditions = Conditions { miss: 0.2, ..Conditions::default() };
            Simulation::new(Scene::Road, conditions, 60, seed).collect::<Vec<_>>()
        };
        let (a, b) = (run(1), run(1));
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(&b).all(|(x, y)| x.readings.len() == y.readings.len()));
        let visible: usize = a.iter().map(|s| s.visible.len()).sum();
        let found: usize = a.iter().map(|s| s.readings.iter().filter(|r| r.1.is_some()).count()).sum();
        let missed = 1.0 - found as f32 / visible as f32;
        assert!((0.15..0.25).contains(&missed), "{missed}");
    }

    #[test]
    fn neighbours_differ_in_one_character() {
        let s = Simulation::new(Scene::ParkedRow, Conditions::default(), 20, 3);
        for pair in s.texts().windows(2) {
            assert_eq!(pair[0].chars().zip(pair[1].chars()).filter(|(a, b)| a != b).count(), 1);
        }
    }
}
