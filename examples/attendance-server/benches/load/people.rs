//! An organisation of 10,000 people: memory, the start, and pages.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{client::Client, office::Office, quantile, recognition::send, resident};

const PEOPLE: usize = 10_000;
const PAGES: [&str; 7] = [
    "/",
    "/people",
    "/people/new",
    "/review",
    "/devices",
    "/audit",
    "/settings",
];

pub(crate) async fn measure() -> Result<()> {
    let office = Office::open(PEOPLE).await?;
    office.enrol().await?;
    let device = office.devices(1).await?.remove(0);
    let frame = office.frames().await?.remove(0);
    let headers = format!("Cookie: __Host-session={}\r\n", office.session);
    let mut client = Client::connect(office.address).await?;
    for page in PAGES {
        let mut times = Vec::new();
        let mut size = 0;
        for _ in 0..21 {
            let start = Instant::now();
            let answer = client.send("GET", page, &headers, b"").await?;
            times.push(start.elapsed());
            ensure!(answer.status == 200, "{page}: {}", answer.status);
            size = answer.size;
        }
        println!(
            "  {page} of {PEOPLE} people: {:.1} ms, {:.1} KB",
            quantile(&mut times, 0.5).as_secs_f64() * 1e3,
            size as f64 / 1e3
        );
    }
    drop(client);
    office.store.engine().close().await;

    // The program itself, on a copy of the data: this process has the lock of the keys.
    let copy = tempfile::tempdir()?;
    for file in ["attendance.db", "keys.facekit"] {
        std::fs::copy(office.folder.path().join(file), copy.path().join(file))?;
    }
    let mut starts = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let mut program = Command::new(env!("CARGO_BIN_EXE_attendance-server"))
            .arg("--data")
            .arg(copy.path())
            .args(["--listen", "127.0.0.1:0", "serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = program.stdout.take().context("no output")?;
        let line = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                Some(
                    line.trim()
                        .strip_prefix("Listening on http://localhost:")?
                        .to_owned(),
                )
            });
        let port: u16 = line.context("the server did not start")?.parse()?;
        let mut client = Client::connect(([127, 0, 0, 1], port).into()).await?;
        let answer = send(&mut client, &device, &frame).await?;
        ensure!(answer.status == 200, "{}", answer.status);
        starts.push(start.elapsed());
        for _ in 0..50 {
            send(&mut client, &device, &frame).await?;
        }
        client.send("GET", "/", &headers, b"").await?;
        let memory = resident(&program.id().to_string())?;
        if starts.len() == 5 {
            println!("  resident with {PEOPLE} people after 51 frames and a page: {memory:.0} MiB");
        }
        program.kill()?;
        program.wait()?;
    }
    let start: Duration = quantile(&mut starts, 0.5);
    println!(
        "  start to the first recognized frame: {:.2} s (median of 5)",
        start.as_secs_f64()
    );
    Ok(())
}
