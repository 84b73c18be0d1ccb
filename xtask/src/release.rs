//! The release checklist. Nothing here publishes: a person does that.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::{
    runner::{Runner, cargo, output, root, succeed},
    wheel,
    workspace::{LICENSES, PUBLISHED, Workspace, published},
};

/// The steps that a person takes. `VERSION`, `CRATES` and `PROFILE` are filled in.
const STEPS: &str = "\
This command publishes nothing. To release version VERSION:

  1. Set the version in Cargo.toml, in [workspace.package] and [workspace.dependencies].
     In CHANGELOG.md, rename \"Unreleased\" to \"VERSION (YYYY-MM-DD)\". Commit.
  2. Run `cargo xtask test` with FACEKIT_TEST_DATA set, and wait for every job of the hosted
     workflow.
  3. Run `cargo xtask wheel`, on each system that is to have a wheel.
  4. Run `cargo xtask release --dry-run`. Every step must be ok.
  5. Tag the commit: `git tag -a vVERSION -m vVERSION`, and push the tag.
  6. Publish the crates, in this order:
       cargo publish CRATES
  7. Upload the wheels of target/wheels/PROFILE to the Python package registry.
  8. Add \"## Unreleased\" to CHANGELOG.md.
";

/// Prints the steps of a release.
pub(crate) fn explain() -> Result<()> {
    let workspace = Workspace::read()?;
    let crates: Vec<&str> = published().collect();
    print!("{}", steps(workspace.version()?, &crates));
    Ok(())
}

fn steps(version: &str, crates: &[&str]) -> String {
    STEPS
        .replace("CRATES", &crates.join(" "))
        .replace("PROFILE", wheel::RELEASED)
        .replace("VERSION", version)
}

/// Checks what can be checked before a release. Crates are packaged and not compiled, since the tests have compiled them.
pub(crate) fn dry_run(runner: &mut Runner) -> Result<()> {
    let workspace = Workspace::read()?;
    let version = workspace.version()?;
    runner.step("manifests", || workspace.check());
    runner.step("versions in the documents", || documents(version));
    runner.step("changelog", || {
        let text = fs::read_to_string(root().join("CHANGELOG.md")).context("CHANGELOG.md")?;
        println!("{}", changelog(&text, version)?);
        Ok(())
    });
    runner.step("files of the crates", files);
    runner.step("packages of the crates, not compiled", || {
        let mut package = cargo(&["package", "--no-verify", "--locked"]);
        succeed(package.args(published()))
    });
    runner.step("wheel", || wheel::check_released(version));
    Ok(())
}

/// The README tells users to depend on this version.
fn documents(version: &str) -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("README.md")?;
    let faults = outdated(&readme, version);
    ensure!(faults.is_empty(), "README.md: {}", faults.join("; "));
    Ok(())
}

/// The lines of a README that require another version of a published crate. At least one line must require a crate.
fn outdated(readme: &str, version: &str) -> Vec<String> {
    // As users write it: `0.1` for every 0.1.x.
    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
    let mut faults = Vec::new();
    let mut found = false;
    for line in readme.lines() {
        let Some((name, requirement)) = line.split_once(" = ") else {
            continue;
        };
        if PUBLISHED.contains(&name) {
            found = true;
            if !requirement.contains(&format!("\"{minor}\"")) {
                faults.push(format!("{line:?} does not require {minor}"));
            }
        }
    }
    if !found {
        faults.push("no line requires a crate".to_owned());
    }
    faults
}

/// Says which entry of the changelog is this version's.
fn changelog(text: &str, version: &str) -> Result<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("## "));
    let heading = lines.next().context("CHANGELOG.md has no entry")?;
    let entry = heading.trim_start_matches("## ");
    let mut content = lines.take_while(|line| !line.starts_with("## "));
    ensure!(
        content.any(|line| !line.trim().is_empty()),
        "CHANGELOG.md: the entry {entry:?} is empty"
    );
    if entry == "Unreleased" {
        return Ok(format!(
            "the entry is still \"Unreleased\": rename it to \"{version} (YYYY-MM-DD)\" for the release"
        ));
    }
    let date = entry
        .strip_prefix(version)
        .and_then(|rest| rest.strip_prefix(" ("))
        .and_then(|rest| rest.strip_suffix(')'));
    match date {
        Some(date) if is_date(date) => Ok(format!("the entry is {entry:?}")),
        _ => bail!(
            "CHANGELOG.md begins with the entry {entry:?}, not with \"Unreleased\" or \"{version} (YYYY-MM-DD)\""
        ),
    }
}

/// `true` for a text of the form `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.char_indices().all(|(place, c)| match place {
            4 | 7 => c == '-',
            _ => c.is_ascii_digit(),
        })
}

/// Every published crate contains the licenses and a README.
fn files() -> Result<()> {
    let mut missing = Vec::new();
    for name in PUBLISHED {
        let files = output(&mut cargo(&["package", "--list", "-p", name]))?;
        for file in LICENSES.into_iter().chain(["README.md"]) {
            if !files.lines().any(|line| line == file) {
                missing.push(format!("{name} lacks {file}"));
            }
        }
        println!("{name}: {} files", files.lines().count());
    }
    ensure!(missing.is_empty(), "{}", missing.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_filled_in() {
        let steps = steps("1.2.3", &["-p", "facekit"]);
        assert!(steps.contains("git tag -a v1.2.3 -m v1.2.3"), "{steps}");
        assert!(steps.contains("cargo publish -p facekit\n"), "{steps}");
        assert!(steps.contains("target/wheels/dist to"), "{steps}");
        for name in ["VERSION", "CRATES", "PROFILE"] {
            assert!(!steps.contains(name), "{steps}");
        }
    }

    #[test]
    fn the_changelog_has_an_entry_for_the_version() {
        let of = |text: &str| changelog(text, "1.2.3");
        assert!(
            of("# Changelog\n\n## Unreleased\n\nNew.\n")
                .unwrap()
                .contains("rename it")
        );
        let released =
            "# Changelog\n\n## 1.2.3 (2026-05-04)\n\nNew.\n\n## 1.2.2 (2026-01-01)\n\nOld.\n";
        assert_eq!(of(released).unwrap(), "the entry is \"1.2.3 (2026-05-04)\"");
        for wrong in [
            "# Changelog\n",
            "# Changelog\n\n## Unreleased\n\n## 1.2.2 (2026-01-01)\n\nOld.\n",
            "# Changelog\n\n## 1.2.2 (2026-01-01)\n\nOld.\n",
            "# Changelog\n\n## 1.2.3\n\nNo date.\n",
            "# Changelog\n\n## 1.2.3 (May)\n\nNo date.\n",
            "# Changelog\n\n## 1.2.30 (2026-05-04)\n\nAnother version.\n",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn readmes_require_the_version() {
        let readme =
            "facekit = { version = \"0.1\", features = [\"store\"] }\nfacekit-nano = \"0.1\"\n";
        assert_eq!(outdated(readme, "0.1.4"), Vec::<String>::new());
        assert_eq!(outdated(readme, "0.2.0").len(), 2);
        assert_eq!(outdated("no crates", "0.1.0").len(), 1);
    }
}
