//! "Not me": the person before a door says that the door has named somebody else. The punch is voided.

use attendance_rules::{Change, PunchSource};
use jiff::SignedDuration;

use super::{corrections, days, sightings};
use crate::{
    access::{Actor, Principal},
    db::Row,
    error::{Error, Result},
    id::Id,
    store::Transaction,
    values,
};

/// A punch can be voided at the door for this long. The page shows the button for ten seconds; the rest is for the way.
pub const AT_MOST: SignedDuration = SignedDuration::from_secs(15);

/// Voids the punch of a sighting by face, and returns the person of the sighting. A second call changes nothing.
///
/// # Errors
///
/// 403 unless the actor is a device; 404 if the sighting is not its own; 409 if it was no punch by face, or is too old, or the
/// day is in a closed period.
pub async fn disown(tx: &mut Transaction, actor: &Actor, sighting: Id) -> Result<Id> {
    let Principal::Device(device) = actor.principal else {
        return Err(Error::forbidden());
    };
    let row = tx
        .row(
            "SELECT person, received, source, answer FROM sighting WHERE org = $1 AND id = $2 AND device = $3",
            values![actor.org, sighting, device],
        )
        .await?;
    let row: Row = row.ok_or_else(|| Error::not_found("sighting"))?;
    let answer: sightings::Answer = row.json("answer")?;
    let by_face = row.get::<String>("source")? == days::word_of(&PunchSource::Face)?;
    let (true, Some(person), Some(punch)) = (by_face, row.get("person")?, answer.punch) else {
        let detail = "Only a punch by face can be voided at the door.";
        return Err(Error::conflict("not_by_face", detail));
    };
    if tx.now.duration_since(row.get("received")?) > AT_MOST {
        let detail = "The punch is too old. It is corrected on the page of the person.";
        return Err(Error::conflict("too_late", detail));
    }
    let name = punch.to_string();
    let is_voided =
        |change: &Change| matches!(change, Change::Void { punch } if punch.as_str() == name);
    let known = days::corrections(tx, actor.org, person).await?;
    if known.iter().any(|known| is_voided(&known.change)) {
        return Ok(person);
    }
    corrections::void_at_door(tx, actor, person, punch).await?;
    Ok(person)
}
