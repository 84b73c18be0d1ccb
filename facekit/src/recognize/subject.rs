use serde::{Deserialize, Serialize};

use crate::detect::Detection;

/// The faces of an image that are examined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Every face: a classroom, a door.
    #[default]
    All,
    /// The largest face: a kiosk with one person in front of it.
    Largest,
    /// The face nearest to the center of the image: a portrait.
    Central,
}

impl Subject {
    /// Selects from the faces that were found in an image of `(width, height)` pixels.
    #[must_use]
    pub fn choose(self, faces: Vec<Detection>, (width, height): (usize, usize)) -> Vec<Detection> {
        let off_center = |face: &Detection| {
            let center = face.rect.center();
            (center.x - width as f32 / 2.0).hypot(center.y - height as f32 / 2.0)
        };
        let one = match self {
            Self::All => return faces,
            Self::Largest => faces
                .into_iter()
                .max_by(|a, b| a.rect.area().total_cmp(&b.rect.area())),
            Self::Central => faces
                .into_iter()
                .min_by(|a, b| off_center(a).total_cmp(&off_center(b))),
        };
        one.into_iter().collect()
    }
}
