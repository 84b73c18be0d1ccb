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
    /// Templates of faces.
    pub templates: usize,
    /// Small pictures of faces from which templates were made.
    pub crops: usize,
    /// Consents that hold.
    pub consents: usize,
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
             (SELECT COUNT(*) FROM template WHERE org = $1) AS templates, \
             (SELECT COUNT(*) FROM template WHERE org = $1 AND crop IS NOT NULL) AS crops, \
             (SELECT COUNT(*) FROM consent WHERE org = $1 AND withdrawn IS NULL) AS consents, \
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
        templates: count("templates")?,
        crops: count("crops")?,
        consents: count("consents")?,
        audit_records: Some(count("audit_records")?),
    })
}

/// The consents and erasures of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    /// People whose consent holds.
    pub consenting: usize,
    /// Consents that were withdrawn.
    pub withdrawn: usize,
    /// People who were erased.
    pub erased: usize,
    /// Erasures whose keys the vault has not forgotten yet.
    pub unfinished: usize,
}

/// The consents and erasures of the organisation.
///
/// # Errors
///
/// 403 without the role of an admin or an auditor.
pub async fn decisions(tx: &mut Transaction, actor: &Actor) -> Result<Decisions> {
    actor.require(&[Role::Admin, Role::Auditor])?;
    let row = tx
        .row(
            "SELECT (SELECT COUNT(*) FROM consent WHERE org = $1 AND withdrawn IS NULL) AS consenting, \
             (SELECT COUNT(*) FROM consent WHERE org = $1 AND withdrawn IS NOT NULL) AS withdrawn, \
             (SELECT COUNT(*) FROM person WHERE org = $1 AND erased IS NOT NULL) AS erased, \
             (SELECT COUNT(*) FROM forgetting WHERE org = $1) AS unfinished",
            values![actor.org],
        )
        .await?
        .ok_or_else(|| Error::internal("a row of counts is missing"))?;
    let count = |column| Ok::<_, Error>(usize::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok(Decisions {
        consenting: count("consenting")?,
        withdrawn: count("withdrawn")?,
        erased: count("erased")?,
        unfinished: count("unfinished")?,
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
             (SELECT COUNT(*) FROM day WHERE org = $1 AND person = $2) AS days, \
             (SELECT COUNT(*) FROM template WHERE org = $1 AND person = $2) AS templates, \
             (SELECT COUNT(*) FROM template WHERE org = $1 AND person = $2 AND crop IS NOT NULL) AS crops, \
             (SELECT COUNT(*) FROM consent WHERE org = $1 AND person = $2 AND withdrawn IS NULL) AS consents",
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
        templates: count("templates")?,
        crops: count("crops")?,
        consents: count("consents")?,
        audit_records: None,
    })
}
