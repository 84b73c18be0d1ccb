//! The OpenAPI document itself.

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::server::Server;

pub(super) fn routes(document: &serde_json::Value) -> Router<Server> {
    let text: Arc<str> = document.to_string().into();
    let answer = move || {
        let text = text.to_string();
        async move { document_of(text) }
    };
    Router::new().route("/api/v1/openapi.json", get(answer))
}

fn document_of(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
