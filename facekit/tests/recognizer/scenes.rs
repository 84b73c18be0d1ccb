//! Scenes: images whose first row says where their faces are. Faces are squares of a textured color. People differ by the
//! angle of that color about gray, so that the similarity of two faces is the cosine between their angles.

use facekit::{Detection, Image, ImageView, Landmarks, Point, Rect};

/// A face in a scene: coordinates are in units of four pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) x: u8,
    pub(crate) y: u8,
    pub(crate) side: u8,
    pub(crate) degrees: f32,
    pub(crate) textured: bool,
    pub(crate) collapsed: bool,
    pub(crate) live: u8,
}

/// Stand for a liveness score that is not a number, and for no score.
pub(crate) const NAN: u8 = 101;
pub(crate) const NO_SCORE: u8 = 102;

/// A good face with the color at this angle.
pub(crate) fn face(degrees: f32) -> Face {
    Face {
        x: 20,
        y: 20,
        side: 28,
        degrees,
        textured: true,
        collapsed: false,
        live: 90,
    }
}

impl Face {
    pub(crate) fn at(self, x: u8, y: u8) -> Self {
        Self { x, y, ..self }
    }

    pub(crate) fn side(self, side: u8) -> Self {
        Self { side, ..self }
    }

    pub(crate) fn live(self, live: u8) -> Self {
        Self { live, ..self }
    }

    pub(crate) fn rect(&self) -> Rect {
        let [x, y, side] = [self.x, self.y, self.side].map(|units| 4.0 * f32::from(units));
        Rect::new(x, y, side, side)
    }

    pub(crate) fn detection(&self, rank: usize) -> Detection {
        let rect = self.rect();
        let place = |(x, y): (f32, f32)| {
            let scale = if self.collapsed {
                0.0
            } else {
                rect.width / 112.0
            };
            Point::new(rect.x + x * scale, rect.y + y * scale)
        };
        // ArcFace's template: the aligned face is the square itself.
        let landmarks = [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ];
        Detection {
            rect,
            landmarks: Landmarks::from(landmarks.map(place)),
            score: 0.9 - 0.01 * rank as f32,
        }
    }
}

/// An image of 640 × 480 pixels that shows `faces`.
pub(crate) fn scene(faces: &[Face]) -> Image {
    let mut image = Image::filled(640, 480, [0; 3]);
    let pixels = image.data_mut();
    pixels[0] = faces.len() as u8;
    for (nth, face) in faces.iter().enumerate() {
        let flags = u8::from(face.collapsed);
        let entry = [face.x, face.y, face.side, face.live, flags, 0];
        pixels[3 + 6 * nth..][..6].copy_from_slice(&entry);
        let (sin, cos) = face.degrees.to_radians().sin_cos();
        let color = [cos, sin, 0.0].map(|share| (128.0 + 60.0 * share).round() as i32);
        let [left, top, side] = [face.x, face.y, face.side].map(|units| 4 * usize::from(units));
        for y in top..top + side {
            for x in left..left + side {
                let light = match (face.textured, (x / 4 + y / 4) % 2) {
                    (false, _) => 0,
                    (true, 0) => 30,
                    (true, _) => -30,
                };
                let pixel = color.map(|value| (value + light) as u8);
                pixels[3 * (640 * y + x)..][..3].copy_from_slice(&pixel);
            }
        }
    }
    image
}

pub(crate) fn faces_of(image: ImageView<'_>) -> Vec<(Face, Detection)> {
    let pixels = image.rgb8();
    let entries = pixels[3..].chunks_exact(6).take(pixels[0].into());
    let faces = entries.enumerate().map(|(nth, entry)| {
        let face = Face {
            live: entry[3],
            collapsed: entry[4] == 1,
            ..face(0.0).at(entry[0], entry[1]).side(entry[2])
        };
        (face, face.detection(nth))
    });
    faces.collect()
}
