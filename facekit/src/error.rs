//! The one error type of every facekit crate.

use std::{fmt, io, path::PathBuf};

/// `Result` with facekit's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error below an [`Error`], from whichever library reported it.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong, and with which thing.
///
/// Only broken things are errors. A photo without a face, a face that fails the liveness check and a
/// person nobody knows are results: see `Outcome`.
///
/// Messages name the file, model, person or argument at fault and do not repeat their
/// [`source`](std::error::Error::source), so a chain printed in full says everything once.
///
/// ```
/// use facekit::PersonId;
///
/// let error = PersonId::new("../etc").unwrap_err();
/// assert!(error.is_invalid_input());
/// assert_eq!(
///     error.to_string(),
///     "person id \"../etc\": '/' is not allowed, since ids are used in file names and addresses"
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A caller's [`CancellationToken`](crate::CancellationToken) stopped the work.
    #[error("cancelled")]
    Cancelled,

    /// A device or accelerator that was asked for cannot be had. There is no silent fallback.
    #[error("{runtime}: device {device:?} is not available: {reason}")]
    DeviceUnavailable {
        /// The runtime that was asked.
        runtime: &'static str,
        /// The device asked for.
        device: String,
        /// What was looked for and not found.
        reason: String,
    },

    /// A file that holds people's templates is damaged.
    #[error("gallery {}: damaged: {reason}", path.display())]
    GalleryDamaged {
        /// The gallery file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
        /// The storage library's own words, where it has any.
        source: Option<Source>,
    },

    /// A gallery file is open already, here or in another process.
    #[error("gallery {}: already open, here or in another process", path.display())]
    GalleryLocked {
        /// The gallery file.
        path: PathBuf,
    },

    /// A gallery file was written by a later version of facekit.
    #[error(
        "gallery {}: its format is version {found}, this facekit reads up to version {supported}; use a newer facekit",
        path.display()
    )]
    GalleryVersion {
        /// The gallery file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The highest version this crate reads.
        supported: u32,
    },

    /// The downloaded or stored bytes are not the ones the manifest vouches for.
    #[error("{what}: SHA-256 is {actual}, expected {expected}")]
    HashMismatch {
        /// File or address.
        what: String,
        /// The accepted digests, in hexadecimal, joined by " or ".
        expected: String,
        /// The digest found.
        actual: String,
    },

    /// An image cannot be read: damaged, truncated, or not an image at all.
    #[error("{name}: {reason}")]
    Image {
        /// The file, or "image" where the bytes came without a name.
        name: String,
        /// What is wrong with it.
        reason: String,
        /// The decoder's own words.
        source: Option<Source>,
    },

    /// An image is larger than the limits allow; nothing of it was decoded.
    #[error("{name}: {found} is over the limit of {limit}")]
    ImageTooLarge {
        /// The file, or "image" where the bytes came without a name.
        name: String,
        /// Its size.
        found: String,
        /// The limit it breaks.
        limit: String,
    },

    /// An argument is outside what the function accepts.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// The argument or option.
        argument: &'static str,
        /// What was given and what is accepted.
        reason: String,
    },

    /// A vector cannot be an embedding: not finite, zero, or of the wrong length.
    #[error("embedding: {reason}")]
    InvalidEmbedding {
        /// What is wrong with it.
        reason: String,
    },

    /// A text cannot be a person's id.
    #[error("person id {id:?}: {reason}")]
    InvalidPersonId {
        /// The text.
        id: String,
        /// The rule it breaks.
        reason: String,
    },

    /// Reading or writing a file failed.
    #[error("{}: {action} failed", path.display())]
    Io {
        /// What was being done, as a verb: "reading", "creating".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },

    /// A key opens nothing, or is not a key.
    #[error("{what}: {reason}")]
    Key {
        /// The gallery, key file or variable.
        what: String,
        /// What is wrong.
        reason: String,
    },

    /// A library that a runtime calls, and that is no part of the program, cannot be had.
    #[error("{runtime}: no usable library of {library}: {reason}")]
    LibraryUnavailable {
        /// The runtime that needs it.
        runtime: &'static str,
        /// Whose library: "ONNX Runtime".
        library: &'static str,
        /// Where it was looked for, what was wrong in each place, and how to get it.
        reason: String,
    },

    /// A manifest does not parse, or contradicts itself.
    #[error("manifest {origin}: {reason}")]
    Manifest {
        /// Where the manifest came from.
        origin: String,
        /// What is wrong with it, and in which entry.
        reason: String,
        /// The parser's own words.
        source: Option<Source>,
    },

    /// A model file cannot be understood.
    #[error("model {model}: {reason}")]
    Model {
        /// The model's name.
        model: String,
        /// What is wrong: damaged, truncated, an operator without an implementation (named), …
        reason: String,
        /// The runtime's own words.
        source: Option<Source>,
    },

    /// A model is known, but its file is not on this machine.
    #[error("model {model}: not found at {}; fetch it with `facekit models pull {model}`", path.display())]
    ModelMissing {
        /// The model's name.
        model: String,
        /// Where its file was looked for.
        path: PathBuf,
    },

    /// Fetching a file failed. Nothing incomplete stands under the final name.
    #[error("{url}: {reason}")]
    Network {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
        /// The HTTP client's own words.
        source: Option<Source>,
    },

    /// A licence was not accepted.
    #[error(
        "model {model}: its licence ({licence}) forbids commercial use; accept that explicitly to fetch it"
    )]
    NonCommercial {
        /// The model's name.
        model: String,
        /// Its licence.
        licence: String,
    },

    /// A rate is outside what the calibration has measured.
    #[error(
        "a {rate} of {asked:e} is outside the calibrated range of {low:e} to {high:e} for {space}"
    )]
    RateOutOfRange {
        /// Which rate: "false-match rate", "false-positive identification rate".
        rate: &'static str,
        /// The rate asked for.
        asked: f64,
        /// The lowest rate the calibration covers, inclusive.
        low: f64,
        /// The highest rate the calibration covers, inclusive.
        high: f64,
        /// The embedding space.
        space: String,
    },

    /// A runtime failed while running a model.
    #[error("{runtime}: running {model} failed")]
    Runtime {
        /// The runtime.
        runtime: &'static str,
        /// The model's name.
        model: String,
        /// The runtime's own words.
        source: Source,
    },

    /// Two embeddings, or an embedding and an index, are of different spaces.
    #[error(
        "embedding space {found} where {expected} is needed; embeddings of different models cannot be compared"
    )]
    SpaceMismatch {
        /// The space needed.
        expected: String,
        /// The space given.
        found: String,
    },

    /// A template store failed.
    #[error("{store}: {action} failed")]
    Store {
        /// Which store: a file's path, or a database's name.
        store: String,
        /// What was being done, as a verb: "reading", "committing".
        action: &'static str,
        /// The storage library's own words.
        source: Source,
    },

    /// A tensor does not have the shape or element type that a model takes.
    #[error("model {model}, {port}: {found} given, {expected} needed")]
    Tensor {
        /// The model's name.
        model: String,
        /// The input or output.
        port: String,
        /// The shape and type needed.
        expected: String,
        /// The shape and type found.
        found: String,
    },

    /// A rate was asked of an embedding space that nobody has calibrated.
    #[error(
        "{space} has no calibration, so a rate cannot be turned into a score; \
         measure one (`facekit eval lfw --calibrate`) or give a raw score"
    )]
    Uncalibrated {
        /// The embedding space.
        space: String,
    },

    /// No model or set of this name is in any manifest.
    #[error(
        "no model or set named {name:?}{}; known: {known}",
        closest.as_ref().map_or_else(String::new, |closest| format!(", did you mean {closest:?}?"))
    )]
    UnknownModel {
        /// The name.
        name: String,
        /// The known name that is spelled most like it, where one is close.
        closest: Option<String>,
        /// The known names, joined by ", ".
        known: String,
    },

    /// No person of this id is in the gallery.
    #[error("person {id}: not in the gallery")]
    UnknownPerson {
        /// The id.
        id: String,
    },
}

impl Error {
    /// Whether the work stopped because a caller asked for that.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Whether the caller's input is at fault: an image, a vector, an id or an argument.
    ///
    /// ```
    /// assert!(facekit::PersonId::new("").unwrap_err().is_invalid_input());
    /// ```
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        matches!(
            self,
            Self::Image { .. }
                | Self::ImageTooLarge { .. }
                | Self::InvalidArgument { .. }
                | Self::InvalidEmbedding { .. }
                | Self::InvalidPersonId { .. }
                | Self::SpaceMismatch { .. }
                | Self::Tensor { .. }
        )
    }

    /// Whether something that was named does not exist: a model, a person, a file or a folder.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::ModelMissing { .. } | Self::UnknownModel { .. } | Self::UnknownPerson { .. } => {
                true
            }
            _ => false,
        }
    }

    /// For [`Result::map_err`]: an [`Error::Io`] about `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// An [`Error::InvalidArgument`].
    pub fn argument(argument: &'static str, reason: impl fmt::Display) -> Self {
        Self::InvalidArgument {
            argument,
            reason: reason.to_string(),
        }
    }
}
