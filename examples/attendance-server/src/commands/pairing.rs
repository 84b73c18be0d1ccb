//! Pairing: a link, or its QR code, by which a kiosk gets the token of its device, once.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    audit,
    audit::Subject,
    devices,
    tokens::{self, IssuedToken, Owner, TokenKind},
};
use crate::{
    access::{Actor, EDITORS, Grant, Principal, Role},
    error::{Error, Result},
    id::Id,
    store::{Store, Transaction},
    values,
};

/// A pairing link ends after this long.
pub const LINK_LENGTH: SignedDuration = SignedDuration::from_hours(1);

/// The code of a pairing link.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The code.
    pub code: String,
}

impl std::fmt::Debug for Pairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairing").finish_non_exhaustive()
    }
}

/// A device that is paired, with its token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PairedDevice {
    /// The device.
    pub device: Id,
    /// The name of the device.
    pub name: String,
    /// The token, which is never shown again.
    pub token: String,
}

/// Makes the code of a pairing link. Earlier ones of the device end; its token works until the link is used.
///
/// # Errors
///
/// 403 and 404.
pub async fn invite(tx: &mut Transaction, actor: &Actor, device: Id) -> Result<IssuedToken> {
    let known = devices::get(tx, actor, device).await?;
    actor.require_at(known.site, EDITORS)?;
    let now = tx.now;
    tx.execute(
        "UPDATE token SET revoked = $3 WHERE org = $1 AND device = $2 AND kind = 'pairing' AND revoked IS NULL",
        values![actor.org, device, now],
    )
    .await?;
    let expires = now.saturating_add(LINK_LENGTH).map_err(Error::internal)?;
    let owner = Owner {
        device: Some(device),
        ..Owner::default()
    };
    let org = Some(actor.org);
    let issued = tokens::issue(
        tx,
        org,
        TokenKind::Pairing,
        &known.name,
        owner,
        Some(expires),
    )
    .await?;
    let detail = json!({ "token": issued.id });
    audit::record(
        tx,
        actor,
        "device_pairing_created",
        Subject::Thing(device),
        detail,
    )
    .await?;
    Ok(issued)
}

/// Gives the token of its device for a code. The code and earlier tokens of the device end.
///
/// It has the store and no transaction, so that a wrong code, which anybody can send, does not wait for those that write.
///
/// # Errors
///
/// 403 for a wrong code. It has 256 random bits, so that nobody guesses it.
pub async fn pair(store: &Store, input: &Pairing) -> Result<PairedDevice> {
    let mut tx = store.read().await?;
    tokens::paired(&mut tx, &input.code).await?;
    drop(tx);
    let mut tx = store.write().await?;
    let paired = exchange(&mut tx, input).await?;
    tx.commit().await?;
    Ok(paired)
}

async fn exchange(tx: &mut Transaction, input: &Pairing) -> Result<PairedDevice> {
    // Somebody may have used the code meanwhile.
    let (org, id) = tokens::paired(tx, &input.code).await?;
    let mut actor = Actor {
        org,
        principal: Principal::Device(id),
        grants: Vec::new(),
        person: None,
        token: None,
    };
    let device = devices::get(tx, &actor, id).await?;
    actor.grants.push(Grant {
        role: Role::Device,
        site: Some(device.site),
    });
    tokens::revoke_device(tx, org, id).await?;
    let token = devices::issue(tx, &actor, id, &device.name).await?;
    devices::seen(tx, org, id).await?;
    let detail = json!({ "token": token.id });
    audit::record(tx, &actor, "device_paired", Subject::Thing(id), detail).await?;
    Ok(PairedDevice {
        device: id,
        name: device.name,
        token: token.token,
    })
}
