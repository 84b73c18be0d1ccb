//! `/corrections`, and the punches and corrections of a person.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    answer::{Created, Found},
    input::{Body, ById, IdempotencyKey, Values},
};
use crate::{
    commands::{
        corrections::{self, Correction, MadeCorrection, NewCorrection},
        idempotency,
        punches::{self, Punch, PunchPeriod},
    },
    error::Result,
    http::Caller,
    id::Id,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/corrections",
        "Adds, replaces or voids a punch, with a reason",
        create,
    )
    .post(
        "/corrections/{correction}/undo",
        "Undoes a correction",
        undo,
    )
    .get(
        "/people/{person}/corrections",
        "The corrections of a person, the newest first",
        list,
    )
    .get(
        "/people/{person}/punches",
        "The punches of a person in a period, with their outcomes",
        list_punches,
    )
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewCorrection>,
) -> Result<Created<MadeCorrection>> {
    let mut tx = server.store.write().await?;
    let made = match idempotency::replay(&mut tx, &actor, &key, &new).await? {
        Some(made) => made,
        None => {
            let made = corrections::make(&mut tx, &actor, new.clone()).await?;
            idempotency::keep(&mut tx, &actor, &key, &new, &made, new.person).await?;
            tx.commit().await?;
            made
        }
    };
    Ok(Created(location(&made), made))
}

/// The reason of an undoing.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Undo {
    /// The reason, which is kept; at most 500 characters.
    reason: String,
}

async fn undo(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
    IdempotencyKey(key): IdempotencyKey,
    Body(undo): Body<Undo>,
) -> Result<Created<MadeCorrection>> {
    let request: (Id, &Undo) = (id, &undo);
    let mut tx = server.store.write().await?;
    let made = match idempotency::replay(&mut tx, &actor, &key, &request).await? {
        Some(made) => made,
        None => {
            let made = corrections::undo(&mut tx, &actor, id, &undo.reason).await?;
            idempotency::keep(
                &mut tx,
                &actor,
                &key,
                &request,
                &made,
                made.correction.person,
            )
            .await?;
            tx.commit().await?;
            made
        }
    };
    Ok(Created(location(&made), made))
}

fn location(made: &MadeCorrection) -> String {
    format!("/api/v1/people/{}/corrections", made.correction.person)
}

async fn list(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
) -> Result<Found<Vec<Correction>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(corrections::list(&mut tx, &actor, person).await?))
}

async fn list_punches(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
    Values(period): Values<PunchPeriod>,
) -> Result<Found<Vec<Punch>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(punches::list(&mut tx, &actor, person, period).await?))
}
