//! Signing in and out.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{accounts, audit, audit::Subject, tokens};
use crate::{
    access::{
        Actor, Grant, Principal, Role,
        limits::Limits,
        password::{self, HashedSecret},
    },
    db::Row,
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
/// 401 if mail address and password do not belong together; 429 after ten failures in a minute, or if the server checks
/// many passwords.
pub async fn sign_in(
    store: &Store,
    limits: &Limits,
    input: SignIn,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    let mut tx = store.read().await?;
    let key = audit::hex(&accounts::mail_hash(&tx, &input.mail));
    let at = tx.now;
    let is_last = limits.passwords.take(&key, at)?;
    let tried = account_of(&mut tx, &input.mail).await?;
    drop(tx);
    let hash = tried.as_ref().and_then(|tried| tried.hash.clone());
    let is_right = password::verify_aside(input.password, hash).await;
    // A password that was not checked is no failure.
    let is_right = is_right.inspect_err(|_| limits.passwords.give_back(&key, at))?;
    let known = tried.filter(|tried| tried.is_enabled);
    let (Some(known), true) = (&known, is_right) else {
        if let (true, Some(known)) = (is_last, &known) {
            let mut tx = store.write().await?;
            let operator = Actor::operator(known.org);
            let subject = known.subject();
            audit::record(&mut tx, &operator, "sign_in_limited", subject, json!({})).await?;
            tx.commit().await?;
        }
        return Err(wrong_password());
    };
    let mut tx = store.write().await?;
    // The account may have changed while the password was checked.
    if account_of(&mut tx, &input.mail).await?.as_ref() != Some(known) {
        return Err(wrong_password());
    }
    limits.passwords.forget(&key);
    let session = tokens::issue_session(&mut tx, known.org, known.account, browser).await?;
    let actor = actor_of(known.org, known.account, known.person);
    let detail = json!({ "session": session.id });
    audit::record(&mut tx, &actor, "signed_in", known.subject(), detail).await?;
    tx.commit().await?;
    Ok(session)
}

/// The account that somebody tries to sign in to.
#[derive(PartialEq)]
struct Tried {
    org: Id,
    account: Id,
    person: Option<Id>,
    /// The hash of the password; none until an invitation is accepted.
    hash: Option<String>,
    /// Neither the account is disabled nor its person deactivated.
    is_enabled: bool,
}

impl Tried {
    fn subject(&self) -> Subject {
        Subject::Person(self.person.unwrap_or(self.account))
    }
}

async fn account_of(tx: &mut Transaction, mail: &str) -> Result<Option<Tried>> {
    let row = tx
        .row(
            "SELECT a.org, a.id, a.person, a.password_hash, a.disabled, p.deactivated FROM account a \
             LEFT JOIN person p ON p.org = a.org AND p.id = a.person WHERE a.mail_hash = $1",
            values![accounts::mail_hash(tx, mail)],
        )
        .await?;
    let tried = |row: Row| {
        Ok(Tried {
            org: row.get("org")?,
            account: row.get("id")?,
            person: row.get("person")?,
            hash: row.get("password_hash")?,
            is_enabled: row.get::<Option<i64>>("disabled")?.is_none()
                && row.get::<Option<i64>>("deactivated")?.is_none(),
        })
    };
    row.map(tried).transpose()
}

fn wrong_password() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "wrong_password",
        "Mail address and password do not belong together.",
    )
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
/// It has the store and no transaction, because hashing takes long.
///
/// # Errors
///
/// 403 for a wrong or old invitation; 422 for a short password; 429 if the server checks many passwords.
pub async fn accept_invitation(
    store: &Store,
    input: AcceptInvitation,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    let mut tx = store.read().await?;
    tokens::invited(&mut tx, &input.token).await?;
    drop(tx);
    let password = HashedSecret::password("/password", input.password).await?;
    let mut tx = store.write().await?;
    // Somebody may have used the invitation meanwhile.
    let (invitation, org, account) = tokens::invited(&mut tx, &input.token).await?;
    let actor = actor_of(org, account, None);
    accounts::set_password(&mut tx, &actor, account, password).await?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $2 WHERE id = $1",
        values![invitation, now],
    )
    .await?;
    let session = tokens::issue_session(&mut tx, org, account, browser).await?;
    tx.commit().await?;
    Ok(session)
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
