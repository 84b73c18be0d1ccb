//! The depth of a mean face, and the points that are tracked.

/// A place on the face, in eye distances: the middle between the eyes is (0, 0), x points to the right of the image and y down.
pub(super) type Place = [f32; 2];

/// The places of the five landmarks on the mean face.
pub(super) const LANDMARKS: [Place; 5] = [
    [-0.5, 0.0],
    [0.5, 0.0],
    [0.0, 0.595],
    [-0.390, 1.106],
    [0.390, 1.106],
];

/// A part of the face that is nearer to the camera, or farther away if `height` is negative. A part beside the middle is on both
/// sides.
struct Bump {
    height: f32,
    center: Place,
    size: Place,
}

/// The distance between two neighbors of the tracked points, in eye distances.
const STEP: f32 = 0.115;
/// The half axes and the center of the ellipse in which points are tracked, in eye distances.
const HALF_AXES: Place = [0.95, 1.25];
const CENTER_Y: f32 = 0.45;

const fn bump(height: f32, center: Place, size: Place) -> Bump {
    Bump {
        height,
        center,
        size,
    }
}

const BUMPS: [Bump; 9] = [
    // The tip of the nose, and its bridge.
    bump(0.218, [0.0, 0.584], [0.070, 0.107]),
    bump(0.449, [0.0, 0.203], [0.141, 0.272]),
    // The eye sockets.
    bump(-0.310, [0.360, -0.035], [0.500, 0.222]),
    // The lips, and the chin.
    bump(0.186, [0.0, 0.905], [0.286, 0.120]),
    bump(0.063, [0.0, 1.530], [0.309, 0.205]),
    // The cheeks.
    bump(0.130, [0.750, 0.750], [0.246, 0.500]),
    // The wings of the nose.
    bump(0.206, [0.159, 0.523], [0.078, 0.103]),
    // The lower lip.
    bump(0.128, [0.0, 1.224], [0.203, 0.072]),
    // The brows.
    bump(0.309, [0.463, -0.142], [0.357, 0.248]),
];

/// The distance of a place from the plane of the eyes towards the camera, in eye distances.
///
/// This is a smooth surface of 47 numbers: a polynomial and nine bumps. They were fitted by least squares to the depths of the
/// canonical face of MediaPipe (468 points, Apache-2.0, npm package `@mediapipe/face_mesh` 0.4.1657299874). The rest is 0.010 eye
/// distances (root mean square). The correlation with the canonical face is 0.99 after a plane, a cylinder or a fold is taken away.
pub(super) fn depth([x, y]: Place) -> f32 {
    let square = x * x;
    let base = 0.241 - 0.013 * y - 0.067 * y * y + 0.038 * y * y * y - 0.531 * square
        + 0.076 * square * square
        - 0.193 * square * y;
    let height = |bump: &Bump| {
        let across = |center: f32| (-0.5 * ((x - center) / bump.size[0]).powi(2)).exp();
        let along = (-0.5 * ((y - bump.center[1]) / bump.size[1]).powi(2)).exp();
        let center = bump.center[0];
        let sides = if center == 0.0 {
            across(0.0)
        } else {
            across(center) + across(-center)
        };
        bump.height * along * sides
    };
    base + BUMPS.iter().map(height).sum::<f32>()
}

/// The places of the tracked points: a grid in an ellipse that covers the face from the forehead to the chin.
pub(super) fn points() -> Vec<Place> {
    let (columns, rows) = ((HALF_AXES[0] / STEP) as i32, (HALF_AXES[1] / STEP) as i32);
    let grid = (-rows..=rows).flat_map(|row| (-columns..=columns).map(move |column| (column, row)));
    let places = grid.map(|(column, row)| [column as f32 * STEP, CENTER_Y + row as f32 * STEP]);
    let is_inside = |&[x, y]: &Place| {
        (x / HALF_AXES[0]).powi(2) + ((y - CENTER_Y) / HALF_AXES[1]).powi(2) < 1.0
    };
    places.filter(is_inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nose_is_the_nearest_part_and_the_temples_are_the_farthest() {
        let nose = depth([0.0, 0.595]);
        let points = points();
        assert!((200..400).contains(&points.len()), "{}", points.len());
        let nearest = points
            .iter()
            .max_by(|&&a, &&b| depth(a).total_cmp(&depth(b)));
        let [x, y] = *nearest.unwrap();
        assert!(x.hypot(y - 0.595) < 0.1, "the nearest point is at {x}, {y}");
        assert!(nose - depth([0.5, 0.0]) > 0.3);
        assert!(depth([0.5, 0.0]) > depth([0.9, 0.0]));
    }

    #[test]
    fn both_sides_are_alike() {
        for [x, y] in points() {
            assert!((depth([x, y]) - depth([-x, y])).abs() < 1e-6);
        }
    }
}
