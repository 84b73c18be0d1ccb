//! `/days`: the records of all people on one date.

use std::collections::HashMap;

use askama::Template;
use attendance_rules::DayRecord;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect},
    routing::get,
};
use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::Deserialize;

use super::{
    PageResult,
    input::{Path, Query},
    list::{Filter, Search},
    mark::Mark,
    page::Page,
    record::{note, status},
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    commands::{
        days::{self, DayFilter},
        people, sites,
    },
    http::Caller,
    id::Id,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/days", get(choose))
        .route("/days/{date}", get(show))
}

#[derive(Template)]
#[template(path = "day.html")]
struct DayPage {
    page: Page,
    date: Date,
    before: Date,
    after: Option<Date>,
    today: Date,
    search: String,
    filter: String,
    filters: Vec<Filter>,
    rows: Vec<DayRow>,
    total: usize,
}

/// A person's record of the day.
struct DayRow {
    id: Id,
    name: String,
    site: String,
    mark: Mark,
    status: String,
    first: Option<DateTime>,
    last: Option<DateTime>,
    counted: i64,
    expected: i64,
    balance: i64,
    /// The first anomaly, in words.
    notes: String,
}

/// The tabs: name, key of the text, marks of its rows.
const GROUPS: &[(&str, &str, &[Mark])] = &[
    ("absent", "status-absent", &[Mark::Absent]),
    ("incomplete", "status-incomplete", &[Mark::Incomplete]),
    ("late", "status-late", &[Mark::Late]),
    ("present", "status-present", &[Mark::Present, Mark::Late]),
    ("leave", "status-on-leave", &[Mark::Leave]),
];

#[derive(Deserialize)]
struct Chosen {
    date: Option<Date>,
}

/// The day of the form; without one, today at the first site.
async fn choose(
    State(server): State<Server>,
    Caller(actor): Caller,
    Query(chosen): Query<Chosen>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let sites = sites::list(&mut tx, &actor).await?;
    let zone = zone(sites.first().map_or("UTC", |site| &site.time_zone));
    let date = chosen
        .date
        .unwrap_or_else(|| tx.now.to_zoned_datetime(zone).date());
    Ok(Redirect::to(&format!("/days/{date}")).into_response())
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(date): Path<Date>,
    Query(query): Query<Search>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let sites = sites::list(&mut tx, &actor).await?;
    let main = zone(sites.first().map_or("UTC", |site| &site.time_zone));
    let sites: HashMap<Id, (String, TimeZone)> = sites
        .into_iter()
        .map(|site| (site.id, (site.name, zone(&site.time_zone))))
        .collect();
    let directory = people::directory(&mut tx, actor.org).await?;
    let page = visitor
        .page(&mut tx, &actor, "/days", visitor.language.long_date(date))
        .await?;
    let filter = DayFilter {
        from: date,
        to: date,
        person: None,
        site: None,
        status: None,
    };
    let mut rows = Vec::new();
    for day in days::all(&mut tx, &actor, &filter).await? {
        let Some(entry) = directory.get(day.person) else {
            continue;
        };
        let record: DayRecord = serde_json::from_value(day.record)?;
        let Some((site, zone)) = sites.get(&entry.site) else {
            continue;
        };
        let (mark, status) = status(&page, &record);
        let local = |at: jiff::Timestamp| at.to_zoned_datetime(zone.clone()).datetime();
        rows.push(DayRow {
            id: day.person,
            name: entry.name.clone(),
            site: site.clone(),
            mark,
            status,
            first: record.first.map(local),
            last: record.last.map(local),
            counted: record.counted.0,
            expected: record.expected.0,
            balance: record.balance.0,
            notes: record
                .notes
                .first()
                .map(|anomaly| note(&page, anomaly))
                .unwrap_or_default(),
        });
    }
    rows.retain(|row| {
        directory
            .get(row.id)
            .is_some_and(|entry| query.finds(&entry.name, &entry.number))
    });
    rows.sort_by_cached_key(|row| row.name.to_lowercase());
    let path = format!("/days/{date}");
    let all = Filter {
        address: query.address(&path, ""),
        label: page.say("review-all"),
        count: rows.len(),
        current: query.status.is_empty(),
    };
    let groups = GROUPS.iter().map(|(name, key, marks)| Filter {
        address: query.address(&path, name),
        label: page.say(key),
        count: rows.iter().filter(|row| marks.contains(&row.mark)).count(),
        current: query.status == *name,
    });
    let filters = [all].into_iter().chain(groups).collect();
    if let Some((_, _, marks)) = GROUPS.iter().find(|(name, ..)| *name == query.status) {
        rows.retain(|row| marks.contains(&row.mark));
    }
    let today = tx.now.to_zoned_datetime(main).date();
    render(&DayPage {
        before: date.yesterday().unwrap_or(date),
        after: date.tomorrow().ok().filter(|after| *after <= today),
        date,
        today,
        search: query.find,
        filter: query.status,
        filters,
        total: rows.len(),
        rows,
        page,
    })
}
