//! The assignment that is best as a whole: which of `n` belongs to which of `m`.
//!
//! The Hungarian method in its shortest-augmenting-path form (Jonker and Volgenant 1987, after Kuhn 1955), cubic in
//! the smaller side. Taking the best pair first instead lets one lucky pair push two plates apart that stand close
//! together or cross.

/// For each row the column it is given, so that the sum of `worth` is greatest. Pairs of worth 0 or less, and
/// NaN, are never made. `worth` has one row of equal length a row.
pub(super) fn assign(worth: &[Vec<f32>]) -> Vec<Option<usize>> {
    let rows = worth.len();
    let columns = worth.iter().map(Vec::len).max().unwrap_or(0);
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // Every row has a column of its own beside the real ones, worth nothing: staying alone.
    let width = columns + rows;
    let value = |r: usize, c: usize| -> f64 {
        let w = worth.get(r).and_then(|row| row.get(c)).copied().unwrap_or(0.0);
        if w > 0.0 { f64::from(w) } else { 0.0 }
    };
    let cost = |r: usize, c: usize| -value(r, c);
    // One-based, as in the literature: column 0 is where a new row enters.
    let mut of_column = vec![0_usize; width + 1];
    let (mut row_price, mut column_price) = (vec![0.0_f64; rows + 1], vec![0.0_f64; width + 1]);
    for row in 1..=rows {
        of_column[0] = row;
        let mut at = 0_usize;
        let mut least = vec![f64::INFINITY; width + 1];
        let mut from = vec![0_usize; width + 1];
        let mut used = vec![false; width + 1];
        loop {
            used[at] = true;
            let (r, mut step, mut next) = (of_column[at], f64::INFINITY, 0);
            for c in 1..=width {
                if used[c] {
                    continue;
                }
                let reduced = cost(r - 1, c - 1) - row_price[r] - column_price[c];
                if reduced < least[c] {
                    (least[c], from[c]) = (reduced, at);
                }
                if least[c] < step {
                    (step, next) = (least[c], c);
                }
            }
            for c in 0..=width {
                if used[c] {
                    row_price[of_column[c]] += step;
                    column_price[c] -= step;
                } else {
                    least[c] -= step;
                }
            }
            at = next;
            if of_column[at] == 0 {
                break;
            }
        }
        while at != 0 {
            of_column[at] = of_column[from[at]];
            at = from[at];
        }
    }
    let mut given = vec![None; rows];
    for (c, &row) in of_column.iter().enumerate().skip(1).take(columns) {
        if row > 0 && value(row - 1, c - 1) > 0.0 {
            given[row - 1] = Some(c - 1);
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(worth: &[Vec<f32>], given: &[Option<usize>]) -> f32 {
        given.iter().zip(worth).filter_map(|(c, row)| row.get((*c)?)).sum()
    }

    /// The best sum by trying everything.
    fn best(worth: &[Vec<f32>], taken: &mut Vec<bool>) -> f32 {
        let Some((row, rest)) = worth.split_first() else { return 0.0 };
        let mut most = best(rest, taken);
        for (c, w) in row.iter().enumerate() {
            if *w > 0.0 && !taken[c] {
                taken[c] = true;
                most = most.max(w + best(rest, taken));
                taken[c] = false;
            }
        }
        most
    }

    #[test]
    fn the_whole_counts_not_the_best_pair() {
        // Best first takes 0.9 and leaves 0.1; together 0.8 and 0.8 are more.
        let worth = [vec![0.9, 0.8], vec![0.8, 0.1]];
        assert_eq!(assign(&worth), [Some(1), Some(0)]);
    }

    #[test]
    fn what_is_worth_nothing_stays_alone() {
        assert_eq!(assign(&[vec![0.0, -1.0, f32::NAN]]), [None]);
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
        assert!(assign(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_else_is_worth_more(rows in 1_usize..6, columns in 1_usize..6, seed in prop::collection::vec(-0.3_f32..1.0, 36)) {
            let worth: Vec<Vec<f32>> =
                (0..rows).map(|r| (0..columns).map(|c| seed[r * 6 + c]).collect()).collect();
            let given = assign(&worth);
            let mut columns_used: Vec<usize> = given.iter().flatten().copied().collect();
            columns_used.sort_unstable();
            columns_used.dedup();
            prop_assert_eq!(columns_used.len(), given.iter().flatten().count());
            prop_assert!((total(&worth, &given) - best(&worth, &mut vec![false; columns])).abs() < 1e-4);
        }
    }
}
