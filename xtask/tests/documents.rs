//! The documents of the repository name files, headings, commands and jobs that exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Endings of names of files that the documents name.
const ENDINGS: [&str; 7] = [".csv", ".jpg", ".md", ".py", ".rs", ".toml", ".yml"];

#[test]
fn named_files_exist() {
    for name in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "examples/attendance-server/ARCHITECTURE.md",
    ] {
        // Paths are relative to the folder of the document.
        let folder = root().join(name).with_file_name("");
        let paths = named_paths(&read(name));
        assert!(
            paths.len() > 20,
            "{name} names only {paths:?}; a page of this list names more than 20 files"
        );
        let missing: Vec<_> = paths.iter().filter(|path| !exists(&folder, path)).collect();
        assert!(
            missing.is_empty(),
            "{name} names missing files: {missing:?}"
        );
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut faults = Vec::new();
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for link in relative_links(&text) {
            links += 1;
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => folder.join(path),
            };
            let found =
                target.exists() && (heading.is_empty() || anchors(&target).contains(heading));
            if !found {
                faults.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(links > 30, "only {links} links were found");
    assert!(faults.is_empty(), "links without a target: {faults:#?}");
}

#[test]
fn named_commands_exist() {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut documents = documents();
    documents.push(root().join(".github/workflows/ci.yml"));
    let mut commands = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for (at, found) in text.match_indices("cargo xtask ") {
            commands += 1;
            let name: String = text[at + found.len()..]
                .chars()
                .take_while(char::is_ascii_lowercase)
                .collect();
            let document = document.display();
            assert!(
                known.contains(&*name),
                "{document}: cargo xtask {name:?} is not a command"
            );
        }
    }
    assert!(commands > 10, "only {commands} commands were found");
}

#[test]
fn jobs_of_the_workflow_are_described() {
    let workflow = read(".github/workflows/ci.yml");
    let (_, jobs) = workflow.split_once("\njobs:\n").unwrap();
    let jobs: Vec<&str> = jobs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with([' ', '#']))
        .collect();
    assert!(jobs.contains(&"test") && jobs.len() > 3, "{jobs:?}");
    let contributing = read("CONTRIBUTING.md");
    for job in jobs {
        let row = format!("| `{job}` |");
        assert!(
            contributing.contains(&row),
            "CONTRIBUTING.md does not describe the job {job}"
        );
    }
}

/// The documentation tests of facekit-conformance compile the Rust program of the README.
#[test]
fn the_program_of_the_readme_is_tested() {
    let library = read("facekit-conformance/src/lib.rs");
    let included = "#[cfg(doctest)]\n#[doc = include_str!(\"../../README.md\")]";
    assert!(library.contains(included));
    assert!(read("README.md").contains("```rust,no_run\n"));
}

#[test]
fn a_missing_file_is_found() {
    let text = "See `xtask/src/main.rs`, `xtask/src/nothing.rs`, [this](deny.toml), [that](nothing.md) and \
                `cargo test`, `a::b`, `NAME`.\n\n```sh\nls no/such/file.rs\n```\nNew: `xtask/src/NAME.rs`, `nowhere/NAME.rs`.";
    let paths = named_paths(text);
    let missing: Vec<&str> = paths
        .iter()
        .map(String::as_str)
        .filter(|path| !exists(&root(), path))
        .collect();
    assert_eq!(
        missing,
        ["nothing.md", "nowhere/NAME.rs", "xtask/src/nothing.rs"]
    );
    assert_eq!(paths.len(), 6);
}

#[test]
fn headings_become_anchors() {
    assert_eq!(
        anchor("Why is `sync` everything, and where?"),
        "why-is-sync-everything-and-where"
    );
    assert_eq!(
        relative_links("[a](b.md#c) [d](https://e) ![f](g.jpg)\n"),
        ["b.md#c", "g.jpg"]
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The Markdown files of the root, of .github and of the folders of crates.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root(), root().join("examples/data")];
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            folders.push(path);
        }
    }
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `true` if a path of a document exists. `NAME` stands for the name of a new file, as in `detect/NAME.rs`: the folder must exist.
fn exists(root: &Path, path: &str) -> bool {
    let path = Path::new(path);
    match path.parent() {
        Some(folder) if path.file_stem().is_some_and(|stem| stem == "NAME") => {
            root.join(folder).is_dir()
        }
        _ => root.join(path).exists(),
    }
}

/// The paths that a document names in backticks or links to.
fn named_paths(text: &str) -> BTreeSet<String> {
    let text = without_blocks(text);
    let mut paths: BTreeSet<String> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| is_path(code))
        .map(str::to_owned)
        .collect();
    let links = relative_links(&text);
    paths.extend(links.iter().filter_map(|link| {
        let path = link.split('#').next()?;
        (!path.is_empty()).then(|| path.to_owned())
    }));
    paths
}

/// `true` if inline code is the path of a file or folder of the repository.
fn is_path(code: &str) -> bool {
    let characters = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    let made = ["target/", "./", "/"];
    code.chars().all(characters)
        && !made.iter().any(|start| code.starts_with(start))
        && (code.contains('/') || ENDINGS.iter().any(|ending| code.ends_with(ending)))
}

/// The targets of links and pictures that are not addresses.
fn relative_links(text: &str) -> Vec<String> {
    let text = without_blocks(text);
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// A document without its blocks of code.
fn without_blocks(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The anchors of the headings of a Markdown file.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(document).unwrap();
    without_blocks(&text)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

/// The anchor that code hosts make of a heading: lower case, dashes for spaces, no other punctuation.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
