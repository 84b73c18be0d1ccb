//! Recognizability: the faces that an embedder can tell apart.

use std::{ops::Range, path::Path};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Correction, Embedding, EmbeddingSpace, Texture,
    discriminant::{self, is_unit, product},
};
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
/// (Fisher 1936), in the space of the embedding and the [`Texture`] of the aligned face, which shows blur. The recognizability of a
/// face tells how far it is from the nearest region: one dot product for each kind.
///
/// Recognizability is from 0 to 1. At 0.5 the face may be compared, and at 0.75 it may be enrolled. These are the limits that
/// were chosen when the directions were measured.
///
/// ```
/// use facekit::{Correction, Digest, EmbeddingSpace, Recognizability, Texture, UnrecognizableKind};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// // Faces with a dot product of 0.8 are not compared. Those from 0.6 on are not enrolled.
/// let blurred = UnrecognizableKind::new("blurred", &[1.0, 0.0], 0.8, 0.6)?;
/// let recognizability = Recognizability::new(&space, vec![blurred], Correction::default(), "an example")?;
/// let of = |embedding: &[f32]| recognizability.of(embedding, &Texture::default());
/// assert!((of(&[0.8, 0.6]) - 0.5).abs() < 1e-6);
/// assert!((of(&[0.6, 0.8]) - 0.75).abs() < 1e-6);
/// assert_eq!(of(&[0.0, 1.0]), 1.0);
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// Embeddings can also be corrected, so that slightly blurred faces match others less often: see [`Correction`]. Recognizability is
/// measured before the correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct Recognizability {
    /// The model's name, for display.
    pub model: String,
    /// The fingerprint of the embedding space, after the correction.
    pub space: Digest,
    /// The data and the method of the measurement.
    pub data: String,
    /// The date of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Date>,
    /// The correction of embeddings.
    #[serde(default, skip_serializing_if = "Correction::is_none")]
    correction: Correction,
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
    /// The dot product with the direction, and with the weights of the texture, from which on a face may not be compared.
    pub comparison: f32,
    /// The dot product from which on a face may not be enrolled; less than `comparison`.
    pub enrollment: f32,
    /// The weights of the numbers of [`Texture`].
    #[serde(default, skip_serializing_if = "is_zero")]
    texture: [f32; 3],
    /// A vector of length one.
    direction: Vec<f32>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(weights: &[f32; 3]) -> bool {
    *weights == [0.0; 3]
}

/// The recognizability at the two limits of a kind.
const AT_COMPARISON: f32 = 0.5;
const AT_ENROLLMENT: f32 = 0.75;

/// The share of upright faces that a kind may refuse, for comparison and for enrollment.
const REFUSED: f64 = 0.006;
const REFUSED_FOR_ENROLLMENT: f64 = 0.02;
/// The share of slightly spoiled faces that a kind may refuse for comparison.
const REFUSED_OF_MILD: f64 = 0.04;
/// The share of the faces of a kind that need not be refused if it is far from upright faces.
const MISSED: f64 = 0.005;
/// The least difference of the two limits.
const STEP: f32 = 0.02;
/// The parts of the faces, of which each gets its products from a direction that was fitted to the others.
const PARTS: usize = 5;

impl UnrecognizableKind {
    /// A kind in the direction of `values`, which are scaled to length one and rounded to four digits.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a value is not finite, all are zero, or the limits are not in order and within −1 to 1.
    /// With weights of the texture, limits can be farther from zero.
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
            texture: [0.0; 3],
            direction: rounded(values),
        };
        kind.check()?;
        Ok(kind)
    }

    /// The kind with weights of the numbers of [`Texture`], which are added to the dot product.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a weight is not finite.
    pub fn with_texture(mut self, weights: [f32; 3]) -> Result<Self> {
        self.texture = weights;
        self.check()?;
        Ok(self)
    }

    /// The direction. Its squares sum to one, up to rounding.
    #[must_use]
    pub fn direction(&self) -> &[f32] {
        &self.direction
    }

    /// The weights of the numbers of [`Texture`].
    #[must_use]
    pub fn texture(&self) -> [f32; 3] {
        self.texture
    }

    /// The recognizability by this kind alone, not limited to 0 to 1.
    fn of(&self, embedding: &[f32], texture: &Texture) -> f32 {
        let product =
            product(&self.direction, embedding) + product(&self.texture, &texture.values());
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
        let weights = self.texture.map(f32::abs);
        if !weights.iter().all(|weight| weight.is_finite()) {
            return refused("a weight of the texture is not a number".to_owned());
        }
        let limits = [self.comparison, self.enrollment];
        // No face has a greater product.
        let most = 1.0 + Texture::MOST * weights.iter().sum::<f32>();
        let sound = limits.iter().all(|limit| (-most..=most).contains(limit));
        if !(sound && self.enrollment < self.comparison) {
            return refused(format!(
                "the limits are {} for comparison and {} for enrollment; numbers from -{most} to {most} are needed, with a lower \
                 one for enrollment",
                self.comparison, self.enrollment
            ));
        }
        Ok(())
    }
}

/// Scaled to length one, and rounded to four digits: more than enough, and a manifest is read by people.
pub(super) fn rounded(values: &[f32]) -> Vec<f32> {
    let length = length(values);
    values
        .iter()
        .map(|value| ((1e4 * f64::from(*value) / length).round() / 1e4) as f32)
        .collect()
}

fn length(values: &[f32]) -> f64 {
    let squares = values.iter().map(|value| f64::from(*value).powi(2));
    squares.sum::<f64>().sqrt()
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
    correction: Correction,
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
            correction,
            kinds,
        } = unchecked;
        let recognizability = Self {
            model,
            space,
            data,
            measured,
            correction,
            kinds,
        };
        recognizability.check()?;
        Ok(recognizability)
    }
}

/// A face by which recognizability is measured.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct SampleFace {
    /// The embedding, not corrected.
    pub embedding: Embedding,
    /// The texture of the aligned face.
    pub texture: Texture,
}

/// Faces with embeddings of one space, by which recognizability is measured. Faces of a person are next to each other, and people
/// are in the same order in each list.
#[derive(Clone, Debug, Default)]
pub struct RecognizabilitySamples {
    /// Faces that can be recognized.
    pub upright: Vec<SampleFace>,
    /// Faces that are slightly spoiled, and can still be recognized.
    pub mild: Vec<SampleFace>,
    /// The kinds of faces that cannot be recognized, with their names.
    pub kinds: Vec<(String, Vec<SampleFace>)>,
}

impl Recognizability {
    /// The recognizability of embeddings of `space`, which are then corrected. `data` describes the measurement.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there is no kind, or a direction or the correction has another dimension than the space.
    pub fn new(
        space: &EmbeddingSpace,
        kinds: Vec<UnrecognizableKind>,
        correction: Correction,
        data: impl Into<String>,
    ) -> Result<Self> {
        let mut recognizability = Self {
            model: space.model().to_owned(),
            space: *space.fingerprint(),
            data: data.into(),
            measured: None,
            correction,
            kinds,
        };
        recognizability.check()?;
        let corrected = recognizability.correction.space(space);
        recognizability.space = *corrected.fingerprint();
        recognizability.check_space(&corrected)?;
        Ok(recognizability)
    }

    /// Measures directions and limits for embeddings of `space`, which are then corrected.
    ///
    /// A kind refuses at most 0.6 % of the upright faces and 4 % of the slightly spoiled ones for comparison, and 2 % of the upright
    /// ones for enrollment; less if it is far from them. These shares are of faces to which the direction was not fitted: limits
    /// come from five parts, each with a direction from the other four.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are fewer than 100 upright faces, or fewer than 20 of a kind;
    /// [`Error::SpaceMismatch`] if an embedding is of another space.
    pub fn measure(
        space: &EmbeddingSpace,
        samples: &RecognizabilitySamples,
        correction: Correction,
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
        for face in upright.iter().chain(mild).chain(others) {
            space.check(face.embedding.space())?;
        }
        let (upright, mild) = (vectors(upright), vectors(mild));
        let measured = kinds
            .iter()
            .map(|(name, faces)| {
                let faces = vectors(faces);
                let same = || {
                    let reason = format!("faces {name} are the same as upright faces");
                    Error::argument("recognizability", reason)
                };
                let mut of_upright = Vec::with_capacity(upright.len());
                let mut of_mild = Vec::with_capacity(mild.len());
                let mut of_kind = Vec::with_capacity(faces.len());
                for part in 0..PARTS {
                    let all = [&upright, &mild, &faces];
                    let direction = fitted(all.map(|faces| others_than(part, faces)));
                    let direction = direction.ok_or_else(same)?;
                    for (products, faces) in [&mut of_upright, &mut of_mild, &mut of_kind]
                        .into_iter()
                        .zip(all)
                    {
                        let faces = faces[bounds(part, faces.len())].iter();
                        products.extend(faces.map(|face| product(&direction, face)));
                    }
                }
                for products in [&mut of_upright, &mut of_mild, &mut of_kind] {
                    products.sort_by(f32::total_cmp);
                }
                let comparison = at(&of_upright, 1.0 - REFUSED)
                    .max(at(&of_mild, 1.0 - REFUSED_OF_MILD))
                    .max(at(&of_kind, MISSED));
                let enrollment = at(&of_upright, 1.0 - REFUSED_FOR_ENROLLMENT)
                    .max(at(&of_kind, 0.0))
                    .min(comparison - STEP);
                let all = [&upright, &mild, &faces];
                let direction = fitted(all.map(|faces| others_than(PARTS, faces)));
                let direction = direction.ok_or_else(same)?;
                let (direction, weights) = direction.split_at(space.dimension());
                let weights = [weights[0], weights[1], weights[2]];
                let kind = UnrecognizableKind {
                    name: name.clone(),
                    comparison,
                    enrollment,
                    texture: weights.map(four_digits),
                    direction: rounded(direction),
                };
                kind.check().map(|()| kind)
            })
            .collect::<Result<_>>()?;
        Self::new(space, measured, correction, data)
    }

    /// The kinds of faces that cannot be recognized.
    #[must_use]
    pub fn kinds(&self) -> &[UnrecognizableKind] {
        &self.kinds
    }

    /// The correction of embeddings.
    #[must_use]
    pub fn correction(&self) -> &Correction {
        &self.correction
    }

    /// The recognizability of a face, 0 to 1, by the values of its embedding before the correction, and its texture.
    #[must_use]
    pub fn of(&self, embedding: &[f32], texture: &Texture) -> f32 {
        let kinds = self.kinds.iter();
        let least = kinds
            .map(|kind| kind.of(embedding, texture))
            .fold(1.0, f32::min);
        least.max(0.0)
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
        let directions = self.kinds.iter().map(|kind| kind.direction.len());
        if directions
            .chain(self.correction.dimension())
            .any(|other| other != dimension)
        {
            return refused("directions and correction have several dimensions");
        }
        Ok(())
    }
}

/// Embedding and texture of each face as one vector.
fn vectors(faces: &[SampleFace]) -> Vec<Vec<f32>> {
    let faces = faces.iter();
    faces
        .map(|face| [face.embedding.values(), &face.texture.values()].concat())
        .collect()
}

/// The places of a part of `count` faces.
fn bounds(part: usize, count: usize) -> Range<usize> {
    part * count / PARTS..(part + 1) * count / PARTS
}

/// All faces but those of a part; all faces for the part [`PARTS`].
fn others_than(part: usize, faces: &[Vec<f32>]) -> Vec<&[f32]> {
    let left_out = if part < PARTS {
        bounds(part, faces.len())
    } else {
        0..0
    };
    let places = (0..faces.len()).filter(|at| !left_out.contains(at));
    places.map(|at| faces[at].as_slice()).collect()
}

/// The direction that separates a kind of faces from upright and mild ones. The part that is the embedding's has length one.
fn fitted([upright, mild, kind]: [Vec<&[f32]>; 3]) -> Option<Vec<f32>> {
    let good = [upright, mild].concat();
    let direction = discriminant::direction(&good, &kind)?;
    let (of_embedding, _) = direction.split_at(direction.len() - TEXTURE);
    let length = length(of_embedding);
    if length == 0.0 {
        return None;
    }
    let scaled = direction
        .iter()
        .map(|&value| (f64::from(value) / length) as f32);
    Some(scaled.collect())
}

/// The number of values of a texture.
const TEXTURE: usize = 3;

/// `value`, rounded to four decimal places.
pub(super) fn four_digits(value: impl Into<f64>) -> f32 {
    ((1e4 * value.into()).round() / 1e4) as f32
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
    fn spread(count: u32, toward: f32) -> Vec<SampleFace> {
        let mut state = 1_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count)
            .map(|_| {
                let mut values: Vec<f32> = (0..8).map(|_| random() + random()).collect();
                values[0] += toward;
                SampleFace {
                    embedding: Embedding::new(&space(), values).unwrap(),
                    texture: Texture::default(),
                }
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
        Recognizability::measure(&space(), samples, Correction::default(), "made up")
    }

    #[test]
    fn limits_refuse_few_upright_faces() {
        let samples = samples(2_000, &[("near", 1.5), ("far", -9.0)]);
        let measured = measured(&samples).unwrap();
        let share = |faces: &[SampleFace], limit: f32| {
            let of = |face: &&SampleFace| measured.of(face.embedding.values(), &face.texture);
            let below = faces.iter().filter(|face| of(face) < limit);
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
    }

    #[test]
    fn slightly_spoiled_faces_bound_the_limit() {
        // The mild faces are nearer to the kind than the upright ones.
        let mut samples = samples(2_000, &[("near", 3.0)]);
        samples.mild = spread(1_000, 1.0);
        let measured = measured(&samples).unwrap();
        let of = |face: &&SampleFace| measured.of(face.embedding.values(), &face.texture) < 0.5;
        let refused = samples.mild.iter().filter(of).count();
        assert!((20..=50).contains(&refused), "{refused}");
    }

    #[test]
    fn texture_tells_faces_that_embeddings_do_not() {
        let mut samples = samples(500, &[("blurred", 0.0)]);
        let texture = |blur: f32| {
            let stripes = |i: usize| 128.0 + 60.0 * ((i % 112) as f32 / blur).sin();
            let pixels = (0..112 * 112).flat_map(|i| [stripes(i) as u8; 3]);
            let image = crate::image::Image::from_rgb8(pixels.collect(), 112, 112).unwrap();
            Texture::of(&crate::align::AlignedFace::new(image).unwrap())
        };
        for (at, face) in samples
            .upright
            .iter_mut()
            .chain(&mut samples.mild)
            .enumerate()
        {
            face.texture = texture(2.0 + 0.01 * (at % 20) as f32);
        }
        for (at, face) in samples.kinds[0].1.iter_mut().enumerate() {
            face.texture = texture(6.0 + 0.01 * (at % 20) as f32);
        }
        let measured = measured(&samples).unwrap();
        let refused = |faces: &[SampleFace]| {
            let of = |face: &&SampleFace| measured.of(face.embedding.values(), &face.texture) < 0.5;
            faces.iter().filter(of).count()
        };
        assert_eq!(refused(&samples.upright), 0);
        assert_eq!(refused(&samples.kinds[0].1), 200);
        let text = toml::to_string(&measured).unwrap();
        assert_eq!(toml::from_str::<Recognizability>(&text).unwrap(), measured);
        let broken = text.replace("comparison = ", "comparison = 1e9 #");
        assert!(toml::from_str::<Recognizability>(&broken).is_err());
    }

    #[test]
    fn corrected_embeddings_are_in_another_space() {
        let samples = samples(300, &[("blurred", 8.0)]);
        let plain = measured(&samples).unwrap();
        plain.check_space(&space()).unwrap();
        let mut direction = vec![0.0; 8];
        direction[1] = 1.0;
        let correction = Correction::new(Vec::new(), vec![direction]).unwrap();
        let corrected = correction.space(&space());
        let found = Recognizability::measure(&space(), &samples, correction, "made up").unwrap();
        found.check_space(&corrected).unwrap();
        assert!(found.check_space(&space()).is_err());

        let two = Correction::new(vec![0.1, 0.2], Vec::new()).unwrap();
        let error = Recognizability::measure(&space(), &samples, two, "made up").unwrap_err();
        assert!(error.to_string().contains("dimensions"), "{error}");
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
