//! The overview of today.

use attendance_server::access::{Grant, Role};
use serde_json::json;

use crate::support::Office;

#[tokio::test]
async fn people_are_expected_in_late_gone_or_absent() {
    let (office, org) = Office::with_organisation().await;
    for number in ["1", "2", "3"] {
        office.person_with_pin(&org, number, "4711").await;
    }
    let states = async |time: &str| {
        office.set(time);
        let today = office.get("/api/v1/today", &org.manager).await.expect(200);
        let people = today["people"].as_array().unwrap().iter();
        let mut states: Vec<_> = people
            .map(|it| (it["number"].clone(), it["state"].clone()))
            .collect();
        states.sort_by_key(|(number, _)| number.to_string());
        (
            states
                .into_iter()
                .map(|(_, state)| state)
                .collect::<Vec<_>>(),
            today,
        )
    };
    assert_eq!(
        states("2026-03-02T07:30:00Z").await.0,
        ["expected", "expected", "expected"]
    );
    office
        .punch(&org, 1, "1", "2026-03-02T07:55:00Z")
        .await
        .expect(201);
    office
        .punch(&org, 2, "2", "2026-03-02T08:20:00Z")
        .await
        .expect(201);
    let (now, today) = states("2026-03-02T08:30:00Z").await;
    assert_eq!(now, ["in", "late", "absent"]);
    assert_eq!(today["counts"], json!({ "in": 1, "late": 1, "absent": 1 }));
    let first: Vec<_> = today["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["state"].clone())
        .collect();
    assert_eq!(first, ["absent", "late", "in"], "exceptions are first");
    assert_eq!(today["people"][1]["late_seconds"], 1200);
    office
        .punch(&org, 3, "1", "2026-03-02T16:00:00Z")
        .await
        .expect(201);
    assert_eq!(
        states("2026-03-02T16:30:00Z").await.0,
        ["gone", "late", "absent"]
    );
    let sunday = states("2026-03-08T10:00:00Z").await.0;
    assert_eq!(sunday, ["free", "free", "free"]);
}

#[tokio::test]
async fn corrections_change_who_is_in() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let came = office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    let void = json!({ "person": person, "reason": "not me", "change": { "kind": "void", "punch": came["punch"] } });
    office
        .post_once("/api/v1/corrections", &org.manager, void)
        .await
        .expect(201);
    let today = office.get("/api/v1/today", &org.manager).await.expect(200);
    assert_eq!(
        (
            &today["people"][0]["state"],
            &today["people"][0]["inside_since"]
        ),
        (&json!("expected"), &json!(null))
    );
}

#[tokio::test]
async fn the_page_of_a_person_and_the_overview_agree_on_who_is_in() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let grant = Grant {
        role: Role::Member,
        site: None,
    };
    let is_in = async |time: &str| {
        office.set(time);
        let today = office.get("/api/v1/today", &org.manager).await.expect(200);
        let (_, session) = office.session(&org, grant, Some(person)).await;
        let cookie = format!("__Host-session={session}");
        let cookie = [("cookie", cookie.as_str()), ("accept-language", "en")];
        let page = office.call("GET", "/me", "", &cookie, None).await;
        assert_eq!(page.status, 200);
        let on_page = page.text.contains("You are in");
        assert_eq!(on_page, today["people"][0]["inside_since"] != json!(null));
        on_page
    };
    assert!(!is_in("2026-03-02T07:30:00Z").await);
    let came = office.punch(&org, 1, "1", "2026-03-02T08:00:00Z").await;
    let came = came.expect(201);
    assert!(is_in("2026-03-02T12:00:00Z").await);
    assert!(
        !is_in("2026-03-04T12:00:00Z").await,
        "nobody is in for two days"
    );
    let back = office.punch(&org, 2, "1", "2026-03-04T12:30:00Z").await;
    let back = back.expect(201);
    assert!(is_in("2026-03-04T12:31:00Z").await);
    for punch in [&came["punch"], &back["punch"]] {
        let void = json!({ "person": person, "reason": "r", "change": { "kind": "void", "punch": punch } });
        office
            .post_once("/api/v1/corrections", &org.manager, void)
            .await
            .expect(201);
    }
    assert!(!is_in("2026-03-04T12:32:00Z").await);
}
