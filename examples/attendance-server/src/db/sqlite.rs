//! SQLite: one file, one writer, any number of readers.
//!
//! Statements run on the thread that asks for them: most take some microseconds, less than handing them to another thread
//! would. What waits for the disk or for other programs runs on a thread for blocking work: the beginning and the commit of a
//! change, copies and checks.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{
    ErrorCode, OpenFlags, Statement, ffi,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Connection, Engine, Migration, Row, Value};
use crate::{
    error::{Error, ErrorKind, Result},
    private_file,
};

/// A database in one file. A commit is on the disk before it returns.
#[derive(Debug)]
pub struct SqliteEngine {
    file: Arc<Path>,
    /// One connection, so that writers wait for each other here and not in SQLite.
    writer: Arc<Pool>,
    readers: Arc<Pool>,
}

/// A connection waits for other programs as long as this.
const WAIT: Duration = Duration::from_secs(10);

/// A caller waits for a connection as long as this.
const TURN: Duration = Duration::from_secs(30);

/// The attempts to empty the write-ahead log.
const ATTEMPTS: usize = 10;

/// The time between two attempts, in which others write.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections for reading.
const READERS: usize = 4;

/// The statements that a connection keeps compiled: about as many as the program has.
const STATEMENTS: usize = 256;

impl SqliteEngine {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or is no database.
    pub async fn open(file: &Path) -> Result<Self> {
        let file: Arc<Path> = file.into();
        let engine = Self {
            writer: Pool::new(Arc::clone(&file), Access::Write, 1),
            readers: Pool::new(Arc::clone(&file), Access::Read, READERS),
            file,
        };
        // Errors of the file come now. The writer makes it, and the reader finds it.
        for pool in [&engine.writer, &engine.readers] {
            pool.take().await?.with(|_| Ok(())).await?;
        }
        Ok(engine)
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    async fn read(&self) -> Result<Box<dyn Connection>> {
        let lent = self.readers.take().await?;
        // A reader of a write-ahead log waits for nobody.
        lent.connection()?.execute_batch("BEGIN").map_err(failure)?;
        Ok(Box::new(lent))
    }

    async fn write(&self) -> Result<Box<dyn Connection>> {
        let lent = self.writer.take().await?;
        let begin = |lent: &mut Lent| {
            lent.connection()?
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(failure)
        };
        let (lent, begun) = lent.aside(begin).await?;
        begun?;
        Ok(Box::new(lent))
    }

    fn migrations(&self) -> &'static [Migration] {
        &[
            Migration {
                version: 1,
                sql: include_str!("../../migrations/sqlite/0001_foundation.sql"),
            },
            Migration {
                version: 2,
                sql: include_str!("../../migrations/sqlite/0002_crops.sql"),
            },
            Migration {
                version: 3,
                sql: include_str!("../../migrations/sqlite/0003_two_step.sql"),
            },
        ]
    }

    async fn copy_to(&self, file: &Path) -> Result<()> {
        let name = file.to_str().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "file_name",
                format!("{}: the name is not Unicode", file.display()),
            )
        })?;
        let (name, source) = (name.to_owned(), Arc::clone(&self.file));
        // It ends by itself if the caller goes away.
        blocking(move || copy(&source, &name)).await
    }

    async fn check(&self) -> Result<()> {
        let check = |connection: &mut rusqlite::Connection| {
            let pragma = "PRAGMA integrity_check";
            connection.query_row(pragma, [], |row| row.get::<_, String>(0))
        };
        let verdict = self.readers.take().await?.with(check).await?;
        if verdict == "ok" {
            return Ok(());
        }
        let detail = format!("The database is damaged: {verdict}");
        Err(Error::new(ErrorKind::Unavailable, "damaged", detail))
    }

    async fn empty_log(&self) -> Result<()> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            if self.writer.take().await?.with(empty_log_at_once).await? {
                return Ok(());
            }
        }
        let detail = "The write-ahead log is in use.";
        Err(Error::new(ErrorKind::Unavailable, "log_in_use", detail))
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Err(error) = self.empty_log().await {
            tracing::warn!(%error, "the write-ahead log could not be emptied");
        }
        self.writer.close().await;
    }
}

/// Copies a database into a new file, as of one moment.
fn copy(source: &Path, name: &str) -> Result<()> {
    let file = Path::new(name);
    // SQLite fills an empty file, and would make one that others can read.
    let target = private_file::create(file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::conflict("file_exists", format!("{name} exists already."))
        }
        _ => Error::internal(error),
    })?;
    // A connection of its own, so that writers do not wait. Readers are not allowed to write a file.
    let copied = open(source, Access::Copy)
        .and_then(|connection| connection.execute("VACUUM INTO ?1", [name]))
        .map_err(failure)
        .and_then(|_| target.sync_all().map_err(Error::internal));
    if copied.is_err() {
        // Half a copy is no copy. The error says more than a failure to remove it.
        let _ = std::fs::remove_file(file);
    }
    copied
}

/// Empties the write-ahead log. Returns `false` at once if a reader uses it: all writers wait for this connection.
fn empty_log_at_once(connection: &mut rusqlite::Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy = connection.query_row(checkpoint, [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(WAIT)?;
    Ok(is_busy? == 0)
}

/// The rights of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    /// For one copy, beside the pools.
    Copy,
}

fn open(file: &Path, access: Access) -> rusqlite::Result<rusqlite::Connection> {
    // SQLite's own locks are not needed: a connection is used by one thread at a time.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, access == Access::Write);
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows are overwritten, so that erased people leave nothing in the file.
    connection.pragma_update(None, "secure_delete", true)?;
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// Connections of one kind, which are opened when they are needed.
struct Pool {
    file: Arc<Path>,
    access: Access,
    size: usize,
    idle: Mutex<Vec<rusqlite::Connection>>,
    /// The connections that may still be taken.
    free: Arc<Semaphore>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("file", &self.file)
            .field("access", &self.access)
            .field("free", &self.free.available_permits())
            .finish_non_exhaustive()
    }
}

impl Pool {
    fn new(file: Arc<Path>, access: Access, size: usize) -> Arc<Self> {
        Arc::new(Self {
            file,
            access,
            size,
            idle: Mutex::default(),
            free: Arc::new(Semaphore::new(size)),
        })
    }

    /// Takes a connection, after those who came before.
    async fn take(self: &Arc<Self>) -> Result<Lent> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.free).acquire_owned());
        let permit = turn.await.map_err(|_| {
            let detail = "The database has much to do. Try again in a few seconds.";
            Error::new(ErrorKind::Unavailable, "busy", detail).after(2)
        })?;
        let permit = permit.map_err(|_| Error::internal("the database is closed"))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let (file, access) = (Arc::clone(&self.file), self.access);
                blocking(move || open(&file, access).map_err(failure)).await?
            }
        };
        Ok(Lent {
            connection: Some(connection),
            pool: Arc::clone(self),
            _permit: permit,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<rusqlite::Connection>> {
        // A panic elsewhere leaves the list whole, since one call changes it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all connections, and closes them.
    async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // An error says that they are closed already.
        if self.free.acquire_many(all).await.is_ok() {
            self.free.close();
            self.idle().clear();
        }
    }
}

/// A connection of a pool, with or without a transaction. Dropping it undoes the transaction.
struct Lent {
    /// `None` only while it is used on another thread.
    connection: Option<rusqlite::Connection>,
    pool: Arc<Pool>,
    /// Released after the connection is back.
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    fn connection(&self) -> Result<&rusqlite::Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::internal("the connection is in use elsewhere"))
    }

    /// Uses the connection on a thread for blocking work. The work ends also if the caller goes away.
    async fn aside<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Self) -> T + Send + 'static,
    ) -> Result<(Self, T)> {
        blocking(move || {
            let done = work(&mut self);
            Ok((self, done))
        })
        .await
    }

    /// Uses the connection once, on a thread for blocking work.
    async fn with<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = |lent: &mut Self| match &mut lent.connection {
            Some(connection) => work(connection).map_err(failure),
            None => Err(Error::internal("the connection is in use elsewhere")),
        };
        self.aside(work).await?.1
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // SQLite ends a transaction by itself if the disk is full, for example.
        let is_idle = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        if is_idle {
            self.pool.idle().push(connection);
        }
    }
}

#[async_trait]
impl Connection for Lent {
    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(failure)?;
        bind(&mut statement, &values)?;
        let changed = statement.raw_execute().map_err(failure)?;
        Ok(changed as u64)
    }

    async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(failure)?;
        bind(&mut statement, &values)?;
        let columns = statement.column_names().map(str::to_owned);
        let columns: Arc<[String]> = columns.collect();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let values = (0..columns.len()).map(|column| row.get_ref(column).map(value));
            let values = values.collect::<rusqlite::Result<_>>().map_err(failure)?;
            found.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(found)
    }

    async fn script(&mut self, sql: &'static str) -> Result<()> {
        self.connection()?.execute_batch(sql).map_err(failure)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let commit = |lent: &mut Self| lent.connection()?.execute_batch("COMMIT").map_err(failure);
        (*self).aside(commit).await?.1
    }
}

/// Binds `$1`, `$2` … to the values. SQLite numbers the names of a statement by their first places in it.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<()> {
    for place in 1..=statement.parameter_count() {
        let name = statement.parameter_name(place).unwrap_or_default();
        let number: Option<usize> = name
            .strip_prefix('$')
            .and_then(|number| number.parse().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value =
            value.ok_or_else(|| Error::internal(format!("parameter {name:?} has no value")))?;
        statement
            .raw_bind_parameter(place, Parameter(value))
            .map_err(failure)?;
    }
    Ok(())
}

struct Parameter<'a>(&'a Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(number) => Value::Real(number),
        // The program writes Unicode only.
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

/// Runs work on a thread for blocking work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?
}

fn failure(error: rusqlite::Error) -> Error {
    const NOT_UNIQUE: [i32; 3] = [
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
        ffi::SQLITE_CONSTRAINT_ROWID,
    ];
    match error.sqlite_error() {
        Some(cause) if NOT_UNIQUE.contains(&cause.extended_code) => {
            Error::conflict("exists", "There is such a row already.")
        }
        Some(cause) if cause.code == ErrorCode::DiskFull => Error::storage_full(),
        _ => Error::internal(error),
    }
}
