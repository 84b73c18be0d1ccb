//! Policy files in TOML and JSON. Errors name the path of the wrong key.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Policy, preset};
use crate::{
    error::{Error, Result},
    spelling::closest,
};

impl Policy {
    /// Reads a policy from TOML and checks it.
    ///
    /// A file that begins with `preset = "esp32cam-gateway"` starts from [`Policy::esp32cam_gateway`]. Its other keys replace
    /// those of the preset.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] with the path of a key that is unknown, has the wrong type, or contradicts another key.
    ///
    /// ```
    /// use attendance_rules::Policy;
    ///
    /// let error = Policy::from_toml("[work]\nfull_day = 6").unwrap_err();
    /// assert!(error.to_string().starts_with("policy, work.full_day: invalid type: integer `6`"));
    /// ```
    pub fn from_toml(text: &str) -> Result<Self> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| Error::policy("", error.to_string().trim()))?;
        Self::from_value(json_of(toml::Value::Table(table))?)
    }

    /// Reads a policy from JSON and checks it. Presets work as in [`from_toml`](Self::from_toml).
    ///
    /// # Errors
    ///
    /// [`Error::Policy`], as from [`from_toml`](Self::from_toml).
    ///
    /// ```
    /// use attendance_rules::{Policy, Seconds};
    ///
    /// let policy = Policy::from_json(r#"{"preset": "esp32cam-gateway", "site": {"time_zone": "Asia/Kolkata"}}"#)?;
    /// assert_eq!(policy.work.full_day, Some(Seconds::hours(6)));
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        Self::from_value(serde_json::from_str(text).map_err(|error| Error::policy("", error))?)
    }

    /// The JSON Schema (2020-12) of policy files, for editors. Its descriptions are those of the keys, without Rust.
    ///
    /// ```
    /// let schema = attendance_rules::Policy::json_schema();
    /// assert!(schema["properties"]["scans"].is_object());
    /// ```
    #[must_use]
    pub fn json_schema() -> Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            let preset = serde_json::json!({
                "description": "The policy from which the file starts. The other keys replace its keys.",
                "type": "string",
                "enum": preset::NAMES,
            });
            properties.insert("preset".to_owned(), preset);
        }
        describe_without_rust(&mut schema);
        schema
    }

    /// The policy as TOML that [`from_toml`](Self::from_toml) reads.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] if a value cannot be written.
    ///
    /// ```
    /// use attendance_rules::Policy;
    ///
    /// let policy = Policy::esp32cam_gateway();
    /// assert_eq!(Policy::from_toml(&policy.to_toml()?)?, policy);
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::policy("", error))
    }

    fn from_value(value: Value) -> Result<Self> {
        let Value::Object(mut keys) = value else {
            return Err(Error::policy("", "a policy is a table of keys"));
        };
        if let Some(name) = keys.remove("preset") {
            let base = preset::named(&name)?;
            let mut merged =
                serde_json::to_value(base).map_err(|error| Error::policy("preset", error))?;
            merge(&mut merged, Value::Object(keys));
            let Value::Object(all) = merged else {
                return Err(Error::policy("preset", "a policy is a table of keys"));
            };
            keys = all;
        }
        let policy: Self = read(Value::Object(keys))?;
        policy.check()?;
        Ok(policy)
    }
}

/// Removes examples and links of Rust from the descriptions of a schema.
fn describe_without_rust(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if let Some(Value::String(text)) = keys.get_mut("description") {
                let prose = text.split("```").step_by(2).collect::<String>();
                *text = without_links(prose.trim());
            }
            keys.values_mut().for_each(describe_without_rust);
        }
        Value::Array(items) => items.iter_mut().for_each(describe_without_rust),
        _ => {}
    }
}

/// A text with the names in place of links to items, such as ``[`late_after`](Self::late_after)``.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else {
            break;
        };
        plain.push_str(before);
        plain.push_str(&format!("`{name}`"));
        let target = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

/// Reads a value. An error names the path of the key, and suggests a known name for an unknown one.
fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        // The path of a wrong key of a map ends in "?".
        let path = path.strip_suffix(".?").unwrap_or(&path).to_owned();
        let message = error.inner().to_string();
        // serde's message is: unknown field `a`, expected one of `b`, `c`. Tests fail if a new version changes it.
        let mut quoted = message.split('`').skip(1).step_by(2);
        if let Some(key) = message
            .strip_prefix("unknown field")
            .and_then(|_| quoted.next())
        {
            let at_key = path
                .strip_suffix(key)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'));
            let path = match (at_key, path.is_empty()) {
                (true, _) => path,
                (false, true) => key.to_owned(),
                (false, false) => format!("{path}.{key}"),
            };
            let known: Vec<&str> = quoted.collect();
            let hint = match closest(key, known.iter().copied()) {
                Some(closest) => format!("; did you mean {closest:?}?"),
                None => format!("; known keys: {}", known.join(", ")),
            };
            return Error::policy(path, format!("no such key{hint}"));
        }
        if let Some(name) = message
            .strip_prefix("unknown variant")
            .and_then(|_| quoted.next())
        {
            let known: Vec<&str> = quoted.collect();
            let hint = match closest(name, known.iter().copied()) {
                Some(closest) => format!("did you mean {closest:?}?"),
                None => format!("it is one of {}", known.join(", ")),
            };
            return Error::policy(path, format!("{name:?} is not known; {hint}"));
        }
        Error::policy(path, without_type_names(&message))
    })
}

/// serde's message without the names of Rust types.
fn without_type_names(message: &str) -> String {
    for kind in ["struct ", "enum "] {
        let expected = format!("expected {kind}");
        if let Some((before, name)) = message.split_once(&expected) {
            let rest = name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            let what = if kind == "enum " {
                "one of several names"
            } else {
                "a table of keys"
            };
            return format!("{before}expected {what}{rest}");
        }
    }
    message.to_owned()
}

/// Converts TOML to JSON. Dates and times become texts, which the types of the policy read.
fn json_of(value: toml::Value) -> Result<Value> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => {
            let number = serde_json::Number::from_f64(number);
            Value::Number(number.ok_or_else(|| Error::policy("", "a number is not finite"))?)
        }
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => {
            Value::Array(items.into_iter().map(json_of).collect::<Result<_>>()?)
        }
        toml::Value::Table(table) => {
            let entries = table
                .into_iter()
                .map(|(key, value)| Ok((key, json_of(value)?)));
            Value::Object(entries.collect::<Result<Map<_, _>>>()?)
        }
    })
}

/// Replaces the keys of `base` by those of `over`, table by table.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    // A table of another kind has other keys, so it is replaced as a whole.
                    Some(old) if old.get("kind") == value.get("kind") => merge(old, value),
                    _ => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}
