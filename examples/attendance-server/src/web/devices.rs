//! `/devices`: pairing, health and withdrawal.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    PageResult,
    audit::main_zone,
    input::{Form, Path},
    mark::Mark,
    page::{Choice, Page, Refused},
    people::site_choices,
    render,
    visitor::Visitor,
};
use crate::{
    access::{Actor, EDITORS},
    commands::{
        devices::{self, Device, DeviceChanges, NewDevice},
        sites,
    },
    error::{ErrorKind, Result},
    http::Caller,
    id::Id,
    server::Server,
    store::Transaction,
};

/// A device that sent nothing for so long is silent.
const SILENT: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/devices", get(list).post(pair))
        .route("/devices/{device}/renew", post(renew))
        .route("/devices/{device}/withdraw", post(withdraw))
}

/// The health of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It sent something lately.
    Working,
    /// It sent something, but not lately.
    Silent,
    /// It never sent anything.
    Waiting,
    /// It may send nothing.
    Withdrawn,
}

/// The health of a device at a time.
pub(super) fn health(device: &Device, now: Timestamp) -> Health {
    match (device.disabled, device.last_seen) {
        (Some(_), _) => Health::Withdrawn,
        (None, None) => Health::Waiting,
        (None, Some(seen)) if now.duration_since(seen) > SILENT => Health::Silent,
        _ => Health::Working,
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    page: Page,
    devices: Vec<DeviceRow>,
    sites: Vec<Choice>,
    /// The name and the token of a device that got one just now. The token is shown once.
    paired: Option<(String, String)>,
    error: Option<Refused>,
    edits: bool,
}

/// A row of the list.
struct DeviceRow {
    id: Id,
    name: String,
    place: String,
    site: String,
    mark: Mark,
    state: String,
    seen: String,
    active: bool,
}

async fn devices_page(
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
) -> Result<DevicesPage> {
    let title = visitor.language.say("devices");
    let page = visitor.page(tx, actor, "/devices", title).await?;
    let zone = main_zone(tx, actor).await?;
    let sites: HashMap<Id, String> = sites::list(tx, actor)
        .await?
        .into_iter()
        .map(|site| (site.id, site.name))
        .collect();
    let now = tx.now;
    let row = |device: Device| {
        let (mark, key) = match health(&device, now) {
            Health::Working => (Mark::Present, "device-working"),
            Health::Silent => (Mark::Late, "device-silent"),
            Health::Waiting => (Mark::Unknown, "device-waiting"),
            Health::Withdrawn => (Mark::Absent, "device-withdrawn"),
        };
        let seen = device
            .last_seen
            .map(|seen| seen.to_zoned_datetime(zone.clone()).datetime());
        DeviceRow {
            id: device.id,
            site: sites.get(&device.site).cloned().unwrap_or_default(),
            name: device.name,
            place: device.place.unwrap_or_default(),
            mark,
            state: page.say(key),
            seen: seen.map_or_else(|| page.say("never"), |seen| page.short_date_and_time(seen)),
            active: device.disabled.is_none(),
        }
    };
    let devices = devices::list(tx, actor)
        .await?
        .into_iter()
        .map(row)
        .collect();
    Ok(DevicesPage {
        devices,
        sites: site_choices(tx, actor, None).await?,
        paired: None,
        error: None,
        edits: actor.has_any(EDITORS),
        page,
    })
}

async fn list(State(server): State<Server>, Caller(actor): Caller, visitor: Visitor) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&devices_page(&mut tx, &actor, &visitor).await?)
}

#[derive(Deserialize)]
struct Pairing {
    name: String,
    site: Id,
}

async fn pair(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Form(pairing): Form<Pairing>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let input = NewDevice {
        site: pairing.site,
        name: pairing.name,
        place: None,
    };
    match devices::create(&mut tx, &actor, input).await {
        Ok(added) => {
            tx.commit().await?;
            shown_once(
                &server,
                &actor,
                &visitor,
                added.device.name,
                added.token.token,
            )
            .await
        }
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {
            drop(tx);
            let mut tx = server.store.read().await?;
            let mut page = devices_page(&mut tx, &actor, &visitor).await?;
            page.error = Some(Refused::of(&error, visitor.language));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The list with a token that is not shown again.
async fn shown_once(
    server: &Server,
    actor: &Actor,
    visitor: &Visitor,
    name: String,
    token: String,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let mut page = devices_page(&mut tx, actor, visitor).await?;
    page.paired = Some((name, token));
    render(&page)
}

/// A new token; the device may send again.
async fn renew(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let changes = DeviceChanges {
        disabled: Some(false),
        ..DeviceChanges::default()
    };
    let device = devices::update(&mut tx, &actor, id, None, changes).await?;
    let issued = devices::new_token(&mut tx, &actor, id).await?;
    tx.commit().await?;
    shown_once(&server, &actor, &visitor, device.name, issued.token).await
}

async fn withdraw(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let changes = DeviceChanges {
        disabled: Some(true),
        ..DeviceChanges::default()
    };
    devices::update(&mut tx, &actor, id, None, changes).await?;
    tx.commit().await?;
    Ok(Redirect::to("/devices?done=withdrawn").into_response())
}
