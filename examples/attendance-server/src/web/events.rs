//! The list of the newest events, on Today and Live.

use std::collections::HashMap;

use attendance_rules::PunchKind;
use jiff::{civil::DateTime, tz::TimeZone};

use super::{mark::Mark, page::Page};
use crate::{
    access::Actor,
    commands::{sightings::Outcome, today},
    error::Result,
    id::Id,
    store::{Directory, Transaction},
};

/// The events of the list.
const SHOWN: usize = 12;

/// An entry of the list.
pub(super) struct Event {
    /// The person.
    pub(super) name: String,
    pub(super) mark: Mark,
    pub(super) icon: &'static str,
    /// The words after the name, such as "came in".
    pub(super) text: String,
    /// The device.
    pub(super) note: String,
    /// The local time.
    pub(super) at: DateTime,
    /// It is of today, at the site of the person.
    pub(super) is_today: bool,
}

/// The newest sightings of the people whom the actor may see. `zones` has the name and the zone of each site.
pub(super) async fn newest(
    tx: &mut Transaction,
    actor: &Actor,
    page: &Page,
    directory: &Directory,
    zones: &HashMap<Id, (String, TimeZone)>,
) -> Result<Vec<Event>> {
    let now = tx.now;
    let recent = today::recent(tx, actor, SHOWN).await?;
    let event = |it: today::Recent| {
        let entry = directory.get(it.person)?;
        let (_, zone) = zones.get(&entry.site)?;
        let (mark, icon, key) = match (it.answer.outcome, it.answer.direction) {
            (Outcome::Refused, _) => (Mark::Absent, "x", "event-refused"),
            (_, Some(PunchKind::In)) => (Mark::Present, "in", "event-in"),
            (_, Some(PunchKind::Out)) => (Mark::Leave, "out", "event-out"),
            _ => (Mark::Unknown, "check", "event-seen"),
        };
        let at = it.answer.at.to_zoned_datetime(zone.clone()).datetime();
        Some(Event {
            name: entry.name.clone(),
            mark,
            icon,
            text: page.say(key),
            note: it.device,
            at,
            is_today: at.date() == now.to_zoned_datetime(zone.clone()).date(),
        })
    };
    Ok(recent.into_iter().filter_map(event).collect())
}
