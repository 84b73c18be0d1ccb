//! The time that each way to search takes, measured on the index itself.

use std::{hint::black_box, time::Instant};

use super::{
    segment::ROWS,
    snapshot::{Query, Snapshot},
};
use crate::index::{
    Metric,
    kernel::{Kernel, PROBES},
    members::Members,
    probe::{Probe, SignProbe, deviations, tail},
    shape::Shape,
};

/// The number of parts of a measurement.
const PARTS: usize = 3;

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Gather,
    Scan,
    Prefilter,
}

/// The cost of each way, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// A row in a scan.
    scan: f64,
    /// A row in a scan for several probes, for each of them.
    scan_many: f64,
    /// The estimate of a row.
    estimate: f64,
    /// The codes of a row among others.
    survivor: f64,
    /// The embedding of a row among others.
    gather: f64,
    /// The number of rows for which this was measured.
    rows: usize,
}

/// A search, as far as its cost depends on it.
pub(super) struct Load {
    /// The number of rows of the index.
    pub(super) rows: usize,
    /// The number of rows to search, if not all.
    pub(super) members: Option<usize>,
    pub(super) k: usize,
    /// The lowest cosine of interest.
    pub(super) least: f32,
    pub(super) recall: f32,
    /// The number of probes.
    pub(super) probes: usize,
}

impl Costs {
    /// The same figures everywhere, for a choice that does not depend on the machine.
    pub(super) fn typical(shape: &Shape) -> Self {
        let length = shape.rotation.length() as f64 / 128.0;
        Self {
            scan: 2.0 * length,
            scan_many: 0.6 * length,
            estimate: 0.3 * length,
            survivor: 20.0 * length,
            gather: 10.0 * length,
            rows: 0,
        }
    }

    /// Costs at which a prefilter ends when it would read more than `count` codes.
    #[cfg(test)]
    pub(super) fn few(count: f64, rows: usize) -> Self {
        Self {
            scan: count,
            scan_many: count,
            estimate: 0.0,
            survivor: rows as f64,
            gather: 0.0,
            rows,
        }
    }

    /// Measures on a few segments. Takes less than half a millisecond, or a few milliseconds without vector instructions.
    pub(super) fn measured(snapshot: &Snapshot, shape: &Shape, kernel: Kernel) -> Self {
        /// The number of segments of a part.
        const SEGMENTS: usize = 2;
        /// The number of scattered rows of a part.
        const SCATTERED: usize = 128;

        let rows = snapshot.rows();
        let mut costs = Self {
            rows,
            ..Self::typical(shape)
        };
        let full: Vec<_> = snapshot
            .segments
            .iter()
            .filter(|segment| segment.rows() == ROWS)
            .collect();
        if full.len() < PARTS * SEGMENTS {
            return costs;
        }
        let sample = |part: usize| {
            let of_part = (0..SEGMENTS).map(move |nth| part * SEGMENTS + nth);
            of_part.map(|nth| full[nth * full.len() / (PARTS * SEGMENTS)])
        };
        let probe = Probe::new(&[1.0], shape);
        let signs = probe.signs();

        let members: [Members; PARTS] = std::array::from_fn(|part| {
            let scattered = (0..SCATTERED)
                .map(|nth| nth * PARTS + part)
                .map(|nth| (nth * rows / (PARTS * SCATTERED) + nth * 7 % ROWS) % rows)
                .map(|row| row as u32);
            Members::new(scattered.collect(), rows)
        });
        let mut sink = 0;
        costs.survivor = time(SCATTERED, |part| {
            let rows = &members[part].rows;
            snapshot.products(shape, kernel, &probe, rows, |sum, _| sink ^= sum);
        });
        costs.gather = time(SCATTERED, |part| {
            let query = Query {
                k: 1,
                min_score: None,
                metric: Metric::Cosine,
                members: Some(&members[part]),
            };
            black_box(snapshot.gather(shape, &probe, query));
        });
        let mut sums = [[0; ROWS]; PROBES];
        costs.scan = time(SEGMENTS * ROWS, |part| {
            for segment in sample(part) {
                kernel.products(segment.codes(), [&probe.codes], [&mut sums[0]]);
            }
        });
        costs.scan_many = time(SEGMENTS * ROWS * PROBES, |part| {
            for segment in sample(part) {
                let probes = [&*probe.codes; PROBES];
                kernel.products(
                    segment.codes(),
                    probes,
                    sums.each_mut().map(|sums| &mut sums[..]),
                );
            }
        });
        let mut estimates = [0; ROWS];
        costs.estimate = time(SEGMENTS * ROWS, |part| {
            for segment in sample(part) {
                kernel.estimates(segment.signs(), &signs.tables, &mut estimates);
            }
        });
        black_box((sink, sums, estimates));
        costs
    }

    /// Returns true if the index has grown or shrunk so much that its memory may cost otherwise.
    pub(super) fn are_old(&self, rows: usize) -> bool {
        rows >= 2 * self.rows || 2 * rows <= self.rows
    }

    /// Returns true if comparing with the codes of `count` rows takes longer than a scan of `rows`.
    pub(super) fn prefers_scan(&self, count: usize, rows: usize) -> bool {
        count as f64 * self.survivor > rows as f64 * self.scan
    }

    /// The cheapest way, and its cost in nanoseconds for a probe.
    pub(super) fn cheapest(&self, load: &Load, shape: &Shape) -> (f64, Way) {
        let rows = load.rows as f64;
        let gather = load.members.map(|members| members as f64 * self.gather);
        let scan = rows
            * if load.probes >= PROBES {
                self.scan_many
            } else {
                self.scan
            };
        let searched = load.members.unwrap_or(load.rows).max(1);
        let prefilter =
            rows * self.estimate + self.survivors(load, searched, shape) * self.survivor;
        let mut cheapest = (scan, Way::Scan);
        // A prefilter looks at many stretches of rows, and finds the nearest with high probability only.
        if load.recall < 1.0 && load.k.saturating_mul(64) <= searched && prefilter < cheapest.0 {
            cheapest = (prefilter, Way::Prefilter);
        }
        if let Some(gather) = gather
            && gather < cheapest.0
        {
            cheapest = (gather, Way::Gather);
        }
        cheapest
    }

    /// The number of rows that a prefilter is expected to leave, for embeddings of different people that lie evenly on a
    /// sphere of four fifths of the dimensions.
    fn survivors(&self, load: &Load, searched: usize, shape: &Shape) -> f64 {
        let length = shape.rotation.length() as f64;
        let variance = 1.25 / length;
        let signs = SignProbe::variance(shape.rotation.length());
        let mut kth = deviations((load.k as f64 / searched as f64).min(0.5)) * variance.sqrt();
        if load.k == 1 {
            // A search for the nearest one usually is for a person who is there.
            kth = kth.max(0.5);
        }
        let margin = deviations(1.0 - f64::from(load.recall)) * signs.sqrt();
        let floor = kth.max(f64::from(load.least)) - margin;
        let seeds = 4.0 * load.k as f64 + 32.0;
        let stretches = (load.rows as f64 / 64.0).min(seeds.max(load.rows as f64 / ROWS as f64));
        stretches + searched as f64 * tail(floor / (variance + signs).sqrt())
    }
}

/// Calls `work` for each part, of `count` units, and returns the median of their times for a unit, in nanoseconds. So an
/// interruption of the thread during one part does not decide how the index searches from then on.
fn time(count: usize, mut work: impl FnMut(usize)) -> f64 {
    median(std::array::from_fn(|part| {
        let begun = Instant::now();
        work(part);
        begun.elapsed().as_secs_f64() * 1e9 / count as f64
    }))
}

fn median(mut times: [f64; PARTS]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[PARTS / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_of_one_part_does_not_count() {
        for interrupted in 0..PARTS {
            let mut times = [2.0, 2.1, 1.9];
            times[interrupted] = 1e6;
            assert!((1.9..=2.1).contains(&median(times)), "{times:?}");
        }
    }

    #[test]
    fn every_part_is_worked_on_once() {
        let mut parts = Vec::new();
        let time = time(1, |part| parts.push(part));
        assert_eq!(parts, [0, 1, 2]);
        assert!(time >= 0.0);
    }
}
