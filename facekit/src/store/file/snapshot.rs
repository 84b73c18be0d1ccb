//! The records of a gallery as they are at one moment.

use std::{collections::BTreeMap, ops::RangeInclusive, path::Path};

use redb::{Database, ReadableTable};
use zeroize::Zeroizing;

use super::{
    damage::damaged,
    database::{Reading, Table, guarded},
    records::{
        CROPS, CropRecord, EPOCH, KEYS, Kind, META, MIRRORED, OWNED, PEOPLE, PersonRecord, Records,
        TEMPLATES, TemplateRecord, context,
    },
    seal::SecretKey,
};
use crate::{
    align::AlignedFace,
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    error::Result,
    image::Image,
    person::{Person, PersonId},
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
    root: SecretKey,
    transaction: Reading<'a>,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(database: &Database, root: &SecretKey, path: &'a Path) -> Result<Self> {
        guarded(path, || {
            Ok(Self {
                path,
                root: root.clone(),
                transaction: Reading::begin(database, path)?,
            })
        })
    }

    pub(super) fn epoch(&self) -> Result<u64> {
        self.meta(EPOCH)
    }

    pub(super) fn meta(&self, name: &str) -> Result<u64> {
        guarded(self.path, || {
            let table = self.transaction.table(META)?;
            match table.get(name)? {
                Some(number) => Ok(number.value()),
                None => Err(damaged(self.path, format!("the {name} is missing"))),
            }
        })
    }

    pub(super) fn count(&self, table: Records) -> Result<u64> {
        guarded(self.path, || self.transaction.table(table)?.len())
    }

    pub(super) fn get(&self, table: Records, number: u64) -> Result<Option<Vec<u8>>> {
        guarded(self.path, || {
            let table = self.transaction.table(table)?;
            let record = table.get(number)?;
            Ok(record.map(|record| record.value().to_vec()))
        })
    }

    /// Calls `visit` for each record, in rising order of number.
    pub(super) fn scan(
        &self,
        table: Records,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let table = guarded(self.path, || self.transaction.table(table))?;
        let (mut rows, expected) = guarded(self.path, || Ok((table.rows(..)?, table.len()?)))?;
        let mut found = 0;
        let mut last = None;
        loop {
            let next = guarded(self.path, || match rows.next() {
                None => Ok(None),
                Some(row) => {
                    let (number, bytes) = row?;
                    Ok(Some((number.value(), bytes.value().to_vec())))
                }
            })?;
            let Some((number, bytes)) = next else {
                break;
            };
            // In a damaged tree the rows may come in a circle.
            if last >= Some(number) {
                return Err(damaged(self.path, OUT_OF_ORDER));
            }
            last = Some(number);
            found += 1;
            visit(number, &bytes)?;
        }
        if found == expected {
            Ok(())
        } else {
            Err(damaged(
                self.path,
                format!("{found} of {expected} records can be reached"),
            ))
        }
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
        let (person, plain) = self.open(Kind::Template, number, record, owners)?;
        let wrong = |what: &str| damaged(self.path, format!("template {number} {what}"));
        let (record, rest): (TemplateRecord<'_>, _) =
            postcard::take_from_bytes(&plain).map_err(|_| wrong("has an unknown layout"))?;
        let mirrored = match rest {
            [] => false,
            [MIRRORED] => true,
            _ => return Err(wrong("has an unknown layout")),
        };
        let space = spaces.share(record.model, record.fingerprint, record.values.len());
        let embedding = Embedding::new(space, record.values.into_owned())
            .map_err(|error| wrong(&error.to_string()))?;
        let template = NewTemplate::new(embedding, record.quality, record.created);
        Ok((person, template.with_mirrored(mirrored)))
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

/// The reason in errors about a damaged tree whose keys do not rise.
pub(super) const OUT_OF_ORDER: &str = "records are out of order";

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

/// The spaces met so far, so that templates of one space share it in memory.
#[derive(Default)]
pub(super) struct Spaces(Vec<EmbeddingSpace>);

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
