//! The API: `/api/v1`.
//!
//! One file for each resource. A handler reads the request, calls a command, and answers. [`Api`] registers a handler
//! together with the description that its types give, so that the OpenAPI document is the code's.

mod answer;
mod document;
mod health;
mod input;
mod people;
mod sites;

use axum::Router;

pub use document::Api;

use crate::server::Server;

/// The routes, and the OpenAPI document.
#[must_use]
pub fn api() -> (Router<Server>, serde_json::Value) {
    let api = Api::new();
    let api = people::routes(api);
    let api = sites::routes(api);
    let (router, document) = api.finish();
    (router.merge(health::routes()), document)
}
