//! A database moved aside as damaged does not outlive the terms of what it holds.

use super::lawbox::*;
use crate::world::*;
use std::io::{Seek, SeekFrom, Write};

/// Names in the store that tell of a damaged database.
fn aside(all: &LawBox) -> Vec<String> {
    let names = std::fs::read_dir(all.store()).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.retain(|n| n.contains("damaged-"));
    names.sort();
    names
}

/// Runs the box until its sweep has gone round.
fn run_at(all: &mut LawBox, at: &str) {
    all.clock(at);
    all.taken_at = Some(at.to_owned());
    let (mut process, log) = all.start();
    eventually("it has read", || (all.readings("gate") >= 4).then_some(()));
    assert_eq!(process.terminate(), Some(0), "{at}: {}", log.all().join("\n"));
}

#[test]
fn a_database_moved_aside_must_go_when_the_term_of_its_rows_has_passed() {
    let mut all = LawBox::new();
    all.mandate("gr-1", MANDATE);
    all.camera("gate", FIXED);
    all.law += "[retention]\nscheme = \"antwerp-30d\"\n";
    // By a clock that is ahead of the files' own times.
    run_at(&mut all, "2031-01-05T08:00:00Z");
    let database = all.store().join("platewatch.db");
    let pages = std::fs::metadata(&database).unwrap().len() / 4096;
    let mut file = std::fs::OpenOptions::new().write(true).open(&database).unwrap();
    for page in 1..pages {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0x5a; 64]).unwrap();
    }
    drop(file);
    run_at(&mut all, "2031-01-06T08:00:00Z");
    let moved = aside(&all);
    assert!(moved.iter().any(|n| n.starts_with("platewatch.db.damaged-20310106T0")), "{moved:?}");
    run_at(&mut all, "2031-02-04T08:00:00Z");
    assert_eq!(aside(&all), moved, "the 29th day");
    run_at(&mut all, "2031-02-05T09:00:00Z");
    assert_eq!(aside(&all), Vec::<String>::new());
    let told = all.actions("deletion");
    assert!(told.iter().any(|d| d.contains("\"damaged_files\"")), "{told:?}");
}
