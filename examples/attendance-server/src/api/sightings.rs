//! `/sightings`.

use attendance_rules::PunchSource;
use axum::extract::State;

use super::{
    Api,
    answer::{Created, Done, Found},
    input::{Body, ById, Values},
};
use crate::{
    commands::{
        disown,
        sightings::{self, Answer, NewSighting, Seen, Sighting, SightingFilter},
    },
    error::Result,
    http::Caller,
    paging::{Page, PageRequest},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/sightings",
        "Records that a device identified a person by PIN or badge",
        create,
    )
    .get("/sightings", "Sightings, the newest first", list)
    .get("/sightings/{sighting}", "A sighting", get)
    .post(
        "/sightings/{sighting}/disown",
        "Voids the punch of a sighting by face: the person before the device says that it is somebody else",
        disown,
    )
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(new): Body<NewSighting>,
) -> Result<Created<Answer>> {
    let mut tx = server.store.read().await?;
    let before = sightings::answered(&mut tx, &actor, &new.boot, new.sequence).await?;
    drop(tx);
    let answer = match before {
        Some(answer) => answer,
        None => {
            let person =
                sightings::identify(&server.store, &server.limits, &actor, new.identification)
                    .await?;
            let seen = Seen {
                person,
                boot: new.boot,
                sequence: new.sequence,
                at: new.at,
                sent: new.sent,
                source: PunchSource::Code,
                score: None,
                liveness: None,
            };
            let mut tx = server.store.write().await?;
            let answer = sightings::record(&mut tx, &actor, seen).await?;
            tx.commit().await?;
            answer
        }
    };
    Ok(Created(
        format!("/api/v1/sightings/{}", answer.sighting),
        answer,
    ))
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(filter): Values<SightingFilter>,
    Values(page): Values<PageRequest>,
) -> Result<Found<Page<Sighting>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(
        sightings::list(&mut tx, &actor, &filter, &page).await?,
    ))
}

async fn get(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Found<Sighting>> {
    let mut tx = server.store.read().await?;
    Ok(Found(sightings::get(&mut tx, &actor, id).await?))
}

async fn disown(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Done> {
    let mut tx = server.store.write().await?;
    let person = disown::disown(&mut tx, &actor, id).await?;
    tx.commit().await?;
    server.cameras.disowned(&actor, person).await?;
    Ok(Done)
}
