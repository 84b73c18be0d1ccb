//! `/sign-in` and `/sign-out`.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::{get, post},
};

use super::{
    PageResult,
    input::Form,
    page::Page,
    preferences, render,
    visitor::{LANGUAGE_COOKIE, Visitor},
};
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

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    mail: String,
    error: Option<String>,
}

fn sign_in_page(visitor: &Visitor, mail: String, error: Option<String>) -> SignInPage {
    SignInPage {
        page: visitor.public_page(visitor.language.say("sign-in"), None),
        mail,
        error,
    }
}

async fn form(visitor: Visitor) -> PageResult {
    let page = render(&sign_in_page(&visitor, String::new(), None))?;
    // A language that is chosen here stays after the sign-in.
    let chosen = visitor.chosen_language.map(|language| {
        let cookie = preferences::kept(LANGUAGE_COOKIE, language.code());
        [(header::SET_COOKIE, cookie)]
    });
    Ok((chosen, page).into_response())
}

async fn sign_in(
    State(server): State<Server>,
    Browser(browser): Browser,
    visitor: Visitor,
    Form(input): Form<SignIn>,
) -> PageResult {
    let mail = input.mail.clone();
    match sessions::sign_in(&server.store, &server.limits, input, &browser).await {
        Ok(session) => Ok((session_cookie(&session), Redirect::to("/")).into_response()),
        Err(error) if matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::TooMany) => {
            let status =
                StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            let form = sign_in_page(&visitor, mail, Some(visitor.language.problem(&error)));
            Ok((status, render(&form)?).into_response())
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
