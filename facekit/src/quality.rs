//! The quality of a face, and the limits that it must meet.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    align::AlignedFace,
    detect::Detection,
    error::{Error, Result},
    geometry::{HeadPose, Rect},
};

/// The quality of a face.
///
/// ```
/// use facekit::{Detection, Image, Landmarks, Point, Quality, QualityOptions, Rect, align};
///
/// let dark = Image::filled(640, 480, [4, 4, 4]);
/// let face = Detection {
///     rect: Rect::new(280.0, 150.0, 100.0, 150.0),
///     landmarks: Landmarks {
///         left_eye: Point::new(308.0, 200.0),
///         right_eye: Point::new(352.0, 200.0),
///         nose: Point::new(330.0, 225.0),
///         left_mouth: Point::new(312.0, 250.0),
///         right_mouth: Point::new(348.0, 250.0),
///     },
///     score: 0.9,
/// };
/// let aligned = align(dark.view(), &face.landmarks, 112)?;
/// let quality = Quality::measure((640, 480), &face, &aligned);
/// let issues = quality.issues(&QualityOptions::default());
/// assert!(issues.iter().any(|issue| issue.code() == "too_dark"));
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quality {
    /// The quality as one number, 0 to 1: that of the worst property.
    pub score: f32,
    /// The distance between the eyes, in pixels of the image.
    pub eye_distance: f32,
    /// The ratio of fine to coarse detail: the mean absolute Laplacian of the aligned face's luma, divided by the luma's
    /// standard deviation. 0 is featureless; sharp faces have 0.15 and more.
    pub sharpness: f32,
    /// The mean luma of the face, 0 (black) to 1 (white).
    pub brightness: f32,
    /// The standard deviation of the face's luma, 0 to 0.5.
    pub contrast: f32,
    /// The direction of the head; `None` if the landmarks do not determine it.
    pub pose: Option<HeadPose>,
    /// The share of the face box that is inside the image, 0 to 1.
    pub visible: f32,
    /// The distance of the embedding from those of faces that cannot be recognized, 0 to 1: see
    /// [`Recognizability`](crate::Recognizability). `None` before the face is embedded, and if it was not measured for the
    /// embedder.
    #[serde(default)]
    pub recognizability: Option<f32>,
}

/// The limits that a face must meet. All are inclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QualityOptions {
    /// The least distance between the eyes, in pixels.
    pub min_eye_distance: f32,
    /// The least [`Quality::sharpness`].
    pub min_sharpness: f32,
    /// The least [`Quality::brightness`].
    pub min_brightness: f32,
    /// The greatest [`Quality::brightness`].
    pub max_brightness: f32,
    /// The least [`Quality::contrast`].
    pub min_contrast: f32,
    /// The greatest rotation to either side, in degrees.
    pub max_yaw: f32,
    /// The greatest rotation up or down, in degrees.
    pub max_pitch: f32,
    /// The least [`Quality::visible`].
    pub min_visible: f32,
    /// The least [`Quality::recognizability`]. A face without one passes.
    pub min_recognizability: f32,
}

impl QualityOptions {
    /// The limits for a face that is compared. The default.
    #[must_use]
    pub fn recognition() -> Self {
        Self {
            min_eye_distance: 12.0,
            min_sharpness: 0.02,
            min_brightness: 0.08,
            max_brightness: 0.95,
            min_contrast: 0.03,
            max_yaw: 60.0,
            max_pitch: 50.0,
            min_visible: 0.7,
            min_recognizability: 0.5,
        }
    }

    /// The limits for a face that becomes a template. They are stricter, since a bad template affects every comparison with
    /// it.
    #[must_use]
    pub fn enrollment() -> Self {
        Self {
            min_eye_distance: 24.0,
            min_sharpness: 0.04,
            min_brightness: 0.15,
            max_brightness: 0.9,
            min_contrast: 0.06,
            max_yaw: 40.0,
            max_pitch: 35.0,
            min_visible: 0.9,
            min_recognizability: 0.75,
        }
    }

    /// Limits that every face meets.
    #[must_use]
    pub fn anything() -> Self {
        Self {
            min_eye_distance: 0.0,
            min_sharpness: 0.0,
            min_brightness: 0.0,
            max_brightness: 1.0,
            min_contrast: 0.0,
            max_yaw: 180.0,
            max_pitch: 180.0,
            min_visible: 0.0,
            min_recognizability: 0.0,
        }
    }

    /// Sets [`min_eye_distance`](Self::min_eye_distance).
    #[must_use]
    pub fn with_min_eye_distance(mut self, value: f32) -> Self {
        self.min_eye_distance = value;
        self
    }

    /// Sets [`min_sharpness`](Self::min_sharpness).
    #[must_use]
    pub fn with_min_sharpness(mut self, value: f32) -> Self {
        self.min_sharpness = value;
        self
    }

    /// Sets [`min_brightness`](Self::min_brightness).
    #[must_use]
    pub fn with_min_brightness(mut self, value: f32) -> Self {
        self.min_brightness = value;
        self
    }

    /// Sets [`max_brightness`](Self::max_brightness).
    #[must_use]
    pub fn with_max_brightness(mut self, value: f32) -> Self {
        self.max_brightness = value;
        self
    }

    /// Sets [`min_contrast`](Self::min_contrast).
    #[must_use]
    pub fn with_min_contrast(mut self, value: f32) -> Self {
        self.min_contrast = value;
        self
    }

    /// Sets [`max_yaw`](Self::max_yaw).
    #[must_use]
    pub fn with_max_yaw(mut self, value: f32) -> Self {
        self.max_yaw = value;
        self
    }

    /// Sets [`max_pitch`](Self::max_pitch).
    #[must_use]
    pub fn with_max_pitch(mut self, value: f32) -> Self {
        self.max_pitch = value;
        self
    }

    /// Sets [`min_visible`](Self::min_visible).
    #[must_use]
    pub fn with_min_visible(mut self, value: f32) -> Self {
        self.min_visible = value;
        self
    }

    /// Sets [`min_recognizability`](Self::min_recognizability).
    #[must_use]
    pub fn with_min_recognizability(mut self, value: f32) -> Self {
        self.min_recognizability = value;
        self
    }

    /// Fails with [`Error::InvalidArgument`] for a limit that is outside the range of its property, or NaN.
    pub(crate) fn check(&self) -> Result<()> {
        let limits = [
            ("min_eye_distance", self.min_eye_distance, f32::INFINITY),
            ("min_sharpness", self.min_sharpness, f32::INFINITY),
            ("min_brightness", self.min_brightness, 1.0),
            ("max_brightness", self.max_brightness, 1.0),
            ("min_contrast", self.min_contrast, 0.5),
            ("max_yaw", self.max_yaw, 180.0),
            ("max_pitch", self.max_pitch, 180.0),
            ("min_visible", self.min_visible, 1.0),
            ("min_recognizability", self.min_recognizability, 1.0),
        ];
        for (name, value, most) in limits {
            if !(value.is_finite() && (0.0..=most).contains(&value)) {
                let range = if most.is_finite() {
                    format!("from 0 to {most}")
                } else {
                    "of at least 0".to_owned()
                };
                let reason = format!("{name} is {value}, a number {range} is needed");
                return Err(Error::argument("quality", reason));
            }
        }
        if self.min_brightness > self.max_brightness {
            let reason = format!(
                "min_brightness is {} and max_brightness is {}; no face meets both",
                self.min_brightness, self.max_brightness
            );
            return Err(Error::argument("quality", reason));
        }
        Ok(())
    }
}

impl Default for QualityOptions {
    fn default() -> Self {
        Self::recognition()
    }
}

/// A fault in the quality of a face. It has a code for programs and a text for people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum QualityIssue {
    /// The face has too few pixels.
    TooSmall {
        /// The distance between the eyes, in pixels.
        eye_distance: f32,
        /// The least distance allowed, in pixels.
        minimum: f32,
    },
    /// The face is out of focus, moving, or enlarged from a small image.
    Blurred {
        /// [`Quality::sharpness`].
        sharpness: f32,
        /// The least value allowed.
        minimum: f32,
    },
    /// The face is underexposed.
    TooDark {
        /// [`Quality::brightness`].
        brightness: f32,
        /// The least value allowed.
        minimum: f32,
    },
    /// The face is overexposed.
    TooBright {
        /// [`Quality::brightness`].
        brightness: f32,
        /// The greatest value allowed.
        maximum: f32,
    },
    /// The face has little contrast, as with fog, glare or a covered lens.
    LowContrast {
        /// [`Quality::contrast`].
        contrast: f32,
        /// The least value allowed.
        minimum: f32,
    },
    /// The head is turned too far from the camera.
    TurnedAway {
        /// The rotation to the side, in degrees.
        yaw: f32,
        /// The rotation up or down, in degrees.
        pitch: f32,
    },
    /// The face reaches beyond the image.
    CutOff {
        /// [`Quality::visible`].
        visible: f32,
        /// The least value allowed.
        minimum: f32,
    },
    /// The landmarks are not those of a face.
    NoShape,
    /// The embedder cannot tell such faces apart: the face is blurred, too small, covered, or not upright.
    Unrecognizable {
        /// [`Quality::recognizability`].
        recognizability: f32,
        /// The least value allowed.
        minimum: f32,
    },
}

impl QualityIssue {
    /// Issues in words, in one line.
    ///
    /// ```
    /// use facekit::QualityIssue;
    ///
    /// let dark = QualityIssue::TooDark { brightness: 0.1, minimum: 0.2 };
    /// let issues = [dark, QualityIssue::NoShape];
    /// assert_eq!(QualityIssue::list(&issues), format!("{dark}; {}", QualityIssue::NoShape));
    /// ```
    #[must_use]
    pub fn list(issues: &[Self]) -> String {
        let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
        issues.join("; ")
    }
}

impl QualityIssue {
    /// The code, such as `too_small`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooSmall { .. } => "too_small",
            Self::Blurred { .. } => "blurred",
            Self::TooDark { .. } => "too_dark",
            Self::TooBright { .. } => "too_bright",
            Self::LowContrast { .. } => "low_contrast",
            Self::TurnedAway { .. } => "turned_away",
            Self::CutOff { .. } => "cut_off",
            Self::NoShape => "no_shape",
            Self::Unrecognizable { .. } => "unrecognizable",
        }
    }
}

impl fmt::Display for QualityIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall {
                eye_distance,
                minimum,
            } => {
                write!(
                    f,
                    "too small: {eye_distance:.0} pixels between the eyes, {minimum:.0} needed"
                )
            }
            Self::Blurred { sharpness, minimum } => {
                write!(f, "blurred: sharpness {sharpness:.3}, {minimum:.3} needed")
            }
            Self::TooDark {
                brightness,
                minimum,
            } => {
                write!(
                    f,
                    "too dark: brightness {brightness:.2}, {minimum:.2} needed"
                )
            }
            Self::TooBright {
                brightness,
                maximum,
            } => {
                write!(
                    f,
                    "too bright: brightness {brightness:.2}, at most {maximum:.2} allowed"
                )
            }
            Self::LowContrast { contrast, minimum } => {
                write!(f, "low contrast: {contrast:.3}, {minimum:.3} needed")
            }
            Self::TurnedAway { yaw, pitch } => {
                write!(f, "turned away: {yaw:.0}° to the side, {pitch:.0}° up")
            }
            Self::CutOff { visible, minimum } => write!(
                f,
                "cut off at the border: {:.0} % inside the image, {:.0} % needed",
                100.0 * visible,
                100.0 * minimum
            ),
            Self::NoShape => f.write_str("the landmarks are not those of a face"),
            Self::Unrecognizable {
                recognizability,
                minimum,
            } => write!(
                f,
                "cannot be recognized: recognizability {recognizability:.2}, {minimum:.2} needed; take a sharp photo of the \
                 upright face, from nearby and without motion"
            ),
        }
    }
}

impl Quality {
    /// Measures the quality of a face that was found in an image of `(width, height)` pixels.
    #[must_use]
    pub fn measure(
        (width, height): (usize, usize),
        face: &Detection,
        aligned: &AlignedFace,
    ) -> Self {
        let frame = Rect::new(0.0, 0.0, width as f32, height as f32);
        let visible =
            face.rect.intersection(&frame).area() / face.rect.area().max(f32::MIN_POSITIVE);
        let Texture {
            sharpness,
            brightness,
            contrast,
        } = Texture::measure(aligned);
        let mut quality = Self {
            score: 0.0,
            eye_distance: face.landmarks.eye_distance(),
            sharpness,
            brightness,
            contrast,
            pose: HeadPose::estimate(&face.landmarks),
            visible,
            recognizability: None,
        };
        quality.score = quality.worst();
        quality
    }

    /// Takes brightness and contrast from the same face in an equalized image: for images whose light is corrected before
    /// they are judged.
    pub(crate) fn equalize(&mut self, aligned: &AlignedFace) {
        let equalized = Texture::measure(aligned);
        self.brightness = equalized.brightness;
        self.contrast = equalized.contrast;
        self.score = self.worst();
    }

    /// The same with the recognizability of the face's embedding.
    #[must_use]
    pub fn with_recognizability(mut self, recognizability: f32) -> Self {
        self.recognizability = Some(recognizability);
        self.score = self.worst();
        self
    }

    /// The faults of the face by the limits of `options`. Empty if it meets all of them.
    #[must_use]
    pub fn issues(&self, options: &QualityOptions) -> Vec<QualityIssue> {
        let Self {
            eye_distance,
            sharpness,
            brightness,
            contrast,
            pose,
            visible,
            recognizability,
            ..
        } = *self;
        let mut issues = Vec::new();
        let mut unless = |fine: bool, issue: QualityIssue| {
            if !fine {
                issues.push(issue);
            }
        };
        let minimum = options.min_eye_distance;
        unless(
            eye_distance >= minimum,
            QualityIssue::TooSmall {
                eye_distance,
                minimum,
            },
        );
        let minimum = options.min_visible;
        unless(
            visible >= minimum,
            QualityIssue::CutOff { visible, minimum },
        );
        let minimum = options.min_brightness;
        unless(
            brightness >= minimum,
            QualityIssue::TooDark {
                brightness,
                minimum,
            },
        );
        let maximum = options.max_brightness;
        unless(
            brightness <= maximum,
            QualityIssue::TooBright {
                brightness,
                maximum,
            },
        );
        let minimum = options.min_contrast;
        unless(
            contrast >= minimum,
            QualityIssue::LowContrast { contrast, minimum },
        );
        let minimum = options.min_sharpness;
        unless(
            sharpness >= minimum,
            QualityIssue::Blurred { sharpness, minimum },
        );
        match pose {
            Some(HeadPose { yaw, pitch, .. }) => unless(
                yaw.abs() <= options.max_yaw && pitch.abs() <= options.max_pitch,
                QualityIssue::TurnedAway { yaw, pitch },
            ),
            None => unless(options.max_yaw >= 180.0, QualityIssue::NoShape),
        }
        if let Some(recognizability) = recognizability {
            let minimum = options.min_recognizability;
            unless(
                recognizability >= minimum,
                QualityIssue::Unrecognizable {
                    recognizability,
                    minimum,
                },
            );
        }
        issues
    }

    /// The least of the properties, each on a ramp from useless (0) to as good as it needs to be (1).
    fn worst(&self) -> f32 {
        let ramp = |value: f32, from: f32, to: f32| ((value - from) / (to - from)).clamp(0.0, 1.0);
        let pose = self.pose.map_or(0.0, |pose| {
            ramp(pose.yaw.abs(), 80.0, 15.0).min(ramp(pose.pitch.abs(), 65.0, 20.0))
        });
        [
            ramp(self.eye_distance, 6.0, 48.0),
            ramp(self.sharpness, 0.0, 0.12),
            ramp(self.brightness, 0.03, 0.25),
            ramp(self.brightness, 1.0, 0.8),
            ramp(self.contrast, 0.01, 0.12),
            ramp(self.visible, 0.5, 1.0),
            self.recognizability.unwrap_or(1.0),
            pose,
        ]
        .into_iter()
        .fold(1.0, f32::min)
    }
}

/// The luma of a pixel, 0 to 1.
fn luma(&[r, g, b]: &[u8; 3]) -> f32 {
    (0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)) / 255.0
}

struct Texture {
    sharpness: f32,
    brightness: f32,
    contrast: f32,
}

impl Texture {
    /// Measures the middle of the aligned face, which shows no background.
    fn measure(aligned: &AlignedFace) -> Self {
        let side = aligned.side();
        let from = (side / 5).max(1);
        let to = (side - side / 5).min(side.saturating_sub(1));
        let rows = aligned.image().data().chunks_exact(3 * side);
        let luma: Vec<f32> = rows
            .flat_map(|row| row.as_chunks::<3>().0)
            .map(luma)
            .collect();
        let (mut sum, mut squares, mut detail, mut count) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
        for y in from..to {
            let row = |y: usize| &luma[y * side..][..side];
            let (above, here, below) = (row(y - 1), row(y), row(y + 1));
            for x in from..to {
                let value = here[x];
                let around = here[x - 1] + here[x + 1] + above[x] + below[x];
                sum += f64::from(value);
                squares += f64::from(value * value);
                detail += f64::from((4.0 * value - around).abs());
                count += 1.0;
            }
        }
        if count == 0.0 {
            return Self {
                sharpness: 0.0,
                brightness: 0.0,
                contrast: 0.0,
            };
        }
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(0.0).sqrt();
        let sharpness = if deviation > 1e-3 {
            detail / count / deviation
        } else {
            0.0
        };
        Self {
            sharpness: sharpness as f32,
            brightness: mean as f32,
            contrast: deviation as f32,
        }
    }
}
