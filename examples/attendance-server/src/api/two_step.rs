//! `/me/two-step`: two-step sign-in of the own account; `/accounts/{account}/two-step`: its reset by an admin.

use axum::extract::State;

use super::{
    Api,
    answer::{Created, Done, Found, WithSession},
    input::{Body, ById},
};
use crate::{
    commands::two_step::{
        self, FirstCode, NewTwoStep, OwnPassword, OwnProof, RecoveryCodes, TwoStep,
    },
    error::Result,
    http::{Browser, Caller},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/me/two-step", "Two-step sign-in of the own account", get)
        .post(
            "/me/two-step",
            "Makes the secret for an authenticator app; nothing changes yet",
            begin,
        )
        .post(
            "/me/two-step/confirmation",
            "Switches two-step sign-in on by the first code; all sessions end, and the cookie of the answer is a new one",
            confirm,
        )
        .post(
            "/me/two-step/removal",
            "Switches two-step sign-in off by the password or a code",
            switch_off,
        )
        .delete(
            "/accounts/{account}/two-step",
            "Switches two-step sign-in of another account off",
            reset,
        )
}

async fn get(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<TwoStep>> {
    let mut tx = server.store.read().await?;
    Ok(Found(two_step::get(&mut tx, &actor).await?))
}

async fn begin(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(password): Body<OwnPassword>,
) -> Result<Created<NewTwoStep>> {
    let new = two_step::begin(&server.store, &server.limits, &actor, password).await?;
    Ok(Created("/api/v1/me/two-step".to_owned(), new))
}

async fn confirm(
    State(server): State<Server>,
    Caller(actor): Caller,
    Browser(browser): Browser,
    Body(first): Body<FirstCode>,
) -> Result<WithSession<Found<RecoveryCodes>>> {
    let on = two_step::confirm(&server.store, &server.limits, &actor, &first, &browser).await?;
    Ok(WithSession(on.session, Found(on.codes)))
}

async fn switch_off(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(proof): Body<OwnProof>,
) -> Result<Done> {
    two_step::switch_off(&server.store, &server.limits, &actor, proof).await?;
    Ok(Done)
}

async fn reset(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(account): ById,
) -> Result<Done> {
    let mut tx = server.store.write().await?;
    two_step::reset(&mut tx, &actor, account).await?;
    tx.commit().await?;
    Ok(Done)
}
