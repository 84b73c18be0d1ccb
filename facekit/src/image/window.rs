//! Square parts of an image at another size, and quarter turns.

use super::{Image, ImageView, resize::resize_part};
use crate::{error::Result, geometry::Point};

/// A square part of an image, resized. Outside the image it is black.
pub(crate) struct Window {
    pub(crate) image: Image,
    /// The corner of the part in the image, in whole pixels.
    corner: Point,
    /// Pixels of the image in one pixel of the window.
    scale: f32,
}

impl Window {
    /// The square of `side` pixels around `center`, resized to `pixels` × `pixels` with antialiasing.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) if `pixels` is 0.
    pub(crate) fn cut(
        image: ImageView<'_>,
        center: Point,
        side: f32,
        pixels: usize,
    ) -> Result<Self> {
        // A part with fewer pixels than this shows nothing. The greatest part is larger than any image.
        let side = side.round().clamp(8.0, 1e5) as i64;
        let corner = |center: f32| (center.clamp(-1e5, 1e5) - side as f32 / 2.0).floor() as i64;
        let (left, top) = (corner(center.x), corner(center.y));
        let (width, height) = (image.width() as i64, image.height() as i64);
        let inside = left >= 0 && top >= 0 && left + side <= width && top + side <= height;
        let image = if inside {
            let part = [left as usize, top as usize, side as usize, side as usize];
            resize_part(image, part, pixels, pixels)?
        } else {
            let padded = padded(image, left, top, side as usize);
            resize_part(
                padded.view(),
                [0, 0, side as usize, side as usize],
                pixels,
                pixels,
            )?
        };
        Ok(Self {
            image,
            corner: Point::new(left as f32, top as f32),
            scale: side as f32 / pixels as f32,
        })
    }

    /// A point of the window as a point of the image. Resizing keeps the edges of the part in place, so the centers of pixels
    /// move by half a pixel.
    pub(crate) fn to_image(&self, point: Point) -> Point {
        Point::new(
            self.corner.x + (point.x + 0.5) * self.scale - 0.5,
            self.corner.y + (point.y + 0.5) * self.scale - 0.5,
        )
    }

    /// A point of the image as a point of the window.
    pub(crate) fn to_window(&self, point: Point) -> Point {
        Point::new(
            (point.x - self.corner.x + 0.5) / self.scale - 0.5,
            (point.y - self.corner.y + 0.5) / self.scale - 0.5,
        )
    }
}

/// A square of `side` pixels whose corner is at (`left`, `top`) of `image`. Black outside the image.
fn padded(image: ImageView<'_>, left: i64, top: i64, side: usize) -> Image {
    let pixels = image.rgb8();
    let mut square = Image::filled(side, side, [0; 3]);
    let (width, height) = (image.width() as i64, image.height() as i64);
    let columns = left.max(0)..(left + side as i64).min(width);
    if columns.is_empty() {
        return square;
    }
    let bytes = 3 * (columns.end - columns.start) as usize;
    for y in top.max(0)..(top + side as i64).min(height) {
        let from = 3 * (y * width + columns.start) as usize;
        let to = 3 * ((y - top) as usize * side + (columns.start - left) as usize);
        square.data_mut()[to..to + bytes].copy_from_slice(&pixels[from..from + bytes]);
    }
    square
}

/// A rotation by a multiple of 90°, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    /// All turns that change an image.
    pub(crate) const OTHERS: [Self; 3] = [Self::Half, Self::Quarter, Self::ThreeQuarters];

    /// The turn that undoes a rotation of `degrees` clockwise, rounded to a quarter.
    pub(crate) fn upright(degrees: f32) -> Self {
        match (degrees / 90.0).round().rem_euclid(4.0) as i32 {
            1 => Self::ThreeQuarters,
            2 => Self::Half,
            3 => Self::Quarter,
            _ => Self::None,
        }
    }

    /// The image, turned.
    pub(crate) fn apply(self, image: ImageView<'_>) -> Image {
        let (width, height) = (image.width(), image.height());
        let pixels = image.rgb8();
        let pixels = pixels.as_chunks::<3>().0;
        let (new_width, new_height) = match self {
            Self::None | Self::Half => (width, height),
            Self::Quarter | Self::ThreeQuarters => (height, width),
        };
        let mut turned = Image::filled(new_width, new_height, [0; 3]);
        let rows = turned.data_mut().chunks_exact_mut(3 * new_width);
        for (y, row) in rows.enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let (column, line) = match self {
                    Self::None => (x, y),
                    Self::Quarter => (y, height - 1 - x),
                    Self::Half => (width - 1 - x, height - 1 - y),
                    Self::ThreeQuarters => (width - 1 - y, x),
                };
                *pixel = pixels[line * width + column];
            }
        }
        turned
    }

    /// A point of an image of `width` × `height` pixels as a point of the turned image.
    pub(crate) fn point(self, point: Point, (width, height): (usize, usize)) -> Point {
        let (right, bottom) = (width as f32 - 1.0, height as f32 - 1.0);
        match self {
            Self::None => point,
            Self::Quarter => Point::new(bottom - point.y, point.x),
            Self::Half => Point::new(right - point.x, bottom - point.y),
            Self::ThreeQuarters => Point::new(point.y, right - point.x),
        }
    }

    /// A point of the turned image as a point of the image, which has `width` × `height` pixels.
    pub(crate) fn point_back(self, point: Point, (width, height): (usize, usize)) -> Point {
        let (right, bottom) = (width as f32 - 1.0, height as f32 - 1.0);
        match self {
            Self::None => point,
            Self::Quarter => Point::new(point.y, bottom - point.x),
            Self::Half => Point::new(right - point.x, bottom - point.y),
            Self::ThreeQuarters => Point::new(right - point.y, point.x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six pixels with the values 0 to 5: three columns, two rows.
    fn numbered() -> Image {
        Image::from_rgb8((0..6).flat_map(|value| [value; 3]).collect(), 3, 2).unwrap()
    }

    fn values(image: &Image) -> Vec<u8> {
        image.data().iter().step_by(3).copied().collect()
    }

    #[test]
    fn turns_are_clockwise() {
        let image = numbered();
        for (turn, expected) in [
            (Turn::None, [0, 1, 2, 3, 4, 5]),
            (Turn::Quarter, [3, 0, 4, 1, 5, 2]),
            (Turn::Half, [5, 4, 3, 2, 1, 0]),
            (Turn::ThreeQuarters, [2, 5, 1, 4, 0, 3]),
        ] {
            let turned = turn.apply(image.view());
            assert_eq!(values(&turned), expected, "{turn:?}");
            for (x, y) in [(0, 0), (2, 0), (1, 1)] {
                let point = Point::new(x as f32, y as f32);
                let moved = turn.point(point, (3, 2));
                let at = moved.y as usize * turned.width() + moved.x as usize;
                assert_eq!(values(&turned)[at], values(&image)[3 * y + x], "{turn:?}");
                assert_eq!(turn.point_back(moved, (3, 2)), point);
            }
        }
    }

    #[test]
    fn a_rotated_head_is_turned_upright() {
        for (degrees, turn) in [
            (0.0, Turn::None),
            (-40.0, Turn::None),
            (100.0, Turn::ThreeQuarters),
            (-90.0, Turn::Quarter),
            (180.0, Turn::Half),
            (-179.0, Turn::Half),
        ] {
            assert_eq!(Turn::upright(degrees), turn, "{degrees}°");
        }
    }

    #[test]
    fn a_window_beyond_the_image_is_black_there() {
        let image = Image::filled(40, 30, [200; 3]);
        let window = Window::cut(image.view(), Point::new(0.0, 15.0), 20.0, 10).unwrap();
        assert_eq!(window.image.data()[3 * 5 * 10..][..3], [0; 3]);
        assert_eq!(window.image.data()[3 * (5 * 10 + 9)..][..3], [200; 3]);
        let far = Window::cut(image.view(), Point::new(-500.0, 15.0), 20.0, 10).unwrap();
        assert!(far.image.data().iter().all(|&value| value == 0));
    }

    #[test]
    fn points_of_a_window_are_points_of_the_image() {
        // A white square whose center is at 50, 40, the corner of four pixels.
        let mut image = Image::filled(100, 80, [0; 3]);
        for y in 36..44 {
            for x in 46..54 {
                image.data_mut()[3 * (100 * y + x)..][..3].fill(255);
            }
        }
        let window = Window::cut(image.view(), Point::new(40.0, 40.0), 64.0, 32).unwrap();
        let (mut sum, mut weight) = (Point::default(), 0.0);
        for (at, value) in values(&window.image).into_iter().enumerate() {
            let value = f32::from(value);
            sum.x += value * (at % 32) as f32;
            sum.y += value * (at / 32) as f32;
            weight += value;
        }
        let middle = window.to_image(sum.scaled(1.0 / weight));
        assert!(middle.distance(Point::new(49.5, 39.5)) < 0.05, "{middle:?}");
    }
}
