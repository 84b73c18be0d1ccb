//! Errors as answers (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::current_request_id;
use crate::error::{Error, ErrorKind, FieldError};

/// An error as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says what the error is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable code, such as `number_taken`.
    pub code: String,
    /// The reason, for people.
    pub detail: String,
    /// The id of the request, which the log has, too.
    pub request_id: String,
    /// The wrong values of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let status = error.kind.status();
        let title = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        Self {
            kind: "about:blank",
            title: title.unwrap_or("Error").to_owned(),
            status,
            code: error.code.to_owned(),
            detail: error.detail.clone(),
            request_id: current_request_id(),
            errors: error.fields.clone(),
        }
    }
}

/// Logs a fault of the server with its causes. They have no personal data.
pub(crate) fn log(error: &Error) {
    if error.kind == ErrorKind::Internal {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            causes.push(next.to_string());
            cause = next.source();
        }
        tracing::error!(request = %current_request_id(), causes = %causes.join(": "), "a request failed");
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log(&self);
        let problem = Problem::from(&self);
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A problem has texts and numbers alone, so it can be written.
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == ErrorKind::Unauthenticated {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
