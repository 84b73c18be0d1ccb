//! Devices: kiosks, cameras and terminals. Each has a token of its own.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    audit,
    audit::Subject,
    people, sites,
    tokens::{self, IssuedToken, Owner, TokenKind},
};
use crate::{
    access::{Actor, EDITORS, Principal, READERS},
    db::Row,
    error::{Error, Result},
    id::Id,
    patch::Patch,
    store::Transaction,
    text, values,
};

/// A device.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Device {
    /// The id.
    pub id: Id,
    /// The site.
    pub site: Id,
    /// The name, unique in the organisation.
    pub name: String,
    /// The place, such as "north door".
    pub place: Option<String>,
    /// The time from which it may send nothing; none if it may.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub disabled: Option<Timestamp>,
    /// The time at which it last sent something.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub last_seen: Option<Timestamp>,
    /// The version, which `If-Match` names.
    pub version: i64,
}

/// A new device.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// The site.
    pub site: Id,
    /// The name, unique in the organisation; at most 100 characters.
    pub name: String,
    /// The place; at most 100 characters.
    #[serde(default)]
    pub place: Option<String>,
}

/// Changes of a device. Absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceChanges {
    /// The name.
    pub name: Option<String>,
    /// The place; null removes it.
    pub place: Patch<String>,
    /// `true` if it may send nothing. Its token does not work then.
    pub disabled: Option<bool>,
}

/// A new device with its token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddedDevice {
    /// The device.
    pub device: Device,
    /// The token, which is never shown again.
    pub token: IssuedToken,
}

/// The devices whose sites the actor sees, by name.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<Device>> {
    let rows = tx
        .rows(
            "SELECT id, site, name, place, disabled, last_seen, version FROM device WHERE org = $1 ORDER BY name",
            values![actor.org],
        )
        .await?;
    let scope = actor.scope(READERS);
    let devices: Result<Vec<Device>> = rows.iter().map(read).collect();
    Ok(devices?
        .into_iter()
        .filter(|device| scope.has_site(device.site))
        .collect())
}

/// The devices whose pictures the actor may see, by name: those in use at the sites whose people the actor manages.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn watchable(tx: &mut Transaction, actor: &Actor) -> Result<Vec<Device>> {
    let scope = actor.scope(EDITORS);
    let mut devices = list(tx, actor).await?;
    devices.retain(|device| device.disabled.is_none() && scope.has_site(device.site));
    Ok(devices)
}

/// A device whose site the actor sees.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Device> {
    let row = tx
        .row(
            "SELECT id, site, name, place, disabled, last_seen, version FROM device WHERE org = $1 AND id = $2",
            values![actor.org, id],
        )
        .await?;
    let device = row.map(|row| read(&row)).transpose()?;
    let is_own = actor.principal == Principal::Device(id);
    let visible = device.filter(|device| is_own || actor.scope(READERS).has_site(device.site));
    visible.ok_or_else(|| Error::not_found("device"))
}

fn read(row: &Row) -> Result<Device> {
    Ok(Device {
        id: row.get("id")?,
        site: row.get("site")?,
        name: row.get("name")?,
        place: row.get("place")?,
        disabled: row.get("disabled")?,
        last_seen: row.get("last_seen")?,
        version: row.get("version")?,
    })
}

/// Adds a device, and makes its token.
///
/// # Errors
///
/// 403 for a site that is not the actor's; 404 for a site that is not there; 409 if the name is taken; 422.
pub async fn create(tx: &mut Transaction, actor: &Actor, input: NewDevice) -> Result<AddedDevice> {
    sites::get(tx, actor, input.site).await?;
    actor.require_at(input.site, EDITORS)?;
    let name = text::checked("/name", &input.name, 100)?;
    let place = text::checked_optional("/place", input.place.as_deref(), 100)?;
    check_name(tx, actor.org, &name, None).await?;
    let (id, now) = (tx.new_id(), tx.now);
    tx.execute(
        "INSERT INTO device (org, id, site, name, place, created) VALUES ($1, $2, $3, $4, $5, $6)",
        values![actor.org, id, input.site, name.clone(), place.clone(), now],
    )
    .await?;
    let token = issue(tx, actor, id, &name).await?;
    let detail = json!({ "name": name, "place": place, "site": input.site });
    audit::record(tx, actor, "device_created", Subject::Thing(id), detail).await?;
    tx.event(
        actor.org,
        "device_created",
        Some(input.site),
        None,
        json!({ "device": id }),
    )
    .await?;
    Ok(AddedDevice {
        device: get(tx, actor, id).await?,
        token,
    })
}

pub(super) async fn issue(
    tx: &mut Transaction,
    actor: &Actor,
    device: Id,
    name: &str,
) -> Result<IssuedToken> {
    let owner = Owner {
        device: Some(device),
        ..Owner::default()
    };
    tokens::issue(tx, Some(actor.org), TokenKind::Device, name, owner, None).await
}

/// Changes a device.
///
/// # Errors
///
/// 403, 404, 409, 412 and 422.
pub async fn update(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    version: Option<i64>,
    changes: DeviceChanges,
) -> Result<Device> {
    let before = get(tx, actor, id).await?;
    actor.require_at(before.site, EDITORS)?;
    people::check_version(version, before.version)?;
    let name = text::checked(
        "/name",
        changes.name.as_deref().unwrap_or(&before.name),
        100,
    )?;
    check_name(tx, actor.org, &name, Some(id)).await?;
    let mut place = before.place.clone();
    changes.place.apply(&mut place);
    let place = text::checked_optional("/place", place.as_deref(), 100)?;
    let disabled = match changes.disabled {
        Some(true) => before.disabled.or(Some(tx.now)),
        Some(false) => None,
        None => before.disabled,
    };
    tx.execute(
        "UPDATE device SET name = $3, place = $4, disabled = $5, version = version + 1 WHERE org = $1 AND id = $2",
        values![actor.org, id, name, place, disabled],
    )
    .await?;
    let after = get(tx, actor, id).await?;
    let detail = json!({ "before": before, "after": after });
    audit::record(tx, actor, "device_changed", Subject::Thing(id), detail).await?;
    tx.event(
        actor.org,
        "device_changed",
        Some(after.site),
        None,
        json!({ "device": id }),
    )
    .await?;
    Ok(after)
}

/// Makes a new token of a device. Earlier ones end.
///
/// # Errors
///
/// 403 and 404.
pub async fn new_token(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<IssuedToken> {
    let device = get(tx, actor, id).await?;
    actor.require_at(device.site, EDITORS)?;
    tokens::revoke_device(tx, actor.org, id).await?;
    let token = issue(tx, actor, id, &device.name).await?;
    audit::record(
        tx,
        actor,
        "device_token_created",
        Subject::Thing(id),
        json!({ "token": token.id }),
    )
    .await?;
    Ok(token)
}

/// Writes that the device sent something.
///
/// # Errors
///
/// If the database cannot be written.
pub async fn seen(tx: &mut Transaction, org: Id, id: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE device SET last_seen = $3 WHERE org = $1 AND id = $2",
        values![org, id, now],
    )
    .await?;
    Ok(())
}

async fn check_name(tx: &mut Transaction, org: Id, name: &str, own: Option<Id>) -> Result<()> {
    let row = tx
        .row(
            "SELECT id FROM device WHERE org = $1 AND name = $2",
            values![org, name],
        )
        .await?;
    let other: Option<Id> = row.map(|row| row.get("id")).transpose()?;
    if other.is_some() && other != own {
        return Err(
            Error::conflict("name_taken", format!("There is a device {name:?} already."))
                .at("/name"),
        );
    }
    Ok(())
}
