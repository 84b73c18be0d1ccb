//! Private Python environments, for tools and libraries that are Python packages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::runner::{command, output, root, succeed};

/// The interpreter of the system.
pub(crate) const SYSTEM: &str = if cfg!(windows) { "python" } else { "python3" };

/// The version of ONNX Runtime in the tests of facekit-ort.
pub(crate) const ONNXRUNTIME: &str = "onnxruntime==1.31.1";
/// ONNX Runtime's tools for quantization need it.
pub(crate) const ONNX: &str = "onnx==1.23.2";

/// The Python program of an environment with these packages, which are given as for `pip install`. Each name has its own
/// environment in target/tools. An environment with other packages is replaced.
pub(crate) fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    environment_of(SYSTEM, name, packages)
}

/// An [`environment`] for another interpreter.
pub(crate) fn environment_of(system: &str, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = root().join("target").join("tools").join(name);
    let python = program(&folder);
    // Written last: an environment without it is incomplete.
    let list = folder.join("packages.txt");
    let wanted = packages.join("\n");
    let works = || output(&mut command(&python, &["-c", ""])).is_ok();
    if fs::read_to_string(&list).is_ok_and(|list| list == wanted) && works() {
        println!("{}: {}", folder.display(), packages.join(", "));
        return Ok(python);
    }
    create(system, &folder)?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    succeed(command(&python, &install).args(packages))?;
    fs::write(&list, wanted).with_context(|| list.display().to_string())?;
    Ok(python)
}

/// The path of the library of ONNX Runtime in an environment that has its package.
pub(crate) fn onnxruntime(python: &Path) -> Result<PathBuf> {
    let find = "import importlib.util; print(*importlib.util.find_spec('onnxruntime').submodule_search_locations)";
    let package = output(&mut command(python, &["-c", find]))?;
    let folder = Path::new(package.trim()).join("capi");
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name == "onnxruntime.dll" || name.starts_with("libonnxruntime.") {
            return Ok(folder.join(&*name));
        }
    }
    bail!("{} has no library of ONNX Runtime", folder.display());
}

fn create(system: &str, folder: &Path) -> Result<()> {
    let mut venv = command(system, &["-m", "venv", "--clear"]);
    venv.arg(folder);
    if succeed(&mut venv).is_ok() {
        return Ok(());
    }
    // On Debian and Ubuntu the module venv is a separate package.
    let apt = |arguments: &[&str]| {
        let mut apt = command("apt-get", arguments);
        succeed(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "--quiet"])
        .and_then(|()| {
            apt(&[
                "install",
                "--yes",
                "--no-install-recommends",
                "python3-venv",
            ])
        })
        .context("Python needs its module venv: install it")?;
    succeed(&mut venv)
}

fn program(folder: &Path) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python")
    }
}
