//! Policies: versions, and the dry run.

use serde_json::json;

use crate::support::Office;

#[tokio::test]
async fn a_dry_run_says_what_applying_does() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person_with_pin(&org, "1", "4711").await;
    for (sequence, day) in (2..=6).enumerate() {
        let sequence = 2 * sequence as i64;
        office
            .punch(&org, sequence, "1", &format!("2026-03-0{day}T08:03:00Z"))
            .await
            .expect(201);
        office
            .punch(
                &org,
                sequence + 1,
                "1",
                &format!("2026-03-0{day}T16:00:00Z"),
            )
            .await
            .expect(201);
    }
    let path = format!("/api/v1/sites/{}/policies", org.site);
    let all = "/api/v1/days?from=2026-03-01&to=2026-03-31";
    let before = office.get(all, &org.manager).await.expect(200);
    let toml = "[site]\ntime_zone = \"Europe/Berlin\"\n[[shifts]]\nname = \"day\"\nstart = \"09:00\"\nend = \"17:00\"\n";
    let strict = json!({ "applies_from": "2026-03-04", "toml": toml });
    let effect = office
        .post(&format!("{path}/dry-run"), &org.admin, strict.clone())
        .await
        .expect(200);
    assert_eq!((&effect["days"], &effect["people"]), (&json!(3), &json!(1)));
    let example = &effect["examples"][0];
    assert_eq!(example["person"], person.to_string());
    assert_eq!(example["change"]["date"], "2026-03-04");
    assert_eq!(example["change"]["before"]["late_seconds"], 0);
    assert_eq!(example["change"]["after"]["late_seconds"], 180);
    assert_eq!(
        office.get(all, &org.manager).await.expect(200),
        before,
        "a dry run changes nothing"
    );
    let applied = office.post(&path, &org.admin, strict).await.expect(201);
    assert_eq!(applied, effect);
    let after = office.get(all, &org.manager).await.expect(200);
    let late: Vec<_> = after["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["record"]["late_seconds"].as_i64().unwrap())
        .collect();
    assert_eq!(late, [0, 0, 180, 180, 180]);
    let versions = office.get(&path, &org.manager).await.expect(200);
    assert_eq!(versions.as_array().unwrap().len(), 2);
    assert_eq!(versions[0]["applies_from"], "2026-03-04");
}

#[tokio::test]
async fn a_wrong_policy_is_refused_with_its_key() {
    let (office, org) = Office::with_organisation().await;
    let path = format!("/api/v1/sites/{}/policies/dry-run", org.site);
    let cases = [
        (
            json!({ "applies_from": "2026-04-01", "policy": { "scans": { "cooldwn": "60s" } } }),
            "/policy/scans/cooldwn",
        ),
        (
            json!({ "applies_from": "2026-04-01", "toml": "[scans]\ncooldwn = \"60s\"" }),
            "/toml",
        ),
        (
            json!({ "applies_from": "2026-04-01", "policy": { "site": { "time_zone": "Mars/Olympus" } } }),
            "/policy/site/time_zone",
        ),
        (json!({ "applies_from": "2026-04-01" }), "/policy"),
        (
            json!({ "applies_from": "1800-01-01", "toml": "" }),
            "/applies_from",
        ),
        (
            json!({ "applies_from": "2026-02-31", "toml": "" }),
            "/applies_from",
        ),
    ];
    for (policy, pointer) in cases {
        let reply = office.post(&path, &org.admin, policy.clone()).await;
        reply.problem(422);
        assert_eq!(
            reply.json()["errors"][0]["pointer"],
            pointer,
            "{policy}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn presets_and_the_schema_are_there_for_forms() {
    let (office, org) = Office::with_organisation().await;
    let presets = office
        .get("/api/v1/presets", &org.manager)
        .await
        .expect(200);
    assert!(
        presets
            .as_array()
            .unwrap()
            .iter()
            .any(|preset| preset["name"] == "nine-to-five")
    );
    let schema = office
        .get("/api/v1/policy-schema", &org.manager)
        .await
        .expect(200);
    assert!(schema["properties"]["shifts"].is_object());
    for preset in presets.as_array().unwrap() {
        let site = json!({ "name": preset["name"], "time_zone": "Asia/Kolkata", "preset": preset["name"] });
        let site = office
            .post("/api/v1/sites", &org.admin, site)
            .await
            .expect(201);
        assert_eq!(site["time_zone"], "Asia/Kolkata");
    }
    for (site, code) in [
        (
            json!({ "name": "X", "time_zone": "Berlin", "preset": "nights" }),
            "unknown_time_zone",
        ),
        (
            json!({ "name": "X", "time_zone": "UTC", "preset": "days" }),
            "unknown_preset",
        ),
    ] {
        assert_eq!(
            office
                .post("/api/v1/sites", &org.admin, site)
                .await
                .problem(422),
            code
        );
    }
    let twice = json!({ "name": "Berlin", "time_zone": "UTC", "preset": "nights" });
    assert_eq!(
        office
            .post("/api/v1/sites", &org.admin, twice)
            .await
            .problem(409),
        "name_taken"
    );
}

#[tokio::test]
async fn the_newest_version_applies_also_after_the_clock_was_set_back() {
    let (office, org) = Office::with_organisation().await;
    office.person_with_pin(&org, "1", "4711").await;
    let came = office.punch(&org, 1, "1", "2026-03-02T08:30:00Z").await;
    came.expect(201);
    let path = format!("/api/v1/sites/{}/policies", org.site);
    let apply = async |start: &str| {
        let toml = format!(
            "[site]\ntime_zone = \"Europe/Berlin\"\n[[shifts]]\nname = \"day\"\nstart = \"{start}\"\nend = \"17:00\"\n"
        );
        let policy = json!({ "applies_from": "2026-03-02", "toml": toml });
        office.post(&path, &org.admin, policy).await.expect(201)
    };
    office.set("2026-03-05T10:00:00Z");
    apply("09:00").await;
    office.set("2026-03-04T10:00:00Z");
    apply("09:15").await;
    let day = "/api/v1/days?from=2026-03-02&to=2026-03-02";
    let day = office.get(day, &org.manager).await.expect(200);
    assert_eq!(day["items"][0]["record"]["late_seconds"], 900);
    let versions = office.get(&path, &org.manager).await.expect(200);
    assert!(versions[0]["toml"].as_str().unwrap().contains("09:15"));
}
