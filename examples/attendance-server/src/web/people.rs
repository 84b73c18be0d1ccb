//! `/people`: the list of people.

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    routing::get,
};
use serde::Deserialize;

use super::{PageResult, page};
use crate::{
    commands::people::{self, PeopleFilter, Person},
    http::Caller,
    paging::PageRequest,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/people", get(list))
}

#[derive(Deserialize)]
struct Selection {
    #[serde(default)]
    search: String,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    search: String,
    people: Vec<Person>,
    next: Option<String>,
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Query(selection): Query<Selection>,
) -> PageResult {
    let filter = PeopleFilter {
        search: Some(selection.search.clone()).filter(|text| !text.is_empty()),
        ..PeopleFilter::default()
    };
    let request = PageRequest {
        limit: None,
        cursor: selection.cursor,
    };
    let mut tx = server.store.read().await?;
    let people = people::list(&mut tx, &actor, &filter, &request).await?;
    page(&PeoplePage {
        search: selection.search,
        people: people.items,
        next: people.next,
    })
}
