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

/// Removes the answers about a person who is erased, and the answers about others that quote one of these texts.
pub(super) async fn remove_of_person<'a>(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    texts: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let quoted: Result<Vec<String>> = texts
        .map(|text| {
            let json = serde_json::to_string(text)?;
            Ok(json.trim_matches('"').to_owned())
        })
        .collect();
    let quoted = quoted?;
    let rows = tx
        .rows(
            "SELECT principal, key, subject, answer FROM idempotency WHERE org = $1",
            values![org],
        )
        .await?;
    for row in rows {
        let (subject, sealed): (Id, Vec<u8>) = (row.get("subject")?, row.get("answer")?);
        let plain = tx.keys().open(org, subject, USAGE, &sealed)?;
        let answer = String::from_utf8(plain.unwrap_or_default()).map_err(Error::internal)?;
        if subject == person || quoted.iter().any(|text| answer.contains(text.as_str())) {
            let (principal, key): (String, String) = (row.get("principal")?, row.get("key")?);
            tx.execute(
                "DELETE FROM idempotency WHERE org = $1 AND principal = $2 AND key = $3",
                values![org, principal, key],
            )
            .await?;
        }
    }
    Ok(())
}

fn hash(request: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_string(request)?;
    Ok(secret::hash(&text).to_vec())
}
