//! `cargo xtask`: every command that a developer or CI runs. It needs Rust and Python, and installs the other tools itself.

mod browser;
mod clips;
mod dependencies;
mod features;
mod hosted;
mod layers;
mod peers;
mod python;
mod release;
mod runner;
mod soak;
mod suite;
mod tools;
mod wheel;
mod workspace;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    runner::{Runner, cargo},
    suite::Suite,
    workspace::Workspace,
};

const HELP: &str = "\
Usage: cargo xtask COMMAND

Checks and tests:
  check    formatting, lints, combinations of features, dependencies, manifests, the workflow
  test     everything that CI runs on Linux: check, tests, the Python package, documentation,
           licenses
  server   the pages of attendance-server in Chromium; installs Chromium, Node and the driver
           on Debian
  soak NAME
           the long form of some tests; `soak list` lists them
  docs     the API documentation; a broken link is an error

The Python package:
  wheel [--profile NAME] [--python PROGRAM]
           builds the wheel into target/wheels, with cargo's profile dist by default
  py [--profile NAME] [--python PROGRAM] [--wheel FILE]
           installs a wheel in an environment of its own and tests it there; builds the wheel
           first, with cargo's profile dev by default, unless --wheel names one

Measurements:
  bench [ARGUMENTS]
           the benches; criterion gets the arguments
  bench peers [--rounds N] [--runtime NAME] [--models SELECTION]
           compares facekit with OpenCV, ONNX Runtime, faiss and hnswlib in Python,
           in alternating rounds; facekit takes its models from FACEKIT_MODELS if it is set
  bench python [the same options]
           compares the Python package with the same calls from Rust, and with the peers
  bench server [PART]...
           attendance-server under load; its part `peer` compares it with a service of FastAPI
  bench tracks
           compares the tracker with ByteTrack on the same detections, in computed videos
  bench cameras
           cameras at the same time: the share of two cores, ages of frames, memory; on Linux

Releases:
  release  prints the steps of a release; publishes nothing
  release --dry-run
           the release checklist: versions, changelog, the packages of the crates, the wheel

For the hosted workflow:
  libraries   builds the published crates for this system
  msrv        builds the published crates with the oldest Rust that they support; installs it
  advisories  known vulnerabilities of dependencies; fetches the list of them
  semver      changes of the public API since the last release, which is the last tag v*

  help     this text

Environment:
  FACEKIT_TEST_DATA    the folder with weights and photos. If it is not set, tests that need it
                       are skipped and listed. If it is set, a skipped test is a failure.
                       `bench peers`, `bench python` and the part `peer` of
                       `bench server` need it.
  ORT_DYLIB_PATH       the library of ONNX Runtime for the tests. If it is not set, pip installs
                       one into a Python environment in target/tools.
  PROPTEST_RNG_SEED    the seed of random test cases. If it is not set, each run draws new cases.
  CHROMIUM             the browser for the pages of attendance-server, /usr/bin/chromium by default
  SCREENSHOTS          set for `server`: the folder in which it writes a picture of each page
  FACEKIT_SKIP_LOG     set for the tests: the file to which they append `SKIP name: reason`
  FACEKIT_SOAK         set by some soaks: tests run their long form
";

/// The settings of `bench cameras`, each for five minutes.
const CAMERAS: [&str; 8] = [
    "--protocol rtsp --cameras 8 --height 360 --seconds 300 --runtime ort",
    "--protocol rtsp --cameras 8 --height 360 --seconds 300 --runtime tract",
    "--protocol rtsp --cameras 4 --height 1080 --seconds 300 --runtime ort",
    "--protocol rtsp --cameras 4 --height 1080 --seconds 300 --runtime tract",
    "--protocol rtsp --cameras 16 --height 360 --seconds 300 --runtime ort",
    "--protocol rtsp --cameras 16 --height 360 --seconds 300 --runtime tract",
    "--protocol http --cameras 8 --height 360 --seconds 300 --runtime ort",
    "--protocol http --cameras 8 --height 360 --seconds 300 --runtime tract",
];

/// The commands that take arguments.
const WITH_ARGUMENTS: [&str; 5] = ["bench", "py", "release", "soak", "wheel"];

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command of the arguments. `false` if a step failed.
fn run() -> Result<bool> {
    let mut arguments = env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let command = command.as_deref().unwrap_or("help");
    if !rest.is_empty() && !WITH_ARGUMENTS.contains(&command) {
        bail!("{command} takes no arguments; see cargo xtask help");
    }
    let mut runner = Runner::default();
    match command {
        "check" => check(&mut runner),
        "docs" => docs(&mut runner),
        "test" => {
            let mut suite = Suite::new()?;
            check(&mut runner);
            runner.step("ONNX Runtime", || suite.install_onnxruntime());
            runner.step("tests", || suite.run(&["--all-targets"]));
            runner.step("documentation tests", || suite.run(&["--doc"]));
            runner.step("server", || browser::test(&mut suite));
            let dev = wheel::Options::parse(&[], "dev")?;
            py(&mut runner, &mut suite, &dev);
            match wheel::Options::free_threaded("dev") {
                Some(dev) => py(&mut runner, &mut suite, &dev),
                None => runner.step("Python without a GIL", || {
                    wheel::Options::skip_free_threaded(&mut suite)
                }),
            }
            docs(&mut runner);
            runner.step("licenses, bans and sources", tools::deny);
            return Ok(summarize(&mut runner, &mut suite));
        }
        "soak" => match rest.as_slice() {
            [] => bail!("soak needs a name; there are:\n{}", soak::list()),
            [list] if list == "list" => {
                print!("{}", soak::list());
                return Ok(true);
            }
            [name] => {
                let soak = soak::find(name)?;
                let mut suite = Suite::new()?;
                runner.step(name, || soak.run(&mut suite));
                return Ok(summarize(&mut runner, &mut suite));
            }
            _ => bail!("soak takes one name"),
        },
        "server" => {
            let mut suite = Suite::new()?;
            runner.step("server", || browser::test(&mut suite));
            return Ok(summarize(&mut runner, &mut suite));
        }
        "py" => {
            let mut suite = Suite::new()?;
            let options = wheel::Options::parse(&rest, "dev")?;
            py(&mut runner, &mut suite, &options);
            return Ok(summarize(&mut runner, &mut suite));
        }
        "wheel" => {
            let options = wheel::Options::parse(&rest, wheel::RELEASED)?;
            runner.step("wheel", || options.build().map(drop));
        }
        "bench" if rest.first().is_some_and(|first| first == "peers") => {
            runner.step("peers", || peers::run(&rest[1..]));
        }
        "bench" if rest.first().is_some_and(|first| first == "python") => {
            runner.step("Python", || peers::run_package(&rest[1..]));
        }
        "bench" if rest.first().is_some_and(|first| first == "server") => {
            runner.step("server", || peers::run_server(&rest[1..]));
        }
        "bench" if rest == ["tracks"] => runner.step("tracks", peers::run_tracks),
        "bench" if rest == ["cameras"] => {
            let mut suite = Suite::new()?;
            runner.step("ONNX Runtime", || suite.install_onnxruntime());
            for setting in CAMERAS {
                let mut bench = cargo(&[
                    "run",
                    "--release",
                    "-p",
                    "benches",
                    "--example",
                    "cameras",
                    "--",
                ]);
                suite.with_onnxruntime(bench.args(setting.split(' ')));
                runner.step(setting, || runner::succeed(&mut bench));
            }
        }
        "bench" => {
            let mut bench = cargo(&["bench", "-p", "benches", "--"]);
            bench.args(rest);
            runner.step("benches", || runner::succeed(&mut bench));
        }
        "release" => match rest.as_slice() {
            [] => {
                release::explain()?;
                return Ok(true);
            }
            [option] if option == "--dry-run" => release::dry_run(&mut runner)?,
            _ => bail!("release takes --dry-run and nothing else"),
        },
        "libraries" => runner.step("published crates", hosted::libraries),
        "msrv" => runner.step("published crates on the oldest Rust", hosted::msrv),
        "advisories" => runner.step("advisories", hosted::advisories),
        "semver" => runner.step("changes of the public API", hosted::semver),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            return Ok(true);
        }
        other => bail!("no command {other:?}; see cargo xtask help"),
    }
    Ok(runner.report())
}

fn check(runner: &mut Runner) {
    runner.step("toolchain", tools::components);
    runner.cargo("formatting", &["fmt", "--all", "--check"]);
    let deny = ["--", "-D", "warnings"];
    let workspace = ["clippy", "--workspace", "--all-targets", "--all-features"];
    runner.cargo("lints", &[&workspace[..], &deny].concat());
    for features in ["", "engine", "decode", "store", "download", "hnsw_rs"] {
        let name = match features {
            "" => "lints: facekit without features".to_owned(),
            _ => format!("lints: facekit with {features} alone"),
        };
        let facekit = ["clippy", "-p", "facekit", "--no-default-features"];
        let facekit = [&facekit[..], &["--features", features], &deny].concat();
        runner.cargo(&name, &facekit);
    }
    for package in ["attendance-rules", "facekit-runtimes"] {
        let bare = ["clippy", "-p", package, "--no-default-features"];
        let name = format!("lints: {package} without features");
        runner.cargo(&name, &[&bare[..], &deny].concat());
    }
    runner.step("dependencies", dependencies::check);
    runner.step("manifests", || Workspace::read()?.check());
    runner.step("hosted workflow", tools::lint_workflow);
    runner.step("features of dependencies", features::check);
    runner.step("layers of attendance-server", layers::check);
}

/// Builds and tests the Python package as users install it.
fn py(runner: &mut Runner, suite: &mut Suite, options: &wheel::Options) {
    let mut wheel = None;
    runner.step("wheel", || {
        wheel = Some(options.build()?);
        Ok(())
    });
    if let Some(wheel) = wheel {
        runner.step("Python tests", || options.test(&wheel, suite));
    }
}

fn docs(runner: &mut Runner) {
    let mut docs = cargo(&["doc", "--no-deps", "--workspace", "--all-features"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    runner.step("documentation", || runner::succeed(&mut docs));
}

/// Prints what was skipped, the times and the counts. `false` if a step failed.
fn summarize(runner: &mut Runner, suite: &mut Suite) -> bool {
    runner.step("skips", || suite.check_skips());
    let passed = runner.report();
    // The counts are alone on the last line, where a reader of the log finds them.
    println!("{}", suite.summary());
    passed
}
