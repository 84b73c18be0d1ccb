//! Runs steps under headings and measures their time. After a failed step, the next steps still run.

use std::{
    env,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The steps that ran: name, time, and whether each succeeded.
#[derive(Default)]
pub(crate) struct Runner {
    steps: Vec<(String, Duration, bool)>,
}

impl Runner {
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        println!("\n==> {name}");
        let start = Instant::now();
        let result = step();
        let time = start.elapsed();
        match &result {
            Ok(()) => println!("--- {name}: {:.1} s", time.as_secs_f64()),
            Err(error) => println!("--- {name}: FAILED: {error:#}"),
        }
        self.steps.push((name.to_owned(), time, result.is_ok()));
    }

    pub(crate) fn cargo(&mut self, name: &str, arguments: &[&str]) {
        self.step(name, || succeed(&mut cargo(arguments)));
    }

    /// Prints the time and result of each step. `true` if all steps succeeded.
    pub(crate) fn report(&self) -> bool {
        let total: Duration = self.steps.iter().map(|(_, time, _)| *time).sum();
        println!("\n==> {:.0} s", total.as_secs_f64());
        for (name, time, passed) in &self.steps {
            let state = if *passed { "ok    " } else { "FAILED" };
            println!("{state} {:7.1} s  {name}", time.as_secs_f64());
        }
        self.steps.iter().all(|(_, _, passed)| *passed)
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    package.parent().map(Into::into).unwrap_or(package)
}

/// The folder of cargo's results.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A command that runs in the root of the repository.
pub(crate) fn command(program: impl Into<PathBuf>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program.into());
    command.args(arguments).current_dir(root());
    // `cargo run` sets variables about this package. Build scripts of other packages would run again because of them.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(program, arguments)
}

/// Runs a command. An error if it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    println!("{}", display(command));
    let status = command.status().with_context(|| display(command))?;
    if !status.success() {
        bail!("{} ended with {status}", display(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output. An error if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| display(command))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {error}", display(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| display(command))
}

/// The command as a user types it.
pub(crate) fn display(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut text = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        match argument.to_string_lossy() {
            argument if argument.is_empty() => text.push_str("''"),
            argument => text.push_str(&argument),
        }
    }
    text
}
