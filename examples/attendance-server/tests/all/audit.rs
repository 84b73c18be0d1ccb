//! The audit.

use attendance_server::{access::Actor, commands::audit, values};
use serde_json::json;

use crate::support::{Office, Organisation};

async fn fault(office: &Office, org: &Organisation) -> Option<String> {
    let mut tx = office.store.read().await.unwrap();
    audit::verify(&mut tx, &Actor::operator(org.id))
        .await
        .unwrap()
        .fault
}

#[tokio::test]
async fn changes_are_in_the_audit_with_who_when_before_and_after() {
    let (office, org) = Office::with_organisation().await;
    let person = office.person(&org, "1").await;
    office.set("2026-03-02T09:00:00Z");
    office
        .patch(
            &format!("/api/v1/people/{person}"),
            &org.manager,
            1,
            json!({ "name": "New" }),
        )
        .await
        .expect(200);
    let page = office
        .get("/api/v1/audit?limit=2", &org.auditor)
        .await
        .expect(200);
    let record = &page["items"][0];
    assert_eq!(record["action"], "person_changed");
    assert!(record["actor"].as_str().unwrap().starts_with("token "));
    assert_eq!(record["at"], "2026-03-02T09:00:00Z");
    assert_eq!(record["detail"]["before"]["name"], "Person 1");
    assert_eq!(record["detail"]["after"]["name"], "New");
    let older = format!(
        "/api/v1/audit?limit=2&cursor={}",
        page["next"].as_str().unwrap()
    );
    let older = office.get(&older, &org.auditor).await.expect(200);
    assert_eq!(
        older["items"][0]["seq"].as_i64().unwrap(),
        record["seq"].as_i64().unwrap() - 2
    );
    let verification = office
        .get("/api/v1/audit/verification", &org.auditor)
        .await
        .expect(200);
    assert_eq!(
        verification,
        json!({ "records": record["seq"], "fault": null })
    );
}

#[tokio::test]
async fn each_kind_of_manipulation_is_found() {
    let (office, org) = Office::with_organisation().await;
    for number in 0..5 {
        office.person(&org, &number.to_string()).await;
    }
    assert_eq!(fault(&office, &org).await, None);
    let manipulations: [(&'static str, &str); 5] = [
        (
            "UPDATE audit SET actor = 'operator ' WHERE seq = 4",
            "record 4 was changed",
        ),
        (
            "UPDATE audit SET at = at + 1 WHERE seq = 4",
            "record 4 was changed",
        ),
        (
            "UPDATE audit SET detail = (SELECT detail FROM audit WHERE seq = 5) WHERE seq = 6",
            "record 6 was changed",
        ),
        ("DELETE FROM audit WHERE seq = 5", "record 5 is missing"),
        (
            "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
            "on are missing",
        ),
    ];
    for (sql, expected) in manipulations {
        let mut tx = office.store.write().await.unwrap();
        assert_eq!(tx.execute(sql, values![]).await.unwrap(), 1, "{sql}");
        let found = audit::verify(&mut tx, &Actor::operator(org.id))
            .await
            .unwrap()
            .fault;
        assert!(
            found
                .as_deref()
                .is_some_and(|fault| fault.contains(expected)),
            "{sql}: {found:?}"
        );
        // Without a commit, nothing has changed.
        drop(tx);
        assert_eq!(fault(&office, &org).await, None);
    }
}

#[tokio::test]
async fn events_have_numbers_without_gaps() {
    let (office, org) = Office::with_organisation().await;
    let mut listener = office.store.listen();
    for number in 0..5 {
        office.person(&org, &number.to_string()).await;
    }
    let taken = json!({ "number": "1", "name": "B", "site": org.site });
    office
        .post("/api/v1/people", &org.manager, taken)
        .await
        .problem(409);
    office.person(&org, "6").await;
    let events = office
        .get("/api/v1/events?limit=500", &org.admin)
        .await
        .expect(200);
    let numbers: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    assert_eq!(events["last"], *numbers.last().unwrap());
    let mut heard = Vec::new();
    while let Ok(event) = listener.try_recv() {
        heard.push(event.seq);
    }
    assert_eq!(heard, numbers[numbers.len() - 6..]);
    let rest = office
        .get(
            &format!("/api/v1/events?after={}", numbers.len() - 2),
            &org.admin,
        )
        .await
        .expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    assert_eq!(rest["stream_reset"], false);
    let mut tx = office.store.write().await.unwrap();
    tx.execute("DELETE FROM event WHERE seq < 4", values![])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let behind = office
        .get("/api/v1/events?after=1", &org.admin)
        .await
        .expect(200);
    assert_eq!(behind["stream_reset"], true);
    let ahead = format!("/api/v1/events?after={}", i64::MAX);
    let ahead = office.get(&ahead, &org.admin).await.expect(200);
    assert_eq!(ahead["items"], json!([]));
}
