//! `/sign-in` and `/sign-out`. Signing in has a second page for accounts with two-step sign-in.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    PageResult,
    input::Form,
    page::Page,
    preferences, render,
    visitor::{LANGUAGE_COOKIE, Visitor},
};
use crate::{
    commands::{
        sessions::{self, SignIn, SignedIn},
        two_step,
    },
    error::{Error, ErrorKind, Result},
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

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    page: Page,
    /// The proof that the password was right.
    proof: String,
    error: Option<String>,
}

fn code_page(visitor: &Visitor, proof: String, error: Option<String>) -> CodePage {
    CodePage {
        page: visitor.public_page(visitor.language.say("two-step"), None),
        proof,
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

/// Mail address and password, or the proof of them and a code.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    proof: String,
    #[serde(default)]
    code: String,
}

async fn sign_in(
    State(server): State<Server>,
    Browser(browser): Browser,
    visitor: Visitor,
    Form(input): Form<Fields>,
) -> PageResult {
    match step(&server, &browser, &input).await {
        Ok(SignedIn::Session(session)) => {
            Ok((session_cookie(&session), Redirect::to("/")).into_response())
        }
        Ok(SignedIn::CodeNeeded { proof }) => render(&code_page(&visitor, proof, None)),
        Err(error) if matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::TooMany) => {
            let status =
                StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            let text = Some(visitor.language.problem(&error));
            let again = !input.proof.is_empty()
                && (error.kind == ErrorKind::TooMany || error.code == two_step::WRONG_CODE);
            let page = if again {
                render(&code_page(&visitor, input.proof, text))?
            } else {
                render(&sign_in_page(&visitor, input.mail, text))?
            };
            Ok((status, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn step(server: &Server, browser: &str, input: &Fields) -> Result<SignedIn, Error> {
    let (store, limits) = (&server.store, &server.limits);
    if input.proof.is_empty() {
        let input = SignIn {
            mail: input.mail.clone(),
            password: input.password.clone(),
            code: None,
        };
        return sessions::sign_in(store, limits, input, browser).await;
    }
    let session =
        sessions::finish_sign_in(store, limits, &input.proof, &input.code, browser).await?;
    Ok(SignedIn::Session(session))
}

async fn sign_out(State(server): State<Server>, Caller(actor): Caller) -> PageResult {
    let mut tx = server.store.write().await?;
    sessions::sign_out(&mut tx, &actor).await?;
    tx.commit().await?;
    Ok((end_cookie(), Redirect::to("/sign-in")).into_response())
}
