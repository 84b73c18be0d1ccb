//! The card with the backups on the page of settings.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect},
    routing::post,
};
use jiff::tz::TimeZone;

use super::{PageResult, page::Page};
use crate::{
    access::Actor,
    error::{Error, Result},
    http::Caller,
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/backups", post(make))
}

/// The backups of the server.
pub(super) struct BackupsCard {
    /// The folder, as the operator knows it.
    pub(super) folder: String,
    pub(super) backups: Vec<BackupRow>,
}

/// A backup.
pub(super) struct BackupRow {
    pub(super) file: String,
    pub(super) made: String,
    pub(super) megabytes: String,
}

impl BackupsCard {
    /// The backups; none if the server makes none, as in the demo.
    pub(super) fn of(
        server: &Server,
        actor: &Actor,
        page: &Page,
        zone: &TimeZone,
    ) -> Result<Option<Self>> {
        let Some(backups) = server.backups() else {
            return Ok(None);
        };
        let row = |backup: crate::commands::backups::Backup| {
            let made = backup.made.to_zoned_datetime(zone.clone());
            BackupRow {
                file: backup.file,
                made: page.short_date_and_time(made.datetime()),
                megabytes: format!("{:.1}", backup.bytes as f64 / 1e6),
            }
        };
        Ok(Some(Self {
            folder: backups.folder().display().to_string(),
            backups: backups.list(actor)?.into_iter().map(row).collect(),
        }))
    }
}

async fn make(State(server): State<Server>, Caller(actor): Caller) -> PageResult {
    let backups = server
        .backups()
        .ok_or_else(|| Error::not_found("folder for backups"))?;
    backups.make(&server.store, &actor).await?;
    Ok(Redirect::to("/settings?done=backup-made").into_response())
}
