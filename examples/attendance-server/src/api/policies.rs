//! `/sites/{site}/policies`, `/sites/{site}/lock`, `/policy-schema`.

use attendance_rules::Policy;
use axum::extract::State;
use serde_json::{Map, Value};

use super::{
    Api,
    answer::{Created, Found},
    input::{Body, ById},
};
use crate::{
    commands::{
        locks::{self, Lock, NewLock},
        policies::{self, Effect, NewPolicy},
        sites::{self, PolicyVersion},
    },
    error::{Error, Result},
    http::Caller,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/sites/{site}/policies",
        "The versions of a site's policy, the newest first",
        list,
    )
    .post(
        "/sites/{site}/policies",
        "Adds a version of a site's policy",
        create,
    )
    .post(
        "/sites/{site}/policies/dry-run",
        "Says which days a policy would change",
        dry_run,
    )
    .get("/policy-schema", "The JSON Schema of policies", schema)
    .get("/sites/{site}/lock", "The closed period of a site", lock)
    .put(
        "/sites/{site}/lock",
        "Closes the days of a site up to one, or opens them again",
        set_lock,
    )
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(site): ById,
) -> Result<Found<Vec<PolicyVersion>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(sites::policy_versions(&mut tx, &actor, site).await?))
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(site): ById,
    Body(new): Body<NewPolicy>,
) -> Result<Created<Effect>> {
    let mut tx = server.store.write().await?;
    let effect = policies::apply(&mut tx, &actor, site, &new).await?;
    tx.commit().await?;
    Ok(Created(format!("/api/v1/sites/{site}/policies"), effect))
}

async fn dry_run(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(site): ById,
    Body(new): Body<NewPolicy>,
) -> Result<Found<Effect>> {
    let mut tx = server.store.read().await?;
    Ok(Found(policies::dry_run(&mut tx, &actor, site, &new).await?))
}

async fn schema() -> Result<Found<Map<String, Value>>> {
    match Policy::json_schema() {
        Value::Object(schema) => Ok(Found(schema)),
        other => Err(Error::internal(format!(
            "the schema of policies is {other}"
        ))),
    }
}

async fn lock(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(site): ById,
) -> Result<Found<Lock>> {
    let mut tx = server.store.read().await?;
    Ok(Found(locks::get(&mut tx, &actor, site).await?))
}

async fn set_lock(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(site): ById,
    Body(new): Body<NewLock>,
) -> Result<Found<Lock>> {
    let mut tx = server.store.write().await?;
    let lock = locks::set(&mut tx, &actor, site, new).await?;
    tx.commit().await?;
    Ok(Found(lock))
}
