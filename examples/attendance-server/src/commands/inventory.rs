//! The records that are kept about people: the number of records of each kind.

use schemars::JsonSchema;
use serde::Serialize;

use super::people;
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    id::Id,
    store::Transaction,
    values,
};

/// The number of records of each kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Inventory {
    /// People: number, name, mail address, site, first and last day.
    pub people: usize,
    /// The reports of devices.
    pub sightings: usize,
    /// The times of coming and going.
    pub punches: usize,
    /// Corrections of punches.
    pub corrections: usize,
    /// Days that were evaluated.
    pub days: usize,
    /// Audit records; none for a person, since their subjects are sealed with them.
    pub audit_records: Option<usize>,
}

/// The records of the organisation.
///
/// # Errors
///
/// 403 without the role of an admin or an auditor.
pub async fn of_organisation(tx: &mut Transaction, actor: &Actor) -> Result<Inventory> {
    actor.require(&[Role::Admin, Role::Auditor])?;
    let row = tx
        .row(
            "SELECT (SELECT COUNT(*) FROM person WHERE org = $1 AND erased IS NULL) AS people, \
             (SELECT COUNT(*) FROM sighting WHERE org = $1) AS sightings, \
             (SELECT COUNT(*) FROM punch WHERE org = $1) AS punches, \
             (SELECT COUNT(*) FROM correction WHERE org = $1) AS corrections, \
             (SELECT COUNT(*) FROM day WHERE org = $1) AS days, \
             (SELECT COUNT(*) FROM audit WHERE org = $1) AS audit_records",
            values![actor.org],
        )
        .await?
        .ok_or_else(|| Error::internal("a row of counts is missing"))?;
    let count = |column| Ok::<_, Error>(usize::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok(Inventory {
        people: count("people")?,
        sightings: count("sightings")?,
        punches: count("punches")?,
        corrections: count("corrections")?,
        days: count("days")?,
        audit_records: Some(count("audit_records")?),
    })
}

/// The records of a person whom the actor may see.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn of_person(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Inventory> {
    people::get(tx, actor, person).await?;
    let row = tx
        .row(
            "SELECT (SELECT COUNT(*) FROM sighting WHERE org = $1 AND person = $2) AS sightings, \
             (SELECT COUNT(*) FROM punch WHERE org = $1 AND person = $2) AS punches, \
             (SELECT COUNT(*) FROM correction WHERE org = $1 AND person = $2) AS corrections, \
             (SELECT COUNT(*) FROM day WHERE org = $1 AND person = $2) AS days",
            values![actor.org, person],
        )
        .await?
        .ok_or_else(|| Error::internal("a row of counts is missing"))?;
    let count = |column| Ok::<_, Error>(usize::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok(Inventory {
        people: 1,
        sightings: count("sightings")?,
        punches: count("punches")?,
        corrections: count("corrections")?,
        days: count("days")?,
        audit_records: None,
    })
}
