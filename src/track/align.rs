//! Laying one reading over another of a different length.
//!
//! Needleman and Wunsch 1970 over distributions: a position of the one and a position of the other agree as far as
//! they would name the same character; a character may be missing or be one too many, at the ends more easily than
//! inside, because a detection that is cut too narrow loses ends and one that is too wide gains some.

use crate::domain::CharDistribution;

/// Probability that a reading leaves out a character that is there: inside, and at its ends.
pub(super) const MISSING: f32 = 0.02;
pub(super) const MISSING_END: f32 = 0.03;
/// Probability that a reading has a character where none is: inside, and at its ends.
pub(super) const EXTRA: f32 = 0.002;
pub(super) const EXTRA_END: f32 = 0.01;
/// Two positions never agree less than this: readers take any character for any other now and then.
const LEAST: f32 = 0.01;

/// How a reading lies over a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alignment {
    /// For each position of the profile the reading's position over it; `None` where it has nothing there.
    pub at: Vec<Option<usize>>,
    /// Positions of the reading with nothing under them: before which position of the profile, and which.
    pub extra: Vec<(usize, usize)>,
}

/// Probability that both positions show the same character.
pub(super) fn agreement(a: &CharDistribution, b: &CharDistribution) -> f32 {
    a.p.iter().zip(&b.p).map(|(x, y)| x * y).sum()
}

/// Lays `reading` over `profile` in the likeliest way.
pub(super) fn align(profile: &[CharDistribution], reading: &[CharDistribution]) -> Alignment {
    let (n, m) = (profile.len(), reading.len());
    let width = m + 1;
    let mut score = vec![f32::NEG_INFINITY; (n + 1) * width];
    // 0: both; 1: the reading lacks this one; 2: the reading has one too many.
    let mut step = vec![0_u8; (n + 1) * width];
    score[0] = 0.0;
    for i in 0..=n {
        for j in 0..=m {
            let missing = if j == 0 || j == m { MISSING_END } else { MISSING };
            let extra = if i == 0 || i == n { EXTRA_END } else { EXTRA };
            let mut best = (score[i * width + j], step[i * width + j]);
            if let (Some(up), Some(left)) = (i.checked_sub(1), j.checked_sub(1))
                && let (Some(a), Some(b)) = (profile.get(up), reading.get(left))
            {
                let both = score[up * width + left] + agreement(a, b).max(LEAST).ln();
                best = better(best, (both, 0));
            }
            if let Some(up) = i.checked_sub(1) {
                best = better(best, (score[up * width + j] + missing.ln(), 1));
            }
            if let Some(left) = j.checked_sub(1) {
                // One of 36 characters, any of them.
                best = better(best, (score[i * width + left] + (extra / 36.0).ln(), 2));
            }
            (score[i * width + j], step[i * width + j]) = best;
        }
    }
    let (mut i, mut j) = (n, m);
    let mut result = Alignment { at: vec![None; n], extra: Vec::new() };
    while i > 0 || j > 0 {
        match step[i * width + j] {
            0 if i > 0 && j > 0 => {
                (i, j) = (i - 1, j - 1);
                result.at[i] = Some(j);
            }
            1 if i > 0 => i -= 1,
            _ if j > 0 => {
                j -= 1;
                result.extra.push((i, j));
            }
            _ => i -= 1,
        }
    }
    result.extra.reverse();
    result
}

fn better(a: (f32, u8), b: (f32, u8)) -> (f32, u8) {
    if b.0 > a.0 { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::*;
    use proptest::prelude::*;

    fn lay(profile: &str, over: &str) -> Alignment {
        align(&reading(profile, 0.95, 0, 0.0).positions, &reading(over, 0.95, 0, 0.0).positions)
    }

    #[test]
    fn a_cut_off_end_a_lost_middle_and_one_too_many_are_found() {
        let all =
            |skip: usize| (0..7).map(move |i| if i == skip { None } else { Some(i - usize::from(i > skip)) });
        assert_eq!(lay("1ABC123", "ABC123").at, all(0).collect::<Vec<_>>());
        assert_eq!(lay("1ABC123", "1ABC12").at, all(6).collect::<Vec<_>>());
        assert_eq!(lay("1ABC123", "1AC123").at, all(2).collect::<Vec<_>>());
        let more = lay("1ABC123", "B1ABC123");
        assert_eq!((more.extra, more.at[0]), (vec![(0, 0)], Some(1)));
    }

    #[test]
    fn a_misread_character_is_no_gap() {
        let same = lay("1ABC123", "1A8C123");
        assert_eq!((same.at, same.extra), ((0..7).map(Some).collect(), vec![]));
    }

    proptest! {
        #[test]
        fn every_position_is_used_once_and_in_order(a in "[0-9A-C]{0,9}", b in "[0-9A-C]{0,9}") {
            let laid = lay(&a, &b);
            let mut used: Vec<usize> = laid.at.iter().flatten().copied().chain(laid.extra.iter().map(|e| e.1)).collect();
            prop_assert!(laid.at.iter().flatten().is_sorted());
            used.sort_unstable();
            prop_assert_eq!(used, (0..b.len()).collect::<Vec<_>>());
        }
    }
}
