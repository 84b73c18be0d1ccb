//! The model registry: entries, selections, files and manifests.

#![cfg(feature = "engine")]

use facekit::{Digest, Registry};

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

/// The built-in registry with the set `looks`, which has a second look that MobileFaceNet was measured with.
fn with_second_look() -> Registry {
    let mut registry = Registry::builtin();
    let weights = registry.model("mobilefacenet").unwrap().second_looks[0].weights;
    let text = format!(
        r#"
[[model]]
name = "steady"
file = "steady.onnx"
exports = [{{ sha256 = "{weights}" }}]
license = "MIT"
commercial_use = true
source = "trained by us"

[model.yunet]
pixels = {{ color = "bgr" }}
strides = [8, 16, 32]
score = 0.6
overlap = 0.3

[[set]]
name = "looks"
detector = "yunet_n"
landmarks = "steady"
embedder = "mobilefacenet"
"#
    );
    registry.add_manifest(&text, "a test").unwrap();
    registry
}
