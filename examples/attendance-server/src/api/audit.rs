//! `/audit`, `/events`.

use axum::extract::State;

use super::{Api, answer::Found, input::Values};
use crate::{
    commands::{
        audit::{self, AuditRecord, Verification},
        events::{self, EventRequest, Events},
    },
    error::Result,
    http::Caller,
    paging::{Page, PageRequest},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/audit", "The records of the audit, the newest first", list)
        .get(
            "/audit/verification",
            "Checks that nobody changed the audit",
            verify,
        )
        .get("/events", "Events, by number", list_events)
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(page): Values<PageRequest>,
) -> Result<Found<Page<AuditRecord>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(audit::list(&mut tx, &actor, &page).await?))
}

async fn verify(
    State(server): State<Server>,
    Caller(actor): Caller,
) -> Result<Found<Verification>> {
    let mut tx = server.store.read().await?;
    Ok(Found(audit::verify(&mut tx, &actor).await?))
}

async fn list_events(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(request): Values<EventRequest>,
) -> Result<Found<Events>> {
    let mut tx = server.store.read().await?;
    Ok(Found(events::list(&mut tx, &actor, request).await?))
}
