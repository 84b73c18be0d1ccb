//! One state of an index, and the three ways to search it.

use std::{cell::RefCell, sync::Arc};

use super::{
    costs::Costs,
    segment::{ROWS, Segment},
};
use crate::index::{
    EntryId, Generation, Metric, ScoredEntry,
    kernel::{self, BLOCK, GROUP, Kernel, LOOKAHEAD, PROBES, bytes},
    members::Members,
    probe::{Probe, deviations},
    rank::{self, Best, Ranking},
    row::Row,
    shape::Shape,
    shortlist::Shortlist,
};

/// A state of an index. It never changes.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// All segments but the last are full.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The number of rows in use.
    pub(super) len: usize,
    pub(super) generation: Generation,
    /// The greatest distance of an embedding from its codes.
    residual: f32,
}

/// The conditions of a search.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    /// The number of entries, at most the number of those that are searched.
    pub(super) k: usize,
    /// Entries with a lower score are of no interest.
    pub(super) min_score: Option<f32>,
    /// The metric of the scores.
    pub(super) metric: Metric,
    /// The rows to search; `None` searches all.
    pub(super) members: Option<&'a Members>,
}

impl Query<'_> {
    /// The lowest cosine of interest.
    pub(super) fn least(&self) -> f32 {
        rank::least(self.metric, self.min_score)
    }
}

thread_local! {
    /// Room for the estimates of a search. Kept, because new memory costs more than the search.
    static ROOM: RefCell<Room> = RefCell::default();
}

#[derive(Default)]
struct Room {
    estimates: Vec<u8>,
    marks: Vec<u64>,
    rows: Vec<u32>,
}

impl Snapshot {
    pub(super) fn new(segments: Vec<Arc<Segment>>, len: usize) -> Self {
        let residuals = segments.iter().map(|segment| segment.residual());
        Self {
            residual: residuals.fold(0.0, f32::max),
            segments,
            len,
            generation: Generation::next(),
        }
    }

    /// The number of rows, in use or free.
    pub(super) fn rows(&self) -> usize {
        match self.segments.split_last() {
            Some((last, full)) => full.len() * ROWS + last.rows(),
            None => 0,
        }
    }

    /// Compares with the embeddings of the members, one by one.
    pub(super) fn gather(
        &self,
        shape: &Shape,
        probe: &Probe,
        query: Query<'_>,
    ) -> Vec<ScoredEntry> {
        let rows = query.members.map_or(&[][..], |members| &members.rows);
        let mut best = Best::new(query.k);
        self.ranking(probe, query)
            .rank(rows.iter().copied(), self.entry(shape), &mut best);
        best.into_sorted()
    }

    /// Compares with the codes of all rows, and with the embeddings of those that may be among the best.
    pub(super) fn scan(
        &self,
        shape: &Shape,
        kernel: Kernel,
        probe: &Probe,
        query: Query<'_>,
    ) -> Vec<ScoredEntry> {
        let [found] = self.scan_together(shape, kernel, [probe], query);
        found
    }

    /// Scans for several probes in one pass.
    pub(super) fn scan_many(
        &self,
        shape: &Shape,
        kernel: Kernel,
        probes: &[Probe],
        query: Query<'_>,
    ) -> Vec<Vec<ScoredEntry>> {
        let (fours, rest) = probes.as_chunks::<PROBES>();
        let fours = fours
            .iter()
            .flat_map(|four| self.scan_together(shape, kernel, four.each_ref(), query));
        let rest = rest
            .iter()
            .map(|probe| self.scan(shape, kernel, probe, query));
        fours.chain(rest).collect()
    }

    fn scan_together<const N: usize>(
        &self,
        shape: &Shape,
        kernel: Kernel,
        probes: [&Probe; N],
        query: Query<'_>,
    ) -> [Vec<ScoredEntry>; N] {
        let mut shortlists =
            probes.map(|probe| Shortlist::new(query.k, query.least(), probe, self.residual));
        let mut sums = [[0; ROWS]; N];
        let mut marks = [0; ROWS / 64];
        for (nth, segment) in self.segments.iter().enumerate() {
            let count = segment.rows();
            let marks = &mut marks[..count / 64];
            let members = query
                .members
                .map(|members| members.bits(nth * ROWS, marks.len()));
            if is_empty(segment.live()) || members.is_some_and(is_empty) {
                continue;
            }
            let codes = probes.map(|probe| &*probe.codes);
            kernel.products(
                segment.codes(),
                codes,
                sums.each_mut().map(|sums| &mut sums[..count]),
            );
            for (shortlist, sums) in shortlists.iter_mut().zip(&sums) {
                kernel.sums_at_least(&sums[..count], shortlist.floor(), marks);
                for (word, &mark) in marks.iter().enumerate() {
                    if mark == 0 {
                        continue;
                    }
                    let allowed = segment.live()[word] & members.map_or(!0, |bits| bits[word]);
                    each_bit(mark & allowed, |bit| {
                        let row = word * 64 + bit;
                        shortlist.offer(sums[row], number(nth, row));
                    });
                }
            }
        }
        let mut probes = probes.into_iter();
        shortlists.map(|shortlist| {
            let Some(probe) = probes.next() else {
                unreachable!("one for each shortlist")
            };
            self.ranking(probe, query)
                .rank_shortlist(shortlist, self.entry(shape))
        })
    }

    /// Estimates all cosines from signs, compares with the codes of those rows that may be among the best, and with the
    /// embeddings of fewer. Each of the nearest is found with at least the probability `recall`.
    ///
    /// Returns `None` if so many rows may be among the best that a scan takes less time by `costs`.
    pub(super) fn prefilter(
        &self,
        shape: &Shape,
        kernel: Kernel,
        probe: &Probe,
        query: Query<'_>,
        recall: f32,
        costs: Option<&Costs>,
    ) -> Option<Vec<ScoredEntry>> {
        ROOM.with_borrow_mut(|room| {
            let signs = probe.signs();
            room.estimates.resize(self.rows(), 0);
            room.marks.resize(self.rows() / 64, 0);
            self.estimate(kernel, &signs.tables, query.members, &mut room.estimates);

            let mut shortlist = Shortlist::new(query.k, query.least(), probe, self.residual);
            let offer = |shortlist: &mut Shortlist, rows: &[u32]| {
                self.products(shape, kernel, probe, rows, |sum, row| {
                    shortlist.offer(sum, row);
                });
            };

            // First the best of each stretch of rows, to have a score that `k` rows reach.
            let stretch = (self.rows() / (4 * query.k + 32))
                .clamp(BLOCK, ROWS)
                .next_power_of_two();
            room.rows.clear();
            for (nth, estimates) in room.estimates.chunks_mut(stretch).enumerate() {
                let greatest = bytes::greatest(estimates);
                if greatest == 0 {
                    continue;
                }
                let marks = &mut room.marks[..estimates.len() / 64];
                kernel.at_least(estimates, greatest, marks);
                if let Some(word) = marks.iter().position(|&mark| mark != 0) {
                    let row = word * 64 + marks[word].trailing_zeros() as usize;
                    estimates[row] = 0;
                    room.rows.push((nth * stretch + row) as u32);
                }
            }
            offer(&mut shortlist, &room.rows);

            // Then those whose estimate is at least that score, to raise it; at last all that may be better.
            let margin = signs.deviation * deviations(1.0 - f64::from(recall)) as f32;
            for margin in [0.0, margin] {
                let reached = shortlist.reached(probe).unwrap_or(-2.0).max(query.least());
                let floor = signs.estimate(reached - margin);
                kernel.at_least(&room.estimates, floor, &mut room.marks);
                let count: u32 = room.marks.iter().map(|mark| mark.count_ones()).sum();
                if costs.is_some_and(|costs| costs.prefers_scan(count as usize, self.rows())) {
                    return None;
                }
                room.rows.clear();
                for (word, &mark) in room.marks.iter().enumerate() {
                    each_bit(mark, |bit| {
                        room.estimates[word * 64 + bit] = 0;
                        room.rows.push((word * 64 + bit) as u32);
                    });
                }
                offer(&mut shortlist, &room.rows);
            }
            Some(
                self.ranking(probe, query)
                    .rank_shortlist(shortlist, self.entry(shape)),
            )
        })
    }

    /// Writes the estimates of all rows, at least one. Those of rows that are free, or not among the members, are zero.
    fn estimate(
        &self,
        kernel: Kernel,
        tables: &[kernel::Table],
        members: Option<&Members>,
        estimates: &mut [u8],
    ) {
        for (nth, (segment, estimates)) in self
            .segments
            .iter()
            .zip(estimates.chunks_mut(ROWS))
            .enumerate()
        {
            let live = segment.live();
            let members = members.map(|members| members.bits(nth * ROWS, live.len()));
            if is_empty(live) || members.is_some_and(is_empty) {
                estimates.fill(0);
                continue;
            }
            kernel.estimates(segment.signs(), tables, estimates);
            let (blocks, _) = estimates.as_chunks_mut::<64>();
            for (word, (block, live)) in blocks.iter_mut().zip(live).enumerate() {
                let allowed = live & members.map_or(!0, |bits| bits[word]);
                bytes::keep(block, allowed);
            }
        }
    }

    /// Calls `visit` with the sum of products of each of `rows`.
    pub(super) fn products(
        &self,
        shape: &Shape,
        kernel: Kernel,
        probe: &Probe,
        rows: &[u32],
        mut visit: impl FnMut(i32, u32),
    ) {
        for (nth, &row) in rows.iter().enumerate() {
            if let Some(&next) = rows.get(nth + LOOKAHEAD) {
                let (segment, next) = at(next);
                let group = self.segments[segment].group(next, shape);
                group.iter().for_each(|line| kernel::prefetch(line));
            }
            let (segment, within) = at(row);
            let group = self.segments[segment].group(within, shape);
            visit(kernel.product(group, within % GROUP, &probe.codes), row);
        }
    }

    fn ranking<'a>(&self, probe: &'a Probe, query: Query<'_>) -> Ranking<'a> {
        Ranking {
            probe,
            metric: query.metric,
            min_score: query.min_score,
            residual: self.residual,
        }
    }

    /// The embedding of a row, and its entry.
    fn entry<'a>(&'a self, shape: &'a Shape) -> impl Fn(u32) -> (Row<'a>, EntryId) {
        move |row| {
            let (segment, row) = at(row);
            let segment = &self.segments[segment];
            (segment.values(row, shape), segment.id(row))
        }
    }
}

/// The segment of a row, and its number there.
#[inline]
pub(super) fn at(row: u32) -> (usize, usize) {
    (row as usize / ROWS, row as usize % ROWS)
}

/// Returns true if no bit is set.
fn is_empty(bits: &[u64]) -> bool {
    bits.iter().all(|&bits| bits == 0)
}

#[inline]
fn number(segment: usize, row: usize) -> u32 {
    (segment * ROWS + row) as u32
}

#[inline]
fn each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
