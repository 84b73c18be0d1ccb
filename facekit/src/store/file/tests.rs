//! What only the inside can show: a disk that loses power, keys that are gone, and files that lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{disk::Disk, *};
use crate::{Digest, Embedding, EmbeddingSpace, Watch};

/// Small numbers that look random and are the same every time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// A disk whose power fails at the `left`th operation. Until it is synced, what was written may be lost.
#[derive(Debug, Default)]
struct FailingDisk(Mutex<Medium>);

#[derive(Debug, Default)]
struct Medium {
    /// What reads see.
    current: Vec<u8>,
    /// What is safe.
    durable: Vec<u8>,
    /// What happened since the last sync.
    pending: Vec<Change>,
    /// Operations until the power fails.
    left: Option<usize>,
    operations: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Resize(length) => bytes.resize(*length, 0),
        }
    }
}

impl FailingDisk {
    fn new(bytes: Vec<u8>, left: Option<usize>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Medium {
            current: bytes.clone(),
            durable: bytes,
            left,
            ..Medium::default()
        })))
    }

    fn operate<T>(&self, work: impl FnOnce(&mut Medium) -> io::Result<T>) -> io::Result<T> {
        let mut medium = self.0.lock().unwrap();
        if let Some(left) = &mut medium.left {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| io::Error::other("the power is gone"))?;
        }
        medium.operations += 1;
        work(&mut medium)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.operate(|medium| {
            change.apply(&mut medium.current);
            medium.pending.push(change);
            Ok(())
        })
    }

    /// What the drive holds after the power failed: everything synced, and nothing or some of the rest, in sectors.
    fn after_power_loss(&self, numbers: &mut Numbers) -> Vec<u8> {
        let medium = self.0.lock().unwrap();
        let mut bytes = medium.durable.clone();
        if numbers.below(4) == 0 {
            return bytes;
        }
        let torn = numbers.below(2) == 0;
        for change in &medium.pending {
            match change {
                Change::Write(offset, data) if torn => {
                    let mut at = 0;
                    while at < data.len() {
                        let sector = 512 - (offset + at) % 512;
                        let end = data.len().min(at + sector);
                        if numbers.below(2) == 0 {
                            Change::Write(offset + at, data[at..end].to_vec()).apply(&mut bytes);
                        }
                        at = end;
                    }
                }
                change if numbers.below(2) == 0 => change.apply(&mut bytes),
                _ => {}
            }
        }
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().current.clone()
    }

    fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }
}

impl Disk for FailingDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Change::Resize(length as usize))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let medium = self.0.lock().unwrap();
        let from = medium.current.get(offset as usize..);
        let from = from.and_then(|from| from.get(..bytes.len()));
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset as usize, bytes.to_vec()))
    }

    fn sync(&self) -> io::Result<()> {
        self.operate(|medium| {
            medium.durable = medium.current.clone();
            medium.pending.clear();
            Ok(())
        })
    }
}

fn path() -> &'static Path {
    Path::new("simulated.gallery")
}

fn key() -> Protection {
    Protection::Key(GalleryKey::from_bytes([7; 32]))
}

fn create(disk: &Arc<FailingDisk>) -> Result<FileStore> {
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    FileStore::create_on(disk, path(), Wrapping::new(&key())?, SecretKey::random()?)
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

/// Who is in a store, with how many templates.
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

/// Puts and removes people until the disk fails. `sure` holds what was acknowledged; where the last step was not, the
/// second value says what might have happened instead.
fn work(
    store: &FileStore,
    numbers: &mut Numbers,
    sure: &mut BTreeMap<PersonId, usize>,
    protection: &mut Protection,
) -> Option<(BTreeMap<PersonId, usize>, Protection)> {
    for _ in 0..12 {
        let mut next = sure.clone();
        let mut next_protection = protection.clone();
        let done = match numbers.below(10) {
            0..5 => {
                let who = numbers.below(12);
                let templates: Vec<_> = (0..numbers.below(4)).map(template).collect();
                *next.entry(id(who)).or_default() += templates.len();
                store.put(&person(who), &templates).map(drop)
            }
            5..9 => {
                let gone: BTreeSet<_> = (0..3).map(|_| id(numbers.below(12))).collect();
                next.retain(|person, _| !gone.contains(person));
                store
                    .remove(&gone.into_iter().collect::<Vec<_>>())
                    .map(drop)
            }
            _ => {
                let bytes = [numbers.below(256) as u8; 32];
                next_protection = Protection::Key(GalleryKey::from_bytes(bytes));
                store.rekey(&next_protection)
            }
        };
        if done.is_err() {
            return Some((next, next_protection));
        }
        *sure = next;
        *protection = next_protection;
    }
    None
}

#[test]
fn power_losses() {
    // How many operations there are to be interrupted.
    let disk = FailingDisk::new(Vec::new(), None);
    let creating = {
        let store = create(&disk).unwrap();
        let operations = disk.operations();
        drop(store);
        operations
    };
    let mut numbers = Numbers(20_260_801);
    let (mut interrupted, mut settled_ahead) = (0, 0);
    for _ in 0..60 {
        // One gallery goes through several losses, each of which the next work builds upon.
        let mut bytes = FailingDisk::new(Vec::new(), None);
        drop(create(&bytes).unwrap());
        let mut sure = BTreeMap::new();
        let mut protection = key();
        for _ in 0..6 {
            let left = numbers.below(120);
            let disk = FailingDisk::new(bytes.bytes(), Some(left));
            let maybe = match open(&disk, &protection) {
                Ok(store) => work(&store, &mut numbers, &mut sure, &mut protection),
                // The power failed while opening.
                Err(_) => None,
            };
            interrupted += 1;
            bytes = FailingDisk::new(disk.after_power_loss(&mut numbers), None);
            let reopened = match (open(&bytes, &protection), &maybe) {
                (Err(Error::Key { .. }), Some((_, key))) => open(&bytes, key),
                (reopened, _) => reopened,
            };
            let store = reopened.unwrap_or_else(|error| panic!("{error}: {error:?}"));
            let found = census(&store);
            let report = store.check(Watch::new()).unwrap();
            assert!(report.is_clean(), "{report:?}");
            if let Some((next, key)) = maybe
                && found == next
            {
                settled_ahead += 1;
                sure = next;
                if matches!(
                    store.rekey(&protection),
                    Err(_) if unreachable!("the disk works")
                ) {
                    protection = key;
                }
            }
            assert_eq!(found, sure);
            // Whatever happened, the file is left with one root key.
            drop(store);
            let slots = header::read_slots(&*bytes, path()).unwrap();
            assert_eq!(slots.iter().filter(|slot| slot.is_erased()).count(), 1);
        }
    }
    assert!(interrupted >= 300 && settled_ahead > 0);

    // `create` gives the file its name after all of this; until then there is nothing to trip over.
    for left in 0..creating {
        let disk = FailingDisk::new(Vec::new(), Some(left));
        assert!(create(&disk).is_err());
    }
    for _ in 0..20 {
        let disk = FailingDisk::new(Vec::new(), Some(creating));
        let store = create(&disk).unwrap();
        let bytes = disk.after_power_loss(&mut numbers);
        drop(store);
        let reopened = open(&FailingDisk::new(bytes, None), &key()).unwrap();
        assert!(reopened.people().unwrap().is_empty());
    }
}
