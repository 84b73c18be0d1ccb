//! `/preferences`: language and theme of the browser, in cookies.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect},
    routing::post,
};
use serde::Deserialize;

use super::{
    PageResult,
    input::Form,
    language::Language,
    page::Theme,
    visitor::{LANGUAGE_COOKIE, THEME_COOKIE},
};
use crate::{error::Error, server::Server};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/preferences", post(save))
}

/// The chosen language and theme. A theme of another name, such as `system`, removes the cookie.
#[derive(Deserialize)]
struct Preferences {
    language: Option<String>,
    theme: Option<String>,
}

async fn save(headers: HeaderMap, Form(chosen): Form<Preferences>) -> PageResult {
    let mut answer = Redirect::to(&back(&headers)).into_response();
    let mut set = |cookie: String| {
        let value = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
        answer.headers_mut().append(header::SET_COOKIE, value);
        Ok::<_, Error>(())
    };
    if let Some(language) = chosen.language.as_deref().and_then(Language::find) {
        set(kept(LANGUAGE_COOKIE, language.code()))?;
    }
    match chosen.theme.as_deref().map(Theme::parse) {
        Some(Some(theme)) => set(kept(THEME_COOKIE, theme.name()))?,
        Some(None) => set(format!("{THEME_COOKIE}=; Path=/; SameSite=Lax; Max-Age=0"))?,
        None => {}
    }
    Ok(answer)
}

/// A cookie for a year. It is no secret.
pub(super) fn kept(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; SameSite=Lax; Max-Age=31536000")
}

/// The path of the page that sent the form. Only the path is used, so that the answer stays on this server.
fn back(headers: &HeaderMap) -> String {
    let referer = headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok());
    let path = referer
        .and_then(|referer| referer.split_once("://"))
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    match path {
        Some(path) if !path.starts_with("//") && !path.contains('\\') => path.to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back_to(referer: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::REFERER, referer.parse().unwrap());
        back(&headers)
    }

    #[test]
    fn the_answer_stays_on_this_server() {
        assert_eq!(
            back_to("https://door.example/settings?x=1"),
            "/settings?x=1"
        );
        for other in [
            "https://door.example//evil.example/",
            "https://door.example",
            "evil",
            "https://a/\\evil.example",
        ] {
            assert_eq!(back_to(other), "/", "{other}");
        }
        assert_eq!(back(&HeaderMap::new()), "/");
    }
}
