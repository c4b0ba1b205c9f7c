//! The ready mappings on the example lines of the field, and on dirt.

use super::*;
use crate::domain::{Country, Entry};

fn with(mapping: &str, bytes: &[u8]) -> Result<(List, ImportReport), ImportError> {
    super::super::import(bytes, &Mapping::load(mapping).unwrap(), "test", 0.9, now())
}

fn entries(mapping: &str, text: &str) -> Vec<Entry> {
    let (list, report) = with(mapping, text.as_bytes()).unwrap_or_else(|e| panic!("{mapping}: {e}"));
    assert_eq!(report.bad_rows, 0, "{mapping}: {report}");
    let mut entries: Vec<Entry> = list.entries().collect();
    entries.sort_by_key(|e| e.line);
    entries
}

/// Plate, category, priority, country, case.
fn told(e: &Entry) -> (String, &str, u8, Option<String>, &str) {
    (e.plate.to_string(), &e.category, e.priority, e.country.map(|c| c.to_string()), &e.case)
}

const SIMPLE: &str = "ABC123";
const NCIC: &str = "V123456789LA057020020190509AB123456  CA2009MC2009YAMACYLMCBLK";
const TEXAS: &str = "C165399977,0H0671200,20200124,GGX6728,0H,2021,2009,D0DG,CHA,4D,GRY";
const FLORIDA: &str = "STOLEN LICENSE PLATE;FL0123456;TALLAHASSEE POLICE DEPARTMENT;11-1234;;P123456789;P554433221;01/03/2019;N;...;ABC123;2019;FL;PC;...";
const NEW_YORK: &str = "ABC1234   NYPASXBUICWH";
const CALIFORNIA: &str = "HEADER\nABC1234 CA1220190515\nTOTAL RECORD 1";
const ILLINOIS: &str =
    "660JEM  WIPCSTOLEN VYR/05 VMA/DODG VMO/MAG VST/4D VCO/RED     DOT/010315 LDS/V16A0661";
const WASHINGTON: &str = "EVS,WA0170600,921RQE,WA,2023,PC,5J6YH28573L041133,2003,HOND,ELE,4D,SIL,07/31/2022,22-08882,VERIFY ..., YES TO IMPOUND";
const OPENALPR: &str = "Plate Number,Description,State/Province\nABC-123,\"Stolen, 2009 Yamaha\",ON";
const GENETEC: &str =
    "PlateNumber;PlateState;Category;EffectiveDate;ExpiryDate\nABC123;QC;Stolen;2026-01-15;2026-12-15";
const FLOCK: &str = r#"{"name": "zone", "entries": [
  {"caseNumber": "26-1", "plate": "abc 123", "reason": "Stolen", "expiry": "2026-12-31", "state": "TX",
   "note": {"message": "Call first"}},
  {"caseNumber": "26-2", "plate": "DEF456", "reason": "Wanted"}]}"#;

const ALL: [(&str, &str); 11] = [
    ("simple", SIMPLE),
    ("ncic", NCIC),
    ("texas-ncic", TEXAS),
    ("florida", FLORIDA),
    ("new-york", NEW_YORK),
    ("california-clew", CALIFORNIA),
    ("illinois-leads", ILLINOIS),
    ("washington", WASHINGTON),
    ("openalpr", OPENALPR),
    ("genetec", GENETEC),
    ("flock", FLOCK),
];

#[test]
fn every_ready_mapping_has_an_example_here() {
    let tested: Vec<&str> = ALL.iter().map(|a| a.0).collect();
    for (name, _) in ready() {
        assert!(*name == "platewatch" || tested.contains(name), "{name}");
    }
}

#[test]
fn simple() {
    let found = entries("simple", "# wanted\nABC123\n\n 1-abc-123 \n00\n");
    assert_eq!(told(&found[0]), ("ABC123".into(), "", 50, None, ""));
    assert_eq!((found[1].plate.as_str(), found[1].line, found.len()), ("1ABC123", 4, 2), "00 is passed over");
}

#[test]
fn ncic() {
    let found = entries("ncic", NCIC);
    let us = Some("US".to_owned());
    assert_eq!(told(&found[0]), ("AB123456".into(), "stolen-vehicle", 10, us, "123456789"));
    assert_eq!(
        found[0].instruction,
        "state CA, year 2009, make YAMA, model CYL, colour BLK, agency LA0570200, dated 20190509"
    );
    // Ontario is no state, and a plate with O is the same as one with 0.
    let line = NCIC.replace("AB123456  CA", "ABO23456  ON");
    let found = entries("ncic", &line);
    assert_eq!((found[0].plate.as_str(), found[0].country), ("AB023456", Country::parse("CA")));
    assert!(Mapping::load("ncic").unwrap().zero_for_o());
}

#[test]
fn texas() {
    let found = entries("texas-ncic", TEXAS);
    let us = Some("US".to_owned());
    assert_eq!(told(&found[0]), ("GGX6728".into(), "supervised-release", 30, us, "C165399977"));
    assert!(found[0].instruction.starts_with("state 0H, year 2009, make D0DG"), "{}", found[0].instruction);
}

#[test]
fn florida() {
    let found = entries("florida", FLORIDA);
    let us = Some("US".to_owned());
    assert_eq!(told(&found[0]), ("ABC123".into(), "stolen-plate", 10, us, "11-1234"));
    assert!(found[0].instruction.contains("agency TALLAHASSEE POLICE DEPARTMENT, dated 01/03/2019"));
    let other = entries("florida", &FLORIDA.replace("STOLEN LICENSE PLATE", "ODD TYPE"));
    assert_eq!((other[0].category.as_str(), other[0].priority), ("ODD TYPE", 30));
}

#[test]
fn new_york_and_california() {
    let found = entries("new-york", NEW_YORK);
    assert_eq!(found[0].plate.as_str(), "ABC1234");
    assert_eq!(found[0].instruction, "state NY, plate type PAS, code X, make BUIC, colour WH");
    let (list, report) = with("california-clew", CALIFORNIA.as_bytes()).unwrap();
    let entry = list.entries().next().unwrap();
    let us = Some("US".to_owned());
    assert_eq!(told(&entry), ("ABC1234".into(), "stolen-vehicle", 10, us, ""));
    assert_eq!((entry.line, entry.instruction.as_str()), (2, "state CA, county 12, dated 20190515"));
    assert!(report.warnings.is_empty(), "{report}");
}

#[test]
fn a_file_cut_short_or_without_its_header_is_told_of() {
    let warnings = |text: &str| with("california-clew", text.as_bytes()).unwrap().1.warnings.join("; ");
    let row = "ABC1234 CA1220190515\n";
    let two = "DEF5678 CA1220190515\n";
    assert!(
        warnings(&format!("HEADER\n{row}{two}TOTAL RECORD 00003\n")).contains("says 3 rows, there are 2")
    );
    assert!(warnings(&format!("HEADER\n{row}")).contains("no line \"TOTAL RECORD\""));
    assert!(warnings(&format!("{row}{two}TOTAL RECORD 1\n")).contains("line 1 is left out as a header"));
}

#[test]
fn illinois() {
    let found = entries("illinois-leads", ILLINOIS);
    let us = Some("US".to_owned());
    assert_eq!(told(&found[0]), ("660JEM".into(), "stolen-vehicle", 10, us, "V16A0661"));
    assert_eq!(
        found[0].instruction,
        "state WI, year 05, make DODG, model MAG, style 4D, colour RED, dated 010315"
    );
}

#[test]
fn washington() {
    let found = entries("washington", WASHINGTON);
    let us = Some("US".to_owned());
    assert_eq!(told(&found[0]), ("921RQE".into(), "stolen-vehicle", 10, us, "22-08882"));
    assert!(
        found[0].instruction.starts_with("VERIFY ..., YES TO IMPOUND, state WA"),
        "{}",
        found[0].instruction
    );
}

#[test]
fn openalpr_and_genetec() {
    let found = entries("openalpr", OPENALPR);
    assert_eq!(told(&found[0]), ("ABC123".into(), "unspecified", 50, Some("CA".into()), ""));
    assert_eq!(found[0].instruction, "Stolen, 2009 Yamaha, state ON");
    for delimiter in [";", ",", "\t", "|"] {
        let found = entries("genetec", &GENETEC.replace(';', delimiter));
        assert_eq!((found[0].plate.as_str(), found[0].category.as_str()), ("ABC123", "Stolen"));
        assert_eq!(found[0].valid_from.unwrap().to_string(), "2026-01-15T00:00:00.000Z");
        assert_eq!(
            found[0].valid_until.unwrap().to_string(),
            "2026-12-16T00:00:00.000Z",
            "the last day counts"
        );
    }
    // Without Category, as before 5.10.
    let (list, report) = with("genetec", b"PlateNumber;PlateState\nABC123;QC\n").unwrap();
    assert_eq!(list.entries().next().unwrap().category, "unspecified");
    assert!(report.warnings.iter().any(|w| w.contains("\"category\"")), "{report}");
    let error = with("genetec", b"Plaat;Staat\nABC123;QC\n").unwrap_err().to_string();
    assert!(error.contains("without a column \"platenumber\""), "{error}");
}

#[test]
fn flock() {
    let found = entries("flock", FLOCK);
    assert_eq!(told(&found[0]), ("ABC123".into(), "Stolen", 50, Some("US".into()), "26-1"));
    assert_eq!((found[0].line, found[0].instruction.as_str()), (2, "Call first, state TX"));
    assert_eq!(found[0].valid_until.unwrap().to_string(), "2027-01-01T00:00:00.000Z");
    assert_eq!(found[1].line, 4);
    // No entry without a case and a reason.
    let bare = FLOCK.replace("\"26-2\"", "\"\"").replace("\"plate\": \"DEF456\"", "\"plate\": [\"DEF456\"]");
    let (list, report) = with("flock", bare.as_bytes()).unwrap();
    let found: Vec<_> = report.bad.iter().map(|p| (p.line, p.field.as_str(), p.found.as_str())).collect();
    assert_eq!(found, [(4, "plate", "an array"), (4, "case", "empty")], "{report}");
    assert_eq!(list.len(), 1);
}

#[test]
fn json_that_is_broken_costs_what_is_broken() {
    let broken = r#"{"other": {"entries": [1]}, "entries": [
 {"caseNumber": "1", "plate": "ABC123", "reason": "x"},
 {"caseNumber": 2, "plate": "DEF456" "reason": "x"},
 7,
 {"caseNumber": 3, "plate": "GHI789", "reason": "x"},
 {"caseNumber": 4, "plate": "JKL"#;
    let (list, report) = with("flock", broken.as_bytes()).unwrap();
    assert_eq!((list.len(), report.bad_rows), (2, 4), "{report}");
    let lines: Vec<u64> = report.bad.iter().map(|p| p.line).collect();
    assert_eq!(lines, [3, 4, 6, 6], "{report}");
    for none in
        ["", "[]", "{\"entries\": 3}", "{", "plate\nABC123\n", "{\"entries\" [", "{\"a\": 1 \"entries\": []}"]
    {
        let error = with("flock", none.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("\"entries\" is an array"), "{none}: {error}");
    }
}

#[test]
fn dirt_in_fixed_widths() {
    let short = NCIC.get(..30).unwrap();
    let wide = format!("{NCIC}{}", "X".repeat(200_000));
    let text = format!("{NCIC}\r\n{short}\r\n{wide}\r\n{}\r\n", NCIC.replace("AB123456", "AB\u{0}12345"));
    let (list, report) = with("ncic", text.as_bytes()).unwrap();
    assert_eq!((list.len(), report.bad_rows), (1, 3), "{report}");
    let found: Vec<_> = report.bad.iter().map(|p| (p.line, p.column, p.field.as_str())).collect();
    assert_eq!(found, [(2, 31, "row"), (3, 200_062, "row"), (4, 30, "plate")], "{report}");
    // Characters are counted, not bytes.
    let accents = NCIC.replace("YAMA", "YÄMÄ");
    assert!(entries("ncic", &accents)[0].instruction.contains("make YÄMÄ, model CYL, colour BLK"));
    // The spaces at the end may be cut off.
    assert_eq!(entries("new-york", "ABC1234   NY")[0].plate.as_str(), "ABC1234");
}

#[test]
fn dirt_in_columns() {
    let rows =
        [FLORIDA, "STOLEN LICENSE PLATE;FL0123456;", &FLORIDA.replace("ABC123", "AB!123")].join("\r\n");
    let (list, report) = with("florida", rows.as_bytes()).unwrap();
    assert_eq!((list.len(), report.bad_rows), (1, 2), "{report}");
    assert!(report.bad[0].allowed.starts_with("at least 14 fields"), "{report}");
    let texas = [TEXAS, &format!("{TEXAS},X"), "C1,2,3"].join("\n");
    let (list, report) = with("texas-ncic", texas.as_bytes()).unwrap();
    assert_eq!((list.len(), report.bad_rows), (1, 2), "{report}");
    let dates = GENETEC.replace("2026-12-15", "31/12/2026");
    let (_, report) = with("genetec", format!("{dates}\nDEF456;;;;\n").as_bytes()).unwrap();
    assert_eq!((report.bad[0].line, report.bad[0].field.as_str()), (2, "valid_until"));
    assert!(report.bad[0].allowed.contains("MM/DD/YYYY"), "{report}");
}

#[test]
fn encodings_and_mixtures() {
    let mapping = |encoding: &str| {
        let text = format!(
            "about = \"x\"\nformat = \"delimited\"\nencoding = \"{encoding}\"\n\
             [plate]\ncolumn = \"plate\"\n[instruction]\ncolumn = \"text\"\n"
        );
        Mapping::parse("test", &text).unwrap()
    };
    let load = |encoding: &str, bytes: &[u8]| {
        let (list, report) = super::super::import(bytes, &mapping(encoding), "test", 0.9, now()).unwrap();
        let mut entries: Vec<Entry> = list.entries().collect();
        entries.sort_by_key(|e| e.line);
        (entries.into_iter().map(|e| e.instruction).collect::<Vec<_>>(), report)
    };
    let windows = b"plate,text\n1ABC123,Stra\xDFe\n";
    assert_eq!(load("windows-1252", windows).0, ["Straße"]);
    assert_eq!(load("latin-1", windows).0, ["Straße"]);
    let both = [windows.as_slice(), "2DEF456,Straße\n".as_bytes()].concat();
    assert_eq!(load("mixed", &both).0, ["Straße", "Straße"]);
    let (kept, report) = load("auto", &both);
    assert_eq!((kept, report.bad_rows), (vec!["Straße".to_owned()], 1));
    assert!(report.bad[0].allowed.contains("mapping"), "{report}");
    // A mark at the start is believed before the mapping.
    let marked: Vec<u8> =
        "\u{feff}plate,text\n1ABC123,Straße\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(load("windows-1252", &marked).0, ["Straße"]);
    // Half a character in UTF-16 is a lost one, and said.
    let mut torn: Vec<u8> =
        "plate,text\n1ABC123,ab\n2DEF456,cd\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    torn[2 * 20] = 0;
    torn[2 * 20 + 1] = 0xD8;
    let (_, report) = load("utf-16le", &torn);
    assert!(report.bad[0].allowed.contains("U+FFFD"), "{report}");
}

#[test]
fn codes_defaults_and_requirements() {
    let text = "about = \"x\"\nformat = \"delimited\"\nheader = \"none\"\ncolumns = 3\ntime_zone = \"Europe/Brussels\"\n\
        [plate]\ncolumn = 1\n\
        [category]\ncolumn = 2\n[category.codes]\ngs = \"stolen-vehicle\"\n\
        [valid_until]\ncolumn = 3\nformats = [\"DD/MM/YYYY\"]\nlast_day = true\nempty = [\"onbepaald\"]\n";
    let mapping = Mapping::parse("anpr", text).unwrap();
    let rows = "1-ABC-123,GS,31/12/2026\n2-DEF-456,gs,Onbepaald\n3-GHI-789,XX,\n";
    let (list, report) = super::super::import(rows.as_bytes(), &mapping, "t", 0.9, now()).unwrap();
    let mut found: Vec<Entry> = list.entries().collect();
    found.sort_by_key(|e| e.line);
    assert_eq!(found[0].valid_until.unwrap().to_string(), "2026-12-31T23:00:00.000Z");
    assert_eq!((found[1].category.as_str(), found[1].valid_until), ("stolen-vehicle", None));
    assert_eq!((report.bad[0].line, report.bad[0].column), (3, 11), "{report}");
    assert!(report.bad[0].allowed.contains("codes: GS"), "{report}");
}

#[test]
fn ways_of_writing_that_lists_use() {
    // Diplomatic, export, temporary, trade plates; Cyrillic and Greek look-alikes; none of it changes what is meant.
    let ways = "CD-AB-123\ncd.ac.123\nCD AD 123\nX26-12-ABC\nW-26/12-ABD\nZ-ABC-123\n1-АВС-124\n1-ΑΒΧ-125\n\u{a0}1‑ABC‑126\u{a0}\n\"1-ABC-127\"\n";
    let found: Vec<String> = entries("simple", ways).iter().map(|e| e.plate.to_string()).collect();
    assert_eq!(
        found,
        [
            "CDAB123", "CDAC123", "CDAD123", "X2612ABC", "W2612ABD", "ZABC123", "1ABC124", "1ABX125",
            "1ABC126", "1ABC127"
        ]
    );
    let (_, report) = with("simple", "1-ABC-123\n1-ЖBC-123\n1-ΛBC-123\n".as_bytes()).unwrap();
    assert_eq!(report.bad_rows, 2);
    assert!(
        report.bad[0]
            .to_string()
            .contains("line 2, column 3: plate is \"1-ЖBC-123\", character 'Ж' (U+0416)")
    );
}

proptest! {
    #[test]
    fn no_bytes_panic_in_any_mapping(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..400) {
        for (name, example) in ALL {
            let _ = with(name, &bytes);
            // An example with a splinter in it.
            let mut dirty = example.as_bytes().to_vec();
            let at = at.min(dirty.len());
            dirty.splice(at..at, bytes.iter().copied().take(8));
            if let Err(e) = with(name, &dirty) { let _ = (e.to_string(), e.without_content()); }
            let _ = with(name, dirty.get(..at).unwrap_or_default());
        }
    }

    #[test]
    fn every_line_is_a_row_of_some_kind(lines in prop::collection::vec("[\"A-C0-9?; ,\t]{0,70}", 0..12)) {
        let text = lines.join("\n");
        for name in ["simple", "ncic", "texas-ncic", "florida", "new-york", "washington"] {
            let report = match with(name, text.as_bytes()) {
                Ok((list, report)) => {
                    prop_assert_eq!(list.len() as u64, report.loaded);
                    report
                }
                Err(e) => match e.report() { Some(r) => r.clone(), None => continue },
            };
            if e_loaded(&report) {
                prop_assert_eq!(report.rows, report.loaded + report.bad_rows + report.duplicate_rows);
            }
            prop_assert!(report.rows + report.skipped <= lines.len() as u64);
        }
    }
}

/// Whether the list was made: what is counted while reading is settled only then.
fn e_loaded(report: &ImportReport) -> bool {
    report.loaded > 0
}
