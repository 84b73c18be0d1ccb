//! `/people/{person}/enrol/look`: a frame of the camera on the page Enrol, for live hints. Nothing of it is kept.

use axum::{Json, Router, body::Bytes, extract::State, response::IntoResponse, routing::post};
use facekit::{HeadPose, Outcome, QualityOptions};
use serde::{Deserialize, Serialize};

use super::{
    PageResult,
    input::{Path, Query},
};
use crate::{
    access::EDITORS,
    commands::{consents, people},
    error::Error,
    http::Caller,
    id::Id,
    recognition::{Faces, Frame},
    server::Server,
};

pub(super) fn routes() -> Router<Server> {
    Router::new().route("/people/{person}/enrol/look", post(look))
}

/// A direction in which the person is asked to look, as the person has left and right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pose {
    #[default]
    Front,
    Left,
    Right,
    Up,
    Down,
}

impl Pose {
    /// `true` if a head has this direction. In the picture, a person who turns to the left points to the right.
    fn is_reached(self, head: HeadPose) -> bool {
        let HeadPose { yaw, pitch, .. } = head;
        match self {
            Self::Front => yaw.abs() < 12.0 && pitch.abs() < 14.0,
            Self::Left => yaw > 10.0,
            Self::Right => yaw < -10.0,
            Self::Up => pitch > 7.0,
            Self::Down => pitch < -7.0,
        }
    }

    /// The code of the hint that leads there.
    fn hint(self) -> &'static str {
        match self {
            Self::Front => "turn_front",
            Self::Left => "turn_left",
            Self::Right => "turn_right",
            Self::Up => "turn_up",
            Self::Down => "turn_down",
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    pose: Pose,
}

/// The advice to the person.
#[derive(Debug, Serialize)]
struct Hint {
    /// The frame can be taken.
    ready: bool,
    /// The code of the hint.
    code: &'static str,
}

async fn look(
    State(server): State<Server>,
    Caller(actor): Caller,
    Path(id): Path<Id>,
    Query(wanted): Query<Wanted>,
    image: Bytes,
) -> PageResult {
    let mut tx = server.store.read().await?;
    let person = people::get(&mut tx, &actor, id).await?;
    actor.require_at(person.site, EDITORS)?;
    if !consents::is_given(&mut tx, actor.org, id).await? {
        let detail = "Record the consent of the person first.";
        return Err(Error::conflict("consent_missing", detail).into());
    }
    drop(tx);
    let frame = Frame {
        org: actor.org,
        image,
        // Nobody is searched: the face is only judged.
        sites: Some(Vec::new()),
    };
    let faces = server.recognition.recognize(frame).await?;
    Ok(Json(hint(&faces, wanted.pose)).into_response())
}

/// The hint for the faces of a frame.
fn hint(faces: &Faces, pose: Pose) -> Hint {
    let wait = |code| Hint { ready: false, code };
    let Some(face) = faces.faces.first() else {
        return wait("no_face");
    };
    if faces.has_several() {
        return wait("several_faces");
    }
    let limits = QualityOptions::enrollment();
    if let Some(issue) = face.quality.issues(&limits).first() {
        return wait(issue.code());
    }
    match &face.outcome {
        Outcome::Spoof => return wait("spoof"),
        Outcome::TightCrop { .. } => return wait("tight_crop"),
        _ => {}
    }
    match face.quality.pose {
        Some(head) if pose.is_reached(head) => Hint {
            ready: true,
            code: "hold",
        },
        _ => wait(pose.hint()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_own_heads() {
        let head = |yaw, pitch| HeadPose {
            yaw,
            pitch,
            roll: 0.0,
        };
        for (pose, yaw, pitch) in [
            (Pose::Front, 3.0, -5.0),
            (Pose::Left, 22.0, 0.0),
            (Pose::Right, -22.0, 0.0),
            (Pose::Up, 0.0, 15.0),
            (Pose::Down, 0.0, -15.0),
        ] {
            let all = [Pose::Front, Pose::Left, Pose::Right, Pose::Up, Pose::Down];
            let reached: Vec<Pose> = all
                .into_iter()
                .filter(|pose| pose.is_reached(head(yaw, pitch)))
                .collect();
            assert_eq!(reached, [pose]);
        }
    }

    #[test]
    fn a_frame_without_a_face_is_not_taken() {
        let empty = Faces {
            width: 640,
            height: 480,
            faces: Vec::new(),
        };
        let hint = hint(&empty, Pose::Front);
        assert!(!hint.ready);
        assert_eq!(hint.code, "no_face");
    }
}
