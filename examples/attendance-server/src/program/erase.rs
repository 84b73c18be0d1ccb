//! `erase`.

use anyhow::{Context, Result, bail};
use attendance_server::{
    access::Actor,
    commands::{erase as command, organisations, people},
};
use clap::Args;

use super::{settings::Settings, store};

/// Options of `erase`.
#[derive(Debug, Args)]
pub(crate) struct EraseOptions {
    /// The staff number of the person.
    number: String,
    /// Really erase. Without it, only the person is named.
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn erase(settings: &Settings, options: &EraseOptions) -> Result<()> {
    let store = store(settings).await?;
    let mut tx = store.write().await?;
    let mut found = Vec::new();
    for org in organisations::all(&mut tx).await? {
        let directory = people::directory(&mut tx, org).await?;
        if let Some(person) = directory.by_number(options.number.trim()) {
            found.push((org, person.id, person.name.clone()));
        }
    }
    let [(org, person, name)] = &found[..] else {
        match found.len() {
            0 => bail!("nobody has the number {:?}", options.number),
            _ => bail!("people of several organisations have this number"),
        }
    };
    if !options.yes {
        bail!("this erases {name} for good. State --yes to do so");
    }
    command::person(&mut tx, &Actor::operator(*org), *person, &options.number).await?;
    tx.commit().await?;
    command::finish(&store)
        .await
        .context("the erasure is not finished; the next start of the server finishes it")?;
    store.engine().close().await;
    println!("The person was erased. Remove older backups of the keys.");
    Ok(())
}
