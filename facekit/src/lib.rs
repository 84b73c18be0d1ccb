//! A face-recognition toolkit: it recognizes the people in images. Each step that can be replaced is a trait.
//!
#![cfg_attr(all(feature = "engine", feature = "decode"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "engine", feature = "decode")), doc = "```ignore")]
//! use facekit::{
//!     EnrollOptions, Gallery, LoadOptions, MemoryStore, Outcome, PersonId, Recognizer, Registry,
//!     image::{self, DecodeLimits},
//! };
//! # fn tract() -> Box<dyn facekit::Runtime> { unimplemented!() }
//!
//! // The application chooses the runtime, here `facekit_tract::Tract::new()`. The models must be in the models folder;
//! // `Registry::pull` fetches them.
//! let runtime = tract();
//! let models = Registry::from_env()?.load("standard", &*runtime, &LoadOptions::default())?;
//! let gallery = Gallery::for_space(MemoryStore::new(), models.embedder.space())?;
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
//!         Outcome::Unknown { .. } => println!("unknown person"),
//!         Outcome::Spoof => println!("print or screen"),
//!         Outcome::PoorQuality { issues } => println!("poor quality: {issues:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! # Tour
//!
//! 1. An [`ImageView`] is a frame: borrowed pixels in one of the formats of cameras and decoders.
//! 2. A [`Detector`] finds the faces in it. Each is a box with five landmarks.
//! 3. The quality of each face is measured. A face that is too small, too dark, blurred or turned away is rejected, with
//!    the reasons.
//! 4. A [`Liveness`] check distinguishes people from prints and screens. It sees the surroundings of the face too.
//! 5. The face is turned upright and cut out: an [`AlignedFace`].
//! 6. An [`Embedder`] turns it into a vector, an [`Embedding`].
//! 7. The gallery finds the people whose vectors are nearest. It keeps people and templates in a [`TemplateStore`], and
//!    searches them with a [`VectorIndex`].
//! 8. A known face becomes a [`Sighting`], and an [`AttendancePolicy`] decides about sightings.
//!
//! | Step | Trait | Implementations in this crate |
//! |-|-|-|
//! | Running a network | [`Runtime`], [`Network`] | none; see `facekit-tract`, `facekit-ort` and `facekit-candle` |
//! | Finding faces | [`Detector`] | `YuNet`, `Scrfd` |
//! | Rejecting prints and screens | [`Liveness`] | `MiniFasNet` |
//! | Embedding faces | [`Embedder`] | `ArcFace`, for all models of that family |
//! | Searching | [`VectorIndex`] | `AutoIndex`, `FlatIndex`, `HnswIndex` |
//! | Storing templates | [`TemplateStore`] | `MemoryStore`, `FileStore` |
//! | Deciding about attendance | [`AttendancePolicy`] | none; see `attendance-rules` |
//! | Delivering the frames of a video | [`FrameSource`] | `FrameFolder` |
//!
//! `Recognizer` combines these steps. It enrolls people from photos, recognizes the faces in one or many frames, and
//! compares two photos. Threads can share it. Each step can also be used alone. In a video, `Tracker` follows each face from its
//! first to its last frame, and decides once who it is.
//!
//! Rules for all parts:
//!
//! - **Outcomes are data, errors are failures.** No face, an unknown person and an unusable photo are results. There is one
//!   [`Error`] type, and each error names the file, the model or the argument.
//! - **An embedding knows its [`EmbeddingSpace`]**: the weights and the preprocessing. Embeddings of two spaces are never
//!   compared. After a change of the model, `Recognizer::embed_again` embeds the kept crops again.
//! - **A threshold is a rate.** The caller says how often another person may be accepted, and the `Calibration` of the
//!   space turns that rate into a score. A rate that was not measured is an error, and a rate that is extrapolated is marked.
//! - **A face without a liveness score is not live.** If a liveness check gives no score, the face is rejected.
//! - **A greater score is closer**, with every [`Metric`].
//! - **Only `Registry::pull` uses the network.**
//!
//! # Where to find it
//!
//! All items are at the top level, except for [`image`](mod@image) (image files, resizing, and the time of a photo) and
//! `work` (work on several threads).
//!
//! - Frames and faces: [`Image`], [`Detection`], `find_faces` with [`Passes`], [`Landmarks`], `align`, `Quality`, `HeadPose`.
//! - Models: `Registry` knows models by name. [`Model`] is the file, [`Signature`] describes its inputs and outputs, and
//!   [`Tensor`] is their type.
//! - Recognition: `Recognizer`, `Gallery`, [`Person`], [`SearchOptions`], `Threshold`.
//! - Active liveness: `Challenge`.
//! - Video: `Tracker`, `Track`, [`FrameSource`], [`VideoFrame`].
//! - Storage: [`TemplateStore`], `MemoryStore`, `FileStore`; `KeyVault` for programs that keep sealed data in a database.
//! - Evaluation: `ScoreHistogram`, `ImpostorScores` and `Calibration` for comparisons, `equal_error_rate`, `wilson_interval` and
//!   `fold_accuracies` for reports.
//! - Long work: [`Watch`] and [`CancellationToken`].
//! - For implementations of a runtime or store: [`catch_panic`] and [`silence_caught_panics`].
//!
//! # What is not supported
//!
//! - Reading cameras and video files: a [`FrameSource`] delivers frames. Here is only one for folders of photos.
//! - Masks, make-up, and video that is injected behind the camera: `MiniFasNet` recognizes prints and screens only.
//! - Age, sex and emotion: recognition does not need them.
//! - Async: all calls block. Call them where blocking is allowed.
//!
//! # Crate features
//!
//! Without any feature, the types and traits remain. They are enough to implement a trait or to decide about sightings.
//!
//! - **engine** (default): the model heads, alignment, quality, the index, the gallery, the recognizer, calibration
//!   and the model registry.
//! - **decode** (default): JPEG, PNG and WebP files: turned upright, with limits on their size, and with the time of the
//!   photo.
//! - **store**: `FileStore`, a gallery in one encrypted file that survives a loss of power, and `KeyVault`, the keys of people
//!   whose data are kept elsewhere. Enables `engine`.
//! - **download**: `Registry::pull`, which fetches weights over HTTPS and checks their digests. Enables `engine`.

// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod align;
mod attendance;
#[cfg(feature = "engine")]
mod calibration;
#[cfg(feature = "engine")]
mod challenge;
#[cfg(feature = "engine")]
mod comparison;
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
mod panic;
mod person;
mod progress;
#[cfg(feature = "engine")]
mod quality;
#[cfg(feature = "engine")]
mod recognize;
#[cfg(feature = "engine")]
mod registry;
mod runtime;
#[cfg(feature = "store")]
mod sealed_file;
mod store;
#[cfg(feature = "engine")]
mod track;
#[cfg(feature = "store")]
mod vault;
mod video;
#[cfg(feature = "engine")]
pub mod work;

// Types of these crates occur in public signatures.
pub use {jiff, ndarray};

#[cfg(feature = "download")]
pub use crate::registry::{PullOptions, PullReport};
#[cfg(feature = "decode")]
pub use crate::video::FrameFolder;
pub use crate::{
    align::AlignedFace,
    attendance::{
        Anomaly, AnomalyValue, AttendancePolicy, AttendanceSheet, Decision, Direction, Mark, Seen,
        Severity, Sighting, Verdict,
    },
    detect::{DetectOptions, Detection, Detector, Passes},
    digest::Digest,
    embed::{Embedder, Embedding, EmbeddingSpace},
    error::{BoxError, Error, Result},
    geometry::{Landmarks, Point, Rect},
    image::{Image, ImageView, PixelFormat},
    index::{EntryId, EntrySet, Generation, Metric, ScoredEntry, SearchOptions, VectorIndex},
    liveness::{Liveness, LivenessScore},
    panic::{catch_panic, silence_caught_panics},
    person::{Person, PersonId},
    progress::{CancellationToken, Progress, Watch},
    runtime::{
        Dim, Element, LoadOptions, Model, Network, Port, Runtime, Signature, Tensor, TensorView,
    },
    store::{NewTemplate, Template, TemplateId, TemplateStore},
    video::{Clock, FrameImage, FrameSource, Next, Pace, VideoFrame},
};
#[cfg(feature = "engine")]
pub use crate::{
    align::align,
    calibration::{
        Calibration, CalibrationPoint, Capacity, Curve, MatchLimit, RateBasis, RateInterval, Room,
        Threshold,
    },
    challenge::{
        Challenge, ChallengeContinuity, ChallengeDepth, ChallengeDot, ChallengeLimits,
        ChallengeOptions, ChallengeOutcome, ChallengePrompt, ChallengeReason, ChallengeStep,
        ChallengeVerdict,
    },
    comparison::Comparison,
    detect::{
        FoundFaces, Scrfd, ScrfdSpec, SecondLook, SecondLookSpec, YuNet, YuNetSpec, find_faces,
        non_maximum_suppression,
    },
    embed::{
        ArcFace, ArcFaceSpec, Correction, CorrectionSamples, MeasuredEmbedder, Recognizability,
        RecognizabilitySamples, SampleFace, Texture, UnrecognizableKind,
    },
    evaluate::{
        DuplicatePeople, ImpostorFaces, ImpostorOptions, ImpostorScores, PersonPhotos,
        RandomSequence, ScoreHistogram, duplicate_people, equal_error_rate, fold_accuracies,
        wilson_interval,
    },
    gallery::{Fusion, Gallery, Neighbor, Roster},
    geometry::{HeadPose, Similarity},
    index::{AutoIndex, FlatIndex, GraphBuilder, HnswIndex, HnswOptions, SearchStrategy},
    input::{ColorOrder, PixelSpec},
    liveness::{MiniFasNet, MiniFasNetSpec},
    quality::{Quality, QualityIssue, QualityOptions},
    recognize::{
        Analysis, AnalyzedFace, Candidate, ComparedPhoto, EnrollOptions, EnrollReport,
        ExamineOptions, ExaminedFace, FaceReport, GalleryCalibration, GalleryCalibrationOptions,
        IdentifyOptions, Identity, MirrorOptions, Mismatch, Outcome, ProbableDuplicate,
        Recognition, RecognizeOptions, Recognizer, RecognizerBuilder, ReembedReport, Refusal,
        RefusedPhoto, Resemblance, SpoiledCheck, Subject, TurnedPhoto, Verification, VerifyOptions,
        sightings,
    },
    registry::{
        Export, FileState, HeadSpec, LandmarksModel, ModelEntry, ModelSet, Models, Registry,
        SecondLookEntry, SetEntry, Task,
    },
    store::MemoryStore,
    track::{BestShot, Track, TrackEvent, TrackId, TrackedFace, Tracker, TrackerOptions},
};
#[cfg(feature = "store")]
pub use crate::{
    index::{SnapshotFile, SnapshotIndex},
    sealed_file::{GalleryKey, Protection, ProtectionKind},
    store::{CheckReport, FileStore, ImportConflict, ImportOptions, ImportReport, OnConflict},
    vault::{KeyRecord, KeyVault, SealedTemplate, VaultRecords, VaultState, VaultStorage},
};

/// The examples of the README, as documentation tests.
#[cfg(all(doctest, feature = "engine", feature = "decode"))]
#[doc = include_str!("../README.md")]
struct Readme;
