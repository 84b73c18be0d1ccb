//! What a manifest says, and the rules it must keep.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    calibration::Calibration,
    detect::{ScrfdSpec, YuNetSpec},
    digest::Digest,
    embed::{ArcFaceSpec, EmbeddingSpace},
    error::{Error, Result},
    input::PixelSpec,
    liveness::MiniFasNetSpec,
};

/// What a model does for a recogniser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Task {
    /// Finds faces.
    Detector,
    /// Turns aligned faces into embeddings.
    Embedder,
    /// Tells living faces from pictures of faces.
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

/// Which head reads a model's outputs, and what the head must know of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HeadSpec {
    /// A detector of the YuNet family.
    YuNet(YuNetSpec),
    /// A detector of the SCRFD family.
    Scrfd(ScrfdSpec),
    /// An embedder fed as ArcFace is.
    ArcFace(ArcFaceSpec),
    /// A liveness network of the MiniFASNet family.
    MiniFasNet(MiniFasNetSpec),
}

impl HeadSpec {
    /// What a model with this head does.
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
                pixels(&spec.pixels)?;
                strides(&spec.strides)?;
                share("score", spec.score)?;
                share("overlap", spec.overlap)
            }
            Self::Scrfd(spec) => {
                pixels(&spec.pixels)?;
                strides(&spec.strides)?;
                positive("anchors", spec.anchors)?;
                share("score", spec.score)?;
                share("overlap", spec.overlap)
            }
            Self::ArcFace(spec) => {
                pixels(&spec.pixels)?;
                positive("side", spec.side)?;
                positive("dimension", spec.dimension)
            }
            Self::MiniFasNet(spec) => {
                pixels(&spec.pixels)?;
                positive("side", spec.side)?;
                if spec.context.is_finite() && spec.context > 0.0 {
                    Ok(())
                } else {
                    Err(format!("context is {}, not above 0", spec.context))
                }
            }
        }
    }
}

fn pixels(spec: &PixelSpec) -> Result<(), String> {
    if !spec.mean.iter().all(|mean| mean.is_finite()) {
        Err("pixels.mean is not finite".to_owned())
    } else if !spec.std.iter().all(|std| std.is_finite() && *std > 0.0) {
        Err("pixels.std is not above 0".to_owned())
    } else {
        Ok(())
    }
}

fn strides(strides: &[usize]) -> Result<(), String> {
    if strides.is_empty() || strides.contains(&0) {
        Err("strides must be one or more whole numbers above 0".to_owned())
    } else {
        Ok(())
    }
}

fn share(key: &str, value: f32) -> Result<(), String> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} is {value}, not within 0 to 1"))
    }
}

fn positive(key: &str, value: usize) -> Result<(), String> {
    if value > 0 {
        Ok(())
    } else {
        Err(format!("{key} is 0"))
    }
}

/// A file that is accepted as a model: one export of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Export {
    /// The file's digest.
    pub sha256: Digest,
    /// The file's length in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// One model of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelEntry {
    /// What it is called: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The name of its file in the models folder.
    pub file: String,
    /// Where the first of `exports` is fetched from; `None` for a model that was made on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The files accepted as this model, at least one: the canonical one first.
    pub exports: Vec<Export>,
    /// Its licence: an SPDX expression, or words where there is none.
    pub licence: String,
    /// Whether the licence allows commercial use.
    pub commercial_use: bool,
    /// Who trained it, on what, and who exported it.
    pub source: String,
    /// How good it is, in words and figures, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<String>,
    /// Whether it is part of facekit's own tests. Where it is not, expect surprises.
    pub tested: bool,
    /// How it is fed and read.
    #[serde(flatten)]
    pub head: HeadSpec,
    /// What an embedder's scores mean, where that has been measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl ModelEntry {
    /// An entry for a model that was made from this one on this machine, such as a quantised one: `bytes` under another
    /// name, fed and read in the same way. It has an embedding space of its own, and neither accuracy nor calibration
    /// yet.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let registry = Registry::builtin();
    /// let entry = registry.model("mobilefacenet")?.derived("mobilefacenet_int8", b"...", "quantised to 8 bits");
    /// assert_eq!(entry.file, "mobilefacenet_int8.onnx");
    /// assert_eq!(entry.licence, "Apache-2.0");
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
            ..self.clone()
        }
    }

    /// What the model does.
    #[must_use]
    pub fn task(&self) -> Task {
        self.head.task()
    }

    /// Whether a file of this digest is the model.
    #[must_use]
    pub fn accepts(&self, digest: Digest) -> bool {
        self.exports.iter().any(|export| export.sha256 == digest)
    }

    /// Whether a file of `bytes` bytes may be the model: always where an export's length is unknown.
    pub(super) fn fits(&self, bytes: u64) -> bool {
        self.exports
            .iter()
            .any(|export| export.bytes.is_none_or(|expected| expected == bytes))
    }

    /// The accepted digests, as errors write them.
    pub(super) fn expected(&self) -> String {
        let digests: Vec<String> = self
            .exports
            .iter()
            .map(|export| export.sha256.to_string())
            .collect();
        digests.join(" or ")
    }

    fn check(&self) -> Result<(), String> {
        plain("name", &self.name)?;
        plain("file", &self.file)?;
        let lower = self.file.to_ascii_lowercase();
        if lower.ends_with(".part") || lower.ends_with(".lock") || lower == super::MANIFEST {
            return Err(format!(
                "file {:?} is a name facekit needs itself",
                self.file
            ));
        }
        self.url.as_deref().map_or(Ok(()), url)?;
        if self.exports.is_empty() {
            return Err("exports is empty".to_owned());
        }
        for (at, export) in self.exports.iter().enumerate() {
            if self.exports[..at]
                .iter()
                .any(|other| other.sha256 == export.sha256)
            {
                return Err(format!("exports lists {} twice", export.sha256));
            }
            if export.bytes == Some(0) {
                return Err(format!("exports gives {} a length of 0", export.sha256));
            }
        }
        if self.licence.trim().is_empty() {
            return Err("licence is empty".to_owned());
        }
        self.head.check()?;
        match (&self.calibration, self.space()) {
            (None, _) => Ok(()),
            (Some(_), None) => Err("calibration belongs to an embedder".to_owned()),
            (Some(calibration), Some(space)) => calibration
                .check_space(&space)
                .map_err(|error| error.to_string()),
        }
    }

    /// The space of an embedder's embeddings, whichever of its exports is loaded; `None` of other models.
    #[must_use]
    pub fn space(&self) -> Option<EmbeddingSpace> {
        match &self.head {
            HeadSpec::ArcFace(spec) => Some(spec.space(&self.name, &self.exports[0].sha256)),
            _ => None,
        }
    }
}

/// One set of a manifest: models that make a recogniser together, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SetEntry {
    /// What it is called: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The detector.
    pub detector: String,
    /// The embedder.
    pub embedder: String,
    /// The liveness models, whose answers are combined; none for a recogniser without a liveness check.
    #[serde(default)]
    pub liveness: Vec<String>,
}

impl SetEntry {
    /// The names of all its models: the detector first, the embedder, then the liveness models.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        [&self.detector, &self.embedder]
            .into_iter()
            .chain(&self.liveness)
            .map(String::as_str)
    }
}

/// A manifest that keeps the rules by itself. That its sets name models that exist is for the registry to check.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) models: Vec<ModelEntry>,
    pub(super) sets: Vec<SetEntry>,
}

impl Manifest {
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self> {
        let failed = |reason: String| error(origin, reason);
        let raw: RawManifest = toml::from_str(text).map_err(|source| {
            let place = source.span().map_or_else(String::new, |span| {
                let before = text.get(..span.start).unwrap_or(text);
                format!("line {}: ", before.matches('\n').count() + 1)
            });
            failed(format!("{place}{}", source.message()))
        })?;
        let mut models = Vec::new();
        for (at, table) in raw.model.into_iter().enumerate() {
            let label = label("model", at, &table);
            let entry = entry::<RawModel>(table)
                .and_then(ModelEntry::try_from)
                .and_then(|entry| entry.check().map(|()| entry))
                .map_err(|reason| failed(format!("{label}: {reason}")))?;
            models.push(entry);
        }
        let mut sets = Vec::new();
        for (at, table) in raw.set.into_iter().enumerate() {
            let label = label("set", at, &table);
            let entry = entry::<SetEntry>(table)
                .and_then(|entry| plain("name", &entry.name).map(|()| entry))
                .map_err(|reason| failed(format!("{label}: {reason}")))?;
            sets.push(entry);
        }
        let mut names: Vec<&str> = models
            .iter()
            .map(|model| model.name.as_str())
            .chain(sets.iter().map(|set| set.name.as_str()))
            .collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(failed(format!("{:?}: the name is given twice", twice[0])));
        }
        Ok(Self { models, sets })
    }
}

pub(super) fn error(origin: &str, reason: String) -> Error {
    Error::Manifest {
        origin: origin.to_owned(),
        reason,
        source: None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    #[serde(default)]
    model: Vec<toml::Table>,
    #[serde(default)]
    set: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    name: String,
    file: String,
    url: Option<String>,
    exports: Vec<Export>,
    licence: String,
    commercial_use: bool,
    source: String,
    accuracy: Option<String>,
    #[serde(default)]
    tested: bool,
    yunet: Option<YuNetSpec>,
    scrfd: Option<ScrfdSpec>,
    arcface: Option<ArcFaceSpec>,
    minifasnet: Option<MiniFasNetSpec>,
    calibration: Option<Calibration>,
}

impl TryFrom<RawModel> for ModelEntry {
    type Error = String;

    fn try_from(raw: RawModel) -> Result<Self, String> {
        let heads = [
            raw.yunet.map(HeadSpec::YuNet),
            raw.scrfd.map(HeadSpec::Scrfd),
            raw.arcface.map(HeadSpec::ArcFace),
            raw.minifasnet.map(HeadSpec::MiniFasNet),
        ];
        let mut heads = heads.into_iter().flatten();
        let (Some(head), None) = (heads.next(), heads.next()) else {
            return Err(
                "exactly one of the tables yunet, scrfd, arcface and minifasnet is needed"
                    .to_owned(),
            );
        };
        Ok(Self {
            name: raw.name,
            file: raw.file,
            url: raw.url,
            exports: raw.exports,
            licence: raw.licence,
            commercial_use: raw.commercial_use,
            source: raw.source,
            accuracy: raw.accuracy,
            tested: raw.tested,
            head,
            calibration: raw.calibration,
        })
    }
}

/// How errors call the entry at `at`.
fn label(kind: &str, at: usize, table: &toml::Table) -> String {
    table.get("name").and_then(toml::Value::as_str).map_or_else(
        || format!("{kind} number {}", at + 1),
        |name| format!("{kind} {name:?}"),
    )
}

fn entry<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    table
        .try_into()
        .map_err(|source: toml::de::Error| source.to_string().trim_end().replace('\n', " "))
}

/// A name that stands for itself in file names, addresses and comma-separated lists.
fn plain(key: &str, text: &str) -> Result<(), String> {
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

fn url(url: &str) -> Result<(), String> {
    let fail = |what: &str| Err(format!("url {url:?} {what}"));
    if url
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
    {
        return fail("has a character that must be percent-encoded");
    }
    let Some((scheme, host)) = scheme_and_host(url) else {
        return fail("is not an address");
    };
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => fail("is plain http, which is for this machine's own addresses alone"),
        _ => fail("is not https"),
    }
}

/// The scheme and the host of an address, the host without brackets.
pub(super) fn scheme_and_host(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = if let Some(rest) = host.strip_prefix('[') {
        rest.split_once(']')?.0
    } else {
        host.split(':').next()?
    };
    (!host.is_empty()).then_some((scheme, host))
}

/// Whether a host is this machine, by its form alone.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
