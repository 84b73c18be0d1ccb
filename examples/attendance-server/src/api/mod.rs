//! The API: `/api/v1`.
//!
//! One file for each resource. A handler reads the request, calls a command, and answers. [`Api`] registers a handler
//! together with the description that its types give, so that the OpenAPI document is the code's.

mod accounts;
mod answer;
mod audit;
mod authority;
mod backups;
mod corrections;
mod days;
mod devices;
mod document;
mod faces;
mod frames;
mod health;
mod import;
mod input;
mod openapi;
mod pairing;
mod people;
mod policies;
mod sessions;
mod sightings;
mod sites;
mod two_step;

use axum::Router;

pub use document::Api;

use crate::server::Server;

/// The routes, and the OpenAPI document.
pub fn api() -> (Router<Server>, serde_json::Value) {
    let api = Api::new();
    let api = people::routes(api);
    let api = sites::routes(api);
    let api = faces::routes(api);
    let api = policies::routes(api);
    let api = devices::routes(api);
    let api = pairing::routes(api);
    let api = frames::routes(api);
    let api = sightings::routes(api);
    let api = corrections::routes(api);
    let api = days::routes(api);
    let api = sessions::routes(api);
    let api = accounts::routes(api);
    let api = two_step::routes(api);
    let api = audit::routes(api);
    let api = import::routes(api);
    let api = backups::routes(api);
    let (router, document) = api.finish();
    let router = router
        .merge(health::routes())
        .merge(authority::routes())
        .merge(openapi::routes(&document));
    (router, document)
}
