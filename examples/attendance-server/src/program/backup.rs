//! `backup` and `restore`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use attendance_server::{
    clock::SystemClock, commands::organisations, db, store::Store, vault::Vault,
};
use clap::Args;

use super::{engine, engine_at, settings::Settings, vault};

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
    for file in [&options.file, &keys] {
        if file.exists() {
            bail!("{} exists already", file.display());
        }
    }
    let engine = engine(settings).await?;
    let copied = engine.copy_to(&options.file).await;
    if copied.is_err() {
        // Half a copy is no backup. The error says more than a failure to remove it.
        let _ = std::fs::remove_file(&options.file);
    }
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
    for file in [&target, &vault] {
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
    let restored = restore_to(settings, options, &half, &half_vault).await;
    if restored.is_err() {
        for half in [&half, &half_vault] {
            // The error says more than a failure to remove them.
            let _ = std::fs::remove_file(half);
        }
    }
    restored?;
    for (half, name) in [(&half_vault, &vault), (&half, &target)] {
        std::fs::File::open(half)?.sync_all()?;
        std::fs::rename(half, name)?;
    }
    println!("The backup was restored to {}.", target.display());
    Ok(())
}

async fn restore_to(
    settings: &Settings,
    options: &RestoreOptions,
    database: &Path,
    vault: &Path,
) -> Result<()> {
    let file = options.file.display();
    std::fs::copy(&options.file, database).with_context(|| format!("{file} cannot be copied"))?;
    let sound = is_sound(database).await;
    ensure!(
        sound.with_context(|| format!("{file} is no sound backup"))?,
        "{file} is no backup of this program"
    );
    let keys = options
        .keys
        .clone()
        .unwrap_or_else(|| keys_beside(&options.file));
    std::fs::copy(&keys, vault).with_context(|| format!("{} cannot be copied", keys.display()))?;
    let opened = Vault::open(vault, &vault::protection(settings, false)?)
        .with_context(|| format!("the keys {} cannot be used", keys.display()))?;
    let engine = engine_at(database).await?;
    let store = Store::open(engine, Arc::new(SystemClock), Arc::new(opened.clone())).await?;
    let mut tx = store.read().await?;
    for org in organisations::all(&mut tx).await? {
        ensure!(
            opened.has(org),
            "the keys {} do not belong to the backup {file}",
            keys.display()
        );
    }
    drop(tx);
    store.engine().close().await;
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
