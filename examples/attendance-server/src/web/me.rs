//! `/me`: the pages of a member about the own records: Home, History and My data.

use askama::Template;
use axum::{Router, extract::State, routing::get};
use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};
use serde::Deserialize;

use super::{
    PageResult,
    charts::{week::Week, year::first_of_year},
    enrol::FaceData,
    history::{History, PunchRow, Subject, punch_row, records},
    input::Query,
    mark::Mark,
    page::Page,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    access::Actor,
    commands::{days, inventory, people, sites, today},
    error::{Error, Result},
    http::Caller,
    id::Id,
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/me", get(home))
        .route("/me/history", get(history))
        .route("/me/data", get(data))
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    page: Page,
    name: String,
    now: DateTime,
    mark: Mark,
    state: String,
    since: String,
    counted: i64,
    expected: i64,
    share: i64,
    week: Week,
    week_total: i64,
    punches: Vec<PunchRow>,
    open_days: Vec<(Date, String)>,
}

/// The person of the account.
async fn own(tx: &mut Transaction, actor: &Actor) -> Result<(people::Person, Subject)> {
    let id = actor.person.ok_or_else(|| Error::not_found("person"))?;
    let person = people::get(tx, actor, id).await?;
    let site = sites::get(tx, actor, person.site).await?;
    let subject = Subject {
        person: id,
        zone: zone(&site.time_zone),
        inside_since: days::inside_since(tx, actor, id).await?,
    };
    Ok((person, subject))
}

async fn home(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    let (person, subject) = own(&mut tx, &actor).await?;
    let title = visitor.language.say("home");
    let page = visitor.page(&mut tx, &actor, "/me", title).await?;
    let now = tx.now.to_zoned_datetime(subject.zone.clone()).datetime();
    let today = now.date();
    let detail = days::detail(&mut tx, &actor, subject.person, today).await?;
    let records = records(&mut tx, &actor, subject.person, today).await?;
    let local = |at: jiff::Timestamp| at.to_zoned_datetime(subject.zone.clone()).datetime();
    let since_in = today::since(subject.inside_since, tx.now);
    let record = detail.record.as_ref();
    let counted = record.map_or(0, |record| record.counted.0) + since_in;
    let expected = record.map_or(0, |record| record.expected.0);
    let (mark, state, since) = match (subject.inside_since, record) {
        (Some(since), _) => {
            let since = page.say_with("since", "time", page.time(local(since)));
            (Mark::Present, page.say("you-are-in"), since)
        }
        (None, Some(record)) if record.leave.is_some() => {
            (Mark::Leave, page.say("you-are-on-leave"), String::new())
        }
        (None, Some(record)) if record.obliged && record.first.is_none() => {
            (Mark::Late, page.say("you-are-late"), String::new())
        }
        (None, Some(record)) if record.first.is_none() => {
            (Mark::Unknown, page.say("you-are-free"), String::new())
        }
        _ => (Mark::Unknown, page.say("you-are-out"), String::new()),
    };
    let monday = today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
    let mut week: Vec<(Date, i64)> = Vec::new();
    for day in 0..7 {
        let date = monday.saturating_add(day.days());
        let found = records.iter().find(|record| record.date == date);
        let seconds = match found {
            _ if date == today => counted,
            Some(record) => record.counted.0,
            None => 0,
        };
        // A weekend without work is left out.
        if day < 5 || seconds > 0 {
            week.push((date, seconds));
        }
    }
    let open_days = records
        .iter()
        .rev()
        .filter(|record| record.status == attendance_rules::Status::Incomplete && record.is_final)
        .take(3)
        .map(|record| (record.date, page.say("review-no-out")))
        .collect();
    render(&HomePage {
        name: person.name,
        now,
        mark,
        state,
        since,
        counted,
        expected,
        share: if expected > 0 {
            (counted * 100 / expected).clamp(0, 100)
        } else {
            100
        },
        week_total: week.iter().map(|day| day.1).sum(),
        week: Week::new(&week, expected, today, page.language),
        punches: detail
            .punches
            .iter()
            .map(|it| punch_row(&page, it, local(it.punch.at)))
            .collect(),
        open_days,
        page,
    })
}

#[derive(Deserialize)]
struct Chosen {
    date: Option<Date>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    page: Page,
    history: History,
    /// The person, for the addresses of Undo, which members do not have.
    id: String,
}

async fn history(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let (person, subject) = own(&mut tx, &actor).await?;
    let title = visitor.language.say("history");
    let page = visitor.page(&mut tx, &actor, "/me/history", title).await?;
    let history = History::load(&mut tx, &actor, &page, &subject, chosen.date, false).await?;
    render(&HistoryPage {
        page,
        history,
        id: person.id.to_string(),
    })
}

#[derive(Template)]
#[template(path = "my_data.html")]
struct MyDataPage {
    page: Page,
    /// The person, and the days of the export.
    id: Id,
    first: Date,
    last: Date,
    /// A label and a value.
    facts: Vec<(String, String)>,
    /// The key of each kind of record, and the number of records.
    kept: Vec<(&'static str, usize)>,
    /// Consent and templates.
    faces: FaceData,
}

async fn data(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    let (person, subject) = own(&mut tx, &actor).await?;
    let title = visitor.language.say("my-data");
    let page = visitor.page(&mut tx, &actor, "/me/data", title).await?;
    let site = sites::get(&mut tx, &actor, person.site).await?;
    let mut facts = vec![
        (page.say("name"), person.name.clone()),
        (page.say("number"), person.number.clone()),
        (page.say("site"), site.name),
    ];
    if let Some(mail) = &person.mail {
        facts.push((page.say("mail"), mail.clone()));
    }
    if let Some(joined) = person.joined {
        facts.push((page.say("joined"), page.date(joined)));
    }
    let space = &server.recognition.models().space;
    let faces = FaceData::load(&mut tx, &actor, &page, person.id, &subject.zone, space).await?;
    let kept = super::privacy::kept_rows(&inventory::of_person(&mut tx, &actor, person.id).await?);
    let last = tx.now.to_zoned_datetime(subject.zone).date();
    render(&MyDataPage {
        page,
        id: person.id,
        first: first_of_year(last),
        last,
        facts,
        kept,
        faces,
    })
}
