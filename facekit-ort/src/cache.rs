//! Optimized graphs on disk.
//!
//! An entry of the cache is one file: the SHA-256 of the optimized graph, then the graph. Its name is a hash of everything that
//! the graph depends on.

use std::{
    env::consts::{ARCH, OS},
    fs,
    io::{self, Write},
    path::Path,
};

use ort::session::Session;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::{optimization::Optimization, session::SessionSpec};

/// The length of the SHA-256 that precedes the graph.
const DIGEST_LENGTH: usize = 32;

/// A session for the model of `spec`, from the cache if `spec` has one.
pub(crate) fn build_session(spec: &SessionSpec) -> ort::Result<Session> {
    match &spec.cache {
        Some(folder) => build_cached(folder, spec),
        None => spec.build(),
    }
}

/// A session from the entry in `folder`. Without a usable entry, the model is optimized and the entry written. Nothing that is
/// wrong with the folder or the entry is an error: the session is then the same as without a cache.
fn build_cached(folder: &Path, spec: &SessionSpec) -> ort::Result<Session> {
    let entry = folder.join(format!("{}.onnx", key(spec)));
    if let Some(graph) = read_entry(&entry) {
        match spec.build_graph(&graph, Optimization::None, None) {
            Ok(session) => return Ok(session),
            Err(error) => {
                tracing::debug!(entry = %entry.display(), %error, "the entry is written again");
            }
        }
    }
    build_and_write(folder, &entry, spec).unwrap_or_else(|error| {
        tracing::warn!(folder = %folder.display(), %error, "the optimized graph is not kept");
        spec.build()
    })
}

/// A session from the model itself. Its optimized graph becomes the entry.
fn build_and_write(
    folder: &Path,
    entry: &Path,
    spec: &SessionSpec,
) -> io::Result<ort::Result<Session>> {
    fs::create_dir_all(folder)?;
    let scratch = TempDir::new_in(folder)?;
    let graph = scratch.path().join("graph.onnx");
    let session = spec.build_graph(&spec.model, spec.optimization, Some(&graph));
    if session.is_ok() {
        write_entry(&fs::read(&graph)?, folder, entry)?;
    }
    Ok(session)
}

/// The graph in the entry, if its digest is right.
fn read_entry(entry: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(entry).ok()?;
    let (digest, graph) = bytes.split_at_checked(DIGEST_LENGTH)?;
    if Sha256::digest(graph)[..] != *digest {
        return None;
    }
    bytes.drain(..DIGEST_LENGTH);
    Some(bytes)
}

/// Writes the entry atomically: first to a temporary file, which is then renamed.
fn write_entry(graph: &[u8], folder: &Path, entry: &Path) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&Sha256::digest(graph))?;
    file.write_all(graph)?;
    file.persist(entry)?;
    Ok(())
}

/// A hash of everything that the optimized graph depends on.
fn key(spec: &SessionSpec) -> String {
    let mut hash = Sha256::new();
    for part in [
        spec.loaded.library.version(),
        &format!("{OS} {ARCH} {}", instruction_sets()),
        &format!("{} {:?}", spec.provider, spec.optimization),
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&spec.model);
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The instruction sets of this processor that decide how ONNX Runtime arranges tensors.
fn instruction_sets() -> String {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        for (name, available) in [
            ("avx", has!("avx")),
            ("avx2", has!("avx2")),
            ("fma", has!("fma")),
            ("avx512f", has!("avx512f")),
            ("avx512bw", has!("avx512bw")),
            ("avx512vnni", has!("avx512vnni")),
            ("avxvnni", has!("avxvnni")),
        ] {
            found.extend(available.then_some(name));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        for (name, available) in [
            ("dotprod", has!("dotprod")),
            ("fp16", has!("fp16")),
            ("i8mm", has!("i8mm")),
            ("bf16", has!("bf16")),
        ] {
            found.extend(available.then_some(name));
        }
    }
    found.join(" ")
}
