//! Evaluation: distributions of scores of the same and of different people, and the rates that follow from them.

mod duplicates;
mod impostors;
mod measure;
mod pareto;
mod random;

pub(crate) use duplicates::ComparedPeople;
pub use duplicates::{DuplicatePeople, duplicate_people};
pub use impostors::{ImpostorFaces, ImpostorOptions, ImpostorScores};
pub use measure::PersonPhotos;
pub(crate) use measure::{PHOTOS, scores};
pub use random::RandomSequence;

/// A histogram of scores between −1 and 1, with bins of 2 · 10⁻⁶. It takes 8 MB of memory for any number of scores, and
/// every rate can be read from it.
///
/// ```
/// use facekit::ScoreHistogram;
///
/// let mut impostors = ScoreHistogram::new();
/// for i in 0..1000 {
///     impostors.add(i as f32 / 1000.0);
/// }
/// let score = impostors.score_at(0.01).unwrap(); // just above the eleventh highest: ten of a thousand reach it
/// assert!((0.989..0.98901).contains(&score));
/// assert_eq!(impostors.share_from(score), 0.01);
/// ```
#[derive(Clone, Debug)]
pub struct ScoreHistogram {
    bins: Vec<u64>,
    count: u64,
}

const BINS: usize = 1_000_000;

impl ScoreHistogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bins: vec![0; BINS + 1],
            count: 0,
        }
    }

    /// Counts a score. A score below −1 counts as −1, and one above 1 as 1.
    pub fn add(&mut self, score: f32) {
        self.bins[bin(score)] += 1;
        self.count += 1;
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.bins
            .iter_mut()
            .zip(&other.bins)
            .for_each(|(bin, other)| *bin += other);
        self.count += other.count;
    }

    /// The number of scores.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of scores that are at least `score`, 0 to 1; 0 for an empty histogram.
    #[must_use]
    pub fn share_from(&self, score: f32) -> f64 {
        let above: u64 = self.bins[bin(score)..].iter().sum();
        above as f64 / self.count.max(1) as f64
    }

    /// The lowest score that at most this share of all scores reaches. `None` if the share is less than that of one score,
    /// or if a larger share has the greatest score, 1.
    #[must_use]
    pub fn score_at(&self, share: f64) -> Option<f32> {
        let allowed = (share * self.count as f64 * (1.0 + 1e-12)) as u64;
        if allowed == 0 {
            return None;
        }
        let mut above = 0;
        let reached = self.bins.iter().rposition(|&bin| {
            above += bin;
            above > allowed
        });
        match reached {
            // More scores than allowed have the greatest score.
            Some(BINS) => None,
            // From the next bin on, no more scores than allowed remain.
            Some(bin) => Some(edge(bin + 1)),
            None => Some(-1.0),
        }
    }
}

impl Default for ScoreHistogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bin of a score: bin `n` holds the scores from `edge(n)` up to, but not including, `edge(n + 1)`.
fn bin(score: f32) -> usize {
    (((f64::from(score) + 1.0) * (BINS as f64 / 2.0)).max(0.0) as usize).min(BINS)
}

/// The lowest score of bin `n`.
fn edge(n: usize) -> f32 {
    let mut score = (n as f64 / (BINS as f64 / 2.0) - 1.0) as f32;
    while bin(score) < n {
        score = score.next_up();
    }
    score
}

/// The equal error rate, 0 to 1: the rate at the threshold at which FMR and FNMR are equal.
///
/// ```
/// use facekit::{ScoreHistogram, equal_error_rate};
///
/// let (mut genuine, mut impostors) = (ScoreHistogram::new(), ScoreHistogram::new());
/// (0..100).for_each(|i| genuine.add(0.4 + 0.005 * i as f32));
/// (0..100).for_each(|i| impostors.add(0.005 * i as f32));
/// assert!((equal_error_rate(&genuine, &impostors) - 0.1).abs() < 0.011);
/// ```
#[must_use]
pub fn equal_error_rate(genuine: &ScoreHistogram, impostors: &ScoreHistogram) -> f64 {
    let (mut rejected, mut accepted) = (0, impostors.count);
    let shares = |rejected: u64, accepted: u64| {
        (
            rejected as f64 / genuine.count.max(1) as f64,
            accepted as f64 / impostors.count.max(1) as f64,
        )
    };
    for (genuine, impostor) in genuine.bins.iter().zip(&impostors.bins) {
        let (fnmr, fmr) = shares(rejected, accepted);
        if fnmr >= fmr {
            return (fnmr + fmr) / 2.0;
        }
        rejected += genuine;
        accepted -= impostor;
    }
    let (fnmr, fmr) = shares(rejected, accepted);
    (fnmr + fmr) / 2.0
}

/// The 95 % confidence interval of a share that was `hits` of `trials` in a sample (Wilson 1927): low and high, 0 to 1.
///
/// ```
/// let (low, high) = facekit::wilson_interval(0, 100);
/// assert!(low == 0.0 && (high - 0.037).abs() < 0.001);
/// ```
#[must_use]
pub fn wilson_interval(hits: u64, trials: u64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let hits = hits.min(trials);
    const Z: f64 = 1.959_964;
    let (n, p) = (trials as f64, hits as f64 / trials as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if hits == 0 {
        0.0
    } else {
        (middle - half) / scale
    };
    let high = if hits == trials {
        1.0
    } else {
        (middle + half) / scale
    };
    (low, high)
}

/// The accuracy in each fold of a pair protocol such as that of LFW, 0 to 1: the share of pairs that are classified
/// correctly, with the threshold that classifies most pairs of the *other* folds correctly.
///
/// A pair is its score, and `true` if both photos show the same person. A score of `None` (a photo without a face) always
/// counts as wrong.
///
/// ```
/// let folds = vec![vec![(Some(0.9), true), (Some(0.1), false)]; 3];
/// assert_eq!(facekit::fold_accuracies(&folds), [1.0, 1.0, 1.0]);
/// ```
#[must_use]
pub fn fold_accuracies(folds: &[Vec<(Option<f32>, bool)>]) -> Vec<f64> {
    (0..folds.len())
        .map(|held_out| {
            let others = folds
                .iter()
                .enumerate()
                .filter(|(fold, _)| *fold != held_out);
            let threshold = best_threshold(others.flat_map(|(_, pairs)| pairs));
            let right = |(score, same): &&(Option<f32>, bool)| {
                score.is_some_and(|score| (score >= threshold) == *same)
            };
            folds[held_out].iter().filter(right).count() as f64
                / folds[held_out].len().max(1) as f64
        })
        .collect()
}

/// The threshold that classifies most pairs correctly; if there are several, the middle one.
fn best_threshold<'a>(pairs: impl Iterator<Item = &'a (Option<f32>, bool)>) -> f32 {
    let mut scored: Vec<(f32, bool)> = pairs
        .filter_map(|&(score, same)| Some((score?, same)))
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    // With a threshold below the lowest score, all pairs are classified as the same person.
    let mut right = scored.iter().filter(|(_, same)| *same).count();
    let (mut best, mut thresholds) = (right, vec![f32::NEG_INFINITY]);
    for (i, &(score, same)) in scored.iter().enumerate() {
        if same {
            right -= 1;
        } else {
            right += 1;
        }
        let next = scored.get(i + 1).map_or(f32::INFINITY, |next| next.0);
        if next > score && right >= best {
            if right > best {
                best = right;
                thresholds.clear();
            }
            thresholds.push(if next.is_finite() {
                (score + next) / 2.0
            } else {
                next
            });
        }
    }
    thresholds[(thresholds.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rates_agree_with_counting(scores in prop::collection::vec(-1.0_f32..=1.0, 1..300), share in 0.0_f64..1.0) {
            let mut histogram = ScoreHistogram::new();
            scores.iter().for_each(|&score| histogram.add(score));
            if let Some(threshold) = histogram.score_at(share) {
                // Scores within the width of a bin may be counted on either side of the threshold.
                let above = scores.iter().filter(|&&score| score >= threshold + 4e-6).count();
                prop_assert!(above as f64 <= share * scores.len() as f64 + 1e-9);
                prop_assert!(histogram.share_from(threshold) <= share + 1e-9);
            } else {
                prop_assert!(share * (scores.len() as f64) < 1.0);
            }
        }
    }

    #[test]
    fn scores_of_1_do_not_hide_lower_thresholds() {
        let mut histogram = ScoreHistogram::new();
        (0..98).for_each(|i| histogram.add(i as f32 / 100.0));
        histogram.add(1.0);
        histogram.add(1.0);
        assert_eq!(histogram.score_at(0.01), None);
        assert!((histogram.score_at(0.02).unwrap() - 0.97).abs() < 1e-5);
    }

    #[test]
    fn the_threshold_comes_from_the_other_folds() {
        let fold = |shift: f32| {
            vec![
                (Some(0.6 + shift), true),
                (Some(0.2 + shift), false),
                (None, true),
            ]
        };
        let accuracies = fold_accuracies(&[fold(0.0), fold(0.0), fold(1.0)]);
        let third = 1.0 / 3.0;
        assert!((accuracies[0] - 2.0 * third).abs() < 1e-9);
        assert!(
            (accuracies[2] - third).abs() < 1e-9,
            "with the threshold 0.4 of the other folds, every pair is the same person"
        );
    }
}
