//! Manifests: TOML to entries.

use serde::{Deserialize, de::DeserializeOwned};

use super::entry::{Export, HeadSpec, ModelEntry, SecondLookEntry, SetEntry, check_plain};
use crate::{
    calibration::Calibration,
    challenge::ChallengeLimits,
    detect::{ScrfdSpec, YuNetSpec},
    embed::{ArcFaceSpec, Recognizability},
    error::{Error, Result},
    liveness::MiniFasNetSpec,
};

/// A manifest whose entries follow the rules. The registry checks that the models of a set exist.
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
        for (index, table) in raw.model.into_iter().enumerate() {
            let label = label("model", index, &table);
            let entry = entry::<RawModel>(table)
                .and_then(ModelEntry::try_from)
                .and_then(|entry| entry.check().map(|()| entry))
                .map_err(|reason| failed(format!("{label}: {reason}")))?;
            models.push(entry);
        }
        let mut sets = Vec::new();
        for (index, table) in raw.set.into_iter().enumerate() {
            let label = label("set", index, &table);
            let entry = entry::<SetEntry>(table)
                .and_then(|entry| check_plain("name", &entry.name).map(|()| entry))
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
    license: String,
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
    recognizability: Option<Recognizability>,
    challenge: Option<ChallengeLimits>,
    #[serde(default)]
    second_look: Vec<SecondLookEntry>,
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
            license: raw.license,
            commercial_use: raw.commercial_use,
            source: raw.source,
            accuracy: raw.accuracy,
            tested: raw.tested,
            head,
            calibration: raw.calibration,
            recognizability: raw.recognizability,
            challenge: raw.challenge,
            second_looks: raw.second_look,
        })
    }
}

/// The label of an entry in errors: its name, or its position if it has none.
fn label(kind: &str, index: usize, table: &toml::Table) -> String {
    table.get("name").and_then(toml::Value::as_str).map_or_else(
        || format!("{kind} number {}", index + 1),
        |name| format!("{kind} {name:?}"),
    )
}

fn entry<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    table
        .try_into()
        .map_err(|source: toml::de::Error| source.to_string().trim_end().replace('\n', " "))
}
