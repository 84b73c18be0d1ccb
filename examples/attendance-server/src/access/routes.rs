//! The table of roles and routes. A route that is not in it is refused, and a test calls each one with each role.

use super::Role::{self, Admin, Auditor, Device, Manager, Member};

/// The callers of a route.
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
    /// The callers who are allowed.
    pub who: Who,
}

/// All who sign in or have a token.
const ALL: Who = Who::Roles(&[Admin, Manager, Member, Device, Auditor]);
/// All who sign in. Commands limit members to their own records.
const PEOPLE: Who = Who::Roles(&[Admin, Manager, Member, Auditor]);
const ADMINS: Who = Who::Roles(&[Admin]);
const EDITORS: Who = Who::Roles(super::EDITORS);
const READERS: Who = Who::Roles(super::READERS);
const AUDITORS: Who = Who::Roles(&[Admin, Auditor]);
const DEVICES: Who = Who::Roles(&[Device]);

const fn to(who: Who, method: &'static str, path: &'static str) -> Route {
    Route { method, path, who }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    to(Who::Everybody, "GET", "/health/live"),
    to(Who::Everybody, "GET", "/health/ready"),
    to(Who::Everybody, "GET", "/authority.pem"),
    // API
    to(READERS, "GET", "/api/v1/people"),
    to(EDITORS, "POST", "/api/v1/people"),
    to(PEOPLE, "GET", "/api/v1/people/{person}"),
    to(EDITORS, "PATCH", "/api/v1/people/{person}"),
    to(EDITORS, "POST", "/api/v1/people/{person}/deactivate"),
    to(EDITORS, "POST", "/api/v1/people/{person}/activate"),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "PUT",
        "/api/v1/people/{person}/pin",
    ),
    to(EDITORS, "POST", "/api/v1/people/{person}/badge"),
    to(PEOPLE, "GET", "/api/v1/people/{person}/consents"),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "POST",
        "/api/v1/people/{person}/consents",
    ),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "POST",
        "/api/v1/consents/{consent}/withdraw",
    ),
    to(PEOPLE, "GET", "/api/v1/people/{person}/enrolments"),
    to(EDITORS, "POST", "/api/v1/people/{person}/enrolments"),
    to(PEOPLE, "GET", "/api/v1/enrolments/{enrolment}"),
    to(PEOPLE, "GET", "/api/v1/people/{person}/templates"),
    to(EDITORS, "DELETE", "/api/v1/templates/{template}"),
    to(ADMINS, "POST", "/api/v1/people/{person}/erasure"),
    to(PEOPLE, "GET", "/api/v1/recognition"),
    to(ADMINS, "GET", "/api/v1/recognition/change"),
    to(ADMINS, "POST", "/api/v1/recognition/change/end"),
    to(PEOPLE, "GET", "/api/v1/sites"),
    to(ADMINS, "POST", "/api/v1/sites"),
    to(PEOPLE, "GET", "/api/v1/sites/{site}"),
    to(ADMINS, "PATCH", "/api/v1/sites/{site}"),
    to(READERS, "GET", "/api/v1/sites/{site}/policies"),
    to(READERS, "GET", "/api/v1/presets"),
    to(ADMINS, "POST", "/api/v1/sites/{site}/policies"),
    to(ADMINS, "POST", "/api/v1/sites/{site}/policies/dry-run"),
    to(READERS, "GET", "/api/v1/policy-schema"),
    to(READERS, "GET", "/api/v1/sites/{site}/lock"),
    to(ADMINS, "PUT", "/api/v1/sites/{site}/lock"),
    to(READERS, "GET", "/api/v1/devices"),
    to(EDITORS, "POST", "/api/v1/devices"),
    to(
        Who::Roles(&[Admin, Manager, Auditor, Device]),
        "GET",
        "/api/v1/devices/{device}",
    ),
    to(EDITORS, "PATCH", "/api/v1/devices/{device}"),
    to(EDITORS, "POST", "/api/v1/devices/{device}/token"),
    to(EDITORS, "POST", "/api/v1/devices/{device}/pairing"),
    to(DEVICES, "POST", "/api/v1/devices/{device}/frames"),
    to(DEVICES, "GET", "/api/v1/camera"),
    to(Who::Everybody, "POST", "/api/v1/pairing"),
    to(DEVICES, "POST", "/api/v1/sightings"),
    to(READERS, "GET", "/api/v1/sightings"),
    to(READERS, "GET", "/api/v1/sightings/{sighting}"),
    to(DEVICES, "POST", "/api/v1/sightings/{sighting}/disown"),
    to(EDITORS, "POST", "/api/v1/corrections"),
    to(EDITORS, "POST", "/api/v1/corrections/{correction}/undo"),
    to(PEOPLE, "GET", "/api/v1/people/{person}/corrections"),
    to(PEOPLE, "GET", "/api/v1/people/{person}/punches"),
    to(PEOPLE, "GET", "/api/v1/days"),
    to(PEOPLE, "GET", "/api/v1/exports/days"),
    to(PEOPLE, "GET", "/api/v1/today"),
    to(ALL, "GET", "/api/v1/me"),
    to(Who::Everybody, "POST", "/api/v1/session"),
    to(PEOPLE, "GET", "/api/v1/me/two-step"),
    to(PEOPLE, "POST", "/api/v1/me/two-step"),
    to(PEOPLE, "POST", "/api/v1/me/two-step/confirmation"),
    to(PEOPLE, "POST", "/api/v1/me/two-step/removal"),
    to(ADMINS, "GET", "/api/v1/accounts"),
    to(ADMINS, "POST", "/api/v1/accounts"),
    to(ADMINS, "GET", "/api/v1/accounts/{account}"),
    to(ADMINS, "PATCH", "/api/v1/accounts/{account}"),
    to(ADMINS, "POST", "/api/v1/accounts/{account}/invitation"),
    to(ADMINS, "DELETE", "/api/v1/accounts/{account}/two-step"),
    to(PEOPLE, "GET", "/api/v1/tokens"),
    to(ADMINS, "POST", "/api/v1/tokens"),
    to(PEOPLE, "GET", "/api/v1/tokens/{token}"),
    to(PEOPLE, "DELETE", "/api/v1/tokens/{token}"),
    to(AUDITORS, "GET", "/api/v1/audit"),
    to(AUDITORS, "GET", "/api/v1/audit/verification"),
    to(PEOPLE, "GET", "/api/v1/events"),
    to(READERS, "GET", "/api/v1/live"),
    to(EDITORS, "POST", "/api/v1/imports/people"),
    to(ADMINS, "GET", "/api/v1/backups"),
    to(ADMINS, "POST", "/api/v1/backups"),
    to(Who::Everybody, "GET", "/api/v1/openapi.json"),
    // Pages
    to(PEOPLE, "GET", "/"),
    to(ADMINS, "POST", "/accounts"),
    to(ADMINS, "POST", "/accounts/{account}/disable"),
    to(ADMINS, "POST", "/accounts/{account}/enable"),
    to(ADMINS, "POST", "/accounts/{account}/two-step/reset"),
    to(Who::Everybody, "GET", "/assets/{file}"),
    to(AUDITORS, "GET", "/audit"),
    to(AUDITORS, "POST", "/audit/verify"),
    to(ADMINS, "POST", "/backups"),
    to(READERS, "GET", "/days"),
    to(READERS, "GET", "/days/{date}"),
    to(EDITORS, "GET", "/devices"),
    to(EDITORS, "POST", "/devices"),
    to(EDITORS, "POST", "/devices/{device}/renew"),
    to(EDITORS, "POST", "/devices/{device}/withdraw"),
    to(Who::Everybody, "GET", "/invitation"),
    to(Who::Everybody, "POST", "/invitation"),
    to(EDITORS, "GET", "/live"),
    to(EDITORS, "GET", "/mark"),
    to(EDITORS, "GET", "/badges"),
    to(EDITORS, "POST", "/badges"),
    to(Who::Everybody, "GET", "/kiosk"),
    to(Who::Everybody, "GET", "/kiosk-worker.js"),
    to(PEOPLE, "GET", "/me"),
    to(PEOPLE, "GET", "/me/data"),
    to(PEOPLE, "GET", "/me/history"),
    to(READERS, "GET", "/people"),
    to(EDITORS, "POST", "/people"),
    to(EDITORS, "GET", "/people/import"),
    to(EDITORS, "POST", "/people/import"),
    to(EDITORS, "GET", "/people/new"),
    to(READERS, "GET", "/people/{person}"),
    to(EDITORS, "POST", "/people/{person}"),
    to(EDITORS, "POST", "/people/{person}/activate"),
    to(EDITORS, "POST", "/people/{person}/corrections"),
    to(
        EDITORS,
        "POST",
        "/people/{person}/corrections/{correction}/undo",
    ),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "POST",
        "/people/{person}/consent",
    ),
    to(
        Who::Roles(&[Admin, Manager, Member]),
        "POST",
        "/people/{person}/consent/withdraw",
    ),
    to(EDITORS, "POST", "/people/{person}/deactivate"),
    to(EDITORS, "GET", "/people/{person}/enrol"),
    to(EDITORS, "POST", "/people/{person}/enrol"),
    to(EDITORS, "POST", "/people/{person}/enrol/look"),
    to(ADMINS, "POST", "/people/{person}/erase"),
    to(EDITORS, "POST", "/people/{person}/pin"),
    to(
        EDITORS,
        "POST",
        "/people/{person}/templates/{template}/remove",
    ),
    to(ADMINS, "GET", "/policy"),
    to(ADMINS, "POST", "/policy"),
    to(ADMINS, "POST", "/policy/preview"),
    to(Who::Everybody, "POST", "/preferences"),
    to(AUDITORS, "GET", "/privacy"),
    to(EDITORS, "GET", "/review"),
    to(PEOPLE, "GET", "/settings"),
    to(ADMINS, "POST", "/settings/models/end"),
    to(PEOPLE, "GET", "/settings/two-step"),
    to(PEOPLE, "POST", "/settings/two-step"),
    to(PEOPLE, "POST", "/settings/two-step/confirm"),
    to(PEOPLE, "POST", "/settings/two-step/off"),
    to(Who::Everybody, "GET", "/setup"),
    to(Who::Everybody, "POST", "/setup"),
    to(ADMINS, "GET", "/setup/device"),
    to(ADMINS, "POST", "/setup/device"),
    to(ADMINS, "GET", "/setup/person"),
    to(ADMINS, "POST", "/setup/person"),
    to(ADMINS, "GET", "/setup/ready"),
    to(Who::Everybody, "GET", "/sign-in"),
    to(Who::Everybody, "POST", "/sign-in"),
    to(PEOPLE, "POST", "/sign-out"),
    to(ADMINS, "POST", "/sites"),
    to(ADMINS, "POST", "/sites/{site}/lock"),
    to(ADMINS, "POST", "/tokens"),
    to(ADMINS, "POST", "/tokens/{token}/revoke"),
];

/// The route of a method and a path pattern.
#[must_use]
pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.method == method && route.path == path)
}
