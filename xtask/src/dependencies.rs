//! The dependencies that the core must not have.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::runner::{cargo, display, output};

/// Inference runtimes, async executors, HTTP clients and storage engines.
const HEAVY: &[&str] = &[
    "async-std",
    "candle",
    "hyper",
    "ort",
    "redb",
    "reqwest",
    "rusqlite",
    "sled",
    "smol",
    "sqlx",
    "tokio",
    "tract",
    "ureq",
];

/// The dependencies of optional features.
const OPTIONAL: &[&str] = &[
    "argon2",
    "chacha20poly1305",
    "etcetera",
    "fast_image_resize",
    "getrandom",
    "half",
    "hmac",
    "hnsw_rs",
    "image",
    "kamadak-exif",
    "libjpeg-turbo-rs",
    "multiversion",
    "postcard",
    "sha2",
    "strsim",
    "toml",
    "zeroize",
];

/// Checks that the core has none of the heavy dependencies, and without features none of the optional ones.
pub(crate) fn check() -> Result<()> {
    refuse(&["-p", "facekit"], HEAVY)?;
    let none = ["-p", "facekit", "--no-default-features"];
    refuse(&none, &[HEAVY, OPTIONAL].concat())?;
    refuse(&["-p", "attendance-rules"], HEAVY)?;
    refuse(&["-p", "attendance-files"], HEAVY)
}

fn refuse(arguments: &[&str], banned: &[&str]) -> Result<()> {
    let tree = ["tree", "--edges", "normal", "--target", "all"];
    let format = ["--prefix", "none", "--format", "{p}"];
    let mut tree = cargo(&[&tree[..], &format, arguments].concat());
    let text = output(&mut tree)?;
    let crates: BTreeSet<&str> = text.lines().filter_map(|l| l.split(' ').next()).collect();
    println!("{}: {} crates", display(&tree), crates.len());
    if !crates.contains("facekit") {
        bail!("cargo tree did not list facekit itself");
    }
    let found: Vec<&str> = crates
        .into_iter()
        .filter(|name| banned.iter().any(|banned| is_of(name, banned)))
        .collect();
    if !found.is_empty() {
        bail!(
            "{}: the tree must not have {}",
            display(&tree),
            found.join(", ")
        );
    }
    Ok(())
}

/// `true` for the main crate of a project and for its parts: `tract-core` is a part of `tract`.
fn is_of(name: &str, project: &str) -> bool {
    name.strip_prefix(project)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn parts_belong_to_their_project() {
        assert!(is_of("tract", "tract") && is_of("tract-core", "tract"));
        assert!(is_of("toml_edit", "toml") && !is_of("sorted", "ort"));
        assert!(!is_of("images", "image"));
    }
}
