//! Dates and times as lists write them, by patterns such as `DD/MM/YYYY`.

use crate::domain::{Utc, Zone};

/// A way of writing a date: `YYYY`, `YY`, `MM`, `DD`, `hh`, `mm`, `ss`; everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Year4,
    /// 70 to 99 are 19xx, 00 to 69 are 20xx.
    Year2,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Literal(char),
}

impl Pattern {
    /// Reads a pattern; the error says what it lacks.
    pub fn parse(text: &str) -> Result<Self, String> {
        const NAMES: [(&str, Piece); 7] = [
            ("YYYY", Piece::Year4),
            ("YY", Piece::Year2),
            ("MM", Piece::Month),
            ("DD", Piece::Day),
            ("hh", Piece::Hour),
            ("mm", Piece::Minute),
            ("ss", Piece::Second),
        ];
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            match NAMES.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, piece)) => {
                    if pieces.contains(piece) {
                        return Err(format!("date pattern {text:?} has {name} twice"));
                    }
                    pieces.push(*piece);
                    rest = rest.get(name.len()..).unwrap_or_default();
                }
                None if c.is_ascii_alphabetic() && c != 'T' && c != 'Z' => {
                    return Err(format!(
                        "date pattern {text:?} has {c:?}; it is made of YYYY or YY, MM, DD, hh, mm, ss and the \
                         signs between them"
                    ));
                }
                None => {
                    pieces.push(Piece::Literal(c));
                    rest = rest.get(c.len_utf8()..).unwrap_or_default();
                }
            }
        }
        let year = pieces.contains(&Piece::Year4) != pieces.contains(&Piece::Year2);
        if !(year && pieces.contains(&Piece::Month) && pieces.contains(&Piece::Day)) {
            return Err(format!("date pattern {text:?} needs one year (YYYY or YY), MM and DD"));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant that `text` means in `zone`; with `last_day` and no time of day, the end of that day.
    /// Single digits are taken where the sign after them says where they end.
    pub fn read(&self, text: &str, zone: &Zone, last_day: bool) -> Option<Utc> {
        let (mut year, mut month, mut day) = (None::<i16>, None::<i8>, None::<i8>);
        let (mut hour, mut minute, mut second) = (None::<i8>, None::<i8>, None::<i8>);
        let mut rest = text;
        for (i, piece) in self.pieces.iter().enumerate() {
            if let Piece::Literal(c) = piece {
                rest = rest.strip_prefix(*c)?;
                continue;
            }
            let most = if *piece == Piece::Year4 { 4 } else { 2 };
            let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            // "5/3/2026" is clear, "532026" is not.
            let ends = matches!(self.pieces.get(i + 1), None | Some(Piece::Literal(_)))
                && matches!(
                    i.checked_sub(1).and_then(|i| self.pieces.get(i)),
                    None | Some(Piece::Literal(_))
                );
            let fewest = if matches!(piece, Piece::Year4 | Piece::Year2) || !ends { most } else { 1 };
            if digits < fewest {
                return None;
            }
            let number: i16 = rest.get(..digits)?.parse().ok()?;
            rest = rest.get(digits..)?;
            let small = i8::try_from(number).ok();
            match piece {
                Piece::Year4 => year = Some(number),
                Piece::Year2 => year = Some(number + if number >= 70 { 1900 } else { 2000 }),
                Piece::Month => month = small,
                Piece::Day => day = small,
                Piece::Hour => hour = small,
                Piece::Minute => minute = small,
                Piece::Second => second = small,
                Piece::Literal(_) => {}
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let (year, month, day) = (year?, month?, day?);
        // A year before this is a slip or a filler, and would hide an entry for ever.
        if !(1900..=9998).contains(&year) {
            return None;
        }
        let at =
            zone.instant(year, month, day, hour.unwrap_or(0), minute.unwrap_or(0), second.unwrap_or(0))?;
        if last_day && hour.is_none() { next_midnight(at, zone) } else { Some(at) }
    }
}

/// The first midnight after `midnight` in `zone`: 23, 24 or 25 hours later.
pub(super) fn next_midnight(midnight: Utc, zone: &Zone) -> Option<Utc> {
    const HOUR: i64 = 3_600_000;
    (23..=25).map(|h| midnight.plus_ms(h * HOUR)).find(|t| zone.wall(*t).minute == 0)
}

/// RFC 3339 with an offset, or a date alone.
pub(super) fn read_iso(text: &str, zone: &Zone, last_day: bool) -> Option<Utc> {
    let bytes = text.as_bytes();
    if let [y @ .., b'-', m1, m2, b'-', d1, d2] = bytes
        && y.len() == 4
        && bytes.iter().all(|b| b.is_ascii_digit() || *b == b'-')
    {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<i16>().ok();
        let small = |digits: &[u8]| number(digits).and_then(|n| i8::try_from(n).ok());
        let at = zone.instant(number(y)?, small(&[*m1, *m2])?, small(&[*d1, *d2])?, 0, 0, 0)?;
        return if last_day { next_midnight(at, zone) } else { Some(at) };
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        Pattern::parse(pattern).unwrap().read(text, &Zone::utc(), false).map(|t| t.to_string())
    }

    #[test]
    fn patterns_of_the_field() {
        let day = Some("2019-05-03T00:00:00.000Z".to_owned());
        for (pattern, text) in [
            ("YYYYMMDD", "20190503"),
            ("DD/MM/YYYY", "03/05/2019"),
            ("DD/MM/YYYY", "3/5/2019"),
            ("MM/DD/YYYY", "05/03/2019"),
            ("MMDDYY", "050319"),
            ("DD.MM.YY", "3.5.19"),
            ("YYYY-MM-DD", "2019-05-03"),
        ] {
            assert_eq!(read(pattern, text), day, "{pattern} {text}");
        }
        assert_eq!(read("DD/MM/YYYY hh:mm", "03/05/2019 14:05").as_deref(), Some("2019-05-03T14:05:00.000Z"));
        for (pattern, text) in [
            ("YYYYMMDD", "20190532"),
            ("YYYYMMDD", "2019050"),
            ("YYYYMMDD", "201905033"),
            ("YYYYMMDD", "00000000"),
            ("DD/MM/YYYY", "05/13/2019"),
            ("DD/MM/YYYY", "3/5/19"),
            ("DD/MM/YYYY", "३/5/2019"),
            ("DD/MM/YYYY", ""),
        ] {
            assert_eq!(read(pattern, text), None, "{pattern} {text}");
        }
    }

    #[test]
    fn the_last_day_counts_to_its_end_where_it_is() {
        let brussels = Zone::parse("Europe/Brussels").unwrap();
        let pattern = Pattern::parse("DD/MM/YYYY").unwrap();
        let read = |text, last| pattern.read(text, &brussels, last).unwrap().to_string();
        assert_eq!(read("31/12/2026", false), "2026-12-30T23:00:00.000Z");
        assert_eq!(read("31/12/2026", true), "2026-12-31T23:00:00.000Z");
        // The day with 25 hours.
        assert_eq!(read("25/10/2026", true), "2026-10-25T23:00:00.000Z");
        assert_eq!(read("29/03/2026", true), "2026-03-29T22:00:00.000Z");
        let iso = |text, last| read_iso(text, &brussels, last).map(|t| t.to_string());
        assert_eq!(iso("2026-12-31", true).as_deref(), Some("2026-12-31T23:00:00.000Z"));
        assert_eq!(iso("2026-12-31T08:00:00+01:00", true).as_deref(), Some("2026-12-31T07:00:00.000Z"));
        assert_eq!(iso("2026-13-31", true), None);
    }

    #[test]
    fn patterns_that_say_too_little() {
        for bad in ["DD/MM", "YYYY", "MM/MM/YYYY", "YYYYYY-MM-DD", "dd/mm/yyyy", ""] {
            assert!(Pattern::parse(bad).unwrap_err().contains("date pattern"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            for pattern in ["YYYYMMDD", "DD/MM/YYYY hh:mm:ss", "MMDDYY"] {
                let _ = Pattern::parse(pattern).unwrap().read(&text, &Zone::utc(), true);
            }
            let _ = Pattern::parse(&text);
            let _ = read_iso(&text, &Zone::utc(), true);
        }
    }
}
