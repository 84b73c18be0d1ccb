//! JSON Schemas of the files that people write.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema of an instant.
pub(crate) struct Time;

/// The schema of a date.
pub(crate) struct Day;

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A time with its offset from UTC.",
            "examples": ["2026-03-02T08:59:30+01:00"],
        })
    }
}

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day of the calendar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date",
            "description": "A day of the calendar.",
            "examples": ["2026-03-02"],
        })
    }
}

/// The JSON Schema of a list of `T`, with a title.
pub(crate) fn of_list<T: JsonSchema>(what: &str) -> Value {
    let mut schema = schemars::schema_for!(Vec<T>).to_value();
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("title".to_owned(), json!(what));
    }
    describe_plainly(&mut schema);
    schema
}

/// Removes what is about Rust from the descriptions: examples, links and the names of its values.
pub(crate) fn describe_plainly(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if let Some(Value::String(text)) = keys.get_mut("description") {
                *text = plain(text);
            }
            keys.values_mut().for_each(describe_plainly);
        }
        Value::Array(items) => items.iter_mut().for_each(describe_plainly),
        _ => {}
    }
}

fn plain(text: &str) -> String {
    let prose: String = text.split("```").step_by(2).collect();
    let prose = without_links(prose.trim());
    let prose = prose.replace("`None`", "left out");
    // The first letter of a sentence.
    prose.replace(". left out", ". Left out").replace('`', "")
}

/// A text with the last part of the name in place of a link, such as [`late_after`](Self::late_after).
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else {
            break;
        };
        plain.push_str(before);
        plain.push_str(name.rsplit("::").next().unwrap_or(name));
        let target = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_examples_and_values_of_rust_are_removed() {
        let text = "Rules that [`Statistics`](crate::Statistics) use; `None` for [`Work::full_day`].\n\n```\nlet a = 1;\n```\n";
        assert_eq!(
            plain(text),
            "Rules that Statistics use; left out for full_day."
        );
        assert_eq!(
            plain("All. `None` for all [`shifts"),
            "All. Left out for all [shifts"
        );
    }
}
