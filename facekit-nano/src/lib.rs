//! Small face models that are part of the program: a detector, a liveness check and an embedder, so that facekit recognises
//! people at once, on a machine without a network.
//!
//! ```no_run
//! use facekit::{ExactIndex, Gallery, LoadOptions, MemoryStore, Metric, Recognizer};
//! # fn tract() -> Box<dyn facekit::Runtime> { unimplemented!() }
//!
//! // The application chooses the runtime, here `facekit_tract::Tract::new()`.
//! let runtime = tract();
//! let models = facekit_nano::registry().load("nano", &*runtime, &LoadOptions::default())?;
//! let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
//! let gallery = Gallery::open(MemoryStore::new(), index)?;
//! let recognizer = Recognizer::builder().models(models).gallery(gallery).build()?;
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! | Model | Task | Input |
//! |-|-|-|
//! | `nano_detector` | boxes and five landmarks | BGR, sides that are multiples of 32 |
//! | `nano_liveness` | living face, or a print or screen | BGR, 80 by 80 pixels, the face with context |
//! | `nano_embedder` | embeddings of 128 numbers | RGB, 112 by 112 pixels, aligned |
//!
//! They were trained for this project, by the scripts in its folder `training`, to agree with larger models. [`CARDS`] says on
//! what data, how well they do, what they are weak at, and what their ancestry means for commercial use.
//!
//! # When to use something larger
//!
//! They are there to start at once, for tests, and for small devices. An embedding of theirs tells fewer people apart than one of
//! MobileFaceNet, which the set `standard` has: where a stranger who is let in does harm, use that, or a larger model still.
//! Its liveness check was trained on simulated attacks alone: where somebody has a reason to cheat, use the standard pair.
//! Templates of one embedder are of no use to another; after a change, people are enrolled again from kept crops or photos.

use facekit::Registry;

/// The model cards: data, teachers and their licences, recipes, measured figures and known weaknesses.
///
/// ```
/// assert!(facekit_nano::CARDS.contains("## nano_embedder"));
/// ```
pub const CARDS: &str = include_str!("../MODELS.md");

/// The weights, 16 bits each, by the name of their model.
const FILES: [(&str, &[u8]); 3] = [
    ("nano_detector", include_bytes!("../models/detector.onnx")),
    ("nano_liveness", include_bytes!("../models/liveness.onnx")),
    ("nano_embedder", include_bytes!("../models/embedder.onnx")),
];

/// facekit's built-in registry with these models, and the set `nano` of all three. It reads nothing.
///
/// [`Registry::read_env`] adds what the user has:
///
/// ```
/// use facekit::FileState;
///
/// let registry = facekit_nano::registry().read_env()?;
/// assert!(matches!(registry.verify("nano_embedder")?, FileState::Bundled { .. }));
/// assert_eq!(registry.resolve("nano")?.detector.name, "nano_detector");
/// # Ok::<(), facekit::Error>(())
/// ```
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::builtin();
    add_to(&mut registry);
    registry
}

/// Adds the models and the set `nano` to a registry, over those of the same names.
///
/// ```
/// use facekit::Registry;
///
/// let mut registry = Registry::builtin().with_folder("models");
/// facekit_nano::add_to(&mut registry);
/// assert_eq!(registry.open("nano_detector")?.name(), "nano_detector");
/// # Ok::<(), facekit::Error>(())
/// ```
#[allow(
    clippy::missing_panics_doc,
    reason = "the manifest is part of the crate, and a test parses it"
)]
pub fn add_to(registry: &mut Registry) {
    registry
        .add_bundle(include_str!("../models/models.toml"), "facekit-nano", FILES)
        .expect("the manifest says what the files are");
}
