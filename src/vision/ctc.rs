//! From a CTC output to one distribution a character.
//!
//! Connectionist temporal classification (Graves et al., ICML 2006): every step gives a distribution over
//! characters and blank; a text's probability is the sum over all alignments that collapse to it.

use crate::domain::{ALPHABET, CharDistribution};

/// Maps a model's classes to places in [`ALPHABET`].
pub(super) fn class_map(alphabet: &str, gap: usize) -> Vec<Option<usize>> {
    let mut classes: Vec<Option<usize>> =
        alphabet.bytes().map(|c| ALPHABET.iter().position(|&a| a == c)).collect();
    classes.insert(gap.min(classes.len()), None);
    classes
}

/// One step's probabilities as a [`CharDistribution`]; `none` is the gap class.
pub(super) fn distribution(step: &[f32], classes: &[Option<usize>]) -> CharDistribution {
    let mut d = CharDistribution { p: [0.0; 36], none: 0.0 };
    for (&p, class) in step.iter().zip(classes) {
        let p = if p.is_finite() { p.clamp(0.0, 1.0) } else { 0.0 };
        match class {
            Some(i) => {
                if let Some(slot) = d.p.get_mut(*i) {
                    *slot += p;
                }
            }
            None => d.none += p,
        }
    }
    d
}

/// The best path collapsed: one distribution a character (that of its surest step, the blank's share
/// left in `none`), and the probability of the collapsed text over all alignments.
pub(super) fn collapse(steps: &[CharDistribution]) -> (Vec<CharDistribution>, f32) {
    let mut out: Vec<CharDistribution> = Vec::new();
    let mut text: Vec<usize> = Vec::new();
    let mut last: Option<usize> = None;
    for d in steps {
        let (i, p) = d.p.iter().enumerate().fold((0, -1.0), |b, (i, &p)| if p > b.1 { (i, p) } else { b });
        if d.none >= p {
            last = None;
            continue;
        }
        if last == Some(i) {
            if let Some(peak) = out.last_mut().filter(|peak| peak.p.get(i).is_some_and(|&q| p > q)) {
                *peak = *d;
            }
        } else {
            out.push(*d);
            text.push(i);
        }
        last = Some(i);
    }
    let total = text_probability(steps, &text);
    (out, total)
}

/// Probability of `text` (places in the alphabet) over all alignments: the forward variables of Graves et
/// al., section 4.1.
fn text_probability(steps: &[CharDistribution], text: &[usize]) -> f32 {
    // States: blank, c1, blank, c2, ... blank.
    let states = text.len() * 2 + 1;
    let emit = |d: &CharDistribution, s: usize| -> f64 {
        if s.is_multiple_of(2) {
            return f64::from(d.none);
        }
        text.get(s / 2).and_then(|&i| d.p.get(i)).map_or(0.0, |&p| f64::from(p))
    };
    let mut alpha = vec![0.0_f64; states];
    for (t, d) in steps.iter().enumerate() {
        let before = alpha.clone();
        for (s, a) in alpha.iter_mut().enumerate() {
            let get = |s: usize| before.get(s).copied().unwrap_or(0.0);
            let mut sum = if t == 0 { f64::from(u8::from(s <= 1)) } else { get(s) };
            if t > 0 && s >= 1 {
                sum += get(s - 1);
            }
            // From one character straight to the next, unless they are the same.
            if t > 0 && s % 2 == 1 && s >= 3 && text.get(s / 2) != text.get(s / 2 - 1) {
                sum += get(s - 2);
            }
            *a = sum * emit(d, s);
        }
    }
    let end = alpha.iter().rev().take(2).sum::<f64>();
    end.clamp(0.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(c: Option<char>, p: f32) -> CharDistribution {
        let mut d = CharDistribution { p: [(1.0 - p) / 36.0; 36], none: (1.0 - p) / 36.0 };
        match c {
            None => d.none = p,
            Some(c) => d.p[ALPHABET.iter().position(|&a| char::from(a) == c).unwrap()] = p,
        }
        d
    }

    fn text(d: &[CharDistribution]) -> String {
        d.iter().map(|d| d.best().0).collect()
    }

    #[test]
    fn repeats_collapse_and_blanks_part_doubles() {
        let steps: Vec<_> = "AA.1.1..B".chars().map(|c| step((c != '.').then_some(c), 0.97)).collect();
        let (out, p) = collapse(&steps);
        assert_eq!(text(&out), "A11B");
        assert!(p > 0.7 && p <= 1.0, "{p}");
    }

    #[test]
    fn nothing_but_blanks_is_no_text() {
        let (out, p) = collapse(&[step(None, 0.9); 5]);
        assert!(out.is_empty());
        assert!((p - 0.9_f32.powi(5)).abs() < 1e-3, "{p}");
    }

    #[test]
    fn probability_sums_over_alignments() {
        // Two steps; "A" can be AA, A-, -A.
        let d = CharDistribution { p: std::array::from_fn(|i| if i == 10 { 0.6 } else { 0.0 }), none: 0.4 };
        let p = text_probability(&[d, d], &[10]);
        assert!((p - (0.36 + 0.24 + 0.24)).abs() < 1e-6, "{p}");
    }

    #[test]
    fn classes_map_whatever_their_order() {
        let classes = class_map("BA", 0);
        let d = distribution(&[0.1, 0.7, 0.2], &classes);
        assert_eq!((d.best(), d.none), (('B', 0.7), 0.1));
        assert_eq!(d.of('A'), 0.2);
    }
}
