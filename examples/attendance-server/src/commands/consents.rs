//! Consent to the use of face data. Without it there are no templates of a person.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, people, templates};
use crate::{
    access::{Actor, EDITORS},
    db::Row,
    error::{Error, Result},
    id::Id,
    store::Transaction,
    values,
};

/// The version of the text to which people consent. The languages have it under `consent-text`.
pub const TEXT_VERSION: &str = "1";

/// A consent. It never changes, but for its withdrawal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Consent {
    /// The id.
    pub id: Id,
    /// The person.
    pub person: Id,
    /// The version of the text.
    pub text_version: String,
    /// The language in which the person read the text, such as `de`.
    pub language: String,
    /// It covers the small pictures of the face from which templates are made: they are kept, so that other models can embed
    /// them again.
    pub keeps_crops: bool,
    /// The time.
    #[schemars(with = "crate::schema::Time")]
    pub given: Timestamp,
    /// The one who recorded it: an account, a token or the operator.
    pub given_by: String,
    /// The time of the withdrawal; none while the consent holds.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub withdrawn: Option<Timestamp>,
    /// The one who recorded the withdrawal.
    pub withdrawn_by: Option<String>,
}

/// A new consent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// The version of the text: that of `GET /api/v1/recognition`.
    pub text_version: String,
    /// The language in which the person read the text, such as `de`.
    pub language: String,
    /// The person also agrees that the small pictures of the face from which templates are made are kept. Otherwise those that
    /// are kept are removed.
    #[serde(default)]
    pub keeps_crops: bool,
}

/// The columns of [`consent`], for `concat!`.
macro_rules! columns {
    () => {
        "SELECT id, person, text_version, language, keeps_crops, given, given_by, withdrawn, withdrawn_by FROM consent "
    };
}

/// The consents of a person, the newest first.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn list(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Vec<Consent>> {
    people::get(tx, actor, person).await?;
    let rows = tx
        .rows(
            concat!(
                columns!(),
                "WHERE org = $1 AND person = $2 ORDER BY given DESC, id DESC"
            ),
            values![actor.org, person],
        )
        .await?;
    rows.iter().map(consent).collect()
}

fn consent(row: &Row) -> Result<Consent> {
    Ok(Consent {
        id: row.get("id")?,
        person: row.get("person")?,
        text_version: row.get("text_version")?,
        language: row.get("language")?,
        keeps_crops: row.get("keeps_crops")?,
        given: row.get("given")?,
        given_by: row.get("given_by")?,
        withdrawn: row.get("withdrawn")?,
        withdrawn_by: row.get("withdrawn_by")?,
    })
}

/// `true` if the person has consented and not withdrawn. A record of a face asks this in its own transaction.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn is_given(tx: &mut Transaction, org: Id, person: Id) -> Result<bool> {
    let row = tx
        .row(
            "SELECT c.id FROM consent c JOIN person p ON p.org = c.org AND p.id = c.person \
             WHERE c.org = $1 AND c.person = $2 AND c.withdrawn IS NULL AND p.erased IS NULL",
            values![org, person],
        )
        .await?;
    Ok(row.is_some())
}

/// `true` if the consent of the person covers crops.
pub(super) async fn keeps_crops(tx: &mut Transaction, org: Id, person: Id) -> Result<bool> {
    let row = tx
        .row(
            "SELECT id FROM consent WHERE org = $1 AND person = $2 AND withdrawn IS NULL AND keeps_crops = 1",
            values![org, person],
        )
        .await?;
    Ok(row.is_some())
}

/// Records that a person consents to the present text. If the person has done so already, that consent is returned. A consent
/// that does not cover crops removes those that are kept.
///
/// # Errors
///
/// 404 and 403 as for people; 422 for another text or a language that is none.
pub async fn give(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
    new: &NewConsent,
) -> Result<Consent> {
    let site = decides(tx, actor, person).await?;
    if new.text_version != TEXT_VERSION {
        let detail = format!("The text has version {TEXT_VERSION}.");
        return Err(Error::invalid("/text_version", "unknown_text", detail));
    }
    let letters = new.language.len() >= 2 && new.language.len() <= 8;
    if !letters || !new.language.bytes().all(|byte| byte.is_ascii_lowercase()) {
        let detail = "The language is a code such as de.";
        return Err(Error::invalid("/language", "unknown_language", detail));
    }
    let known = list(tx, actor, person).await?;
    let holds = known.into_iter().find(|consent| {
        consent.withdrawn.is_none()
            && consent.text_version == new.text_version
            && consent.keeps_crops == new.keeps_crops
    });
    if let Some(holds) = holds {
        return Ok(holds);
    }
    let (org, id, now) = (actor.org, tx.new_id(), tx.now);
    // One consent holds at a time: the newest.
    end(tx, actor, person).await?;
    if !new.keeps_crops {
        templates::remove_crops(tx, org, person).await?;
    }
    tx.execute(
        "INSERT INTO consent (org, id, person, text_version, language, keeps_crops, given, given_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            org,
            id,
            person,
            new.text_version.as_str(),
            new.language.as_str(),
            new.keeps_crops,
            now,
            actor.label()
        ],
    )
    .await?;
    let detail = json!({
        "consent": id, "text_version": new.text_version, "language": new.language, "keeps_crops": new.keeps_crops,
    });
    audit::record(tx, actor, "consent_given", Subject::Person(person), detail).await?;
    tx.event(org, "consent_given", Some(site), Some(person), json!({}))
        .await?;
    get(tx, actor, id).await
}

/// Records that a person withdraws a consent. The templates and the photos that wait are removed in the same transaction; the
/// caller calls [`templates::follow`] after the commit.
///
/// # Errors
///
/// 404 and 403 as [`give`].
pub async fn withdraw(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Consent> {
    let before = get(tx, actor, id).await?;
    let person = before.person;
    let site = decides(tx, actor, person).await?;
    if before.withdrawn.is_some() {
        return Ok(before);
    }
    let (org, now) = (actor.org, tx.now);
    tx.execute(
        "UPDATE consent SET withdrawn = $3, withdrawn_by = $4 WHERE org = $1 AND id = $2",
        values![org, id, now, actor.label()],
    )
    .await?;
    let removed = templates::remove_all(tx, org, person).await?;
    super::enrolments::end_waiting(tx, org, person).await?;
    let detail = json!({ "consent": id, "templates_removed": removed });
    audit::record(
        tx,
        actor,
        "consent_withdrawn",
        Subject::Person(person),
        detail,
    )
    .await?;
    tx.event(
        org,
        "consent_withdrawn",
        Some(site),
        Some(person),
        json!({}),
    )
    .await?;
    get(tx, actor, id).await
}

/// Ends the consent of a person who consents anew or is erased.
pub(super) async fn end(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE consent SET withdrawn = $3, withdrawn_by = $4 WHERE org = $1 AND person = $2 AND withdrawn IS NULL",
        values![actor.org, person, now, actor.label()],
    )
    .await?;
    Ok(())
}

/// A consent of a person whom the actor may see.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Consent> {
    let row = tx
        .row(
            concat!(columns!(), "WHERE org = $1 AND id = $2"),
            values![actor.org, id],
        )
        .await?
        .ok_or_else(|| Error::not_found("consent"))?;
    let consent = consent(&row)?;
    people::get(tx, actor, consent.person).await?;
    Ok(consent)
}

/// The home site of a person for whom the actor may record a decision: the own person, or one of the actor's sites.
async fn decides(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Id> {
    let site = people::get(tx, actor, person).await?.site;
    if actor.person != Some(person) {
        actor.require_at(site, EDITORS)?;
    }
    Ok(site)
}
