//! JSON Schemas of the messages, generated from their types; `docs/ref/schema` holds them as files.

use super::message::{self, CameraStatus, Event, Health, Hit, HotlistStatus, Passage, Status};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of every message with the name of its file without `.json`: `hit`, `passage`, `status`,
/// `health`, `camera-status`, `hotlist-status`. JSON Schema draft 2020-12, of the whole payload.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("hit", schema::<Hit>("Hit", message::HIT_TYPE)),
        ("passage", schema::<Passage>("Passage", message::PASSAGE_TYPE)),
        ("status", schema::<Status>("Status of a box", message::STATUS_TYPE)),
        ("health", schema::<Health>("Health of a box", message::HEALTH_TYPE)),
        ("camera-status", schema::<CameraStatus>("Status of a camera", message::CAMERA_STATUS_TYPE)),
        ("hotlist-status", schema::<HotlistStatus>("Status of a hotlist", message::HOTLIST_STATUS_TYPE)),
    ]
}

fn schema<T: JsonSchema>(title: &str, kind: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Event<T>>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!(title));
        root.insert("$id".into(), json!(format!("urn:platewatch:schema:{kind}")));
        if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
            for (name, value) in
                [("specversion", "1.0"), ("type", kind), ("datacontenttype", "application/json")]
            {
                if let Some(property) = properties.get_mut(name).and_then(Value::as_object_mut) {
                    property.insert("const".into(), json!(value));
                }
            }
        }
    }
    schema
}
