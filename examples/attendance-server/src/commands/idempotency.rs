//! Requests that are sent again: the same key gets the first answer.

use jiff::SignedDuration;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    access::Actor,
    error::{Error, Result},
    id::Id,
    secret,
    store::Transaction,
    values,
};

/// An answer is kept for this long.
const LENGTH: SignedDuration = SignedDuration::from_hours(24);

/// The use for which answers are sealed.
const USAGE: &str = "idempotency";

/// The first answer to a key; none if the key is new.
///
/// # Errors
///
/// 422 if the key came with another request.
pub async fn replay<T: DeserializeOwned>(
    tx: &mut Transaction,
    actor: &Actor,
    key: &str,
    request: &impl Serialize,
) -> Result<Option<T>> {
    let now = tx.now;
    let row = tx
        .row(
            "SELECT body_hash, subject, answer FROM idempotency WHERE org = $1 AND principal = $2 AND key = $3 AND until > $4",
            values![actor.org, actor.label(), key, now],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    if row.get::<Vec<u8>>("body_hash")? != hash(request)? {
        let detail = "The Idempotency-Key was used for another request.";
        return Err(Error::invalid("/Idempotency-Key", "key_reused", detail));
    }
    let plain = tx.keys().open(
        actor.org,
        row.get("subject")?,
        USAGE,
        &row.get::<Vec<u8>>("answer")?,
    )?;
    Ok(plain
        .map(|plain| serde_json::from_slice(&plain))
        .transpose()?)
}

/// Keeps the answer to a key for a day. Older answers are removed. The key of `subject` seals it: the person whom the answer
/// is about, or the organisation.
///
/// # Errors
///
/// If the database cannot be written.
pub async fn keep(
    tx: &mut Transaction,
    actor: &Actor,
    key: &str,
    request: &impl Serialize,
    answer: &impl Serialize,
    subject: Id,
) -> Result<()> {
    let plain = serde_json::to_vec(answer)?;
    let sealed = tx.keys().seal(actor.org, subject, USAGE, &plain)?;
    let now = tx.now;
    tx.execute("DELETE FROM idempotency WHERE until <= $1", values![now])
        .await?;
    let until = now.saturating_add(LENGTH).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO idempotency (org, principal, key, body_hash, subject, answer, until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            actor.org,
            actor.label(),
            key,
            hash(request)?,
            subject,
            sealed,
            until
        ],
    )
    .await?;
    Ok(())
}

/// Removes the answers about a person who is erased, and those under the key of the organisation, which can quote anybody.
/// Nothing is opened, so that an answer that does not open stops no erasure.
pub(super) async fn remove_of_person(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    tx.execute(
        "DELETE FROM idempotency WHERE org = $1 AND subject IN ($2, $1)",
        values![org, person],
    )
    .await?;
    Ok(())
}

fn hash(request: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_string(request)?;
    Ok(secret::hash(&text).to_vec())
}
