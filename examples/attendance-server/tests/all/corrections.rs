//! Corrections, and closed periods.

use serde_json::json;

use crate::support::Office;

const DAY: &str = "/api/v1/days?from=2026-03-02&to=2026-03-02";

#[tokio::test]
async fn a_forgotten_out_is_added_and_the_addition_is_undone() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    office.set("2026-03-03T09:00:00Z");
    let forgotten = json!({
        "person": person, "reason": "forgot to clock out",
        "change": { "kind": "add", "at": "2026-03-02T16:00:00Z", "direction": "out" },
    });
    let made = office
        .post_once("/api/v1/corrections", &org.manager, forgotten)
        .await
        .expect(201);
    let change = made["days"]
        .as_array()
        .unwrap()
        .iter()
        .find(|day| day["date"] == "2026-03-02")
        .unwrap();
    assert_eq!(change["after"]["status"], "PRESENT");
    let day = office.get(DAY, &org.manager).await.expect(200);
    assert_eq!(day["items"][0]["record"]["counted_seconds"], 27_000);

    let id = made["correction"]["id"].as_str().unwrap();
    let undo = format!("/api/v1/corrections/{id}/undo");
    let undone = office
        .post_once(&undo, &org.manager, json!({ "reason": "wrong person" }))
        .await
        .expect(201);
    assert_eq!(undone["days"][0]["before"]["status"], "PRESENT");
    let day = office.get(DAY, &org.manager).await.expect(200);
    assert_ne!(day["items"][0]["record"]["status"], "PRESENT");
    let again = office
        .post_once(&undo, &org.manager, json!({ "reason": "again" }))
        .await;
    assert_eq!(again.problem(409), "undone");

    let list = office
        .get(
            &format!("/api/v1/people/{person}/corrections"),
            &org.manager,
        )
        .await
        .expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["undone_by"], list[0]["id"]);
    assert_eq!(list[1]["reason"], "forgot to clock out");
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    let record = &audit["items"][0];
    assert_eq!(record["action"], "correction_made");
    assert_eq!(record["detail"]["reason"], "wrong person");
    assert_eq!(
        record["detail"]["days"][0]["before"]["status"], "PRESENT",
        "before and after are kept"
    );
}

#[tokio::test]
async fn a_punch_is_replaced_and_voided() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let came = office
        .punch(&org, 1, "1", "2026-03-02T09:00:00Z")
        .await
        .expect(201);
    office
        .punch(&org, 2, "1", "2026-03-02T16:00:00Z")
        .await
        .expect(201);
    let replace = json!({
        "person": person, "reason": "the door was locked",
        "change": { "kind": "replace", "punch": came["punch"], "at": "2026-03-02T08:00:00Z", "direction": "in" },
    });
    let made = office
        .post_once("/api/v1/corrections", &org.manager, replace)
        .await
        .expect(201);
    assert_eq!(made["days"][0]["before"]["late_seconds"], 3600);
    assert_eq!(made["days"][0]["after"]["late_seconds"], 0);
    let path = format!("/api/v1/people/{person}/punches?from=2026-03-02&to=2026-03-02");
    let punches = office.get(&path, &org.manager).await.expect(200);
    let outcomes: Vec<_> = punches
        .as_array()
        .unwrap()
        .iter()
        .map(|punch| &punch["outcome"]["outcome"])
        .collect();
    assert_eq!(outcomes, ["assigned", "superseded", "assigned"]);
    let added = &punches[0]["id"];
    let void = json!({ "person": person, "reason": "was not here", "change": { "kind": "void", "punch": added } });
    let made = office
        .post_once("/api/v1/corrections", &org.manager, void)
        .await
        .expect(201);
    assert_eq!(
        made["days"][0]["after"]["first"], made["days"][0]["after"]["last"],
        "one punch is left"
    );
}

#[tokio::test]
async fn wrong_corrections_are_refused() {
    let (office, org) = Office::with_organisation().await;
    let (anna, bela) = (
        office.person_with_pin(&org, "1", "4711").await,
        office.person(&org, "2").await,
    );
    let punch = office
        .punch(&org, 1, "1", "2026-03-02T09:00:00Z")
        .await
        .expect(201)["punch"]
        .clone();
    let refused = async |body: serde_json::Value, status: u16| {
        office
            .post_once("/api/v1/corrections", &org.manager, body)
            .await
            .problem(status)
    };
    let future = json!({ "person": anna, "reason": "r", "change": { "kind": "add", "at": "2026-03-02T09:00:01Z" } });
    assert_eq!(refused(future, 422).await, "in_the_future");
    let foreign =
        json!({ "person": bela, "reason": "r", "change": { "kind": "void", "punch": punch } });
    assert_eq!(refused(foreign, 422).await, "unknown_punch");
    let silent =
        json!({ "person": anna, "reason": " ", "change": { "kind": "void", "punch": punch } });
    assert_eq!(refused(silent, 422).await, "empty");
    let nobody =
        json!({ "person": punch, "reason": "r", "change": { "kind": "void", "punch": punch } });
    assert_eq!(refused(nobody, 404).await, "not_found");
    let odd =
        json!({ "person": anna, "reason": "r", "change": { "kind": "delete", "punch": punch } });
    assert_eq!(refused(odd, 422).await, "wrong_value");
    let keyless =
        json!({ "person": anna, "reason": "r", "change": { "kind": "void", "punch": punch } });
    let reply = office
        .post("/api/v1/corrections", &org.manager, keyless)
        .await;
    assert_eq!(reply.problem(400), "idempotency_key_required");
}

#[tokio::test]
async fn a_correction_that_is_sent_again_is_made_once() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    office.set("2026-03-02T10:00:00Z");
    let add = json!({ "person": person, "reason": "r", "change": { "kind": "add", "at": "2026-03-02T08:00:00Z" } });
    let key = [("idempotency-key", "one")];
    let first = office
        .call(
            "POST",
            "/api/v1/corrections",
            &org.manager,
            &key,
            Some(&add),
        )
        .await
        .expect(201);
    let second = office
        .call(
            "POST",
            "/api/v1/corrections",
            &org.manager,
            &key,
            Some(&add),
        )
        .await
        .expect(201);
    assert_eq!(first, second);
    let list = office
        .get(
            &format!("/api/v1/people/{person}/corrections"),
            &org.manager,
        )
        .await
        .expect(200);
    assert_eq!(list.as_array().unwrap().len(), 1);
    let mut other = add.clone();
    other["reason"] = json!("other");
    let reply = office
        .call(
            "POST",
            "/api/v1/corrections",
            &org.manager,
            &key,
            Some(&other),
        )
        .await;
    assert_eq!(reply.problem(422), "key_reused");
}

#[tokio::test]
async fn closed_days_stay_as_they_are() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    office
        .punch(&org, 2, "1", "2026-03-02T16:00:00Z")
        .await
        .expect(201);
    office.set("2026-03-05T10:00:00Z");
    let lock = format!("/api/v1/sites/{}/lock", org.site);
    let recent = office
        .call(
            "PUT",
            &lock,
            &org.admin,
            &[],
            Some(&json!({ "through": "2026-03-04" })),
        )
        .await;
    assert_eq!(recent.problem(422), "too_recent");
    office
        .call(
            "PUT",
            &lock,
            &org.admin,
            &[],
            Some(&json!({ "through": "2026-03-02" })),
        )
        .await
        .expect(200);
    let before = office.get(DAY, &org.manager).await.expect(200);
    let add = |at: &str| json!({ "person": person, "reason": "r", "change": { "kind": "add", "at": at } });
    let closed = office
        .post_once(
            "/api/v1/corrections",
            &org.manager,
            add("2026-03-02T12:00:00Z"),
        )
        .await;
    assert_eq!(closed.problem(409), "period_closed");
    let mut late = crate::support::sighting(3, "1", "2026-03-05T10:00:00Z");
    late["at"] = json!("2026-03-02T12:00:00Z");
    let answer = office
        .post("/api/v1/sightings", &org.device, late)
        .await
        .expect(201);
    assert_eq!(answer["code"], "period_closed");
    let policy =
        json!({ "applies_from": "2026-03-01", "toml": "[site]\ntime_zone = \"Europe/Berlin\"\n" });
    let policies = format!("/api/v1/sites/{}/policies", org.site);
    assert_eq!(
        office
            .post(&policies, &org.admin, policy)
            .await
            .problem(409),
        "period_closed"
    );
    office
        .post_once(
            "/api/v1/corrections",
            &org.manager,
            add("2026-03-03T08:00:00Z"),
        )
        .await
        .expect(201);
    assert_eq!(office.get(DAY, &org.manager).await.expect(200), before);
    office
        .call(
            "PUT",
            &lock,
            &org.admin,
            &[],
            Some(&json!({ "through": null })),
        )
        .await
        .expect(200);
    office
        .post_once(
            "/api/v1/corrections",
            &org.manager,
            add("2026-03-02T12:00:00Z"),
        )
        .await
        .expect(201);
    assert_ne!(office.get(DAY, &org.manager).await.expect(200), before);
}
