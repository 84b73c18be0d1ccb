//! `backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attendance_server::{db, private_file};
use clap::Args;

use super::{
    engine, engine_at,
    settings::{Settings, remove_if_present, sync_folder},
};

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
    let engine = engine(settings).await?;
    let copied = engine.copy_to(&options.file).await;
    copied.with_context(|| format!("{} cannot be written", options.file.display()))?;
    engine.close().await;
    println!("The backup is {}.", options.file.display());
    Ok(())
}

pub(crate) async fn restore(settings: &Settings, options: &RestoreOptions) -> Result<()> {
    let target = settings.database();
    // The log of another database would change the restored one.
    for file in with_logs(&target) {
        ensure!(
            !file.exists(),
            "{} exists already; restore into an empty folder",
            file.display()
        );
    }
    settings.make_folder()?;
    // The copy gets its name when it was found sound.
    let half = target.with_extension("restoring");
    remove(&half)?;
    let restored = copy_if_sound(&options.file, &half).await;
    let named = restored.and_then(|()| {
        std::fs::rename(&half, &target)?;
        sync_folder(&settings.data)?;
        Ok(())
    });
    // Only after an error is there something to remove.
    let removed = remove(&half);
    named?;
    removed?;
    println!("The backup was restored to {}.", target.display());
    Ok(())
}

/// The files of a database: itself, its log, and the index of the log.
fn with_logs(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

/// Removes the files of a database that are there.
fn remove(database: &Path) -> Result<()> {
    for file in with_logs(database) {
        remove_if_present(&file)
            .with_context(|| format!("{} cannot be removed", file.display()))?;
    }
    Ok(())
}

/// Copies a backup, and fails unless the copy is sound.
async fn copy_if_sound(backup: &Path, copy: &Path) -> Result<()> {
    let write = || {
        let mut source = std::fs::File::open(backup)?;
        std::io::copy(&mut source, &mut private_file::create(copy)?)
    };
    write().with_context(|| format!("{} cannot be copied", backup.display()))?;
    let is_sound = is_sound(copy).await;
    let is_sound = is_sound.with_context(|| format!("{} is no sound backup", backup.display()))?;
    ensure!(
        is_sound,
        "{} is no backup of this program",
        backup.display()
    );
    std::fs::File::open(copy)?.sync_all()?;
    Ok(())
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
