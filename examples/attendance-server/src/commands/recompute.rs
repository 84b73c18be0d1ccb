//! Evaluates all days again: after an upgrade of the rules, or to check that the kept days are right.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{audit, audit::Subject, days, days::DayChange};
use crate::{RULES_VERSION, access::Actor, error::Result, id::Id, store::Store, values};

/// The result of [`recompute`].
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Report {
    /// The number of people.
    pub people: usize,
    /// The days that differ, with their people.
    pub changes: Vec<(Id, DayChange)>,
}

/// Evaluates the days of all people from their first one on. With `only_check`, days are compared with an evaluation as of
/// the last one, and nothing is changed; days in closed periods are never changed.
///
/// Each person is a transaction of its own. An interrupted recomputation can be repeated.
///
/// # Errors
///
/// If the database cannot be used, or the rules refuse its rows.
pub async fn recompute(store: &Store, org: Id, only_check: bool) -> Result<Report> {
    let mut tx = store.read().await?;
    let rows = tx
        .rows(
            "SELECT id FROM person WHERE org = $1 AND erased IS NULL ORDER BY id",
            values![org],
        )
        .await?;
    let mut report = Report::default();
    if !only_check {
        drop(tx);
        for row in &rows {
            let person = row.get("id")?;
            let mut tx = store.write().await?;
            let evaluation = days::evaluate_all(&mut tx, org, person).await?;
            tx.commit().await?;
            report.changes.extend(
                evaluation
                    .changes
                    .into_iter()
                    .map(|change| (person, change)),
            );
        }
        let mut tx = store.write().await?;
        tx.execute(
            "UPDATE organisation SET evaluated_by = $2 WHERE id = $1",
            values![org, RULES_VERSION],
        )
        .await?;
        let days: Vec<_> = report
            .changes
            .iter()
            .take(1000)
            .map(|(person, change)| json!([person, change.date]))
            .collect();
        let detail =
            json!({ "rules": RULES_VERSION, "changed": report.changes.len(), "days": days });
        audit::record(
            &mut tx,
            &Actor::operator(org),
            "days_recomputed",
            Subject::Organisation,
            detail,
        )
        .await?;
        tx.commit().await?;
    } else {
        for row in &rows {
            let person = row.get("id")?;
            let changes = days::check(&mut tx, org, person).await?;
            report
                .changes
                .extend(changes.into_iter().map(|change| (person, change)));
        }
    }
    report.people = rows.len();
    Ok(report)
}

/// Evaluates all days again if another version of the rules made them.
///
/// # Errors
///
/// As [`recompute`].
pub async fn after_upgrade(store: &Store, org: Id) -> Result<Option<Report>> {
    let mut tx = store.read().await?;
    let row = tx
        .row(
            "SELECT evaluated_by FROM organisation WHERE id = $1",
            values![org],
        )
        .await?;
    let by: Option<String> = row.map(|row| row.get("evaluated_by")).transpose()?;
    drop(tx);
    match by {
        Some(by) if by != RULES_VERSION => recompute(store, org, false).await.map(Some),
        _ => Ok(None),
    }
}
