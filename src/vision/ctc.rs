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

/// The text a CTC output says: one distribution a character, and the probability of the text over all
/// alignments.
///
/// The text is the collapsed best path, bettered while another text that differs in one character is
/// likelier. The distribution at a place is exact: the probability, over all alignments, of the text with
/// each other character there, `none` being the text without that character, together 1. So a character
/// spread over two steps counts whole, and a doubtful second character shows as a share of `none`.
pub(super) fn collapse(steps: &[CharDistribution]) -> (Vec<CharDistribution>, f32) {
    let mut text = best_path(steps);
    for _ in 0..MAX_BETTERMENTS {
        let (positions, total) = Lattice::new(steps, &text).read();
        let mut better = text.clone();
        // The surest wish first: one change at a time, as each changes the places beside it.
        let wish = positions.iter().enumerate().filter_map(|(at, d)| {
            let now = text.get(at).and_then(|&i| d.p.get(i)).copied().unwrap_or(0.0);
            let (i, p) = best_class(d);
            (p.max(d.none) > now * 1.000_1).then_some((at, i, p, d.none))
        });
        match wish.max_by(|a, b| a.2.max(a.3).total_cmp(&b.2.max(b.3))) {
            Some((at, _, p, none)) if none > p => drop(better.remove(at)),
            Some((at, i, ..)) => better.iter_mut().skip(at).take(1).for_each(|c| *c = i),
            None => return (positions, total),
        }
        text = better;
    }
    Lattice::new(steps, &text).read()
}

/// Changes to the best path at most: more than two were never seen.
const MAX_BETTERMENTS: usize = 4;

fn best_class(d: &CharDistribution) -> (usize, f32) {
    d.p.iter().enumerate().fold((0, -1.0), |b, (i, &p)| if p > b.1 { (i, p) } else { b })
}

/// The likeliest class of each step, repeats collapsed, blanks dropped.
fn best_path(steps: &[CharDistribution]) -> Vec<usize> {
    let mut text = Vec::new();
    let mut last = None;
    for d in steps {
        let (i, p) = best_class(d);
        let now = (p > d.none).then_some(i);
        if now != last {
            text.extend(now);
        }
        last = now;
    }
    text
}

/// All alignments of a text: the forward and backward variables of Graves et al., section 4.1, over the
/// states blank, c1, blank, c2, ... blank.
struct Lattice<'a> {
    steps: &'a [CharDistribution],
    text: &'a [usize],
    /// Probability of all ways to be in a state at a step, that step counted.
    forward: Vec<Vec<f64>>,
    /// Probability of all ways on from a state at a step to the end, that step not counted.
    backward: Vec<Vec<f64>>,
}

impl<'a> Lattice<'a> {
    fn new(steps: &'a [CharDistribution], text: &'a [usize]) -> Self {
        let states = text.len() * 2 + 1;
        // From one character straight to the next, unless they are the same.
        let jumps: Vec<bool> =
            (0..states).map(|s| s % 2 == 1 && s >= 3 && text.get(s / 2) != text.get(s / 2 - 1)).collect();
        let into = |before: &[f64], s: usize, jump: bool| {
            let at = |back: usize| s.checked_sub(back).and_then(|s| before.get(s)).copied().unwrap_or(0.0);
            at(0) + at(1) + if jump { at(2) } else { 0.0 }
        };
        let mut forward: Vec<Vec<f64>> = Vec::with_capacity(steps.len());
        for d in steps {
            let start = [1.0];
            let before = forward.last();
            let row = jumps.iter().enumerate().map(|(s, &jump)| {
                let way = match before {
                    Some(before) => into(before, s, jump),
                    None => start.get(s / 2).copied().filter(|_| s <= 1).unwrap_or(0.0),
                };
                way * emission(d, text, s)
            });
            let row = row.collect();
            forward.push(row);
        }
        let mut backward: Vec<Vec<f64>> = Vec::with_capacity(steps.len());
        let mut after: Vec<f64> = (0..states).map(|s| f64::from(u8::from(s + 2 >= states))).collect();
        for d in steps.iter().rev() {
            let seen: Vec<f64> =
                after.iter().enumerate().map(|(s, way)| way * emission(d, text, s)).collect();
            let at = |s: usize| seen.get(s).copied().unwrap_or(0.0);
            let on =
                |s: usize| at(s) + at(s + 1) + if jumps.get(s + 2) == Some(&true) { at(s + 2) } else { 0.0 };
            backward.push(std::mem::replace(&mut after, (0..states).map(on).collect()));
        }
        backward.reverse();
        Self { steps, text, forward, backward }
    }

    fn total(&self) -> f64 {
        self.forward.last().map_or(0.0, |row| row.iter().rev().take(2).sum::<f64>().clamp(0.0, 1.0))
    }

    /// One distribution a character, and the probability of the text.
    fn read(&self) -> (Vec<CharDistribution>, f32) {
        let positions = (0..self.text.len()).map(|at| {
            let ways: [f64; 36] = std::array::from_fn(|class| self.with(at, class));
            let mut shorter = self.text.to_vec();
            shorter.remove(at);
            let none = forward_total(self.steps, &shorter);
            let all = (ways.iter().sum::<f64>() + none).max(f64::MIN_POSITIVE);
            CharDistribution { p: ways.map(|w| (w / all) as f32), none: (none / all) as f32 }
        });
        (positions.collect(), self.total() as f32)
    }

    /// Probability of the text with `class` at place `at`.
    fn with(&self, at: usize, class: usize) -> f64 {
        let state = at * 2 + 1;
        let (before, next) = (at.checked_sub(1).and_then(|i| self.text.get(i)), self.text.get(at + 1));
        let value = |row: Option<&Vec<f64>>, s: usize| row.and_then(|r| r.get(s)).copied().unwrap_or(0.0);
        let (mut inside, mut whole) = (0.0_f64, 0.0_f64);
        for (t, d) in self.steps.iter().enumerate() {
            let p = d.p.get(class).map_or(0.0, |&p| f64::from(p));
            let row = t.checked_sub(1).and_then(|t| self.forward.get(t));
            let mut enter = value(row, state - 1);
            if before.is_some_and(|&c| c != class) {
                enter += value(row, state - 2);
            }
            if t == 0 && at == 0 {
                enter = 1.0;
            }
            inside = (inside + enter) * p;
            if inside == 0.0 {
                continue;
            }
            // Leave to the blank behind, or straight to the next character, or end here.
            let (ahead, row) = (self.steps.get(t + 1), self.backward.get(t + 1));
            let leave = match ahead {
                Some(ahead) => {
                    let blank = emission(ahead, self.text, state + 1) * value(row, state + 1);
                    let jump = next.is_some_and(|&c| c != class);
                    blank
                        + if jump {
                            emission(ahead, self.text, state + 2) * value(row, state + 2)
                        } else {
                            0.0
                        }
                }
                None => f64::from(u8::from(next.is_none())),
            };
            whole += inside * leave;
        }
        whole
    }
}

/// Probability of state `s` of `text` at one step.
fn emission(d: &CharDistribution, text: &[usize], s: usize) -> f64 {
    if s.is_multiple_of(2) {
        return f64::from(d.none);
    }
    text.get(s / 2).and_then(|&i| d.p.get(i)).map_or(0.0, |&p| f64::from(p))
}

/// Probability of a text over all alignments.
fn forward_total(steps: &[CharDistribution], text: &[usize]) -> f64 {
    let states = text.len() * 2 + 1;
    let mut alpha = vec![0.0_f64; states];
    for (t, d) in steps.iter().enumerate() {
        // From the last state down, so that what is read is still the step before.
        for s in (0..states).rev() {
            let at = |back: usize| s.checked_sub(back).and_then(|s| alpha.get(s)).copied().unwrap_or(0.0);
            let jump = s % 2 == 1 && s >= 3 && text.get(s / 2) != text.get(s / 2 - 1);
            let way = if t == 0 {
                f64::from(u8::from(s <= 1))
            } else {
                at(0) + at(1) + if jump { at(2) } else { 0.0 }
            };
            if let Some(a) = alpha.get_mut(s) {
                *a = way * emission(d, text, s);
            }
        }
    }
    alpha.iter().rev().take(2).sum::<f64>().clamp(0.0, 1.0)
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
        let p = forward_total(&[d, d], &[10]);
        assert!((p - (0.36 + 0.24 + 0.24)).abs() < 1e-6, "{p}");
        let lattice = Lattice::new(&[d, d], &[10]).total();
        assert!((p - lattice).abs() < 1e-12, "{lattice}");
    }

    #[test]
    fn a_place_has_the_probability_of_each_text_that_differs_there() {
        // Every step undecided between two characters, so that all alignments matter.
        let classes = |t: usize| [(t * 7) % 36, (t * 7 + 11) % 36, 3];
        let steps: Vec<_> = (0..9)
            .map(|t| {
                let mut d = CharDistribution { p: [0.004; 36], none: 0.3 };
                for (i, share) in classes(t).into_iter().zip([0.3, 0.2, 0.05]) {
                    d.p[i] += share;
                }
                d
            })
            .collect();
        let text = [classes(1)[0], 3, 3, classes(6)[1]];
        let lattice = Lattice::new(&steps, &text);
        for at in 0..text.len() {
            for class in 0..36 {
                let mut other = text;
                other[at] = class;
                let (fast, plain) = (lattice.with(at, class), forward_total(&steps, &other));
                assert!((fast - plain).abs() < 1e-12 + plain * 1e-9, "{at} {class}: {fast} against {plain}");
            }
        }
        let (positions, _) = lattice.read();
        for d in positions {
            let sum = d.p.iter().sum::<f32>() + d.none;
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
    }

    #[test]
    fn a_character_spread_over_two_steps_is_one_and_counts_whole() {
        // B at 0.4 and 0.4 beside a blank of 0.5 each: the best path says nothing stands there, all
        // alignments together say B.
        let steps = [step(Some('A'), 0.98), step(None, 0.98), half('B'), half('B'), step(None, 0.98)];
        let (out, _) = collapse(&steps);
        assert_eq!(text(&out), "A");
        // Behind a step that sees it, it is there, with the share of both.
        let steps =
            [step(Some('A'), 0.98), step(None, 0.98), step(Some('B'), 0.55), half('B'), step(None, 0.98)];
        let (out, _) = collapse(&steps);
        assert_eq!(text(&out), "AB");
        assert!(out[1].best().1 > 0.6, "{:?}", out[1].best());
    }

    fn half(c: char) -> CharDistribution {
        let mut d = step(Some(c), 0.44);
        d.none = 0.5;
        d
    }

    #[test]
    fn a_character_that_all_alignments_deny_is_dropped() {
        // The best path has a B by a hair at a step, but ways without it are likelier.
        let mut doubtful = CharDistribution { p: [0.0; 36], none: 0.34 };
        doubtful.p[11] = 0.35;
        doubtful.p[12] = 0.31;
        let mut a = CharDistribution { p: [0.0; 36], none: 0.0 };
        a.p[10] = 1.0;
        let (out, _) = collapse(&[a, doubtful, step(None, 1.0)]);
        assert_eq!(text(&out), "AB");
        // With an A among its ways (a continued character) the text without B wins.
        doubtful.p[12] = 0.0;
        doubtful.p[10] = 0.31;
        let (out, _) = collapse(&[a, doubtful, step(None, 1.0)]);
        assert_eq!(text(&out), "A");
    }

    #[test]
    fn classes_map_whatever_their_order() {
        let classes = class_map("BA", 0);
        let d = distribution(&[0.1, 0.7, 0.2], &classes);
        assert_eq!((d.best(), d.none), (('B', 0.7), 0.1));
        assert_eq!(d.of('A'), 0.2);
    }
}
