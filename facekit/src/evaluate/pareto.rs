use super::impostors::HighScore;

/// The distribution of the highest scores: a generalized Pareto distribution of the excess over a score (Pickands 1975). It is
/// fitted by probability-weighted moments (Hosking and Wallis 1987).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ParetoTail {
    /// The score from which on the distribution holds, and the share of scores that reach it.
    from: f64,
    share: f64,
    scale: f64,
    /// Hosking's and Wallis's `k`: above 0, scores have an upper bound; below 0, the tail is heavy.
    shape: f64,
}

impl ParetoTail {
    /// Fits the tail to the highest `share` of scores. `highest` has the highest scores in falling order, each with a weight,
    /// and `total` is the weight of all scores. `None` if `highest` does not reach so far or the scores are all equal.
    pub(super) fn fit(
        highest: &[HighScore],
        weight: impl Fn(&HighScore) -> f64,
        total: f64,
        share: f64,
    ) -> Option<Self> {
        let wanted = share * total;
        let (mut above, mut count) = (0.0, 0);
        for score in highest {
            if above >= wanted {
                break;
            }
            above += weight(score);
            count += 1;
        }
        if above < wanted {
            return None;
        }
        let from = f64::from(highest.get(count)?.score);
        // The moments E[x] and E[x (1 − F(x))] of the excess x.
        let (mut higher, mut mean, mut weighted) = (0.0, 0.0, 0.0);
        for score in &highest[..count] {
            let weight = weight(score);
            let excess = f64::from(score.score) - from;
            mean += weight * excess;
            weighted += weight * excess * (higher + weight / 2.0) / above;
            higher += weight;
        }
        let (mean, weighted) = (mean / above, weighted / above);
        let difference = mean - 2.0 * weighted;
        (mean > 0.0 && difference > 0.0).then(|| Self {
            from,
            share: above / total,
            scale: 2.0 * mean * weighted / difference,
            shape: mean / difference - 2.0,
        })
    }

    /// The share of scores that are at least `score`, for a score within the tail.
    pub(super) fn share_from(&self, score: f32) -> f64 {
        let excess = (f64::from(score) - self.from).max(0.0) / self.scale;
        let survival = if self.shape.abs() < 1e-9 {
            (-excess).exp()
        } else {
            (1.0 - self.shape * excess).max(0.0).powf(1.0 / self.shape)
        };
        self.share * survival
    }

    /// The score that this share of scores reaches, for a share within the tail.
    pub(super) fn score_at(&self, share: f64) -> f32 {
        let share = (share / self.share).min(1.0);
        let excess = if self.shape.abs() < 1e-9 {
            -share.ln()
        } else {
            (1.0 - share.powf(self.shape)) / self.shape
        };
        (self.from + self.scale * excess) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores at equal steps of the share, of a tail that begins at 0.3.
    fn highest(scale: f64, shape: f64) -> Vec<HighScore> {
        let tail = ParetoTail {
            from: 0.3,
            share: 1.0,
            scale,
            shape,
        };
        (0..20_000)
            .map(|nth| HighScore {
                score: tail.score_at((f64::from(nth) + 0.5) / 20_000.0),
                probe: 0,
                template: 1,
            })
            .collect()
    }

    #[test]
    fn the_parameters_of_a_tail_are_found() {
        for (scale, shape) in [(0.04, 0.2), (0.03, 0.0), (0.02, -0.1)] {
            let highest = highest(scale, shape);
            let tail = ParetoTail::fit(&highest, |_| 1.0, 2e6, 0.005).unwrap();
            assert!((tail.shape - shape).abs() < 0.03, "{tail:?}");
            for share in [1e-3, 1e-4, 1e-5] {
                let back = tail.share_from(tail.score_at(share));
                assert!((back / share - 1.0).abs() < 1e-2, "{share}: {back}");
            }
            // The share of 1e-5 among all scores is that of 1e-3 among the highest.
            let truth = highest[20].score;
            assert!(
                (tail.score_at(1e-5) - truth).abs() < 0.004,
                "{tail:?} {truth}"
            );
        }
    }

    #[test]
    fn weights_count_as_repetitions() {
        let once = highest(0.04, 0.2);
        let weight = |score: &HighScore| if score.score > 0.35 { 2.0 } else { 1.0 };
        let mut repeated = Vec::new();
        for score in &once {
            repeated.extend(vec![*score; weight(score) as usize]);
        }
        let total = 100.0 * repeated.len() as f64;
        let a = ParetoTail::fit(&once, weight, total, 0.003).unwrap();
        let b = ParetoTail::fit(&repeated, |_| 1.0, total, 0.003).unwrap();
        assert!(
            (a.score_at(1e-5) - b.score_at(1e-5)).abs() < 1e-4,
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn too_few_scores_have_no_tail() {
        let highest = highest(0.04, 0.2);
        assert_eq!(ParetoTail::fit(&highest, |_| 1.0, 2e6, 0.02), None);
        assert_eq!(ParetoTail::fit(&[], |_| 1.0, 2e6, 0.003), None);
        let equal = vec![highest[0]; 100];
        assert_eq!(ParetoTail::fit(&equal, |_| 1.0, 1e4, 0.003), None);
    }
}
