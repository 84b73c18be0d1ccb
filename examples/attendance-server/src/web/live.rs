//! `/live`: the pictures of the cameras with the people in them, who is in, and the newest events. Its script draws the
//! pictures; without it, the page is a list.

use std::collections::HashMap;

use askama::Template;
use axum::{Router, extract::State, routing::get};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    PageResult,
    events::{self, Event},
    input::Query,
    page::Page,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    commands::{
        self, devices, people, sites,
        today::{self, State as TodayState},
    },
    http::Caller,
    id::Id,
    server::Server,
};

/// The numbers of pictures beside each other.
const COLUMNS: [u8; 4] = [1, 2, 3, 4];
/// The number of pictures beside each other, if nobody has chosen.
const USUAL_COLUMNS: u8 = 2;

/// The most people of "In now"; Today has all of them.
const MOST_PEOPLE: usize = 60;

/// The states of a door that a tile says: the name, and the look. The messages `live-NAME` are theirs.
const STATES: &[(&str, &str)] = &[
    ("several", "guide"),
    ("closer", "guide"),
    ("back", "guide"),
    ("center", "guide"),
    ("turn", "guide"),
    ("light", "guide"),
    ("hold", "guide"),
    ("checking", "guide"),
    ("in", "in"),
    ("out", "out"),
    ("duplicate", "guide"),
    ("refused", "stop"),
    ("unknown", "stop"),
    ("spoof", "stop"),
    ("codes", "stop"),
    ("no_faces", "guide"),
];

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/live", get(show))
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    page: Page,
    cameras: Vec<CameraTile>,
    /// The pictures beside each other, and the numbers to choose from.
    columns: u8,
    choices: Vec<u8>,
    states: Vec<StateText>,
    inside: Vec<(Id, String)>,
    /// The people who are in, also those beyond the limit of the list.
    inside_count: usize,
    events: Vec<Event>,
    /// The number of the newest event: the page follows those after it.
    last_event: i64,
}

/// A camera without a picture yet.
struct CameraTile {
    id: Id,
    name: String,
    /// The time zone of its site.
    zone: String,
    /// The time of the last message, as a sentence.
    seen: String,
}

/// The words of a state.
struct StateText {
    state: &'static str,
    look: &'static str,
    text: String,
}

#[derive(Deserialize)]
struct Grid {
    /// The pictures beside each other. The address has it, so that a screen on a wall keeps it.
    columns: Option<u8>,
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(grid): Query<Grid>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("live");
    let page = visitor.page(&mut tx, &actor, "/live", title).await?;
    let last_event = commands::events::newest(&mut tx, actor.org).await?;
    let sites = sites::list(&mut tx, &actor).await?;
    let main = zone(sites.first().map_or("UTC", |site| &site.time_zone));
    let zones: HashMap<Id, (String, TimeZone)> = sites
        .into_iter()
        .map(|site| (site.id, (site.name, zone(&site.time_zone))))
        .collect();
    let tile = |device: devices::Device| {
        let zone = zones.get(&device.site).map_or(&main, |(_, zone)| zone);
        let seen = match device.last_seen {
            Some(seen) => {
                let seen = seen.to_zoned_datetime(zone.clone()).datetime();
                page.say_with("live-last-seen", "time", page.short_date_and_time(seen))
            }
            None => page.say("live-never-seen"),
        };
        CameraTile {
            id: device.id,
            name: device.name,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            seen,
        }
    };
    let cameras = devices::watchable(&mut tx, &actor)
        .await?
        .into_iter()
        .map(tile)
        .collect();
    let overview = today::overview(&mut tx, &actor, None).await?;
    let mut inside: Vec<(Id, String)> = overview
        .people
        .into_iter()
        .filter(|it| matches!(it.state, TodayState::In | TodayState::Late))
        .map(|it| (it.person, it.name))
        .collect();
    let inside_count = inside.len();
    inside.truncate(MOST_PEOPLE);
    let directory = people::directory(&mut tx, actor.org).await?;
    let events = events::newest(&mut tx, &actor, &page, &directory, &zones).await?;
    let states = STATES.iter().map(|&(state, look)| StateText {
        state,
        look,
        text: page.say(&format!("live-{}", state.replace('_', "-"))),
    });
    let columns = grid.columns.filter(|columns| COLUMNS.contains(columns));
    render(&LivePage {
        cameras,
        columns: columns.unwrap_or(USUAL_COLUMNS),
        choices: COLUMNS.to_vec(),
        states: states.collect(),
        inside,
        inside_count,
        events,
        last_event,
        page,
    })
}
