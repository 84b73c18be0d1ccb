//! What lies in the database: sealed records under plain numbers.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::RangeInclusive,
    path::Path,
};

use jiff::Timestamp;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    fault, guarded,
    header::{VERSION, damaged},
    seal::SecretKey,
};
use crate::{
    align::AlignedFace,
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    error::{Error, Result},
    image::Image,
    index::TemplateId,
    person::{Person, PersonId},
    store::{NewTemplate, Template},
};

/// The epoch of the root key, and the next numbers to give.
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
const EPOCH: &str = "epoch";
const NEXT_PERSON: &str = "next person";
const NEXT_TEMPLATE: &str = "next template";

/// Number of a person → the person's data key, sealed under the root key.
pub(super) const KEYS: Records = TableDefinition::new("keys");
/// Number of a person → id, name and time, sealed under the data key.
pub(super) const PEOPLE: Records = TableDefinition::new("people");
/// Number of a template → number of the person, then the template, sealed under the data key.
pub(super) const TEMPLATES: Records = TableDefinition::new("templates");
/// Number of a template → number of the person, then the crop, sealed under the data key.
pub(super) const CROPS: Records = TableDefinition::new("crops");
/// Number of a person, number of a template: whose templates are whose.
const OWNED: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("owned");

pub(super) type Records = TableDefinition<'static, u64, &'static [u8]>;

/// What a record is, as a part of what its seal is bound to.
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
struct PersonRecord<'a> {
    id: &'a str,
    name: Option<&'a str>,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    enrolled: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct TemplateRecord<'a> {
    model: &'a str,
    fingerprint: [u8; 32],
    quality: f32,
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    created: Timestamp,
    values: Cow<'a, [f32]>,
}

#[derive(Serialize, Deserialize)]
struct CropRecord<'a> {
    side: usize,
    rgb: &'a [u8],
}

/// A person with the key of all the person's records.
pub(super) struct Owner {
    pub(super) person: Person,
    key: SecretKey,
}

/// What to do about damage: end with it, or take it down and go on.
pub(super) struct Damage {
    tolerated: bool,
    lines: RefCell<Vec<String>>,
}

impl Damage {
    pub(super) fn refused() -> Self {
        Self {
            tolerated: false,
            lines: RefCell::default(),
        }
    }

    pub(super) fn tolerated() -> Self {
        Self {
            tolerated: true,
            lines: RefCell::default(),
        }
    }

    pub(super) fn note<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::GalleryDamaged { reason, source, .. }) if self.tolerated => {
                let source = source.map(|source| format!(": {source}"));
                let line = reason + &source.unwrap_or_default();
                let mut lines = self.lines.borrow_mut();
                if !lines.contains(&line) {
                    lines.push(line);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into_inner()
    }
}

/// Gets the number and bytes of a record, and what it is.
type Visit<'a> = dyn FnMut(u64, &[u8], Found<'_>) -> Result<()> + 'a;

/// A record that opens.
pub(super) enum Found<'a> {
    Person(&'a Owner),
    /// With the number of the person.
    Template(u64, EmbeddingSpace),
    Crop,
}

/// The gallery as it was at one moment. Later changes do not touch it, nor does it hold them up.
pub(super) struct Snapshot<'a> {
    path: &'a Path,
    root: SecretKey,
    transaction: ReadTransaction,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(database: &Database, root: &SecretKey, path: &'a Path) -> Result<Self> {
        guarded(path, || {
            Ok(Self {
                path,
                root: root.clone(),
                transaction: database.begin_read().map_err(fault(path, "reading"))?,
            })
        })
    }

    pub(super) fn epoch(&self) -> Result<u64> {
        self.meta(EPOCH)
    }

    fn meta(&self, name: &str) -> Result<u64> {
        guarded(self.path, || {
            let number = self
                .transaction
                .open_table(META)
                .map_err(fault(self.path, "reading"))?
                .get(name)
                .map_err(fault(self.path, "reading"))?;
            match number {
                Some(number) => Ok(number.value()),
                None => Err(damaged(self.path, format!("the {name} is missing"))),
            }
        })
    }

    pub(super) fn count(&self, table: Records) -> Result<u64> {
        guarded(self.path, || {
            self.transaction
                .open_table(table)
                .map_err(fault(self.path, "reading"))?
                .len()
                .map_err(fault(self.path, "reading"))
        })
    }

    pub(super) fn get(&self, table: Records, number: u64) -> Result<Option<Vec<u8>>> {
        guarded(self.path, || {
            let table = self
                .transaction
                .open_table(table)
                .map_err(fault(self.path, "reading"))?;
            let record = table.get(number).map_err(fault(self.path, "reading"))?;
            Ok(record.map(|record| record.value().to_vec()))
        })
    }

    /// Calls `visit` for each record, in rising order of number.
    pub(super) fn scan(
        &self,
        table: Records,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let reading = || fault(self.path, "reading");
        let (mut records, expected) = guarded(self.path, || {
            let table = self
                .transaction
                .open_table(table)
                .map_err(fault(self.path, "reading"))?;
            let records = table.range::<u64>(..).map_err(reading())?;
            Ok((records, table.len().map_err(reading())?))
        })?;
        let mut found = 0;
        let mut last = None;
        loop {
            let next = guarded(self.path, || match records.next() {
                None => Ok(None),
                Some(record) => {
                    let (number, bytes) = record.map_err(reading())?;
                    Ok(Some((number.value(), bytes.value().to_vec())))
                }
            })?;
            let Some((number, bytes)) = next else {
                break;
            };
            // A damaged tree could lead round in a circle.
            if last >= Some(number) {
                return Err(damaged(self.path, "records are out of order"));
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

    /// Opens every record: calls `visit` with the number and bytes of each that opens, people first, then templates, then
    /// crops; and `step` for each that there is, with how many there are.
    pub(super) fn survey(
        &self,
        damage: &Damage,
        step: &mut dyn FnMut(u64) -> Result<()>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut total = 0;
        for records in [PEOPLE, TEMPLATES, CROPS] {
            total += damage.note(self.count(records))?.unwrap_or(0);
        }
        let keys = damage.note(self.count(KEYS))?;
        let people = damage.note(self.count(PEOPLE))?;
        if keys != people {
            damage.note(self.wrong("people and keys differ in number"))?;
        }

        let mut owners = BTreeMap::new();
        let mut ids = HashSet::new();
        self.each(PEOPLE, NEXT_PERSON, damage, &mut |number, record| {
            if let Some(owner) = damage.note(self.owner(number, record))? {
                if ids.insert(owner.person.id.clone()) {
                    visit(number, record, Found::Person(&owner))?;
                    owners.insert(number, owner);
                } else {
                    damage.note(self.wrong("a person is in it twice"))?;
                }
            }
            step(total)
        })?;

        let mut spaces = Spaces::default();
        let mut pairs = BTreeSet::new();
        let mut templates = BTreeSet::new();
        self.each(TEMPLATES, NEXT_TEMPLATE, damage, &mut |number, record| {
            let opened = self.template(number, record, &owners, &mut spaces);
            if let Some((person, template)) = damage.note(opened)? {
                pairs.insert((person, number));
                templates.insert(number);
                let space = template.embedding.space().clone();
                visit(number, record, Found::Template(person, space))?;
            }
            step(total)
        })?;
        let listed = damage.note(self.pairs((0, 0)..=(u64::MAX, u64::MAX)))?;
        let listed: BTreeSet<_> = listed.unwrap_or_default().into_iter().collect();
        let different: BTreeSet<_> = listed
            .symmetric_difference(&pairs)
            .map(|(person, _)| person)
            .collect();
        for person in different {
            let what = "does not list the templates that there are";
            damage.note(self.wrong(&format!("person record {person} {what}")))?;
        }

        self.each(CROPS, NEXT_TEMPLATE, damage, &mut |number, record| {
            if damage.note(self.crop(number, record, &owners))?.is_some() {
                if templates.contains(&number) {
                    visit(number, record, Found::Crop)?;
                } else {
                    let what = format!("crop {number} has no template that opens");
                    damage.note(self.wrong(&what))?;
                }
            }
            step(total)
        })
    }

    fn wrong(&self, reason: &str) -> Result<()> {
        Err(damaged(self.path, reason))
    }

    /// Scans, and where damage is tolerated goes on behind it, record by record.
    fn each(
        &self,
        table: Records,
        next: &str,
        damage: &Damage,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        // Whole pages that cannot be read end it, as does a number that nobody can have come to.
        const MOST_FAILURES: usize = 256;
        const MOST_RECORDS: u64 = 1 << 24;
        let mut seen = HashSet::new();
        let mut stopped = false;
        let scanned = self.scan(table, &mut |number, record| {
            seen.insert(number);
            visit(number, record).inspect_err(|_| stopped = true)
        });
        if stopped {
            return scanned;
        }
        if damage.note(scanned)?.is_some() {
            return Ok(());
        }
        let mut failures = 0;
        let next = damage.note(self.meta(next))?.unwrap_or(MOST_RECORDS);
        for number in (0..next.min(MOST_RECORDS)).filter(|number| !seen.contains(number)) {
            match damage.note(self.get(table, number))? {
                Some(Some(record)) => visit(number, &record)?,
                Some(None) => {}
                None => failures += 1,
            }
            if failures == MOST_FAILURES {
                break;
            }
        }
        Ok(())
    }

    /// Everyone, by number.
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

    /// Opens a template's record.
    pub(super) fn template(
        &self,
        number: u64,
        record: &[u8],
        owners: &BTreeMap<u64, Owner>,
        spaces: &mut Spaces,
    ) -> Result<(u64, NewTemplate)> {
        let (person, plain) = self.open(Kind::Template, number, record, owners)?;
        let wrong = |what: &str| damaged(self.path, format!("template {number} {what}"));
        let record: TemplateRecord<'_> =
            postcard::from_bytes(&plain).map_err(|_| wrong("has an unknown layout"))?;
        let space = spaces.share(record.model, record.fingerprint, record.values.len());
        let embedding = Embedding::new(space, record.values.into_owned())
            .map_err(|error| wrong(&error.to_string()))?;
        let template = NewTemplate::new(embedding, record.quality, record.created);
        Ok((person, template))
    }

    /// Opens a crop's record.
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

    fn pairs(&self, range: RangeInclusive<(u64, u64)>) -> Result<Vec<(u64, u64)>> {
        guarded(self.path, || {
            let table = self
                .transaction
                .open_table(OWNED)
                .map_err(fault(self.path, "reading"))?;
            pairs(&table, range, self.path)
        })
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

    /// [`Template`]s of every space, in rising order of number.
    pub(super) fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        let owners = self.owners()?;
        let mut spaces = Spaces::default();
        self.scan(TEMPLATES, &mut |number, record| {
            let (person, template) = self.template(number, record, &owners, &mut spaces)?;
            let person = owners[&person].person.id.clone();
            visit(Template::new(TemplateId(number), person, &template))
        })
    }

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

/// Which person, by number, has which template.
fn pairs(
    table: &impl ReadableTable<(u64, u64), ()>,
    range: RangeInclusive<(u64, u64)>,
    path: &Path,
) -> Result<Vec<(u64, u64)>> {
    let expected = table.len().map_err(fault(path, "reading"))?;
    let mut found = Vec::new();
    for entry in table.range(range).map_err(fault(path, "reading"))? {
        found.push(entry.map_err(fault(path, "reading"))?.0.value());
        // A damaged tree could lead round in a circle.
        if found.len() as u64 > expected {
            return Err(damaged(path, "records are out of order"));
        }
    }
    Ok(found)
}

/// The spaces met so far, so that templates share them.
#[derive(Default)]
pub(super) struct Spaces(Vec<EmbeddingSpace>);

impl Spaces {
    fn share(&mut self, model: &str, fingerprint: [u8; 32], dimension: usize) -> &EmbeddingSpace {
        let known = self.0.iter().position(|space| {
            *space.fingerprint().as_bytes() == fingerprint
                && space.dimension() == dimension
                && space.model() == model
        });
        let at = known.unwrap_or_else(|| {
            let fingerprint = Digest::from_bytes(fingerprint);
            self.0
                .push(EmbeddingSpace::new(model, fingerprint, dimension));
            self.0.len() - 1
        });
        &self.0[at]
    }
}

/// A change to the gallery, which happens when it is committed or not at all.
pub(super) struct Writer<'a> {
    path: &'a Path,
    transaction: WriteTransaction,
}

impl<'a> Writer<'a> {
    pub(super) fn new(database: &Database, path: &'a Path) -> Result<Self> {
        let mut transaction = database
            .begin_write()
            .map_err(fault(path, "starting a change"))?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(fault(path, "starting a change"))?;
        // With one phase, a page that rots after a crash passes for a commit that was under way, and the gallery
        // would silently go back by one.
        transaction.set_two_phase_commit(true);
        Ok(Self { path, transaction })
    }

    /// Makes the tables of a new gallery.
    pub(super) fn initialise(&self, epoch: u64) -> Result<()> {
        self.set_epoch(epoch)?;
        for records in [KEYS, PEOPLE, TEMPLATES, CROPS] {
            self.table(records)?;
        }
        self.transaction
            .open_table(OWNED)
            .map_err(fault(self.path, "creating"))?;
        Ok(())
    }

    fn table(&self, records: Records) -> Result<redb::Table<'_, u64, &'static [u8]>> {
        self.transaction
            .open_table(records)
            .map_err(fault(self.path, "writing"))
    }

    pub(super) fn set_epoch(&self, epoch: u64) -> Result<()> {
        self.set_meta(EPOCH, epoch)
    }

    fn set_meta(&self, name: &str, number: u64) -> Result<()> {
        self.transaction
            .open_table(META)
            .map_err(fault(self.path, "writing"))?
            .insert(name, number)
            .map_err(fault(self.path, "writing"))?;
        Ok(())
    }

    /// Takes `count` numbers that nothing had before.
    fn take_numbers(&self, name: &str, count: usize) -> Result<u64> {
        let mut table = self
            .transaction
            .open_table(META)
            .map_err(fault(self.path, "writing"))?;
        let first = table
            .get(name)
            .map_err(fault(self.path, "reading"))?
            .map_or(0, |number| number.value());
        let next = first
            .checked_add(count as u64)
            .ok_or_else(|| damaged(self.path, format!("the {name} is beyond all numbers")))?;
        table
            .insert(name, next)
            .map_err(fault(self.path, "writing"))?;
        Ok(first)
    }

    /// Adds or updates a person, known under `number` where it is in the gallery already. Returns its number.
    pub(super) fn put(
        &self,
        root: &SecretKey,
        number: Option<u64>,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<(u64, Vec<TemplateId>)> {
        let mut keys = self.table(KEYS)?;
        let (number, key) = match number {
            Some(number) => {
                let wrapped = keys.get(number).map_err(fault(self.path, "reading"))?;
                let key = wrapped
                    .and_then(|key| root.open(&context(Kind::Key, number, 0), key.value()))
                    .and_then(|key| SecretKey::from_slice(&key))
                    .ok_or_else(|| {
                        let reason = format!("person record {number} has no key that opens");
                        damaged(self.path, reason)
                    })?;
                (number, key)
            }
            None => {
                let number = self.take_numbers(NEXT_PERSON, 1)?;
                let key = SecretKey::random()?;
                let wrapped = root.seal(&context(Kind::Key, number, 0), key.bytes())?;
                keys.insert(number, wrapped.as_slice())
                    .map_err(fault(self.path, "writing"))?;
                (number, key)
            }
        };
        let record = encode(&PersonRecord {
            id: person.id.as_str(),
            name: person.name.as_deref(),
            enrolled: person.enrolled,
        });
        let sealed = key.seal(&context(Kind::Person, number, 0), &record)?;
        self.table(PEOPLE)?
            .insert(number, sealed.as_slice())
            .map_err(fault(self.path, "writing"))?;
        if templates.is_empty() {
            return Ok((number, Vec::new()));
        }
        let first = self.take_numbers(NEXT_TEMPLATE, templates.len())?;
        let mut records = self.table(TEMPLATES)?;
        let mut crops = self.table(CROPS)?;
        let mut owned = self
            .transaction
            .open_table(OWNED)
            .map_err(fault(self.path, "writing"))?;
        let ids = templates.iter().zip(first..).map(|(template, id)| {
            let seal = |kind, plain: &[u8]| {
                let sealed = key.seal(&context(kind, number, id), plain)?;
                Ok([&number.to_le_bytes()[..], &sealed].concat())
            };
            let space = template.embedding.space();
            let record = encode(&TemplateRecord {
                model: space.model(),
                fingerprint: *space.fingerprint().as_bytes(),
                quality: template.quality,
                created: template.created,
                values: template.embedding.values().into(),
            });
            records
                .insert(id, seal(Kind::Template, &record)?.as_slice())
                .map_err(fault(self.path, "writing"))?;
            owned
                .insert((number, id), ())
                .map_err(fault(self.path, "writing"))?;
            if let Some(crop) = &template.crop {
                let record = encode(&CropRecord {
                    side: crop.side(),
                    rgb: crop.image().data(),
                });
                crops
                    .insert(id, seal(Kind::Crop, &record)?.as_slice())
                    .map_err(fault(self.path, "writing"))?;
            }
            Ok(TemplateId(id))
        });
        Ok((number, ids.collect::<Result<_>>()?))
    }

    /// Removes all records of people, by number.
    pub(super) fn remove(&self, people: &[u64]) -> Result<()> {
        let mut keys = self.table(KEYS)?;
        let mut records = self.table(PEOPLE)?;
        let mut templates = self.table(TEMPLATES)?;
        let mut crops = self.table(CROPS)?;
        let mut owners = self
            .transaction
            .open_table(OWNED)
            .map_err(fault(self.path, "writing"))?;
        for &person in people {
            for table in [&mut keys, &mut records] {
                table.remove(person).map_err(fault(self.path, "removing"))?;
            }
            for pair in pairs(&owners, (person, 0)..=(person, u64::MAX), self.path)? {
                for table in [&mut templates, &mut crops] {
                    table.remove(pair.1).map_err(fault(self.path, "removing"))?;
                }
                owners.remove(pair).map_err(fault(self.path, "removing"))?;
            }
        }
        Ok(())
    }

    /// Wraps every data key anew.
    pub(super) fn rewrap(&self, old: &SecretKey, new: &SecretKey) -> Result<()> {
        let mut keys = self.table(KEYS)?;
        let mut rewrapped = Vec::<(u64, Vec<u8>)>::new();
        for entry in keys.iter().map_err(fault(self.path, "reading"))? {
            let (number, wrapped) = entry.map_err(fault(self.path, "reading"))?;
            let number = number.value();
            if rewrapped.last().is_some_and(|(last, _)| *last >= number) {
                return Err(damaged(self.path, "records are out of order"));
            }
            rewrapped.push((
                number,
                rewrap(old, new, number, wrapped.value(), self.path)?,
            ));
        }
        for (number, wrapped) in rewrapped {
            keys.insert(number, wrapped.as_slice())
                .map_err(fault(self.path, "writing"))?;
        }
        Ok(())
    }

    /// Copies everything in `snapshot` that opens, with the data keys wrapped under `root`. `step` is called as by
    /// [`Snapshot::survey`], `count` for each record that is copied.
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
            let mut keys = self.table(KEYS)?;
            let mut people = self.table(PEOPLE)?;
            let mut templates = self.table(TEMPLATES)?;
            let mut crops = self.table(CROPS)?;
            let mut owned = self
                .transaction
                .open_table(OWNED)
                .map_err(fault(self.path, "writing"))?;
            snapshot.survey(damage, step, &mut |number, record, found| {
                count(&found);
                let table = match found {
                    Found::Person(owner) => {
                        let context = context(Kind::Key, number, 0);
                        let wrapped = root.seal(&context, owner.key.bytes())?;
                        keys.insert(number, wrapped.as_slice())
                            .map_err(fault(self.path, "writing"))?;
                        next_person = next_person.max(number.saturating_add(1));
                        &mut people
                    }
                    Found::Template(person, _) => {
                        owned
                            .insert((person, number), ())
                            .map_err(fault(self.path, "writing"))?;
                        next_template = next_template.max(number.saturating_add(1));
                        &mut templates
                    }
                    Found::Crop => &mut crops,
                };
                table
                    .insert(number, record)
                    .map_err(fault(self.path, "writing"))?;
                Ok(())
            })?;
        }
        for (name, least) in [(NEXT_PERSON, next_person), (NEXT_TEMPLATE, next_template)] {
            // Missing until the first person or template comes.
            let number = snapshot.meta(name).unwrap_or(0).max(least);
            if number > 0 {
                self.set_meta(name, number)?;
            }
        }
        Ok(())
    }

    pub(super) fn commit(self) -> Result<()> {
        self.transaction
            .commit()
            .map_err(fault(self.path, "committing"))
    }
}

fn rewrap(
    old: &SecretKey,
    new: &SecretKey,
    number: u64,
    wrapped: &[u8],
    path: &Path,
) -> Result<Vec<u8>> {
    let context = context(Kind::Key, number, 0);
    let key = old.open(&context, wrapped).ok_or_else(|| {
        damaged(
            path,
            format!("person record {number} has no key that opens"),
        )
    })?;
    new.seal(&context, &key)
}

fn encode(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(record);
    Zeroizing::new(bytes.expect("a growing vector takes every record"))
}
