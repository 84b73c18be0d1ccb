//! The pages. One file for each page, with its handlers; its template has the same name.

mod assets;
mod audit;
mod backups;
mod badges;
mod charts;
mod choose;
mod day;
mod devices;
mod enrol;
mod events;
mod history;
mod import;
mod input;
mod invitation;
mod kiosk;
mod language;
mod list;
mod live;
mod look;
mod mark;
mod me;
mod message;
mod page;
mod people;
mod person;
mod policy;
mod policy_form;
mod preferences;
mod privacy;
mod qr;
mod record;
mod review;
mod settings;
mod setup;
mod sign_in;
mod today;
mod two_step;
mod visitor;

use askama::Template;
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
};
use jiff::tz::TimeZone;

pub(crate) use {message::error_page, visitor::remember};

use crate::{
    error::{Error, Result},
    server::Server,
};

/// The routes of all pages. Each is also in [`access::ROUTES`](crate::access::ROUTES).
pub(crate) fn pages() -> Router<Server> {
    Router::new()
        .merge(assets::routes())
        .merge(audit::routes())
        .merge(backups::routes())
        .merge(badges::routes())
        .merge(choose::routes())
        .merge(day::routes())
        .merge(devices::routes())
        .merge(enrol::routes())
        .merge(import::routes())
        .merge(invitation::routes())
        .merge(kiosk::routes())
        .merge(live::routes())
        .merge(look::routes())
        .merge(me::routes())
        .merge(people::routes())
        .merge(person::routes())
        .merge(policy::routes())
        .merge(preferences::routes())
        .merge(privacy::routes())
        .merge(review::routes())
        .merge(settings::routes())
        .merge(setup::routes())
        .merge(sign_in::routes())
        .merge(today::routes())
        .merge(two_step::routes())
}

/// An error of a page: the visitor sees what happened and what to do.
#[derive(Debug)]
pub(crate) struct PageError(Error);

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        error_page(&self.0)
    }
}

type PageResult = Result<Response, PageError>;

/// Renders a template.
fn render(template: &impl Template) -> PageResult {
    let html = template.render().map_err(Error::internal)?;
    Ok(Html(html).into_response())
}

/// The time zone with a name. Policies with an unknown zone are refused, so that the name is known.
fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}
