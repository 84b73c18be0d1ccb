//! A second look at each face that was found: better landmarks, and fewer mistakes.

use serde::{Deserialize, Serialize};

use super::{DetectOptions, Detection, Detector};
use crate::{
    digest::Digest,
    embed::EmbeddingSpace,
    error::Result,
    geometry::{Landmarks, Point, Rect},
    image::{
        Image, ImageView,
        window::{Turn, Window},
    },
};

/// The side of the window around a face, as a multiple of the longer side of the face's box.
const WINDOW: f32 = 2.5;
/// The side of the copy of the window that the detector gets, in pixels: a multiple of the largest stride.
const PIXELS: usize = 160;
/// The same of the smaller windows in which a face is followed from frame to frame. The face has the same size in pixels, with less
/// around it, in two thirds of the time. With still less around it, landmarks scatter more.
const FOLLOWED_WINDOW: f32 = 2.0;
const FOLLOWED_PIXELS: usize = 128;
/// The same of the smaller windows in which turned faces are searched first. They tell how a face is turned as well, in a third of
/// the time.
const TURNED_WINDOW: f32 = 2.0;
const TURNED_PIXELS: usize = 96;
/// The lowest score of a face that the second look confirms.
const CONFIRMED: f32 = 0.6;
/// The least overlap (intersection over union) of the two boxes of a face.
const SAME: f32 = 0.25;

/// The detector of a second look, and how it is used. Faces that two specifications align give embeddings of two spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondLookSpec {
    /// The digest of the detector's weights: the first export in its manifest entry.
    pub weights: Digest,
    /// True if the landmarks are the mean of those in the window and in its mirror image.
    #[serde(default)]
    pub mirrored: bool,
}

impl SecondLookSpec {
    /// The space of the embeddings of faces that this second look aligned. `plain` is the embedder's space without a second
    /// look.
    ///
    /// ```
    /// use facekit::{Digest, EmbeddingSpace, SecondLookSpec};
    ///
    /// let plain = EmbeddingSpace::new("example", Digest::of("weights"), 128);
    /// let look = SecondLookSpec { weights: Digest::of("detector"), mirrored: false };
    /// assert_ne!(look.space(&plain), plain);
    /// assert_eq!(look.space(&plain).model(), "example");
    /// ```
    #[must_use]
    pub fn space(&self, plain: &EmbeddingSpace) -> EmbeddingSpace {
        let Self { weights, mirrored } = self;
        let text = format!(
            "{} second look {weights} mirrored {mirrored} window {WINDOW} pixels {PIXELS}",
            plain.fingerprint()
        );
        EmbeddingSpace::new(plain.model(), Digest::of(text), plain.dimension())
    }
}

/// A detector that looks at each found face once more, in a window around the face, at a fixed small size.
///
/// Landmarks of a second look scatter less, because the face always has about the same size and place. A face without a
/// detection in its window is a mistake of the first detector.
#[derive(Debug)]
pub struct SecondLook {
    detector: Box<dyn Detector>,
    spec: SecondLookSpec,
}

impl SecondLook {
    /// A second look with `detector`, as `spec` says.
    #[must_use]
    pub fn new(detector: impl Detector + 'static, spec: SecondLookSpec) -> Self {
        Self {
            detector: Box::new(detector),
            spec,
        }
    }

    /// The specification, which tells the embedding space.
    #[must_use]
    pub fn spec(&self) -> SecondLookSpec {
        self.spec
    }

    /// Looks at `face` again. The result has this detector's box, landmarks and score, in pixels of `image`. `None` if there
    /// is no face. `equalize` equalizes the contrast of the window first.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if the model fails.
    pub fn look(
        &self,
        image: ImageView<'_>,
        face: &Detection,
        equalize: bool,
    ) -> Result<Option<Detection>> {
        let window = window(image, face, WINDOW, PIXELS)?;
        self.find(&window, Turn::None, face, equalize)
    }

    /// Looks at a face of the frame before, which is near its place, in a smaller window: see [`look`](Self::look).
    pub(crate) fn follow(
        &self,
        image: ImageView<'_>,
        face: &Detection,
        equalize: bool,
    ) -> Result<Option<Detection>> {
        let Self { detector, spec } = self;
        follow_with(&**detector, spec.mirrored, image, face, equalize)
    }

    /// Looks at `face` in the window turned by 180°, 90° and 270°. Returns the faces that are upright in one of these, in
    /// falling order of score. The landmarks are those of the face in `image`: of a face upside down, `left_eye` is on the
    /// right.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if the model fails.
    pub fn look_turned(
        &self,
        image: ImageView<'_>,
        face: &Detection,
        equalize: bool,
    ) -> Result<Vec<Detection>> {
        let small = window(image, face, TURNED_WINDOW, TURNED_PIXELS)?;
        let mut large = None;
        let mut found = Vec::new();
        for turn in Turn::OTHERS {
            if self.find(&small, turn, face, equalize)?.is_none() {
                continue;
            }
            let large = match &mut large {
                Some(large) => large,
                none => none.insert(window(image, face, WINDOW, PIXELS)?),
            };
            found.extend(self.find(large, turn, face, equalize)?);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(found)
    }

    /// The face in the turned window that overlaps `face` most.
    fn find(
        &self,
        window: &Window,
        turn: Turn,
        face: &Detection,
        equalize: bool,
    ) -> Result<Option<Detection>> {
        let Self { detector, spec } = self;
        find(&**detector, spec.mirrored, window, turn, face, equalize)
    }
}

/// Looks at `face` with a detector as a second look does: see [`SecondLook::look`].
pub(crate) fn look_with(
    detector: &dyn Detector,
    mirrored: bool,
    image: ImageView<'_>,
    face: &Detection,
    equalize: bool,
) -> Result<Option<Detection>> {
    let window = window(image, face, WINDOW, PIXELS)?;
    find(detector, mirrored, &window, Turn::None, face, equalize)
}

/// Follows `face` with a detector as a second look does: see [`SecondLook::follow`].
pub(crate) fn follow_with(
    detector: &dyn Detector,
    mirrored: bool,
    image: ImageView<'_>,
    face: &Detection,
    equalize: bool,
) -> Result<Option<Detection>> {
    let window = window(image, face, FOLLOWED_WINDOW, FOLLOWED_PIXELS)?;
    find(detector, mirrored, &window, Turn::None, face, equalize)
}

/// The face in the turned window that overlaps `face` most.
fn find(
    detector: &dyn Detector,
    mirrored: bool,
    window: &Window,
    turn: Turn,
    face: &Detection,
    equalize: bool,
) -> Result<Option<Detection>> {
    let side = window.image.width();
    let turned = (turn != Turn::None).then(|| turn.apply(window.image.view()));
    let turned = turned.as_ref().unwrap_or(&window.image);
    let options = DetectOptions::default()
        .with_score(CONFIRMED)
        .with_max_side(None)
        .with_equalize(equalize);
    let place = |point| window.to_image(turn.point_back(point, (side, side)));
    let nearest = |image: &Image, mirror: bool| -> Result<Option<Detection>> {
        let found = detector.detect(image.view(), &options)?;
        let found = found.into_iter().map(|found| {
            let found = if mirror {
                mirrored_back(&found, side)
            } else {
                found
            };
            moved(&found, place)
        });
        let overlap = |other: &Detection| other.rect.iou(&face.rect);
        Ok(found
            .filter(|other| overlap(other) >= SAME)
            .max_by(|a, b| overlap(a).total_cmp(&overlap(b))))
    };
    let straight = nearest(turned, false)?;
    if !mirrored {
        return Ok(straight);
    }
    let mirror = nearest(&mirror_image(turned), true)?;
    Ok(match (straight, mirror) {
        (Some(a), Some(b)) => Some(mean(&a, &b)),
        (one, other) => one.or(other),
    })
}

/// The part of an image around a face, `times` as large as the longer side of its box, as `pixels` × `pixels`.
fn window(image: ImageView<'_>, face: &Detection, times: f32, pixels: usize) -> Result<Window> {
    let side = times * face.rect.width.max(face.rect.height);
    Window::cut(image, face.rect.center(), side, pixels)
}

/// The face with each point moved by `place`, which turns by a multiple of 90°.
pub(crate) fn moved(face: &Detection, place: impl Fn(Point) -> Point) -> Detection {
    let Rect {
        x,
        y,
        width,
        height,
    } = face.rect;
    let (a, b) = (
        place(Point::new(x, y)),
        place(Point::new(x + width, y + height)),
    );
    Detection {
        rect: Rect::new(
            a.x.min(b.x),
            a.y.min(b.y),
            (a.x - b.x).abs(),
            (a.y - b.y).abs(),
        ),
        landmarks: face.landmarks.points().map(place).into(),
        score: face.score,
    }
}

/// A face of the mirrored window in the window, which has `side` pixels a side.
fn mirrored_back(face: &Detection, side: usize) -> Detection {
    let flip = |point: Point| Point::new(side as f32 - 1.0 - point.x, point.y);
    let Detection {
        rect, landmarks, ..
    } = moved(face, flip);
    Detection {
        rect,
        // Left and right are those of the image.
        landmarks: Landmarks {
            left_eye: landmarks.right_eye,
            right_eye: landmarks.left_eye,
            nose: landmarks.nose,
            left_mouth: landmarks.right_mouth,
            right_mouth: landmarks.left_mouth,
        },
        score: face.score,
    }
}

fn mirror_image(image: &Image) -> Image {
    let mut mirror = image.clone();
    for row in mirror.data_mut().chunks_exact_mut(3 * image.width()) {
        row.as_chunks_mut::<3>().0.reverse();
    }
    mirror
}

fn mean(a: &Detection, b: &Detection) -> Detection {
    let half = |a: f32, b: f32| (a + b) / 2.0;
    let (from, other) = (a.landmarks.points(), b.landmarks.points());
    let points: [Point; 5] = std::array::from_fn(|i| {
        Point::new(half(from[i].x, other[i].x), half(from[i].y, other[i].y))
    });
    Detection {
        rect: Rect::new(
            half(a.rect.x, b.rect.x),
            half(a.rect.y, b.rect.y),
            half(a.rect.width, b.rect.width),
            half(a.rect.height, b.rect.height),
        ),
        landmarks: points.into(),
        score: half(a.score, b.score),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Finds bright faces: the box around all pixels above 128, upright if its upper half has a red pixel. The landmarks are
    /// places in the box.
    #[derive(Debug, Default)]
    struct Bright {
        sizes: Arc<Mutex<Vec<(usize, usize)>>>,
        /// Pixels by which the landmarks are too far to the right.
        bias: f32,
    }

    impl Detector for Bright {
        fn detect(&self, image: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
            let (width, height) = (image.width(), image.height());
            self.sizes.lock().unwrap().push((width, height));
            let pixels = image.rgb8();
            let (mut low, mut high) = ((width, height), (0, 0));
            let mut red = Vec::new();
            for (at, pixel) in pixels.as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (at % width, at / width);
                if pixel[0] > 128 {
                    low = (low.0.min(x), low.1.min(y));
                    high = (high.0.max(x + 1), high.1.max(y + 1));
                    if pixel[1] < 64 {
                        red.push(y);
                    }
                }
            }
            let middle = (low.1 + high.1) / 2;
            let above = red.iter().filter(|&&y| y < middle).count();
            let across = high.0.saturating_sub(low.0) as f32;
            let along = high.1.saturating_sub(low.1) as f32;
            if red.is_empty() || 10 * above < 9 * red.len() || across > along {
                return Ok(Vec::new());
            }
            let place = |x: f32, y: f32| {
                Point::new(
                    low.0 as f32 + x * across - 0.5 + self.bias,
                    low.1 as f32 + y * along - 0.5,
                )
            };
            Ok(vec![Detection {
                rect: Rect::new(low.0 as f32 - 0.5, low.1 as f32 - 0.5, across, along),
                landmarks: [
                    place(0.3, 0.3),
                    place(0.7, 0.3),
                    place(0.5, 0.5),
                    place(0.35, 0.7),
                    place(0.65, 0.7),
                ]
                .into(),
                score: 0.9,
            }])
        }

        fn largest_side(&self) -> Option<usize> {
            None
        }
    }

    /// A face of 60 × 80 pixels at (100, 60): bright, with a red band at the top.
    fn photo() -> (Image, Rect) {
        let mut image = Image::filled(320, 240, [0; 3]);
        for y in 60..140 {
            for x in 100..160 {
                let color = if y < 80 { [220, 0, 0] } else { [220; 3] };
                image.data_mut()[3 * (320 * y + x)..][..3].copy_from_slice(&color);
            }
        }
        (image, Rect::new(99.5, 59.5, 60.0, 80.0))
    }

    fn found(rect: Rect) -> Detection {
        Detection {
            rect,
            landmarks: Landmarks::default(),
            score: 0.7,
        }
    }

    fn second_look(detector: Bright, mirrored: bool) -> SecondLook {
        let weights = Digest::of("bright");
        SecondLook::new(detector, SecondLookSpec { weights, mirrored })
    }

    fn assert_near(found: Point, expected: (f32, f32)) {
        let expected = Point::new(expected.0, expected.1);
        assert!(
            found.distance(expected) < 1.0,
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn landmarks_come_from_a_window_of_fixed_size() {
        let (image, rect) = photo();
        let detector = Bright::default();
        let sizes = Arc::clone(&detector.sizes);
        let look = second_look(detector, false);
        // The first box is 10 pixels off and too large.
        let first = found(Rect::new(90.0, 50.0, 75.0, 100.0));
        let face = look.look(image.view(), &first, false).unwrap().unwrap();
        assert!(face.rect.iou(&rect) > 0.95, "{:?}", face.rect);
        assert_near(face.landmarks.left_eye, (117.5, 83.5));
        assert_near(face.landmarks.right_mouth, (138.5, 115.5));
        assert_eq!(*sizes.lock().unwrap(), [(PIXELS, PIXELS)]);
    }

    #[test]
    fn a_window_without_the_face_confirms_nothing() {
        let (image, _) = photo();
        let look = second_look(Bright::default(), false);
        let elsewhere = found(Rect::new(220.0, 60.0, 60.0, 80.0));
        assert!(
            look.look(image.view(), &elsewhere, false)
                .unwrap()
                .is_none()
        );
        // The face is in the window, but it is another one.
        let beside = found(Rect::new(165.0, 60.0, 60.0, 80.0));
        assert!(look.look(image.view(), &beside, false).unwrap().is_none());
    }

    #[test]
    fn the_mirror_image_cancels_a_bias_to_one_side() {
        let (image, _) = photo();
        let biased = || Bright {
            bias: 6.0,
            ..Bright::default()
        };
        let first = found(Rect::new(95.0, 55.0, 70.0, 90.0));
        let eye = |mirrored| {
            let look = second_look(biased(), mirrored);
            let face = look.look(image.view(), &first, false).unwrap().unwrap();
            face.landmarks.left_eye
        };
        assert!(eye(false).x > 122.0, "{:?}", eye(false));
        assert_near(eye(true), (117.5, 83.5));
    }

    #[test]
    fn a_turned_face_is_found_upright() {
        let (upright, rect) = photo();
        let look = second_look(Bright::default(), false);
        for turn in Turn::OTHERS {
            let image = turn.apply(upright.view());
            let size = (upright.width(), upright.height());
            let turned = |point| turn.point(point, size);
            let box_in_image = moved(&found(rect), turned);
            assert!(
                look.look(image.view(), &box_in_image, false)
                    .unwrap()
                    .is_none()
            );
            let faces = look
                .look_turned(image.view(), &box_in_image, false)
                .unwrap();
            let [face] = &faces[..] else {
                panic!("{faces:?}")
            };
            let expected = turned(Point::new(117.5, 83.5));
            assert_near(face.landmarks.left_eye, (expected.x, expected.y));
            assert!(face.rect.iou(&box_in_image.rect) > 0.95, "{turn:?}");
        }
    }

    #[test]
    fn the_space_depends_on_the_second_look() {
        let plain = EmbeddingSpace::new("example", Digest::of("weights"), 4);
        let spec = |text: &str, mirrored| SecondLookSpec {
            weights: Digest::of(text),
            mirrored,
        };
        let one = spec("one", false).space(&plain);
        assert_ne!(one, plain);
        assert_ne!(one, spec("one", true).space(&plain));
        assert_ne!(one, spec("other", false).space(&plain));
        // Galleries on disk hold fingerprints, so this one must never change.
        assert_eq!(one.fingerprint().short(), "00e3a92a");
    }
}
