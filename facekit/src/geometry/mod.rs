//! Points, boxes and landmarks, in pixels from the top left corner of an image.

use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
mod pose;
#[cfg(feature = "engine")]
mod similarity;

#[cfg(feature = "engine")]
pub use pose::HeadPose;
#[cfg(feature = "engine")]
pub use similarity::Similarity;

/// A point in an image, in pixels: x to the right, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

impl Point {
    /// The point (x, y).
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The distance to `other`, in pixels.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The point with both coordinates multiplied by `factor`.
    #[must_use]
    pub fn scaled(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

/// An upright box in an image, in pixels. It may reach beyond the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// The left edge.
    pub x: f32,
    /// The top edge.
    pub y: f32,
    /// The distance from the left to the right edge, never negative.
    pub width: f32,
    /// The distance from the top to the bottom edge, never negative.
    pub height: f32,
}

impl Rect {
    /// The box with its top left corner at (x, y).
    #[must_use]
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// The area in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The center.
    #[must_use]
    pub fn center(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// The common part of this box and `other`; empty (zero area) if they do not overlap.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = (self.x + self.width).min(other.x + other.width) - x;
        let height = (self.y + self.height).min(other.y + other.height) - y;
        Self::new(x, y, width.max(0.0), height.max(0.0))
    }

    /// The intersection over union with `other`, 0 to 1.
    ///
    /// ```
    /// use facekit::Rect;
    ///
    /// let a = Rect::new(0.0, 0.0, 10.0, 10.0);
    /// assert_eq!(a.iou(&a), 1.0);
    /// assert_eq!(a.iou(&Rect::new(5.0, 0.0, 10.0, 10.0)), 1.0 / 3.0);
    /// ```
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other).area();
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The box with position and size multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        Self::new(
            self.x * factor,
            self.y * factor,
            self.width * factor,
            self.height * factor,
        )
    }
}

/// The five points of a face by which it is aligned. Left and right are those of the image, not of the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Point; 5]", into = "[Point; 5]")]
pub struct Landmarks {
    /// The center of the eye on the left of the image.
    pub left_eye: Point,
    /// The center of the eye on the right of the image.
    pub right_eye: Point,
    /// The tip of the nose.
    pub nose: Point,
    /// The corner of the mouth on the left of the image.
    pub left_mouth: Point,
    /// The corner of the mouth on the right of the image.
    pub right_mouth: Point,
}

impl Landmarks {
    /// The five points in this order: left eye, right eye, nose, left and right corner of the mouth.
    #[must_use]
    pub fn points(&self) -> [Point; 5] {
        [
            self.left_eye,
            self.right_eye,
            self.nose,
            self.left_mouth,
            self.right_mouth,
        ]
    }

    /// The distance between the eyes, in pixels.
    #[must_use]
    pub fn eye_distance(&self) -> f32 {
        self.left_eye.distance(self.right_eye)
    }

    /// The rotation of the line from the left to the right eye, in degrees clockwise, −180 to 180: 0 for an upright face, 180
    /// for one upside down.
    ///
    /// ```
    /// use facekit::{Landmarks, Point};
    ///
    /// let sideways = Landmarks {
    ///     left_eye: Point::new(60.0, 30.0),
    ///     right_eye: Point::new(60.0, 70.0),
    ///     ..Landmarks::default()
    /// };
    /// assert_eq!(sideways.roll(), 90.0);
    /// ```
    #[must_use]
    pub fn roll(&self) -> f32 {
        let (left, right) = (self.left_eye, self.right_eye);
        (right.y - left.y).atan2(right.x - left.x).to_degrees()
    }

    /// The points with all coordinates multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        self.points().map(|point| point.scaled(factor)).into()
    }
}

impl From<[Point; 5]> for Landmarks {
    fn from([left_eye, right_eye, nose, left_mouth, right_mouth]: [Point; 5]) -> Self {
        Self {
            left_eye,
            right_eye,
            nose,
            left_mouth,
            right_mouth,
        }
    }
}

impl From<Landmarks> for [Point; 5] {
    fn from(landmarks: Landmarks) -> Self {
        landmarks.points()
    }
}
