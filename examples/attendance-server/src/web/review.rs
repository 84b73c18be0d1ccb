//! `/review`: days that somebody must look at.

use askama::Template;
use axum::{Router, extract::State, routing::get};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    PageResult,
    input::Query,
    language,
    list::Filter,
    mark::Mark,
    page::Page,
    record::{note, severity, status},
    render,
    visitor::Visitor,
};
use crate::{
    commands::{
        people,
        review::{self, ReviewItem, ReviewKind},
    },
    http::Caller,
    id::Id,
    server::Server,
};

/// The most entries of the queue.
const MOST: usize = 100;

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/review", get(show))
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    page: Page,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    chosen: Option<Chosen>,
    total: usize,
}

/// An entry of the queue.
struct Row {
    address: String,
    name: String,
    note: String,
    mark: Mark,
    status: String,
    current: bool,
}

/// The entry that is open.
struct Chosen {
    person: Id,
    name: String,
    date: Date,
    mark: Mark,
    status: String,
    /// Each anomaly: its mark and its words.
    notes: Vec<(Mark, String)>,
    /// A label and a value.
    facts: Vec<(String, String)>,
}

#[derive(Default, Deserialize)]
struct Shown {
    #[serde(default)]
    kind: String,
    person: Option<Id>,
    date: Option<Date>,
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(shown): Query<Shown>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("review");
    let page = visitor.page(&mut tx, &actor, "/review", title).await?;
    let directory = people::directory(&mut tx, actor.org).await?;
    let all = review::list(&mut tx, &actor).await?;
    let tabs = [
        ("", "review-all", None),
        (
            "incomplete",
            "review-incomplete",
            Some(ReviewKind::Incomplete),
        ),
        ("unusual", "review-unusual", Some(ReviewKind::Unusual)),
    ];
    let of_kind = |kind: Option<ReviewKind>| {
        all.iter()
            .filter(move |item| kind.is_none_or(|kind| item.kind == kind))
    };
    let filters = tabs
        .iter()
        .map(|(name, key, kind)| Filter {
            address: address(name, None),
            label: page.say(key),
            count: of_kind(*kind).count(),
            current: shown.kind == *name,
        })
        .collect();
    let kind = tabs
        .iter()
        .find(|(name, ..)| *name == shown.kind)
        .and_then(|tab| tab.2);
    let items: Vec<&ReviewItem> = of_kind(kind).collect();
    let is_shown =
        |item: &ReviewItem| shown.person == Some(item.person) && shown.date == Some(item.date);
    let chosen = items
        .iter()
        .find(|item| is_shown(item))
        .or_else(|| items.first());
    let name = |item: &ReviewItem| {
        directory
            .get(item.person)
            .map(|entry| entry.name.clone())
            .unwrap_or_default()
    };
    let rows = items
        .iter()
        .take(MOST)
        .map(|item| {
            let (mark, text) = words(&page, item);
            let date = page.short_date(item.date);
            let why = item
                .record
                .notes
                .first()
                .map(|anomaly| note(&page, anomaly));
            let why = why.or_else(|| {
                (item.kind == ReviewKind::Incomplete).then(|| page.say("review-no-out"))
            });
            Row {
                address: address(&shown.kind, Some(item)),
                name: name(item),
                note: why.map_or_else(|| date.clone(), |why| format!("{date}, {why}")),
                mark,
                status: text,
                current: chosen
                    .is_some_and(|chosen| (chosen.person, chosen.date) == (item.person, item.date)),
            }
        })
        .collect();
    let chosen = chosen.map(|item| {
        let (mark, text) = words(&page, item);
        let record = &item.record;
        Chosen {
            person: item.person,
            name: name(item),
            date: item.date,
            mark,
            status: text,
            notes: record
                .notes
                .iter()
                .map(|it| (severity(it), note(&page, it)))
                .collect(),
            facts: vec![
                (page.say("counted"), language::hours(record.counted.0)),
                (page.say("expected"), language::hours(record.expected.0)),
                (
                    page.say("balance"),
                    language::signed_hours(record.balance.0),
                ),
            ],
        }
    });
    let total = items.len();
    render(&ReviewPage {
        page,
        filters,
        rows,
        chosen,
        total,
    })
}

/// The mark and the word of an entry.
fn words(page: &Page, item: &ReviewItem) -> (Mark, String) {
    match item.kind {
        ReviewKind::Incomplete => (Mark::Incomplete, page.say("status-incomplete")),
        ReviewKind::Unusual => status(page, &item.record),
    }
}

fn address(kind: &str, item: Option<&ReviewItem>) -> String {
    let entry = item.map(|item| format!("&person={}&date={}#entry", item.person, item.date));
    format!("/review?kind={kind}{}", entry.unwrap_or_default())
}
