//! Documents against the code: what they name must exist.

use crate::world::*;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let mut found =
        vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    walk(&root().join("docs"), &mut found);
    found
}

/// Words between back-quotes that look like paths of this repository.
fn paths(text: &str) -> Vec<String> {
    let starts =
        ["src/", "docs/", "models/", "samples/", "scripts/", "training/", "tests/", "deploy/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let words = quoted.flat_map(str::split_whitespace).map(|w| w.trim_end_matches([',', '.', ':', ';', ')']));
    words
        .filter(|w| starts.iter().any(|s| w.starts_with(s)))
        .filter(|w| !w.contains(['*', '<', '{', '…', '$']))
        .map(|w| w.split('#').next().unwrap_or(w).to_owned())
        .collect()
}

#[test]
fn every_path_in_a_document_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for path in paths(&std::fs::read_to_string(&document).unwrap()) {
            if !root().join(&path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !document.parent().unwrap().join(file).exists() {
                missing.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_finder_of_paths_can_find() {
    assert_eq!(
        paths("see `src/lib.rs` and `cargo run docs/x.md`, not src/y.rs"),
        ["src/lib.rs", "docs/x.md"]
    );
}

#[test]
fn every_verb_stands_in_the_reference() {
    let reference = std::fs::read_to_string(root().join("docs/ref/cli.md")).unwrap();
    let help = stdout(&run(&["--help"]));
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|l| !l.starts_with("Commands:"))
        .skip(1)
        .take_while(|l| !l.trim().is_empty())
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .filter(|v| *v != "help")
        .collect();
    assert!(verbs.len() >= 9, "{verbs:?}");
    for verb in verbs {
        assert!(reference.contains(&format!("## {verb}")), "docs/ref/cli.md does not name {verb}");
    }
}
