//! Erasure of people: names, templates, photos, accounts and the key. Punches stay under the id alone.

use std::sync::Arc;

use serde_json::json;

use super::{
    accounts, audit, audit::Subject, consents, enrolments, idempotency, people, templates, tokens,
};
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    id::Id,
    recognition::Recognition,
    store::{Store, Transaction},
    values,
};

/// Erases a person. `number` is the staff number, typed once more. The caller commits, and then calls [`complete`], or
/// [`finish`] in a program without recognition.
///
/// # Errors
///
/// 403 without the role of an admin; 404 if there is no such person; 409 if the last admin would be erased; 422 if the number
/// is another one.
pub async fn person(tx: &mut Transaction, actor: &Actor, id: Id, number: &str) -> Result<()> {
    actor.require(&[Role::Admin])?;
    let person = people::get(tx, actor, id).await?;
    if number.trim() != person.number {
        let detail = "This is not the number of the person.";
        return Err(Error::invalid("/number", "wrong_number", detail));
    }
    let org = actor.org;
    let removed = templates::remove_all(tx, org, id).await?;
    enrolments::remove_all(tx, org, id).await?;
    consents::end(tx, actor, id).await?;
    tokens::remove_of_person(tx, org, id).await?;
    accounts::remove_of_person(tx, org, id).await?;
    idempotency::remove_of_person(tx, org, id).await?;
    people::erase(tx, org, id).await?;
    let now = tx.now;
    tx.execute(
        "INSERT INTO forgetting (org, subject, queued) VALUES ($1, $2, $3) ON CONFLICT (org, subject) DO NOTHING",
        values![org, id, now],
    )
    .await?;
    // Not under the person's key, so that the erasure itself stays readable.
    let detail = json!({ "templates_removed": removed });
    audit::record(tx, actor, "person_erased", Subject::Thing(id), detail).await?;
    tx.event(org, "person_erased", Some(person.site), Some(id), json!({}))
        .await
}

/// Completes an erasure that is committed: recognition forgets the person, and the vault the key. Both happen also if one of
/// them fails, and if the caller goes away meanwhile. The note of the erasure is in the database, so that the next call of
/// [`finish`] makes up for a failure here; the log says so.
///
/// # Errors
///
/// If recognition cannot be told.
pub async fn complete(
    store: &Store,
    recognition: &Arc<dyn Recognition>,
    org: Id,
    person: Id,
) -> Result<()> {
    let (store, recognition) = (store.clone(), Arc::clone(recognition));
    let completed = tokio::spawn(async move {
        let followed = templates::follow(&store, &*recognition, org, person).await;
        if let Err(error) = finish(&store).await {
            tracing::error!(%error, "an erasure is not finished; the server tries again");
        }
        followed
    });
    completed.await.map_err(Error::internal)?
}

/// Finishes erasures that are committed: the vault forgets the keys, and the log of the database is emptied. To be called
/// after each erasure, and before the server listens. Returns the number of people.
///
/// # Errors
///
/// If the vault or the database cannot be written. The next call tries again.
pub async fn finish(store: &Store) -> Result<usize> {
    let mut tx = store.read().await?;
    let rows = tx
        .rows(
            "SELECT org, subject FROM forgetting ORDER BY org, queued",
            values![],
        )
        .await?;
    let queued: Result<Vec<(Id, Id)>> = rows
        .iter()
        .map(|row| Ok((row.get("org")?, row.get("subject")?)))
        .collect();
    let queued = queued?;
    drop(tx);
    if queued.is_empty() {
        return Ok(0);
    }
    for of_org in queued.chunk_by(|(one, _), (other, _)| one == other) {
        let subjects: Vec<Id> = of_org.iter().map(|(_, subject)| *subject).collect();
        store.services().keys.forget(of_org[0].0, &subjects).await?;
    }
    store.engine().empty_log().await?;
    let mut tx = store.write().await?;
    for &(org, subject) in &queued {
        tx.execute(
            "DELETE FROM forgetting WHERE org = $1 AND subject = $2",
            values![org, subject],
        )
        .await?;
    }
    tx.commit().await?;
    Ok(queued.len())
}
