//! The visitor of a request: language, theme, and the message about the last action.

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{
    language::Language,
    page::{Done, NavGroup, NavLink, Page, Theme},
};
use crate::{
    access::{Actor, EDITORS, Principal, READERS, Role},
    commands::{accounts, organisations, review},
    error::{Error, Result},
    http::cookie,
    id::Id,
    store::Transaction,
};

/// The cookie with the language.
pub(super) const LANGUAGE_COOKIE: &str = "language";
/// The cookie with the theme.
pub(super) const THEME_COOKIE: &str = "theme";

tokio::task_local! {
    static CURRENT: Visitor;
}

/// Remembers the visitor of a request for the page of an error, which is made without the request.
pub(crate) async fn remember(request: Request, next: Next) -> Response {
    let visitor = Visitor::of(request.headers());
    CURRENT.scope(visitor, next.run(request)).await
}

/// The visitor of a request.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The language of the cookie, else of the browser.
    pub(crate) language: &'static Language,
    /// The language that the address chooses.
    pub(crate) chosen_language: Option<&'static Language>,
    /// The theme of the cookie.
    pub(crate) theme: Option<Theme>,
    /// The name of the last action: a message `done-` and this name.
    done: Option<String>,
    /// The id of the change that the button Undo of that message undoes.
    undo: Option<Id>,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut visitor = Self::of(&parts.headers);
        for (name, value) in parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|part| part.split_once('='))
        {
            match name {
                "done" => visitor.done = Some(value.to_owned()),
                "undo" => visitor.undo = value.parse().ok(),
                "language" => visitor.chosen_language = Language::find(value),
                _ => {}
            }
        }
        visitor.language = visitor.chosen_language.unwrap_or(visitor.language);
        Ok(visitor)
    }
}

impl Visitor {
    /// The visitor of the request that is being answered.
    pub(crate) fn current() -> Self {
        CURRENT
            .try_with(Clone::clone)
            .unwrap_or_else(|_| Self::of(&HeaderMap::new()))
    }

    /// The visitor of a request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let language = cookie(headers, LANGUAGE_COOKIE)
            .and_then(|code| Language::find(&code))
            .unwrap_or_else(|| Language::preferred(accepted));
        let theme = cookie(headers, THEME_COOKIE).and_then(|theme| Theme::parse(&theme));
        Self {
            language,
            chosen_language: None,
            theme,
            done: None,
            undo: None,
        }
    }

    /// The frame of a page without an account.
    pub(crate) fn public_page(&self, title: String, organisation: Option<String>) -> Page {
        Page {
            language: self.language,
            theme: self.theme,
            title,
            organisation: organisation.unwrap_or_else(|| self.language.say("product")),
            here: "",
            navigation: Vec::new(),
            account: String::new(),
            role: "role-member",
            to_review: 0,
            done: None,
        }
    }

    /// The frame of a page for an actor. `here` is the current entry of the navigation.
    pub(crate) async fn page(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        here: &'static str,
        title: String,
    ) -> Result<Page> {
        let organisation = organisations::name(tx, actor.org).await?;
        let mut page = self.public_page(title, Some(organisation));
        if let Principal::Account(id) = actor.principal {
            page.account = accounts::get(tx, actor, id).await?.name;
        }
        if actor.has_any(EDITORS) {
            page.to_review = review::count(tx, actor).await?;
        }
        page.here = here;
        page.role = role(actor);
        page.navigation = navigation(actor, page.to_review);
        page.done = self.done.as_deref().and_then(|done| self.done(done));
        Ok(page)
    }

    /// The message about the last action; none for a name that no message has.
    fn done(&self, name: &str) -> Option<Done> {
        let key = format!("done-{name}");
        self.language.has(&key).then(|| Done {
            text: self.language.say(&key),
            undo: None,
        })
    }

    /// The name of the last action; empty without one.
    pub(crate) fn done_name(&self) -> &str {
        self.done.as_deref().unwrap_or_default()
    }

    /// The id of the change that Undo undoes, if the address has one.
    pub(crate) fn undo(&self) -> Option<Id> {
        self.undo
    }
}

/// The key of the name of an actor's highest role.
fn role(actor: &Actor) -> &'static str {
    let roles = [
        (Role::Admin, "role-admin"),
        (Role::Manager, "role-manager"),
        (Role::Auditor, "role-auditor"),
    ];
    roles
        .into_iter()
        .find(|(role, _)| actor.has_any(&[*role]))
        .map_or("role-member", |(_, key)| key)
}

/// The entries that the roles of an actor may use.
fn navigation(actor: &Actor, to_review: usize) -> Vec<NavGroup> {
    let is = |roles: &[Role]| actor.has_any(roles);
    let readers = is(READERS);
    let editors = is(EDITORS);
    let link = |shown: bool, address, icon, key, count| {
        shown.then_some(NavLink {
            address,
            icon,
            key,
            count,
        })
    };
    let groups = [
        (
            None,
            vec![
                link(readers, "/", "today", "today", 0),
                link(readers, "/people", "people", "people", 0),
                link(editors, "/live", "live", "live", 0),
                link(editors, "/review", "review", "review", to_review),
                link(readers, "/days", "calendar", "day", 0),
            ],
        ),
        (
            readers.then_some("nav-mine"),
            vec![
                link(actor.person.is_some(), "/me", "face", "home", 0),
                link(
                    actor.person.is_some(),
                    "/me/history",
                    "calendar",
                    "history",
                    0,
                ),
                link(actor.person.is_some(), "/me/data", "shield", "my-data", 0),
            ],
        ),
        (
            Some("nav-manage"),
            vec![
                link(is(&[Role::Admin]), "/policy", "policy", "policy", 0),
                link(editors, "/devices", "devices", "devices", 0),
            ],
        ),
        (
            Some("nav-trust"),
            vec![
                link(
                    is(&[Role::Admin, Role::Auditor]),
                    "/privacy",
                    "shield",
                    "privacy",
                    0,
                ),
                link(
                    is(&[Role::Admin, Role::Auditor]),
                    "/audit",
                    "audit",
                    "audit",
                    0,
                ),
                link(true, "/settings", "settings", "settings", 0),
            ],
        ),
    ];
    groups
        .into_iter()
        .map(|(heading, links)| NavGroup {
            heading,
            links: links.into_iter().flatten().collect(),
        })
        .filter(|group| !group.links.is_empty())
        .collect()
}
