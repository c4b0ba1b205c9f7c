//! Any way of writing a plate → the one form in which plates are compared.

use crate::domain::{PlateText, PlateTextError};

/// Why a written text is no plate. The text names what was found and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    /// A character that neither stands on a plate nor separates its groups.
    #[error(
        "character {character:?} (U+{:04X}) at position {column} cannot stand on a plate; \
         letters A-Z, digits, spaces, hyphens and dots can",
        *character as u32
    )]
    Character {
        /// What stood there.
        character: char,
        /// Counted in characters of the text as it was given, from 1.
        column: usize,
    },
    /// Nothing but separators.
    #[error("no letter or digit")]
    Empty,
    /// Longer than any plate.
    #[error("{0} letters and digits, at most {max} are possible", max = PlateText::MAX_LEN)]
    TooLong(usize),
}

/// Capitals, no separators, look-alikes of other scripts as the Latin letter they look like.
///
/// * Spaces of all kinds, tabs, hyphens and dashes, dots, middle dots, `·•_/|:` and quotes separate groups
///   and go; invisible marks (byte order mark, zero-width, soft hyphen) go.
/// * `Ä Ö Ü` become `A O U` (German, Austrian, Swiss and Nordic plates carry them, readers and most lists
///   do not); so do the other accented Latin letters of European plates (`Č Ć Š Ž Đ Å Ø É …`).
///   `TÖL-BA 218` is therefore the same plate as `TOL-BA 218`: no two districts differ by that alone.
/// * Cyrillic and Greek capitals that look like a Latin one become it (`А В Е К М Н О Р С Т У Х`): the
///   twelve that Russian and the ones that Greek plates use exist because of that likeness.
/// * Full-width forms become plain ones.
///
/// Everything else is refused by name and place. Normalising twice changes nothing.
pub fn normalise(text: &str) -> Result<PlateText, NormaliseError> {
    if text.is_ascii() { of_ascii(text.as_bytes()) } else { of_any(text) }
}

/// What nearly every line of a long list holds.
fn of_ascii(text: &[u8]) -> Result<PlateText, NormaliseError> {
    let mut out = [0; PlateText::MAX_LEN];
    let mut length = 0usize;
    for (i, &b) in text.iter().enumerate() {
        match b {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                if let Some(slot) = out.get_mut(length) {
                    *slot = b.to_ascii_uppercase();
                }
                length += 1;
            }
            _ if is_separator(char::from(b)) => {}
            _ => return Err(NormaliseError::Character { character: char::from(b), column: i + 1 }),
        }
    }
    finish(
        std::str::from_utf8(out.get(..length.min(out.len())).unwrap_or_default()).unwrap_or_default(),
        length,
    )
}

fn of_any(text: &str) -> Result<PlateText, NormaliseError> {
    let mut out = String::with_capacity(PlateText::MAX_LEN);
    let mut length = 0usize;
    for (i, c) in text.chars().enumerate() {
        let latin = match c {
            '0'..='9' | 'A'..='Z' => c,
            'a'..='z' => c.to_ascii_uppercase(),
            _ if is_separator(c) => continue,
            _ => latin(c).ok_or(NormaliseError::Character { character: c, column: i + 1 })?,
        };
        length += 1;
        if length <= PlateText::MAX_LEN {
            out.push(latin);
        }
    }
    finish(&out, length)
}

/// Of `length` characters, `out` holds as many as a plate has.
fn finish(out: &str, length: usize) -> Result<PlateText, NormaliseError> {
    if length > PlateText::MAX_LEN {
        return Err(NormaliseError::TooLong(length));
    }
    PlateText::new(out).map_err(|e| match e {
        PlateTextError::Empty => NormaliseError::Empty,
        PlateTextError::TooLong(n) => NormaliseError::TooLong(n),
        PlateTextError::Character(character) => NormaliseError::Character { character, column: 1 },
    })
}

/// What may stand between the groups of a plate, and marks that cannot be seen.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '_' | '/' | '|' | ':' | '\'' | '"')
        || matches!(c,
            '\u{00AD}' | '\u{00B7}' | '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{201C}'
            | '\u{201D}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{2212}' | '\u{2219}' | '\u{22C5}'
            | '\u{30FB}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' | '\u{FF0E}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

/// The Latin capital that `c` is or looks like.
fn latin(c: char) -> Option<char> {
    Some(match c {
        // Full-width forms, as Asian input methods write them.
        '\u{FF10}'..='\u{FF19}' => char::from(b'0' + (c as u32 - 0xFF10) as u8),
        '\u{FF21}'..='\u{FF3A}' => char::from(b'A' + (c as u32 - 0xFF21) as u8),
        '\u{FF41}'..='\u{FF5A}' => char::from(b'A' + (c as u32 - 0xFF41) as u8),
        // Accented Latin letters of European plates, place codes and keyboards.
        'À'..='Å' | 'à'..='å' | 'Ā' | 'ā' | 'Ă' | 'ă' | 'Ą' | 'ą' => 'A',
        'Ç' | 'ç' | 'Ć' | 'ć' | 'Č' | 'č' => 'C',
        'Ď' | 'ď' | 'Đ' | 'đ' => 'D',
        'È'..='Ë' | 'è'..='ë' | 'Ē' | 'ē' | 'Ė' | 'ė' | 'Ę' | 'ę' | 'Ě' | 'ě' => 'E',
        'Ğ' | 'ğ' | 'Ģ' | 'ģ' => 'G',
        'Ì'..='Ï' | 'ì'..='ï' | 'Ī' | 'ī' | 'Į' | 'į' | 'İ' | 'ı' => 'I',
        'Ķ' | 'ķ' => 'K',
        'Ĺ' | 'ĺ' | 'Ļ' | 'ļ' | 'Ľ' | 'ľ' | 'Ł' | 'ł' => 'L',
        'Ñ' | 'ñ' | 'Ń' | 'ń' | 'Ņ' | 'ņ' | 'Ň' | 'ň' => 'N',
        'Ò'..='Ö' | 'ò'..='ö' | 'Ø' | 'ø' | 'Ō' | 'ō' | 'Ő' | 'ő' => 'O',
        'Ŕ' | 'ŕ' | 'Ř' | 'ř' => 'R',
        'Ś' | 'ś' | 'Ş' | 'ş' | 'Š' | 'š' | 'Ș' | 'ș' => 'S',
        'Ţ' | 'ţ' | 'Ť' | 'ť' | 'Ț' | 'ț' => 'T',
        'Ù'..='Ü' | 'ù'..='ü' | 'Ū' | 'ū' | 'Ů' | 'ů' | 'Ű' | 'ű' | 'Ų' | 'ų' => 'U',
        'Ý' | 'ý' | 'Ÿ' | 'ÿ' => 'Y',
        'Ź' | 'ź' | 'Ż' | 'ż' | 'Ž' | 'ž' => 'Z',
        // Cyrillic by shape, not by sound: В is B, Н is H, Р is P, С is C, У is Y, Х is X.
        'А' | 'а' => 'A',
        'В' | 'в' => 'B',
        'С' | 'с' => 'C',
        'Е' | 'е' | 'Ё' | 'ё' => 'E',
        'Н' | 'н' => 'H',
        'І' | 'і' | 'Ї' | 'ї' => 'I',
        'Ј' | 'ј' => 'J',
        'К' | 'к' => 'K',
        'М' | 'м' => 'M',
        'О' | 'о' => 'O',
        'Р' | 'р' => 'P',
        'Ѕ' | 'ѕ' => 'S',
        'Т' | 'т' => 'T',
        'У' | 'у' => 'Y',
        'Х' | 'х' => 'X',
        // Greek by shape. Small letters too: a list in small letters means the capitals of the plate.
        'Α' | 'α' | 'ά' | 'Ά' => 'A',
        'Β' | 'β' => 'B',
        'Ε' | 'ε' | 'έ' | 'Έ' => 'E',
        'Ζ' | 'ζ' => 'Z',
        'Η' | 'η' | 'ή' | 'Ή' => 'H',
        'Ι' | 'ι' | 'ί' | 'Ί' => 'I',
        'Κ' | 'κ' => 'K',
        'Μ' | 'μ' => 'M',
        'Ν' | 'ν' => 'N',
        'Ο' | 'ο' | 'ό' | 'Ό' => 'O',
        'Ρ' | 'ρ' => 'P',
        'Τ' | 'τ' => 'T',
        'Υ' | 'υ' | 'ύ' | 'Ύ' => 'Y',
        'Χ' | 'χ' => 'X',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn n(text: &str) -> String {
        normalise(text).map_or_else(|e| e.to_string(), |t| t.to_string())
    }

    #[test]
    fn ways_of_writing_one_plate() {
        for way in [
            "1-ABC-123",
            "1abc123",
            " 1 ABC 123 ",
            "1\u{a0}ABC\u{a0}123",
            "1·ABC·123",
            "1–ABC–123",
            "\u{feff}1.ABC.123",
            "1-АВС-123",
            "1-ΑΒC-123",
            "１ＡＢＣ１２３",
        ] {
            assert_eq!(n(way), "1ABC123", "{way:?}");
        }
        assert_eq!(n("TÖL-BA 218"), "TOLBA218");
        assert_eq!(n("zg 123-čž"), "ZG123CZ");
    }

    #[test]
    fn refusals_name_character_and_place() {
        assert_eq!(normalise("1-ABC?123"), Err(NormaliseError::Character { character: '?', column: 6 }));
        assert!(n("1-ЖBC-123").contains("'Ж' (U+0416) at position 3"), "{}", n("1-ЖBC-123"));
        assert!(n("1-ABC-*").contains('*'));
        assert_eq!(normalise(" - "), Err(NormaliseError::Empty));
        assert_eq!(normalise(&"1-".repeat(20)), Err(NormaliseError::TooLong(20)));
    }

    proptest! {
        #[test]
        fn is_idempotent_and_never_panics(text in "\\PC{0,24}") {
            if let Ok(once) = normalise(&text) {
                prop_assert_eq!(normalise(once.as_str()), Ok(once));
            }
        }

        #[test]
        fn the_short_way_is_the_long_one(text in "[ -~\t]{0,24}") {
            prop_assert_eq!(of_ascii(text.as_bytes()), of_any(&text));
        }

        #[test]
        fn forms_of_official_plates_mean_the_same(
            plate in prop::sample::select(vec!["CDAB123", "CD1A234", "X2612ABC", "W26AB123", "ZABC123", "U26123ABC", "EX1234AB"]),
            seps in prop::collection::vec(prop::sample::select(vec!["", "-", ".", " ", " - ", "\u{a0}", "–"]), 10),
            lower in any::<bool>(),
        ) {
            let spread: String = plate.chars().zip(&seps).flat_map(|(c, s)| [c.to_string(), (*s).to_owned()]).collect();
            let spread = if lower { spread.to_lowercase() } else { spread };
            prop_assert_eq!(normalise(&spread).map(|t| t.to_string()), Ok(plate.to_owned()));
        }

        #[test]
        fn ignores_case_and_separators(text in "[0-9A-Z]{1,16}", sep in "[ .\u{a0}-]") {
            let spread: String = text.chars().flat_map(|c| [sep.clone(), c.to_lowercase().to_string()]).collect();
            let normalised = normalise(&spread);
            prop_assert_eq!(normalised.as_ref().map(PlateText::as_str), Ok(text.as_str()));
        }
    }
}
