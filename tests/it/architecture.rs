//! The layering table of ARCHITECTURE.md as data, held against every `use crate::` line.

use std::path::{Path, PathBuf};

/// Room and layer; a room imports only lower layers.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 0),
    ("plate", 1),
    ("telemetry", 1),
    ("runtime", 2),
    ("capture", 3),
    ("vision", 3),
    ("track", 3),
    ("hotlist", 3),
    ("law", 3),
    ("store", 3),
    ("alert", 4),
    ("console", 4),
    ("evidence", 4),
    ("pipeline", 5),
    ("config", 6),
    ("cli", 7),
    ("fuzzing", 8),
];

/// Outside crates that may appear only behind these doors.
const DOORS: &[(&str, &[&str])] = &[
    ("ort", &["vision"]),
    ("opencv", &["vision", "capture"]),
    ("rusqlite", &["store"]),
    ("encoding_rs", &["hotlist"]),
    ("rumqttc", &["alert"]),
    ("rumqttd", &["alert"]),
    ("axum", &["console"]),
    ("ring", &["runtime"]),
    ("aes", &["runtime"]),
    ("sd_notify", &["runtime"]),
    ("rustix", &["store", "runtime"]),
    ("prometheus_client", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("clap", &["cli"]),
    ("toml", &["config", "vision", "hotlist", "law"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let room = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (room, path, text)
        })
        .collect()
}

fn layer(room: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == room).map(|(_, layer)| *layer)
}

/// The rooms a file names after `crate::`, in code, up to its tests.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    let mut rooms = Vec::new();
    for line in &code {
        for rest in line.split("crate::").skip(1) {
            if let Some(group) = rest.strip_prefix('{') {
                let names = group.split('}').next().unwrap_or_default();
                rooms.extend(names.split(',').map(|n| first_word(n.trim())));
            } else {
                rooms.push(first_word(rest));
            }
        }
    }
    rooms.retain(|r| !r.is_empty());
    rooms
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_room_imports_only_lower_layers() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let Some(own) = layer(&room) else {
            assert!(
                ["lib", "main"].contains(&room.as_str()),
                "{room} stands in no layer; add it to the table"
            );
            continue;
        };
        for import in imports(&text) {
            // alert and console may not know each other; nor may any two rooms of one layer.
            if import != room && layer(&import).is_some_and(|other| other >= own) {
                wrong.push(format!("{}: {room} (layer {own}) imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_stay_behind_their_doors() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (outside, rooms) in DOORS {
            let named = code.lines().filter(|l| !l.trim_start().starts_with("//")).any(|l| {
                let marks = [
                    format!("use {outside}::"),
                    format!("use {outside};"),
                    format!(" {outside}::"),
                    format!("({outside}::"),
                    format!("<{outside}::"),
                    format!("&{outside}::"),
                ];
                marks.iter().any(|m| l.contains(m.as_str()))
            });
            if named && !rooms.contains(&room.as_str()) && room != "main" {
                wrong.push(format!("{}: {room} uses {outside}; only {rooms:?} may", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_small() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not begin with what it is for", path.display());
        let is_test = path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs");
        if is_test {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(code <= 500, "{} has {code} lines before its tests", path.display());
    }
}

#[test]
fn the_readers_of_imports_can_fail() {
    assert_eq!(
        imports("use crate::store::Record;\nuse crate::{alert, vision::Settings};\n// crate::cli"),
        ["store", "alert", "vision"]
    );
}
