//! `/badges`: new badges of people, as cards to print. A card has a QR code, which is shown once: the server keeps a hash of it.

use std::collections::HashMap;

use askama::{Template, filters::Safe};
use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};

use super::{
    PageResult,
    input::{Form, Query},
    list::Search,
    page::Page,
    qr, render,
    visitor::Visitor,
};
use crate::{
    access::Actor,
    commands::{
        people::{self, PeopleFilter},
        sites,
        tokens::{self, IssuedToken},
    },
    error::{Error, Result},
    http::Caller,
    id::Id,
    paging::PageRequest,
    server::Server,
    store::Transaction,
};

/// The most people of the list. A search finds the others.
const MOST: u32 = 100;

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/badges", get(choose).post(print))
}

#[derive(Template)]
#[template(path = "badges.html")]
struct BadgesPage {
    page: Page,
    search: String,
    rows: Vec<Holder>,
    /// There are more people than the list has.
    has_more: bool,
    /// Nobody was chosen.
    is_refused: bool,
}

/// Somebody who gets a badge.
struct Holder {
    id: Id,
    name: String,
    number: String,
    site: String,
}

#[derive(Template)]
#[template(path = "badges_print.html")]
struct CardsPage {
    page: Page,
    cards: Vec<Card>,
}

struct Card {
    name: String,
    number: String,
    site: String,
    qr: Safe<String>,
}

async fn choose(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&badges_page(&mut tx, &actor, &visitor, query.find).await?)
}

async fn badges_page(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    search: String,
) -> Result<BadgesPage> {
    let title = visitor.language.say("badges");
    let filter = PeopleFilter {
        search: Some(search.trim().to_owned()).filter(|text| !text.is_empty()),
        active: Some(true),
        ..PeopleFilter::default()
    };
    let request = PageRequest {
        limit: Some(MOST),
        cursor: None,
    };
    let found = people::list(tx, actor, &filter, &request).await?;
    let sites = site_names(tx, actor).await?;
    let holder = |person: people::Person| Holder {
        id: person.id,
        site: sites.get(&person.site).cloned().unwrap_or_default(),
        name: person.name,
        number: person.number,
    };
    Ok(BadgesPage {
        page: visitor.page(tx, actor, "/people", title).await?,
        search,
        has_more: found.next.is_some(),
        rows: found.items.into_iter().map(holder).collect(),
        is_refused: false,
    })
}

async fn site_names(tx: &mut Transaction, actor: &Actor) -> Result<HashMap<Id, String>> {
    let sites = sites::list(tx, actor).await?;
    Ok(sites.into_iter().map(|site| (site.id, site.name)).collect())
}

/// Makes the badges of the people of the fields `person`, and shows their cards.
async fn print(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> PageResult {
    let mut people: Vec<Id> = Vec::new();
    for (_, value) in fields.iter().filter(|(name, _)| name == "person") {
        let id = value.parse().map_err(|_| Error::not_found("person"))?;
        // A second badge of a person would end the first.
        if !people.contains(&id) {
            people.push(id);
        }
    }
    if people.is_empty() {
        return nobody(&server, &actor, &visitor).await;
    }
    let mut tx = server.store.write().await?;
    let sites = site_names(&mut tx, &actor).await?;
    let label = visitor.language.say("badge-qr");
    let mut made = Vec::with_capacity(people.len());
    for id in people {
        let badge = tokens::create_badge(&mut tx, &actor, id).await?;
        made.push((badge, people::get(&mut tx, &actor, id).await?));
    }
    let title = visitor.language.say("badges");
    let page = visitor.page(&mut tx, &actor, "/people", title).await?;
    tx.commit().await?;
    // Others write while the codes are drawn.
    let card = |(badge, person): (IssuedToken, people::Person)| {
        Ok(Card {
            qr: qr::svg(&badge.token, &format!("{label}: {}", person.name))?,
            site: sites.get(&person.site).cloned().unwrap_or_default(),
            name: person.name,
            number: person.number,
        })
    };
    let cards: Vec<Card> = made.into_iter().map(card).collect::<Result<_>>()?;
    render(&CardsPage { page, cards })
}

async fn nobody(server: &Server, actor: &Actor, visitor: &Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    let mut page = badges_page(&mut tx, actor, visitor, String::new()).await?;
    page.is_refused = true;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}
