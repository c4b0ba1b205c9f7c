//! What the reader says of one plate in one frame: distributions, not only a string.

use super::{Country, Detection, FrameStamp};

/// The characters a plate can carry, in the order of every distribution: `0-9` then `A-Z`.
pub const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Probabilities of the 36 characters of [`ALPHABET`] at one position, and of nothing standing there.
/// The 37 sum to 1 as far as the reader is honest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CharDistribution {
    /// Probability of each character.
    pub p: [f32; 36],
    /// Probability that there is no character at this position.
    pub none: f32,
}

impl CharDistribution {
    /// The likeliest character and its probability.
    pub fn best(&self) -> (char, f32) {
        let (i, p) =
            self.p.iter().enumerate().fold((0, f32::MIN), |b, (i, &p)| if p > b.1 { (i, p) } else { b });
        (ALPHABET.get(i).map_or('?', |&c| char::from(c)), p)
    }

    /// Probability of `c`; 0 for a character no plate carries.
    pub fn of(&self, c: char) -> f32 {
        let i = match c {
            '0'..='9' => c as usize - '0' as usize,
            'A'..='Z' => c as usize - 'A' as usize + 10,
            _ => return 0.0,
        };
        self.p.get(i).copied().unwrap_or(0.0)
    }
}

/// The reading of one detection.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The frame it was read from.
    pub stamp: FrameStamp,
    /// The plate that was read.
    pub detection: Detection,
    /// One distribution a character, in reading order; empty where nothing could be read.
    pub positions: Vec<CharDistribution>,
    /// All countries that the reader names with their probabilities, likeliest first (what is missing to 1 it gives to
    /// others); empty where the reader does not say.
    pub countries: Vec<(Country, f32)>,
    /// Lines of text on the plate, 1 or 2; 0 where the reader does not say.
    pub lines: u8,
    /// Probability that this is a plate that can be read at all; 1 where the reader does not say.
    pub readable: f32,
    /// How much this reading should weigh in fusion, 0 to 1 (size, sharpness, score).
    pub quality: f32,
}

impl Reading {
    /// The likeliest text; empty where nothing was read.
    pub fn text(&self) -> String {
        self.positions.iter().map(|d| d.best().0).collect()
    }

    /// Probability that the whole likeliest text is right: the product over positions, times `readable`.
    pub fn confidence(&self) -> f32 {
        if self.positions.is_empty() {
            return 0.0;
        }
        self.positions.iter().map(|d| d.best().1).product::<f32>() * self.readable
    }
}
