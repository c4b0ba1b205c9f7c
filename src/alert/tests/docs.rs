//! `docs/ref` says what the code does: schemas are generated, examples and documents are checked.
//! `UPDATE_DOCS=1` rewrites what is generated.

use super::fixtures::*;
use crate::alert::message::*;
use crate::alert::{hit_message, late_hit_message, passage_message, schemas};
use crate::domain::Utc;
use crate::store::{EvidenceRole, EvidenceRow, PassageRow};
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

/// A picture as the store gives it back.
fn kept() -> EvidenceRow {
    EvidenceRow {
        role: EvidenceRole::Plate,
        sha256: "ef".repeat(32),
        path: "pictures/ef.jpg".into(),
        width: 160,
        height: 40,
        bytes: 3,
        frame_seq: 41,
        captured_at: Utc::from_unix_ms(0),
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

    assert_eq!(json["data"]["late"], false);

    let kept = PassageRow { passage: p.clone(), models: Some(models()), hits: 0, evidence: vec![kept()] };
    let m = late_hit_message(&identity(), &kept, &h, now).unwrap();
    let json: Value = serde_json::from_str(&m.payload).unwrap();
    check("hit", &json);
    assert_eq!(json["data"]["late"], true);
    assert_eq!(json["data"]["evidence"][0]["sha256"], "ef".repeat(32));
    // Messages of boxes that do not know late hits read as not late.
    let mut older = json.clone();
    older["data"].as_object_mut().unwrap().remove("late");
    assert!(!serde_json::from_value::<HitEvent>(older).unwrap().data.late);

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

#[test]
fn the_example_for_people_is_a_hit() {
    let text = std::fs::read_to_string(docs().join("mqtt.md")).unwrap();
    let example = text.split("```json").nth(1).and_then(|t| t.split("```").next()).unwrap();
    let message: Value = serde_json::from_str(example).unwrap();
    check("hit", &message);
    // Nothing missing either: the same fields at the same places as in a real one.
    let real: Value = serde_json::from_str(&super::fixtures::message().payload).unwrap();
    assert_eq!(fields(&message), fields(&real));
}

/// Paths of all fields, array elements taken together.
fn fields(value: &Value) -> std::collections::BTreeSet<String> {
    fn walk(value: &Value, path: &str, into: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| {
                into.insert(format!("{path}/{k}"));
                walk(v, &format!("{path}/{k}"), into);
            }),
            Value::Array(items) => items.iter().for_each(|v| walk(v, &format!("{path}/*"), into)),
            _ => {}
        }
    }
    let mut found = std::collections::BTreeSet::new();
    walk(value, "", &mut found);
    found
}

#[test]
fn topics_types_and_schemas_stand_in_both_documents() {
    let id = identity();
    let people = std::fs::read_to_string(docs().join("mqtt.md")).unwrap();
    let machines = std::fs::read_to_string(docs().join("asyncapi.yaml")).unwrap();
    for (topic, schema) in [
        (id.hits(), "hit"),
        (id.passages(), "passage"),
        (id.status(), "status"),
        (id.health(), "health"),
        (id.camera_status("C").unwrap(), "camera-status"),
        (id.hotlist_status("N").unwrap(), "hotlist-status"),
        (id.commands(), "command"),
        (id.outcomes(), "outcome"),
    ] {
        let rest = topic.strip_prefix("platewatch/v1/zone/box1/").unwrap();
        let for_people = rest.replace("/C/", "/<camera>/").replace("/N/", "/<name>/");
        let for_machines = rest.replace("/C/", "/{camera}/").replace("/N/", "/{list}/");
        assert!(people.contains(&format!("| `{for_people}` |")), "{for_people}");
        assert!(machines.contains(&format!("platewatch/v1/{{zone}}/{{box}}/{for_machines}\n")), "{topic}");
        for text in [&people, &machines] {
            assert!(text.contains(&format!("platewatch.{schema}.v1")), "{schema}");
            assert!(text.contains(&format!("schema/{schema}.json")), "{schema}");
        }
    }
}
