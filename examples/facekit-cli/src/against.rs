//! The changes since earlier records.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use attendance_rules::{Ledger, Revision};
use facekit::PersonId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sheets::{Sheet, text};

use crate::{
    output::{count, plain, shown, table},
    policy::read,
    records::{Format, Records, deliver},
    session::Session,
};

/// Records that were written before.
pub(crate) struct Earlier {
    path: PathBuf,
    document: Value,
    ledgers: BTreeMap<PersonId, Ledger>,
}

/// The changes of each person.
#[derive(Debug, Serialize)]
struct Changes {
    against: String,
    /// The first and the last day of the earlier records.
    before: [Value; 2],
    /// The first and the last day of the records now.
    after: [Value; 2],
    /// Only people with changes.
    revisions: BTreeMap<PersonId, Revision>,
}

impl Earlier {
    /// Reads records that were written with `--format json` or `--json`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let named = || format!("{} cannot be used", path.display());
        let document: Value = serde_json::from_str(&read(path)?).with_context(named)?;
        Ok(Self {
            path: path.to_owned(),
            ledgers: ledgers(&document).with_context(named)?,
            document,
        })
    }

    /// Prints what is different in `records`, or writes it to a file and prints a summary.
    pub(crate) fn answer(
        &self,
        session: &Session,
        records: &Records,
        format: Format,
        out: Option<&Path>,
    ) -> Result<()> {
        let now = serde_json::to_value(records).context("the records cannot be written as JSON")?;
        let days = |document: &Value| [document["from"].clone(), document["to"].clone()];
        let changes = Changes {
            against: shown(&self.path),
            before: days(&self.document),
            after: days(&now),
            revisions: revisions(&self.ledgers, &ledgers(&now)?),
        };
        let text = match format {
            Format::Json => serde_json::to_string_pretty(&changes)
                .context("the changes cannot be written as JSON")?,
            Format::Csv => csv(&changes.rows())?,
            Format::Table => table(HEADINGS, changes.rows()),
        };
        let out = out.map(|out| ("changes", out));
        deliver(session, format, &changes, text, out, &changes.summary())
    }
}

/// The ledgers in a document of records.
fn ledgers(document: &Value) -> Result<BTreeMap<PersonId, Ledger>> {
    let people = document["outcomes"].as_object();
    let people = people.filter(|_| document["shifts"].is_object() && document["days"].is_array());
    let people = people.context(
        "it has no days, shifts and outcomes of punches; write the earlier records with --format json",
    )?;
    let mut days: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for day in document["days"].as_array().into_iter().flatten() {
        let person = day["person"].as_str().context("a day has no person")?;
        days.entry(person).or_default().push(day);
    }
    let mut ledgers = BTreeMap::new();
    for (person, outcomes) in people {
        let ledger = json!({
            "person": person,
            "outcomes": outcomes,
            "shifts": document["shifts"][person],
            "days": days.remove(person.as_str()).unwrap_or_default(),
        });
        let ledger: Ledger = serde_json::from_value(ledger).with_context(|| person.clone())?;
        ledgers.insert(ledger.person.clone(), ledger);
    }
    ensure!(
        days.is_empty(),
        "it has days of people without outcomes of punches"
    );
    Ok(ledgers)
}

fn revisions(
    before: &BTreeMap<PersonId, Ledger>,
    after: &BTreeMap<PersonId, Ledger>,
) -> BTreeMap<PersonId, Revision> {
    let people: BTreeSet<&PersonId> = before.keys().chain(after.keys()).collect();
    let revisions = people.into_iter().filter_map(|person| {
        let empty = || {
            let nothing = json!({"person": person, "outcomes": [], "shifts": [], "days": []});
            serde_json::from_value(nothing).ok()
        };
        let before = before.get(person).cloned().or_else(empty)?;
        let after = after.get(person).cloned().or_else(empty)?;
        let revision = Revision::between(&before, &after);
        (!revision.is_empty()).then(|| (person.clone(), revision))
    });
    revisions.collect()
}

const HEADINGS: [&str; 5] = ["person", "date", "changed", "before", "after"];

impl Changes {
    /// One row for each changed field of a day, and for each punch whose outcome changed.
    fn rows(&self) -> Vec<[String; 5]> {
        let mut rows = Vec::new();
        for (person, revision) in &self.revisions {
            for day in &revision.days {
                let (before, after) = (flat(&day.before), flat(&day.after));
                let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for key in keys
                    .into_iter()
                    .filter(|key| before.get(*key) != after.get(*key))
                {
                    let field = |side: &BTreeMap<String, String>| {
                        side.get(key).cloned().unwrap_or_default()
                    };
                    let date = day.date.to_string();
                    rows.push([
                        person.to_string(),
                        date,
                        key.clone(),
                        field(&before),
                        field(&after),
                    ]);
                }
            }
            for punch in &revision.punches {
                let outcome = |outcome| flat(outcome).into_values().collect::<Vec<_>>().join(" ");
                rows.push([
                    person.to_string(),
                    punch.at.to_string(),
                    format!("punch {}", punch.punch),
                    outcome(&punch.before),
                    outcome(&punch.after),
                ]);
            }
        }
        rows
    }

    fn summary(&self) -> String {
        let days = self.revisions.values().map(|it| it.days.len()).sum();
        let punches = self.revisions.values().map(|it| it.punches.len()).sum();
        format!(
            "{} and {} of {} changed since {}",
            count(days, "day", "days"),
            count(punches, "punch", "punches"),
            count(self.revisions.len(), "person", "people"),
            plain(&self.against),
        )
    }
}

/// The fields of a record by their path, without the person and the date.
fn flat(record: &Option<impl Serialize>) -> BTreeMap<String, String> {
    fn add(flat: &mut BTreeMap<String, String>, path: &str, value: &Value) {
        match value {
            Value::Object(keys) => add_all(flat, path, keys),
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::String(text) => {
                flat.insert(path.to_owned(), text.clone());
            }
            other => {
                flat.insert(path.to_owned(), other.to_string());
            }
        }
    }
    fn add_all(flat: &mut BTreeMap<String, String>, path: &str, keys: &Map<String, Value>) {
        for (key, value) in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            add(flat, &path, value);
        }
    }
    let mut flat = BTreeMap::new();
    let value = serde_json::to_value(record).unwrap_or_default();
    add(&mut flat, "", &value);
    flat.remove("person");
    flat.remove("date");
    flat
}

fn csv(rows: &[[String; 5]]) -> Result<String> {
    let mut sheet = Sheet::new(HEADINGS)?;
    for row in rows {
        let fields = row.iter().map(|field| match field.parse::<f64>() {
            // A negative number is not a formula.
            Ok(_) => field.into(),
            Err(_) => text(field),
        });
        sheet.row(fields)?;
    }
    Ok(sheet.finish()?)
}
