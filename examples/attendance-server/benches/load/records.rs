//! Punches that are on the disk before they are answered, beside a plain loop of commits of SQLite.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{client::Client, median, office::Office};

const TURN: Duration = Duration::from_secs(4);
const TURNS: usize = 5;
const DEVICES: usize = 8;
const PEOPLE: usize = 400;

static SEQUENCE: AtomicI64 = AtomicI64::new(0);

/// Commits a second of one row of 195 bytes each, which is a punch's share of the database.
fn plain(connection: &mut Connection) -> Result<f64> {
    let start = Instant::now();
    let mut commits = 0;
    while start.elapsed() < TURN {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached("INSERT INTO plain (row) VALUES (?1)")?
            .execute([[7_u8; 195].as_slice()])?;
        tx.commit()?;
        commits += 1;
    }
    Ok(f64::from(commits) / start.elapsed().as_secs_f64())
}

fn database(folder: &Path) -> Result<Connection> {
    let connection = Connection::open(folder.join("plain.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE plain (id INTEGER PRIMARY KEY, row BLOB NOT NULL)")?;
    Ok(connection)
}

/// Sightings a second that become punches, over HTTP.
async fn punches(office: &Office, tokens: &[String], badges: &Arc<Vec<String>>) -> Result<f64> {
    let recorded = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for token in tokens {
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let (recorded, badges) = (Arc::clone(&recorded), Arc::clone(badges));
        let address = office.address;
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            while start.elapsed() < TURN {
                let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
                let now = Timestamp::now();
                // Each person comes again after an hour of the last six days.
                let person = sequence as usize % PEOPLE;
                let ago = SignedDuration::from_hours(144 - sequence / PEOPLE as i64 % 144);
                let sighting = json!({
                    "boot": "bench", "sequence": sequence, "at": now - ago, "sent": now,
                    "identification": { "method": "badge", "code": badges[person] },
                });
                let body = sighting.to_string().into_bytes();
                let answer = client
                    .send("POST", "/api/v1/sightings", &headers, &body)
                    .await?;
                let text = String::from_utf8_lossy(&answer.body);
                ensure!(answer.status == 201, "{}: {text}", answer.status);
                recorded.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(recorded.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

pub(crate) async fn measure() -> Result<()> {
    let office = Office::open(PEOPLE).await?;
    let badges = Arc::new(office.badges(PEOPLE).await?);
    let tokens: Vec<String> = office
        .devices(DEVICES)
        .await?
        .into_iter()
        .map(|device| device.token)
        .collect();
    let mut connection = database(office.folder.path())?;
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let commits = plain(&mut connection)?;
        let recorded = punches(&office, &tokens, &badges).await?;
        ratios.push(recorded / commits);
        rates.push(recorded);
    }
    println!(
        "  {:.0} durable sightings a second over HTTP from {DEVICES} devices, {:.2} of a plain loop of commits (median of {TURNS} turns)",
        median(&mut rates),
        median(&mut ratios)
    );
    Ok(())
}
