//! The program is killed under load, or its disk is full: nothing that a caller was told is lost or doubled.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use attendance_server::{
    access::{Actor, Role},
    commands::{
        audit,
        devices::{self, NewDevice},
        organisations,
        people::{self, NewPerson},
        recompute,
        sites::{self, NewSite},
        tokens::{self, NewApiToken},
    },
    id::Id,
    values,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{program::serve, support::open};

const DEVICES: usize = 3;
const PEOPLE: usize = 8;

/// The kills: 200 in `cargo xtask soak server`.
fn kills() -> u64 {
    match env::var_os("FACEKIT_SOAK") {
        Some(_) => 200,
        None => 5,
    }
}

/// An organisation in a database.
struct Office {
    org: Id,
    site: Id,
    /// A token with the role of a manager.
    manager: String,
    /// The tokens of the devices.
    devices: Vec<String>,
    /// The badges of the people.
    badges: Vec<String>,
}

async fn fill(data: &Path) -> Office {
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
        let device = devices::create(&mut tx, &operator, device).await.unwrap();
        device_tokens.push(device.token.token);
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
        let badge = tokens::create_badge(&mut tx, &operator, person);
        badges.push(badge.await.unwrap().token);
    }
    let manager = NewApiToken {
        label: "desk".to_owned(),
        role: Role::Manager,
        site: None,
        days: None,
    };
    let manager = tokens::create_api_token(&mut tx, &operator, manager)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store.engine().close().await;
    Office {
        org,
        site,
        manager: manager.token,
        devices: device_tokens,
        badges,
    }
}

/// Sends a request with a JSON body: the status and the answer. None if the server was killed before it answered.
fn post(port: u16, token: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// The answer to a request that is accepted. None if the server was killed before it answered.
fn created(port: u16, token: &str, path: &str, body: &Value) -> Option<Value> {
    let (status, answer) = post(port, token, path, body)?;
    assert_eq!(status, 201, "{answer}");
    Some(answer)
}

/// A sighting of one of the people in the last days, which depend on the seed.
fn sighting(office: &Office, seed: u64, number: u64) -> Value {
    let now = Timestamp::now();
    let mixed = (seed ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let ago = SignedDuration::from_secs((mixed >> 40) as i64 % (6 * 24 * 3600));
    let badge = &office.badges[(mixed >> 20) as usize % PEOPLE];
    json!({
        "boot": "one", "sequence": number, "at": now - ago, "sent": now,
        "identification": { "method": "badge", "code": badge },
    })
}

/// Sightings that were answered, with their answers, by the position of the device and the number.
type Told = HashMap<(usize, u64), (Value, Value)>;

/// Sends the sightings again: each gets the first answer.
fn assert_kept(port: u16, office: &Office, told: &Told, most: usize) {
    for ((device, _), (sighting, answer)) in told.iter().take(most) {
        let mut again = sighting.clone();
        again["sent"] = json!(Timestamp::now());
        assert_eq!(
            created(port, &office.devices[*device], "/sightings", &again).unwrap(),
            *answer
        );
    }
}

/// Everything that was acknowledged is there, the audit log is whole, and days are what a recomputation finds.
async fn assert_whole(data: &Path, office: &Office, told: &Told) {
    let store = open(data).await;
    let operator = Actor::operator(office.org);
    let mut tx = store.read().await.unwrap();
    for (_, answer) in told.values() {
        if answer["outcome"] == "accepted" {
            let punch: Id = answer["punch"].as_str().unwrap().parse().unwrap();
            let row = tx
                .row(
                    "SELECT id FROM punch WHERE org = $1 AND id = $2",
                    values![office.org, punch],
                )
                .await;
            assert!(row.unwrap().is_some(), "{answer} was lost");
        }
    }
    let counts = "SELECT COUNT(*) AS n, MAX(seq) AS last FROM event";
    let events = tx.row(counts, values![]).await.unwrap().unwrap();
    assert_eq!(
        events.get::<i64>("n").unwrap(),
        events.get::<i64>("last").unwrap(),
        "events have no gaps"
    );
    let audited = audit::verify(&mut tx, &operator).await.unwrap();
    assert_eq!(audited.fault, None);
    drop(tx);
    let recomputed = recompute::recompute(&store, office.org, true)
        .await
        .unwrap();
    assert!(recomputed.changes.is_empty(), "{:#?}", recomputed.changes);
    store.engine().check().await.unwrap();
    store.engine().close().await;
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

#[test]
fn nothing_that_a_caller_was_told_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let office = Arc::new(runtime.block_on(fill(&data)));
    let told = Arc::new(Mutex::new(Told::new()));
    let added = Arc::new(Mutex::new(Vec::<Value>::new()));
    let mut random = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    for round in 0..kills() {
        let (server, port, _) = serve(&data, &[]);
        let mut senders = Vec::new();
        for device in 0..DEVICES {
            let (office, told) = (Arc::clone(&office), Arc::clone(&told));
            let seed = random.next_u64();
            senders.push(thread::spawn(move || {
                for number in (round * 1_000_000).. {
                    let sighting = sighting(&office, seed, number);
                    let token = &office.devices[device];
                    let Some(answer) = created(port, token, "/sightings", &sighting) else {
                        break;
                    };
                    let mut told = told.lock().unwrap();
                    told.insert((device, number), (sighting, answer));
                }
            }));
        }
        let (at_the_desk, new) = (Arc::clone(&office), Arc::clone(&added));
        senders.push(thread::spawn(move || {
            for number in 0.. {
                let person = json!({
                    "number": format!("{round}-{number}"), "name": "Somebody new", "site": at_the_desk.site,
                });
                let Some(person) = created(port, &at_the_desk.manager, "/people", &person) else {
                    break;
                };
                new.lock().unwrap().push(person);
            }
        }));
        thread::sleep(Duration::from_millis(200 + random.next_u64() % 800));
        drop(server);
        for sender in senders {
            sender.join().unwrap();
        }
    }
    let told = Arc::try_unwrap(told).unwrap().into_inner().unwrap();
    let added = Arc::try_unwrap(added).unwrap().into_inner().unwrap();
    println!(
        "{} kills: {} sightings and {} people were acknowledged",
        kills(),
        told.len(),
        added.len()
    );
    assert!(
        told.len() > 20 && added.len() > 5,
        "{} {}",
        told.len(),
        added.len()
    );

    let before = runtime.block_on(count(&data));
    let (server, port, _) = serve(&data, &[]);
    assert_kept(port, &office, &told, 200);
    drop(server);
    assert_eq!(runtime.block_on(count(&data)), before, "nothing was added");
    runtime.block_on(async {
        assert_whole(&data, &office, &told).await;
        let store = open(&data).await;
        let mut tx = store.read().await.unwrap();
        for person in &added {
            let id = person["id"].as_str().unwrap().parse().unwrap();
            let kept = people::get(&mut tx, &Actor::operator(office.org), id).await;
            assert_eq!(
                json!(kept.unwrap().number),
                person["number"],
                "the name opens"
            );
        }
    });
}

/// A small disk, which is gone at the end.
struct Disk(TempDir);

impl Disk {
    /// A disk in memory. None where the tests may not mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Fills the disk of a folder with a file.
fn fill_disk(file: &Path) {
    let mut file = File::create(file).unwrap();
    for block in [65_536, 4_096, 1] {
        let error = loop {
            if let Err(error) = file.write_all(&vec![0; block]) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_half_written() {
    let Some(disk) = Disk::mount() else {
        let reason = "this user may not mount a disk";
        return facekit_conformance::skip(
            "a_full_disk_is_named_and_nothing_is_half_written",
            reason,
        );
    };
    let data = disk.0.path().join("data");
    let filler = disk.0.path().join("filler");
    fs::create_dir(&data).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let office = runtime.block_on(fill(&data));
    let (server, port, _) = serve(&data, &[]);
    let mut told = Told::new();
    let mut number = 0;
    for _ in 0..3 {
        // The write-ahead log has room that it wrote before.
        fill_disk(&filler);
        let mut attempts = 0..20_000;
        let refused = loop {
            assert!(attempts.next().is_some(), "the disk is not full");
            number += 1;
            let sighting = sighting(&office, 1, number);
            let (status, answer) = post(port, &office.devices[0], "/sightings", &sighting).unwrap();
            if status != 201 {
                assert_eq!((status, &answer["code"]), (503, &json!("storage_full")));
                break sighting;
            }
            told.insert((0, number), (sighting, answer));
        };
        let person =
            json!({ "number": format!("new {number}"), "name": "New", "site": office.site });
        let (status, answer) = post(port, &office.manager, "/people", &person).unwrap();
        assert_eq!((status, &answer["code"]), (503, &json!("storage_full")));
        fs::remove_file(&filler).unwrap();
        let answer = created(port, &office.devices[0], "/sightings", &refused).unwrap();
        told.insert((0, number), (refused, answer));
        created(port, &office.manager, "/people", &person).unwrap();
    }
    assert_kept(port, &office, &told, 200);
    drop(server);
    let counted = runtime.block_on(count(&data)).0;
    assert_eq!(usize::try_from(counted).unwrap(), told.len());
    runtime.block_on(assert_whole(&data, &office, &told));
}
