//! `/devices`: pairing, health and withdrawal.

use std::collections::HashMap;

use askama::{Template, filters::Safe};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    PageResult,
    audit::main_zone,
    input::{Form, Path, origin},
    mark::Mark,
    page::{Choice, Page, Refused},
    people::site_choices,
    qr, render,
    visitor::Visitor,
};
use crate::{
    access::{Actor, EDITORS},
    commands::{
        devices::{self, Device, DeviceChanges, NewDevice},
        pairing, sites,
        tokens::IssuedToken,
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
    /// A device that got a token and a pairing link just now. They are shown once.
    paired: Option<Paired>,
    error: Option<Refused>,
    edits: bool,
}

/// A device with the secrets that are shown once.
struct Paired {
    name: String,
    /// The token, for devices without a browser.
    token: String,
    /// The link by which a kiosk gets a token of its own.
    link: String,
    qr: Safe<String>,
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
    headers: HeaderMap,
    Form(pairing): Form<Pairing>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let input = NewDevice {
        site: pairing.site,
        name: pairing.name,
        place: None,
    };
    match devices::create(&mut tx, &actor, input).await {
        Ok(added) => shown_once(tx, &actor, &visitor, &headers, added.device, added.token).await,
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

/// Makes a pairing link, commits, and renders the list with the secrets that are not shown again.
async fn shown_once(
    mut tx: Transaction,
    actor: &Actor,
    visitor: &Visitor,
    headers: &HeaderMap,
    device: Device,
    token: IssuedToken,
) -> PageResult {
    let code = pairing::invite(&mut tx, actor, device.id).await?;
    let link = pairing_link(headers, &code.token);
    let mut page = devices_page(&mut tx, actor, visitor).await?;
    let label = page.page.say("kiosk-pair-qr");
    page.paired = Some(Paired {
        name: device.name,
        token: token.token,
        qr: qr::svg(&link, &label)?,
        link,
    });
    tx.commit().await?;
    render(&page)
}

/// The link by which a kiosk is paired. The code is behind `#`, so that no browser sends it in an address.
fn pairing_link(headers: &HeaderMap, code: &str) -> String {
    format!("{}/kiosk#pair={code}", origin(headers))
}

/// A new token; the device may send again.
async fn renew(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let changes = DeviceChanges {
        disabled: Some(false),
        ..DeviceChanges::default()
    };
    let device = devices::update(&mut tx, &actor, id, None, changes).await?;
    let issued = devices::new_token(&mut tx, &actor, id).await?;
    shown_once(tx, &actor, &visitor, &headers, device, issued).await
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
