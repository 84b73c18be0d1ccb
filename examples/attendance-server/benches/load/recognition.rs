//! Frames over HTTP beside the same frames in this process.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::body::Bytes;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::{
    client::{Answer, Client},
    median,
    office::{Device, Office},
    quantile,
};

const TURN: Duration = Duration::from_secs(4);
const TURNS: usize = 5;

/// The number of the next frame, of all devices.
static SEQUENCE: AtomicI64 = AtomicI64::new(0);

/// Sends a frame, and waits for what the door shows.
pub(crate) async fn send(client: &mut Client, device: &Device, frame: &Bytes) -> Result<Answer> {
    let path = format!(
        "{}?boot=bench&sequence={}&at={}",
        device.frames,
        SEQUENCE.fetch_add(1, Ordering::Relaxed),
        Timestamp::now()
    );
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: image/jpeg\r\n",
        device.token
    );
    client.send("POST", &path, &headers, frame).await
}

/// Frames a second over HTTP, from this many devices that send the next frame after each answer.
pub(crate) async fn capacity(
    address: SocketAddr,
    devices: &Arc<Vec<Device>>,
    frames: &Arc<Vec<Bytes>>,
    time: Duration,
) -> Result<f64> {
    let looked = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for at in 0..devices.len() {
        let (devices, frames, looked) =
            (Arc::clone(devices), Arc::clone(frames), Arc::clone(&looked));
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut number = at;
            while start.elapsed() < time {
                let frame = &frames[number % frames.len()];
                let answer = send(&mut client, &devices[at], frame).await?;
                anyhow::ensure!(
                    answer.status == 200,
                    "{}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
                looked.fetch_add(1, Ordering::Relaxed);
                number += 1;
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(looked.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

/// Frames a second in this process, with as many at once.
async fn in_process(office: &Office, at_once: usize, frames: &Arc<Vec<Bytes>>) -> Result<f64> {
    let looked = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for at in 0..at_once {
        let (recognition, frames, looked) = (
            Arc::clone(&office.recognition),
            Arc::clone(frames),
            Arc::clone(&looked),
        );
        let template = office.frame(&Bytes::new());
        tasks.spawn(async move {
            let mut number = at;
            while start.elapsed() < TURN {
                let mut frame = template.clone();
                frame.image = frames[number % frames.len()].clone();
                recognition.recognize(frame).await?;
                looked.fetch_add(1, Ordering::Relaxed);
                number += 1;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(looked.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

pub(crate) async fn measure() -> Result<()> {
    let office = Office::open(12).await?;
    office.enrol().await?;
    let frames = Arc::new(office.frames().await?);
    let devices = Arc::new(office.devices(4).await?);
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let inside = in_process(&office, devices.len(), &frames).await?;
        let http = capacity(office.address, &devices, &frames, TURN).await?;
        ratios.push(http / inside);
        rates.push(http);
    }
    let rate = median(&mut rates);
    println!(
        "  {} frames with several faces: {rate:.1} a second over HTTP, {:.2} of the loop in the process (median of {TURNS} turns)",
        frames.len(),
        median(&mut ratios)
    );

    let mut client = Client::connect(office.address).await?;
    let mut unloaded = Vec::new();
    for number in 0..100 {
        let start = Instant::now();
        send(&mut client, &devices[0], &frames[number % frames.len()]).await?;
        unloaded.push(start.elapsed());
    }
    let unloaded = quantile(&mut unloaded, 0.5);
    let many = Arc::new(office.devices(8).await?);
    let (mut times, dropped) = open_loop(office.address, &many, &frames, rate * 0.7, 20).await?;
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    println!(
        "  unloaded median {:.1} ms; at 70 % of capacity p50 {:.1} ms, p99 {:.1} ms, {:.2} of the unloaded median; {dropped} of {} frames dropped",
        unloaded.as_secs_f64() * 1e3,
        p50.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3,
        p99.as_secs_f64() / unloaded.as_secs_f64(),
        times.len() + dropped
    );
    Ok(())
}

/// Sends frames at a fixed rate, whether or not earlier ones are answered. Returns the times from when each was due to its
/// answer, and the number of dropped frames.
pub(crate) async fn open_loop(
    address: SocketAddr,
    devices: &Arc<Vec<Device>>,
    frames: &Arc<Vec<Bytes>>,
    rate: f64,
    seconds: u64,
) -> Result<(Vec<Duration>, usize)> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let number = (rate * seconds as f64) as usize;
    for frame in 0..number {
        let due = Duration::from_secs_f64(frame as f64 / rate);
        let (devices, frames) = (Arc::clone(devices), Arc::clone(frames));
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            tokio::time::sleep_until((start + due).into()).await;
            let device = &devices[frame % devices.len()];
            let answer = send(&mut client, device, &frames[frame % frames.len()]).await?;
            anyhow::Ok((answer.status, start.elapsed() - due))
        });
    }
    let (mut times, mut dropped) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        match done?? {
            (200, time) => times.push(time),
            (409, _) => dropped += 1,
            (status, _) => anyhow::bail!("a frame got the status {status}"),
        }
    }
    Ok((times, dropped))
}
