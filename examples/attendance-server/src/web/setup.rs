//! `/setup`: the first steps of a new server, behind a one-time link.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};
use serde::Deserialize;

use super::{PageResult, page};
use crate::{
    commands::{
        organisations::{self, Setup},
        sessions, tokens,
    },
    error::{ErrorKind, Result},
    http::{Browser, session_cookie},
    presets::{PRESETS, Preset},
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/setup", get(form).post(set_up))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

/// The form, and the token of the link.
#[derive(Deserialize)]
struct Filled {
    token: String,
    organisation: String,
    name: String,
    mail: String,
    password: String,
    site: String,
    time_zone: String,
    preset: String,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    token: String,
    presets: &'static [Preset],
    error: Option<String>,
}

/// Fails unless the token is that of the link. Wrong ones are limited.
async fn check(server: &Server, token: &str) -> Result<()> {
    let mut tx = server.store.read().await?;
    server.limits.links.check("setup", tx.now)?;
    let checked = tokens::check_setup(&mut tx, token).await;
    if checked.is_err() {
        server.limits.links.count("setup", tx.now);
    }
    checked
}

async fn form(State(server): State<Server>, Query(link): Query<Link>) -> PageResult {
    check(&server, &link.token).await?;
    page(&SetupPage {
        token: link.token,
        presets: &PRESETS,
        error: None,
    })
}

async fn set_up(
    State(server): State<Server>,
    Browser(browser): Browser,
    Form(filled): Form<Filled>,
) -> PageResult {
    check(&server, &filled.token).await?;
    let input = Setup {
        organisation: filled.organisation,
        name: filled.name,
        mail: filled.mail,
        password: filled.password,
        site: filled.site,
        time_zone: filled.time_zone,
        preset: filled.preset,
    };
    let mut tx = server.store.write().await?;
    match organisations::set_up(&mut tx, input).await {
        Ok(installed) => {
            let session =
                sessions::begin(&mut tx, installed.organisation, installed.account, &browser)
                    .await?;
            tx.commit().await?;
            Ok((session_cookie(&session), Redirect::to("/")).into_response())
        }
        Err(error) if error.kind == ErrorKind::Invalid => {
            let form = SetupPage {
                token: filled.token,
                presets: &PRESETS,
                error: Some(error.detail),
            };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
