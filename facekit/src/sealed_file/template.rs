//! The content of a sealed template.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    store::NewTemplate,
};

#[derive(Serialize, Deserialize)]
struct TemplateRecord<'a> {
    model: &'a str,
    fingerprint: [u8; 32],
    quality: f32,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    created: Timestamp,
    values: Cow<'a, [f32]>,
    origin: Option<&'a str>,
    mirrored: bool,
}

/// A template of a gallery file of format 1.
#[derive(Deserialize)]
struct RecordOfFormat1<'a> {
    model: &'a str,
    fingerprint: [u8; 32],
    quality: f32,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    created: Timestamp,
    values: Cow<'a, [f32]>,
}

/// The record of a template, without its crop.
pub(crate) fn encode_template(template: &NewTemplate) -> Zeroizing<Vec<u8>> {
    let space = template.embedding.space();
    encode(&TemplateRecord {
        model: space.model(),
        fingerprint: *space.fingerprint().as_bytes(),
        quality: template.quality,
        created: template.created,
        values: template.embedding.values().into(),
        origin: template.origin.as_deref(),
        mirrored: template.embedding.is_mirrored(),
    })
}

/// The template of a record, or what is wrong with the record.
pub(crate) fn decode_template(plain: &[u8], spaces: &mut Spaces) -> Result<NewTemplate, String> {
    let record = postcard::from_bytes(plain).map_err(|_| UNKNOWN_LAYOUT)?;
    template_of(record, spaces)
}

/// As [`decode_template`], for a record of a gallery file of format 1.
pub(crate) fn decode_template_of_format_1(
    plain: &[u8],
    spaces: &mut Spaces,
) -> Result<NewTemplate, String> {
    let old: RecordOfFormat1<'_> = postcard::from_bytes(plain).map_err(|_| UNKNOWN_LAYOUT)?;
    let record = TemplateRecord {
        model: old.model,
        fingerprint: old.fingerprint,
        quality: old.quality,
        created: old.created,
        values: old.values,
        origin: None,
        mirrored: false,
    };
    template_of(record, spaces)
}

fn template_of(record: TemplateRecord<'_>, spaces: &mut Spaces) -> Result<NewTemplate, String> {
    let space = spaces.share(record.model, record.fingerprint, record.values.len());
    let embedding =
        Embedding::new(space, record.values.into_owned()).map_err(|error| error.to_string())?;
    let embedding = embedding.with_mirrored(record.mirrored);
    let mut template = NewTemplate::new(embedding, record.quality, record.created);
    template.origin = record.origin.map(str::to_owned);
    Ok(template)
}

const UNKNOWN_LAYOUT: &str = "has an unknown layout";

pub(crate) fn encode(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(record);
    Zeroizing::new(bytes.expect("a growing vector takes every record"))
}

/// The spaces met so far, so that templates of one space share it in memory.
#[derive(Default)]
pub(crate) struct Spaces(Vec<EmbeddingSpace>);

impl Spaces {
    fn share(&mut self, model: &str, fingerprint: [u8; 32], dimension: usize) -> &EmbeddingSpace {
        let known = self.0.iter().position(|space| {
            *space.fingerprint().as_bytes() == fingerprint
                && space.dimension() == dimension
                && space.model() == model
        });
        let index = known.unwrap_or_else(|| {
            let fingerprint = Digest::from_bytes(fingerprint);
            self.0
                .push(EmbeddingSpace::new(model, fingerprint, dimension));
            self.0.len() - 1
        });
        &self.0[index]
    }
}
