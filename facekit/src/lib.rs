//! Face recognition from parts: frames go in and people come out, and each step between is a trait with an
//! implementation to begin with.
//!
#![cfg_attr(all(feature = "engine", feature = "decode"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "engine", feature = "decode")), doc = "```ignore")]
//! use facekit::{
//!     EnrollOptions, ExactIndex, Gallery, LoadOptions, MemoryStore, Metric, Outcome, PersonId, Recognizer, Registry,
//!     image::{self, DecodeLimits},
//! };
//! # fn tract() -> Box<dyn facekit::Runtime> { unimplemented!() }
//!
//! // The application chooses the runtime, here `facekit_tract::Tract::new()`, and fetches the models beforehand.
//! let runtime = tract();
//! let models = Registry::from_env()?.load("standard", &*runtime, &LoadOptions::default())?;
//! let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
//! let gallery = Gallery::open(MemoryStore::new(), index)?;
//! let recognizer = Recognizer::builder().models(models).gallery(gallery).build()?;
//!
//! let portrait = image::open("anna.jpg", &DecodeLimits::default())?;
//! let report = recognizer.enroll(&PersonId::new("anna")?, &[portrait.view()], &EnrollOptions::default())?;
//! for photo in &report.refused {
//!     println!("not used: {}", photo.refusal);
//! }
//!
//! let frame = image::open("door.jpg", &DecodeLimits::default())?;
//! for face in recognizer.recognize(frame.view())? {
//!     match face.outcome {
//!         Outcome::Known(identity) => println!("{}, score {:.2}", identity.person, identity.score),
//!         Outcome::Unknown { .. } => println!("a stranger"),
//!         Outcome::Spoof => println!("a print or a screen"),
//!         Outcome::PoorQuality { issues } => println!("not good enough: {issues:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! # Tour
//!
//! A frame is an [`ImageView`]: somebody else's pixels, in the formats that cameras and decoders deliver. A [`Detector`]
//! finds the faces in it, each a box with five landmarks. Faces too small, dark, blurred or turned away to be compared
//! are set aside with the reasons. A [`Liveness`] check looks at what is around a face and tells people from prints and
//! screens. What is left is turned upright and cut out, an [`AlignedFace`], from which an [`Embedder`] makes a vector,
//! an [`Embedding`]. A gallery knows whose vectors those near to it are: it keeps people and templates in a
//! [`TemplateStore`] and searches them through a [`VectorIndex`]. A known face becomes a [`Sighting`], and an
//! [`AttendancePolicy`] decides what sightings mean.
//!
//! | Step | Trait | In this crate |
//! |-|-|-|
//! | running a network | [`Runtime`], [`Network`] | none: see `facekit-tract` |
//! | finding faces | [`Detector`] | `YuNet`, `Scrfd` |
//! | refusing prints and screens | [`Liveness`] | `MiniFasNet` |
//! | comparing | [`Embedder`] | `ArcFace` and what is fed like it |
//! | searching | [`VectorIndex`] | `ExactIndex` |
//! | keeping | [`TemplateStore`] | `MemoryStore`, `FileStore` |
//! | deciding | [`AttendancePolicy`] | none: see `attendance-rules` |
//!
//! `Recognizer` is all of these in a row. It enrols people from photos, recognises those in a frame or in many at once, and
//! compares two photos. It is shared by threads. Every step can be had alone as well.
//!
//! What the parts have in common:
//!
//! - **Outcomes are data, errors are for broken things.** No face, a stranger and a photo that will not do are results.
//!   There is one [`Error`], and it names the file, the model or the argument.
//! - **A vector knows its [`EmbeddingSpace`]**, the weights and the way they are fed. Vectors of two spaces are never
//!   compared; after a change of model, kept crops are embedded again.
//! - **A threshold is a rate.** The caller says how often a stranger may pass, and the space's `Calibration` turns that into a
//!   score. Where nobody has measured that rate, it is an error.
//! - **What fails is not live.** A liveness check that gives no number has refused the face.
//! - **Scores grow with closeness**, by every [`Metric`].
//! - **Nothing reaches for the network** but `Registry::pull`.
//!
//! # What is where
//!
//! All is at the top but [`image`](mod@image): reading image files, resizing, and when a photo was taken.
//!
//! - Frames and faces: [`Image`], [`Detection`], [`Landmarks`], `align`, `Quality`, `HeadPose`.
//! - Models: `Registry` knows them by name, [`Model`] is one of them, [`Signature`] and [`Tensor`] are what goes through it.
//! - Recognition: `Recognizer`, `Gallery`, [`Person`], [`SearchOptions`], `Threshold`.
//! - Measuring: `ScoreHistogram` and `Calibration` for comparisons, `equal_error_rate`, `wilson_interval` and
//!   `fold_accuracies` for reports.
//! - Long work: [`Watch`] and [`CancellationToken`].
//!
//! # What is not supported
//!
//! - Tracking a face from frame to frame, and reading cameras: frames are looked at one by one.
//! - Masks, make-up and video injected behind the camera: `MiniFasNet` knows prints and screens.
//! - Age, sex, emotion. They are not needed to recognise anybody.
//! - Searching millions of templates: `ExactIndex` compares with each, and past some 100,000 another [`VectorIndex`] is
//!   called for.
//! - Async: all calls block. Run them where blocking is fine.
//!
//! # Crate features
//!
//! With none of them, types and traits remain: enough to implement one, or to decide about sightings.
//!
//! - **engine** (default): the model heads, alignment, quality, the exact index, the gallery, the recogniser,
//!   calibration and the model registry.
//! - **decode** (default): JPEG, PNG and WebP files, upright, under limits, with the time the photo was taken.
//! - **store**: `FileStore`, a gallery in one encrypted file that survives a loss of power. Turns on `engine`.
//! - **download**: `Registry::pull`, which fetches weights over HTTPS and checks them. Turns on `engine`.

mod align;
mod attendance;
#[cfg(feature = "engine")]
mod calibration;
mod detect;
mod digest;
mod embed;
mod error;
#[cfg(feature = "engine")]
mod evaluate;
#[cfg(feature = "engine")]
mod files;
#[cfg(feature = "engine")]
mod gallery;
mod geometry;
pub mod image;
mod index;
#[cfg(feature = "engine")]
mod input;
mod liveness;
mod person;
mod progress;
#[cfg(feature = "engine")]
mod quality;
#[cfg(feature = "engine")]
mod recognize;
#[cfg(feature = "engine")]
mod registry;
mod runtime;
mod store;

// Their types are in signatures here.
pub use {jiff, ndarray};

#[cfg(feature = "download")]
pub use crate::registry::{PullOptions, PullReport};
#[cfg(feature = "store")]
pub use crate::store::{
    CheckReport, FileStore, GalleryKey, ImportConflict, ImportOptions, ImportReport, OnConflict,
    Protection, ProtectionKind,
};
pub use crate::{
    align::AlignedFace,
    attendance::{
        Anomaly, AnomalyValue, AttendancePolicy, AttendanceSheet, Decision, Direction, Mark, Seen,
        Severity, Sighting, Verdict,
    },
    detect::{DetectOptions, Detection, Detector},
    digest::Digest,
    embed::{Embedder, Embedding, EmbeddingSpace},
    error::{Error, Result, Source},
    geometry::{Landmarks, Point, Rect},
    image::{Image, ImageView, PixelFormat},
    index::{Candidate, Metric, Roster, SearchOptions, TemplateId, VectorIndex},
    liveness::{Liveness, LivenessScore},
    person::{Person, PersonId},
    progress::{CancellationToken, Progress, Watch},
    runtime::{
        Dim, Element, LoadOptions, Model, Network, Port, Runtime, Signature, Tensor, TensorView,
    },
    store::{NewTemplate, Template, TemplateStore},
};
#[cfg(feature = "engine")]
pub use crate::{
    align::align,
    calibration::{Calibration, CalibrationPoint, Threshold},
    detect::{Scrfd, ScrfdSpec, YuNet, YuNetSpec},
    embed::{ArcFace, ArcFaceSpec},
    evaluate::{ScoreHistogram, equal_error_rate, fold_accuracies, wilson_interval},
    gallery::{Gallery, Neighbor},
    geometry::{HeadPose, Similarity, non_maximum_suppression},
    index::ExactIndex,
    input::{ColorOrder, PixelSpec},
    liveness::{MiniFasNet, MiniFasNetSpec},
    quality::{Quality, QualityIssue, QualityOptions},
    recognize::{
        EnrollOptions, EnrollReport, Identity, Outcome, Recognition, RecognizeOptions, Recognizer,
        RecognizerBuilder, ReembedReport, Refusal, RefusedPhoto, Resemblance, Subject,
        Verification,
    },
    registry::{
        Export, FileState, HeadSpec, ModelEntry, ModelSet, Models, Registry, SetEntry, Task,
    },
    store::MemoryStore,
};
