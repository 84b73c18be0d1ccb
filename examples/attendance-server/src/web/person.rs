//! `/people/{person}`: the year, the punches of a day, corrections, details and the export.

use askama::Template;
use attendance_rules::PunchKind;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::civil::{Date, Time};
use serde::Deserialize;

use super::{
    PageResult,
    enrol::FaceData,
    history::{History, Subject},
    input::{Form, Path, Query},
    page::{Choice, Done, Page, Refused},
    people::site_choices,
    render,
    visitor::Visitor,
    zone,
};
use crate::{
    access::{Actor, EDITORS, Role, password::HashedSecret},
    commands::{
        corrections::{self, NewChange, NewCorrection},
        days,
        people::{self, PersonChanges},
        sites,
    },
    error::{Error, ErrorKind, Result},
    http::Caller,
    id::Id,
    patch::Patch,
    secret,
    server::Server,
    store::Transaction,
};

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/people/{person}", get(show).post(update))
        .route("/people/{person}/activate", post(activate))
        .route("/people/{person}/deactivate", post(deactivate))
        .route("/people/{person}/pin", post(pin))
        .route("/people/{person}/corrections", post(correct))
        .route("/people/{person}/corrections/{correction}/undo", post(undo))
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    page: Page,
    id: Id,
    name: String,
    number: String,
    site: String,
    joined: String,
    mail: String,
    version: i64,
    active: bool,
    history: History,
    sites: Vec<Choice>,
    /// The details as they were sent, if they were refused.
    error: Option<Refused>,
    /// Consent and templates.
    faces: FaceData,
    /// The visitor may change the person.
    edits: bool,
    /// The visitor may erase the person.
    erases: bool,
    /// The dialog for a punch is open.
    marking: bool,
    /// The correction as it was sent, if it was refused.
    refused: Option<RefusedCorrection>,
}

/// A correction that was refused, with its input.
struct RefusedCorrection {
    text: String,
    time: String,
    reason: String,
}

#[derive(Default, Deserialize)]
struct Shown {
    date: Option<Date>,
    /// Any value opens the dialog for a punch.
    mark: Option<String>,
}

async fn show(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
    Query(shown): Query<Shown>,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let mut page = person_page(&server, &mut tx, &actor, &visitor, id, shown.date).await?;
    page.marking = shown.mark.is_some();
    if let (Some(done), "deactivated") = (&mut page.page.done, visitor.done_name()) {
        done.undo = Some(format!("/people/{id}/activate"));
    }
    if let (Some(done), "corrected", Some(correction)) =
        (&mut page.page.done, visitor.done_name(), visitor.undo())
    {
        done.undo = Some(format!("/people/{id}/corrections/{correction}/undo"));
    }
    render(&page)
}

async fn person_page(
    server: &Server,
    tx: &mut Transaction,
    actor: &Actor,
    visitor: &Visitor,
    id: Id,
    date: Option<Date>,
) -> Result<PersonPage> {
    let person = people::get(tx, actor, id).await?;
    let site = sites::get(tx, actor, person.site).await?;
    let page = visitor
        .page(tx, actor, "/people", person.name.clone())
        .await?;
    let subject = Subject {
        person: id,
        zone: zone(&site.time_zone),
        inside_since: days::inside_since(tx, actor, id).await?,
    };
    let space = &server.recognition.models().space;
    let faces = FaceData::load(tx, actor, &page, id, &subject.zone, space).await?;
    let edits = actor.require_at(site.id, EDITORS).is_ok();
    let history = History::load(tx, actor, &page, &subject, date, edits).await?;
    Ok(PersonPage {
        id,
        name: person.name,
        number: person.number,
        joined: person
            .joined
            .map(|joined| page.date(joined))
            .unwrap_or_default(),
        mail: person.mail.unwrap_or_default(),
        version: person.version,
        active: person.deactivated.is_none(),
        history,
        sites: site_choices(tx, actor, Some(site.id)).await?,
        site: site.name,
        error: None,
        faces,
        edits,
        erases: actor.require(&[Role::Admin]).is_ok(),
        marking: false,
        refused: None,
        page,
    })
}

#[derive(Deserialize)]
struct Details {
    version: i64,
    name: String,
    number: String,
    #[serde(default)]
    mail: String,
    site: Id,
}

async fn update(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
    Form(details): Form<Details>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let changes = PersonChanges {
        name: Some(details.name.clone()),
        number: Some(details.number.clone()),
        mail: match details.mail.trim() {
            "" => Patch::Clear,
            mail => Patch::Set(mail.to_owned()),
        },
        site: Some(details.site),
        ..PersonChanges::default()
    };
    match people::update(&mut tx, &actor, id, Some(details.version), changes).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/people/{id}?done=saved")).into_response())
        }
        Err(error) if is_refusal(&error) => {
            drop(tx);
            let mut tx = server.store.read().await?;
            let mut page = person_page(&server, &mut tx, &actor, &visitor, id, None).await?;
            page.error = Some(Refused::of(&error, visitor.language));
            (page.name, page.number, page.mail) = (details.name, details.number, details.mail);
            refused(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// True if the error is about the input, so that the form is shown again.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Outdated
    )
}

fn refused(page: &PersonPage) -> PageResult {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(page)?).into_response())
}

async fn activate(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
) -> PageResult {
    set_active(&server, &actor, id, true).await
}

async fn deactivate(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
) -> PageResult {
    set_active(&server, &actor, id, false).await
}

async fn set_active(server: &Server, actor: &Actor, id: Id, active: bool) -> PageResult {
    let mut tx = server.store.write().await?;
    people::set_active(&mut tx, actor, id, active).await?;
    tx.commit().await?;
    let done = if active { "activated" } else { "deactivated" };
    Ok(Redirect::to(&format!("/people/{id}?done={done}")).into_response())
}

/// A correction, as the dialogs send it.
#[derive(Deserialize)]
struct CorrectionForm {
    action: Action,
    date: Date,
    punch: Option<Id>,
    #[serde(default)]
    time: String,
    #[serde(default)]
    kind: PunchKind,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Add,
    Replace,
    Void,
}

async fn correct(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
    Form(form): Form<CorrectionForm>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let made = async {
        let person = people::get(&mut tx, &actor, id).await?;
        let site = sites::get(&mut tx, &actor, person.site).await?;
        let change = change(&form, &site.time_zone)?;
        let input = NewCorrection {
            person: id,
            reason: form.reason.clone(),
            change,
        };
        corrections::make(&mut tx, &actor, input).await
    }
    .await;
    match made {
        Ok(made) => {
            tx.commit().await?;
            let correction = made.correction.id;
            let address = format!(
                "/people/{id}?date={}&done=corrected&undo={correction}",
                form.date
            );
            Ok(Redirect::to(&address).into_response())
        }
        Err(error) if is_refusal(&error) => {
            drop(tx);
            let mut tx = server.store.read().await?;
            let mut page =
                person_page(&server, &mut tx, &actor, &visitor, id, Some(form.date)).await?;
            page.refused = Some(RefusedCorrection {
                text: visitor.language.problem(&error),
                time: form.time,
                reason: form.reason,
            });
            refused(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// The change of a form. A time that the zone skips is moved on, and of a time that occurs twice, the first counts.
fn change(form: &CorrectionForm, time_zone: &str) -> Result<NewChange> {
    let at = || {
        let time: Time = form.time.parse().map_err(|_| {
            Error::invalid(
                "/time",
                "wrong_time",
                format!("{:?} is not a time such as 09:42.", form.time),
            )
        })?;
        let local = form.date.to_datetime(time);
        let zoned = local
            .to_zoned_datetime(zone(time_zone))
            .map_err(Error::internal)?;
        Ok::<_, Error>(zoned.timestamp())
    };
    let punch = || form.punch.ok_or_else(|| Error::not_found("punch"));
    Ok(match form.action {
        Action::Add => NewChange::Add {
            at: at()?,
            direction: form.kind,
        },
        Action::Replace => NewChange::Replace {
            punch: punch()?,
            at: at()?,
            direction: form.kind,
        },
        Action::Void => NewChange::Void { punch: punch()? },
    })
}

async fn undo(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path((person, correction)): Path<(Id, Id)>,
) -> PageResult {
    let mut tx = server.store.write().await?;
    let reason = visitor.language.say("undo-reason");
    corrections::undo(&mut tx, &actor, correction, &reason).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/people/{person}?done=undone#corrections")).into_response())
}

/// Makes a PIN and shows it once.
async fn pin(
    State(server): State<Server>,
    Caller(actor): Caller,
    visitor: Visitor,
    Path(id): Path<Id>,
) -> PageResult {
    let pin = new_pin();
    let hashed = HashedSecret::pin("/pin", pin.clone()).await?;
    let mut tx = server.store.write().await?;
    people::set_pin(&mut tx, &actor, id, Some(hashed)).await?;
    tx.commit().await?;
    let mut tx = server.store.read().await?;
    let mut page = person_page(&server, &mut tx, &actor, &visitor, id, None).await?;
    page.page.done = Some(Done {
        text: page
            .page
            .say_with_two("pin-is", "name", page.name.as_str(), "pin", pin),
        undo: None,
    });
    render(&page)
}

/// Six random digits.
fn new_pin() -> String {
    let mut pin = String::new();
    while pin.len() < 6 {
        // Bytes from 250 on would make the first digits more likely.
        let digits = secret::random().into_iter().filter(|byte| *byte < 250);
        pin.extend(
            digits
                .take(6 - pin.len())
                .map(|byte| char::from(b'0' + byte % 10)),
        );
    }
    pin
}
