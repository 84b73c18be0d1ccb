//! Frames a second beside a service of FastAPI around OpenCV and ONNX Runtime, with the same weights, frames and cores.

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    process::{Child, Command},
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use attendance_server::recognition::LocalOptions;
use axum::body::Bytes;
use facekit_runtimes::RuntimeName;

use crate::{
    client::Client,
    median,
    office::{Device, Office},
    quantile,
    recognition::{capacity, open_loop, send},
};

const TURN: Duration = Duration::from_secs(4);
const TURNS: usize = 5;
const DEVICES: usize = 4;

/// The parts of the set `standard` without the second look at each face, which the peer does not have either.
const SAME_STEPS: &str = r#"
[[set]]
name = "same-steps"
detector = "yunet_n"
embedder = "mobilefacenet"
liveness = ["minifasnet_v2", "minifasnet_v1se"]
"#;

/// The service of the peer, until it is dropped.
struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    async fn start(python: &str, models: &PathBuf, cores: NonZeroUsize) -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(listener);
        let script = format!(
            "{}/../../benches/peers/service.py",
            env!("CARGO_MANIFEST_DIR")
        );
        let process = Command::new(python)
            .args([
                script,
                "--port".to_owned(),
                address.port().to_string(),
                "--processes".to_owned(),
                cores.to_string(),
            ])
            .arg("--models")
            .arg(models)
            .spawn()
            .with_context(|| format!("{python} cannot be started"))?;
        let mut service = Self { process, address };
        for _ in 0..300 {
            if Client::connect(address).await.is_ok() {
                return Ok(service);
            }
            if let Some(status) = service.process.try_wait()? {
                bail!("the service ended: {status}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the service does not listen")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its workers end with it: a kill would leave them.
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let _ = self.process.wait();
    }
}

pub(crate) async fn measure() -> Result<()> {
    let (Ok(python), Ok(data)) = (
        std::env::var("LOAD_PEER"),
        std::env::var("FACEKIT_TEST_DATA"),
    ) else {
        println!("  left out: LOAD_PEER or FACEKIT_TEST_DATA is not set");
        return Ok(());
    };
    let models = PathBuf::from(data).join("models");
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let manifest = tempfile::NamedTempFile::with_suffix(".toml")?;
    std::fs::write(&manifest, SAME_STEPS)?;
    let options = |name: &str, runtime| LocalOptions {
        models: name.to_owned(),
        manifest: Some(manifest.path().to_owned()),
        folder: Some(models.clone()),
        runtime,
        ..LocalOptions::default()
    };
    let mut offices = Vec::new();
    for (name, runtime) in [
        ("same-steps", RuntimeName::Ort),
        ("standard", RuntimeName::Ort),
        ("same-steps", RuntimeName::Tract),
        ("standard", RuntimeName::Tract),
        ("nano", RuntimeName::Tract),
    ] {
        let office = Office::with_models(12, &options(name, runtime)).await?;
        office.enrol().await?;
        let devices = Arc::new(office.devices(2 * DEVICES).await?);
        offices.push((format!("{name} on {runtime}"), office, devices));
    }
    let frames = Arc::new(offices[0].1.frames().await?);
    let service = Service::start(&python, &models, cores).await?;
    let peers = (0..2 * DEVICES).map(|_| Device {
        frames: "/frames".to_owned(),
        token: String::new(),
    });
    let peers = Arc::new(peers.collect::<Vec<_>>());
    warm(&service, &peers, &frames).await?;
    let mut theirs = Vec::new();
    let mut ours = vec![Vec::new(); offices.len()];
    for _ in 0..TURNS {
        theirs.push(capacity(service.address, &first(&peers), &frames, TURN).await?);
        for ((_, office, devices), rates) in offices.iter().zip(&mut ours) {
            let rate = capacity(office.address, &first(devices), &frames, TURN).await?;
            rates.push(rate / theirs.last().unwrap_or(&f64::NAN));
        }
    }
    let theirs = median(&mut theirs);
    let (mut times, _) = open_loop(service.address, &peers, &frames, theirs * 0.7, 15).await?;
    let peer_p99 = quantile(&mut times, 0.99);
    println!(
        "  FastAPI with {cores} processes: {theirs:.1} frames a second; at 70 % of that p99 {:.1} ms",
        peer_p99.as_secs_f64() * 1e3
    );
    for ((name, office, devices), rates) in offices.iter().zip(&mut ours) {
        let (mut times, dropped) =
            open_loop(office.address, devices, &frames, theirs * 0.7, 15).await?;
        ensure!(!times.is_empty(), "{name} answered nothing");
        let p99 = quantile(&mut times, 0.99);
        println!(
            "  {name}: {:.2} of its frames a second (median of {TURNS} turns); p99 at its rate {:.1} ms, {:.2} of its; {dropped} dropped",
            median(rates),
            p99.as_secs_f64() * 1e3,
            p99.as_secs_f64() / peer_p99.as_secs_f64()
        );
    }
    Ok(())
}

/// The first devices, for a closed loop.
fn first(devices: &Arc<Vec<Device>>) -> Arc<Vec<Device>> {
    Arc::new(devices.iter().take(DEVICES).cloned().collect())
}

/// Lets each process load its networks.
async fn warm(service: &Service, peers: &[Device], frames: &[Bytes]) -> Result<()> {
    for _ in 0..20 {
        let mut client = Client::connect(service.address).await?;
        let answer = send(&mut client, &peers[0], &frames[0]).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "{}: {text}", answer.status);
    }
    Ok(())
}
