//! `admin`.

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use attendance_server::{
    access::{Actor, Grant, Role, password::HashedSecret},
    commands::{
        accounts::{self, NewAccount},
        organisations::{self, Setup},
        two_step,
    },
};
use clap::{Args, Subcommand};

use super::{settings::Settings, store, store_beside_server};

/// The commands for accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Makes an account with the role of an admin. On a new server, it makes the organisation and the first site as well.
    Create(CreateOptions),
    /// Switches two-step sign-in of an account off, for an admin who has lost phone and recovery codes.
    ResetTwoStep(ResetTwoStepOptions),
}

/// Options of `admin create`.
#[derive(Debug, Args)]
pub(crate) struct CreateOptions {
    /// The mail address, with which the admin signs in.
    #[arg(long)]
    mail: String,
    /// The name. By default the mail address.
    #[arg(long)]
    full_name: Option<String>,
    /// A file with the password in its first line. By default it is read from standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The name of the organisation, for a new server.
    #[arg(long, default_value = "Organisation")]
    organisation: String,
    /// The name of the first site, for a new server.
    #[arg(long, default_value = "Office")]
    site: String,
    /// The time zone of the first site, for a new server.
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// The preset of the first site's policy, for a new server.
    #[arg(long, default_value = "nine-to-five")]
    preset: String,
}

/// Options of `admin reset-two-step`.
#[derive(Debug, Args)]
pub(crate) struct ResetTwoStepOptions {
    /// The mail address of the account.
    #[arg(long)]
    mail: String,
}

pub(crate) async fn admin(settings: &Settings, command: AdminCommand) -> Result<()> {
    match command {
        AdminCommand::Create(options) => create(settings, options).await,
        AdminCommand::ResetTwoStep(options) => reset_two_step(settings, &options).await,
    }
}

async fn reset_two_step(settings: &Settings, options: &ResetTwoStepOptions) -> Result<()> {
    let (store, _copy) = store_beside_server(settings).await?;
    let mut tx = store.write().await?;
    let mail = options.mail.trim().to_lowercase();
    let mut found = None;
    for org in organisations::all(&mut tx).await? {
        let actor = Actor::operator(org);
        let mut accounts = accounts::list(&mut tx, &actor).await?.into_iter();
        if let Some(account) = accounts.find(|it| it.mail.to_lowercase() == mail) {
            found = Some((actor, account));
        }
    }
    let (actor, account) =
        found.with_context(|| format!("no account has the mail address {:?}", options.mail))?;
    if !account.has_two_step {
        bail!("two-step sign-in of {} is off", account.mail);
    }
    two_step::reset(&mut tx, &actor, account.id).await?;
    tx.commit().await?;
    store.engine().close().await;
    println!(
        "Two-step sign-in of {} is off, and all sessions of the account ended.",
        account.mail
    );
    Ok(())
}

async fn create(settings: &Settings, options: CreateOptions) -> Result<()> {
    let password = HashedSecret::password("/password", password(&options)?).await?;
    let store = store(settings).await?;
    let mut tx = store.write().await?;
    let name = options
        .full_name
        .clone()
        .unwrap_or_else(|| options.mail.clone());
    let organisations = organisations::all(&mut tx).await?;
    match organisations[..] {
        [] => {
            let setup = Setup {
                organisation: options.organisation,
                name,
                mail: options.mail,
                password,
                site: options.site,
                time_zone: options.time_zone,
                preset: options.preset,
            };
            organisations::set_up(&mut tx, setup).await?;
        }
        [org] => {
            let actor = Actor::operator(org);
            let account = NewAccount {
                name,
                mail: options.mail,
                person: None,
                roles: vec![Grant {
                    role: Role::Admin,
                    site: None,
                }],
            };
            let account = accounts::create(&mut tx, &actor, account).await?;
            accounts::set_password(&mut tx, &actor, account.id, password).await?;
        }
        _ => bail!("the database has several organisations"),
    }
    tx.commit().await?;
    store.engine().close().await;
    println!("The account was made.");
    Ok(())
}

fn password(options: &CreateOptions) -> Result<String> {
    let text = if let Some(file) = &options.password_file {
        std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?
    } else {
        if std::io::stdin().is_terminal() {
            eprintln!("Password, which is shown as you type it:");
        }
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("the password cannot be read")?;
        line
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
