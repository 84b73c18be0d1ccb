use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::index::faces::{Changes, Faces, follows_a_map, ids};

fn flat(faces: &Faces, entries: &[(EntryId, Embedding)], strategy: SearchStrategy) -> FlatIndex {
    let index = FlatIndex::new(faces.space.clone(), Metric::Cosine).with_strategy(strategy);
    index.insert(entries).unwrap();
    index
}

const STRATEGIES: [SearchStrategy; 4] = [
    SearchStrategy::Fastest,
    SearchStrategy::Deterministic,
    SearchStrategy::Scan,
    SearchStrategy::Prefilter,
];

#[test]
fn every_kernel_finds_the_same() {
    for dimension in [64, 100, 512] {
        let mut faces = Faces::new(dimension);
        let entries = faces.people(3_000);
        let probes: Vec<Embedding> = entries[..20]
            .iter()
            .map(|(_, person)| faces.photo(person, 0.6))
            .collect();
        for strategy in [SearchStrategy::Scan, SearchStrategy::Prefilter] {
            let options = SearchOptions::new(7).with_recall(0.9);
            let found: Vec<_> = Kernel::available()
                .into_iter()
                .map(|kernel| {
                    let index = flat(&faces, &entries, strategy).with_kernel(kernel);
                    index.search_many(&probes, &options).unwrap()
                })
                .collect();
            assert!(found.iter().all(|other| *other == found[0]), "{strategy:?}");
        }
    }
}

#[test]
fn a_scan_is_exact() {
    for metric in [Metric::Cosine, Metric::Euclidean] {
        for dimension in [3, 33, 128] {
            let mut faces = Faces::new(dimension);
            let mut entries = faces.people(2_000);
            for id in 2_000..2_500 {
                let (_, person) = &entries[id as usize % 50].clone();
                entries.push((EntryId(id), faces.photo(person, 0.99)));
            }
            let index =
                FlatIndex::new(faces.space.clone(), metric).with_strategy(SearchStrategy::Scan);
            index.insert(&entries).unwrap();
            for k in [1, 10, 200, 2_500] {
                let (_, person) = &entries[k % 50].clone();
                let probe = faces.photo(person, 0.7);
                let cosine = |entry: EntryId| probe.cosine(&entries[entry.0 as usize].1).unwrap();
                let mut scores: Vec<f32> = entries.iter().map(|(id, _)| cosine(*id)).collect();
                scores.sort_by(|a, b| b.total_cmp(a));
                let found = index.search(&probe, &SearchOptions::new(k)).unwrap();
                assert_eq!(found.len(), k);
                for (found, expected) in found.iter().zip(scores) {
                    let own = cosine(found.entry);
                    assert!(
                        (own - expected).abs() < 1e-6,
                        "{metric:?} {dimension} {k}: {own} {expected}"
                    );
                }
            }
        }
    }
}

/// The miss rate that is allowed at this recall, for so many neighbors that each may be missed on its own: three standard
/// deviations above the promise.
fn allowed_misses(recall: f64, neighbors: usize) -> usize {
    let expected = (1.0 - recall) * neighbors as f64;
    (expected + 3.0 * expected.sqrt()).ceil() as usize
}

#[test]
fn a_prefilter_keeps_its_recall() {
    for (dimension, people, photos) in [
        (64, 6_000, 1),
        (128, 20_000, 1),
        (128, 4_000, 5),
        (512, 5_000, 1),
    ] {
        let mut faces = Faces::new(dimension);
        let centers = faces.people(people);
        let mut entries = Vec::new();
        for (_, person) in &centers {
            for _ in 0..photos {
                let id = EntryId(entries.len() as u64);
                entries.push((id, faces.photo(person, 0.8)));
            }
        }
        let scan = flat(&faces, &entries, SearchStrategy::Scan);
        let prefilter = flat(&faces, &entries, SearchStrategy::Prefilter);
        // Half of the probes are of people who are not there.
        let mut probes: Vec<Embedding> = (0..100).map(|_| faces.person()).collect();
        probes.extend((0..100).map(|nth| faces.photo(&centers[nth * 37].1, 0.8)));
        for k in [1, 10] {
            for recall in [0.9, 0.99, 0.9999] {
                let options = SearchOptions::new(k).with_recall(recall);
                let expected = scan.search_many(&probes, &options).unwrap();
                let found = prefilter.search_many(&probes, &options).unwrap();
                let missed: usize = expected
                    .iter()
                    .zip(&found)
                    .map(|(expected, found)| {
                        let found: HashSet<EntryId> =
                            found.iter().map(|found| found.entry).collect();
                        expected
                            .iter()
                            .filter(|expected| !found.contains(&expected.entry))
                            .count()
                    })
                    .sum();
                let allowed = allowed_misses(f64::from(recall), probes.len() * k);
                assert!(
                    missed <= allowed,
                    "{dimension} x {people}, k = {k}, {recall}: {missed} of {allowed}"
                );
            }
        }
    }
}

#[test]
fn a_prefilter_reads_few_codes() {
    // The rates of misses above would also hold for a scan.
    let mut faces = Faces::new(128);
    let entries = faces.people(20_000);
    let index = flat(&faces, &entries, SearchStrategy::Prefilter);
    let snapshot = index.current.load_full();
    let probe = faces.photo(&entries[777].1, 0.8);
    let probe = Probe::new(probe.values(), &index.shape);
    let query = Query {
        k: 1,
        min_score: None,
        metric: Metric::Cosine,
        members: None,
    };
    let costs = Costs::few(200.0, snapshot.rows());
    let found = snapshot.prefilter(
        &index.shape,
        index.kernel,
        &probe,
        query,
        0.9999,
        Some(&costs),
    );
    assert_eq!(ids(&found.expect("fewer than 200 codes")), [777]);
}

#[test]
fn min_score_leaves_out_lower_scores() {
    let mut faces = Faces::new(64);
    let entries = faces.people(5_000);
    for strategy in STRATEGIES {
        let index = flat(&faces, &entries, strategy);
        for nth in 0..10 {
            let probe = faces.photo(&entries[nth * 100].1, 0.7);
            let all = index
                .search(&probe, &SearchOptions::new(50).with_exact(true))
                .unwrap();
            for least in [all[0].score, all[20].score, 0.6, 1.1] {
                let options = SearchOptions::new(50).with_min_score(least);
                let found = index.search(&probe, &options.with_exact(true)).unwrap();
                let expected: Vec<_> = all
                    .iter()
                    .copied()
                    .filter(|found| found.score >= least)
                    .collect();
                assert_eq!(found, expected, "{strategy:?} {least}");
                let found = index.search(&probe, &options).unwrap();
                assert!(
                    found.iter().all(|found| expected.contains(found)),
                    "{strategy:?} {least}"
                );
            }
        }
    }
}

#[test]
fn sets_of_every_size() {
    let mut faces = Faces::new(128);
    let entries = faces.people(12_000);
    for strategy in STRATEGIES {
        let index = flat(&faces, &entries, strategy);
        for step in [1, 2, 10, 100, 400, 4_000, 11_999] {
            let set: EntrySet = entries.iter().step_by(step).map(|(id, _)| *id).collect();
            let limited: Vec<_> = entries.iter().step_by(step).cloned().collect();
            let expected = flat(&faces, &limited, SearchStrategy::Scan);
            for k in [1, 5] {
                // Of people in the set and of others.
                for nth in [0, 4_000, 4_001, 7_777] {
                    let probe = faces.photo(&entries[nth].1, 0.7);
                    let options = SearchOptions::new(k);
                    let found = index.search(&probe, &options.with_entries(&set)).unwrap();
                    let expected = expected.search(&probe, &options).unwrap();
                    assert_eq!(found, expected, "{strategy:?}, every {step}th, k = {k}");
                }
            }
        }
    }
}

#[test]
fn equal_scores_are_in_order_of_id() {
    let mut faces = Faces::new(64);
    let mut entries = faces.people(3_000);
    let person = entries[5].1.clone();
    // Copies in rising and falling order of id, over several segments.
    for nth in 0..40 {
        entries[nth * 70].1 = person.clone();
        entries[nth * 70].0 = EntryId(if nth % 2 == 0 {
            10_000 - nth as u64
        } else {
            10_000 + nth as u64
        });
    }
    for strategy in STRATEGIES {
        let index = flat(&faces, &entries, strategy);
        for k in [1, 3, 41] {
            let mut equal: Vec<u64> = entries
                .iter()
                .filter(|(_, other)| *other == person)
                .map(|(id, _)| id.0)
                .collect();
            equal.sort_unstable();
            equal.truncate(k);
            let found = index.search(&person, &SearchOptions::new(k)).unwrap();
            assert_eq!(ids(&found), equal, "{strategy:?}");
        }
    }
}

#[test]
fn removal_leaves_nothing_and_frees_the_row() {
    let mut faces = Faces::new(128);
    let entries = faces.people(2_000);
    let index = flat(&faces, &entries, SearchStrategy::Scan);
    let empty = Segment::new(Precision::Single);
    let before = index.current.load().rows();
    let gone: Vec<EntryId> = entries.iter().step_by(3).map(|(id, _)| *id).collect();
    assert_eq!(index.remove(&gone).unwrap(), gone.len());
    let snapshot = index.current.load_full();
    let mut fresh = empty.clone();
    fresh.grow(1, &index.shape);
    for row in 0..snapshot.rows() {
        let segment = &snapshot.segments[row / ROWS];
        let within = row % ROWS;
        if segment.is_live(within) {
            continue;
        }
        let values = segment.values(within, &index.shape);
        let zeros = values
            .single(&mut Vec::new())
            .iter()
            .all(|&value| value == 0.0);
        assert!(zeros);
        let group = segment.group(within, &index.shape);
        let codes = |group: &[crate::index::kernel::Line], row: usize| -> Vec<u8> {
            group
                .iter()
                .flat_map(|line| line.0[row % 4 * 16..][..16].to_vec())
                .collect()
        };
        assert_eq!(codes(group, within), codes(fresh.group(0, &index.shape), 0));
        let bytes = index.shape.bytes();
        let signs = &segment.signs()[within / 64 * bytes..][..bytes];
        assert!(signs.iter().all(|line| line.0[within % 64] == 0));
    }
    // The rows are used again before new ones are made.
    let again: Vec<_> = gone
        .iter()
        .map(|id| (EntryId(id.0 + 100_000), faces.person()))
        .collect();
    index.insert(&again).unwrap();
    assert_eq!(index.current.load().rows(), before);
    assert_eq!(index.len(), 2_000);
}

/// All rows are nearly opposite to the probe, so that their estimates are the lowest.
#[test]
fn the_nearest_is_found_among_opposite_rows() {
    let mut faces = Faces::new(64);
    let east = faces.person();
    let entries: Vec<_> = (0..20_000)
        .map(|id| (EntryId(id), faces.photo(&east, 0.999)))
        .collect();
    let west = east.values().iter().map(|value| -value).collect();
    let west = Embedding::new(&faces.space, west).unwrap();
    let expected = flat(&faces, &entries, SearchStrategy::Scan);
    for strategy in STRATEGIES {
        let index = flat(&faces, &entries, strategy);
        for k in [1, 10, 100] {
            let options = SearchOptions::new(k);
            let found = index.search(&west, &options).unwrap();
            assert_eq!(found.len(), k, "{strategy:?}");
            if k < 100 {
                let all = expected.search(&west, &SearchOptions::new(200)).unwrap();
                assert!(
                    found.iter().all(|found| all.contains(found)),
                    "{strategy:?}"
                );
            }
        }
    }
}

#[test]
fn removal_of_most_moves_the_others_together() {
    let mut faces = Faces::new(64);
    let entries = faces.people(20_000);
    for strategy in STRATEGIES {
        let index = flat(&faces, &entries, strategy);
        let set: EntrySet = entries.iter().step_by(7).map(|(id, _)| *id).collect();
        let probe = &entries[70].1;
        let limited = SearchOptions::new(3).with_entries(&set);
        index.search(probe, &limited).unwrap();
        let (searched, embeddings) = index.memory();
        // In two steps: the second one leaves less than half.
        for share in [2, 10] {
            let gone: Vec<EntryId> = entries
                .iter()
                .map(|(id, _)| *id)
                .filter(|id| id.0 % share != 0)
                .collect();
            index.remove(&gone).unwrap();
        }
        assert_eq!(index.len(), 2_000);
        let rows = index.current.load().rows();
        assert!((2_000..2_100).contains(&rows), "{rows} rows");
        let after = index.memory();
        assert!(
            after.0 < searched / 5 && after.1 < embeddings / 5,
            "{after:?}"
        );
        let found = index.search(probe, &limited).unwrap();
        assert_eq!(found[0].entry, EntryId(70), "a kept set is resolved again");
        assert!(found.iter().all(|found| found.entry.0 % 70 == 0));
        // Rows are found, removed, replaced and used again as before.
        let all: Vec<EntryId> = (0..20_000).map(EntryId).collect();
        index.insert(&entries[70..71]).unwrap();
        assert_eq!(index.len(), 2_000);
        index.insert(&entries[..50]).unwrap();
        assert_eq!(index.len(), 2_045);
        for id in [0, 49, 70, 19_990] {
            let found = index
                .search(&entries[id].1, &SearchOptions::new(1))
                .unwrap();
            assert_eq!(found[0].entry, EntryId(id as u64));
        }
        assert_eq!(index.remove(&all).unwrap(), 2_045);
    }
}

#[test]
fn follows_a_map_through_changes() {
    for strategy in STRATEGIES {
        let mut faces = Faces::new(64);
        let index = flat(&faces, &[], strategy);
        let changes = Changes {
            rounds: 60,
            most: 400.0,
            first: 3_000.0,
            stretch: 900,
        };
        follows_a_map(&index, &mut faces, &changes);
        assert_eq!(index.memory().1, 0, "an empty index has no memory");
    }
}

#[test]
fn readers_see_every_finished_change() {
    let mut faces = Faces::new(64);
    let stable = faces.people(3_000);
    let index = flat(&faces, &stable, SearchStrategy::Fastest);
    let coming: Vec<_> = (0..200)
        .map(|nth| (EntryId(50_000 + nth), faces.person()))
        .collect();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..4_usize {
            let (index, stable, ended) = (&index, &stable, &ended);
            scope.spawn(move || {
                let set: EntrySet = stable.iter().step_by(5).map(|(id, _)| *id).collect();
                for round in reader.. {
                    let (id, person) = &stable[round * 5 % stable.len()];
                    let options = SearchOptions::new(1);
                    assert_eq!(index.search(person, &options).unwrap()[0].entry, *id);
                    let limited = options.with_entries(&set);
                    assert_eq!(index.search(person, &limited).unwrap()[0].entry, *id);
                    if ended.load(Ordering::Acquire) {
                        break;
                    }
                }
            });
        }
        for entry in &coming {
            index.insert(std::slice::from_ref(entry)).unwrap();
            let found = index.search(&entry.1, &SearchOptions::new(1)).unwrap();
            assert_eq!(found[0].entry, entry.0, "the next search finds it");
            assert_eq!(index.remove(&[entry.0]).unwrap(), 1);
            let found = index.search(&entry.1, &SearchOptions::new(1)).unwrap();
            assert_ne!(found[0].entry, entry.0, "the next search does not find it");
        }
        ended.store(true, Ordering::Release);
    });
}

/// An index in half precision finds what one of the rounded embeddings finds.
#[test]
fn half_precision_is_exact_on_what_is_stored() {
    for (dimension, metric) in [
        (20, Metric::Cosine),
        (128, Metric::Cosine),
        (128, Metric::Euclidean),
    ] {
        let mut faces = Faces::new(dimension);
        let entries = faces.people(3_000);
        let make = || FlatIndex::new(faces.space.clone(), metric);
        let half = make().with_half_precision();
        half.insert(&entries).unwrap();
        let rounded_later = make();
        rounded_later.insert(&entries).unwrap();
        let gone: Vec<EntryId> = entries.iter().step_by(5).map(|(id, _)| *id).collect();
        rounded_later.remove(&gone).unwrap();
        let (searched, single) = rounded_later.memory();
        let rounded_later = rounded_later.with_half_precision();
        assert_eq!(rounded_later.memory(), (searched, single / 2));
        half.remove(&gone).unwrap();
        let probes: Vec<Embedding> = (0..60)
            .map(|nth| faces.photo(&entries[nth * 37].1, 0.7))
            .collect();
        for probe in &probes {
            let scored = |id: EntryId| {
                let values = entries[id.0 as usize].1.values().iter();
                let pairs = values
                    .map(|&value| half::f16::from_f32(value).to_f64())
                    .zip(probe.values().iter().map(|&value| f64::from(value)));
                match metric {
                    Metric::Cosine => pairs.map(|(a, b)| a * b).sum::<f64>(),
                    Metric::Euclidean => {
                        let squares = pairs.map(|(a, b)| (a - b).powi(2));
                        -squares.sum::<f64>().sqrt()
                    }
                }
            };
            let kept = (0..3_000).map(EntryId).filter(|id| id.0 % 5 != 0);
            let mut all: Vec<f64> = kept.map(scored).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            for k in [1, 10] {
                let options = SearchOptions::new(k).with_exact(true);
                let found = half.search(probe, &options).unwrap();
                for (found, expected) in found.iter().zip(&all) {
                    assert!((f64::from(found.score) - expected).abs() < 1e-6);
                    assert!((scored(found.entry) - expected).abs() < 1e-6);
                }
                assert_eq!(rounded_later.search(probe, &options).unwrap(), found);
                let nearest = EntrySet::from([found[0].entry]);
                let gathered = half.search(probe, &options.with_entries(&nearest));
                assert_eq!(gathered.unwrap(), found[..1]);
            }
        }
    }
}

#[cfg(feature = "store")]
#[test]
fn half_precision_survives_a_snapshot() {
    use crate::{
        index::{SnapshotFile, SnapshotIndex as _},
        sealed_file::Protection,
    };

    let mut faces = Faces::new(100);
    let entries = faces.people(2_000);
    let make = || FlatIndex::new(faces.space.clone(), Metric::Cosine).with_half_precision();
    let (saved, loaded) = (make(), make());
    saved.insert(&entries).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = SnapshotFile::new(folder.path().join("people"), Protection::None, 0);
    saved.save(&file).unwrap();
    loaded.load(&file).unwrap();
    assert_eq!(loaded.memory(), saved.memory());
    for (_, probe) in entries.iter().step_by(40) {
        let options = SearchOptions::new(5).with_exact(true);
        let found = loaded.search(probe, &options).unwrap();
        // The lengths of rounded embeddings, which are made one while loading, round to the same values.
        assert_eq!(found, saved.search(probe, &options).unwrap());
    }
}
