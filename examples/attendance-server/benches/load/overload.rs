//! Three times as many frames as the server can look at.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::{
    client::Client,
    office::Office,
    recognition::{capacity, send},
    resident,
};

const CAMERAS: usize = 8;
const TIME: Duration = Duration::from_secs(30);
/// The connections of a camera, so that it can send before it has an answer.
const CONNECTIONS: usize = 4;

pub(crate) async fn measure() -> Result<()> {
    let office = Office::open(12).await?;
    office.enrol().await?;
    let frames = Arc::new(office.frames().await?);
    let devices = Arc::new(office.devices(CAMERAS).await?);
    let most = capacity(office.address, &devices, &frames, Duration::from_secs(5)).await?;
    let pause = Duration::from_secs_f64((CAMERAS * CONNECTIONS) as f64 / (3.0 * most));
    let looked: Arc<Vec<AtomicUsize>> =
        Arc::new((0..CAMERAS).map(|_| AtomicUsize::new(0)).collect());
    let sent = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in 0..CAMERAS * CONNECTIONS {
        let (devices, frames) = (Arc::clone(&devices), Arc::clone(&frames));
        let (looked, sent, address) = (Arc::clone(&looked), Arc::clone(&sent), office.address);
        tasks.spawn(async move {
            let camera = connection % CAMERAS;
            let mut client = Client::connect(address).await?;
            let mut due = tokio::time::interval(pause);
            tokio::time::sleep(pause.mul_f64(connection as f64 / (CAMERAS * CONNECTIONS) as f64))
                .await;
            let mut number = connection;
            while start.elapsed() < TIME {
                due.tick().await;
                let frame = &frames[number % frames.len()];
                let answer = send(&mut client, &devices[camera], frame).await?;
                sent.fetch_add(1, Ordering::Relaxed);
                if answer.status == 200 {
                    looked[camera].fetch_add(1, Ordering::Relaxed);
                }
                number += 1;
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = resident("self")?;
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let after = resident("self")?;
    let looked: Vec<usize> = looked
        .iter()
        .map(|looked| looked.load(Ordering::Relaxed))
        .collect();
    let total: usize = looked.iter().sum();
    let (least, greatest) = (looked.iter().min().unwrap(), looked.iter().max().unwrap());
    println!(
        "  capacity {most:.1} frames a second; {} cameras sent {:.1}, of which {:.1} were looked at; least camera / greatest {:.2}; memory at the end / start {:.2} ({after:.0} MiB)",
        CAMERAS,
        sent.load(Ordering::Relaxed) as f64 / TIME.as_secs_f64(),
        total as f64 / TIME.as_secs_f64(),
        *least as f64 / *greatest as f64,
        after / before
    );
    Ok(())
}
