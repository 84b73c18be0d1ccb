//! Damaged, truncated and forged files.

use super::{
    FailingDisk, Numbers, contents, create, id, key, open, path, person, sample, template,
};
use crate::{
    align::AlignedFace,
    digest::Digest,
    error::Error,
    image::Image,
    progress::Watch,
    sealed_file::header,
    store::{
        TemplateId, TemplateStore,
        file::{check::CheckReport, records, snapshot::Snapshot, store::FileStore},
    },
};

/// Opens and uses a damaged file. Every fault must lead to an error about the gallery, unless the whole content can be read
/// unchanged. Returns whether a fault was found.
fn try_damaged(bytes: Vec<u8>, expected: &str) -> bool {
    let disk = FailingDisk::new(bytes, None);
    let used = open(&disk, &key()).and_then(|store| {
        let found = contents(&store)?;
        assert!(
            found == expected,
            "an older or wrong state was read without an error"
        );
        let report = store.check(Watch::new())?;
        store.put(&person(200), &[template(200)])?;
        store.remove(&[id(1), id(200)])?;
        Ok(report.is_clean())
    });
    match used {
        Ok(clean) => !clean,
        Err(Error::FileDamaged { path: named, .. }) => {
            assert_eq!(named, path());
            true
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn flipped_bits_are_noticed() {
    flip_bits(true);
}

#[test]
fn flipped_bits_are_noticed_after_a_crash() {
    flip_bits(false);
}

fn flip_bits(closed: bool) {
    let (bytes, expected) = sample(closed);
    assert!(!try_damaged(bytes.clone(), &expected));
    let written: Vec<_> = (0..bytes.len())
        .filter(|&offset| bytes[offset] != 0)
        .collect();
    let mut numbers = Numbers(3);
    let mut noticed = 0;
    let mut flip = |offset: usize| {
        // One bit has no checksum: the one that names the later of redb's two commits. If it flips after a crash, the
        // last change before the crash is lost.
        let mut bit = 1 << numbers.below(8);
        if offset == header::LENGTH as usize + 9 && bit == 1 {
            bit = 2;
        }
        let mut bytes = bytes.clone();
        bytes[offset] ^= bit;
        noticed += usize::from(try_damaged(bytes, &expected));
    };
    // All bytes of the header that are in use, the database's own header, and then random bytes.
    let slots = (1..3).flat_map(|slot| (0..141).map(move |offset| slot * 4096 + offset));
    let database = (0..320).map(|offset| header::LENGTH as usize + offset);
    (0..52).chain(slots).chain(database).for_each(&mut flip);
    let mut numbers = Numbers(4);
    for _ in 0..500 {
        flip(written[numbers.below(written.len())]);
    }
    assert!(noticed > 400, "{noticed}");
}

#[test]
fn truncated_files_are_noticed() {
    let (bytes, expected) = sample(true);
    let mut numbers = Numbers(5);
    let some = (0..100).map(|_| numbers.below(bytes.len()));
    let edges = [0, 1, 15, 16, 51, 52, 4096, 8192, 12287, 12288, 12289, 16384];
    for length in some.chain(edges).chain([bytes.len() - 1]) {
        assert!(try_damaged(bytes[..length].to_vec(), &expected), "{length}");
    }
}

#[test]
fn a_later_format_is_refused() {
    let (mut bytes, _) = sample(true);
    bytes[16] = 3;
    let digest = Digest::of(&bytes[..20]);
    bytes[20..52].copy_from_slice(digest.as_bytes());
    let error = open(&FailingDisk::new(bytes, None), &key()).unwrap_err();
    let expected = "simulated.gallery: its format is version 3, this facekit reads up to version 2";
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
        // A person who can write to the file exchanges the templates of two people.
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
    assert!(matches!(error, Error::FileDamaged { .. }));
}

/// Changes one byte of a sealed record, in each copy of it in the file.
fn spoil(bytes: &mut [u8], sealed: &[u8]) {
    let mut found = 0;
    for offset in 0..bytes.len() - sealed.len() {
        if bytes[offset..].starts_with(sealed) {
            bytes[offset + sealed.len() / 2] ^= 1;
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn records_beside_a_damaged_one_can_be_salvaged() {
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
            assert!(matches!(error, Error::FileDamaged { .. }), "{error:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let salvaged = store.salvage(&copy, Watch::new()).unwrap();
        assert_eq!(counts(&salvaged), left);
        says(&salvaged, named);
        let report = store.check(Watch::new()).unwrap();
        assert_eq!(counts(&report), left);
        says(&report, named);
        says(&report, "its pages are inconsistent");

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
fn records_in_other_pages_than_a_damaged_one_can_be_salvaged() {
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
        // Every page that the record was ever in. Some of them are free now. Some now hold other data, without which
        // the database cannot be opened.
        let mut partly = 0;
        for offset in 0..whole.len() - record.len() {
            if !whole[offset..].starts_with(&record) {
                continue;
            }
            let mut bytes = whole.clone();
            // The bytes that say where the page's first records end, so that no record in it can be found.
            bytes[offset / PAGE * PAGE..][4..16].fill(0xFF);
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
