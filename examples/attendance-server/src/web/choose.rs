//! `/mark`: the choice of the person whose punch is missing.

use askama::Template;
use axum::{Router, extract::State, routing::get};

use super::{PageResult, input::Query, list::Search, page::Page, render, visitor::Visitor};
use crate::{
    commands::people::{self, PeopleFilter, Person},
    http::Caller,
    paging::PageRequest,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/mark", get(show))
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage {
    page: Page,
    search: String,
    people: Vec<Person>,
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("mark-by-hand");
    let page = visitor.page(&mut tx, &actor, "/people", title).await?;
    let filter = PeopleFilter {
        search: Some(query.find.trim().to_owned()).filter(|text| !text.is_empty()),
        site: None,
        active: Some(true),
    };
    let request = PageRequest {
        limit: Some(20),
        cursor: None,
    };
    let people = people::list(&mut tx, &actor, &filter, &request)
        .await?
        .items;
    render(&ChoosePage {
        page,
        search: query.find,
        people,
    })
}
