//! Optimised graphs on disk.

use std::{
    env::consts::{ARCH, OS},
    fs,
    io::{self, Write},
    path::Path,
};

use ort::session::Session;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::{runtime::Optimization, session::Recipe};

/// The length of the digest that stands before the graph.
const DIGEST: usize = 32;

/// A session from the graph that is kept in `folder`, which is put there if it is not. Whatever is wrong with the folder
/// or with what is in it, there is a session as there would be without.
pub(crate) fn session(folder: &Path, recipe: &Recipe) -> ort::Result<Session> {
    let entry = folder.join(format!("{}.onnx", key(recipe)));
    if let Some(graph) = read(&entry) {
        match recipe.build(&graph, Optimization::None, None) {
            Ok(session) => return Ok(session),
            Err(error) => tracing::debug!(entry = %entry.display(), %error, "made again"),
        }
    }
    written(folder, &entry, recipe).unwrap_or_else(|error| {
        tracing::warn!(folder = %folder.display(), %error, "the optimised graph is not kept");
        recipe.build(&recipe.model, recipe.optimization, None)
    })
}

/// A session from the model itself, whose optimised graph becomes the entry.
fn written(folder: &Path, entry: &Path, recipe: &Recipe) -> io::Result<ort::Result<Session>> {
    fs::create_dir_all(folder)?;
    let scratch = TempDir::new_in(folder)?;
    let graph = scratch.path().join("graph.onnx");
    let session = recipe.build(&recipe.model, recipe.optimization, Some(&graph));
    if session.is_ok() {
        keep(&fs::read(&graph)?, folder, entry)?;
    }
    Ok(session)
}

/// The graph in the entry, if it is as it was written.
fn read(entry: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(entry).ok()?;
    let (digest, graph) = bytes.split_at_checked(DIGEST)?;
    if Sha256::digest(graph)[..] != *digest {
        return None;
    }
    bytes.drain(..DIGEST);
    Some(bytes)
}

/// Puts the graph at its place, all of it or nothing.
fn keep(graph: &[u8], folder: &Path, entry: &Path) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&Sha256::digest(graph))?;
    file.write_all(graph)?;
    file.persist(entry)?;
    Ok(())
}

/// Everything that the optimised graph depends on.
fn key(recipe: &Recipe) -> String {
    let mut hash = Sha256::new();
    for part in [
        recipe.loaded.library.version(),
        &format!("{OS} {ARCH} {}", instructions()),
        &format!("{} {:?}", recipe.provider, recipe.optimization),
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&recipe.model);
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The instruction sets that decide how tensors are laid out.
fn instructions() -> String {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        for (name, there) in [
            ("avx", has!("avx")),
            ("avx2", has!("avx2")),
            ("fma", has!("fma")),
            ("avx512f", has!("avx512f")),
            ("avx512bw", has!("avx512bw")),
            ("avx512vnni", has!("avx512vnni")),
            ("avxvnni", has!("avxvnni")),
        ] {
            found.extend(there.then_some(name));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        for (name, there) in [
            ("dotprod", has!("dotprod")),
            ("fp16", has!("fp16")),
            ("i8mm", has!("i8mm")),
            ("bf16", has!("bf16")),
        ] {
            found.extend(there.then_some(name));
        }
    }
    found.join(" ")
}
