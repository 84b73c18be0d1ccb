//! The kind of file, the tables of the database, and the layout of the sealed records in them.

use jiff::Timestamp;
use redb::TableDefinition;
use serde::{Deserialize, Serialize};

use crate::sealed_file::{header::FileKind, rows::Records};

/// The format of gallery files.
///
/// - Format 1: templates have neither an origin nor a mark of mirrored photos.
/// - Format 2: they have both. The number [`FORMAT`] is in the database.
pub(super) const GALLERY: FileKind = FileKind {
    magic: *b"facekit gallery\n",
    newest: 2,
    name: "gallery file",
};

/// The format of the records, since format 2. A file whose header names format 2 and whose database does not is about to be
/// upgraded, and its records are of format 1.
pub(super) const FORMAT: &str = "format";
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

#[derive(Serialize, Deserialize)]
pub(super) struct PersonRecord<'a> {
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    pub(super) enrolled: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CropRecord<'a> {
    pub(super) side: usize,
    pub(super) rgb: &'a [u8],
}
