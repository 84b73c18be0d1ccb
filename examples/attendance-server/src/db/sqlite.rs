//! SQLite: one file, one writer, any number of readers.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Row as _, Sqlite, SqlitePool, TypeInfo as _,
    ValueRef as _,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use super::{Connection, Engine, Migration, Row, Value};
use crate::{
    error::{Error, ErrorKind, Result},
    private_file,
};

/// A database in one file. A commit is on the disk before it returns.
#[derive(Debug)]
pub struct SqliteEngine {
    /// One connection, so that writers wait for each other here and not in SQLite.
    writer: SqlitePool,
    readers: SqlitePool,
    /// For connections beside the pools.
    options: SqliteConnectOptions,
}

/// A connection waits for others as long as this.
const WAIT: Duration = Duration::from_secs(10);

/// The attempts to empty the write-ahead log.
const ATTEMPTS: usize = 10;

/// The time between two attempts, in which others write.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections for reading.
const READERS: u32 = 4;

impl SqliteEngine {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or is no database.
    pub async fn open(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            // Deleted rows are overwritten, so that erased people leave nothing in the file.
            .pragma("secure_delete", "ON");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone().create_if_missing(true));
        let writer = writer.await.map_err(failure)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.clone().pragma("query_only", "ON"));
        let readers = readers.await.map_err(failure)?;
        Ok(Self {
            writer,
            readers,
            options,
        })
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    async fn read(&self) -> Result<Box<dyn Connection>> {
        let transaction = self.readers.begin().await.map_err(failure)?;
        Ok(Box::new(SqliteConnection(transaction)))
    }

    async fn write(&self) -> Result<Box<dyn Connection>> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        let transaction = match self.writer.begin_with(BEGIN).await {
            // SQLite has ended the last transaction by itself, as it does if the disk is full. sqlx counts it as open, and
            // uses its connection no more.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                let connection = self.writer.acquire().await.map_err(failure)?;
                connection.close().await.map_err(failure)?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        };
        Ok(Box::new(SqliteConnection(transaction.map_err(failure)?)))
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
        // SQLite fills an empty file, and would make one that others can read.
        let target = private_file::create(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                let detail = format!("{} exists already.", file.display());
                Error::conflict("file_exists", detail)
            }
            _ => Error::internal(error),
        })?;
        let copied = self.vacuum_into(name).await;
        let copied = copied.and_then(|()| target.sync_all().map_err(Error::internal));
        if copied.is_err() {
            // Half a copy is no copy. The error says more than a failure to remove it.
            let _ = std::fs::remove_file(file);
        }
        copied
    }

    async fn check(&self) -> Result<()> {
        let mut connection = SqliteConnection(self.readers.begin().await.map_err(failure)?);
        let rows = connection
            .rows("PRAGMA integrity_check", Vec::new())
            .await?;
        let verdict: String = rows
            .first()
            .map_or_else(|| Ok(String::new()), |row| row.get("integrity_check"))?;
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
            // A task of its own, so that the connection gets its timeout back if the caller goes away.
            let emptied = tokio::spawn(empty_log_at_once(self.writer.clone()));
            if emptied.await.map_err(Error::internal)?? {
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

impl SqliteEngine {
    async fn vacuum_into(&self, file: &str) -> Result<()> {
        // A connection of its own, so that writers do not wait. Readers are not allowed to write a file.
        let connection = sqlx::SqliteConnection::connect_with(&self.options);
        let mut connection = connection.await.map_err(failure)?;
        let statement = sqlx::query::<Sqlite>("VACUUM INTO $1").bind(file.to_owned());
        let copied = statement.execute(&mut connection).await.map_err(failure);
        connection.close().await.map_err(failure)?;
        copied.map(drop)
    }
}

/// Empties the write-ahead log. Returns `false` at once if a reader uses it: all writers wait for this connection.
async fn empty_log_at_once(writer: SqlitePool) -> Result<bool> {
    let mut connection = writer.acquire().await.map_err(failure)?;
    set_wait(&mut connection, Duration::ZERO).await?;
    let checkpoint = sqlx::query::<Sqlite>("PRAGMA wal_checkpoint(TRUNCATE)");
    let row = checkpoint.fetch_one(&mut *connection).await;
    set_wait(&mut connection, WAIT).await?;
    let is_busy: i64 = row
        .and_then(|row| row.try_get_unchecked(0))
        .map_err(failure)?;
    Ok(is_busy == 0)
}

/// Sets the time that a connection waits for others.
async fn set_wait(connection: &mut sqlx::SqliteConnection, wait: Duration) -> Result<()> {
    let statement = format!("PRAGMA busy_timeout = {}", wait.as_millis());
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map_err(failure)?;
    Ok(())
}

struct SqliteConnection(sqlx::Transaction<'static, Sqlite>);

#[async_trait]
impl Connection for SqliteConnection {
    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        let done = bound(sql, values)
            .execute(&mut *self.0)
            .await
            .map_err(failure)?;
        Ok(done.rows_affected())
    }

    async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        let rows = bound(sql, values)
            .fetch_all(&mut *self.0)
            .await
            .map_err(failure)?;
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let columns = first
            .columns()
            .iter()
            .map(|column| column.name().to_owned());
        let columns: Arc<[String]> = columns.collect();
        rows.iter()
            .map(|row| Ok(Row::new(Arc::clone(&columns), values_of(row)?)))
            .collect()
    }

    async fn script(&mut self, sql: &'static str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *self.0)
            .await
            .map_err(failure)?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.0.commit().await.map_err(failure)
    }
}

type Query = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound(sql: &'static str, values: Vec<Value>) -> Query {
    let mut query = sqlx::query::<Sqlite>(sql);
    for value in values {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Integer(integer) => query.bind(integer),
            Value::Real(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

fn values_of(row: &SqliteRow) -> Result<Vec<Value>> {
    let value = |index: usize| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let kind = raw.type_info();
        Ok(match kind.name() {
            "INTEGER" | "BOOLEAN" => Value::Integer(row.try_get_unchecked(index)?),
            "REAL" => Value::Real(row.try_get_unchecked(index)?),
            "BLOB" => Value::Bytes(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        })
    };
    (0..row.len())
        .map(value)
        .collect::<Result<_, _>>()
        .map_err(failure)
}

/// SQLite's code for a full disk.
const FULL: &str = "13";

fn failure(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            Error::conflict("exists", "There is such a row already.")
        }
        sqlx::Error::Database(database) if database.code().as_deref() == Some(FULL) => {
            Error::storage_full()
        }
        sqlx::Error::PoolTimedOut => {
            let detail = "The database has much to do. Try again in a few seconds.";
            Error::new(ErrorKind::Unavailable, "busy", detail).after(2)
        }
        _ => Error::internal(error),
    }
}
