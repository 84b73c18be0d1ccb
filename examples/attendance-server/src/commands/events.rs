//! Events: changes, by number.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::{Actor, READERS},
    error::{Error, Result},
    id::Id,
    store::{Event, Transaction},
    values,
};

/// The place in the list of events.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct EventRequest {
    /// The number of the last event that was read; 0 for all that are kept.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub after: i64,
    /// The most events, 1 to 500. By default 100.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u32>,
}

/// Events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Events {
    /// The events, in order.
    pub items: Vec<Event>,
    /// The number for the next request. It can be greater than that of the last item, since events of other sites are left
    /// out.
    pub last: i64,
    /// Older events are missing: read the whole state again.
    pub stream_reset: bool,
}

/// The number of the newest event of an organisation; 0 if there is none.
///
/// # Errors
///
/// 404 if there is no such organisation.
pub async fn newest(tx: &mut Transaction, org: Id) -> Result<i64> {
    let row = tx
        .row(
            "SELECT next_event - 1 AS newest FROM organisation WHERE id = $1",
            values![org],
        )
        .await?;
    row.ok_or_else(|| Error::not_found("organisation"))?
        .get("newest")
}

/// The people whom events of some kinds after a number concern.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn people_since(
    tx: &mut Transaction,
    org: Id,
    after: i64,
    kinds: &[&str],
) -> Result<BTreeSet<Id>> {
    let rows = tx
        .rows(
            "SELECT DISTINCT person, kind FROM event WHERE org = $1 AND seq > $2 AND person IS NOT NULL",
            values![org, after],
        )
        .await?;
    let mut people = BTreeSet::new();
    for row in rows {
        let kind: String = row.get("kind")?;
        if kinds.contains(&kind.as_str()) {
            people.insert(row.get("person")?);
        }
    }
    Ok(people)
}

/// The events after a number that the actor may see.
///
/// # Errors
///
/// 422 for a wrong limit.
pub async fn list(tx: &mut Transaction, actor: &Actor, request: EventRequest) -> Result<Events> {
    let limit = request.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) || request.after < 0 {
        return Err(Error::invalid(
            "/limit",
            "limit_out_of_range",
            "limit must be 1 to 500, and after at least 0.",
        ));
    }
    let oldest = tx
        .row(
            "SELECT MIN(seq) AS oldest FROM event WHERE org = $1",
            values![actor.org],
        )
        .await?;
    let oldest: Option<i64> = oldest.map_or(Ok(None), |row| row.get("oldest"))?;
    let rows = tx
        .rows(
            "SELECT seq, at, kind, site, person, data FROM event WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            values![actor.org, request.after, i64::from(limit)],
        )
        .await?;
    let scope = actor.scope(READERS);
    let mut events = Events {
        items: Vec::new(),
        last: request.after,
        stream_reset: oldest.is_some_and(|oldest| request.after > 0 && request.after < oldest - 1),
    };
    for row in rows {
        let event = Event {
            org: Some(actor.org),
            seq: row.get("seq")?,
            at: row.get("at")?,
            kind: row.get("kind")?,
            site: row.get("site")?,
            person: row.get("person")?,
            data: row.json("data")?,
        };
        events.last = event.seq;
        let own = |person: Id| actor.person == Some(person);
        if event.site.is_none_or(|site| scope.has_site(site)) || event.person.is_some_and(own) {
            events.items.push(event);
        }
    }
    Ok(events)
}
