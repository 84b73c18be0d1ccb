//! The records of a gallery as they are at one moment.

use std::{collections::BTreeMap, ops::RangeInclusive, path::Path};

use redb::{Database, ReadableTable};
use zeroize::Zeroizing;

use super::records::{
    CROPS, CropRecord, FORMAT, GALLERY, KEYS, OWNED, PEOPLE, PersonRecord, TEMPLATES,
};
use crate::{
    align::AlignedFace,
    error::Result,
    image::Image,
    person::{Person, PersonId},
    sealed_file::{
        damage::damaged,
        database::{Reading, Table, guarded},
        rows::{EPOCH, Kind, OUT_OF_ORDER, Records, context},
        seal::SecretKey,
        template::{Spaces, decode_template, decode_template_of_format_1},
    },
    store::{NewTemplate, Template, TemplateId},
};

/// A person, with the key of all the person's records.
pub(super) struct Owner {
    pub(super) person: Person,
    pub(super) key: SecretKey,
}

/// The gallery at one moment. Later changes do not affect it, and it does not delay them.
pub(super) struct Snapshot<'a> {
    pub(super) path: &'a Path,
    /// The format of the records: 1 until the gallery is upgraded.
    pub(super) format: u32,
    root: SecretKey,
    transaction: Reading<'a>,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(database: &Database, root: &SecretKey, path: &'a Path) -> Result<Self> {
        let transaction = guarded(path, || Reading::begin(database, path))?;
        let format = match transaction.meta(FORMAT)? {
            None => 1,
            Some(format) if format == u64::from(GALLERY.newest) => GALLERY.newest,
            Some(format) => {
                return Err(damaged(path, format!("its records are of format {format}")));
            }
        };
        Ok(Self {
            path,
            root: root.clone(),
            format,
            transaction,
        })
    }

    /// The epoch of the root key that is in use.
    pub(super) fn epoch(database: &Database, path: &Path) -> Result<u64> {
        let transaction = guarded(path, || Reading::begin(database, path))?;
        let epoch = transaction.meta(EPOCH)?;
        epoch.ok_or_else(|| damaged(path, "the epoch is missing"))
    }

    pub(super) fn meta(&self, name: &str) -> Result<Option<u64>> {
        self.transaction.meta(name)
    }

    pub(super) fn count(&self, table: Records) -> Result<u64> {
        self.transaction.count(table)
    }

    pub(super) fn get(&self, table: Records, number: u64) -> Result<Option<Vec<u8>>> {
        self.transaction.get(table, number)
    }

    /// Calls `visit` for each record, in rising order of number.
    pub(super) fn scan(
        &self,
        table: Records,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.transaction.scan(table, visit)
    }

    /// All people, by number.
    pub(super) fn owners(&self) -> Result<BTreeMap<u64, Owner>> {
        let mut owners = BTreeMap::new();
        self.scan(PEOPLE, &mut |number, sealed| {
            owners.insert(number, self.owner(number, sealed)?);
            Ok(())
        })?;
        Ok(owners)
    }

    /// Opens a person's record.
    pub(super) fn owner(&self, number: u64, sealed: &[u8]) -> Result<Owner> {
        let wrong = |what: &str| damaged(self.path, format!("person record {number} {what}"));
        let key = self
            .get(KEYS, number)?
            .and_then(|wrapped| self.root.open(&context(Kind::Key, number, 0), &wrapped))
            .and_then(|key| SecretKey::from_slice(&key))
            .ok_or_else(|| wrong("has no key that opens"))?;
        let plain = key
            .open(&context(Kind::Person, number, 0), sealed)
            .ok_or_else(|| wrong("does not open"))?;
        let record: PersonRecord<'_> =
            postcard::from_bytes(&plain).map_err(|_| wrong("has an unknown layout"))?;
        let mut person = Person::new(PersonId::new(record.id)?, record.enrolled);
        person.name = record.name.map(str::to_owned);
        Ok(Owner { person, key })
    }

    /// Opens a template's record. The number is the person's.
    pub(super) fn template(
        &self,
        number: u64,
        record: &[u8],
        owners: &BTreeMap<u64, Owner>,
        spaces: &mut Spaces,
    ) -> Result<(u64, NewTemplate)> {
        let (kind, decode): (_, fn(&[u8], &mut Spaces) -> _) = match self.format {
            1 => (Kind::TemplateOfFormat1, decode_template_of_format_1),
            _ => (Kind::Template, decode_template),
        };
        let (person, plain) = self.open(kind, number, record, owners)?;
        let template = decode(&plain, spaces)
            .map_err(|what| damaged(self.path, format!("template {number} {what}")))?;
        Ok((person, template))
    }

    /// Opens a crop's record. The number is the person's.
    pub(super) fn crop(
        &self,
        number: u64,
        record: &[u8],
        owners: &BTreeMap<u64, Owner>,
    ) -> Result<(u64, AlignedFace)> {
        let (person, plain) = self.open(Kind::Crop, number, record, owners)?;
        let wrong = || damaged(self.path, format!("crop {number} has an unknown layout"));
        let record: CropRecord<'_> = postcard::from_bytes(&plain).map_err(|_| wrong())?;
        Image::from_rgb8(record.rgb.to_vec(), record.side, record.side)
            .and_then(AlignedFace::new)
            .map_err(|_| wrong())
            .map(|crop| (person, crop))
    }

    fn open(
        &self,
        kind: Kind,
        number: u64,
        record: &[u8],
        owners: &BTreeMap<u64, Owner>,
    ) -> Result<(u64, Zeroizing<Vec<u8>>)> {
        let name = match kind {
            Kind::Crop => "crop",
            _ => "template",
        };
        let opened = record.split_first_chunk().and_then(|(person, sealed)| {
            let person = u64::from_le_bytes(*person);
            let owner = owners.get(&person)?;
            Some((
                person,
                owner.key.open(&context(kind, person, number), sealed)?,
            ))
        });
        opened.ok_or_else(|| damaged(self.path, format!("{name} {number} does not open")))
    }

    /// The numbers of a person's templates, rising.
    pub(super) fn owned(&self, person: u64) -> Result<Vec<u64>> {
        let pairs = self.pairs((person, 0)..=(person, u64::MAX))?;
        Ok(pairs.into_iter().map(|(_, template)| template).collect())
    }

    pub(super) fn pairs(&self, range: RangeInclusive<(u64, u64)>) -> Result<Vec<(u64, u64)>> {
        guarded(self.path, || pairs(&self.transaction.table(OWNED)?, range))
    }

    /// All of a person's templates, with their crops.
    pub(super) fn templates_of(
        &self,
        person: u64,
        owners: &BTreeMap<u64, Owner>,
        spaces: &mut Spaces,
    ) -> Result<Vec<NewTemplate>> {
        let templates = self.owned(person)?.into_iter().map(|number| {
            let record = self
                .get(TEMPLATES, number)?
                .ok_or_else(|| damaged(self.path, format!("template {number} is missing")))?;
            let (_, mut template) = self.template(number, &record, owners, spaces)?;
            if let Some(record) = self.get(CROPS, number)? {
                template.crop = Some(self.crop(number, &record, owners)?.1);
            }
            Ok(template)
        });
        templates.collect()
    }

    /// The templates of one person, in rising order of number, without crops.
    pub(super) fn templates_of_person(&self, number: u64) -> Result<Vec<Template>> {
        let Some(record) = self.get(PEOPLE, number)? else {
            return Ok(Vec::new());
        };
        let owner = self.owner(number, &record)?;
        let person = owner.person.id.clone();
        let owners = BTreeMap::from([(number, owner)]);
        let mut spaces = Spaces::default();
        let templates = self.owned(number)?.into_iter().map(|id| {
            let record = self
                .get(TEMPLATES, id)?
                .ok_or_else(|| damaged(self.path, format!("template {id} is missing")))?;
            let (_, template) = self.template(id, &record, &owners, &mut spaces)?;
            Ok(Template::new(TemplateId(id), person.clone(), &template))
        });
        templates.collect()
    }

    /// Calls `visit` for the templates of every space, in rising order of number.
    pub(super) fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        let owners = self.owners()?;
        let mut spaces = Spaces::default();
        self.scan(TEMPLATES, &mut |number, record| {
            let (person, template) = self.template(number, record, &owners, &mut spaces)?;
            let person = owners[&person].person.id.clone();
            visit(Template::new(TemplateId(number), person, &template))
        })
    }

    /// Calls `visit` for each crop, in rising order of number.
    pub(super) fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        let owners = self.owners()?;
        self.scan(CROPS, &mut |number, record| {
            let (person, crop) = self.crop(number, record, &owners)?;
            visit(TemplateId(number), &owners[&person].person.id, crop)
        })
    }
}

/// Numbers of a person and a template, for each template of the people in `range`.
pub(super) fn pairs(
    table: &Table<'_, impl ReadableTable<(u64, u64), ()>>,
    range: RangeInclusive<(u64, u64)>,
) -> Result<Vec<(u64, u64)>> {
    let expected = table.len()?;
    let mut found = Vec::new();
    for row in table.rows(range)? {
        found.push(row?.0.value());
        // In a damaged tree the rows may come in a circle.
        if found.len() as u64 > expected {
            return Err(damaged(table.path(), OUT_OF_ORDER));
        }
    }
    Ok(found)
}
