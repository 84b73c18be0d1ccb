//! `/session`: signing in, for programs that act for a person. `DELETE /tokens/{token}` ends the session.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api,
    answer::{Created, WithSession},
    document::{Input, Operation},
    input::Body,
};
use crate::{
    commands::sessions::{self, SignIn, SignedIn},
    error::Result,
    http::Browser,
    id::Id,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/session",
        "Signs an account in; the cookie of the answer is its session",
        sign_in,
    )
}

/// A session.
#[derive(Serialize, JsonSchema)]
struct Session {
    /// The id, by which it is listed and ended at `/api/v1/tokens`.
    id: Id,
}

async fn sign_in(
    State(server): State<Server>,
    browser: Browser,
    Body(input): Body<SignIn>,
) -> Result<WithSession<Created<Session>>> {
    match sessions::sign_in(&server.store, &server.limits, input, &browser.0).await? {
        SignedIn::Session(session) => {
            let id = session.id;
            let created = Created(format!("/api/v1/tokens/{id}"), Session { id });
            Ok(WithSession(session, created))
        }
        SignedIn::CodeNeeded { .. } => Err(sessions::code_needed()),
    }
}

impl Input for Browser {
    fn describe(_: &mut Operation, _: &mut schemars::SchemaGenerator) {}
}
