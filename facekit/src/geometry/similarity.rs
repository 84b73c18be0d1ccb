//! Similarity transforms of the plane.

use super::Point;

/// A similarity transform of the plane: a rotation, a uniform scaling and a translation,
/// `x' = a·x − b·y + tx`, `y' = b·x + a·y + ty`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    a: f64,
    b: f64,
    tx: f64,
    ty: f64,
}

impl Similarity {
    /// The transform that maps every point to itself.
    #[must_use]
    pub const fn identity() -> Self {
        Self {
            a: 1.0,
            b: 0.0,
            tx: 0.0,
            ty: 0.0,
        }
    }

    /// Fits a similarity that maps `from` to `to`, in the sense of least squares (Umeyama 1991, "Least-squares estimation
    /// of transformation parameters between two point patterns").
    ///
    /// In the plane the solution has a closed form: with points as complex numbers relative to their means, rotation and
    /// scale are `Σ conj(from)·to / Σ |from|²`. It never mirrors.
    ///
    /// `None` if all points of `from` coincide, or a coordinate is not finite.
    ///
    /// ```
    /// use facekit::{Point, Similarity};
    ///
    /// let from = [Point::new(0.0, 0.0), Point::new(1.0, 0.0), Point::new(0.0, 1.0)];
    /// let to = [Point::new(5.0, 5.0), Point::new(5.0, 7.0), Point::new(3.0, 5.0)]; // twice as large, a quarter turn
    /// let map = Similarity::fit(&from, &to).unwrap();
    /// assert!(map.apply(Point::new(1.0, 1.0)).distance(Point::new(3.0, 7.0)) < 1e-5);
    /// assert!((map.scale() - 2.0).abs() < 1e-9);
    /// ```
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    #[must_use]
    pub fn fit(from: &[Point], to: &[Point]) -> Option<Self> {
        assert_eq!(from.len(), to.len(), "points come in pairs");
        let (from_x, from_y) = mean(from);
        let (to_x, to_y) = mean(to);
        let (mut real, mut imaginary, mut square) = (0.0, 0.0, 0.0);
        for (f, t) in from.iter().zip(to) {
            let (fx, fy) = (f64::from(f.x) - from_x, f64::from(f.y) - from_y);
            let (tx, ty) = (f64::from(t.x) - to_x, f64::from(t.y) - to_y);
            real += fx * tx + fy * ty;
            imaginary += fx * ty - fy * tx;
            square += fx * fx + fy * fy;
        }
        let (a, b) = (real / square, imaginary / square);
        let map = Self {
            a,
            b,
            tx: to_x - a * from_x + b * from_y,
            ty: to_y - b * from_x - a * from_y,
        };
        (map.tx.is_finite() && map.ty.is_finite() && map.scale() > 0.0).then_some(map)
    }

    /// The image of `point`.
    #[must_use]
    pub fn apply(&self, point: Point) -> Point {
        let (x, y) = self.apply_f64(f64::from(point.x), f64::from(point.y));
        Point::new(x as f32, y as f32)
    }

    /// The inverse transform.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self {
            a,
            b,
            tx: -(a * self.tx - b * self.ty),
            ty: -(b * self.tx + a * self.ty),
        }
    }

    /// The factor by which distances grow.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    pub(crate) fn apply_f64(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.a * x - self.b * y + self.tx,
            self.b * x + self.a * y + self.ty,
        )
    }

    /// The movement of the image of a point when the point moves by 1 in x.
    pub(crate) fn step(&self) -> (f64, f64) {
        (self.a, self.b)
    }

    /// `self`, followed by a rotation by `degrees` (clockwise as seen in an image) about `center`.
    pub(crate) fn turned(&self, degrees: f64, center: Point) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (cx, cy) = (f64::from(center.x), f64::from(center.y));
        let (tx, ty) = (self.tx - cx, self.ty - cy);
        Self {
            a: cos * self.a - sin * self.b,
            b: sin * self.a + cos * self.b,
            tx: cos * tx - sin * ty + cx,
            ty: sin * tx + cos * ty + cy,
        }
    }
}

fn mean(points: &[Point]) -> (f64, f64) {
    let count = points.len() as f64;
    let sum = |coordinate: fn(&Point) -> f32| {
        points.iter().map(|p| f64::from(coordinate(p))).sum::<f64>()
    };
    (sum(|p| p.x) / count, sum(|p| p.y) / count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_known_similarity_is_found(
            scale in 0.05_f64..20.0, angle in -3.1_f64..3.1, tx in -500.0_f64..500.0, ty in -500.0_f64..500.0,
        ) {
            let map = Similarity { a: scale * angle.cos(), b: scale * angle.sin(), tx, ty };
            let from = [(30.0, 50.0), (70.0, 52.0), (55.0, 70.0), (40.0, 92.0), (71.0, 90.0)]
                .map(|(x, y)| Point::new(x, y));
            let found = Similarity::fit(&from, &from.map(|point| map.apply(point))).unwrap();
            prop_assert!((found.scale() / scale - 1.0).abs() < 1e-3);
            for point in from {
                let there = found.apply(point);
                prop_assert!(there.distance(map.apply(point)) < 0.01);
                prop_assert!(found.inverse().apply(there).distance(point) < 0.01);
            }
        }
    }

    #[test]
    fn points_that_coincide_have_no_similarity() {
        let same = [Point::new(3.0, 3.0); 5];
        assert_eq!(Similarity::fit(&same, &same), None);
        let broken = [Point::new(f32::NAN, 0.0), Point::new(1.0, 1.0)];
        assert_eq!(Similarity::fit(&broken, &broken), None);
    }
}
