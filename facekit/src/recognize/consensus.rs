//! The person whom most photos of an enrollment show.

use crate::{embed::Embedding, error::Result};

/// For each embedding, its greatest similarity to an embedding of another group if it is not of the person whom most
/// photos show; `None` if it is.
///
/// Embeddings whose cosine reaches `threshold`, directly or through others, form a group. The largest group is the person.
/// If several groups are largest, nobody can tell who the person is, so all embeddings are outliers. There is no outlier
/// among fewer than three embeddings, nor if no two of them match: people look different on different days, and nobody can
/// tell which photo is wrong.
pub(super) fn outliers(embeddings: &[Embedding], threshold: f32) -> Result<Vec<Option<f32>>> {
    let count = embeddings.len();
    if count < 3 {
        return Ok(vec![None; count]);
    }
    let mut scores = vec![vec![1.0; count]; count];
    let mut group: Vec<usize> = (0..count).collect();
    for i in 0..count {
        for j in 0..i {
            let score = embeddings[i].cosine(&embeddings[j])?;
            (scores[i][j], scores[j][i]) = (score, score);
            if score >= threshold {
                let (from, to) = (group[i], group[j]);
                group
                    .iter_mut()
                    .filter(|group| **group == from)
                    .for_each(|group| *group = to);
            }
        }
    }
    let size = |of: usize| group.iter().filter(|&&group| group == of).count();
    let largest = group.iter().map(|&group| size(group)).max().unwrap_or(0);
    if largest == 1 {
        return Ok(vec![None; count]);
    }
    let mut of_that_size: Vec<usize> = group
        .iter()
        .copied()
        .filter(|&group| size(group) == largest)
        .collect();
    of_that_size.sort_unstable();
    of_that_size.dedup();
    let person = (of_that_size.len() == 1).then(|| of_that_size[0]);
    let nearest = |i: usize| {
        let others = (0..count)
            .filter(|&j| group[j] != group[i])
            .map(|j| scores[i][j]);
        others.fold(f32::NEG_INFINITY, f32::max)
    };
    Ok((0..count)
        .map(|i| (Some(group[i]) != person).then(|| nearest(i)))
        .collect())
}
