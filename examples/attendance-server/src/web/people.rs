//! `/people`: the list, and a new person.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};
use serde::Deserialize;

use super::{
    PageResult,
    input::{Form, Query},
    list::{Filter, Search},
    mark::Mark,
    page::{Choice, Page, Refused},
    render,
    visitor::Visitor,
};
use crate::{
    access::{Actor, EDITORS},
    commands::{
        people::{self, NewPerson, PeopleFilter},
        sites,
    },
    error::{Error, ErrorKind, Result},
    http::Caller,
    id::Id,
    paging::PageRequest,
    server::Server,
    store::Transaction,
    text::encode,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/people", get(list).post(create))
        .route("/people/new", get(form))
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    page: Page,
    search: String,
    filter: String,
    filters: Vec<Filter>,
    rows: Vec<PersonRow>,
    total: usize,
    /// The address of the next page.
    next: Option<String>,
    edits: bool,
}

/// A row of the list.
struct PersonRow {
    id: Id,
    name: String,
    number: String,
    site: String,
    mark: Mark,
    status: String,
    joined: String,
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let title = visitor.language.say("people");
    let page = visitor.page(&mut tx, &actor, "/people", title).await?;
    let sites: HashMap<Id, String> = sites::list(&mut tx, &actor)
        .await?
        .into_iter()
        .map(|site| (site.id, site.name))
        .collect();
    let mut filter = PeopleFilter {
        search: Some(query.find.trim().to_owned()).filter(|text| !text.is_empty()),
        ..PeopleFilter::default()
    };
    let count = |active: Option<bool>| PeopleFilter {
        active,
        ..filter.clone()
    };
    let counts = [
        people::count(&mut tx, &actor, &count(Some(true))).await?,
        people::count(&mut tx, &actor, &count(Some(false))).await?,
        people::count(&mut tx, &actor, &count(None)).await?,
    ];
    let tabs = [
        ("", "person-active"),
        ("left", "person-left"),
        ("all", "review-all"),
    ];
    let filters = tabs
        .iter()
        .zip(counts)
        .map(|((name, key), count)| Filter {
            address: query.address("/people", name),
            label: page.say(key),
            count,
            current: query.status == *name,
        })
        .collect();
    let (active, total) = match query.status.as_str() {
        "left" => (Some(false), counts[1]),
        "all" => (None, counts[2]),
        _ => (Some(true), counts[0]),
    };
    filter.active = active;
    let request = PageRequest {
        limit: None,
        cursor: query.cursor.clone(),
    };
    let found = people::list(&mut tx, &actor, &filter, &request).await?;
    let rows = found
        .items
        .into_iter()
        .map(|person| {
            let (mark, key) = match person.deactivated {
                None => (Mark::Present, "person-active"),
                Some(_) => (Mark::Unknown, "person-left"),
            };
            PersonRow {
                id: person.id,
                name: person.name,
                number: person.number,
                site: sites.get(&person.site).cloned().unwrap_or_default(),
                mark,
                status: page.say(key),
                joined: person
                    .joined
                    .map(|joined| page.date(joined))
                    .unwrap_or_default(),
            }
        })
        .collect();
    let next = found.next.map(|cursor| {
        let address = query.address("/people", &query.status);
        let separator = if address.contains('?') { '&' } else { '?' };
        format!("{address}{separator}cursor={}", encode(&cursor))
    });
    render(&PeoplePage {
        search: query.find,
        filter: query.status,
        filters,
        rows,
        total,
        next,
        edits: actor.has_any(EDITORS),
        page,
    })
}

#[derive(Template)]
#[template(path = "person_new.html")]
struct NewPersonPage {
    page: Page,
    sites: Vec<Choice>,
    form: PersonForm,
    error: Option<Refused>,
}

/// The fields of a new person, as they were sent.
#[derive(Clone, Debug, Default, Deserialize)]
struct PersonForm {
    number: String,
    name: String,
    #[serde(default)]
    mail: String,
    #[serde(default)]
    joined: String,
    site: Option<Id>,
}

/// A field of the form.
struct Field<'a> {
    id: &'static str,
    kind: &'static str,
    value: &'a str,
    required: bool,
}

impl NewPersonPage {
    /// The fields, in pairs that are beside each other.
    fn fields(&self) -> [[Field<'_>; 2]; 2] {
        let field = |id, kind, value, required| Field {
            id,
            kind,
            value,
            required,
        };
        let form = &self.form;
        [
            [
                field("name", "text", &form.name, true),
                field("number", "text", &form.number, true),
            ],
            [
                field("mail", "email", &form.mail, false),
                field("joined", "date", &form.joined, false),
            ],
        ]
    }

    fn error_of(&self, field: &str) -> Option<&str> {
        self.error.as_ref().and_then(|error| error.at(field))
    }
}

async fn form(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&new_person(&mut tx, &actor, &visitor, PersonForm::default(), None).await?)
}

async fn new_person(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    form: PersonForm,
    error: Option<&Error>,
) -> Result<NewPersonPage> {
    let title = visitor.language.say("person-add");
    Ok(NewPersonPage {
        page: visitor.page(tx, actor, "/people", title).await?,
        sites: site_choices(tx, actor, form.site).await?,
        form,
        error: error.map(|error| Refused::of(error, visitor.language)),
    })
}

/// The sites as choices of a form.
pub(super) async fn site_choices(
    tx: &mut Transaction,
    actor: &Actor,
    chosen: Option<Id>,
) -> Result<Vec<Choice>> {
    let sites = sites::list(tx, actor).await?;
    Ok(sites
        .into_iter()
        .map(|site| Choice {
            value: site.id.to_string(),
            chosen: chosen == Some(site.id),
            label: site.name,
        })
        .collect())
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(form): Form<PersonForm>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let created = async {
        let joined = match form.joined.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                Error::invalid(
                    "/joined",
                    "wrong_date",
                    format!("{text:?} is not a date such as 2026-03-02."),
                )
            })?),
        };
        let site = form.site.ok_or_else(|| Error::not_found("site"))?;
        let input = NewPerson {
            number: form.number.clone(),
            name: form.name.clone(),
            mail: Some(form.mail.clone()).filter(|mail| !mail.trim().is_empty()),
            site,
            joined,
            left: None,
        };
        people::create(&mut tx, &actor, input).await
    }
    .await;
    match created {
        Ok(person) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/people/{}?done=person-added", person.id)).into_response())
        }
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {
            drop(tx);
            let mut tx = server.store.read().await?;
            let page = new_person(&mut tx, &actor, &visitor, form, Some(&error)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
