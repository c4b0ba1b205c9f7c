//! Traffic and readings drawn by chance, for figures that no day on the road can give.
//!
//! * [`Traffic`] draws plates as common as the grammar says they are.
//! * [`Channel`] draws what a passage makes of a plate. One passage is some looks, independent of each other, each with
//!   its own difficulty, which the reader knows (it weighs its readings by quality). A look at difficulty `d` makes
//!   each measured confusion `d` times as often. The passage's distribution is what Bayes' rule makes of the looks,
//!   so it is calibrated by construction: a character given the probability 0.2 is the right one in a fifth of the
//!   cases, before what the traffic says of plates. A reader that is surer than it should be is had by
//!   [`Channel::overconfidence`].
//!
//! Seeded: the same seed gives the same draws on every machine.

use super::confusions::Confusions;
use crate::domain::{
    ALPHABET, CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Country, Passage, PassageId,
    PassageState, PlateText, Utc,
};
use crate::plate::grammar;
use std::sync::Arc;

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast, and good enough to draw plates with.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to below `n`; 0 where there is nothing to choose from.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.share() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Of the standard normal distribution (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.share()).ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    /// A place, each as often as its weight.
    fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.share() * weights.iter().sum::<f64>();
        for (i, w) in weights.iter().enumerate() {
            left -= w;
            if left < 0.0 {
                return i;
            }
        }
        weights.len().saturating_sub(1)
    }
}

/// Plates as they pass: as common as the grammar says, and Belgian personalised ones ([`grammar::draw`]).
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic;

impl Traffic {
    /// The traffic that the grammar assumes.
    pub fn new() -> Self {
        Self
    }

    /// A plate and its country.
    pub fn draw(&self, chance: &mut Chance) -> (PlateText, Country) {
        let drawn = grammar::draw(&mut || chance.next());
        (drawn.text, drawn.country)
    }
}

/// What passages make of plates.
#[derive(Debug, Clone)]
pub struct Channel {
    confusions: Arc<Confusions>,
    /// Independent looks at each plate. Fusing counts `n` readings as `n / (1 + 0.5 (n - 1))`: 2 looks are what many
    /// readings come to.
    pub looks: usize,
    /// Spread of the difficulty from plate to plate and from look to look: standard deviation of its logarithm.
    pub spread: [f64; 2],
    /// How often the country is read right.
    pub country_right: f64,
    /// Powers of the probabilities the reader says: 1 is honest, 1.5 is surer than it should be.
    pub overconfidence: f64,
}

/// A look never makes more than this share of mistakes.
const MOST_WRONG: f64 = 0.8;
/// What a look makes of the place of a character it does not see.
const ABSENT: usize = 36;

impl Channel {
    /// Two looks, difficulties spread by 1.0 and 1.5, the country right in 94.7 % (the shipped reader's card).
    pub fn new(confusions: Arc<Confusions>) -> Self {
        Self { confusions, looks: 2, spread: [1.0, 1.5], country_right: 0.947, overconfidence: 1.0 }
    }

    /// Probability of each reading of `truth` at a difficulty.
    fn reading(&self, truth: usize, difficulty: f64) -> [f64; 37] {
        let mut row = self.confusions.read(truth);
        let right = row.get(truth).copied().unwrap_or(0.0);
        let wrong = (difficulty * (1.0 - right)).min(MOST_WRONG);
        let scale = wrong / (1.0 - right).max(1e-12);
        for (i, p) in row.iter_mut().enumerate() {
            *p = if i == truth { 1.0 - wrong } else { *p * scale };
        }
        row
    }

    /// Probability that a look reads each character between two others where none is; of nothing last.
    fn nothing(&self, difficulty: f64) -> [f64; 37] {
        let extra = self.confusions.extra();
        let scale = difficulty.min(MOST_WRONG / extra.iter().sum::<f64>().max(1e-12));
        let mut row: [f64; 37] = std::array::from_fn(|i| extra.get(i).copied().unwrap_or(0.0) * scale);
        row[ABSENT] = 1.0 - row.iter().take(ABSENT).sum::<f64>();
        row
    }

    fn difficulty(&self, chance: &mut Chance, spread: f64) -> f64 {
        (spread * chance.normal() - spread * spread / 2.0).exp()
    }

    /// A passage of a vehicle with this plate; `None` where nothing at all was read.
    pub fn draw(&self, plate: &PlateText, country: Country, at: Utc, chance: &mut Chance) -> Option<Passage> {
        let of_plate = self.difficulty(chance, self.spread[0]);
        let looks: Vec<f64> =
            (0..self.looks.max(1)).map(|_| of_plate * self.difficulty(chance, self.spread[1])).collect();
        let nothing: Vec<[f64; 37]> = looks.iter().map(|&d| self.nothing(d)).collect();
        let likely: Vec<Vec<[f64; 37]>> =
            looks.iter().map(|&d| (0..36).map(|truth| self.reading(truth, d)).collect()).collect();
        let mut positions = Vec::new();
        let mut confidence = 1.0f64;
        let mut column = |seen: &[usize]| {
            if seen.iter().all(|&s| s == ABSENT) {
                return;
            }
            let (distribution, missing) = self.fuse(seen, &likely, &nothing);
            let best = f64::from(distribution.best().1);
            if best > missing {
                confidence *= best;
                positions.push(distribution);
            } else {
                confidence *= missing;
            }
        };
        for truth in plate.as_str().bytes().filter_map(|c| ALPHABET.iter().position(|&a| a == c)) {
            let seen: Vec<usize> = likely
                .iter()
                .map(|rows| rows.get(truth).map_or(ABSENT, |row| chance.weighted(row)))
                .collect();
            column(&seen);
            let extra: Vec<usize> = nothing.iter().map(|row| chance.weighted(row)).collect();
            column(&extra);
        }
        let text: String = positions.iter().map(|d| d.best().0).collect();
        let text = PlateText::new(&text).ok()?;
        Some(passage(text, confidence as f32, positions, self.country(country, chance), self.looks, at))
    }

    /// What the looks at one place say together: a distribution, and the probability that nothing stands there.
    fn fuse(
        &self,
        seen: &[usize],
        likely: &[Vec<[f64; 37]>],
        nothing: &[[f64; 37]],
    ) -> (CharDistribution, f64) {
        let mut p: [f64; 37] = std::array::from_fn(|truth| {
            seen.iter()
                .enumerate()
                .map(|(look, &s)| {
                    let row = match truth {
                        ABSENT => nothing.get(look),
                        _ => likely.get(look).and_then(|rows| rows.get(truth)),
                    };
                    row.and_then(|row| row.get(s)).copied().unwrap_or(0.0)
                })
                .product::<f64>()
                * if truth == ABSENT { 1.0 } else { 1.0 / 36.0 }
        });
        p.iter_mut().for_each(|p| *p = p.powf(self.overconfidence));
        let sum: f64 = p.iter().sum();
        let share = |i: usize| p.get(i).map_or(0.0, |p| p / sum.max(f64::MIN_POSITIVE)) as f32;
        let distribution = CharDistribution { p: std::array::from_fn(share), none: share(ABSENT) };
        (distribution, f64::from(share(ABSENT)))
    }

    /// The country as read: right as often as the reader is, and as sure as that.
    fn country(&self, country: Country, chance: &mut Chance) -> Option<(Country, f32)> {
        let all = grammar::countries();
        let right = chance.share() < self.country_right;
        let read = if right { country } else { all.get(chance.below(all.len()))?.0 };
        // Half of the wrong ones are doubtful to the reader itself.
        let sure = if right { chance.share() < 0.95 } else { chance.share() < 0.5 };
        Some((read, if sure { 0.97 } else { 0.6 }))
    }
}

fn passage(
    text: PlateText,
    confidence: f32,
    positions: Vec<CharDistribution>,
    country: Option<(Country, f32)>,
    looks: usize,
    at: Utc,
) -> Passage {
    Passage {
        id: PassageId::generate(),
        camera: CameraId::new("simulated"),
        state: PassageState::Closed,
        first_seen: at,
        last_seen: at,
        clock: ClockQuality { source: ClockSource::FreeRunning, error_ms: None },
        position: None,
        text,
        confidence,
        positions,
        country,
        lines: 1,
        readings: looks as u32,
        agreement: 1.0,
        best_frame: 0,
        best_frame_at: at,
        best_frame_received_at: at,
        best_corners: Corners::from_box(0.0, 0.0, 0.0, 0.0),
        contradictory: false,
        direction: None,
        lane: None,
        mandate: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..50).map(|_| Traffic::new().draw(&mut chance).0).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn traffic_is_as_the_prior_says() {
        let (traffic, mut chance) = (Traffic::new(), Chance::new(3));
        let plates: Vec<_> = (0..4_000).map(|_| traffic.draw(&mut chance)).collect();
        let share = |f: &dyn Fn(&(PlateText, Country)) -> bool| {
            plates.iter().filter(|p| f(p)).count() as f64 / 4_000.0
        };
        assert!((0.80..0.92).contains(&share(&|p| p.1 == Country::BE)));
        assert!((0.65..0.80).contains(&share(&|p| {
            let t = p.0.as_str();
            t.len() == 7
                && t.starts_with(['1', '2'])
                && t.get(1..4).is_some_and(|l| l.bytes().all(|c| c.is_ascii_uppercase()))
        })));
    }

    #[test]
    fn what_the_passages_say_is_honest() {
        let (traffic, channel) = (Traffic::new(), Channel::new(Confusions::builtin()));
        let mut chance = Chance::new(7);
        let (mut said, mut right, mut doubted) = (0.0, 0.0, [0.0f64; 3]);
        for _ in 0..6_000 {
            let (plate, country) = traffic.draw(&mut chance);
            let Some(passage) = channel.draw(&plate, country, Utc::from_unix_ms(0), &mut chance) else {
                continue;
            };
            said += f64::from(passage.confidence);
            let is_right = f64::from(u8::from(passage.text == plate));
            right += is_right;
            if (0.4..0.8).contains(&passage.confidence) {
                doubted[0] += 1.0;
                doubted[1] += f64::from(passage.confidence);
                doubted[2] += is_right;
            }
        }
        // Drawn with a fixed seed: the figures are always the same ones.
        assert!((said - right).abs() / 6_000.0 < 0.02, "{said} {right}");
        assert!(doubted[0] > 100.0 && (doubted[1] - doubted[2]).abs() / doubted[0] < 0.1, "{doubted:?}");
    }
}
