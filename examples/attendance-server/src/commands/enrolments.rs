//! Enrolments: photos of a person, which are analysed in the background and become templates.

use std::sync::Arc;

use axum::body::Bytes;
use facekit::{QualityIssue, Refusal};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use super::{audit, audit::Subject, consents, people, templates};
use crate::{
    access::{Actor, EDITORS},
    db::Row,
    error::{Error, ErrorKind, Result},
    id::Id,
    keys::Keys,
    recognition::{Analyzed, LARGEST_PHOTO, Recognition},
    secret,
    store::{Store, Transaction},
    values,
};

/// The most photos of an enrolment.
pub const MOST_PHOTOS: usize = 10;

/// The most templates of a person.
pub const MOST_TEMPLATES: usize = 30;

/// The state of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentState {
    /// The photos wait, or are being analysed.
    Waiting,
    /// The report is there.
    Done,
    /// It ended without a report: the consent was withdrawn, or the server has a fault.
    Failed,
}

/// An enrolment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Enrolment {
    /// The id.
    pub id: Id,
    /// The person.
    pub person: Id,
    /// The state.
    pub state: EnrolmentState,
    /// The number of photos.
    pub photos: i64,
    /// The number of photos that were analysed.
    pub seen: i64,
    /// The time of its creation.
    #[schemars(with = "crate::schema::Time")]
    pub created: Timestamp,
    /// The time of its end.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub finished: Option<Timestamp>,
    /// The report, once it is done.
    pub report: Option<Report>,
}

/// The result of an enrolment.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The photos, in order.
    pub photos: Vec<PhotoReport>,
    /// Other people whom accepted photos match: one person with two numbers, or people who look alike.
    pub resembles: Vec<Resembles>,
}

/// The result of a photo.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PhotoReport {
    /// It became a template.
    pub accepted: bool,
    /// The quality of the face, 0 to 1, of an accepted photo.
    pub quality: Option<f64>,
    /// The reasons for which it was refused.
    pub reasons: Vec<Reason>,
}

/// The codes of [`Reason`].
pub const REASONS: [&str; 18] = [
    "no_face",
    "several_faces",
    "spoof",
    "tight_crop",
    "another_person",
    "mismatch",
    "resembles",
    "unreadable_image",
    "image_too_large",
    "too_small",
    "blurred",
    "too_dark",
    "too_bright",
    "low_contrast",
    "turned_away",
    "cut_off",
    "no_shape",
    "unrecognizable",
];

/// A reason for which a photo was refused.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A stable code, such as `too_dark`.
    pub code: String,
    /// The reason, for people.
    pub detail: String,
}

/// A photo that matches another person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Resembles {
    /// The position of the photo, from 0.
    pub photo: usize,
    /// The other person.
    pub person: Id,
    /// The similarity, −1 to 1. It passes the threshold.
    pub score: f64,
}

/// The columns of [`enrolment`], for `concat!`.
macro_rules! columns {
    () => {
        "SELECT id, person, state, photos, seen, created, finished, report FROM enrolment "
    };
}

/// An enrolment of a person whom the actor may see.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Enrolment> {
    let one = concat!(columns!(), "WHERE org = $1 AND id = $2");
    let row = tx.row(one, values![actor.org, id]).await?;
    let row = row.ok_or_else(|| Error::not_found("enrolment"))?;
    let enrolment = enrolment(tx, actor.org, &row)?;
    people::get(tx, actor, enrolment.person).await?;
    Ok(enrolment)
}

/// The enrolments of a person, the newest first; at most 20.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn list(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Vec<Enrolment>> {
    people::get(tx, actor, person).await?;
    let rows = tx
        .rows(
            concat!(
                columns!(),
                "WHERE org = $1 AND person = $2 ORDER BY created DESC, id DESC LIMIT 20"
            ),
            values![actor.org, person],
        )
        .await?;
    rows.iter()
        .map(|row| enrolment(tx, actor.org, row))
        .collect()
}

fn enrolment(tx: &Transaction, org: Id, row: &Row) -> Result<Enrolment> {
    let person: Id = row.get("person")?;
    let sealed: Option<Vec<u8>> = row.get("report")?;
    let plain = match sealed {
        Some(sealed) => tx.keys().open(org, person, "enrolment", &sealed)?,
        None => None,
    };
    let state: String = row.get("state")?;
    Ok(Enrolment {
        id: row.get("id")?,
        person,
        state: serde_json::from_value(json!(state))?,
        photos: row.get("photos")?,
        seen: row.get("seen")?,
        created: row.get("created")?,
        finished: row.get("finished")?,
        report: plain
            .map(|plain| serde_json::from_slice(&plain))
            .transpose()?,
    })
}

/// The photos of an enrolment, sealed with the key of the person.
#[derive(Debug)]
pub struct SealedPhotos {
    person: Id,
    photos: Vec<Vec<u8>>,
    hashes: Vec<[u8; 32]>,
}

impl SealedPhotos {
    /// Seals photos of a person. It can take a second, so it belongs before the transaction that [`begin`] gets, and not on
    /// a thread of the async runtime: see [`seal`].
    ///
    /// # Errors
    ///
    /// 413 and 422 for photos that are none, too many or too large.
    pub fn new(keys: &dyn Keys, org: Id, person: Id, photos: &[Bytes]) -> Result<Self> {
        if photos.is_empty() || photos.len() > MOST_PHOTOS {
            let detail = format!("An enrolment has 1 to {MOST_PHOTOS} photos.");
            return Err(Error::invalid("/photo", "number_of_photos", detail));
        }
        if photos.iter().any(|photo| photo.len() > LARGEST_PHOTO) {
            let detail = format!("A photo has more than {LARGEST_PHOTO} bytes.");
            return Err(Error::new(ErrorKind::TooLarge, "photo_too_large", detail));
        }
        let hash = |photo: &Bytes| secret::keyed_hash(&[0; 32], &[photo]);
        let seal = |photo: &Bytes| keys.seal(org, person, "photo", photo);
        Ok(Self {
            person,
            hashes: photos.iter().map(hash).collect(),
            photos: photos.iter().map(seal).collect::<Result<_>>()?,
        })
    }

    /// The hashes of the photos. The same photos have the same hashes.
    #[must_use]
    pub fn hashes(&self) -> &[[u8; 32]] {
        &self.hashes
    }
}

/// Seals photos of a person on a thread that may take its time.
///
/// # Errors
///
/// 404 and 403 as [`begin`]; 413 and 422 as [`SealedPhotos::new`].
pub async fn seal(
    store: &Store,
    actor: &Actor,
    person: Id,
    photos: Vec<Bytes>,
) -> Result<SealedPhotos> {
    let mut tx = store.read().await?;
    may_begin(&mut tx, actor, person).await?;
    let (services, org) = (Arc::clone(tx.services()), actor.org);
    drop(tx);
    let sealed = tokio::task::spawn_blocking(move || {
        SealedPhotos::new(&*services.keys, org, person, &photos)
    });
    sealed.await.map_err(Error::internal)?
}

/// Fails unless the actor may enrol a person. Returns the home site of the person.
///
/// # Errors
///
/// 404 and 403 as for people.
pub async fn may_begin(tx: &mut Transaction, actor: &Actor, person: Id) -> Result<Id> {
    let site = people::get(tx, actor, person).await?.site;
    actor.require_at(site, EDITORS)?;
    Ok(site)
}

/// Keeps the photos of a person until [`run_next`] has analysed them.
///
/// # Errors
///
/// 404 and 403 as for people; 409 without consent, if an enrolment of the person waits, and if the person has too many
/// templates.
pub async fn begin(tx: &mut Transaction, actor: &Actor, photos: SealedPhotos) -> Result<Enrolment> {
    let SealedPhotos { person, photos, .. } = photos;
    let org = actor.org;
    let site = may_begin(tx, actor, person).await?;
    if !consents::is_given(tx, org, person).await? {
        let detail = "Record the consent of the person first.";
        return Err(Error::conflict("consent_missing", detail));
    }
    let waiting = tx
        .row(
            "SELECT id FROM enrolment WHERE org = $1 AND person = $2 AND state = 'waiting'",
            values![org, person],
        )
        .await?;
    if waiting.is_some() {
        let detail = "Photos of the person are being analysed. Wait for the report first.";
        return Err(Error::conflict("enrolment_waiting", detail));
    }
    let known = templates::list(tx, actor, person).await?.len();
    if known + photos.len() > MOST_TEMPLATES {
        let detail = format!(
            "The person has {known} templates, and at most {MOST_TEMPLATES} are useful. Remove some first."
        );
        return Err(Error::conflict("too_many_templates", detail));
    }
    let (id, now, count) = (tx.new_id(), tx.now, photos.len());
    tx.execute(
        "INSERT INTO enrolment (org, id, person, state, photos, seen, created, created_by) \
         VALUES ($1, $2, $3, 'waiting', $4, 0, $5, $6)",
        values![org, id, person, count as i64, now, actor.label()],
    )
    .await?;
    for (number, sealed) in photos.into_iter().enumerate() {
        tx.execute(
            "INSERT INTO enrolment_photo (org, enrolment, number, photo) VALUES ($1, $2, $3, $4)",
            values![org, id, number as i64, sealed],
        )
        .await?;
    }
    let detail = json!({ "enrolment": id, "photos": count });
    audit::record(
        tx,
        actor,
        "enrolment_begun",
        Subject::Person(person),
        detail,
    )
    .await?;
    tx.event(
        org,
        REQUESTED,
        Some(site),
        Some(person),
        json!({ "enrolment": id }),
    )
    .await?;
    get(tx, actor, id).await
}

/// The kind of the event of a new enrolment.
pub const REQUESTED: &str = "enrolment_requested";

/// An enrolment that waits.
struct Waiting {
    org: Id,
    id: Id,
    person: Id,
}

/// Analyses the oldest enrolment that waits, and stores its templates. Returns `false` if none waits. An enrolment that cannot
/// be analysed or stored fails, so that it does not hold up the next one. Recognition is told by the event of the change.
///
/// # Errors
///
/// 503 if recognition or the database has too much to do, or the disk is full, and other errors of the database. The enrolment
/// waits on after a 503.
pub async fn run_next(store: &Store, recognition: &dyn Recognition) -> Result<bool> {
    let mut tx = store.read().await?;
    let Some(waiting) = oldest(&mut tx).await? else {
        return Ok(false);
    };
    drop(tx);
    let analysed = match analyse(store, recognition, &waiting).await {
        Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
        analysed => analysed,
    };
    let finished = async {
        let mut tx = store.write().await?;
        finish(&mut tx, &waiting, analysed).await?;
        tx.commit().await
    };
    match finished.await {
        Ok(()) => {}
        // Such as a full disk: the next attempt may succeed.
        Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
        Err(error) => {
            tracing::error!(%error, enrolment = %waiting.id, "an enrolment could not be stored");
            let mut tx = store.write().await?;
            fail(&mut tx, waiting.org, waiting.id).await?;
            tx.commit().await?;
        }
    }
    Ok(true)
}

async fn oldest(tx: &mut Transaction) -> Result<Option<Waiting>> {
    let row = tx
        .row(
            "SELECT org, id, person FROM enrolment WHERE state = 'waiting' ORDER BY created, id LIMIT 1",
            values![],
        )
        .await?;
    row.map(|row| {
        Ok(Waiting {
            org: row.get("org")?,
            id: row.get("id")?,
            person: row.get("person")?,
        })
    })
    .transpose()
}

/// The photos of an enrolment, opened; none of a person whose key was forgotten.
async fn photos(store: &Store, waiting: &Waiting) -> Result<Vec<Bytes>> {
    let &Waiting { org, id, person } = waiting;
    let mut tx = store.read().await?;
    let rows = tx
        .rows(
            "SELECT photo FROM enrolment_photo WHERE org = $1 AND enrolment = $2 ORDER BY number",
            values![org, id],
        )
        .await?;
    let services = Arc::clone(tx.services());
    drop(tx);
    // Many megabytes may be decrypted here.
    let opened = tokio::task::spawn_blocking(move || -> Result<Vec<Bytes>> {
        let mut photos = Vec::with_capacity(rows.len());
        for row in rows {
            let sealed: Vec<u8> = row.get("photo")?;
            let opened = services.keys.open(org, person, "photo", &sealed)?;
            photos.extend(opened.map(Bytes::from));
        }
        Ok(photos)
    });
    opened.await.map_err(Error::internal)?
}

/// Opens and analyses the photos, and writes the progress.
async fn analyse(
    store: &Store,
    recognition: &dyn Recognition,
    waiting: &Waiting,
) -> Result<Analyzed> {
    let photos = photos(store, waiting).await?;
    let (sender, mut seen) = watch::channel(0);
    let analysis = recognition.analyze(waiting.org, waiting.person, waiting.id, photos, sender);
    tokio::pin!(analysis);
    loop {
        tokio::select! {
            biased;
            analysed = &mut analysis => return analysed,
            // At the end the sender is gone, and the analysis is there soon.
            Ok(()) = seen.changed() => {
                let seen = *seen.borrow_and_update();
                if let Err(error) = write_progress(store, waiting, seen).await {
                    tracing::warn!(%error, enrolment = %waiting.id, "the progress could not be written");
                }
            }
        }
    }
}

async fn write_progress(store: &Store, waiting: &Waiting, seen: usize) -> Result<()> {
    let mut tx = store.write().await?;
    tx.execute(
        "UPDATE enrolment SET seen = $3 WHERE org = $1 AND id = $2 AND state = 'waiting'",
        values![waiting.org, waiting.id, seen as i64],
    )
    .await?;
    tx.commit().await
}

/// Stores the templates and the report, and removes the photos.
async fn finish(tx: &mut Transaction, waiting: &Waiting, analysed: Result<Analyzed>) -> Result<()> {
    let &Waiting { org, id, person } = waiting;
    let actor = Actor::operator(org);
    let row = tx
        .row(
            "SELECT id FROM enrolment WHERE org = $1 AND id = $2 AND state = 'waiting'",
            values![org, id],
        )
        .await?;
    if row.is_none() {
        // The consent was withdrawn meanwhile, or the person was erased.
        return Ok(());
    }
    // Keys that are newer than the database do not open a person who was erased since.
    let directory = people::directory(tx, org).await?;
    let mut site = directory.get(person).map(|entry| entry.site);
    if !consents::is_given(tx, org, person).await? {
        site = None;
    }
    let report = match (&analysed, site.is_some()) {
        (Ok(analysed), true) => Some(report(analysed)?),
        (Ok(_), false) => None,
        (Err(error), _) => {
            tracing::error!(%error, enrolment = %id, "an enrolment failed");
            None
        }
    };
    let accepted = report
        .iter()
        .flat_map(|report| &report.photos)
        .filter(|photo| photo.accepted)
        .count();
    let (state, sealed) = match &report {
        Some(report) => {
            if let Ok(analysed) = &analysed {
                templates::insert(tx, org, person, id, &analysed.templates).await?;
            }
            let plain = serde_json::to_vec(report)?;
            (
                "done",
                Some(tx.keys().seal(org, person, "enrolment", &plain)?),
            )
        }
        None => ("failed", None),
    };
    let now = tx.now;
    tx.execute(
        "UPDATE enrolment SET state = $3, seen = photos, report = $4, finished = $5 WHERE org = $1 AND id = $2",
        values![org, id, state, sealed, now],
    )
    .await?;
    remove_photos(tx, org, id).await?;
    let Some(site) = site else {
        return Ok(());
    };
    let detail = json!({ "enrolment": id, "state": state, "accepted": accepted });
    audit::record(
        tx,
        &actor,
        "enrolment_finished",
        Subject::Person(person),
        detail,
    )
    .await?;
    tx.event(
        org,
        "templates_changed",
        Some(site),
        Some(person),
        json!({ "enrolment": id }),
    )
    .await
}

async fn remove_photos(tx: &mut Transaction, org: Id, enrolment: Id) -> Result<()> {
    tx.execute(
        "DELETE FROM enrolment_photo WHERE org = $1 AND enrolment = $2",
        values![org, enrolment],
    )
    .await?;
    Ok(())
}

/// Ends the enrolments of a person that wait, with their photos.
pub(super) async fn end_waiting(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    let rows = tx
        .rows(
            "SELECT id FROM enrolment WHERE org = $1 AND person = $2 AND state = 'waiting'",
            values![org, person],
        )
        .await?;
    for row in rows {
        fail(tx, org, row.get("id")?).await?;
    }
    Ok(())
}

/// Ends an enrolment that waits, without a report, and removes its photos.
async fn fail(tx: &mut Transaction, org: Id, enrolment: Id) -> Result<()> {
    remove_photos(tx, org, enrolment).await?;
    let now = tx.now;
    tx.execute(
        "UPDATE enrolment SET state = 'failed', finished = $3 WHERE org = $1 AND id = $2 AND state = 'waiting'",
        values![org, enrolment, now],
    )
    .await?;
    Ok(())
}

/// Removes the enrolments of a person, with photos and reports. The templates must be removed before.
pub(super) async fn remove_all(tx: &mut Transaction, org: Id, person: Id) -> Result<()> {
    end_waiting(tx, org, person).await?;
    tx.execute(
        "DELETE FROM enrolment WHERE org = $1 AND person = $2",
        values![org, person],
    )
    .await?;
    Ok(())
}

fn report(analyzed: &Analyzed) -> Result<Report> {
    let found = &analyzed.report;
    let mut numbers: Vec<usize> = found.accepted.clone();
    numbers.extend(found.refused.iter().map(|refused| refused.photo));
    numbers.extend(
        analyzed
            .unreadable
            .iter()
            .map(|unreadable| unreadable.photo),
    );
    let count = numbers.into_iter().max().map_or(0, |last| last + 1);
    let mut photos = vec![PhotoReport::default(); count];
    for (&photo, template) in found.accepted.iter().zip(&analyzed.templates) {
        photos[photo].accepted = true;
        photos[photo].quality = Some(f64::from(template.quality));
    }
    for refused in &found.refused {
        photos[refused.photo].reasons = reasons(&refused.refusal);
    }
    for unreadable in &analyzed.unreadable {
        photos[unreadable.photo].reasons = vec![Reason {
            code: unreadable.error.code.to_owned(),
            detail: unreadable.error.detail.clone(),
        }];
    }
    let resembles = found.resembles.iter().map(|other| {
        Ok(Resembles {
            photo: other.photo,
            person: other.person.as_str().parse().map_err(Error::internal)?,
            score: f64::from(other.score),
        })
    });
    Ok(Report {
        photos,
        resembles: resembles.collect::<Result<_>>()?,
    })
}

fn reasons(refusal: &Refusal) -> Vec<Reason> {
    if let Refusal::PoorQuality { issues } = refusal {
        let reason = |issue: &QualityIssue| Reason {
            code: issue.code().to_owned(),
            detail: issue.to_string(),
        };
        return issues.iter().map(reason).collect();
    }
    // Other photos are numbered from 1, as people count them.
    vec![Reason {
        code: refusal.code().to_owned(),
        detail: refusal.described(|photo| format!("photo {}", photo + 1)),
    }]
}
