//! Commands of the hosted workflow: other systems, other versions of Rust, and what needs the network.

use anyhow::Result;

use crate::{
    runner::{cargo, command, output, succeed},
    tools::{self, CARGO_DENY, CARGO_SEMVER_CHECKS},
    workspace::{Workspace, published},
};

/// Builds the published crates for this system.
pub(crate) fn libraries() -> Result<()> {
    let mut build = cargo(&["build", "--locked", "--lib", "--all-features"]);
    succeed(build.args(published()))
}

/// Builds each published crate with the oldest Rust that it supports.
pub(crate) fn msrv() -> Result<()> {
    let workspace = Workspace::read()?;
    for ([major, minor, patch], crates) in workspace.rust_versions() {
        let toolchain = format!("{major}.{minor}.{patch}");
        let install = ["toolchain", "install", &toolchain, "--profile", "minimal"];
        succeed(&mut command("rustup", &install))?;
        // The same features as in `libraries`.
        let check = ["run", &toolchain, "cargo", "check", "--locked", "--lib"];
        let mut check = command("rustup", &check);
        check.arg("--all-features");
        succeed(check.args(crates.iter().flat_map(|name| ["-p", name])))?;
    }
    Ok(())
}

/// Compares the dependencies with the database of known vulnerabilities.
pub(crate) fn advisories() -> Result<()> {
    let mut check = tools::cargo_tool("cargo-deny", CARGO_DENY)?;
    succeed(check.args(["check", "advisories"]))
}

/// Compares the public API with that of the last release, which is the last tag `v*`.
pub(crate) fn semver() -> Result<()> {
    let tags = ["tag", "--list", "v*", "--sort", "-version:refname"];
    let tags = output(&mut command("git", &tags))?;
    let Some(release) = tags.lines().next() else {
        println!("there is no tag v*: no release to compare with");
        return Ok(());
    };
    let mut check = tools::cargo_tool("cargo-semver-checks", CARGO_SEMVER_CHECKS)?;
    check.args(["--baseline-rev", release]);
    succeed(check.args(published()))
}
