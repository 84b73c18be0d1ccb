//! A private Python, for what is compared with facekit.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::runner::{command, output, root, succeed};

/// A Python interpreter that has `packages`, each given as `name==version`, and shares nothing with the system's.
pub(crate) fn environment(packages: &[&str]) -> Result<PathBuf> {
    let folder = root().join("target/tools/python");
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if !python.exists() {
        create(&folder)?;
    }
    let listed = output(&mut command(
        &python,
        &["-m", "pip", "list", "--format", "freeze"],
    ))?;
    if packages
        .iter()
        .any(|package| !listed.lines().any(|line| line == *package))
    {
        let install = [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--quiet",
        ];
        succeed(&mut command(&python, &[&install[..], packages].concat()))?;
    }
    Ok(python)
}

/// Debian keeps the module for it in a package of its own.
fn create(folder: &std::path::Path) -> Result<()> {
    let create = || {
        let mut create = command("python3", &["-m", "venv", "--clear"]);
        create.arg(folder);
        succeed(&mut create)
    };
    if create().is_ok() {
        return Ok(());
    }
    succeed(&mut command("apt-get", &["install", "-y", "python3-venv"]))
        .context("Python's module venv is missing")?;
    create()
}
