//! Signing in, sessions, and requests of other sites.

use attendance_server::access::{
    Actor, Grant, Role,
    password::{self, HashedSecret},
};
use attendance_server::commands::{accounts, organisations, tokens};
use attendance_server::id::Id;
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::support::{Office, Organisation, Reply, START, sighting};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub(crate) async fn form(
    office: &Office,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header(FORM.0, FORM.1);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    office
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

/// The cookie that an answer sets, as a request sends it.
pub(crate) fn cookie(reply: &Reply) -> String {
    reply.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

pub(crate) async fn account(office: &Office, org: &Organisation, mail: &str, password: &str) -> Id {
    let password = HashedSecret::password("/password", password.to_owned());
    let password = password.await.unwrap();
    let mut tx = office.store.write().await.unwrap();
    let actor = Actor::operator(org.id);
    let new = accounts::NewAccount {
        name: "Anna".to_owned(),
        mail: mail.to_owned(),
        person: None,
        roles: vec![Grant {
            role: Role::Admin,
            site: None,
        }],
    };
    let account = accounts::create(&mut tx, &actor, new).await.unwrap().id;
    accounts::set_password(&mut tx, &actor, account, password)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    account
}

#[tokio::test]
async fn the_set_up_link_works_once() {
    let office = Office::new().await;
    let mut tx = office.store.write().await.unwrap();
    let token = tokens::begin_setup(&mut tx, None).await.unwrap();
    tx.commit().await.unwrap();
    let fields = |token: &str, zone: &str| {
        format!(
            "token={token}&organisation=Acme&name=Anna&mail=anna%40example.org&password=correct-horse&site=Berlin\
             &time_zone={zone}&preset=nine-to-five"
        )
    };
    assert_eq!(
        form(&office, "/setup", &[], &fields("fk_guessed", "UTC"))
            .await
            .status,
        403
    );
    assert_eq!(office.get("/setup?token=fk_guessed", "").await.status, 403);
    assert_eq!(
        office
            .get(&format!("/setup?token={token}"), "")
            .await
            .status,
        200
    );
    let wrong = form(&office, "/setup", &[], &fields(&token, "Europe%2FBerln")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("is not a time zone"), "{}", wrong.text);
    let done = form(&office, "/setup", &[], &fields(&token, "Europe%2FBerlin")).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let page = office
        .call("GET", "/people", "", &[("cookie", &cookie(&done))], None)
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(
        form(&office, "/setup", &[], &fields(&token, "UTC"))
            .await
            .status,
        403,
        "the link was used"
    );
    let mut tx = office.store.read().await.unwrap();
    assert!(organisations::is_set_up(&mut tx).await.unwrap());
    assert_eq!(organisations::all(&mut tx).await.unwrap().len(), 1);
}

#[tokio::test]
async fn signing_in_makes_a_session_and_signing_out_ends_it() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, "anna@example.org", "correct-horse").await;
    let wrong = form(
        &office,
        "/sign-in",
        &[],
        "mail=anna%40example.org&password=wrong-horse",
    )
    .await;
    assert_eq!(wrong.status, 401);
    assert!(!wrong.headers.contains_key("set-cookie"));
    let old = "__Host-session=fk_planted";
    let done = form(
        &office,
        "/sign-in",
        &[("cookie", old), ("sec-fetch-site", "same-origin")],
        "mail=ANNA%40example.org&password=correct-horse",
    )
    .await;
    assert_eq!(done.status, 303);
    let set = done.headers["set-cookie"].to_str().unwrap();
    for part in [
        "__Host-session=",
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
    ] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = cookie(&done);
    assert_ne!(cookie, old, "a session that was there before is not used");
    let me = office
        .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
        .await
        .expect(200);
    assert_eq!(me["roles"][0]["role"], "admin");
    let out = form(
        &office,
        "/sign-out",
        &[("cookie", &cookie), ("sec-fetch-site", "same-origin")],
        "",
    )
    .await;
    assert_eq!(out.status, 303);
    let after = office
        .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
        .await;
    assert_eq!(after.problem(401), "not_signed_in");
}

#[tokio::test]
async fn ten_wrong_passwords_are_enough() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, "anna@example.org", "correct-horse").await;
    for _ in 0..10 {
        let reply = form(
            &office,
            "/sign-in",
            &[],
            "mail=anna%40example.org&password=wrong-horse",
        )
        .await;
        assert_eq!(reply.status, 401);
    }
    let right = "mail=anna%40example.org&password=correct-horse";
    assert_eq!(form(&office, "/sign-in", &[], right).await.status, 429);
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    assert_eq!(audit["items"][0]["action"], "sign_in_limited");
    office.set("2026-03-02T07:01:01Z");
    assert_eq!(form(&office, "/sign-in", &[], right).await.status, 303);
}

/// The statuses of requests that are sent at the same time.
pub(crate) async fn together(
    office: &Arc<Office>,
    path: &'static str,
    bodies: Vec<String>,
) -> Vec<u16> {
    let mut requests = JoinSet::new();
    for body in bodies {
        let office = Arc::clone(office);
        requests.spawn(async move { form(&office, path, &[], &body).await.status.as_u16() });
    }
    requests.join_all().await
}

#[tokio::test]
async fn attempts_at_the_same_time_do_not_exceed_the_limit() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, "anna@example.org", "correct-horse").await;
    let office = Arc::new(office);
    let wrong = |number: usize| format!("mail=anna%40example.org&password=wrong-horse-{number}");
    let statuses = together(&office, "/sign-in", (0..50).map(wrong).collect()).await;
    let count = |status| statuses.iter().filter(|&&it| it == status).count();
    assert_eq!((count(401), count(429)), (10, 40));
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    let limited = audit["items"].as_array().unwrap().iter();
    let limited = limited.filter(|item| item["action"] == "sign_in_limited");
    assert_eq!(limited.count(), 1);
}

#[tokio::test]
async fn pins_at_the_same_time_do_not_exceed_the_limit() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "1234").await;
    let (office, org) = (Arc::new(office), Arc::new(org));
    let mut requests = JoinSet::new();
    for sequence in 0..50 {
        let (office, org) = (Arc::clone(&office), Arc::clone(&org));
        requests.spawn(async move {
            let sighting = sighting(sequence, "1", START);
            let reply = office.post("/api/v1/sightings", &org.device, sighting);
            reply.await.status.as_u16()
        });
    }
    let statuses = requests.join_all().await;
    let count = |status| statuses.iter().filter(|&&it| it == status).count();
    assert_eq!((count(422), count(429)), (10, 40));
}

#[tokio::test]
async fn right_pins_do_not_count() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    for sequence in 0..40 {
        let sighting = sighting(sequence, "1", START);
        office
            .post("/api/v1/sightings", &org.device, sighting)
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn a_bounded_number_of_passwords_is_checked_at_once() {
    let mut hashes = JoinSet::new();
    for _ in 0..200 {
        hashes.spawn(password::hash_aside("correct-horse".to_owned()));
    }
    let (done, refused): (Vec<_>, Vec<_>) =
        hashes.join_all().await.into_iter().partition(Result::is_ok);
    assert!(done.len() >= 68, "{} hashes", done.len());
    assert!(!refused.is_empty());
    for error in refused {
        let error = error.unwrap_err();
        assert_eq!((error.kind.status(), error.code), (429, "busy"));
    }
    let later = password::hash_aside("correct-horse".to_owned()).await;
    assert!(later.is_ok(), "the turn comes back");
}

#[tokio::test]
async fn others_can_write_while_a_password_is_hashed() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let office = Arc::new(office);
    // All turns are taken, so that the PIN waits for its hash.
    let mut hashes = JoinSet::new();
    for _ in 0..40 {
        hashes.spawn(password::hash_aside("correct-horse".to_owned()));
    }
    tokio::task::yield_now().await;
    let pin = {
        let (office, token) = (Arc::clone(&office), org.manager.clone());
        tokio::spawn(async move {
            let path = format!("/api/v1/people/{person}/pin");
            let body = json!({ "pin": "4711" });
            office.call("PUT", &path, &token, &[], Some(&body)).await
        })
    };
    office.person(&org, "2").await;
    assert!(!pin.is_finished(), "the PIN still waits for its hash");
    assert_eq!(pin.await.unwrap().expect(200)["has_pin"], true);
}

#[tokio::test]
async fn an_invitation_works_once_and_an_old_one_is_told_on_the_form() {
    let (office, org) = Office::with_organisation().await;
    let id = account(&office, &org, "anna@example.org", "correct-horse").await;
    let path = format!("/api/v1/accounts/{id}/invitation");
    let invite = office.call("POST", &path, &org.admin, &[], None).await;
    let token = invite.expect(201)["token"].as_str().unwrap().to_owned();
    let link = format!("/invitation?token={token}");
    let english = [("accept-language", "en")];
    let page = office.call("GET", &link, "", &english, None).await;
    assert!(
        page.text.contains("At least 10 characters."),
        "{}",
        page.text
    );
    assert!(page.text.contains("minlength=\"10\""), "{}", page.text);
    let accept = |token: &str, password: &str| format!("token={token}&password={password}");
    let short = form(&office, "/invitation", &[], &accept(&token, "short")).await;
    assert_eq!(short.status, 422);
    for _ in 0..40 {
        let guessed = form(
            &office,
            "/invitation",
            &[],
            &accept("fk_guessed", "other-horse"),
        )
        .await;
        assert_eq!(guessed.status, 403);
        assert!(
            guessed.text.contains("<form") && guessed.text.contains("name=\"password\""),
            "the error is on the form: {}",
            guessed.text
        );
    }
    let done = form(&office, "/invitation", &[], &accept(&token, "other-horse")).await;
    assert_eq!(done.status, 303, "wrong links of others block nobody");
    let again = form(&office, "/invitation", &[], &accept(&token, "third-horse")).await;
    assert_eq!(again.status, 403);
    let right = "mail=anna%40example.org&password=other-horse";
    assert_eq!(form(&office, "/sign-in", &[], right).await.status, 303);
}

#[tokio::test]
async fn disabling_ends_sessions_and_tokens_at_once() {
    let (office, org) = Office::with_organisation().await;
    let id = account(&office, &org, "anna@example.org", "correct-horse").await;
    let done = form(
        &office,
        "/sign-in",
        &[],
        "mail=anna%40example.org&password=correct-horse",
    )
    .await;
    let cookie = cookie(&done);
    let me = async || {
        office
            .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
            .await
            .status
    };
    let own = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let token = json!({ "label": "script", "role": "auditor" });
    let token = office
        .call("POST", "/api/v1/tokens", "", &own, Some(&token))
        .await
        .expect(201)["token"]
        .clone();
    let token = token.as_str().unwrap();
    assert_eq!(office.get("/api/v1/me", token).await.status, 200);
    assert_eq!(me().await, 200);
    account(&office, &org, "bela@example.org", "correct-horse").await;
    let version = office
        .get(&format!("/api/v1/accounts/{id}"), &org.admin)
        .await
        .expect(200)["version"]
        .as_i64()
        .unwrap();
    office
        .patch(
            &format!("/api/v1/accounts/{id}"),
            &org.admin,
            version,
            json!({ "disabled": true }),
        )
        .await
        .expect(200);
    assert_eq!(me().await, 401);
    assert_eq!(
        office.get("/api/v1/me", token).await.problem(401),
        "wrong_token",
        "a token ends with its maker"
    );
    assert_eq!(
        form(
            &office,
            "/sign-in",
            &[],
            "mail=anna%40example.org&password=correct-horse"
        )
        .await
        .status,
        401
    );

    let device = format!("/api/v1/devices/{}", org.device_id);
    assert_eq!(office.get(&device, &org.device).await.status, 200);
    office
        .patch(&device, &org.admin, 1, json!({ "disabled": true }))
        .await
        .expect(200);
    assert_eq!(
        office.get(&device, &org.device).await.problem(401),
        "wrong_token"
    );

    let person = office.person(&org, "1").await;
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let (_, session) = office.session(&org, grant, Some(person)).await;
    let member = format!("__Host-session={session}");
    let own = format!("/api/v1/people/{person}");
    assert_eq!(
        office
            .call("GET", &own, "", &[("cookie", &member)], None)
            .await
            .status,
        200
    );
    office
        .call("POST", &format!("{own}/deactivate"), &org.admin, &[], None)
        .await
        .expect(200);
    assert_eq!(
        office
            .call("GET", &own, "", &[("cookie", &member)], None)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_session_ends_after_twelve_idle_hours_and_after_a_week() {
    let (office, org) = Office::with_organisation().await;
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let cookie = format!("__Host-session={session}");
    let me = async |time: &str| {
        office.set(time);
        office
            .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
            .await
            .status
            .as_u16()
    };
    for day in 2..=8 {
        assert_eq!(me(&format!("2026-03-0{day}T07:30:00Z")).await, 200);
        assert_eq!(me(&format!("2026-03-0{day}T19:00:00Z")).await, 200);
        assert_eq!(me(&format!("2026-03-0{}T06:50:00Z", day + 1)).await, 200);
    }
    assert_eq!(me("2026-03-09T07:00:01Z").await, 401, "a week");
    let (_, idle) = office.session(&org, grant, None).await;
    office.set("2026-03-09T19:00:02Z");
    let cookie = format!("__Host-session={idle}");
    let reply = office
        .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
        .await;
    assert_eq!(reply.status, 401, "twelve hours");
}

#[tokio::test]
async fn changes_of_other_sites_are_refused() {
    let (office, org) = Office::with_organisation().await;
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let cookie = format!("__Host-session={session}");
    let new = json!({ "number": "9", "name": "N", "site": org.site });
    for foreign in [
        vec![
            ("cookie", cookie.as_str()),
            ("host", "door.example"),
            ("origin", "https://evil.example"),
        ],
        vec![
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "cross-site"),
        ],
        vec![("cookie", cookie.as_str())],
    ] {
        let reply = office
            .call("POST", "/api/v1/people", "", &foreign, Some(&new))
            .await;
        assert_eq!(reply.problem(403), "foreign_origin", "{foreign:?}");
    }
    let own = [
        ("cookie", cookie.as_str()),
        ("host", "door.example"),
        ("origin", "https://door.example"),
    ];
    office
        .call("POST", "/api/v1/people", "", &own, Some(&new))
        .await
        .expect(201);
}

#[tokio::test]
async fn every_answer_has_the_headers_of_security() {
    let (office, org) = Office::with_organisation().await;
    for (path, token) in [
        ("/sign-in", ""),
        ("/api/v1/people", &org.admin),
        ("/api/v1/nothing", ""),
        ("/nothing", ""),
        ("/health/live", ""),
    ] {
        let reply = office.get(path, token).await;
        assert!(
            reply.headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'self'"),
            "{path}"
        );
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert!(
            reply.headers["permissions-policy"]
                .to_str()
                .unwrap()
                .contains("camera=(self)")
        );
        assert!(reply.headers.contains_key("x-request-id"), "{path}");
        assert!(!reply.text.contains("style="), "{path} has an inline style");
    }
}

#[tokio::test]
async fn large_deep_and_odd_bodies_are_refused() {
    let (office, org) = Office::with_organisation().await;
    let send = async |kind: &str, body: String| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/people")
            .header("content-type", kind);
        let request = request.header("authorization", format!("Bearer {}", org.admin));
        office.send(request.body(Body::from(body)).unwrap()).await
    };
    assert_eq!(
        send("application/json", format!("\"{}\"", "x".repeat(2 << 20)))
            .await
            .problem(413),
        "too_large"
    );
    assert!(matches!(
        send("application/json", "[".repeat(100_000))
            .await
            .status
            .as_u16(),
        400 | 422
    ));
    let deep = format!("{{\"number\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(
        send("application/json", deep).await.status.as_u16(),
        400 | 422
    ));
    assert_eq!(
        send("application/json", "{\"number\": ".to_owned())
            .await
            .problem(400),
        "malformed"
    );
    assert_eq!(
        send("application/json", "{} {}".to_owned()).await.status,
        422
    );
    assert_eq!(
        send("text/plain", "{}".to_owned()).await.problem(415),
        "not_json"
    );
    assert_eq!(
        send("application/json", "\u{0}".to_owned())
            .await
            .problem(400),
        "malformed"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_said_to_be_too_large() {
    let (office, org) = Office::with_organisation().await;
    let request = Request::post("/api/v1/people")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", org.admin));
    // A client that goes away.
    let body = Full::new(Bytes::from("{")).map_err(|never| match never {});
    let body = body.with_trailers(async {
        Some(Err(std::io::Error::from(
            std::io::ErrorKind::ConnectionReset,
        )))
    });
    let reply = office.send(request.body(Body::new(body)).unwrap()).await;
    assert_eq!(reply.problem(400), "malformed");
}

#[tokio::test]
async fn a_wrong_link_of_the_set_up_is_said_to_be_wrong() {
    let office = Office::new().await;
    let german = [("accept-language", "de")];
    let path = "/setup?token=fk_guessed";
    let page = office.call("GET", path, "", &german, None).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("Der Link ist falsch"), "{}", page.text);
    for _ in 0..40 {
        let guessed = office.call("GET", path, "", &german, None).await;
        assert_eq!(guessed.status, 403);
    }
    let mut tx = office.store.write().await.unwrap();
    let token = tokens::begin_setup(&mut tx, None).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/setup?token={token}");
    let page = office.call("GET", &path, "", &german, None).await;
    assert_eq!(page.status, 200, "wrong links of others block nobody");
}

#[tokio::test]
async fn secrets_are_kept_as_hashes_alone() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, "anna@example.org", "correct-horse-battery").await;
    office.person_with_pin(&org, "1", "90210447").await;
    let done = form(
        &office,
        "/sign-in",
        &[],
        "mail=anna%40example.org&password=correct-horse-battery",
    )
    .await;
    let session = cookie(&done);
    let session = session.split_once('=').unwrap().1.to_owned();
    office
        .store
        .engine()
        .copy_to(&office.folder.path().join("copy.db"))
        .await
        .unwrap();
    let mut searched = 0;
    for file in std::fs::read_dir(office.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [
            &session,
            &org.admin,
            &org.device,
            "correct-horse-battery",
            "90210447",
        ] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes()),
                "{secret} is kept"
            );
        }
        searched += bytes.len();
    }
    assert!(searched > 10_000);
}

#[tokio::test]
async fn an_organisation_keeps_an_admin_who_can_sign_in() {
    let (office, org) = Office::with_organisation().await;
    let anna = account(&office, &org, "anna@example.org", "correct-horse").await;
    // Another admin who was invited and has no password yet.
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let person = office.person(&org, "1").await;
    let (invited, _) = office.session(&org, grant, Some(person)).await;
    let change = async |id: Id, change: serde_json::Value| {
        let path = format!("/api/v1/accounts/{id}");
        let known = office.get(&path, &org.admin).await.expect(200);
        let version = known["version"].as_i64().unwrap();
        office.patch(&path, &org.admin, version, change).await
    };
    for last in [
        json!({ "disabled": true }),
        json!({ "roles": [{ "role": "auditor" }] }),
    ] {
        let refused = change(anna, last).await;
        assert_eq!(refused.problem(409), "last_admin");
    }
    let hash = HashedSecret::password("/password", "correct-horse".to_owned());
    let hash = hash.await.unwrap();
    let mut tx = office.store.write().await.unwrap();
    let operator = Actor::operator(org.id);
    accounts::set_password(&mut tx, &operator, invited, hash)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    change(anna, json!({ "disabled": true })).await.expect(200);
    let path = format!("/api/v1/people/{person}/deactivate");
    let refused = office.call("POST", &path, &org.admin, &[], None).await;
    assert_eq!(refused.problem(409), "last_admin");
    change(anna, json!({ "disabled": false })).await.expect(200);
    let done = office.call("POST", &path, &org.admin, &[], None).await;
    done.expect(200);
    let refused = change(anna, json!({ "disabled": true })).await;
    assert_eq!(
        refused.problem(409),
        "last_admin",
        "a deactivated person does not count"
    );
    change(invited, json!({ "name": "Renamed" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn tokens_end_with_the_account_that_made_them_and_with_its_role() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, "bela@example.org", "correct-horse").await;
    let anna = account(&office, &org, "anna@example.org", "correct-horse").await;
    let sign_in = "mail=anna%40example.org&password=correct-horse";
    let cookie = cookie(&form(&office, "/sign-in", &[], sign_in).await);
    let make = async |token: &str, headers: &[(&str, &str)], role: &str| {
        let new = json!({ "label": role, "role": role });
        let made = office
            .call("POST", "/api/v1/tokens", token, headers, Some(&new))
            .await
            .expect(201);
        made["token"].as_str().unwrap().to_owned()
    };
    let own = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let first = make("", &own, "admin").await;
    let second = make(&first, &[], "manager").await;
    let third = make(&org.admin, &[], "auditor").await;
    let status = async |token: &str| office.get("/api/v1/me", token).await.status.as_u16();
    let change = async |change: serde_json::Value| {
        let path = format!("/api/v1/accounts/{anna}");
        let known = office.get(&path, &org.admin).await.expect(200);
        let version = known["version"].as_i64().unwrap();
        let changed = office.patch(&path, &org.admin, version, change).await;
        changed.expect(200);
    };
    assert_eq!((status(&first).await, status(&second).await), (200, 200));
    change(json!({ "roles": [{ "role": "manager" }] })).await;
    assert_eq!((status(&first).await, status(&second).await), (401, 401));
    change(json!({ "roles": [{ "role": "admin" }] })).await;
    assert_eq!((status(&first).await, status(&second).await), (200, 200));
    change(json!({ "disabled": true })).await;
    assert_eq!((status(&first).await, status(&second).await), (401, 401));
    assert_eq!(
        status(&third).await,
        200,
        "the operator's tokens have no account"
    );

    change(json!({ "disabled": false })).await;
    let session = [("cookie", cookie.as_str())];
    let me = office.call("GET", "/api/v1/me", "", &session, None).await;
    assert_eq!(
        me.status, 401,
        "a session that was ended does not come back"
    );
}
