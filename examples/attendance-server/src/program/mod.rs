//! The command line.

mod admin;
mod backup;
mod breach_list;
mod demo;
mod erase;
mod migrate;
mod organisation;
mod recompute;
mod register;
mod serve;
mod settings;
mod tls;
mod vault;
mod verify_audit;

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use attendance_server::{
    clock::SystemClock,
    db::{Engine, sqlite::SqliteEngine},
    keys::Keys,
    store::Store,
};
use clap::{Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

use settings::{Settings, SettingsOptions};

/// Attendance for an office in one program.
///
/// Each setting can be in a file (--config), in an environment variable, or in a flag. A flag precedes a variable, and a
/// variable precedes the file.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the pages and the API.
    Serve(serve::ServeOptions),
    /// Shows an office with synthetic people, on this machine alone. It uses a temporary folder instead of --data. If the port
    /// is in use, another one is taken.
    Demo(demo::DemoOptions),
    /// Accounts, for machines without a browser.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Brings the database to the schema of this program, after a copy of it.
    Migrate,
    /// Writes a backup while the server runs.
    Backup(backup::BackupOptions),
    /// Restores a backup into an empty data folder.
    Restore(backup::RestoreOptions),
    /// Erases a person for good: name, templates, photos, accounts and key. The server must be stopped.
    Erase(erase::EraseOptions),
    /// Adds a person, or finds one by the staff number, and makes templates of photos. The server must be stopped.
    Register(register::RegisterOptions),
    /// Lists the people whose data a breach concerned, as CSV, with what the server holds of each.
    BreachList(breach_list::BreachListOptions),
    /// Evaluates all days again, and lists what changed.
    Recompute(recompute::RecomputeOptions),
    /// Checks that nobody changed the audit.
    VerifyAudit,
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    // The demo prints a link, and what goes wrong.
    let level = match arguments.command {
        Command::Demo(_) => LevelFilter::WARN,
        _ => LevelFilter::INFO,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .init();
    let settings = Settings::read(&arguments.settings)?;
    let runtime = tokio::runtime::Runtime::new().context("the threads cannot be started")?;
    runtime.block_on(async move {
        match arguments.command {
            Command::Serve(options) => serve::serve(&settings, &options).await,
            Command::Demo(options) => demo::demo(&settings, &options).await,
            Command::Admin(command) => admin::admin(&settings, command).await,
            Command::Migrate => migrate::migrate(&settings).await,
            Command::Backup(options) => backup::backup(&settings, &options).await,
            Command::Restore(options) => backup::restore(&settings, &options).await,
            Command::Erase(options) => erase::erase(&settings, &options).await,
            Command::Register(options) => register::register(&settings, &options).await,
            Command::BreachList(options) => breach_list::breach_list(&settings, &options).await,
            Command::Recompute(options) => recompute::recompute(&settings, &options).await,
            Command::VerifyAudit => verify_audit::verify_audit(&settings).await,
        }
    })
}

/// Opens the database of the settings.
async fn engine(settings: &Settings) -> Result<Arc<dyn Engine>> {
    settings.make_folder()?;
    engine_at(&settings.database()).await
}

/// Opens a database. Only this function names an engine.
async fn engine_at(file: &Path) -> Result<Arc<dyn Engine>> {
    let engine = SqliteEngine::open(file).await;
    let engine =
        engine.with_context(|| format!("the database {} cannot be opened", file.display()))?;
    Ok(Arc::new(engine))
}

/// Opens the database and the keys, and brings the schema up to date, after a copy if the schema is older.
async fn store(settings: &Settings) -> Result<Store> {
    settings.make_folder()?;
    let keys = Arc::new(vault::open(settings)?);
    store_with(settings, keys).await
}

/// Opens the database with a copy of the keys, which is possible while the server runs. The store cannot add or erase people.
async fn store_beside_server(settings: &Settings) -> Result<(Store, vault::Copy)> {
    let copy = vault::Copy::of(settings)?;
    let store = store_with(settings, Arc::new(copy.vault()?.clone())).await?;
    Ok((store, copy))
}

async fn store_with(settings: &Settings, keys: Arc<dyn Keys>) -> Result<Store> {
    let engine = engine(settings).await?;
    migrate::copy_before(settings, &*engine).await?;
    let store = Store::open(engine, Arc::new(SystemClock), keys).await;
    store.context("the database cannot be used")
}
