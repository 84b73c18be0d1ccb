//! The store: a database, and the services that its transactions need. Commands get a [`Transaction`].

mod directory;
mod rules_cache;

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

pub use {
    directory::{Directories, Directory, Entry},
    rules_cache::RulesCache,
};

use crate::{
    clock::Clock,
    db::{Connection, Engine, Row, Value, migrate},
    error::{Error, Result},
    id::Id,
    keys::Keys,
    values,
};

/// The services that all transactions share.
#[derive(Debug)]
pub struct Services {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The keys of people.
    pub keys: Arc<dyn Keys>,
    /// The rules of policy versions, which never change.
    pub rules: RulesCache,
    /// The indices of people.
    pub directories: Directories,
    /// The secret of the installation.
    pub secret: [u8; 32],
}

/// A database with its services. It is shared by all requests.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Arc<dyn Engine>,
    services: Arc<Services>,
    events: broadcast::Sender<Arc<Event>>,
}

/// Something changed. Events of an organisation have numbers without gaps, in the order of the commits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The organisation.
    #[serde(skip, default = "nobody")]
    #[schemars(skip)]
    pub org: Option<Id>,
    /// The number.
    pub seq: i64,
    /// The time.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The kind, such as `punch_recorded`.
    pub kind: String,
    /// The site that it concerns.
    pub site: Option<Id>,
    /// The person whom it concerns.
    pub person: Option<Id>,
    /// More, by kind. It has no names and no scores.
    pub data: serde_json::Value,
}

fn nobody() -> Option<Id> {
    None
}

/// The events that a slow listener may be behind. It has to read the others from the database.
const BACKLOG: usize = 1024;

impl Store {
    /// A store on an engine, whose schema is brought up to date.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or a newer program made it.
    pub async fn open(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        keys: Arc<dyn Keys>,
    ) -> Result<Self> {
        migrate(&*engine).await?;
        let secret = installation_secret(&*engine).await?;
        let services = Services {
            clock,
            keys,
            rules: RulesCache::default(),
            directories: Directories::default(),
            secret,
        };
        Ok(Self {
            engine,
            services: Arc::new(services),
            events: broadcast::channel(BACKLOG).0,
        })
    }

    /// Begins a transaction that reads one state of the database.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn read(&self) -> Result<Transaction> {
        Ok(self.transaction(self.engine.read().await?))
    }

    /// Begins a transaction that writes. It waits for the one before it.
    ///
    /// # Errors
    ///
    /// If the database cannot be written.
    pub async fn write(&self) -> Result<Transaction> {
        Ok(self.transaction(self.engine.write().await?))
    }

    fn transaction(&self, connection: Box<dyn Connection>) -> Transaction {
        Transaction {
            connection,
            now: self.services.clock.now(),
            services: Arc::clone(&self.services),
            events: Vec::new(),
            listeners: self.events.clone(),
            people_changed: false,
            own_directory: None,
        }
    }

    /// The events from now on, after each commit. A listener that is told of missing events reads them from the database.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// The engine, for backups.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }
}

async fn installation_secret(engine: &dyn Engine) -> Result<[u8; 32]> {
    let mut connection = engine.write().await?;
    let rows = connection
        .rows("SELECT secret FROM installation", values![])
        .await?;
    let secret = if let Some(row) = rows.first() {
        let bytes: Vec<u8> = row.get("secret")?;
        bytes
            .try_into()
            .map_err(|_| Error::internal("the secret of the installation has a wrong length"))?
    } else {
        let secret = crate::secret::random();
        connection
            .execute(
                "INSERT INTO installation (id, secret) VALUES (1, $1)",
                values![secret],
            )
            .await?;
        secret
    };
    connection.commit().await?;
    Ok(secret)
}

/// A transaction, which commands get. Dropping it changes nothing; [`commit`](Self::commit) makes all changes durable at once.
pub struct Transaction {
    connection: Box<dyn Connection>,
    /// The time of the transaction, which all its rows have.
    pub now: Timestamp,
    services: Arc<Services>,
    events: Vec<Event>,
    listeners: broadcast::Sender<Arc<Event>>,
    /// The index of people in memory is older than this transaction.
    people_changed: bool,
    /// The index of people as this transaction has changed them.
    own_directory: Option<Arc<Directory>>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    /// The services.
    #[must_use]
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The index of people with this version; none if it has to be made.
    pub(crate) fn directory(&self, org: Id, version: i64) -> Option<Arc<Directory>> {
        if self.people_changed {
            self.own_directory.clone()
        } else {
            self.services.directories.get(org, version)
        }
    }

    /// Keeps an index of people. After a change in this transaction, others must not see it: the version of a change that
    /// is rolled back will be that of another change.
    pub(crate) fn keep_directory(&mut self, org: Id, version: i64, directory: Arc<Directory>) {
        if self.people_changed {
            self.own_directory = Some(directory);
        } else {
            self.services.directories.insert(org, version, directory);
        }
    }

    /// People were changed in this transaction.
    pub(crate) fn forget_directory(&mut self) {
        (self.people_changed, self.own_directory) = (true, None);
    }

    /// The keys of people.
    #[must_use]
    pub fn keys(&self) -> &dyn Keys {
        &*self.services.keys
    }

    /// The time of the transaction, but later than another time: the clock may have been set back.
    ///
    /// # Errors
    ///
    /// If there is no later time.
    pub(crate) fn now_after(&self, last: Option<Timestamp>) -> Result<Timestamp> {
        let next = last.map(|last| last.checked_add(SignedDuration::from_micros(1)));
        let next = next.transpose().map_err(Error::internal)?;
        Ok(next.map_or(self.now, |next| next.max(self.now)))
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Id {
        Id::new(self.now)
    }

    /// Runs a statement, and returns the number of rows it changed.
    ///
    /// # Errors
    ///
    /// If the database refuses it.
    pub async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        self.connection.execute(sql, values).await
    }

    /// Runs a query, and returns its rows.
    ///
    /// # Errors
    ///
    /// If the database refuses it.
    pub async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.connection.rows(sql, values).await
    }

    /// Runs a query, and returns its first row, if there is one.
    ///
    /// # Errors
    ///
    /// If the database refuses it.
    pub async fn row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.connection.rows(sql, values).await?.into_iter().next())
    }

    /// Adds an event with the next number of the organisation. Listeners get it after the commit.
    ///
    /// # Errors
    ///
    /// If the database refuses it.
    pub async fn event(
        &mut self,
        org: Id,
        kind: &str,
        site: Option<Id>,
        person: Option<Id>,
        data: serde_json::Value,
    ) -> Result<()> {
        let row = self
            .row(
                "UPDATE organisation SET next_event = next_event + 1 WHERE id = $1 RETURNING next_event - 1 AS seq",
                values![org],
            )
            .await?;
        let seq = row
            .ok_or_else(|| Error::not_found("organisation"))?
            .get("seq")?;
        let at = self.now;
        self.execute(
            "INSERT INTO event (org, seq, at, kind, site, person, data) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![org, seq, at, kind, site, person, data.to_string()],
        )
        .await?;
        self.events.push(Event {
            org: Some(org),
            seq,
            at,
            kind: kind.to_owned(),
            site,
            person,
            data,
        });
        Ok(())
    }

    /// Makes all changes durable, and tells the listeners.
    ///
    /// # Errors
    ///
    /// If the database cannot be written; nothing is changed then.
    pub async fn commit(self) -> Result<()> {
        self.connection.commit().await?;
        for event in self.events {
            // Nobody may be listening.
            let _ = self.listeners.send(Arc::new(event));
        }
        Ok(())
    }
}
