//! Sealed snapshots of indexes: damage, other keys and states, and processes that are killed while they save. With
//! `FACEKIT_SOAK` set, 200 processes are killed, and more damage is tried.

#![cfg(feature = "store")]

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, Error, FlatIndex, GalleryKey, HnswIndex,
    HnswOptions, Metric, Protection, SearchOptions, SnapshotFile, SnapshotIndex, VectorIndex,
};

const STATE: u64 = 5;

fn space() -> EmbeddingSpace {
    EmbeddingSpace::new("example", Digest::from_bytes([3; 32]), 20)
}

fn soak() -> bool {
    env::var_os("FACEKIT_SOAK").is_some()
}

fn key(byte: u8) -> Protection {
    Protection::Key(GalleryKey::from_bytes([byte; 32]))
}

fn file(path: &Path) -> SnapshotFile {
    SnapshotFile::new(path, key(7), STATE)
}

fn entries(count: u64) -> Vec<(EntryId, Embedding)> {
    let mut state = count;
    let mut value = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count)
        .map(|id| {
            let values = (0..20).map(|_| value()).collect();
            (EntryId(3 * id), Embedding::new(&space(), values).unwrap())
        })
        .collect()
}

fn kinds() -> [Box<dyn SnapshotIndex>; 2] {
    kinds_of(Metric::Cosine)
}

fn kinds_of(metric: Metric) -> [Box<dyn SnapshotIndex>; 2] {
    [
        Box::new(FlatIndex::new(space(), metric)),
        Box::new(HnswIndex::new(
            space(),
            metric,
            HnswOptions::default().with_ef_search(60),
        )),
    ]
}

#[test]
fn a_loaded_index_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    for ((saved, loaded), count) in kinds().into_iter().zip(kinds()).zip([20_000, 8_000]) {
        // With gaps, and more than a chunk.
        let all = entries(count);
        saved.insert(&all).unwrap();
        let gone: Vec<EntryId> = all.iter().step_by(7).map(|(id, _)| *id).collect();
        saved.remove(&gone).unwrap();
        saved.save(&file(&path)).unwrap();
        // The entries before are replaced.
        loaded.insert(&[(EntryId(1), all[0].1.clone())]).unwrap();
        loaded.load(&file(&path)).unwrap();
        assert_eq!(loaded.len(), saved.len());
        for (_, probe) in all.iter().step_by(501) {
            let options = SearchOptions::new(5);
            assert_eq!(
                loaded.search(probe, &options).unwrap(),
                saved.search(probe, &options).unwrap()
            );
        }
        // It goes on as any other.
        loaded.insert(&all[..1]).unwrap();
        assert_eq!(loaded.len(), saved.len() + 1);
        let found = loaded.search(&all[0].1, &SearchOptions::new(1)).unwrap();
        assert_eq!(found[0].entry, all[0].0);
        assert_eq!(loaded.remove(&[all[0].0]).unwrap(), 1);
        assert_eq!(loaded.len(), saved.len());
    }
}

#[test]
fn empty_indexes_and_passphrases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    for protection in [
        Protection::None,
        Protection::Key(GalleryKey::from_passphrase("correct horse").unwrap()),
    ] {
        for index in kinds() {
            let file = SnapshotFile::new(&path, protection.clone(), 0);
            index.save(&file).unwrap();
            index.insert(&entries(3)).unwrap();
            index.load(&file).unwrap();
            assert!(index.is_empty());
        }
    }
}

#[test]
fn nothing_is_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    for index in kinds() {
        let all = entries(100);
        index.insert(&all).unwrap();
        index.save(&file(&path)).unwrap();
        let bytes = fs::read(&path).unwrap();
        for (_, embedding) in &all {
            let values = embedding.values()[3..6].iter();
            let clear: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
            assert!(!bytes.windows(clear.len()).any(|window| window == clear));
        }
    }
}

/// Asserts that an error says that the file is not of an index of this kind. The file is whole.
fn is_misfit(error: &Error, reason: &str) {
    let names_the_index = matches!(
        error,
        Error::InvalidArgument {
            argument: "index",
            ..
        }
    );
    assert!(names_the_index, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn other_files_are_told_from_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    assert!(!file(&path).exists().unwrap());
    let [flat, _] = kinds();
    flat.save(&file(&path)).unwrap();
    let of_another_state = SnapshotFile::new(&path, key(8), STATE + 1);
    assert!(of_another_state.exists().unwrap());
    fs::write(&path, [7; 20_000]).unwrap();
    let error = file(&path).exists().unwrap_err();
    assert!(matches!(error, Error::FileDamaged { .. }), "{error}");
    assert!(
        error.to_string().contains("not a snapshot of an index"),
        "{error}"
    );
}

#[test]
fn a_graph_with_another_number_of_links_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    let graph = |links| {
        let options = HnswOptions::default().with_links(links);
        HnswIndex::new(space(), Metric::Cosine, options)
    };
    graph(8).save(&file(&path)).unwrap();
    let error = graph(9).load(&file(&path)).unwrap_err();
    is_misfit(&error, "another number of links");
    graph(8).load(&file(&path)).unwrap();
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    let [flat, graph] = kinds();
    let [euclidean_flat, euclidean_graph] = kinds_of(Metric::Euclidean);
    for (index, other, euclidean) in [
        (&flat, &graph, &euclidean_flat),
        (&graph, &flat, &euclidean_graph),
    ] {
        assert!(
            index
                .load(&file(&path))
                .is_err_and(|error| error.is_not_found())
        );
        index.insert(&entries(50)).unwrap();
        index.save(&file(&path)).unwrap();
        let refused = |index: &dyn SnapshotIndex, file: &SnapshotFile| {
            let before = index.len();
            let error = index.load(file).unwrap_err();
            assert_eq!(index.len(), before, "the index is unchanged");
            error
        };
        let wrong_key = SnapshotFile::new(&path, key(8), STATE);
        assert!(matches!(refused(&**index, &wrong_key), Error::Key { .. }));
        let old = SnapshotFile::new(&path, key(7), STATE + 1);
        let error = refused(&**index, &old);
        assert!(error.to_string().contains("state 5, and 6"), "{error}");
        for (misfit, reason) in [
            (other, "another kind of index"),
            (euclidean, "another metric"),
        ] {
            is_misfit(&refused(&**misfit, &file(&path)), reason);
        }
        for (metric, dimension) in [(Metric::Euclidean, 20), (Metric::Cosine, 21)] {
            let space = EmbeddingSpace::new("example", Digest::from_bytes([3; 32]), dimension);
            let [other_flat, other_graph]: [Box<dyn SnapshotIndex>; 2] = [
                Box::new(FlatIndex::new(space.clone(), metric)),
                Box::new(HnswIndex::new(space, metric, HnswOptions::default())),
            ];
            assert!(other_flat.load(&file(&path)).is_err());
            assert!(other_graph.load(&file(&path)).is_err());
        }
        let mut newer = fs::read(&path).unwrap();
        newer[16] += 1;
        let digest = Digest::of(&newer[..20]);
        newer[20..52].copy_from_slice(digest.as_bytes());
        fs::write(&path, newer).unwrap();
        let error = refused(&**index, &file(&path));
        assert!(
            matches!(
                error,
                Error::FileVersion {
                    found: 2,
                    supported: 1,
                    ..
                }
            ),
            "{error}"
        );
        index
            .remove(
                &entries(50)
                    .into_iter()
                    .map(|(id, _)| id)
                    .collect::<Vec<_>>(),
            )
            .unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    for (index, again) in kinds().into_iter().zip(kinds()) {
        // More than one chunk.
        index.insert(&entries(15_000)).unwrap();
        index.save(&file(&path)).unwrap();
        let whole = fs::read(&path).unwrap();
        assert!(whole.len() > 12_288 + (1 << 20));
        let chunk = (1 << 20) + 40;
        let tries = if soak() { 3_000 } else { 60 };
        let mut random = 99_u64;
        for nth in 0..tries {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (random >> 20) as usize;
            let mut bytes = whole.clone();
            match nth % 4 {
                0 => bytes.truncate(at % whole.len()),
                1 => bytes.extend_from_slice(&whole[..1 + at % 100]),
                // A bit of what is read: the unused parts of the first blocks are not.
                2 => bytes[12_288 + at % (whole.len() - 12_288)] ^= 1 << (at % 8),
                _ => {
                    // The first two chunks, or the first and the last, change places.
                    let (first, second) = bytes[12_288..].split_at_mut(chunk);
                    let count = chunk.min(second.len());
                    first[..count].swap_with_slice(&mut second[..count]);
                }
            }
            fs::write(&path, bytes).unwrap();
            let error = again.load(&file(&path)).unwrap_err();
            assert!(matches!(error, Error::FileDamaged { .. }), "{nth}: {error}");
            assert!(again.is_empty());
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_does_not_load_is_built_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    for index in kinds() {
        let mut built = 0;
        let mut load = |index: &dyn SnapshotIndex| {
            let reason = index
                .load_or_build(&file(&path), &mut || {
                    built += 1;
                    index.insert(&entries(10))
                })
                .unwrap();
            assert_eq!(index.len(), 10);
            reason.map(|reason| reason.is_not_found())
        };
        assert_eq!(load(&*index), Some(true));
        index.save(&file(&path)).unwrap();
        assert_eq!(load(&*index), None);
        fs::write(&path, b"facekit index\n\0\0").unwrap();
        assert_eq!(load(&*index), Some(false));
        assert_eq!(built, 2);
        fs::remove_file(&path).unwrap();
    }
}

/// Saves for ever if `FACEKIT_SAVE_TO` names a file: the process that the next test kills.
#[test]
fn saves_until_it_is_killed() {
    let Some(path) = env::var_os("FACEKIT_SAVE_TO") else {
        return;
    };
    let [small, large] = [entries(2_000), entries(20_000)].map(|entries| {
        let index = FlatIndex::new(space(), Metric::Cosine);
        index.insert(&entries).unwrap();
        index
    });
    loop {
        small.save(&file(Path::new(&path))).unwrap();
        large.save(&file(Path::new(&path))).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    let index = FlatIndex::new(space(), Metric::Cosine);
    index.insert(&entries(2_000)).unwrap();
    index.save(&file(&path)).unwrap();
    let kills = if soak() { 200 } else { 8 };
    for kill in 0..kills {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "saves_until_it_is_killed"])
            .env("FACEKIT_SAVE_TO", &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(60 + kill * 37 % 200));
        child.kill().unwrap();
        child.wait().unwrap();
        index.load(&file(&path)).unwrap();
        assert!([2_000, 20_000].contains(&index.len()), "{}", index.len());
    }
    index.save(&file(&path)).unwrap();
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(
        left, 1,
        "what killed processes leave is removed by the next save"
    );
}

/// With `FACEKIT_SOAK` set, of a million entries of 128 values, with the times.
#[test]
fn a_large_index_is_saved_and_loaded() {
    let (count, dimension) = if soak() {
        (1_000_000, 128)
    } else {
        (20_000, 32)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.index");
    let space = EmbeddingSpace::new("example", Digest::from_bytes([3; 32]), dimension);
    let mut state = 1_u64;
    let mut embedding = || {
        let values = (0..dimension).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        });
        Embedding::new(&space, values.collect()).unwrap()
    };
    let [saved, loaded] = [(); 2].map(|()| FlatIndex::new(space.clone(), Metric::Cosine));
    let mut inserting = 0.0;
    for first in (0..count).step_by(5_000) {
        let entries: Vec<_> = (first..first + 5_000)
            .map(|id| (EntryId(id), embedding()))
            .collect();
        let begun = Instant::now();
        saved.insert(&entries).unwrap();
        inserting += begun.elapsed().as_secs_f64();
    }
    let begun = Instant::now();
    saved.save(&file(&path)).unwrap();
    let saving = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    loaded.load(&file(&path)).unwrap();
    let loading = begun.elapsed().as_secs_f64();
    println!(
        "{count} entries are inserted in {inserting:.2} s, saved in {saving:.2} s and loaded in {loading:.2} s"
    );
    assert_eq!(loaded.len(), count as usize);
    for _ in 0..20 {
        let probe = embedding();
        let options = SearchOptions::new(5).with_exact(true);
        let found = loaded.search(&probe, &options).unwrap();
        assert_eq!(found, saved.search(&probe, &options).unwrap());
    }
}
