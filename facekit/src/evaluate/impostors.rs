use std::{collections::HashSet, num::NonZeroUsize, ops::Range, panic::resume_unwind, thread};

use multiversion::multiversion;

use super::{RandomSequence, ScoreHistogram, pareto::ParetoTail};
use crate::{
    calibration::{CalibrationPoint, Curve, RateInterval},
    embed::Embedding,
    error::{Error, Result},
};

/// The faces of one person, for comparisons with other people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImpostorFaces {
    /// The embeddings that are compared with other people's templates.
    pub probes: Vec<Embedding>,
    /// For each probe, its embedding summed with that of the mirror image. Empty if probes are not mirrored.
    pub mirrored_probes: Vec<Embedding>,
    /// The templates that other people's probes are compared with.
    pub templates: Vec<Embedding>,
}

impl ImpostorFaces {
    /// Faces whose probes are not mirrored.
    #[must_use]
    pub fn new(probes: Vec<Embedding>, templates: Vec<Embedding>) -> Self {
        Self {
            probes,
            mirrored_probes: Vec::new(),
            templates,
        }
    }

    /// Sets [`mirrored_probes`](Self::mirrored_probes).
    #[must_use]
    pub fn with_mirrored_probes(mut self, mirrored: Vec<Embedding>) -> Self {
        self.mirrored_probes = mirrored;
        self
    }
}

/// Options of [`ImpostorScores::of`] and [`Calibration::measure`](crate::Calibration::measure).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImpostorOptions {
    /// The band of a recognizer that mirrors probes, [below and above](crate::MirrorOptions) the threshold. Outside of it the plain
    /// probe decides, so that a mirrored probe raises a score by at most the first and lowers it by at most the second number. Then
    /// the curve is that of the whole procedure. `None`, the default, if every probe is mirrored.
    pub band: Option<(f32, f32)>,
    /// Pairs of entries that are one person, by their positions. They are not compared. None by default.
    pub same: Vec<(usize, usize)>,
    /// The number of threads: 1 by default.
    pub threads: NonZeroUsize,
}

impl Default for ImpostorOptions {
    fn default() -> Self {
        Self {
            band: None,
            same: Vec::new(),
            threads: NonZeroUsize::MIN,
        }
    }
}

impl ImpostorOptions {
    /// Sets [`band`](Self::band).
    #[must_use]
    pub fn with_band(mut self, below: f32, above: f32) -> Self {
        self.band = Some((below, above));
        self
    }

    /// Sets [`same`](field@Self::same).
    #[must_use]
    pub fn with_same(mut self, pairs: Vec<(usize, usize)>) -> Self {
        self.same = pairs;
        self
    }

    /// Sets [`threads`](Self::threads).
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// For each of `people`, the others who are the same person.
    fn same(&self, people: usize) -> Vec<Vec<u32>> {
        let mut same = vec![Vec::new(); people];
        for &(a, b) in self.same.iter().filter(|(a, b)| *a.max(b) < people) {
            same[a].push(b as u32);
            same[b].push(a as u32);
        }
        same
    }
}

/// The scores of comparisons of different people, from which the [`Curve`] of one kind of comparison is measured.
///
/// Each probe of a person is compared with each template of each other person. The highest scores are kept with the two people,
/// because comparisons are not independent: one person who resembles many others makes many high scores. So the curve ends at
/// the score that 30 different pairs of people reach (after Doddington's rule of 30), and the intervals of its rates are from
/// draws of people with replacement (bootstrap; Efron 1979).
///
/// Below the lowest counted rate, the curve continues for one order of magnitude along a generalized Pareto distribution. It is
/// fitted to the highest 0.3 % of the scores by probability-weighted moments (Hosking and Wallis 1987).
///
/// ```
/// # use facekit::{Digest, Embedding, EmbeddingSpace};
/// use facekit::{ImpostorFaces, ImpostorOptions, ImpostorScores};
///
/// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 8);
/// # let mut seed = 1_u32;
/// # let mut face = || {
/// #     let values = (0..8).map(|_| { seed = seed.wrapping_mul(1664525).wrapping_add(1013904223); (seed >> 8) as f32 - 8388608.0 });
/// #     Embedding::new(&space, values.collect()).unwrap()
/// # };
/// let people: Vec<ImpostorFaces> = (0..200)
///     .map(|_| {
///         let photo = face();
///         ImpostorFaces::new(vec![photo.clone()], vec![photo])
///     })
///     .collect();
/// let scores = ImpostorScores::of(&people, &ImpostorOptions::default())?;
/// assert_eq!(scores.count(), 200 * 199);
/// let curve = scores.curve()?;
/// assert!(curve.lowest() < curve.lowest_counted());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImpostorScores {
    histogram: ScoreHistogram,
    /// The highest scores, in falling order.
    highest: Vec<HighScore>,
    /// The lowest rate that can be counted: that of the score which 30 different pairs of people reach. 1 if there are fewer.
    lowest_rate: f64,
    /// The numbers of probes and templates of each person.
    faces: Vec<(f64, f64)>,
}

/// A high score, and the people of its probe and template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HighScore {
    pub(super) score: f32,
    pub(super) probe: u32,
    pub(super) template: u32,
}

impl HighScore {
    /// The two people, the one of the lower number first.
    fn pair(&self) -> (u32, u32) {
        (self.probe.min(self.template), self.probe.max(self.template))
    }
}

/// The number of pairs of people that must reach the score of a counted rate.
const FEWEST_PAIRS: usize = 30;
/// The share of the highest scores that the tail is fitted to.
const TAIL: f64 = 3e-3;
/// The number of draws of people for intervals.
const DRAWS: usize = 200;
/// The number of highest scores that are kept. With 3e8 comparisons, these are the highest 0.35 %.
const KEPT: usize = 1 << 20;
/// The share of the highest scores that are kept of fewer comparisons, and the least number of them.
const KEPT_SHARE: f64 = 0.02;
const FEWEST_KEPT: usize = 5_000;
/// The highest rate that has an interval.
const HIGHEST_INTERVAL: f64 = 1e-2;
/// The number of templates whose scores are computed together.
const BLOCK: usize = 256;

impl ImpostorScores {
    /// Compares each probe with each template of the other people.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are no comparisons, or a person has mirrored probes for some probes only.
    /// [`Error::SpaceMismatch`] for embeddings of different spaces.
    pub fn of(people: &[ImpostorFaces], options: &ImpostorOptions) -> Result<Self> {
        let templates = Rows::new(people.iter().map(|person| &person.templates[..]))?;
        let probes = Rows::new(people.iter().map(|person| &person.probes[..]))?;
        let mirrored = Rows::new(people.iter().map(|person| &person.mirrored_probes[..]))?;
        let several = [&templates, &probes, &mirrored].map(|rows| rows.first.as_ref());
        for pair in several.iter().flatten().collect::<Vec<_>>().windows(2) {
            pair[0].space().check(pair[1].space())?;
        }
        if !mirrored.owners.is_empty() && mirrored.owners != probes.owners {
            let reason = "some probes are mirrored and some are not";
            return Err(Error::argument("mirrored probes", reason));
        }
        let work = Comparisons {
            templates: &templates,
            probes: &probes,
            mirrored: (!mirrored.owners.is_empty()).then_some(&mirrored),
            band: options.band.unwrap_or((f32::INFINITY, f32::INFINITY)),
            same: options.same(people.len()),
            step: options.threads.get(),
        };
        let parts: Vec<Part> = thread::scope(|scope| {
            let workers: Vec<_> = (0..work.step)
                .map(|first| {
                    let work = &work;
                    scope.spawn(move || work.run(first))
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let mut all = Part::new();
        for part in parts {
            all.histogram.merge(&part.histogram);
            all.highest.extend(part.highest);
        }
        if all.histogram.count() == 0 {
            let reason = "there are no comparisons of different people";
            return Err(Error::argument("people", reason));
        }
        all.keep_highest();
        all.highest.sort_unstable_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then((a.probe, a.template).cmp(&(b.probe, b.template)))
        });
        let mut pairs = HashSet::new();
        let reached = all.highest.iter().position(|high| {
            pairs.insert(high.pair());
            pairs.len() == FEWEST_PAIRS
        });
        let count = all.histogram.count() as f64;
        let lowest_rate = reached.map_or(1.0, |at| (at + 1) as f64 / count);
        // Nothing is read from the rest.
        let read = (count * KEPT_SHARE) as usize;
        all.highest.truncate(read.max(FEWEST_KEPT));
        let faces = people
            .iter()
            .map(|person| (person.probes.len() as f64, person.templates.len() as f64));
        Ok(Self {
            histogram: all.histogram,
            highest: all.highest,
            lowest_rate,
            faces: faces.collect(),
        })
    }

    /// The number of comparisons.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.count()
    }

    /// All scores.
    #[must_use]
    pub fn histogram(&self) -> &ScoreHistogram {
        &self.histogram
    }

    /// The pairs of people with the highest scores, highest first: the score, and the positions of the two people. A pair is
    /// listed once, with its highest score.
    #[must_use]
    pub fn most_similar(&self, pairs: usize) -> Vec<(f32, usize, usize)> {
        let mut seen = HashSet::new();
        let highest = self.highest.iter().filter(|high| seen.insert(high.pair()));
        highest
            .take(pairs)
            .map(|high| {
                let (a, b) = high.pair();
                (high.score, a as usize, b as usize)
            })
            .collect()
    }

    /// The score that less than one of `pairs` pairs of people is expected to reach, if the highest scores continue as they begin.
    /// It is from the distribution that the tail of the curve has. `None` if there are too few comparisons.
    pub(crate) fn improbable(&self, pairs: f64) -> Option<f32> {
        let tail = self.tail(|_| 1.0, self.count() as f64)?;
        Some(tail.score_at(pairs / self.count() as f64))
    }

    /// The curve of these comparisons. It has points at the rates 1e-1, 5e-2, 2e-2, 1e-2 and so on. Rates of 1e-2 and less have
    /// intervals.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are too few comparisons for two points.
    pub fn curve(&self) -> Result<Curve> {
        let lowest = self.lowest_rate;
        let rates = || {
            (1..=10).flat_map(|decade| {
                let tenth = 10_f64.powi(decade);
                [1.0 / tenth, 0.5 / tenth, 0.2 / tenth]
            })
        };
        let counted = rates().filter(|rate| *rate >= lowest);
        let mut counted: Vec<_> = counted
            .filter_map(|fmr| Some(CalibrationPoint::new(fmr, self.histogram.score_at(fmr)?)))
            .collect();
        let mut extrapolated = Vec::new();
        if let (Some(end), Some(tail)) = (counted.last(), self.tail(|_| 1.0, self.count() as f64)) {
            // Above the distribution, the counted scores rule: they may be high because of a few people who look alike.
            let raised = (end.score - tail.score_at(end.fmr)).max(0.0);
            let mut previous = end.score;
            for fmr in rates().filter(|rate| *rate < end.fmr && *rate * 10.000_001 >= end.fmr) {
                let score = (tail.score_at(fmr) + raised)
                    .max(previous.next_up())
                    .min(1.0);
                if score > previous {
                    extrapolated.push(CalibrationPoint::new(fmr, score));
                    previous = score;
                }
            }
        }
        self.add_intervals(&mut counted, &mut extrapolated);
        Curve::new(counted, extrapolated)
    }

    /// The distribution of the highest scores. `weight` is that of each of them, and `total` the weight of all scores.
    fn tail(&self, weight: impl Fn(&HighScore) -> f64, total: f64) -> Option<ParetoTail> {
        // Draws of people take a part of the scores several times, so that the highest ones reach less far.
        let kept = self.highest.len() as f64 / self.count() as f64;
        ParetoTail::fit(&self.highest, weight, total, TAIL.min(kept / 1.5))
    }

    /// Adds the intervals of rates, by drawing people with replacement. A pair of people counts as often as both were drawn.
    fn add_intervals(
        &self,
        counted: &mut [CalibrationPoint],
        extrapolated: &mut [CalibrationPoint],
    ) {
        let (Some(floor), Some(first)) = (self.highest.last(), counted.first()) else {
            return;
        };
        let floor = floor.score.max(first.score);
        let people = self.faces.len();
        let mut random = RandomSequence::new(1);
        let mut times = vec![0.0_f64; people];
        let mut rates_of = vec![Vec::with_capacity(DRAWS); counted.len() + extrapolated.len()];
        for _ in 0..DRAWS {
            times.fill(0.0);
            for _ in 0..people {
                times[random.below(people)] += 1.0;
            }
            let (mut probes, mut templates, mut own) = (0.0, 0.0, 0.0);
            for (&times, &(p, t)) in times.iter().zip(&self.faces) {
                probes += times * p;
                templates += times * t;
                own += times * p * times * t;
            }
            let total = probes * templates - own;
            if total <= 0.0 {
                continue;
            }
            let weight =
                |high: &HighScore| times[high.probe as usize] * times[high.template as usize];
            let (mut at, mut above) = (self.highest.iter().peekable(), 0.0);
            let points = rates_of.iter_mut().zip(&*counted).rev();
            for (rates, point) in points.take_while(|(_, point)| point.fmr <= HIGHEST_INTERVAL) {
                while let Some(high) = at.next_if(|high| high.score >= point.score) {
                    above += weight(high);
                }
                rates.push(above / total);
            }
            let tail = self.tail(weight, total);
            for (rates, point) in rates_of[counted.len()..].iter_mut().zip(&*extrapolated) {
                rates.push(tail.map_or(0.0, |tail| tail.share_from(point.score)));
            }
        }
        let points = counted.iter_mut().chain(extrapolated);
        for (point, mut rates) in points.zip(rates_of) {
            if point.score >= floor && point.fmr <= HIGHEST_INTERVAL && !rates.is_empty() {
                rates.sort_by(f64::total_cmp);
                let at = |share: f64| rates[(share * (rates.len() - 1) as f64).round() as usize];
                point.interval = Some(RateInterval {
                    low: at(0.025).min(point.fmr),
                    high: at(0.975).max(point.fmr).min(1.0),
                });
            }
        }
    }
}

/// Embeddings of many people as rows.
struct Rows {
    values: Vec<f32>,
    dimension: usize,
    owners: Vec<u32>,
    first: Option<Embedding>,
}

impl Rows {
    fn new<'a>(people: impl Iterator<Item = &'a [Embedding]>) -> Result<Self> {
        let mut rows = Self {
            values: Vec::new(),
            dimension: 0,
            owners: Vec::new(),
            first: None,
        };
        for (person, faces) in people.enumerate() {
            for face in faces {
                let first = rows.first.get_or_insert_with(|| face.clone());
                first.space().check(face.space())?;
                rows.dimension = face.values().len();
                rows.values.extend_from_slice(face.values());
                rows.owners.push(person as u32);
            }
        }
        Ok(rows)
    }

    /// The values of consecutive rows.
    fn rows(&self, rows: Range<usize>) -> &[f32] {
        &self.values[rows.start * self.dimension..rows.end * self.dimension]
    }
}

struct Comparisons<'a> {
    templates: &'a Rows,
    probes: &'a Rows,
    mirrored: Option<&'a Rows>,
    band: (f32, f32),
    /// For each person, the others who are the same one.
    same: Vec<Vec<u32>>,
    step: usize,
}

impl Comparisons<'_> {
    /// Compares every nth probe.
    fn run(&self, first: usize) -> Part {
        let mut part = Part::new();
        let templates = self.templates;
        let (mut plain, mut mirrored) = ([0.0; BLOCK], [0.0; BLOCK]);
        for block in (0..templates.owners.len()).step_by(BLOCK) {
            let block = block..(block + BLOCK).min(templates.owners.len());
            let rows = templates.rows(block.clone());
            let scores = &mut plain[..block.len()];
            for probe in (first..self.probes.owners.len()).step_by(self.step) {
                let owner = self.probes.owners[probe];
                dot_products(rows, self.probes.rows(probe..probe + 1), scores);
                if let Some(mirrors) = self.mirrored {
                    let mirrored = &mut mirrored[..block.len()];
                    dot_products(rows, mirrors.rows(probe..probe + 1), mirrored);
                    for (score, mirrored) in scores.iter_mut().zip(mirrored) {
                        *score = mirrored.clamp(*score - self.band.1, *score + self.band.0);
                    }
                }
                let others = templates.owners[block.clone()].iter().zip(&*scores);
                let same = &self.same[owner as usize];
                let others = others.filter(|(other, _)| **other != owner && !same.contains(other));
                for (&template, &score) in others {
                    part.add(HighScore {
                        score,
                        probe: owner,
                        template,
                    });
                }
            }
        }
        part
    }
}

/// Writes to `out` the dot product of `probe` with each row of `rows`. The order of additions is the same on all machines.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn dot_products(rows: &[f32], probe: &[f32], out: &mut [f32]) {
    let (probe_lanes, probe_rest) = probe.as_chunks::<16>();
    for (row, out) in rows.chunks_exact(probe.len()).zip(out) {
        let (lanes, rest) = row.as_chunks::<16>();
        let mut sums = [0.0_f32; 16];
        for (a, b) in lanes.iter().zip(probe_lanes) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum += a * b;
            }
        }
        let rest: f32 = rest.iter().zip(probe_rest).map(|(a, b)| a * b).sum();
        *out = sums.iter().sum::<f32>() + rest;
    }
}

/// The comparisons of one thread.
struct Part {
    histogram: ScoreHistogram,
    highest: Vec<HighScore>,
    /// Scores below this are not among the highest.
    floor: f32,
}

impl Part {
    fn new() -> Self {
        Self {
            histogram: ScoreHistogram::new(),
            highest: Vec::new(),
            floor: f32::NEG_INFINITY,
        }
    }

    fn add(&mut self, high: HighScore) {
        self.histogram.add(high.score);
        if high.score >= self.floor {
            self.highest.push(high);
            if self.highest.len() == 2 * KEPT {
                self.keep_highest();
            }
        }
    }

    fn keep_highest(&mut self) {
        if self.highest.len() > KEPT {
            let (_, last, _) = self
                .highest
                .select_nth_unstable_by(KEPT - 1, |a, b| b.score.total_cmp(&a.score));
            self.floor = last.score;
            self.highest.truncate(KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::Digest, embed::EmbeddingSpace};

    const DIMENSION: usize = 24;

    /// People of families: the photos of a person are alike, and people of one family are more alike than others. So comparisons
    /// are not independent.
    struct Population {
        space: EmbeddingSpace,
        random: RandomSequence,
        families: Vec<Vec<f32>>,
    }

    impl Population {
        fn new() -> Self {
            let mut population = Self {
                space: EmbeddingSpace::new("test", Digest::from_bytes([0; 32]), DIMENSION),
                random: RandomSequence::new(7),
                families: Vec::new(),
            };
            population.families = (0..300).map(|_| population.vector(0.5)).collect();
            population
        }

        /// Numbers of about a normal distribution.
        fn vector(&mut self, deviation: f32) -> Vec<f32> {
            let mut number = || {
                let sum: usize = (0..12).map(|_| self.random.below(1_000)).sum();
                deviation * (sum as f32 / 1_000.0 - 6.0)
            };
            (0..DIMENSION).map(|_| number()).collect()
        }

        fn person(&mut self, photos: usize) -> ImpostorFaces {
            let family = self.random.below(self.families.len());
            let base = self.vector(1.0);
            let photos = (0..photos).map(|_| {
                let noise = self.vector(0.5);
                let values = noise.iter().zip(&base).zip(&self.families[family]);
                let values = values.map(|((a, b), c)| a + b + c).collect();
                Embedding::new(&self.space, values).unwrap()
            });
            let photos: Vec<Embedding> = photos.collect();
            ImpostorFaces::new(photos.clone(), photos)
        }

        fn people(&mut self, count: usize, photos: usize) -> Vec<ImpostorFaces> {
            (0..count).map(|_| self.person(photos)).collect()
        }
    }

    fn scores(people: &[ImpostorFaces]) -> ImpostorScores {
        ImpostorScores::of(people, &ImpostorOptions::default()).unwrap()
    }

    #[test]
    fn intervals_cover_the_truth() {
        let mut population = Population::new();
        let truth = scores(&population.people(3_000, 1));
        let (mut counted, mut extrapolated, mut ratios) = (0, 0, Vec::new());
        for _ in 0..100 {
            let curve = scores(&population.people(120, 2)).curve().unwrap();
            let covers = |fmr: f64| {
                let interval = curve.interval_at(fmr).unwrap();
                let rate = truth.histogram().share_from(curve.score_at(fmr).unwrap());
                (interval.low <= rate && rate <= interval.high, rate / fmr)
            };
            counted += usize::from(covers(curve.lowest_counted()).0);
            let (covered, ratio) = covers(curve.lowest());
            extrapolated += usize::from(covered);
            ratios.push(ratio);
            assert!(curve.lowest_counted() / curve.lowest() > 9.9);
        }
        ratios.sort_by(f64::total_cmp);
        println!(
            "covered: {counted} counted, {extrapolated} extrapolated; actual to asked {:.2?}",
            [ratios[5], ratios[50], ratios[94]]
        );
        assert!(
            counted >= 80 && extrapolated >= 80,
            "{counted} {extrapolated}"
        );
        assert!((0.5..2.0).contains(&ratios[50]), "{ratios:?}");
    }

    #[test]
    fn comparisons_of_few_people_count_little() {
        let mut population = Population::new();
        let people = population.people(40, 1);
        let few = scores(&people);
        // With ten copies of each photo there are a hundred times the comparisons, and no more pairs of people.
        let copies: Vec<ImpostorFaces> = people
            .iter()
            .map(|person| {
                ImpostorFaces::new(
                    vec![person.probes[0].clone(); 10],
                    vec![person.probes[0].clone(); 10],
                )
            })
            .collect();
        let many = scores(&copies);
        assert_eq!(many.count(), 100 * few.count());
        assert!((many.lowest_rate / few.lowest_rate - 1.0).abs() < 0.05);
        assert!(few.lowest_rate >= 30.0 / few.count() as f64);
        let three = &people[..3];
        assert_eq!(scores(three).lowest_rate, 1.0);
        assert!(scores(three).curve().is_err());
    }

    #[test]
    fn threads_and_order_do_not_matter() {
        let people = Population::new().people(100, 2);
        let one = scores(&people);
        let options = ImpostorOptions::default().with_threads(NonZeroUsize::new(3).unwrap());
        let three = ImpostorScores::of(&people, &options).unwrap();
        assert_eq!(one.curve().unwrap(), three.curve().unwrap());
        assert_eq!(one.count(), 100 * 99 * 4);
        let (score, a, b) = one.most_similar(1)[0];
        let mut naive = f32::NEG_INFINITY;
        for x in &people[a].probes {
            for y in &people[b].templates {
                naive = naive.max(x.cosine(y).unwrap());
            }
        }
        assert!((score - naive).abs() < 1e-6, "{score} {naive}");
    }

    #[test]
    fn a_mirrored_probe_changes_a_score_by_the_band_at_most() {
        let space = EmbeddingSpace::new("test", Digest::from_bytes([0; 32]), 2);
        let at = |degrees: f32| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Embedding::new(&space, vec![cos, sin]).unwrap()
        };
        let probe =
            ImpostorFaces::new(vec![at(60.0)], Vec::new()).with_mirrored_probes(vec![at(40.0)]);
        let template = ImpostorFaces::new(Vec::new(), vec![at(0.0)]);
        let people = [probe, template];
        let score = |options: &ImpostorOptions| {
            ImpostorScores::of(&people, options).unwrap().highest[0].score
        };
        assert!((score(&ImpostorOptions::default()) - 40_f32.to_radians().cos()).abs() < 1e-6);
        assert!((score(&ImpostorOptions::default().with_band(0.1, 0.0)) - 0.6).abs() < 1e-6);
        let plain = [
            ImpostorFaces::new(vec![at(60.0)], Vec::new()),
            people[1].clone(),
        ];
        assert!((scores(&plain).highest[0].score - 0.5).abs() < 1e-6);
        let mut uneven = people.to_vec();
        uneven[0].probes.push(at(1.0));
        assert!(ImpostorScores::of(&uneven, &ImpostorOptions::default()).is_err());
    }

    #[test]
    fn one_person_twice_is_not_compared() {
        let mut population = Population::new();
        let mut people = population.people(50, 2);
        people.push(people[7].clone());
        let all = scores(&people);
        assert_eq!(
            (all.most_similar(1)[0].1, all.most_similar(1)[0].2),
            (7, 50)
        );
        let options = ImpostorOptions::default().with_same(vec![(50, 7)]);
        let distinct = ImpostorScores::of(&people, &options).unwrap();
        assert_eq!(distinct.count(), all.count() - 8);
        assert!(distinct.most_similar(1)[0].0 < 0.999);
    }

    #[test]
    fn faces_of_two_spaces_are_refused() {
        let space = |model: &str| EmbeddingSpace::new(model, Digest::of(model), 2);
        let face = |model: &str| Embedding::new(&space(model), vec![1.0, 0.0]).unwrap();
        let people = [
            ImpostorFaces::new(vec![face("a")], vec![face("a")]),
            ImpostorFaces::new(vec![face("b")], vec![face("b")]),
        ];
        let found = ImpostorScores::of(&people, &ImpostorOptions::default());
        assert!(matches!(found, Err(Error::SpaceMismatch { .. })));
        assert!(ImpostorScores::of(&[], &ImpostorOptions::default()).is_err());
    }
}
