//! The Python package: building its wheel, and testing it as its users get it.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    python,
    runner::{cargo, command, output, root, succeed, target},
    suite::Suite,
};

const MATURIN: &str = "maturin==1.16.0";

/// What the tests need beside the wheel.
const PACKAGES: &[&str] = &[
    "mypy==2.4.1",
    "numpy==2.4.6",
    python::ONNXRUNTIME,
    "pillow==13.0.0",
    "pytest==9.2.0",
];

/// Interpreters without a GIL, which need a wheel of their own.
const FREE_THREADED: &[&str] = &["python3.14t", "python3.15t"];

/// Which wheel.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// One that was built before.
    wheel: Option<PathBuf>,
    /// cargo's profile.
    profile: String,
    /// The interpreter that it is built for and tested with. One wheel serves all but free-threaded ones, which need their own.
    python: String,
}

impl Options {
    /// From `--profile NAME`, `--python PROGRAM` and `--wheel FILE`.
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

    /// For an interpreter without a GIL, where there is one.
    pub(crate) fn free_threaded(profile: &str) -> Option<Self> {
        let works = |name: &&&str| output(&mut command(name, &["-c", ""])).is_ok();
        FREE_THREADED.iter().find(works).map(|python| Self {
            wheel: None,
            profile: profile.to_owned(),
            python: (*python).to_owned(),
        })
    }

    /// Says that [`Options::free_threaded`] found none.
    pub(crate) fn skip_free_threaded(suite: &mut Suite) -> Result<()> {
        let names = FREE_THREADED.join(", ");
        suite.skip(
            "python without a GIL",
            &format!("no interpreter: none of {names}"),
        )
    }

    /// Builds the wheel, unless there is one.
    pub(crate) fn build(&self) -> Result<PathBuf> {
        if let Some(wheel) = &self.wheel {
            return Ok(wheel.clone());
        }
        let maturin = python::environment("maturin", &[MATURIN])?;
        let folder = root().join("target").join("wheels").join(&self.profile);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        let manifest = Path::new("facekit-py").join("Cargo.toml");
        let mut build = command(maturin, &["-m", "maturin", "build", "--locked"]);
        build.args(["--profile", &self.profile, "--interpreter", &self.python]);
        build.arg("--manifest-path").arg(manifest);
        build.arg("--out").arg(&folder);
        succeed(&mut build)?;
        let wheels = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in wheels {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "whl") {
                let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
                println!("{}: {megabytes:.1} MB", path.display());
                return Ok(path);
            }
        }
        bail!("{}: no wheel was built", folder.display())
    }

    /// Installs the wheel in an environment that has only what the tests need, and runs them.
    pub(crate) fn test(&self, wheel: &Path, suite: &mut Suite) -> Result<()> {
        let name = match Path::new(&self.python).file_name() {
            Some(name) if self.python != python::SYSTEM => format!("wheel-{}", name.display()),
            _ => "wheel".to_owned(),
        };
        let python = python::environment_of(&self.python, &name, PACKAGES)?;
        install(&python, wheel)?;
        // Elsewhere, so that nothing but what is installed can be imported.
        let elsewhere = wheel.parent().context("a wheel lies in a folder")?;
        let tests = root().join("facekit-py");
        let mut pytest = command(
            &python,
            &["-m", "pytest", "--quiet", "-p", "no:cacheprovider"],
        );
        pytest.arg("--rootdir").arg(&tests).arg(tests.join("tests"));
        pytest.current_dir(elsewhere);
        pytest.env("FACEKIT_TEST_COMMAND", facekit()?);
        suite.pytest(pytest)
    }
}

/// Installs the wheel in an environment in the place of the one it has.
pub(crate) fn install(python: &Path, wheel: &Path) -> Result<()> {
    let pip = ["-m", "pip", "install", "--quiet"];
    let mut pip = command(python, &pip);
    pip.args(["--no-deps", "--force-reinstall"]);
    succeed(pip.arg(wheel))
}

/// The command that the package is compared with, as the tests of the workspace compile it.
fn facekit() -> Result<PathBuf> {
    let all = ["build", "--workspace", "--all-features"];
    succeed(cargo(&all).args(["--bin", "facekit"]))?;
    let program = target().join("debug").join("facekit");
    Ok(program.with_extension(env::consts::EXE_EXTENSION))
}
