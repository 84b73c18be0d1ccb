//! The table of routes, enforced; and requests of other sites, refused.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::Caller;
use crate::{
    access::{Principal, Who, route},
    error::{Error, ErrorKind},
};

/// Makes the page of an error, for those who read.
pub type ErrorPages = fn(&Error) -> Response;

/// Refuses a request whose route the actor's roles do not have, and a change that another site's page sends. A route that is
/// not in the table is refused for everybody.
pub async fn guard(State(pages): State<ErrorPages>, request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let actor = request
        .extensions()
        .get::<Caller>()
        .map(|caller| caller.0.clone());
    let method = match request.method() {
        &Method::HEAD => "GET",
        method => method.as_str(),
    };
    let is_cookie = matches!(
        actor.as_ref().map(|actor| actor.principal),
        Some(Principal::Account(_))
    );
    let is_change = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    // A page of another site could open a WebSocket with the cookies and the network of this browser.
    let is_socket = request.headers().contains_key(header::UPGRADE);
    if (is_change || is_socket) && !is_of_this_site(request.headers(), is_cookie) {
        let error = Error::new(
            ErrorKind::Forbidden,
            "foreign_origin",
            "The request comes from another site.",
        );
        return refuse(error, request.uri(), pages);
    }
    let who = path
        .as_deref()
        .and_then(|path| route(method, path))
        .map(|route| route.who);
    let error = match (who, &actor) {
        (Some(Who::Everybody), _) => None,
        (Some(Who::Roles(roles)), Some(actor)) if actor.has_any(roles) => None,
        (Some(Who::Roles(_)), None) => Some(Error::not_signed_in()),
        _ => Some(Error::forbidden()),
    };
    match error {
        None => next.run(request).await,
        Some(error) => refuse(error, request.uri(), pages),
    }
}

/// The answer to a path that is not there.
pub(crate) fn not_found(uri: &Uri, pages: ErrorPages) -> Response {
    let error = Error::not_found("page");
    if is_machine(uri) {
        error.into_response()
    } else {
        pages(&error)
    }
}

fn refuse(error: Error, uri: &Uri, pages: ErrorPages) -> Response {
    if is_machine(uri) {
        return error.into_response();
    }
    if error.kind == ErrorKind::Unauthenticated {
        return Redirect::to("/sign-in").into_response();
    }
    pages(&error)
}

/// `true` for answers that programs read.
fn is_machine(uri: &Uri) -> bool {
    uri.path().starts_with("/api/") || uri.path().starts_with("/health/")
}

/// `true` if no other site's page sends the request. Browsers state the origin of a change. A request with a cookie must
/// state it; other programs send tokens and need not.
fn is_of_this_site(headers: &HeaderMap, is_cookie: bool) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST);
    let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map(|(_, host)| host));
    match (
        text(header::HeaderName::from_static("sec-fetch-site")),
        origin,
    ) {
        (Some("same-origin"), _) => true,
        (Some(_), _) => false,
        (None, Some(origin)) => origin.is_some() && origin == host,
        (None, None) => !is_cookie,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|&(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    value.parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn changes_come_from_the_own_site() {
        let own = [
            ("host", "door.example:8443"),
            ("origin", "https://door.example:8443"),
        ];
        assert!(is_of_this_site(&headers(&own), true));
        assert!(is_of_this_site(
            &headers(&[("sec-fetch-site", "same-origin")]),
            true
        ));
        assert!(
            is_of_this_site(&headers(&[("host", "door.example")]), false),
            "a program with a token"
        );
    }

    #[test]
    fn changes_of_other_sites_are_refused() {
        for foreign in [
            &[("host", "door.example"), ("origin", "https://evil.example")][..],
            &[("host", "door.example"), ("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("host", "door.example")],
        ] {
            assert!(!is_of_this_site(&headers(foreign), true), "{foreign:?}");
        }
        let foreign = [("host", "door.example"), ("origin", "https://evil.example")];
        assert!(
            !is_of_this_site(&headers(&foreign), false),
            "also without a cookie"
        );
    }
}
