//! A server with a clock that tests set, and test data.

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, LazyLock},
};

use attendance_server::{
    access::{Actor, Grant, Role, password::HashedSecret},
    app,
    clock::{Clock, ManualClock, SystemClock},
    commands::{
        accounts::{self, NewAccount},
        backups::Backups,
        devices::{self, NewDevice},
        organisations,
        people::{self, NewPerson},
        sessions,
        sites::{self, NewSite},
        tokens::{self, NewApiToken},
    },
    db::sqlite::SqliteEngine,
    id::Id,
    recognition::{LocalOptions, LocalRecognition, Recognition},
    server::Server,
    store::Store,
    vault::Vault,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// A Monday, at eight in Berlin.
pub(crate) const START: &str = "2026-03-02T07:00:00Z";

/// Recognition, which all tests of a process share: loading the models takes longer than a test. Each organisation has a
/// gallery of its own.
pub(crate) fn recognition() -> Arc<LocalRecognition> {
    static SHARED: LazyLock<Arc<LocalRecognition>> = LazyLock::new(|| {
        let options = LocalOptions {
            threads: NonZeroUsize::new(2).unwrap(),
            ..LocalOptions::default()
        };
        Arc::new(LocalRecognition::open(&options).unwrap())
    });
    Arc::clone(&SHARED)
}

/// A vault that nothing protects.
pub(crate) fn vault(file: &Path) -> Vault {
    Vault::open_or_create(file, &facekit::Protection::None).unwrap()
}

/// The database and the keys of a data folder.
pub(crate) async fn open(data: &Path) -> Store {
    let engine = SqliteEngine::open(&data.join("attendance.db"))
        .await
        .unwrap();
    Store::open(
        Arc::new(engine),
        Arc::new(SystemClock),
        Arc::new(vault(&data.join("keys.facekit"))),
    )
    .await
    .unwrap()
}

/// A file of the synthetic people and their frames: `people/Ari/1.jpg`, `frames/2026-03-02T07-56-12.jpg`.
pub(crate) fn picture(name: &str) -> Bytes {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/");
    let path = format!("{folder}{name}");
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
        .into()
}

/// A server with a database of its own.
pub(crate) struct Office {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) server: Server,
    router: Router,
}

/// An organisation with a site, and a token of each kind.
pub(crate) struct Organisation {
    pub(crate) id: Id,
    pub(crate) site: Id,
    pub(crate) admin: String,
    pub(crate) manager: String,
    pub(crate) auditor: String,
    pub(crate) device: String,
    pub(crate) device_id: Id,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The JSON of an answer with this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The code of a problem with this status.
    pub(crate) fn problem(&self, status: u16) -> String {
        let problem = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status);
        assert!(!problem["request_id"].as_str().unwrap().is_empty());
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl Office {
    pub(crate) async fn new() -> Self {
        Self::with(recognition()).await
    }

    /// A server with this recognition.
    pub(crate) async fn with(recognition: Arc<dyn Recognition>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(&folder.path().join("attendance.db"))
            .await
            .unwrap();
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let shared: Arc<dyn Clock> = clock.clone();
        let vault = vault(&folder.path().join("keys.facekit"));
        let store = Store::open(Arc::new(engine), shared, Arc::new(vault.clone()))
            .await
            .unwrap();
        let backups = Backups::new(folder.path().join("backups"));
        let server = Server::new(store.clone(), recognition).with_backups(backups);
        Self {
            folder,
            router: app(server.clone()),
            server,
            store,
            vault,
            clock,
        }
    }

    /// Another server with this recognition on the same data, as after a new start.
    pub(crate) fn restarted(mut self, recognition: Arc<dyn Recognition>) -> Self {
        self.server = Server::new(self.store.clone(), recognition);
        self.router = app(self.server.clone());
        self
    }

    /// A server and an organisation with nine to five in Berlin.
    pub(crate) async fn with_organisation() -> (Self, Organisation) {
        let office = Self::new().await;
        let organisation = office.organisation("Acme").await;
        (office, organisation)
    }

    pub(crate) async fn organisation(&self, name: &str) -> Organisation {
        let mut tx = self.store.write().await.unwrap();
        let id = organisations::create(&mut tx, name).await.unwrap();
        let operator = Actor::operator(id);
        let site = NewSite {
            name: "Berlin".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            preset: "nine-to-five".to_owned(),
        };
        let site = sites::create(&mut tx, &operator, site).await.unwrap().id;
        let device = NewDevice {
            site,
            name: "door".to_owned(),
            place: None,
        };
        let device = devices::create(&mut tx, &operator, device).await.unwrap();
        let mut token = Vec::new();
        for role in [Role::Admin, Role::Manager, Role::Auditor] {
            let new = NewApiToken {
                label: role.to_string(),
                role,
                site: None,
                days: None,
            };
            token.push(
                tokens::create_api_token(&mut tx, &operator, new)
                    .await
                    .unwrap()
                    .token,
            );
        }
        tx.commit().await.unwrap();
        let auditor = token.pop().unwrap();
        let manager = token.pop().unwrap();
        Organisation {
            id,
            site,
            admin: token.pop().unwrap(),
            manager,
            auditor,
            device: device.token.token,
            device_id: device.device.id,
        }
    }

    /// A person, who joined on the first of March.
    pub(crate) async fn person(&self, org: &Organisation, number: &str) -> Id {
        let mut tx = self.store.write().await.unwrap();
        let new = NewPerson {
            number: number.to_owned(),
            name: format!("Person {number}"),
            mail: None,
            site: org.site,
            joined: Some("2026-03-01".parse().unwrap()),
            left: None,
        };
        let person = people::create(&mut tx, &Actor::operator(org.id), new)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        person.id
    }

    /// A person with a PIN.
    pub(crate) async fn person_with_pin(&self, org: &Organisation, number: &str, pin: &str) -> Id {
        let person = self.person(org, number).await;
        let pin = HashedSecret::pin("/pin", pin.to_owned()).await.unwrap();
        let mut tx = self.store.write().await.unwrap();
        people::set_pin(&mut tx, &Actor::operator(org.id), person, Some(pin))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// The session of an account with a role, as the value of the cookie.
    pub(crate) async fn session(
        &self,
        org: &Organisation,
        grant: Grant,
        person: Option<Id>,
    ) -> (Id, String) {
        let mut tx = self.store.write().await.unwrap();
        let operator = Actor::operator(org.id);
        let account = NewAccount {
            name: "Somebody".to_owned(),
            mail: format!("{}@example.org", tx.new_id()),
            person,
            roles: vec![grant],
        };
        let account = accounts::create(&mut tx, &operator, account)
            .await
            .unwrap()
            .id;
        let session = sessions::begin(&mut tx, org.id, account, "test")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        (account, session.token)
    }

    /// A request that is written out.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A request with a token, JSON, and further headers.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, token, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        self.call("POST", path, token, &[], Some(&body)).await
    }

    /// A POST with a new idempotency key.
    pub(crate) async fn post_once(&self, path: &str, token: &str, body: Value) -> Reply {
        let key = Id::new(self.clock.now()).to_string();
        self.call(
            "POST",
            path,
            token,
            &[("idempotency-key", &key)],
            Some(&body),
        )
        .await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, version: i64, body: Value) -> Reply {
        let tag = format!("\"{version}\"");
        self.call("PATCH", path, token, &[("if-match", &tag)], Some(&body))
            .await
    }

    pub(crate) fn set(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
    }

    /// A punch by PIN at a time, which becomes the present one.
    pub(crate) async fn punch(
        &self,
        org: &Organisation,
        sequence: i64,
        number: &str,
        at: &str,
    ) -> Reply {
        self.set(at);
        self.post(
            "/api/v1/sightings",
            &org.device,
            sighting(sequence, number, at),
        )
        .await
    }
}

/// A sighting by the PIN 4711.
pub(crate) fn sighting(sequence: i64, number: &str, at: &str) -> Value {
    let at: Timestamp = at.parse().unwrap();
    json!({
        "boot": "first", "sequence": sequence, "at": at, "sent": at,
        "identification": { "method": "pin", "number": number, "pin": "4711" },
    })
}
