//! People.

use attendance_server::access::{Grant, Role};
use serde_json::json;

use crate::support::{Office, sighting};

#[tokio::test]
async fn a_person_is_added_changed_and_found() {
    let (office, org) = Office::with_organisation().await;
    let new = json!({ "number": " 17 ", "name": "Anna Example", "mail": "anna@example.org", "site": org.site, "joined": "2026-03-01" });
    let created = office.post("/api/v1/people", &org.manager, new).await;
    let anna = created.expect(201);
    assert_eq!(
        (&anna["number"], &anna["name"], &anna["version"]),
        (&json!("17"), &json!("Anna Example"), &json!(1))
    );
    let path = created.headers["location"].to_str().unwrap().to_owned();
    let found = office.get(&path, &org.auditor).await;
    assert_eq!(found.expect(200), anna);
    assert_eq!(found.headers["etag"], "\"1\"");
    let changed = office
        .patch(
            &path,
            &org.manager,
            1,
            json!({ "name": "Anna Other", "mail": null }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["mail"], &changed["version"]),
        (&json!("Anna Other"), &json!(null), &json!(2))
    );
    assert_eq!(changed["joined"], "2026-03-01", "absent fields stay");
    let outdated = office
        .patch(&path, &org.manager, 1, json!({ "name": "Anna Third" }))
        .await;
    assert_eq!(outdated.problem(412), "outdated");
    let blind = office
        .call("PATCH", &path, &org.manager, &[], Some(&json!({})))
        .await;
    assert_eq!(blind.problem(428), "if_match_required");
    for (search, count) in [("OTHER", 1), ("17", 1), ("nobody", 0)] {
        let found = office
            .get(&format!("/api/v1/people?search={search}"), &org.manager)
            .await
            .expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{search}");
    }
}

#[tokio::test]
async fn wrong_people_are_refused_with_their_field() {
    let (office, org) = Office::with_organisation().await;
    office.person(&org, "1").await;
    let cases = [
        (
            json!({ "number": "1", "name": "B", "site": org.site }),
            409,
            "number_taken",
            "/number",
        ),
        (
            json!({ "number": "", "name": "B", "site": org.site }),
            422,
            "empty",
            "/number",
        ),
        (
            json!({ "number": "2", "name": "x".repeat(201), "site": org.site }),
            422,
            "too_long",
            "/name",
        ),
        (
            json!({ "number": "2", "name": "a\u{0}b", "site": org.site }),
            422,
            "control_character",
            "/name",
        ),
        (
            json!({ "number": "2", "name": "B", "site": org.site, "mail": "b" }),
            422,
            "mail_form",
            "/mail",
        ),
        (
            json!({ "number": "2", "name": "B", "site": org.site, "joined": "1800-01-01" }),
            422,
            "date_out_of_range",
            "/joined",
        ),
        (
            json!({ "number": "2", "name": "B", "site": org.site, "joined": "2026-02-30" }),
            422,
            "wrong_value",
            "/joined",
        ),
        (
            json!({ "number": "2", "name": "B", "site": org.site, "joined": "2026-03-02", "left": "2026-03-01" }),
            422,
            "left_before_joined",
            "/left",
        ),
        (
            json!({ "number": "2", "name": "B", "site": "../../etc" }),
            422,
            "wrong_value",
            "/site",
        ),
        (
            json!({ "number": "2", "name": "B", "site": org.site, "role": "admin" }),
            422,
            "wrong_value",
            "/role",
        ),
    ];
    for (new, status, code, pointer) in cases {
        let reply = office
            .post("/api/v1/people", &org.manager, new.clone())
            .await;
        assert_eq!(reply.problem(status), code, "{new}");
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{new}");
    }
    let elsewhere = json!({ "number": "2", "name": "B", "site": org.device_id });
    assert_eq!(
        office
            .post("/api/v1/people", &org.manager, elsewhere)
            .await
            .problem(404),
        "not_found"
    );
    let list = office.get("/api/v1/people", &org.manager).await.expect(200);
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        1,
        "nothing was added"
    );
}

#[tokio::test]
async fn names_of_every_script_come_back_as_they_were() {
    let (office, org) = Office::with_organisation().await;
    let names = [
        "محمد",
        "李小龍",
        "Zoë O’Brien",
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE person;--",
        "👩🏽‍🚀",
        "=1+1",
    ];
    for (index, name) in names.iter().enumerate() {
        let new = json!({ "number": index.to_string(), "name": name, "site": org.site });
        assert_eq!(
            office
                .post("/api/v1/people", &org.manager, new)
                .await
                .expect(201)["name"],
            *name
        );
    }
    let (_, cookie) = office
        .session(
            &org,
            Grant {
                role: Role::Admin,
                site: None,
            },
            None,
        )
        .await;
    let cookie = format!("__Host-session={cookie}");
    let page = office
        .call("GET", "/people", "", &[("cookie", &cookie)], None)
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("محمد") && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn pages_of_people_follow_each_other() {
    let (office, org) = Office::with_organisation().await;
    for number in 0..7 {
        office.person(&org, &number.to_string()).await;
    }
    let mut path = "/api/v1/people?limit=3".to_owned();
    let mut names = Vec::new();
    let cursor = loop {
        let page = office.get(&path, &org.manager).await.expect(200);
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|person| person["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) if names.len() < 6 => path = format!("/api/v1/people?limit=3&cursor={next}"),
            Some(next) => {
                let last = office
                    .get(
                        &format!("/api/v1/people?limit=3&cursor={next}"),
                        &org.manager,
                    )
                    .await
                    .expect(200);
                assert_eq!(last["next"], json!(null));
                names.extend(
                    last["items"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|person| person["name"].as_str().unwrap().to_owned()),
                );
                break next.to_owned();
            }
            None => panic!("the list ended early"),
        }
    };
    let expected: Vec<String> = (0..7).map(|number| format!("Person {number}")).collect();
    assert_eq!(names, expected);
    for limit in ["0", "501", "-1", "x"] {
        assert_eq!(
            office
                .get(&format!("/api/v1/people?limit={limit}"), &org.manager)
                .await
                .status,
            422,
            "{limit}"
        );
    }
    let other = office.organisation("Other").await;
    for (path, token) in [
        (format!("/api/v1/people?cursor={cursor}"), &other.manager),
        (format!("/api/v1/audit?cursor={cursor}"), &org.admin),
        ("/api/v1/people?cursor=AAAA".to_owned(), &org.manager),
        (format!("/api/v1/people?cursor={cursor}A"), &org.manager),
    ] {
        assert_eq!(
            office.get(&path, token).await.problem(422),
            "wrong_cursor",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_manager_of_a_site_changes_people_of_that_site_only() {
    let (office, org) = Office::with_organisation().await;
    let new = json!({ "name": "Wien", "time_zone": "Europe/Vienna", "preset": "flexitime" });
    let vienna = office
        .post("/api/v1/sites", &org.admin, new)
        .await
        .expect(201)["id"]
        .clone();
    let token = json!({ "label": "vienna", "role": "manager", "site": vienna });
    let token = office
        .post("/api/v1/tokens", &org.admin, token)
        .await
        .expect(201)["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let berliner = office.person(&org, "1").await;
    let new = json!({ "number": "2", "name": "Wiener", "site": vienna });
    let wiener = office.post("/api/v1/people", &token, new).await.expect(201)["id"].clone();
    let list = office.get("/api/v1/people", &token).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], wiener);
    assert_eq!(
        office
            .get(&format!("/api/v1/people/{berliner}"), &token)
            .await
            .problem(404),
        "not_found"
    );
    let abroad = json!({ "number": "3", "name": "X", "site": org.site });
    assert_eq!(
        office
            .post("/api/v1/people", &token, abroad)
            .await
            .problem(403),
        "forbidden"
    );
    let path = format!("/api/v1/people/{}", wiener.as_str().unwrap());
    assert_eq!(
        office
            .patch(&path, &token, 1, json!({ "site": org.site }))
            .await
            .problem(403),
        "forbidden"
    );
    let today = office.get("/api/v1/today", &token).await.expect(200);
    assert_eq!(today["people"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn badges_are_made_for_the_chosen_people() {
    let (office, org) = Office::with_organisation().await;
    let (anna, bela) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    let other = office.organisation("Other").await;
    let foreign = office.person(&other, "1").await;
    let old = office
        .post_once(
            &format!("/api/v1/people/{anna}/badge"),
            &org.manager,
            json!({}),
        )
        .await
        .expect(201);
    office.set("2026-03-02T07:00:00Z");
    let scan = async |sequence: i64, code: &str| {
        let mut scan = sighting(sequence, "1", "2026-03-02T07:00:00Z");
        scan["identification"] = json!({ "method": "badge", "code": code });
        office.post("/api/v1/sightings", &org.device, scan).await
    };
    let grant = Grant {
        role: Role::Manager,
        site: Some(org.site),
    };
    let (_, session) = office.session(&org, grant, None).await;
    let make = async |body: String| {
        let request = axum::http::Request::post("/badges")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("__Host-session={session}"))
            .header("sec-fetch-site", "same-origin");
        office.send(request.body(body.into()).unwrap()).await
    };
    assert_eq!(make(String::new()).await.status.as_u16(), 422);
    assert_eq!(make("person=1".to_owned()).await.status.as_u16(), 404);
    // One wrong person, and nobody gets a badge.
    let mixed = make(format!("person={anna}&person={foreign}")).await;
    assert_eq!(mixed.status.as_u16(), 404);
    let code = old["token"].as_str().unwrap();
    scan(0, code).await.expect(201);
    let made = make(format!("person={anna}&person={bela}")).await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.text);
    for name in ["Person 1", "Person 2"] {
        assert!(made.text.contains(name), "{}", made.text);
    }
    assert_eq!(made.text.matches("class=\"qr\"").count(), 2);
    assert_eq!(scan(1, code).await.problem(422), "wrong_badge");
}
