//! `backup` and `restore`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use attendance_server::db;
use clap::Args;

use super::{engine, settings::Settings};

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
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("{} cannot be made", settings.data.display()))?;
    let half = target.with_extension("restoring");
    std::fs::copy(&options.file, &half)
        .with_context(|| format!("{} cannot be copied", options.file.display()))?;
    std::fs::File::open(&half)?.sync_all()?;
    std::fs::rename(&half, &target)?;
    let engine = engine(settings).await?;
    let checked = async {
        engine.check().await?;
        db::schema_version(&*engine).await
    };
    let checked = checked.await;
    engine.close().await;
    match checked {
        Ok(version) if version > 0 => {
            println!("The backup was restored to {}.", target.display());
            Ok(())
        }
        other => {
            std::fs::remove_file(&target)?;
            other
                .map(drop)
                .with_context(|| format!("{} is no sound backup", options.file.display()))?;
            bail!("{} is no backup of this program", options.file.display())
        }
    }
}
