//! Files as they come, good and broken.

use super::*;
use crate::domain::Country;
use crate::hotlist::{Settings, load_file};
use proptest::prelude::*;

mod mappings;

const HEADER: &str = "plate,category,priority,country,valid_from,valid_until,case,instruction\n";

fn now() -> Utc {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn import(bytes: &[u8]) -> Result<(List, ImportReport), ImportError> {
    import_bytes(bytes, "test", 0.1, now())
}

/// The report even where the file is refused.
fn report(text: &str) -> ImportReport {
    import_bytes(text.as_bytes(), "test", 1.0, now()).map_or_else(|e| e.report().unwrap().clone(), |r| r.1)
}

fn plates(list: &List) -> Vec<String> {
    list.entries().map(|e| e.plate.to_string()).collect()
}

#[test]
fn a_full_row() {
    let text = format!(
        "{HEADER}1-abc-123,stolen-vehicle,10,be,2026-01-01,2027-01-01T00:00:00+01:00,AN.12/26,\"Stop, call 101\"\n"
    );
    let (list, report) = import(text.as_bytes()).unwrap();
    assert_eq!((report.rows, report.loaded, report.bad_rows), (1, 1, 0), "{report}");
    let entry = list.entries().next().unwrap();
    assert_eq!(entry.plate.as_str(), "1ABC123");
    assert_eq!((entry.line, entry.priority), (2, 10));
    assert_eq!(entry.category, "stolen-vehicle");
    assert_eq!(entry.country, Some(Country::BE));
    assert_eq!(entry.valid_from.unwrap().to_string(), "2026-01-01T00:00:00.000Z");
    assert_eq!(entry.valid_until.unwrap().to_string(), "2026-12-31T23:00:00.000Z");
    assert_eq!((entry.case.as_str(), entry.instruction.as_str()), ("AN.12/26", "Stop, call 101"));
    // SHA-256 of the file, as `sha256sum` prints it.
    assert_eq!(list.version().sha256.len(), 64);
    assert_eq!(list.version().loaded_at, now());
}

#[test]
fn only_the_plate_is_mandatory() {
    let (list, _) = import(b"\xEF\xBB\xBFPlate\r\n1-ABC-123\r\n\r\n2-DEF-456\r\n").unwrap();
    let entries: Vec<_> = list.entries().collect();
    assert_eq!(plates(&list), ["1ABC123", "2DEF456"]);
    assert_eq!(entries[0].category, "unspecified");
    assert_eq!((entries[0].priority, entries[0].country), (50, None));
    // The blank line counts as a line.
    assert_eq!((entries[0].line, entries[1].line), (2, 4));
}

#[test]
fn columns_in_any_order_and_unknown_ones() {
    let (list, report) = import(b"Priority;Colour;PLATE;Valid Until\n7;red;1ABC123;\n").unwrap();
    let entry = list.entries().next().unwrap();
    assert_eq!((entry.plate.as_str(), entry.priority), ("1ABC123", 7));
    assert!(report.warnings.iter().any(|w| w.contains("\"Colour\"")), "{report}");
    assert!(report.warnings.iter().any(|w| w.contains("semicolons")), "{report}");
}

#[test]
fn headers_that_cannot_be_used() {
    for (text, says) in [
        ("", "header is nothing"),
        ("\n\n", "header is nothing"),
        ("1ABC123\n2DEF456\n", "without a column \"plate\": \"1ABC123\""),
        ("plate,Plate\n", "column 7: header is a second column \"Plate\""),
    ] {
        let error = import(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    let utf16: Vec<u8> = "\u{feff}plate\n1ABC123\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(plates(&import(&utf16).unwrap().0), ["1ABC123"], "UTF-16 is read");
    assert!(import(b"PK\x03\x04\x00\x00").unwrap_err().to_string().contains("no text"));
}

#[test]
fn every_bad_field_is_named_with_line_and_column() {
    let text = format!(
        "{HEADER}\
         1ABC123,,,,,,,\n\
         1-A!C-123,x,101,BEL,yesterday,,,\n\
         \"2,DEF\",\"a\"\"b\",-1,,,,,\n\
         ,,,,,,,\n\
         ,stolen,,,,,,\n\
         2DEF456,stolen\n\
         2DEF456,a,1,BE,,,,Stop, call\n\
         2DEF456,,,,2026-02-01,2026-01-01,,\n"
    );
    let report = report(&text);
    let found: Vec<(u64, u64, &str)> =
        report.bad.iter().map(|p| (p.line, p.column, p.field.as_str())).collect();
    assert_eq!(
        found,
        [
            (3, 4, "plate"),
            (3, 13, "priority"),
            (3, 17, "country"),
            (3, 21, "valid_from"),
            (4, 3, "plate"),
            (4, 16, "priority"),
            (6, 1, "plate"),
            (7, 15, "row"),
            (8, 24, "row"),
            (9, 23, "valid_until"),
        ],
        "{report}"
    );
    assert_eq!((report.rows, report.bad_rows, report.loaded), (7, 6, 1));
    let said = report.to_string();
    assert!(said.contains("line 3, column 4: plate is \"1-A!C-123\", character '!'"), "{said}");
    assert!(said.contains("priority is \"101\"; allowed is a whole number from 0"), "{said}");
}

#[test]
fn bytes_that_are_not_utf8() {
    let mut text = HEADER.as_bytes().to_vec();
    text.extend_from_slice(b"1ABC123,,,,,,,ok\n2DEF456,,,,,,,Stra\xDFe\n");
    let (list, report) = import_bytes(&text, "test", 0.5, now()).unwrap();
    assert_eq!(plates(&list), ["1ABC123"]);
    assert_eq!((report.bad[0].line, report.bad[0].column), (3, 19), "{report}");
    assert!(report.bad[0].found.contains("not UTF-8"), "{report}");
}

#[test]
fn an_open_quote_costs_its_own_row_only() {
    let text = format!("{HEADER}1ABC123,,,,,,,\"open\n{}", "2DEF456,,,,,,,\n".repeat(30));
    let report = report(&text);
    assert_eq!((report.bad_rows, report.rows, report.bad[0].line), (1, 31, 2), "{report}");
    assert!(report.to_string().contains("quotation mark"), "{report}");
    // A quote further on does not close it: what would follow is no separator.
    let text = format!("{HEADER}1ABC123,,,,,,,\"open\n2DEF456,,,,,,,\"Stop, call 101\"\n3GHI789,,,,,,,\n");
    let (list, report) = import_bytes(text.as_bytes(), "t", 0.5, now()).unwrap();
    assert_eq!(
        (plates(&list), report.bad_rows),
        (vec!["2DEF456".to_owned(), "3GHI789".into()], 1),
        "{report}"
    );
}

#[test]
fn a_quoted_text_may_have_line_breaks() {
    let text =
        format!("{HEADER}1ABC123,,,,,,,\"Stop.\r\nCall \"\"101\"\"\"\r\n2DEF456,,,,,,,\r\n3!,,,,,,,\r\n");
    let (list, report) = import_bytes(text.as_bytes(), "t", 0.5, now()).unwrap();
    let entries: Vec<_> = list.entries().map(|e| (e.plate.to_string(), e.line, e.instruction)).collect();
    assert!(entries.contains(&("1ABC123".into(), 2, "Stop. Call \"101\"".into())), "{entries:?}");
    assert!(entries.contains(&("2DEF456".into(), 4, String::new())), "{entries:?}");
    assert_eq!((report.bad[0].line, report.bad[0].column), (5, 2), "{report}");
}

#[test]
fn more_than_the_share_is_refused_whole() {
    let file = |bad: usize, good: usize| {
        let good: String = (0..good).map(|i| format!("1ABC{i:03},,,,,,,\n")).collect();
        format!("{HEADER}{good}{}", "*,,,,,,,\n".repeat(bad))
    };
    let (list, report) = import(file(2, 18).as_bytes()).unwrap();
    assert_eq!((list.len(), report.bad_rows), (18, 2), "a tenth is allowed");
    let error = import(file(3, 18).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("3 of 21 rows are bad"), "{error}");
    assert!(error.to_string().contains("line 20, column 1: plate is \"*\""), "{error}");
    // Nothing good in it: never an empty list in the place of a full one.
    assert!(import_bytes(file(1, 0).as_bytes(), "t", 1.0, now()).is_err());
}

#[test]
fn repeated_rows_and_contradictions() {
    let text = format!(
        "{HEADER}\
         1ABC123,stolen,10,BE,,,c1,x\n\
         1-ABC-123,stolen,10,BE,,,c1,x\n\
         1ABC123,stolen,20,BE,,,c2,x\n\
         1ABC123,stolen,10,,,,c1,x\n\
         1ABC123,insurance,10,BE,,,c1,x\n"
    );
    let (list, report) = import(text.as_bytes()).unwrap();
    let mut lines: Vec<u64> = list.entries().map(|e| e.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 5, 6], "the first counts; another country or category is another entry");
    assert_eq!((report.loaded, report.duplicate_rows), (3, 2));
    assert_eq!(report.duplicates[0].contradicts, ["priority", "case"]);
    assert_eq!((report.duplicates[0].line, report.duplicates[0].first_line), (4, 2));
    assert!(report.duplicates[1].contradicts.is_empty());
    assert!(report.to_string().contains("another priority, case; line 2 counts"), "{report}");
}

#[test]
fn expired_entries_are_counted_and_loaded() {
    let text = format!("{HEADER}1ABC123,,,,,2020-01-01,,\n2DEF456,,,,,2030-01-01,,\n");
    let (list, report) = import(text.as_bytes()).unwrap();
    assert_eq!((list.len(), report.expired), (2, 1));
}

#[test]
fn files_that_cannot_be_read_say_which() {
    let dir = tempfile::tempdir().unwrap();
    let settings = |path: &str| Settings::plain("zone", dir.path().join(path));
    let error = load_file(&settings("absent.csv")).unwrap_err();
    assert!(error.to_string().contains("absent.csv") && error.is_transient(), "{error}");
    std::fs::write(dir.path().join("bad.csv"), "nothing here\n").unwrap();
    let error = load_file(&settings("bad.csv")).unwrap_err();
    assert!(error.to_string().contains("bad.csv: line 1, column 1: header"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = import(&bytes);
        let mut with_header = HEADER.as_bytes().to_vec();
        with_header.extend_from_slice(&bytes);
        if let Err(e) = import(&with_header) { let _ = e.to_string(); }
    }

    #[test]
    fn every_row_is_loaded_bad_or_repeated(rows in prop::collection::vec("[\",;\n\r1AÄ? -]{0,12}(,[^\n\r]{0,3}){0,8}", 0..20)) {
        let text = format!("{HEADER}{}", rows.join("\n"));
        match import_bytes(text.as_bytes(), "t", 1.0, now()) {
            Ok((list, r)) => {
                prop_assert_eq!(r.rows, r.loaded + r.bad_rows + r.duplicate_rows);
                prop_assert_eq!(list.len() as u64, r.loaded);
                for p in &r.bad {
                    prop_assert!(p.line >= 2 && p.column >= 1);
                }
            }
            // A NUL makes it no text at all.
            Err(e) => prop_assert!(e.report().is_some() || text.contains('\0'), "{}", e),
        }
    }

    #[test]
    fn lines_are_counted_as_editors_do(breaks in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r\n\r\n"]), 1..20)) {
        let mut text = HEADER.trim_end().to_owned();
        for (i, b) in breaks.iter().enumerate() {
            text.push_str(b);
            text.push_str(&format!("1ABC{i:03},,,,,,,"));
        }
        let (list, _) = import(text.as_bytes()).unwrap();
        for entry in list.entries() {
            let line = text.lines().nth(entry.line as usize - 1).unwrap();
            prop_assert!(line.starts_with(entry.plate.as_str()), "{} not on line {}", entry.plate, entry.line);
        }
    }
}

#[test]
fn what_goes_into_logs_quotes_nothing_of_the_file() {
    for text in ["plate,priority\n1ABC123,urgent\n", "1ABC123,stolen\n2XYZ987,stolen\n"] {
        let error = super::import_bytes(text.as_bytes(), "x", 0.1, Utc::from_unix_ms(0)).unwrap_err();
        let told = error.without_content();
        assert!(!told.contains("ABC123") && !told.contains("urgent"), "{told}");
        assert!(told.contains("line 1") || told.contains("line 2"), "{told}");
    }
}
