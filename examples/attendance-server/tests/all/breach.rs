//! The list of people whose data a breach concerned.

use attendance_server::{
    access::{Actor, Grant, Principal, Role},
    commands::{
        breach::{self, Held, Reach},
        erase,
        people::{self, NewPerson},
        sites::{self, NewSite},
    },
    id::Id,
};
use jiff::Timestamp;

use crate::{
    faces::enrolled,
    program::{fails, office, serve, succeeds},
    support::{Office, Organisation},
};

async fn list(office: &Office, org: &Organisation, reach: Reach) -> breach::Breach {
    let mut tx = office.store.write().await.unwrap();
    let operator = Actor::operator(org.id);
    let found = breach::list(&mut tx, &operator, reach).await.unwrap();
    breach::record(&mut tx, &operator, reach, &found)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    found
}

/// The numbers of the people of a list, by name.
async fn numbers(office: &Office, org: &Organisation, reach: Reach) -> Vec<String> {
    let found = list(office, org, reach).await.people.into_iter();
    found.filter_map(|person| person.number).collect()
}

fn at(time: &str) -> Option<Timestamp> {
    Some(time.parse().unwrap())
}

/// Person 1 has templates and a punch of the first Monday, 2 a punch of Tuesday, 3 nothing at another site.
async fn three(office: &Office, org: &Organisation) -> (Id, Id) {
    let first = office.person_with_pin(org, "1", "4711").await;
    office.person_with_pin(org, "2", "4711").await;
    enrolled(office, org, first).await;
    office
        .punch(org, 1, "1", "2026-03-02T08:00:00Z")
        .await
        .expect(201);
    office
        .punch(org, 2, "2", "2026-03-03T08:00:00Z")
        .await
        .expect(201);
    let mut tx = office.store.write().await.unwrap();
    let operator = Actor::operator(org.id);
    let site = NewSite {
        name: "Köln".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        preset: "nine-to-five".to_owned(),
    };
    let site = sites::create(&mut tx, &operator, site).await.unwrap().id;
    let new = NewPerson {
        number: "3".to_owned(),
        name: "=Cleo(1)".to_owned(),
        mail: Some("cleo@example.org".to_owned()),
        site,
        joined: None,
        left: None,
    };
    people::create(&mut tx, &operator, new).await.unwrap();
    tx.commit().await.unwrap();
    (first, site)
}

#[tokio::test]
async fn everybody_is_listed_with_what_is_held() {
    let (office, org) = Office::with_organisation().await;
    three(&office, &org).await;
    let other = office.organisation("Other").await;
    office.person(&other, "9").await;
    let grant = Grant {
        role: Role::Manager,
        site: None,
    };
    office.session(&org, grant, None).await;
    let found = list(&office, &org, Reach::default()).await;
    assert_eq!(found.erased, 0);
    let first = found
        .people
        .iter()
        .find(|it| it.number.as_deref() == Some("1"));
    let first = first.unwrap();
    assert!(first.held.templates > 0);
    assert_eq!(
        first.held,
        Held {
            templates: first.held.templates,
            consents: 1,
            sightings: 1,
            punches: 1,
            // A picture of the face is kept with each template.
            images: first.held.templates,
            accounts: 0
        }
    );
    let text = breach::csv(&found).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "number,name,mail,site,templates,consents,sightings,punches,images,accounts"
    );
    assert_eq!(lines[1], "3,'=Cleo(1),cleo@example.org,Köln,0,0,0,0,0,0");
    assert_eq!(lines[3], "2,Person 2,,Berlin,0,0,1,1,0,0");
    // The owner of an account who is no recorded person.
    assert!(
        lines[4].starts_with(",Somebody,") && lines[4].ends_with(",,0,0,0,0,0,1"),
        "{text}"
    );
    assert_eq!(lines.len(), 5, "nobody of another organisation: {text}");
    let audit = office.get("/api/v1/audit", &org.auditor).await.expect(200);
    let newest = &audit["items"][0];
    assert_eq!(newest["action"], "breach_listed");
    assert_eq!(newest["detail"]["people"], 4);
    assert!(!newest.to_string().contains("Person 1"));
}

#[tokio::test]
async fn site_device_and_period_limit_the_list() {
    let (office, org) = Office::with_organisation().await;
    let (_, site) = three(&office, &org).await;
    let reach = |site, device, from, until| Reach {
        site,
        device,
        from,
        until,
    };
    let cologne = reach(Some(site), None, None, None);
    assert_eq!(numbers(&office, &org, cologne).await, ["3"]);
    let door = Some(org.device_id);
    assert_eq!(
        numbers(&office, &org, reach(None, door, None, None)).await,
        ["1", "2"]
    );
    let tuesday = at("2026-03-03T00:00:00Z");
    let until = reach(None, door, None, tuesday);
    assert_eq!(numbers(&office, &org, until).await, ["1"]);
    let from = reach(None, door, tuesday, at("2026-03-04T00:00:00Z"));
    assert_eq!(numbers(&office, &org, from).await, ["2"]);
    // Without a device, each record counts: person 3 was added on Tuesday.
    let all = reach(None, None, tuesday, None);
    assert_eq!(numbers(&office, &org, all).await, ["3", "2"]);
    let none = reach(None, None, at("2027-01-01T00:00:00Z"), None);
    assert!(list(&office, &org, none).await.people.is_empty());
    let nobody = reach(None, Some(site), None, None);
    assert!(list(&office, &org, nobody).await.people.is_empty());
}

#[tokio::test]
async fn erased_people_are_a_number_in_the_last_line() {
    let (office, org) = Office::with_organisation().await;
    let (first, _) = three(&office, &org).await;
    let operator = Actor::operator(org.id);
    let mut tx = office.store.write().await.unwrap();
    erase::person(&mut tx, &operator, first, "1").await.unwrap();
    tx.commit().await.unwrap();
    erase::finish(&office.store).await.unwrap();
    let found = list(&office, &org, Reach::default()).await;
    assert_eq!((found.people.len(), found.erased), (2, 1));
    let text = breach::csv(&found).unwrap();
    // The punch stays, and the consent says that there was one.
    assert!(
        text.ends_with(",erased people: 1,,,0,1,1,1,0,0\r\n"),
        "{text}"
    );
    assert!(!text.contains("Person 1"));
    let elsewhere = Reach {
        from: at("2026-03-03T00:00:00Z"),
        ..Reach::default()
    };
    assert_eq!(list(&office, &org, elsewhere).await.erased, 0);
}

#[tokio::test]
async fn only_admins_list_a_breach() {
    let (office, org) = Office::with_organisation().await;
    let mut tx = office.store.write().await.unwrap();
    for role in [Role::Manager, Role::Auditor, Role::Member, Role::Device] {
        let actor = Actor {
            org: org.id,
            principal: Principal::Operator,
            grants: vec![Grant { role, site: None }],
            person: None,
            token: None,
        };
        let error = breach::list(&mut tx, &actor, Reach::default()).await;
        assert_eq!(error.unwrap_err().kind.status(), 403, "{role}");
    }
}

#[test]
fn the_program_lists_beside_the_server_and_from_a_restored_backup() {
    let folder = office();
    let data = folder.path().join("data");
    crate::register::ari(&data);
    let (server, _, _) = serve(&data, &[]);
    let text = succeeds(&data, &["breach-list"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].starts_with("17,Ari Lund,,Office,"), "{text}");
    assert!(lines[2].starts_with(",anna@example.org,"), "{text}");
    for (arguments, part) in [
        (
            ["--site", "Nowhere"],
            "no site \"Nowhere\"; there is Office",
        ),
        (["--device", "Nothing"], "no device \"Nothing\""),
        (["--organisation", "Other"], "no organisation \"Other\""),
        (["--from", "yesterday"], "neither a day"),
    ] {
        let error = fails(&data, &[&["breach-list"][..], &arguments].concat());
        assert!(error.contains(part), "{error}");
    }
    let turned = ["breach-list", "--from", "2026-03-03", "--to", "2026-03-02"];
    assert!(fails(&data, &turned).contains("--from is not before --to"));
    let past = ["breach-list", "--to", "2020-01-01T00:00:00Z"];
    assert_eq!(succeeds(&data, &past).lines().count(), 1);
    let since = ["breach-list", "--from", "2020-01-01", "--site", "Office"];
    assert_eq!(succeeds(&data, &since).lines().count(), 2);

    let backup = folder.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    succeeds(&data, &["backup", backup]);
    drop(server);
    let copy = folder.path().join("copy");
    succeeds(&copy, &["restore", backup]);
    assert_eq!(succeeds(&copy, &["breach-list"]), text);
    assert!(succeeds(&copy, &["verify-audit"]).contains("none was changed"));

    // With today's keys, an old backup names nobody who was erased since.
    succeeds(&data, &["erase", "17", "--yes"]);
    let old = folder.path().join("old");
    let keys = data.join("keys.facekit");
    let restore = ["restore", backup, "--keys", keys.to_str().unwrap()];
    succeeds(&old, &restore);
    let text = succeeds(&old, &["breach-list"]);
    assert!(
        !text.contains("Ari") && text.contains(",erased people: 1,,,"),
        "{text}"
    );
}
