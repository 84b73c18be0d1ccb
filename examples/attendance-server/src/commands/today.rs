//! The people of an organisation right now: who is in, late, missing, or away.

use std::collections::HashMap;

use attendance_rules::Today;
use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    days::READERS,
    people,
    sites::{self, Timeline},
};
use crate::{
    access::Actor,
    error::Result,
    id::Id,
    store::{Entry, Transaction},
    values,
};

/// The state of a person right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The person should have come.
    Missing,
    /// The person is in, and came late.
    InLate,
    /// The person is in.
    In,
    /// The person was here, and is not in.
    Gone,
    /// The person should come, and is not late yet.
    Expected,
    /// The person is on leave all day.
    OnLeave,
    /// No work is expected.
    Free,
}

/// A person right now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonToday {
    /// The person.
    pub person: Id,
    /// The date at the person's site.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The state.
    pub state: State,
    /// The time since which the person is in.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub inside_since: Option<Timestamp>,
    /// The first punch of the day.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub first: Option<Timestamp>,
    /// The lateness in seconds.
    pub late_seconds: i64,
    /// The counted time in seconds, as of now.
    pub counted_seconds: i64,
    /// The expected time in seconds.
    pub expected_seconds: i64,
}

/// The part of a day's record that this list needs.
#[derive(Default, Deserialize)]
struct Record {
    first: Option<Timestamp>,
    #[serde(default)]
    late_seconds: i64,
    #[serde(default)]
    counted_seconds: i64,
    #[serde(default)]
    expected_seconds: i64,
}

/// The policy of a site, and what it expects today of somebody who has not come.
struct SiteToday {
    date: Date,
    without_punch: Today,
}

/// All people who can punch and whom the actor may see, in order of their names.
///
/// # Errors
///
/// If the database cannot be read, or the rules refuse its rows.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<PersonToday>> {
    let (directory, scope) = people::visible_to(tx, actor, READERS).await?;
    let mut site_days: HashMap<Id, SiteToday> = HashMap::new();
    let visible = |entry: &&Entry| {
        entry.deactivated.is_none() && scope.has_person(entry.id, entry.site)
    };
    for entry in directory.people().iter().filter(visible) {
        if !site_days.contains_key(&entry.site) {
            let timeline = sites::timeline(tx, actor.org, entry.site).await?;
            site_days.insert(entry.site, of_site(&timeline, tx.now)?);
        }
    }
    let mut dates: Vec<Date> = site_days.values().map(|site| site.date).collect();
    dates.sort_unstable();
    dates.dedup();
    let mut records: HashMap<(Id, Date), Record> = HashMap::new();
    for date in dates {
        let rows = tx
            .rows(
                "SELECT person, record FROM day WHERE org = $1 AND date = $2",
                values![actor.org, date],
            )
            .await?;
        for row in rows {
            records.insert((row.get("person")?, date), row.json("record")?);
        }
    }
    let inside = inside(tx, actor.org).await?;
    let now = tx.now;
    let state = |entry: &Entry| {
        let site = site_days.get(&entry.site)?;
        let date = site.date;
        let employed = entry.joined.is_none_or(|joined| joined <= date)
            && entry.left.is_none_or(|left| left >= date);
        if !employed {
            return None;
        }
        let record = records.remove(&(entry.id, date)).unwrap_or_default();
        let inside_since = inside.get(&entry.id).copied();
        let state = match (inside_since, record.first) {
            (Some(_), _) if record.late_seconds > 0 => State::InLate,
            (Some(_), _) => State::In,
            (None, Some(_)) => State::Gone,
            (None, None) => match site.without_punch {
                Today::Absent => State::Missing,
                Today::OnLeave => State::OnLeave,
                Today::Free | Today::NotEmployed => State::Free,
                _ => State::Expected,
            },
        };
        // The record does not count the time after the last IN before there is an OUT.
        let since_in = inside_since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
        let counted = record.counted_seconds + since_in;
        Some(PersonToday {
            person: entry.id,
            date,
            state,
            inside_since,
            first: record.first,
            late_seconds: record.late_seconds,
            counted_seconds: counted,
            expected_seconds: record.expected_seconds,
        })
    };
    Ok(directory.people().iter().filter(visible).filter_map(state).collect())
}

/// What a site's policy expects right now of a person without a punch.
fn of_site(timeline: &Timeline, now: Timestamp) -> Result<SiteToday> {
    let date = timeline.date(now);
    let rules = &timeline.at(date).rules;
    // People have no schedules of their own, so that one answer holds for all.
    let anybody = facekit::PersonId::new("anybody")?;
    let presence = rules.presence(&anybody, &[], &[], now)?;
    Ok(SiteToday {
        date,
        without_punch: presence.today,
    })
}

/// The people who are in, and since when.
async fn inside(tx: &mut Transaction, org: Id) -> Result<HashMap<Id, Timestamp>> {
    let rows = tx
        .rows(
            "SELECT person, inside_since FROM presence WHERE org = $1 AND inside_since IS NOT NULL",
            values![org],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("person")?, row.get("inside_since")?)))
        .collect()
}

/// The time since which a person whom the actor may see is in; none if the person is not in.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn inside_since(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Option<Timestamp>> {
    people::get(tx, actor, person).await?;
    let row = tx
        .row(
            "SELECT inside_since FROM presence WHERE org = $1 AND person = $2",
            values![actor.org, person],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get("inside_since"))
}

/// A punch that was recorded lately.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecentPunch {
    /// The person.
    pub person: Id,
    /// The time.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The direction: `in`, `out` or `undetermined`.
    pub kind: String,
    /// The name of the device.
    pub device_name: Option<String>,
}

/// The last punches of the people whom the actor may see, the newest first; at most `most`.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn recent(tx: &mut Transaction, actor: &Actor, most: usize) -> Result<Vec<RecentPunch>> {
    let (directory, scope) = people::visible_to(tx, actor, READERS).await?;
    let now = tx.now;
    // A few more rows than asked for, since some may be of other sites.
    let rows = tx
        .rows(
            "SELECT p.person, p.at, p.kind, d.name AS device_name FROM punch p \
             LEFT JOIN device d ON d.org = p.org AND d.id = p.device \
             WHERE p.org = $1 AND p.at <= $2 ORDER BY p.at DESC LIMIT 200",
            values![actor.org, now],
        )
        .await?;
    let mut recent = Vec::new();
    for row in &rows {
        let person: Id = row.get("person")?;
        let visible = directory
            .get(person)
            .is_some_and(|entry| scope.has_person(person, entry.site));
        if visible && recent.len() < most {
            recent.push(RecentPunch {
                person,
                at: row.get("at")?,
                kind: row.get("kind")?,
                device_name: row.get("device_name")?,
            });
        }
    }
    Ok(recent)
}
