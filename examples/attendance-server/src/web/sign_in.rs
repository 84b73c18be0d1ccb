//! `/sign-in` and `/sign-out`.

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};

use super::{PageResult, page};
use crate::{
    commands::sessions::{self, SignIn},
    error::ErrorKind,
    http::{Browser, Caller, end_cookie, session_cookie},
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/sign-in", get(form).post(sign_in))
        .route("/sign-out", post(sign_out))
}

#[derive(Default, Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    mail: String,
    error: Option<String>,
}

async fn form() -> PageResult {
    page(&SignInPage::default())
}

async fn sign_in(
    State(server): State<Server>,
    Browser(browser): Browser,
    Form(input): Form<SignIn>,
) -> PageResult {
    let mail = input.mail.clone();
    match sessions::sign_in(&server.store, &server.limits, input, &browser).await {
        Ok(session) => Ok((session_cookie(&session), Redirect::to("/")).into_response()),
        Err(error) if matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::TooMany) => {
            let status =
                StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            let form = SignInPage {
                mail,
                error: Some(error.detail),
            };
            Ok((status, page(&form)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign_out(State(server): State<Server>, Caller(actor): Caller) -> PageResult {
    let mut tx = server.store.write().await?;
    sessions::sign_out(&mut tx, &actor).await?;
    tx.commit().await?;
    Ok((end_cookie(), Redirect::to("/sign-in")).into_response())
}
