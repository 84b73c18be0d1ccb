//! The page, its files, and the two requests of its script.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::{
    desk::{Desk, Refusal},
    texts,
};

/// The most bytes of a frame.
const LARGEST_FRAME: usize = 1 << 20;

/// Nothing comes from elsewhere, and no other page shows this one.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The files of the page, with their types. Colors, sizes and components are those of attendance-server.
const FILES: [(&str, &str, &str); 6] = [
    (
        "/tokens.css",
        "text/css",
        include_str!("../../attendance-server/assets/tokens.css"),
    ),
    (
        "/base.css",
        "text/css",
        include_str!("../../attendance-server/assets/base.css"),
    ),
    (
        "/components.css",
        "text/css",
        include_str!("../../attendance-server/assets/components.css"),
    ),
    (
        "/icons.svg",
        "image/svg+xml",
        include_str!("../../attendance-server/assets/icons.svg"),
    ),
    (
        "/challenge.css",
        "text/css",
        include_str!("../assets/challenge.css"),
    ),
    (
        "/challenge.js",
        "text/javascript",
        include_str!("../assets/challenge.js"),
    ),
];

/// The page at `/`, and the requests of its script.
pub fn router(desk: Desk) -> Router {
    let mut router = Router::new()
        .route("/", get(page))
        .route("/challenges", post(issue))
        .route("/challenges/{id}/frames", post(judge));
    for (path, kind, text) in FILES {
        router = router.route(path, get(move || async move { file(kind, text) }));
    }
    router
        .layer(DefaultBodyLimit::max(LARGEST_FRAME))
        .with_state(Arc::new(desk))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

async fn page(headers: HeaderMap) -> Response {
    let languages = headers.get(header::ACCEPT_LANGUAGE);
    let languages = languages.and_then(|value| value.to_str().ok());
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept-language"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(texts::page(languages.unwrap_or_default()))).into_response()
}

async fn issue(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(visitor): ConnectInfo<SocketAddr>,
) -> Response {
    answer(
        StatusCode::CREATED,
        blocking(move || desk.issue(visitor.ip())).await,
    )
}

async fn judge(State(desk): State<Arc<Desk>>, Path(id): Path<String>, frame: Bytes) -> Response {
    answer(
        StatusCode::OK,
        blocking(move || desk.judge(&id, &frame)).await,
    )
}

/// Work that takes milliseconds, beside the threads that serve requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Refusal::Failed))
}

fn answer(good: StatusCode, result: Result<impl serde::Serialize, Refusal>) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match result {
        Ok(value) => (good, headers, Json(value)).into_response(),
        Err(refusal) => {
            let (status, code) = match refusal {
                Refusal::Attempts => (StatusCode::TOO_MANY_REQUESTS, "attempts"),
                Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
                Refusal::Over => (StatusCode::NOT_FOUND, "over"),
                Refusal::Early => (StatusCode::CONFLICT, "early"),
                Refusal::Picture => (StatusCode::BAD_REQUEST, "picture"),
                Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
            };
            (status, headers, Json(json!({ "error": code }))).into_response()
        }
    }
}
