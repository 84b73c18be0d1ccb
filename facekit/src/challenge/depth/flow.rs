//! Tracking of points from one picture to another (B. D. Lucas and T. Kanade, "An Iterative Image Registration Technique", 1981;
//! J.-Y. Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature Tracker", 2000).

use super::plane::Plane;

/// Half the side of the window around a point, in pixels.
const RADIUS: i32 = 5;
const SIDE: usize = (2 * RADIUS + 1) as usize;
const AREA: usize = SIDE * SIDE;
const LEVELS: usize = 3;
const STEPS: usize = 10;
/// A step below this, in pixels, ends the search.
const SMALLEST_STEP: f32 = 0.02;
/// The least mean square gradient in the weakest direction of a window that can be tracked. Pictures are normalized.
const LEAST_TEXTURE: f32 = 0.002;
/// The greatest movement at the coarsest level, in its pixels.
const LONGEST: f32 = 6.0;

/// A picture at full, half and quarter size.
#[derive(Clone, Debug)]
pub(super) struct Pyramid([Plane; LEVELS]);

impl Pyramid {
    pub(super) fn new(picture: Plane) -> Self {
        let half = picture.halved();
        let quarter = half.halved();
        Self([picture, half, quarter])
    }

    /// The coordinates of a point at a level.
    fn place(point: [f32; 2], level: usize) -> [f32; 2] {
        let scale = (1 << level) as f32;
        point.map(|value| (value + 0.5) / scale - 0.5)
    }
}

/// The surroundings of a point at one level.
struct Window {
    values: [f32; AREA],
    across: [f32; AREA],
    down: [f32; AREA],
    /// The inverse of the sum of the products of gradients; `None` without enough texture.
    inverse: Option<[f32; 3]>,
}

impl Window {
    fn cut(picture: &Plane, [x, y]: [f32; 2]) -> Self {
        // One pixel more on each side for the gradients.
        const WIDE: usize = SIDE + 2;
        let mut wide = [0.0; WIDE * WIDE];
        sample(picture, [x, y], RADIUS + 1, &mut wide);
        let mut window = Self {
            values: [0.0; AREA],
            across: [0.0; AREA],
            down: [0.0; AREA],
            inverse: None,
        };
        let [mut xx, mut xy, mut yy] = [0.0_f32; 3];
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (at, center) = (row * SIDE + column, (row + 1) * WIDE + column + 1);
                let across = (wide[center + 1] - wide[center - 1]) / 2.0;
                let down = (wide[center + WIDE] - wide[center - WIDE]) / 2.0;
                window.values[at] = wide[center];
                window.across[at] = across;
                window.down[at] = down;
                xx += across * across;
                xy += across * down;
                yy += down * down;
            }
        }
        let determinant = xx * yy - xy * xy;
        let half = (xx + yy) / 2.0;
        let weakest = half - (half * half - determinant).max(0.0).sqrt();
        window.inverse = (weakest > LEAST_TEXTURE * AREA as f32)
            .then(|| [yy, -xy, xx].map(|value| value / determinant));
        window
    }

    /// The movement of the window in `picture`, searched from `start`; `None` if it does not settle.
    fn find(&self, picture: &Plane, [x, y]: [f32; 2], start: [f32; 2]) -> Option<[f32; 2]> {
        let [a, b, c] = self.inverse?;
        let [mut dx, mut dy] = start;
        let mut there = [0.0; AREA];
        for _ in 0..STEPS {
            sample(picture, [x + dx, y + dy], RADIUS, &mut there);
            let [mut across, mut down] = [0.0_f32; 2];
            let gradients = self.across.iter().zip(&self.down);
            for ((value, there), (x, y)) in self.values.iter().zip(&there).zip(gradients) {
                let difference = value - there;
                across += difference * x;
                down += difference * y;
            }
            let step = [a * across + b * down, b * across + c * down];
            dx += step[0];
            dy += step[1];
            if (dx - start[0]).hypot(dy - start[1]) > LONGEST {
                return None;
            }
            if step[0].hypot(step[1]) < SMALLEST_STEP {
                break;
            }
        }
        (dx.is_finite() && dy.is_finite()).then_some([dx, dy])
    }
}

/// The values around a point, one pixel apart, by bilinear interpolation.
fn sample(picture: &Plane, [x, y]: [f32; 2], radius: i32, into: &mut [f32]) {
    let side = (2 * radius + 1) as usize;
    let (left, top) = (x.floor() as i32 - radius, y.floor() as i32 - radius);
    let inside = left >= 0
        && top >= 0
        && left as usize + side < picture.width
        && top as usize + side < picture.height;
    if !inside {
        for row in 0..side {
            for column in 0..side {
                let (dx, dy) = (column as f32 - radius as f32, row as f32 - radius as f32);
                into[row * side + column] = picture.between(x + dx, y + dy);
            }
        }
        return;
    }
    let (dx, dy) = (x - x.floor(), y - y.floor());
    let weights = [
        (1.0 - dx) * (1.0 - dy),
        dx * (1.0 - dy),
        (1.0 - dx) * dy,
        dx * dy,
    ];
    for (row, into) in into.chunks_exact_mut(side).take(side).enumerate() {
        let begin = (top as usize + row) * picture.width + left as usize;
        let above = &picture.values[begin..][..=side];
        let below = &picture.values[begin + picture.width..][..=side];
        for (column, value) in into.iter_mut().enumerate() {
            *value = weights[0] * above[column]
                + weights[1] * above[column + 1]
                + weights[2] * below[column]
                + weights[3] * below[column + 1];
        }
    }
}

/// Points of a picture, ready to be found in others.
pub(super) struct Tracked {
    points: Vec<[f32; 2]>,
    /// The windows of each point, at each level.
    windows: Vec<[Window; LEVELS]>,
}

impl Tracked {
    pub(super) fn new(picture: &Pyramid, points: Vec<[f32; 2]>) -> Self {
        let windows = points.iter().map(|&point| {
            std::array::from_fn(|level| {
                Window::cut(&picture.0[level], Pyramid::place(point, level))
            })
        });
        Self {
            windows: windows.collect(),
            points,
        }
    }

    /// The movement of each point in another picture; `None` for a point that is lost.
    pub(super) fn find(&self, picture: &Pyramid) -> Vec<Option<[f32; 2]>> {
        let points = self.points.iter().zip(&self.windows);
        points
            .map(|(&point, windows)| find(point, windows, picture))
            .collect()
    }

    /// The movements that lead back to the same point, at most `most` pixels from it, when they are searched in the other
    /// direction.
    pub(super) fn confirm(
        &self,
        from: &Pyramid,
        to: &Pyramid,
        moves: &mut [Option<[f32; 2]>],
        most: f32,
    ) {
        for (&[x, y], found) in self.points.iter().zip(moves) {
            let Some([dx, dy]) = *found else { continue };
            let there = [x + dx, y + dy];
            let window = Window::cut(&to.0[0], there);
            let back = window.find(&from.0[0], there, [-dx, -dy]);
            let is_back = back.is_some_and(|[bx, by]| (dx + bx).hypot(dy + by) <= most);
            if !is_back {
                *found = None;
            }
        }
    }
}

fn find(point: [f32; 2], windows: &[Window; LEVELS], picture: &Pyramid) -> Option<[f32; 2]> {
    let mut moved = [0.0; 2];
    for level in (0..LEVELS).rev() {
        let place = Pyramid::place(point, level);
        // A coarse level without texture leaves the search to the finer ones.
        if let Some(found) = windows[level].find(&picture.0[level], place, moved) {
            moved = found;
        } else if level == 0 {
            return None;
        }
        if level > 0 {
            moved = moved.map(|value| 2.0 * value);
        }
    }
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(x: f32, y: f32) -> f32 {
        (0.35 * x).sin() + (0.31 * y + 0.2 * x).cos() + 0.7 * (0.12 * x - 0.17 * y).sin()
    }

    #[test]
    fn a_shift_is_found_forward_and_back() {
        let from = Pyramid::new(Plane::from_fn(120, 120, |x, y| texture(x as f32, y as f32)));
        let to = Pyramid::new(Plane::from_fn(120, 120, |x, y| {
            texture(x as f32 - 3.3, y as f32 + 1.6)
        }));
        let points: Vec<[f32; 2]> = (3..9)
            .flat_map(|x| (3..9).map(move |y| [12.0 * x as f32, 12.0 * y as f32]))
            .collect();
        let tracked = Tracked::new(&from, points);
        let mut moves = tracked.find(&to);
        tracked.confirm(&from, &to, &mut moves, 0.5);
        for found in moves {
            let [dx, dy] = found.unwrap();
            assert!(
                (dx - 3.3).abs() < 0.1 && (dy + 1.6).abs() < 0.1,
                "{dx} {dy}"
            );
        }
    }

    #[test]
    fn a_plain_picture_is_lost() {
        let plain = Pyramid::new(Plane::from_fn(80, 80, |_, _| 0.5));
        let tracked = Tracked::new(&plain, vec![[40.0, 40.0]]);
        assert_eq!(tracked.find(&plain), [None]);
    }
}
