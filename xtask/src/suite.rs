//! Runs the tests, and counts those that passed, failed and were skipped.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, IsTerminal, Write as _},
    path::{self, PathBuf},
    process::{self, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    python,
    runner::{cargo, display},
};

/// The folder with weights and photos.
const DATA: &str = "FACEKIT_TEST_DATA";
/// The file to which tests append the names of skipped tests.
pub(crate) const SKIP_LOG: &str = "FACEKIT_SKIP_LOG";

/// The path of the library of ONNX Runtime.
const LIBRARY: &str = "ORT_DYLIB_PATH";
/// A Python that has the packages onnx and onnxruntime.
const PYTHON: &str = "FACEKIT_TEST_PYTHON";

/// Test runs, and the sums of their counts.
pub(crate) struct Suite {
    counts: Counts,
    data: Option<PathBuf>,
    library: Option<PathBuf>,
    python: Option<PathBuf>,
    log: PathBuf,
    skips: BTreeMap<String, String>,
}

impl Suite {
    pub(crate) fn new() -> Result<Self> {
        let data = env::var_os(DATA).filter(|folder| !folder.is_empty());
        // Test programs run in the folders of their packages, so the path must be absolute.
        let data = data.map(path::absolute).transpose().context(DATA)?;
        if let Some(folder) = data.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("{DATA}: {} is not a folder", folder.display());
        }
        let log = env::temp_dir().join(format!("facekit-skips-{}.log", process::id()));
        fs::write(&log, "").with_context(|| log.display().to_string())?;
        Ok(Self {
            counts: Counts::default(),
            data,
            library: env::var_os(LIBRARY)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            python: None,
            log,
            skips: BTreeMap::new(),
        })
    }

    /// Installs Python with ONNX Runtime for the tests. If `ORT_DYLIB_PATH` is set, the tests use that library.
    pub(crate) fn install_onnxruntime(&mut self) -> Result<()> {
        let packages = [python::ONNXRUNTIME, python::ONNX];
        let python = python::environment("onnxruntime", &packages)?;
        let library = match self.library.take() {
            Some(library) => library,
            None => python::onnxruntime(&python)?,
        };
        println!("{LIBRARY}={}", library.display());
        println!("{PYTHON}={}", python.display());
        (self.library, self.python) = (Some(library), Some(python));
        Ok(())
    }

    /// Runs `cargo test` for these targets of the workspace, and prints its output.
    pub(crate) fn run(&mut self, targets: &[&str]) -> Result<()> {
        self.test(cargo_test(targets))
    }

    /// Runs chosen tests with these variables. An error if there are no such tests.
    pub(crate) fn run_chosen(
        &mut self,
        tests: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<()> {
        let before = self.counts;
        let mut test = cargo_test(tests);
        test.envs(environment.iter().copied());
        self.test(test)?;
        if self.counts == before {
            bail!("no test ran: no name matches {}", tests.join(" "));
        }
        Ok(())
    }

    /// Tells a command where ONNX Runtime is.
    pub(crate) fn with_onnxruntime(&self, command: &mut Command) {
        let paths = [(LIBRARY, &self.library), (PYTHON, &self.python)];
        for (name, path) in paths {
            command.envs(path.as_ref().map(|path| (name, path)));
        }
    }

    fn test(&mut self, mut test: Command) -> Result<()> {
        self.with_onnxruntime(&mut test);
        self.count(test, Counts::parse)
    }

    /// Runs tests of pytest, and prints their output.
    pub(crate) fn pytest(&mut self, mut test: Command) -> Result<()> {
        // The package must find ONNX Runtime by itself.
        test.env_remove(LIBRARY).arg("--color=no");
        self.count(test, Counts::parse_pytest)
    }

    /// Runs tests, and adds the counts in their output.
    fn count(&mut self, mut test: Command, parse: fn(&str) -> Option<Counts>) -> Result<()> {
        test.env(SKIP_LOG, &self.log).stdout(Stdio::piped());
        test.env_remove(DATA);
        test.envs(self.data.as_ref().map(|data| (DATA, data)));
        if std::io::stdout().is_terminal() {
            test.env("CARGO_TERM_COLOR", "always");
        }
        println!("{}", display(&test));

        let mut child = test.spawn().with_context(|| display(&test))?;
        let mut counts = Counts::default();
        let output = child.stdout.take().context("no output")?;
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            counts.add(parse(&line).unwrap_or_default());
        }
        let status = child.wait()?;
        if !status.success() && counts.failed == 0 {
            // Tests that do not compile, and tests that crash, print no counts.
            counts.failed = 1;
        }
        self.counts.add(counts);
        if !status.success() {
            bail!("{} ended with {status}", display(&test));
        }
        Ok(())
    }

    /// Records a test that cannot run, in the same way as a test that skips itself.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) -> Result<()> {
        let mut log = OpenOptions::new().append(true).open(&self.log)?;
        writeln!(log, "SKIP {name}: {reason}")?;
        println!("skipped {name}: {reason}");
        // `summary` subtracts the skips of the log from the tests that passed.
        self.counts.passed += 1;
        Ok(())
    }

    /// Lists the skipped tests. An error if a test did not find data or a library that is there.
    pub(crate) fn check_skips(&mut self) -> Result<()> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        fs::remove_file(&self.log).ok();
        self.skips = log.lines().filter_map(parse_skip).collect();
        for (name, reason) in &self.skips {
            println!("skipped {name}: {reason}");
        }
        if self.skips.is_empty() {
            println!("no test was skipped");
        }
        let unexpected = self.unexpected_skips();
        if unexpected > 0 {
            bail!("{unexpected} tests were skipped although their data or library is there");
        }
        Ok(())
    }

    fn unexpected_skips(&self) -> usize {
        let unexpected = |reason: &&String| {
            let reason = reason.to_lowercase();
            (self.data.is_some() && reason.contains("data"))
                || (self.library.is_some() && reason.contains("onnx runtime"))
        };
        self.skips.values().filter(unexpected).count()
    }

    /// `N passed, N failed, N skipped`. The test harness counts a test that skips itself as passed; here it is skipped.
    pub(crate) fn summary(&self) -> String {
        let (skips, unexpected) = (self.skips.len(), self.unexpected_skips());
        format!(
            "{} passed, {} failed, {} skipped",
            self.counts.passed.saturating_sub(skips),
            self.counts.failed + unexpected,
            self.counts.ignored + skips - unexpected
        )
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads `10 passed, 2 failed, 1 skipped, 1 error in 3.21s`, the last line of pytest. Skipped tests count as passed until the
    /// log of skips is read, as with the other harness.
    fn parse_pytest(line: &str) -> Option<Self> {
        let (counts, _) = line.rsplit_once(" in ")?;
        let mut sum = Self::default();
        for count in counts.trim_matches(['=', ' ']).split(", ") {
            let (number, of) = count.split_once(' ')?;
            let number: usize = number.parse().ok()?;
            match of {
                "passed" | "skipped" => sum.passed += number,
                "failed" | "error" | "errors" => sum.failed += number,
                "warning" | "warnings" | "deselected" => {}
                _ => return None,
            }
        }
        Some(sum)
    }

    /// Reads `test result: ok. 10 passed; 0 failed; 1 ignored; 0 measured; …`, with or without colors.
    fn parse(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        let number = |of: &str| {
            let mut words = counts.split([' ', ';']).filter(|word| !word.is_empty());
            let at = words.clone().position(|word| word == of)?;
            words.nth(at.checked_sub(1)?)?.parse().ok()
        };
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
            ignored: number("ignored")?,
        })
    }
}

/// `cargo test` over the workspace, except the Python module: it has no tests in Rust and needs an interpreter to link.
fn cargo_test(targets: &[&str]) -> Command {
    let all = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    let without = ["--exclude", "facekit-py"];
    cargo(&[&all[..], &without, targets].concat())
}

/// The name and the reason of `SKIP name: reason`.
pub(crate) fn parse_skip(line: &str) -> Option<(String, String)> {
    let line = line.trim().strip_prefix("SKIP ")?;
    let (name, reason) = line.split_once(": ").unwrap_or((line, "no reason given"));
    Some((name.to_owned(), reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let line = "test result: \u{1b}[32mok\u{1b}[0m. 10 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        let counts = Counts {
            passed: 10,
            failed: 2,
            ignored: 1,
        };
        assert_eq!(Counts::parse(line), Some(counts));
        assert_eq!(Counts::parse("test result_is_kept ... ok"), None);
    }

    #[test]
    fn results_of_pytest_are_counted() {
        let counts = Counts {
            passed: 11,
            failed: 3,
            ignored: 0,
        };
        let line = "2 failed, 10 passed, 1 skipped, 1 warning, 1 error in 3.21s";
        assert_eq!(Counts::parse_pytest(line), Some(counts));
        assert_eq!(Counts::parse_pytest("10 tests collected in 0.1s"), None);
        assert_eq!(Counts::parse_pytest("......... [ 50%]"), None);
    }

    #[test]
    fn skips_name_a_test_and_a_reason() {
        assert_eq!(
            parse_skip("SKIP lfw: no data: lfw/pairs.txt"),
            Some(("lfw".into(), "no data: lfw/pairs.txt".into()))
        );
        assert_eq!(parse_skip("something else"), None);
    }

    #[test]
    fn a_skip_is_a_failure_if_its_data_or_library_is_there() {
        let mut suite = Suite {
            counts: Counts {
                passed: 5,
                ..Counts::default()
            },
            data: None,
            library: None,
            python: None,
            log: PathBuf::new(),
            skips: [
                ("a", "missing data: a.onnx"),
                ("b", "no GPU"),
                ("c", "ort: no usable library of ONNX Runtime"),
            ]
            .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
            .into(),
        };
        assert_eq!(suite.summary(), "2 passed, 0 failed, 3 skipped");
        suite.data = Some(PathBuf::new());
        assert_eq!(suite.summary(), "2 passed, 1 failed, 2 skipped");
        suite.library = Some(PathBuf::new());
        assert_eq!(suite.summary(), "2 passed, 2 failed, 1 skipped");
    }
}
