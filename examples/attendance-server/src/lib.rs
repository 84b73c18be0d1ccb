//! Attendance for an office in one program: people, devices, punches, days, corrections, pages and an API.
//!
//! [`app`] is the server as an axum `Router`. A program opens an [`Engine`](db::Engine), makes a
//! [`Store`](store::Store) of it, and serves the router. See "attendance-server" in ARCHITECTURE.md for the layers.

pub mod access;
pub mod api;
pub mod cameras;
pub mod clock;
pub mod commands;
pub mod db;
pub mod door;
pub mod error;
pub mod http;
pub mod id;
pub mod keys;
mod live;
pub mod paging;
pub mod patch;
pub mod presets;
pub mod private_file;
pub mod recognition;
pub mod schema;
pub mod secret;
pub mod server;
pub mod store;
pub mod text;
pub mod vault;
mod web;
pub mod worker;

use axum::{Router, middleware};

use crate::server::Server;

/// The version of the rules that make the days.
pub const RULES_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The server: API and pages.
pub fn app(server: Server) -> Router {
    let (api, _) = api::api();
    let pages: http::ErrorPages = web::error_page;
    api.merge(live::routes())
        .merge(web::pages())
        .fallback(async move |request: axum::extract::Request| {
            http::not_found(request.uri(), pages)
        })
        .route_layer(middleware::from_fn_with_state(pages, http::guard))
        .route_layer(middleware::from_fn_with_state(
            server.clone(),
            http::recognize,
        ))
        .layer(middleware::from_fn(web::remember))
        .layer(middleware::from_fn(http::headers))
        .layer(middleware::from_fn(http::request_id))
        .with_state(server)
}
