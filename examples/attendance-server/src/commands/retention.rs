//! Removes rows at the end of their retention. Punches, corrections, days and the audit stay.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    error::{Error, Result},
    store::Transaction,
    values,
};

/// Sightings are kept for this long. Their punches stay.
pub const SIGHTINGS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Events are kept for this long. A listener that is farther behind reads the whole state again.
pub const EVENTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tokens that ended are kept for this long.
pub const ENDED_TOKENS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The number of rows that were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removed {
    /// Sightings.
    pub sightings: u64,
    /// Events.
    pub events: u64,
    /// Tokens that ended.
    pub tokens: u64,
    /// Answers to requests with an idempotency key.
    pub answers: u64,
}

/// Removes the rows of all organisations whose retention has ended.
///
/// # Errors
///
/// If the database cannot be written.
pub async fn remove_old(tx: &mut Transaction) -> Result<Removed> {
    let now = tx.now;
    let before = |length: SignedDuration| now.saturating_sub(length).map_err(Error::internal);
    Ok(Removed {
        sightings: tx
            .execute(
                "DELETE FROM sighting WHERE received < $1",
                values![before(SIGHTINGS)?],
            )
            .await?,
        events: tx
            .execute("DELETE FROM event WHERE at < $1", values![before(EVENTS)?])
            .await?,
        tokens: tx
            .execute(
                "DELETE FROM token WHERE revoked < $1 OR expires < $1",
                values![before(ENDED_TOKENS)?],
            )
            .await?,
        answers: tx
            .execute("DELETE FROM idempotency WHERE until <= $1", values![now])
            .await?,
    })
}
