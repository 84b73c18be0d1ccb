//! The gallery file, by its public interface.

#![cfg(feature = "store")]

use std::fs;

use facekit::{
    AlignedFace, Digest, Embedding, EmbeddingSpace, FileStore, GalleryKey, Image, NewTemplate,
    Person, PersonId, Protection, Template, TemplateStore,
};
use jiff::Timestamp;
use tempfile::TempDir;

mod backup;
mod content;
mod creation;
mod import;
mod keys;
mod locking;
mod secrecy;
mod upgrade;

fn key(byte: u8) -> Protection {
    Protection::Key(GalleryKey::from_bytes([byte; 32]))
}

fn id(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

fn time(nanosecond: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanosecond).unwrap()
}

fn person(name: &str) -> Person {
    Person::new(id(name), time(1_700_000_000_123_456_789))
}

fn space(model: &str, dimension: usize) -> EmbeddingSpace {
    EmbeddingSpace::new(model, Digest::of(model), dimension)
}

fn embedding(space: &EmbeddingSpace, seed: u64) -> Embedding {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values = (0..space.dimension()).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    });
    Embedding::new(space, values.collect()).unwrap()
}

fn template(seed: u64) -> NewTemplate {
    NewTemplate::new(embedding(&space("large", 512), seed), 0.75, time(42))
}

fn crop(seed: u8) -> AlignedFace {
    let data = (0..112 * 112 * 3).map(|index| (index as u8).wrapping_mul(31) ^ seed);
    AlignedFace::new(Image::from_rgb8(data.collect(), 112, 112).unwrap()).unwrap()
}

fn templates(store: &FileStore) -> Vec<Template> {
    let mut all = Vec::new();
    store
        .templates(&mut |template| {
            all.push(template);
            Ok(())
        })
        .unwrap();
    all
}

fn ids(store: &FileStore) -> Vec<String> {
    let people = store.people().unwrap();
    people.iter().map(|person| person.id.to_string()).collect()
}

fn files(folder: &TempDir) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}
