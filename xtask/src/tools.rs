//! Tools beside cargo, fetched where they are missing.

use anyhow::Result;

use crate::runner::{cargo, command, output, root, succeed};

const CARGO_DENY: &str = "0.20.2";

/// rustfmt and clippy, which a toolchain of the minimal profile lacks.
pub(crate) fn components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        match output(&mut cargo(&[subcommand, "--version"])) {
            Ok(version) => println!("{}", version.trim()),
            Err(_) => succeed(&mut command("rustup", &["component", "add", component]))?,
        }
    }
    Ok(())
}

/// Licences, duplicate and banned crates, and where crates come from, by deny.toml.
pub(crate) fn deny() -> Result<()> {
    let check = ["check", "licenses", "bans", "sources"];
    if output(&mut cargo(&["deny", "--version"])).is_ok() {
        return succeed(cargo(&["deny"]).args(check));
    }
    // Not into the user's own folder: under target, where CI caches it with the rest.
    let tools = root().join("target").join("tools");
    let program = tools.join("bin").join("cargo-deny");
    let wanted = format!("cargo-deny {CARGO_DENY}");
    let there = output(&mut command(&program, &["--version"]));
    if there.ok().as_deref().map(str::trim) != Some(&wanted) {
        let install = ["install", "--locked", "cargo-deny", "--version", CARGO_DENY];
        let mut install = cargo(&install);
        install.arg("--root").arg(&tools);
        install.arg("--target-dir").arg(tools.join("build"));
        // It looks at one tree for a second: compiling it fast matters more than its speed.
        install
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
        succeed(&mut install)?;
    }
    succeed(&mut command(program, &check))
}
