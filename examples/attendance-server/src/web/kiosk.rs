//! `/kiosk`: the page of a door. Its script draws what the server says about the frames of the camera.

use std::fmt::Write as _;

use askama::Template;
use axum::{Router, http::header, response::IntoResponse, routing::get};

use super::{PageResult, language::Language, page::Page, render, visitor::Visitor};
use crate::server::Server;

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/kiosk", get(kiosk))
        .route("/kiosk-worker.js", get(worker))
}

/// The states of the screen: the name, the look, and the icon. The messages `kiosk-NAME` and `kiosk-NAME-more` are theirs.
const STATES: &[(&str, &str, &str)] = &[
    ("connecting", "idle", "face"),
    ("morning", "idle", "face"),
    ("day", "idle", "face"),
    ("evening", "idle", "face"),
    ("several", "guide", "people"),
    ("closer", "guide", "closer"),
    ("back", "guide", "expand"),
    ("center", "guide", "face"),
    ("turn", "guide", "turn"),
    ("light", "guide", "bulb"),
    ("hold", "hold", "hold"),
    ("checking", "hold", "late"),
    ("in", "in", "in"),
    ("out", "out", "out"),
    ("duplicate", "warn", "late"),
    ("refused", "warn", "alert"),
    ("period-closed", "warn", "lock"),
    ("clock-off", "warn", "late"),
    ("unknown", "unknown", "unknown"),
    ("spoof", "stop", "spoof"),
    ("codes", "unknown", "keypad"),
    ("no-faces", "idle", "keypad"),
    ("no-camera", "unknown", "camera"),
    ("offline", "offline", "offline"),
    ("kept", "warn", "offline"),
    ("not-me", "unknown", "undo"),
    ("unpaired", "unknown", "devices"),
    ("wrong-link", "unknown", "devices"),
    ("replaced", "unknown", "devices"),
    ("wrong-pin", "", ""),
    ("wrong-badge", "", ""),
    ("too-many-attempts", "", ""),
    ("failed", "warn", "alert"),
    ("waiting", "", ""),
    ("lost", "", ""),
];

/// The texts of a state.
struct StateText {
    state: &'static str,
    look: &'static str,
    icon: &'static str,
    word: String,
    more: String,
}

impl StateText {
    fn all(language: &Language) -> Vec<Self> {
        let text = |&(state, look, icon)| {
            let more = format!("kiosk-{state}-more");
            Self {
                state,
                look,
                icon,
                word: language.say(&format!("kiosk-{state}")),
                more: if language.has(&more) {
                    language.say(&more)
                } else {
                    String::new()
                },
            }
        };
        STATES.iter().map(text).collect()
    }
}

#[derive(Template)]
#[template(path = "kiosk.html")]
struct KioskPage {
    page: Page,
    texts: Vec<StateText>,
    /// Sixty strokes around the oval, one for each second.
    ticks: String,
}

async fn kiosk(visitor: Visitor) -> PageResult {
    let title = visitor.language.say("kiosk");
    render(&KioskPage {
        page: visitor.public_page(title, None),
        texts: StateText::all(visitor.language),
        ticks: ticks(),
    })
}

/// The script that keeps the page. Browsers let it do so from an address beside the page alone.
async fn worker() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, include_str!("../../assets/kiosk-worker.js"))
}

/// Sixty strokes of an oval in a box of 100 × 125, from the top and clockwise. Each fifth one is longer.
fn ticks() -> String {
    let mut path = String::new();
    for second in 0..60_u8 {
        let angle = f64::from(second) * std::f64::consts::TAU / 60.0;
        let length = if second % 5 == 0 { 0.1 } else { 0.06 };
        let point = |part: f64| {
            (
                50.0 + 47.0 * part * angle.sin(),
                62.5 - 59.5 * part * angle.cos(),
            )
        };
        let ((x, y), (to_x, to_y)) = (point(1.0), point(1.0 - length));
        // Writing to a text does not fail.
        let _ = write!(path, "M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_text_in_each_language() {
        for language in Language::all() {
            for (state, ..) in STATES {
                assert!(
                    language.has(&format!("kiosk-{state}")),
                    "{} lacks kiosk-{state}",
                    language.code()
                );
            }
        }
    }

    #[test]
    fn the_dial_has_sixty_strokes() {
        let path = ticks();
        assert_eq!(path.matches('M').count(), 60);
        assert!(path.starts_with("M50.0 3.0L50.0 8.9"), "{path}");
    }
}
