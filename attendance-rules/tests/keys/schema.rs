//! The descriptions of the JSON Schema.

use attendance_rules::Policy;

#[test]
fn descriptions_of_the_schema_have_no_rust() {
    fn walk(value: &serde_json::Value, described: &mut usize) {
        match value {
            serde_json::Value::Object(keys) => {
                if let Some(text) = keys.get("description").and_then(|text| text.as_str()) {
                    *described += 1;
                    for rust in ["```", "::", "[`", "None", "Some(", "use attendance_rules"] {
                        assert!(!text.contains(rust), "{text}");
                    }
                    assert!(!text.is_empty());
                }
                keys.values().for_each(|value| walk(value, described));
            }
            serde_json::Value::Array(items) => {
                items.iter().for_each(|value| walk(value, described));
            }
            _ => {}
        }
    }
    let schema = Policy::json_schema();
    let mut described = 0;
    walk(&schema, &mut described);
    assert!(described > 100, "{described}");
    for key in ["terms", "holidays"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}
