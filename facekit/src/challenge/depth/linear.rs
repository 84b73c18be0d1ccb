//! Systems of linear equations with a few unknowns.

/// Solves equations `coefficients · unknowns = value` with weights, in the sense of least squares. `None` if the unknowns are not
/// determined.
pub(super) fn least_squares<const N: usize>(
    equations: impl Iterator<Item = ([f64; N], f64, f64)>,
) -> Option<[f64; N]> {
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for (coefficients, value, weight) in equations {
        for (row, &a) in coefficients.iter().enumerate() {
            if a == 0.0 {
                continue;
            }
            let a = a * weight;
            for (sum, &b) in matrix[row].iter_mut().zip(&coefficients) {
                *sum += a * b;
            }
            right[row] += a * value;
        }
    }
    // The unknowns have different units, so rows and columns are scaled first.
    let scale: [f64; N] = std::array::from_fn(|at| matrix[at][at].sqrt());
    if scale
        .iter()
        .any(|&scale| !(scale > 0.0 && scale.is_finite()))
    {
        return None;
    }
    for row in 0..N {
        for column in 0..N {
            matrix[row][column] /= scale[row] * scale[column];
        }
        right[row] /= scale[row];
    }
    let solved = solve(matrix, right)?;
    Some(std::array::from_fn(|at| solved[at] / scale[at]))
}

/// Gauss's elimination with pivots.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    /// A pivot below this means that the equations depend on each other. The diagonal is 1.
    const LEAST: f64 = 1e-11;
    for column in 0..N {
        let pivot = (column..N)
            .max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let top = matrix[column];
        if top[column].abs() <= LEAST || top[column].is_nan() {
            return None;
        }
        for row in column + 1..N {
            let share = matrix[row][column] / top[column];
            for (value, &above) in matrix[row].iter_mut().zip(&top).skip(column) {
                *value -= share * above;
            }
            right[row] -= share * right[column];
        }
    }
    let mut solved = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|at| matrix[row][at] * solved[at]).sum();
        solved[row] = (right[row] - known) / matrix[row][row];
    }
    Some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_fitted() {
        let points = [(0.0, 1.0), (1.0, 3.1), (2.0, 4.9), (3.0, 7.0)];
        let equations = points.iter().map(|&(x, y)| ([1.0, x], y, 1.0));
        let [constant, slope] = least_squares(equations).unwrap();
        assert!((constant - 1.03).abs() < 1e-9 && (slope - 1.98).abs() < 1e-9);
    }

    #[test]
    fn equations_that_depend_on_each_other_have_no_solution() {
        let equations = (0..5).map(|x| ([f64::from(x), 2.0 * f64::from(x)], 1.0, 1.0));
        assert_eq!(least_squares(equations), None);
    }
}
