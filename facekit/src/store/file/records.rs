//! The tables of the database, and the layout of the sealed records in them.

use std::borrow::Cow;

use jiff::Timestamp;
use redb::TableDefinition;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::header::VERSION;

/// The epoch of the root key, and the next numbers to give.
pub(super) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
pub(super) const EPOCH: &str = "epoch";
pub(super) const NEXT_PERSON: &str = "next person";
pub(super) const NEXT_TEMPLATE: &str = "next template";

/// Number of a person → the person's data key, sealed under the root key.
pub(super) const KEYS: Records = TableDefinition::new("keys");
/// Number of a person → id, name and time, sealed under the data key.
pub(super) const PEOPLE: Records = TableDefinition::new("people");
/// Number of a template → number of the person, then the template, sealed under the data key.
pub(super) const TEMPLATES: Records = TableDefinition::new("templates");
/// Number of a template → number of the person, then the crop, sealed under the data key.
pub(super) const CROPS: Records = TableDefinition::new("crops");
/// Number of a person, number of a template: the templates of each person.
pub(super) const OWNED: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("owned");

pub(super) type Records = TableDefinition<'static, u64, &'static [u8]>;

/// The kind of a record, which its seal is bound to.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Key = 1,
    Person = 2,
    Template = 3,
    Crop = 4,
}

/// Binds a sealed record to its place: kind, number of the person, number of the template.
pub(super) fn context(kind: Kind, person: u64, template: u64) -> [u8; 21] {
    let mut context = [0; 21];
    context[..4].copy_from_slice(&VERSION.to_le_bytes());
    context[4] = kind as u8;
    context[5..13].copy_from_slice(&person.to_le_bytes());
    context[13..].copy_from_slice(&template.to_le_bytes());
    context
}

#[derive(Serialize, Deserialize)]
pub(super) struct PersonRecord<'a> {
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    pub(super) enrolled: Timestamp,
}

/// Follows the record of a template that was made from a photo and its mirror image. Nothing follows the other records.
pub(super) const MIRRORED: u8 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct TemplateRecord<'a> {
    pub(super) model: &'a str,
    pub(super) fingerprint: [u8; 32],
    pub(super) quality: f32,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    pub(super) created: Timestamp,
    pub(super) values: Cow<'a, [f32]>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CropRecord<'a> {
    pub(super) side: usize,
    pub(super) rgb: &'a [u8],
}

pub(super) fn encode(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(record);
    Zeroizing::new(bytes.expect("a growing vector takes every record"))
}
