//! A page with one message: an address that is not there, a right that is missing, a failure.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{page::Page, visitor::Visitor};
use crate::{
    commands::tokens::WRONG_LINK,
    error::{Error, ErrorKind},
    http::current_request_id,
};

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    page: Page,
    title: String,
    text: String,
    /// The id of the request, for the log.
    request: String,
}

/// The page of an error.
pub(crate) fn error_page(error: &Error) -> Response {
    crate::http::log(error);
    if error.kind == ErrorKind::Unauthenticated {
        return Redirect::to("/sign-in").into_response();
    }
    let visitor = Visitor::current();
    let language = visitor.language;
    let (title, text) = match error.kind {
        ErrorKind::NotFound => (
            language.say("error-not-found"),
            language.say("error-not-found-text"),
        ),
        // The link was refused, and not the role.
        ErrorKind::Forbidden if error.code == WRONG_LINK => {
            (language.say("error-refused"), language.problem(error))
        }
        ErrorKind::Forbidden => (
            language.say("error-forbidden"),
            language.say("error-forbidden-text"),
        ),
        ErrorKind::Outdated => (
            language.say("error-conflict"),
            language.say("error-conflict-text"),
        ),
        ErrorKind::Internal | ErrorKind::Unavailable => (
            language.say("error-failed"),
            language.say("error-failed-text"),
        ),
        _ => (language.say("error-refused"), language.problem(error)),
    };
    let template = MessagePage {
        page: visitor.public_page(title.clone(), None),
        title,
        text,
        request: current_request_id(),
    };
    let status =
        StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, template.text).into_response(),
    }
}
