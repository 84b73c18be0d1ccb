//! Sites, and the versions of their policies.

use std::{collections::HashMap, sync::Arc};

use attendance_rules::{Policy, Rules};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, people};
use crate::{
    access::{Actor, Role},
    db::Row,
    error::{Error, Result},
    id::Id,
    presets,
    store::Transaction,
    text, values,
};

/// A site: a place with a time zone and a policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Site {
    /// The id.
    pub id: Id,
    /// The name, unique in the organisation.
    pub name: String,
    /// The time zone of the policy that applies today.
    pub time_zone: String,
    /// The version, which `If-Match` names.
    pub version: i64,
}

/// A new site.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// The name, unique in the organisation; at most 200 characters.
    pub name: String,
    /// The time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The preset of the first policy. See `GET /api/v1/presets`.
    pub preset: String,
}

/// Changes of a site. The time zone is part of the policy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SiteChanges {
    /// The name.
    pub name: Option<String>,
}

/// A version of a policy. It never changes; a later version takes its place from a date on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PolicyVersion {
    /// The id.
    pub id: Id,
    /// The site.
    pub site: Id,
    /// The first day on which it applies. Of several versions with the same first day, the newest applies.
    #[schemars(with = "crate::schema::Day")]
    pub applies_from: Date,
    /// The policy, as TOML.
    pub toml: String,
    /// The time of its creation.
    #[schemars(with = "crate::schema::Time")]
    pub created: Timestamp,
    /// The one who created it.
    pub created_by: String,
}

/// The first day of the first policy of a site: it applies to all days.
pub(crate) const ALWAYS: Date = jiff::civil::date(1901, 1, 1);

/// The sites, by name. A manager of a site sees all names, and changes the own site only.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn list(tx: &mut Transaction, actor: &Actor) -> Result<Vec<Site>> {
    let rows = tx
        .rows(
            "SELECT id, name, version FROM site WHERE org = $1 ORDER BY name",
            values![actor.org],
        )
        .await?;
    let mut timelines = timelines(tx, actor.org).await?;
    let mut sites = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.get("id")?;
        let policy = timelines.remove(&id).ok_or_else(|| no_policy(id))?;
        let today = policy.date(tx.now);
        sites.push(Site {
            id,
            name: row.get("name")?,
            time_zone: policy.at(today).rules.policy().site.time_zone.clone(),
            version: row.get("version")?,
        });
    }
    Ok(sites)
}

/// A site.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Site> {
    let row = tx
        .row(
            "SELECT name, version FROM site WHERE org = $1 AND id = $2",
            values![actor.org, id],
        )
        .await?
        .ok_or_else(|| Error::not_found("site"))?;
    let policy = timeline(tx, actor.org, id).await?;
    let today = policy.date(tx.now);
    Ok(Site {
        id,
        name: row.get("name")?,
        time_zone: policy.at(today).rules.policy().site.time_zone.clone(),
        version: row.get("version")?,
    })
}

/// Adds a site with a policy from a preset.
///
/// # Errors
///
/// 403; 409 if the name is taken; 422 for an unknown time zone or preset.
pub async fn create(tx: &mut Transaction, actor: &Actor, input: NewSite) -> Result<Site> {
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let name = text::checked("/name", &input.name, 200)?;
    TimeZone::get(&input.time_zone).map_err(|_| {
        let detail = format!(
            "{:?} is not a time zone of the IANA database, such as Europe/Berlin.",
            input.time_zone
        );
        Error::invalid("/time_zone", "unknown_time_zone", detail)
    })?;
    let toml = presets::policy(&input.preset, &input.time_zone)?;
    check_name(tx, org, &name, None).await?;
    let id = tx.new_id();
    let now = tx.now;
    tx.execute(
        "INSERT INTO site (org, id, name, created) VALUES ($1, $2, $3, $4)",
        values![org, id, name.clone(), now],
    )
    .await?;
    insert_policy(tx, actor, id, ALWAYS, &toml).await?;
    let detail = json!({ "name": name, "time_zone": input.time_zone, "preset": input.preset });
    audit::record(tx, actor, "site_created", Subject::Thing(id), detail).await?;
    tx.event(org, "site_created", Some(id), None, json!({}))
        .await?;
    get(tx, actor, id).await
}

/// Renames a site.
///
/// # Errors
///
/// 403, 404, 409, 412 and 422 as for people.
pub async fn update(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    version: Option<i64>,
    changes: SiteChanges,
) -> Result<Site> {
    actor.require(&[Role::Admin])?;
    let before = get(tx, actor, id).await?;
    people::check_version(version, before.version)?;
    let name = text::checked(
        "/name",
        changes.name.as_deref().unwrap_or(&before.name),
        200,
    )?;
    check_name(tx, actor.org, &name, Some(id)).await?;
    tx.execute(
        "UPDATE site SET name = $3, version = version + 1 WHERE org = $1 AND id = $2",
        values![actor.org, id, name.clone()],
    )
    .await?;
    let detail = json!({ "before": { "name": before.name }, "after": { "name": name } });
    audit::record(tx, actor, "site_changed", Subject::Thing(id), detail).await?;
    tx.event(actor.org, "site_changed", Some(id), None, json!({}))
        .await?;
    get(tx, actor, id).await
}

async fn check_name(tx: &mut Transaction, org: Id, name: &str, own: Option<Id>) -> Result<()> {
    let row = tx
        .row(
            "SELECT id FROM site WHERE org = $1 AND name = $2",
            values![org, name],
        )
        .await?;
    let other: Option<Id> = row.map(|row| row.get("id")).transpose()?;
    if other.is_some() && other != own {
        return Err(
            Error::conflict("name_taken", format!("There is a site {name:?} already.")).at("/name"),
        );
    }
    Ok(())
}

/// Adds a policy version. The caller evaluates the days from its first day on again.
pub(super) async fn insert_policy(
    tx: &mut Transaction,
    actor: &Actor,
    site: Id,
    applies_from: Date,
    toml: &str,
) -> Result<Id> {
    Rules::new(Policy::from_toml(toml)?)?;
    let id = tx.new_id();
    // The newest of several versions with the same first day applies, also if the clock was set back.
    let last = tx
        .row(
            "SELECT MAX(created) AS last FROM policy_version WHERE org = $1 AND site = $2 AND applies_from = $3",
            values![actor.org, site, applies_from],
        )
        .await?;
    let last = last.map(|row| row.get("last")).transpose()?;
    let created = tx.now_after(last.flatten())?;
    tx.execute(
        "INSERT INTO policy_version (org, id, site, applies_from, toml, created, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            actor.org,
            id,
            site,
            applies_from,
            toml,
            created,
            actor.label()
        ],
    )
    .await?;
    Ok(id)
}

/// The versions of a site's policy, the newest first.
///
/// # Errors
///
/// 404 if there is no such site.
pub async fn policy_versions(
    tx: &mut Transaction,
    actor: &Actor,
    site: Id,
) -> Result<Vec<PolicyVersion>> {
    get(tx, actor, site).await?;
    let rows = tx
        .rows(
            "SELECT id, applies_from, toml, created, created_by FROM policy_version \
             WHERE org = $1 AND site = $2 ORDER BY applies_from DESC, created DESC, id DESC",
            values![actor.org, site],
        )
        .await?;
    let version = |row: &Row| {
        Ok(PolicyVersion {
            id: row.get("id")?,
            site,
            applies_from: row.get("applies_from")?,
            toml: row.get("toml")?,
            created: row.get("created")?,
            created_by: row.get("created_by")?,
        })
    };
    rows.iter().map(version).collect()
}

/// The policies of a site over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline(Vec<Applied>);

/// The rules from a day on.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    /// The first day.
    pub(super) from: Date,
    /// The policy version.
    pub(super) version: Id,
    /// Its rules, without members.
    pub(super) rules: Arc<Rules>,
}

impl Timeline {
    /// Adds the policy version of a row. Rows come by their first day, and the newest of one first day last.
    fn add(&mut self, tx: &Transaction, row: &Row) -> Result<()> {
        let (version, toml): (Id, String) = (row.get("id")?, row.get("toml")?);
        let from = row.get("applies_from")?;
        self.0.retain(|applied| applied.from != from);
        let rules = tx.services().rules.rules(version, &toml)?;
        self.0.push(Applied {
            from,
            version,
            rules,
        });
        Ok(())
    }

    /// The policy of a day.
    pub(super) fn at(&self, date: Date) -> &Applied {
        let after = self.0.partition_point(|applied| applied.from <= date);
        &self.0[after.saturating_sub(1)]
    }

    /// The parts of a period, each with its policy.
    pub(super) fn parts(&self, from: Date, to: Date) -> Vec<(Date, Date, &Applied)> {
        let ends = self
            .0
            .iter()
            .skip(1)
            .map(|next| next.from.yesterday().unwrap_or(next.from));
        let ends = ends.chain([Date::MAX]);
        let parts = self.0.iter().zip(ends).enumerate();
        let parts = parts.map(|(index, (applied, end))| {
            let start = if index == 0 { Date::MIN } else { applied.from };
            (start.max(from), end.min(to), applied)
        });
        parts.filter(|(start, end, _)| start <= end).collect()
    }

    /// The date at a time, in the time zone of the policy of that date.
    pub(super) fn date(&self, at: Timestamp) -> Date {
        // The zone itself can change with the policy; the newest policy that has begun by its own clock decides.
        let mut date = self.zone_date(0, at);
        for index in 1..self.0.len() {
            let own = self.zone_date(index, at);
            if own >= self.0[index].from {
                date = own;
            }
        }
        date
    }

    fn zone_date(&self, index: usize, at: Timestamp) -> Date {
        let name = &self.0[index].rules.policy().site.time_zone;
        // Policies with an unknown zone are refused.
        let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
        at.to_zoned_datetime(zone).date()
    }

    /// The same timeline with one more policy.
    pub(super) fn with(&self, added: Applied) -> Self {
        let mut all = self.0.clone();
        all.retain(|applied| applied.from != added.from);
        let position = all.partition_point(|applied| applied.from < added.from);
        all.insert(position, added);
        Self(all)
    }
}

/// The policies of a site over time. Of several versions with the same first day, the newest applies.
pub(super) async fn timeline(tx: &mut Transaction, org: Id, site: Id) -> Result<Timeline> {
    let rows = tx
        .rows(
            "SELECT id, applies_from, toml FROM policy_version WHERE org = $1 AND site = $2 \
             ORDER BY applies_from, created, id",
            values![org, site],
        )
        .await?;
    let mut timeline = Timeline::default();
    for row in &rows {
        timeline.add(tx, row)?;
    }
    if timeline.0.is_empty() {
        return Err(no_policy(site));
    }
    Ok(timeline)
}

/// The policies of all sites over time.
async fn timelines(tx: &mut Transaction, org: Id) -> Result<HashMap<Id, Timeline>> {
    let rows = tx
        .rows(
            "SELECT site, id, applies_from, toml FROM policy_version WHERE org = $1 \
             ORDER BY site, applies_from, created, id",
            values![org],
        )
        .await?;
    let mut timelines: HashMap<Id, Timeline> = HashMap::new();
    for row in &rows {
        let timeline = timelines.entry(row.get("site")?).or_default();
        timeline.add(tx, row)?;
    }
    Ok(timelines)
}

fn no_policy(site: Id) -> Error {
    Error::internal(format!("site {site} has no policy"))
}
