//! Heavy dependencies are compiled once, whichever member of the workspace is built.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::runner::{cargo, output};

/// Dependencies that take minutes to compile, or are below one that does. What they depend on counts, too: a crate is
/// compiled again when a crate below it is.
const HEAVY: &[&str] = &["image", "ndarray", "tract-onnx", "tract-onnx-opl"];

/// The features that a crate is compiled with. There is more than one set where build scripts use the crate, too.
type Features = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// Fails where a heavy dependency, or one below it, has other features for one member than for the whole workspace.
pub(crate) fn check() -> Result<()> {
    let heavy = heavy()?;
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let whole = Trees::of(&["--workspace"], &["normal", "build", "dev"], &heavy)?;
    for member in members()? {
        let package = ["--package", &member.name];
        let tests = Trees::of(&package, &["normal", "build", "dev"], &heavy)?;
        if !tests.has_heavy() {
            continue;
        }
        let mut selections = vec![tests];
        if !member.published {
            selections.push(Trees::of(&package, &["normal", "build"], &heavy)?);
        }
        for trees in selections {
            for difference in trees.differences(&whole) {
                let members = differences.entry(difference).or_default();
                if members.last() != Some(&member.name) {
                    members.push(member.name.clone());
                }
            }
        }
    }
    if differences.is_empty() {
        println!(
            "{} crates have the same features for each member",
            heavy.len()
        );
        return Ok(());
    }
    let lines: Vec<String> = differences
        .into_iter()
        .map(|(difference, members)| format!("{difference}, for {}", members.join(", ")))
        .collect();
    bail!(
        "features differ from those of the whole workspace, so that tract, ndarray or image is compiled twice; name \
         them in aligned-features/Cargo.toml:\n{}",
        lines.join("\n")
    );
}

/// The packages that cargo compiles for a selection of members.
struct Trees {
    /// The packages that become part of the programs.
    target: Features,
    /// This and what procedural macros and build scripts are made of.
    all: Features,
}

impl Trees {
    fn of(packages: &[&str], edges: &[&str], heavy: &BTreeSet<String>) -> Result<Self> {
        let kept = |features: Features| {
            features
                .into_iter()
                .filter(|(name, _)| heavy.contains(name))
                .collect()
        };
        let mut target: Vec<&str> = edges
            .iter()
            .copied()
            .filter(|&edge| edge != "build")
            .collect();
        target.push("no-proc-macro");
        Ok(Self {
            target: kept(parse(&tree(packages, &target)?)),
            all: kept(parse(&tree(packages, edges)?)),
        })
    }

    fn has_heavy(&self) -> bool {
        let heavy = |name: &String| {
            name.split(' ')
                .next()
                .is_some_and(|name| HEAVY.contains(&name))
        };
        self.all.keys().any(heavy)
    }

    /// The packages of this that would be compiled again beside those of `whole`.
    fn differences(&self, whole: &Self) -> BTreeSet<String> {
        let target = differences(&self.target, &whole.target);
        let all = differences(&self.all, &whole.all);
        let host = all.difference(&target);
        let host =
            host.map(|difference| format!("{difference}, in procedural macros and build scripts"));
        target.iter().cloned().chain(host).collect()
    }
}

fn differences(found: &Features, whole: &Features) -> BTreeSet<String> {
    let mut differences = BTreeSet::new();
    for (name, sets) in found {
        let none = BTreeSet::new();
        let known = whole.get(name).unwrap_or(&none);
        for set in sets.difference(known) {
            let nearest = known
                .iter()
                .min_by_key(|other| other.symmetric_difference(set).count());
            let Some(nearest) = nearest else {
                differences.insert(format!("{name} is not in the whole workspace"));
                continue;
            };
            let list = |features: Vec<&String>| {
                let names: Vec<&str> = features.into_iter().map(String::as_str).collect();
                names.join(", ")
            };
            let mut parts = Vec::new();
            let missing = list(nearest.difference(set).collect());
            if !missing.is_empty() {
                parts.push(format!("without {missing}"));
            }
            let more = list(set.difference(nearest).collect());
            if !more.is_empty() {
                parts.push(format!("with {more}"));
            }
            differences.insert(format!("{name} {}", parts.join(" and ")));
        }
    }
    differences
}

/// The heavy dependencies and all below them, by name and version.
fn heavy() -> Result<BTreeSet<String>> {
    let packages: Vec<&str> = HEAVY.iter().flat_map(|name| ["--package", name]).collect();
    let names = parse(&tree(&packages, &["normal", "build"])?).into_keys();
    Ok(names.collect())
}

fn tree(packages: &[&str], edges: &[&str]) -> Result<String> {
    let edges = edges.join(",");
    let arguments = ["tree", "--edges", &edges, "--prefix", "none", "--no-dedupe"];
    let format = ["--format", "{p}|{f}"];
    output(&mut cargo(&[&arguments[..], &format, packages].concat()))
}

/// Lines such as `half v2.7.1|alloc,std`.
fn parse(tree: &str) -> Features {
    let mut crates = Features::new();
    for (package, features) in tree.lines().filter_map(|line| line.split_once('|')) {
        let mut words = package.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let features = features.trim_end_matches(" (*)").split(',');
            let features = features
                .filter(|feature| !feature.is_empty())
                .map(str::to_owned);
            let sets = crates.entry(format!("{name} {version}")).or_default();
            sets.insert(features.collect());
        }
    }
    crates
}

struct Member {
    name: String,
    published: bool,
}

fn members() -> Result<Vec<Member>> {
    let metadata = output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let member = |package: &Value| {
        Ok(Member {
            name: package["name"]
                .as_str()
                .context("a package without a name")?
                .to_owned(),
            published: package["publish"].is_null(),
        })
    };
    packages.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
quickstart v0.1.0 (/facekit/examples/quickstart)|
half v2.7.1|alloc,std
serde_derive v1.0.229 (proc-macro)|default
half v2.7.1|std (*)
";

    #[test]
    fn a_tree_lists_features() {
        let features = parse(WHOLE);
        let half: Vec<Vec<&str>> = features["half v2.7.1"]
            .iter()
            .map(|set| set.iter().map(String::as_str).collect())
            .collect();
        assert_eq!(half, [vec!["alloc", "std"], vec!["std"]]);
        assert_eq!(features["quickstart v0.1.0"], [BTreeSet::new()].into());
        assert_eq!(features.len(), 3);
    }

    #[test]
    fn features_that_differ_are_named() {
        let whole = parse(WHOLE);
        assert_eq!(differences(&parse("half v2.7.1|std"), &whole), [].into());
        for (tree, expected) in [
            ("half v2.7.1|", "half v2.7.1 without std"),
            ("half v2.7.1|alloc,std,serde", "half v2.7.1 with serde"),
            (
                "half v2.7.1|serde",
                "half v2.7.1 without std and with serde",
            ),
            (
                "half v2.6.0|std",
                "half v2.6.0 is not in the whole workspace",
            ),
        ] {
            let found = differences(&parse(tree), &whole);
            assert_eq!(found, [expected.to_owned()].into());
        }
    }
}
