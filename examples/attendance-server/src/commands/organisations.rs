//! Organisations, and the set-up of the first one.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{accounts, audit, sites, tokens};
use crate::{
    access::{Actor, Grant, Role, password::HashedSecret},
    error::{Error, Result},
    id::Id,
    store::Transaction,
    text, values,
};

/// The data of a new installation.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name of the organisation.
    pub organisation: String,
    /// The name of the first admin.
    pub name: String,
    /// The mail address of the first admin, who signs in with it.
    pub mail: String,
    /// The password of the first admin.
    pub password: HashedSecret,
    /// The name of the first site.
    pub site: String,
    /// The time zone of the site, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The preset of the site's policy. See `GET /api/v1/presets`.
    pub preset: String,
}

/// A new installation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Installed {
    /// The organisation.
    pub organisation: Id,
    /// The account of the first admin.
    pub account: Id,
    /// The first site.
    pub site: Id,
}

/// `true` if there is an organisation with an account.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn is_set_up(tx: &mut Transaction) -> Result<bool> {
    Ok(tx
        .row("SELECT id FROM account LIMIT 1", values![])
        .await?
        .is_some())
}

/// Sets the installation up: organisation, first admin, first site and its policy.
///
/// The caller has checked the one-time set-up token with [`tokens::check_setup`]; this command ends its use.
///
/// # Errors
///
/// If there is an account already, or a value is wrong.
pub async fn set_up(tx: &mut Transaction, input: Setup) -> Result<Installed> {
    if is_set_up(tx).await? {
        return Err(Error::conflict(
            "set_up",
            "The server is set up already. Sign in instead.",
        ));
    }
    let org = create(tx, &input.organisation).await?;
    let actor = Actor::operator(org);
    let account = accounts::NewAccount {
        name: input.name,
        mail: input.mail,
        person: None,
        roles: vec![Grant {
            role: Role::Admin,
            site: None,
        }],
    };
    let account = accounts::create(tx, &actor, account).await?.id;
    accounts::set_password(tx, &actor, account, input.password).await?;
    let site = sites::NewSite {
        name: input.site,
        time_zone: input.time_zone,
        preset: input.preset,
    };
    let site = sites::create(tx, &actor, site).await?.id;
    tokens::end_setup(tx).await?;
    Ok(Installed {
        organisation: org,
        account,
        site,
    })
}

/// Makes an organisation.
///
/// # Errors
///
/// If the name is empty or too long.
pub async fn create(tx: &mut Transaction, name: &str) -> Result<Id> {
    let name = text::checked("/organisation", name, 200)?;
    let id = tx.new_id();
    tx.keys().create(id, &[id]).await?;
    let now = tx.now;
    tx.execute(
        "INSERT INTO organisation (id, name, created, audit_head, evaluated_by) VALUES ($1, $2, $3, $4, $5)",
        values![id, name.clone(), now, audit::START, crate::RULES_VERSION],
    )
    .await?;
    audit::record(
        tx,
        &Actor::operator(id),
        "organisation_created",
        audit::Subject::Organisation,
        json!({ "name": name }),
    )
    .await?;
    Ok(id)
}

/// The organisations, the oldest first.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn all(tx: &mut Transaction) -> Result<Vec<Id>> {
    let rows = tx
        .rows(
            "SELECT id FROM organisation ORDER BY created, id",
            values![],
        )
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// The name of an organisation.
///
/// # Errors
///
/// 404 if there is none with the id.
pub async fn name(tx: &mut Transaction, org: Id) -> Result<String> {
    let row = tx
        .row("SELECT name FROM organisation WHERE id = $1", values![org])
        .await?;
    row.ok_or_else(|| Error::not_found("organisation"))?
        .get("name")
}
