//! `/sites`, `/presets`.

use axum::extract::State;

use super::{
    Api,
    answer::{Created, Found, Versioned},
    input::{Body, ById, IfMatch},
};
use crate::{
    commands::sites::{self, NewSite, Site, SiteChanges},
    error::Result,
    http::Caller,
    presets::{PRESETS, Preset},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/sites", "Sites, by name", list)
        .post("/sites", "Adds a site with a policy from a preset", create)
        .get("/sites/{site}", "A site", get)
        .patch("/sites/{site}", "Renames a site", update)
        .get(
            "/presets",
            "The policies that a site can start from",
            presets,
        )
}

async fn list(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<Vec<Site>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(sites::list(&mut tx, &actor).await?))
}

async fn get(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Site>> {
    let mut tx = server.store.read().await?;
    let site = sites::get(&mut tx, &actor, id).await?;
    Ok(Versioned(site.version, site))
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(input): Body<NewSite>,
) -> Result<Created<Site>> {
    let mut tx = server.store.write().await?;
    let site = sites::create(&mut tx, &actor, input).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/sites/{}", site.id), site))
}

async fn update(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    IfMatch(version): IfMatch,
    Body(changes): Body<SiteChanges>,
) -> Result<Versioned<Site>> {
    let mut tx = server.store.write().await?;
    let site = sites::update(&mut tx, &actor, id, Some(version), changes).await?;
    tx.commit().await?;
    Ok(Versioned(site.version, site))
}

async fn presets() -> Result<Found<Vec<Preset>>> {
    Ok(Found(PRESETS.to_vec()))
}
