//! Steps of the schema, forward only.

use super::Engine;
use crate::{
    error::{Error, ErrorKind, Result},
    values,
};

/// The version of the schema that this program knows.
pub const SCHEMA_VERSION: i64 = 3;

/// Brings the schema to [`SCHEMA_VERSION`], and returns the version before; 0 for a new database.
///
/// Each step is a transaction, so that a crash between two steps leaves a schema that the next start completes.
///
/// # Errors
///
/// If a newer program made the database, or a step fails.
pub async fn migrate(engine: &dyn Engine) -> Result<i64> {
    let before = schema_version(engine).await?;
    if before > SCHEMA_VERSION {
        return Err(Error::new(
            ErrorKind::Unavailable,
            "newer_schema",
            format!(
                "The database has schema {before}, and this program knows {SCHEMA_VERSION}. A newer program made it; \
                 use that program or a backup."
            ),
        ));
    }
    for migration in engine.migrations() {
        if migration.version <= before {
            continue;
        }
        let mut connection = engine.write().await?;
        connection.script(migration.sql).await?;
        connection
            .execute(
                "INSERT INTO schema_version (version) VALUES ($1)",
                values![migration.version],
            )
            .await?;
        connection.commit().await?;
    }
    Ok(before)
}

/// The version of the schema; 0 for a new database.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn schema_version(engine: &dyn Engine) -> Result<i64> {
    let mut connection = engine.write().await?;
    connection
        .script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY NOT NULL)")
        .await?;
    let newest = "SELECT COALESCE(MAX(version), 0) AS version FROM schema_version";
    let rows = connection.rows(newest, values![]).await?;
    let version = rows.first().map_or(Ok(0), |row| row.get("version"))?;
    connection.commit().await?;
    Ok(version)
}
