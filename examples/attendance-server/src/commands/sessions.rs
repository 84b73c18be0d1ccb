//! Signing in and out.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{accounts, audit, audit::Subject, tokens, two_step};
use crate::{
    access::{
        Actor, Grant, Principal, Role,
        limits::{Limit, Limits},
        password::{self, HashedSecret},
    },
    db::Row,
    error::{Error, ErrorKind, Result},
    id::Id,
    secret,
    store::{Store, Transaction},
    values,
};

/// Mail address and password, and the code of an account with two-step sign-in.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The mail address.
    pub mail: String,
    /// The password.
    pub password: String,
    /// The code of the authenticator app, or a recovery code. It is needed if the answer without it is `code_needed`.
    #[serde(default)]
    pub code: Option<String>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// The result of a right password.
#[derive(Clone)]
pub enum SignedIn {
    /// A session.
    Session(tokens::IssuedToken),
    /// The account needs a code. The proof says for five minutes that the password was right; [`finish_sign_in`] takes it.
    CodeNeeded {
        /// The proof. It is no session.
        proof: String,
    },
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
            Self::CodeNeeded { .. } => "CodeNeeded",
        })
    }
}

/// The proof of a right password is good for this long.
const PROOF_LENGTH: SignedDuration = SignedDuration::from_mins(5);

/// Signs an account in: checks the password and the code, if the account needs one, and begins a session.
///
/// It has the store and no transaction, because checking takes long and a failure is recorded as well.
///
/// # Errors
///
/// 401 if mail address and password do not belong together, or the code is wrong; 429 after ten wrong passwords in a minute or
/// ten wrong codes in 15 minutes, or if the server checks many passwords.
pub async fn sign_in(
    store: &Store,
    limits: &Limits,
    input: SignIn,
    browser: &str,
) -> Result<SignedIn> {
    let mut tx = store.read().await?;
    let hash = accounts::mail_hash(&tx, &input.mail);
    let attempt = Attempt::begin(&limits.passwords, audit::hex(&hash), tx.now)?;
    let tried = account_of(&mut tx, hash.to_vec()).await?;
    drop(tx);
    let known = attempt.check(store, tried, input.password).await?;
    if !known.has_two_step {
        let mut tx = store.write().await?;
        // The account may have changed while the password was checked.
        if account_of(&mut tx, known.mail_hash.clone()).await?.as_ref() != Some(&known) {
            return Err(wrong_password());
        }
        return begin_session(tx, limits, &known, browser)
            .await
            .map(SignedIn::Session);
    }
    // A right password does not clear the count of wrong ones: the sign-in is not complete.
    attempt.give_back();
    match input.code {
        Some(code) => {
            let session = with_code(store, limits, &known, &code, browser).await?;
            Ok(SignedIn::Session(session))
        }
        None => {
            let until = store.services().clock.now().as_second() + PROOF_LENGTH.as_secs();
            let proof = proof(store, &known, until);
            Ok(SignedIn::CodeNeeded { proof })
        }
    }
}

/// The second step of [`sign_in`]: checks the code, and begins a session.
///
/// # Errors
///
/// 401 if the proof is wrong or too old, or the code is wrong; 429 after ten wrong codes in 15 minutes.
pub async fn finish_sign_in(
    store: &Store,
    limits: &Limits,
    proof: &str,
    code: &str,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    let mut tx = store.read().await?;
    let known = proven(&mut tx, store, proof).await?;
    drop(tx);
    with_code(store, limits, &known, code, browser).await
}

/// The error of an account that needs a code, for programs, which send mail address, password and code together.
#[must_use]
pub fn code_needed() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "code_needed",
        "The account has two-step sign-in. Send the code of the app as well.",
    )
}

fn sign_in_again() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "sign_in_again",
        "The code came too late, or the account was changed. Sign in again.",
    )
}

/// The proof that the password of an account was right: the account, the end in seconds, and their keyed hash with that of
/// the password.
fn proof(store: &Store, known: &Tried, until: i64) -> String {
    let hash = known.hash.as_deref().unwrap_or_default();
    let parts: [&[u8]; 4] = [
        b"password checked",
        known.account.as_bytes(),
        &until.to_be_bytes(),
        hash.as_bytes(),
    ];
    let mac = secret::keyed_hash(&store.services().secret, &parts);
    format!("{}.{until}.{}", known.account, audit::hex(&mac))
}

/// The account of a proof.
async fn proven(tx: &mut Transaction, store: &Store, stated: &str) -> Result<Tried> {
    let mut parts = stated.split('.');
    let account = parts.next().and_then(|id| id.parse::<Id>().ok());
    let until = parts.next().and_then(|until| until.parse::<i64>().ok());
    let (Some(account), Some(until)) = (account, until) else {
        return Err(sign_in_again());
    };
    let known = account_with_id(tx, account).await?;
    let known = known.filter(|known| known.is_enabled && known.has_two_step);
    let known = known.ok_or_else(sign_in_again)?;
    let expected = proof(store, &known, until);
    let is_right = secret::equal(stated.as_bytes(), expected.as_bytes());
    if is_right && tx.now.as_second() < until {
        Ok(known)
    } else {
        Err(sign_in_again())
    }
}

/// Begins the session of an account whose password was right, if the code is right, too.
async fn with_code(
    store: &Store,
    limits: &Limits,
    known: &Tried,
    code: &str,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    let key = known.account.to_string();
    let is_last = limits.codes.take(&key, store.services().clock.now())?;
    // The code is used up in this transaction, so that it works once also at the same time.
    let mut tx = store.write().await?;
    if account_with_id(&mut tx, known.account).await?.as_ref() != Some(known) {
        return Err(wrong_password());
    }
    let actor = actor_of(known.org, known.account, known.person);
    let subject = known.person.unwrap_or(known.account);
    if two_step::redeem(&mut tx, &actor, known.account, subject, code).await? {
        let session = begin_session(tx, limits, known, browser).await?;
        limits.codes.forget(&key);
        return Ok(session);
    }
    if is_last {
        known.record_limit(&mut tx).await?;
        tx.commit().await?;
    }
    Err(two_step::wrong_code_at_sign_in())
}

async fn begin_session(
    mut tx: Transaction,
    limits: &Limits,
    known: &Tried,
    browser: &str,
) -> Result<tokens::IssuedToken> {
    limits.passwords.forget(&known.key());
    let session = tokens::issue_session(&mut tx, known.org, known.account, browser).await?;
    let actor = actor_of(known.org, known.account, known.person);
    let detail = json!({ "session": session.id });
    audit::record(&mut tx, &actor, "signed_in", known.subject(), detail).await?;
    tx.commit().await?;
    Ok(session)
}

/// Checks the password of somebody who is signed in.
///
/// # Errors
///
/// 422 if it is wrong; 429 as [`sign_in`].
pub(super) async fn verify_own_password(
    store: &Store,
    limits: &Limits,
    account: Id,
    password: String,
) -> Result<()> {
    let mut tx = store.read().await?;
    let tried = account_with_id(&mut tx, account).await?;
    let tried = tried.ok_or_else(|| Error::not_found("account"))?;
    let attempt = Attempt::begin(&limits.passwords, tried.key(), tx.now)?;
    drop(tx);
    let checked = attempt.check(store, Some(tried), password).await;
    match checked {
        Ok(_) => {
            attempt.give_back();
            Ok(())
        }
        Err(error) if error.code == WRONG_PASSWORD => {
            let detail = "This is not the password of your account.";
            Err(Error::invalid("/password", "other_password", detail))
        }
        Err(error) => Err(error),
    }
}

/// A password that is tried. It counts before the outcome is known.
struct Attempt<'a> {
    limit: &'a Limit,
    key: String,
    at: Timestamp,
    is_last: bool,
}

impl<'a> Attempt<'a> {
    fn begin(limit: &'a Limit, key: String, at: Timestamp) -> Result<Self> {
        let is_last = limit.take(&key, at)?;
        Ok(Self {
            limit,
            key,
            at,
            is_last,
        })
    }

    fn give_back(&self) {
        self.limit.give_back(&self.key, self.at);
    }

    /// The account, if the password is right and the account may sign in. The last failure of the limit is recorded.
    async fn check(&self, store: &Store, tried: Option<Tried>, password: String) -> Result<Tried> {
        let hash = tried.as_ref().and_then(|tried| tried.hash.clone());
        let is_right = password::verify_aside(password, hash).await;
        // A password that was not checked is no failure.
        let is_right = is_right.inspect_err(|_| self.give_back())?;
        match tried.filter(|tried| tried.is_enabled) {
            Some(known) if is_right => Ok(known),
            known => {
                if let (true, Some(known)) = (self.is_last, &known) {
                    let mut tx = store.write().await?;
                    known.record_limit(&mut tx).await?;
                    tx.commit().await?;
                }
                Err(wrong_password())
            }
        }
    }
}

/// The account that somebody tries to sign in to.
#[derive(PartialEq)]
struct Tried {
    org: Id,
    account: Id,
    person: Option<Id>,
    mail_hash: Vec<u8>,
    /// The hash of the password; none until an invitation is accepted.
    hash: Option<String>,
    /// Neither the account is disabled nor its person deactivated.
    is_enabled: bool,
    /// Signing in needs a code.
    has_two_step: bool,
}

impl Tried {
    fn subject(&self) -> Subject {
        Subject::Person(self.person.unwrap_or(self.account))
    }

    /// The key of the limit of wrong passwords.
    fn key(&self) -> String {
        audit::hex(&self.mail_hash)
    }

    /// Records that the next attempt will be refused.
    async fn record_limit(&self, tx: &mut Transaction) -> Result<()> {
        let operator = Actor::operator(self.org);
        audit::record(tx, &operator, "sign_in_limited", self.subject(), json!({})).await
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            org: row.get("org")?,
            account: row.get("id")?,
            person: row.get("person")?,
            mail_hash: row.get("mail_hash")?,
            hash: row.get("password_hash")?,
            is_enabled: row.get::<Option<i64>>("disabled")?.is_none()
                && row.get::<Option<i64>>("deactivated")?.is_none(),
            has_two_step: row.get::<Option<i64>>("since")?.is_some(),
        })
    }
}

/// The columns of [`Tried`], for `concat!`.
macro_rules! tried {
    () => {
        "SELECT a.org, a.id, a.person, a.mail_hash, a.password_hash, a.disabled, p.deactivated, t.since FROM account a \
         LEFT JOIN person p ON p.org = a.org AND p.id = a.person \
         LEFT JOIN two_step t ON t.org = a.org AND t.account = a.id "
    };
}

async fn account_of(tx: &mut Transaction, mail_hash: Vec<u8>) -> Result<Option<Tried>> {
    let row = tx
        .row(
            concat!(tried!(), "WHERE a.mail_hash = $1"),
            values![mail_hash],
        )
        .await?;
    row.as_ref().map(Tried::read).transpose()
}

async fn account_with_id(tx: &mut Transaction, id: Id) -> Result<Option<Tried>> {
    let row = tx
        .row(concat!(tried!(), "WHERE a.id = $1"), values![id])
        .await?;
    row.as_ref().map(Tried::read).transpose()
}

/// The code of the error of a mail address and a password that do not belong together.
const WRONG_PASSWORD: &str = "wrong_password";

fn wrong_password() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        WRONG_PASSWORD,
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

/// Sets the password of an invited account, and begins a session. The invitation ends. If the account has two-step sign-in, no
/// session begins: the link is no code.
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
) -> Result<Option<tokens::IssuedToken>> {
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
    let session = if two_step::is_on(&mut tx, org, account).await? {
        None
    } else {
        Some(tokens::issue_session(&mut tx, org, account, browser).await?)
    };
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
