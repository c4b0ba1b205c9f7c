//! `docs/ref` says what the code does: schemas are generated, examples and documents are checked.
//! `UPDATE_DOCS=1` rewrites what is generated.

use super::fixtures::*;
use crate::alert::message::*;
use crate::alert::{hit_message, passage_message, schemas};
use crate::domain::Utc;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ref")
}

#[test]
fn the_schemas_in_docs_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let path = docs().join(format!("schema/{name}.json"));
        let wanted = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{} is out of date: run with UPDATE_DOCS=1", path.display());
    }
}

fn check(name: &str, message: &Value) {
    let (_, schema) = schemas().into_iter().find(|(n, _)| *n == name).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(message).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{message:#}");
}

#[test]
fn messages_fit_their_schemas_and_read_back() {
    let p = passage("1ABC123");
    let h = hit(&p, "1ABC123");
    let now = Utc::now();
    let m = hit_message(&identity(), &p, &h, &[evidence()], Some(&models()), now).unwrap();
    let json: Value = serde_json::from_str(&m.payload).unwrap();
    check("hit", &json);
    let event: HitEvent = serde_json::from_str(&m.payload).unwrap();
    assert_eq!((event.id, event.data.hit), (m.event_id, h.id.to_string()));
    assert_eq!(event.data.matched.list.age_s, 60);
    assert_eq!(json["data"]["observed"]["characters"][0], json!({"char": "1", "p": 0.99}));
    assert_eq!(json["data"]["position"]["coordinates"], json!([4.4, 51.2]), "GeoJSON: longitude first");
    assert_eq!(json["data"]["timing"]["captured_at"], "2026-11-23T08:55:00.240Z");

    let mut bare = p.clone();
    (bare.position, bare.country, bare.lines, bare.confidence) = (None, None, 0, f32::NAN);
    let m = passage_message(&identity(), &bare, &[], None, now).unwrap();
    let json: Value = serde_json::from_str(&m.payload).unwrap();
    check("passage", &json);
    assert_eq!(json["data"]["observed"]["confidence"], 0.0, "JSON has no NaN");
}

#[test]
fn a_schema_refuses_what_is_not_its_message() {
    let (_, schema) = schemas().remove(0);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good: Value = serde_json::from_str(&message().payload).unwrap();
    assert!(validator.is_valid(&good));
    for (pointer, bad) in [
        ("/type", json!("platewatch.passage.v1")),
        ("/data/probability", json!(1.5)),
        ("/data/state", json!("maybe")),
        ("/data/evidence/0/sha256", json!("XYZ")),
        ("/data/observed", Value::Null),
    ] {
        let mut message = good.clone();
        *message.pointer_mut(pointer).unwrap() = bad;
        assert!(!validator.is_valid(&message), "{pointer}");
    }
    let mut more = good;
    more["data"]["new_in_v1_9"] = json!(true);
    assert!(validator.is_valid(&more), "readers must not mind new fields");
}
