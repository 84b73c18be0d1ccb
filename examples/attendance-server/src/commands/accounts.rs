//! Accounts: people who sign in, and their roles.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, people, sites, two_step};
use crate::{
    access::{Actor, Grant, Role, password::HashedSecret},
    db::Row,
    error::{Error, Result},
    id::Id,
    secret,
    store::Transaction,
    text, values,
};

/// An account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Account {
    /// The id.
    pub id: Id,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
    /// The person whose account it is, for members.
    pub person: Option<Id>,
    /// The roles.
    pub roles: Vec<Grant>,
    /// The account has a password. Until then, the invitation waits.
    pub has_password: bool,
    /// Signing in needs a code of an authenticator app after the password.
    pub has_two_step: bool,
    /// The time from which the account cannot sign in; none if it can.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub disabled: Option<Timestamp>,
    /// The version, which `If-Match` names.
    pub version: i64,
}

/// A new account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The name; at most 200 characters.
    pub name: String,
    /// The mail address, unique in the installation.
    pub mail: String,
    /// The person whose account it is. Needed for the role of a member.
    #[serde(default)]
    pub person: Option<Id>,
    /// The roles, at least one.
    pub roles: Vec<Grant>,
}

/// Changes of an account. Absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountChanges {
    /// The name.
    pub name: Option<String>,
    /// The roles, in place of all present ones.
    pub roles: Option<Vec<Grant>>,
    /// `true` if the account cannot sign in. Its sessions end at once.
    pub disabled: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    name: String,
    mail: String,
}

/// The accounts, the oldest first.
///
/// # Errors
///
/// 403 without the role of an admin.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<Account>> {
    actor.require(&[Role::Admin])?;
    let roles = tx
        .rows(
            "SELECT account, role, site FROM account_role WHERE org = $1 ORDER BY account, role, site",
            values![actor.org],
        )
        .await?;
    let mut grants: HashMap<Id, Vec<Grant>> = HashMap::new();
    for row in &roles {
        grants
            .entry(row.get("account")?)
            .or_default()
            .push(grant(row)?);
    }
    let rows = tx
        .rows(
            "SELECT a.id, a.person, a.details, a.password_hash, a.disabled, a.version, t.since FROM account a \
             LEFT JOIN two_step t ON t.org = a.org AND t.account = a.id WHERE a.org = $1 ORDER BY a.created, a.id",
            values![actor.org],
        )
        .await?;
    let mut accounts = Vec::with_capacity(rows.len());
    for row in &rows {
        let own = grants.remove(&row.get("id")?).unwrap_or_default();
        accounts.extend(opened(tx, actor.org, row, own)?);
    }
    Ok(accounts)
}

/// An account: any for an admin, else the own one.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Account> {
    let own = actor.principal == crate::access::Principal::Account(id);
    let row = tx
        .row(
            "SELECT a.id, a.person, a.details, a.password_hash, a.disabled, a.version, t.since FROM account a \
             LEFT JOIN two_step t ON t.org = a.org AND t.account = a.id WHERE a.org = $1 AND a.id = $2",
            values![actor.org, id],
        )
        .await?;
    let account = match row {
        Some(row) if own || actor.require(&[Role::Admin]).is_ok() => {
            let grants = grants(tx, actor.org, id).await?;
            opened(tx, actor.org, &row, grants)?
        }
        _ => None,
    };
    account.ok_or_else(|| Error::not_found("account"))
}

fn opened(tx: &Transaction, org: Id, row: &Row, roles: Vec<Grant>) -> Result<Option<Account>> {
    let id: Id = row.get("id")?;
    let sealed: Vec<u8> = row.get("details")?;
    let person: Option<Id> = row.get("person")?;
    let Some(plain) = tx
        .keys()
        .open(org, person.unwrap_or(id), "account", &sealed)?
    else {
        return Ok(None);
    };
    let details: Details = serde_json::from_slice(&plain)?;
    Ok(Some(Account {
        id,
        name: details.name,
        mail: details.mail,
        person,
        roles,
        has_password: row.get::<Option<String>>("password_hash")?.is_some(),
        has_two_step: row.get::<Option<i64>>("since")?.is_some(),
        disabled: row.get("disabled")?,
        version: row.get("version")?,
    }))
}

/// The roles of an account.
pub(super) async fn grants(tx: &mut Transaction, org: Id, account: Id) -> Result<Vec<Grant>> {
    let rows = tx
        .rows(
            "SELECT role, site FROM account_role WHERE org = $1 AND account = $2 ORDER BY role, site",
            values![org, account],
        )
        .await?;
    rows.iter().map(grant).collect()
}

fn grant(row: &Row) -> Result<Grant> {
    Ok(Grant {
        role: Role::named(&row.get::<String>("role")?)?,
        site: row.get("site")?,
    })
}

/// Adds an account without a password. An invitation sets the password.
///
/// # Errors
///
/// 403 without the role of an admin; 409 if the mail address has an account; 422 for a wrong value.
pub async fn create(tx: &mut Transaction, actor: &Actor, input: NewAccount) -> Result<Account> {
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let details = Details {
        name: text::checked("/name", &input.name, 200)?,
        mail: text::checked_mail("/mail", &input.mail)?,
    };
    check_grants(tx, actor, &input.roles, input.person).await?;
    let mail_hash = mail_hash(tx, &details.mail);
    let taken = tx
        .row(
            "SELECT id FROM account WHERE mail_hash = $1",
            values![mail_hash],
        )
        .await?;
    if taken.is_some() {
        return Err(
            Error::conflict("mail_taken", "This mail address has an account already.").at("/mail"),
        );
    }
    let id = tx.new_id();
    let subject = input.person.unwrap_or(id);
    tx.keys().create(org, &[subject]).await?;
    let sealed = tx
        .keys()
        .seal(org, subject, "account", &serde_json::to_vec(&details)?)?;
    let now = tx.now;
    tx.execute(
        "INSERT INTO account (org, id, person, mail_hash, details, created) VALUES ($1, $2, $3, $4, $5, $6)",
        values![org, id, input.person, mail_hash, sealed, now],
    )
    .await?;
    write_grants(tx, org, id, &input.roles).await?;
    let detail =
        json!({ "account": id, "name": details.name, "mail": details.mail, "roles": input.roles });
    audit::record(
        tx,
        actor,
        "account_created",
        Subject::Person(subject),
        detail,
    )
    .await?;
    get(tx, actor, id).await
}

/// Changes an account.
///
/// # Errors
///
/// 403, 404, 412 and 422; 409 if no admin would be left.
pub async fn update(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    version: Option<i64>,
    changes: AccountChanges,
) -> Result<Account> {
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let before = get(tx, actor, id).await?;
    people::check_version(version, before.version)?;
    let subject = before.person.unwrap_or(id);
    let details = Details {
        name: text::checked(
            "/name",
            changes.name.as_deref().unwrap_or(&before.name),
            200,
        )?,
        mail: before.mail.clone(),
    };
    if let Some(roles) = &changes.roles {
        check_grants(tx, actor, roles, before.person).await?;
        write_grants(tx, org, id, roles).await?;
    }
    let disabled = match changes.disabled {
        Some(true) => before.disabled.or(Some(tx.now)),
        Some(false) => None,
        None => before.disabled,
    };
    let sealed = tx
        .keys()
        .seal(org, subject, "account", &serde_json::to_vec(&details)?)?;
    tx.execute(
        "UPDATE account SET details = $3, disabled = $4, version = version + 1 WHERE org = $1 AND id = $2",
        values![org, id, sealed, disabled],
    )
    .await?;
    if changes.roles.is_some() || disabled != before.disabled {
        require_admin(tx, org).await?;
    }
    if disabled.is_some() {
        super::tokens::revoke_sessions(tx, org, id).await?;
    }
    let after = get(tx, actor, id).await?;
    let detail = json!({ "before": before, "after": after });
    audit::record(
        tx,
        actor,
        "account_changed",
        Subject::Person(subject),
        detail,
    )
    .await?;
    Ok(after)
}

/// Fails unless an admin of the organisation can sign in.
pub(super) async fn require_admin(tx: &mut Transaction, org: Id) -> Result<()> {
    let admin = tx
        .row(
            "SELECT a.id FROM account a JOIN account_role r ON r.org = a.org AND r.account = a.id \
             LEFT JOIN person p ON p.org = a.org AND p.id = a.person \
             WHERE a.org = $1 AND r.role = 'admin' AND r.site IS NULL AND a.disabled IS NULL \
             AND a.password_hash IS NOT NULL AND p.deactivated IS NULL LIMIT 1",
            values![org],
        )
        .await?;
    admin.map(drop).ok_or_else(|| {
        Error::conflict(
            "last_admin",
            "An organisation has at least one admin who can sign in.",
        )
    })
}

/// Sets the password of an account, and ends its sessions.
///
/// # Errors
///
/// 404.
pub async fn set_password(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    new: HashedSecret,
) -> Result<()> {
    let account = get(tx, actor, id).await?;
    let org = actor.org;
    tx.execute(
        "UPDATE account SET password_hash = $3, version = version + 1 WHERE org = $1 AND id = $2",
        values![org, id, new.into_text()],
    )
    .await?;
    super::tokens::revoke_sessions(tx, org, id).await?;
    let subject = Subject::Person(account.person.unwrap_or(id));
    audit::record(tx, actor, "password_set", subject, json!({ "account": id })).await
}

/// Removes the accounts of a person. Their tokens must be removed before.
pub(super) async fn remove_of_person(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    let admin = tx
        .row(
            "SELECT a.id FROM account a JOIN account_role r ON r.org = a.org AND r.account = a.id \
             WHERE a.org = $1 AND a.person = $2 AND r.role = 'admin' LIMIT 1",
            values![org, person],
        )
        .await?;
    two_step::remove_of_person(tx, org, person).await?;
    tx.execute(
        "DELETE FROM account_role WHERE org = $1 \
         AND account IN (SELECT id FROM account WHERE org = $1 AND person = $2)",
        values![org, person],
    )
    .await?;
    tx.execute(
        "DELETE FROM account WHERE org = $1 AND person = $2",
        values![org, person],
    )
    .await?;
    match admin {
        Some(_) => require_admin(tx, org).await,
        None => Ok(()),
    }
}

/// The hash by which an account is found. Upper and lower case are the same.
pub(super) fn mail_hash(tx: &Transaction, mail: &str) -> [u8; 32] {
    let folded = mail.trim().to_lowercase();
    secret::keyed_hash(&tx.services().secret, &[b"mail", folded.as_bytes()])
}

async fn check_grants(
    tx: &mut Transaction,
    actor: &Actor,
    roles: &[Grant],
    person: Option<Id>,
) -> Result<()> {
    if roles.is_empty() {
        return Err(Error::invalid(
            "/roles",
            "no_role",
            "An account has at least one role.",
        ));
    }
    for (index, grant) in roles.iter().enumerate() {
        let pointer = format!("/roles/{index}");
        match grant.role {
            Role::Device => {
                return Err(Error::invalid(
                    &pointer,
                    "device_role",
                    "Only devices have the role of a device.",
                ));
            }
            Role::Member if person.is_none() => {
                let detail = "A member's account belongs to a person; state the person.";
                return Err(Error::invalid("/person", "member_without_person", detail));
            }
            Role::Admin | Role::Auditor if grant.site.is_some() => {
                let detail = format!("The role {} is for the whole organisation.", grant.role);
                return Err(Error::invalid(&pointer, "role_with_site", detail));
            }
            _ => {}
        }
        if let Some(site) = grant.site {
            sites::get(tx, actor, site).await?;
        }
    }
    if let Some(person) = person {
        people::get(tx, actor, person).await?;
    }
    Ok(())
}

async fn write_grants(tx: &mut Transaction, org: Id, account: Id, roles: &[Grant]) -> Result<()> {
    tx.execute(
        "DELETE FROM account_role WHERE org = $1 AND account = $2",
        values![org, account],
    )
    .await?;
    let mut written: Vec<Grant> = Vec::new();
    for grant in roles {
        if written.contains(grant) {
            continue;
        }
        written.push(*grant);
        tx.execute(
            "INSERT INTO account_role (org, account, role, site) VALUES ($1, $2, $3, $4)",
            values![org, account, grant.role.as_str(), grant.site],
        )
        .await?;
    }
    Ok(())
}
