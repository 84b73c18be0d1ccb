//! The shapes that a camera sees: pictures that are flat, curved, folded or ridged, and heads.

use crate::heads::head;

/// The shape of what is in front of the camera. Lengths are in eye distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Surface {
    /// A picture that is bent around a cylinder with an upright axis.
    Upright { radius: f32 },
    /// A picture that is bent around a cylinder with a horizontal axis.
    Across { radius: f32 },
    /// A flat picture.
    Flat,
    /// A picture whose halves are bent back by this angle, in degrees.
    Folded { degrees: f32 },
    /// A picture with a ridge along the nose from its top to its bottom.
    Ridged { height: f32 },
    /// One of the [heads](head), with a depth that is `scale` times as great.
    Head { head: usize, scale: f32 },
}

/// Half the width of a ridge at 0.6 of its height.
const RIDGE: f32 = 0.18;

impl Surface {
    pub(crate) fn is_head(self) -> bool {
        matches!(self, Self::Head { .. })
    }

    /// The place in space of a place on the picture: to the right, down, and towards the camera.
    pub(crate) fn place(self, x: f32, y: f32) -> [f32; 3] {
        match self {
            Self::Flat => [x, y, 0.0],
            Self::Upright { radius } => {
                let (sin, cos) = (x / radius).sin_cos();
                [radius * sin, y, radius * (cos - 1.0)]
            }
            Self::Across { radius } => {
                let (sin, cos) = ((y - CENTER) / radius).sin_cos();
                [x, CENTER + radius * sin, radius * (cos - 1.0)]
            }
            Self::Folded { degrees } => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                [x * cos, y, -x.abs() * sin]
            }
            Self::Ridged { height } => [x, y, height * (-0.5 * (x / RIDGE).powi(2)).exp()],
            Self::Head {
                head: number,
                scale,
            } => [x, y, scale * head(number).depth(x, y)],
        }
    }

    /// The part of the picture that there is: left, top, right and bottom, in eye distances from the middle between the eyes.
    pub(crate) fn extent(self) -> [f32; 4] {
        match self {
            Self::Head { .. } => [-1.15, -1.25, 1.15, 1.85],
            // A cylinder is visible from one side only.
            Self::Upright { radius } => {
                let half = (1.4 * radius).min(1.9);
                [-half, -1.7, half, 2.5]
            }
            Self::Across { radius } => {
                let half = (1.4 * radius).min(2.1);
                [-1.9, CENTER - half, 1.9, CENTER + half]
            }
            _ => [-1.9, -1.7, 1.9, 2.5],
        }
    }

    /// True if the place belongs to the shape: a head is an ellipse.
    pub(crate) fn covers(self, x: f32, y: f32) -> bool {
        !self.is_head() || (x / 1.15).powi(2) + ((y - 0.3) / 1.55).powi(2) <= 1.0
    }

    /// The point about which the shape turns. A head turns about the neck.
    pub(crate) fn pivot(self) -> [f32; 3] {
        if self.is_head() {
            [0.0, 0.6, -1.3]
        } else {
            [0.0, CENTER, 0.0]
        }
    }
}

/// The height of the middle of the face.
const CENTER: f32 = 0.45;
