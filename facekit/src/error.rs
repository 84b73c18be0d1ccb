//! The error type of all facekit crates.

use std::{fmt, io, path::PathBuf};

/// `Result` with facekit's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error below an [`Error`], from the library that reported it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An error of a facekit crate.
///
/// Only failures are errors. A photo without a face, a face that fails the liveness check and an unknown person are
/// results; see `Outcome`.
///
/// A message names the file, model, person or argument at fault. It does not repeat its
/// [`source`](std::error::Error::source), so a chain of errors that is printed in full has no repetitions.
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

    /// A requested device or accelerator is not available. There is no silent fallback.
    #[error("{runtime}: device {device:?} is not available: {reason}")]
    DeviceUnavailable {
        /// The runtime.
        runtime: &'static str,
        /// The requested device.
        device: String,
        /// The reason: what was looked for and not found.
        reason: String,
    },

    /// A gallery file or a key vault is damaged.
    #[error("{}: damaged: {reason}", path.display())]
    FileDamaged {
        /// The file.
        path: PathBuf,
        /// The damage that was found.
        reason: String,
        /// The error of the storage library, if it reported one.
        source: Option<BoxError>,
    },

    /// A gallery file or a key vault is open already, here or in another process.
    #[error("{}: already open, here or in another process", path.display())]
    FileLocked {
        /// The file.
        path: PathBuf,
    },

    /// A gallery file or a key vault was written by a later version of facekit.
    #[error(
        "{}: its format is version {found}, this facekit reads up to version {supported}; use a newer facekit",
        path.display()
    )]
    FileVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The highest version that this crate reads.
        supported: u32,
    },

    /// Downloaded or stored bytes do not have a digest that the manifest accepts.
    #[error("{what}: SHA-256 is {actual}, expected {expected}")]
    HashMismatch {
        /// The file or URL.
        what: String,
        /// The accepted digests, in hexadecimal, joined by " or ".
        expected: String,
        /// The digest that was found.
        actual: String,
    },

    /// An image cannot be read: damaged, truncated, or not an image at all.
    #[error("{name}: {reason}")]
    Image {
        /// The file, or "image" for bytes without a name.
        name: String,
        /// The fault.
        reason: String,
        /// The error of the decoder.
        source: Option<BoxError>,
    },

    /// An image is larger than a limit. No pixels were decoded.
    #[error("{name}: {found} is over the limit of {limit}")]
    ImageTooLarge {
        /// The file, or "image" for bytes without a name.
        name: String,
        /// The size of the image.
        found: String,
        /// The limit that is exceeded.
        limit: String,
    },

    /// An argument has a value that the function does not accept.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// The argument or option.
        argument: &'static str,
        /// The given value, and the accepted ones.
        reason: String,
    },

    /// A vector cannot be an embedding: not finite, zero, or of the wrong length.
    #[error("embedding: {reason}")]
    InvalidEmbedding {
        /// The fault.
        reason: String,
    },

    /// A text cannot be the id of a person.
    #[error("person id {id:?}: {reason}")]
    InvalidPersonId {
        /// The text.
        id: String,
        /// The rule that it breaks.
        reason: String,
    },

    /// Reading or writing a file failed.
    #[error("{}: {action} failed", path.display())]
    Io {
        /// The failed action, as a verb: "reading", "creating".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// A key does not open a file or a record, or a text is not a key.
    #[error("{what}: {reason}")]
    Key {
        /// The gallery, vault, person, key file or variable.
        what: String,
        /// The fault.
        reason: String,
    },

    /// A shared library that a runtime needs is missing or cannot be used.
    #[error("{runtime}: no usable library of {library}: {reason}")]
    LibraryUnavailable {
        /// The runtime that needs the library.
        runtime: &'static str,
        /// The library: "ONNX Runtime".
        library: &'static str,
        /// The places that were searched, the fault in each, and how to get the library.
        reason: String,
    },

    /// A manifest does not parse, or contradicts itself.
    #[error("manifest {origin}: {reason}")]
    Manifest {
        /// The manifest's file or name.
        origin: String,
        /// The entry and its fault.
        reason: String,
        /// The error of the parser.
        source: Option<BoxError>,
    },

    /// A model cannot be used.
    #[error("model {model}: {reason}")]
    Model {
        /// The model's name.
        model: String,
        /// The fault: damaged, truncated, an operator that is not implemented and its name, and so on.
        reason: String,
        /// The error of the runtime.
        source: Option<BoxError>,
    },

    /// A model is known, but its file is not on this machine.
    #[error("model {model}: not found at {}; fetch it with `facekit models pull {model}`", path.display())]
    ModelMissing {
        /// The model's name.
        model: String,
        /// The place where its file was looked for.
        path: PathBuf,
    },

    /// Fetching a file failed. There is no incomplete file under the final name.
    #[error("{url}: {reason}")]
    Network {
        /// The URL.
        url: String,
        /// The fault.
        reason: String,
        /// The error of the HTTP client.
        source: Option<BoxError>,
    },

    /// A license that forbids commercial use was not accepted.
    #[error(
        "model {model}: its license ({license}) forbids commercial use; accept that explicitly to fetch it"
    )]
    NonCommercial {
        /// The model's name.
        model: String,
        /// The license.
        license: String,
    },

    /// A rate is outside the range of the calibration.
    #[error(
        "a {rate} of {asked:e} is outside the calibrated range of {low:e} to {high:e} for {space}"
    )]
    RateOutOfRange {
        /// The name of the rate: "false-match rate" or "false-positive identification rate".
        rate: &'static str,
        /// The requested rate.
        asked: f64,
        /// The lowest rate that the calibration covers, inclusive.
        low: f64,
        /// The highest rate that the calibration covers, inclusive.
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
        /// The error of the runtime.
        source: BoxError,
    },

    /// Two embeddings, or an embedding and an index, are of different spaces.
    #[error(
        "embedding space {found} where {expected} is needed; embeddings of different models cannot be compared"
    )]
    SpaceMismatch {
        /// The space that is needed.
        expected: String,
        /// The space that was given.
        found: String,
    },

    /// A template store failed.
    #[error("{store}: {action} failed")]
    Store {
        /// The store: a file's path, or a database's name.
        store: String,
        /// The failed action, as a verb: "reading", "committing".
        action: &'static str,
        /// The error of the storage library.
        source: BoxError,
    },

    /// A tensor does not have the shape or element type that a model needs.
    #[error("model {model}, {port}: {found} given, {expected} needed")]
    Tensor {
        /// The model's name.
        model: String,
        /// The input or output.
        port: String,
        /// The shape and type that are needed.
        expected: String,
        /// The shape and type that were found.
        found: String,
    },

    /// A rate was requested for an embedding space without a calibration.
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
        /// The known name with the most similar spelling, if one is close.
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
    /// True if the caller stopped the work.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// True if the caller's input is at fault: an image, a vector, a tensor, an id or an argument.
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

    /// True if a named thing does not exist: a model, a person, a file or a folder.
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

    /// For [`Result::map_err`]: makes an [`Error::Io`] about `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Makes an [`Error::InvalidArgument`].
    pub fn argument(argument: &'static str, reason: impl fmt::Display) -> Self {
        Self::InvalidArgument {
            argument,
            reason: reason.to_string(),
        }
    }
}
