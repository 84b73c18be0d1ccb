//! Search, compared with the plain sum of the embeddings' memory: `cargo xtask bench search`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, EntrySet, FlatIndex, Metric, SearchOptions,
    VectorIndex,
};
use multiversion::multiversion;

const DIMENSION: usize = 128;
const SIZES: [usize; 2] = [10_000, 100_000];

/// Pseudo-random numbers from −1 to 1 (SplitMix64), the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn embedding(&mut self, space: &EmbeddingSpace) -> Embedding {
        let values = (0..DIMENSION).map(|_| self.next()).collect();
        Embedding::new(space, values).expect("noise is not zero")
    }
}

/// An index, and a probe that is close to one of its entries, `planted`.
struct Fixture {
    space: EmbeddingSpace,
    index: FlatIndex,
    probe: Embedding,
    planted: EntryId,
}

impl Fixture {
    fn new(size: usize) -> Self {
        let space = EmbeddingSpace::new("noise", Digest::from_bytes([0; 32]), DIMENSION);
        let index = FlatIndex::new(space.clone(), Metric::Cosine);
        let mut noise = Noise(size as u64);
        let entries: Vec<_> = (0..size as u64)
            .map(|id| (EntryId(id), noise.embedding(&space)))
            .collect();
        index.insert(&entries).expect("one space");
        let (planted, embedding) = &entries[size / 3];
        let near = embedding.values().iter().map(|v| v + 0.02 * noise.next());
        let probe = Embedding::new(&space, near.collect()).expect("not zero");
        Self {
            planted: *planted,
            space,
            index,
            probe,
        }
    }
}

/// The sum of all numbers, with loops like those of the index. It measures the time to read the memory.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn plain_sum(values: &[f32]) -> f32 {
    const LANES: usize = 64;
    let mut sums = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("search");
    for size in SIZES {
        let case = format!("{}k-x{DIMENSION}", size / 1000);
        let Fixture {
            space,
            index,
            probe,
            planted,
        } = Fixture::new(size);
        group.throughput(Throughput::Bytes(
            (size * DIMENSION * size_of::<f32>()) as u64,
        ));

        for (way, exact) in [("flat", false), ("flat-exact", true)] {
            group.bench_function(BenchmarkId::new(&case, way), |bencher| {
                let options = SearchOptions::new(10).with_exact(exact);
                bencher.iter(|| {
                    let found = index
                        .search(black_box(&probe), &options)
                        .expect("one space");
                    assert_eq!((found.len(), found[0].entry), (10, planted));
                    found
                });
            });
        }

        // The vector grows as the memory of the index does. Its sum is a known number, without rounding.
        let mut values: Vec<f32> = Vec::with_capacity(size * DIMENSION);
        for row in 0..size {
            values.resize((row + 1) * DIMENSION, 0.0);
            values[row * DIMENSION] = 1.0;
        }
        group.bench_function(BenchmarkId::new(&case, "plain-sum"), |bencher| {
            bencher.iter(|| {
                let sum = plain_sum(black_box(&values));
                assert_eq!(sum, size as f32);
                sum
            });
        });
        drop(values);

        let roster: EntrySet = (0..size as u64)
            .filter(|id| id % 100 == planted.0 % 100)
            .map(EntryId)
            .collect();
        group.throughput(Throughput::Elements(roster.len() as u64));
        group.bench_function(
            BenchmarkId::new(&case, "flat-roster-1-percent"),
            |bencher| {
                let options = SearchOptions::new(10).with_entries(&roster);
                bencher.iter(|| {
                    let found = index
                        .search(black_box(&probe), &options)
                        .expect("one space");
                    assert_eq!((found.len(), found[0].entry), (10, planted));
                    found
                });
            },
        );

        let mut noise = Noise(7);
        let people: Vec<_> = (0..16)
            .map(|nth| (EntryId((size + nth) as u64), noise.embedding(&space)))
            .collect();
        let ids: Vec<EntryId> = people.iter().map(|(id, _)| *id).collect();
        group.throughput(Throughput::Elements(ids.len() as u64));
        group.bench_function(BenchmarkId::new(&case, "insert-and-remove-16"), |bencher| {
            bencher.iter(|| {
                index.insert(black_box(&people)).expect("one space");
                assert_eq!(index.len(), size + ids.len());
                assert_eq!(index.remove(&ids).expect("in memory"), ids.len());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
