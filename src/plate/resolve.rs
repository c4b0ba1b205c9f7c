//! What a grammar settles about look-alikes: a `0` read where only a letter can stand is an `O`.
//!
//! Nothing here makes an unreadable plate readable: only characters of the *other* class that look like the
//! one read are put in its place ([`across`]), at most [`MAX_CHANGES`] of them, and for
//! distributions the probability of a guess never exceeds what the reader gave to the look-alikes at all.

use super::confusion::across;
use super::grammar::{self, Format, HOME, bit};
use crate::domain::{CharDistribution, Country, PlateText};

/// Most positions that a grammar may settle in one text.
pub const MAX_CHANGES: usize = 3;

/// A text after a grammar has settled its look-alikes.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The settled text; differs from the one given.
    pub text: PlateText,
    /// The format that settled it.
    pub format: &'static Format,
}

/// Assumed probability that one character is read as its look-alike of the other class: an order of
/// magnitude, to weigh a text with one look-alike against one with two.
const CONFUSED: f32 = 0.01;
/// How improbable a look-alike of the second rank is, as a power of [`CONFUSED`].
const SECOND_RANK: i32 = 2;
/// Share of plates assumed to be of no known format (other countries, damaged).
const UNKNOWN_SHARE: f32 = 0.001;
/// Share of the weight that a text needs to count as the only possible one.
const SETTLED: f32 = 0.95;

/// The one text that formats make of `text` by putting look-alikes of the other class where they allow
/// only that class; `None` where nothing needs to change, nothing can, or more than one text is possible.
///
/// * A text that fits a format of `country` as it stands is left alone; of [`HOME`] where no country is
///   said.
/// * Every other text that some format makes of it is weighed: how common plates of that format are
///   (by country where none is said), and how many look-alikes it takes; so is the text being none of
///   these but a personalised one or another misreading. The best must have 95 % of the weight. So
///   `1A8C123` is `1ABC123`, and `IABC123` is the common Belgian `1ABC123` where no country is said, but
///   left alone on a German plate.
/// * Personalised plates are not repaired: `BOSS12` is likelier chosen than a misread old `BOS-512`, so it
///   stays as it is. `@@@@###` next to the ordinary Belgian shape is reserved (nobody may choose it).
/// * At most [`MAX_CHANGES`] characters and fewer than half of them are changed.
/// * What comes out is settled for good: resolving it again changes nothing. A text of which the likeliest
///   meaning would itself be taken for something else is left alone.
pub fn resolve(text: &PlateText, country: Option<Country>) -> Option<Resolved> {
    once(text, country).filter(|r| once(&r.text, country).is_none())
}

fn once(text: &PlateText, country: Option<Country>) -> Option<Resolved> {
    let formats =
        || grammar::formats(text.as_str().len()).iter().filter(|f| country.is_none_or(|c| f.country == c));
    let own = country.unwrap_or(HOME);
    if formats().any(|f| f.country == own && f.fits(text)) {
        return None;
    }
    let mut found: Vec<(PlateText, f32, &'static Format)> = Vec::new();
    let home = match country {
        Some(c) => f32::from(u8::from(c == HOME)),
        None => country_weight(HOME, &[]),
    };
    let mut total = log_background(text, home).exp();
    let reach = reach(text);
    for format in formats() {
        // Nearly every format ends here, for the cost of an AND a character.
        if format.masks().iter().zip(&reach).any(|(mask, reach)| mask & reach == 0) {
            continue;
        }
        if !format.rule.settles && !format.fits(text) {
            continue;
        }
        let Some((settled, power)) = settle(text, format) else { continue };
        let share = if country.is_some() { 1.0 } else { country_weight(format.country, &[]) };
        let weight = share * format.log_density().exp() * CONFUSED.powi(power);
        total += weight;
        let Some(settled) = settled else { continue };
        match found.iter_mut().find(|f| f.0 == settled) {
            Some(same) if weight > same.1 => *same = (settled, same.1 + weight, format),
            Some(same) => same.1 += weight,
            None => found.push((settled, weight, format)),
        }
    }
    let best = found.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (best.0 != *text && best.1 >= SETTLED * total).then_some(Resolved { text: best.0, format: best.2 })
}

/// What each character of `text` could be: itself and its look-alikes of the other class, as masks.
fn reach(text: &PlateText) -> [u64; PlateText::MAX_LEN] {
    let mut masks = [0; PlateText::MAX_LEN];
    for (slot, c) in masks.iter_mut().zip(text.as_str().chars()) {
        *slot = across(c).into_iter().flatten().fold(bit(c), |m, &o| m | bit(o));
    }
    masks
}

/// `text` as `format` would have it, and how improbable that is as a power of [`CONFUSED`]; `None` where it
/// cannot be of that format. The text is missing where a character could be two look-alikes of the same rank.
fn settle(text: &PlateText, format: &Format) -> Option<(Option<PlateText>, i32)> {
    let mut out = [0u8; PlateText::MAX_LEN];
    let (mut changes, mut power, mut ambiguous) = (0, 0, false);
    for ((c, &mask), slot) in text.as_str().chars().zip(format.masks()).zip(&mut out) {
        let settled = if bit(c) & mask != 0 {
            c
        } else {
            changes += 1;
            let allowed = |rank: &'static [char]| rank.iter().copied().filter(|&o| bit(o) & mask != 0);
            let ranks = across(c).into_iter().map(allowed).zip([1, SECOND_RANK]);
            let (mut rank, cost) = ranks.into_iter().find(|r| r.0.clone().next().is_some())?;
            power += cost;
            let first = rank.next()?;
            ambiguous |= rank.next().is_some();
            first
        };
        *slot = settled as u8;
    }
    if !few(changes, text.as_str().len()) {
        return None;
    }
    let settled = std::str::from_utf8(out.get(..text.as_str().len())?).ok()?;
    let settled = PlateText::new(settled).ok()?;
    if !ambiguous && !format.names_an_area(&settled) {
        return None;
    }
    Some((Some(settled).filter(|_| !ambiguous), power))
}

/// Whether so many changes still leave the text that was read.
fn few(changes: usize, length: usize) -> bool {
    changes <= MAX_CHANGES && changes * 2 < length
}

/// A text that a plate may carry, with how probable that is.
#[derive(Debug, Clone)]
pub struct Guess {
    /// The text.
    pub text: PlateText,
    /// Probability that the plate carries it, 0 to 1; the guesses of one plate sum to at most 1.
    pub probability: f32,
    /// The format it is of, the likeliest where it is of several; `None` for one of no format.
    pub format: Option<&'static Format>,
}

/// Country probabilities below this are raised to it: a country classifier is never that sure.
const LEAST_COUNTRY: f32 = 0.001;

/// The texts a plate may carry, given the probabilities of each position and of countries, likeliest first.
///
/// Candidates are the raw best text and, for each format of that length, the text in which every best
/// character the format forbids is replaced by its likeliest look-alike of the other class that it allows.
/// They are weighed by Bayes' rule: what the reader gave to their characters, times how common such a
/// plate is (`countries` or, where empty, the assumed traffic; series; number of texts of the series).
/// The weights are scaled so that together they are what the reader gave to these look-alikes at all: a
/// plate of which every character is a coin toss stays improbable however well it fits a format.
pub fn resolve_distribution(positions: &[CharDistribution], countries: &[(Country, f32)]) -> Vec<Guess> {
    let best: Vec<(char, f32)> = positions.iter().map(CharDistribution::best).collect();
    let raw: String = best.iter().map(|b| b.0).collect();
    let Ok(raw) = PlateText::new(&raw) else { return Vec::new() };
    let log_p = |text: &PlateText| -> f32 {
        text.as_str().chars().zip(positions).map(|(c, d)| given(d, c).max(1e-9).ln()).sum()
    };
    let mut found: Vec<(PlateText, f32, Option<&'static Format>)> = Vec::new();
    found.push((raw.clone(), log_p(&raw) + log_background(&raw, country_weight(HOME, countries)), None));
    for format in grammar::formats(raw.as_str().len()) {
        let Some(text) = fit_distribution(&best, positions, format) else { continue };
        let weight = log_p(&text) + country_weight(format.country, countries).ln() + format.log_density();
        found.push((text, weight, Some(format)));
    }
    let top = found.iter().map(|f| f.1).fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = found.iter().map(|f| (f.1 - top).exp()).sum();
    // What the reader gave to the best characters or any look-alike of theirs that a candidate uses.
    let reach: f32 = positions
        .iter()
        .enumerate()
        .map(|(i, d)| {
            let mut used: Vec<char> = found.iter().filter_map(|f| f.0.as_str().chars().nth(i)).collect();
            used.sort_unstable();
            used.dedup();
            used.into_iter().map(|c| given(d, c)).sum::<f32>().min(1.0)
        })
        .product();
    let mut guesses: Vec<(Guess, f32)> = Vec::new();
    for (text, weight, format) in found {
        let probability = (weight - top).exp() / total * reach;
        match guesses.iter_mut().find(|(g, _)| g.text == text) {
            Some((guess, best_weight)) => {
                guess.probability += probability;
                if weight > *best_weight {
                    (guess.format, *best_weight) = (format, weight);
                }
            }
            None => guesses.push((Guess { text, probability, format }, weight)),
        }
    }
    guesses.sort_by(|a, b| b.0.probability.total_cmp(&a.0.probability));
    guesses.into_iter().map(|g| g.0).collect()
}

/// What the reader gave to `c`; 0 where it gave nonsense, so that nonsense is never sure.
fn given(d: &CharDistribution, c: char) -> f32 {
    Some(d.of(c)).filter(|p| p.is_finite()).unwrap_or(0.0)
}

/// Natural logarithm of the probability that a plate is this very text and of no format: a personalised
/// one where it stands in [`HOME`] with probability `home`, or one of all texts of its length.
pub(super) fn log_background(text: &PlateText, home: f32) -> f32 {
    let any = UNKNOWN_SHARE * 36f32.powi(-(text.as_str().len() as i32));
    (any + home * grammar::personalised_density(text)).ln()
}

pub(super) fn country_weight(country: Country, given: &[(Country, f32)]) -> f32 {
    let list = if given.is_empty() { grammar::countries() } else { given };
    list.iter().find(|c| c.0 == country).map_or(LEAST_COUNTRY, |c| c.1).max(LEAST_COUNTRY)
}

/// The best text of `format` within the look-alikes of the best characters; `None` where there is none.
fn fit_distribution(
    best: &[(char, f32)],
    positions: &[CharDistribution],
    format: &Format,
) -> Option<PlateText> {
    let mut out = String::with_capacity(best.len());
    let mut changes = 0;
    for ((&(c, _), d), &mask) in best.iter().zip(positions).zip(format.masks()) {
        if bit(c) & mask != 0 {
            out.push(c);
            continue;
        }
        changes += 1;
        // Of two equally likely ones the better look-alike, which stands first.
        let other = across(c)
            .into_iter()
            .flatten()
            .copied()
            .filter(|&o| bit(o) & mask != 0)
            .reduce(|a, b| if d.of(b) > d.of(a) { b } else { a })?;
        out.push(other);
    }
    if !few(changes, best.len()) || (changes > 0 && !format.rule.settles) {
        return None;
    }
    PlateText::new(&out).ok().filter(|text| format.names_an_area(text))
}

#[cfg(test)]
mod tests;
