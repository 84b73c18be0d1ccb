//! A program that waits for orders and answers each with a line of JSON.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The command of a racer.
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

    /// Sets a variable of its environment.
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
            answers: BufReader::new(child.stdout.take().context("no output")?),
            child,
            name,
        })
    }
}

/// A program that waits for orders. It ends when the value is dropped.
pub(super) struct Racer {
    name: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Racer {
    /// Gives an order and waits for the answer.
    pub(super) fn ask(&mut self, order: &str) -> Result<Value> {
        self.tell(order)?;
        self.answer()
    }

    /// Gives an order without waiting for the answer.
    pub(super) fn tell(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the racer has ended")?;
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
        // It ends when its input ends.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
