//! `/days`, `/today`, and their export.

use axum::extract::State;
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

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    Values(filter): Values<DayFilter>,
    Values(page): Values<PageRequest>,
) -> Result<Found<Page<Day>>> {
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
