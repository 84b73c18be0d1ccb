//! The ends of retention.

use attendance_server::commands::{audit, recompute, retention};
use attendance_server::{access::Actor, commands::retention::Removed};

use crate::support::{Office, sighting};

#[tokio::test]
async fn old_rows_are_removed_and_records_stay() {
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
    let spare = serde_json::json!({ "label": "spare", "role": "auditor", "days": 1 });
    office
        .post("/api/v1/tokens", &org.admin, spare)
        .await
        .expect(201);
    let remove = async |time: &str| {
        office.set(time);
        let mut tx = office.store.write().await.unwrap();
        let removed = retention::remove_old(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        removed
    };
    assert_eq!(
        remove("2026-04-01T06:59:59Z").await,
        Removed::default(),
        "30 days have not passed"
    );
    let events = remove("2026-04-01T16:00:01Z").await;
    assert!(
        events.events >= 4 && events.sightings == 0 && events.tokens == 0,
        "{events:?}"
    );
    assert_eq!(
        remove("2026-05-31T08:00:00Z").await,
        Removed::default(),
        "90 days have not passed"
    );
    let sightings = remove("2026-06-01T16:00:01Z").await;
    assert_eq!((sightings.sightings, sightings.tokens), (2, 1));

    let path = format!("/api/v1/people/{person}/punches?from=2026-03-02&to=2026-03-02");
    let punches = office.get(&path, &org.manager).await.expect(200);
    assert_eq!(punches.as_array().unwrap().len(), 2);
    let mut tx = office.store.read().await.unwrap();
    assert_eq!(
        audit::verify(&mut tx, &Actor::operator(org.id))
            .await
            .unwrap()
            .fault,
        None
    );
    drop(tx);
    assert!(
        recompute::recompute(&office.store, org.id, true)
            .await
            .unwrap()
            .changes
            .is_empty()
    );
    let again = office
        .post(
            "/api/v1/sightings",
            &org.device,
            sighting(1, "1", "2026-03-02T08:00:00Z"),
        )
        .await;
    assert_eq!(
        again.problem(422),
        "clock_off",
        "a sighting that old makes no second punch"
    );
}
