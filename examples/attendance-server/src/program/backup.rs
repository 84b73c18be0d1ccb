//! `backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use attendance_server::db;
use clap::Args;

use super::{engine, engine_at, settings::Settings};

/// Options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The file to write. It must not exist.
    file: PathBuf,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// The file of a backup.
    file: PathBuf,
}

pub(crate) async fn backup(settings: &Settings, options: &BackupOptions) -> Result<()> {
    ensure!(
        settings.database().exists(),
        "there is no database in {}",
        settings.data.display()
    );
    if options.file.exists() {
        bail!("{} exists already", options.file.display());
    }
    let engine = engine(settings).await?;
    let copied = engine.copy_to(&options.file).await;
    if copied.is_err() {
        // Half a copy is no backup. The error says more than a failure to remove it.
        let _ = std::fs::remove_file(&options.file);
    }
    copied.with_context(|| format!("{} cannot be written", options.file.display()))?;
    engine.close().await;
    println!("The backup is {}.", options.file.display());
    Ok(())
}

pub(crate) async fn restore(settings: &Settings, options: &RestoreOptions) -> Result<()> {
    let target = settings.database();
    ensure!(
        !target.exists(),
        "{} exists already; restore into an empty folder",
        target.display()
    );
    settings.make_folder()?;
    // The copy gets its name when it was found sound.
    let half = target.with_extension("restoring");
    std::fs::copy(&options.file, &half)
        .with_context(|| format!("{} cannot be copied", options.file.display()))?;
    let sound = is_sound(&half).await;
    match sound {
        Ok(true) => {
            std::fs::File::open(&half)?.sync_all()?;
            std::fs::rename(&half, &target)?;
            println!("The backup was restored to {}.", target.display());
            Ok(())
        }
        other => {
            std::fs::remove_file(&half)?;
            other.with_context(|| format!("{} is no sound backup", options.file.display()))?;
            bail!("{} is no backup of this program", options.file.display())
        }
    }
}

/// `true` for a database of this program. It is an error if it is damaged, or no database.
async fn is_sound(file: &Path) -> Result<bool> {
    let engine = engine_at(file).await?;
    let checked = engine.check().await;
    let version = db::schema_version(&*engine).await;
    engine.close().await;
    checked?;
    Ok(version? > 0)
}
