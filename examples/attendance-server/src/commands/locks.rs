//! Closed periods: after payroll, the days of a site stay as they are.

use jiff::{Span, Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, days, people, sites};
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    id::Id,
    store::Transaction,
    values,
};

/// The closed period of a site.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lock {
    /// The site.
    pub site: Id,
    /// The last day that is closed; none if no day is.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub through: Option<Date>,
    /// The time at which it was set.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub set_at: Option<Timestamp>,
    /// The one who set it.
    pub set_by: Option<String>,
}

/// A new end of the closed period.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLock {
    /// The last day that is closed; null opens all days.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub through: Option<Date>,
}

/// The closed period of a site.
///
/// # Errors
///
/// 404 if there is no such site.
pub async fn get(tx: &mut Transaction, actor: &Actor, site: Id) -> Result<Lock> {
    sites::get(tx, actor, site).await?;
    let row = tx
        .row(
            "SELECT through, set_at, set_by FROM period_lock WHERE org = $1 AND site = $2",
            values![actor.org, site],
        )
        .await?;
    Ok(match row {
        Some(row) => Lock {
            site,
            through: row.get("through")?,
            set_at: row.get("set_at")?,
            set_by: row.get("set_by")?,
        },
        None => Lock {
            site,
            through: None,
            set_at: None,
            set_by: None,
        },
    })
}

/// Closes the days of a site up to one, or opens days again, also those that people brought closed from an earlier site.
/// All days are evaluated before they are closed.
///
/// # Errors
///
/// 403; 404; 422 if the last day is not at least two days ago, since nights may still be open.
pub async fn set(tx: &mut Transaction, actor: &Actor, site: Id, new: NewLock) -> Result<Lock> {
    let before = get(tx, actor, site).await?;
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let directory = people::directory(tx, org).await?;
    match new.through {
        Some(through) => {
            let today = sites::timeline(tx, org, site).await?.date(tx.now);
            let latest = today.saturating_sub(Span::new().days(2));
            if through > latest {
                let detail = format!("The last closed day can be {latest} at the latest.");
                return Err(Error::invalid("/through", "too_recent", detail));
            }
            for entry in directory.people().iter().filter(|entry| entry.site == site) {
                days::evaluate_from(tx, org, entry.id, through).await?;
            }
            let now = tx.now;
            tx.execute(
                "INSERT INTO period_lock (org, site, through, set_at, set_by) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (org, site) DO UPDATE SET through = excluded.through, set_at = excluded.set_at, \
                 set_by = excluded.set_by",
                values![org, site, through, now, actor.label()],
            )
            .await?;
        }
        None => {
            tx.execute(
                "DELETE FROM period_lock WHERE org = $1 AND site = $2",
                values![org, site],
            )
            .await?;
        }
    }
    let opens = new
        .through
        .is_none_or(|new| before.through.is_some_and(|before| new < before));
    if opens {
        open_for_arrivals(tx, org, site, new.through).await?;
        let directory = people::directory(tx, org).await?;
        // Days that were closed may differ from an evaluation of today.
        let from = new
            .through
            .map_or(Date::MIN, |through| through.tomorrow().unwrap_or(through));
        for entry in directory.people().iter().filter(|entry| entry.site == site) {
            days::evaluate_from(tx, org, entry.id, from).await?;
        }
    }
    let detail = json!({ "before": before.through, "after": new.through });
    audit::record(tx, actor, "period_closed", Subject::Thing(site), detail).await?;
    tx.event(
        org,
        "period_closed",
        Some(site),
        None,
        json!({ "through": new.through }),
    )
    .await?;
    get(tx, actor, site).await
}

/// Opens the days after one that people brought closed from an earlier site; without one, all of them.
async fn open_for_arrivals(
    tx: &mut Transaction,
    org: Id,
    site: Id,
    through: Option<Date>,
) -> Result<()> {
    let opened = tx
        .execute(
            "UPDATE person SET closed_through = $3 WHERE org = $1 AND site = $2 \
             AND closed_through > COALESCE($3, '')",
            values![org, site, through],
        )
        .await?;
    if opened > 0 {
        people::changed(tx, org).await?;
    }
    Ok(())
}

/// Fails if a day is in a closed period, which ends with another day.
pub(super) fn check_open(closed: Option<Date>, date: Date) -> Result<()> {
    match closed {
        Some(through) if date <= through => {
            let detail = format!("{date} is in a closed period, which ends with {through}.");
            Err(Error::conflict("period_closed", detail))
        }
        _ => Ok(()),
    }
}
