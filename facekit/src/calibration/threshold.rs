use serde::{Deserialize, Serialize};

use super::{Calibration, Capacity, Curve, curve::SLACK};
use crate::{
    comparison::Comparison,
    embed::EmbeddingSpace,
    error::{Error, Result},
};

/// The limit from which on two faces count as the same person's.
///
/// A comparison of two faces (1:1) and a search among many people (1:N) have different limits. In a search, each person is a
/// chance of a false match. A comparison never takes the rate of a search: see [`for_comparison`](Self::for_comparison).
///
/// ```
/// use facekit::Threshold;
///
/// assert_eq!(Threshold::default(), Threshold::Both { fpir: 1e-2, fmr: 1e-4 });
/// assert_eq!(Threshold::default().for_comparison(), Threshold::Fmr(1e-4));
/// assert_eq!(Threshold::Fpir(1e-2).for_comparison(), Threshold::Fmr(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A false-match rate, between 0 and 1: the share of comparisons of two different people that may pass.
    Fmr(f64),
    /// A false-positive identification rate, between 0 and 1: the share of searches by people outside the gallery that may
    /// return a person. For a search among `n` people this is a false-match rate of `1 − (1 − rate)^(1/n)`, if
    /// comparisons are independent. For small `n` that may be above the highest measured rate. Then the highest measured
    /// rate is used, and the identification rate is lower than requested.
    Fpir(f64),
    /// Both rates hold: the stricter one decides. The false-match rate decides in small galleries, the false-positive
    /// identification rate in large ones (from 101 people on, for 1 % and 1e-4).
    Both {
        /// The false-positive identification rate of a search, between 0 and 1.
        fpir: f64,
        /// The false-match rate of a comparison, between 0 and 1.
        fmr: f64,
    },
    /// A raw score. It fits one embedding space only, and its rate is unknown without a calibration.
    Score(f32),
}

/// The false-match rate of comparisons of two faces, if no other is given.
const COMPARISON: f64 = 1e-4;

impl Default for Threshold {
    /// A false-positive identification rate of 1 % for searches, and a false-match rate of 1e-4 for each comparison.
    fn default() -> Self {
        Self::Both {
            fpir: 1e-2,
            fmr: COMPARISON,
        }
    }
}

/// How well the wanted rate of a search is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateBasis {
    /// No rate was wanted: the threshold is a raw score.
    #[default]
    None,
    /// The limit is a score whose rate was counted.
    Counted,
    /// The limit is a score whose rate is extrapolated from the highest counted scores.
    Extrapolated,
    /// The rate is not met: the search covers more people than the calibration answers for, or the curve of this kind of
    /// comparison ends before the rate. The limit is the strictest score of the curve.
    NotMet,
}

/// The lowest score that passes, for one kind of comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MatchLimit {
    /// A cosine, −1 to 1, inclusive.
    pub score: f32,
    /// How well the wanted rate is known.
    pub basis: RateBasis,
}

impl Threshold {
    /// The threshold of a comparison of two faces (1:1). For a threshold that states only a rate of searches, this is a
    /// false-match rate of 1e-4.
    #[must_use]
    pub fn for_comparison(self) -> Self {
        match self {
            Self::Fmr(fmr) | Self::Both { fmr, .. } => Self::Fmr(fmr),
            Self::Fpir(_) => Self::Fmr(COMPARISON),
            Self::Score(score) => Self::Score(score),
        }
    }

    /// The threshold of several comparisons whose best one counts: the stricter one of this threshold for a search, and of that
    /// for a comparison.
    pub(crate) fn for_best_comparison(self) -> Self {
        match (self, self.for_comparison()) {
            (Self::Fpir(fpir), Self::Fmr(fmr)) => Self::Both { fpir, fmr },
            _ => self,
        }
    }

    /// The lowest score that passes, in a search among `people`.
    ///
    /// A calibration answers for a search among [`capacity`](Self::capacity) people at most. Beyond this, the limit is its
    /// strictest score, and the rate is [`NotMet`](RateBasis::NotMet). The same applies if only the curve of this kind of
    /// comparison ends before the rate: fewer comparisons are behind the curve of a mean of five photos than behind that of
    /// plain photos.
    ///
    /// ```
    /// use facekit::{Calibration, CalibrationPoint, Comparison, Curve, Digest, EmbeddingSpace, RateBasis, Threshold};
    ///
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 128);
    /// let points = |pairs: [(f64, f32); 2]| pairs.map(|(fmr, score)| CalibrationPoint::new(fmr, score)).to_vec();
    /// let of_five = Comparison::default().with_photos(5);
    /// let calibration = Calibration::new(&space, points([(1e-2, 0.2), (1e-5, 0.47)]), "an example")?
    ///     .with_curve(of_five, Curve::new(points([(1e-2, 0.25), (1e-4, 0.44)]), Vec::new())?, 0);
    /// let limit = |comparison| Threshold::Fmr(1e-5).limit(Some(&calibration), &comparison, &space, 1);
    /// assert_eq!(limit(Comparison::default())?.basis, RateBasis::Counted);
    /// let limit = limit(of_five)?;
    /// assert_eq!((limit.score, limit.basis), (0.44, RateBasis::NotMet));
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Uncalibrated`] for a rate without a calibration, [`Error::RateOutOfRange`] for a rate that is not met in a single
    /// comparison, neither by the curve of this kind nor by that of plain photos, [`Error::InvalidArgument`] for a rate that is
    /// not between 0 and 1 or a score that is NaN.
    pub fn limit(
        self,
        calibration: Option<&Calibration>,
        comparison: &Comparison,
        space: &EmbeddingSpace,
        people: usize,
    ) -> Result<MatchLimit> {
        let limit = self.nearest_limit(calibration, comparison, space, people)?;
        if let Some(calibration) = calibration {
            let curve = calibration.curve(comparison);
            if self.check_single(calibration, curve).is_err() {
                self.check_single(calibration, calibration.curve(&Comparison::default()))?;
            }
        }
        Ok(limit)
    }

    /// The lowest score that passes, as [`limit`](Self::limit) has it. A rate that is not met in a single comparison is no error but
    /// [`NotMet`](RateBasis::NotMet), and the limit is the strictest score of the calibration.
    pub(crate) fn nearest_limit(
        self,
        calibration: Option<&Calibration>,
        comparison: &Comparison,
        space: &EmbeddingSpace,
        people: usize,
    ) -> Result<MatchLimit> {
        let Some(asked) = self.fmr(people)? else {
            let Self::Score(score) = self else {
                unreachable!("every other threshold is a rate")
            };
            return Ok(MatchLimit {
                score,
                basis: RateBasis::None,
            });
        };
        let calibration = calibration.ok_or_else(|| Error::Uncalibrated {
            space: space.to_string(),
        })?;
        let curve = calibration.curve(comparison);
        let fmr = asked.min(curve.highest());
        Ok(match curve.score_at(fmr) {
            Ok(score) => MatchLimit {
                score,
                basis: if curve.is_extrapolated(fmr) {
                    RateBasis::Extrapolated
                } else {
                    RateBasis::Counted
                },
            },
            Err(_) => MatchLimit {
                score: curve.score_near(fmr),
                basis: RateBasis::NotMet,
            },
        })
    }

    /// The threshold at a share of the rate, for one of several tests. A raw score stays as it is.
    pub(crate) fn shared(self, share: f64) -> Self {
        match self {
            Self::Fmr(fmr) => Self::Fmr(fmr * share),
            Self::Fpir(fpir) => Self::Fpir(fpir * share),
            Self::Both { fpir, fmr } => Self::Both {
                fpir: fpir * share,
                fmr: fmr * share,
            },
            Self::Score(_) => self,
        }
    }

    /// The number of people whom a search may cover at this rate, for templates and probes of this kind: by the curve for a number
    /// of photos that answers for the fewest people. Nobody, if that curve does not have the false-match rate of a comparison.
    /// `None` if the number does not matter or nothing is known: for a raw score, for a false-match rate, and without a
    /// calibration.
    #[must_use]
    pub fn capacity(
        self,
        calibration: Option<&Calibration>,
        comparison: &Comparison,
    ) -> Option<Capacity> {
        let (Self::Fpir(fpir) | Self::Both { fpir, .. }) = self else {
            return None;
        };
        let calibration = calibration?;
        let worst = |rate: fn(&Curve) -> f64| {
            let rates = calibration
                .curves_like(comparison)
                .map(|(_, curve)| rate(curve));
            rates
                .reduce(f64::max)
                .unwrap_or_else(|| rate(calibration.curve(comparison)))
        };
        let (counted, lowest) = (worst(Curve::lowest_counted), worst(Curve::lowest));
        if matches!(self, Self::Both { fmr, .. } if fmr * SLACK < lowest) {
            return Some(Capacity::NOBODY);
        }
        Some(Capacity::new(fpir, counted, lowest))
    }

    /// The false-match rate of each comparison in a search among `people`; `None` for a raw score.
    fn fmr(self, people: usize) -> Result<Option<f64>> {
        let rate = |rate: f64| {
            if rate > 0.0 && rate < 1.0 {
                Ok(rate)
            } else {
                let reason = format!("a rate of {rate} is not between 0 and 1");
                Err(Error::argument("threshold", reason))
            }
        };
        Ok(match self {
            Self::Score(score) if score.is_nan() => {
                return Err(Error::argument("threshold", "is not a number"));
            }
            Self::Score(_) => None,
            Self::Fmr(fmr) => Some(rate(fmr)?),
            Self::Fpir(fpir) => Some(fmr_for_fpir(rate(fpir)?, people)),
            Self::Both { fpir, fmr } => Some(fmr_for_fpir(rate(fpir)?, people).min(rate(fmr)?)),
        })
    }

    /// Checks that the curve has the rate of a single comparison.
    fn check_single(self, calibration: &Calibration, curve: &Curve) -> Result<()> {
        let (rate, asked, single) = match self {
            Self::Score(_) => return Ok(()),
            Self::Fmr(fmr) => ("false-match rate", fmr, fmr),
            Self::Both { fmr, .. } if fmr < curve.lowest() => ("false-match rate", fmr, fmr),
            Self::Fpir(fpir) | Self::Both { fpir, .. } => (
                "false-positive identification rate",
                fpir,
                fpir.min(curve.highest()),
            ),
        };
        match curve.score_at(single) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::RateOutOfRange {
                rate,
                asked,
                low: curve.lowest(),
                high: curve.highest(),
                space: calibration.model.clone(),
            }),
        }
    }
}

/// The false-match rate of a comparison at which a search among `people` has the false-positive identification rate `fpir`.
fn fmr_for_fpir(fpir: f64, people: usize) -> f64 {
    -((-fpir).ln_1p() / people.max(1) as f64).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calibration::CalibrationPoint, digest::Digest};

    fn points(pairs: &[(f64, f32)]) -> Vec<CalibrationPoint> {
        pairs
            .iter()
            .map(|&(fmr, score)| CalibrationPoint::new(fmr, score))
            .collect()
    }

    /// Counted down to 1e-5, extrapolated down to 1e-6.
    fn calibration() -> (EmbeddingSpace, Calibration) {
        let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 4);
        let counted = points(&[(1e-2, 0.2), (1e-3, 0.334), (1e-4, 0.401), (1e-5, 0.460)]);
        let curve = Curve::new(counted, points(&[(1e-6, 0.520)])).unwrap();
        let calibration = Calibration::from_curve(&space, curve, "figures of a test");
        (space, calibration)
    }

    fn limit(threshold: Threshold, people: usize) -> Result<MatchLimit> {
        let (space, calibration) = calibration();
        threshold.limit(Some(&calibration), &Comparison::default(), &space, people)
    }

    #[test]
    fn the_rate_of_a_search_depends_on_its_size() {
        let score = |threshold, people| limit(threshold, people).unwrap().score;
        assert!((score(Threshold::Fpir(1e-3), 1) - 0.334).abs() < 1e-4);
        assert!((score(Threshold::Fpir(1e-2), 100) - 0.401).abs() < 1e-3);
        assert_eq!(
            score(Threshold::Fpir(0.5), 2),
            0.2,
            "the highest measured rate"
        );
    }

    #[test]
    fn beyond_its_capacity_a_search_says_that_the_rate_is_not_met() {
        let threshold = Threshold::Fpir(1e-2);
        let (_, calibration) = calibration();
        let capacity = threshold
            .capacity(Some(&calibration), &Comparison::default())
            .unwrap();
        assert_eq!((capacity.counted, capacity.extrapolated), (1_005, 10_050));
        for (people, basis) in [
            (1, RateBasis::Counted),
            (capacity.counted, RateBasis::Counted),
            (capacity.counted + 1, RateBasis::Extrapolated),
            (capacity.extrapolated, RateBasis::Extrapolated),
            (capacity.extrapolated + 1, RateBasis::NotMet),
            (1_000_000, RateBasis::NotMet),
        ] {
            assert_eq!(limit(threshold, people).unwrap().basis, basis, "{people}");
        }
        assert_eq!(limit(threshold, 1_000_000).unwrap().score, 0.520);
        let room = capacity.room(1_000);
        assert_eq!(
            (room.people, room.counted, room.extrapolated),
            (1_000, 5, 9_050)
        );
        assert_eq!(capacity.room(20_000).extrapolated, 0);
    }

    #[test]
    fn a_part_of_a_rate_that_is_not_met_is_the_strictest_score() {
        let (space, calibration) = calibration();
        let kind = Comparison::default();
        let part = |threshold: Threshold| {
            let threshold = threshold.shared(1.0 / 3.0);
            threshold.nearest_limit(Some(&calibration), &kind, &space, 1)
        };
        let third = part(Threshold::Fmr(3e-4)).unwrap();
        assert!((third.score - 0.401).abs() < 1e-6 && third.basis == RateBasis::Counted);
        let both = Threshold::Both {
            fpir: 0.3,
            fmr: 3e-4,
        };
        assert_eq!(part(both).unwrap(), third);
        let beyond = part(Threshold::Fmr(2e-6)).unwrap();
        assert_eq!((beyond.score, beyond.basis), (0.520, RateBasis::NotMet));
        assert_eq!(part(Threshold::Score(0.3)).unwrap().score, 0.3);
        assert!(part(Threshold::Fmr(-1.0)).is_err());
    }

    #[test]
    fn the_curve_of_the_fewest_people_bounds_the_capacity() {
        let (_, calibration) = calibration();
        let short = Curve::new(points(&[(1e-2, 0.3), (1e-4, 0.5)]), Vec::new()).unwrap();
        let calibration = calibration.with_curve(Comparison::default().with_photos(5), short, 0);
        let capacity = Threshold::default()
            .capacity(Some(&calibration), &Comparison::default())
            .unwrap();
        assert_eq!((capacity.counted, capacity.extrapolated), (100, 100));
        assert_eq!(
            Threshold::Fmr(1e-4).capacity(Some(&calibration), &Comparison::default()),
            None
        );
        assert_eq!(
            Threshold::default().capacity(None, &Comparison::default()),
            None
        );
    }

    #[test]
    fn a_rate_that_only_the_plain_curve_has_is_not_met_by_others() {
        let (space, calibration) = calibration();
        let short = Curve::new(points(&[(5e-3, 0.3), (1e-4, 0.5)]), Vec::new()).unwrap();
        let of_five = Comparison::default().with_photos(5);
        let calibration = calibration.with_curve(of_five, short, 0);
        let limit = |threshold: Threshold| {
            let limit = threshold.limit(Some(&calibration), &of_five, &space, 1);
            limit.map(|limit| (limit.score, limit.basis))
        };
        let both = |fpir, fmr| Threshold::Both { fpir, fmr };
        for threshold in [
            Threshold::Fmr(1e-5),
            Threshold::Fpir(1e-5),
            both(1e-2, 1e-5),
            both(1e-5, 1e-2),
        ] {
            assert_eq!(
                limit(threshold).unwrap(),
                (0.5, RateBasis::NotMet),
                "{threshold:?}"
            );
        }
        // Above the highest rate of the curve, the limit is stricter than asked.
        let lax = limit(Threshold::Fmr(1e-2)).unwrap();
        assert_eq!(lax, (0.3, RateBasis::Counted));
        // The plain curve does not have this rate.
        let error = limit(Threshold::Fmr(1e-7)).unwrap_err();
        assert!(
            matches!(error, Error::RateOutOfRange { low: 1e-6, .. }),
            "{error:?}"
        );
        let capacity = |threshold: Threshold| {
            let capacity = threshold.capacity(Some(&calibration), &Comparison::default());
            let capacity = capacity.unwrap();
            (capacity.counted, capacity.extrapolated)
        };
        assert_eq!(capacity(both(1e-2, 1e-5)), (0, 0));
        assert_eq!(capacity(both(1e-2, 1e-4)), (100, 100));
    }

    #[test]
    fn comparisons_of_two_faces_never_take_the_rate_of_a_search() {
        for (threshold, expected) in [
            (Threshold::default(), Threshold::Fmr(1e-4)),
            (Threshold::Fpir(1e-2), Threshold::Fmr(1e-4)),
            (Threshold::Fmr(1e-3), Threshold::Fmr(1e-3)),
            (Threshold::Score(0.3), Threshold::Score(0.3)),
            (
                Threshold::Both {
                    fpir: 0.1,
                    fmr: 1e-5,
                },
                Threshold::Fmr(1e-5),
            ),
        ] {
            assert_eq!(threshold.for_comparison(), expected);
        }
        let best = Threshold::Fpir(1e-2).for_best_comparison();
        assert_eq!(limit(best, 1).unwrap().score, 0.401);
        assert!(limit(best, 1_000).unwrap().score > 0.401);
    }

    #[test]
    fn by_default_the_stricter_rate_decides() {
        let score = |threshold, people| limit(threshold, people).unwrap().score;
        for people in [1, 11, 30, 100] {
            assert_eq!(score(Threshold::default(), people), 0.401, "{people}");
        }
        for people in [102, 1_000, 10_000] {
            let search = score(Threshold::Fpir(1e-2), people);
            assert_eq!(score(Threshold::default(), people), search, "{people}");
        }
    }

    #[test]
    fn without_a_calibration_a_rate_is_refused() {
        let (space, calibration) = calibration();
        let kind = Comparison::default();
        assert!(matches!(
            Threshold::Fmr(1e-4).limit(None, &kind, &space, 1),
            Err(Error::Uncalibrated { .. })
        ));
        let raw = Threshold::Score(0.3).limit(None, &kind, &space, 1).unwrap();
        assert_eq!((raw.score, raw.basis), (0.3, RateBasis::None));
        for rate in [0.0, 1.0, -1.0, f64::NAN] {
            for threshold in [
                Threshold::Fmr(rate),
                Threshold::Fpir(rate),
                Threshold::Both {
                    fpir: 0.1,
                    fmr: rate,
                },
                Threshold::Both {
                    fpir: rate,
                    fmr: 0.1,
                },
            ] {
                let limit = threshold.limit(Some(&calibration), &kind, &space, 1);
                assert!(
                    matches!(limit, Err(Error::InvalidArgument { .. })),
                    "{threshold:?}"
                );
            }
        }
    }

    #[test]
    fn a_rate_that_no_comparison_meets_is_an_error() {
        for threshold in [
            Threshold::Fmr(1e-7),
            Threshold::Fpir(1e-7),
            Threshold::Both {
                fpir: 0.1,
                fmr: 1e-7,
            },
            Threshold::Both {
                fpir: 1e-7,
                fmr: 1e-4,
            },
        ] {
            let error = limit(threshold, 1).unwrap_err();
            assert!(
                matches!(error, Error::RateOutOfRange { .. }),
                "{threshold:?}"
            );
        }
        assert!(limit(Threshold::Fmr(0.5), 1).is_err());
    }
}
