//! The packages of this workspace, as `cargo metadata` lists them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::runner::{cargo, output};

/// The published crates, in an order in which they can be published: each after those that it depends on. Every other crate of
/// the workspace has `publish = false`.
pub(crate) const PUBLISHED: [&str; 10] = [
    "facekit",
    "attendance-rules",
    "attendance-files",
    "facekit-onnx",
    "facekit-nano",
    "facekit-candle",
    "facekit-ort",
    "facekit-tract",
    "facekit-runtimes",
    "facekit-video",
];

/// The crates that the code of a published crate may use: dependencies lead to the core and never away from it. Tests,
/// examples and benches may use other crates as well.
const DIRECTION: [(&str, &[&str]); 10] = [
    ("facekit", &[]),
    ("attendance-rules", &["facekit"]),
    ("attendance-files", &["attendance-rules", "facekit"]),
    ("facekit-onnx", &["facekit"]),
    ("facekit-nano", &["facekit"]),
    ("facekit-candle", &["facekit", "facekit-onnx"]),
    ("facekit-ort", &["facekit", "facekit-onnx"]),
    ("facekit-tract", &["facekit", "facekit-onnx"]),
    (
        "facekit-runtimes",
        &["facekit", "facekit-candle", "facekit-ort", "facekit-tract"],
    ),
    ("facekit-video", &["facekit"]),
];

/// The licenses, which every published crate contains.
pub(crate) const LICENSES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The published crates as arguments of cargo: `-p facekit -p …`.
pub(crate) fn published() -> impl Iterator<Item = &'static str> {
    PUBLISHED.iter().flat_map(|name| ["-p", name])
}

/// The workspace's packages.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    metadata: Value,
}

/// One package of the workspace.
#[derive(Clone, Debug, Default)]
struct Package {
    name: String,
    version: String,
    /// Without `publish = false`.
    published: bool,
    /// The oldest Rust that can build it, as the manifest says.
    rust_version: String,
    folder: PathBuf,
    /// Relative to the folder.
    readme: Option<PathBuf>,
    /// The packages of the workspace that it depends on.
    local: Vec<Local>,
}

/// A dependency on another package of the workspace.
#[derive(Clone, Debug, Default)]
struct Local {
    name: String,
    /// The version requirement; `*` where the manifest has none.
    requirement: String,
    /// For tests, examples and benches alone.
    development: bool,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let arguments = ["metadata", "--format-version", "1", "--all-features"];
        let text = output(&mut cargo(&arguments))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
        let members = list(&metadata, "workspace_members");
        let packages = list(&metadata, "packages")
            .iter()
            .filter(|package| members.contains(&package["id"]))
            .map(Package::new)
            .collect::<Result<_>>()?;
        Ok(Self { packages, metadata })
    }

    /// The version that all packages have.
    pub(crate) fn version(&self) -> Result<&str> {
        let first = self.packages.first();
        Ok(&first.context("the workspace has no packages")?.version)
    }

    /// The published crates that can be built with each Rust, the oldest Rust first.
    pub(crate) fn rust_versions(&self) -> BTreeMap<[u64; 3], Vec<&str>> {
        let mut versions = BTreeMap::<_, Vec<&str>>::new();
        for package in self.published() {
            let of_version = versions.entry(numbers(&package.rust_version)).or_default();
            of_version.push(&package.name);
        }
        versions
    }

    /// Checks the manifests: which crates are published, that versions agree, and that a README and the licenses are there.
    pub(crate) fn check(&self) -> Result<()> {
        let mut faults = faults(&self.packages);
        for package in self.published() {
            for license in LICENSES {
                if !package.folder.join(license).is_file() {
                    faults.push(format!("{} has no {license}", package.name));
                }
            }
            let readme = package
                .readme
                .as_ref()
                .map(|file| package.folder.join(file));
            if !readme.is_some_and(|file| file.is_file()) {
                faults.push(format!("{} has no README", package.name));
            }
        }
        faults.extend(self.rust_faults()?);
        ensure!(faults.is_empty(), "{}", faults.join("; "));
        println!("published: {}", PUBLISHED.join(", "));
        Ok(())
    }

    fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.published)
    }

    /// The dependencies of published crates that need a newer Rust than the crate says.
    fn rust_faults(&self) -> Result<Vec<String>> {
        let by_id: BTreeMap<&str, &Value> = list(&self.metadata, "packages")
            .iter()
            .map(|package| (text(package, "id"), package))
            .collect();
        let mut dependencies = BTreeMap::new();
        for node in list(&self.metadata["resolve"], "nodes") {
            let needed: Vec<&str> = list(node, "deps")
                .iter()
                .filter(|dependency| {
                    let kinds = list(dependency, "dep_kinds");
                    kinds.iter().any(|kind| kind["kind"] != "dev")
                })
                .map(|dependency| text(dependency, "pkg"))
                .collect();
            dependencies.insert(text(node, "id"), needed);
        }

        let mut faults = Vec::new();
        for package in self.published() {
            let start = by_id
                .iter()
                .find(|(_, found)| found["name"] == *package.name);
            let (start, _) = start.context("cargo metadata lists every member as a package")?;
            let (mut seen, mut waiting) = (BTreeSet::new(), vec![*start]);
            while let Some(id) = waiting.pop() {
                if seen.insert(id) {
                    waiting.extend(dependencies.get(id).into_iter().flatten());
                }
            }
            for dependency in seen.into_iter().filter_map(|id| by_id.get(id)) {
                let needed = text(dependency, "rust_version");
                if numbers(needed) > numbers(&package.rust_version) {
                    faults.push(format!(
                        "{} has rust-version {}, and its dependency {} needs Rust {needed}",
                        package.name,
                        package.rust_version,
                        text(dependency, "name"),
                    ));
                }
            }
        }
        Ok(faults)
    }
}

impl Package {
    fn new(metadata: &Value) -> Result<Self> {
        let manifest = PathBuf::from(text(metadata, "manifest_path"));
        let folder = manifest.parent().context("a manifest is in a folder")?;
        let local = list(metadata, "dependencies")
            .iter()
            .filter(|dependency| !dependency["path"].is_null())
            .map(|dependency| Local {
                name: text(dependency, "name").to_owned(),
                requirement: text(dependency, "req").to_owned(),
                development: dependency["kind"] == "dev",
            })
            .collect();
        Ok(Self {
            name: text(metadata, "name").to_owned(),
            version: text(metadata, "version").to_owned(),
            published: metadata["publish"].is_null(),
            rust_version: text(metadata, "rust_version").to_owned(),
            folder: folder.to_owned(),
            readme: metadata["readme"].as_str().map(PathBuf::from),
            local,
        })
    }
}

/// The faults of the manifests, a sentence each.
fn faults(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    let position = |name: &str| PUBLISHED.iter().position(|published| *published == name);
    for package in packages {
        let name = &package.name;
        match position(name) {
            None if package.published => faults.push(format!(
                "{name} has no `publish = false` and is not in PUBLISHED (xtask/src/workspace.rs)"
            )),
            Some(_) if !package.published => faults.push(format!(
                "{name} has `publish = false` and is in PUBLISHED (xtask/src/workspace.rs)"
            )),
            _ => {}
        }
        if package.published && package.rust_version.is_empty() {
            faults.push(format!("{name} has no rust-version"));
        }
        if package.version != packages[0].version {
            let (version, first) = (&package.version, &packages[0]);
            faults.push(format!(
                "{name} has version {version}, {} has {}",
                first.name, first.version
            ));
        }
        let allowed = DIRECTION.iter().find(|(crate_name, _)| crate_name == name);
        for local in &package.local {
            if let Some((_, allowed)) = allowed
                && !local.development
                && !allowed.contains(&local.name.as_str())
            {
                faults.push(format!("{name} must not depend on {}", local.name));
            }
            if local.requirement == "*" {
                // cargo leaves such a dependency out of what it publishes if it is for tests alone.
                if package.published && !local.development {
                    faults.push(format!("{name} requires {} without a version", local.name));
                }
                continue;
            }
            if local.requirement != format!("^{}", package.version) {
                faults.push(format!(
                    "{name} {} requires {} {}",
                    package.version, local.name, local.requirement
                ));
            }
            if package.published && position(&local.name) > position(name) {
                faults.push(format!("PUBLISHED lists {name} before {}", local.name));
            }
        }
    }
    for name in PUBLISHED {
        if !packages.iter().any(|package| package.name == name) {
            faults.push(format!("PUBLISHED lists {name}, which the workspace lacks"));
        }
    }
    faults
}

/// `major.minor.patch` as numbers; zeros where a part is missing.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace without faults.
    fn packages() -> Vec<Package> {
        let package = |name: &str| Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            published: true,
            rust_version: "1.91".to_owned(),
            ..Package::default()
        };
        PUBLISHED.iter().map(|name| package(name)).collect()
    }

    fn local(name: &str, requirement: &str) -> Local {
        Local {
            name: name.to_owned(),
            requirement: requirement.to_owned(),
            development: false,
        }
    }

    #[test]
    fn a_sound_workspace_has_no_faults() {
        let mut packages = packages();
        packages[1].local = vec![local("facekit", "^1.2.3")];
        packages[2].local = vec![Local {
            development: true,
            ..local("facekit-conformance", "*")
        }];
        packages.push(Package {
            name: "benches".to_owned(),
            version: "1.2.3".to_owned(),
            local: vec![local("facekit", "*")],
            ..Package::default()
        });
        assert_eq!(faults(&packages), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found() {
        let fault = |change: fn(&mut Vec<Package>)| {
            let mut packages = packages();
            change(&mut packages);
            let faults = faults(&packages);
            assert_eq!(faults.len(), 1, "{faults:?}");
            faults[0].clone()
        };
        assert!(fault(|all| all[3].version = "1.2.2".into()).contains("has version 1.2.2"));
        assert!(fault(|all| all[3].published = false).contains("`publish = false`"));
        assert!(fault(|all| all[3].rust_version.clear()).contains("no rust-version"));
        assert!(fault(|all| drop(all.pop())).contains("the workspace lacks"));
        let outdated = fault(|all| all[3].local = vec![local("facekit", "^1.2.2")]);
        assert_eq!(outdated, "facekit-onnx 1.2.3 requires facekit ^1.2.2");
        let unversioned = fault(|all| all[3].local = vec![local("facekit", "*")]);
        assert!(unversioned.contains("without a version"));
        let direction = fault(|all| all[7].local = vec![local("facekit-nano", "^1.2.3")]);
        assert_eq!(direction, "facekit-tract must not depend on facekit-nano");
        let order = fault(|all| {
            all[0].local = vec![Local {
                development: true,
                ..local("facekit-nano", "^1.2.3")
            }];
        });
        assert_eq!(order, "PUBLISHED lists facekit before facekit-nano");
        let unlisted = fault(|all| {
            let extra = Package {
                name: "extra".into(),
                ..all[0].clone()
            };
            all.push(extra);
        });
        assert!(unlisted.contains("extra has no `publish = false`"));
    }

    #[test]
    fn every_published_crate_has_a_direction() {
        assert_eq!(
            BTreeSet::from(PUBLISHED),
            BTreeSet::from(DIRECTION.map(|(name, _)| name))
        );
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("1.100") > numbers("1.91.1"));
        assert_eq!(numbers("1.91"), numbers("1.91.0"));
    }
}
