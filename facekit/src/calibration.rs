//! Calibrations and thresholds: scores as false-match rates.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    embed::EmbeddingSpace,
    error::{Error, Result},
    files::replace,
};

/// The false-match rate (FMR) of each score in one embedding space: how often two different people reach it.
///
/// It is measured on comparisons of different people; see [`ScoreHistogram`](crate::ScoreHistogram). Between the measured
/// points, the score is interpolated linearly over the logarithm of the rate.
///
/// ```
/// use facekit::{Calibration, CalibrationPoint, Digest, EmbeddingSpace};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 128);
/// let points = vec![CalibrationPoint { fmr: 1e-3, score: 0.33 }, CalibrationPoint { fmr: 1e-5, score: 0.47 }];
/// let calibration = Calibration::new(&space, points, "an example")?;
/// assert!((calibration.score_at(1e-4)? - 0.40).abs() < 1e-6);
/// assert!((calibration.fmr_of(0.40) / 1e-4 - 1.0).abs() < 1e-3);
/// assert!(calibration.score_at(1e-9).is_err(), "below the measured rates");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct Calibration {
    /// The model's name, for display.
    pub model: String,
    /// The fingerprint of the embedding space.
    pub space: Digest,
    /// The data and the method of the measurement.
    pub data: String,
    /// The number of comparisons of different people; 0 if unknown.
    pub impostor_comparisons: u64,
    /// The date of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Date>,
    /// Two or more points, with falling rates and rising scores.
    points: Vec<CalibrationPoint>,
}

/// The serialized form of a calibration, before its points are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    model: String,
    space: Digest,
    data: String,
    #[serde(default)]
    impostor_comparisons: u64,
    #[serde(default)]
    measured: Option<Date>,
    points: Vec<CalibrationPoint>,
}

impl TryFrom<Unchecked> for Calibration {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        let Unchecked {
            model,
            space,
            data,
            impostor_comparisons,
            measured,
            points,
        } = unchecked;
        let calibration = Self {
            model,
            space,
            data,
            impostor_comparisons,
            measured,
            points,
        };
        calibration.check()?;
        Ok(calibration)
    }
}

/// One point of a [`Calibration`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationPoint {
    /// The false-match rate, 0 to 1: the share of comparisons of different people whose score is at least `score`.
    pub fmr: f64,
    /// A cosine, −1 to 1.
    pub score: f32,
}

impl Calibration {
    /// Makes a calibration of `space` from measured points, in any order. `data` describes the measurement.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than two points, a rate is not above 0 and at most 1, a score is not
    /// within −1 to 1, or a lower rate does not have a higher score.
    pub fn new(
        space: &EmbeddingSpace,
        mut points: Vec<CalibrationPoint>,
        data: impl Into<String>,
    ) -> Result<Self> {
        points.sort_by(|a, b| b.fmr.total_cmp(&a.fmr));
        let calibration = Self {
            model: space.model().to_owned(),
            space: *space.fingerprint(),
            data: data.into(),
            impostor_comparisons: 0,
            measured: None,
            points,
        };
        calibration.check()?;
        Ok(calibration)
    }

    /// Reads a calibration file (TOML).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read, [`Error::Manifest`] if it is not a calibration.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(Error::io("reading", path))?;
        let manifest = |reason: String, source| Error::Manifest {
            origin: path.display().to_string(),
            reason,
            source,
        };
        toml::from_str(&text)
            .map_err(|error| manifest("is not a calibration".to_owned(), Some(error.into())))
    }

    /// The path of a gallery's own calibration, which is beside the gallery file and counts before the calibration that comes
    /// with the model.
    ///
    /// ```
    /// use std::path::Path;
    /// use facekit::Calibration;
    ///
    /// let path = Calibration::path_beside("data/people.gallery", "mobilefacenet");
    /// assert_eq!(path, Path::new("data/people.mobilefacenet.calibration.toml"));
    /// ```
    #[must_use]
    pub fn path_beside(gallery: impl AsRef<Path>, model: &str) -> PathBuf {
        let gallery = gallery.as_ref();
        let mut name = gallery.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{model}.calibration.toml"));
        gallery.with_file_name(name)
    }

    /// Reads the calibration at [`path_beside`](Self::path_beside) a gallery; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open), and [`Error::SpaceMismatch`] if the calibration is of another space.
    pub fn open_beside(gallery: impl AsRef<Path>, space: &EmbeddingSpace) -> Result<Option<Self>> {
        let path = Self::path_beside(gallery, space.model());
        if !path.exists() {
            return Ok(None);
        }
        let calibration = Self::open(&path)?;
        calibration.check_space(space)?;
        Ok(Some(calibration))
    }

    /// Writes a calibration file (TOML). An existing file is replaced in one step.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written, [`Error::Manifest`] if a number is too large for TOML.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = toml::to_string(self).map_err(|error| Error::Manifest {
            origin: path.display().to_string(),
            reason: "cannot be written as TOML".to_owned(),
            source: Some(error.into()),
        })?;
        replace(path, text.as_bytes())
    }

    /// The measured points, with falling rates and rising scores.
    #[must_use]
    pub fn points(&self) -> &[CalibrationPoint] {
        &self.points
    }

    /// Checks that this is the calibration of `space`.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] if it is the calibration of another space.
    pub fn check_space(&self, space: &EmbeddingSpace) -> Result<()> {
        if self.space == *space.fingerprint() {
            return Ok(());
        }
        Err(Error::SpaceMismatch {
            expected: space.to_string(),
            found: format!("a calibration of {}@{}", self.model, self.space.short()),
        })
    }

    /// The score at a false-match rate: different people reach it in this share of their comparisons.
    ///
    /// # Errors
    ///
    /// [`Error::RateOutOfRange`] outside the measured rates.
    pub fn score_at(&self, fmr: f64) -> Result<f32> {
        let (high, low) = (self.points[0], self.points[self.points.len() - 1]);
        // Rounding may put a rate that was written in decimal just outside the range.
        let slack = 1.0 + 1e-9;
        if !(fmr * slack >= low.fmr && fmr <= high.fmr * slack) {
            return Err(Error::RateOutOfRange {
                rate: "false-match rate",
                asked: fmr,
                low: low.fmr,
                high: high.fmr,
                space: self.model.clone(),
            });
        }
        let after = self
            .points
            .partition_point(|point| point.fmr > fmr)
            .clamp(1, self.points.len() - 1);
        let (a, b) = (self.points[after - 1], self.points[after]);
        let share = ((a.fmr / fmr).ln() / (a.fmr / b.fmr).ln()) as f32;
        Ok(a.score + share.clamp(0.0, 1.0) * (b.score - a.score))
    }

    /// The score at a false-match rate, or at the nearest measured rate.
    pub(crate) fn score_near(&self, fmr: f64) -> f32 {
        let (high, low) = (self.points[0], self.points[self.points.len() - 1]);
        if fmr >= high.fmr {
            high.score
        } else {
            self.score_at(fmr).unwrap_or(low.score)
        }
    }

    /// The false-match rate at `score`. Outside the measured scores it is an upper bound: above them the lowest measured
    /// rate, below them 1.
    #[must_use]
    pub fn fmr_of(&self, score: f32) -> f64 {
        let (first, last) = (self.points[0], self.points[self.points.len() - 1]);
        if score >= last.score {
            return last.fmr;
        }
        if score.is_nan() || score < first.score {
            return 1.0;
        }
        let after = self
            .points
            .partition_point(|point| point.score <= score)
            .clamp(1, self.points.len() - 1);
        let (a, b) = (self.points[after - 1], self.points[after]);
        let share = f64::from((score - a.score) / (b.score - a.score));
        a.fmr * (b.fmr / a.fmr).powf(share)
    }

    fn check(&self) -> Result<()> {
        let sound = |point: &CalibrationPoint| {
            point.fmr > 0.0 && point.fmr <= 1.0 && (-1.0..=1.0).contains(&point.score)
        };
        let ordered = self
            .points
            .windows(2)
            .all(|pair| pair[0].fmr > pair[1].fmr && pair[0].score < pair[1].score);
        if self.points.len() < 2 || !self.points.iter().all(sound) || !ordered {
            let reason = "needs two points or more, rates between 0 and 1, and a higher score for each lower rate";
            return Err(Error::argument("calibration", reason));
        }
        Ok(())
    }
}

/// The limit from which on two faces count as the same person's.
///
/// ```
/// use facekit::Threshold;
///
/// assert_eq!(Threshold::default(), Threshold::Fmr(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A false-match rate, between 0 and 1: the share of comparisons of two different people that may pass.
    Fmr(f64),
    /// A false-positive identification rate, between 0 and 1: the share of searches by people outside the gallery that may
    /// return a person. For a search among `n` templates this is a false-match rate of `1 − (1 − rate)^(1/n)`, if
    /// comparisons are independent. For small `n` that may be above the highest measured rate. Then the highest measured
    /// rate is used, and the identification rate is lower than requested.
    Fpir(f64),
    /// A raw score. It fits one embedding space only, and its rate is unknown without a calibration.
    Score(f32),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Fmr(1e-4)
    }
}

impl Threshold {
    /// The lowest score that passes, in a search among `templates` templates (1 for a comparison of two faces).
    ///
    /// # Errors
    ///
    /// [`Error::Uncalibrated`] for a rate without a calibration, [`Error::RateOutOfRange`] for a rate outside the measured
    /// ones, [`Error::InvalidArgument`] for a rate that is not between 0 and 1 or a score that is NaN.
    pub fn score(
        self,
        calibration: Option<&Calibration>,
        space: &EmbeddingSpace,
        templates: usize,
    ) -> Result<f32> {
        let rate = |rate: f64| {
            if rate > 0.0 && rate < 1.0 {
                Ok(rate)
            } else {
                Err(Error::argument(
                    "threshold",
                    format!("a rate of {rate} is not between 0 and 1"),
                ))
            }
        };
        let fmr = match self {
            Self::Score(score) if score.is_nan() => {
                return Err(Error::argument("threshold", "is not a number"));
            }
            Self::Score(score) => return Ok(score),
            Self::Fmr(fmr) => rate(fmr)?,
            Self::Fpir(fpir) => fmr_for_fpir(rate(fpir)?, templates),
        };
        let calibration = calibration.ok_or_else(|| Error::Uncalibrated {
            space: space.to_string(),
        })?;
        let fmr = match self {
            Self::Fpir(_) => fmr.min(calibration.points[0].fmr),
            _ => fmr,
        };
        calibration
            .score_at(fmr)
            .map_err(|error| match (self, error) {
                (
                    Self::Fpir(asked),
                    Error::RateOutOfRange {
                        low, high, space, ..
                    },
                ) => Error::RateOutOfRange {
                    rate: "false-positive identification rate",
                    asked,
                    low: fpir_for_fmr(low, templates),
                    high: fpir_for_fmr(high, templates),
                    space: format!("{space} with {templates} templates"),
                },
                (_, error) => error,
            })
    }
}

/// The false-match rate of a comparison at which a search among `templates` has the false-positive identification rate
/// `fpir`.
fn fmr_for_fpir(fpir: f64, templates: usize) -> f64 {
    -((-fpir).ln_1p() / templates.max(1) as f64).exp_m1()
}

fn fpir_for_fmr(fmr: f64, templates: usize) -> f64 {
    -((-fmr).ln_1p() * templates.max(1) as f64).exp_m1()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calibration() -> (EmbeddingSpace, Calibration) {
        let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 4);
        let points = [(1e-2, 0.2), (1e-3, 0.334), (1e-4, 0.401), (1e-5, 0.460)];
        let points = points
            .map(|(fmr, score)| CalibrationPoint { fmr, score })
            .to_vec();
        let calibration = Calibration::new(&space, points, "figures of a test").unwrap();
        (space, calibration)
    }

    proptest! {
        #[test]
        fn score_at_and_fmr_of_are_inverse(exponent in -5.0_f64..-2.0) {
            let fmr = 10_f64.powf(exponent);
            let (_, calibration) = calibration();
            let back = calibration.fmr_of(calibration.score_at(fmr).unwrap());
            prop_assert!((back / fmr - 1.0).abs() < 1e-3, "{fmr} became {back}");
        }
    }

    #[test]
    fn measured_points_are_returned_exactly() {
        let (_, calibration) = calibration();
        assert_eq!(calibration.score_at(1e-4).unwrap(), 0.401);
        assert_eq!(calibration.score_at(1e-5).unwrap(), 0.460);
        assert_eq!(calibration.fmr_of(0.9), 1e-5);
        assert_eq!(calibration.fmr_of(-0.5), 1.0);
        let near = [1e-1, 1e-2, 1e-4, 1e-9].map(|fmr| calibration.score_near(fmr));
        assert_eq!(near, [0.2, 0.2, 0.401, 0.460]);
    }

    #[test]
    fn the_rate_of_a_search_depends_on_its_size() {
        let (space, calibration) = calibration();
        let score = |threshold: Threshold, n| threshold.score(Some(&calibration), &space, n);
        assert!((score(Threshold::Fpir(1e-3), 1).unwrap() - 0.334).abs() < 1e-4);
        assert!((score(Threshold::Fpir(1e-2), 100).unwrap() - 0.401).abs() < 1e-3);
        let error = score(Threshold::Fpir(1e-3), 1000).unwrap_err().to_string();
        assert!(
            error.contains("false-positive identification rate")
                && error.contains("1000 templates"),
            "{error}"
        );
    }

    #[test]
    fn without_a_calibration_a_rate_is_refused() {
        let (space, calibration) = calibration();
        assert!(matches!(
            Threshold::Fmr(1e-4).score(None, &space, 1),
            Err(Error::Uncalibrated { .. })
        ));
        assert_eq!(Threshold::Score(0.3).score(None, &space, 1).unwrap(), 0.3);
        for rate in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(
                Threshold::Fmr(rate)
                    .score(Some(&calibration), &space, 1)
                    .is_err()
            );
        }
        assert!(matches!(
            calibration.score_at(1e-7),
            Err(Error::RateOutOfRange { .. })
        ));
    }

    #[test]
    fn points_out_of_order_are_refused() {
        let (space, _) = calibration();
        let points = |pairs: &[(f64, f32)]| {
            pairs
                .iter()
                .map(|&(fmr, score)| CalibrationPoint { fmr, score })
                .collect()
        };
        for pairs in [
            &[(1e-3, 0.3)][..],
            &[(1e-3, 0.3), (1e-4, 0.2)],
            &[(0.0, 0.3), (1e-4, 0.4)],
            &[(1e-3, 1.3), (1e-4, 1.4)],
        ] {
            assert!(
                Calibration::new(&space, points(pairs), "").is_err(),
                "{pairs:?}"
            );
        }
    }
}
