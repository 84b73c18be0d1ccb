//! New versions of a site's policy, with a dry run before.

use attendance_rules::{Policy, Rules};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    audit,
    audit::Subject,
    days::{self, DayChange},
    locks, people,
    sites::{self, Applied, Timeline},
};
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    id::Id,
    store::Transaction,
};

/// A new version of a policy, as TOML or as JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The first day on which it applies.
    #[schemars(with = "crate::schema::Day")]
    pub applies_from: Date,
    /// The policy as TOML. State this or `policy`.
    #[serde(default)]
    pub toml: Option<String>,
    /// The policy as JSON, by the schema of `GET /api/v1/policy-schema`.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, Json>>")]
    pub policy: Option<Json>,
}

/// The effect of a policy on the days that are kept.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Effect {
    /// The number of days that change.
    pub days: usize,
    /// The number of people with such days.
    pub people: usize,
    /// The first 100 of them.
    pub examples: Vec<ChangedDay>,
    /// The policy, as TOML.
    pub toml: String,
}

/// A day that changes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangedDay {
    /// The person.
    pub person: Id,
    /// The day before and after.
    pub change: DayChange,
}

/// The examples of an [`Effect`].
const EXAMPLES: usize = 100;

impl NewPolicy {
    /// The policy, checked.
    fn checked(&self) -> Result<Policy> {
        let policy = match (&self.toml, &self.policy) {
            (Some(toml), None) => {
                Policy::from_toml(toml).map_err(|error| refused("/toml", &error))?
            }
            (None, Some(json)) => Policy::from_json(&json.to_string())
                .map_err(|error| refused(&pointer(&error), &error))?,
            _ => {
                let detail = "State the policy once: as toml or as policy.";
                return Err(Error::invalid("/policy", "no_policy", detail));
            }
        };
        // Contradictions between the tables are found here.
        Rules::new(policy.clone()).map_err(|error| refused(&pointer(&error), &error))?;
        Ok(policy)
    }
}

fn refused(pointer: &str, error: &attendance_rules::Error) -> Error {
    Error::invalid(pointer, "wrong_policy", error.to_string())
}

/// The key of an error as a JSON pointer: `shifts[0].end` becomes `/policy/shifts/0/end`.
fn pointer(error: &attendance_rules::Error) -> String {
    match error {
        attendance_rules::Error::Policy { path, .. } if !path.is_empty() => {
            format!(
                "/policy/{}",
                path.replace('[', ".").replace(']', "").replace('.', "/")
            )
        }
        _ => "/policy".to_owned(),
    }
}

/// Says which days a policy would change, and changes nothing.
///
/// # Errors
///
/// 403; 404; 409 if the first day is in a closed period; 422 if the policy contradicts itself.
pub async fn dry_run(
    tx: &mut Transaction,
    actor: &Actor,
    site: Id,
    new: &NewPolicy,
) -> Result<Effect> {
    let (policy, toml) = prepared(tx, actor, site, new).await?;
    let timeline = sites::timeline(tx, actor.org, site).await?;
    let timeline = timeline.with(Applied {
        from: new.applies_from,
        version: tx.new_id(),
        rules: std::sync::Arc::new(Rules::new(policy)?),
    });
    let changes = changes(tx, actor.org, site, &timeline, new.applies_from).await?;
    Ok(effect(changes, toml))
}

/// Adds a version of the policy, and evaluates the days from its first one on.
///
/// # Errors
///
/// As [`dry_run`].
pub async fn apply(
    tx: &mut Transaction,
    actor: &Actor,
    site: Id,
    new: &NewPolicy,
) -> Result<Effect> {
    let (_, toml) = prepared(tx, actor, site, new).await?;
    let org = actor.org;
    let directory = people::directory(tx, org).await?;
    let people: Vec<Id> = directory
        .people()
        .iter()
        .filter(|entry| entry.site == site)
        .map(|entry| entry.id)
        .collect();
    // First up to now, so that what differs afterwards is the policy's effect alone.
    for &person in &people {
        days::evaluate_from(tx, org, person, new.applies_from).await?;
    }
    let version = sites::insert_policy(tx, actor, site, new.applies_from, &toml).await?;
    let mut all = Vec::new();
    for person in people {
        let evaluation = days::evaluate_from(tx, org, person, new.applies_from).await?;
        all.extend(seen(person, evaluation.changes));
    }
    let effect = effect(all, toml);
    let detail = json!({
        "version": version, "applies_from": new.applies_from, "toml": effect.toml, "days": effect.days,
    });
    audit::record(tx, actor, "policy_applied", Subject::Thing(site), detail).await?;
    let data = json!({ "version": version, "applies_from": new.applies_from });
    tx.event(org, "policy_applied", Some(site), None, data)
        .await?;
    Ok(effect)
}

async fn prepared(
    tx: &mut Transaction,
    actor: &Actor,
    site: Id,
    new: &NewPolicy,
) -> Result<(Policy, String)> {
    sites::get(tx, actor, site).await?;
    actor.require(&[Role::Admin])?;
    if !(1901..=2198).contains(&new.applies_from.year()) {
        let detail = format!("{} is not in the years 1901 to 2198.", new.applies_from);
        return Err(Error::invalid("/applies_from", "date_out_of_range", detail));
    }
    let closed = days::locked_through(tx, actor.org, site).await?;
    locks::check_open(closed, new.applies_from)?;
    let policy = new.checked()?;
    let toml = policy.to_toml()?;
    Ok((policy, toml))
}

/// The days of a site's people that differ under other policies, as of now.
async fn changes(
    tx: &mut Transaction,
    org: Id,
    site: Id,
    timeline: &Timeline,
    from: Date,
) -> Result<Vec<ChangedDay>> {
    let now = tx.now;
    let present = sites::timeline(tx, org, site).await?;
    let directory = people::directory(tx, org).await?;
    let mut all = Vec::new();
    for entry in directory.people().iter().filter(|entry| entry.site == site) {
        let before = days::Subject::load(tx, org, entry, present.clone(), from, now).await?;
        let before = before.evaluate(now)?;
        let after = days::Subject::load(tx, org, entry, timeline.clone(), from, now).await?;
        let after = after.evaluate(now)?;
        let closed = days::closed_through(tx, org, entry).await?;
        all.extend(seen(entry.id, after.differences_to(&before, closed)?));
    }
    Ok(all)
}

/// The days of a person whose records differ, and are not in a closed period.
fn seen(person: Id, changes: Vec<DayChange>) -> impl Iterator<Item = ChangedDay> {
    let changes = changes
        .into_iter()
        .filter(|change| !change.is_closed && change.is_visible());
    changes.map(move |change| ChangedDay { person, change })
}

fn effect(mut changes: Vec<ChangedDay>, toml: String) -> Effect {
    let mut people: Vec<Id> = changes.iter().map(|changed| changed.person).collect();
    people.sort_unstable();
    people.dedup();
    let days = changes.len();
    changes.truncate(EXAMPLES);
    Effect {
        days,
        people: people.len(),
        examples: changes,
        toml,
    }
}
