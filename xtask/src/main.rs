//! `cargo xtask`: everything a developer or CI runs. It needs Rust, and Python for the tests of ONNX Runtime; what else is
//! missing, it installs.

mod dependencies;
mod features;
mod peers;
mod python;
mod runner;
mod suite;
mod tools;
mod wheel;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    runner::{Runner, cargo},
    suite::Suite,
};

const HELP: &str = "\
Usage: cargo xtask COMMAND

  check    formatting, lints, feature combinations, dependency assertions
  test     all that CI runs: check, tests, documentation, licences
  docs     the API documentation, where a broken link is an error
  bench    the benches; further arguments go to criterion
  bench peers [--rounds N] [--runtime NAME] [--models SELECTION]
           facekit beside OpenCV, ONNX Runtime, faiss and hnswlib in Python, in turn;
           facekit's models are those in FACEKIT_MODELS, where it is set
  bench python [the same options]
           the Python package beside the same calls from Rust, and beside the peers
  wheel [--profile NAME] [--python PROGRAM]
           the wheel of the Python package, with cargo's profile dist; into target/wheels
  py [--profile NAME] [--python PROGRAM] [--wheel FILE]
           a wheel, such a one with cargo's profile dev unless it is named, installed in an
           environment of its own and tested there
  help     this text

Environment:
  FACEKIT_TEST_DATA    folder with weights and photos. Without it, tests that need them are
                       skipped and listed; with it, a skip for want of data is a failure.
                       `bench peers` and `bench python` need it.
  ORT_DYLIB_PATH       the library of ONNX Runtime that is tested. Without it, test gets one: a
                       Python environment under target/tools, into which pip installs it.
  FACEKIT_SKIP_LOG     set for the tests: the file that they append `SKIP name: reason` to
";

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

fn run() -> Result<bool> {
    let mut arguments = env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let command = command.as_deref().unwrap_or("help");
    if !rest.is_empty() && !["bench", "py", "wheel"].contains(&command) {
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
            let dev = wheel::Options::parse(&[], "dev")?;
            py(&mut runner, &mut suite, &dev);
            match wheel::Options::free_threaded("dev") {
                Some(dev) => py(&mut runner, &mut suite, &dev),
                None => runner.step("Python without a GIL", || {
                    wheel::Options::skip_free_threaded(&mut suite)
                }),
            }
            docs(&mut runner);
            runner.step("licences, bans and sources", tools::deny);
            runner.step("skips", || suite.check_skips());
            let passed = runner.report();
            // Alone on the last line, for whoever reads the end of a log.
            println!("{}", suite.summary());
            return Ok(passed);
        }
        "py" => {
            let mut suite = Suite::new()?;
            py(
                &mut runner,
                &mut suite,
                &wheel::Options::parse(&rest, "dev")?,
            );
            runner.step("skips", || suite.check_skips());
            let passed = runner.report();
            println!("{}", suite.summary());
            return Ok(passed);
        }
        "wheel" => {
            let options = wheel::Options::parse(&rest, "dist")?;
            runner.step("wheel", || options.build().map(drop));
        }
        "bench" if rest.first().is_some_and(|first| first == "peers") => {
            runner.step("peers", || peers::run(&rest[1..]));
        }
        "bench" if rest.first().is_some_and(|first| first == "python") => {
            runner.step("Python", || peers::run_package(&rest[1..]));
        }
        "bench" => {
            let mut bench = cargo(&["bench", "-p", "benches", "--"]);
            bench.args(rest);
            runner.step("benches", || runner::succeed(&mut bench));
        }
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
    for features in ["", "engine", "decode", "store", "download"] {
        let name = match features {
            "" => "lints: facekit without features".to_owned(),
            _ => format!("lints: facekit with {features} alone"),
        };
        let facekit = ["clippy", "-p", "facekit", "--no-default-features"];
        let facekit = [&facekit[..], &["--features", features], &deny].concat();
        runner.cargo(&name, &facekit);
    }
    let rules = ["clippy", "-p", "attendance-rules", "--no-default-features"];
    runner.cargo(
        "lints: attendance-rules without features",
        &[&rules[..], &deny].concat(),
    );
    runner.step("dependencies", dependencies::check);
    runner.step("features of dependencies", features::check);
}

/// The Python package, as it is installed.
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
