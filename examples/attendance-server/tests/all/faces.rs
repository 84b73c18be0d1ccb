//! Consent, enrolment, templates and erasure.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use attendance_server::{
    access::{Actor, Grant, Role},
    commands::{enrolments, erase, people, templates},
    db::sqlite::SqliteEngine,
    id::Id,
    recognition::{Frame, Recognition},
    store::Store,
    values,
};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use facekit::Protection;
use futures_util::{future, stream};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Office, Organisation, Reply, picture, recognition, vault};

const BOUNDARY: &str = "----photos";

/// The content type of [`form`].
pub(crate) const FORM: &str = "multipart/form-data; boundary=----photos";

/// A form with photos, as browsers send it.
pub(crate) fn form(photos: &[Bytes]) -> Body {
    let mut body = Vec::new();
    for photo in photos {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n").bytes());
        body.extend(photo);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body.into()
}

/// Photos of a synthetic person.
fn photos(name: &str, numbers: std::ops::RangeInclusive<u8>) -> Vec<Bytes> {
    numbers
        .map(|number| picture(&format!("people/{name}/{number}.jpg")))
        .collect()
}

async fn enrol(
    office: &Office,
    org: &Organisation,
    person: Id,
    key: &str,
    photos: &[Bytes],
) -> Reply {
    let request = Request::post(format!("/api/v1/people/{person}/enrolments"))
        .header("authorization", format!("Bearer {}", org.manager))
        .header("idempotency-key", key)
        .header("content-type", FORM);
    office.send(request.body(form(photos)).unwrap()).await
}

async fn consent(office: &Office, org: &Organisation, person: Id) -> Value {
    let path = format!("/api/v1/people/{person}/consents");
    let consent = json!({ "text_version": "1", "language": "de", "keeps_crops": true });
    office.post(&path, &org.manager, consent).await.expect(201)
}

/// Analyses all enrolments that wait, and tells recognition the changes, as the worker does.
async fn work(store: &Store) {
    let mut events = store.listen();
    while enrolments::run_next(store, &*recognition()).await.unwrap() {}
    while let Ok(event) = events.try_recv() {
        let (Some(org), Some(person)) = (event.org, event.person) else {
            continue;
        };
        templates::follow(store, &*recognition(), org, person)
            .await
            .unwrap();
    }
}

/// The state of an enrolment in a database, and the number of its photos there.
async fn state(store: &Store, enrolment: &Value) -> (String, i64) {
    let id: Id = enrolment["id"].as_str().unwrap().parse().unwrap();
    let mut tx = store.read().await.unwrap();
    let row = tx
        .row(
            "SELECT e.state AS state, (SELECT count(*) FROM enrolment_photo p WHERE p.enrolment = e.id) AS photos \
             FROM enrolment e WHERE e.id = $1",
            values![id],
        )
        .await
        .unwrap()
        .unwrap();
    (row.get("state").unwrap(), row.get("photos").unwrap())
}

/// Consent, enrolment and a template of a person.
pub(crate) async fn enrolled(
    office: &Office,
    org: &Organisation,
    person: Id,
) -> (String, String, String) {
    let given = consent(office, org, person).await;
    let begun = enrol(office, org, person, "first", &photos("Ari", 1..=2)).await;
    let begun = begun.expect(202);
    work(&office.store).await;
    let templates = office
        .get(&format!("/api/v1/people/{person}/templates"), &org.auditor)
        .await
        .expect(200);
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    (id(&given), id(&begun), id(&templates[0]))
}

/// The people who are known in a frame of the door, with the time in its name.
async fn seen(org: Id, time: &str) -> Vec<String> {
    let image = picture(&format!("frames/2026-03-02T{time}.jpg"));
    let frame = Frame {
        org,
        image,
        sites: None,
    };
    let faces = recognition().recognize(frame).await.unwrap().faces;
    let known = faces.iter().filter_map(facekit::Recognition::known);
    known.map(|identity| identity.person.to_string()).collect()
}

const ARI: &str = "07-56-12";

#[tokio::test]
async fn a_person_consents_is_enrolled_recognized_and_withdraws() {
    let (office, org) = Office::with_organisation().await;
    let ari = office.person(&org, "1").await;
    let early = enrol(&office, &org, ari, "early", &photos("Ari", 1..=1)).await;
    assert_eq!(early.problem(409), "consent_missing");
    let given = consent(&office, &org, ari).await;
    assert_eq!(given["language"], "de");
    assert!(given["given_by"].as_str().unwrap().starts_with("token "));
    assert_eq!(
        consent(&office, &org, ari).await["id"],
        given["id"],
        "once is enough"
    );

    let files = photos("Ari", 1..=5);
    let reply = enrol(&office, &org, ari, "one", &files).await;
    let begun = reply.expect(202);
    let second = enrol(&office, &org, ari, "two", &files).await;
    assert_eq!(second.problem(409), "enrolment_waiting");
    assert_eq!(
        (&begun["state"], &begun["photos"]),
        (&json!("waiting"), &json!(5))
    );
    let address = reply.headers["location"].to_str().unwrap().to_owned();
    assert!(seen(org.id, ARI).await.is_empty());
    work(&office.store).await;
    let done = office.get(&address, &org.auditor).await.expect(200);
    assert_eq!((&done["state"], &done["seen"]), (&json!("done"), &json!(5)));
    let results = done["report"]["photos"].as_array().unwrap();
    let accepted = results.iter().filter(|photo| photo["accepted"] == true);
    let accepted = accepted.count();
    assert!(accepted >= 3, "{results:?}");
    assert!(
        results[0]["quality"]
            .as_f64()
            .is_some_and(|quality| quality > 0.3)
    );
    assert_eq!(seen(org.id, ARI).await, [ari.to_string()]);

    // The same request again: the same enrolment, and no template more.
    let again = enrol(&office, &org, ari, "one", &files).await.expect(202);
    assert_eq!(
        (&again["id"], &again["state"]),
        (&begun["id"], &json!("done"))
    );
    let other = enrol(&office, &org, ari, "one", &files[..1]).await;
    assert_eq!(other.problem(422), "key_reused");
    work(&office.store).await;
    let path = format!("/api/v1/people/{ari}/templates");
    let kept = office.get(&path, &org.auditor).await.expect(200);
    assert_eq!(kept.as_array().unwrap().len(), accepted);
    assert_eq!(kept[0]["space"], recognition().models().space);

    // A template less is one less in recognition; none is nobody.
    let id = kept[0]["id"].as_str().unwrap();
    let removed = office
        .call(
            "DELETE",
            &format!("/api/v1/templates/{id}"),
            &org.manager,
            &[],
            None,
        )
        .await;
    removed.expect(204);
    let kept = office.get(&path, &org.auditor).await.expect(200);
    assert_eq!(kept.as_array().unwrap().len(), accepted - 1);
    let info = office
        .get("/api/v1/recognition", &org.admin)
        .await
        .expect(200);
    assert_eq!(
        (&info["models"], &info["people"]),
        (&json!("nano"), &json!(1))
    );
    let withdraw = format!(
        "/api/v1/consents/{}/withdraw",
        given["id"].as_str().unwrap()
    );
    let withdrawn = office
        .post(&withdraw, &org.manager, json!({}))
        .await
        .expect(200);
    assert!(withdrawn["withdrawn"].is_string());
    assert_eq!(office.get(&path, &org.auditor).await.expect(200), json!([]));
    assert!(seen(org.id, ARI).await.is_empty());
    assert_eq!(
        enrol(&office, &org, ari, "late", &files).await.problem(409),
        "consent_missing"
    );
}

#[tokio::test]
async fn each_refused_photo_has_its_reasons_and_look_alikes_are_named() {
    let (office, org) = Office::with_organisation().await;
    let (ari, double) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    enrolled(&office, &org, ari).await;
    consent(&office, &org, double).await;
    let blank = facekit::image::encode_jpeg(&facekit::Image::filled(320, 240, [90; 3]), 90);
    let files = [
        picture("people/Ari/3.jpg"),
        Bytes::from_static(b"%PDF-1.7"),
        blank.into(),
    ];
    let begun = enrol(&office, &org, double, "one", &files)
        .await
        .expect(202);
    work(&office.store).await;
    let address = format!("/api/v1/enrolments/{}", begun["id"].as_str().unwrap());
    let report = office.get(&address, &org.admin).await.expect(200)["report"].clone();
    let code = |photo: usize| report["photos"][photo]["reasons"][0]["code"].clone();
    assert_eq!(report["photos"][0]["accepted"], true);
    assert_eq!(
        (code(1), code(2)),
        (json!("unreadable_image"), json!("no_face"))
    );
    assert_eq!(report["resembles"][0]["person"], json!(ari));
}

#[tokio::test]
async fn wrong_enrolments_are_refused() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    consent(&office, &org, person).await;
    let one = picture("people/Ari/1.jpg");
    let many = vec![one.clone(); 11];
    assert_eq!(
        enrol(&office, &org, person, "a", &[]).await.problem(422),
        "number_of_photos"
    );
    assert_eq!(
        enrol(&office, &org, person, "b", &many).await.problem(422),
        "number_of_photos"
    );
    let large = [Bytes::from(vec![1; (25 << 20) + 1])];
    assert_eq!(
        enrol(&office, &org, person, "c", &large).await.problem(413),
        "photo_too_large"
    );
    let larger = vec![Bytes::from(vec![1; 22 << 20]); 3];
    assert_eq!(
        enrol(&office, &org, person, "d", &larger)
            .await
            .problem(413),
        "too_large"
    );
    let path = format!("/api/v1/people/{person}/enrolments");
    let no_form = office.post_once(&path, &org.manager, json!({})).await;
    assert_eq!(no_form.problem(415), "not_a_form");
    let elsewhere = office.organisation("Other").await;
    assert_eq!(
        enrol(&office, &elsewhere, person, "e", &[one])
            .await
            .problem(404),
        "not_found"
    );
    for (consent, code) in [
        (
            json!({ "text_version": "0", "language": "de" }),
            "unknown_text",
        ),
        (
            json!({ "text_version": "1", "language": "<b>" }),
            "unknown_language",
        ),
    ] {
        let path = format!("/api/v1/people/{person}/consents");
        let refused = office.post(&path, &org.manager, consent).await;
        assert_eq!(refused.problem(422), code);
    }
}

#[tokio::test]
async fn consent_that_is_withdrawn_ends_an_enrolment_that_waits() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let given = consent(&office, &org, person).await;
    let begun = enrol(&office, &org, person, "one", &photos("Ari", 1..=1))
        .await
        .expect(202);
    let withdraw = format!(
        "/api/v1/consents/{}/withdraw",
        given["id"].as_str().unwrap()
    );
    office
        .post(&withdraw, &org.manager, json!({}))
        .await
        .expect(200);
    work(&office.store).await;
    let address = format!("/api/v1/enrolments/{}", begun["id"].as_str().unwrap());
    let ended = office.get(&address, &org.admin).await.expect(200);
    assert_eq!(
        (&ended["state"], &ended["report"]),
        (&json!("failed"), &json!(null))
    );
    assert!(seen(org.id, ARI).await.is_empty());
}

#[tokio::test]
async fn an_enrolment_that_cannot_be_opened_or_stored_does_not_hold_up_the_next() {
    let (office, org) = Office::with_organisation().await;
    let mut begun = Vec::new();
    for number in ["1", "2", "3"] {
        let person = office.person(&org, number).await;
        consent(&office, &org, person).await;
        let one = photos("Ari", 1..=1);
        let enrolment = enrol(&office, &org, person, number, &one).await.expect(202);
        begun.push((person, enrolment));
        office.set(&format!("2026-03-02T07:00:0{number}Z"));
    }
    // The first photo was changed. The key of the second person is gone.
    let id: Id = begun[0].1["id"].as_str().unwrap().parse().unwrap();
    let mut tx = office.store.write().await.unwrap();
    let changed = tx
        .execute(
            "UPDATE enrolment_photo SET photo = $2 WHERE enrolment = $1",
            values![id, vec![0_u8; 100]],
        )
        .await;
    assert_eq!(changed.unwrap(), 1);
    tx.commit().await.unwrap();
    let keys = &office.store.services().keys;
    keys.forget(org.id, &[begun[1].0]).await.unwrap();
    work(&office.store).await;
    let failed = ("failed".to_owned(), 0);
    assert_eq!(state(&office.store, &begun[0].1).await, failed);
    assert_eq!(state(&office.store, &begun[1].1).await, failed);
    assert_eq!(
        state(&office.store, &begun[2].1).await,
        ("done".to_owned(), 0)
    );
}

#[tokio::test]
async fn an_enrolment_of_a_person_whom_newer_keys_forgot_ends() {
    let (office, org) = Office::with_organisation().await;
    let (erased, other) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    let mut begun = Vec::new();
    for person in [erased, other] {
        consent(&office, &org, person).await;
        let one = photos("Ari", 1..=1);
        let enrolment = enrol(&office, &org, person, &person.to_string(), &one).await;
        begun.push(enrolment.expect(202));
        office.set("2026-03-02T07:00:01Z");
    }
    let restored = tempfile::tempdir().unwrap();
    let (database, keys) = (
        restored.path().join("attendance.db"),
        restored.path().join("keys.facekit"),
    );
    office.store.engine().copy_to(&database).await.unwrap();
    let path = format!("/api/v1/people/{erased}/erasure");
    office
        .post(&path, &org.admin, json!({ "number": "1" }))
        .await
        .expect(204);
    office.vault.copy_to(&keys).unwrap();
    let store = Store::open(
        Arc::new(SqliteEngine::open(&database).await.unwrap()),
        office.clock.clone(),
        Arc::new(vault(&keys)),
    )
    .await
    .unwrap();
    assert_eq!(
        state(&store, &begun[0]).await,
        ("waiting".to_owned(), 1),
        "the backup is older than the erasure"
    );
    work(&store).await;
    assert_eq!(state(&store, &begun[0]).await, ("failed".to_owned(), 0));
    assert_eq!(state(&store, &begun[1]).await, ("done".to_owned(), 0));
}

#[tokio::test]
async fn a_template_is_removed_on_the_page_of_its_own_person() {
    let (office, org) = Office::with_organisation().await;
    let (ari, other) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    let (_, _, template) = enrolled(&office, &org, ari).await;
    let grant = Grant {
        role: Role::Manager,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let cookie = format!("__Host-session={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let templates = format!("/api/v1/people/{ari}/templates");
    let before = office.get(&templates, &org.auditor).await.expect(200);
    for (person, status, removed) in [(other, 404, 0), (ari, 303, 1)] {
        let path = format!("/people/{person}/templates/{template}/remove");
        let reply = office.call("POST", &path, "", &headers, None).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        let left = office.get(&templates, &org.auditor).await.expect(200);
        let count = |list: &Value| list.as_array().unwrap().len();
        assert_eq!(count(&left), count(&before) - removed);
    }
}

#[tokio::test]
async fn a_member_decides_about_the_own_consent_only() {
    let (office, org) = Office::with_organisation().await;
    let (anna, bela) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let (_, session) = office.session(&org, grant, Some(anna)).await;
    let cookie = format!("__Host-session={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let new = json!({ "text_version": "1", "language": "en" });
    let give = async |person: Id| {
        let path = format!("/api/v1/people/{person}/consents");
        office.call("POST", &path, "", &headers, Some(&new)).await
    };
    let given = give(anna).await.expect(201);
    assert_eq!(give(bela).await.problem(404), "not_found");
    let of_bela = consent(&office, &org, bela).await;
    for (consent, status) in [(&given, 200), (&of_bela, 404)] {
        let path = format!(
            "/api/v1/consents/{}/withdraw",
            consent["id"].as_str().unwrap()
        );
        let reply = office
            .call("POST", &path, "", &headers, Some(&json!({})))
            .await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
}

#[tokio::test]
async fn templates_are_loaded_at_the_start_and_follow_the_home_site() {
    let (office, org) = Office::with_organisation().await;
    let ari = office.person(&org, "1").await;
    enrolled(&office, &org, ari).await;
    recognition().load(org.id, Vec::new()).await.unwrap();
    assert!(seen(org.id, ARI).await.is_empty());
    assert_eq!(
        templates::load_all(&office.store, &*recognition())
            .await
            .unwrap(),
        1
    );
    assert_eq!(seen(org.id, ARI).await, [ari.to_string()]);

    let other =
        json!({ "name": "Hamburg", "time_zone": "Europe/Berlin", "preset": "nine-to-five" });
    let other = office
        .post("/api/v1/sites", &org.admin, other)
        .await
        .expect(201)["id"]
        .clone();
    let worker = tokio::spawn(attendance_server::worker::run(
        office.store.clone(),
        recognition(),
    ));
    tokio::task::yield_now().await;
    let moved = office
        .patch(
            &format!("/api/v1/people/{ari}"),
            &org.admin,
            1,
            json!({ "site": other }),
        )
        .await;
    moved.expect(200);
    let there: Id = other.as_str().unwrap().parse().unwrap();
    let at = async |site: Id| {
        let frame = Frame {
            org: org.id,
            image: picture(&format!("frames/2026-03-02T{ARI}.jpg")),
            sites: Some(vec![site]),
        };
        let faces = recognition().recognize(frame).await.unwrap().faces;
        faces.iter().any(|face| face.known().is_some())
    };
    let mut rounds = 0;
    while !at(there).await {
        rounds += 1;
        assert!(rounds < 200, "recognition did not follow");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!at(org.site).await);
    worker.abort();
}

#[tokio::test]
async fn the_worker_follows_also_the_events_that_did_not_arrive() {
    let (office, org) = Office::with_organisation().await;
    let ari = office.person(&org, "1").await;
    enrolled(&office, &org, ari).await;
    let elsewhere = office.organisation("Other").await;
    let twin = office.person(&elsewhere, "1").await;
    enrolled(&office, &elsewhere, twin).await;
    let worker = tokio::spawn(attendance_server::worker::run(
        office.store.clone(),
        recognition(),
    ));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    for org in [org.id, elsewhere.id] {
        recognition().load(org, Vec::new()).await.unwrap();
    }
    // More events than a listener may be behind, in one commit.
    let mut tx = office.store.write().await.unwrap();
    let changed = tx.event(
        org.id,
        "templates_changed",
        Some(org.site),
        Some(ari),
        json!({}),
    );
    changed.await.unwrap();
    for _ in 0..1100 {
        let other = tx.event(org.id, "punch_recorded", None, Some(ari), json!({}));
        other.await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut rounds = 0;
    while seen(org.id, ARI).await.is_empty() {
        rounds += 1;
        assert!(rounds < 200, "recognition did not follow");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // Nobody changed in the other organisation, so that its gallery stays as it is.
    assert!(seen(elsewhere.id, ARI).await.is_empty());
    worker.abort();
}

/// A form that counts in `read` that somebody asks for it. It ends when the sender of `end` is gone.
fn slow_form(read: &Arc<AtomicUsize>, mut end: watch::Receiver<()>) -> Body {
    let read = Arc::clone(read);
    let chunks = stream::once(async move {
        read.fetch_add(1, Ordering::Relaxed);
        let _ = end.changed().await;
        Ok::<_, Infallible>(Bytes::new())
    });
    Body::from_stream(chunks)
}

#[tokio::test]
async fn photos_are_read_for_those_only_who_may_enrol_and_few_at_once() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let elsewhere = office.organisation("Other").await;
    let read = Arc::new(AtomicUsize::new(0));
    let (end, ending) = watch::channel(());
    let request = |token: &str, key: &str| {
        let request = Request::post(format!("/api/v1/people/{person}/enrolments"))
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", key)
            .header("content-type", FORM);
        request.body(slow_form(&read, ending.clone())).unwrap()
    };
    let refused = office.send(request(&elsewhere.manager, "a")).await;
    assert_eq!(refused.problem(404), "not_found");
    assert_eq!(read.load(Ordering::Relaxed), 0);
    let keys = ["b", "c", "d"];
    let sent = keys.map(|key| office.send(request(&org.manager, key)));
    let time = std::time::Duration::from_millis(500);
    let waiting = tokio::time::timeout(time, future::join_all(sent)).await;
    assert!(waiting.is_err());
    assert_eq!(read.load(Ordering::Relaxed), 2);
    // The three end, and their places are free.
    drop(end);
    consent(&office, &org, person).await;
    let begun = enrol(&office, &org, person, "e", &photos("Ari", 1..=1)).await;
    begun.expect(202);
}

/// The files of a folder that contain a text or bytes.
fn files_with(folder: &std::path::Path, wanted: &[u8]) -> Vec<String> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let has = |path: &std::path::PathBuf| {
        let content = std::fs::read(path).unwrap();
        content.windows(wanted.len()).any(|part| part == wanted)
    };
    entries
        .filter(has)
        .map(|path| path.display().to_string())
        .collect()
}

#[tokio::test]
async fn after_erasure_neither_name_nor_template_is_found_in_any_file() {
    const NAME: &str = "Xanthippe Quellwasser";
    const MAIL: &str = "xanthippe@example.org";
    let (office, org) = Office::with_organisation().await;
    let folder = office.folder.path();
    let new = json!({ "number": "qq-4711", "name": NAME, "mail": MAIL, "site": org.site, "joined": "2026-03-01" });
    let person = office
        .post("/api/v1/people", &org.manager, new)
        .await
        .expect(201);
    let person: Id = person["id"].as_str().unwrap().parse().unwrap();
    let other = office.person(&org, "2").await;
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let (account, session) = office.session(&org, grant, Some(person)).await;
    // A kept answer and a correction quote her.
    let csv = format!("number,name,mail,site\nqq-4711,{NAME},{MAIL},Nowhere\n8,Other,,Berlin\n");
    let import = Request::post("/api/v1/imports/people?partial=true")
        .header("authorization", format!("Bearer {}", org.admin))
        .header("idempotency-key", "import")
        .header("content-type", "text/csv");
    office
        .send(import.body(csv.into()).unwrap())
        .await
        .expect(200);
    let change = json!({ "person": person, "reason": format!("{NAME} forgot"), "change": { "kind": "add", "at": "2026-03-01T08:00:00Z" } });
    office
        .post_once("/api/v1/corrections", &org.admin, change)
        .await
        .expect(201);
    enrolled(&office, &org, person).await;
    assert_eq!(seen(org.id, ARI).await, [person.to_string()]);

    // The embedding as a sealed row would have it without its seal.
    let mut tx = office.store.read().await.unwrap();
    let row = tx
        .row("SELECT sealed, crop FROM template LIMIT 1", Vec::new())
        .await
        .unwrap()
        .unwrap();
    let (sealed, crop): (Vec<u8>, Vec<u8>) = (row.get("sealed").unwrap(), row.get("crop").unwrap());
    let opened = tx
        .keys()
        .open_template(org.id, person, sealed.clone())
        .unwrap()
        .unwrap();
    let values = opened.embedding.values().iter().take(8);
    let plain: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    let picture = tx.keys().open(org.id, person, "crop", &crop);
    let picture = picture.unwrap().unwrap();
    drop(tx);
    let before = folder.join("before.db");
    office.store.engine().copy_to(&before).await.unwrap();
    // A picture is longer than a page of the database, so that it is not in one piece.
    let (crop, picture) = (&crop[..100], &picture[100..200]);
    for there in [&sealed[..], crop] {
        assert!(
            !files_with(folder, there).is_empty(),
            "the search finds what is there"
        );
    }

    let path = format!("/api/v1/people/{person}/erasure");
    let wrong = office
        .post(&path, &org.admin, json!({ "number": "2" }))
        .await;
    assert_eq!(wrong.problem(422), "wrong_number");
    office
        .post(&path, &org.admin, json!({ "number": "qq-4711" }))
        .await
        .expect(204);

    // In no file of today: database, log, vault, and a new backup.
    std::fs::rename(&before, folder.join("old-backup")).unwrap();
    let old = std::fs::read(folder.join("old-backup")).unwrap();
    std::fs::remove_file(folder.join("old-backup")).unwrap();
    office
        .store
        .engine()
        .copy_to(&folder.join("backup.db"))
        .await
        .unwrap();
    for wanted in [
        NAME.as_bytes(),
        MAIL.as_bytes(),
        b"qq-4711",
        &sealed,
        &plain,
        crop,
        picture,
    ] {
        assert_eq!(
            files_with(folder, wanted),
            [""; 0],
            "{}",
            String::from_utf8_lossy(wanted)
        );
    }
    let log = std::fs::metadata(folder.join("attendance.db-wal"));
    assert!(
        log.is_ok_and(|log| log.len() < 100_000),
        "the log was emptied"
    );

    // An older backup with today's vault shows nothing of her, and everybody else.
    let restored = tempfile::tempdir().unwrap();
    std::fs::write(restored.path().join("attendance.db"), old).unwrap();
    assert_eq!(files_with(restored.path(), NAME.as_bytes()), [""; 0]);
    assert_eq!(files_with(restored.path(), &plain), [""; 0]);
    let file = restored.path().join("attendance.db");
    let engine = SqliteEngine::open(&file);
    let copy = restored.path().join("keys.facekit");
    office.vault.copy_to(&copy).unwrap();
    let clock: Arc<dyn attendance_server::clock::Clock> = office.clock.clone();
    let keys = Arc::new(vault(&copy));
    let engine = Arc::new(engine.await.unwrap());
    let store = Store::open(engine, clock, keys).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let directory = people::directory(&mut tx, org.id).await.unwrap();
    let known: Vec<Id> = directory.people().iter().map(|person| person.id).collect();
    assert!(known.contains(&other) && !known.contains(&person));
    assert_eq!(
        tx.keys()
            .open_template(org.id, person, sealed)
            .unwrap()
            .map(drop),
        None
    );

    // She is gone here, too, with her account; the chain of the audit is whole, and her punches are there.
    assert!(seen(org.id, ARI).await.is_empty());
    office
        .get(&format!("/api/v1/people/{person}"), &org.admin)
        .await
        .problem(404);
    office
        .get(&format!("/api/v1/accounts/{account}"), &org.admin)
        .await
        .problem(404);
    let cookie = format!("__Host-session={session}");
    let me = office
        .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
        .await;
    me.problem(401);
    let verified = office
        .get("/api/v1/audit/verification", &org.auditor)
        .await
        .expect(200);
    assert_eq!(verified["fault"], json!(null));
    let audit = office
        .get("/api/v1/audit?limit=500", &org.auditor)
        .await
        .text;
    assert!(!audit.contains(NAME) && audit.contains("person_erased"));
    let mut tx = office.store.read().await.unwrap();
    let rows = tx
        .rows(
            "SELECT id FROM correction WHERE org = $1 AND person = $2",
            values![org.id, person],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn an_erasure_that_was_interrupted_is_finished_later() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let mut tx = office.store.write().await.unwrap();
    erase::person(&mut tx, &Actor::operator(org.id), person, "1")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(office.vault.has(person), "the process ends here");
    assert_eq!(erase::finish(&office.store).await.unwrap(), 1);
    assert!(!office.vault.has(person));
    assert_eq!(erase::finish(&office.store).await.unwrap(), 0);
}

#[test]
fn a_vault_keeps_its_keys_and_its_protection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.facekit");
    let key = facekit::GalleryKey::generate().unwrap();
    let protection = Protection::Key(key);
    let open = |protection: &Protection| attendance_server::vault::Vault::open(&file, protection);
    drop(attendance_server::vault::Vault::open_or_create(&file, &protection).unwrap());
    assert!(open(&Protection::None).is_err());
    assert!(open(&protection).is_ok());
}
