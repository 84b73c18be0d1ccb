//! The views of the face from the middle and from both sides, from which its depth is measured.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    depth::{self, FacePicture, MiddleView, Movements},
    verdict::ChallengeDepth,
};
use crate::{
    error::Result,
    geometry::{Landmarks, Point},
    image::{ImageView, window::Window},
};

/// The side of a picture of the face, in pixels, and in sizes of the face.
const PIXELS: usize = 216;
const SIZES: f32 = 4.5;
/// The least yaw of a turned view against the middle view, in degrees.
const TURNED: f32 = 8.0;
/// Views of a side that are tracked, and views of a side that are tried.
const WANTED: usize = 6;
const MOST_TRIES: usize = 12;
/// Views of each side after which a challenge need not wait for more, and the least views of a side.
const ENOUGH: usize = 5;
const LEAST: usize = 3;
/// The least time between two views.
const APART: SignedDuration = SignedDuration::from_millis(60);

/// The middle view, and the movements of its points in the turned views.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Views {
    middle: Option<Picture>,
    /// Nose to the left and to the right of the image.
    sides: [Side; 2],
    last: Option<Timestamp>,
    /// The middle view, ready for tracking. It is made of the picture again after the state was stored.
    #[serde(skip)]
    tracking: Option<MiddleView>,
}

#[derive(Default, Serialize, Deserialize)]
struct Side {
    movements: Vec<Movements>,
    tries: usize,
}

/// A gray picture of the face.
#[derive(Clone, Serialize, Deserialize)]
struct Picture {
    #[serde(with = "hexadecimal")]
    pixels: Vec<u8>,
    landmarks: [[f32; 2]; 5],
}

impl Picture {
    fn cut(image: ImageView<'_>, landmarks: &Landmarks, size: f32) -> Result<Self> {
        let window = Window::cut(image, center(landmarks), SIZES * size, PIXELS)?;
        let view = window.image.view();
        let mut pixels = Vec::with_capacity(PIXELS * PIXELS);
        for y in 0..PIXELS {
            pixels.extend((0..PIXELS).map(|x| view.luma(x, y)));
        }
        let landmarks = landmarks.points().map(|point| {
            let point = window.to_window(point);
            [point.x, point.y]
        });
        Ok(Self { pixels, landmarks })
    }

    fn view(&self) -> FacePicture<'_> {
        FacePicture {
            pixels: &self.pixels,
            width: PIXELS,
            landmarks: self.landmarks,
        }
    }
}

/// The middle of the landmarks.
pub(super) fn center(landmarks: &Landmarks) -> Point {
    let points = landmarks.points();
    let mean = |coordinate: fn(&Point) -> f32| points.iter().map(coordinate).sum::<f32>() / 5.0;
    Point::new(mean(|point| point.x), mean(|point| point.y))
}

/// The size of a face in pixels: the eye distance, or that of a face from the front if it is turned.
pub(super) fn size(landmarks: &Landmarks) -> f32 {
    /// The distance of the mouth from the eyes, in eye distances.
    const MOUTH: f32 = 1.13;
    let middle = |a: Point, b: Point| Point::new((a.x + b.x) / 2.0, (a.y + b.y) / 2.0);
    let eyes = middle(landmarks.left_eye, landmarks.right_eye);
    let mouth = middle(landmarks.left_mouth, landmarks.right_mouth);
    landmarks.eye_distance().max(eyes.distance(mouth) / MOUTH)
}

impl Views {
    /// Sets the middle view. False if it cannot be tracked.
    pub(super) fn set_middle(
        &mut self,
        image: ImageView<'_>,
        landmarks: &Landmarks,
    ) -> Result<bool> {
        let picture = Picture::cut(image, landmarks, size(landmarks))?;
        self.tracking = MiddleView::new(&picture.view());
        self.middle = Some(picture);
        Ok(self.tracking.is_some())
    }

    /// True if a view is wanted that is turned by `yaw`, which is positive if the nose points to the right of the image.
    pub(super) fn want(&self, yaw: f32, at: Timestamp) -> bool {
        let side = &self.sides[usize::from(yaw > 0.0)];
        yaw.abs() >= TURNED
            && side.movements.len() < WANTED
            && side.tries < MOST_TRIES
            && self
                .last
                .is_none_or(|last| at.duration_since(last) >= APART)
    }

    /// Tracks the points of the middle view in a turned view, if one is [wanted](Self::want).
    pub(super) fn push(
        &mut self,
        image: ImageView<'_>,
        landmarks: &Landmarks,
        yaw: f32,
        at: Timestamp,
    ) -> Result<()> {
        if !self.want(yaw, at) {
            return Ok(());
        }
        let Some(middle) = &self.middle else {
            return Ok(());
        };
        if self.tracking.is_none() {
            self.tracking = MiddleView::new(&middle.view());
        }
        let Some(tracking) = &self.tracking else {
            return Ok(());
        };
        let picture = Picture::cut(image, landmarks, size(landmarks))?;
        let side = &mut self.sides[usize::from(yaw > 0.0)];
        side.tries += 1;
        let movements = tracking.track(&picture.view());
        let points = movements
            .as_ref()
            .map_or(0, |found| found.iter().flatten().count());
        tracing::debug!(yaw, points, "a view from the side");
        side.movements.extend(movements);
        self.last = Some(at);
        Ok(())
    }

    /// True if no further views are wanted.
    pub(super) fn are_enough(&self) -> bool {
        let mut sides = self.sides.iter();
        sides.all(|side| side.movements.len() >= ENOUGH || side.tries == MOST_TRIES)
    }

    /// The depth; `None` if too few views or points were tracked.
    pub(super) fn depth(&self, limit: f32) -> Option<ChallengeDepth> {
        let [left, right] = &self.sides;
        if left.movements.len() < LEAST || right.movements.len() < LEAST {
            return None;
        }
        let measured = depth::measure(&left.movements, &right.movements)?;
        Some(ChallengeDepth {
            plane: measured.plane as f32,
            cylinder: measured.cylinder as f32,
            fold: measured.fold as f32,
            tracked: measured.tracked,
            limit,
        })
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, right] = &self.sides;
        write!(
            f,
            "Views({} left, {} right)",
            left.movements.len(),
            right.movements.len()
        )
    }
}

/// Bytes as hexadecimal digits, which are short in every format of data.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits
            .map(|digit| char::from(DIGITS[usize::from(digit)]))
            .collect();
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let bytes = pairs
            .iter()
            .map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8));
        let bytes: Option<Vec<u8>> = bytes.collect();
        let bytes =
            bytes.filter(|bytes| rest.is_empty() && bytes.len() == super::PIXELS * super::PIXELS);
        bytes.ok_or_else(|| D::Error::custom("the picture of a face is damaged"))
    }
}
