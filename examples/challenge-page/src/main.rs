//! Serves the page on this computer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use challenge_page::{Desk, router};
use clap::Parser;
use facekit::{LoadOptions, Recognizer, jiff::Timestamp};
use facekit_tract::Tract;
use tokio::net::TcpListener;

/// A challenge in a browser: follow the dot with the head
#[derive(Debug, Parser)]
struct Args {
    /// The address to listen at. Browsers give the camera to pages of this computer, and to https://
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    /// A name of this computer in links, beside localhost and addresses. Requests to other names are refused
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,

    /// Do not check each face for liveness beside its depth
    #[arg(long)]
    no_liveness: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let models = facekit_nano::registry().load("nano", &Tract::new(), &LoadOptions::default())?;
    let mut builder = Recognizer::builder().models(models);
    if args.no_liveness {
        builder = builder.without_liveness();
    }
    let desk = Arc::new(Desk::new(builder.build()?, Box::new(Timestamp::now)));
    let forgetting = Arc::clone(&desk);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            forgetting.forget();
        }
    });
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| args.listen.to_string())?;
    println!("Open http://{}", listener.local_addr()?);
    let service = router(desk, args.host).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async {
            tokio::signal::ctrl_c().await.ok();
        })
        .await?;
    Ok(())
}
