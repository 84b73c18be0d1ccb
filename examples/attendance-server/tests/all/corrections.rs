//! Corrections, and closed periods.

use serde_json::{Value, json};

use crate::support::{Office, Organisation, Reply};

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
    let refused = async |body: Value, status: u16| {
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

/// Another site, with other hours.
async fn vienna(office: &Office, org: &Organisation) -> Value {
    let new = json!({ "name": "Wien", "time_zone": "Europe/Vienna", "preset": "flexitime" });
    let site = office.post("/api/v1/sites", &org.admin, new).await;
    site.expect(201)["id"].clone()
}

async fn close(office: &Office, org: &Organisation, site: &str, through: Value) -> Reply {
    let path = format!("/api/v1/sites/{site}/lock");
    let lock = json!({ "through": through });
    office
        .call("PUT", &path, &org.admin, &[], Some(&lock))
        .await
}

#[tokio::test]
async fn closed_days_stay_as_they_are_when_a_person_changes_the_site() {
    let (office, org) = Office::with_organisation().await;
    let vienna = vienna(&office, &org).await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    for (sequence, at) in ["02T09:30", "02T16:00", "03T09:30", "03T16:00"]
        .into_iter()
        .enumerate()
    {
        let at = format!("2026-03-{at}:00Z");
        let punch = office.punch(&org, sequence as i64, "1", &at).await;
        punch.expect(201);
    }
    office.set("2026-03-05T10:00:00Z");
    let site = org.site.to_string();
    close(&office, &org, &site, json!("2026-03-02"))
        .await
        .expect(200);
    let closed = office.get(DAY, &org.manager).await.expect(200);
    assert_eq!(closed["items"][0]["record"]["late_seconds"], 5400);
    let next = "/api/v1/days?from=2026-03-03&to=2026-03-03";
    let open = office.get(next, &org.manager).await.expect(200);

    let path = format!("/api/v1/people/{person}");
    let moved = office
        .patch(&path, &org.manager, 2, json!({ "site": vienna }))
        .await
        .expect(200);
    assert_eq!(office.get(DAY, &org.manager).await.expect(200), closed);
    assert_ne!(
        office.get(next, &org.manager).await.expect(200),
        open,
        "open days have the policy of the new site"
    );
    let add = json!({
        "person": person, "reason": "r", "change": { "kind": "add", "at": "2026-03-02T12:00:00Z" },
    });
    let correction = office
        .post_once("/api/v1/corrections", &org.manager, add.clone())
        .await;
    assert_eq!(correction.problem(409), "period_closed");
    // The way back, by a file, changes nothing either.
    let mut file = axum::http::Request::post("/api/v1/imports/people");
    for (name, value) in [
        ("authorization", format!("Bearer {}", org.manager)),
        ("content-type", "text/csv".to_owned()),
        ("idempotency-key", "back".to_owned()),
    ] {
        file = file.header(name, value);
    }
    let file = file.body("number,site,joined\n1,Berlin,2026-02-01\n".into());
    let report = office.send(file.unwrap()).await.expect(200);
    assert_eq!(report["updated"], 1);
    assert_eq!(office.get(DAY, &org.manager).await.expect(200), closed);
    let version = moved["version"].as_i64().unwrap() + 1;
    office
        .patch(&path, &org.manager, version, json!({ "site": vienna }))
        .await
        .expect(200);
    assert_eq!(office.get(DAY, &org.manager).await.expect(200), closed);

    // A first closing of the new site opens nothing; opening its days does.
    let vienna = vienna.as_str().unwrap();
    close(&office, &org, vienna, json!("2026-03-01"))
        .await
        .expect(200);
    assert_eq!(office.get(DAY, &org.manager).await.expect(200), closed);
    close(&office, &org, vienna, json!(null)).await.expect(200);
    assert_ne!(office.get(DAY, &org.manager).await.expect(200), closed);
    office
        .post_once("/api/v1/corrections", &org.manager, add)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_later_correction_counts_also_after_the_clock_was_set_back() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let mut punches = Vec::new();
    for (sequence, at) in ["08:00", "12:00", "12:30", "16:00"].into_iter().enumerate() {
        let at = format!("2026-03-02T{at}:00Z");
        let punch = office.punch(&org, sequence as i64, "1", &at).await;
        punches.push(punch.expect(201)["punch"].clone());
    }
    let make = async |change: Value| {
        let correction = json!({ "person": person, "reason": "r", "change": change });
        office
            .post_once("/api/v1/corrections", &org.manager, correction)
            .await
            .expect(201)
    };
    office.set("2026-03-04T10:00:00Z");
    let replace =
        |at: &str| json!({ "kind": "replace", "punch": punches[3], "at": at, "direction": "out" });
    let first = make(replace("2026-03-02T15:00:00Z")).await;
    office.set("2026-03-03T10:00:00Z");
    let second = make(replace("2026-03-02T14:00:00Z")).await;
    let made = |made: &Value| -> jiff::Timestamp {
        made["correction"]["made"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(made(&second) > made(&first));
    let list = format!("/api/v1/people/{person}/corrections");
    let list = office.get(&list, &org.manager).await.expect(200);
    assert_eq!(
        list[0]["id"], second["correction"]["id"],
        "the newest is first"
    );
    let day = office.get(DAY, &org.manager).await.expect(200);
    assert_eq!(day["items"][0]["record"]["last"], "2026-03-02T14:00:00Z");
}
