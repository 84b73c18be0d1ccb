//! The program is killed under load: nothing that a device was told is lost or doubled.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use attendance_server::{
    access::Actor,
    clock::SystemClock,
    commands::{
        audit,
        devices::{self, NewDevice},
        organisations,
        people::{self, NewPerson},
        recompute,
        sites::{self, NewSite},
        tokens,
    },
    db::sqlite::SqliteEngine,
    id::Id,
    store::Store,
    values,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::Rng;
use serde_json::{Value, json};

use crate::program::serve;

const KILLS: usize = 5;
const DEVICES: usize = 3;
const PEOPLE: usize = 8;

async fn open(data: &Path) -> Store {
    let engine = SqliteEngine::open(&data.join("attendance.db"))
        .await
        .unwrap();
    Store::open(
        Arc::new(engine),
        Arc::new(SystemClock),
        Arc::new(crate::support::vault(&data.join("keys.facekit"))),
    )
    .await
    .unwrap()
}

/// An organisation; the tokens of its devices; the badges of its people.
async fn fill(data: &Path) -> (Id, Vec<String>, Vec<String>) {
    let store = open(data).await;
    let mut tx = store.write().await.unwrap();
    let org = organisations::create(&mut tx, "Acme").await.unwrap();
    let operator = Actor::operator(org);
    let site = NewSite {
        name: "Berlin".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        preset: "nine-to-five".to_owned(),
    };
    let site = sites::create(&mut tx, &operator, site).await.unwrap().id;
    let (mut device_tokens, mut badges) = (Vec::new(), Vec::new());
    for number in 0..DEVICES {
        let device = NewDevice {
            site,
            name: format!("door {number}"),
            place: None,
        };
        device_tokens.push(
            devices::create(&mut tx, &operator, device)
                .await
                .unwrap()
                .token
                .token,
        );
    }
    let today = Timestamp::now()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date();
    let joined = today.saturating_sub(jiff::Span::new().days(20));
    for number in 0..PEOPLE {
        let person = NewPerson {
            number: number.to_string(),
            name: format!("Person {number}"),
            mail: None,
            site,
            joined: Some(joined),
            left: None,
        };
        let person = people::create(&mut tx, &operator, person).await.unwrap().id;
        badges.push(
            tokens::create_badge(&mut tx, &operator, person)
                .await
                .unwrap()
                .token,
        );
    }
    tx.commit().await.unwrap();
    store.engine().close().await;
    (org, device_tokens, badges)
}

/// Sends a sighting. None if the server was killed before it answered.
fn send(port: u16, token: &str, sighting: &Value) -> Option<Value> {
    let body = sighting.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let head = format!(
        "POST /api/v1/sightings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
    serde_json::from_str(body).ok()
}

#[test]
fn nothing_that_a_device_was_told_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (org, devices, badges) = runtime.block_on(fill(&data));
    // The answers, by device and number.
    let told = Arc::new(Mutex::new(HashMap::<(usize, u64), (Value, Value)>::new()));
    let mut random = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    for round in 0..KILLS as u64 {
        let (server, port, _) = serve(&data, &[]);
        let mut senders = Vec::new();
        for (device, token) in devices.iter().enumerate() {
            let (token, badges, told) = (token.clone(), badges.clone(), Arc::clone(&told));
            let seed = random.next_u64();
            senders.push(thread::spawn(move || {
                for number in (round * 1_000_000).. {
                    let now = Timestamp::now();
                    let mixed = (seed ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let ago = SignedDuration::from_secs((mixed >> 40) as i64 % (6 * 24 * 3600));
                    let badge = &badges[(mixed >> 20) as usize % PEOPLE];
                    let sighting = json!({
                        "boot": "one", "sequence": number, "at": now - ago, "sent": now,
                        "identification": { "method": "badge", "code": badge },
                    });
                    match send(port, &token, &sighting) {
                        Some(answer) => drop(
                            told.lock()
                                .unwrap()
                                .insert((device, number), (sighting, answer)),
                        ),
                        None => break,
                    }
                }
            }));
        }
        thread::sleep(Duration::from_millis(400 + random.next_u64() % 800));
        drop(server);
        for sender in senders {
            sender.join().unwrap();
        }
    }
    let told = Arc::try_unwrap(told).unwrap().into_inner().unwrap();
    assert!(told.len() > 20, "{} answers", told.len());

    // Sent again, each gets the first answer, and nothing is added.
    let before = runtime.block_on(count(&data));
    let (server, port, _) = serve(&data, &[]);
    for ((device, _), (sighting, answer)) in told.iter().take(200) {
        let mut again = sighting.clone();
        again["sent"] = json!(Timestamp::now());
        assert_eq!(send(port, &devices[*device], &again).unwrap(), *answer);
    }
    drop(server);
    assert_eq!(runtime.block_on(count(&data)), before);
    runtime.block_on(async {
        let store = open(&data).await;
        let mut tx = store.read().await.unwrap();
        for (_, answer) in told.values() {
            if answer["outcome"] == "accepted" {
                let punch: Id = answer["punch"].as_str().unwrap().parse().unwrap();
                let rows = tx
                    .rows(
                        "SELECT id FROM punch WHERE org = $1 AND id = $2",
                        values![org, punch],
                    )
                    .await
                    .unwrap();
                assert_eq!(rows.len(), 1, "{answer} was lost");
            }
        }
        let rows = tx
            .rows(
                "SELECT COUNT(*) AS n, MAX(seq) AS last FROM event",
                values![],
            )
            .await
            .unwrap();
        assert_eq!(
            rows[0].get::<i64>("n").unwrap(),
            rows[0].get::<i64>("last").unwrap(),
            "events have no gaps"
        );
        assert_eq!(
            audit::verify(&mut tx, &Actor::operator(org))
                .await
                .unwrap()
                .fault,
            None
        );
        drop(tx);
        let differing = recompute::recompute(&store, org, true)
            .await
            .unwrap()
            .changes;
        assert!(differing.is_empty(), "{differing:#?}");
        store.engine().check().await.unwrap();
    });
}

/// The numbers of sightings and punches.
async fn count(data: &Path) -> (i64, i64) {
    let store = open(data).await;
    let mut tx = store.read().await.unwrap();
    let counts = "SELECT (SELECT COUNT(*) FROM sighting) AS sightings, (SELECT COUNT(*) FROM punch) AS punches";
    let row = tx.row(counts, values![]).await.unwrap().unwrap();
    drop(tx);
    store.engine().close().await;
    (row.get("sightings").unwrap(), row.get("punches").unwrap())
}
