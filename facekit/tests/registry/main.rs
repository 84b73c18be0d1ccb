//! The model registry: entries, selections, files and manifests.

#![cfg(feature = "engine")]

use facekit::Digest;

mod builtin;
mod files;
mod folder;
mod manifests;
mod selections;

/// A manifest of one embedder, changed by `change`.
fn manifest(change: impl FnOnce(String) -> String) -> String {
    change(format!(
        r#"
[[model]]
name = "ours"
file = "ours.onnx"
url = "https://models.example.org/ours.onnx"
exports = [{{ sha256 = "{}", bytes = 5 }}]
license = "MIT"
commercial_use = true
source = "trained by us"

[model.arcface]
pixels = {{ color = "rgb" }}
side = 112
dimension = 64
"#,
        Digest::of("right")
    ))
}
