//! The agreement of the photos of an enrollment with each other and with the person's templates.

use crate::{embed::Embedding, error::Result};

/// The photos of an enrollment and, as one more node, the templates that the person has already.
///
/// Nodes whose similarity reaches a threshold, directly or through others, form a group.
#[derive(Debug)]
pub(super) struct Comparisons {
    /// The similarity of each pair of nodes. The first nodes are the photos.
    scores: Vec<Vec<f32>>,
    photos: usize,
}

/// A photo that does not show the person of the enrollment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Disagreement {
    /// Other photos match each other and not this one.
    Outvoted {
        /// The greatest similarity to a node of another group.
        score: f32,
    },
    /// The photo shows somebody else than the person, or than another photo.
    Different(Nearest),
}

/// The node that is most similar to a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nearest {
    /// The photo; `None` for the person's templates.
    pub(super) photo: Option<usize>,
    pub(super) score: f32,
}

impl Comparisons {
    /// Compares photos with each other. `templates` has the similarity of each photo to the nearest template of the person;
    /// `None` if the person has no template.
    pub(super) fn new(photos: &[&Embedding], templates: Option<&[f32]>) -> Result<Self> {
        let count = photos.len();
        let nodes = count + usize::from(templates.is_some());
        let mut scores = vec![vec![1.0; nodes]; nodes];
        for i in 0..count {
            for j in 0..i {
                let score = photos[i].cosine(photos[j])?;
                (scores[i][j], scores[j][i]) = (score, score);
            }
        }
        for (photo, &score) in templates.unwrap_or_default().iter().enumerate() {
            (scores[photo][count], scores[count][photo]) = (score, score);
        }
        Ok(Self {
            scores,
            photos: count,
        })
    }

    /// For each photo, the reason why it does not show the person; `None` if it does.
    ///
    /// 1. Three photos or more vote if two of them match, that is, their similarity reaches `matching`. The person is the
    ///    group with the templates if a photo is in it, or else the largest group. The photos outside of it are outvoted.
    ///    If several groups are largest, nobody can tell who the person is, so all photos are outvoted.
    /// 2. The remaining photos are different from the person if they are not in the person's group at the lower threshold
    ///    `different`. The person is the group with the templates, or else the largest group. If several groups are
    ///    largest, all photos are different.
    pub(super) fn disagreements(&self, matching: f32, different: f32) -> Vec<Option<Disagreement>> {
        let mut found = vec![None; self.photos];
        let all: Vec<usize> = (0..self.scores.len()).collect();
        let groups = self.groups(&all, matching.max(different));
        let largest = groups.iter().map(|group| self.photos_in(group)).max();
        if self.photos >= 3 && largest >= Some(2) {
            let known = groups
                .iter()
                .find(|group| self.has_templates(group) && self.photos_in(group) > 0);
            let person = known.or_else(|| self.only_largest(&groups));
            for group in groups.iter().filter(|&group| person != Some(group)) {
                for &photo in group.iter().filter(|&&node| node < self.photos) {
                    let others = all.iter().filter(|node| !group.contains(node));
                    let score = self.nearest(photo, others).map_or(-1.0, |near| near.score);
                    found[photo] = Some(Disagreement::Outvoted { score });
                }
            }
        }

        let left: Vec<usize> = all
            .into_iter()
            .filter(|&node| found.get(node).is_none_or(Option::is_none))
            .collect();
        let groups = self.groups(&left, different);
        let known = groups.iter().find(|group| self.has_templates(group));
        let person = known.or_else(|| self.only_largest(&groups));
        for group in groups.iter().filter(|&group| person != Some(group)) {
            for &photo in group {
                // A known person is represented by the templates.
                let compared = person.unwrap_or(&left).iter();
                let others = compared.filter(|&&node| match known {
                    Some(_) => node >= self.photos,
                    None => !group.contains(&node),
                });
                found[photo] = self.nearest(photo, others).map(Disagreement::Different);
            }
        }
        found
    }

    /// The node that is most similar to `photo`, among the other photos of `accepted` and the templates; `None` if there is no
    /// other node.
    pub(super) fn support(&self, photo: usize, accepted: &[usize]) -> Option<Nearest> {
        let templates = self.photos..self.scores.len();
        let others = accepted.iter().copied().filter(|&other| other != photo);
        let others: Vec<usize> = others.chain(templates).collect();
        self.nearest(photo, others.iter())
    }

    /// The groups of `nodes`.
    fn groups(&self, nodes: &[usize], threshold: f32) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &node in nodes {
            let is_near = |group: &Vec<usize>| {
                group
                    .iter()
                    .any(|&other| self.scores[node][other] >= threshold)
            };
            let (near, mut apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_near);
            let mut joined = near.concat();
            joined.push(node);
            apart.push(joined);
            groups = apart;
        }
        groups
    }

    fn photos_in(&self, group: &[usize]) -> usize {
        group.iter().filter(|&&node| node < self.photos).count()
    }

    fn has_templates(&self, group: &[usize]) -> bool {
        self.photos_in(group) < group.len()
    }

    /// The group with the most photos; `None` if several groups have as many.
    fn only_largest<'a>(&self, groups: &'a [Vec<usize>]) -> Option<&'a Vec<usize>> {
        let largest = groups.iter().map(|group| self.photos_in(group)).max()?;
        let mut of_that_size = groups
            .iter()
            .filter(|group| self.photos_in(group) == largest);
        let first = of_that_size.next();
        first.filter(|_| of_that_size.next().is_none())
    }

    fn nearest<'a>(
        &self,
        photo: usize,
        others: impl Iterator<Item = &'a usize>,
    ) -> Option<Nearest> {
        let score = |&node: &usize| Nearest {
            photo: (node < self.photos).then_some(node),
            score: self.scores[photo][node],
        };
        others.map(score).max_by(|a, b| a.score.total_cmp(&b.score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Photos by the angle of their embedding in degrees, and the angle of the person's template.
    fn disagreements(photos: &[f32], template: Option<f32>, limits: [f32; 2]) -> String {
        let space = crate::EmbeddingSpace::new("angles", crate::Digest::of("angles"), 2);
        let embedding = |degrees: &f32| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Embedding::new(&space, vec![cos, sin]).unwrap()
        };
        let embeddings: Vec<Embedding> = photos.iter().map(embedding).collect();
        let templates = template.map(|template| {
            let similarity = |photo: &f32| (photo - template).to_radians().cos();
            photos.iter().map(similarity).collect::<Vec<f32>>()
        });
        let comparisons =
            Comparisons::new(&embeddings.iter().collect::<Vec<_>>(), templates.as_deref()).unwrap();
        let [matching, different] = limits.map(|degrees| degrees.to_radians().cos());
        let word = |found: &Option<Disagreement>| match found {
            None => '.',
            Some(Disagreement::Outvoted { .. }) => 'v',
            Some(Disagreement::Different(_)) => 'd',
        };
        let found = comparisons.disagreements(matching, different);
        found.iter().map(word).collect()
    }

    #[test]
    fn photos_that_disagree_are_found() {
        // Faces match up to 20 degrees and are different from 45 degrees on.
        for (photos, template, expected) in [
            (&[0.0][..], None, "."),
            (&[0.0, 10.0], None, ".."),
            (&[0.0, 40.0], None, ".."),
            (&[0.0, 50.0], None, "dd"),
            (&[0.0, 10.0, 40.0], None, "..v"),
            (&[0.0, 10.0, 90.0], None, "..v"),
            (&[0.0, 10.0, 90.0, 100.0], None, "vvvv"),
            // No two of them match: the lower threshold alone decides.
            (&[0.0, 30.0, 60.0], None, "..."),
            (&[0.0, 30.0, 120.0], None, "..d"),
            (&[0.0, 60.0, 120.0], None, "ddd"),
            (&[0.0, 30.0, 120.0, 150.0], None, "dddd"),
            (&[0.0], Some(40.0), "."),
            (&[0.0], Some(50.0), "d"),
            (&[0.0, 55.0], Some(5.0), ".d"),
            (&[0.0, 50.0], Some(100.0), "dd"),
            // The templates tell which photos show the person, also if most photos show somebody else.
            (&[0.0, 120.0, 125.0], Some(2.0), ".vv"),
            (&[120.0, 125.0, 60.0], Some(0.0), "ddv"),
            (&[0.0, 30.0, 32.0], Some(5.0), ".vv"),
            (&[0.0, 30.0, 60.0], Some(5.0), "..."),
        ] {
            let found = disagreements(photos, template, [20.0, 45.0]);
            assert_eq!(found, expected, "{photos:?} {template:?}");
        }
    }

    #[test]
    fn without_a_limit_no_photo_is_different() {
        let limits = [20.0, 180.0];
        assert_eq!(disagreements(&[0.0, 170.0], None, limits), "..");
        assert_eq!(disagreements(&[170.0], Some(0.0), limits), ".");
        assert_eq!(disagreements(&[0.0, 5.0, 170.0], None, limits), "..v");
    }

    #[test]
    fn the_nearest_node_supports_a_photo() {
        let space = crate::EmbeddingSpace::new("angles", crate::Digest::of("angles"), 2);
        let photos = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]];
        let photos = photos.map(|values| Embedding::new(&space, values.to_vec()).unwrap());
        let photos = photos.each_ref();
        let alone = Comparisons::new(&photos[..1], None).unwrap();
        assert_eq!(alone.support(0, &[0]), None);
        let comparisons = Comparisons::new(&photos, Some(&[0.1, 0.9, 0.2])).unwrap();
        let near = |photo, accepted: &[usize]| comparisons.support(photo, accepted).unwrap();
        assert_eq!(near(0, &[0, 1, 2]).photo, Some(1));
        assert_eq!(near(0, &[0, 2]).photo, None);
        assert_eq!(near(1, &[0, 1, 2]).photo, None);
    }
}
