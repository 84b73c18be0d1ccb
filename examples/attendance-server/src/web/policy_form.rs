//! The form of a policy, made from the policy's JSON Schema: the schema has the types, the choices and the defaults.
//!
//! The form has the settings that offices change. The other ones are in the text of the policy, and the form keeps them.

use serde_json::{Map, Value, json};

use super::language::Language;

/// A heading and the settings under it.
const SECTIONS: &[(&str, &[&str])] = &[
    ("site", &["time_zone", "week_starts", "working_days"]),
    ("shifts", &[]),
    (
        "work",
        &[
            "expected",
            "expected_weekly",
            "full_day",
            "half_day",
            "tolerance",
            "count",
            "before_start",
            "after_end",
        ],
    ),
    ("scans", &["cooldown", "shortest_stay", "members_only"]),
    (
        "assignment",
        &[
            "missing_out",
            "longest_shift",
            "new_shift_after",
            "outside_windows",
            "day",
        ],
    ),
    (
        "overtime",
        &["weekly_after", "at_most_daily", "rest_days", "holidays"],
    ),
    ("anomalies", &["long_work", "short_rest"]),
];

/// The settings of a shift.
const SHIFT: &[&str] = &[
    "name",
    "start",
    "end",
    "overnight",
    "flexible",
    "expected",
    "late_after",
    "early_before",
    "margin_before",
    "margin_after",
];

/// A part of the form.
pub(crate) struct Section {
    /// The name of the table in the policy.
    pub(crate) name: &'static str,
    /// The heading.
    pub(crate) title: String,
    /// The settings.
    pub(crate) fields: Vec<Field>,
    /// The entries of a list, such as shifts; the last one is empty.
    pub(crate) entries: Vec<Entry>,
}

/// An entry of a list.
pub(crate) struct Entry {
    /// The heading.
    pub(crate) title: String,
    /// The settings.
    pub(crate) fields: Vec<Field>,
    /// The name of the field that removes the entry. The empty entry has none.
    pub(crate) remove: Option<String>,
}

/// A setting.
pub(crate) struct Field {
    /// Its place in the policy, such as `work.full_day` or `shifts.0.name`. It is the name and the id of the input.
    pub(crate) name: String,
    /// The label.
    pub(crate) label: String,
    /// The explanation.
    pub(crate) hint: String,
    /// The input.
    pub(crate) control: Control,
    /// The message of a value that was refused.
    pub(crate) error: Option<String>,
}

/// The input of a setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Control {
    /// A text.
    Text(String),
    /// A time of day.
    Time(String),
    /// A length of time such as `8h 30m`. It may be empty if the setting is optional.
    Length(String),
    /// Yes or no.
    Switch(bool),
    /// One of some values: value, label, chosen.
    One(Vec<(String, String, bool)>),
    /// Any of some values.
    Many(Vec<(String, String, bool)>),
}

/// The form of a policy.
///
/// `error` is the place and the message of a setting that was refused.
pub(crate) fn sections(
    policy: &Value,
    schema: &Value,
    language: &Language,
    error: Option<(&str, &str)>,
) -> Vec<Section> {
    SECTIONS
        .iter()
        .map(|(name, keys)| {
            let reader = Reader {
                schema,
                language,
                error,
            };
            let fields = keys
                .iter()
                .filter_map(|key| reader.field(&[name, key], &policy[name][key], name))
                .collect();
            let entries = if *name == "shifts" {
                reader.shifts(policy)
            } else {
                Vec::new()
            };
            Section {
                name,
                title: language.say(&format!("policy-{name}")),
                fields,
                entries,
            }
        })
        .collect()
}

struct Reader<'a> {
    schema: &'a Value,
    language: &'a Language,
    error: Option<(&'a str, &'a str)>,
}

impl Reader<'_> {
    fn shifts(&self, policy: &Value) -> Vec<Entry> {
        let shifts = policy["shifts"].as_array().map_or(&[][..], Vec::as_slice);
        let empty = json!({});
        shifts
            .iter()
            .chain([&empty])
            .enumerate()
            .map(|(index, shift)| {
                let place = index.to_string();
                let fields = SHIFT
                    .iter()
                    .filter_map(|key| self.field(&["shifts", &place, key], &shift[key], "shift"))
                    .collect();
                let there = index < shifts.len();
                let title = match shift["name"].as_str() {
                    Some(name) => self.language.say_with("policy-shift-named", "name", name),
                    None => self.language.say("policy-shift-new"),
                };
                Entry {
                    title,
                    fields,
                    remove: there.then(|| format!("shifts.{index}.remove")),
                }
            })
            .collect()
    }

    /// The field of a setting; none if the schema does not have it.
    fn field(&self, place: &[&str], value: &Value, table: &str) -> Option<Field> {
        let key = place.last()?;
        let name = place.join(".");
        let property = self.property(place)?;
        let value = if value.is_null() {
            &property["default"]
        } else {
            value
        };
        let message = format!("policy-{table}-{}", key.replace('_', "-"));
        let hint = format!("{message}-hint");
        Some(Field {
            label: self.language.say(&message),
            hint: if self.language.has(&hint) {
                self.language.say(&hint)
            } else {
                String::new()
            },
            control: self.control(property, value, key)?,
            error: self
                .error
                .filter(|(at, _)| *at == name)
                .map(|(_, text)| text.to_owned()),
            name,
        })
    }

    /// The schema of a setting.
    fn property(&self, place: &[&str]) -> Option<&Value> {
        let mut schema = self.schema;
        for step in place {
            schema = if step.parse::<usize>().is_ok() {
                self.resolve(&schema["items"])
            } else {
                let property = &schema["properties"][step];
                if property.is_null() {
                    return None;
                }
                self.resolve_table(property)
            };
        }
        Some(schema)
    }

    /// Follows a reference to a table; a setting keeps its own schema, which has the default.
    fn resolve_table<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let target = self.resolve(schema);
        if target["properties"].is_object() {
            target
        } else {
            schema
        }
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"]
            .as_str()
            .and_then(|name| name.strip_prefix('#'))
        {
            Some(pointer) => self.schema.pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }

    fn control(&self, property: &Value, value: &Value, key: &str) -> Option<Control> {
        let text = || value.as_str().unwrap_or_default().to_owned();
        // An optional setting is one schema or null.
        let inner = property["anyOf"]
            .as_array()
            .and_then(|schemas| schemas.first())
            .unwrap_or(property);
        if inner["$ref"]
            .as_str()
            .is_some_and(|name| name.ends_with("/Seconds"))
        {
            return Some(Control::Length(text()));
        }
        let target = self.resolve(inner);
        if property["type"] == "array" {
            let items = self.resolve(&property["items"]);
            let chosen = |choice: &str| {
                value
                    .as_array()
                    .is_some_and(|list| list.iter().any(|it| it == choice))
            };
            return Some(Control::Many(self.choices(items, key, chosen)?));
        }
        if property["type"] == "boolean" {
            return Some(Control::Switch(value.as_bool().unwrap_or(false)));
        }
        if let Some(mut choices) = self.choices(target, key, |choice| value == choice) {
            // A value that is a table can only be changed in the text; the choice keeps it.
            if value.is_object() {
                choices.push((String::new(), self.language.say("policy-keep"), true));
            }
            return Some(Control::One(choices));
        }
        match key {
            "start" | "end" => Some(Control::Time(text().chars().take(5).collect())),
            _ => Some(Control::Text(text())),
        }
    }

    /// The values of an enumeration, with their labels.
    fn choices(
        &self,
        schema: &Value,
        key: &str,
        chosen: impl Fn(&str) -> bool,
    ) -> Option<Vec<(String, String, bool)>> {
        let values: Vec<&str> = match (&schema["enum"], &schema["oneOf"]) {
            (Value::Array(values), _) => values.iter().filter_map(Value::as_str).collect(),
            (_, Value::Array(schemas)) => schemas
                .iter()
                .filter_map(|one| one["const"].as_str())
                .collect(),
            _ => return None,
        };
        let label = |value: &str| {
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            match days.iter().position(|day| *day == value) {
                Some(day) => self.language.say(&format!("weekday-{}", day + 1)),
                None => {
                    let (key, value) = (key.replace('_', "-"), value.replace('_', "-"));
                    self.language.say(&format!("policy-choice-{key}-{value}"))
                }
            }
        };
        Some(
            values
                .into_iter()
                .map(|value| (value.to_owned(), label(value), chosen(value)))
                .collect(),
        )
    }
}

/// The policy with the values of a form that was sent. Settings that the form does not have stay as they are.
///
/// The values are not checked: reading the result as a policy does that.
pub(crate) fn apply(
    policy: &Value,
    schema: &Value,
    language: &Language,
    sent: &[(String, String)],
) -> Value {
    let mut changed = policy.clone();
    let mut removed = Vec::new();
    for section in sections(policy, schema, language, None) {
        for field in &section.fields {
            put(&mut changed, field, sent);
        }
        for (index, entry) in section.entries.iter().enumerate() {
            let is_sent = |name: &str| {
                sent.iter()
                    .any(|(sent, value)| sent == name && !value.is_empty())
            };
            let Some(remove) = &entry.remove else {
                // The empty entry counts if it has a name.
                if is_sent(&format!("{}.{index}.name", section.name)) {
                    list(&mut changed, section.name).push(json!({}));
                    entry
                        .fields
                        .iter()
                        .for_each(|field| put(&mut changed, field, sent));
                }
                continue;
            };
            if is_sent(remove) {
                removed.push((section.name, index));
            }
            entry
                .fields
                .iter()
                .for_each(|field| put(&mut changed, field, sent));
        }
    }
    for (name, index) in removed.into_iter().rev() {
        list(&mut changed, name).remove(index);
    }
    changed
}

fn list<'a>(policy: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    let list = &mut policy[name];
    if !list.is_array() {
        *list = json!([]);
    }
    match list {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list above"),
    }
}

/// Puts the value of a field in its place. An optional setting that is empty is removed.
fn put(policy: &mut Value, field: &Field, sent: &[(String, String)]) {
    let mut values = sent
        .iter()
        .filter(|(name, _)| *name == field.name)
        .map(|(_, value)| value.trim());
    let value = match &field.control {
        Control::Switch(_) => json!(values.next().is_some()),
        Control::Many(_) => json!(values.filter(|value| !value.is_empty()).collect::<Vec<_>>()),
        Control::One(_) => match values.next() {
            None | Some("") => return,
            Some(value) => json!(value),
        },
        _ => match values.next() {
            None => return,
            Some("") => Value::Null,
            Some(value) => json!(value),
        },
    };
    let mut steps: Vec<&str> = field.name.split('.').collect();
    let last = steps.pop().unwrap_or_default();
    let mut target = policy;
    for step in steps {
        target = match step.parse::<usize>() {
            Ok(index) => &mut target[index],
            Err(_) => {
                if target[step].is_null() {
                    target[step] = if step == "shifts" {
                        json!([])
                    } else {
                        Value::Object(Map::new())
                    };
                }
                &mut target[step]
            }
        };
    }
    if let Value::Object(table) = target {
        if value.is_null() {
            table.remove(last);
        } else {
            table.insert(last.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use attendance_rules::Policy;

    use super::*;
    use crate::presets::{PRESETS, policy};

    fn english() -> &'static Language {
        Language::find("en").unwrap()
    }

    fn sent(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        fields.iter().map(own).collect()
    }

    /// The fields that a browser sends if nobody changes anything.
    fn untouched(policy: &Value) -> Vec<(String, String)> {
        let sections = sections(policy, &Policy::json_schema(), english(), None);
        let fields = sections.iter().flat_map(|section| {
            let entries = section.entries.iter().flat_map(|entry| &entry.fields);
            section.fields.iter().chain(entries)
        });
        let mut all = Vec::new();
        for field in fields {
            let name = &field.name;
            match &field.control {
                Control::Text(value) | Control::Time(value) | Control::Length(value) => {
                    all.push((name.clone(), value.clone()));
                }
                Control::Switch(true) => all.push((name.clone(), "yes".to_owned())),
                Control::Switch(false) => {}
                Control::One(choices) | Control::Many(choices) => {
                    let chosen = choices.iter().filter(|choice| choice.2);
                    all.extend(chosen.map(|choice| (name.clone(), choice.0.clone())));
                }
            }
        }
        all
    }

    #[test]
    fn a_form_that_is_not_changed_keeps_the_policy() {
        for preset in PRESETS {
            let toml = policy(preset.name, "Europe/Berlin").unwrap();
            let before = Policy::from_toml(&toml).unwrap();
            let json = serde_json::to_value(&before).unwrap();
            let after = apply(&json, &Policy::json_schema(), english(), &untouched(&json));
            let after = Policy::from_json(&after.to_string()).unwrap();
            assert_eq!(after, before, "{}", preset.name);
        }
    }

    #[test]
    fn each_setting_has_a_label_in_each_language() {
        for language in Language::all() {
            let json = serde_json::to_value(Policy::default()).unwrap();
            let sections = sections(&json, &Policy::json_schema(), language, None);
            let mut count = 0;
            for section in &sections {
                let entries = section.entries.iter().flat_map(|entry| &entry.fields);
                for field in section.fields.iter().chain(entries) {
                    count += 1;
                    let mut texts = vec![&field.label];
                    if let Control::One(choices) | Control::Many(choices) = &field.control {
                        texts.extend(choices.iter().map(|choice| &choice.1));
                    }
                    for text in texts {
                        assert!(!text.starts_with("policy-"), "{}: {text}", language.code());
                    }
                }
                let listed = SECTIONS.iter().find(|(name, _)| *name == section.name);
                assert_eq!(
                    section.fields.len(),
                    listed.unwrap().1.len(),
                    "{}",
                    section.name
                );
            }
            assert!(count > 30, "{count} settings");
        }
    }

    #[test]
    fn shifts_are_added_changed_and_removed() {
        let schema = Policy::json_schema();
        let empty = json!({});
        let added = apply(
            &empty,
            &schema,
            english(),
            &sent(&[
                ("shifts.0.name", "early"),
                ("shifts.0.start", "06:00"),
                ("shifts.0.end", "14:00"),
                ("site.time_zone", "Europe/Berlin"),
                ("site.working_days", "mon"),
                ("site.working_days", "tue"),
            ]),
        );
        let policy = Policy::from_json(&added.to_string()).unwrap();
        assert_eq!(
            (&*policy.shifts[0].name, policy.site.working_days.len()),
            ("early", 2)
        );
        let changed = apply(
            &added,
            &schema,
            english(),
            &sent(&[("shifts.0.late_after", "10m"), ("shifts.0.overnight", "")]),
        );
        assert_eq!(changed["shifts"][0]["late_after"], "10m");
        let removed = apply(
            &changed,
            &schema,
            english(),
            &sent(&[("shifts.0.remove", "yes")]),
        );
        assert_eq!(removed["shifts"], json!([]));
    }

    #[test]
    fn an_optional_setting_that_is_emptied_is_removed() {
        let before = json!({ "work": { "full_day": "6h", "tolerance": "5m" } });
        let after = apply(
            &before,
            &Policy::json_schema(),
            english(),
            &sent(&[("work.full_day", " ")]),
        );
        assert_eq!(after["work"].get("full_day"), None);
        assert_eq!(after["work"]["tolerance"], "5m");
    }
}
