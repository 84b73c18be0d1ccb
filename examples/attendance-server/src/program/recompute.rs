//! `recompute`.

use anyhow::{Result, bail};
use attendance_server::commands::{organisations, recompute as command};
use clap::Args;

use super::{settings::Settings, store_beside_server};

/// Options of `recompute`.
#[derive(Debug, Args)]
pub(crate) struct RecomputeOptions {
    /// Only lists what would change. It is an error if there is something.
    #[arg(long)]
    check: bool,
}

pub(crate) async fn recompute(settings: &Settings, options: &RecomputeOptions) -> Result<()> {
    let (store, _copy) = store_beside_server(settings).await?;
    let mut tx = store.read().await?;
    let organisations = organisations::all(&mut tx).await?;
    drop(tx);
    let mut changed = 0;
    for org in organisations {
        let report = command::recompute(&store, org, options.check).await?;
        for (person, change) in &report.changes {
            println!(
                "{} of {person}: {} -> {}",
                change.date, change.before["status"], change.after["status"]
            );
        }
        println!(
            "{} people, {} days that differ",
            report.people,
            report.changes.len()
        );
        changed += report.changes.len();
    }
    store.engine().close().await;
    if options.check && changed > 0 {
        bail!("{changed} days differ from a recomputation");
    }
    Ok(())
}
