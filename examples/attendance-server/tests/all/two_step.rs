//! Two-step sign-in: codes of an app, recovery codes, and what ends and resets it.

use std::sync::Arc;

use attendance_server::{
    access::{
        Actor, Grant, Role,
        limits::Limits,
        password::HashedSecret,
        totp::{self, SharedSecret},
    },
    app,
    clock::{Clock, ManualClock},
    commands::{
        accounts, erase, people,
        sessions::{self, SignIn, SignedIn},
    },
    db::sqlite::SqliteEngine,
    id::Id,
    server::Server,
    store::Store,
    values,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    security::{account, cookie, form, together},
    support::{Office, Organisation, Reply, recognition, vault},
};

const MAIL: &str = "anna@example.org";
const PASSWORD: &str = "correct-horse";
const RIGHT: &str = "mail=anna%40example.org&password=correct-horse";

/// The codes of appendix B of RFC 6238, of which an app with six digits shows the last six.
#[test]
fn codes_are_those_of_rfc_6238() {
    let secret: &SharedSecret = b"12345678901234567890";
    for (seconds, digits) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        let at = Timestamp::from_second(seconds).unwrap();
        assert_eq!(totp::code(secret, at), digits[2..], "{seconds}");
    }
}

/// The bytes of a secret that the server shows in base32.
fn bytes_of(base32: &str) -> SharedSecret {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in base32.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("{base32}"),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes.try_into().unwrap()
}

/// An account that has switched two-step sign-in on.
struct Phone {
    account: Id,
    secret: SharedSecret,
    recovery: Vec<String>,
    cookie: String,
}

impl Phone {
    fn code(&self, office: &Office) -> String {
        totp::code(&self.secret, office.clock.now())
    }
}

async fn own(
    office: &Office,
    cookie: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    let path = format!("/api/v1/me/two-step{path}");
    office
        .call(method, &path, "", &headers, body.as_ref())
        .await
}

async fn begun(office: &Office, cookie: &str) -> SharedSecret {
    let password = json!({ "password": PASSWORD });
    let new = own(office, cookie, "POST", "", Some(password)).await;
    bytes_of(new.expect(201)["secret"].as_str().unwrap())
}

async fn switched_on(office: &Office, org: &Organisation) -> Phone {
    let account = account(office, org, MAIL, PASSWORD).await;
    let old = cookie(&form(office, "/sign-in", &[], RIGHT).await);
    let secret = begun(office, &old).await;
    let code = totp::code(&secret, office.clock.now());
    let on = own(
        office,
        &old,
        "POST",
        "/confirmation",
        Some(json!({ "code": code })),
    )
    .await;
    let recovery = on.expect(200)["recovery_codes"].clone();
    office.clock.advance(SignedDuration::from_secs(30));
    Phone {
        account,
        secret,
        recovery: serde_json::from_value(recovery).unwrap(),
        cookie: cookie(&on),
    }
}

async fn sign_in(office: &Office, code: Option<&str>) -> Reply {
    let mut body = json!({ "mail": MAIL, "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    office.post("/api/v1/session", "", body).await
}

async fn me(office: &Office, cookie: &str) -> u16 {
    let headers = [("cookie", cookie)];
    let reply = office.call("GET", "/api/v1/me", "", &headers, None).await;
    reply.status.as_u16()
}

/// The actions of the audit, the newest first.
async fn actions(office: &Office, org: &Organisation) -> Vec<String> {
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    let items = audit["items"].as_array().unwrap().iter();
    items
        .map(|item| item["action"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn it_is_on_after_the_first_right_code_and_ends_all_sessions() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, MAIL, PASSWORD).await;
    let old = cookie(&form(&office, "/sign-in", &[], RIGHT).await);
    let other = cookie(&form(&office, "/sign-in", &[], RIGHT).await);

    let wrong = json!({ "password": "wrong-horse" });
    let wrong = own(&office, &old, "POST", "", Some(wrong)).await;
    assert_eq!(wrong.problem(422), "other_password");
    let early = json!({ "code": "123456" });
    let early = own(&office, &old, "POST", "/confirmation", Some(early)).await;
    assert_eq!(early.problem(409), "two_step_not_begun");

    let secret = begun(&office, &old).await;
    assert_eq!(
        form(&office, "/sign-in", &[], RIGHT).await.status,
        303,
        "nothing changed yet"
    );
    let wrong = totp::code(&secret, office.clock.now() + SignedDuration::from_mins(5));
    let wrong = own(
        &office,
        &old,
        "POST",
        "/confirmation",
        Some(json!({ "code": wrong })),
    );
    assert_eq!(wrong.await.problem(422), "wrong_code");
    let state = own(&office, &old, "GET", "", None).await.expect(200);
    assert_eq!(state["since"], Value::Null);

    let code = totp::code(&secret, office.clock.now());
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let on = own(
        &office,
        &old,
        "POST",
        "/confirmation",
        Some(json!({ "code": spaced })),
    )
    .await;
    let codes = on.expect(200)["recovery_codes"].clone();
    assert_eq!(codes.as_array().unwrap().len(), 10);
    let new = cookie(&on);
    assert_eq!(
        (me(&office, &old).await, me(&office, &other).await),
        (401, 401)
    );
    assert_eq!(me(&office, &new).await, 200);
    let state = own(&office, &new, "GET", "", None).await.expect(200);
    assert_eq!(state["recovery_codes"], 10);
    assert!(state["since"].is_string());
    assert_eq!(actions(&office, &org).await[0], "two_step_switched_on");

    let password = json!({ "password": PASSWORD });
    let again = own(&office, &new, "POST", "", Some(password)).await;
    assert_eq!(again.problem(409), "two_step_on");
    assert_eq!(
        sign_in(&office, Some(&code)).await.problem(401),
        "wrong_code",
        "the first code was used"
    );
}

#[tokio::test]
async fn a_set_up_that_takes_too_long_begins_again() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, MAIL, PASSWORD).await;
    let cookie = cookie(&form(&office, "/sign-in", &[], RIGHT).await);
    let secret = begun(&office, &cookie).await;
    office.clock.advance(SignedDuration::from_mins(16));
    let code = json!({ "code": totp::code(&secret, office.clock.now()) });
    let late = own(&office, &cookie, "POST", "/confirmation", Some(code)).await;
    assert_eq!(late.problem(409), "two_step_not_begun");
    let other = begun(&office, &cookie).await;
    assert_ne!(secret, other);
}

#[tokio::test]
async fn programs_send_password_and_code_together() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    assert_eq!(sign_in(&office, None).await.problem(401), "code_needed");
    assert_eq!(
        sign_in(&office, Some("000000")).await.problem(401),
        "wrong_code"
    );
    let wrong = json!({ "mail": MAIL, "password": "wrong-horse", "code": phone.code(&office) });
    let wrong = office.post("/api/v1/session", "", wrong).await;
    assert_eq!(wrong.problem(401), "wrong_password");
    let done = sign_in(&office, Some(&phone.code(&office))).await;
    let session = done.expect(201)["id"].clone();
    let cookie = cookie(&done);
    assert_eq!(me(&office, &cookie).await, 200);
    assert_eq!(
        sign_in(&office, Some(&phone.code(&office)))
            .await
            .problem(401),
        "wrong_code",
        "a code works once"
    );
    office.clock.advance(SignedDuration::from_secs(30));
    let code = phone.code(&office);
    assert_eq!(sign_in(&office, Some(&code)).await.status, 201);
    let address = done.headers["location"].to_str().unwrap();
    assert!(address.ends_with(session.as_str().unwrap()));
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let ended = office.call("DELETE", address, "", &headers, None).await;
    assert_eq!(ended.status, 204);
    assert_eq!(me(&office, &cookie).await, 401);
}

/// The proof in the form of the second page.
fn proof(page: &Reply) -> String {
    let rest = page.text.split_once("name=\"proof\" value=\"").unwrap().1;
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_pages_ask_for_the_password_and_then_for_the_code() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let wrong = form(
        &office,
        "/sign-in",
        &[],
        "mail=anna%40example.org&password=wrong-horse",
    )
    .await;
    assert_eq!(wrong.status, 401);
    assert!(!wrong.text.contains("name=\"proof\""));
    let second = form(&office, "/sign-in", &[], RIGHT).await;
    assert_eq!(second.status, 200);
    assert!(!second.headers.contains_key("set-cookie"));
    assert!(!second.text.contains(PASSWORD));
    let proof = proof(&second);
    let send = async |proof: &str, code: &str| {
        form(
            &office,
            "/sign-in",
            &[("accept-language", "en")],
            &format!("proof={proof}&code={code}"),
        )
        .await
    };
    let wrong = send(&proof, "000000").await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.text.contains("The code is wrong") && wrong.text.contains(&proof),
        "{}",
        wrong.text
    );
    let code = phone.code(&office);
    let (start, mac) = proof.rsplit_once('.').unwrap();
    let (id, _) = start.split_once('.').unwrap();
    let other = if mac.starts_with('0') { "1" } else { "0" };
    for forged in [
        format!("{start}.{other}{}", &mac[1..]),
        format!("{id}.9999999999.{mac}"),
        format!("{id}.9999999999."),
        "x".to_owned(),
        format!("{}.1.{mac}", Id::new(office.clock.now())),
    ] {
        let forged = send(&forged, &code).await;
        assert_eq!(forged.status, 401);
        assert!(forged.text.contains("Sign in again"), "{}", forged.text);
    }
    let done = send(&proof, &code).await;
    assert_eq!(done.status, 303);
    assert_eq!(me(&office, &cookie(&done)).await, 200);

    // A proof ends after five minutes, and with the password.
    office.clock.advance(SignedDuration::from_secs(5 * 60));
    assert_eq!(send(&proof, &phone.code(&office)).await.status, 401);
    let fresh = self::proof(&form(&office, "/sign-in", &[], RIGHT).await);
    let new = HashedSecret::password("/password", "another-horse".to_owned());
    let new = new.await.unwrap();
    let mut tx = office.store.write().await.unwrap();
    accounts::set_password(&mut tx, &Actor::operator(org.id), phone.account, new)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send(&fresh, &phone.code(&office)).await.status, 401);
}

#[tokio::test]
async fn ten_wrong_codes_are_enough_and_right_passwords_do_not_help() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    for _ in 0..10 {
        assert_eq!(sign_in(&office, None).await.problem(401), "code_needed");
        let wrong = sign_in(&office, Some("000000")).await;
        assert_eq!(wrong.problem(401), "wrong_code");
    }
    assert_eq!(actions(&office, &org).await[0], "sign_in_limited");
    let code = phone.code(&office);
    let limited = sign_in(&office, Some(&code)).await;
    assert_eq!(limited.problem(429), "too_many_attempts");
    assert_eq!(limited.headers["retry-after"], "901");
    let recovery = sign_in(&office, Some(&phone.recovery[0])).await;
    assert_eq!(recovery.problem(429), "too_many_attempts");
    office.clock.advance(SignedDuration::from_mins(16));
    let code = phone.code(&office);
    assert_eq!(sign_in(&office, Some(&code)).await.status, 201);
}

#[tokio::test]
async fn codes_at_the_same_time_do_not_exceed_the_limit() {
    let (office, org) = Office::with_organisation().await;
    switched_on(&office, &org).await;
    let office = Arc::new(office);
    let proof = proof(&form(&office, "/sign-in", &[], RIGHT).await);
    let wrong = |number: usize| format!("proof={proof}&code=00000{}", number % 10);
    let statuses = together(&office, "/sign-in", (0..50).map(wrong).collect()).await;
    let count = |status| statuses.iter().filter(|&&it| it == status).count();
    assert_eq!((count(401), count(429)), (10, 40));
    let limited = actions(&office, &org).await;
    let limited = limited.iter().filter(|it| *it == "sign_in_limited");
    assert_eq!(limited.count(), 1);
}

#[tokio::test]
async fn a_code_works_once_also_at_the_same_time() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let office = Arc::new(office);
    let proof = proof(&form(&office, "/sign-in", &[], RIGHT).await);
    for code in [phone.code(&office), phone.recovery[3].clone()] {
        let same = vec![format!("proof={proof}&code={code}"); 8];
        let statuses = together(&office, "/sign-in", same).await;
        let signed_in = statuses.iter().filter(|&&status| status == 303).count();
        assert_eq!(signed_in, 1, "{statuses:?}");
        office.clock.advance(SignedDuration::from_secs(60));
    }
}

#[tokio::test]
async fn each_recovery_code_works_once_and_only_its_hash_is_kept() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    for (used, code) in phone.recovery.iter().enumerate() {
        // As people type it.
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(sign_in(&office, Some(&typed)).await.status, 201, "{code}");
        let again = sign_in(&office, Some(code)).await;
        assert_eq!(again.problem(401), "wrong_code", "{code}");
        let state = own(&office, &phone.cookie, "GET", "", None)
            .await
            .expect(200);
        assert_eq!(state["recovery_codes"], 9 - used);
    }
    let used = actions(&office, &org).await;
    let used = used.iter().filter(|it| *it == "recovery_code_used");
    assert_eq!(used.count(), 10);
    let secret = totp::base32(&phone.secret);
    for file in std::fs::read_dir(office.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|part| part == wanted);
        assert!(!has(&phone.secret) && !has(secret.as_bytes()));
        for code in &phone.recovery {
            assert!(!has(code.as_bytes()) && !has(code.replace('-', "").as_bytes()));
        }
    }
}

#[tokio::test]
async fn switching_off_needs_the_password_or_a_code() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let off = async |body: Value| own(&office, &phone.cookie, "POST", "/removal", Some(body)).await;
    assert_eq!(off(json!({})).await.problem(422), "empty");
    assert_eq!(
        off(json!({ "password": "wrong-horse" })).await.problem(422),
        "other_password"
    );
    assert_eq!(
        off(json!({ "code": "000000" })).await.problem(422),
        "wrong_code"
    );
    assert_eq!(
        off(json!({ "password": PASSWORD, "code": "000000" }))
            .await
            .problem(422),
        "wrong_code",
        "a code that is sent is looked at"
    );
    let code = phone.code(&office);
    assert_eq!(off(json!({ "code": code })).await.status, 204);
    assert_eq!(actions(&office, &org).await[0], "two_step_switched_off");
    assert_eq!(sign_in(&office, None).await.status, 201);
    assert_eq!(
        off(json!({ "password": PASSWORD })).await.problem(409),
        "two_step_off"
    );
    // On again, with the password this time.
    let secret = begun(&office, &phone.cookie).await;
    let first = json!({ "code": totp::code(&secret, office.clock.now()) });
    let on = own(&office, &phone.cookie, "POST", "/confirmation", Some(first)).await;
    assert_eq!(on.status, 200);
    let password = json!({ "password": PASSWORD });
    let off = own(&office, &cookie(&on), "POST", "/removal", Some(password)).await;
    assert_eq!(off.status, 204);
}

#[tokio::test]
async fn an_admin_resets_the_second_step_of_others() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let path = format!("/api/v1/accounts/{}/two-step", phone.account);
    let headers = [
        ("cookie", phone.cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let own = office.call("DELETE", &path, "", &headers, None).await;
    assert_eq!(own.problem(409), "own_two_step");
    let listed = office.get("/api/v1/accounts", &org.admin).await.expect(200);
    assert_eq!(listed[0]["has_two_step"], true);
    let done = office.call("DELETE", &path, &org.admin, &[], None).await;
    assert_eq!(done.status, 204);
    assert_eq!(actions(&office, &org).await[0], "two_step_reset");
    assert_eq!(me(&office, &phone.cookie).await, 401);
    assert_eq!(sign_in(&office, None).await.status, 201);
    let again = office.call("DELETE", &path, &org.admin, &[], None).await;
    assert_eq!(again.problem(404), "not_found");
}

#[tokio::test]
async fn an_invitation_sets_the_password_and_is_no_code() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let path = format!("/api/v1/accounts/{}/invitation", phone.account);
    let invite = office.call("POST", &path, &org.admin, &[], None).await;
    let token = invite.expect(201)["token"].as_str().unwrap().to_owned();
    let body = format!("token={token}&password=another-horse");
    let accepted = form(&office, "/invitation", &[], &body).await;
    assert_eq!(accepted.status, 303);
    assert_eq!(accepted.headers["location"], "/sign-in");
    assert!(!accepted.headers.contains_key("set-cookie"));
    let body = json!({ "mail": MAIL, "password": "another-horse", "code": phone.code(&office) });
    let signed_in = office.post("/api/v1/session", "", body).await;
    assert_eq!(signed_in.status, 201);
}

#[tokio::test]
async fn the_pages_switch_it_on_and_off() {
    let (office, org) = Office::with_organisation().await;
    account(&office, &org, MAIL, PASSWORD).await;
    let old = cookie(&form(&office, "/sign-in", &[], RIGHT).await);
    let send = async |cookie: &str, path: &str, body: &str| {
        let headers = [
            ("cookie", cookie),
            ("sec-fetch-site", "same-origin"),
            ("accept-language", "en"),
        ];
        form(&office, path, &headers, body).await
    };
    let wrong = send(&old, "/settings/two-step", "password=wrong-horse").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("not the password of your account"));
    let begun = send(&old, "/settings/two-step", "password=correct-horse").await;
    assert_eq!(begun.status, 200);
    assert!(begun.text.contains("<svg class=\"qr\""), "{}", begun.text);
    let shown = begun.text.split_once("id=\"secret\" value=\"").unwrap().1;
    let shown = shown.split('"').next().unwrap().replace(' ', "");
    let secret = bytes_of(&shown);
    let wrong = send(&old, "/settings/two-step/confirm", "code=000000").await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("<svg class=\"qr\"") && wrong.text.contains("The code is wrong"),
        "{}",
        wrong.text
    );
    let code = totp::code(&secret, office.clock.now());
    let on = send(&old, "/settings/two-step/confirm", &format!("code={code}")).await;
    assert_eq!(on.status, 200, "{}", on.text);
    assert_eq!(on.headers["cache-control"], "no-store");
    let new = cookie(&on);
    let state = office
        .call("GET", "/settings/two-step", "", &[("cookie", &new)], None)
        .await;
    assert!(state.text.contains("10"), "{}", state.text);
    assert!(
        !state.text.contains(&shown),
        "the secret is never shown again"
    );
    let off = send(
        &new,
        "/settings/two-step/off",
        "password=correct-horse&code=",
    )
    .await;
    assert_eq!(off.headers["location"], "/settings?done=two-step-off");
}

#[tokio::test]
async fn callers_that_are_no_account_have_no_second_step() {
    let (office, org) = Office::with_organisation().await;
    let get = office.get("/api/v1/me/two-step", &org.admin).await;
    assert_eq!(get.problem(404), "not_found");
    let body = json!({ "password": PASSWORD });
    let post = office.post("/api/v1/me/two-step", &org.admin, body).await;
    assert_eq!(post.problem(404), "not_found");
}

#[tokio::test]
async fn erasing_a_person_removes_secret_and_recovery_codes() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let password = HashedSecret::password("/password", PASSWORD.to_owned());
    let password = password.await.unwrap();
    let mut tx = office.store.write().await.unwrap();
    let operator = Actor::operator(org.id);
    let new = accounts::NewAccount {
        name: "Anna".to_owned(),
        mail: MAIL.to_owned(),
        person: Some(person),
        roles: vec![Grant {
            role: Role::Member,
            site: None,
        }],
    };
    let id = accounts::create(&mut tx, &operator, new).await.unwrap().id;
    accounts::set_password(&mut tx, &operator, id, password)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let cookie = cookie(&sign_in(&office, None).await);
    let secret = begun(&office, &cookie).await;
    let first = json!({ "code": totp::code(&secret, office.clock.now()) });
    let on = own(&office, &cookie, "POST", "/confirmation", Some(first)).await;
    assert_eq!(on.status, 200);
    let count = async || {
        let mut tx = office.store.read().await.unwrap();
        let row = tx
            .row(
                "SELECT (SELECT COUNT(*) FROM two_step) + (SELECT COUNT(*) FROM recovery_code) AS n",
                values![],
            )
            .await
            .unwrap();
        row.unwrap().get::<i64>("n").unwrap()
    };
    assert_eq!(count().await, 11);
    let mut tx = office.store.write().await.unwrap();
    erase::person(&mut tx, &operator, person, "1")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    erase::finish(&office.store).await.unwrap();
    assert_eq!(count().await, 0);
    let mut tx = office.store.read().await.unwrap();
    let directory = people::directory(&mut tx, org.id).await.unwrap();
    assert!(directory.people().is_empty());
}

#[tokio::test]
async fn a_backup_keeps_the_second_step() {
    let (office, org) = Office::with_organisation().await;
    let phone = switched_on(&office, &org).await;
    let folder = tempfile::tempdir().unwrap();
    let (database, keys) = (
        folder.path().join("copy.db"),
        folder.path().join("copy.keys"),
    );
    office.store.engine().copy_to(&database).await.unwrap();
    office.vault.copy_to(&keys).unwrap();

    let engine = SqliteEngine::open(&database).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(office.clock.now()));
    let store = Store::open(Arc::new(engine), clock, Arc::new(vault(&keys)));
    let store = store.await.unwrap();
    let limits = Limits::default();
    let input = |code: Option<String>| SignIn {
        mail: MAIL.to_owned(),
        password: PASSWORD.to_owned(),
        code,
    };
    let asked = sessions::sign_in(&store, &limits, input(None), "test").await;
    assert!(matches!(asked.unwrap(), SignedIn::CodeNeeded { .. }));
    for code in [phone.code(&office), phone.recovery[9].clone()] {
        let done = sessions::sign_in(&store, &limits, input(Some(code)), "test").await;
        let SignedIn::Session(session) = done.unwrap() else {
            panic!("no session");
        };
        let server = app(Server::new(store.clone(), recognition()));
        let request = axum::http::Request::builder()
            .uri("/api/v1/me")
            .header("cookie", format!("__Host-session={}", session.token))
            .body(axum::body::Body::empty())
            .unwrap();
        assert_eq!(server.oneshot(request).await.unwrap().status(), 200);
    }
}
