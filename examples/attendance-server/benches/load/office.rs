//! A server in this process, with an office.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context, Result};
use attendance_server::{
    access::{Actor, Grant, Role, password::HashedSecret},
    app,
    clock::SystemClock,
    commands::{
        accounts::{self, NewAccount},
        consents::{self, NewConsent, TEXT_VERSION},
        devices::{self, NewDevice},
        enrolments::{self, SealedPhotos},
        import::{self, ImportOptions},
        organisations, sessions,
        sites::{self, NewSite},
        templates, tokens,
    },
    db::sqlite::SqliteEngine,
    id::Id,
    recognition::{Frame, LocalOptions, LocalRecognition, Recognition},
    server::Server,
    store::Store,
    vault::Vault,
};
use axum::body::Bytes;
use jiff::{Span, Timestamp, tz::TimeZone};
use tempfile::TempDir;

/// A device.
#[derive(Clone)]
pub(crate) struct Device {
    /// The path for its frames.
    pub(crate) frames: String,
    pub(crate) token: String,
}

pub(crate) struct Office {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) recognition: Arc<dyn Recognition>,
    pub(crate) address: SocketAddr,
    pub(crate) org: Id,
    pub(crate) site: Id,
    pub(crate) people: Vec<Id>,
    /// The session of an admin.
    pub(crate) session: String,
}

/// The models that `LOAD_MODELS` names, on the runtime `LOAD_RUNTIME`.
fn options() -> Result<LocalOptions> {
    let mut options = LocalOptions::default();
    if let Ok(models) = std::env::var("LOAD_MODELS") {
        options.models = models;
    }
    if let Ok(runtime) = std::env::var("LOAD_RUNTIME") {
        options.runtime = runtime.parse()?;
    }
    println!("  models {} on {}", options.models, options.runtime);
    Ok(options)
}

/// A file of the synthetic people and their frames.
fn picture(name: &str) -> Result<Bytes> {
    let path = format!("{}/../data/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).with_context(|| path)?;
    Ok(bytes.into())
}

impl Office {
    /// An office with this many people, who joined a year ago.
    pub(crate) async fn open(people: usize) -> Result<Self> {
        Self::with_models(people, &options()?).await
    }

    /// An office whose server has these models.
    pub(crate) async fn with_models(people: usize, models: &LocalOptions) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = open(folder.path()).await?;
        let mut tx = store.write().await?;
        let org = organisations::create(&mut tx, "Acme").await?;
        let operator = Actor::operator(org);
        let site = NewSite {
            name: "Berlin".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            preset: "nine-to-five".to_owned(),
        };
        let site = sites::create(&mut tx, &operator, site).await?.id;
        let joined =
            Timestamp::now().to_zoned_datetime(TimeZone::UTC).date() - Span::new().days(370);
        let mut file = "number,name,site,joined\n".to_owned();
        for number in 0..people {
            file.push_str(&format!("{number},Person {number},Berlin,{joined}\n"));
        }
        let options = ImportOptions {
            dry_run: false,
            partial: false,
        };
        let report = import::people(&mut tx, &operator, file.as_bytes(), &options).await?;
        let admin = NewAccount {
            name: "Admin".to_owned(),
            mail: "admin@example.org".to_owned(),
            person: None,
            roles: vec![Grant {
                role: Role::Admin,
                site: None,
            }],
        };
        let admin = accounts::create(&mut tx, &operator, admin).await?.id;
        let password = HashedSecret::password("/password", "a long password".to_owned()).await?;
        accounts::set_password(&mut tx, &operator, admin, password).await?;
        let session = sessions::begin(&mut tx, org, admin, "bench").await?.token;
        tx.commit().await?;
        let recognition: Arc<dyn Recognition> = Arc::new(LocalRecognition::open(models)?);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = app(Server::new(store.clone(), Arc::clone(&recognition)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            folder,
            store,
            recognition,
            address,
            org,
            site,
            people: report.rows.iter().filter_map(|row| row.person).collect(),
            session,
        })
    }

    pub(crate) async fn devices(&self, number: usize) -> Result<Vec<Device>> {
        let operator = Actor::operator(self.org);
        let mut tx = self.store.write().await?;
        let known = devices::list(&mut tx, &operator).await?.len();
        let mut made = Vec::new();
        for number in known..known + number {
            let device = NewDevice {
                site: self.site,
                name: format!("Door {number}"),
                place: None,
            };
            let device = devices::create(&mut tx, &operator, device).await?;
            made.push(Device {
                frames: format!("/api/v1/devices/{}/frames", device.device.id),
                token: device.token.token,
            });
        }
        tx.commit().await?;
        Ok(made)
    }

    /// The badges of the first people.
    pub(crate) async fn badges(&self, number: usize) -> Result<Vec<String>> {
        let operator = Actor::operator(self.org);
        let mut tx = self.store.write().await?;
        let mut badges = Vec::new();
        for &person in self.people.iter().take(number) {
            let badge = tokens::create_badge(&mut tx, &operator, person).await?;
            badges.push(badge.token);
        }
        tx.commit().await?;
        Ok(badges)
    }

    /// Enrols the first people with the photos of the synthetic ones.
    pub(crate) async fn enrol(&self) -> Result<()> {
        let operator = Actor::operator(self.org);
        for (name, &person) in ["Ari", "Bela", "Chi", "Dana", "Eden", "Fern"]
            .iter()
            .zip(&self.people)
        {
            let photos: Result<Vec<Bytes>> = (1..=3)
                .map(|photo| picture(&format!("people/{name}/{photo}.jpg")))
                .collect();
            let mut tx = self.store.write().await?;
            let consent = NewConsent {
                text_version: TEXT_VERSION.to_owned(),
                language: "en".to_owned(),
                keeps_crops: false,
            };
            consents::give(&mut tx, &operator, person, &consent).await?;
            let photos = SealedPhotos::new(tx.keys(), self.org, person, &photos?)?;
            enrolments::begin(&mut tx, &operator, photos).await?;
            tx.commit().await?;
        }
        while enrolments::run_next(&self.store, &*self.recognition).await? {}
        templates::load_all(&self.store, &*self.recognition).await?;
        Ok(())
    }

    /// Frames with more than one face: a door looks at each of them and marks nobody, so each costs as much as the next.
    pub(crate) async fn frames(&self) -> Result<Vec<Bytes>> {
        let folder = format!("{}/../data/frames", env!("CARGO_MANIFEST_DIR"));
        let mut frames = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let image = Bytes::from(std::fs::read(entry?.path())?);
            let faces = self.recognition.recognize(self.frame(&image)).await?;
            if faces.faces.len() > 1 {
                frames.push(image);
            }
        }
        anyhow::ensure!(!frames.is_empty(), "no frame has several faces");
        Ok(frames)
    }

    pub(crate) fn frame(&self, image: &Bytes) -> Frame {
        Frame {
            org: self.org,
            image: image.clone(),
            sites: Some(vec![self.site]),
        }
    }
}

/// The database and the keys of a folder.
pub(crate) async fn open(folder: &Path) -> Result<Store> {
    let engine = SqliteEngine::open(&folder.join("attendance.db")).await?;
    let keys = folder.join("keys.facekit");
    let vault = Vault::open_or_create(&keys, &facekit::Protection::None)?;
    Ok(Store::open(Arc::new(engine), Arc::new(SystemClock), Arc::new(vault)).await?)
}
