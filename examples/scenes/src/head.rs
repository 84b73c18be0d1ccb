//! A person of a photo, drawn with another size and with the head turned: the photo is bent over the generic shape of a head.

use facekit::{Image, Point, Rect};

use crate::{actor::Portrait, walker::Angles};

/// The depth of a head from the ears to the nose, in face widths.
const DEPTH: f32 = 0.6;
/// The half width and half height of a head with its hair, in those of the face.
const HEAD: (f32, f32) = (0.95, 0.95);
/// The half width of the neck and of the shoulders, in face widths, and where they begin and are reached, in face heights below the
/// middle of the face.
const NECK: (f32, f32) = (0.42, 0.5);
const SHOULDERS: (f32, f32) = (1.25, 1.25);
/// The steps with which a place of the photo is searched for a place of the frame.
const STEPS: usize = 4;

/// A place relative to the middle of a face: face widths to the right, and face heights down.
#[derive(Clone, Copy)]
struct Place {
    x: f32,
    y: f32,
}

/// The depth of a place, in face widths: a smooth dome over the head, and nothing beside it.
fn depth(Place { x, y }: Place) -> f32 {
    let outside = (x / 0.8).powi(2) + y.powi(2);
    let inside = (1.0 - outside).max(0.0);
    DEPTH * inside * inside
}

/// The share of the person at a place: 1 inside, 0 outside, with a soft edge.
fn share(Place { x, y }: Place) -> f32 {
    let head = ((1.0 - (x / HEAD.0).hypot(y / HEAD.1)) * 8.0).clamp(0.0, 1.0);
    if y < NECK.1 {
        return head;
    }
    let along = ((y - NECK.1) / (SHOULDERS.1 - NECK.1)).min(1.0);
    // Shoulders are round.
    let half =
        NECK.0 + (SHOULDERS.0 - NECK.0) * (1.0 - (1.0 - along).powi(2)).sqrt() * along.sqrt();
    let body = ((half - x.abs()) * 8.0).clamp(0.0, 1.0) * ((y - NECK.1) * 8.0).clamp(0.0, 1.0);
    head.max(body)
}

/// A portrait with the size, the place and the turn that it has in a frame.
pub(crate) struct Head<'a> {
    portrait: &'a Portrait,
    /// The middle of the face in the frame.
    center: Point,
    /// The width and the height of the face in the frame.
    size: (f32, f32),
    angles: Angles,
}

/// A row of a person in a frame: colors, each with its share.
pub(crate) struct Row {
    pub(crate) left: usize,
    /// Red, green, blue and the share, which is 0 to 1.
    pub(crate) pixels: Vec<[f32; 4]>,
}

impl<'a> Head<'a> {
    /// The face has this width, and its left top corner is at this place.
    pub(crate) fn new(
        portrait: &'a Portrait,
        width: f32,
        (x, y): (f32, f32),
        angles: Angles,
    ) -> Self {
        let height = width * portrait.face.height / portrait.face.width;
        Self {
            portrait,
            center: Point::new(x + width / 2.0, y + height / 2.0),
            size: (width, height),
            angles,
        }
    }

    /// The box of the face in the frame.
    pub(crate) fn face(&self) -> Rect {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for (x, y) in (0..5).flat_map(|x| (0..5).map(move |y| (x, y))) {
            // The corners of the box are beside the face.
            if (x % 4, y % 4) == (0, 0) {
                continue;
            }
            let place = Place {
                x: x as f32 / 4.0 - 0.5,
                y: y as f32 / 4.0 - 0.5,
            };
            let to = self.turned(place);
            for (axis, value) in [to.x, to.y].into_iter().enumerate() {
                low[axis] = low[axis].min(value);
                high[axis] = high[axis].max(value);
            }
        }
        Rect::new(low[0], low[1], high[0] - low[0], high[1] - low[1])
    }

    /// The place in the frame of a place of the face.
    fn turned(&self, place: Place) -> Point {
        let depth = depth(place);
        let (width, height) = self.size;
        let x = width * (place.x * self.angles.yaw.cos() + depth * self.angles.yaw.sin());
        let y =
            height * place.y * self.angles.pitch.cos() + width * depth * self.angles.pitch.sin();
        let (sin, cos) = self.angles.roll.sin_cos();
        Point::new(
            self.center.x + x * cos - y * sin,
            self.center.y + x * sin + y * cos,
        )
    }

    /// The place of the face that is seen at a place in the frame: the inverse of [`turned`](Self::turned), by iteration.
    fn original(&self, to: Point) -> Place {
        let (width, height) = self.size;
        let (sin, cos) = self.angles.roll.sin_cos();
        let (dx, dy) = (to.x - self.center.x, to.y - self.center.y);
        let (x, y) = (
            (dx * cos + dy * sin) / width,
            (dy * cos - dx * sin) / height,
        );
        let (yaw, pitch) = (self.angles.yaw.sin_cos(), self.angles.pitch.sin_cos());
        let mut place = Place {
            x: x / yaw.1,
            y: y / pitch.1,
        };
        // No place of the head can be seen here.
        if (x / 1.2).hypot(y / 1.4) > 1.0 {
            return place;
        }
        for _ in 0..STEPS {
            let depth = depth(place);
            place = Place {
                x: (x - depth * yaw.0) / yaw.1,
                y: (y - depth * width / height * pitch.0) / pitch.1,
            };
        }
        place
    }

    /// The rows of the person that are inside a frame of this size, from the top one down. Each has the number of its line.
    pub(crate) fn rows(&self, (wide, high): (usize, usize)) -> impl Iterator<Item = (usize, Row)> {
        let (width, height) = self.size;
        let reach = 1.1 * SHOULDERS.0.max(HEAD.0) * width;
        let side = |value: f32, most: usize| value.clamp(0.0, most as f32) as usize;
        let left = side(self.center.x - reach, wide);
        let right = side(self.center.x + reach + 1.0, wide);
        let top = side(self.center.y - 1.1 * height, high);
        (top..high).map(move |line| {
            let pixels = (left..right).map(|column| {
                let to = Point::new(column as f32 + 0.5, line as f32 + 0.5);
                let place = self.original(to);
                let share = share(place);
                if share == 0.0 {
                    return [0.0; 4];
                }
                let [red, green, blue] = self.color(place);
                [red, green, blue, share]
            });
            let pixels = pixels.collect();
            (line, Row { left, pixels })
        })
    }

    /// The color of the photo at a place. Beyond its border, that of the border.
    fn color(&self, place: Place) -> [f32; 3] {
        let (photo, face) = (&self.portrait.photo, self.portrait.face);
        let center = face.center();
        let x = center.x + place.x * face.width - 0.5;
        let y = center.y + place.y * face.height - 0.5;
        bilinear(photo, x, y)
    }
}

/// The color between four pixels. Beyond the border, that of the border.
pub(crate) fn bilinear(image: &Image, x: f32, y: f32) -> [f32; 3] {
    let (width, height) = (image.width(), image.height());
    let x = x.clamp(0.0, (width - 1) as f32);
    let y = y.clamp(0.0, (height - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (across, down) = (x - left as f32, y - top as f32);
    let data = image.data();
    let pixel = |column: usize, row: usize| {
        let at = 3 * (row * width + column);
        [data[at], data[at + 1], data[at + 2]].map(f32::from)
    };
    let corners = [
        pixel(left, top),
        pixel(right, top),
        pixel(left, bottom),
        pixel(right, bottom),
    ];
    [0, 1, 2].map(|channel| {
        let above = corners[0][channel] + across * (corners[1][channel] - corners[0][channel]);
        let below = corners[2][channel] + across * (corners[3][channel] - corners[2][channel]);
        above + down * (below - above)
    })
}

impl Row {
    /// Spreads the row over a line of so many pixels, as a person does who moves while the shutter is open.
    pub(crate) fn blur(&mut self, length: f32) {
        let reach = (length / 2.0).round() as usize;
        if reach == 0 {
            return;
        }
        let count = self.pixels.len();
        // Sums of the colors times the shares, up to each pixel.
        let mut sums = vec![[0.0_f32; 4]; count + 1];
        for (nth, pixel) in self.pixels.iter().enumerate() {
            let share = pixel[3];
            let weighted = [pixel[0] * share, pixel[1] * share, pixel[2] * share, share];
            for channel in 0..4 {
                sums[nth + 1][channel] = sums[nth][channel] + weighted[channel];
            }
        }
        for (nth, pixel) in self.pixels.iter_mut().enumerate() {
            let (from, to) = (nth.saturating_sub(reach), (nth + reach + 1).min(count));
            let sum = [0, 1, 2, 3].map(|channel| sums[to][channel] - sums[from][channel]);
            let share = sum[3].max(1e-6);
            *pixel = [
                sum[0] / share,
                sum[1] / share,
                sum[2] / share,
                sum[3] / (2 * reach + 1) as f32,
            ];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portrait() -> Portrait {
        Portrait::new(
            Image::filled(200, 240, [90; 3]),
            Rect::new(60.0, 60.0, 80.0, 100.0),
        )
    }

    #[test]
    fn a_turned_place_is_found_again() {
        let portrait = portrait();
        let angles = Angles {
            yaw: 0.4,
            pitch: -0.3,
            roll: 0.2,
        };
        let head = Head::new(&portrait, 60.0, (100.0, 100.0), angles);
        for (x, y) in [(0.0, 0.0), (0.3, -0.2), (-0.4, 0.4), (0.1, 0.45)] {
            let found = head.original(head.turned(Place { x, y }));
            let off = (found.x - x).hypot(found.y - y);
            assert!(
                off < 0.02,
                "({x}, {y}) is found at ({}, {})",
                found.x,
                found.y
            );
        }
    }

    #[test]
    fn the_face_of_a_still_head_is_its_box() {
        let portrait = portrait();
        let head = Head::new(&portrait, 40.0, (10.0, 20.0), Angles::default());
        let face = head.face();
        assert_eq!(
            [face.x, face.y, face.width, face.height],
            [10.0, 20.0, 40.0, 50.0]
        );
        // The nose moves to the right, and the face with it.
        let turned = Angles {
            yaw: 0.5,
            ..Angles::default()
        };
        let turned = Head::new(&portrait, 40.0, (10.0, 20.0), turned).face();
        assert!(turned.center().x > face.center().x && turned.iou(&face) > 0.6);
    }

    #[test]
    fn a_person_who_moves_is_spread() {
        let mut row = Row {
            left: 0,
            pixels: vec![[200.0, 0.0, 0.0, 0.0]; 9],
        };
        row.pixels[4][3] = 1.0;
        row.blur(2.0);
        let shares: Vec<f32> = row
            .pixels
            .iter()
            .map(|pixel| (3.0 * pixel[3]).round())
            .collect();
        assert_eq!(shares, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(row.pixels[5][0], 200.0);
    }
}
