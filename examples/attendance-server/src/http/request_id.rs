//! The id of a request, in its answer, in errors and in the log.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered; empty outside of requests.
#[must_use]
pub fn current_request_id() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Gives each request an id, and logs the answer without anything personal: path patterns, no query, no body.
pub async fn request_id(request: Request, next: Next) -> Response {
    let id = URL_SAFE_NO_PAD.encode(&secret::random()[..12]);
    let method = request.method().clone();
    let start = std::time::Instant::now();
    let mut response = CURRENT.scope(id.clone(), next.run(request)).await;
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(request = %id, %method, status = response.status().as_u16(), milliseconds, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}
