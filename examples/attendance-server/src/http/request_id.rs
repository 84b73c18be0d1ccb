//! The id of a request, in its answer, in errors and in the log.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{error::Error, secret};

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
    // A task of its own: a panic becomes an answer, and a client that hangs up stops no transaction.
    let answered = tokio::spawn(CURRENT.scope(id.clone(), next.run(request))).await;
    let mut response = answered.unwrap_or_else(|panic| {
        CURRENT.sync_scope(id.clone(), || Error::internal(panic).into_response())
    });
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(request = %id, %method, status = response.status().as_u16(), milliseconds, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_fault_of_the_server() {
        async fn fails() -> &'static str {
            panic!("a fault of a handler")
        }
        let router: Router = Router::new()
            .route("/", get(fails))
            .layer(middleware::from_fn(request_id));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
}
