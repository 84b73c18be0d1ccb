//! Changes to the records of a gallery.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use redb::Database;
use zeroize::Zeroizing;

use super::{
    records::{
        CROPS, CropRecord, FORMAT, GALLERY, KEYS, NEXT_PERSON, NEXT_TEMPLATE, OWNED, PEOPLE,
        PersonRecord, TEMPLATES,
    },
    snapshot::{Snapshot, pairs},
    survey::Found,
};
use crate::{
    error::{Error, Result},
    person::Person,
    sealed_file::{
        damage::{Damage, damaged},
        database::Writing,
        rows::{EPOCH, Kind, context},
        seal::SecretKey,
        template::{Spaces, decode_template, encode, encode_template},
    },
    store::{NewTemplate, Origin, TemplateId},
};

/// A change to the gallery. Nothing of it happens before it is committed.
pub(super) struct Writer<'a> {
    path: &'a Path,
    transaction: Writing<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(database: &Database, path: &'a Path) -> Result<Self> {
        Ok(Self {
            path,
            transaction: Writing::begin(database, path)?,
        })
    }

    /// Makes the tables of a new gallery of this format.
    pub(super) fn initialize(&self, epoch: u64, format: u32) -> Result<()> {
        self.set_epoch(epoch)?;
        if format > 1 {
            self.transaction.set_meta(FORMAT, format.into())?;
        }
        for records in [KEYS, PEOPLE, TEMPLATES, CROPS] {
            self.transaction.table(records)?;
        }
        self.transaction.table(OWNED)?;
        Ok(())
    }

    pub(super) fn set_epoch(&self, epoch: u64) -> Result<()> {
        self.transaction.set_meta(EPOCH, epoch)
    }

    /// Writes the records of a gallery of format 1 anew in the newest format. `snapshot` is of the same state.
    pub(super) fn upgrade(&self, snapshot: &Snapshot<'_>) -> Result<()> {
        let owners = snapshot.owners()?;
        let mut spaces = Spaces::default();
        let mut table = self.transaction.table(TEMPLATES)?;
        snapshot.scan(TEMPLATES, &mut |number, record| {
            let (person, template) = snapshot.template(number, record, &owners, &mut spaces)?;
            let record = encode_template(&template);
            let sealed = seal(
                &owners[&person].key,
                Kind::Template,
                person,
                number,
                &record,
            )?;
            table.insert(number, sealed.as_slice())
        })?;
        self.transaction.set_meta(FORMAT, GALLERY.newest.into())
    }

    /// The data key of a person.
    fn key(&self, root: &SecretKey, person: u64) -> Result<SecretKey> {
        let keys = self.transaction.table(KEYS)?;
        let wrapped = keys.get(person)?;
        wrapped
            .and_then(|key| root.open(&context(Kind::Key, person, 0), key.value()))
            .and_then(|key| SecretKey::from_slice(&key))
            .ok_or_else(|| self.no_key(person))
    }

    /// Makes a data key for a person, who may have had another one.
    fn new_key(&self, root: &SecretKey, person: u64) -> Result<SecretKey> {
        let key = SecretKey::random()?;
        let wrapped = root.seal(&context(Kind::Key, person, 0), key.bytes())?;
        self.transaction
            .table(KEYS)?
            .insert(person, wrapped.as_slice())?;
        Ok(key)
    }

    fn no_key(&self, person: u64) -> Error {
        let reason = format!("person record {person} has no key that opens");
        damaged(self.path, reason)
    }

    /// Adds or updates a person. `number` is the person's number, or `None` for a person who is new. Returns the
    /// person's number and the templates' ids. A template whose origin the person has already is not added.
    pub(super) fn put(
        &self,
        root: &SecretKey,
        number: Option<u64>,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<(u64, Vec<TemplateId>)> {
        let (number, key) = match number {
            Some(number) => (number, self.key(root, number)?),
            None => {
                let number = self.transaction.take_number(NEXT_PERSON)?;
                (number, self.new_key(root, number)?)
            }
        };
        let record = encode(&PersonRecord {
            id: person.id.as_str(),
            name: person.name.as_deref(),
            enrolled: person.enrolled,
        });
        let sealed = key.seal(&context(Kind::Person, number, 0), &record)?;
        self.transaction
            .table(PEOPLE)?
            .insert(number, sealed.as_slice())?;
        let mut origins = if templates.iter().any(|template| template.origin.is_some()) {
            self.origins(number, &key)?
        } else {
            HashMap::new()
        };
        let ids = templates.iter().map(|template| {
            let origin = Origin::of(template);
            if let Some(&id) = origin.as_ref().and_then(|origin| origins.get(origin)) {
                return Ok(id);
            }
            let id = TemplateId(self.transaction.take_number(NEXT_TEMPLATE)?);
            self.add_template(number, &key, id.0, template)?;
            origins.extend(origin.map(|origin| (origin, id)));
            Ok(id)
        });
        Ok((number, ids.collect::<Result<_>>()?))
    }

    fn add_template(
        &self,
        person: u64,
        key: &SecretKey,
        id: u64,
        template: &NewTemplate,
    ) -> Result<()> {
        let record = encode_template(template);
        let sealed = seal(key, Kind::Template, person, id, &record)?;
        self.transaction
            .table(TEMPLATES)?
            .insert(id, sealed.as_slice())?;
        self.transaction.table(OWNED)?.insert((person, id), ())?;
        if let Some(crop) = &template.crop {
            let record = encode(&CropRecord {
                side: crop.side(),
                rgb: crop.image().data(),
            });
            let sealed = seal(key, Kind::Crop, person, id, &record)?;
            self.transaction
                .table(CROPS)?
                .insert(id, sealed.as_slice())?;
        }
        Ok(())
    }

    /// The origins of a person's templates.
    fn origins(&self, person: u64, key: &SecretKey) -> Result<HashMap<Origin, TemplateId>> {
        let owned = pairs(
            &self.transaction.table(OWNED)?,
            (person, 0)..=(person, u64::MAX),
        )?;
        let records = self.transaction.table(TEMPLATES)?;
        let mut spaces = Spaces::default();
        let mut origins = HashMap::new();
        for (_, id) in owned {
            let wrong = |what: &str| damaged(self.path, format!("template {id} {what}"));
            let record = records.get(id)?.ok_or_else(|| wrong("is missing"))?;
            let plain = open(key, Kind::Template, person, id, record.value())
                .ok_or_else(|| wrong("does not open"))?;
            let template = decode_template(&plain, &mut spaces).map_err(|what| wrong(&what))?;
            origins.extend(Origin::of(&template).map(|origin| (origin, TemplateId(id))));
        }
        Ok(origins)
    }

    /// Removes templates of a person, and seals the person's other records under a new data key.
    pub(super) fn remove_templates(
        &self,
        root: &SecretKey,
        person: u64,
        removed: &BTreeSet<u64>,
    ) -> Result<()> {
        let old = self.key(root, person)?;
        let new = self.new_key(root, person)?;
        let mut people = self.transaction.table(PEOPLE)?;
        let place = context(Kind::Person, person, 0);
        let record = people
            .get(person)?
            .and_then(|sealed| old.open(&place, sealed.value()));
        let record = record
            .ok_or_else(|| damaged(self.path, format!("person record {person} does not open")))?;
        people.insert(person, new.seal(&place, &record)?.as_slice())?;
        let mut owned = self.transaction.table(OWNED)?;
        let mut tables = [
            (
                "template",
                Kind::Template,
                self.transaction.table(TEMPLATES)?,
            ),
            ("crop", Kind::Crop, self.transaction.table(CROPS)?),
        ];
        for pair in pairs(&owned, (person, 0)..=(person, u64::MAX))? {
            let id = pair.1;
            let gone = removed.contains(&id);
            if gone {
                owned.remove(pair)?;
            }
            for (name, kind, table) in &mut tables {
                if gone {
                    table.remove(id)?;
                    continue;
                }
                let Some(record) = table.get(id)?.map(|record| record.value().to_vec()) else {
                    continue;
                };
                let plain = open(&old, *kind, person, id, &record)
                    .ok_or_else(|| damaged(self.path, format!("{name} {id} does not open")))?;
                table.insert(id, seal(&new, *kind, person, id, &plain)?.as_slice())?;
            }
        }
        Ok(())
    }

    /// Removes all records of people, by number.
    pub(super) fn remove(&self, people: &[u64]) -> Result<()> {
        let mut keys = self.transaction.table(KEYS)?;
        let mut records = self.transaction.table(PEOPLE)?;
        let mut templates = self.transaction.table(TEMPLATES)?;
        let mut crops = self.transaction.table(CROPS)?;
        let mut owned = self.transaction.table(OWNED)?;
        for &person in people {
            keys.remove(person)?;
            records.remove(person)?;
            for pair in pairs(&owned, (person, 0)..=(person, u64::MAX))? {
                templates.remove(pair.1)?;
                crops.remove(pair.1)?;
                owned.remove(pair)?;
            }
        }
        Ok(())
    }

    /// Wraps every data key under the root key `new` in place of `old`.
    pub(super) fn rewrap(&self, old: &SecretKey, new: &SecretKey) -> Result<()> {
        let all = self.transaction.all(KEYS)?;
        let mut keys = self.transaction.table(KEYS)?;
        for (number, wrapped) in all {
            let context = context(Kind::Key, number, 0);
            let key = old
                .open(&context, &wrapped)
                .ok_or_else(|| self.no_key(number))?;
            keys.insert(number, new.seal(&context, &key)?.as_slice())?;
        }
        Ok(())
    }

    /// Copies everything in `snapshot` that opens, with the data keys wrapped under `root`. Calls `step` as
    /// [`Snapshot::survey`] does, and `count` for each record that is copied.
    pub(super) fn copy(
        &self,
        snapshot: &Snapshot<'_>,
        root: &SecretKey,
        damage: &Damage,
        step: &mut dyn FnMut(u64) -> Result<()>,
        count: &mut dyn FnMut(&Found<'_>),
    ) -> Result<()> {
        let mut next_person = 0;
        let mut next_template = 0;
        {
            let mut keys = self.transaction.table(KEYS)?;
            let mut people = self.transaction.table(PEOPLE)?;
            let mut templates = self.transaction.table(TEMPLATES)?;
            let mut crops = self.transaction.table(CROPS)?;
            let mut owned = self.transaction.table(OWNED)?;
            snapshot.survey(damage, step, &mut |number, record, found| {
                count(&found);
                let table = match found {
                    Found::Person(owner) => {
                        let context = context(Kind::Key, number, 0);
                        let wrapped = root.seal(&context, owner.key.bytes())?;
                        keys.insert(number, wrapped.as_slice())?;
                        next_person = next_person.max(number.saturating_add(1));
                        &mut people
                    }
                    Found::Template(person, _) => {
                        owned.insert((person, number), ())?;
                        next_template = next_template.max(number.saturating_add(1));
                        &mut templates
                    }
                    Found::Crop => &mut crops,
                };
                table.insert(number, record)
            })?;
        }
        for (name, least) in [(NEXT_PERSON, next_person), (NEXT_TEMPLATE, next_template)] {
            // Missing until the first person or template is added.
            let number = snapshot.meta(name).ok().flatten().unwrap_or(0).max(least);
            if number > 0 {
                self.transaction.set_meta(name, number)?;
            }
        }
        Ok(())
    }

    pub(super) fn commit(self) -> Result<()> {
        self.transaction.commit()
    }
}

/// Seals a record of a template. The number of the person is in front of it.
fn seal(key: &SecretKey, kind: Kind, person: u64, template: u64, plain: &[u8]) -> Result<Vec<u8>> {
    let sealed = key.seal(&context(kind, person, template), plain)?;
    Ok([&person.to_le_bytes()[..], &sealed].concat())
}

/// Opens a record that [`seal`] made.
fn open(
    key: &SecretKey,
    kind: Kind,
    person: u64,
    template: u64,
    record: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (_, sealed) = record.split_first_chunk::<8>()?;
    key.open(&context(kind, person, template), sealed)
}
