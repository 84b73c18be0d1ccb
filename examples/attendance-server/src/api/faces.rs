//! `/recognition`, and consents, enrolments, templates and erasure of people.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    answer::{Accepted, Created, Done, Found},
    input::{Body, ById, IdempotencyKey},
};
use crate::{
    commands::{
        consents::{self, Consent, NewConsent},
        enrolments::{self, Enrolment},
        erase, idempotency,
        model_change::{self, ModelChange},
        templates::{self, Template},
    },
    error::Result,
    http::{Caller, Photos},
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/recognition",
        "The models, the room for more people, and the text of consent",
        recognition,
    )
    .get(
        "/recognition/change",
        "A change of models: who has new templates, who waits for them, and who must be enrolled again",
        model_change,
    )
    .post(
        "/recognition/change/end",
        "Ends a change of models: removes the templates of earlier models",
        end_model_change,
    )
    .get(
        "/people/{person}/consents",
        "The consents of a person, the newest first",
        list_consents,
    )
    .post(
        "/people/{person}/consents",
        "Records that a person consents to the use of face data",
        give_consent,
    )
    .post(
        "/consents/{consent}/withdraw",
        "Withdraws a consent, and removes the person's templates",
        withdraw_consent,
    )
    .get(
        "/people/{person}/enrolments",
        "The enrolments of a person, the newest first; at most 20",
        list_enrolments,
    )
    .post(
        "/people/{person}/enrolments",
        "Takes photos of a person, which are analysed in the background",
        enrol,
    )
    .get(
        "/enrolments/{enrolment}",
        "An enrolment: its progress, and the report on each photo",
        get_enrolment,
    )
    .get(
        "/people/{person}/templates",
        "The templates of a person, the oldest first",
        list_templates,
    )
    .delete(
        "/templates/{template}",
        "Removes a template",
        remove_template,
    )
    .post(
        "/people/{person}/erasure",
        "Erases a person for good: name, templates, photos, accounts and key",
        erase_person,
    )
}

/// Recognition.
#[derive(Serialize, JsonSchema)]
struct RecognitionInfo {
    /// The name of the models, such as `nano`.
    models: String,
    /// The runtime, such as `tract`.
    runtime: String,
    /// The embedding space of new templates.
    space: String,
    /// The names of earlier models whose templates are searched as well, during a change of models.
    earlier_models: Vec<String>,
    /// The embedding spaces of templates that are not searched, because their models are not here.
    missing_spaces: Vec<String>,
    /// There is a liveness check. Without it nobody is marked by face.
    has_liveness: bool,
    /// The people with templates.
    people: Option<usize>,
    /// The greatest number of people for whom the wanted rate of a search among all is known.
    capacity: Option<u64>,
    /// The version of the text of consent.
    consent_text_version: &'static str,
}

async fn recognition(
    State(server): State<Server>,
    Caller(actor): Caller,
) -> Result<Found<RecognitionInfo>> {
    let (models, room) = (
        server.recognition.models(),
        server.recognition.room(actor.org),
    );
    Ok(Found(RecognitionInfo {
        models: models.name.clone(),
        runtime: models.runtime.clone(),
        space: models.space.clone(),
        earlier_models: models.earlier.clone(),
        missing_spaces: models.missing_spaces.clone(),
        has_liveness: models.has_liveness,
        people: room.map(|room| room.people),
        capacity: room.map(|room| room.capacity),
        consent_text_version: consents::TEXT_VERSION,
    }))
}

async fn model_change(
    State(server): State<Server>,
    Caller(actor): Caller,
) -> Result<Found<ModelChange>> {
    let mut tx = server.store.read().await?;
    let space = &server.recognition.models().space;
    Ok(Found(model_change::state(&mut tx, &actor, space).await?))
}

async fn end_model_change(State(server): State<Server>, Caller(actor): Caller) -> Result<Done> {
    let mut tx = server.store.write().await?;
    model_change::end(&mut tx, &actor, &server.recognition.models().space).await?;
    tx.commit().await?;
    Ok(Done)
}

async fn list_consents(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
) -> Result<Found<Vec<Consent>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(consents::list(&mut tx, &actor, person).await?))
}

async fn give_consent(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
    Body(new): Body<NewConsent>,
) -> Result<Created<Consent>> {
    let mut tx = server.store.write().await?;
    let consent = consents::give(&mut tx, &actor, person, &new).await?;
    tx.commit().await?;
    Ok(Created(
        format!("/api/v1/people/{person}/consents"),
        consent,
    ))
}

async fn withdraw_consent(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Found<Consent>> {
    let mut tx = server.store.write().await?;
    let consent = consents::withdraw(&mut tx, &actor, id).await?;
    tx.commit().await?;
    templates::follow(
        &server.store,
        &*server.recognition,
        actor.org,
        consent.person,
    )
    .await?;
    Ok(Found(consent))
}

async fn list_enrolments(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
) -> Result<Found<Vec<Enrolment>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(enrolments::list(&mut tx, &actor, person).await?))
}

async fn enrol(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
    IdempotencyKey(key): IdempotencyKey,
    photos: Photos,
) -> Result<Accepted<Enrolment>> {
    let sealed = enrolments::seal(&server.store, &actor, person, photos.files).await?;
    let request = (person, sealed.hashes().to_vec());
    let mut tx = server.store.write().await?;
    let enrolment = match idempotency::replay::<Enrolment>(&mut tx, &actor, &key, &request).await? {
        // The state of today, not that of the first answer.
        Some(known) => enrolments::get(&mut tx, &actor, known.id).await?,
        None => {
            let begun = enrolments::begin(&mut tx, &actor, sealed).await?;
            idempotency::keep(&mut tx, &actor, &key, &request, &begun, person).await?;
            tx.commit().await?;
            begun
        }
    };
    Ok(Accepted(
        format!("/api/v1/enrolments/{}", enrolment.id),
        enrolment,
    ))
}

async fn get_enrolment(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Found<Enrolment>> {
    let mut tx = server.store.read().await?;
    Ok(Found(enrolments::get(&mut tx, &actor, id).await?))
}

async fn list_templates(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
) -> Result<Found<Vec<Template>>> {
    let mut tx = server.store.read().await?;
    Ok(Found(templates::list(&mut tx, &actor, person).await?))
}

async fn remove_template(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(id): ById,
) -> Result<Done> {
    let mut tx = server.store.write().await?;
    let person = templates::remove(&mut tx, &actor, id).await?;
    tx.commit().await?;
    templates::follow(&server.store, &*server.recognition, actor.org, person).await?;
    Ok(Done)
}

/// The confirmation of an erasure.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Erasure {
    /// The staff number of the person, so that nobody is erased by mistake.
    number: String,
}

async fn erase_person(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(person): ById,
    Body(erasure): Body<Erasure>,
) -> Result<Done> {
    let mut tx = server.store.write().await?;
    erase::person(&mut tx, &actor, person, &erasure.number).await?;
    tx.commit().await?;
    erase::complete(&server.store, &server.recognition, actor.org, person).await?;
    Ok(Done)
}
