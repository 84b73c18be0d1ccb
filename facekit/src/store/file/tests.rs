//! What only the inside can show: a disk that loses power, keys that are gone, and files that lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;

use super::{disk::Disk, *};
use crate::{
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    image::Image,
    progress::Watch,
};

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

impl Disk for Arc<FailingDisk> {
    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        (**self).set_len(length)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        (**self).read(offset, bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (**self).write(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        (**self).sync()
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
    let (mut while_working, mut while_opening, mut settled_ahead) = (0, 0, 0);
    for _ in 0..70 {
        // One gallery goes through several losses, each of which the next work builds upon.
        let mut disk = FailingDisk::new(Vec::new(), None);
        drop(create(&disk).unwrap());
        let mut sure = BTreeMap::new();
        let mut protection = key();
        for _ in 0..6 {
            let failing = FailingDisk::new(disk.bytes(), Some(numbers.below(120)));
            let maybe = match open(&failing, &protection) {
                Ok(store) => {
                    let maybe = work(&store, &mut numbers, &mut sure, &mut protection);
                    while_working += usize::from(maybe.is_some());
                    maybe
                }
                Err(_) => {
                    while_opening += 1;
                    None
                }
            };
            disk = FailingDisk::new(failing.after_power_loss(&mut numbers), None);
            let store = match (open(&disk, &protection), &maybe) {
                (Err(Error::Key { .. }), Some((_, new))) => {
                    let store = open(&disk, new).unwrap();
                    protection = new.clone();
                    store
                }
                (opened, _) => opened.unwrap(),
            };
            let found = census(&store);
            if let Some((next, _)) = maybe
                && found == next
                && found != sure
            {
                settled_ahead += 1;
                sure = next;
            }
            assert_eq!(found, sure);
            let report = store.check(Watch::new()).unwrap();
            assert!(report.is_clean(), "{report:?}");
            // Whatever happened, the file is left with one root key.
            drop(store);
            let slots = header::read_slots(&*disk, path()).unwrap();
            assert_eq!(slots.iter().filter(|slot| slot.is_erased()).count(), 1);
        }
    }
    assert!(while_working >= 200, "{while_working}");
    assert!(
        while_opening > 0 && settled_ahead > 0,
        "{while_opening} {settled_ahead}"
    );

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

/// Everything that `root` opens as a person's data key, at any place of the file.
fn data_keys(bytes: &[u8], root: &SecretKey, people: u64) -> Vec<(u64, SecretKey)> {
    let mut keys = Vec::new();
    for window in bytes.windows(32 + seal::OVERHEAD) {
        // The most of a file has never been written.
        if window.ends_with(&[0; 16]) {
            continue;
        }
        for number in 0..people {
            let context = records::context(records::Kind::Key, number, 0);
            let key = root.open(&context, window);
            keys.extend(key.map(|key| (number, SecretKey::from_slice(&key).unwrap())));
        }
    }
    keys
}

/// The root keys that the gallery's key opens, at any place of the file.
fn root_keys(bytes: &[u8], protection: &Protection) -> Vec<SecretKey> {
    let mut keys = Vec::new();
    for start in 0..bytes.len() {
        let slot = bytes[start..].first_chunk().map(header::Slot::parse);
        if let Some(slot) = slot.as_ref().and_then(header::Slot::live)
            && let Ok((_, root)) = slot.unlock(protection, path())
        {
            keys.push(root);
        }
    }
    keys
}

/// How many of the sealed records, found at any place of the file, one of `keys` opens.
fn opened(sealed: &[(records::Kind, u64, u64, Vec<u8>)], keys: &[(u64, SecretKey)]) -> usize {
    sealed
        .iter()
        .filter(|(kind, person, template, sealed)| {
            let context = records::context(*kind, *person, *template);
            keys.iter()
                .any(|(_, key)| key.open(&context, sealed).is_some())
        })
        .count()
}

#[test]
fn removal_leaves_no_key() {
    for protection in [key(), Protection::None] {
        let disk = FailingDisk::new(Vec::new(), None);
        let wrapping = Wrapping::new(&protection).unwrap();
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let store =
            FileStore::create_on(shared, path(), wrapping, SecretKey::random().unwrap()).unwrap();
        let face = Image::filled(16, 16, [10, 20, 30]);
        let crop = AlignedFace::new(face).unwrap();
        for who in 0..3 {
            let templates = [template(who).with_crop(crop.clone()), template(100 + who)];
            store.put(&person(who), &templates).unwrap();
        }
        // The people's numbers are given in order. Bert, number 1, will go: all that is sealed for him …
        let gone = 1;
        let sealed = sealed_records(&store.snapshot().unwrap(), gone);
        assert_eq!(sealed.len(), 1 + 2 + 1);
        let before = disk.bytes();
        let holds = |bytes: &[u8], sealed: &[u8]| {
            bytes.windows(sealed.len()).any(|window| window == sealed)
        };
        assert!(sealed.iter().all(|(.., sealed)| holds(&before, sealed)));

        // … is open to whoever has the file and the gallery's key before,
        let [root] = &root_keys(&before, &protection)[..] else {
            panic!("one root key");
        };
        let keys = data_keys(&before, root, 3);
        assert!(keys.iter().any(|(number, _)| *number == gone));
        assert_eq!(opened(&sealed, &keys), sealed.len());

        // and closed after, though some of it still lies in free pages: no root key that the file still holds leads
        // to a key that opens any of it.
        assert_eq!(store.remove(&[id(1)]).unwrap(), 1);
        let removed = disk.bytes();
        drop(store);
        let closed = disk.bytes();
        drop(open(&disk, &protection).unwrap());
        for after in [removed, closed, disk.bytes()] {
            assert!(sealed.iter().any(|(.., sealed)| holds(&after, sealed)));
            let roots = root_keys(&after, &protection);
            assert_eq!(roots.len(), 1);
            assert!(!holds(&after, root.bytes()));
            let keys = data_keys(&after, &roots[0], 3);
            let numbers: BTreeSet<_> = keys.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, BTreeSet::from([0, 2]));
            assert_eq!(opened(&sealed, &keys), 0);
        }
    }
}

/// All records that are sealed under a person's key.
fn sealed_records(snapshot: &Snapshot<'_>, person: u64) -> Vec<(records::Kind, u64, u64, Vec<u8>)> {
    let get = |table, number| snapshot.get(table, number).unwrap();
    let mut sealed = vec![(
        records::Kind::Person,
        person,
        0,
        get(records::PEOPLE, person).unwrap(),
    )];
    for number in snapshot.owned(person).unwrap() {
        for (kind, table) in [
            (records::Kind::Template, records::TEMPLATES),
            (records::Kind::Crop, records::CROPS),
        ] {
            let record = get(table, number);
            sealed.extend(record.map(|record| (kind, person, number, record[8..].to_vec())));
        }
    }
    sealed
}

/// Everything a store holds, for comparison.
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

/// A gallery of some size, closed or as a crash leaves it.
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
    // The last change is one whose loss nothing but the database would notice.
    store.put(&person(60), &[template(60)]).unwrap();
    let contents = contents(&store).unwrap();
    let crashed = disk.bytes();
    drop(store);
    let bytes = if closed { disk.bytes() } else { crashed };
    (bytes, contents)
}

/// Opens and uses `bytes`. Whatever is wrong with them has to show as an error, and as one about the gallery, unless
/// everything can be read as it was. Returns whether anything was wrong.
fn try_damaged(bytes: Vec<u8>, expected: &str) -> bool {
    let disk = FailingDisk::new(bytes, None);
    let used = open(&disk, &key()).and_then(|store| {
        let found = contents(&store)?;
        assert!(
            found == expected,
            "an older or wrong state was taken for good"
        );
        let report = store.check(Watch::new())?;
        store.put(&person(200), &[template(200)])?;
        store.remove(&[id(1), id(200)])?;
        Ok(report.is_clean())
    });
    match used {
        Ok(clean) => !clean,
        Err(Error::GalleryDamaged { path: named, .. }) => {
            assert_eq!(named, path());
            true
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn flipped_bytes() {
    flip_bytes(true);
}

#[test]
fn flipped_bytes_after_a_crash() {
    flip_bytes(false);
}

fn flip_bytes(closed: bool) {
    let (bytes, expected) = sample(closed);
    assert!(!try_damaged(bytes.clone(), &expected));
    let written: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
    let mut numbers = Numbers(3);
    let mut noticed = 0;
    let mut flip = |at: usize| {
        // The one bit that nothing checks: which of redb's two commits is the latest. Flipped after a crash, the last
        // change before it is lost.
        let mut bit = 1 << numbers.below(8);
        if at == header::LENGTH as usize + 9 && bit == 1 {
            bit = 2;
        }
        let mut bytes = bytes.clone();
        bytes[at] ^= bit;
        noticed += usize::from(try_damaged(bytes, &expected));
    };
    // All of the header that means anything and of the database's own header, and then anywhere.
    let slots = (1..3).flat_map(|slot| (0..141).map(move |at| slot * 4096 + at));
    let database = (0..320).map(|at| header::LENGTH as usize + at);
    (0..52).chain(slots).chain(database).for_each(&mut flip);
    let mut numbers = Numbers(4);
    for _ in 0..500 {
        flip(written[numbers.below(written.len())]);
    }
    assert!(noticed > 400, "{noticed}");
}

#[test]
fn cut_short() {
    let (bytes, expected) = sample(true);
    let mut numbers = Numbers(5);
    let some = (0..100).map(|_| numbers.below(bytes.len()));
    let edges = [0, 1, 15, 16, 51, 52, 4096, 8192, 12287, 12288, 12289, 16384];
    for length in some.chain(edges).chain([bytes.len() - 1]) {
        assert!(try_damaged(bytes[..length].to_vec(), &expected), "{length}");
    }
}

#[test]
fn a_later_format() {
    let (mut bytes, _) = sample(true);
    bytes[16] = 2;
    let digest = Digest::of(&bytes[..20]);
    bytes[20..52].copy_from_slice(digest.as_bytes());
    let error = open(&FailingDisk::new(bytes, None), &key()).unwrap_err();
    let expected =
        "gallery simulated.gallery: its format is version 2, this facekit reads up to version 1";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn records_cannot_change_places() {
    let disk = FailingDisk::new(Vec::new(), None);
    let store = create(&disk).unwrap();
    for who in 0..2 {
        store.put(&person(who), &[template(who)]).unwrap();
    }
    {
        // Someone who can write to the file gives a person another's template.
        let state = store.state();
        let record = |number| {
            let snapshot = Snapshot::new(&state.database, &state.root, path()).unwrap();
            snapshot.get(records::TEMPLATES, number).unwrap().unwrap()
        };
        let (first, second) = (record(0), record(1));
        let transaction = state.database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(records::TEMPLATES).unwrap();
            table.insert(0, second.as_slice()).unwrap();
            table.insert(1, first.as_slice()).unwrap();
        }
        transaction.commit().unwrap();
    }
    let report = store.check(Watch::new()).unwrap();
    let expected = ["template 0 does not open", "template 1 does not open"];
    assert_eq!(report.damage[..2], expected);
    let error = store.templates(&mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::GalleryDamaged { .. }));
}

/// Changes one byte of a sealed record, in a page or out of it.
fn spoil(bytes: &mut [u8], sealed: &[u8]) {
    let mut found = 0;
    for at in 0..bytes.len() - sealed.len() {
        if bytes[at..].starts_with(sealed) {
            bytes[at + sealed.len() / 2] ^= 1;
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn what_is_left_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FailingDisk::new(Vec::new(), None);
    let store = create(&disk).unwrap();
    for who in 0..4 {
        let crop = AlignedFace::new(Image::filled(16, 16, [who as u8; 3])).unwrap();
        let templates = [template(who).with_crop(crop), template(10 + who)];
        store.put(&person(who), &templates).unwrap();
    }
    let snapshot = store.snapshot().unwrap();
    let get = |table, number| snapshot.get(table, number).unwrap().unwrap();
    let people = get(records::PEOPLE, 1);
    let (some_template, some_crop) = (get(records::TEMPLATES, 5), get(records::CROPS, 0));
    drop(snapshot);
    drop(store);

    let whole = disk.bytes();
    for (sealed, named, left) in [
        (&people, "person record 1", (3, 6, 3)),
        (&some_template, "template 5", (4, 7, 4)),
        (&some_crop, "crop 0", (4, 8, 3)),
    ] {
        let mut bytes = whole.clone();
        spoil(&mut bytes, sealed);
        let store =
            FileStore::open_read_only_on(FailingDisk::new(bytes, Some(0)), path(), &key()).unwrap();
        let counts = |report: &CheckReport| {
            let templates = report.templates.iter().map(|(_, count)| count);
            (report.people, templates.sum::<usize>(), report.crops)
        };
        let says = |report: &CheckReport, words: &str| {
            assert!(
                report.damage.iter().any(|line| line.contains(words)),
                "{report:?}"
            );
        };
        let copy = folder.path().join("copy");
        for error in [
            store.backup(&copy, Watch::new()).unwrap_err(),
            store.export(None, &copy, &key(), Watch::new()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::GalleryDamaged { .. }), "{error:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let salvaged = store.salvage(&copy, Watch::new()).unwrap();
        assert_eq!(counts(&salvaged), left);
        says(&salvaged, named);
        let report = store.check(Watch::new()).unwrap();
        assert_eq!(counts(&report), left);
        says(&report, named);
        says(&report, "pages do not hold together");

        let copied = FileStore::open(&copy, &key()).unwrap();
        let report = copied.check(Watch::new()).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(counts(&report), left);
        assert!(copied.put(&person(9), &[template(9)]).unwrap()[0] > TemplateId(7));
        drop(copied);
        std::fs::remove_file(&copy).unwrap();
    }
}

#[test]
fn damaged_pages_do_not_hide_the_others() {
    const PAGE: usize = 4096;
    let (whole, _) = sample(true);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let records = {
        let store = open(&FailingDisk::new(whole.clone(), None), &key()).unwrap();
        let snapshot = store.snapshot().unwrap();
        [(records::PEOPLE, 20), (records::TEMPLATES, 40)]
            .map(|(table, number)| snapshot.get(table, number).unwrap().unwrap())
    };
    for record in records {
        // Every page that the record ever was in. Some are free, and some have been put to a use that the database
        // cannot be opened without.
        let mut partly = 0;
        for at in 0..whole.len() - record.len() {
            if !whole[at..].starts_with(&record) {
                continue;
            }
            let mut bytes = whole.clone();
            // Where the page's first records end, so that they cannot be found.
            bytes[at / PAGE * PAGE..][4..16].fill(0xFF);
            let disk = FailingDisk::new(bytes, Some(0));
            let Ok(store) = FileStore::open_read_only_on(disk, path(), &key()) else {
                continue;
            };
            let salvaged = store.salvage(&copy, Watch::new()).unwrap();
            let report = store.check(Watch::new()).unwrap();
            assert_eq!(report.people, salvaged.people);
            let left: usize = salvaged.templates.iter().map(|(_, count)| count).sum();
            assert!(salvaged.is_clean() || !report.is_clean());
            partly += usize::from(!salvaged.is_clean() && left > 0 && left < 75);
            let copied = FileStore::open(&copy, &key()).unwrap();
            assert!(copied.check(Watch::new()).unwrap().is_clean());
            drop(copied);
            std::fs::remove_file(&copy).unwrap();
        }
        assert!(partly > 0);
    }
}

#[test]
fn reading_writes_nothing() {
    for closed in [true, false] {
        let (bytes, expected) = sample(closed);
        // Every write would fail.
        let disk = FailingDisk::new(bytes.clone(), Some(0));
        let open = || FileStore::open_read_only_on(Arc::clone(&disk), path(), &key());
        let (store, other) = (open().unwrap(), open().unwrap());
        assert_eq!(contents(&store).unwrap(), expected);
        assert!(store.check(Watch::new()).unwrap().is_clean());
        for refused in [
            store.put(&person(0), &[]).map(drop),
            store.remove(&[id(0)]).map(drop),
            store.rekey(&key()),
            store
                .import(&other, &ImportOptions::default(), Watch::new())
                .map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
            assert!(error.to_string().ends_with("was opened read-only"));
        }
        drop(store);
        assert_eq!(contents(&other).unwrap(), expected);
        drop(other);
        assert!(disk.bytes() == bytes && disk.operations() == 0);
    }
}

#[test]
fn reading_between_two_root_keys() {
    // A removal is cut off after each of its steps.
    let (bytes, _) = sample(true);
    let mut two_keys = BTreeSet::new();
    for left in 0..60 {
        let failing = FailingDisk::new(bytes.clone(), Some(left));
        let removed = open(&failing, &key()).and_then(|store| store.remove(&[id(1)]));
        let crashed = failing.bytes();
        let disk = FailingDisk::new(crashed.clone(), Some(0));
        let read = FileStore::open_read_only_on(Arc::clone(&disk), path(), &key()).unwrap();
        let found = census(&read);
        assert!(removed.is_err() || !found.contains_key(&id(1)));
        let slots = header::read_slots(&*disk, path()).unwrap();
        if slots.iter().all(|slot| slot.live().is_some()) {
            two_keys.insert(found.contains_key(&id(1)));
        }
        drop(read);
        assert!(disk.bytes() == crashed);
        let settled = open(&FailingDisk::new(crashed, None), &key()).unwrap();
        assert_eq!(census(&settled), found);
    }
    // Before the change of keys, and after.
    assert_eq!(two_keys, BTreeSet::from([false, true]));
}

#[test]
fn overlays_behave_like_disks() {
    let mut numbers = Numbers(6);
    let start: Vec<u8> = (0..20_000).map(|_| numbers.next() as u8).collect();
    let below = FailingDisk::new(start.clone(), Some(0));
    let overlay = Overlay::new(Arc::clone(&below)).unwrap();
    let plain = FailingDisk::new(start.clone(), None);
    for _ in 0..3000 {
        let length = plain.len().unwrap() as usize;
        let (offset, count) = (numbers.below(30_000), numbers.below(9_000));
        match numbers.below(5) {
            0 => {
                for disk in [&overlay as &dyn Disk, &*plain] {
                    disk.set_len(offset as u64).unwrap();
                }
            }
            1..3 if offset + count <= length.max(25_000) => {
                let bytes: Vec<u8> = (0..count).map(|_| numbers.next() as u8).collect();
                for disk in [&overlay as &dyn Disk, &*plain] {
                    disk.write(offset as u64, &bytes).unwrap();
                }
            }
            _ => {
                let (mut one, mut other) = (vec![0; count], vec![0; count]);
                let read = overlay.read(offset as u64, &mut one).is_ok();
                if offset + count <= length {
                    plain.read(offset as u64, &mut other).unwrap();
                    assert!(read && one == other);
                } else {
                    assert!(!read);
                }
            }
        }
        assert_eq!(overlay.len().unwrap(), plain.len().unwrap());
    }
    assert!(below.bytes() == start);
}
