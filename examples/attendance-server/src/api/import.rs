//! `/imports`.

use axum::extract::State;

use super::{
    Api,
    answer::Found,
    input::{CsvFile, IdempotencyKey, Values},
};
use crate::{
    commands::{
        idempotency,
        import::{self, ImportOptions, ImportReport},
    },
    error::Result,
    http::Caller,
    secret,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/imports/people",
        "Adds and changes people from a CSV file, with a report on each row",
        people,
    )
}

async fn people(
    State(server): State<Server>,
    Caller(actor): Caller,
    IdempotencyKey(key): IdempotencyKey,
    Values(options): Values<ImportOptions>,
    CsvFile(file): CsvFile,
) -> Result<Found<ImportReport>> {
    let content = secret::keyed_hash(&[0; 32], &[&file]);
    let request = (content, options.dry_run, options.partial);
    let mut tx = server.store.write().await?;
    if let Some(report) = idempotency::replay(&mut tx, &actor, &key, &request).await? {
        return Ok(Found(report));
    }
    let report = import::people(&mut tx, &actor, &file, &options).await?;
    if report.imported {
        idempotency::keep(&mut tx, &actor, &key, &request, &report, actor.org).await?;
        tx.commit().await?;
    }
    Ok(Found(report))
}
