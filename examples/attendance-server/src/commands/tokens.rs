//! Tokens: browser sessions, API tokens, tokens of devices, invitations, badges, and the one-time set-up.
//!
//! One table has all of them. A token is 256 random bits, and only its hash is kept.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{accounts, audit, audit::Subject, people, sites};
use crate::{
    access::{Actor, EDITORS, Grant, Principal, Role},
    db::Row,
    error::{Error, ErrorKind, Result},
    id::Id,
    secret,
    store::Transaction,
    text, values,
};

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A browser in which somebody has signed in.
    Session,
    /// A program.
    Api,
    /// A device.
    Device,
    /// A link by which somebody sets the password of an account, once.
    Invitation,
    /// The QR code of a person.
    Badge,
    /// The link of the set-up of the server.
    Setup,
    /// The link by which a kiosk gets the token of its device, once.
    Pairing,
}

impl TokenKind {
    const ALL: [Self; 7] = [
        Self::Session,
        Self::Api,
        Self::Device,
        Self::Invitation,
        Self::Badge,
        Self::Setup,
        Self::Pairing,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Api => "api",
            Self::Device => "device",
            Self::Invitation => "invitation",
            Self::Badge => "badge",
            Self::Setup => "setup",
            Self::Pairing => "pairing",
        }
    }
}

/// A session ends this long after its last use.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(12);

/// A session ends at most this long after its beginning.
const SESSION_LENGTH: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation ends after this long.
const INVITATION_LENGTH: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The last use is written at most once in this time.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_mins(5);

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Token {
    /// The id.
    pub id: Id,
    /// The kind.
    pub kind: TokenKind,
    /// A description: the browser, the program, the device.
    pub label: String,
    /// The account, of sessions and invitations; of an API token, the one that made it.
    pub account: Option<Id>,
    /// The device.
    pub device: Option<Id>,
    /// The person, of badges.
    pub person: Option<Id>,
    /// The role, of API tokens.
    pub role: Option<Role>,
    /// The site to which an API token is limited.
    pub site: Option<Id>,
    /// The time of its creation.
    #[schemars(with = "crate::schema::Time")]
    pub created: Timestamp,
    /// The time of its last use, to five minutes.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub last_used: Option<Timestamp>,
    /// The time of its end.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub expires: Option<Timestamp>,
}

/// A new token with its secret, which is never shown again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IssuedToken {
    /// The id.
    pub id: Id,
    /// The secret.
    pub token: String,
}

/// A new API token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiToken {
    /// A description; at most 200 characters.
    pub label: String,
    /// The role: admin, manager or auditor.
    pub role: Role,
    /// The site to which it is limited, for managers.
    #[serde(default)]
    pub site: Option<Id>,
    /// The days until it ends, 1 to 3650; none for no end.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3650))]
    pub days: Option<u32>,
}

/// The owner of a new token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owner {
    pub(super) account: Option<Id>,
    pub(super) device: Option<Id>,
    pub(super) person: Option<Id>,
    pub(super) grant: Option<Grant>,
}

/// Makes a token.
pub(super) async fn issue(
    tx: &mut Transaction,
    org: Option<Id>,
    kind: TokenKind,
    label: &str,
    owner: Owner,
    expires: Option<Timestamp>,
) -> Result<IssuedToken> {
    let (id, token) = (tx.new_id(), secret::token());
    insert(tx, id, org, kind, &token, label, owner, expires).await?;
    Ok(IssuedToken { id, token })
}

#[expect(clippy::too_many_arguments, reason = "one for each column")]
async fn insert(
    tx: &mut Transaction,
    id: Id,
    org: Option<Id>,
    kind: TokenKind,
    token: &str,
    label: &str,
    owner: Owner,
    expires: Option<Timestamp>,
) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "INSERT INTO token (id, org, kind, hash, label, account, device, person, role, site, created, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values![
            id,
            org,
            kind.as_str(),
            secret::hash(token),
            label,
            owner.account,
            owner.device,
            owner.person,
            owner.grant.map(|grant| grant.role.as_str()),
            owner.grant.and_then(|grant| grant.site),
            now,
            expires
        ],
    )
    .await?;
    Ok(())
}

/// Begins a session of an account.
pub(super) async fn issue_session(
    tx: &mut Transaction,
    org: Id,
    account: Id,
    browser: &str,
) -> Result<IssuedToken> {
    let expires = tx
        .now
        .saturating_add(SESSION_LENGTH)
        .map_err(Error::internal)?;
    let label: String = browser
        .chars()
        .filter(|it| !it.is_control())
        .take(200)
        .collect();
    let owner = Owner {
        account: Some(account),
        ..Owner::default()
    };
    issue(
        tx,
        Some(org),
        TokenKind::Session,
        &label,
        owner,
        Some(expires),
    )
    .await
}

/// Makes an API token. It works as long as the account that made it is an admin.
///
/// # Errors
///
/// 403 without the role of an admin; 422 for a wrong value.
pub async fn create_api_token(
    tx: &mut Transaction,
    actor: &Actor,
    input: NewApiToken,
) -> Result<IssuedToken> {
    actor.require(&[Role::Admin])?;
    let label = text::checked("/label", &input.label, 200)?;
    match (input.role, input.site) {
        (Role::Manager, Some(site)) => drop(sites::get(tx, actor, site).await?),
        (Role::Admin | Role::Manager | Role::Auditor, None) => {}
        (Role::Admin | Role::Auditor, Some(_)) => {
            let detail = format!("The role {} is for the whole organisation.", input.role);
            return Err(Error::invalid("/site", "role_with_site", detail));
        }
        (Role::Member | Role::Device, _) => {
            let detail = "An API token has the role admin, manager or auditor.";
            return Err(Error::invalid("/role", "token_role", detail));
        }
    }
    let expires = match input.days {
        None => None,
        Some(days) if (1..=3650).contains(&days) => {
            let length = SignedDuration::from_hours(24 * i64::from(days));
            Some(tx.now.saturating_add(length).map_err(Error::internal)?)
        }
        Some(days) => {
            let detail = format!("days is {days}; it must be 1 to 3650.");
            return Err(Error::invalid("/days", "days_out_of_range", detail));
        }
    };
    let grant = Grant {
        role: input.role,
        site: input.site,
    };
    // The token ends with the account that made it, also if a token of the account made it.
    let account = match actor.principal {
        Principal::Account(account) => Some(account),
        Principal::Token(token) => {
            let row = tx
                .row("SELECT account FROM token WHERE id = $1", values![token])
                .await?;
            row.map_or(Ok(None), |row| row.get("account"))?
        }
        _ => None,
    };
    let owner = Owner {
        account,
        grant: Some(grant),
        ..Owner::default()
    };
    let issued = issue(tx, Some(actor.org), TokenKind::Api, &label, owner, expires).await?;
    let detail =
        json!({ "label": label, "role": input.role, "site": input.site, "expires": expires });
    audit::record(
        tx,
        actor,
        "token_created",
        Subject::Thing(issued.id),
        detail,
    )
    .await?;
    Ok(issued)
}

/// Makes the link by which somebody sets the password of an account. Earlier links of the account end.
///
/// # Errors
///
/// 403 without the role of an admin; 404 if there is no such account.
pub async fn invite(tx: &mut Transaction, actor: &Actor, account: Id) -> Result<IssuedToken> {
    actor.require(&[Role::Admin])?;
    let known = accounts::get(tx, actor, account).await?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $3 WHERE org = $1 AND account = $2 AND kind = 'invitation' AND revoked IS NULL",
        values![actor.org, account, now],
    )
    .await?;
    let expires = tx
        .now
        .saturating_add(INVITATION_LENGTH)
        .map_err(Error::internal)?;
    let owner = Owner {
        account: Some(account),
        ..Owner::default()
    };
    let issued = issue(
        tx,
        Some(actor.org),
        TokenKind::Invitation,
        "invitation",
        owner,
        Some(expires),
    )
    .await?;
    let subject = Subject::Person(known.person.unwrap_or(account));
    audit::record(
        tx,
        actor,
        "account_invited",
        subject,
        json!({ "account": account }),
    )
    .await?;
    Ok(issued)
}

/// Makes the badge of a person: the secret of a QR code. Earlier badges of the person end.
///
/// # Errors
///
/// 403 and 404 as for changes of people.
pub async fn create_badge(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<IssuedToken> {
    let known = people::get(tx, actor, person).await?;
    actor.require_at(known.site, EDITORS)?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $3 WHERE org = $1 AND person = $2 AND kind = 'badge' AND revoked IS NULL",
        values![actor.org, person, now],
    )
    .await?;
    let owner = Owner {
        person: Some(person),
        ..Owner::default()
    };
    let issued = issue(tx, Some(actor.org), TokenKind::Badge, "badge", owner, None).await?;
    audit::record(
        tx,
        actor,
        "badge_created",
        Subject::Person(person),
        json!({ "token": issued.id }),
    )
    .await?;
    Ok(issued)
}

/// The person of a badge.
pub(super) async fn badge_owner(tx: &mut Transaction, org: Id, code: &str) -> Result<Option<Id>> {
    let row = live(tx, code, TokenKind::Badge).await?;
    match row {
        Some(row) if row.get::<Option<Id>>("org")? == Some(org) => row.get("person"),
        _ => Ok(None),
    }
}

/// The tokens that work: all of the organisation for an admin, else the actor's own sessions.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<Token>> {
    let own = match actor.principal {
        Principal::Account(id) => Some(id),
        _ => None,
    };
    let all = actor.require(&[Role::Admin]).is_ok();
    let now = tx.now;
    let rows = tx
        .rows(
            "SELECT id, kind, label, account, device, person, role, site, created, last_used, expires FROM token \
             WHERE org = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2) ORDER BY id DESC",
            values![actor.org, now],
        )
        .await?;
    let mut tokens = Vec::new();
    for row in &rows {
        let token = read(row)?;
        if all || (own.is_some() && token.account == own && token.kind == TokenKind::Session) {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

fn read(row: &Row) -> Result<Token> {
    let kind: String = row.get("kind")?;
    let kind = TokenKind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind);
    let role: Option<String> = row.get("role")?;
    Ok(Token {
        id: row.get("id")?,
        kind: kind.ok_or_else(|| Error::internal("a token has an unknown kind"))?,
        label: row.get("label")?,
        account: row.get("account")?,
        device: row.get("device")?,
        person: row.get("person")?,
        role: role.as_deref().map(Role::named).transpose()?,
        site: row.get("site")?,
        created: row.get("created")?,
        last_used: row.get("last_used")?,
        expires: row.get("expires")?,
    })
}

/// Ends a token. Its next use is refused.
///
/// # Errors
///
/// 404 if the actor has no such token.
pub async fn revoke(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<()> {
    let known = list(tx, actor).await?;
    let token = known.into_iter().find(|token| token.id == id);
    let token = token.ok_or_else(|| Error::not_found("token"))?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $2 WHERE id = $1",
        values![id, now],
    )
    .await?;
    let detail = json!({ "kind": token.kind, "label": token.label });
    audit::record(tx, actor, "token_revoked", Subject::Thing(id), detail).await
}

/// Ends all sessions of an account.
pub(super) async fn revoke_sessions(tx: &mut Transaction, org: Id, account: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $3 WHERE org = $1 AND account = $2 AND kind = 'session' AND revoked IS NULL",
        values![org, account, now],
    )
    .await?;
    Ok(())
}

/// Ends all tokens of a device.
pub(super) async fn revoke_device(tx: &mut Transaction, org: Id, device: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $3 WHERE org = $1 AND device = $2 AND revoked IS NULL",
        values![org, device, now],
    )
    .await?;
    Ok(())
}

/// The row of a token that works.
async fn live(tx: &mut Transaction, token: &str, kind: TokenKind) -> Result<Option<Row>> {
    let now = tx.now;
    tx.row(
        "SELECT id, org, account, device, person, role, site, last_used, created FROM token \
         WHERE hash = $1 AND kind = $2 AND revoked IS NULL AND (expires IS NULL OR expires > $3)",
        values![secret::hash(token), kind.as_str(), now],
    )
    .await
}

/// The actor of a request, and whether [`used`] should be called.
#[derive(Clone, Debug)]
pub struct Recognized {
    /// The actor.
    pub actor: Actor,
    /// The last use is so long ago that it should be written.
    pub is_stale: bool,
}

/// The actor of a session, an API token or a device's token; none if the token does not work.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn recognize(
    tx: &mut Transaction,
    token: &str,
    kind: TokenKind,
) -> Result<Option<Recognized>> {
    let Some(row) = live(tx, token, kind).await? else {
        return Ok(None);
    };
    let now = tx.now;
    let last: Option<Timestamp> = row.get("last_used")?;
    let last = last.unwrap_or(row.get("created")?);
    if kind == TokenKind::Session && now.duration_since(last) > SESSION_IDLE {
        return Ok(None);
    }
    let (id, org): (Id, Option<Id>) = (row.get("id")?, row.get("org")?);
    let Some(org) = org else {
        return Ok(None);
    };
    let (principal, grants, person) = match kind {
        TokenKind::Session => {
            let account: Id = row.get("account")?;
            let Some(person) = enabled(tx, org, account).await? else {
                return Ok(None);
            };
            let grants = accounts::grants(tx, org, account).await?;
            (Principal::Account(account), grants, person)
        }
        TokenKind::Api => {
            if let Some(account) = row.get("account")? {
                let is_enabled = enabled(tx, org, account).await?.is_some();
                // Only admins make tokens.
                let admin = Grant {
                    role: Role::Admin,
                    site: None,
                };
                if !is_enabled || !accounts::grants(tx, org, account).await?.contains(&admin) {
                    return Ok(None);
                }
            }
            let role = Role::named(&row.get::<String>("role")?)?;
            let grant = Grant {
                role,
                site: row.get("site")?,
            };
            (Principal::Token(id), vec![grant], None)
        }
        TokenKind::Device => {
            let device: Id = row.get("device")?;
            let known = tx
                .row(
                    "SELECT site FROM device WHERE org = $1 AND id = $2 AND disabled IS NULL",
                    values![org, device],
                )
                .await?;
            let Some(known) = known else {
                return Ok(None);
            };
            let grant = Grant {
                role: Role::Device,
                site: Some(known.get("site")?),
            };
            (Principal::Device(device), vec![grant], None)
        }
        TokenKind::Invitation | TokenKind::Badge | TokenKind::Setup | TokenKind::Pairing => {
            return Ok(None);
        }
    };
    let actor = Actor {
        org,
        principal,
        grants,
        person,
        token: Some(id),
    };
    Ok(Some(Recognized {
        actor,
        is_stale: now.duration_since(last) > USE_RESOLUTION
            || row.get::<Option<Timestamp>>("last_used")?.is_none(),
    }))
}

/// The person of an account that may sign in, or no person if it has none; `None` if the account may not sign in.
async fn enabled(tx: &mut Transaction, org: Id, account: Id) -> Result<Option<Option<Id>>> {
    let known = tx
        .row(
            "SELECT a.person FROM account a LEFT JOIN person p ON p.org = a.org AND p.id = a.person \
             WHERE a.org = $1 AND a.id = $2 AND a.disabled IS NULL AND p.deactivated IS NULL",
            values![org, account],
        )
        .await?;
    known.map(|row| row.get("person")).transpose()
}

/// Writes the last use of a token.
///
/// # Errors
///
/// If the database cannot be written.
pub async fn used(tx: &mut Transaction, token: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE token SET last_used = $2 WHERE id = $1",
        values![token, now],
    )
    .await?;
    Ok(())
}

/// `true` if the token of a device works, by its id.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn device_token_works(tx: &mut Transaction, token: Id) -> Result<bool> {
    let now = tx.now;
    let row = tx
        .row(
            "SELECT t.id FROM token t JOIN device d ON d.org = t.org AND d.id = t.device \
             WHERE t.id = $1 AND t.kind = 'device' AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2) \
             AND d.disabled IS NULL",
            values![token, now],
        )
        .await?;
    Ok(row.is_some())
}

/// The organisation and the device of a pairing link.
pub(super) async fn paired(tx: &mut Transaction, token: &str) -> Result<(Id, Id)> {
    let row = live(tx, token, TokenKind::Pairing).await?;
    let row = row.ok_or_else(wrong_link)?;
    let org: Option<Id> = row.get("org")?;
    Ok((org.ok_or_else(wrong_link)?, row.get("device")?))
}

/// The account of an invitation.
pub(super) async fn invited(tx: &mut Transaction, token: &str) -> Result<(Id, Id, Id)> {
    let row = live(tx, token, TokenKind::Invitation).await?;
    let row = row.ok_or_else(wrong_link)?;
    Ok((row.get("id")?, row.get("org")?, row.get("account")?))
}

/// Makes the one-time token of the set-up, in place of an earlier one. `chosen` is a token that the operator has chosen.
///
/// # Errors
///
/// If the database cannot be written, or the chosen token has less than 20 characters.
pub async fn begin_setup(tx: &mut Transaction, chosen: Option<String>) -> Result<String> {
    end_setup(tx).await?;
    let token = match chosen {
        Some(token) if token.chars().count() < 20 => {
            let detail = "A set-up token has at least 20 characters.";
            return Err(Error::invalid("/setup_token", "setup_token_short", detail));
        }
        Some(token) => token,
        None => secret::token(),
    };
    let id = tx.new_id();
    let owner = Owner::default();
    insert(
        tx,
        id,
        None,
        TokenKind::Setup,
        &token,
        "set-up",
        owner,
        None,
    )
    .await?;
    Ok(token)
}

/// Fails unless the token is that of the set-up.
///
/// # Errors
///
/// 403.
pub async fn check_setup(tx: &mut Transaction, token: &str) -> Result<()> {
    live(tx, token, TokenKind::Setup)
        .await?
        .map(drop)
        .ok_or_else(wrong_link)
}

/// Ends the set-up.
pub(super) async fn end_setup(tx: &mut Transaction) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $1 WHERE kind = 'setup' AND revoked IS NULL",
        values![now],
    )
    .await?;
    Ok(())
}

/// The code of the error of a link that does not work.
pub const WRONG_LINK: &str = "wrong_link";

fn wrong_link() -> Error {
    Error::new(
        ErrorKind::Forbidden,
        WRONG_LINK,
        "The link is wrong, was used already, or is too old. Ask for a new one.",
    )
}

/// Removes the badges of a person, and all tokens of the person's accounts.
pub(super) async fn remove_of_person(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    tx.execute(
        "DELETE FROM token WHERE org = $1 AND (person = $2 \
         OR account IN (SELECT id FROM account WHERE org = $1 AND person = $2))",
        values![org, person],
    )
    .await?;
    Ok(())
}
