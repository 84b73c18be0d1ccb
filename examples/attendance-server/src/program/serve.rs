//! `serve`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use attendance_server::{
    app,
    commands::{
        backups::Backups, days, erase, model_change, organisations, recompute, retention,
        templates, tokens,
    },
    recognition::{LocalRecognition, Models, Recognition},
    server::Server,
    store::Store,
    worker,
};
use axum_server::Handle;
use clap::Args;

use super::{
    settings::{Settings, Tls},
    store, tls,
};

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// The secret of the set-up link, at least 20 characters, for machines that are set up by a script. By default a
    /// random one is printed at the first start.
    #[arg(
        long,
        env = "ATTENDANCE_SETUP_TOKEN",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    setup_token: Option<String>,
}

/// The time that requests in work have at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// The time between two rounds of [`maintain`].
const MAINTENANCE: Duration = Duration::from_secs(15 * 60);

pub(crate) async fn serve(settings: &Settings, options: &ServeOptions) -> Result<()> {
    if settings.tls.is_none() && !settings.listen.ip().is_loopback() {
        bail!(
            "{} is not an address of this machine alone, and there is no TLS: browsers give no camera without HTTPS, \
             and passwords would be readable. Use --tls local, or --tls-cert and --tls-key",
            settings.listen
        );
    }
    let store = store(settings).await?;
    let finished = erase::finish(&store).await?;
    if finished > 0 {
        println!("{finished} erasures were finished.");
    }
    begin_setup(settings, options, &store).await?;
    after_upgrade(&store).await?;
    let mut tx = store.read().await?;
    let spaces = model_change::spaces(&mut tx).await?;
    drop(tx);
    let recognition = open_recognition(settings, spaces).await?;
    announce_change(recognition.models());
    templates::load_all(&store, &*recognition).await?;
    let backups = Backups::new(settings.data.join("backups"));
    let mut server = Server::new(store.clone(), Arc::clone(&recognition)).with_backups(backups);
    let tls = settings
        .tls
        .as_ref()
        .map(|tls| tls::configuration(settings, tls))
        .transpose()?;
    if let Some(Tls::Local { .. }) = settings.tls {
        server = server.with_authority(tls::authority(settings)?);
    }
    let handle = Handle::new();
    let stopper = tokio::spawn(stop_on_signal(server.clone(), handle.clone()));
    let maintenance = tokio::spawn(maintain(store.clone()));
    let worker = tokio::spawn(worker::run(store.clone(), recognition));
    let listening = tokio::spawn(announce(settings.clone(), handle.clone()));
    let service = app(server).into_make_service();
    let served = match tls {
        None => {
            axum_server::bind(settings.listen)
                .handle(handle)
                .serve(service)
                .await
        }
        Some(configuration) => {
            axum_server::bind_rustls(settings.listen, configuration)
                .handle(handle)
                .serve(service)
                .await
        }
    };
    maintenance.abort();
    worker.abort();
    stopper.abort();
    listening.abort();
    store.engine().close().await;
    served.with_context(|| format!("{} cannot be served", settings.listen))
}

/// Loads the models of the settings, and those of the embedding spaces of templates that exist.
pub(super) async fn open_recognition(
    settings: &Settings,
    spaces: Vec<String>,
) -> Result<Arc<dyn Recognition>> {
    let mut options = settings.recognition.clone();
    options.spaces = spaces;
    let opened = tokio::task::spawn_blocking(move || LocalRecognition::open(&options)).await?;
    let opened = opened.with_context(|| {
        format!(
            "the models {:?} cannot be used",
            settings.recognition.models
        )
    })?;
    Ok(Arc::new(opened))
}

/// Says that a change of models goes on.
fn announce_change(models: &Models) {
    if !models.earlier.is_empty() {
        println!(
            "Templates of earlier models ({}) are searched, too, until their people are embedded again or enrolled again. \
             The page Settings shows the progress.",
            models.earlier.join(", ")
        );
    }
    for space in &models.missing_spaces {
        println!(
            "The models of the templates of {space} are not here. Their people are not recognized by face."
        );
    }
}

/// Evaluates all days again if another version of the rules made them, and says how many changed.
async fn after_upgrade(store: &Store) -> Result<()> {
    let mut tx = store.read().await?;
    let organisations = organisations::all(&mut tx).await?;
    drop(tx);
    for org in organisations {
        if let Some(report) = recompute::after_upgrade(store, org).await? {
            println!(
                "The rules are new: {} days changed. The audit lists them.",
                report.changes.len()
            );
        }
    }
    Ok(())
}

/// Prints the set-up link of a server without an account.
async fn begin_setup(settings: &Settings, options: &ServeOptions, store: &Store) -> Result<()> {
    let mut tx = store.write().await?;
    if organisations::is_set_up(&mut tx).await? {
        return Ok(());
    }
    if !settings.listen.ip().is_loopback() && options.setup_token.is_none() {
        bail!(
            "there is no account yet, and {} can be reached from other machines. Make the first account with `admin \
             create`, or listen on 127.0.0.1 for the set-up, or state --setup-token",
            settings.listen
        );
    }
    let token = tokens::begin_setup(&mut tx, options.setup_token.clone()).await?;
    tx.commit().await?;
    if options.setup_token.is_none() {
        println!(
            "Set the server up: {}/setup?token={token}",
            address(settings, settings.listen)
        );
    }
    Ok(())
}

/// The address that a browser on this machine opens.
fn address(settings: &Settings, listen: SocketAddr) -> String {
    let port = listen.port();
    match &settings.tls {
        None => format!("http://localhost:{port}"),
        Some(Tls::Local { names }) => format!(
            "https://{}:{port}",
            names.first().map_or("localhost", String::as_str)
        ),
        Some(Tls::Files { .. }) => format!("https://localhost:{port}"),
    }
}

/// Prints the address once the server listens.
async fn announce(settings: Settings, handle: Handle<SocketAddr>) {
    if let Some(listen) = handle.listening().await {
        println!("Listening on {}", address(&settings, listen));
        if matches!(settings.tls, Some(Tls::Local { .. })) {
            let file = settings.certificates().join(tls::AUTHORITY);
            println!(
                "Devices must trust the certificate authority {}",
                file.display()
            );
        }
    }
}

/// Ends days and removes what is old, again and again.
pub(super) async fn maintain(store: Store) {
    loop {
        if let Err(error) = maintain_once(&store).await {
            tracing::error!(%error, "days could not be evaluated");
        }
        tokio::time::sleep(MAINTENANCE).await;
    }
}

async fn maintain_once(store: &Store) -> attendance_server::error::Result<()> {
    let mut tx = store.read().await?;
    let organisations = organisations::all(&mut tx).await?;
    drop(tx);
    for org in organisations {
        days::catch_up(store, org).await?;
    }
    // An erasure that could not be finished at once.
    erase::finish(store).await?;
    let mut tx = store.write().await?;
    let removed = retention::remove_old(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(?removed, "old rows were removed");
    Ok(())
}

/// On SIGTERM or Ctrl-C, `/health/ready` says so, no connection is accepted, and requests in work are finished.
pub(super) async fn stop_on_signal(server: Server, handle: Handle<SocketAddr>) {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
    tracing::info!("the server stops");
    server.stop();
    handle.graceful_shutdown(Some(DRAIN));
}
