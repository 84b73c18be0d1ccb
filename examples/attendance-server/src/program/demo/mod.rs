//! `demo`: an organisation that lasts as long as the program runs.

mod camera;
mod office;
mod pictures;
mod plan;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use attendance_server::{
    app,
    clock::SystemClock,
    commands::sessions,
    error::Error,
    http::{Browser, session_cookie},
    id::Id,
    recognition::Recognition,
    secret,
    server::Server,
    store::Store,
    vault::Vault,
    worker,
};
use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use axum_server::Handle;
use clap::Args;
use facekit::{GalleryKey, Protection};
use jiff::tz::TimeZone;
use serde::Deserialize;
use tempfile::TempDir;

use self::{camera::Camera, office::Office, pictures::Pictures};
use super::{
    engine_at,
    serve::{maintain, open_recognition, stop_on_signal},
    settings::Settings,
};

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// The folder of the pictures: `people` has a folder of photos for each person, `frames` the frames of a camera.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data"))]
    pictures: PathBuf,
}

pub(crate) async fn demo(settings: &Settings, options: &DemoOptions) -> Result<()> {
    if !settings.listen.ip().is_loopback() || settings.tls.is_some() {
        bail!(
            "the demo is for this machine alone: it listens on an address such as 127.0.0.1:8080, without TLS"
        );
    }
    let pictures = Pictures::read(&options.pictures)?;
    let listener = bind(settings.listen)?;
    let demo = Demo::make(open_recognition(settings, Vec::new()), &pictures).await?;
    let link = demo.link(listener.local_addr()?.port());
    let handle = Handle::new();
    let stopper = tokio::spawn(stop_on_signal(demo.server.clone(), handle.clone()));
    let background = demo.start(pictures);
    println!("Open {link} (Ctrl-C ends the demo and removes its data)");
    let served = axum_server::from_tcp(listener)?
        .handle(handle)
        .serve(demo.router().into_make_service())
        .await;
    stopper.abort();
    background.iter().for_each(tokio::task::JoinHandle::abort);
    demo.server.store.engine().close().await;
    served.context("the demo cannot be served")
}

/// Listens on the address, or on another port if somebody has that one.
fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse => TcpListener::bind((address.ip(), 0)),
        _ => Err(error),
    });
    listener.with_context(|| format!("{address} cannot be listened on"))
}

/// The running demo.
struct Demo {
    server: Server,
    office: Office,
    /// The secret of the link.
    token: String,
    /// The data, which are removed at the end.
    _folder: TempDir,
}

impl Demo {
    /// Makes the organisation in a temporary folder, while the models are loaded.
    async fn make(
        models: impl Future<Output = Result<Arc<dyn Recognition>>>,
        pictures: &Pictures,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("attendance-demo-")
            .tempdir()
            .context("a temporary folder cannot be made")?;
        let office = async {
            // The key is in memory only: what a crash leaves cannot be read.
            let protection = Protection::Key(GalleryKey::generate()?);
            let keys = Vault::open_or_create(&folder.path().join("keys.facekit"), &protection)?;
            let engine = engine_at(&folder.path().join("attendance.db")).await?;
            let store = Store::open(engine, Arc::new(SystemClock), Arc::new(keys)).await?;
            let office = office::make(&store, pictures, &local_zone()).await?;
            Ok::<_, anyhow::Error>((store, office))
        };
        let (recognition, (store, office)) = tokio::try_join!(models, office)?;
        Ok(Self {
            server: Server::new(store, recognition),
            office,
            token: secret::token(),
            _folder: folder,
        })
    }

    /// Starts the enrolment and the cameras.
    fn start(&self, pictures: Pictures) -> Vec<tokio::task::JoinHandle<()>> {
        let server = &self.server;
        let empty = pictures.frames.last().cloned().unwrap_or_default();
        let camera = Camera::new(
            server.clone(),
            self.office.camera.clone(),
            pictures.frames,
            empty,
            1,
        );
        // The first person is the first one in the frames, too, and the last one works elsewhere.
        let visits = pictures.people.into_iter().map(|photos| photos.visit);
        let mut visits: Vec<_> = visits.skip(1).collect();
        visits.pop();
        let tablet = Camera::new(
            server.clone(),
            self.office.tablet.clone(),
            visits,
            pictures::wall(),
            2,
        );
        let recognition: Arc<dyn Recognition> = Arc::clone(&server.recognition);
        vec![
            tokio::spawn(worker::run(server.store.clone(), recognition)),
            tokio::spawn(camera.play()),
            tokio::spawn(tablet.play()),
            tokio::spawn(maintain(server.store.clone())),
        ]
    }

    /// The link that signs the visitor in.
    fn link(&self, port: u16) -> String {
        format!("http://localhost:{port}/demo?token={}", self.token)
    }

    /// The server, and the page of the link.
    fn router(&self) -> Router {
        let entrance = Entrance {
            store: self.server.store.clone(),
            org: self.office.org,
            account: self.office.account,
            hash: secret::hash(&self.token),
        };
        Router::new()
            .route("/demo", get(enter))
            .with_state(entrance)
            .merge(app(self.server.clone()))
    }
}

/// The time zone of this machine, or UTC.
fn local_zone() -> TimeZone {
    let zone = TimeZone::system();
    if zone.iana_name().is_some() {
        zone
    } else {
        TimeZone::UTC
    }
}

/// The page of the link. It is no part of the server that an office runs.
#[derive(Clone)]
struct Entrance {
    store: Store,
    org: Id,
    account: Id,
    /// The hash of the link's secret.
    hash: [u8; 32],
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

/// Signs the visitor in, and leads to the page Live, so that the secret does not stay in the address.
async fn enter(
    State(entrance): State<Entrance>,
    Query(link): Query<Link>,
    Browser(browser): Browser,
) -> Result<Response, Error> {
    if !secret::equal(&secret::hash(&link.token), &entrance.hash) {
        let text = "This is not the link of this demo. Open the one that the program has printed.";
        return Ok((StatusCode::FORBIDDEN, text).into_response());
    }
    let mut tx = entrance.store.write().await?;
    let session = sessions::begin(&mut tx, entrance.org, entrance.account, &browser).await?;
    tx.commit().await?;
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((session_cookie(&session), headers, Redirect::to("/live")).into_response())
}

#[cfg(test)]
mod tests;
