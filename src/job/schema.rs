//! The JSON Schema of the job file: what editors complete from, and what unknown keys are measured by.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::file::JobFile;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(JobFile).to_value();
    without_null(&mut schema);
    schema
});

/// Returns the JSON Schema of the job file; every key is described.
pub fn json_schema() -> Value {
    SCHEMA.clone()
}

/// Lends the schema.
pub(super) fn schema() -> &'static Value {
    &SCHEMA
}

/// Takes `null` out of a schema: TOML has none, a key that is not set is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            unwrap_optional(object);
            object.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// Turns "this or null" into "this".
fn unwrap_optional(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if choices.len() != 1 {
        return;
    }
    if let (Some(Value::Object(only)), true) = (choices.pop(), object.remove("anyOf").is_some()) {
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}
