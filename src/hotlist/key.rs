//! The text of an entry in 12 bytes.

use crate::domain::{ALPHABET, Listed, PlateText};

/// Code of `*` and of `?`; 1 to 36 are the characters of [`ALPHABET`], 0 stands past the end.
const RUN: u8 = 37;
const ONE: u8 = 38;

/// A text in three words that sort as the texts do: 6 bits a character. Patterns have keys too, which no
/// plate's key equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u32; 3]);

impl Key {
    pub fn of(text: &PlateText) -> Self {
        Self::of_ascii(text.as_str().as_bytes())
    }

    pub fn of_listed(text: &Listed) -> Self {
        Self::of_ascii(text.as_str().as_bytes())
    }

    /// At most 16 of `0-9 A-Z * ?`; what comes after is left out.
    fn of_ascii(text: &[u8]) -> Self {
        Self::of_codes(text.iter().map(|&c| match c {
            b'0'..=b'9' => c - b'0' + 1,
            b'*' => RUN,
            b'?' => ONE,
            _ => c.wrapping_sub(b'A').wrapping_add(11) & 0x3f,
        }))
    }

    /// The key of a text given by places in [`ALPHABET`].
    pub fn of_places(places: &[u8]) -> Self {
        Self::of_codes(places.iter().map(|&p| (p + 1) & 0x3f))
    }

    fn of_codes(codes: impl Iterator<Item = u8>) -> Self {
        let mut bits: u128 = 0;
        let mut length = 0;
        for code in codes.take(PlateText::MAX_LEN) {
            bits = bits << 6 | u128::from(code);
            length += 1;
        }
        bits <<= 6 * (PlateText::MAX_LEN - length);
        Self([(bits >> 64) as u32, (bits >> 32) as u32, bits as u32])
    }

    /// A number that spreads over all 64 bits: the words multiplied by odd constants (Dietzfelbinger et al.
    /// 1997), the upper half folded into the lower.
    pub fn hash(self) -> u64 {
        let [a, b, c] = self.0.map(u64::from);
        let x = (a << 32 | b).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ c.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }

    pub fn listed(self) -> Option<Listed> {
        let [a, b, c] = self.0.map(u128::from);
        let bits = a << 64 | b << 32 | c;
        let mut text = [0u8; PlateText::MAX_LEN];
        let mut length = 0;
        for (i, slot) in text.iter_mut().enumerate() {
            let code = (bits >> (6 * (PlateText::MAX_LEN - 1 - i)) & 0x3f) as u8;
            *slot = match code {
                0 => break,
                RUN => b'*',
                ONE => b'?',
                _ => *ALPHABET.get(usize::from(code) - 1)?,
            };
            length += 1;
        }
        Listed::new(std::str::from_utf8(text.get(..length)?).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_hold_the_text_and_sort_like_it(a in "[0-9A-Z]{1,16}", b in "[0-9A-Z]{1,16}") {
            let (a, b) = (PlateText::new(&a).unwrap(), PlateText::new(&b).unwrap());
            prop_assert_eq!(Key::of(&a).listed(), Some(Listed::Plate(a.clone())));
            prop_assert_eq!(Key::of(&a).cmp(&Key::of(&b)), a.cmp(&b));
            let places: Vec<u8> = a.as_str().bytes()
                .map(|c| ALPHABET.iter().position(|&x| x == c).unwrap() as u8).collect();
            prop_assert_eq!(Key::of_places(&places), Key::of(&a));
        }

        #[test]
        fn keys_hold_patterns(text in "[0-9A-Z]{3,6}[*?][0-9A-Z*?]{0,3}") {
            let Ok(listed) = Listed::new(&text) else { return Ok(()) };
            prop_assert_eq!(Key::of_listed(&listed).listed(), Some(listed));
        }
    }
}
