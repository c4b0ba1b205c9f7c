//! A line → its columns, by separator or by place.
//!
//! Why not the csv crate: it does not say where in a line a column begins (a problem names that place), a
//! quote left open swallows the rest of the file, and it copies every field. Ours only notes where columns
//! are; a property test holds it to the csv crate's reading of well-formed rows.

use super::text::Line;

/// The most lines one quoted column may span; a quote still open then was left open by mistake.
pub(super) const MAX_QUOTED_LINES: u64 = 32;

/// One column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    /// Bytes in the line, quotes left out; or in `unquoted` where it holds doubled quotes.
    from: u32,
    to: u32,
    /// Where its text begins in the line.
    at: u32,
    doubled: bool,
}

/// Why a line has no columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// A quote that begins a column is not closed on this line.
    Open,
    /// Text after the quote that closed a column, at this byte.
    AfterQuote(usize),
}

/// How columns are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Separators {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// Columns a row has where what is beyond belongs to the last one.
    pub rest_from: Option<usize>,
}

/// The columns of the row last split; used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    unquoted: Vec<u8>,
}

impl Cells {
    /// The whole line as one column.
    pub fn whole(&mut self, line: &[u8]) {
        self.cells.clear();
        self.push(0, line.len());
    }

    /// Finds the columns of `line`.
    pub fn split(&mut self, line: &[u8], by: Separators) -> Result<(), Broken> {
        self.cells.clear();
        let quoted = by.quote.is_some_and(|q| memchr::memchr(q, line).is_some());
        if let (true, Some(quote)) = (quoted, by.quote) {
            return self.split_quoted(line, by, quote);
        }
        let mut start = 0;
        for at in memchr::memchr_iter(by.delimiter, line) {
            if by.rest_from.is_some_and(|n| self.cells.len() + 1 >= n) {
                break;
            }
            self.push(start, at);
            start = at + 1;
        }
        self.push(start, line.len());
        Ok(())
    }

    fn push(&mut self, from: usize, to: usize) {
        // Lines are at most a megabyte long.
        let cell = Cell { from: from as u32, to: to as u32, at: from as u32, doubled: false };
        self.cells.push(cell);
    }

    fn split_quoted(&mut self, line: &[u8], by: Separators, quote: u8) -> Result<(), Broken> {
        self.unquoted.clear();
        let mut start = 0;
        loop {
            let rest = line.get(start..).unwrap_or_default();
            let last = by.rest_from.is_some_and(|n| self.cells.len() + 1 >= n);
            if rest.first() == Some(&quote) && !last {
                let end = self.quoted(line, start + 1, quote)?;
                match line.get(end) {
                    None => return Ok(()),
                    Some(&b) if b == by.delimiter => start = end + 1,
                    // Spaces between the quote and the separator are harmless.
                    Some(_) => {
                        let after = line.get(end..).unwrap_or_default();
                        let spaces = after.iter().take_while(|&&b| b == b' ').count();
                        match after.get(spaces) {
                            None => return Ok(()),
                            Some(&b) if b == by.delimiter => start = end + spaces + 1,
                            Some(_) => return Err(Broken::AfterQuote(end + spaces)),
                        }
                    }
                }
            } else {
                match memchr::memchr(by.delimiter, rest) {
                    Some(at) if !last => {
                        self.push(start, start + at);
                        start += at + 1;
                    }
                    _ => {
                        self.push(start, line.len());
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Takes the column whose text begins at `from`, after its quote; gives where it ends, after its quote.
    fn quoted(&mut self, line: &[u8], from: usize, quote: u8) -> Result<usize, Broken> {
        let copy = self.unquoted.len();
        let (mut piece, mut doubled) = (from, false);
        loop {
            let rest = line.get(piece..).unwrap_or_default();
            let at = piece + memchr::memchr(quote, rest).ok_or(Broken::Open)?;
            if line.get(at + 1) == Some(&quote) {
                doubled = true;
                self.unquoted.extend_from_slice(line.get(piece..=at).unwrap_or_default());
                piece = at + 2;
                continue;
            }
            let (from32, at32) = (from as u32, at as u32);
            self.cells.push(if doubled {
                self.unquoted.extend_from_slice(line.get(piece..at).unwrap_or_default());
                Cell { from: copy as u32, to: self.unquoted.len() as u32, at: from32, doubled }
            } else {
                Cell { from: from32, to: at32, at: from32, doubled }
            });
            return Ok(at + 1);
        }
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Column `index` of `line`, from 0, and the byte at which it begins.
    pub fn get<'a>(&'a self, line: Line<'a>, index: usize) -> Option<(&'a [u8], usize)> {
        let cell = self.cells.get(index)?;
        let of = if cell.doubled { self.unquoted.as_slice() } else { line.bytes };
        Some((of.get(cell.from as usize..cell.to as usize)?, cell.at as usize))
    }

    /// Whether there is nothing but spaces in any column.
    pub fn are_blank(&self, line: Line<'_>) -> bool {
        (0..self.len()).all(|i| self.get(line, i).is_none_or(|(text, _)| text.trim_ascii().is_empty()))
    }
}

/// The value after `tag` in `line`: up to the next word with a tag (capitals and a slash), and the byte at
/// which it begins.
pub(super) fn tagged<'a>(line: &'a [u8], tag: &[u8]) -> Option<(&'a [u8], usize)> {
    let at = memchr::memmem::find_iter(line, tag)
        .find(|&at| at == 0 || line.get(at - 1).is_some_and(u8::is_ascii_whitespace))?;
    let from = at + tag.len();
    let rest = line.get(from..)?;
    let is_tag = |word: &[u8]| {
        let letters = word.iter().take_while(|b| b.is_ascii_uppercase()).count();
        (2..=5).contains(&letters) && word.get(letters) == Some(&b'/')
    };
    let end = (0..rest.len())
        .find(|&i| rest.get(i).is_some_and(u8::is_ascii_whitespace) && rest.get(i + 1..).is_some_and(is_tag))
        .unwrap_or(rest.len());
    Some((rest.get(..end)?, from))
}

/// The delimiter that the first line with anything in it uses: a comma, else a semicolon, a tab, a bar.
pub(super) fn guess_delimiter(line: &[u8]) -> u8 {
    [b',', b';', b'\t', b'|'].into_iter().find(|d| line.contains(d)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str, by: Separators) -> Result<Vec<String>, Broken> {
        let mut cells = Cells::default();
        cells.split(text.as_bytes(), by)?;
        let line = Line { bytes: text.as_bytes(), number: 1, lines: 1, cut: false };
        let cell = |i| String::from_utf8_lossy(cells.get(line, i).unwrap().0).into_owned();
        Ok((0..cells.len()).map(cell).collect())
    }

    const COMMA: Separators = Separators { delimiter: b',', quote: Some(b'"'), rest_from: None };

    #[test]
    fn columns_quotes_and_the_rest() {
        assert_eq!(split("a,,\"b,\"\"c\"\"\", d\"e,", COMMA).unwrap(), ["a", "", "b,\"c\"", " d\"e", ""]);
        assert_eq!(split("\"a\" ,b", COMMA).unwrap(), ["a", "b"]);
        assert_eq!(split("a,\"b", COMMA), Err(Broken::Open));
        assert_eq!(split("\"a\"b,c", COMMA), Err(Broken::AfterQuote(3)));
        let rest = Separators { rest_from: Some(3), ..COMMA };
        assert_eq!(split("a,b,c, \"d\", e", rest).unwrap(), ["a", "b", "c, \"d\", e"]);
        assert_eq!(split("a,b,c,d", rest).unwrap(), ["a", "b", "c,d"]);
        let plain = Separators { quote: None, ..COMMA };
        assert_eq!(split("\"a,b\"", plain).unwrap(), ["\"a", "b\""]);
    }

    #[test]
    fn tagged_values() {
        let line = b"660JEM  WIPCSTOLEN VYR/05 VMA/DODG VCO/RED     DOT/010315 LDS/V16 A/B";
        let value =
            |tag: &str| tagged(line, tag.as_bytes()).map(|v| String::from_utf8_lossy(v.0).into_owned());
        assert_eq!(value("VYR/").as_deref(), Some("05"));
        assert_eq!(value("VCO/").as_deref(), Some("RED    "));
        assert_eq!(value("LDS/").as_deref(), Some("V16 A/B"));
        assert_eq!(value("VST/"), None);
    }

    proptest! {
        #[test]
        fn well_formed_rows_are_read_as_the_csv_crate_reads_them(
            fields in prop::collection::vec("[ab,;\"é ]{0,6}", 1..8),
        ) {
            let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(&fields).unwrap();
            let row = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(split(row.trim_end_matches('\n'), COMMA), Ok(fields));
        }

        #[test]
        fn rows_without_quotes_are_read_as_the_csv_crate_reads_them(row in "[ab, é]{1,30}") {
            let mut reader =
                ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(row.as_bytes());
            let record: Vec<String> =
                reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
            prop_assert_eq!(split(&row, COMMA), Ok(record));
        }

        #[test]
        fn no_line_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), n in 0usize..5) {
            let mut cells = Cells::default();
            let by = Separators { rest_from: (n > 0).then_some(n), ..COMMA };
            let _ = cells.split(&bytes, by);
            let line = Line { bytes: &bytes, number: 1, lines: 1, cut: false };
            for i in 0..=cells.len() { let _ = cells.get(line, i); }
            let _ = tagged(&bytes, b"VYR/");
        }
    }
}
