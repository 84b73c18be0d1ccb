//! `backup` and `restore`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use attendance_server::{
    clock::SystemClock, commands::organisations, db, private_file, store::Store, vault::Vault,
};
use clap::Args;

use super::{
    engine, engine_at,
    settings::{Settings, remove_if_present, sync_folder},
    vault,
};

/// Options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The file to write. It must not exist. The keys of people are written to a second file, with `.keys` after the name.
    file: PathBuf,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// The file of a backup.
    file: PathBuf,
    /// The file of the keys. With newer keys, people who were erased since the backup stay erased. [default: FILE.keys]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) async fn backup(settings: &Settings, options: &BackupOptions) -> Result<()> {
    ensure!(
        settings.database().exists(),
        "there is no database in {}",
        settings.data.display()
    );
    let keys = keys_beside(&options.file);
    ensure!(!keys.exists(), "{} exists already", keys.display());
    let engine = engine(settings).await?;
    let copied = engine.copy_to(&options.file).await;
    copied.with_context(|| format!("{} cannot be written", options.file.display()))?;
    engine.close().await;
    // After the database: the keys of all people in it are there then.
    vault::Copy::of(settings)?.vault()?.copy_to(&keys)?;
    println!(
        "The backup is {}, and its keys are {}. Remove older copies of the keys: they open what was erased since.",
        options.file.display(),
        keys.display()
    );
    Ok(())
}

/// The file of the keys of a backup.
fn keys_beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".keys");
    name.into()
}

pub(crate) async fn restore(settings: &Settings, options: &RestoreOptions) -> Result<()> {
    let (target, vault) = (settings.database(), settings.vault());
    // The log of another database would change the restored one.
    for file in with_logs(&target).iter().chain([&vault]) {
        ensure!(
            !file.exists(),
            "{} exists already; restore into an empty folder",
            file.display()
        );
    }
    settings.make_folder()?;
    // The copies get their names when they were found sound.
    let half = target.with_extension("restoring");
    let half_vault = vault.with_extension("restoring");
    remove(&half)?;
    remove_if_present(&half_vault)?;
    let restored = async {
        copy_if_sound(&options.file, &half).await?;
        copy_keys(settings, options, &half, &half_vault).await
    }
    .await;
    let named = restored.and_then(|()| {
        // The keys first: without the database, nothing begins to use them.
        std::fs::rename(&half_vault, &vault)?;
        std::fs::rename(&half, &target)?;
        sync_folder(&settings.data)?;
        Ok(())
    });
    // Only after an error is there something to remove.
    let removed = remove(&half);
    remove_if_present(&half_vault)?;
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

/// Copies a file. Only the owner can read the copy.
fn copy_private(file: &Path, copy: &Path) -> Result<()> {
    let write = || {
        let mut source = std::fs::File::open(file)?;
        std::io::copy(&mut source, &mut private_file::create(copy)?)
    };
    let written = write().with_context(|| format!("{} cannot be copied", file.display()));
    written.map(drop)
}

/// Copies the keys of a backup, and fails unless they belong to the database.
async fn copy_keys(
    settings: &Settings,
    options: &RestoreOptions,
    database: &Path,
    copy: &Path,
) -> Result<()> {
    let keys = options.keys.clone();
    let keys = keys.unwrap_or_else(|| keys_beside(&options.file));
    copy_private(&keys, copy)?;
    let opened = Vault::open(copy, &vault::protection(settings, false)?)
        .with_context(|| format!("the keys {} cannot be used", keys.display()))?;
    let engine = engine_at(database).await?;
    let store = Store::open(engine, Arc::new(SystemClock), Arc::new(opened.clone())).await?;
    let mut tx = store.read().await?;
    for org in organisations::all(&mut tx).await? {
        ensure!(
            opened.has(org),
            "the keys {} do not belong to the backup {}",
            keys.display(),
            options.file.display()
        );
    }
    drop(tx);
    store.engine().close().await;
    std::fs::File::open(copy)?.sync_all()?;
    Ok(())
}

/// Copies a backup, and fails unless the copy is sound.
async fn copy_if_sound(backup: &Path, copy: &Path) -> Result<()> {
    copy_private(backup, copy)?;
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
