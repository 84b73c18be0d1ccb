//! A program that runs a round when it is told to.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How a racer is started.
#[derive(Clone)]
pub(super) struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Program {
    pub(super) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    pub(super) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(super) fn option(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.argument(name).argument(value)
    }

    /// With a variable in its environment.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(super) fn start(&self) -> Result<Racer> {
        let name = self.program.to_string_lossy().into_owned();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| name.clone())?;
        Ok(Racer {
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().context("its output is a pipe")?),
            child,
            name,
        })
    }
}

/// A program that waits for orders. It ends when this is dropped.
pub(super) struct Racer {
    name: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Racer {
    pub(super) fn ask(&mut self, order: &str) -> Result<Value> {
        self.tell(order)?;
        self.answer()
    }

    /// Gives an order without waiting for the answer.
    pub(super) fn tell(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("it takes orders")?;
        writeln!(orders, "{order}").with_context(|| self.name.clone())
    }

    pub(super) fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("{} ended with {}", self.name, self.child.wait()?);
        }
        serde_json::from_str(&line).with_context(|| format!("{}: {line}", self.name))
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        // Without orders it ends by itself.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
