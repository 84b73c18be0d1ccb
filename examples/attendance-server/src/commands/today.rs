//! The people who are in, expected, late or absent now.

use std::collections::{HashMap, hash_map::Entry};

use attendance_rules::{Presence, Punch, Rules, Today};
use jiff::{SignedDuration, Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    days, people,
    sightings::{Answer, Outcome},
    sites,
};
use crate::{
    access::Actor,
    error::{Error, Result},
    id::Id,
    store::{self, Transaction},
    values,
};

/// The punches that decide about presence.
const BEFORE: SignedDuration = SignedDuration::from_hours(4 * 24);

/// The state of a person today.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Should have come, and did not.
    Absent,
    /// Inside, and came late.
    Late,
    /// Inside.
    In,
    /// Should come, and is not late yet.
    Expected,
    /// Was here today, and went.
    Gone,
    /// On leave all day.
    OnLeave,
    /// No work is due.
    Free,
}

/// A person today.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonToday {
    /// The person.
    pub person: Id,
    /// The name.
    pub name: String,
    /// The staff number.
    pub number: String,
    /// The home site.
    pub site: Id,
    /// The state.
    pub state: State,
    /// The time since which the person is inside.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub inside_since: Option<Timestamp>,
    /// The first punch of the day.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub first: Option<Timestamp>,
    /// The last punch of the day.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub last: Option<Timestamp>,
    /// Seconds by which the person came late.
    pub late_seconds: i64,
    /// The anomalies of the day.
    pub anomalies: i64,
    /// The counted time in seconds, up to now.
    pub counted_seconds: i64,
    /// The expected time in seconds.
    pub expected_seconds: i64,
}

/// All people today.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Overview {
    /// The present time.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The number of people in each state.
    pub counts: HashMap<State, usize>,
    /// The people: exceptions first, then by name.
    pub people: Vec<PersonToday>,
}

/// The fields of a day's record that the overview needs.
#[derive(Default, Deserialize)]
struct Brief {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    late_seconds: i64,
    anomalies: i64,
    counted_seconds: i64,
    expected_seconds: i64,
}

/// The people whom the actor may see, as they are now.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn overview(tx: &mut Transaction, actor: &Actor, site: Option<Id>) -> Result<Overview> {
    let (org, now) = (actor.org, tx.now);
    let visible = people::visible_to(tx, actor).await?;
    let mut by_site: HashMap<Id, Vec<&store::Entry>> = HashMap::new();
    for entry in visible.people() {
        if entry.deactivated.is_none() && site.is_none_or(|site| entry.site == site) {
            by_site.entry(entry.site).or_default().push(entry);
        }
    }
    let mut punches = recent_punches(tx, org, now).await?;
    let mut corrected = corrected(tx, org, now).await?;
    // Most sites have the same date.
    let mut by_date: HashMap<Date, HashMap<Id, Brief>> = HashMap::new();
    let mut all = Vec::new();
    for (site, entries) in by_site {
        let timeline = sites::timeline(tx, org, site).await?;
        let today = timeline.date(now);
        let members: Result<Vec<_>> = entries.iter().map(|entry| people::member(entry)).collect();
        let rules = Rules::clone(&timeline.at(today).rules).with_members(members?)?;
        let briefs = match by_date.entry(today) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(briefs(tx, org, today).await?),
        };
        for entry in entries {
            let name = people::person_id(entry.id)?;
            let mut punches = punches.remove(&entry.id).unwrap_or_default();
            let corrections = if corrected.remove(&entry.id) {
                let corrections = days::corrections(tx, org, entry.id).await?;
                days::add_targets(tx, org, &name, &corrections, &mut punches).await?;
                corrections
            } else {
                Vec::new()
            };
            let presence = rules.presence(&name, &punches, &corrections, now)?;
            let brief = briefs.remove(&entry.id).unwrap_or_default();
            if let Some(state) = state(&presence, &brief) {
                all.push(PersonToday {
                    person: entry.id,
                    name: entry.name.clone(),
                    number: entry.number.clone(),
                    site,
                    state,
                    inside_since: presence.inside_since,
                    first: brief.first,
                    last: brief.last,
                    late_seconds: brief.late_seconds,
                    anomalies: brief.anomalies,
                    counted_seconds: brief.counted_seconds + since(presence.inside_since, now),
                    expected_seconds: brief.expected_seconds,
                });
            }
        }
    }
    let mut counts = HashMap::new();
    for person in &all {
        *counts.entry(person.state).or_default() += 1;
    }
    all.sort_by_cached_key(|person| (person.state, person.name.to_lowercase(), person.person));
    Ok(Overview {
        at: now,
        counts,
        people: all,
    })
}

/// The seconds since the last IN of a person who is in: a record does not count them before there is an OUT.
pub(crate) fn since(inside: Option<Timestamp>, now: Timestamp) -> i64 {
    inside.map_or(0, |since| now.duration_since(since).as_secs().max(0))
}

/// The state; none of people who have not joined, or have left.
fn state(presence: &Presence, brief: &Brief) -> Option<State> {
    if presence.inside_since.is_some() {
        return Some(if brief.late_seconds > 0 {
            State::Late
        } else {
            State::In
        });
    }
    match presence.today {
        Today::Present => Some(State::Gone),
        Today::Expected => Some(State::Expected),
        Today::Absent => Some(State::Absent),
        Today::OnLeave => Some(State::OnLeave),
        Today::Free => Some(State::Free),
        _ => None,
    }
}

async fn recent_punches(
    tx: &mut Transaction,
    org: Id,
    now: Timestamp,
) -> Result<HashMap<Id, Vec<Punch>>> {
    let since = now.saturating_sub(BEFORE).map_err(Error::internal)?;
    let rows = tx
        .rows(
            "SELECT person, id, at, kind, source, device, liveness FROM punch WHERE org = $1 AND at >= $2 ORDER BY at, id",
            values![org, since],
        )
        .await?;
    let mut punches: HashMap<Id, Vec<Punch>> = HashMap::new();
    for row in &rows {
        let person: Id = row.get("person")?;
        let punch = days::punch(&people::person_id(person)?, row)?;
        punches.entry(person).or_default().push(punch);
    }
    Ok(punches)
}

/// The people who have a correction that can concern the last days.
async fn corrected(
    tx: &mut Transaction,
    org: Id,
    now: Timestamp,
) -> Result<std::collections::HashSet<Id>> {
    let since = now.saturating_sub(BEFORE).map_err(Error::internal)?;
    let rows = tx
        .rows(
            "SELECT DISTINCT person FROM correction WHERE org = $1 AND (made >= $2 OR first_date >= $3)",
            values![org, since, days::utc_date(since)],
        )
        .await?;
    rows.iter().map(|row| row.get("person")).collect()
}

async fn briefs(tx: &mut Transaction, org: Id, date: Date) -> Result<HashMap<Id, Brief>> {
    let rows = tx
        .rows(
            "SELECT person, record FROM day WHERE org = $1 AND date = $2",
            values![org, date],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("person")?, row.json("record")?)))
        .collect()
}

/// A sighting of the last days.
#[derive(Clone, Debug)]
pub struct Recent {
    /// The answer to the device.
    pub answer: Answer,
    /// The person.
    pub person: Id,
    /// The name of the device.
    pub device: String,
}

/// The last sightings of the people whom the actor may see, the newest first; at most `most`. Repeated ones are left out.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn recent(tx: &mut Transaction, actor: &Actor, most: usize) -> Result<Vec<Recent>> {
    let visible = people::visible_to(tx, actor).await?;
    // More rows than asked for, since some are of other sites or repeated.
    let rows = tx
        .rows(
            "SELECT s.person, s.answer, d.name FROM sighting s JOIN device d ON d.org = s.org AND d.id = s.device \
             WHERE s.org = $1 AND s.person IS NOT NULL ORDER BY s.at DESC LIMIT 200",
            values![actor.org],
        )
        .await?;
    let mut recent = Vec::new();
    for row in &rows {
        let person: Id = row.get("person")?;
        let answer: Answer = row.json("answer")?;
        if visible.get(person).is_some()
            && answer.outcome != Outcome::Duplicate
            && recent.len() < most
        {
            let device = row.get("name")?;
            recent.push(Recent {
                answer,
                person,
                device,
            });
        }
    }
    Ok(recent)
}
