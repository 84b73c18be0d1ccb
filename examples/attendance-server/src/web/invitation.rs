//! `/invitation`: the first password of an account, behind a link that works once.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};
use serde::Deserialize;

use super::{
    PageResult,
    input::{Form, Query},
    page::Page,
    render,
    visitor::Visitor,
};
use crate::{
    commands::{
        sessions::{self, AcceptInvitation},
        tokens,
    },
    error::ErrorKind,
    http::{Browser, session_cookie},
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/invitation", get(form).post(accept))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    page: Page,
    token: String,
    error: Option<String>,
}

fn invitation_page(visitor: &Visitor, token: String, error: Option<String>) -> InvitationPage {
    InvitationPage {
        page: visitor.public_page(visitor.language.say("invitation"), None),
        token,
        error,
    }
}

async fn form(visitor: Visitor, Query(link): Query<Link>) -> PageResult {
    render(&invitation_page(&visitor, link.token, None))
}

async fn accept(
    State(server): State<Server>,
    Browser(browser): Browser,
    visitor: Visitor,
    Form(input): Form<AcceptInvitation>,
) -> PageResult {
    let token = input.token.clone();
    match sessions::accept_invitation(&server.store, input, &browser).await {
        Ok(Some(session)) => Ok((session_cookie(&session), Redirect::to("/")).into_response()),
        // The account has two-step sign-in, and the link is no code.
        Ok(None) => Ok(Redirect::to("/sign-in").into_response()),
        Err(error)
            if matches!(error.kind, ErrorKind::Invalid | ErrorKind::TooMany)
                || error.code == tokens::WRONG_LINK =>
        {
            let status = StatusCode::from_u16(error.kind.status())
                .unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            let page = invitation_page(&visitor, token, Some(visitor.language.problem(&error)));
            Ok((status, render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
