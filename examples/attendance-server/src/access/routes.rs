//! The table of roles and routes. A route that is not in it is refused, and a test calls each one with each role.

use super::Role::{self, Admin, Auditor, Device, Manager, Member};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, also without a session.
    Everybody,
    /// Those who have one of these roles somewhere. Commands check the site.
    Roles(&'static [Role]),
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
}

/// All who sign in or have a token.
const ALL: Who = Who::Roles(&[Admin, Manager, Member, Device, Auditor]);
/// All who sign in.
const PEOPLE: Who = Who::Roles(&[Admin, Manager, Member, Auditor]);
const ADMINS: Who = Who::Roles(&[Admin]);
const EDITORS: Who = Who::Roles(&[Admin, Manager]);
const READERS: Who = Who::Roles(&[Admin, Manager, Auditor]);
/// Commands limit members to their own records.
const OWN: Who = Who::Roles(&[Admin, Manager, Member, Auditor]);
/// Those whose account belongs to a person; the pages are about that person.
const MEMBERS: Who = Who::Roles(&[Admin, Manager, Member, Auditor]);
const AUDITORS: Who = Who::Roles(&[Admin, Auditor]);
const DEVICES: Who = Who::Roles(&[Device]);

const fn to(who: Who, method: &'static str, path: &'static str) -> Route {
    Route { method, path, who }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    to(Who::Everybody, "GET", "/health/live"),
    to(Who::Everybody, "GET", "/health/ready"),
    // API
    to(READERS, "GET", "/api/v1/people"),
    to(EDITORS, "POST", "/api/v1/people"),
    to(OWN, "GET", "/api/v1/people/{person}"),
    to(EDITORS, "PATCH", "/api/v1/people/{person}"),
    to(EDITORS, "POST", "/api/v1/people/{person}/deactivate"),
    to(EDITORS, "POST", "/api/v1/people/{person}/activate"),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "PUT",
        "/api/v1/people/{person}/pin",
    ),
    to(EDITORS, "POST", "/api/v1/people/{person}/badge"),
    to(PEOPLE, "GET", "/api/v1/sites"),
    to(ADMINS, "POST", "/api/v1/sites"),
    to(PEOPLE, "GET", "/api/v1/sites/{site}"),
    to(ADMINS, "PATCH", "/api/v1/sites/{site}"),
    to(READERS, "GET", "/api/v1/sites/{site}/policies"),
    to(READERS, "GET", "/api/v1/presets"),
    // Pages
    to(PEOPLE, "GET", "/"),
    to(Who::Everybody, "GET", "/assets/{file}"),
    to(AUDITORS, "GET", "/audit"),
    to(AUDITORS, "POST", "/audit/verify"),
    to(READERS, "GET", "/days"),
    to(READERS, "GET", "/days/{date}"),
    to(MEMBERS, "GET", "/me"),
    to(MEMBERS, "GET", "/me/data"),
    to(MEMBERS, "GET", "/me/history"),
    to(READERS, "GET", "/people"),
    to(EDITORS, "POST", "/people"),
    to(EDITORS, "GET", "/people/new"),
    to(READERS, "GET", "/people/{person}"),
    to(EDITORS, "POST", "/people/{person}"),
    to(EDITORS, "POST", "/people/{person}/activate"),
    to(EDITORS, "POST", "/people/{person}/deactivate"),
    to(EDITORS, "POST", "/people/{person}/pin"),
    to(Who::Everybody, "POST", "/preferences"),
    to(AUDITORS, "GET", "/privacy"),
    to(Who::Everybody, "GET", "/setup"),
    to(Who::Everybody, "POST", "/setup"),
    to(Who::Everybody, "GET", "/sign-in"),
    to(Who::Everybody, "POST", "/sign-in"),
    to(PEOPLE, "POST", "/sign-out"),
];

/// The route of a method and a path pattern.
#[must_use]
pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.method == method && route.path == path)
}
