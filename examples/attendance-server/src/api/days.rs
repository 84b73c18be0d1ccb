//! `/days`, `/today`, and their export.

use axum::extract::State;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Api,
    answer::{Csv, Found},
    input::Values,
};
use crate::{
    commands::{
        days::{self, Day, DayFilter},
        exports,
        today::{self, Overview},
    },
    error::Result,
    http::Caller,
    id::Id,
    paging::{Page, PageRequest},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/days", "Days, by date and person", list)
        .get(
            "/exports/days",
            "Days as CSV, for spreadsheets and payroll",
            export,
        )
        .get(
            "/today",
            "People who are in, expected, late or absent now",
            overview,
        )
}

/// Filter and page of days.
#[derive(Deserialize, JsonSchema)]
struct List {
    /// The first day.
    #[schemars(with = "crate::schema::Day")]
    from: Date,
    /// The last day; at most 366 days after the first.
    #[schemars(with = "crate::schema::Day")]
    to: Date,
    /// One person only.
    person: Option<Id>,
    /// People of one home site only.
    site: Option<Id>,
    /// Days of one status only, such as `ABSENT`.
    status: Option<String>,
    /// The most items, 1 to 500. By default 50.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(list): Values<List>,
) -> Result<Found<Page<Day>>> {
    let filter = DayFilter {
        from: list.from,
        to: list.to,
        person: list.person,
        site: list.site,
        status: list.status,
    };
    let page = PageRequest {
        limit: list.limit,
        cursor: list.cursor,
    };
    let mut tx = server.store.read().await?;
    Ok(Found(days::list(&mut tx, &actor, &filter, &page).await?))
}

async fn export(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(filter): Values<DayFilter>,
) -> Result<Csv> {
    let mut tx = server.store.read().await?;
    Ok(Csv(
        "days.csv",
        exports::days(&mut tx, &actor, &filter).await?,
    ))
}

/// One site only, or all.
#[derive(Deserialize, JsonSchema)]
struct OfSite {
    /// People of one home site only.
    site: Option<Id>,
}

async fn overview(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(of): Values<OfSite>,
) -> Result<Found<Overview>> {
    let mut tx = server.store.read().await?;
    Ok(Found(today::overview(&mut tx, &actor, of.site).await?))
}
