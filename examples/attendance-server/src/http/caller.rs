//! The actor of a request.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    access::Actor,
    commands::tokens::{self, IssuedToken, Recognized, TokenKind},
    error::{Error, ErrorKind, Result},
    secret,
    server::Server,
};

/// The cookie of a session. Browsers accept the prefix only from the host itself, over HTTPS or on the own machine.
pub const SESSION_COOKIE: &str = "__Host-session";

/// The header of a request that a page sends by itself, to follow the day. It is no use of the session, so that a page that
/// is left open does not keep its session alive.
const REFRESH: &str = "x-refresh";

/// The actor of a request.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

/// The program that sends a request, for the list of sessions.
#[derive(Clone, Debug)]
pub struct Browser(pub String);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(Error::not_signed_in)
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        Ok(Self(agent.unwrap_or("unknown").to_owned()))
    }
}

/// Finds the actor of each request. A request without a token has none; one with a wrong token is refused if the token is
/// in the `Authorization` header, and has none if it is in a cookie, so that a browser comes to the page for signing in.
pub async fn recognize(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    match caller(&server, request.headers()).await {
        Ok(Some(actor)) => {
            request.extensions_mut().insert(Caller(actor));
        }
        Ok(None) => {}
        Err(error) => return error.into_response(),
    }
    next.run(request).await
}

/// The actor of a request, whose use of the token is written down.
async fn caller(server: &Server, headers: &HeaderMap) -> Result<Option<Actor>> {
    let Some(recognized) = recognized(server, headers).await? else {
        return Ok(None);
    };
    let is_used = recognized.is_stale && !headers.contains_key(REFRESH);
    if let (true, Some(token)) = (is_used, recognized.actor.token) {
        let mut tx = server.store.write().await?;
        tokens::used(&mut tx, token).await?;
        tx.commit().await?;
    }
    Ok(Some(recognized.actor))
}

/// The actor of the token in the headers, or of the session in the cookies; none without either. Nothing is written: it is no
/// use of the token.
pub(crate) async fn actor_of(server: &Server, headers: &HeaderMap) -> Result<Option<Actor>> {
    let recognized = recognized(server, headers).await?;
    Ok(recognized.map(|recognized| recognized.actor))
}

async fn recognized(server: &Server, headers: &HeaderMap) -> Result<Option<Recognized>> {
    let bearer = headers.get(header::AUTHORIZATION);
    let (token, kinds) = if let Some(bearer) = bearer {
        let text = bearer
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        (
            text.unwrap_or_default().trim().to_owned(),
            &[TokenKind::Api, TokenKind::Device][..],
        )
    } else if let Some(token) = protocol_token(headers) {
        (token, &[TokenKind::Device][..])
    } else if let Some(cookie) = cookie(headers, SESSION_COOKIE) {
        (cookie, &[TokenKind::Session][..])
    } else {
        return Ok(None);
    };
    let mut tx = server.store.read().await?;
    for &kind in kinds {
        if let Some(recognized) = tokens::recognize(&mut tx, &token, kind).await? {
            return Ok(Some(recognized));
        }
    }
    if kinds != [TokenKind::Session] {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "wrong_token",
            "The token is wrong, was revoked, or is too old.",
        ));
    }
    Ok(None)
}

/// The token among the protocols of a WebSocket. Browsers can set no other header there.
fn protocol_token(headers: &HeaderMap) -> Option<String> {
    let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let protocols = protocols.filter_map(|protocols| protocols.to_str().ok());
    let mut protocols = protocols.flat_map(|protocols| protocols.split(','));
    protocols
        .find(|protocol| protocol.trim().starts_with(secret::PREFIX))
        .map(|token| token.trim().to_owned())
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';'));
    cookies.find_map(|cookie| {
        Some(
            cookie
                .trim()
                .strip_prefix(name)?
                .strip_prefix('=')?
                .to_owned(),
        )
    })
}

/// The header that sets the cookie of a session.
#[must_use]
pub fn session_cookie(session: &IssuedToken) -> [(header::HeaderName, String); 1] {
    let token = &session.token;
    [(
        header::SET_COOKIE,
        format!("{SESSION_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax"),
    )]
}

/// The header that removes the cookie.
#[must_use]
pub fn end_cookie() -> [(header::HeaderName, String); 1] {
    [(
        header::SET_COOKIE,
        format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    )]
}
