//! The share of depth in the movement of points.

use super::{linear, template::Place};

/// The constant of Tukey's biweight at which it is 95 % as efficient as least squares for normal errors.
const TUKEY: f64 = 4.685;
/// The standard deviation of a normal distribution divided by the median of its absolute values.
const NORMAL: f64 = 1.4826;
const ROUNDS: usize = 20;
/// The least standard deviation of the errors, in eye distances.
const LEAST_DEVIATION: f64 = 1e-4;

/// A point with its movement, and the depth that it has on a mean face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) place: Place,
    pub(super) depth: f32,
    /// The movement to the right, in eye distances.
    pub(super) across: f32,
}

/// The depth beside a plane: what a flat picture has none of.
pub(super) fn beside_plane(points: &[Moved]) -> Option<f64> {
    share(points, |z, x, y| [z, 1.0, x, y])
}

/// The depth beside cylinders too: what a curved picture has none of.
pub(super) fn beside_cylinder(points: &[Moved]) -> Option<f64> {
    share(points, |z, x, y| [z, 1.0, x, y, x * x, x * y, y * y])
}

/// The depth beside folds too: what a picture that is folded along its middle has none of.
pub(super) fn beside_fold(points: &[Moved]) -> Option<f64> {
    share(points, |z, x, y| {
        [z, 1.0, x, y, x * x, x * y, y * y, x.abs(), x.powi(4)]
    })
}

/// The first coefficient of the movement in these columns, by Tukey's biweight. `None` if it is not determined.
fn share<const N: usize>(
    points: &[Moved],
    columns: impl Fn(f64, f64, f64) -> [f64; N],
) -> Option<f64> {
    let rows: Vec<([f64; N], f64)> = points
        .iter()
        .map(|point| {
            let [x, y] = point.place.map(f64::from);
            (
                columns(f64::from(point.depth), x, y),
                f64::from(point.across),
            )
        })
        .collect();
    if rows.len() < 3 * N {
        return None;
    }
    let mut weights = vec![1.0; rows.len()];
    let mut errors = vec![0.0; rows.len()];
    let mut found = 0.0;
    for _ in 0..ROUNDS {
        let equations = rows
            .iter()
            .zip(&weights)
            .map(|(&(row, value), &weight)| (row, value, weight));
        let coefficients = linear::least_squares(equations)?;
        for (error, (row, value)) in errors.iter_mut().zip(&rows) {
            let fitted: f64 = row.iter().zip(&coefficients).map(|(a, b)| a * b).sum();
            *error = value - fitted;
        }
        let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        let middle = sizes.len() / 2;
        let deviation = NORMAL * *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
        let limit = TUKEY * deviation.max(LEAST_DEVIATION);
        for (weight, error) in weights.iter_mut().zip(&errors) {
            *weight = (1.0 - (error / limit).powi(2)).max(0.0).powi(2);
        }
        let is_settled = (coefficients[0] - found).abs() < 1e-5;
        found = coefficients[0];
        if is_settled {
            break;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{
        super::template::{depth, points},
        *,
    };

    fn moved(across: impl Fn(f32, f32, f32) -> f32) -> Vec<Moved> {
        let points = points().into_iter().map(|place| {
            let z = depth(place);
            Moved {
                place,
                depth: z,
                across: across(z, place[0], place[1]),
            }
        });
        points.collect()
    }

    #[test]
    fn a_face_has_its_depth_in_each_fit() {
        let mut points = moved(|z, x, y| 0.4 * z + 0.1 * x - 0.02 * y + 0.01);
        for point in points.iter_mut().step_by(9) {
            point.across += 0.3;
        }
        for found in [
            beside_plane(&points),
            beside_cylinder(&points),
            beside_fold(&points),
        ] {
            assert!((found.unwrap() - 0.4).abs() < 0.02, "{found:?}");
        }
    }

    #[test]
    fn cylinders_and_folds_vanish() {
        let cylinder = moved(|_, x, y| 0.2 * x * x - 0.1 * x * y + 0.05 * y);
        assert!(beside_plane(&cylinder).unwrap().abs() > 0.05);
        assert!(beside_cylinder(&cylinder).unwrap().abs() < 1e-4);
        let fold = moved(|_, x, _| 0.3 * x.abs());
        assert!(beside_fold(&fold).unwrap().abs() < 1e-4);
    }

    #[test]
    fn few_points_have_no_depth() {
        assert_eq!(beside_plane(&moved(|z, _, _| z)[..8]), None);
    }
}
