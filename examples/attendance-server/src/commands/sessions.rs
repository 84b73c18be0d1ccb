//! Signing in and out.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{accounts, audit, audit::Subject, tokens};
use crate::{
    access::{Actor, Grant, Principal, Role, limits::Limits, password},
    error::{Error, ErrorKind, Result},
    id::Id,
    store::{Store, Transaction},
    values,
};

/// Mail address and password.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The mail address.
    pub mail: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// Signs an account in: checks the password, and begins a session.
///
/// It has the store and no transaction, because checking takes long and a failure is recorded as well.
///
/// # Errors
///
/// 401 if mail address and password do not belong together; 429 after ten failures in a minute.
pub async fn sign_in(
    store: &Store,
    limits: &Limits,
    input: SignIn,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    let mut tx = store.read().await?;
    let key = accounts::mail_hash(&tx, &input.mail);
    let key = audit::hex(&key);
    limits.passwords.check(&key, tx.now)?;
    let row = tx
        .row(
            "SELECT a.org, a.id, a.person, a.password_hash, a.disabled, p.deactivated FROM account a \
             LEFT JOIN person p ON p.org = a.org AND p.id = a.person WHERE a.mail_hash = $1",
            values![accounts::mail_hash(&tx, &input.mail)],
        )
        .await?;
    let (known, hash) = match &row {
        Some(row) => {
            let ids: (Id, Id, Option<Id>) = (row.get("org")?, row.get("id")?, row.get("person")?);
            let disabled = row.get::<Option<i64>>("disabled")?.is_some()
                || row.get::<Option<i64>>("deactivated")?.is_some();
            (Some(ids).filter(|_| !disabled), row.get("password_hash")?)
        }
        None => (None, None),
    };
    drop(tx);
    let is_right = password::verify_aside(input.password, hash).await?;
    let mut tx = store.write().await?;
    let (Some((org, account, person)), true) = (known, is_right) else {
        let is_last = limits.passwords.count(&key, tx.now);
        if let (true, Some((org, account, person))) = (is_last, known) {
            let subject = Subject::Person(person.unwrap_or(account));
            audit::record(
                &mut tx,
                &Actor::operator(org),
                "sign_in_limited",
                subject,
                json!({}),
            )
            .await?;
            tx.commit().await?;
        }
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "wrong_password",
            "Mail address and password do not belong together.",
        ));
    };
    limits.passwords.forget(&key);
    let session = tokens::issue_session(&mut tx, org, account, browser).await?;
    let actor = actor_of(org, account, person);
    let subject = Subject::Person(person.unwrap_or(account));
    audit::record(
        &mut tx,
        &actor,
        "signed_in",
        subject,
        json!({ "session": session.id }),
    )
    .await?;
    tx.commit().await?;
    Ok(session)
}

/// Begins a session of an account that was just made.
///
/// # Errors
///
/// If the database cannot be written.
pub async fn begin(
    tx: &mut Transaction,
    org: Id,
    account: Id,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    tokens::issue_session(tx, org, account, browser).await
}

/// Ends the session of the actor.
///
/// # Errors
///
/// If the actor has no session.
pub async fn sign_out(tx: &mut Transaction, actor: &Actor) -> Result<()> {
    let token = actor.token.ok_or_else(|| Error::not_found("session"))?;
    tokens::revoke(tx, actor, token).await
}

/// The password of an account that was invited.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The secret of the invitation.
    pub token: String,
    /// The new password, at least 10 characters.
    pub password: String,
}

impl std::fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptInvitation").finish_non_exhaustive()
    }
}

/// Sets the password of an invited account, and begins a session. The invitation ends.
///
/// # Errors
///
/// 403 for a wrong or old invitation; 422 for a short password; 429 after many wrong ones.
pub async fn accept_invitation(
    tx: &mut Transaction,
    limits: &Limits,
    input: AcceptInvitation,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    limits.links.check("invitation", tx.now)?;
    let invited = tokens::invited(tx, &input.token).await;
    let (invitation, org, account) = invited.inspect_err(|_| {
        limits.links.count("invitation", tx.now);
    })?;
    let actor = actor_of(org, account, None);
    accounts::set_password(tx, &actor, account, input.password).await?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $2 WHERE id = $1",
        values![invitation, now],
    )
    .await?;
    tokens::issue_session(tx, org, account, browser).await
}

fn actor_of(org: Id, account: Id, person: Option<Id>) -> Actor {
    Actor {
        org,
        principal: Principal::Account(account),
        grants: vec![Grant {
            role: Role::Member,
            site: None,
        }],
        person,
        token: None,
    }
}
