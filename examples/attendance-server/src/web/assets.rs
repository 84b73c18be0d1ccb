//! Styles, scripts and icons, which are part of the program.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{secret, server::Server};

/// A file of the folder `assets`: name, media type, content.
macro_rules! asset {
    ($name:literal, $kind:expr) => {
        (
            $name,
            $kind,
            include_bytes!(concat!("../../assets/", $name)),
        )
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The files: name, media type, content.
const FILES: &[(&str, &str, &[u8])] = &[
    asset!("base.css", CSS),
    asset!("charts.css", CSS),
    asset!("chevron.svg", SVG),
    asset!("components.css", CSS),
    asset!("enrol.js", JS),
    asset!("icon.svg", SVG),
    asset!("icons.svg", SVG),
    asset!("kiosk-queue.js", JS),
    asset!("kiosk.css", CSS),
    asset!("kiosk.js", JS),
    asset!("page.js", JS),
    asset!("pages.css", CSS),
    asset!("shell.css", CSS),
    asset!("tokens.css", CSS),
];

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/assets/{file}", get(file))
}

/// A file. Browsers ask whether it changed, and get an empty answer if not.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(&(_, kind, content)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(content);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, content).into_response()
}

fn tag(content: &[u8]) -> String {
    let hash = secret::keyed_hash(&[0; 32], &[content]);
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
