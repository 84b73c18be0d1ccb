//! `/backups`.

use axum::extract::State;

use super::{
    Api,
    answer::{Created, Found},
};
use crate::{
    commands::backups::Backup,
    error::{Error, Result},
    http::Caller,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/backups",
        "The backups in the server's folder, the newest first",
        list,
    )
    .post(
        "/backups",
        "Copies the database to the server's folder, without the keys",
        create,
    )
}

async fn list(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<Vec<Backup>>> {
    let backups = server.backups().ok_or_else(without_folder)?;
    Ok(Found(backups.list(&actor)?))
}

async fn create(State(server): State<Server>, Caller(actor): Caller) -> Result<Created<Backup>> {
    let backups = server.backups().ok_or_else(without_folder)?;
    let made = backups.make(&server.store, &actor).await?;
    Ok(Created("/api/v1/backups".to_owned(), made))
}

fn without_folder() -> Error {
    Error::not_found("folder for backups")
}
