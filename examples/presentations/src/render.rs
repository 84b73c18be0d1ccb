//! Pictures of a surface that a camera sees.

use facekit::{Image, Landmarks, Point, Similarity};

use crate::surface::Surface;

/// The distance from the camera to the face, in eye distances: 0.55 m.
const CAMERA: f32 = 9.0;
/// The distance between two neighbors of the mesh, in eye distances.
const MESH: f32 = 0.07;
/// The places of the eyes and of the corners of the mouth on a mean face, in eye distances (those of the alignment template).
const FACE: [Point; 4] = [
    Point::new(-0.5, 0.0),
    Point::new(0.5, 0.0),
    Point::new(-0.414, 1.155),
    Point::new(0.414, 1.155),
];

/// The photo that is on the surface.
#[derive(Debug)]
pub(crate) struct Texture<'a> {
    photo: &'a Image,
    /// From places on the face to pixels of the photo.
    map: Similarity,
}

/// The direction and the position of the surface.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pose {
    /// Degrees, positive if the nose points to the right of the image.
    pub(crate) yaw: f32,
    /// Degrees, positive if the nose points up.
    pub(crate) pitch: f32,
    /// Degrees clockwise.
    pub(crate) roll: f32,
    /// The movement to the right and down, in eye distances.
    pub(crate) shift: [f32; 2],
}

impl Pose {
    /// A point of the surface in space, turned about the pivot.
    pub(crate) fn apply(self, point: [f32; 3], pivot: [f32; 3]) -> [f32; 3] {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - pivot[axis]);
        let (sin, cos) = self.yaw.to_radians().sin_cos();
        let [x, z] = [cos * x + sin * z, cos * z - sin * x];
        let (sin, cos) = self.pitch.to_radians().sin_cos();
        let [y, z] = [cos * y - sin * z, cos * z + sin * y];
        let (sin, cos) = self.roll.to_radians().sin_cos();
        let [x, y] = [cos * x - sin * y, sin * x + cos * y];
        [
            x + pivot[0] + self.shift[0],
            y + pivot[1] + self.shift[1],
            z + pivot[2],
        ]
    }
}

impl<'a> Texture<'a> {
    /// A photo with the landmarks of its face. `None` if they coincide.
    pub(crate) fn new(photo: &'a Image, landmarks: &Landmarks) -> Option<Self> {
        let to = [
            landmarks.left_eye,
            landmarks.right_eye,
            landmarks.left_mouth,
            landmarks.right_mouth,
        ];
        let map = Similarity::fit(&FACE, &to)?;
        (photo.width() > 1 && photo.height() > 1).then_some(Self { photo, map })
    }

    /// The pixel of the photo at a place on the face, with the edge outside the photo.
    fn pixel(&self, x: f32, y: f32) -> Point {
        let point = self.map.apply(Point::new(x, y));
        Point::new(
            point.x.clamp(0.0, (self.photo.width() - 1) as f32),
            point.y.clamp(0.0, (self.photo.height() - 1) as f32),
        )
    }

    fn is_inside(&self, x: f32, y: f32) -> bool {
        let point = self.map.apply(Point::new(x, y));
        let (right, bottom) = (self.photo.width() as f32, self.photo.height() as f32);
        point.x >= 0.0 && point.y >= 0.0 && point.x < right && point.y < bottom
    }

    fn color(&self, at: Point) -> [f32; 3] {
        let (width, height) = (self.photo.width(), self.photo.height());
        let (left, top) = (
            (at.x as usize).min(width - 2),
            (at.y as usize).min(height - 2),
        );
        let (dx, dy) = (at.x - left as f32, at.y - top as f32);
        let row = |y: usize| &self.photo.data()[3 * (y * width + left)..][..6];
        let (above, below) = (row(top), row(top + 1));
        [0, 1, 2].map(|channel| {
            let line = |row: &[u8]| {
                (1.0 - dx) * f32::from(row[channel]) + dx * f32::from(row[channel + 3])
            };
            (1.0 - dy) * line(above) + dy * line(below)
        })
    }

    /// The mean color of the photo.
    fn mean(&self) -> [f32; 3] {
        let pixels = self.photo.data().chunks_exact(3);
        let count = pixels.len() as f32;
        let sum = pixels.fold([0.0; 3], |sum: [f32; 3], pixel| {
            [0, 1, 2].map(|channel| sum[channel] + f32::from(pixel[channel]))
        });
        sum.map(|sum| sum / count)
    }
}

/// The landmarks of the face on a surface, as [`draw`] shows them.
pub(crate) fn landmarks(surface: Surface, pose: Pose, side: usize, scale: f32) -> Landmarks {
    let nose = Point::new(0.0, 0.571);
    let [left_eye, right_eye, left_mouth, right_mouth] = FACE;
    let place = |point: Point| {
        let space = pose.apply(surface.place(point.x, point.y), surface.pivot());
        projected(space, side, scale)
    };
    [left_eye, right_eye, nose, left_mouth, right_mouth]
        .map(place)
        .into()
}

/// The pixel of a point in space.
fn projected([x, y, z]: [f32; 3], side: usize, scale: f32) -> Point {
    let perspective = CAMERA / (CAMERA - z);
    Point::new(
        side as f32 / 2.0 + scale * perspective * x,
        side as f32 / 2.0 + scale * perspective * (y - 0.45),
    )
}

/// A picture of floating-point colors, 0 to 255.
pub(crate) struct Canvas {
    pub(crate) side: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

/// A corner of the mesh in the image.
#[derive(Clone, Copy)]
struct Corner {
    x: f32,
    y: f32,
    /// The distance to the camera plane, greater if nearer.
    near: f32,
    texture: Point,
}

/// Draws a surface in front of a plain wall. The picture has `side` pixels a side, and `scale` pixels an eye distance.
pub(crate) fn draw(
    texture: &Texture<'_>,
    surface: Surface,
    pose: Pose,
    side: usize,
    scale: f32,
) -> Canvas {
    let wall = texture.mean();
    let mut pixels = Vec::with_capacity(side * side);
    for y in 0..side {
        let share = 0.75 + 0.3 * y as f32 / side as f32;
        pixels.extend((0..side).map(|x| {
            let share = share + 0.15 * x as f32 / side as f32;
            wall.map(|value| value * share)
        }));
    }
    let mut canvas = Canvas { side, pixels };
    let mut nearest = vec![f32::NEG_INFINITY; side * side];
    let [left, top, right, bottom] = surface.extent();
    let (columns, rows) = (
        ((right - left) / MESH).ceil() as usize,
        ((bottom - top) / MESH).ceil() as usize,
    );
    let pivot = surface.pivot();
    let corner = |column: usize, row: usize| {
        let x = left + (right - left) * column as f32 / columns as f32;
        let y = top + (bottom - top) * row as f32 / rows as f32;
        let is_there = surface.covers(x, y) && (surface.is_head() || texture.is_inside(x, y));
        is_there.then(|| {
            let space = pose.apply(surface.place(x, y), pivot);
            let point = projected(space, side, scale);
            Corner {
                x: point.x,
                y: point.y,
                near: space[2],
                texture: texture.pixel(x, y),
            }
        })
    };
    let mut above: Vec<Option<Corner>> = (0..=columns).map(|column| corner(column, 0)).collect();
    for row in 1..=rows {
        let below: Vec<Option<Corner>> = (0..=columns).map(|column| corner(column, row)).collect();
        for column in 0..columns {
            let (a, b) = (above[column], above[column + 1]);
            let (c, d) = (below[column], below[column + 1]);
            if let (Some(a), Some(b), Some(c), Some(d)) = (a, b, c, d) {
                triangle(&mut canvas, &mut nearest, texture, [a, b, c]);
                triangle(&mut canvas, &mut nearest, texture, [b, d, c]);
            }
        }
        above = below;
    }
    canvas
}

/// Draws a triangle where it is nearer than what is drawn. The back of the surface is drawn, too.
fn triangle(canvas: &mut Canvas, nearest: &mut [f32], texture: &Texture<'_>, corners: [Corner; 3]) {
    let [a, b, c] = corners;
    let area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
    if area.abs() < 1e-6 {
        return;
    }
    let last = canvas.side as f32 - 1.0;
    let low = |values: [f32; 3]| {
        values
            .into_iter()
            .fold(f32::INFINITY, f32::min)
            .ceil()
            .max(0.0)
    };
    let high = |values: [f32; 3]| {
        values
            .into_iter()
            .fold(f32::NEG_INFINITY, f32::max)
            .floor()
            .min(last)
    };
    let (left, right) = (low([a.x, b.x, c.x]), high([a.x, b.x, c.x]));
    let (top, bottom) = (low([a.y, b.y, c.y]), high([a.y, b.y, c.y]));
    if left > right || top > bottom {
        return;
    }
    for row in top as usize..=bottom as usize {
        for column in left as usize..=right as usize {
            let (x, y) = (column as f32, row as f32);
            let second = ((x - a.x) * (c.y - a.y) - (c.x - a.x) * (y - a.y)) / area;
            let third = ((b.x - a.x) * (y - a.y) - (x - a.x) * (b.y - a.y)) / area;
            let first = 1.0 - second - third;
            // Pixels on a common edge are drawn by both triangles.
            if first < -1e-4 || second < -1e-4 || third < -1e-4 {
                continue;
            }
            let near = first * a.near + second * b.near + third * c.near;
            let at = row * canvas.side + column;
            if near > nearest[at] {
                nearest[at] = near;
                let point = Point::new(
                    first * a.texture.x + second * b.texture.x + third * c.texture.x,
                    first * a.texture.y + second * b.texture.y + third * c.texture.y,
                );
                canvas.pixels[at] = texture.color(point);
            }
        }
    }
}
