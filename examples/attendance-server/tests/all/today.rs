//! The overview of today.

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
