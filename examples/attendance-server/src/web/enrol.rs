//! `/people/{person}/enrol`: consent, photos, and the report on each photo; and the face data of a person for several pages.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    PageError, PageResult,
    input::{Form, Path},
    language::Language,
    page::Page,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    access::{Actor, EDITORS},
    commands::{
        consents::{self, NewConsent},
        enrolments::{self, Enrolment, EnrolmentState, MOST_PHOTOS, PhotoReport},
        erase, people, sites, templates,
    },
    error::{Error, ErrorKind, Result},
    http::{Caller, Photos},
    id::Id,
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/people/{person}/enrol", get(show).post(upload))
        .route("/people/{person}/consent", post(consent))
        .route("/people/{person}/consent/withdraw", post(withdraw))
        .route("/people/{person}/erase", post(erase_person))
        .route(
            "/people/{person}/templates/{template}/remove",
            post(remove_template),
        )
}

/// The face data of a person.
pub(super) struct FaceData {
    /// The consent that holds, in words; none without consent.
    pub(super) consent: Option<String>,
    /// The consent covers the small pictures of the face.
    pub(super) keeps_crops: bool,
    /// The templates.
    pub(super) templates: Vec<TemplateRow>,
    /// Earlier models made all templates, and no picture is kept from which the present ones can make new templates.
    pub(super) must_enrol: bool,
}

/// A template.
pub(super) struct TemplateRow {
    pub(super) id: Id,
    /// The quality, 0 to 100.
    pub(super) quality: i64,
    pub(super) created: String,
    /// Earlier models made it.
    pub(super) is_old: bool,
}

impl FaceData {
    /// Reads the face data of a person. `space` is the embedding space of the present models.
    pub(super) async fn load(
        tx: &mut Transaction,
        actor: &Actor,
        page: &Page,
        person: Id,
        zone: &TimeZone,
        space: &str,
    ) -> Result<Self> {
        let known = consents::list(tx, actor, person).await?;
        let holds = known
            .into_iter()
            .find(|consent| consent.withdrawn.is_none());
        let keeps_crops = holds.as_ref().is_some_and(|consent| consent.keeps_crops);
        let consent = holds.map(|consent| {
            let language = Language::find(&consent.language)
                .map_or_else(|| consent.language.clone(), |it| it.say("language-name"));
            let given = consent.given.to_zoned_datetime(zone.clone()).datetime();
            let text = page.say_with_two(
                "consent-recorded-text",
                "version",
                consent.text_version,
                "language",
                language,
            );
            let crops = page.say(if keeps_crops {
                "consent-crops-kept"
            } else {
                "consent-crops-not-kept"
            });
            let (date, time) = (page.date(given.date()), page.time(given));
            format!("{text} {date}, {time}. {crops}")
        });
        let rows = templates::list(tx, actor, person).await?;
        let is_lost =
            |template: &templates::Template| template.space != space && !template.has_crop;
        let must_enrol = !rows.is_empty() && rows.iter().all(is_lost);
        let row = |template: templates::Template| TemplateRow {
            id: template.id,
            quality: percent(template.quality),
            created: page.date(template.created.to_zoned_datetime(zone.clone()).date()),
            is_old: template.space != space,
        };
        Ok(Self {
            consent,
            keeps_crops,
            templates: rows.into_iter().map(row).collect(),
            must_enrol,
        })
    }
}

fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolPage {
    page: Page,
    id: Id,
    name: String,
    faces: FaceData,
    /// The newest enrolment.
    last: Option<LastEnrolment>,
    room: Option<RoomLeft>,
    /// The most photos of an enrolment.
    most: usize,
    error: Option<String>,
}

impl EnrolPage {
    /// The photos of the newest enrolment are being analysed.
    fn is_waiting(&self) -> bool {
        let waits = |last: &LastEnrolment| last.state == EnrolmentState::Waiting;
        self.last.as_ref().is_some_and(waits)
    }
}

/// An enrolment as the page shows it.
struct LastEnrolment {
    state: EnrolmentState,
    photos: i64,
    seen: i64,
    accepted: i64,
    rows: Vec<PhotoRow>,
    resembles: Vec<String>,
}

/// A photo with its result.
struct PhotoRow {
    accepted: bool,
    label: String,
    /// The quality, or the reasons.
    text: String,
}

/// The room of the gallery.
struct RoomLeft {
    people: usize,
    capacity: u64,
    left: u64,
}

async fn enrol_page(
    server: &Server,
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    id: Id,
) -> Result<EnrolPage> {
    let person = people::get(tx, actor, id).await?;
    actor.require_at(person.site, EDITORS)?;
    let site = sites::get(tx, actor, person.site).await?;
    let title = visitor
        .language
        .say_with("enrol-named", "name", person.name.as_str());
    let page = visitor.page(tx, actor, "/people", title).await?;
    let space = &server.recognition.models().space;
    let zone = zone(&site.time_zone);
    let faces = FaceData::load(tx, actor, &page, id, &zone, space).await?;
    let last = match enrolments::list(tx, actor, id).await?.into_iter().next() {
        Some(enrolment) => Some(last_enrolment(tx, actor, visitor.language, enrolment).await?),
        None => None,
    };
    let room = server.recognition.room(actor.org).map(|room| RoomLeft {
        people: room.people,
        capacity: room.capacity,
        left: room.capacity.saturating_sub(room.people as u64),
    });
    Ok(EnrolPage {
        page,
        id,
        name: person.name,
        faces,
        last,
        room,
        most: MOST_PHOTOS,
        error: None,
    })
}

async fn last_enrolment(
    tx: &mut Transaction,
    actor: &Actor,
    language: &'static Language,
    enrolment: Enrolment,
) -> Result<LastEnrolment> {
    let report = enrolment.report.unwrap_or_default();
    let directory = people::directory(tx, actor.org).await?;
    let row = |(number, photo): (usize, &PhotoReport)| PhotoRow {
        accepted: photo.accepted,
        label: language.say_with("photo-number", "number", number as i64 + 1),
        text: match photo.quality {
            Some(quality) => language.say_with("photo-quality", "quality", percent(quality)),
            None => reasons(language, photo),
        },
    };
    let rows: Vec<PhotoRow> = report.photos.iter().enumerate().map(row).collect();
    let mut resembles: Vec<String> = Vec::new();
    for other in &report.resembles {
        // Somebody of a site that the visitor does not see has no name here.
        let name = match people::get(tx, actor, other.person).await {
            Ok(person) => person.name,
            Err(_) if directory.get(other.person).is_some() => language.say("somebody-elsewhere"),
            Err(_) => continue,
        };
        let text = format!("{name} ({:.2})", other.score);
        if !resembles.contains(&text) {
            resembles.push(text);
        }
    }
    Ok(LastEnrolment {
        state: enrolment.state,
        photos: enrolment.photos,
        seen: enrolment.seen,
        accepted: rows.iter().filter(|row| row.accepted).count() as i64,
        rows,
        resembles,
    })
}

/// The reasons for which a photo was refused, in words.
fn reasons(language: &Language, photo: &PhotoReport) -> String {
    let reasons = photo.reasons.iter().map(|reason| {
        let key = format!("photo-{}", reason.code.replace('_', "-"));
        if language.has(&key) {
            language.say(&key)
        } else {
            reason.detail.clone()
        }
    });
    reasons.collect::<Vec<_>>().join(" ")
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    render(&enrol_page(&server, &mut tx, &actor, &visitor, id).await?)
}

async fn upload(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
    photos: Result<Photos, Error>,
) -> PageResult {
    let begun = async {
        let photos = photos?;
        let sealed = enrolments::seal(&server.store, &actor, id, photos.files).await?;
        let mut tx = server.store.write().await?;
        enrolments::begin(&mut tx, &actor, sealed).await?;
        tx.commit().await
    }
    .await;
    match begun {
        Ok(()) => Ok(Redirect::to(&format!("/people/{id}/enrol#report")).into_response()),
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::TooLarge
            ) =>
        {
            let mut tx = server.store.read().await?;
            let mut page = enrol_page(&server, &mut tx, &actor, &visitor, id).await?;
            page.error = Some(visitor.language.problem(&error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct ConsentForm {
    /// Any text if the small pictures of the face are kept. Browsers leave out a box that is not checked.
    #[serde(default)]
    keeps_crops: String,
}

async fn consent(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
    form: Result<Form<ConsentForm>, PageError>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    people::get(&mut tx, &actor, id).await?;
    let Form(form) = form?;
    let new = NewConsent {
        text_version: consents::TEXT_VERSION.to_owned(),
        language: visitor.language.code().to_owned(),
        keeps_crops: !form.keeps_crops.is_empty(),
    };
    consents::give(&mut tx, &actor, id, &new).await?;
    tx.commit().await?;
    let back = if is_member(&actor, id) {
        "/me/data?done=consented".to_owned()
    } else {
        format!("/people/{id}/enrol?done=consented")
    };
    Ok(Redirect::to(&back).into_response())
}

async fn withdraw(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let known = consents::list(&mut tx, &actor, id).await?;
    for consent in known.iter().filter(|consent| consent.withdrawn.is_none()) {
        consents::withdraw(&mut tx, &actor, consent.id).await?;
    }
    tx.commit().await?;
    templates::follow(&server.store, &*server.recognition, actor.org, id).await?;
    let back = if is_member(&actor, id) {
        "/me/data?done=consent-withdrawn".to_owned()
    } else {
        format!("/people/{id}?done=consent-withdrawn")
    };
    Ok(Redirect::to(&back).into_response())
}

/// The actor is the person, and sees no page of people.
fn is_member(actor: &Actor, person: Id) -> bool {
    actor.person == Some(person) && !actor.has_any(EDITORS)
}

async fn remove_template(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path((person, template)): Path<(Id, Id)>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    if templates::remove(&mut tx, &actor, template).await? != person {
        return Err(Error::not_found("template").into());
    }
    tx.commit().await?;
    templates::follow(&server.store, &*server.recognition, actor.org, person).await?;
    Ok(Redirect::to(&format!("/people/{person}?done=template-removed#faces")).into_response())
}

#[derive(Deserialize)]
struct Erasure {
    #[serde(default)]
    number: String,
}

async fn erase_person(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
    Form(erasure): Form<Erasure>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    erase::person(&mut tx, &actor, id, &erasure.number).await?;
    tx.commit().await?;
    erase::complete(&server.store, &server.recognition, actor.org, id).await?;
    Ok(Redirect::to("/people?done=erased").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_message() {
        for language in Language::all() {
            for code in enrolments::REASONS {
                let key = format!("photo-{}", code.replace('_', "-"));
                assert!(language.has(&key), "{}: {key}", language.code());
            }
        }
    }
}
