//! Maps of a plane that is seen from two sides.

use super::linear;

/// A point with 64 bits.
pub(super) type Spot = [f64; 2];

/// A map of the plane by eight numbers: `x' = (a x + b y + c) / (g x + h y + 1)`, and so on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Homography([f64; 8]);

/// The number of random samples of four points.
const SAMPLES: usize = 160;
/// The standard deviation of a normal distribution divided by the median of its absolute values.
const NORMAL: f64 = 1.4826;
/// Points farther away than this, in standard deviations, do not count.
const OUTLIER: f64 = 2.5;
/// The least standard deviation of tracked points, in pixels.
const LEAST_DEVIATION: f64 = 0.05;

impl Homography {
    /// The affine map that fits five or more points best, in the sense of least squares. `None` if the points are on one line.
    pub(super) fn affine(from: &[Spot], to: &[Spot]) -> Option<Self> {
        let mut rows = [[0.0; 3]; 2];
        for (axis, row) in rows.iter_mut().enumerate() {
            let equations = from
                .iter()
                .zip(to)
                .map(|(f, t)| ([f[0], f[1], 1.0], t[axis], 1.0));
            *row = linear::least_squares(equations)?;
        }
        let [[a, b, c], [d, e, f]] = rows;
        Some(Self([a, b, c, d, e, f, 0.0, 0.0]))
    }

    /// The map that fits best, in the sense of least squares.
    fn fit(pairs: impl Iterator<Item = (Spot, Spot)>) -> Option<Self> {
        let equations = pairs.flat_map(|([x, y], [u, v])| {
            [
                ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u, 1.0),
                ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v, 1.0),
            ]
        });
        linear::least_squares(equations).map(Self)
    }

    /// The map with the least median of squared distances (P. J. Rousseeuw 1984), refitted to the points that follow it. The
    /// random samples are the same each time.
    pub(super) fn robust(from: &[Spot], to: &[Spot]) -> Option<Self> {
        let count = from.len();
        if count < 8 {
            return None;
        }
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 33) % limit as u64) as usize
        };
        let mut best: Option<(f64, Self)> = None;
        let mut squares = vec![0.0; count];
        for _ in 0..SAMPLES {
            let chosen: [usize; 4] = std::array::from_fn(|_| below(count));
            let Some(map) = Self::fit(chosen.iter().map(|&at| (from[at], to[at]))) else {
                continue;
            };
            for ((square, &from), &to) in squares.iter_mut().zip(from).zip(to) {
                *square = map.square(from, to);
            }
            let middle = *squares.select_nth_unstable_by(count / 2, f64::total_cmp).1;
            if middle.is_finite() && best.is_none_or(|(least, _)| middle < least) {
                best = Some((middle, map));
            }
        }
        let (middle, mut map) = best?;
        let mut deviation = NORMAL * middle.sqrt();
        for _ in 0..3 {
            let most = (OUTLIER * deviation.max(LEAST_DEVIATION)).powi(2);
            let near = |&(&from, &to): &(&Spot, &Spot)| map.square(from, to) <= most;
            let followers: Vec<(Spot, Spot)> = from
                .iter()
                .zip(to)
                .filter(near)
                .map(|(&from, &to)| (from, to))
                .collect();
            if followers.len() < 8 {
                return None;
            }
            map = Self::fit(followers.into_iter())?;
            for ((square, &from), &to) in squares.iter_mut().zip(from).zip(to) {
                *square = map.square(from, to);
            }
            let middle = *squares.select_nth_unstable_by(count / 2, f64::total_cmp).1;
            deviation = NORMAL * middle.sqrt();
        }
        Some(map)
    }

    /// This map after an affine one.
    pub(super) fn after_affine(&self, first: &Self) -> Self {
        let matrix = |map: &Self| {
            let [a, b, c, d, e, f, g, h] = map.0;
            [[a, b, c], [d, e, f], [g, h, 1.0]]
        };
        let (second, first) = (matrix(self), matrix(first));
        let product: [[f64; 3]; 3] = std::array::from_fn(|row| {
            std::array::from_fn(|column| (0..3).map(|at| second[row][at] * first[at][column]).sum())
        });
        let [[a, b, c], [d, e, f], [g, h, w]] = product;
        Self([a, b, c, d, e, f, g, h].map(|value| value / w))
    }

    pub(super) fn apply(&self, [x, y]: Spot) -> Spot {
        let [a, b, c, d, e, f, g, h] = self.0;
        let w = g * x + h * y + 1.0;
        [(a * x + b * y + c) / w, (d * x + e * y + f) / w]
    }

    /// The area of the image of a small area at a point, divided by it. Negative if the map mirrors.
    pub(super) fn growth(&self, [x, y]: Spot) -> f64 {
        let [a, b, c, d, e, f, g, h] = self.0;
        let w = g * x + h * y + 1.0;
        let determinant = a * (e - f * h) - b * (d - f * g) + c * (d * h - e * g);
        determinant / (w * w * w)
    }

    fn square(&self, from: Spot, to: Spot) -> f64 {
        let [x, y] = self.apply(from);
        (x - to[0]).powi(2) + (y - to[1]).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_found_among_outliers() {
        let map = Homography([1.1, 0.05, 4.0, -0.03, 0.95, -2.0, 4e-4, -2e-4]);
        let from: Vec<Spot> = (0..100)
            .map(|at| [f64::from(at % 10) * 12.0, f64::from(at / 10) * 11.0])
            .collect();
        let to: Vec<Spot> = from
            .iter()
            .enumerate()
            .map(|(at, &spot)| {
                let [x, y] = map.apply(spot);
                if at % 4 == 0 {
                    [x + 9.0, y - 5.0]
                } else {
                    [x, y]
                }
            })
            .collect();
        let found = Homography::robust(&from, &to).unwrap();
        for &spot in &from {
            let ([x, y], [u, v]) = (map.apply(spot), found.apply(spot));
            assert!((x - u).hypot(y - v) < 1e-6, "{found:?}");
        }
        assert!(map.growth([60.0, 60.0]) > 0.9);
    }

    #[test]
    fn points_on_a_line_have_no_map() {
        let line: Vec<Spot> = (0..20)
            .map(|at| [f64::from(at), 2.0 * f64::from(at)])
            .collect();
        assert_eq!(Homography::robust(&line, &line), None);
        assert_eq!(Homography::affine(&line, &line), None);
    }
}
