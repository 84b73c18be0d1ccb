//! The database: a narrow trait that each engine implements, and the transactions that commands get.
//!
//! SQL is written once for all engines: parameters are `$1`, `$2` …; ids are 16 bytes, times are microseconds since 1970,
//! dates are texts such as `2026-03-02`, and truth values are 0 and 1.

mod migrations;
mod row;
pub mod sqlite;

use std::{fmt, path::Path};

use async_trait::async_trait;

pub use {
    migrations::{SCHEMA_VERSION, migrate, schema_version},
    row::{FromValue, Row, Value},
};

use crate::error::Result;

/// A database engine.
///
/// # Contract
///
/// - A connection of [`write`](Self::write) is the only one that writes until it is committed or dropped.
/// - A connection of [`read`](Self::read) sees one state of the database, and cannot change it.
/// - A connection that is dropped before [`Connection::commit`] changes nothing.
/// - What was committed survives a crash of the process and of the machine.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// Begins a transaction that reads.
    async fn read(&self) -> Result<Box<dyn Connection>>;

    /// Begins a transaction that writes, after those before it.
    async fn write(&self) -> Result<Box<dyn Connection>>;

    /// The migrations of this engine, the oldest first.
    fn migrations(&self) -> &'static [Migration];

    /// Writes a copy of the database to a new file, which only its owner can read. The copy has one state of the database;
    /// others may write meanwhile. After an error there is no file.
    async fn copy_to(&self, file: &Path) -> Result<()>;

    /// Reads the whole database and checks that it is sound.
    async fn check(&self) -> Result<()>;

    /// Removes from the files beside the database what was overwritten or deleted in it.
    async fn empty_log(&self) -> Result<()>;

    /// Finishes the work that can wait, and closes all connections.
    async fn close(&self);
}

/// A transaction of an engine.
#[async_trait]
pub trait Connection: Send {
    /// Runs a statement, and returns the number of rows it changed.
    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64>;

    /// Runs a query, and returns its rows.
    async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>>;

    /// Runs several statements without values, for migrations.
    async fn script(&mut self, sql: &'static str) -> Result<()>;

    /// Makes all changes durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version of the schema after the step.
    pub version: i64,
    /// The statements.
    pub sql: &'static str,
}

/// A list of [`Value`]s.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
