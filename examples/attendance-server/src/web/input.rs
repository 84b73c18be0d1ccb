//! The parts of a request that handlers of pages read. A part that is wrong is answered by a page.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::PageError;
use crate::error::{Error, ErrorKind};

/// The address at which the browser knows this server: the origin that it states with each form, or else the host.
pub(super) fn origin(headers: &HeaderMap) -> String {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let origin = text(header::ORIGIN).filter(|origin| *origin != "null");
    origin.map_or_else(
        || format!("https://{}", text(header::HOST).unwrap_or_default()),
        str::to_owned,
    )
}

/// The parts of the path. If one has a wrong form, the page does not exist.
pub(super) struct Path<T>(pub(super) T);

/// The values after the question mark of the address.
pub(super) struct Query<T>(pub(super) T);

/// The fields of a form.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(_) => Err(Error::not_found("page").into()),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let detail = rejection.body_text();
                Err(Error::new(ErrorKind::Malformed, "wrong_query", detail).into())
            }
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(rejection) => {
                let kind = match rejection.status().as_u16() {
                    413 => ErrorKind::TooLarge,
                    415 => ErrorKind::WrongMediaType,
                    400 => ErrorKind::Malformed,
                    _ => ErrorKind::Invalid,
                };
                Err(Error::new(kind, "wrong_form", rejection.body_text()).into())
            }
        }
    }
}
