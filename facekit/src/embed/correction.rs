//! The correction of embeddings: their mean is subtracted, and directions in which blur moves them are removed.

use serde::{Deserialize, Serialize};

use super::{
    Embedding, EmbeddingSpace, discriminant,
    recognizability::{four_digits, rounded},
};
use crate::{
    digest::Digest,
    error::{Error, Result},
};

/// A correction of embeddings, after which faces of different people are less alike.
///
/// First the center is subtracted: the mean embedding of many people, which all faces share. Then directions are removed in which
/// blur moves each embedding alike, so that blurred faces match others less often (nuisance attribute projection, Solomonoff et al.
/// 2005). What is left is another embedding space.
///
/// ```
/// use facekit::{Correction, Digest, EmbeddingSpace};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let correction = Correction::new(vec![0.0, 0.5], vec![vec![1.0, 0.0]])?;
/// assert_eq!(correction.of(&[0.6, 0.8]), [0.0, 0.3]);
/// assert_ne!(correction.space(&space), space);
/// assert_eq!(Correction::default().space(&space), space);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Correction {
    /// The center. Empty if nothing is subtracted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    center: Vec<f32>,
    /// Vectors of length one, at right angles to each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<Vec<f32>>,
}

/// The serialized form, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(default)]
    center: Vec<f32>,
    #[serde(default)]
    removed: Vec<Vec<f32>>,
}

impl TryFrom<Unchecked> for Correction {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        Self::new(unchecked.center, unchecked.removed)
    }
}

/// Embeddings of one space, by which a correction is measured.
#[derive(Clone, Debug, Default)]
pub struct CorrectionSamples {
    /// Faces of many people.
    pub upright: Vec<Embedding>,
    /// Pairs of embeddings of a photo: upright, and reduced and enlarged again. All move alike.
    pub shrunk: Vec<(Embedding, Embedding)>,
    /// Pairs of embeddings of a photo: upright, and blurred by motion. The direction of the motion decides how they move.
    pub moved: Vec<(Embedding, Embedding)>,
}

/// The fewest faces of each kind from which a correction is measured.
const FEWEST: usize = 20;

impl Correction {
    /// A correction by a center, which may be empty, and directions.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if dimensions differ, a value of the center is not within −1 to 1, or directions are not vectors
    /// of length one at right angles to each other.
    pub fn new(center: Vec<f32>, removed: Vec<Vec<f32>>) -> Result<Self> {
        let refused = |reason: &str| Err(Error::argument("correction of embeddings", reason));
        let sizes: Vec<usize> = [&center]
            .into_iter()
            .filter(|center| !center.is_empty())
            .chain(&removed)
            .map(Vec::len)
            .collect();
        if sizes.windows(2).any(|sizes| sizes[0] != sizes[1]) {
            return refused("vectors of different dimensions");
        }
        if !center.iter().all(|value| (-1.0..=1.0).contains(value)) {
            return refused("the center has a value that is not within -1 to 1");
        }
        for (at, direction) in removed.iter().enumerate() {
            if !discriminant::is_unit(direction) {
                return refused("a removed direction is not a vector of length one");
            }
            let mut before = removed[..at].iter();
            if before.any(|other| discriminant::product(other, direction).abs() > 0.01) {
                return refused("removed directions are not at right angles to each other");
            }
        }
        Ok(Self { center, removed })
    }

    /// Measures the center, the mean direction in which reduced photos move, and the direction of the rest in which photos blurred
    /// by motion move most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than 20 faces or pairs of a kind.
    pub fn measure(samples: &CorrectionSamples) -> Result<Self> {
        let CorrectionSamples {
            upright,
            shrunk,
            moved,
        } = samples;
        for (name, count) in [
            ("upright", upright.len()),
            ("shrunk", shrunk.len()),
            ("blurred by motion", moved.len()),
        ] {
            if count < FEWEST {
                let reason = format!("{count} photos {name}, at least {FEWEST} needed");
                return Err(Error::argument("correction of embeddings", reason));
            }
        }
        let upright: Vec<&[f32]> = upright.iter().map(Embedding::values).collect();
        let center: Vec<f32> = discriminant::mean(&upright)
            .iter()
            .map(|&value| four_digits(value))
            .collect();
        let moves = |pairs: &[(Embedding, Embedding)]| -> Vec<Vec<f32>> {
            let move_of = |(from, to): &(Embedding, Embedding)| {
                let values = from.values().iter().zip(to.values());
                values.map(|(from, to)| to - from).collect()
            };
            pairs.iter().map(move_of).collect()
        };
        let shrunk = moves(shrunk);
        let rows: Vec<&[f32]> = shrunk.iter().map(Vec::as_slice).collect();
        let alike: Vec<f32> = discriminant::mean(&rows)
            .iter()
            .map(|&value| value as f32)
            .collect();
        let alike = rounded(&alike);
        let rest: Vec<Vec<f32>> = moves(moved)
            .iter()
            .map(|one| without(one, &alike))
            .collect();
        let most = rounded(&discriminant::principal(&rest));
        Self::new(center, vec![alike, most])
    }

    /// True if embeddings stay as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.center.is_empty() && self.removed.is_empty()
    }

    /// The center. Empty if nothing is subtracted.
    #[must_use]
    pub fn center(&self) -> &[f32] {
        &self.center
    }

    /// The directions that are removed.
    #[must_use]
    pub fn removed(&self) -> &[Vec<f32>] {
        &self.removed
    }

    /// The number of values of an embedding that can be corrected; `None` if every embedding stays as it is.
    pub(super) fn dimension(&self) -> Option<usize> {
        let center = (!self.center.is_empty()).then_some(&self.center);
        center.or_else(|| self.removed.first()).map(Vec::len)
    }

    /// The corrected values of an embedding. They have not length one.
    #[must_use]
    pub fn of(&self, embedding: &[f32]) -> Vec<f32> {
        let mut values = embedding.to_vec();
        for (value, center) in values.iter_mut().zip(&self.center) {
            *value -= center;
        }
        for direction in &self.removed {
            values = without(&values, direction);
        }
        values
    }

    /// The space of the corrected embeddings of `space`.
    #[must_use]
    pub fn space(&self, space: &EmbeddingSpace) -> EmbeddingSpace {
        if self.is_none() {
            return space.clone();
        }
        let Self { center, removed } = self;
        let text = format!(
            "{} centered at {center:?} without {removed:?}",
            space.fingerprint()
        );
        EmbeddingSpace::new(space.model(), Digest::of(text), space.dimension())
    }
}

/// `values` without the part along `direction`.
fn without(values: &[f32], direction: &[f32]) -> Vec<f32> {
    let along = discriminant::product(direction, values);
    let values = values.iter().zip(direction);
    values
        .map(|(value, direction)| value - along * direction)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> EmbeddingSpace {
        EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 4)
    }

    fn embedding(values: [f32; 4]) -> Embedding {
        Embedding::new(&space(), values.to_vec()).unwrap()
    }

    /// Faces that share the third value. Reducing moves all toward the first axis, motion moves each up or down along the second.
    fn samples() -> CorrectionSamples {
        let angles = (0..40).map(|i| i as f32 * 0.7);
        let faces: Vec<[f32; 4]> = angles
            .map(|angle| [0.1 * angle.sin(), 0.1 * angle.cos(), 0.4, angle.sin()])
            .collect();
        let moved = |by: fn(usize) -> [f32; 2]| {
            let moved = faces.iter().enumerate().map(|(i, face)| {
                let [x, y] = by(i);
                let to = [face[0] + x, face[1] + y, face[2], face[3]];
                (embedding(*face), embedding(to))
            });
            moved.collect()
        };
        CorrectionSamples {
            upright: faces.iter().copied().map(embedding).collect(),
            shrunk: moved(|_| [0.5, 0.0]),
            moved: moved(|i| [0.3, if i % 2 == 0 { 0.5 } else { -0.5 }]),
        }
    }

    #[test]
    fn a_correction_is_measured() {
        let found = Correction::measure(&samples()).unwrap();
        assert!(found.center()[2] > 0.3, "{found:?}");
        assert!(found.removed()[0][0].abs() > 0.9, "{found:?}");
        assert!(found.removed()[1][1].abs() > 0.9, "{found:?}");
        let rest = found.of(embedding([0.5, 0.5, 0.4, 0.2]).values());
        for direction in found.removed() {
            assert!(discriminant::product(&rest, direction).abs() < 1e-3);
        }
        assert_ne!(found.space(&space()), space());
        let text = toml::to_string(&found).unwrap();
        assert_eq!(toml::from_str::<Correction>(&text).unwrap(), found);
    }

    #[test]
    fn too_few_photos_are_refused() {
        let mut few = samples();
        few.moved.truncate(19);
        let error = Correction::measure(&few).unwrap_err();
        assert!(
            error.to_string().contains("19 photos blurred by motion"),
            "{error}"
        );
    }

    #[test]
    fn unsound_vectors_are_refused() {
        let reason = |center: &[f32], removed: &[&[f32]]| {
            let removed = removed.iter().map(|one| one.to_vec()).collect();
            Correction::new(center.to_vec(), removed)
                .unwrap_err()
                .to_string()
        };
        assert!(reason(&[0.1, 0.2, 0.3], &[&[1.0, 0.0]]).contains("dimensions"));
        assert!(reason(&[7.0], &[]).contains("within"));
        assert!(reason(&[f32::NAN], &[]).contains("within"));
        assert!(reason(&[], &[&[1.0, 1.0]]).contains("length one"));
        assert!(reason(&[], &[&[1.0, 0.0], &[0.6, 0.8]]).contains("right angles"));
    }
}
