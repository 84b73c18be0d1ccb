//! From a sighting to a punch.

use serde_json::{Value, json};

use crate::support::{Office, sighting};

#[tokio::test]
async fn a_person_comes_and_goes() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let came = office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    assert_eq!(
        (&came["outcome"], &came["direction"]),
        (&json!("accepted"), &json!("in"))
    );
    assert_eq!(came["name"], "Person 1");
    let again = office
        .punch(&org, 2, "1", "2026-03-02T08:00:20Z")
        .await
        .expect(201);
    assert_eq!(
        (&again["outcome"], &again["seconds_left"]),
        (&json!("duplicate"), &json!(40))
    );
    let went = office
        .punch(&org, 3, "1", "2026-03-02T16:00:00Z")
        .await
        .expect(201);
    assert_eq!(went["direction"], "out");
    let days = office
        .get("/api/v1/days?from=2026-03-02&to=2026-03-02", &org.manager)
        .await
        .expect(200);
    let day = &days["items"][0];
    assert_eq!(day["person"], person.to_string());
    assert_eq!(
        (&day["record"]["status"], &day["record"]["counted_seconds"]),
        (&json!("PRESENT"), &json!(27_000))
    );
    let path = format!("/api/v1/people/{person}/punches?from=2026-03-02&to=2026-03-02");
    let punches = office.get(&path, &org.manager).await.expect(200);
    assert_eq!(
        punches.as_array().unwrap().len(),
        2,
        "a repeated sighting is no punch: {punches}"
    );
}

#[tokio::test]
async fn a_sighting_that_is_sent_again_gets_the_first_answer() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    let first = office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    office.set("2026-03-02T09:00:00Z");
    let second = office
        .post(
            "/api/v1/sightings",
            &org.device,
            sighting(1, "1", "2026-03-02T08:00:00Z"),
        )
        .await;
    assert_eq!(second.expect(201), first);
    let events = office.get("/api/v1/events", &org.admin).await.expect(200);
    let punches = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "punch_recorded");
    assert_eq!(punches.count(), 1);
    let restarted = json!({
        "boot": "second", "sequence": 1, "at": "2026-03-02T09:00:00Z", "sent": "2026-03-02T09:00:00Z",
        "identification": { "method": "pin", "number": "1", "pin": "4711" },
    });
    let other = office
        .post("/api/v1/sightings", &org.device, restarted)
        .await
        .expect(201);
    assert_eq!(
        other["direction"], "out",
        "another start of the device is another sighting"
    );
}

#[tokio::test]
async fn white_space_around_the_boot_does_not_count() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    office.set("2026-03-02T08:00:00Z");
    let mut new = sighting(1, "1", "2026-03-02T08:00:00Z");
    let send = async |new: &Value| {
        office
            .post("/api/v1/sightings", &org.device, new.clone())
            .await
    };
    let mut answers = Vec::new();
    for boot in [" a", " a", "a"] {
        new["boot"] = json!(boot);
        answers.push(send(&new).await.expect(201));
    }
    assert_eq!(answers[1], answers[0], "it is sent again");
    assert_eq!(answers[2], answers[0]);
    new["boot"] = json!(" ");
    assert_eq!(send(&new).await.problem(422), "empty");
}

#[tokio::test]
async fn a_device_with_a_wrong_clock_makes_no_punch() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    office.set("2026-03-02T08:00:00Z");
    for (at, code) in [
        ("2026-03-02T08:02:01Z", "clock_off"),
        ("2026-03-02T07:57:59Z", "clock_off"),
    ] {
        let reply = office
            .post("/api/v1/sightings", &org.device, sighting(1, "1", at))
            .await;
        assert_eq!(reply.problem(422), code);
    }
    let mut old = sighting(2, "1", "2026-03-02T08:00:00Z");
    old["at"] = json!("2026-02-20T08:00:00Z");
    assert_eq!(
        office
            .post("/api/v1/sightings", &org.device, old)
            .await
            .problem(422),
        "too_old"
    );
    let days = office
        .get("/api/v1/days?from=2026-02-01&to=2026-03-02", &org.manager)
        .await
        .expect(200);
    assert_eq!(days["items"], json!([]));
    let in_time = office
        .post(
            "/api/v1/sightings",
            &org.device,
            sighting(3, "1", "2026-03-02T08:01:59Z"),
        )
        .await;
    assert_eq!(
        in_time.expect(201)["at"],
        "2026-03-02T08:00:00Z",
        "nobody punches in the future"
    );
}

#[tokio::test]
async fn punches_of_a_device_without_a_connection_arrive_late() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    office
        .punch(&org, 1, "1", "2026-03-02T16:00:00Z")
        .await
        .expect(201);
    let mut late = sighting(2, "1", "2026-03-02T16:05:00Z");
    late["at"] = json!("2026-03-02T08:00:00Z");
    office.set("2026-03-02T16:05:00Z");
    let answer = office
        .post("/api/v1/sightings", &org.device, late)
        .await
        .expect(201);
    assert_eq!(answer["direction"], "in");
    let days = office
        .get("/api/v1/days?from=2026-03-02&to=2026-03-02", &org.manager)
        .await
        .expect(200);
    assert_eq!(
        days["items"][0]["record"]["counted_seconds"], 27_000,
        "{days}"
    );
}

#[tokio::test]
async fn ten_wrong_pins_are_enough() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "1234").await;
    for sequence in 0..10 {
        let reply = office
            .post(
                "/api/v1/sightings",
                &org.device,
                sighting(sequence, "1", "2026-03-02T07:00:00Z"),
            )
            .await;
        assert_eq!(reply.problem(422), "wrong_pin");
    }
    let mut right = sighting(10, "1", "2026-03-02T07:00:00Z");
    right["identification"]["pin"] = json!("1234");
    let limited = office
        .post("/api/v1/sightings", &org.device, right.clone())
        .await;
    assert_eq!(limited.problem(429), "too_many_attempts");
    assert!(limited.headers.contains_key("retry-after"));
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    assert_eq!(audit["items"][0]["action"], "pin_limited");
    office.set("2026-03-02T07:01:01Z");
    right["sent"] = json!("2026-03-02T07:01:01Z");
    assert_eq!(
        office
            .post("/api/v1/sightings", &org.device, right)
            .await
            .expect(201)["outcome"],
        "accepted"
    );
}

#[tokio::test]
async fn nobody_has_an_unknown_number_or_badge() {
    let (office, org) = Office::with_organisation().await;
    office.person(&org, "1").await;
    for number in ["1", "2", ""] {
        let reply = office
            .post(
                "/api/v1/sightings",
                &org.device,
                sighting(1, number, "2026-03-02T07:00:00Z"),
            )
            .await;
        assert_eq!(
            reply.problem(422),
            "wrong_pin",
            "somebody without a PIN, and nobody: {number:?}"
        );
    }
    let mut badge = sighting(2, "1", "2026-03-02T07:00:00Z");
    badge["identification"] = json!({ "method": "badge", "code": "fk_guessed" });
    assert_eq!(
        office
            .post("/api/v1/sightings", &org.device, badge)
            .await
            .problem(422),
        "wrong_badge"
    );
}

#[tokio::test]
async fn a_badge_is_as_good_as_a_pin_until_the_next_one() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    let path = format!("/api/v1/people/{person}/badge");
    let first = office
        .call("POST", &path, &org.manager, &[], None)
        .await
        .expect(201);
    let scan = |sequence: i64, code: &Value| {
        let mut scan = sighting(sequence, "1", "2026-03-02T07:00:00Z");
        scan["identification"] = json!({ "method": "badge", "code": code });
        scan
    };
    let answer = office
        .post("/api/v1/sightings", &org.device, scan(1, &first["token"]))
        .await
        .expect(201);
    assert_eq!(answer["outcome"], "accepted");
    let second = office
        .call("POST", &path, &org.manager, &[], None)
        .await
        .expect(201);
    let old = office
        .post("/api/v1/sightings", &org.device, scan(2, &first["token"]))
        .await;
    assert_eq!(old.problem(422), "wrong_badge");
    let answer = office
        .post("/api/v1/sightings", &org.device, scan(3, &second["token"]))
        .await
        .expect(201);
    assert_eq!(answer["outcome"], "duplicate");
}

/// A real alternative to faces gives the same day.
#[tokio::test]
async fn pin_badge_and_manual_entry_give_the_same_day() {
    let (office, org) = Office::with_organisation().await;
    let by_pin = office.person_with_pin(&org, "1", "4711").await;
    let by_badge = office.person(&org, "2").await;
    let by_hand = office.person(&org, "3").await;
    let badge = format!("/api/v1/people/{by_badge}/badge");
    let badge = office
        .call("POST", &badge, &org.manager, &[], None)
        .await
        .expect(201);
    for (sequence, at) in [(1, "2026-03-02T08:10:00Z"), (2, "2026-03-02T15:00:00Z")] {
        office.punch(&org, sequence, "1", at).await.expect(201);
        let mut scan = sighting(sequence + 100, "2", at);
        scan["identification"] = json!({ "method": "badge", "code": badge["token"] });
        office
            .post("/api/v1/sightings", &org.device, scan)
            .await
            .expect(201);
        let correction = json!({
            "person": by_hand, "reason": "without a device", "change": { "kind": "add", "at": at },
        });
        office
            .post_once("/api/v1/corrections", &org.manager, correction)
            .await
            .expect(201);
    }
    let days = office
        .get("/api/v1/days?from=2026-03-02&to=2026-03-02", &org.manager)
        .await
        .expect(200);
    let records = days["items"].as_array().unwrap().iter().map(|day| {
        let mut record = day["record"].clone();
        record["person"] = json!(null);
        record
    });
    let records: Vec<_> = records.collect();
    assert_eq!(records.len(), 3);
    assert!(
        records.iter().all(|record| *record == records[0]),
        "{records:#?}"
    );
    assert_eq!(records[0]["late_seconds"], 600);
    let _ = by_pin;
}

#[tokio::test]
async fn a_deactivated_person_is_refused_and_the_sighting_is_kept() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    let path = format!("/api/v1/people/{person}/deactivate");
    office
        .call("POST", &path, &org.manager, &[], None)
        .await
        .expect(200);
    let answer = office
        .punch(&org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    assert_eq!(
        (&answer["outcome"], &answer["code"]),
        (&json!("refused"), &json!("deactivated"))
    );
    let list = office
        .get("/api/v1/sightings?outcome=refused", &org.manager)
        .await
        .expect(200);
    assert_eq!(list["items"][0]["id"], answer["sighting"]);
    let kept = office
        .get(
            &format!("/api/v1/sightings/{}", answer["sighting"].as_str().unwrap()),
            &org.manager,
        )
        .await;
    assert_eq!(
        kept.expect(200)["answer"]["name"],
        json!(null),
        "names are not kept with sightings"
    );
}

#[tokio::test]
async fn a_sighting_in_the_list_can_be_read_alone() {
    let (office, org) = Office::with_organisation().await;
    let new = json!({ "name": "Wien", "time_zone": "Europe/Vienna", "preset": "flexitime" });
    let site = office.post("/api/v1/sites", &org.admin, new).await;
    let site = site.expect(201)["id"].clone();
    let token = json!({ "label": "vienna", "role": "manager", "site": site });
    let token = office.post("/api/v1/tokens", &org.admin, token).await;
    let token = token.expect(201)["token"].as_str().unwrap().to_owned();
    let person = office.person_with_pin(&org, "1", "4711").await;
    let seen = office.punch(&org, 1, "1", "2026-03-02T08:00:00Z").await;
    let one = format!(
        "/api/v1/sightings/{}",
        seen.expect(201)["sighting"].as_str().unwrap()
    );
    let list = async || {
        let list = office.get("/api/v1/sightings", &token).await.expect(200);
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(list().await, 0);
    assert_eq!(office.get(&one, &token).await.problem(404), "not_found");
    // The person of another site's device is now the manager's.
    let path = format!("/api/v1/people/{person}");
    let moved = office
        .patch(&path, &org.admin, 2, json!({ "site": site }))
        .await;
    moved.expect(200);
    assert_eq!(list().await, 1);
    office.get(&one, &token).await.expect(200);
}
