//! One frame: the face that stands before the camera, and what the person should do.

use facekit::{Outcome, QualityIssue, Recognition};

use crate::recognition::Faces;

/// A hint for the person before the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guide {
    /// Nobody stands there.
    Idle,
    /// Several people stand there.
    Several,
    /// The face is too far away.
    Closer,
    /// The face is too near.
    Back,
    /// The face is beside the middle.
    Center,
    /// The head is turned away.
    Turn,
    /// The face is too dark, too bright, or without contrast.
    Light,
    /// Everything is right.
    Hold,
}

/// The least height of a face, as a part of the height of the image.
const LEAST_HEIGHT: f32 = 0.15;
/// The greatest height of a face, as a part of the height of the image.
const GREATEST_HEIGHT: f32 = 0.72;
/// The greatest distance from the middle to the side, as a part of the height of the image. The oval on the screen is as wide.
const GREATEST_SIDE: f32 = 0.26;
/// The greatest distance from the middle up and down, as a part of the height of the image.
const GREATEST_RISE: f32 = 0.3;
/// The greatest rotation of the head to the side, in degrees.
const GREATEST_YAW: f32 = 35.0;
/// The greatest rotation of the head up and down, in degrees.
const GREATEST_PITCH: f32 = 30.0;

/// The face of a frame, with the hint that it calls for.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The face; none if there is none, or several.
    pub(super) face: Option<&'a Recognition>,
    /// The hint. Only a face with [`Guide::Hold`] counts for a mark.
    pub(super) guide: Guide,
}

impl<'a> View<'a> {
    pub(super) fn of(faces: &'a Faces) -> Self {
        let Some(face) = faces.faces.first() else {
            return Self {
                face: None,
                guide: Guide::Idle,
            };
        };
        if faces.has_several() {
            return Self {
                face: None,
                guide: Guide::Several,
            };
        }
        Self {
            face: Some(face),
            guide: guide(faces, face),
        }
    }
}

/// The hint for a face: first the distance, then the place, then the rest.
fn guide(faces: &Faces, face: &Recognition) -> Guide {
    // Images have far less than 2^24 pixels a side.
    #[expect(clippy::cast_precision_loss)]
    let (width, height) = (faces.width as f32, faces.height as f32);
    let rect = face.detection.rect;
    let side = (rect.x + rect.width / 2.0 - width / 2.0).abs() / height;
    let rise = (rect.y + rect.height / 2.0 - height / 2.0).abs() / height;
    let size = rect.height / height;
    if size < LEAST_HEIGHT {
        return Guide::Closer;
    }
    if size > GREATEST_HEIGHT {
        return Guide::Back;
    }
    if side > GREATEST_SIDE || rise > GREATEST_RISE {
        return Guide::Center;
    }
    match &face.outcome {
        Outcome::PoorQuality { issues } => {
            if let Some(guide) = issues.iter().find_map(of_issue) {
                return guide;
            }
        }
        Outcome::TightCrop { .. } => return Guide::Back,
        _ => {}
    }
    let is_turned = face
        .quality
        .pose
        .is_some_and(|pose| pose.yaw.abs() > GREATEST_YAW || pose.pitch.abs() > GREATEST_PITCH);
    if is_turned { Guide::Turn } else { Guide::Hold }
}

/// The hint for a fault of a face; none for faults that pass when the person holds still.
fn of_issue(issue: &QualityIssue) -> Option<Guide> {
    match issue {
        QualityIssue::TooSmall { .. } => Some(Guide::Closer),
        QualityIssue::TooDark { .. }
        | QualityIssue::TooBright { .. }
        | QualityIssue::LowContrast { .. } => Some(Guide::Light),
        QualityIssue::TurnedAway { .. } | QualityIssue::NoShape => Some(Guide::Turn),
        QualityIssue::CutOff { .. } => Some(Guide::Center),
        _ => None,
    }
}
