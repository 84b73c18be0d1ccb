use super::{ImpostorFaces, ImpostorOptions, ImpostorScores};
use crate::{embed::Embedding, error::Result};

/// Two entries are probably one person if less than this number of pairs of different people is expected to be as similar.
const UNEXPECTED: f64 = 0.05;
/// ... and if they are at least as similar as a photo is to the other photos of the person, but for this share of photos.
const LEAST_ALIKE: f64 = 0.05;
/// The number of photos of people with several ones from which on that similarity is known.
const FEWEST_PHOTOS: usize = 30;
/// The number of most similar pairs that are looked at.
const LOOKED_AT: usize = 1_000;
/// The number of times that duplicates are looked for.
const ROUNDS: usize = 3;

/// Two entries of a list of people that are probably one person: two ids, two spellings of a name, or a wrong label.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DuplicatePeople {
    /// The positions of the two entries, the lower one first.
    pub people: (usize, usize),
    /// The greatest similarity of a photo of one to the mean of the other, −1 to 1.
    pub score: f32,
}

/// Finds entries that are probably one person, most similar first. Each entry of `people` has the embeddings of photos.
///
/// Each photo is compared with the mean of each other person. A pair is listed if its similarity is above what is expected for any
/// pair of different people, by the distribution that is fitted to the highest scores, and if it is as great as that of photos of
/// one person. Twins can be listed, too. The pairs of [`ImpostorOptions::with_same`] are not compared.
///
/// ```
/// # use facekit::{Digest, Embedding, EmbeddingSpace};
/// use facekit::{ImpostorOptions, duplicate_people};
///
/// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 32);
/// # let mut seed = 1_u32;
/// # let mut face = || {
/// #     let values = (0..32).map(|_| { seed = seed.wrapping_mul(1664525).wrapping_add(1013904223); (seed >> 8) as f32 - 8388608.0 });
/// #     Embedding::new(&space, values.collect()).unwrap()
/// # };
/// let mut people: Vec<Vec<Embedding>> = (0..200).map(|_| vec![face()]).collect();
/// people.push(people[7].clone());
/// let found = duplicate_people(&people, &ImpostorOptions::default())?;
/// assert_eq!(found[0].people, (7, 200));
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Errors
///
/// The errors of [`ImpostorScores::of`].
pub fn duplicate_people(
    people: &[Vec<Embedding>],
    options: &ImpostorOptions,
) -> Result<Vec<DuplicatePeople>> {
    let faces = people.iter().filter(|photos| !photos.is_empty()).count();
    if faces < 2 {
        return Ok(Vec::new());
    }
    Ok(ComparedPeople::of(people, options)?.duplicates)
}

/// People whose photos were compared with the means of the others.
pub(crate) struct ComparedPeople {
    /// The entries that are probably one person, most similar first.
    pub(crate) duplicates: Vec<DuplicatePeople>,
    /// The photos of each person, and their mean.
    faces: Vec<ImpostorFaces>,
    scores: ImpostorScores,
    /// The pairs that `scores` lacks.
    left_out: Vec<(usize, usize)>,
}

impl ComparedPeople {
    /// Compares people, and finds the duplicates among them.
    pub(crate) fn of(people: &[Vec<Embedding>], options: &ImpostorOptions) -> Result<Self> {
        let faces = people.iter().map(|photos| {
            let mean = match &photos[..] {
                [] => None,
                photos => Some(Embedding::mean(photos)?),
            };
            Ok(ImpostorFaces::new(
                photos.clone(),
                mean.into_iter().collect(),
            ))
        });
        let faces = faces.collect::<Result<Vec<_>>>()?;
        let alike = least_alike(people)?;
        let scores = ImpostorScores::of(&faces, options)?;
        let most_similar = scores.most_similar(LOOKED_AT);
        let mut compared = Self {
            duplicates: Vec::new(),
            faces,
            scores,
            left_out: options.same.clone(),
        };
        // Duplicates raise the tail which they are told by. So it is measured again without those that were found.
        for round in 1..=ROUNDS {
            let Some(improbable) = compared.scores.improbable(UNEXPECTED) else {
                break;
            };
            let least = improbable.max(alike);
            let before = compared.duplicates.len();
            let above = most_similar.iter().filter(|(score, ..)| *score >= least);
            compared.duplicates = above
                .map(|&(score, a, b)| DuplicatePeople {
                    people: (a, b),
                    score,
                })
                .collect();
            if compared.duplicates.len() == before || round == ROUNDS {
                break;
            }
            let mut without = options.clone();
            let pairs = compared.duplicates.iter().map(|pair| pair.people);
            without.same.extend(pairs);
            compared.scores = ImpostorScores::of(&compared.faces, &without)?;
            compared.left_out = without.same;
        }
        Ok(compared)
    }

    /// The photos of each person with their mean, and the scores of all comparisons without the pairs of
    /// [`ImpostorOptions::with_same`].
    pub(crate) fn scores(
        self,
        options: &ImpostorOptions,
    ) -> Result<(Vec<ImpostorFaces>, ImpostorScores)> {
        let scores = if self.left_out == options.same {
            self.scores
        } else {
            ImpostorScores::of(&self.faces, options)?
        };
        Ok((self.faces, scores))
    }
}

/// The similarity that photos of one person have at least, but for a few. Below every score if few people have several photos.
fn least_alike(people: &[Vec<Embedding>]) -> Result<f32> {
    let mut alike = Vec::new();
    for photos in people.iter().filter(|photos| photos.len() > 1) {
        for (at, photo) in photos.iter().enumerate() {
            let others = photos.iter().enumerate().filter(|(other, _)| *other != at);
            let mean = Embedding::mean(others.map(|(_, other)| other))?;
            alike.push(photo.cosine(&mean)?);
        }
    }
    alike.sort_by(f32::total_cmp);
    let at = (LEAST_ALIKE * alike.len() as f64) as usize;
    Ok(if alike.len() < FEWEST_PHOTOS {
        f32::NEG_INFINITY
    } else {
        alike[at]
    })
}
