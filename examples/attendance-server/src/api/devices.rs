//! `/devices`.

use axum::extract::State;

use super::{
    Api,
    answer::{Created, Found, Versioned},
    input::{Body, ById, IfMatch},
};
use crate::{
    commands::{
        devices::{self, AddedDevice, Device, DeviceChanges, NewDevice},
        tokens::IssuedToken,
    },
    error::Result,
    http::Caller,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get("/devices", "Devices, by name", list)
        .post("/devices", "Adds a device and makes its token", create)
        .get("/devices/{device}", "A device", get)
        .patch("/devices/{device}", "Changes a device", update)
        .post(
            "/devices/{device}/token",
            "Makes a new token of a device; earlier ones end",
            new_token,
        )
}

async fn list(State(server): State<Server>, Caller(actor): Caller) -> Result<Found<Vec<Device>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(devices::list(&mut tx, &actor).await?))
}

async fn get(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Versioned<Device>> {
    let mut tx = server.store.read().await?;
    let device = devices::get(&mut tx, &actor, id).await?;
    Ok(Versioned(device.version, device))
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    Body(input): Body<NewDevice>,
) -> Result<Created<AddedDevice>> {
    let mut tx = server.store.write().await?;
    let added = devices::create(&mut tx, &actor, input).await?;
    tx.commit().await?;
    Ok(Created(
        format!("/api/v1/devices/{}", added.device.id),
        added,
    ))
}

async fn update(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    IfMatch(version): IfMatch,
    Body(changes): Body<DeviceChanges>,
) -> Result<Versioned<Device>> {
    let mut tx = server.store.write().await?;
    let device = devices::update(&mut tx, &actor, id, Some(version), changes).await?;
    tx.commit().await?;
    Ok(Versioned(device.version, device))
}

async fn new_token(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Created<IssuedToken>> {
    let mut tx = server.store.write().await?;
    let token = devices::new_token(&mut tx, &actor, id).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/tokens/{}", token.id), token))
}
