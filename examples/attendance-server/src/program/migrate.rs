//! `migrate`, and the copy before it.

use anyhow::{Context, Result};
use attendance_server::db::{self, Engine, SCHEMA_VERSION};

use super::{
    engine,
    settings::{Settings, remove_if_present, sync_folder},
};

pub(crate) async fn migrate(settings: &Settings) -> Result<()> {
    let engine = engine(settings).await?;
    copy_before(settings, &*engine).await?;
    let before = db::migrate(&*engine).await?;
    engine.close().await;
    println!("The schema was {before}, and is {SCHEMA_VERSION}.");
    Ok(())
}

/// Copies a database with an older schema, so that the program that made it can go on with the copy.
pub(crate) async fn copy_before(settings: &Settings, engine: &dyn Engine) -> Result<()> {
    let version = db::schema_version(engine).await?;
    if version == 0 || version >= SCHEMA_VERSION {
        return Ok(());
    }
    let copy = settings
        .data
        .join(format!("attendance-schema-{version}.db"));
    if copy.exists() {
        // An earlier migration was interrupted; its copy is the older one.
        return Ok(());
    }
    // The copy gets its name when it is whole: one that was interrupted is no copy.
    let half = copy.with_extension("copying");
    remove_if_present(&half)?;
    engine
        .copy_to(&half)
        .await
        .with_context(|| format!("{} cannot be written", half.display()))?;
    std::fs::rename(&half, &copy)
        .and_then(|()| sync_folder(&settings.data))
        .with_context(|| format!("{} cannot be written", copy.display()))?;
    println!(
        "The database was copied to {} before its schema is changed.",
        copy.display()
    );
    Ok(())
}
