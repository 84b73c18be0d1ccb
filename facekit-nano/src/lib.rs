//! Small face models that are part of the program: a detector, a liveness check and an embedder. With them facekit recognizes
//! people without any download.
//!
//! ```no_run
//! use facekit::{FlatIndex, Gallery, LoadOptions, MemoryStore, Metric, Recognizer};
//! # fn tract() -> Box<dyn facekit::Runtime> { unimplemented!() }
//!
//! // The application chooses the runtime, here `facekit_tract::Tract::new()`.
//! let runtime = tract();
//! let models = facekit_nano::registry().load("nano", &*runtime, &LoadOptions::default())?;
//! let index = FlatIndex::new(models.embedder.space().clone(), Metric::Cosine);
//! let gallery = Gallery::open(MemoryStore::new(), index)?;
//! let recognizer = Recognizer::builder().models(models).gallery(gallery).build()?;
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! | Model | Task | Input |
//! |-|-|-|
//! | `nano_detector` | detects faces: boxes and five landmarks | BGR, sides that are multiples of 32 |
//! | `nano_liveness` | distinguishes a living face from a print or a screen | BGR, 80 by 80 pixels, the face with context |
//! | `nano_embedder` | makes embeddings of 128 numbers | RGB, 112 by 112 pixels, aligned |
//!
//! The scripts in the project's folder `training` trained them to agree with larger models. [`CARDS`] describes the training
//! data, the measured error rates, the weaknesses, and what the origin of the data means for commercial use.
//!
//! # When to use larger models
//!
//! These models are for trying facekit, for tests, and for small devices. The embedder distinguishes fewer people than
//! MobileFaceNet, which is in the set `standard`. If an impostor who is accepted does harm, use that set, or a larger model.
//! The liveness check was trained on simulated attacks only. If somebody has a reason to cheat, use the pair of the set
//! `standard`. Templates of one embedder cannot be compared with those of another: after a change, people are enrolled again
//! from stored crops or photos.

#![cfg_attr(docsrs, feature(doc_cfg))]

use facekit::Registry;

/// The model cards, in Markdown: data, teachers and their licenses, recipes, measured figures and known weaknesses.
///
/// ```
/// assert!(facekit_nano::CARDS.contains("## nano_embedder"));
/// ```
pub const CARDS: &str = include_str!("../MODELS.md");

/// The name of each model and its file. Weights have 16 bits.
const FILES: [(&str, &[u8]); 3] = [
    ("nano_detector", include_bytes!("../models/detector.onnx")),
    ("nano_liveness", include_bytes!("../models/liveness.onnx")),
    ("nano_embedder", include_bytes!("../models/embedder.onnx")),
];

/// facekit's built-in registry, with these models and the set `nano` of all three. It reads no files.
///
/// [`Registry::read_env`] adds the user's own models:
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

/// Adds the models and the set `nano` to a registry. They replace models and sets of the same names.
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
        .expect("the manifest describes the files");
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
