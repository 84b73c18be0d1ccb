//! Templates: sealed rows in the database, and their copies in recognition.

use std::{collections::HashSet, sync::Arc};

use facekit::NewTemplate;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::{audit, audit::Subject, consents, model_change, people};
use crate::{
    access::{Actor, EDITORS},
    db::Row,
    error::{Error, Result},
    id::Id,
    recognition::Recognition,
    store::{Store, Transaction},
    values,
};

/// A template, without its embedding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Template {
    /// The id.
    pub id: Id,
    /// The person.
    pub person: Id,
    /// The enrolment that made it.
    pub enrolment: Id,
    /// The embedding space: that of the present models, or that of earlier ones during a change of models.
    pub space: String,
    /// The small picture of the face is kept, sealed, so that other models can embed it again.
    pub has_crop: bool,
    /// The quality of the face, 0 to 1.
    pub quality: f64,
    /// The time of its creation.
    #[schemars(with = "crate::schema::Time")]
    pub created: Timestamp,
}

const COLUMNS: &str = "SELECT id, person, enrolment, space, quality, crop IS NOT NULL AS has_crop, created FROM template \
                       WHERE org = $1 AND person = $2 ORDER BY created, id";

/// The templates of a person, the oldest first.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn list(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Vec<Template>> {
    people::get(tx, actor, person).await?;
    let rows = tx.rows(COLUMNS, values![actor.org, person]).await?;
    rows.iter().map(template).collect()
}

fn template(row: &Row) -> Result<Template> {
    Ok(Template {
        id: row.get("id")?,
        person: row.get("person")?,
        enrolment: row.get("enrolment")?,
        space: row.get("space")?,
        has_crop: row.get("has_crop")?,
        quality: row.get("quality")?,
        created: row.get("created")?,
    })
}

/// Removes a template, and returns its person. The caller calls [`follow`] after the commit.
///
/// # Errors
///
/// 404 if there is none; 403 for a person of another site.
pub async fn remove(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Id> {
    let org = actor.org;
    let row = tx
        .row(
            "SELECT person FROM template WHERE org = $1 AND id = $2",
            values![org, id],
        )
        .await?
        .ok_or_else(|| Error::not_found("template"))?;
    let person: Id = row.get("person")?;
    let site = people::get(tx, actor, person).await?.site;
    actor.require_at(site, EDITORS)?;
    tx.execute(
        "DELETE FROM template WHERE org = $1 AND id = $2",
        values![org, id],
    )
    .await?;
    let detail = json!({ "template": id });
    audit::record(
        tx,
        actor,
        "template_removed",
        Subject::Person(person),
        detail,
    )
    .await?;
    tx.event(
        org,
        "templates_changed",
        Some(site),
        Some(person),
        json!({}),
    )
    .await?;
    Ok(person)
}

/// Adds the templates of an enrolment, with crops if the consent covers them. One that the person has already is not added
/// again. If there are new ones, templates of earlier models that cannot be embedded again are removed.
pub(super) async fn insert(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    enrolment: Id,
    new: &[NewTemplate],
) -> Result<()> {
    let now = tx.now;
    let keeps_crops = consents::keeps_crops(tx, org, person).await?;
    for (number, template) in new.iter().enumerate() {
        let sealed = tx.keys().seal_template(org, person, template)?;
        let crop = if keeps_crops {
            model_change::seal_crop(tx.keys(), org, person, template)?
        } else {
            None
        };
        let origin = template.origin.clone();
        let origin = origin.unwrap_or_else(|| format!("{enrolment}/{number}"));
        let id = tx.new_id();
        tx.execute(
            "INSERT INTO template (org, id, person, enrolment, origin, space, quality, sealed, crop, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (org, person, space, origin) DO NOTHING",
            values![
                org,
                id,
                person,
                enrolment,
                origin,
                template.embedding.space().to_string(),
                f64::from(template.quality),
                sealed,
                crop,
                now
            ],
        )
        .await?;
    }
    match new.first() {
        Some(template) => {
            let space = template.embedding.space().to_string();
            model_change::remove_earlier_without_crops(tx, org, person, &space).await
        }
        None => Ok(()),
    }
}

/// Removes the crops of a person whose consent does not cover them any more.
pub(super) async fn remove_crops(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    tx.execute(
        "UPDATE template SET crop = NULL WHERE org = $1 AND person = $2 AND crop IS NOT NULL",
        values![org, person],
    )
    .await?;
    Ok(())
}

/// Removes all templates of a person, and returns how many there were.
pub(super) async fn remove_all(tx: &mut Transaction, org: Id, person: Id) -> Result<u64> {
    tx.execute(
        "DELETE FROM template WHERE org = $1 AND person = $2",
        values![org, person],
    )
    .await
}

/// One change of recognition at a time, so that the newest state of the database is the last one that recognition gets.
static FOLLOWING: Mutex<()> = Mutex::const_new(());

/// Tells recognition the present templates of a person. The worker calls it after each commit that changes templates, consent,
/// home site or existence of a person. A command calls it, too, if its caller must see the effect at once: after the answer to
/// the removal of a template, the withdrawal of a consent or an erasure, no search finds what was removed.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn follow(
    store: &Store,
    recognition: &dyn Recognition,
    org: Id,
    person: Id,
) -> Result<()> {
    let _one_at_a_time = FOLLOWING.lock().await;
    let mut tx = store.read().await?;
    let site = people::directory(&mut tx, org)
        .await?
        .get(person)
        .map(|entry| entry.site);
    let mut templates = Vec::new();
    if site.is_some() && consents::is_given(&mut tx, org, person).await? {
        let rows = tx
            .rows(
                "SELECT sealed FROM template WHERE org = $1 AND person = $2 ORDER BY created, id",
                values![org, person],
            )
            .await?;
        for row in rows {
            templates.extend(tx.keys().open_template(org, person, row.get("sealed")?)?);
        }
    }
    drop(tx);
    recognition
        .follow(org, person, site.unwrap_or(org), templates)
        .await
}

/// Loads the templates of all organisations into recognition, and returns how many people have some.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn load_all(store: &Store, recognition: &dyn Recognition) -> Result<usize> {
    let _one_at_a_time = FOLLOWING.lock().await;
    let mut tx = store.read().await?;
    let organisations = super::organisations::all(&mut tx).await?;
    drop(tx);
    let mut people_with_templates = 0;
    for org in organisations {
        let templates = of_organisation(store, org).await?;
        let people = templates.iter().map(|(_, template)| &template.person);
        people_with_templates += people.collect::<HashSet<_>>().len();
        recognition.load(org, templates).await?;
    }
    Ok(people_with_templates)
}

/// The templates of an organisation, each with the home site of its person.
async fn of_organisation(store: &Store, org: Id) -> Result<Vec<(Id, facekit::Template)>> {
    let mut tx = store.read().await?;
    let directory = people::directory(&mut tx, org).await?;
    let rows = tx
        .rows(
            "SELECT t.person AS person, t.sealed AS sealed FROM template t \
             JOIN consent c ON c.org = t.org AND c.person = t.person AND c.withdrawn IS NULL \
             WHERE t.org = $1 ORDER BY t.person, t.created, t.id",
            values![org],
        )
        .await?;
    let services = Arc::clone(tx.services());
    drop(tx);
    // Thousands of templates may be decrypted here.
    let opened = tokio::task::spawn_blocking(move || -> Result<Vec<_>> {
        let mut templates = Vec::with_capacity(rows.len());
        for row in rows {
            let person: Id = row.get("person")?;
            let Some(entry) = directory.get(person) else {
                continue;
            };
            let sealed = row.get("sealed")?;
            let opened = services.keys.open_template(org, person, sealed)?;
            templates.extend(opened.map(|template| (entry.site, template)));
        }
        Ok(templates)
    });
    opened.await.map_err(Error::internal)?
}
