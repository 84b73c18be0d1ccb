//! The Python package: building its wheel, and testing the wheel as users install it.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail};

use crate::{
    python,
    runner::{cargo, command, output, root, succeed, target},
    suite::Suite,
};

const MATURIN: &str = "maturin==1.16.0";

/// The packages that the tests need beside the wheel.
const PACKAGES: &[&str] = &[
    "mypy==2.4.1",
    "numpy==2.4.6",
    python::ONNXRUNTIME,
    "pillow==13.0.0",
    "pytest==9.2.0",
];

/// The profile of cargo for the wheels that are published.
pub(crate) const RELEASED: &str = "dist";

/// Interpreters without a GIL. Each needs its own wheel.
const FREE_THREADED: &[&str] = &["python3.14t", "python3.15t"];

/// Selects a wheel.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// A wheel that was built before.
    wheel: Option<PathBuf>,
    /// The profile of cargo.
    profile: String,
    /// The interpreter that it is built for and tested with. One wheel serves all interpreters with a GIL.
    python: String,
}

impl Options {
    /// Reads `--profile NAME`, `--python PROGRAM` and `--wheel FILE`.
    pub(crate) fn parse(arguments: &[String], profile: &str) -> Result<Self> {
        let mut options = Self {
            wheel: None,
            profile: profile.to_owned(),
            python: python::SYSTEM.to_owned(),
        };
        for pair in arguments.chunks(2) {
            match pair {
                [name, value] if name == "--profile" => options.profile.clone_from(value),
                [name, value] if name == "--python" => options.python.clone_from(value),
                [name, value] if name == "--wheel" => {
                    options.wheel = Some(path::absolute(value).context("--wheel")?);
                }
                [name] => bail!("{name}: a value is missing"),
                _ => bail!("no option {}: see cargo xtask help", pair[0]),
            }
        }
        Ok(options)
    }

    /// The wheel for an interpreter without a GIL, if the system has one.
    pub(crate) fn free_threaded(profile: &str) -> Option<Self> {
        let works = |name: &&&str| output(&mut command(name, &["-c", ""])).is_ok();
        FREE_THREADED.iter().find(works).map(|python| Self {
            wheel: None,
            profile: profile.to_owned(),
            python: (*python).to_owned(),
        })
    }

    /// Records that [`Options::free_threaded`] found no interpreter.
    pub(crate) fn skip_free_threaded(suite: &mut Suite) -> Result<()> {
        let names = FREE_THREADED.join(", ");
        suite.skip(
            "python without a GIL",
            &format!("the system has no {names}"),
        )
    }

    /// Builds the wheel, unless one is given.
    pub(crate) fn build(&self) -> Result<PathBuf> {
        if let Some(wheel) = &self.wheel {
            return Ok(wheel.clone());
        }
        let maturin = python::environment("maturin", &[MATURIN])?;
        let folder = folder(&self.profile);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        let manifest = Path::new("facekit-py").join("Cargo.toml");
        let mut build = command(maturin, &["-m", "maturin", "build", "--locked"]);
        build.args(["--profile", &self.profile, "--interpreter", &self.python]);
        build.arg("--manifest-path").arg(manifest);
        build.arg("--out").arg(&folder);
        succeed(&mut build)?;
        if let Some(wheel) = wheels(&folder)?.pop() {
            let megabytes = fs::metadata(&wheel)?.len() as f64 / 1e6;
            println!("{}: {megabytes:.1} MB", wheel.display());
            return Ok(wheel);
        }
        bail!("maturin left no wheel in {}", folder.display())
    }

    /// Installs the wheel in an environment with nothing but the packages of the tests, and runs the tests.
    pub(crate) fn test(&self, wheel: &Path, suite: &mut Suite) -> Result<()> {
        let name = match Path::new(&self.python).file_name() {
            Some(name) if self.python != python::SYSTEM => format!("wheel-{}", name.display()),
            _ => "wheel".to_owned(),
        };
        let python = python::environment_of(&self.python, &name, PACKAGES)?;
        install(&python, wheel)?;
        // In another folder than the sources, so that Python imports the installed package.
        let elsewhere = wheel.parent().context("a wheel is in a folder")?;
        let tests = root().join("facekit-py");
        let mut pytest = command(
            &python,
            &["-m", "pytest", "--quiet", "-p", "no:cacheprovider"],
        );
        pytest.arg("--rootdir").arg(&tests).arg(tests.join("tests"));
        pytest.current_dir(elsewhere);
        let [command, quickstart] = programs()?;
        pytest.env("FACEKIT_TEST_COMMAND", command);
        pytest.env("FACEKIT_TEST_QUICKSTART", quickstart);
        suite.pytest(pytest)
    }
}

/// Checks the wheels that `cargo xtask wheel` has built: version, license files, README and types.
pub(crate) fn check_released(version: &str) -> Result<()> {
    let folder = folder(RELEASED);
    let wheels = if folder.is_dir() {
        wheels(&folder)?
    } else {
        Vec::new()
    };
    if wheels.is_empty() {
        bail!(
            "{} holds no wheel: build one with `cargo xtask wheel`, which takes minutes",
            folder.display()
        );
    }
    let commit = output(&mut command("git", &["log", "-1", "--format=%ct"]))?;
    let commit: u64 = commit.trim().parse().context("git log: not a time")?;
    let commit = SystemTime::UNIX_EPOCH + Duration::from_secs(commit);
    for wheel in wheels {
        if fs::metadata(&wheel)?.modified()? < commit {
            bail!(
                "{} is older than the last commit: build it again with `cargo xtask wheel`",
                wheel.display()
            );
        }
        let mut check = command(python::SYSTEM, &["xtask/src/check_wheel.py"]);
        print!("{}", output(check.arg(&wheel).arg(version))?);
    }
    Ok(())
}

/// Installs the wheel in an environment, and replaces the one that is there.
pub(crate) fn install(python: &Path, wheel: &Path) -> Result<()> {
    let pip = ["-m", "pip", "install", "--quiet"];
    let mut pip = command(python, &pip);
    pip.args(["--no-deps", "--force-reinstall"]);
    succeed(pip.arg(wheel))
}

/// The folder of the wheels of a profile.
fn folder(profile: &str) -> PathBuf {
    root().join("target").join("wheels").join(profile)
}

fn wheels(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut wheels = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            wheels.push(path);
        }
    }
    Ok(wheels)
}

/// The command and the quickstart, with which the tests compare the package. They have the features of the workspace's tests, so
/// cargo compiles nothing twice.
fn programs() -> Result<[PathBuf; 2]> {
    const NAMES: [&str; 2] = ["facekit", "quickstart"];
    let mut build = cargo(&["build", "--workspace", "--all-features"]);
    for name in NAMES {
        build.args(["--bin", name]);
    }
    succeed(&mut build)?;
    let folder = target().join("debug");
    Ok(NAMES.map(|name| folder.join(name).with_extension(env::consts::EXE_EXTENSION)))
}
