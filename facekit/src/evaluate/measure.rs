use super::{ImpostorFaces, ImpostorOptions, ImpostorScores, RandomSequence};
use crate::{
    calibration::Calibration,
    comparison::Comparison,
    embed::{Embedding, EmbeddingSpace},
    error::{Error, Result},
};

/// The photos of one person, for the measurement of a calibration.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PersonPhotos {
    /// The embedding of each photo.
    pub plain: Vec<Embedding>,
    /// For each photo, the sum of its embedding and that of its mirror image. Empty if mirror images are not used.
    pub mirrored: Vec<Embedding>,
}

impl PersonPhotos {
    /// Photos without mirror images.
    #[must_use]
    pub fn new(plain: Vec<Embedding>) -> Self {
        Self {
            plain,
            mirrored: Vec::new(),
        }
    }

    /// Sets [`mirrored`](Self::mirrored).
    #[must_use]
    pub fn with_mirrored(mut self, mirrored: Vec<Embedding>) -> Self {
        self.mirrored = mirrored;
        self
    }

    fn side(&self, mirrored: bool) -> &[Embedding] {
        if mirrored {
            &self.mirrored
        } else {
            &self.plain
        }
    }
}

/// The numbers of photos of a template that have a curve of their own. The last one is also for more photos.
pub(crate) const PHOTOS: [usize; 4] = [1, 2, 3, 5];

impl Calibration {
    /// Measures the calibration of `space` on photos of different people: one curve for each kind of comparison that the photos
    /// have. The templates of 2, 3 and 5 photos are means of random photos of one person; each photo is in one of them. At each
    /// rate, a curve has at least the score of the curve for fewer photos. `data` describes the photos.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there are too few comparisons for the curve of plain photos, and the errors of
    /// [`ImpostorScores::of`].
    pub fn measure(
        space: &EmbeddingSpace,
        people: &[PersonPhotos],
        options: &ImpostorOptions,
        data: impl Into<String>,
    ) -> Result<Self> {
        let mirrored = people.iter().any(|person| !person.mirrored.is_empty());
        let plain = scores(people, &Comparison::default(), options)?;
        let mut calibration = Self::from_curve(space, plain.curve()?, data);
        calibration.impostor_comparisons = plain.count();
        for comparison in kinds(mirrored).filter(|kind| *kind != Comparison::default()) {
            let measured = scores(people, &comparison, options)
                .and_then(|scores| Ok((scores.curve()?, scores.count())));
            match measured {
                Ok((curve, count)) => {
                    calibration = calibration.with_stricter_curve(comparison, curve, count);
                }
                // Too few people have so many photos.
                Err(Error::InvalidArgument { .. }) if comparison.photos > 1 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(calibration)
    }
}

/// All kinds of comparison, with or without mirror images.
fn kinds(mirrored: bool) -> impl Iterator<Item = Comparison> {
    let sides = if mirrored {
        &[(false, false), (false, true), (true, false), (true, true)][..]
    } else {
        &[(false, false)]
    };
    sides.iter().flat_map(|&(template, probe)| {
        PHOTOS.map(|photos| {
            Comparison::default()
                .with_photos(photos)
                .with_mirrored_template(template)
                .with_mirrored_probe(probe)
        })
    })
}

/// The scores of one kind of comparison.
pub(crate) fn scores(
    people: &[PersonPhotos],
    comparison: &Comparison,
    options: &ImpostorOptions,
) -> Result<ImpostorScores> {
    let mut random = RandomSequence::new(1);
    let faces = people.iter().map(|person| {
        let templates = person.side(comparison.mirrored_template);
        let faces = ImpostorFaces::new(
            person.plain.clone(),
            means(templates, comparison.photos, &mut random)?,
        );
        Ok(if comparison.mirrored_probe {
            faces.with_mirrored_probes(person.mirrored.clone())
        } else {
            faces
        })
    });
    let faces = faces.collect::<Result<Vec<_>>>()?;
    ImpostorScores::of(&faces, options)
}

/// The means of `photos` random photos each. Each photo is in one mean at most.
fn means(
    templates: &[Embedding],
    photos: usize,
    random: &mut RandomSequence,
) -> Result<Vec<Embedding>> {
    let mut order: Vec<usize> = (0..templates.len()).collect();
    random.shuffle(&mut order);
    let groups = order.chunks_exact(photos);
    groups
        .map(|group| Embedding::mean(group.iter().map(|&photo| &templates[photo])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    const DIMENSION: usize = 32;

    /// People who differ in eight numbers, with photos that scatter in all numbers, and with mirror images that scatter less.
    fn people(count: usize, photos: usize) -> (EmbeddingSpace, Vec<PersonPhotos>) {
        let space = EmbeddingSpace::new("test", Digest::from_bytes([0; 32]), DIMENSION);
        let mut random = RandomSequence::new(3);
        let mut vector = |size: f32| -> Vec<f32> {
            (0..DIMENSION)
                .map(|_| size * (random.below(2_001) as f32 / 1_000.0 - 1.0))
                .collect()
        };
        let people = (0..count).map(|_| {
            let mut base = vector(1.0);
            base[8..].fill(0.0);
            let mut photo = |noise: f32| {
                let values = vector(noise)
                    .iter()
                    .zip(&base)
                    .map(|(a, b)| a + b)
                    .collect();
                Embedding::new(&space, values).unwrap()
            };
            let plain = (0..photos).map(|_| photo(1.0)).collect();
            let mirrored = (0..photos).map(|_| photo(0.7)).collect();
            PersonPhotos::new(plain).with_mirrored(mirrored)
        });
        let people = people.collect();
        (space, people)
    }

    #[test]
    fn each_kind_of_comparison_is_measured() {
        let (space, people) = people(80, 5);
        let options = ImpostorOptions::default();
        let measured = Calibration::measure(&space, &people, &options, "made up").unwrap();
        assert_eq!(measured.curves().count(), 16);
        assert_eq!(measured.impostor_comparisons, 80 * 79 * 25);
        let score = |photos: usize, template: bool, probe: bool| {
            let kind = Comparison::default()
                .with_photos(photos)
                .with_mirrored_template(template)
                .with_mirrored_probe(probe);
            measured.curve(&kind).score_at(1e-2).unwrap()
        };
        for (template, probe) in [(false, false), (true, false), (true, true)] {
            let scores = PHOTOS.map(|photos| score(photos, template, probe));
            assert!(scores.is_sorted(), "{scores:?}");
        }
        assert!(score(1, false, false) < score(1, true, false));
        assert!(score(1, true, false) < score(1, true, true));
        // At every rate, and also beyond the fewest comparisons that a curve has.
        for (kind, curve) in measured.curves() {
            let more = measured
                .curves()
                .filter(|(of, _)| *of == kind.with_photos(of.photos) && of.photos > kind.photos);
            for (of, stricter) in more {
                for point in curve.points().iter().chain(curve.extrapolated()) {
                    if let Ok(score) = stricter.score_at(point.fmr) {
                        assert!(score >= point.score, "{of:?}, {kind:?}: {point:?}");
                    }
                }
            }
        }
        // Outside of a narrow band, the plain probe decides.
        let narrow = options.with_band(0.0, 0.0);
        let narrow = Calibration::measure(&space, &people, &narrow, "made up").unwrap();
        let kind = |probe| {
            let kind = Comparison::default().with_mirrored_template(true);
            kind.with_mirrored_probe(probe)
        };
        assert_eq!(narrow.curve(&kind(true)), narrow.curve(&kind(false)));
    }

    #[test]
    fn kinds_that_nobody_has_are_left_out() {
        let (space, people) = people(150, 2);
        let plain: Vec<PersonPhotos> = people
            .into_iter()
            .map(|person| PersonPhotos::new(person.plain))
            .collect();
        let options = ImpostorOptions::default();
        let measured = Calibration::measure(&space, &plain, &options, "made up").unwrap();
        let kinds: Vec<usize> = measured.curves().map(|(kind, _)| kind.photos).collect();
        assert_eq!(kinds, [1, 2]);
        assert!(Calibration::measure(&space, &plain[..4], &options, "too few").is_err());
    }
}
