//! `/pairing`: the token of a kiosk.

use axum::extract::State;

use super::{
    Api,
    answer::{Created, Found},
    input::{Body, ById},
};
use crate::{
    commands::{
        pairing::{self, PairedDevice, Pairing},
        tokens::IssuedToken,
    },
    error::Result,
    http::Caller,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/devices/{device}/pairing",
        "Makes the code of a pairing link, which works once and for an hour",
        invite,
    )
    .post(
        "/pairing",
        "Gives the token of its device for the code of a pairing link",
        pair,
    )
}

async fn invite(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Created<IssuedToken>> {
    let mut tx = server.store.write().await?;
    let token = pairing::invite(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/tokens/{}", token.id), token))
}

async fn pair(
    State(server): State<Server>,
    Body(input): Body<Pairing>,
) -> Result<Found<PairedDevice>> {
    Ok(Found(pairing::pair(&server.store, &input).await?))
}
