//! Plates of the traffic that the shares assume, drawn at random: for simulations and tests, never for judging.

use super::{COUNTRIES, Format, HOME, PERSONALISED, belgium, formats};
use crate::domain::{ALPHABET, Country, PlateText};

/// A plate drawn by [`draw()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// What stands on it.
    pub text: PlateText,
    /// Who issued it.
    pub country: Country,
    /// The series it was drawn from; [`classify`](super::classify) may name a narrower one.
    pub series: &'static str,
}

/// Tries until a text carries a district code that exists: one in forty does in the worst series.
const TRIES: usize = 2_000;

/// Draws one plate: its country by share of traffic, its series by share of the country, its text evenly among
/// all of the series. `next` gives 64 random bits at a call; the same bits give the same plate.
///
/// What it leaves out: real numbers are not drawn evenly (registers fill in order, Germans choose), and of
/// personalised plates only the pattern word and number is drawn.
pub fn draw(next: &mut impl FnMut() -> u64) -> Drawn {
    loop {
        let Some((code, _, rules)) = weighted(COUNTRIES.iter(), |c| c.1, next) else { continue };
        let Some(country) = Country::parse(code) else { continue };
        let chosen = if country == HOME { PERSONALISED.rule.share } else { 0.0 };
        if unit(next) < chosen {
            if let Some(text) = word_and_number(next).filter(belgium::could_be_personalised) {
                return Drawn { text, country, series: PERSONALISED.rule.series };
            }
            continue;
        }
        let Some(rule) = weighted(rules.iter(), |r| r.share, next) else { continue };
        let shapes = (1..=PlateText::MAX_LEN)
            .flat_map(formats)
            .filter(|f| f.country == country && f.rule.series == rule.series);
        // Longer shapes hold more texts.
        let size = |f: &&Format| f.masks().iter().map(|m| f64::from(m.count_ones())).product::<f64>() as f32;
        let Some(format) = weighted(shapes, size, next) else { continue };
        let Some(text) = (0..TRIES).find_map(|_| sample(format, next).filter(|t| format.fits(t))) else {
            continue;
        };
        return Drawn { text, country, series: rule.series };
    }
}

/// One text of a format's shape, each as likely as the others; a district code may be one that does not exist.
pub(super) fn sample(format: &Format, next: &mut impl FnMut() -> u64) -> Option<PlateText> {
    let mut text = String::with_capacity(format.masks().len());
    for &mask in format.masks() {
        let nth = below(next, mask.count_ones() as usize);
        let place = (0..ALPHABET.len()).filter(|i| mask >> i & 1 == 1).nth(nth)?;
        text.push(char::from(*ALPHABET.get(place)?));
    }
    PlateText::new(&text).ok()
}

/// Two to six letters and up to three digits.
fn word_and_number(next: &mut impl FnMut() -> u64) -> Option<PlateText> {
    let (letters, digits) = (2 + below(next, 5), below(next, 4));
    let mut text: String = (0..letters).map(|_| char::from(b'A' + below(next, 26) as u8)).collect();
    text.extend((0..digits.min(8 - letters)).map(|_| char::from(b'0' + below(next, 10) as u8)));
    PlateText::new(&text).ok()
}

/// One of `all` by weight.
fn weighted<T>(
    all: impl Iterator<Item = T> + Clone,
    weight: impl Fn(&T) -> f32,
    next: &mut impl FnMut() -> u64,
) -> Option<T> {
    let total: f32 = all.clone().map(|x| weight(&x)).sum();
    let mut left = unit(next) * total;
    let mut last = None;
    for x in all {
        left -= weight(&x);
        last = Some(x);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// From 0 inclusive to 1 exclusive.
fn unit(next: &mut impl FnMut() -> u64) -> f32 {
    (next() >> 40) as f32 / (1u64 << 24) as f32
}

fn below(next: &mut impl FnMut() -> u64, n: usize) -> usize {
    // The bias of a remainder of 64 bits is far below anything measured with it.
    (next() % (n.max(1) as u64)) as usize
}
