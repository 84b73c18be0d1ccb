//! `/people`.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Api,
    answer::{Created, Found, Versioned},
    input::{Body, ById, IfMatch, Values},
};
use crate::{
    access::password::HashedSecret,
    commands::{
        people::{self, NewPerson, PeopleFilter, Person, PersonChanges},
        tokens::{self, IssuedToken},
    },
    error::Result,
    http::Caller,
    paging::{Page, PageRequest},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/people", "People, by name", list)
        .post("/people", "Adds a person", create)
        .get("/people/{person}", "A person", get)
        .patch("/people/{person}", "Changes a person", update)
        .post(
            "/people/{person}/deactivate",
            "Lets a person punch no more",
            deactivate,
        )
        .post(
            "/people/{person}/activate",
            "Lets a person punch again",
            activate,
        )
        .put(
            "/people/{person}/pin",
            "Sets or removes the PIN of a person",
            set_pin,
        )
        .post(
            "/people/{person}/badge",
            "Makes the QR code of a person; earlier ones end",
            create_badge,
        )
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(filter): Values<PeopleFilter>,
    Values(page): Values<PageRequest>,
) -> Result<Found<Page<Person>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(people::list(&mut tx, &actor, &filter, &page).await?))
}

async fn get(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Person>> {
    let mut tx = server.store.read().await?;
    let person = people::get(&mut tx, &actor, id).await?;
    Ok(Versioned(person.version, person))
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(input): Body<NewPerson>,
) -> Result<Created<Person>> {
    let mut tx = server.store.write().await?;
    let person = people::create(&mut tx, &actor, input).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/people/{}", person.id), person))
}

async fn update(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    IfMatch(version): IfMatch,
    Body(changes): Body<PersonChanges>,
) -> Result<Versioned<Person>> {
    let mut tx = server.store.write().await?;
    let person = people::update(&mut tx, &actor, id, Some(version), changes).await?;
    tx.commit().await?;
    Ok(Versioned(person.version, person))
}

async fn deactivate(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Person>> {
    let mut tx = server.store.write().await?;
    let person = people::set_active(&mut tx, &actor, id, false).await?;
    tx.commit().await?;
    Ok(Versioned(person.version, person))
}

async fn activate(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Person>> {
    let mut tx = server.store.write().await?;
    let person = people::set_active(&mut tx, &actor, id, true).await?;
    tx.commit().await?;
    Ok(Versioned(person.version, person))
}

/// A new PIN.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPin {
    /// 4 to 12 digits; null removes the PIN.
    #[schemars(regex(pattern = "^[0-9]{4,12}$"))]
    pin: Option<String>,
}

async fn set_pin(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    Body(new): Body<NewPin>,
) -> Result<Versioned<Person>> {
    let pin = match new.pin {
        Some(pin) => Some(HashedSecret::pin("/pin", pin).await?),
        None => None,
    };
    let mut tx = server.store.write().await?;
    let person = people::set_pin(&mut tx, &actor, id, pin).await?;
    tx.commit().await?;
    Ok(Versioned(person.version, person))
}

async fn create_badge(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Created<IssuedToken>> {
    let mut tx = server.store.write().await?;
    let badge = tokens::create_badge(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/tokens/{}", badge.id), badge))
}
