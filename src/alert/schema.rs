//! JSON Schemas of the messages, generated from their types; `docs/ref/schema` holds them as files.

use super::inbound::{COMMAND_TYPE, OUTCOME_TYPE};
use super::message::{
    self, CameraStatus, Command, Event, Health, Hit, HotlistStatus, OutcomeOfHit, Passage, Status, ToBox,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of every message with the name of its file without `.json`: `hit`, `passage`, `status`,
/// `health`, `camera-status`, `hotlist-status`, `command`, `outcome`. JSON Schema draft 2020-12, of the whole payload.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("hit", schema::<Hit>("Hit", message::HIT_TYPE)),
        ("passage", schema::<Passage>("Passage", message::PASSAGE_TYPE)),
        ("status", schema::<Status>("Status of a box", message::STATUS_TYPE)),
        ("health", schema::<Health>("Health of a box", message::HEALTH_TYPE)),
        ("camera-status", schema::<CameraStatus>("Status of a camera", message::CAMERA_STATUS_TYPE)),
        ("command", to_box::<Command>("Command to a box", COMMAND_TYPE)),
        ("outcome", to_box::<OutcomeOfHit>("Answer to a hit", OUTCOME_TYPE)),
        ("hotlist-status", schema::<HotlistStatus>("Status of a hotlist", message::HOTLIST_STATUS_TYPE)),
    ]
}

fn schema<T: JsonSchema>(title: &str, kind: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    finished(generator.into_root_schema_for::<Event<T>>().to_value(), title, kind)
}

fn to_box<T: JsonSchema>(title: &str, kind: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    finished(generator.into_root_schema_for::<ToBox<T>>().to_value(), title, kind)
}

fn finished(mut schema: Value, title: &str, kind: &str) -> Value {
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
