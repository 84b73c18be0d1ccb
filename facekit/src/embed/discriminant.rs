//! Directions in a space of vectors: the one that separates two kinds, and the one in which vectors spread most.

/// The share of the mean variance that is added to each variance, so that few vectors give a stable direction.
const RIDGE: f64 = 0.2;

/// Fisher's linear discriminant (Fisher 1936): the direction in which `bad` vectors are farthest above `good` ones, relative to
/// the spread of both. `None` if there is none.
pub(super) fn direction(good: &[&[f32]], bad: &[&[f32]]) -> Option<Vec<f32>> {
    let (good_mean, good_spread) = moments(good)?;
    let (bad_mean, bad_spread) = moments(bad)?;
    let size = good_mean.len();
    let mut spread: Vec<f64> = good_spread
        .iter()
        .zip(&bad_spread)
        .map(|(good, bad)| (good + bad) / 2.0)
        .collect();
    let trace: f64 = (0..size).map(|i| spread[i * size + i]).sum();
    for i in 0..size {
        spread[i * size + i] += RIDGE * trace / size as f64;
    }
    let apart: Vec<f64> = bad_mean
        .iter()
        .zip(&good_mean)
        .map(|(bad, good)| bad - good)
        .collect();
    let direction = solved(spread, apart)?;
    let length = direction
        .iter()
        .map(|value| value * value)
        .sum::<f64>()
        .sqrt();
    (length.is_finite() && length > 0.0).then(|| {
        direction
            .iter()
            .map(|value| (value / length) as f32)
            .collect()
    })
}

/// The mean of vectors, and the matrix of their covariances. `None` without a vector.
fn moments(vectors: &[&[f32]]) -> Option<(Vec<f64>, Vec<f64>)> {
    let size = vectors.first()?.len();
    let count = vectors.len() as f64;
    let mean = mean(vectors);
    let mut spread = vec![0.0; size * size];
    let mut centered = vec![0.0; size];
    for vector in vectors {
        for ((centered, &value), mean) in centered.iter_mut().zip(*vector).zip(&mean) {
            *centered = f64::from(value) - mean;
        }
        for (row, &a) in spread.chunks_exact_mut(size).zip(&centered) {
            for (sum, &b) in row.iter_mut().zip(&centered) {
                *sum += a * b / count;
            }
        }
    }
    Some((mean, spread))
}

/// The solution x of `matrix` · x = `right`, for a symmetric positive definite matrix (Cholesky). `None` for another matrix.
fn solved(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for i in 0..size {
        for j in 0..=i {
            let dot: f64 = (0..j)
                .map(|k| matrix[i * size + k] * matrix[j * size + k])
                .sum();
            let rest = matrix[i * size + j] - dot;
            matrix[i * size + j] = if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / matrix[j * size + j]
            };
        }
    }
    for i in 0..size {
        let dot: f64 = (0..i).map(|k| matrix[i * size + k] * right[k]).sum();
        right[i] = (right[i] - dot) / matrix[i * size + i];
    }
    for i in (0..size).rev() {
        let dot: f64 = (i + 1..size).map(|k| matrix[k * size + i] * right[k]).sum();
        right[i] = (right[i] - dot) / matrix[i * size + i];
    }
    Some(right)
}

/// The direction in which vectors are longest on average: the first eigenvector of the sum of their products, by power iteration.
pub(super) fn principal(vectors: &[Vec<f32>]) -> Vec<f32> {
    const ROUNDS: usize = 200;
    let size = vectors.first().map_or(0, Vec::len);
    // Any start that is not at a right angle to the result will do.
    let mut direction: Vec<f64> = (0..size).map(|i| 1.0 + 0.1 * (i % 7) as f64).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; size];
        for vector in vectors {
            let along: f64 = vector
                .iter()
                .zip(&direction)
                .map(|(&value, direction)| f64::from(value) * direction)
                .sum();
            for (next, &value) in next.iter_mut().zip(vector) {
                *next += along * f64::from(value);
            }
        }
        let length = next.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length < 1e-12 {
            break;
        }
        direction = next.iter().map(|value| value / length).collect();
    }
    direction.iter().map(|&value| value as f32).collect()
}

/// The mean of vectors. Empty without a vector.
pub(super) fn mean(vectors: &[&[f32]]) -> Vec<f64> {
    let size = vectors.first().map_or(0, |vector| vector.len());
    let mut mean = vec![0.0; size];
    for vector in vectors {
        for (mean, &value) in mean.iter_mut().zip(*vector) {
            *mean += f64::from(value) / vectors.len() as f64;
        }
    }
    mean
}

/// True for a vector of length one, up to rounding.
pub(super) fn is_unit(values: &[f32]) -> bool {
    let length: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    (0.99..1.01).contains(&length)
}

pub(super) fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kind: &[Vec<f32>]) -> Vec<&[f32]> {
        kind.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn the_discriminant_ignores_directions_of_great_spread() {
        // Both kinds spread widely along the first axis. Only the second tells them apart.
        let kind = |y: f32| -> Vec<Vec<f32>> {
            (0..40)
                .map(|i| {
                    let i = i as f32;
                    vec![
                        (i - 20.0) / 4.0 + y / 2.0,
                        y + 0.1 * (i * 1.7).sin(),
                        0.05 * i.cos(),
                    ]
                })
                .collect()
        };
        let (good, bad) = (kind(0.0), kind(1.0));
        let found = direction(&rows(&good), &rows(&bad)).unwrap();
        assert!(found[1] > 0.99, "{found:?}");
        assert!(direction(&rows(&good), &[]).is_none());
        assert!(direction(&rows(&good), &rows(&good)).is_none());
    }

    #[test]
    fn the_principal_direction_is_that_of_the_greatest_spread() {
        let vectors: Vec<Vec<f32>> = (0..50)
            .map(|i| {
                let i = i as f32;
                vec![
                    0.3 * (i * 0.9).cos(),
                    2.0 * (i * 1.3).sin(),
                    1.0 * (i * 2.1).cos(),
                    0.0,
                ]
            })
            .collect();
        let found = principal(&vectors);
        assert!(found[1].abs() > 0.98, "{found:?}");
        assert!(is_unit(&found));
    }
}
