//! Review: the days that somebody must look at.

use attendance_rules::DayRecord;
use jiff::{Span, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{days, people};
use crate::{access::Actor, error::Result, id::Id, store::Transaction, values};

/// Days with a missing punch are listed for so many days.
const INCOMPLETE_DAYS: i64 = 62;

/// Days with an anomaly are listed for so many days.
const UNUSUAL_DAYS: i64 = 14;

/// The reason for which a day is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// A punch is missing.
    Incomplete,
    /// The rules report an anomaly.
    Unusual,
}

/// A day that somebody must look at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReviewItem {
    /// The person.
    pub person: Id,
    /// The date.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The reason.
    pub kind: ReviewKind,
    /// The record, as the rules have made it.
    #[schemars(with = "serde_json::Value")]
    pub record: DayRecord,
}

/// The days to review of the people whom the actor may see, the newest first. Days that go on are not among them.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<ReviewItem>> {
    let visible = people::visible_to(tx, actor).await?;
    let today = days::utc_date(tx.now);
    let rows = tx
        .rows(
            "SELECT person, date, status, record FROM day WHERE org = $1 AND is_final = 1 \
             AND ((status = 'INCOMPLETE' AND date >= $2) OR (record NOT LIKE '%\"anomalies\":0%' AND date >= $3)) \
             ORDER BY date DESC, person",
            values![actor.org, before(today, INCOMPLETE_DAYS), before(today, UNUSUAL_DAYS)],
        )
        .await?;
    let mut items = Vec::new();
    for row in &rows {
        let person: Id = row.get("person")?;
        if visible.get(person).is_none() {
            continue;
        }
        let kind = match row.get::<String>("status")?.as_str() {
            "INCOMPLETE" => ReviewKind::Incomplete,
            _ => ReviewKind::Unusual,
        };
        items.push(ReviewItem {
            person,
            date: row.get("date")?,
            kind,
            record: row.json("record")?,
        });
    }
    Ok(items)
}

/// The number of days with a missing punch.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn count(tx: &mut Transaction, actor: &Actor) -> Result<usize> {
    let visible = people::visible_to(tx, actor).await?;
    let today = days::utc_date(tx.now);
    let rows = tx
        .rows(
            "SELECT person FROM day WHERE org = $1 AND date >= $2 AND is_final = 1 AND status = 'INCOMPLETE'",
            values![actor.org, before(today, INCOMPLETE_DAYS)],
        )
        .await?;
    let mut count = 0;
    for row in &rows {
        let person: Id = row.get("person")?;
        count += usize::from(visible.get(person).is_some());
    }
    Ok(count)
}

fn before(date: Date, days: i64) -> Date {
    date.saturating_sub(Span::new().days(days))
}
