//! The page, its files, and the three requests of its script.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{delete, get, post},
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

/// The page at `/`, and the requests of its script. `hosts` are the names of this computer beside `localhost` and its addresses. A
/// request to another name is refused, and so is a change that a page of another site sends: it would use up a visitor's attempts.
pub fn router(desk: Arc<Desk>, hosts: Vec<String>) -> Router {
    let mut router = Router::new()
        .route("/", get(page))
        .route("/challenges", post(issue))
        .route("/challenges/{id}", delete(stop))
        .route("/challenges/{id}/frames", post(judge));
    for (path, kind, text) in FILES {
        router = router.route(path, get(move || async move { file(kind, text) }));
    }
    router
        .layer(DefaultBodyLimit::max(LARGEST_FRAME))
        .layer(middleware::from_fn_with_state(Arc::from(hosts), guard))
        .with_state(desk)
}

async fn guard(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|host| host.as_str()));
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    let is_good = host.is_some_and(|host| {
        is_of_this_computer(host, &hosts) && (!is_change || is_of_this_site(headers, host))
    });
    if is_good {
        next.run(request).await
    } else {
        answer(StatusCode::OK, Err::<(), _>(Refusal::Foreign))
    }
}

/// `true` for `localhost`, addresses and the names of `hosts`. A page of another site can give its own name to this computer's address.
fn is_of_this_computer(host: &str, hosts: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok()
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// `true` if no other site's page sends the change. Browsers state the origin of a change; other programs need not.
fn is_of_this_site(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let origin = text("origin").map(|origin| origin.split_once("://").map(|(_, host)| host));
    match (text("sec-fetch-site"), origin) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == Some(host),
        (None, None) => true,
    }
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
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self)",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
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

async fn stop(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    match desk.stop(&id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        refused => answer(StatusCode::OK, refused),
    }
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
                Refusal::Foreign => (StatusCode::FORBIDDEN, "foreign"),
                Refusal::Picture => (StatusCode::BAD_REQUEST, "picture"),
                Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
            };
            (status, headers, Json(json!({ "error": code }))).into_response()
        }
    }
}
