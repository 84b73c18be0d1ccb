//! Changes to the records of a gallery.

use std::path::Path;

use redb::Database;

use super::{
    damage::{Damage, damaged},
    database::Writing,
    records::{
        CROPS, CropRecord, EPOCH, KEYS, Kind, META, MIRRORED, NEXT_PERSON, NEXT_TEMPLATE, OWNED,
        PEOPLE, PersonRecord, TEMPLATES, TemplateRecord, context, encode,
    },
    seal::SecretKey,
    snapshot::{OUT_OF_ORDER, Snapshot, pairs},
    survey::Found,
};
use crate::{
    error::{Error, Result},
    person::Person,
    store::{NewTemplate, TemplateId},
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

    /// Makes the tables of a new gallery.
    pub(super) fn initialize(&self, epoch: u64) -> Result<()> {
        self.set_epoch(epoch)?;
        for records in [KEYS, PEOPLE, TEMPLATES, CROPS] {
            self.transaction.table(records)?;
        }
        self.transaction.table(OWNED)?;
        Ok(())
    }

    pub(super) fn set_epoch(&self, epoch: u64) -> Result<()> {
        self.set_meta(EPOCH, epoch)
    }

    fn set_meta(&self, name: &str, number: u64) -> Result<()> {
        self.transaction.table(META)?.insert(name, number)
    }

    /// Takes `count` numbers that were never given before, and returns the first.
    fn take_numbers(&self, name: &str, count: usize) -> Result<u64> {
        let mut table = self.transaction.table(META)?;
        let first = table.get(name)?.map_or(0, |number| number.value());
        let next = first
            .checked_add(count as u64)
            .ok_or_else(|| damaged(self.path, format!("the {name} is too large a number")))?;
        table.insert(name, next)?;
        Ok(first)
    }

    fn no_key(&self, person: u64) -> Error {
        let reason = format!("person record {person} has no key that opens");
        damaged(self.path, reason)
    }

    /// Adds or updates a person. `number` is the person's number, or `None` for a person who is new. Returns the
    /// person's number and the templates' ids.
    pub(super) fn put(
        &self,
        root: &SecretKey,
        number: Option<u64>,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<(u64, Vec<TemplateId>)> {
        let mut keys = self.transaction.table(KEYS)?;
        let (number, key) = match number {
            Some(number) => {
                let key = keys
                    .get(number)?
                    .and_then(|key| root.open(&context(Kind::Key, number, 0), key.value()))
                    .and_then(|key| SecretKey::from_slice(&key))
                    .ok_or_else(|| self.no_key(number))?;
                (number, key)
            }
            None => {
                let number = self.take_numbers(NEXT_PERSON, 1)?;
                let key = SecretKey::random()?;
                let wrapped = root.seal(&context(Kind::Key, number, 0), key.bytes())?;
                keys.insert(number, wrapped.as_slice())?;
                (number, key)
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
        if templates.is_empty() {
            return Ok((number, Vec::new()));
        }
        let first = self.take_numbers(NEXT_TEMPLATE, templates.len())?;
        let mut records = self.transaction.table(TEMPLATES)?;
        let mut crops = self.transaction.table(CROPS)?;
        let mut owned = self.transaction.table(OWNED)?;
        let ids = templates.iter().zip(first..).map(|(template, id)| {
            let seal = |kind, plain: &[u8]| {
                let sealed = key.seal(&context(kind, number, id), plain)?;
                Ok([&number.to_le_bytes()[..], &sealed].concat())
            };
            let space = template.embedding.space();
            let record = TemplateRecord {
                model: space.model(),
                fingerprint: *space.fingerprint().as_bytes(),
                quality: template.quality,
                created: template.created,
                values: template.embedding.values().into(),
            };
            let record = if template.mirrored {
                encode(&(record, MIRRORED))
            } else {
                encode(&record)
            };
            records.insert(id, seal(Kind::Template, &record)?.as_slice())?;
            owned.insert((number, id), ())?;
            if let Some(crop) = &template.crop {
                let record = encode(&CropRecord {
                    side: crop.side(),
                    rgb: crop.image().data(),
                });
                crops.insert(id, seal(Kind::Crop, &record)?.as_slice())?;
            }
            Ok(TemplateId(id))
        });
        Ok((number, ids.collect::<Result<_>>()?))
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
        let mut keys = self.transaction.table(KEYS)?;
        let mut rewrapped = Vec::<(u64, Vec<u8>)>::new();
        for row in keys.rows(..)? {
            let (number, wrapped) = row?;
            let number = number.value();
            if rewrapped.last().is_some_and(|(last, _)| *last >= number) {
                return Err(damaged(self.path, OUT_OF_ORDER));
            }
            let context = context(Kind::Key, number, 0);
            let key = old
                .open(&context, wrapped.value())
                .ok_or_else(|| self.no_key(number))?;
            rewrapped.push((number, new.seal(&context, &key)?));
        }
        for (number, wrapped) in rewrapped {
            keys.insert(number, wrapped.as_slice())?;
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
            let number = snapshot.meta(name).unwrap_or(0).max(least);
            if number > 0 {
                self.set_meta(name, number)?;
            }
        }
        Ok(())
    }

    pub(super) fn commit(self) -> Result<()> {
        self.transaction.commit()
    }
}
