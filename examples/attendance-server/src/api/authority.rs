//! `/authority.pem`: the certificate authority of a server with `--tls local`, which devices have to trust.

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    error::{Error, Result},
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/authority.pem", get(authority))
}

async fn authority(State(server): State<Server>) -> Result<Response> {
    let authority = server
        .authority()
        .ok_or_else(|| Error::not_found("certificate authority"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"attendance-server.pem\"",
        ),
    ];
    Ok((headers, authority).into_response())
}
