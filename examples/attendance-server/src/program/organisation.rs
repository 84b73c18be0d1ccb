//! The organisation and the site that the options of a command name.

use anyhow::{Result, bail};
use attendance_server::{
    access::Actor,
    commands::{
        organisations,
        sites::{self, Site},
    },
    id::Id,
    store::Transaction,
};
use clap::Args;

/// The option that chooses an organisation.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// The organisation, by its name. It is needed if the database has several.
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
}

/// The organisation of the option, or the only one.
pub(crate) async fn find(tx: &mut Transaction, chosen: &Chosen) -> Result<Id> {
    let mut known = Vec::new();
    for org in organisations::all(tx).await? {
        known.push((org, organisations::name(tx, org).await?));
    }
    let names = || {
        let names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
        names.join(", ")
    };
    match (&chosen.organisation, &known[..]) {
        (_, []) => bail!("the server is not set up yet: it has no organisation"),
        (None, [(org, _)]) => Ok(*org),
        (None, _) => bail!("state --organisation; there are {}", names()),
        (Some(wanted), _) => match known.iter().find(|(_, name)| name == wanted) {
            Some((org, _)) => Ok(*org),
            None => bail!("there is no organisation {wanted:?}; there is {}", names()),
        },
    }
}

/// The site with a name.
pub(crate) async fn site(tx: &mut Transaction, actor: &Actor, name: &str) -> Result<Site> {
    let known = sites::list(tx, actor).await?;
    let names: Vec<&str> = known.iter().map(|site| site.name.as_str()).collect();
    let names = names.join(", ");
    match known.into_iter().find(|site| site.name == name) {
        Some(site) => Ok(site),
        None => bail!("there is no site {name:?}; there is {names}"),
    }
}
