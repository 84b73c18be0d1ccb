use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One point of a [`Curve`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CalibrationPoint {
    /// The false-match rate, 0 to 1: the share of comparisons of different people whose score is at least `score`.
    pub fmr: f64,
    /// A cosine, −1 to 1.
    pub score: f32,
    /// The interval of the rate at this score; `None` if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<RateInterval>,
}

impl CalibrationPoint {
    /// A point without an interval.
    #[must_use]
    pub fn new(fmr: f64, score: f32) -> Self {
        Self {
            fmr,
            score,
            interval: None,
        }
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn with_interval(mut self, interval: RateInterval) -> Self {
        self.interval = Some(interval);
        self
    }
}

/// The 95 % confidence interval of a rate, for other people of the same population.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateInterval {
    /// The lower end, 0 or greater.
    pub low: f64,
    /// The upper end, at most 1.
    pub high: f64,
}

/// The false-match rate of each score, for comparisons of one kind.
///
/// The counted points come from comparisons. Below the lowest counted rate, extrapolated points can follow, at most one order of
/// magnitude further: they come from a distribution that was fitted to the highest scores (see
/// [`ImpostorScores`](crate::ImpostorScores)). Between points, the score is interpolated linearly over the logarithm of the
/// rate.
///
/// ```
/// use facekit::{CalibrationPoint, Curve};
///
/// let counted = vec![CalibrationPoint::new(1e-3, 0.33), CalibrationPoint::new(1e-5, 0.47)];
/// let extrapolated = vec![CalibrationPoint::new(1e-6, 0.52)];
/// let curve = Curve::new(counted, extrapolated)?;
/// assert!((curve.score_at(1e-4)? - 0.40).abs() < 1e-6);
/// assert_eq!(curve.score_at(1e-6)?, 0.52);
/// assert!(curve.is_extrapolated(1e-6) && !curve.is_extrapolated(1e-5));
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    points: Vec<CalibrationPoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extrapolated: Vec<CalibrationPoint>,
}

impl Curve {
    /// Makes a curve from counted and extrapolated points, each in any order.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than two counted points, a rate is not above 0 and at most 1, a score is
    /// not within −1 to 1, a lower rate does not have a higher score, an extrapolated rate is below a tenth of the lowest counted
    /// one, or an interval is not one.
    pub fn new(
        mut points: Vec<CalibrationPoint>,
        mut extrapolated: Vec<CalibrationPoint>,
    ) -> Result<Self> {
        points.sort_by(|a, b| b.fmr.total_cmp(&a.fmr));
        extrapolated.sort_by(|a, b| b.fmr.total_cmp(&a.fmr));
        let curve = Self {
            points,
            extrapolated,
        };
        curve.check()?;
        Ok(curve)
    }

    /// The counted points, with falling rates and rising scores.
    #[must_use]
    pub fn points(&self) -> &[CalibrationPoint] {
        &self.points
    }

    /// The extrapolated points, with falling rates and rising scores. They continue the counted ones.
    #[must_use]
    pub fn extrapolated(&self) -> &[CalibrationPoint] {
        &self.extrapolated
    }

    /// The highest rate of the curve.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.points[0].fmr
    }

    /// The lowest rate that was counted.
    #[must_use]
    pub fn lowest_counted(&self) -> f64 {
        self.points[self.points.len() - 1].fmr
    }

    /// The lowest rate, counted or extrapolated.
    #[must_use]
    pub fn lowest(&self) -> f64 {
        self.last().fmr
    }

    /// Returns true if a rate is below the lowest counted one, so that it is known by extrapolation alone.
    #[must_use]
    pub fn is_extrapolated(&self, fmr: f64) -> bool {
        fmr * SLACK < self.lowest_counted()
    }

    /// The score at a false-match rate: different people reach it in this share of their comparisons.
    ///
    /// # Errors
    ///
    /// [`Error::RateOutOfRange`] outside the rates of the curve.
    pub fn score_at(&self, fmr: f64) -> Result<f32> {
        let (high, low) = (self.highest(), self.lowest());
        if !(fmr * SLACK >= low && fmr <= high * SLACK) {
            return Err(Error::RateOutOfRange {
                rate: "false-match rate",
                asked: fmr,
                low,
                high,
                space: "this curve".to_owned(),
            });
        }
        let (a, b) = self.around(|point| point.fmr > fmr);
        let share = ((a.fmr / fmr).ln() / (a.fmr / b.fmr).ln()) as f32;
        Ok(a.score + share.clamp(0.0, 1.0) * (b.score - a.score))
    }

    /// The score at a false-match rate, or at the nearest rate of the curve.
    pub(crate) fn score_near(&self, fmr: f64) -> f32 {
        if fmr >= self.highest() {
            self.points[0].score
        } else {
            self.score_at(fmr).unwrap_or_else(|_| self.last().score)
        }
    }

    /// The false-match rate at `score`. Outside the scores of the curve it is an upper bound: above them the lowest rate, below
    /// them 1.
    #[must_use]
    pub fn fmr_of(&self, score: f32) -> f64 {
        if score >= self.last().score {
            return self.lowest();
        }
        if score.is_nan() || score < self.points[0].score {
            return 1.0;
        }
        let (a, b) = self.around(|point| point.score <= score);
        let share = f64::from((score - a.score) / (b.score - a.score));
        a.fmr * (b.fmr / a.fmr).powf(share)
    }

    /// The interval of the rate at the score of `fmr`; `None` if a point beside it has no interval.
    #[must_use]
    pub fn interval_at(&self, fmr: f64) -> Option<RateInterval> {
        let (a, b) = self.around(|point| point.fmr > fmr);
        let share = ((a.fmr / fmr).ln() / (a.fmr / b.fmr).ln()).clamp(0.0, 1.0);
        // The ends relative to the rate change slowly.
        let relative = |point: CalibrationPoint, end: fn(RateInterval) -> f64| {
            Some(end(point.interval?) / point.fmr)
        };
        let between = |end: fn(RateInterval) -> f64| {
            let (a, b) = (relative(a, end)?, relative(b, end)?);
            Some(fmr * (a + share * (b - a)))
        };
        Some(RateInterval {
            low: between(|interval| interval.low)?,
            high: between(|interval| interval.high)?.min(1.0),
        })
    }

    /// This curve, with the score of `other` at each rate at which that is higher. Outside the rates of `other`, its score at the
    /// nearest rate counts. The intervals are those of this curve.
    #[must_use]
    pub(crate) fn stricter(&self, other: &Self) -> Self {
        self.with_scores(|point| other.score_near(point.fmr).max(point.score))
    }

    /// This curve for another kind of comparison: raised by what `to` is higher than `from` at each rate, or at the lowest rate of
    /// both.
    #[must_use]
    pub(crate) fn raised(&self, to: &Self, from: &Self) -> Self {
        let lowest = to.lowest().max(from.lowest());
        self.with_scores(|point| {
            let fmr = point.fmr.max(lowest);
            point.score + (to.score_near(fmr) - from.score_near(fmr)).max(0.0)
        })
    }

    /// This curve with other scores. Scores that do not rise, or that are above 1, are changed by as little as possible.
    fn with_scores(&self, score: impl Fn(&CalibrationPoint) -> f32) -> Self {
        let mut curve = self.clone();
        let mut least = f32::NEG_INFINITY;
        for point in curve.all_mut() {
            point.score = score(point).max(least);
            least = point.score.next_up();
        }
        let mut greatest = 1.0_f32;
        for point in curve.all_mut().rev() {
            point.score = point.score.min(greatest);
            greatest = point.score.next_down();
        }
        curve
    }

    fn all(&self) -> impl Iterator<Item = &CalibrationPoint> {
        self.points.iter().chain(&self.extrapolated)
    }

    fn all_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut CalibrationPoint> {
        self.points.iter_mut().chain(&mut self.extrapolated)
    }

    fn last(&self) -> &CalibrationPoint {
        let last = self.extrapolated.last();
        last.unwrap_or(&self.points[self.points.len() - 1])
    }

    /// The last point that is `before`, and the next one; the ends of the curve have a neighbor, too.
    fn around(
        &self,
        before: impl Fn(&CalibrationPoint) -> bool,
    ) -> (CalibrationPoint, CalibrationPoint) {
        let count = self.points.len() + self.extrapolated.len();
        let after = self.all().position(|point| !before(point));
        let after = after.unwrap_or(count).clamp(1, count - 1);
        let at = |nth: usize| match nth.checked_sub(self.points.len()) {
            None => self.points[nth],
            Some(nth) => self.extrapolated[nth],
        };
        (at(after - 1), at(after))
    }

    fn check(&self) -> Result<()> {
        let sound = |point: &CalibrationPoint| {
            let interval = point
                .interval
                .is_none_or(|it| 0.0 <= it.low && it.low <= it.high && it.high <= 1.0);
            point.fmr > 0.0 && point.fmr <= 1.0 && (-1.0..=1.0).contains(&point.score) && interval
        };
        let later = self.all().skip(1);
        let ordered = self
            .all()
            .zip(later)
            .all(|(a, b)| a.fmr > b.fmr && a.score < b.score);
        let reason = if self.points.len() < 2 || !self.all().all(sound) || !ordered {
            "needs two points or more, rates between 0 and 1, and a higher score for each lower rate"
        } else if self.lowest() * 10.0 * SLACK < self.lowest_counted() {
            "extrapolates by more than one order of magnitude"
        } else {
            return Ok(());
        };
        Err(Error::argument("calibration", reason))
    }
}

/// Rounding may put a rate that was written in decimal just outside a range.
pub(super) const SLACK: f64 = 1.0 + 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f32)]) -> Vec<CalibrationPoint> {
        pairs
            .iter()
            .map(|&(fmr, score)| CalibrationPoint::new(fmr, score))
            .collect()
    }

    #[test]
    fn extrapolation_ends_after_one_order_of_magnitude() {
        let counted = points(&[(1e-2, 0.2), (1e-4, 0.4)]);
        let curve = Curve::new(counted.clone(), points(&[(1e-5, 0.46), (5e-5, 0.43)])).unwrap();
        assert_eq!((curve.lowest_counted(), curve.lowest()), (1e-4, 1e-5));
        assert_eq!(curve.score_at(5e-5).unwrap(), 0.43);
        assert_eq!(curve.fmr_of(0.9), 1e-5);
        assert!(curve.is_extrapolated(9e-5) && !curve.is_extrapolated(1e-4));
        assert!(matches!(
            curve.score_at(0.9e-5),
            Err(Error::RateOutOfRange { low: 1e-5, .. })
        ));
        for wrong in [&[(0.9e-5, 0.5)][..], &[(5e-5, 0.4)], &[(2e-4, 0.5)]] {
            assert!(
                Curve::new(counted.clone(), points(wrong)).is_err(),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn intervals_are_interpolated_relative_to_the_rate() {
        let point = |fmr, score, low, high| {
            CalibrationPoint::new(fmr, score).with_interval(RateInterval { low, high })
        };
        let counted = vec![point(1e-2, 0.2, 1e-2, 1e-2), point(1e-4, 0.4, 0.5e-4, 2e-4)];
        let curve = Curve::new(counted, Vec::new()).unwrap();
        let middle = curve.interval_at(1e-3).unwrap();
        assert!((middle.low / 0.75e-3 - 1.0).abs() < 1e-6, "{middle:?}");
        assert!((middle.high / 1.5e-3 - 1.0).abs() < 1e-6, "{middle:?}");
        let plain = Curve::new(points(&[(1e-2, 0.2), (1e-4, 0.4)]), Vec::new()).unwrap();
        assert_eq!(plain.interval_at(1e-3), None);
        let reversed = RateInterval {
            low: 0.2,
            high: 0.1,
        };
        let reversed = vec![
            CalibrationPoint::new(0.15, 0.1).with_interval(reversed),
            CalibrationPoint::new(0.1, 0.2),
        ];
        assert!(Curve::new(reversed, Vec::new()).is_err());
    }

    #[test]
    fn the_stricter_of_two_curves_has_the_higher_scores() {
        let a = Curve::new(points(&[(1e-2, 0.2), (1e-4, 0.4)]), points(&[(1e-5, 0.45)])).unwrap();
        let b = Curve::new(points(&[(1e-2, 0.1), (1e-4, 0.5)]), Vec::new()).unwrap();
        let both = a.stricter(&b);
        assert_eq!(both.score_at(1e-2).unwrap(), 0.2);
        assert_eq!(both.score_at(1e-4).unwrap(), 0.5);
        // `b` does not have this rate, so its strictest score counts.
        assert!(both.score_at(1e-5).unwrap() > 0.5);
        both.check().unwrap();
    }

    #[test]
    fn a_curve_is_raised_by_a_difference() {
        let own = Curve::new(points(&[(1e-2, 0.2), (1e-4, 0.4)]), points(&[(1e-5, 0.45)])).unwrap();
        let from = Curve::new(points(&[(1e-2, 0.1), (1e-4, 0.3)]), Vec::new()).unwrap();
        let to = Curve::new(points(&[(1e-2, 0.05), (1e-4, 0.35)]), Vec::new()).unwrap();
        let raised = own.raised(&to, &from);
        let scores = [1e-2, 1e-4, 1e-5].map(|fmr| raised.score_at(fmr).unwrap());
        // Lower scores do not lower it, and below 1e-4 the last difference counts.
        for (score, expected) in scores.into_iter().zip([0.2, 0.45, 0.5]) {
            assert!((score - expected).abs() < 1e-6, "{scores:?}");
        }
    }

    #[test]
    fn no_score_is_raised_above_1() {
        let own = Curve::new(points(&[(1e-2, 0.2), (1e-4, 0.4)]), points(&[(1e-5, 0.45)])).unwrap();
        let from = Curve::new(points(&[(1e-2, 0.1), (1e-4, 0.2)]), Vec::new()).unwrap();
        let to = Curve::new(points(&[(1e-2, 0.15), (1e-4, 0.95)]), Vec::new()).unwrap();
        for curve in [own.raised(&to, &from), to.stricter(&own.raised(&to, &from))] {
            curve.check().unwrap();
            assert!((curve.score_at(1e-2).unwrap() - 0.25).abs() < 1e-6);
            assert!(curve.score_at(1e-4).unwrap() > 0.999);
        }
    }
}
