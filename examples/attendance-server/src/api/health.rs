//! Health, for those who watch the server.

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::server::Server;

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// The process answers.
async fn live() -> &'static str {
    "live\n"
}

/// The server takes work: it does not stop, and the database answers.
async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    if !server.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match server.store.read().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        ),
    }
}
