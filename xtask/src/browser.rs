//! The tests of pages in Chromium: those of attendance-server, and the page of a challenge.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    runner::{cargo, command, output, root, succeed, target},
    suite::{SKIP_LOG, Suite, parse_skip},
};

/// The driver of the browser, and the rules for accessible pages.
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/// The program of the browser, if it is not the one of Debian.
const CHROMIUM: &str = "CHROMIUM";
/// The browser of Debian.
const DEBIAN: &str = "/usr/bin/chromium";

/// The program of the office, and the folder of its scripts.
const SERVER: &str = "attendance-server";
pub(crate) const SCRIPTS: &str = "examples/attendance-server/tests/browser";

/// The tests end after this time, finished or not.
const LIMIT: Duration = Duration::from_secs(8 * 60);
/// A long run ends after this time.
const LONG_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The page of a challenge: its program, and the folder of its scripts.
const CHALLENGE: (&str, &str) = ("challenge-page", "examples/challenge-page/tests/browser");

/// Tests the pages. They are skipped where Node or Chromium is missing and cannot be installed.
///
/// Screenshots are in the folder of the environment variable `SCREENSHOTS`, if it is set.
pub(crate) fn test(suite: &mut Suite) -> Result<()> {
    for (program, scripts) in [(SERVER, SCRIPTS), CHALLENGE] {
        let script = format!("{scripts}/main.mjs");
        run(suite, program, &script, env::var_os("SCREENSHOTS"), LIMIT)?;
    }
    Ok(())
}

/// Runs a script of attendance-server that takes longer.
pub(crate) fn soak(suite: &mut Suite, script: &str) -> Result<()> {
    let script = format!("{SCRIPTS}/{script}");
    run(suite, SERVER, &script, None, LONG_LIMIT)
}

/// Runs a script with the program and a further argument.
fn run(
    suite: &mut Suite,
    program: &str,
    script: &str,
    argument: Option<OsString>,
    limit: Duration,
) -> Result<()> {
    let Some(chromium) = chromium() else {
        return suite.skip("pages in a browser", "Chromium or Node is missing");
    };
    let tools = packages()?;
    succeed(&mut cargo(&["build", "--package", program]))?;
    let program = target().join("debug").join(program);
    let skips = env::temp_dir().join(format!("facekit-browser-skips-{}.log", process::id()));
    let mut test = command("node", &[script]);
    test.arg(&program).args(argument);
    test.env("NODE_TOOLS", tools).env(CHROMIUM, chromium);
    test.env(SKIP_LOG, &skips);
    let result = within(limit, &mut test);
    for line in fs::read_to_string(&skips).unwrap_or_default().lines() {
        if let Some((name, reason)) = parse_skip(line) {
            suite.skip(&name, &reason)?;
        }
    }
    fs::remove_file(&skips).ok();
    result
}

/// The browser, if there is one and Node too. On Debian and Ubuntu, both are installed.
fn chromium() -> Option<PathBuf> {
    let chosen = env::var_os(CHROMIUM).map_or_else(|| DEBIAN.into(), PathBuf::from);
    let node = || output(&mut command("node", &["--version"])).is_ok();
    if !(chosen.is_file() && node()) {
        let apt = |arguments: &[&str]| {
            let mut apt = command("apt-get", arguments);
            succeed(apt.env("DEBIAN_FRONTEND", "noninteractive"))
        };
        let install = [
            "install",
            "--yes",
            "--no-install-recommends",
            "chromium",
            "nodejs",
            "npm",
        ];
        let installed = apt(&["update", "--quiet"]).and_then(|()| apt(&install));
        if let Err(error) = installed {
            println!("{error:#}");
        }
    }
    (chosen.is_file() && node()).then_some(chosen)
}

/// The folder with the packages of npm, in target/tools. A folder with other packages is replaced.
fn packages() -> Result<PathBuf> {
    let folder = root().join("target").join("tools").join("browser");
    let list = folder.join("packages.txt");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&list).is_ok_and(|list| list == wanted) {
        return Ok(folder);
    }
    remove(&folder)?;
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut install = command(
        "npm",
        &["install", "--no-fund", "--no-audit", "--ignore-scripts"],
    );
    install.arg("--prefix").arg(&folder).args(PACKAGES);
    succeed(&mut install)?;
    fs::write(&list, wanted).with_context(|| list.display().to_string())?;
    Ok(folder)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// Runs a program. An error if it fails, or if it takes longer than this.
fn within(limit: Duration, command: &mut Command) -> Result<()> {
    let mut child = command.spawn().context("node")?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("the tests of the pages ended with {status}");
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!(
                "the tests of the pages took longer than {} s",
                limit.as_secs()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
}
