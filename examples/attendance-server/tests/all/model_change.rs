//! A change of models: kept pictures become templates of the new models, and the door works meanwhile.

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use attendance_server::{
    access::{Grant, Role},
    clock::Clock as _,
    commands::{model_change, templates},
    id::Id,
    recognition::{LocalOptions, LocalRecognition, Recognition},
    store::Store,
    values, worker,
};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    faces::{FORM, form},
    support::{Office, Organisation, picture, recognition},
};

async fn consent(office: &Office, org: &Organisation, person: Id, keeps_crops: bool) -> Value {
    let path = format!("/api/v1/people/{person}/consents");
    let consent = json!({ "text_version": "1", "language": "en", "keeps_crops": keeps_crops });
    office.post(&path, &org.manager, consent).await.expect(201)
}

/// Sends photos of a synthetic person.
async fn enrol(office: &Office, org: &Organisation, person: Id, name: &str, photos: &[u8]) {
    let files: Vec<_> = photos
        .iter()
        .map(|photo| picture(&format!("people/{name}/{photo}.jpg")))
        .collect();
    let key = Id::new(jiff::Timestamp::now()).to_string();
    let request = Request::post(format!("/api/v1/people/{person}/enrolments"))
        .header("authorization", format!("Bearer {}", org.manager))
        .header("idempotency-key", key)
        .header("content-type", FORM);
    let begun = office.send(request.body(form(&files)).unwrap()).await;
    let address = begun.expect(202)["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/enrolments/{address}");
    until("the enrolment is done", async || {
        let enrolment = office.get(&path, &org.admin).await.expect(200);
        assert_ne!(enrolment["state"], "failed");
        enrolment["state"] == "done"
    })
    .await;
}

/// Waits until something is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("in thirty seconds not: {what}");
}

/// The embedding space of each template of a person, and whether its picture is kept.
async fn kept(office: &Office, org: &Organisation, person: Id) -> Vec<(String, bool)> {
    let path = format!("/api/v1/people/{person}/templates");
    let list = office.get(&path, &org.admin).await.expect(200);
    let templates = list.as_array().unwrap().iter();
    let template = |template: &Value| {
        let space = template["space"].as_str().unwrap().to_owned();
        (space, template["has_crop"].as_bool().unwrap())
    };
    templates.map(template).collect()
}

async fn change(office: &Office, org: &Organisation) -> Value {
    let path = "/api/v1/recognition/change";
    office.get(path, &org.admin).await.expect(200)
}

/// The worker of a server, until it is dropped.
struct Working(tokio::task::JoinHandle<()>);

impl Working {
    fn on(office: &Office) -> Self {
        let server = &office.server;
        let run = worker::run(server.store.clone(), Arc::clone(&server.recognition));
        Self(tokio::spawn(run))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn pictures_are_kept_while_the_consent_covers_them() {
    let (office, org) = Office::with_organisation().await;
    let ari = office.person(&org, "1").await;
    let _working = Working::on(&office);
    let without = consent(&office, &org, ari, false).await;
    assert_eq!(without["keeps_crops"], false);
    enrol(&office, &org, ari, "Ari", &[1, 2]).await;
    assert!(kept(&office, &org, ari).await.iter().all(|it| !it.1));

    // The person agrees later: another consent, which holds for the next photos.
    let with = consent(&office, &org, ari, true).await;
    assert_eq!(with["keeps_crops"], true);
    assert_ne!(with["id"], without["id"]);
    enrol(&office, &org, ari, "Ari", &[3, 4]).await;
    let has_crop: Vec<bool> = kept(&office, &org, ari)
        .await
        .iter()
        .map(|it| it.1)
        .collect();
    assert_eq!(has_crop, [false, false, true, true]);

    // The picture is sealed, and is the face in 112 × 112 pixels.
    let mut tx = office.store.read().await.unwrap();
    let row = tx
        .row(
            "SELECT crop FROM template WHERE crop IS NOT NULL",
            values![],
        )
        .await
        .unwrap()
        .unwrap();
    let sealed: Vec<u8> = row.get("crop").unwrap();
    let opened = tx.keys().open(org.id, ari, "crop", &sealed).unwrap();
    drop(tx);
    let limits = facekit::image::DecodeLimits::default();
    let crop = facekit::image::decode(&opened.unwrap(), &limits).unwrap();
    assert_eq!((crop.width(), crop.height()), (112, 112));

    // The person changes their mind: the pictures are gone, and the templates stay.
    consent(&office, &org, ari, false).await;
    let left = kept(&office, &org, ari).await;
    assert!(left.len() == 4 && left.iter().all(|it| !it.1));
    consent(&office, &org, ari, true).await;
    enrol(&office, &org, ari, "Ari", &[5]).await;
    let list = format!("/api/v1/people/{ari}/consents");
    let list = office.get(&list, &org.admin).await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 4);
    let path = format!(
        "/api/v1/consents/{}/withdraw",
        list[0]["id"].as_str().unwrap()
    );
    office
        .post(&path, &org.manager, json!({}))
        .await
        .expect(200);
    let mut tx = office.store.read().await.unwrap();
    let rows = tx.rows("SELECT id FROM template", values![]).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn the_pages_ask_for_pictures_and_erase_them() {
    let (office, org) = Office::with_organisation().await;
    let ari = office.person(&org, "1").await;
    let _working = Working::on(&office);
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, admin) = office.session(&org, grant, None).await;
    let send_as = async |session: &str, method: &str, path: &str, body: &'static str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", format!("__Host-session={session}"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        office.send(request.body(Body::from(body)).unwrap()).await
    };
    let send = async |method: &str, path: &str, body: &'static str| {
        send_as(&admin, method, path, body).await
    };
    let page = format!("/people/{ari}/enrol");
    let first = send("GET", &page, "").await.text;
    assert!(first.contains("name=\"keeps_crops\""), "{first}");
    let agree = format!("/people/{ari}/consent");
    let agreed = send("POST", &agree, "keeps_crops=1").await;
    assert_eq!(agreed.status, 303);
    let second = send("GET", &page, "").await.text;
    assert!(
        second.contains("Pictures of the face are kept."),
        "{second}"
    );
    enrol(&office, &org, ari, "Ari", &[1, 2]).await;
    assert!(kept(&office, &org, ari).await.iter().all(|it| it.1));

    // The person sees it, and takes it back.
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let (_, member) = office.session(&org, grant, Some(ari)).await;
    let own = send_as(&member, "GET", "/me/data", "").await.text;
    assert!(own.contains("Pictures of the face are kept."), "{own}");
    assert!(own.contains("Erase the pictures"), "{own}");
    let erased = send_as(&member, "POST", &agree, "").await;
    assert_eq!(erased.status, 303, "{}", erased.text);
    assert_eq!(erased.headers["location"], "/me/data?done=consented");
    assert!(kept(&office, &org, ari).await.iter().all(|it| !it.1));
    let third = send("GET", &page, "").await.text;
    assert!(
        third.contains("Pictures of the face are not kept."),
        "{third}"
    );
}

#[tokio::test]
async fn an_admin_sees_whom_to_enrol_again_and_ends_the_change() {
    let (office, org) = Office::with_organisation().await;
    let (ari, bela) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    let working = Working::on(&office);
    for (person, name) in [(ari, "Ari"), (bela, "Bela")] {
        consent(&office, &org, person, false).await;
        enrol(&office, &org, person, name, &[1, 2]).await;
    }
    drop(working);
    let over = json!({ "done": 2, "waiting": 0, "to_enrol": [] });
    assert_eq!(change(&office, &org).await, over);
    let end = "/api/v1/recognition/change/end";
    let none = office.post(end, &org.admin, json!({})).await;
    assert_eq!(none.problem(409), "no_model_change");

    let mut tx = office.store.write().await.unwrap();
    tx.execute(
        "UPDATE template SET space = 'older models' WHERE person = $1",
        values![bela],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let going = json!({ "done": 1, "waiting": 0, "to_enrol": [bela] });
    assert_eq!(change(&office, &org).await, going);
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let cookie = format!("__Host-session={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let page = office.call("GET", "/settings", "", &headers, None).await;
    for text in [
        "1 of 2 people have templates of the new models.",
        "Person 2",
        &format!("/people/{bela}/enrol"),
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let person = format!("/people/{bela}");
    let person = office.call("GET", &person, "", &headers, None).await.text;
    assert!(person.contains("Enrol the person again"), "{person}");
    let path = "/settings/models/end";
    let ended = office.call("POST", path, "", &headers, None).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    assert!(kept(&office, &org, bela).await.is_empty());
    assert_eq!(kept(&office, &org, ari).await.len(), 2);
    let over = json!({ "done": 1, "waiting": 0, "to_enrol": [] });
    assert_eq!(change(&office, &org).await, over);
    let audit = office.get("/api/v1/audit", &org.auditor).await.text;
    assert!(audit.contains("model_change_ended"));
    let page = office.call("GET", "/settings", "", &headers, None).await;
    assert!(!page.text.contains("model-change"), "{}", page.text);
}

#[tokio::test]
async fn a_new_enrolment_replaces_what_cannot_be_embedded_again() {
    let (office, org) = Office::with_organisation().await;
    let _working = Working::on(&office);
    for (number, name, keeps_crops, left) in [("1", "Ari", true, 2), ("2", "Bela", false, 0)] {
        let person = office.person(&org, number).await;
        consent(&office, &org, person, keeps_crops).await;
        enrol(&office, &org, person, name, &[1, 2]).await;
        let mut tx = office.store.write().await.unwrap();
        tx.execute(
            "UPDATE template SET space = 'older models' WHERE person = $1",
            values![person],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        enrol(&office, &org, person, name, &[3]).await;
        let templates = kept(&office, &org, person).await;
        let older = templates.iter().filter(|it| it.0 == "older models");
        assert_eq!((older.count(), templates.len()), (left, left + 1), "{name}");
    }
    let going = json!({ "done": 1, "waiting": 1, "to_enrol": [] });
    assert_eq!(change(&office, &org).await, going);
}

/// Recognition with the standard models, and with those of the templates that exist.
async fn standard(store: &Store, models: &Path) -> Arc<LocalRecognition> {
    let mut tx = store.read().await.unwrap();
    let options = LocalOptions {
        models: "standard".to_owned(),
        folder: Some(models.to_owned()),
        spaces: model_change::spaces(&mut tx).await.unwrap(),
        threads: NonZeroUsize::new(2).unwrap(),
        ..LocalOptions::default()
    };
    drop(tx);
    let opened = tokio::task::spawn_blocking(move || LocalRecognition::open(&options));
    Arc::new(opened.await.unwrap().unwrap())
}

/// A door before which people stand, one after the other.
struct Door {
    org: Organisation,
    people: Vec<(&'static str, Id)>,
    /// The frames of the device so far.
    frames: i64,
    /// The times that each person was marked.
    marks: usize,
}

impl Door {
    async fn frame(&mut self, office: &Office, image: Bytes) -> Value {
        self.frames += 1;
        office.clock.advance(SignedDuration::from_millis(250));
        let (device, at) = (self.org.device_id, office.clock.now());
        let request = Request::post(format!(
            "/api/v1/devices/{device}/frames?boot=first&sequence={}&at={at}",
            self.frames
        ))
        .header("authorization", format!("Bearer {}", self.org.device))
        .header("content-type", "image/jpeg");
        let reply = office.send(request.body(image.into()).unwrap()).await;
        reply.expect(200)
    }

    /// One person comes to the door, and is marked.
    async fn marks(&mut self, office: &Office, number: usize) {
        let (name, _) = self.people[number];
        let mut states = Vec::new();
        for _ in 0..12 {
            let image = picture(&format!("people/{name}/6.jpg"));
            let state = self.frame(office, image).await;
            if matches!(state["state"].as_str(), Some("in" | "out")) {
                assert_eq!(state["name"], format!("Person {}", number + 1), "{state}");
                // The result is shown, and the next person comes.
                office.clock.advance(SignedDuration::from_secs(3));
                return;
            }
            states.push(state);
        }
        panic!("{name} is not marked: {states:?}");
    }

    /// Everybody comes, is marked, and nobody is mistaken for another.
    async fn marks_all(&mut self, office: &Office) {
        office.clock.advance(SignedDuration::from_mins(20));
        for number in 0..self.people.len() {
            self.marks(office, number).await;
        }
        self.marks += 1;
        for &(name, person) in &self.people {
            let path = format!("/api/v1/people/{person}/punches?from=2026-03-02&to=2026-03-02");
            let punches = office.get(&path, &self.org.admin).await.expect(200);
            assert_eq!(
                punches.as_array().unwrap().len(),
                self.marks,
                "{name}: {punches}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nano_to_standard_while_the_door_works() {
    let files = [
        "models/yunet_n_dynamic.onnx",
        "models/mobilefacenet.onnx",
        "models/minifasnet_v2.onnx",
        "models/minifasnet_v1se.onnx",
    ];
    let name = "from_nano_to_standard_while_the_door_works";
    let Some(data) = facekit_conformance::data(name, &files) else {
        return;
    };
    let models = data.join("models");
    let (office, org) = Office::with_organisation().await;
    let mut people = Vec::new();
    let working = Working::on(&office);
    // Chi does not want that pictures are kept.
    for (number, name, keeps_crops) in
        [("1", "Ari", true), ("2", "Bela", true), ("3", "Chi", false)]
    {
        let person = office.person(&org, number).await;
        consent(&office, &org, person, keeps_crops).await;
        enrol(&office, &org, person, name, &[1, 2, 3, 4, 5]).await;
        people.push((name, person));
    }
    let [ari, chi] = [people[0].1, people[2].1];
    let mut door = Door {
        org,
        people,
        frames: 0,
        marks: 0,
    };
    door.marks_all(&office).await;
    let nano = recognition().models().space.clone();
    assert!(
        kept(&office, &door.org, ari)
            .await
            .iter()
            .all(|it| it.0 == nano)
    );
    drop(working);

    // The server starts again with other models. Everybody is known by the earlier ones.
    let new = standard(&office.store, &models).await;
    assert_eq!(new.models().earlier, ["nano"]);
    let space = new.models().space.clone();
    templates::load_all(&office.store, &*new).await.unwrap();
    let office = office.restarted(new.clone());
    assert_eq!(new.room(door.org.id).unwrap().people, 3);
    let begun = json!({ "done": 0, "waiting": 2, "to_enrol": [chi] });
    assert_eq!(change(&office, &door.org).await, begun);
    door.marks_all(&office).await;

    // One person is embedded again, and the server is killed.
    let again = model_change::embed_again(&office.store, &*new, door.org.id, ari).await;
    assert!(again.unwrap());
    drop(new);
    let new = standard(&office.store, &models).await;
    assert_eq!(new.models().earlier, ["nano"]);
    templates::load_all(&office.store, &*new).await.unwrap();
    let office = office.restarted(new.clone());
    let half = json!({ "done": 1, "waiting": 1, "to_enrol": [chi] });
    assert_eq!(change(&office, &door.org).await, half);
    door.marks_all(&office).await;

    // The worker goes on while people come.
    let working = Working::on(&office);
    door.marks_all(&office).await;
    until("the kept pictures are embedded again", async || {
        change(&office, &door.org).await["waiting"] == 0
    })
    .await;
    let left = json!({ "done": 2, "waiting": 0, "to_enrol": [chi] });
    assert_eq!(change(&office, &door.org).await, left);
    for &(name, person) in &door.people {
        let templates = kept(&office, &door.org, person).await;
        let expected = if person == chi { &nano } else { &space };
        assert!(templates.len() >= 3, "{name}: {templates:?}");
        assert!(
            templates
                .iter()
                .all(|it| it.0 == *expected && it.1 == (person != chi)),
            "{name}: {templates:?}"
        );
    }
    door.marks_all(&office).await;
    assert_eq!(new.room(door.org.id).unwrap().people, 3);

    // Chi comes to be enrolled again: no template of the earlier models is left.
    enrol(&office, &door.org, chi, "Chi", &[1, 2, 3, 4, 5]).await;
    let over = json!({ "done": 3, "waiting": 0, "to_enrol": [] });
    assert_eq!(change(&office, &door.org).await, over);
    door.marks_all(&office).await;
    drop(working);

    // The next start needs the new models alone.
    let new = standard(&office.store, &models).await;
    assert!(new.models().earlier.is_empty());
    templates::load_all(&office.store, &*new).await.unwrap();
    let office = office.restarted(new);
    door.marks_all(&office).await;
    let audit = office.get("/api/v1/audit/verification", &door.org.auditor);
    assert_eq!(audit.await.expect(200)["fault"], json!(null));
}

#[tokio::test]
async fn people_whose_earlier_models_are_gone_are_counted() {
    let options = LocalOptions {
        spaces: vec!["gone@0123456789ab (128-d)".to_owned()],
        threads: NonZeroUsize::MIN,
        ..LocalOptions::default()
    };
    let opened = LocalRecognition::open(&options).unwrap();
    assert!(opened.models().earlier.is_empty());
    assert_eq!(opened.models().missing_spaces, options.spaces);
}
