//! The entries of a manifest, and the rules for each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::url;
use crate::{
    calibration::Calibration,
    challenge::ChallengeLimits,
    detect::{ScrfdSpec, SecondLookSpec, YuNetSpec},
    digest::Digest,
    embed::{ArcFaceSpec, EmbeddingSpace, Recognizability},
    error::{Error, Result},
    input::PixelSpec,
    liveness::MiniFasNetSpec,
};

/// The name of the manifest in the models folder. Its entries are added to the built-in ones.
pub(super) const FOLDER_MANIFEST: &str = "models.toml";

/// The task of a model in a recognizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Task {
    /// Finding faces.
    Detector,
    /// Turning aligned faces into embeddings.
    Embedder,
    /// Distinguishing living faces from prints and screens.
    Liveness,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detector => "detector",
            Self::Embedder => "embedder",
            Self::Liveness => "liveness",
        })
    }
}

/// The head that prepares a model's input and reads its outputs, with the specification of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HeadSpec {
    /// A detector of the YuNet family.
    YuNet(YuNetSpec),
    /// A detector of the SCRFD family.
    Scrfd(ScrfdSpec),
    /// An embedder of the ArcFace family.
    ArcFace(ArcFaceSpec),
    /// A liveness network of the MiniFASNet family.
    MiniFasNet(MiniFasNetSpec),
}

impl HeadSpec {
    /// The task of a model with this head.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Self::YuNet(_) | Self::Scrfd(_) => Task::Detector,
            Self::ArcFace(_) => Task::Embedder,
            Self::MiniFasNet(_) => Task::Liveness,
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::YuNet(spec) => {
                check_pixels(&spec.pixels)?;
                check_strides(&spec.strides)?;
                check_share("score", spec.score)?;
                check_share("overlap", spec.overlap)
            }
            Self::Scrfd(spec) => {
                check_pixels(&spec.pixels)?;
                check_strides(&spec.strides)?;
                check_positive("anchors", spec.anchors)?;
                check_share("score", spec.score)?;
                check_share("overlap", spec.overlap)
            }
            Self::ArcFace(spec) => {
                check_pixels(&spec.pixels)?;
                check_positive("side", spec.side)?;
                check_positive("dimension", spec.dimension)
            }
            Self::MiniFasNet(spec) => {
                check_pixels(&spec.pixels)?;
                check_positive("side", spec.side)?;
                if spec.context.is_finite() && spec.context > 0.0 {
                    Ok(())
                } else {
                    Err(format!("context is {}, not above 0", spec.context))
                }
            }
        }
    }
}

fn check_pixels(spec: &PixelSpec) -> Result<(), String> {
    if !spec.mean.iter().all(|mean| mean.is_finite()) {
        Err("pixels.mean is not finite".to_owned())
    } else if !spec.std.iter().all(|std| std.is_finite() && *std > 0.0) {
        Err("pixels.std is not above 0".to_owned())
    } else {
        Ok(())
    }
}

fn check_strides(strides: &[usize]) -> Result<(), String> {
    if strides.is_empty() || strides.contains(&0) {
        Err("strides must be one or more whole numbers above 0".to_owned())
    } else {
        Ok(())
    }
}

fn check_share(key: &str, value: f32) -> Result<(), String> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} is {value}, not within 0 to 1"))
    }
}

fn check_positive(key: &str, value: usize) -> Result<(), String> {
    if value > 0 {
        Ok(())
    } else {
        Err(format!("{key} is 0"))
    }
}

/// A file that is accepted as a model: an export of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Export {
    /// The file's digest.
    pub sha256: Digest,
    /// The file's length in bytes; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// A model in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelEntry {
    /// The name: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The name of the file in the models folder.
    pub file: String,
    /// The URL of the first of `exports`; `None` for a model that was made on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The files that are accepted as this model. At least one; the canonical one is the first.
    pub exports: Vec<Export>,
    /// The license: an SPDX expression, or a description if there is none.
    pub license: String,
    /// True if the license allows commercial use.
    pub commercial_use: bool,
    /// The origin: the authors, the training data, and the author of the export.
    pub source: String,
    /// The accuracy, in words and figures; `None` if it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<String>,
    /// True if facekit's own tests cover the model. An untested model may fail to load or give wrong results.
    pub tested: bool,
    /// The head, with the specification of the model.
    #[serde(flatten)]
    pub head: HeadSpec,
    /// The calibration of an embedder; `None` if it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The faces that an embedder cannot tell apart; `None` if it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognizability: Option<Recognizability>,
    /// The limits of a challenge for the landmarks of a detector; `None` if they were not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeLimits>,
    /// The same figures for faces that a second look has aligned. They are in spaces of their own.
    #[serde(rename = "second_look", skip_serializing_if = "Vec::is_empty")]
    pub second_looks: Vec<SecondLookEntry>,
}

/// The figures of an embedder for faces that a [`SecondLook`](crate::SecondLook) has aligned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SecondLookEntry {
    /// The name of the detector that gives the landmarks.
    pub landmarks: String,
    /// The digest of the detector's weights: its first export.
    pub weights: Digest,
    /// True if the landmarks are the mean of those in the window and in its mirror image.
    #[serde(default)]
    pub mirrored: bool,
    /// The calibration; `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The faces that the embedder cannot tell apart; `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognizability: Option<Recognizability>,
}

impl SecondLookEntry {
    /// The second look of these figures.
    #[must_use]
    pub fn spec(&self) -> SecondLookSpec {
        SecondLookSpec {
            weights: self.weights,
            mirrored: self.mirrored,
        }
    }
}

impl ModelEntry {
    /// Makes an entry for a model that was made from this one on this machine, such as a quantized one. The new model is
    /// `bytes`, has another name and the same head. It has an embedding space of its own, and no accuracy and calibration
    /// yet. `how` describes how it was made.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let registry = Registry::builtin();
    /// let entry = registry.model("mobilefacenet")?.derived("mobilefacenet_int8", b"...", "quantized to 8 bits");
    /// assert_eq!(entry.file, "mobilefacenet_int8.onnx");
    /// assert_eq!(entry.license, "Apache-2.0");
    /// assert_ne!(entry.space(), registry.model("mobilefacenet")?.space());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn derived(&self, name: &str, bytes: &[u8], how: &str) -> Self {
        Self {
            name: name.to_owned(),
            file: format!("{name}.onnx"),
            url: None,
            exports: vec![Export {
                sha256: Digest::of(bytes),
                bytes: Some(bytes.len() as u64),
            }],
            source: format!("{how}, from {}: {}", self.name, self.source),
            accuracy: None,
            tested: false,
            calibration: None,
            recognizability: None,
            challenge: None,
            second_looks: Vec::new(),
            ..self.clone()
        }
    }

    /// The task of the model.
    #[must_use]
    pub fn task(&self) -> Task {
        self.head.task()
    }

    /// True if a file of this digest is accepted as the model.
    #[must_use]
    pub fn accepts(&self, digest: Digest) -> bool {
        self.exports.iter().any(|export| export.sha256 == digest)
    }

    /// True if a file of `bytes` bytes may be the model: always if the length of an export is unknown.
    pub(super) fn fits(&self, bytes: u64) -> bool {
        self.exports
            .iter()
            .any(|export| export.bytes.is_none_or(|expected| expected == bytes))
    }

    /// The error about a file or URL `what` with a digest that is not accepted.
    pub(super) fn mismatch(&self, what: String, actual: Digest) -> Error {
        let accepted = self.exports.iter().map(|export| export.sha256.to_string());
        Error::HashMismatch {
            what,
            expected: accepted.collect::<Vec<_>>().join(" or "),
            actual: actual.to_string(),
        }
    }

    /// Checks the rules for one entry. The error says which key breaks which rule.
    pub(super) fn check(&self) -> Result<(), String> {
        check_plain("name", &self.name)?;
        check_plain("file", &self.file)?;
        let lower = self.file.to_ascii_lowercase();
        if lower.ends_with(".part") || lower.ends_with(".lock") || lower == FOLDER_MANIFEST {
            return Err(format!(
                "file {:?} is a name that facekit needs itself",
                self.file
            ));
        }
        self.url.as_deref().map_or(Ok(()), url::check)?;
        if self.exports.is_empty() {
            return Err("exports is empty".to_owned());
        }
        for (index, export) in self.exports.iter().enumerate() {
            if self.exports[..index]
                .iter()
                .any(|other| other.sha256 == export.sha256)
            {
                return Err(format!("exports lists {} twice", export.sha256));
            }
            if export.bytes == Some(0) {
                return Err(format!("exports gives {} a length of 0", export.sha256));
            }
        }
        if self.license.trim().is_empty() {
            return Err("license is empty".to_owned());
        }
        self.head.check()?;
        if let Some(challenge) = &self.challenge {
            if self.task() != Task::Detector {
                return Err("only a detector has limits of a challenge".to_owned());
            }
            challenge.check()?;
        }
        let Some(plain) = self.space() else {
            let figures = self.calibration.is_some() || self.recognizability.is_some();
            return if figures || !self.second_looks.is_empty() {
                Err(
                    "only an embedder has a calibration, recognizability or a second look"
                        .to_owned(),
                )
            } else {
                Ok(())
            };
        };
        if self
            .recognizability
            .as_ref()
            .is_some_and(|it| !it.correction().is_none())
        {
            return Err(
                "recognizability corrects embeddings, which only a second look may".to_owned(),
            );
        }
        check_figures(
            &plain,
            self.calibration.as_ref(),
            self.recognizability.as_ref(),
        )?;
        for (index, entry) in self.second_looks.iter().enumerate() {
            let space = entry.spec().space(&plain);
            check_figures(
                &space,
                entry.calibration.as_ref(),
                entry.recognizability.as_ref(),
            )
            .map_err(|reason| format!("second look by {}: {reason}", entry.landmarks))?;
            let twice = |other: &SecondLookEntry| other.spec() == entry.spec();
            if self.second_looks[..index].iter().any(twice) {
                return Err(format!(
                    "the second look by {} is listed twice",
                    entry.landmarks
                ));
            }
        }
        Ok(())
    }

    /// The figures of an embedder for faces that this second look has aligned; `None` if it was not measured with it.
    #[must_use]
    pub fn second_look(&self, look: &SecondLookSpec) -> Option<&SecondLookEntry> {
        self.second_looks.iter().find(|entry| entry.spec() == *look)
    }

    /// The entry for this second look, which is added if it is missing.
    pub fn second_look_mut(
        &mut self,
        landmarks: &str,
        look: SecondLookSpec,
    ) -> &mut SecondLookEntry {
        let at = self
            .second_looks
            .iter()
            .position(|entry| entry.spec() == look);
        let at = at.unwrap_or_else(|| {
            self.second_looks.push(SecondLookEntry {
                landmarks: landmarks.to_owned(),
                weights: look.weights,
                mirrored: look.mirrored,
                calibration: None,
                recognizability: None,
            });
            self.second_looks.len() - 1
        });
        &mut self.second_looks[at]
    }

    /// The embedding space of an embedder, the same for all its exports; `None` for other models.
    #[must_use]
    pub fn space(&self) -> Option<EmbeddingSpace> {
        match &self.head {
            HeadSpec::ArcFace(spec) => Some(spec.space(&self.name, &self.exports[0].sha256)),
            _ => None,
        }
    }
}

/// Checks that figures are those of `space`, or of the corrected embeddings.
fn check_figures(
    space: &EmbeddingSpace,
    calibration: Option<&Calibration>,
    recognizability: Option<&Recognizability>,
) -> Result<(), String> {
    let space = match recognizability {
        None => space,
        Some(recognizability) => &recognizability.correction().space(space),
    };
    let checked = [
        calibration.map(|calibration| calibration.check_space(space)),
        recognizability.map(|recognizability| recognizability.check_space(space)),
    ];
    let wrong = checked.into_iter().flatten().find_map(Result::err);
    wrong.map_or(Ok(()), |error| Err(error.to_string()))
}

/// A set in a manifest: the names of the models of a recognizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SetEntry {
    /// The name: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The detector.
    pub detector: String,
    /// The detector that looks at each face again, for better landmarks; `None` for a recognizer without a second look. See
    /// [`SecondLook`](crate::SecondLook).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<String>,
    /// True if the second look takes the mean of the landmarks in the window and in its mirror image.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mirrored: bool,
    /// The embedder.
    pub embedder: String,
    /// The liveness models, whose scores are averaged. Empty for a recognizer without a liveness check.
    #[serde(default)]
    pub liveness: Vec<String>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl SetEntry {
    /// The names of all models, once each: the detector, the detector of the second look, the embedder, then the liveness
    /// models.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.roles().map(|(name, _)| name).filter({
            let mut seen = Vec::new();
            move |name| {
                let new = !seen.contains(name);
                seen.push(*name);
                new
            }
        })
    }

    /// The name of the model in each role, and its task.
    pub(super) fn roles(&self) -> impl Iterator<Item = (&str, Task)> {
        let landmarks = self
            .landmarks
            .iter()
            .map(|name| (name.as_str(), Task::Detector));
        let liveness = self
            .liveness
            .iter()
            .map(|name| (name.as_str(), Task::Liveness));
        std::iter::once((self.detector.as_str(), Task::Detector))
            .chain(landmarks)
            .chain(std::iter::once((self.embedder.as_str(), Task::Embedder)))
            .chain(liveness)
    }
}

/// Checks that a name can be used in file names, URLs and comma-separated lists as it is.
pub(super) fn check_plain(key: &str, text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if text.bytes().all(allowed)
        && text
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric)
    {
        Ok(())
    } else {
        Err(format!(
            "{key} {text:?} must be ASCII letters, digits, '_', '-' and '.', and begin with a letter or digit"
        ))
    }
}
