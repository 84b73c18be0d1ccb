//! Tests that need the inside of the store: a disk that loses power, erased keys, and damaged files.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::Timestamp;

use super::{records::GALLERY, store::FileStore};
use crate::{
    align::AlignedFace,
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    error::Result,
    image::Image,
    person::{Person, PersonId},
    sealed_file::{
        disk::Disk,
        key::{GalleryKey, Protection},
        seal::SecretKey,
        tests::{FailingDisk, Numbers},
        wrapping::Wrapping,
    },
    store::{NewTemplate, TemplateStore},
};

mod damage;
mod erasure;
mod kills;
mod power_loss;
mod read_only;
mod upgrade;

fn path() -> &'static Path {
    Path::new("simulated.gallery")
}

fn key() -> Protection {
    Protection::Key(GalleryKey::from_bytes([7; 32]))
}

fn create(disk: &Arc<FailingDisk>) -> Result<FileStore> {
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    let wrapping = Wrapping::new(&key())?;
    FileStore::create_on(disk, path(), GALLERY.newest, wrapping, SecretKey::random()?)
}

fn open(disk: &Arc<FailingDisk>, protection: &Protection) -> Result<FileStore> {
    FileStore::open_on(Arc::clone(disk) as Arc<dyn Disk>, path(), protection)
}

fn id(number: usize) -> PersonId {
    PersonId::new(format!("person {number:03}")).unwrap()
}

fn person(number: usize) -> Person {
    Person::new(id(number), Timestamp::UNIX_EPOCH).with_name(format!("The Name {number:03}"))
}

fn template(number: usize) -> NewTemplate {
    let space = EmbeddingSpace::new("simulated", Digest::from_bytes([9; 32]), 128);
    let mut numbers = Numbers(number as u64);
    let values = (0..128).map(|_| numbers.next() as i32 as f32).collect();
    NewTemplate::new(
        Embedding::new(&space, values).unwrap(),
        0.5,
        Timestamp::UNIX_EPOCH,
    )
}

/// The people in a store, with the number of their templates.
fn census(store: &FileStore) -> BTreeMap<PersonId, usize> {
    let mut census: BTreeMap<_, _> = store
        .people()
        .unwrap()
        .into_iter()
        .map(|person| (person.id, 0))
        .collect();
    store
        .templates(&mut |template| {
            *census.get_mut(&template.person).unwrap() += 1;
            Ok(())
        })
        .unwrap();
    census
}

/// The whole content of a store as text, for comparison.
fn contents(store: &FileStore) -> Result<String> {
    let mut contents = format!("{:?}", store.people()?);
    store.templates(&mut |template| {
        let bits = template.embedding.values().iter().map(|v| v.to_bits());
        contents += &format!("{template:?} {:?}", bits.collect::<Vec<_>>());
        Ok(())
    })?;
    store.crops(&mut |id, person, crop| {
        contents += &format!("{id:?} {person} {crop:?}");
        Ok(())
    })?;
    Ok(contents)
}

/// The bytes and the content of a gallery of 38 people, closed properly or as a crash leaves it.
fn sample(closed: bool) -> (Vec<u8>, String) {
    let disk = FailingDisk::new(Vec::new(), None);
    let store = create(&disk).unwrap();
    for who in 0..40 {
        let face = Image::filled(8, 8, [who as u8; 3]);
        let crop = AlignedFace::new(face).unwrap();
        let templates = [template(who), template(50 + who).with_crop(crop)];
        store.put(&person(who), &templates).unwrap();
    }
    store.remove(&[id(3), id(4), id(5)]).unwrap();
    // If this last change is lost, only the database can notice.
    store.put(&person(60), &[template(60)]).unwrap();
    let contents = contents(&store).unwrap();
    let crashed = disk.bytes();
    drop(store);
    let bytes = if closed { disk.bytes() } else { crashed };
    (bytes, contents)
}
