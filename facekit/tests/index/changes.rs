//! Searches beside changes of an index. With `FACEKIT_SOAK` set, for a minute, and with the times of searches.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, EntrySet, FlatIndex, Metric, SearchOptions,
    VectorIndex,
};

use crate::noise::{Noise, soak};

const READERS: usize = 8;
/// An entry of the writer is a number beyond those of the entries that stay.
const COMING: u64 = 1_000_000;

/// An embedding that looks random, the same for the same number.
fn embedding(space: &EmbeddingSpace, number: u64) -> Embedding {
    let mut noise = Noise::new(number.wrapping_mul(0xD134_2543_DE82_EF95));
    let value = |_| 2.0 * noise.uniform() - 1.0;
    Embedding::new(space, (0..space.dimension()).map(value).collect()).unwrap()
}

/// The times of searches by all readers, in microseconds, while `write` runs.
fn read_beside(
    index: &FlatIndex,
    space: &EmbeddingSpace,
    stable: u64,
    visible: &AtomicU64,
    write: impl FnOnce(),
) -> Vec<f64> {
    let ended = &AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS as u64)
            .map(|reader| {
                scope.spawn(move || {
                    let set: EntrySet = (0..stable).step_by(3).map(EntryId).collect();
                    let mut times = Vec::new();
                    for round in reader.. {
                        if ended.load(Ordering::Acquire) {
                            break;
                        }
                        let known = round * 3 % stable;
                        let probe = embedding(space, known);
                        let mut options = SearchOptions::new(2);
                        if round % 4 == 0 {
                            options = options.with_entries(&set);
                        }
                        let (before, begun) = (visible.load(Ordering::Acquire), Instant::now());
                        let found = index.search(&probe, &options).unwrap();
                        times.push(begun.elapsed().as_secs_f64() * 1e6);
                        let after = visible.load(Ordering::Acquire);
                        assert_eq!(found[0].entry, EntryId(known), "an entry is lost");
                        // One entry of the writer is there at a time, or none.
                        if let Some(other) = found.iter().find(|other| other.entry.0 >= COMING) {
                            let number = other.entry.0 - COMING;
                            assert!(
                                (before..=after + 1).contains(&number),
                                "a search finds {number}, which was removed before it began at {before}"
                            );
                        }
                    }
                    times
                })
            })
            .collect();
        write();
        ended.store(true, Ordering::Release);
        readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect()
    })
}

fn p99(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

#[test]
fn readers_and_a_writer() {
    let soak = soak();
    let (stable, duration) = match soak {
        true => (100_000, Duration::from_secs(60)),
        false => (6_000, Duration::from_secs(2)),
    };
    let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 128);
    let index = FlatIndex::new(space.clone(), Metric::Cosine);
    for first in (0..stable).step_by(1000) {
        let entries: Vec<_> = (first..first + 1000)
            .map(|number| (EntryId(number), embedding(&space, number)))
            .collect();
        index.insert(&entries).unwrap();
    }
    // The number of the entry that the writer has inserted last.
    let visible = AtomicU64::new(0);
    let alone = p99(read_beside(&index, &space, stable, &visible, || {
        thread::sleep(duration);
    }));
    let mut changes = 0;
    let beside = p99(read_beside(&index, &space, stable, &visible, || {
        let begun = Instant::now();
        while begun.elapsed() < duration {
            let number = visible.load(Ordering::Acquire);
            let id = EntryId(COMING + number);
            let own = embedding(&space, id.0);
            index.insert(&[(id, own.clone())]).unwrap();
            let found = index.search(&own, &SearchOptions::new(1)).unwrap();
            assert_eq!(found[0].entry, id, "the next search finds an entry");
            assert_eq!(index.remove(&[id]).unwrap(), 1);
            visible.store(number + 1, Ordering::Release);
            let found = index.search(&own, &SearchOptions::new(1)).unwrap();
            assert_ne!(
                found[0].entry, id,
                "the next search does not find a removed entry"
            );
            changes += 2;
            if soak {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }));
    assert_eq!(index.len(), stable as usize);
    assert!(changes > 10, "{changes} changes");
    println!(
        "{READERS} readers of {stable} entries: 99 % of searches within {alone:.0} µs, beside {changes} changes within \
         {beside:.0} µs ({:.2} times)",
        beside / alone
    );
}
