//! Calibrations and thresholds: scores as false-match rates.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    comparison::Comparison,
    digest::Digest,
    embed::EmbeddingSpace,
    error::{Error, Result},
    files::replace,
};

mod capacity;
mod curve;
mod threshold;

pub use capacity::{Capacity, Room};
pub use curve::{CalibrationPoint, Curve, RateInterval};
pub use threshold::{MatchLimit, RateBasis, Threshold};

/// The false-match rate (FMR) of each score in one embedding space: how often two different people reach it.
///
/// It is measured on comparisons of different people; see [`ImpostorScores`](crate::ImpostorScores). The same score has another
/// rate if a template is the mean of several photos, or if mirror images are compared. So a calibration has a [`Curve`] for each
/// kind of [`Comparison`]. The first one is for a plain photo on both sides. It counts for each kind that has no curve of its own.
///
/// ```
/// use facekit::{Calibration, CalibrationPoint, Comparison, Curve, Digest, EmbeddingSpace};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 128);
/// let points = vec![CalibrationPoint::new(1e-3, 0.33), CalibrationPoint::new(1e-5, 0.47)];
/// let calibration = Calibration::new(&space, points, "an example")?;
/// assert!((calibration.score_at(1e-4)? - 0.40).abs() < 1e-6);
/// assert!((calibration.fmr_of(0.40) / 1e-4 - 1.0).abs() < 1e-3);
/// assert!(calibration.score_at(1e-9).is_err(), "below the measured rates");
///
/// let of_three = Comparison::default().with_photos(3);
/// let points = vec![CalibrationPoint::new(1e-3, 0.35), CalibrationPoint::new(1e-5, 0.49)];
/// let calibration = calibration.with_curve(of_three, Curve::new(points, Vec::new())?, 0);
/// assert!(calibration.curve(&of_three).score_at(1e-3)? > calibration.score_at(1e-3)?);
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
    /// The number of comparisons of different people behind the first curve; 0 if unknown.
    pub impostor_comparisons: u64,
    /// The date of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Date>,
    #[serde(flatten)]
    plain: Curve,
    #[serde(rename = "curve", skip_serializing_if = "Vec::is_empty")]
    curves: Vec<ComparedCurve>,
}

/// A curve, and what was compared for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ComparedCurve {
    #[serde(flatten)]
    comparison: Comparison,
    impostor_comparisons: u64,
    #[serde(flatten)]
    curve: Curve,
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
    #[serde(default)]
    extrapolated: Vec<CalibrationPoint>,
    #[serde(default, rename = "curve")]
    curves: Vec<UncheckedCurve>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedCurve {
    photos: usize,
    mirrored_template: bool,
    mirrored_probe: bool,
    #[serde(default)]
    impostor_comparisons: u64,
    points: Vec<CalibrationPoint>,
    #[serde(default)]
    extrapolated: Vec<CalibrationPoint>,
}

impl TryFrom<Unchecked> for Calibration {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        let mut calibration = Self {
            model: unchecked.model,
            space: unchecked.space,
            data: unchecked.data,
            impostor_comparisons: unchecked.impostor_comparisons,
            measured: unchecked.measured,
            plain: Curve::new(unchecked.points, unchecked.extrapolated)?,
            curves: Vec::new(),
        };
        for unchecked in unchecked.curves {
            let comparison = Comparison::default()
                .with_photos(unchecked.photos)
                .with_mirrored_template(unchecked.mirrored_template)
                .with_mirrored_probe(unchecked.mirrored_probe);
            let curve = Curve::new(unchecked.points, unchecked.extrapolated)?;
            calibration = calibration.with_curve(comparison, curve, unchecked.impostor_comparisons);
        }
        Ok(calibration)
    }
}

impl Calibration {
    /// Makes a calibration of `space` from counted points, in any order. `data` describes the measurement.
    ///
    /// # Errors
    ///
    /// Those of [`Curve::new`].
    pub fn new(
        space: &EmbeddingSpace,
        points: Vec<CalibrationPoint>,
        data: impl Into<String>,
    ) -> Result<Self> {
        let curve = Curve::new(points, Vec::new())?;
        Ok(Self::from_curve(space, curve, data))
    }

    /// Makes a calibration of `space` from the curve of a plain photo on both sides. `data` describes the measurement.
    #[must_use]
    pub fn from_curve(space: &EmbeddingSpace, curve: Curve, data: impl Into<String>) -> Self {
        Self {
            model: space.model().to_owned(),
            space: *space.fingerprint(),
            data: data.into(),
            impostor_comparisons: 0,
            measured: None,
            plain: curve,
            curves: Vec::new(),
        }
    }

    /// Adds the curve of a kind of comparison, or replaces it. `impostor_comparisons` is the number of comparisons of different
    /// people behind it, 0 if unknown.
    #[must_use]
    pub fn with_curve(
        mut self,
        comparison: Comparison,
        curve: Curve,
        impostor_comparisons: u64,
    ) -> Self {
        if comparison == Comparison::default() {
            self.plain = curve;
            self.impostor_comparisons = impostor_comparisons;
            return self;
        }
        self.curves.retain(|other| other.comparison != comparison);
        self.curves.push(ComparedCurve {
            comparison,
            impostor_comparisons,
            curve,
        });
        self.curves.sort_by_key(|curve| {
            let of = curve.comparison;
            (of.mirrored_template, of.mirrored_probe, of.photos)
        });
        self
    }

    /// Adds the curve of a kind of comparison, made at least as strict as the curve of the next smaller number of photos. More
    /// photos in a mean make the scores of strangers higher, so a curve with lower scores is an accident of few comparisons.
    #[must_use]
    pub(crate) fn with_stricter_curve(
        self,
        comparison: Comparison,
        mut curve: Curve,
        impostor_comparisons: u64,
    ) -> Self {
        let curves = self.curves_like(&comparison);
        let fewer = curves.filter(|(of, _)| of.photos < comparison.photos);
        if let Some((_, fewer)) = fewer.last() {
            curve = curve.stricter(fewer);
        }
        self.with_curve(comparison, curve, impostor_comparisons)
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
        match Self::open(&path) {
            Ok(calibration) => {
                calibration.check_space(space)?;
                Ok(Some(calibration))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
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

    /// The counted points of the first curve, with falling rates and rising scores.
    #[must_use]
    pub fn points(&self) -> &[CalibrationPoint] {
        self.plain.points()
    }

    /// The curve of a kind of comparison.
    ///
    /// If there is no curve for the number of photos, it is that of the next greater number, or else of the greatest number. In the
    /// calibrations of [`measure`](Self::measure) and of the models that come with facekit, the curve of a greater number is at
    /// least as strict. If there is none for the use of mirror images, it is that of plain photos.
    #[must_use]
    pub fn curve(&self, comparison: &Comparison) -> &Curve {
        let photos = comparison.photos.max(1);
        // Sorted by the number of photos.
        let mut greatest = None;
        for (of, curve) in self.curves_like(comparison) {
            if of.photos >= photos {
                return curve;
            }
            greatest = Some(curve);
        }
        greatest.unwrap_or(&self.plain)
    }

    /// The curves for templates and probes of this kind, each with its number of photos.
    pub(crate) fn curves_like(
        &self,
        comparison: &Comparison,
    ) -> impl Iterator<Item = (Comparison, &Curve)> {
        let (template, probe) = (comparison.mirrored_template, comparison.mirrored_probe);
        self.curves()
            .filter(move |(of, _)| of.mirrored_template == template && of.mirrored_probe == probe)
    }

    /// All curves, each with its kind of comparison.
    pub fn curves(&self) -> impl Iterator<Item = (Comparison, &Curve)> {
        let plain = (Comparison::default(), &self.plain);
        let others = self.curves.iter().map(|it| (it.comparison, &it.curve));
        std::iter::once(plain).chain(others)
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

    /// The score at a false-match rate in comparisons of plain photos.
    ///
    /// # Errors
    ///
    /// [`Error::RateOutOfRange`] outside the rates of the curve.
    pub fn score_at(&self, fmr: f64) -> Result<f32> {
        self.plain.score_at(fmr).map_err(|error| self.named(error))
    }

    /// The false-match rate at `score` in comparisons of plain photos. See [`Curve::fmr_of`].
    #[must_use]
    pub fn fmr_of(&self, score: f32) -> f64 {
        self.plain.fmr_of(score)
    }

    /// The error of a curve, with the name of the model.
    fn named(&self, mut error: Error) -> Error {
        if let Error::RateOutOfRange { space, .. } = &mut error {
            space.clone_from(&self.model);
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(pairs: &[(f64, f32)]) -> Vec<CalibrationPoint> {
        pairs
            .iter()
            .map(|&(fmr, score)| CalibrationPoint::new(fmr, score))
            .collect()
    }

    fn calibration() -> (EmbeddingSpace, Calibration) {
        let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 4);
        let points = points(&[(1e-2, 0.2), (1e-3, 0.334), (1e-4, 0.401), (1e-5, 0.460)]);
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
        let near = [1e-1, 1e-2, 1e-4, 1e-9].map(|fmr| calibration.plain.score_near(fmr));
        assert_eq!(near, [0.2, 0.2, 0.401, 0.460]);
        let error = calibration.score_at(1e-7).unwrap_err();
        assert!(matches!(error, Error::RateOutOfRange { .. }));
        assert!(error.to_string().contains("example"), "{error}");
    }

    #[test]
    fn points_out_of_order_are_refused() {
        let (space, _) = calibration();
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

    #[test]
    fn each_kind_of_comparison_has_its_curve() {
        let (_, calibration) = calibration();
        let mirrored = |photos| {
            let of = Comparison::default().with_photos(photos);
            of.with_mirrored_template(true).with_mirrored_probe(true)
        };
        let curve = |score| Curve::new(points(&[(1e-2, 0.1), (1e-4, score)]), Vec::new()).unwrap();
        let calibration = calibration
            .with_curve(mirrored(5), curve(0.5), 2)
            .with_curve(mirrored(2), curve(0.3), 1);
        let score = |of: Comparison| calibration.curve(&of).score_at(1e-4).unwrap();
        assert_eq!(
            [1, 2, 3, 5, 9].map(|photos| score(mirrored(photos))),
            [0.3, 0.3, 0.5, 0.5, 0.5]
        );
        // These have no curve of their own.
        assert_eq!(score(Comparison::default().with_photos(3)), 0.401);
        assert_eq!(score(mirrored(2).with_mirrored_template(false)), 0.401);
    }

    #[test]
    fn a_file_holds_all_curves() {
        let (_, calibration) = calibration();
        let old = toml::to_string(&calibration).unwrap();
        assert!(
            !old.contains("curve") && !old.contains("extrapolated"),
            "{old}"
        );
        let interval = RateInterval {
            low: 5e-6,
            high: 2e-5,
        };
        let counted = vec![
            CalibrationPoint::new(1e-2, 0.1),
            CalibrationPoint::new(1e-5, 0.4).with_interval(interval),
        ];
        let curve = Curve::new(counted, points(&[(1e-6, 0.5)])).unwrap();
        let of_three = Comparison::default().with_photos(3);
        let calibration = calibration.with_curve(of_three, curve, 1_000_000);
        let text = toml::to_string(&calibration).unwrap();
        assert_eq!(toml::from_str::<Calibration>(&text).unwrap(), calibration);
        let json = serde_json::to_string(&calibration).unwrap();
        assert_eq!(
            serde_json::from_str::<Calibration>(&json).unwrap(),
            calibration
        );
        let wrong = text.replace("photos = 3", "photos = 3\nfaces = 3");
        assert!(toml::from_str::<Calibration>(&wrong).is_err());
    }
}
