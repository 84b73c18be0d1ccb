//! Corrections: forgotten, wrong and superfluous punches. Punches are never edited; a correction supersedes them.

use attendance_rules::{Change, Punch, PunchKind, PunchSource};
use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, days, days::DayChange, locks, people, sites};
use crate::{
    access::{Actor, EDITORS},
    db::Row,
    error::{Error, Result},
    id::Id,
    store::{Entry, Transaction},
    text, values,
};

/// A correction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// The id.
    pub id: Id,
    /// The person.
    pub person: Id,
    /// The time at which it was made.
    #[schemars(with = "crate::schema::Time")]
    pub made: Timestamp,
    /// The one who made it.
    pub made_by: String,
    /// The reason.
    pub reason: String,
    /// The change, as the rules have it.
    pub change: Change,
    /// The correction that undid it.
    pub undone_by: Option<Id>,
}

/// A new correction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// The person.
    pub person: Id,
    /// The reason, which is kept; at most 500 characters.
    pub reason: String,
    /// The change.
    pub change: NewChange,
}

/// The change of a new correction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum NewChange {
    /// Adds a forgotten punch.
    Add {
        /// The time.
        #[schemars(with = "crate::schema::Time")]
        at: Timestamp,
        /// In or out; undetermined if the rules shall find it.
        #[serde(default)]
        direction: PunchKind,
    },
    /// Replaces a punch by another.
    Replace {
        /// The punch that no longer counts.
        punch: Id,
        /// The time of the other.
        #[schemars(with = "crate::schema::Time")]
        at: Timestamp,
        /// The direction of the other.
        #[serde(default)]
        direction: PunchKind,
    },
    /// Removes a punch from the evaluation.
    Void {
        /// The punch.
        punch: Id,
    },
}

/// A correction, and the days that it changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeCorrection {
    /// The correction.
    pub correction: Correction,
    /// The days before and after.
    pub days: Vec<DayChange>,
}

/// Makes a correction.
///
/// # Errors
///
/// 403, 404; 409 if the day is in a closed period; 422 if the time is in the future, or the person has no such punch.
pub async fn make(
    tx: &mut Transaction,
    actor: &Actor,
    input: NewCorrection,
) -> Result<MadeCorrection> {
    let directory = people::directory(tx, actor.org).await?;
    people::get(tx, actor, input.person).await?;
    let entry = directory
        .get(input.person)
        .ok_or_else(|| Error::not_found("person"))?;
    actor.require_at(entry.site, EDITORS)?;
    let reason = text::checked("/reason", &input.reason, 500)?;
    let name = people::person_id(entry.id)?;
    let new_punch = |tx: &Transaction, at: Timestamp, direction: PunchKind| {
        if at > tx.now {
            return Err(Error::invalid(
                "/change/at",
                "in_the_future",
                "A punch cannot be in the future.",
            ));
        }
        let punch = Punch::new(tx.new_id().to_string(), name.clone(), at);
        Ok(Box::new(
            punch.with_kind(direction).with_source(PunchSource::Manual),
        ))
    };
    let mut times = Vec::new();
    let change = match input.change {
        NewChange::Add { at, direction } => {
            times.push(at);
            Change::Add {
                punch: new_punch(tx, at, direction)?,
            }
        }
        NewChange::Replace {
            punch,
            at,
            direction,
        } => {
            times.extend([at, time_of(tx, actor.org, entry, punch).await?]);
            Change::Replace {
                punch: punch.to_string().into(),
                with: new_punch(tx, at, direction)?,
            }
        }
        NewChange::Void { punch } => {
            times.push(time_of(tx, actor.org, entry, punch).await?);
            Change::Void {
                punch: punch.to_string().into(),
            }
        }
    };
    let timeline = sites::timeline(tx, actor.org, entry.site).await?;
    let first = times
        .into_iter()
        .map(|at| timeline.date(at))
        .min()
        .unwrap_or(Date::MAX);
    apply(tx, actor, entry, reason, change, first).await
}

/// Voids a punch for a device, whose person said "not me".
pub(super) async fn void_at_door(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
    punch: Id,
) -> Result<()> {
    let directory = people::directory(tx, actor.org).await?;
    let entry = directory
        .get(person)
        .ok_or_else(|| Error::not_found("person"))?;
    let at = time_of(tx, actor.org, entry, punch).await?;
    let first = sites::timeline(tx, actor.org, entry.site).await?.date(at);
    let change = Change::Void {
        punch: punch.to_string().into(),
    };
    apply(tx, actor, entry, "Not me.".to_owned(), change, first)
        .await
        .map(drop)
}

/// Undoes a correction, as if it had never been made.
///
/// # Errors
///
/// 403, 404; 409 if it was undone already, is itself an undoing, or the day is in a closed period.
pub async fn undo(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    reason: &str,
) -> Result<MadeCorrection> {
    let row = tx
        .row(
            "SELECT person, change, first_date, undone_by FROM correction WHERE org = $1 AND id = $2",
            values![actor.org, id],
        )
        .await?
        .ok_or_else(|| Error::not_found("correction"))?;
    let person = row.get("person")?;
    let directory = people::directory(tx, actor.org).await?;
    let visible = people::get(tx, actor, person).await.is_ok();
    let entry = directory
        .get(person)
        .filter(|_| visible)
        .ok_or_else(|| Error::not_found("correction"))?;
    actor.require_at(entry.site, EDITORS)?;
    let reason = text::checked("/reason", reason, 500)?;
    if row.get::<Option<Id>>("undone_by")?.is_some() {
        return Err(Error::conflict(
            "undone",
            "The correction was undone already.",
        ));
    }
    if matches!(row.json("change")?, Change::Undo { .. }) {
        return Err(Error::conflict(
            "undoing",
            "An undoing cannot be undone. Make the correction again.",
        ));
    }
    let change = Change::Undo {
        correction: id.to_string(),
    };
    let made = apply(tx, actor, entry, reason, change, row.get("first_date")?).await?;
    tx.execute(
        "UPDATE correction SET undone_by = $3 WHERE org = $1 AND id = $2",
        values![actor.org, id, made.correction.id],
    )
    .await?;
    Ok(made)
}

/// Writes a correction, and evaluates the days from the first one that it can change.
async fn apply(
    tx: &mut Transaction,
    actor: &Actor,
    entry: &Entry,
    reason: String,
    change: Change,
    first: Date,
) -> Result<MadeCorrection> {
    let org = actor.org;
    locks::check_open(days::closed_through(tx, org, entry).await?, first)?;
    // First up to now, so that what differs afterwards is the correction's effect alone.
    days::evaluate_from(tx, org, entry.id, first).await?;
    let (id, made) = (tx.new_id(), next_made(tx, org, entry.id).await?);
    let sealed = tx.keys().seal(org, entry.id, "reason", reason.as_bytes())?;
    tx.execute(
        "INSERT INTO correction (org, id, person, made, made_by, reason, change, first_date) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            org,
            id,
            entry.id,
            made,
            actor.label(),
            sealed,
            serde_json::to_string(&change)?,
            first
        ],
    )
    .await?;
    let mut evaluation = days::evaluate_from(tx, org, entry.id, first).await?;
    evaluation.changes.retain(|change| !change.is_closed);
    let detail =
        json!({ "correction": id, "reason": reason, "change": change, "days": evaluation.changes });
    audit::record(
        tx,
        actor,
        "correction_made",
        Subject::Person(entry.id),
        detail,
    )
    .await?;
    let data = json!({ "correction": id, "first_date": first });
    tx.event(
        org,
        "correction_made",
        Some(entry.site),
        Some(entry.id),
        data,
    )
    .await?;
    Ok(MadeCorrection {
        correction: Correction {
            id,
            person: entry.id,
            made,
            made_by: actor.label(),
            reason,
            change,
            undone_by: None,
        },
        days: evaluation.changes,
    })
}

/// The time of a new correction of a person. It is later than the others even if the clock was set back, since a later
/// correction supersedes an earlier one.
async fn next_made(tx: &mut Transaction, org: Id, person: Id) -> Result<Timestamp> {
    let row = tx
        .row(
            "SELECT MAX(made) AS last FROM correction WHERE org = $1 AND person = $2",
            values![org, person],
        )
        .await?;
    let last = row.map(|row| row.get("last")).transpose()?;
    tx.now_after(last.flatten())
}

/// The time of a punch of a person: of a row, or of one that a correction added.
async fn time_of(tx: &mut Transaction, org: Id, entry: &Entry, punch: Id) -> Result<Timestamp> {
    let row = tx
        .row(
            "SELECT at FROM punch WHERE org = $1 AND person = $2 AND id = $3",
            values![org, entry.id, punch],
        )
        .await?;
    if let Some(row) = row {
        return row.get("at");
    }
    let name = punch.to_string();
    for correction in days::corrections(tx, org, entry.id).await? {
        match correction.change {
            Change::Add { punch } | Change::Replace { with: punch, .. }
                if punch.id.as_str() == name =>
            {
                return Ok(punch.at);
            }
            _ => {}
        }
    }
    Err(Error::invalid(
        "/change/punch",
        "unknown_punch",
        "The person has no such punch.",
    ))
}

/// The corrections of a person, the newest first.
///
/// # Errors
///
/// 404 if the actor may see no such person.
pub async fn list(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Vec<Correction>> {
    people::get(tx, actor, person).await?;
    let rows = tx
        .rows(
            "SELECT id, made, made_by, reason, change, undone_by FROM correction \
             WHERE org = $1 AND person = $2 ORDER BY made DESC, id DESC",
            values![actor.org, person],
        )
        .await?;
    rows.iter()
        .map(|row| read(tx, actor.org, person, row))
        .collect()
}

fn read(tx: &Transaction, org: Id, person: Id, row: &Row) -> Result<Correction> {
    let sealed: Vec<u8> = row.get("reason")?;
    let reason = tx
        .keys()
        .open(org, person, "reason", &sealed)?
        .unwrap_or_default();
    Ok(Correction {
        id: row.get("id")?,
        person,
        made: row.get("made")?,
        made_by: row.get("made_by")?,
        reason: String::from_utf8_lossy(&reason).into_owned(),
        change: row.json("change")?,
        undone_by: row.get("undone_by")?,
    })
}
