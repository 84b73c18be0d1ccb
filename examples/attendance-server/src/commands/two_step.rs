//! Two-step sign-in: after the password, a code of an authenticator app, or one of ten recovery codes.
//!
//! It is off until the account has typed a right code. A code works once: the step of the newest one is kept.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{accounts, audit, audit::Subject, organisations, sessions, tokens};
use crate::{
    access::{
        Actor, Principal, Role,
        limits::Limits,
        totp::{self, SharedSecret},
    },
    error::{Error, ErrorKind, Result},
    id::Id,
    secret,
    store::{Store, Transaction},
    text, values,
};

/// The recovery codes of an account.
pub const RECOVERY_CODES: usize = 10;

/// The random bytes of a recovery code: 80 bits, so that a fast hash is enough.
const RECOVERY_BYTES: usize = 10;

/// The first code must be typed this soon after the secret was shown.
const PENDING: SignedDuration = SignedDuration::from_mins(15);

/// The use for which keys seal the secret.
const USAGE: &str = "two_step";

/// Two-step sign-in of the own account.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TwoStep {
    /// The time from which signing in needs a code; none if it does not.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub since: Option<Timestamp>,
    /// The recovery codes that were not used.
    pub recovery_codes: i64,
}

/// The password of the own account.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The password.
    pub password: String,
}

/// The secret for an authenticator app.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NewTwoStep {
    /// The secret in base32, for typing.
    pub secret: String,
    /// The secret as an address with the scheme `otpauth`, for a QR code.
    pub uri: String,
}

/// A code of the app.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCode {
    /// The six digits that the app shows.
    pub code: String,
}

/// The recovery codes. They are never shown again, and each works once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub recovery_codes: Vec<String>,
}

/// A proof that the account's owner acts: the password or a code.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OwnProof {
    /// The password.
    pub password: String,
    /// A code of the app, or a recovery code. If there is one, the password is not looked at.
    pub code: String,
}

macro_rules! hide {
    ($($name:ident),*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

hide!(OwnPassword, NewTwoStep, FirstCode, RecoveryCodes, OwnProof);

/// The account of the actor.
fn own(actor: &Actor) -> Result<Id> {
    match actor.principal {
        Principal::Account(account) => Ok(account),
        _ => Err(Error::not_found("account")),
    }
}

/// The state of the own account.
///
/// # Errors
///
/// 404 for callers that are no account.
pub async fn get(tx: &mut Transaction, actor: &Actor) -> Result<TwoStep> {
    let account = own(actor)?;
    let row = tx
        .row(
            "SELECT since, (SELECT COUNT(*) FROM recovery_code r WHERE r.org = t.org AND r.account = t.account \
             AND r.used IS NULL) AS left_codes FROM two_step t WHERE t.org = $1 AND t.account = $2",
            values![actor.org, account],
        )
        .await?;
    Ok(match row {
        Some(row) => TwoStep {
            since: row.get("since")?,
            recovery_codes: row.get("left_codes")?,
        },
        None => TwoStep {
            since: None,
            recovery_codes: 0,
        },
    })
}

/// `true` if signing in to an account needs a code.
pub(super) async fn is_on(tx: &mut Transaction, org: Id, account: Id) -> Result<bool> {
    let row = tx
        .row(
            "SELECT account FROM two_step WHERE org = $1 AND account = $2 AND since IS NOT NULL",
            values![org, account],
        )
        .await?;
    Ok(row.is_some())
}

/// Makes the secret for the app of the own account. Nothing changes until [`confirm`].
///
/// It has the store and no transaction, because checking the password takes long.
///
/// # Errors
///
/// 404 for callers that are no account; 409 if it is on; 422 for a wrong password; 429 after ten of them in a minute.
pub async fn begin(
    store: &Store,
    limits: &Limits,
    actor: &Actor,
    password: OwnPassword,
) -> Result<NewTwoStep> {
    let account = own(actor)?;
    sessions::verify_own_password(store, limits, account, password.password).await?;
    let mut tx = store.write().await?;
    let known = accounts::get(&mut tx, actor, account).await?;
    if known.has_two_step {
        return Err(Error::conflict(
            "two_step_on",
            "Two-step sign-in is on. Switch it off before you set it up again.",
        ));
    }
    let (org, now) = (actor.org, tx.now);
    let subject = known.person.unwrap_or(account);
    let shared = totp::new_secret();
    let sealed = tx.keys().seal(org, subject, USAGE, &shared)?;
    tx.execute(
        "INSERT INTO two_step (org, account, secret, begun) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (org, account) DO UPDATE SET secret = $3, begun = $4",
        values![org, account, sealed, now],
    )
    .await?;
    let new = shown(&mut tx, org, &known.mail, &shared).await?;
    tx.commit().await?;
    Ok(new)
}

/// The secret that [`begin`] made, as long as its first code is awaited.
///
/// # Errors
///
/// 404 for callers that are no account; 409 if there is none, or it is too old.
pub async fn pending(tx: &mut Transaction, actor: &Actor) -> Result<NewTwoStep> {
    let account = accounts::get(tx, actor, own(actor)?).await?;
    let shared = awaited(tx, actor.org, &account).await?;
    shown(tx, actor.org, &account.mail, &shared).await
}

async fn awaited(
    tx: &mut Transaction,
    org: Id,
    account: &accounts::Account,
) -> Result<SharedSecret> {
    let earliest = tx.now.saturating_sub(PENDING).map_err(Error::internal)?;
    let row = tx
        .row(
            "SELECT secret FROM two_step WHERE org = $1 AND account = $2 AND since IS NULL AND begun > $3",
            values![org, account.id, earliest],
        )
        .await?;
    let row = row.ok_or_else(|| {
        Error::conflict(
            "two_step_not_begun",
            "The set-up was not begun, or took longer than 15 minutes. Begin again.",
        )
    })?;
    let subject = account.person.unwrap_or(account.id);
    opened(tx, org, subject, &row.get::<Vec<u8>>("secret")?)
}

fn opened(tx: &Transaction, org: Id, subject: Id, sealed: &[u8]) -> Result<SharedSecret> {
    let plain = tx.keys().open(org, subject, USAGE, sealed)?;
    plain
        .and_then(|plain| plain.try_into().ok())
        .ok_or_else(|| Error::internal("the secret of two-step sign-in cannot be read"))
}

async fn shown(
    tx: &mut Transaction,
    org: Id,
    mail: &str,
    shared: &SharedSecret,
) -> Result<NewTwoStep> {
    // Apps divide the label at the colon.
    let issuer = organisations::name(tx, org).await?.replace(':', " ");
    let (issuer, mail) = (text::encode(&issuer), text::encode(mail));
    let secret = totp::base32(shared);
    let uri = format!(
        "otpauth://totp/{issuer}:{mail}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    );
    Ok(NewTwoStep { secret, uri })
}

/// The recovery codes, and the session that goes on.
#[derive(Clone, Debug)]
pub struct SwitchedOn {
    /// The codes.
    pub codes: RecoveryCodes,
    /// The session of this browser. The earlier one ended with all others.
    pub session: tokens::IssuedToken,
}

/// Switches two-step sign-in on, with the first code of the app. All sessions of the account end, and a new one begins.
///
/// # Errors
///
/// 404 for callers that are no account; 409 as [`pending`]; 422 for a wrong code; 429 after ten of them in 15 minutes.
pub async fn confirm(
    store: &Store,
    limits: &Limits,
    actor: &Actor,
    first: &FirstCode,
    browser: &str,
) -> Result<SwitchedOn> {
    let (org, account) = (actor.org, own(actor)?);
    let key = account.to_string();
    limits.codes.take(&key, store.services().clock.now())?;
    let mut tx = store.write().await?;
    let known = accounts::get(&mut tx, actor, account).await?;
    let shared = awaited(&mut tx, org, &known).await?;
    let now = tx.now;
    let step = totp::step(&shared, &folded(&first.code), now, 0).ok_or_else(wrong_code)?;
    limits.codes.forget(&key);
    tx.execute(
        "UPDATE two_step SET since = $3, last_step = $4 WHERE org = $1 AND account = $2",
        values![org, account, now, step],
    )
    .await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = totp::base32(&secret::random()[..RECOVERY_BYTES]);
        let hash = recovery_hash(&tx, account, &code);
        tx.execute(
            "INSERT INTO recovery_code (org, account, hash) VALUES ($1, $2, $3)",
            values![org, account, hash],
        )
        .await?;
        codes.push(grouped(&code));
    }
    tokens::revoke_sessions(&mut tx, org, account).await?;
    let session = tokens::issue_session(&mut tx, org, account, browser).await?;
    let subject = Subject::Person(known.person.unwrap_or(account));
    let detail = json!({ "account": account });
    audit::record(&mut tx, actor, "two_step_switched_on", subject, detail).await?;
    tx.commit().await?;
    Ok(SwitchedOn {
        codes: RecoveryCodes {
            recovery_codes: codes,
        },
        session,
    })
}

/// Switches two-step sign-in of the own account off.
///
/// # Errors
///
/// 404 for callers that are no account; 409 if it is off; 422 for a wrong password or code; 429 after too many of them.
pub async fn switch_off(
    store: &Store,
    limits: &Limits,
    actor: &Actor,
    proof: OwnProof,
) -> Result<()> {
    let (org, account) = (actor.org, own(actor)?);
    let by_code = !proof.code.trim().is_empty();
    let key = account.to_string();
    if by_code {
        limits.codes.take(&key, store.services().clock.now())?;
    } else if proof.password.is_empty() {
        let detail = "State the password or a code.";
        return Err(Error::invalid("/password", "empty", detail));
    } else {
        sessions::verify_own_password(store, limits, account, proof.password).await?;
    }
    let mut tx = store.write().await?;
    let known = accounts::get(&mut tx, actor, account).await?;
    if !known.has_two_step {
        return Err(Error::conflict("two_step_off", "Two-step sign-in is off."));
    }
    let subject = known.person.unwrap_or(account);
    if by_code {
        if !redeem(&mut tx, actor, account, subject, &proof.code).await? {
            return Err(wrong_code());
        }
        limits.codes.forget(&key);
    }
    remove(&mut tx, org, account).await?;
    let detail = json!({ "account": account });
    let subject = Subject::Person(subject);
    audit::record(&mut tx, actor, "two_step_switched_off", subject, detail).await?;
    tx.commit().await
}

/// Switches two-step sign-in of somebody off who has lost the app and the recovery codes. The sessions of the account end.
///
/// # Errors
///
/// 403 without the role of an admin; 404 if there is no such account, or it is off; 409 for the own account.
pub async fn reset(tx: &mut Transaction, actor: &Actor, account: Id) -> Result<()> {
    actor.require(&[Role::Admin])?;
    let known = accounts::get(tx, actor, account).await?;
    if actor.principal == Principal::Account(account) {
        let detail = "Switch off your own two-step sign-in with the password or a code.";
        return Err(Error::conflict("own_two_step", detail));
    }
    if !known.has_two_step {
        return Err(Error::not_found("two-step sign-in"));
    }
    let org = actor.org;
    remove(tx, org, account).await?;
    tokens::revoke_sessions(tx, org, account).await?;
    let subject = Subject::Person(known.person.unwrap_or(account));
    let detail = json!({ "account": account });
    audit::record(tx, actor, "two_step_reset", subject, detail).await
}

/// Uses a code of the app or a recovery code up. Returns `false` if it is wrong or was used. The caller counts the attempt.
pub(super) async fn redeem(
    tx: &mut Transaction,
    actor: &Actor,
    account: Id,
    subject: Id,
    typed: &str,
) -> Result<bool> {
    let org = actor.org;
    let row = tx
        .row(
            "SELECT secret, last_step FROM two_step WHERE org = $1 AND account = $2 AND since IS NOT NULL",
            values![org, account],
        )
        .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    let (typed, now) = (folded(typed), tx.now);
    if typed.len() == 6 {
        let shared = opened(tx, org, subject, &row.get::<Vec<u8>>("secret")?)?;
        let Some(step) = totp::step(&shared, &typed, now, row.get("last_step")?) else {
            return Ok(false);
        };
        tx.execute(
            "UPDATE two_step SET last_step = $3 WHERE org = $1 AND account = $2",
            values![org, account, step],
        )
        .await?;
        return Ok(true);
    }
    let hash = recovery_hash(tx, account, &typed);
    let used = tx
        .execute(
            "UPDATE recovery_code SET used = $4 WHERE org = $1 AND account = $2 AND hash = $3 AND used IS NULL",
            values![org, account, hash, now],
        )
        .await?;
    if used == 0 {
        return Ok(false);
    }
    let detail = json!({ "account": account });
    let subject = Subject::Person(subject);
    audit::record(tx, actor, "recovery_code_used", subject, detail).await?;
    Ok(true)
}

async fn remove(tx: &mut Transaction, org: Id, account: Id) -> Result<()> {
    for statement in [
        "DELETE FROM recovery_code WHERE org = $1 AND account = $2",
        "DELETE FROM two_step WHERE org = $1 AND account = $2",
    ] {
        tx.execute(statement, values![org, account]).await?;
    }
    Ok(())
}

/// Removes the secrets and codes of the accounts of a person.
pub(super) async fn remove_of_person(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    for statement in [
        "DELETE FROM recovery_code WHERE org = $1 \
         AND account IN (SELECT id FROM account WHERE org = $1 AND person = $2)",
        "DELETE FROM two_step WHERE org = $1 \
         AND account IN (SELECT id FROM account WHERE org = $1 AND person = $2)",
    ] {
        tx.execute(statement, values![org, person]).await?;
    }
    Ok(())
}

/// A code as it is compared: people type spaces, hyphens and small letters.
fn folded(typed: &str) -> String {
    let letters = typed.chars();
    let letters = letters.filter(|letter| !letter.is_whitespace() && *letter != '-');
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// A recovery code in groups of four letters.
fn grouped(code: &str) -> String {
    let mut grouped = String::with_capacity(code.len() * 5 / 4);
    for (position, letter) in code.chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            grouped.push('-');
        }
        grouped.push(letter);
    }
    grouped
}

fn recovery_hash(tx: &Transaction, account: Id, folded: &str) -> [u8; 32] {
    let parts: [&[u8]; 3] = [b"recovery code", account.as_bytes(), folded.as_bytes()];
    secret::keyed_hash(&tx.services().secret, &parts)
}

/// The code of the error of a code that is wrong or was used.
pub const WRONG_CODE: &str = "wrong_code";

const WRONG_CODE_DETAIL: &str =
    "The code is wrong, or was used already. Type the one that the app shows now.";

fn wrong_code() -> Error {
    Error::invalid("/code", WRONG_CODE, WRONG_CODE_DETAIL)
}

/// The error of a wrong code when somebody signs in.
pub(super) fn wrong_code_at_sign_in() -> Error {
    Error::new(ErrorKind::Unauthenticated, WRONG_CODE, WRONG_CODE_DETAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_compared_as_people_type_them() {
        assert_eq!(folded(" 123 456"), "123456");
        assert_eq!(grouped("ABCDEFGHIJKLMNOP"), "ABCD-EFGH-IJKL-MNOP");
        assert_eq!(folded("abcd-efgh ijkl-mnop"), "ABCDEFGHIJKLMNOP");
    }
}
