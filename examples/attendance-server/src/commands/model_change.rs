//! A change of models. Templates of other models are of another embedding space, so that they cannot be compared with faces that
//! the present models embed.
//!
//! After a change, the worker embeds the kept crops of each person again, and replaces the templates of the person in one
//! transaction. People without crops keep their templates until they are enrolled again. Meanwhile recognition searches both
//! spaces, so that nobody is lost. The change is over when no template of an earlier space is left. An admin can end it before;
//! then people who are not enrolled again are not recognized by face any more.
//!
//! The templates themselves are the state of the change: a server that was stopped in the middle goes on at its next start.

use std::{collections::HashMap, sync::Arc};

use facekit::{
    AlignedFace, NewTemplate,
    image::{self, DecodeLimits},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{audit, audit::Subject, consents, people};
use crate::{
    access::{Actor, Role},
    db::Row,
    error::{Error, Result},
    id::Id,
    keys::Keys,
    recognition::Recognition,
    store::{Store, Transaction},
    values,
};

/// The quality of the JPEG file of a crop, 1 to 100.
const CROP_QUALITY: u8 = 95;

/// The use for which crops are sealed.
const USAGE: &str = "crop";

/// A change of models in an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelChange {
    /// The people with templates of the present models.
    pub done: usize,
    /// The people with templates of earlier models whose kept pictures are embedded again in the background.
    pub waiting: usize,
    /// The people with templates of earlier models and without kept pictures, by name. They must be enrolled again.
    pub to_enrol: Vec<Id>,
}

impl ModelChange {
    /// `true` if nobody has templates of earlier models.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.waiting == 0 && self.to_enrol.is_empty()
    }
}

/// The state of a change to the models of an embedding space.
///
/// # Errors
///
/// 403 without the role of an admin.
pub async fn state(tx: &mut Transaction, actor: &Actor, space: &str) -> Result<ModelChange> {
    actor.require(&[Role::Admin])?;
    let directory = people::directory(tx, actor.org).await?;
    let rows = tx
        .rows(
            "SELECT person, MIN(CASE WHEN space = $2 THEN 1 ELSE 0 END) AS is_done, \
             MAX(CASE WHEN crop IS NOT NULL THEN 1 ELSE 0 END) AS has_crop \
             FROM template WHERE org = $1 GROUP BY person",
            values![actor.org, space],
        )
        .await?;
    let mut people: HashMap<Id, (i64, i64)> = HashMap::new();
    for row in &rows {
        people.insert(
            row.get("person")?,
            (row.get("is_done")?, row.get("has_crop")?),
        );
    }
    let mut change = ModelChange {
        done: 0,
        waiting: 0,
        to_enrol: Vec::new(),
    };
    for entry in directory.people() {
        match people.get(&entry.id) {
            None => {}
            Some((1, _)) => change.done += 1,
            Some((_, 1)) => change.waiting += 1,
            Some(_) => change.to_enrol.push(entry.id),
        }
    }
    Ok(change)
}

/// Ends a change: removes the templates of earlier models, and returns how many people had some. They are not recognized by face
/// until they are enrolled again.
///
/// # Errors
///
/// 403 without the role of an admin; 409 if all templates are of the present models.
pub async fn end(tx: &mut Transaction, actor: &Actor, space: &str) -> Result<usize> {
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let rows = tx
        .rows(
            "SELECT DISTINCT person FROM template WHERE org = $1 AND space <> $2",
            values![org, space],
        )
        .await?;
    if rows.is_empty() {
        let detail = "All templates are of the present models.";
        return Err(Error::conflict("no_model_change", detail));
    }
    tx.execute(
        "DELETE FROM template WHERE org = $1 AND space <> $2",
        values![org, space],
    )
    .await?;
    let directory = people::directory(tx, org).await?;
    for row in &rows {
        let person: Id = row.get("person")?;
        let site = directory.get(person).map(|entry| entry.site);
        tx.event(org, "templates_changed", site, Some(person), json!({}))
            .await?;
    }
    let detail = json!({ "people": rows.len() });
    audit::record(
        tx,
        actor,
        "model_change_ended",
        Subject::Organisation,
        detail,
    )
    .await?;
    Ok(rows.len())
}

/// The embedding spaces of the templates of all organisations.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn spaces(tx: &mut Transaction) -> Result<Vec<String>> {
    let rows = tx
        .rows(
            "SELECT DISTINCT space FROM template ORDER BY space",
            values![],
        )
        .await?;
    rows.iter().map(|row| row.get("space")).collect()
}

/// The people of all organisations whose crops must be embedded again: the organisation and the person.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn waiting(tx: &mut Transaction, space: &str) -> Result<Vec<(Id, Id)>> {
    let rows = tx
        .rows(
            "SELECT DISTINCT org, person FROM template WHERE space <> $1 AND crop IS NOT NULL ORDER BY org, person",
            values![space],
        )
        .await?;
    let person = |row: &Row| Ok((row.get("org")?, row.get("person")?));
    rows.iter().map(person).collect()
}

/// Embeds the crops of a person again, and replaces the templates. Recognition is told by the event of the change. Returns
/// `false` if the person has no crops of an earlier space any more.
///
/// # Errors
///
/// 503 with the code `busy` if recognition has too much to do; if a crop cannot be opened or embedded. Nothing has changed then.
pub async fn embed_again(
    store: &Store,
    recognition: &dyn Recognition,
    org: Id,
    person: Id,
) -> Result<bool> {
    let space = recognition.models().space.as_str();
    let mut tx = store.read().await?;
    let rows = tx
        .rows(
            "SELECT id, sealed, crop FROM template \
             WHERE org = $1 AND person = $2 AND space <> $3 AND crop IS NOT NULL ORDER BY created, id",
            values![org, person, space],
        )
        .await?;
    let services = Arc::clone(tx.services());
    drop(tx);
    let opened = tokio::task::spawn_blocking(move || -> Result<Vec<(Id, NewTemplate)>> {
        let opened = rows
            .into_iter()
            .map(|row| open(&*services.keys, org, person, &row));
        opened.filter_map(Result::transpose).collect()
    });
    let (ids, earlier): (Vec<Id>, Vec<NewTemplate>) =
        opened.await.map_err(Error::internal)??.into_iter().unzip();
    if ids.is_empty() {
        return Ok(false);
    }
    let new = recognition.embed_again(earlier).await?;
    if new.len() != ids.len() {
        return Err(Error::internal("a crop was not embedded again"));
    }
    let mut tx = store.write().await?;
    let replaced = replace(&mut tx, org, person, space, &ids, &new).await?;
    tx.commit().await?;
    Ok(replaced)
}

/// A template with its crop; none if the person was forgotten.
fn open(keys: &dyn Keys, org: Id, person: Id, row: &Row) -> Result<Option<(Id, NewTemplate)>> {
    let sealed: Vec<u8> = row.get("crop")?;
    let Some(file) = keys.open(org, person, USAGE, &sealed)? else {
        return Ok(None);
    };
    let Some(template) = keys.open_template(org, person, row.get("sealed")?)? else {
        return Ok(None);
    };
    let crop = AlignedFace::new(image::decode(&file, &DecodeLimits::default())?)?;
    let mut new =
        NewTemplate::new(template.embedding, template.quality, template.created).with_crop(crop);
    new.origin = template.origin;
    Ok(Some((row.get("id")?, new)))
}

/// Encodes and seals the crop of a template; none if it has no crop.
pub(super) fn seal_crop(
    keys: &dyn Keys,
    org: Id,
    person: Id,
    template: &NewTemplate,
) -> Result<Option<Vec<u8>>> {
    let Some(crop) = &template.crop else {
        return Ok(None);
    };
    let file = image::encode_jpeg(crop.image(), CROP_QUALITY);
    keys.seal(org, person, USAGE, &file).map(Some)
}

/// Replaces templates by new ones of a space, and removes earlier templates without crops. Returns `false` if there is
/// nothing to replace: meanwhile the person was erased, enrolled again, or consents no more.
async fn replace(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    space: &str,
    ids: &[Id],
    new: &[NewTemplate],
) -> Result<bool> {
    let site = people::directory(tx, org)
        .await?
        .get(person)
        .map(|entry| entry.site);
    if site.is_none() || !consents::keeps_crops(tx, org, person).await? {
        return Ok(false);
    }
    let mut replaced = 0;
    for (&id, template) in ids.iter().zip(new) {
        let sealed = tx.keys().seal_template(org, person, template)?;
        replaced += tx
            .execute(
                "UPDATE template SET space = $3, sealed = $4 WHERE org = $1 AND id = $2 AND space <> $3",
                values![org, id, space, sealed],
            )
            .await?;
    }
    if replaced == 0 {
        return Ok(false);
    }
    remove_earlier_without_crops(tx, org, person, space).await?;
    let detail = json!({ "space": space, "templates": replaced });
    audit::record(
        tx,
        &Actor::operator(org),
        "templates_embedded_again",
        Subject::Person(person),
        detail,
    )
    .await?;
    tx.event(org, "templates_changed", site, Some(person), json!({}))
        .await?;
    Ok(true)
}

/// Removes the templates of a person that are of other spaces than this one and cannot be embedded again. The caller has added
/// templates of this space.
pub(super) async fn remove_earlier_without_crops(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    space: &str,
) -> Result<()> {
    tx.execute(
        "DELETE FROM template WHERE org = $1 AND person = $2 AND space <> $3 AND crop IS NULL",
        values![org, person, space],
    )
    .await?;
    Ok(())
}
