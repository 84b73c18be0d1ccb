//! Recognizability: the faces that an embedder can tell apart.

use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Embedding, EmbeddingSpace, discriminant};
use crate::{
    digest::Digest,
    error::{Error, Result},
    files::replace,
};

/// The regions of an embedding space that hold faces which the embedder cannot recognize.
///
/// An embedder puts faces that it cannot recognize, such as blurred faces and faces upside down, into few regions. So they match
/// each other even if they show different people, and false-match rates do not hold for them (Deng et al. 2023, "Harnessing Unrecognizable
/// Faces for Improving Face Recognition"). For each kind of such faces there is a direction that separates them from others
/// (Fisher 1936). The recognizability of a face tells how far it is from the nearest region: one dot product for each kind.
///
/// Recognizability is from 0 to 1. At 0.5 the face may be compared, and at 0.75 it may be enrolled. These are the limits that
/// were chosen when the directions were measured.
///
/// ```
/// use facekit::{Digest, EmbeddingSpace, Recognizability, UnrecognizableKind};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// // Faces with a dot product of 0.8 are not compared. Those from 0.6 on are not enrolled.
/// let blurred = UnrecognizableKind::new("blurred", &[1.0, 0.0], 0.8, 0.6)?;
/// let recognizability = Recognizability::new(&space, vec![blurred], Vec::new(), "an example")?;
/// assert!((recognizability.of(&[0.8, 0.6]) - 0.5).abs() < 1e-6);
/// assert!((recognizability.of(&[0.6, 0.8]) - 0.75).abs() < 1e-6);
/// assert_eq!(recognizability.of(&[0.0, 1.0]), 1.0);
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// Recognizability can also remove directions from embeddings: those in which blur moves every embedding
/// (nuisance attribute projection, Solomonoff et al. 2005). Slightly blurred faces then match others less often. What is left is
/// another embedding space. Recognizability is measured before directions are removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct Recognizability {
    /// The model's name, for display.
    pub model: String,
    /// The fingerprint of the embedding space, after directions are removed.
    pub space: Digest,
    /// The data and the method of the measurement.
    pub data: String,
    /// The date of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Date>,
    /// The removed directions: vectors of length one, at right angles to each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<Vec<f32>>,
    /// One or more kinds, with directions of one dimension.
    kinds: Vec<UnrecognizableKind>,
}

/// A kind of faces that an embedder cannot recognize.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnrecognizableKind {
    /// The name, for display.
    pub name: String,
    /// The dot product with the direction from which on a face may not be compared.
    pub comparison: f32,
    /// The dot product from which on a face may not be enrolled; less than `comparison`.
    pub enrollment: f32,
    /// A vector of length one.
    direction: Vec<f32>,
}

/// The recognizability at the two limits of a kind.
const AT_COMPARISON: f32 = 0.5;
const AT_ENROLLMENT: f32 = 0.75;

/// The share of upright faces that a kind may refuse, for comparison and for enrollment.
const REFUSED: f64 = 0.006;
const REFUSED_FOR_ENROLLMENT: f64 = 0.02;
/// The share of the faces of a kind that need not be refused if it is far from upright faces.
const MISSED: f64 = 0.005;
/// The least difference of the two limits.
const STEP: f32 = 0.02;

impl UnrecognizableKind {
    /// A kind in the direction of `values`, which are scaled to length one and rounded to four digits.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a value is not finite, all are zero, or the limits are not in order and within −1 to 1.
    pub fn new(
        name: impl Into<String>,
        values: &[f32],
        comparison: f32,
        enrollment: f32,
    ) -> Result<Self> {
        let kind = Self {
            name: name.into(),
            comparison,
            enrollment,
            direction: rounded(values),
        };
        kind.check()?;
        Ok(kind)
    }

    /// The direction. Its squares sum to one, up to rounding.
    #[must_use]
    pub fn direction(&self) -> &[f32] {
        &self.direction
    }

    /// The recognizability by this kind alone, not limited to 0 to 1.
    fn of(&self, embedding: &[f32]) -> f32 {
        let product = product(&self.direction, embedding);
        let step = self.comparison - self.enrollment;
        AT_COMPARISON + (AT_ENROLLMENT - AT_COMPARISON) * (self.comparison - product) / step
    }

    fn check(&self) -> Result<()> {
        let refused = |reason: String| {
            Err(Error::argument(
                "recognizability",
                format!("kind {:?}: {reason}", self.name),
            ))
        };
        if !is_unit(&self.direction) {
            return refused("the direction is not a vector of length one".to_owned());
        }
        let limits = [self.comparison, self.enrollment];
        let sound = limits.iter().all(|limit| (-1.0..=1.0).contains(limit));
        if !(sound && self.enrollment < self.comparison) {
            return refused(format!(
                "the limits are {} for comparison and {} for enrollment; numbers from -1 to 1 are needed, with a lower one for \
                 enrollment",
                self.comparison, self.enrollment
            ));
        }
        Ok(())
    }
}

/// Scaled to length one, and rounded to four digits: more than enough, and a manifest is read by people.
fn rounded(values: &[f32]) -> Vec<f32> {
    let squares = values.iter().map(|value| f64::from(*value).powi(2));
    let length = squares.sum::<f64>().sqrt();
    values
        .iter()
        .map(|value| ((1e4 * f64::from(*value) / length).round() / 1e4) as f32)
        .collect()
}

/// True for a vector of length one, up to rounding.
fn is_unit(values: &[f32]) -> bool {
    let length: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    (0.99..1.01).contains(&length)
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The serialized form, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    model: String,
    space: Digest,
    data: String,
    #[serde(default)]
    measured: Option<Date>,
    #[serde(default)]
    removed: Vec<Vec<f32>>,
    kinds: Vec<UnrecognizableKind>,
}

impl TryFrom<Unchecked> for Recognizability {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        let Unchecked {
            model,
            space,
            data,
            measured,
            removed,
            kinds,
        } = unchecked;
        let recognizability = Self {
            model,
            space,
            data,
            measured,
            removed,
            kinds,
        };
        recognizability.check()?;
        Ok(recognizability)
    }
}

/// Embeddings of one space, by which recognizability is measured.
#[derive(Clone, Debug, Default)]
pub struct RecognizabilitySamples {
    /// Faces that can be recognized.
    pub upright: Vec<Embedding>,
    /// Faces that are slightly spoiled, and can still be recognized.
    pub mild: Vec<Embedding>,
    /// The kinds of faces that cannot be recognized, with their names.
    pub kinds: Vec<(String, Vec<Embedding>)>,
}

impl Recognizability {
    /// The recognizability of embeddings of `space`, from which the directions `removed` are removed. `data` describes the
    /// measurement.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there is no kind, a direction has another dimension than the space, or removed directions are
    /// not at right angles to each other.
    pub fn new(
        space: &EmbeddingSpace,
        kinds: Vec<UnrecognizableKind>,
        removed: Vec<Vec<f32>>,
        data: impl Into<String>,
    ) -> Result<Self> {
        let mut recognizability = Self {
            model: space.model().to_owned(),
            space: *space.fingerprint(),
            data: data.into(),
            measured: None,
            removed,
            kinds,
        };
        recognizability.check()?;
        let without = recognizability.space_within(space);
        recognizability.space = *without.fingerprint();
        recognizability.check_space(&without)?;
        Ok(recognizability)
    }

    /// Measures directions and limits for embeddings of `space`, from which the directions `removed` are removed.
    ///
    /// A kind refuses at most 0.6 % of the upright faces for comparison, and 2 % for enrollment; less if it is far from them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than 100 upright faces, or fewer than 20 of a kind;
    /// [`Error::SpaceMismatch`] if an embedding is of another space.
    pub fn measure(
        space: &EmbeddingSpace,
        samples: &RecognizabilitySamples,
        removed: Vec<Vec<f32>>,
        data: impl Into<String>,
    ) -> Result<Self> {
        let RecognizabilitySamples {
            upright,
            mild,
            kinds,
        } = samples;
        for (name, faces, fewest) in [("upright", upright, 100)]
            .into_iter()
            .chain(kinds.iter().map(|(name, faces)| (name.as_str(), faces, 20)))
        {
            if faces.len() < fewest {
                let reason = format!("{} faces {name}, at least {fewest} needed", faces.len());
                return Err(Error::argument("recognizability", reason));
            }
        }
        let others = kinds.iter().flat_map(|(_, faces)| faces);
        for embedding in upright.iter().chain(mild).chain(others) {
            space.check(embedding.space())?;
        }
        let good: Vec<&[f32]> = upright.iter().chain(mild).map(Embedding::values).collect();
        let measured = kinds
            .iter()
            .map(|(name, faces)| {
                let faces: Vec<&[f32]> = faces.iter().map(Embedding::values).collect();
                let direction = discriminant::direction(&good, &faces).ok_or_else(|| {
                    let reason = format!("faces {name} are the same as upright faces");
                    Error::argument("recognizability", reason)
                })?;
                let direction = rounded(&direction);
                let products = |faces: &mut dyn Iterator<Item = &[f32]>| {
                    let mut products: Vec<f32> =
                        faces.map(|face| product(&direction, face)).collect();
                    products.sort_by(f32::total_cmp);
                    products
                };
                let of_upright = products(&mut upright.iter().map(Embedding::values));
                let of_kind = products(&mut faces.iter().copied());
                let limit = |refused: f64, missed: f64| {
                    at(&of_upright, 1.0 - refused).max(at(&of_kind, missed))
                };
                let comparison = limit(REFUSED, MISSED);
                let enrollment = limit(REFUSED_FOR_ENROLLMENT, 0.0).min(comparison - STEP);
                UnrecognizableKind::new(name.clone(), &direction, comparison, enrollment)
            })
            .collect::<Result<_>>()?;
        Self::new(space, measured, removed, data)
    }

    /// The `count` directions in which embeddings move most when a photo is spoiled. `moves` are pairs of embeddings of a photo:
    /// upright and spoiled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than 20 moves.
    pub fn nuisance(moves: &[(Embedding, Embedding)], count: usize) -> Result<Vec<Vec<f32>>> {
        const FEWEST: usize = 20;
        if moves.len() < FEWEST {
            let reason = format!("{} spoiled photos, at least {FEWEST} needed", moves.len());
            return Err(Error::argument("recognizability", reason));
        }
        let differences: Vec<Vec<f32>> = moves
            .iter()
            .map(|(from, to)| {
                let pairs = from.values().iter().zip(to.values());
                pairs.map(|(from, to)| to - from).collect()
            })
            .collect();
        Ok(discriminant::principal(&differences, count)
            .iter()
            .map(|direction| rounded(direction))
            .collect())
    }

    /// The kinds of faces that cannot be recognized.
    #[must_use]
    pub fn kinds(&self) -> &[UnrecognizableKind] {
        &self.kinds
    }

    /// The directions that are removed from embeddings.
    #[must_use]
    pub fn removed(&self) -> &[Vec<f32>] {
        &self.removed
    }

    /// The recognizability of a face, 0 to 1, by the values of its embedding before directions are removed.
    #[must_use]
    pub fn of(&self, embedding: &[f32]) -> f32 {
        let kinds = self.kinds.iter();
        let least = kinds.map(|kind| kind.of(embedding)).fold(1.0, f32::min);
        least.max(0.0)
    }

    /// An embedding without the removed directions. It has not length one.
    pub(super) fn without_removed(&self, embedding: &[f32]) -> Vec<f32> {
        let mut rest = embedding.to_vec();
        for direction in &self.removed {
            let along = product(direction, &rest);
            for (value, direction) in rest.iter_mut().zip(direction) {
                *value -= along * direction;
            }
        }
        rest
    }

    /// The space of the embeddings of `space` without the removed directions. If none is removed, it is the same space.
    #[must_use]
    pub fn space_within(&self, space: &EmbeddingSpace) -> EmbeddingSpace {
        if self.removed.is_empty() {
            return space.clone();
        }
        let text = format!("{} without {:?}", space.fingerprint(), self.removed);
        EmbeddingSpace::new(space.model(), Digest::of(text), space.dimension())
    }

    /// Checks that `space` is the space of these figures.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] if they are of another space.
    pub fn check_space(&self, space: &EmbeddingSpace) -> Result<()> {
        let dimension = self.kinds[0].direction.len();
        if self.space == *space.fingerprint() && dimension == space.dimension() {
            return Ok(());
        }
        Err(Error::SpaceMismatch {
            expected: space.to_string(),
            found: format!(
                "the recognizability of {}@{} ({dimension}-d)",
                self.model,
                self.space.short()
            ),
        })
    }

    /// Writes a file (TOML) with the table of a manifest. An existing file is replaced in one step.
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

    fn check(&self) -> Result<()> {
        let refused = |reason: &str| Err(Error::argument("recognizability", reason));
        let Some(first) = self.kinds.first() else {
            return refused("has no kind of faces");
        };
        for kind in &self.kinds {
            kind.check()?;
        }
        let dimension = first.direction.len();
        let directions = self.kinds.iter().map(|kind| &kind.direction);
        if directions
            .chain(&self.removed)
            .any(|direction| direction.len() != dimension)
        {
            return refused("directions have several dimensions");
        }
        for (at, direction) in self.removed.iter().enumerate() {
            let right = |other: &Vec<f32>| product(direction, other).abs() < 0.01;
            if !(is_unit(direction) && self.removed[..at].iter().all(right)) {
                return refused(
                    "removed directions need length one and right angles to each other",
                );
            }
        }
        Ok(())
    }
}

/// The value at a share of sorted values.
fn at(sorted: &[f32], share: f64) -> f32 {
    let place = (share * sorted.len() as f64) as usize;
    sorted[place.min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> EmbeddingSpace {
        EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 8)
    }

    /// Embeddings in all directions, except that the first value grows with `toward`.
    fn spread(count: u32, toward: f32) -> Vec<Embedding> {
        let mut state = 1_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count)
            .map(|_| {
                let mut values: Vec<f32> = (0..8).map(|_| random() + random()).collect();
                values[0] += toward;
                Embedding::new(&space(), values).unwrap()
            })
            .collect()
    }

    fn samples(upright: u32, kinds: &[(&str, f32)]) -> RecognizabilitySamples {
        RecognizabilitySamples {
            upright: spread(upright, 0.0),
            mild: spread(50, 0.5),
            kinds: kinds
                .iter()
                .map(|&(name, toward)| (name.to_owned(), spread(200, toward)))
                .collect(),
        }
    }

    fn measured(samples: &RecognizabilitySamples) -> Result<Recognizability> {
        Recognizability::measure(&space(), samples, Vec::new(), "made up")
    }

    #[test]
    fn limits_refuse_few_upright_faces() {
        let samples = samples(2_000, &[("near", 1.5), ("far", -9.0)]);
        let measured = measured(&samples).unwrap();
        let share = |faces: &[Embedding], limit: f32| {
            let below = faces
                .iter()
                .filter(|face| measured.of(face.values()) < limit);
            below.count() as f64 / faces.len() as f64
        };
        let (comparison, enrollment) =
            (share(&samples.upright, 0.5), share(&samples.upright, 0.75));
        assert!((0.003..=0.007).contains(&comparison), "{comparison}");
        assert!((0.012..=0.022).contains(&enrollment), "{enrollment}");
        assert!(share(&samples.kinds[1].1, 0.5) >= 0.99);
        assert_eq!(measured.kinds().len(), 2);
    }

    #[test]
    fn too_few_faces_are_refused() {
        let reason = |samples: RecognizabilitySamples| measured(&samples).unwrap_err().to_string();
        assert!(reason(samples(99, &[("blurred", 8.0)])).contains("99 faces upright"));
        assert!(reason(samples(100, &[])).contains("no kind"));
        let mut few = samples(100, &[("turned", 8.0)]);
        few.kinds[0].1.truncate(19);
        assert!(reason(few).contains("19 faces turned"));
        assert!(Recognizability::nuisance(&[], 1).is_err());
    }

    #[test]
    fn removed_directions_leave_another_space() {
        let upright = spread(300, 0.0);
        // Blur moves each face along the second axis.
        let moves: Vec<_> = upright
            .iter()
            .map(|face| {
                let mut values = face.values().to_vec();
                values[1] += 0.7;
                (face.clone(), Embedding::new(&space(), values).unwrap())
            })
            .collect();
        let removed = Recognizability::nuisance(&moves, 1).unwrap();
        assert!(removed[0][1].abs() > 0.9, "{removed:?}");
        let samples = samples(300, &[("blurred", 8.0)]);
        let plain = measured(&samples).unwrap();
        let found = Recognizability::measure(&space(), &samples, removed, "made up").unwrap();
        assert_eq!(plain.space_within(&space()), space());
        let without = found.space_within(&space());
        assert_ne!(without, space());
        found.check_space(&without).unwrap();
        assert!(found.check_space(&space()).is_err());
        let rest = found.without_removed(moves[0].1.values());
        assert!(product(&rest, &found.removed()[0]).abs() < 1e-3);

        let oblique = vec![vec![1.0, 0.0], vec![0.6, 0.8]];
        let two = EmbeddingSpace::new("two", Digest::from_bytes([2; 32]), 2);
        let kind = UnrecognizableKind::new("blurred", &[1.0, 0.0], 0.5, 0.4).unwrap();
        let error = Recognizability::new(&two, vec![kind], oblique, "made up").unwrap_err();
        assert!(error.to_string().contains("right angles"), "{error}");
    }

    #[test]
    fn figures_are_written_and_read() {
        let measured = measured(&samples(200, &[("blurred", 8.0)])).unwrap();
        let text = toml::to_string(&measured).unwrap();
        assert_eq!(toml::from_str::<Recognizability>(&text).unwrap(), measured);
        let values = text.split("direction = [").nth(1).unwrap();
        let values = values.split(']').next().unwrap();
        assert_eq!(values.split(',').count(), 8);
        assert!(values.split(", ").all(|value| value.len() <= 7), "{values}");
        for (from, to) in [
            ("blurred", "blurred\"\nage = \"3"),
            ("comparison = ", "comparison = 7"),
        ] {
            let broken = text.replace(from, to);
            assert!(
                toml::from_str::<Recognizability>(&broken).is_err(),
                "{broken}"
            );
        }
    }
}
