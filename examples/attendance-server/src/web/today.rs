//! `/`: who is in, who is late, who is missing, and what needs attention.

use std::collections::HashMap;

use askama::Template;
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

use super::{
    PageResult,
    charts::arrivals::Arrivals,
    devices::{Health, health},
    events::{self, Event},
    input::Query,
    list::{Filter, Search},
    mark::Mark,
    page::Page,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    access::{Actor, EDITORS, READERS},
    commands::{
        self, devices, people, sites,
        today::{self, PersonToday, State as TodayState},
    },
    error::Result,
    http::Caller,
    id::Id,
    server::Server,
    store::{Directory, Transaction},
};

/// The most people in the list; the search finds the others.
const MOST_PEOPLE: usize = 100;
/// The most names under a figure.
const MOST_NAMES: usize = 3;

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/", get(show))
}

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    page: Page,
    date: Date,
    now: DateTime,
    tiles: Vec<Tile>,
    alarms: Vec<Alarm>,
    arrivals: Option<Arrivals>,
    filters: Vec<Filter>,
    search: String,
    filter: String,
    people: Vec<PersonRow>,
    /// People of the list before the limit of the page.
    total: usize,
    events: Vec<Event>,
    /// The number of the newest event: the page follows those after it.
    last_event: i64,
    /// The visitor may change people and punches.
    edits: bool,
}

/// A figure at the top.
struct Tile {
    address: String,
    mark: Mark,
    icon: &'static str,
    label: String,
    value: String,
    /// The part of the figure in small type, such as "of 11".
    of: String,
    note: String,
}

/// A message that needs attention. More than two are folded.
struct Alarm {
    mark: Mark,
    icon: &'static str,
    title: String,
    text: String,
    address: &'static str,
    action: String,
}

/// A row of the list.
struct PersonRow {
    id: Id,
    name: String,
    site: String,
    mark: Mark,
    status: String,
    first: Option<DateTime>,
    counted: i64,
    /// The percentage of the expected time, at most 100.
    share: i64,
}

/// The groups of the list. Exceptions come before the rule.
const GROUPS: &[(&str, &str, &[TodayState])] = &[
    ("missing", "status-not-here", &[TodayState::Absent]),
    ("late", "status-late", &[TodayState::Late]),
    ("in", "status-in", &[TodayState::In, TodayState::Late]),
    ("gone", "status-out", &[TodayState::Gone]),
    ("away", "status-on-leave", &[TodayState::OnLeave]),
];

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> PageResult {
    if !actor.has_any(READERS) {
        return Ok(Redirect::to("/me").into_response());
    }
    let mut tx = server.store.read().await?;
    let everybody = today::overview(&mut tx, &actor, None).await?.people;
    let directory = people::directory(&mut tx, actor.org).await?;
    let sites = sites::list(&mut tx, &actor).await?;
    let main = zone(sites.first().map_or("UTC", |site| &site.time_zone));
    let zones: HashMap<Id, (String, TimeZone)> = sites
        .into_iter()
        .map(|site| (site.id, (site.name, zone(&site.time_zone))))
        .collect();
    let title = visitor.language.say("today");
    let page = visitor.page(&mut tx, &actor, "/", title).await?;
    let now = tx.now.to_zoned_datetime(main.clone()).datetime();
    let late_arrivals: Vec<(i64, bool)> = everybody
        .iter()
        .filter_map(|it| Some((it, it.first?)))
        .map(|(it, first)| {
            let zone = zone_of(&directory, &zones, it.person, &main);
            (
                seconds(first.to_zoned_datetime(zone).datetime()),
                it.late_seconds > 0,
            )
        })
        .collect();
    let arrivals = Arrivals::new(&late_arrivals, Some(seconds(now)), page.language);
    let tiles = tiles(&page, &everybody, &directory);
    let alarms = alarms(&mut tx, &actor, &page, &main).await?;
    let filters = filters(&page, &everybody, &query);
    let selected: Vec<&PersonToday> = everybody
        .iter()
        .filter(|it| in_group(it.state, &query.status))
        .filter(|it| {
            directory
                .get(it.person)
                .is_some_and(|entry| query.finds(&entry.name, &entry.number))
        })
        .collect();
    let total = selected.len();
    let people = selected
        .into_iter()
        .take(MOST_PEOPLE)
        .filter_map(|it| row(&page, it, &directory, &zones))
        .collect();
    let events = events::newest(&mut tx, &actor, &page, &directory, &zones).await?;
    let last_event = commands::events::newest(&mut tx, actor.org).await?;
    let edits = actor.has_any(EDITORS);
    render(&TodayPage {
        date: now.date(),
        now,
        tiles,
        alarms,
        arrivals,
        filters,
        search: query.find,
        filter: query.status,
        people,
        total,
        events,
        last_event,
        edits,
        page,
    })
}

fn seconds(at: DateTime) -> i64 {
    i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second())
}

fn zone_of(
    directory: &Directory,
    zones: &HashMap<Id, (String, TimeZone)>,
    person: Id,
    main: &TimeZone,
) -> TimeZone {
    directory
        .get(person)
        .and_then(|entry| zones.get(&entry.site))
        .map_or_else(|| main.clone(), |(_, zone)| zone.clone())
}

fn in_group(state: TodayState, group: &str) -> bool {
    GROUPS
        .iter()
        .find(|(name, ..)| *name == group)
        .is_none_or(|(_, _, states)| states.contains(&state))
}

fn filters(page: &Page, everybody: &[PersonToday], query: &Search) -> Vec<Filter> {
    let all = Filter {
        address: query.address("/", ""),
        label: page.say("review-all"),
        count: everybody.len(),
        current: query.status.is_empty(),
    };
    let groups = GROUPS.iter().map(|(name, key, states)| Filter {
        address: query.address("/", name),
        label: page.say(key),
        count: everybody
            .iter()
            .filter(|it| states.contains(&it.state))
            .count(),
        current: query.status == *name,
    });
    [all].into_iter().chain(groups).collect()
}

fn tiles(page: &Page, everybody: &[PersonToday], directory: &Directory) -> Vec<Tile> {
    let of = |states: &[TodayState]| -> Vec<Id> {
        everybody
            .iter()
            .filter(|it| states.contains(&it.state))
            .map(|it| it.person)
            .collect()
    };
    let tile = |group: &str, mark: Mark, key: &str, found: &[Id], part: String| Tile {
        address: format!("/?status={group}#people"),
        mark,
        icon: mark.icon(),
        label: page.say(key),
        value: found.len().to_string(),
        of: part,
        note: names(directory, found),
    };
    let here = of(&[TodayState::In, TodayState::Late]);
    let due = everybody
        .iter()
        .filter(|it| !matches!(it.state, TodayState::OnLeave | TodayState::Free))
        .count();
    vec![
        tile(
            "in",
            Mark::Present,
            "in-now",
            &here,
            page.say_with("of-expected", "count", due),
        ),
        tile(
            "late",
            Mark::Late,
            "status-late",
            &of(&[TodayState::Late]),
            String::new(),
        ),
        tile(
            "missing",
            Mark::Absent,
            "status-not-here",
            &of(&[TodayState::Absent]),
            String::new(),
        ),
        tile(
            "gone",
            Mark::Unknown,
            "status-out",
            &of(&[TodayState::Gone]),
            String::new(),
        ),
        tile(
            "away",
            Mark::Leave,
            "status-on-leave",
            &of(&[TodayState::OnLeave]),
            String::new(),
        ),
    ]
}

/// The first names, or none if the tile has many people.
fn names(directory: &Directory, found: &[Id]) -> String {
    if found.len() > MOST_NAMES {
        return String::new();
    }
    let names: Vec<&str> = found
        .iter()
        .filter_map(|id| Some(directory.get(*id)?.name.as_str()))
        .collect();
    names.join(", ")
}

fn row(
    page: &Page,
    it: &PersonToday,
    directory: &Directory,
    zones: &HashMap<Id, (String, TimeZone)>,
) -> Option<PersonRow> {
    let entry = directory.get(it.person)?;
    let (site, zone) = zones.get(&entry.site)?;
    let (mark, status) = match it.state {
        TodayState::Absent => (Mark::Absent, page.say("status-not-here")),
        TodayState::Late => (Mark::Late, page.late(it.late_seconds)),
        TodayState::In => (Mark::Present, page.say("status-in")),
        TodayState::Gone => (Mark::Unknown, page.say("status-out")),
        TodayState::Expected => (Mark::Unknown, page.say("status-expected")),
        TodayState::OnLeave => (Mark::Leave, page.say("status-on-leave")),
        TodayState::Free => (Mark::Unknown, page.say("status-free")),
    };
    Some(PersonRow {
        id: it.person,
        name: entry.name.clone(),
        site: site.clone(),
        mark,
        status,
        first: it
            .first
            .map(|at| at.to_zoned_datetime(zone.clone()).datetime()),
        counted: it.counted_seconds,
        share: match it.expected_seconds {
            0 => 100,
            expected => (it.counted_seconds * 100 / expected).clamp(0, 100),
        },
    })
}

async fn alarms(
    tx: &mut Transaction,
    actor: &Actor,
    page: &Page,
    zone: &TimeZone,
) -> Result<Vec<Alarm>> {
    let mut alarms = Vec::new();
    if !actor.has_any(EDITORS) {
        return Ok(alarms);
    }
    let incomplete = page.to_review;
    if incomplete > 0 {
        alarms.push(Alarm {
            mark: Mark::Incomplete,
            icon: "incomplete",
            title: page.say_with("alarm-incomplete", "count", incomplete),
            text: page.say("alarm-incomplete-text"),
            address: "/review",
            action: page.say("alarm-open-review"),
        });
    }
    for device in devices::list(tx, actor).await? {
        if health(&device, tx.now) != Health::Silent {
            continue;
        }
        let seen = device
            .last_seen
            .map(|seen| seen.to_zoned_datetime(zone.clone()).datetime());
        alarms.push(Alarm {
            mark: Mark::Late,
            icon: "offline",
            title: page.say_with("alarm-device", "name", device.name),
            text: match seen {
                Some(seen) => {
                    page.say_with("alarm-device-text", "time", page.short_date_and_time(seen))
                }
                None => page.say("alarm-device-never"),
            },
            address: "/devices",
            action: page.say("alarm-open-devices"),
        });
    }
    Ok(alarms)
}
