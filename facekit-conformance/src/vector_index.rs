//! The suite for every [`VectorIndex`].
//!
//! The functions take a constructor, because most need several indexes. The expected results come from an oracle, which
//! compares the probe with every embedding in double precision.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, EntrySet, Error, Metric, ScoredEntry,
    SearchOptions, VectorIndex,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// Makes a module of tests, one for each property of a [`VectorIndex`].
///
/// The second argument makes an empty index. It is called with a `&EmbeddingSpace` and a [`Metric`]. `recall` is the least
/// fraction of the true ten nearest that a search finds on average: 1.0 for an exact index.
///
/// ```
/// use facekit::{EmbeddingSpace, FlatIndex, Metric};
/// use facekit_conformance::vector_index_suite;
///
/// vector_index_suite!(
///     flat,
///     |space: &EmbeddingSpace, metric: Metric| FlatIndex::new(space.clone(), metric),
///     recall: 1.0,
/// );
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! vector_index_suite {
    ($name:ident, $make:expr, recall: $recall:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn make(
                space: &::facekit::EmbeddingSpace,
                metric: ::facekit::Metric,
            ) -> Box<dyn ::facekit::VectorIndex> {
                Box::new(($make)(space, metric))
            }

            $crate::vector_index_suite!(@tests
                starts_empty, finds_itself, orders_by_score_then_id, returns_at_most_k,
                searches_inside_the_set, ignores_unknown_entries_in_the_set,
                searches_a_kept_set_after_changes, replaces, removes, inserts_all_or_nothing,
                refuses_other_spaces, scores_by_its_metric,
                leaves_out_low_scores, searches_for_many_probes,
                exact_search_is_exact, follows_a_model, serves_many_threads,
            );

            #[test]
            fn recalls() {
                $crate::vector_index::recalls(make, $recall);
            }
        }
    };
    (@tests $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::vector_index::$test(make);
            }
        )*
    };
}

/// Makes an empty index.
pub type Make = fn(&EmbeddingSpace, Metric) -> Box<dyn VectorIndex>;

/// The greatest difference of a cosine from the oracle's, because it is computed in single precision. Distances are converted
/// to cosines before they are compared: near zero, a square root makes a small error large.
const TOLERANCE: f64 = 1e-5;

const METRICS: [Metric; 2] = [Metric::Cosine, Metric::Euclidean];

/// A new index is empty, reports its space and metric, and finds nothing.
///
/// # Panics
///
/// If it does not.
pub fn starts_empty(make: Make) {
    for metric in METRICS {
        let space = space(8);
        let index = make(&space, metric);
        assert_eq!((index.len(), index.is_empty()), (0, true));
        assert_eq!((index.space(), index.metric()), (&space, metric));
        let probe = axis(&space, 0);
        assert_eq!(found(&*index, &probe, &SearchOptions::new(5)), []);
        assert_eq!(index.remove(&[EntryId(1)]).unwrap(), 0);
        index.insert(&[]).unwrap();
        assert!(index.is_empty());
    }
}

/// The nearest of every embedding is the embedding itself, with the score of equal embeddings.
///
/// # Panics
///
/// If one is not.
pub fn finds_itself(make: Make) {
    for metric in METRICS {
        let space = space(32);
        let entries = RandomNumbers::new(1).entries(&space, 300);
        let index = filled(make, &space, metric, &entries);
        assert_eq!(index.len(), 300);
        for (id, embedding) in &entries {
            let best = index.search(embedding, &SearchOptions::new(1)).unwrap()[0];
            assert_eq!(best.entry, *id);
            let equal = score(metric, embedding, embedding);
            assert!(
                near(metric, best.score, equal),
                "{metric:?}: {}",
                best.score
            );
        }
    }
}

/// Candidates are in descending order of score, and in ascending order of id for equal scores, whatever the order of insertion.
///
/// # Panics
///
/// If they do not.
pub fn orders_by_score_then_id(make: Make) {
    for metric in METRICS {
        let space = space(4);
        let (near, far) = (axis(&space, 0), axis(&space, 1));
        let entries: Vec<_> = [
            (9, &far),
            (7, &near),
            (3, &far),
            (8, &near),
            (1, &far),
            (2, &near),
        ]
        .map(|(id, embedding)| (EntryId(id), embedding.clone()))
        .into();
        let index = filled(make, &space, metric, &entries);
        for k in 1..=entries.len() {
            let all = [2, 7, 8, 1, 3, 9].map(EntryId);
            let options = SearchOptions::new(k);
            assert_eq!(
                found(&*index, &near, &options),
                all[..k],
                "{metric:?}, k = {k}"
            );
        }
    }
}

/// A search returns at most `k` candidates: none for zero, and all for a `k` greater than the length.
///
/// # Panics
///
/// If it does not.
pub fn returns_at_most_k(make: Make) {
    let space = space(16);
    let mut numbers = RandomNumbers::new(2);
    let entries = numbers.entries(&space, 20);
    let index = filled(make, &space, Metric::Cosine, &entries);
    let probe = numbers.embedding(&space);
    for (k, count) in [
        (0, 0),
        (1, 1),
        (19, 19),
        (20, 20),
        (21, 20),
        (usize::MAX, 20),
    ] {
        for exact in [false, true] {
            let options = SearchOptions::new(k).with_exact(exact);
            let ids = found(&*index, &probe, &options);
            assert_eq!(ids.len(), count, "k = {k}");
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), count, "k = {k}");
        }
    }
}

/// A set of entries limits the search itself: the search returns the `k` best in the set, although all others are closer.
///
/// # Panics
///
/// If they do not.
pub fn searches_inside_the_set(make: Make) {
    for metric in METRICS {
        let space = space(16);
        let mut numbers = RandomNumbers::new(3);
        let probe = axis(&space, 0);
        let mut entries = Vec::new();
        for id in 0..400 {
            // The entries in the set, the multiples of 40, point away from the probe.
            let lean = if id % 40 == 0 { -1.0 } else { 1.0 };
            let mut values = numbers.values(space.dimension());
            values[0] = lean * (values[0].abs() + 0.5);
            entries.push((EntryId(id), Embedding::new(&space, values).unwrap()));
        }
        let index = filled(make, &space, metric, &entries);
        let set: EntrySet = (0..400).step_by(40).map(EntryId).collect();
        for k in [1, 4, 10, 50] {
            let options = SearchOptions::new(k).with_entries(&set);
            let ids = found(&*index, &probe, &options);
            assert_eq!(
                ids,
                nearest(&entries, metric, &probe, &options),
                "{metric:?}, k = {k}"
            );
            assert_eq!(ids.len(), k.min(10));
        }
    }
}

/// Ids in a set that the index does not hold are ignored. With an empty set, a search finds nothing.
///
/// # Panics
///
/// If they do.
pub fn ignores_unknown_entries_in_the_set(make: Make) {
    let space = space(8);
    let mut numbers = RandomNumbers::new(4);
    let entries = numbers.entries(&space, 50);
    let index = filled(make, &space, Metric::Cosine, &entries);
    let probe = numbers.embedding(&space);
    let known = entries[17].0;
    for (set, expected) in [
        (EntrySet::new(), vec![]),
        (
            EntrySet::from([EntryId(u64::MAX), EntryId(1_000_000)]),
            vec![],
        ),
        (EntrySet::from([known, EntryId(u64::MAX)]), vec![known]),
    ] {
        let options = SearchOptions::new(5).with_entries(&set);
        assert_eq!(found(&*index, &probe, &options), expected);
    }
    index.remove(&[known]).unwrap();
    let set = EntrySet::from([known]);
    let options = SearchOptions::new(5).with_entries(&set);
    assert_eq!(
        found(&*index, &probe, &options),
        [],
        "removed, but in the set"
    );
}

/// The same set of entries can be used before and after changes of the index, and with two indexes in turn. The form that an
/// index prepares of it is never used for another state of the index.
///
/// # Panics
///
/// If a search finds other entries than with a new set.
pub fn searches_a_kept_set_after_changes(make: Make) {
    let space = space(8);
    let mut numbers = RandomNumbers::new(5);
    let mut entries = numbers.entries(&space, 60);
    let others = entries[..30].to_vec();
    let index = filled(make, &space, Metric::Cosine, &entries);
    let other = filled(make, &space, Metric::Cosine, &others);
    let late = (EntryId(9_999), numbers.embedding(&space));
    let kept: EntrySet = entries.iter().step_by(3).map(|(id, _)| *id).collect();
    let kept: EntrySet = kept.iter().chain([late.0]).collect();
    let probe = numbers.embedding(&space);
    let check = |index: &dyn VectorIndex, entries: &[(EntryId, Embedding)]| {
        let options = SearchOptions::new(60).with_entries(&kept);
        assert_eq!(
            found(index, &probe, &options),
            nearest(entries, Metric::Cosine, &probe, &options)
        );
    };
    for _ in 0..6 {
        check(&*index, &entries);
        check(&*other, &others);
        // A removal may move other entries within the index.
        let (id, _) = entries.remove(0);
        index.remove(&[id]).unwrap();
    }
    index.insert(std::slice::from_ref(&late)).unwrap();
    entries.push(late);
    check(&*index, &entries);
    check(&*other, &others);
}

/// Inserting an id again replaces its embedding. If an id occurs twice in one call, the last embedding counts.
///
/// # Panics
///
/// If it does not.
pub fn replaces(make: Make) {
    let space = space(4);
    let index = make(&space, Metric::Cosine);
    let id = EntryId(5);
    index
        .insert(&[(id, axis(&space, 0)), (EntryId(6), axis(&space, 3))])
        .unwrap();
    index.insert(&[(id, axis(&space, 1))]).unwrap();
    assert_eq!(index.len(), 2);
    let score_along = |number| {
        let candidates = index
            .search(&axis(&space, number), &SearchOptions::new(2))
            .unwrap();
        candidates
            .into_iter()
            .find(|candidate| candidate.entry == id)
            .unwrap()
            .score
    };
    assert!(
        score_along(0).abs() < 1e-6,
        "the old embedding is still found"
    );
    assert!(
        (score_along(1) - 1.0).abs() < 1e-6,
        "the new embedding is not found"
    );

    index
        .insert(&[(id, axis(&space, 0)), (id, axis(&space, 2))])
        .unwrap();
    assert_eq!(index.len(), 2);
    assert!(
        (score_along(2) - 1.0).abs() < 1e-6,
        "the last of two embeddings does not count"
    );
}

/// Removed entries are not found any more and can be inserted again. Ids that the index does not hold are not counted.
///
/// # Panics
///
/// If it is otherwise.
pub fn removes(make: Make) {
    let space = space(16);
    let entries = RandomNumbers::new(5).entries(&space, 100);
    let index = filled(make, &space, Metric::Cosine, &entries);
    let (gone, kept) = entries.split_at(30);
    let mut ids: Vec<EntryId> = gone.iter().map(|(id, _)| *id).collect();
    ids.push(EntryId(u64::MAX));
    ids.push(ids[0]);
    assert_eq!(index.remove(&ids).unwrap(), 30);
    assert_eq!(index.remove(&ids).unwrap(), 0);
    assert_eq!(index.len(), 70);
    for (id, probe) in gone {
        let all = found(&*index, probe, &SearchOptions::new(100));
        assert_eq!(all.len(), 70);
        assert!(!all.contains(id));
    }
    for (id, probe) in kept {
        assert_eq!(found(&*index, probe, &SearchOptions::new(1)), [*id]);
    }
    index.insert(gone).unwrap();
    assert_eq!(index.len(), 100);
    for (id, probe) in &entries {
        assert_eq!(found(&*index, probe, &SearchOptions::new(1)), [*id]);
    }
    let all: Vec<EntryId> = entries.iter().map(|(id, _)| *id).collect();
    assert_eq!(index.remove(&all).unwrap(), 100);
    assert!(index.is_empty());
    assert_eq!(found(&*index, &entries[0].1, &SearchOptions::new(3)), []);
}

/// If one embedding of a call is from another space, none of them is inserted or replaced.
///
/// # Panics
///
/// If one is.
pub fn inserts_all_or_nothing(make: Make) {
    let space = space(4);
    let index = make(&space, Metric::Cosine);
    index.insert(&[(EntryId(1), axis(&space, 0))]).unwrap();
    for other in others(4) {
        let entries = [
            (EntryId(1), axis(&space, 1)),
            (EntryId(2), axis(&space, 2)),
            (EntryId(3), axis(&other, 0)),
            (EntryId(4), axis(&space, 3)),
        ];
        let error = index.insert(&entries).unwrap_err();
        assert!(matches!(error, Error::SpaceMismatch { .. }), "{error:?}");
        assert_eq!(index.len(), 1);
        let candidates = index
            .search(&axis(&space, 0), &SearchOptions::new(9))
            .unwrap();
        assert_eq!(candidates.len(), 1);
        assert!((candidates[0].score - 1.0).abs() < 1e-6, "it was replaced");
    }
}

/// A probe from another space, with another model or another dimension, is an [`Error::SpaceMismatch`], even if the search
/// would find nothing.
///
/// # Panics
///
/// If it is not.
pub fn refuses_other_spaces(make: Make) {
    let space = space(4);
    let empty = make(&space, Metric::Cosine);
    let index = filled(
        make,
        &space,
        Metric::Cosine,
        &RandomNumbers::new(6).entries(&space, 3),
    );
    for other in others(4) {
        for index in [&empty, &index] {
            for k in [0, 1] {
                let error = index
                    .search(&axis(&other, 0), &SearchOptions::new(k))
                    .unwrap_err();
                assert!(matches!(error, Error::SpaceMismatch { .. }), "{error:?}");
            }
        }
    }
}

/// Scores are those of the metric, the cosine or the negative distance, including the ends of both ranges.
///
/// # Panics
///
/// If they are not.
pub fn scores_by_its_metric(make: Make) {
    let space = space(2);
    let at = |x: f32, y: f32| Embedding::new(&space, vec![x, y]).unwrap();
    let entries: Vec<_> = [at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0), at(-1.0, 0.0)]
        .into_iter()
        .zip(1..)
        .map(|(embedding, id)| (EntryId(id), embedding))
        .collect();
    let diagonal = std::f32::consts::FRAC_1_SQRT_2;
    for (metric, expected) in [
        (Metric::Cosine, [1.0, diagonal, 0.0, -1.0]),
        (
            Metric::Euclidean,
            [0.0, -(2.0 - 2.0 * diagonal).sqrt(), -(2.0_f32.sqrt()), -2.0],
        ),
    ] {
        let index = filled(make, &space, metric, &entries);
        let candidates = index.search(&at(1.0, 0.0), &SearchOptions::new(4)).unwrap();
        for (candidate, (id, expected)) in candidates.iter().zip((1..).zip(expected)) {
            assert_eq!(candidate.entry, EntryId(id), "{metric:?}");
            assert!(
                near(metric, candidate.score, expected.into()),
                "{metric:?}: {candidate:?}"
            );
        }
    }
}

/// With [`SearchOptions::min_score`] a search returns the same entries, without those of a lower score.
///
/// # Panics
///
/// If it does not.
pub fn leaves_out_low_scores(make: Make) {
    for metric in METRICS {
        let space = space(24);
        let mut numbers = RandomNumbers::new(11);
        let entries = numbers.entries(&space, 300);
        let index = filled(make, &space, metric, &entries);
        let set: EntrySet = entries.iter().step_by(2).map(|(id, _)| *id).collect();
        for _ in 0..5 {
            let probe = numbers.embedding(&space);
            for options in [
                SearchOptions::new(40).with_exact(true),
                SearchOptions::new(40).with_exact(true).with_entries(&set),
            ] {
                let all = index.search(&probe, &options).unwrap();
                assert_eq!(all.len(), 40);
                for count in [1, 7, 40] {
                    // The bound is inclusive.
                    let least = all[count - 1].score;
                    let found = index
                        .search(&probe, &options.with_min_score(least))
                        .unwrap();
                    assert_eq!(found, all[..count], "{metric:?}, at least {least}");
                }
                let none = index.search(&probe, &options.with_min_score(1.5)).unwrap();
                assert_eq!(none, [], "{metric:?}");
            }
        }
    }
}

/// A search for many probes returns what a search for each returns, in the order of the probes.
///
/// # Panics
///
/// If it does not.
pub fn searches_for_many_probes(make: Make) {
    for metric in METRICS {
        let space = space(40);
        let mut numbers = RandomNumbers::new(12);
        let entries = numbers.entries(&space, 500);
        let index = filled(make, &space, metric, &entries);
        let set: EntrySet = entries.iter().step_by(3).map(|(id, _)| *id).collect();
        let probes: Vec<Embedding> = (0..11).map(|_| numbers.embedding(&space)).collect();
        let options = SearchOptions::new(6).with_exact(true);
        for options in [options, options.with_entries(&set), SearchOptions::new(0)] {
            for count in [0, 1, 4, 5, 11] {
                let each: Vec<_> = probes[..count]
                    .iter()
                    .map(|probe| index.search(probe, &options).unwrap())
                    .collect();
                assert_eq!(index.search_many(&probes[..count], &options).unwrap(), each);
            }
        }
        let [other, ..] = others(40);
        let mut mixed = probes.clone();
        mixed[7] = axis(&other, 0);
        let error = index.search_many(&mixed, &options).unwrap_err();
        assert!(matches!(error, Error::SpaceMismatch { .. }), "{error:?}");
    }
}

/// A search with `exact` returns the true nearest, with and without a set of entries, also for dimensions that do not fill
/// the processor's registers.
///
/// # Panics
///
/// If it does not.
pub fn exact_search_is_exact(make: Make) {
    for metric in METRICS {
        for dimension in [1, 7, 33, 128, 512] {
            let space = space(dimension);
            let mut numbers = RandomNumbers::new(dimension as u64);
            let entries = numbers.entries(&space, 500);
            let index = filled(make, &space, metric, &entries);
            let set: EntrySet = entries.iter().step_by(3).map(|(id, _)| *id).collect();
            for _ in 0..10 {
                let probe = numbers.embedding(&space);
                let options = SearchOptions::new(10).with_exact(true);
                check(&*index, &entries, &probe, &options);
                check(&*index, &entries, &probe, &options.with_entries(&set));
            }
        }
    }
}

/// On average a search finds at least the fraction `recall` of the true ten nearest. The embeddings form clusters, as those of
/// people do. Searches run over all of them, with a set of entries, and after a third was removed.
///
/// # Panics
///
/// If it does not.
pub fn recalls(make: Make, recall: f64) {
    for metric in METRICS {
        let space = space(64);
        let mut numbers = RandomNumbers::new(7);
        let mut entries = Vec::new();
        for person in 0..400 {
            let center = numbers.values(64);
            for photo in 0..5 {
                let values = numbers.around(&center, 0.4);
                let embedding = Embedding::new(&space, values).unwrap();
                entries.push((EntryId(person * 5 + photo), embedding));
            }
        }
        let index = filled(make, &space, metric, &entries);
        let mut probes: Vec<Embedding> = (0..50).map(|_| numbers.embedding(&space)).collect();
        for (_, embedding) in entries.iter().step_by(40) {
            probes.push(Embedding::new(&space, numbers.around(embedding.values(), 0.05)).unwrap());
        }
        let options = SearchOptions::new(10);
        let whole = measure(&*index, &entries, &probes, &options);
        assert!(whole >= recall, "{metric:?}: recall@10 is {whole}");

        let set: EntrySet = entries.iter().step_by(11).map(|(id, _)| *id).collect();
        let limited = measure(&*index, &entries, &probes, &options.with_entries(&set));
        assert!(
            limited >= recall,
            "{metric:?}, with a set: recall@10 is {limited}"
        );

        let gone: Vec<EntryId> = entries.iter().step_by(3).map(|(id, _)| *id).collect();
        index.remove(&gone).unwrap();
        entries.retain(|(id, _)| !gone.contains(id));
        let rest = measure(&*index, &entries, &probes, &options);
        assert!(
            rest >= recall,
            "{metric:?}, after removing: recall@10 is {rest}"
        );
    }
}

/// Any sequence of inserts, removals and searches gives the same results as with a simple map.
///
/// # Panics
///
/// If it does not. The message holds the shortest such sequence that was found.
pub fn follows_a_model(make: Make) {
    let space = space(5);
    let config = Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let steps = prop::collection::vec(step(&space), 1..40);
    TestRunner::new_with_rng(config, rng)
        .run(
            &(steps, prop::sample::select(&METRICS)),
            |(steps, metric)| {
                let index = make(&space, metric);
                let mut model = BTreeMap::new();
                for step in steps {
                    apply(&*index, &mut model, step);
                    assert_eq!(index.len(), model.len());
                    assert_eq!(index.is_empty(), model.is_empty());
                }
                Ok(())
            },
        )
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// Searches run while other threads insert and remove. A search sees all of a call or nothing of it.
///
/// # Panics
///
/// If they do not.
pub fn serves_many_threads(make: Make) {
    const BATCH: u64 = 256;
    let space = space(16);
    let mut numbers = RandomNumbers::new(8);
    let stable = numbers.entries(&space, 100);
    let index = filled(make, &space, Metric::Cosine, &stable);
    // Each of two writers inserts and removes a batch of copies of one embedding. No other embedding is close to it.
    let batches: Vec<Vec<(EntryId, Embedding)>> = (0..2)
        .map(|writer| {
            let embedding = numbers.embedding(&space);
            (0..BATCH)
                .map(|at| (EntryId(200_000 + writer * BATCH + at), embedding.clone()))
                .collect()
        })
        .collect();
    let index = &*index;
    let writers = &AtomicUsize::new(batches.len());
    thread::scope(|scope| {
        for batch in &batches {
            scope.spawn(move || {
                let _working = Working(writers);
                let ids: Vec<EntryId> = batch.iter().map(|(id, _)| *id).collect();
                for _ in 0..100 {
                    index.insert(batch).unwrap();
                    assert_eq!(index.remove(&ids).unwrap(), ids.len());
                }
                index.insert(batch).unwrap();
            });
        }
        for reader in 0..4 {
            let (batches, stable) = (&batches, &stable);
            scope.spawn(move || {
                for round in 0.. {
                    let last = writers.load(Ordering::Acquire) == 0;
                    let batch = &batches[(round + reader) % batches.len()];
                    let set: EntrySet = batch.iter().map(|(id, _)| *id).collect();
                    let options = SearchOptions::new(batch.len())
                        .with_exact(true)
                        .with_entries(&set);
                    let seen = found(index, &batch[0].1, &options).len();
                    assert!(
                        seen == 0 || seen == batch.len(),
                        "a search saw {seen} of {} that were inserted together",
                        batch.len()
                    );
                    let (id, probe) = &stable[(round * 7 + reader) % stable.len()];
                    assert_eq!(found(index, probe, &SearchOptions::new(1)), [*id]);
                    if last {
                        break;
                    }
                }
            });
        }
    });
    assert_eq!(index.len(), stable.len() + 2 * BATCH as usize);
}

/// Decreases the number of writers when a writer ends, even if it panics, so that the readers end.
struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<(EntryId, Embedding)>),
    Remove(Vec<EntryId>),
    Search {
        probe: Embedding,
        k: usize,
        set: Option<EntrySet>,
    },
}

fn step(space: &EmbeddingSpace) -> impl Strategy<Value = Step> + use<> {
    // Few ids, so that they repeat, and few values, so that scores are often equal.
    let id = || (0..12_u64).prop_map(EntryId);
    let space = space.clone();
    let embedding = prop::collection::vec(-2..=2_i8, space.dimension())
        .prop_filter("not all zero", |values| {
            values.iter().any(|&value| value != 0)
        })
        .prop_map(move |values| {
            Embedding::new(&space, values.into_iter().map(f32::from).collect()).unwrap()
        });
    let set = prop::option::of(prop::collection::vec(id(), 0..8).prop_map(EntrySet::from_iter));
    prop_oneof![
        3 => prop::collection::vec((id(), embedding.clone()), 0..6).prop_map(Step::Insert),
        2 => prop::collection::vec(id(), 0..6).prop_map(Step::Remove),
        3 => (embedding, 0..15_usize, set)
            .prop_map(|(probe, k, set)| Step::Search { probe, k, set }),
    ]
}

fn apply(index: &dyn VectorIndex, model: &mut BTreeMap<EntryId, Embedding>, step: Step) {
    match step {
        Step::Insert(entries) => {
            index.insert(&entries).unwrap();
            model.extend(entries);
        }
        Step::Remove(ids) => {
            let removed = ids.iter().filter(|id| model.remove(id).is_some()).count();
            assert_eq!(index.remove(&ids).unwrap(), removed);
        }
        Step::Search { probe, k, set } => {
            let entries: Vec<_> = model
                .iter()
                .map(|(id, found)| (*id, found.clone()))
                .collect();
            let mut options = SearchOptions::new(k).with_exact(true);
            options.entries = set.as_ref();
            check(index, &entries, &probe, &options);
        }
    }
}

/// Compares a search with the oracle. If scores of the oracle differ by less than single precision can represent, either order
/// is right.
fn check(
    index: &dyn VectorIndex,
    entries: &[(EntryId, Embedding)],
    probe: &Embedding,
    options: &SearchOptions<'_>,
) {
    let metric = index.metric();
    let candidates = index.search(probe, options).unwrap();
    let expected = ranked(entries, metric, probe, options);
    assert_eq!(candidates.len(), options.k.min(expected.len()));
    let scores: BTreeMap<EntryId, f64> = expected.iter().copied().collect();
    let mut seen = HashSet::new();
    for (candidate, (_, expected)) in candidates.iter().zip(&expected) {
        assert!(seen.insert(candidate.entry), "{candidate:?} comes twice");
        let Some(own) = scores.get(&candidate.entry) else {
            panic!("{candidate:?} is not in the index, or not in the set");
        };
        assert!(
            near(metric, candidate.score, *own),
            "{candidate:?}, expected {own}"
        );
        assert!(
            near(metric, candidate.score, *expected),
            "{candidate:?} where {expected} is next"
        );
    }
    assert_sorted(&candidates);
}

fn assert_sorted(candidates: &[ScoredEntry]) {
    let sorted = candidates
        .is_sorted_by(|a, b| a.score > b.score || (a.score == b.score && a.entry < b.entry));
    assert!(
        sorted,
        "not in falling order of score and rising order of id: {candidates:?}"
    );
}

fn found(index: &dyn VectorIndex, probe: &Embedding, options: &SearchOptions<'_>) -> Vec<EntryId> {
    let candidates = index.search(probe, options).unwrap();
    assert_sorted(&candidates);
    candidates.iter().map(|candidate| candidate.entry).collect()
}

/// The mean fraction of the true nearest that the index finds.
fn measure(
    index: &dyn VectorIndex,
    entries: &[(EntryId, Embedding)],
    probes: &[Embedding],
    options: &SearchOptions<'_>,
) -> f64 {
    let shares = probes.iter().map(|probe| {
        let truth = ranked(entries, index.metric(), probe, options);
        let count = options.k.min(truth.len());
        // A candidate that is as good as the last of the true nearest, in single precision, counts as found.
        let (_, last) = truth[count - 1];
        let good: HashSet<EntryId> = truth
            .iter()
            .take_while(|(_, score)| *score >= last - 1e-6)
            .map(|(id, _)| *id)
            .collect();
        let ids = found(index, probe, options);
        let hits = ids.iter().filter(|id| good.contains(id)).count();
        hits as f64 / count as f64
    });
    shares.sum::<f64>() / probes.len() as f64
}

fn nearest(
    entries: &[(EntryId, Embedding)],
    metric: Metric,
    probe: &Embedding,
    options: &SearchOptions<'_>,
) -> Vec<EntryId> {
    ranked(entries, metric, probe, options)
        .into_iter()
        .take(options.k)
        .map(|(id, _)| id)
        .collect()
}

/// The oracle: all entries that the search may return, best first.
fn ranked(
    entries: &[(EntryId, Embedding)],
    metric: Metric,
    probe: &Embedding,
    options: &SearchOptions<'_>,
) -> Vec<(EntryId, f64)> {
    let mut ranked: Vec<(EntryId, f64)> = entries
        .iter()
        .filter(|(id, _)| options.entries.is_none_or(|set| set.contains(*id)))
        .map(|(id, embedding)| (*id, score(metric, probe, embedding)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

fn score(metric: Metric, a: &Embedding, b: &Embedding) -> f64 {
    let pairs = || {
        let values = |embedding: &Embedding| embedding.values().to_vec();
        values(a)
            .into_iter()
            .map(f64::from)
            .zip(values(b).into_iter().map(f64::from))
    };
    match metric {
        Metric::Cosine => pairs().map(|(a, b)| a * b).sum::<f64>().clamp(-1.0, 1.0),
        Metric::Euclidean => -pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
        other => panic!("the oracle does not know {other:?}"),
    }
}

fn near(metric: Metric, found: f32, expected: f64) -> bool {
    let cosine = |score: f64| match metric {
        Metric::Euclidean => 1.0 - score.powi(2) / 2.0,
        _ => score,
    };
    (cosine(found.into()) - cosine(expected)).abs() <= TOLERANCE
}

fn space(dimension: usize) -> EmbeddingSpace {
    EmbeddingSpace::new("suite", Digest::from_bytes([1; 32]), dimension)
}

/// A space of another model, and a space of another dimension.
fn others(dimension: usize) -> [EmbeddingSpace; 2] {
    [
        EmbeddingSpace::new("other", Digest::from_bytes([2; 32]), dimension),
        space(dimension + 1),
    ]
}

/// The unit vector along this axis.
fn axis(space: &EmbeddingSpace, number: usize) -> Embedding {
    let mut values = vec![0.0; space.dimension()];
    values[number] = 1.0;
    Embedding::new(space, values).unwrap()
}

fn filled(
    make: Make,
    space: &EmbeddingSpace,
    metric: Metric,
    entries: &[(EntryId, Embedding)],
) -> Box<dyn VectorIndex> {
    let index = make(space, metric);
    for batch in entries.chunks(64) {
        index.insert(batch).unwrap();
    }
    index
}

/// Pseudo-random numbers: SplitMix64, the same on every machine.
struct RandomNumbers(u64);

impl RandomNumbers {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of roughly normal distribution with variance 1: the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let sum: u64 = (0..4).map(|at| (z >> (16 * at)) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 3.0_f32.sqrt()
    }

    fn values(&mut self, dimension: usize) -> Vec<f32> {
        (0..dimension).map(|_| self.normal()).collect()
    }

    fn around(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        center
            .iter()
            .map(|&value| value + spread * self.normal())
            .collect()
    }

    fn embedding(&mut self, space: &EmbeddingSpace) -> Embedding {
        let values = self.values(space.dimension());
        Embedding::new(space, values).unwrap()
    }

    /// Entries whose ids are not in ascending order.
    fn entries(&mut self, space: &EmbeddingSpace, count: u64) -> Vec<(EntryId, Embedding)> {
        (0..count)
            .map(|at| (EntryId((at * 7919) % 100_003), self.embedding(space)))
            .collect()
    }
}
