//! Plates of the traffic that the shares assume, drawn at random: for simulations and tests, never for judging.

use super::{Format, HOME, PERSONALISED, belgium, countries, formats};
use crate::domain::{ALPHABET, Country, PlateText};
use std::collections::BTreeMap;
use std::sync::LazyLock;

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

/// What plates are drawn from: each format, and at the end the chosen ones (`None`), with the sum of the shares up to
/// and with it.
static DRAWN_FROM: LazyLock<Vec<(f64, Option<&'static Format>)>> = LazyLock::new(|| {
    let all = || (1..=PlateText::MAX_LEN).flat_map(formats);
    // Longer shapes of a series hold more texts.
    let size = |f: &Format| f.masks().iter().map(|m| f64::from(m.count_ones())).product::<f64>();
    let series = |f: &Format| (f.country, f.rule.series);
    let mut sizes: BTreeMap<(Country, &str), f64> = BTreeMap::new();
    all().for_each(|f| *sizes.entry(series(f)).or_default() += size(f));
    let share =
        |country: Country| countries().iter().find(|c| c.0 == country).map_or(0.0, |c| f64::from(c.1));
    // The rules of a country need not come to 1; each country has its own share all the same.
    let mut rules: BTreeMap<(Country, &str), f64> = BTreeMap::new();
    all().for_each(|f| {
        rules.insert(series(f), f64::from(f.rule.share));
    });
    let mut of_country: BTreeMap<Country, f64> = BTreeMap::new();
    rules.iter().for_each(|((country, _), share)| *of_country.entry(*country).or_default() += share);
    let chosen = f64::from(PERSONALISED.rule.share);
    let mut sum = 0.0;
    let mut up_to: Vec<(f64, Option<&'static Format>)> = all()
        .map(|f| {
            let ordinary = if f.country == HOME { 1.0 - chosen } else { 1.0 };
            let of_rule = f64::from(f.rule.share) / of_country.get(&f.country).copied().unwrap_or(1.0);
            let of_shape = size(f) / sizes.get(&series(f)).copied().unwrap_or(1.0);
            sum += share(f.country) * ordinary * of_rule * of_shape;
            (sum, Some(f))
        })
        .collect();
    up_to.push((sum + share(HOME) * chosen, None));
    up_to
});

/// Draws one plate: its country by share of traffic, its series by share of the country, its text evenly among
/// all of the series. `next` gives 64 random bits at a call; the same bits give the same plate.
///
/// What it leaves out: real numbers are not drawn evenly (registers fill in order, Germans choose), and of
/// personalised plates only the pattern word and number is drawn.
pub fn draw(next: &mut impl FnMut() -> u64) -> Drawn {
    let from = &*DRAWN_FROM;
    let total = from.last().map_or(0.0, |f| f.0);
    loop {
        let at = (next() >> 11) as f64 / (1_u64 << 53) as f64 * total;
        match from.get(from.partition_point(|f| f.0 <= at)) {
            Some((_, Some(format))) => {
                let text = (0..TRIES).find_map(|_| sample(format, next).filter(|t| format.fits(t)));
                if let Some(text) = text {
                    return Drawn { text, country: format.country, series: format.rule.series };
                }
            }
            Some((_, None)) => {
                if let Some(text) = word_and_number(next).filter(belgium::could_be_personalised) {
                    return Drawn { text, country: HOME, series: PERSONALISED.rule.series };
                }
            }
            None => {}
        }
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

fn below(next: &mut impl FnMut() -> u64, n: usize) -> usize {
    // The bias of a remainder of 64 bits is far below anything measured with it.
    (next() % (n.max(1) as u64)) as usize
}
