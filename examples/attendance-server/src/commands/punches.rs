//! Punches of a person, with their outcomes.

use attendance_rules::{Change, PunchKind, PunchOutcome, PunchSource, PunchVerdict};
use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{days, people, sites};
use crate::{
    access::Actor,
    error::{Error, Result},
    id::Id,
    store::Transaction,
};

/// A punch.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Punch {
    /// The id.
    pub id: String,
    /// The time.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The local date, in the time zone of the person's site.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The direction that it states.
    pub kind: PunchKind,
    /// Its source.
    pub source: PunchSource,
    /// The device.
    pub device: Option<String>,
    /// The correction that added it.
    pub added_by: Option<String>,
    /// The outcome: `assigned`, `suppressed`, `superseded` or `unassigned`, as the rules have it.
    pub outcome: serde_json::Value,
    /// Its anomalies, as the rules have them.
    pub anomalies: serde_json::Value,
}

/// A period.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct PunchPeriod {
    /// The first day.
    #[schemars(with = "crate::schema::Day")]
    pub from: Date,
    /// The last day; at most 366 days after the first.
    #[schemars(with = "crate::schema::Day")]
    pub to: Date,
}

/// The punches of a person in a period, in order of time. Superseded ones are among them.
///
/// # Errors
///
/// 404 if the actor may see no such person; 422 for a wrong period.
pub async fn list(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
    period: PunchPeriod,
) -> Result<Vec<Punch>> {
    days::check_period(period.from, period.to)?;
    people::get(tx, actor, person).await?;
    let directory = people::directory(tx, actor.org).await?;
    let entry = directory
        .get(person)
        .ok_or_else(|| Error::not_found("person"))?;
    let timeline = sites::timeline(tx, actor.org, entry.site).await?;
    let now = tx.now;
    let subject =
        days::Subject::load(tx, actor.org, entry, timeline.clone(), period.from, now).await?;
    let evaluated = subject.evaluate(now)?;
    let added = |correction: &attendance_rules::Correction| match &correction.change {
        Change::Add { punch } | Change::Replace { with: punch, .. } => {
            Some((punch.as_ref().clone(), Some(correction.id.clone())))
        }
        _ => None,
    };
    let punches = subject.punches.iter().map(|punch| (punch.clone(), None));
    let punches = punches.chain(subject.corrections.iter().filter_map(added));
    let mut list = Vec::new();
    for (punch, added_by) in punches {
        let date = timeline.date(punch.at);
        if !(period.from..=period.to).contains(&date) {
            continue;
        }
        // A punch of a correction that was undone has no outcome.
        let Some(outcome) = evaluated
            .outcomes
            .iter()
            .find(|outcome| outcome.punch == punch.id)
        else {
            continue;
        };
        list.push(Punch {
            id: punch.id.to_string(),
            at: punch.at,
            date,
            kind: punch.kind,
            source: punch.source,
            device: punch.device.as_deref().map(str::to_owned),
            added_by,
            outcome: serde_json::to_value(without_index(outcome))?,
            anomalies: serde_json::to_value(&outcome.anomalies)?,
        });
    }
    list.sort_by(|one, two| (one.at, &one.id).cmp(&(two.at, &two.id)));
    Ok(list)
}

/// The verdict. The index of the shift means nothing outside of the ledger.
fn without_index(outcome: &PunchOutcome) -> serde_json::Value {
    match &outcome.outcome {
        PunchVerdict::Assigned { direction, .. } => serde_json::json!({
            "outcome": "assigned", "direction": PunchKind::from(*direction),
        }),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
