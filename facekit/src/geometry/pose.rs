//! The direction of a head, from its landmarks.

use serde::{Deserialize, Serialize};

use super::{Landmarks, Point};

/// The direction of a head in degrees, estimated from the five landmarks.
///
/// Accurate to about ten degrees for a yaw of −45° to 45° and a pitch of −30° to 30°. This is enough to distinguish a face
/// that looks at the camera from one that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadPose {
    /// Rotation to the side, positive if the nose points to the right of the image.
    pub yaw: f32,
    /// Rotation up and down, positive if the nose points up.
    pub pitch: f32,
    /// Rotation in the image plane, positive if the head leans clockwise as seen in the image.
    pub roll: f32,
}

type Vector = [f64; 3];

/// The five landmarks of a mean head that looks at the camera: x to the right, y down, z away from the camera, in units of
/// the distance between the eyes. x and y are those of the 112 × 112 alignment template. Depths are anthropometric means:
/// the nose tip is 28 mm and the mouth corners are 3 mm in front of the eyes, which are 63 mm apart.
const HEAD: [Vector; 5] = [
    [-0.5, 0.0, 0.0],
    [0.5, 0.0, 0.0],
    [0.0, 0.571, -0.444],
    [-0.414, 1.155, -0.048],
    [0.414, 1.155, -0.048],
];

impl HeadPose {
    /// Fits a mean head to `landmarks` under weak perspective: finds the affine camera that fits the five points best in
    /// the sense of least squares, and makes it orthogonal (after DeMenthon and Davis 1995, without iterations).
    ///
    /// `None` if the points do not span a face: they coincide or are on one line.
    ///
    /// ```
    /// use facekit::{HeadPose, Landmarks, Point};
    ///
    /// let looks_ahead = Landmarks {
    ///     left_eye: Point::new(38.3, 51.7),
    ///     right_eye: Point::new(73.5, 51.7),
    ///     nose: Point::new(56.0, 71.7),
    ///     left_mouth: Point::new(41.5, 92.3),
    ///     right_mouth: Point::new(70.5, 92.3),
    /// };
    /// let pose = HeadPose::estimate(&looks_ahead).unwrap();
    /// assert!(pose.yaw.abs() < 2.0 && pose.pitch.abs() < 5.0 && pose.roll.abs() < 1.0, "{pose:?}");
    /// ```
    #[must_use]
    pub fn estimate(landmarks: &Landmarks) -> Option<Self> {
        let points = landmarks.points();
        let count = points.len() as f64;
        let middle = HEAD
            .iter()
            .fold([0.0; 3], |sum, p| [0, 1, 2].map(|i| sum[i] + p[i] / count));
        let head = HEAD.map(|p| [0, 1, 2].map(|i| p[i] - middle[i]));

        let mut spread = [[0.0; 3]; 3];
        for p in &head {
            for (row, &value) in spread.iter_mut().zip(p) {
                *row = [0, 1, 2].map(|i| row[i] + value * p[i]);
            }
        }
        let inverse = inverse(&spread);
        let row = |coordinate: fn(&Point) -> f32| {
            let mut sum = [0.0; 3];
            for (p, point) in head.iter().zip(&points) {
                sum = [0, 1, 2].map(|i| sum[i] + p[i] * f64::from(coordinate(point)));
            }
            inverse.map(|row| dot(row, sum))
        };
        let (i, j) = (normalized(row(|p| p.x))?, normalized(row(|p| p.y))?);

        // If the points are on one line, or nearly so, i and j are nearly parallel.
        let across = cross(i, j);
        if dot(across, across) < 0.01 {
            return None;
        }
        // The nearest pair of orthogonal unit vectors has the same bisectors as i and j.
        let both = normalized([0, 1, 2].map(|n| i[n] + j[n]))?;
        let apart = normalized([0, 1, 2].map(|n| i[n] - j[n]))?;
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let i = [0, 1, 2].map(|n| half * (both[n] + apart[n]));
        let j = [0, 1, 2].map(|n| half * (both[n] - apart[n]));
        let k = cross(i, j);

        // Rows of R = Rz(roll) · Ry(−yaw) · Rx(−pitch).
        let degrees = |radians: f64| radians.to_degrees() as f32;
        Some(Self {
            yaw: degrees(k[0].clamp(-1.0, 1.0).asin()),
            pitch: degrees(-k[1].atan2(k[2])),
            roll: degrees(j[0].atan2(i[0])),
        })
    }
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn normalized(v: Vector) -> Option<Vector> {
    let length = dot(v, v).sqrt();
    (length.is_finite() && length > 1e-9).then(|| v.map(|value| value / length))
}

fn inverse(m: &[Vector; 3]) -> [Vector; 3] {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| cofactor(c, r) / determinant))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pose_of_a_rotated_head_is_found(
            yaw in -60.0_f64..60.0, pitch in -45.0_f64..45.0, roll in -80.0_f64..80.0, scale in 10.0_f64..400.0,
        ) {
            let (sy, cy) = (-yaw).to_radians().sin_cos();
            let (sp, cp) = (-pitch).to_radians().sin_cos();
            let (sr, cr) = roll.to_radians().sin_cos();
            let turn = |[x, y, z]: Vector| {
                let [x, y, z] = [x, cp * y - sp * z, sp * y + cp * z];
                let [x, y] = [cy * x + sy * z, y];
                Point::new((scale * (cr * x - sr * y)) as f32 + 300.0, (scale * (sr * x + cr * y)) as f32 + 200.0)
            };
            let pose = HeadPose::estimate(&HEAD.map(turn).into()).unwrap();
            prop_assert!((f64::from(pose.yaw) - yaw).abs() < 0.5, "{pose:?}");
            prop_assert!((f64::from(pose.pitch) - pitch).abs() < 0.5, "{pose:?}");
            prop_assert!((f64::from(pose.roll) - roll).abs() < 0.5, "{pose:?}");
        }
    }

    #[test]
    fn yaw_follows_the_nose() {
        let right = Landmarks {
            nose: Point::new(66.0, 71.0),
            ..HEAD
                .map(|[x, y, _]| Point::new(x as f32 * 35.0 + 56.0, y as f32 * 35.0 + 51.0))
                .into()
        };
        assert!(HeadPose::estimate(&right).unwrap().yaw > 10.0);
    }

    #[test]
    fn points_on_a_line_have_no_pose() {
        assert_eq!(HeadPose::estimate(&Landmarks::default()), None);
        let line = [10.0_f32, 31.0, 22.0, 15.0, 28.0].map(|x| Point::new(x, 0.3 * x + 7.1));
        assert_eq!(HeadPose::estimate(&line.into()), None);
    }
}
