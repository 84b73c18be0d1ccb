//! `/accounts`, `/tokens`, `/me`.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api,
    answer::{Created, Done, Found, Versioned},
    input::{Body, ById, IfMatch},
};
use crate::{
    access::Grant,
    commands::{
        accounts::{self, Account, AccountChanges, NewAccount},
        organisations,
        tokens::{self, IssuedToken, NewApiToken, Token},
    },
    error::{Error, Result},
    http::Caller,
    id::Id,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/me", "The caller: organisation and roles", me)
        .get("/accounts", "Accounts, the oldest first", list)
        .post("/accounts", "Adds an account without a password", create)
        .get("/accounts/{account}", "An account", get)
        .patch("/accounts/{account}", "Changes an account", update)
        .post(
            "/accounts/{account}/invitation",
            "Makes the link by which somebody sets the password",
            invite,
        )
        .get("/tokens", "Tokens that work, the newest first", list_tokens)
        .post("/tokens", "Makes an API token", create_token)
        .get("/tokens/{token}", "A token", get_token)
        .delete("/tokens/{token}", "Ends a token", revoke)
}

/// The caller.
#[derive(Serialize, JsonSchema)]
struct Me {
    /// The organisation.
    organisation: Id,
    /// The name of the organisation.
    organisation_name: String,
    /// The kind of the caller and its id: an account, a token or a device.
    principal: String,
    /// The roles.
    roles: Vec<Grant>,
    /// The caller's own person.
    person: Option<Id>,
}

async fn me(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<Me>> {
    let mut tx = server.store.read().await?;
    Ok(Found(Me {
        organisation: actor.org,
        organisation_name: organisations::name(&mut tx, actor.org).await?,
        principal: actor.label(),
        person: actor.person,
        roles: actor.grants,
    }))
}

async fn list(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<Vec<Account>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(accounts::list(&mut tx, &actor).await?))
}

async fn get(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Account>> {
    let mut tx = server.store.read().await?;
    let account = accounts::get(&mut tx, &actor, id).await?;
    Ok(Versioned(account.version, account))
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(new): Body<NewAccount>,
) -> Result<Created<Account>> {
    let mut tx = server.store.write().await?;
    let account = accounts::create(&mut tx, &actor, new).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/accounts/{}", account.id), account))
}

async fn update(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    IfMatch(version): IfMatch,
    Body(changes): Body<AccountChanges>,
) -> Result<Versioned<Account>> {
    let mut tx = server.store.write().await?;
    let account = accounts::update(&mut tx, &actor, id, Some(version), changes).await?;
    tx.commit().await?;
    Ok(Versioned(account.version, account))
}

async fn invite(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Created<IssuedToken>> {
    let mut tx = server.store.write().await?;
    let invitation = tokens::invite(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Created(
        format!("/api/v1/tokens/{}", invitation.id),
        invitation,
    ))
}

async fn list_tokens(
    State(server): State<Server>,
    Caller(actor): Caller,
) -> Result<Found<Vec<Token>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(tokens::list(&mut tx, &actor).await?))
}

async fn get_token(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Found<Token>> {
    let mut tx = server.store.read().await?;
    let known = tokens::list(&mut tx, &actor).await?;
    let token = known.into_iter().find(|token| token.id == id);
    token.map(Found).ok_or_else(|| Error::not_found("token"))
}

async fn create_token(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(new): Body<NewApiToken>,
) -> Result<Created<IssuedToken>> {
    let mut tx = server.store.write().await?;
    let token = tokens::create_api_token(&mut tx, &actor, new).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/tokens/{}", token.id), token))
}

async fn revoke(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Done> {
    let mut tx = server.store.write().await?;
    tokens::revoke(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Done)
}
