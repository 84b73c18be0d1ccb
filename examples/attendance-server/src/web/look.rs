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
    /// `true` if a head has this direction. `front` is the yaw and pitch with which the person looks ahead: the shape of a face
    /// changes the estimate by ten degrees and more, so the other directions are relative to it. In the picture, a person who
    /// turns to the left points to the right.
    fn is_reached(self, head: HeadPose, front: (f32, f32)) -> bool {
        let (yaw, pitch) = (head.yaw - front.0, head.pitch - front.1);
        match self {
            Self::Front => head.yaw.abs() < 12.0 && head.pitch.abs() < 20.0,
            Self::Left => yaw > 10.0,
            Self::Right => yaw < -10.0,
            Self::Up => pitch > 5.0,
            Self::Down => pitch < -5.0,
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
    /// The yaw and the pitch of the frame in which the person looked ahead, in degrees.
    #[serde(default)]
    yaw: f32,
    #[serde(default)]
    pitch: f32,
}

/// The advice to the person.
#[derive(Debug, Serialize)]
struct Hint {
    /// The frame can be taken.
    ready: bool,
    /// The code of the hint.
    code: &'static str,
    /// The yaw and the pitch of the head, in degrees, if the frame can be taken.
    head: Option<(f32, f32)>,
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
    Ok(Json(hint(&faces, &wanted)).into_response())
}

/// The hint for the faces of a frame.
fn hint(faces: &Faces, wanted: &Wanted) -> Hint {
    let wait = |code| Hint {
        ready: false,
        code,
        head: None,
    };
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
        Some(head) if wanted.pose.is_reached(head, (wanted.yaw, wanted.pitch)) => Hint {
            ready: true,
            code: "hold",
            head: Some((head.yaw, head.pitch)),
        },
        _ => wait(wanted.pose.hint()),
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
        // The second person has a face that seems to look down.
        for front in [(0.0, 0.0), (3.0, -13.0)] {
            for (pose, yaw, pitch) in [
                (Pose::Front, 3.0, -5.0),
                (Pose::Left, 22.0, 0.0),
                (Pose::Right, -22.0, 0.0),
                (Pose::Up, 0.0, 15.0),
                (Pose::Down, 0.0, -15.0),
            ] {
                let head = head(front.0 + yaw, front.1 + pitch);
                let turned = [Pose::Left, Pose::Right, Pose::Up, Pose::Down];
                let reached: Vec<Pose> = turned
                    .into_iter()
                    .filter(|pose| pose.is_reached(head, front))
                    .collect();
                let wanted = Some(pose).filter(|pose| *pose != Pose::Front);
                assert_eq!(reached, Vec::from_iter(wanted), "{front:?}");
            }
        }
    }

    #[test]
    fn who_looks_ahead_is_near_the_middle() {
        let is_front = |yaw, pitch| {
            let head = HeadPose {
                yaw,
                pitch,
                roll: 0.0,
            };
            // An earlier frame does not count.
            Pose::Front.is_reached(head, (40.0, 40.0))
        };
        assert!(is_front(0.0, 0.0) && is_front(-11.0, -19.0));
        assert!(!is_front(13.0, 0.0) && !is_front(0.0, 21.0) && !is_front(0.0, -21.0));
    }

    #[test]
    fn a_frame_without_a_face_is_not_taken() {
        let empty = Faces {
            width: 640,
            height: 480,
            faces: Vec::new(),
        };
        let wanted = Wanted {
            pose: Pose::Front,
            yaw: 0.0,
            pitch: 0.0,
        };
        let hint = hint(&empty, &wanted);
        assert!(!hint.ready);
        assert_eq!(hint.code, "no_face");
    }
}
