//! Connections that stay open: the WebSocket of cameras, and that of pages that follow the day.

mod camera;
mod pages;

use axum::{Router, routing::get};

use crate::server::Server;

/// The routes. Each is also in [`access::ROUTES`](crate::access::ROUTES).
pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route("/api/v1/camera", get(camera::connect))
        .route("/api/v1/live", get(pages::connect))
}
