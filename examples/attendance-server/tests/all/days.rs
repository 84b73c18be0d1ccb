//! Days are what a whole evaluation gives, however they came to be.

use attendance_server::{
    access::{Actor, Grant, Role},
    commands::{
        days,
        import::{self, ImportOptions},
        recompute,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::support::{Office, sighting};

/// An event in an office. Times are minutes after the event before.
#[derive(Clone, Debug)]
enum Happening {
    /// A person punches.
    Punch { after: i64, person: usize },
    /// A person punched while the device had no connection, so many minutes ago.
    Late { after: i64, person: usize, ago: i64 },
    /// A forgotten punch is added, so many minutes ago.
    Add { after: i64, person: usize, ago: i64 },
    /// The newest punch of a person is voided.
    Void { person: usize },
    /// The newest correction of a person is undone.
    Undo { person: usize },
    /// Another policy applies from some days ago.
    Policy { preset: usize, days_ago: i64 },
    /// The server looks for days that ended.
    CatchUp,
}

fn happening() -> impl Strategy<Value = Happening> {
    let person = 0..2_usize;
    prop_oneof![
        8 => (1..1_000_i64, person.clone()).prop_map(|(after, person)| Happening::Punch { after, person }),
        2 => (1..2_000_i64, person.clone(), 1..9_000_i64)
            .prop_map(|(after, person, ago)| Happening::Late { after, person, ago }),
        2 => (1..500_i64, person.clone(), 1..40_000_i64)
            .prop_map(|(after, person, ago)| Happening::Add { after, person, ago }),
        1 => person.clone().prop_map(|person| Happening::Void { person }),
        1 => person.prop_map(|person| Happening::Undo { person }),
        1 => (0..3_usize, -3..20_i64).prop_map(|(preset, days_ago)| Happening::Policy { preset, days_ago }),
        1 => Just(Happening::CatchUp),
    ]
}

const POLICIES: [&str; 3] = [
    include_str!("../../../../attendance-rules/examples/policies/nine-to-five.toml"),
    include_str!("../../../../attendance-rules/examples/policies/nights.toml"),
    include_str!("../../../../attendance-rules/examples/policies/flexitime-weekly.toml"),
];

async fn live(happenings: &[Happening]) {
    let (office, org) = Office::with_organisation().await;
    let people = [
        office.person_with_pin(&org, "0", "4711").await,
        office.person_with_pin(&org, "1", "4711").await,
    ];
    let mut now: jiff::Timestamp = "2026-03-16T07:00:00Z".parse().unwrap();
    for (sequence, happening) in happenings.iter().enumerate() {
        let minutes = jiff::SignedDuration::from_mins;
        if let Happening::Punch { after, .. }
        | Happening::Late { after, .. }
        | Happening::Add { after, .. } = happening
        {
            now += minutes(*after);
        }
        office.set(&now.to_string());
        match happening {
            Happening::Punch { person, .. } | Happening::Late { person, .. } => {
                let mut seen = sighting(sequence as i64, &person.to_string(), &now.to_string());
                if let Happening::Late { ago, .. } = happening {
                    seen["at"] = json!(now - minutes(*ago));
                }
                office
                    .post("/api/v1/sightings", &org.device, seen)
                    .await
                    .expect(201);
            }
            Happening::Add { person, ago, .. } => {
                let add = json!({
                    "person": people[*person], "reason": "r", "change": { "kind": "add", "at": now - minutes(*ago) },
                });
                office
                    .post_once("/api/v1/corrections", &org.manager, add)
                    .await
                    .expect(201);
            }
            Happening::Void { person } => {
                let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
                let from = today.saturating_sub(jiff::Span::new().days(60));
                let path = format!(
                    "/api/v1/people/{}/punches?from={from}&to={today}",
                    people[*person]
                );
                let punches = office.get(&path, &org.manager).await.expect(200);
                if let Some(punch) = punches.as_array().unwrap().last() {
                    let void = json!({
                        "person": people[*person], "reason": "r", "change": { "kind": "void", "punch": punch["id"] },
                    });
                    office
                        .post_once("/api/v1/corrections", &org.manager, void)
                        .await
                        .expect(201);
                }
            }
            Happening::Undo { person } => {
                let path = format!("/api/v1/people/{}/corrections", people[*person]);
                let corrections = office.get(&path, &org.manager).await.expect(200);
                let corrections = corrections.as_array().unwrap();
                let open = corrections.iter().find(|correction| {
                    correction["undone_by"].is_null() && correction["change"]["undo"].is_null()
                });
                if let Some(correction) = open {
                    let path = format!(
                        "/api/v1/corrections/{}/undo",
                        correction["id"].as_str().unwrap()
                    );
                    office
                        .post_once(&path, &org.manager, json!({ "reason": "r" }))
                        .await
                        .expect(201);
                }
            }
            Happening::Policy { preset, days_ago } => {
                let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
                let from = today.saturating_sub(jiff::Span::new().days(*days_ago));
                let policy = json!({ "applies_from": from, "toml": POLICIES[*preset] });
                let path = format!("/api/v1/sites/{}/policies", org.site);
                office.post(&path, &org.admin, policy).await.expect(201);
            }
            Happening::CatchUp => {
                days::catch_up(&office.store, org.id).await.unwrap();
            }
        }
        let report = recompute::recompute(&office.store, org.id, true)
            .await
            .unwrap();
        assert!(
            report.changes.is_empty(),
            "after {happening:?}, number {sequence}: {:#?}",
            report.changes
        );
    }
}

#[test]
fn days_equal_a_recomputation_after_each_change() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let happenings = proptest::collection::vec(happening(), 1..25);
    runner
        .run(&happenings, |happenings| {
            runtime.block_on(live(&happenings));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn absence_is_recorded_when_the_day_ends() {
    let (office, org) = Office::with_organisation().await;
    office.person(&org, "1").await;
    office.set("2026-03-04T09:00:00Z");
    assert!(days::catch_up(&office.store, org.id).await.unwrap() > 0);
    let list = office
        .get("/api/v1/days?from=2026-03-01&to=2026-03-31", &org.manager)
        .await
        .expect(200);
    let days: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (&day["date"], &day["record"]["status"]))
        .collect();
    assert_eq!(
        days,
        [
            (&json!("2026-03-02"), &json!("ABSENT")),
            (&json!("2026-03-03"), &json!("ABSENT"))
        ]
    );
    assert_eq!(days::catch_up(&office.store, org.id).await.unwrap(), 0);
    let absent = office
        .get(
            "/api/v1/days?from=2026-03-03&to=2026-03-03&status=ABSENT",
            &org.manager,
        )
        .await
        .expect(200);
    assert_eq!(absent["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_day_is_found_and_mended() {
    let (office, org) = Office::with_organisation().await;
    office.person(&org, "1").await;
    office.set("2026-03-04T09:00:00Z");
    days::catch_up(&office.store, org.id).await.unwrap();
    let mut tx = office.store.write().await.unwrap();
    let damage =
        "UPDATE day SET record = REPLACE(record, 'ABSENT', 'PRESENT') WHERE date = '2026-03-03'";
    assert_eq!(
        tx.execute(damage, attendance_server::values![])
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
    let found = recompute::recompute(&office.store, org.id, true)
        .await
        .unwrap();
    assert_eq!(found.changes.len(), 1);
    assert_eq!(found.changes[0].1.after["status"], "ABSENT");
    recompute::recompute(&office.store, org.id, false)
        .await
        .unwrap();
    assert!(
        recompute::recompute(&office.store, org.id, true)
            .await
            .unwrap()
            .changes
            .is_empty()
    );
}

#[tokio::test]
async fn days_are_exported_for_spreadsheets() {
    let (office, org) = Office::with_organisation().await;
    let new =
        json!({ "number": "=1+1", "name": "@SUM(A1)", "site": org.site, "joined": "2026-03-01" });
    let person = office
        .post("/api/v1/people", &org.manager, new)
        .await
        .expect(201)["id"]
        .clone();
    office.set("2026-03-02T20:00:00Z");
    for at in ["2026-03-02T08:10:00Z", "2026-03-02T16:00:00Z"] {
        let add = json!({ "person": person, "reason": "r", "change": { "kind": "add", "at": at } });
        office
            .post_once("/api/v1/corrections", &org.manager, add)
            .await
            .expect(201);
    }
    let reply = office
        .get(
            "/api/v1/exports/days?from=2026-03-02&to=2026-03-02",
            &org.manager,
        )
        .await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = reply.text.split("\r\n").collect();
    assert!(lines[0].starts_with("date,number,name,site,status,"));
    assert!(
        lines[1].starts_with("2026-03-02,'=1+1,'@SUM(A1),Berlin,PRESENT,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].contains(",09:10:00,17:00:00,7.33,7.50,-0.17,10,0,"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "");
    let long = office
        .get(
            "/api/v1/exports/days?from=2024-03-02&to=2026-03-02",
            &org.manager,
        )
        .await;
    assert_eq!(long.problem(422), "long_period");
    let backwards = office
        .get("/api/v1/days?from=2026-03-02&to=2026-03-01", &org.manager)
        .await;
    assert_eq!(backwards.problem(422), "wrong_period");
}

#[tokio::test]
async fn the_page_of_a_date_has_all_people() {
    let (office, org) = Office::with_organisation().await;
    let mut tx = office.store.write().await.unwrap();
    let operator = Actor::operator(org.id);
    let mut file = "number,name,joined\n".to_owned();
    for number in 0..510 {
        file.push_str(&format!("{number},Person {number}!,2026-03-02\n"));
    }
    import::people(
        &mut tx,
        &operator,
        file.as_bytes(),
        &ImportOptions::default(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    office.set("2026-03-04T12:00:00Z");
    days::catch_up(&office.store, org.id).await.unwrap();
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let (_, session) = office.session(&org, grant, None).await;
    let cookie = format!("__Host-session={session}");
    let cookie = [("cookie", cookie.as_str())];
    let page = office
        .call("GET", "/days/2026-03-02", "", &cookie, None)
        .await;
    assert_eq!(page.status, 200);
    for number in 0..510 {
        let name = format!(">Person {number}!");
        assert!(page.text.contains(&name), "{name}");
    }
    let export = "/api/v1/exports/days?from=2026-03-02&to=2026-03-03";
    let export = office.get(export, &org.manager).await;
    assert_eq!(export.text.lines().count(), 1 + 2 * 510);
}

#[tokio::test]
async fn days_of_a_person_come_in_pages() {
    let (office, org) = Office::with_organisation().await;
    let (anna, _) = (
        office.person(&org, "1").await,
        office.person(&org, "2").await,
    );
    office.set("2026-03-06T12:00:00Z");
    days::catch_up(&office.store, org.id).await.unwrap();
    let path = format!("/api/v1/days?from=2026-03-02&to=2026-03-05&person={anna}&limit=3");
    let first = office.get(&path, &org.manager).await.expect(200);
    let next = first["next"].as_str().unwrap();
    let second = office
        .get(&format!("{path}&cursor={next}"), &org.manager)
        .await;
    let second = second.expect(200);
    assert_eq!(second["next"], json!(null));
    let days: Vec<_> = [first, second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap().clone())
        .map(|day| {
            assert_eq!(day["person"], anna.to_string());
            day["date"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        days,
        ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    );
    let absent = office
        .get(&format!("{path}&status=ABSENT"), &org.manager)
        .await;
    assert_eq!(absent.expect(200)["items"].as_array().unwrap().len(), 3);
    let none = office
        .get(&format!("{path}&status=PRESENT"), &org.manager)
        .await;
    assert_eq!(none.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn days_that_go_on_are_not_reviewed() {
    let (office, org) = Office::with_organisation().await;
    let new = json!({ "name": "Los Angeles", "time_zone": "America/Los_Angeles", "preset": "nine-to-five" });
    let site = office.post("/api/v1/sites", &org.admin, new).await;
    let site = site.expect(201)["id"].clone();
    let new = json!({ "number": "1", "name": "Anna Far", "site": site, "joined": "2026-03-02" });
    let anna = office.post("/api/v1/people", &org.admin, new).await;
    let anna = anna.expect(201)["id"].clone();
    // Half past four in the afternoon there, and the next day by UTC.
    office.set("2026-03-03T00:30:00Z");
    let add = json!({ "person": anna, "reason": "r", "change": { "kind": "add", "at": "2026-03-02T17:00:00Z" } });
    let made = office
        .post_once("/api/v1/corrections", &org.admin, add)
        .await;
    made.expect(201);
    let grant = Grant {
        role: Role::Admin,
        site: None,
    };
    let is_listed = async || {
        let (_, session) = office.session(&org, grant, None).await;
        let cookie = format!("__Host-session={session}");
        let cookie = [("cookie", cookie.as_str())];
        let page = office.call("GET", "/review", "", &cookie, None).await;
        assert_eq!(page.status, 200);
        page.text.contains("Anna Far")
    };
    assert!(!is_listed().await);
    office.set("2026-03-04T12:00:00Z");
    days::catch_up(&office.store, org.id).await.unwrap();
    assert!(is_listed().await);
}
