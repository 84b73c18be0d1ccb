//! The pages. One file for each page, with its handlers; its template has the same name.

mod assets;
mod people;
mod setup;
mod sign_in;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{
    error::{Error, ErrorKind},
    http::{Problem, current_request_id},
    server::Server,
};

/// The routes of all pages. Each is also in [`access::ROUTES`](crate::access::ROUTES).
pub(crate) fn pages() -> Router<Server> {
    Router::new()
        .route("/", get(async || Redirect::to("/people")))
        .merge(assets::routes())
        .merge(people::routes())
        .merge(setup::routes())
        .merge(sign_in::routes())
}

/// An error of a page: the visitor sees what happened and what to do.
#[derive(Debug)]
pub(crate) struct PageError(Error);

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        error_page(&self.0)
    }
}

type PageResult = Result<Response, PageError>;

/// Renders a template.
fn page(template: &impl Template) -> PageResult {
    let html = template.render().map_err(Error::internal)?;
    Ok(Html(html).into_response())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: u16,
    detail: String,
    request_id: String,
}

/// The page of an error.
pub(crate) fn error_page(error: &Error) -> Response {
    crate::http::log(error);
    if error.kind == ErrorKind::Unauthenticated {
        return Redirect::to("/sign-in").into_response();
    }
    let problem = Problem::from(error);
    let template = ErrorPage {
        status: problem.status,
        detail: problem.detail,
        request_id: current_request_id(),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, template.detail).into_response(),
    }
}
