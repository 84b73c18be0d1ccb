//! The state that all requests share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Semaphore;

use crate::{
    access::limits::Limits, cameras::Cameras, commands::backups::Backups, recognition::Recognition,
    store::Store,
};

/// The forms with photos that are in memory at once.
const UPLOADS: usize = 2;

/// The state that all requests share. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Server {
    /// The database.
    pub store: Store,
    /// The recognition of faces.
    pub recognition: Arc<dyn Recognition>,
    /// The cameras of devices.
    pub cameras: Arc<Cameras>,
    /// The limits of attempts.
    pub limits: Arc<Limits>,
    /// The places for forms with photos, of which each has up to 64 MiB.
    pub uploads: Arc<Semaphore>,
    ready: Arc<AtomicBool>,
    authority: Option<Arc<str>>,
    backups: Option<Backups>,
}

impl Server {
    /// A server on a store. It is ready.
    #[must_use]
    pub fn new(store: Store, recognition: Arc<dyn Recognition>) -> Self {
        let limits = Arc::<Limits>::default();
        let cameras = Cameras::new(store.clone(), Arc::clone(&recognition), Arc::clone(&limits));
        Self {
            store,
            recognition,
            cameras: Arc::new(cameras),
            limits,
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            ready: Arc::new(AtomicBool::new(true)),
            authority: None,
            backups: None,
        }
    }

    /// The same server with a certificate authority of its own, in PEM, which `/authority.pem` gives to devices.
    #[must_use]
    pub fn with_authority(mut self, certificate: impl Into<Arc<str>>) -> Self {
        self.authority = Some(certificate.into());
        self
    }

    /// The certificate authority of the server, in PEM.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        self.authority.as_deref().map(str::to_owned)
    }

    /// The same server with a folder in which it makes backups.
    #[must_use]
    pub fn with_backups(mut self, backups: Backups) -> Self {
        self.backups = Some(backups);
        self
    }

    /// The backups that the server makes.
    #[must_use]
    pub fn backups(&self) -> Option<&Backups> {
        self.backups.as_ref()
    }

    /// `true` until the server begins to stop.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// The server stops: `/health/ready` says so, and what is in work is finished.
    pub fn stop(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}
