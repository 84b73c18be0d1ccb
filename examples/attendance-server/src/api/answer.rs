//! The answers of handlers.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::document::{Operation, Output};
use crate::{commands::tokens::IssuedToken, http::session_cookie};

/// 200 with JSON.
#[derive(Clone, Debug)]
pub(super) struct Found<T>(pub(super) T);

/// 200 with JSON and the version as ETag.
#[derive(Clone, Debug)]
pub(super) struct Versioned<T>(pub(super) i64, pub(super) T);

/// 201 with JSON and the address of what was made.
#[derive(Clone, Debug)]
pub(super) struct Created<T>(pub(super) String, pub(super) T);

/// 202 with JSON and the address where the result will be.
#[derive(Clone, Debug)]
pub(super) struct Accepted<T>(pub(super) String, pub(super) T);

/// 200 with a CSV file of this name.
#[derive(Clone, Debug)]
pub(super) struct Csv(pub(super) &'static str, pub(super) String);

/// 204.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done;

/// Another answer, with the cookie of a new session.
#[derive(Clone, Debug)]
pub(super) struct WithSession<A>(pub(super) IssuedToken, pub(super) A);

impl<A: IntoResponse> IntoResponse for WithSession<A> {
    fn into_response(self) -> Response {
        (session_cookie(&self.0), self.1).into_response()
    }
}

impl<A: Output> Output for WithSession<A> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        A::describe(operation, generator);
    }
}

impl<T: Serialize> IntoResponse for Found<T> {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, format!("\"{}\"", self.0))], Json(self.1)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        located(StatusCode::CREATED, &self.0, self.1)
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        located(StatusCode::ACCEPTED, &self.0, self.1)
    }
}

fn located(status: StatusCode, location: &str, body: impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}\"", self.0),
            ),
        ];
        (headers, self.1).into_response()
    }
}

impl Output for Csv {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        let text = schemars::json_schema!({ "type": "string" });
        operation.answer("200", "text/csv", Some(text));
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: JsonSchema> Output for Found<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.answer(
            "200",
            "application/json",
            Some(generator.subschema_for::<T>()),
        );
    }
}

impl<T: JsonSchema> Output for Versioned<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.answer(
            "200",
            "application/json",
            Some(generator.subschema_for::<T>()),
        );
    }
}

impl<T: JsonSchema> Output for Created<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.answer(
            "201",
            "application/json",
            Some(generator.subschema_for::<T>()),
        );
    }
}

impl<T: JsonSchema> Output for Accepted<T> {
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
        operation.answer(
            "202",
            "application/json",
            Some(generator.subschema_for::<T>()),
        );
    }
}

impl Output for Done {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.answer("204", "", None);
    }
}
