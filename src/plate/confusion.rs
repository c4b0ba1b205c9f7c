//! Which characters readers and people take for each other.

use crate::domain::PlateText;

/// The one character that stands for `c` where scoring folds what labels themselves mix up: `O` and `Q`
/// are `0`, `I` is `1`. For figures only, never for matching.
pub fn fold_char(c: char) -> char {
    match c {
        'O' | 'Q' => '0',
        'I' => '1',
        other => other,
    }
}

/// [`fold_char`] over a whole text.
pub fn fold(text: &PlateText) -> String {
    text.as_str().chars().map(fold_char).collect()
}

/// Characters of the other class (letter for digit, digit for letter) that `c` is taken for, in two ranks:
/// those drawn alike in every plate font, then those alike only in dirt or at a distance. A rank is asked
/// only where a format allows nothing of the rank before.
pub fn across(c: char) -> [&'static [char]; 2] {
    match c {
        '0' => [&['O'], &['D', 'Q']],
        '1' => [&['I'], &['L', 'T']],
        '2' => [&['Z'], &[]],
        '4' => [&[], &['A']],
        '5' => [&['S'], &[]],
        '6' => [&['G'], &[]],
        '7' => [&[], &['T', 'Z']],
        '8' => [&['B'], &[]],
        'A' => [&[], &['4']],
        'B' => [&['8'], &[]],
        'D' => [&[], &['0']],
        'G' => [&['6'], &[]],
        'I' => [&['1'], &[]],
        'L' => [&[], &['1']],
        'O' => [&['0'], &[]],
        'Q' => [&['0'], &[]],
        'S' => [&['5'], &[]],
        'T' => [&[], &['1', '7']],
        'Z' => [&['2'], &['7']],
        _ => [&[], &[]],
    }
}

/// Whether two characters are the same or look-alikes across letters and digits.
pub fn alike(a: char, b: char) -> bool {
    a == b || across(a).iter().any(|rank| rank.contains(&b)) || across(b).iter().any(|rank| rank.contains(&a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_mutual_and_cross_the_classes() {
        let all = || ('0'..='9').chain('A'..='Z');
        for a in all() {
            for &b in across(a).into_iter().flatten() {
                assert_ne!(a.is_ascii_digit(), b.is_ascii_digit(), "{a} {b}");
                assert!(across(b).iter().any(|rank| rank.contains(&a)), "{a} {b}");
            }
        }
        assert!(alike('O', '0') && alike('0', 'O') && alike('X', 'X') && !alike('O', 'Q'));
    }

    #[test]
    fn folding_is_idempotent() {
        let text = PlateText::new("OQ0I1B8").unwrap();
        assert_eq!(fold(&text), "00011B8");
        assert_eq!(fold(&PlateText::new(&fold(&text)).unwrap()), fold(&text));
    }
}
