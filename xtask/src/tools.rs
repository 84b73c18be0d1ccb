//! Tools beside cargo, installed where they are missing.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{
    python,
    runner::{cargo, command, output, root, succeed},
};

pub(crate) const CARGO_DENY: &str = "0.20.2";
pub(crate) const CARGO_SEMVER_CHECKS: &str = "0.51.0";
/// The linter of the hosted workflow.
const ZIZMOR: &str = "zizmor==1.32.0";

/// Installs rustfmt and clippy, which a toolchain of the minimal profile lacks.
pub(crate) fn components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        match output(&mut cargo(&[subcommand, "--version"])) {
            Ok(version) => println!("{}", version.trim()),
            Err(_) => succeed(&mut command("rustup", &["component", "add", component]))?,
        }
    }
    Ok(())
}

/// Checks licenses, duplicate and banned crates, and the sources of crates, as deny.toml says.
pub(crate) fn deny() -> Result<()> {
    let mut check = cargo_tool("cargo-deny", CARGO_DENY)?;
    succeed(check.args(["check", "licenses", "bans", "sources"]))
}

/// Checks the syntax and the security of the files in .github.
pub(crate) fn lint_workflow() -> Result<()> {
    let python = python::environment("zizmor", &[ZIZMOR])?;
    let zizmor = python.with_file_name("zizmor");
    // Offline, so that the answer does not depend on the network.
    let lint = [
        "--offline",
        "--strict-collection",
        "--no-progress",
        ".github",
    ];
    succeed(&mut command(zizmor, &lint))
}

/// A subcommand of cargo: the one that the user has installed, or `version` of it, which is built into target/tools.
pub(crate) fn cargo_tool(name: &str, version: &str) -> Result<Command> {
    // As cargo calls it: `cargo deny` is `cargo-deny deny`.
    let subcommand = name.strip_prefix("cargo-").unwrap_or(name);
    let with_version = |program: &Path| output(&mut command(program, &[subcommand, "--version"]));
    if with_version(Path::new(name)).is_ok() {
        return Ok(command(name, &[subcommand]));
    }
    let tools = root().join("target").join("tools");
    let program = tools.join("bin").join(name);
    let wanted = format!("{name} {version}");
    if with_version(&program).ok().as_deref().map(str::trim) != Some(&wanted) {
        let mut install = cargo(&["install", "--locked", name, "--version", version]);
        install.arg("--root").arg(&tools);
        install.arg("--target-dir").arg(tools.join("build"));
        // It runs for a second: the time to compile it counts, and its speed does not.
        install
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
        succeed(&mut install)?;
    }
    Ok(command(program, &[subcommand]))
}
