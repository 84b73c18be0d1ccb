//! Refusals at doors: a face that is nobody's, or a picture of one. Nobody is named, and no picture is kept.

use attendance_rules::PunchSource;
use jiff::Timestamp;
use serde_json::json;

use super::{
    days, devices,
    sightings::{Answer, Outcome},
};
use crate::{
    access::{Actor, Principal},
    error::{Error, Result},
    store::Transaction,
    text, values,
};

/// The refusal of a face.
#[derive(Clone, Debug)]
pub struct RefusedFace {
    /// The start of the device's program.
    pub boot: String,
    /// The number of the frame that decided.
    pub sequence: i64,
    /// The time of the frame, by the device's clock.
    pub at: Timestamp,
    /// The reason, as a stable code: `unknown` or `spoof`.
    pub code: &'static str,
}

/// Records a refusal as a sighting of nobody. A frame that was recorded before changes nothing.
///
/// # Errors
///
/// 403 unless the actor is a device.
pub async fn record(tx: &mut Transaction, actor: &Actor, refused: RefusedFace) -> Result<()> {
    let Principal::Device(device) = actor.principal else {
        return Err(Error::forbidden());
    };
    let boot = text::checked("/boot", &refused.boot, 64)?;
    let site = devices::get(tx, actor, device).await?.site;
    let (id, now) = (tx.new_id(), tx.now);
    let answer = Answer {
        sighting: id,
        outcome: Outcome::Refused,
        direction: None,
        at: refused.at.min(now),
        person: None,
        name: None,
        punch: None,
        seconds_left: None,
        code: Some(refused.code.to_owned()),
        reason: None,
    };
    let added = tx
        .execute(
            "INSERT INTO sighting (org, id, device, boot, sequence, at, received, source, answer) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (org, device, boot, sequence) DO NOTHING",
            values![
                actor.org,
                id,
                device,
                boot,
                refused.sequence,
                refused.at,
                now,
                days::word_of(&PunchSource::Face)?,
                serde_json::to_string(&answer)?
            ],
        )
        .await?;
    if added > 0 {
        let data =
            json!({ "sighting": id, "device": device, "at": answer.at, "code": refused.code });
        tx.event(actor.org, "sighting_refused", Some(site), None, data)
            .await?;
    }
    Ok(())
}
