//! A prefilter finds each of the nearest with the promised probability.

use facekit::{
    Embedding, EntryId, FlatIndex, Metric, SearchOptions, SearchStrategy, VectorIndex as _,
};

use crate::noise::{Faces, soak};

/// The number of probes of a set for recalls that are checked in each set.
const EACH: usize = 10_000;

/// A set of embeddings, and probes of half as many people who are there as of others.
struct Set {
    dimension: usize,
    entries: usize,
    /// The number of photos of each person.
    photos: usize,
    probes: usize,
}

fn sets() -> Vec<Set> {
    let sizes: &[(usize, usize, usize)] = match soak() {
        true => &[
            (64, 20_000, 100_000),
            (128, 20_000, 100_000),
            (512, 20_000, 100_000),
            (64, 100_000, 100_000),
            (128, 100_000, 100_000),
            (512, 100_000, 10_000),
            (128, 1_000_000, 10_000),
        ],
        false => &[(64, 6_000, 600), (128, 10_000, 400), (512, 4_000, 200)],
    };
    let set = |&(dimension, entries, probes), photos| Set {
        dimension,
        entries,
        photos,
        probes,
    };
    let sizes = sizes.iter();
    sizes
        .flat_map(|size| [set(size, 1), set(size, 5)])
        .collect()
}

/// The numbers of the nearest, and of those that were not found.
#[derive(Clone, Copy, Default)]
struct Count {
    nearest: usize,
    missed: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.nearest += other.nearest;
        self.missed += other.missed;
    }

    /// Asserts that no more were missed than this recall allows, and three standard deviations.
    fn check(self, recall: f32, what: &str) {
        let expected = (1.0 - f64::from(recall)) * self.nearest as f64;
        let allowed = expected + 3.0 * expected.sqrt();
        let found = 1.0 - self.missed as f64 / self.nearest as f64;
        println!(
            "{what}: promised {recall}, found {found:.6} of {}",
            self.nearest
        );
        assert!(
            self.missed as f64 <= allowed.ceil(),
            "{what}: {} missed",
            self.missed
        );
    }
}

#[test]
fn a_prefilter_finds_as_many_as_it_promises() {
    // Of 0.9999, so few may be missed that only all sets together show it.
    let mut pooled = [Count::default(); 2];
    for (seed, set) in (1..).zip(sets()) {
        let mut faces = Faces::new(set.dimension, seed);
        let index = FlatIndex::new(faces.space.clone(), Metric::Cosine)
            .with_strategy(SearchStrategy::Prefilter);
        let mut people = Vec::new();
        let mut batch = Vec::new();
        for id in 0..set.entries {
            if id % set.photos == 0 {
                people.push(faces.person());
            }
            let photo = faces.photo(&people[id / set.photos]);
            batch.push((EntryId(id as u64), photo));
            if batch.len() == 4096 || id + 1 == set.entries {
                index.insert(&batch).unwrap();
                batch.clear();
            }
        }
        let mut counts = [[Count::default(); 3]; 2];
        let mut made = 0;
        while made < set.probes {
            let probes: Vec<Embedding> = (0..1000.min(set.probes - made))
                .map(|nth| match nth % 2 {
                    0 => {
                        let known = (faces.noise.uniform() * people.len() as f32) as usize;
                        faces.photo(&people[known.min(people.len() - 1)])
                    }
                    _ => {
                        let stranger = faces.person();
                        faces.photo(&stranger)
                    }
                })
                .collect();
            made += probes.len();
            for (counts, k) in counts.iter_mut().zip([1, 10]) {
                // Ten of the nearest count ten times.
                let probes = &probes[..probes.len() / k];
                let options = SearchOptions::new(k);
                let truth = index
                    .search_many(probes, &options.with_exact(true))
                    .unwrap();
                for (count, recall) in counts.iter_mut().zip([0.99, 0.999, 0.9999]) {
                    if recall < 0.9999 && made > EACH {
                        continue;
                    }
                    let options = options.with_recall(recall);
                    for (probe, truth) in probes.iter().zip(&truth) {
                        let found = index.search(probe, &options).unwrap();
                        let missed = truth.iter().filter(|one| !found.contains(one)).count();
                        count.add(Count {
                            nearest: truth.len(),
                            missed,
                        });
                    }
                }
            }
        }
        for ((counts, pooled), k) in counts.iter().zip(&mut pooled).zip([1, 10]) {
            let what = format!(
                "{} x {}, {} photos of each, the nearest {k}",
                set.entries, set.dimension, set.photos
            );
            for (count, recall) in counts.iter().zip([0.99, 0.999, 0.9999]) {
                count.check(recall, &what);
            }
            pooled.add(counts[2]);
        }
    }
    for (count, k) in pooled.iter().zip([1, 10]) {
        count.check(0.9999, &format!("all, the nearest {k}"));
    }
}
