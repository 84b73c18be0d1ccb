//! The second look at faces, and the search for turned ones.

use super::{ExaminedFace, Outcome, Recognizer, Subject};
use crate::{
    align::align,
    detect::{Detection, SecondLook, moved},
    embed::Embedding,
    error::Result,
    geometry::Rect,
    image::{ImageView, PixelFormat, window::Turn},
    liveness::{Liveness, LivenessScore},
    quality::{Quality, QualityOptions},
};

/// The score of a second look from which on a face counts as upright.
const UPRIGHT: f32 = 0.8;
/// The difference of scores from which on a turned view of a face is the better one.
const BETTER: f32 = 0.05;
/// Two boxes of one face overlap more than this (intersection over union).
const DUPLICATE: f32 = 0.5;
/// A face of less recognizability is looked at from all sides.
const DOUBTFUL: f32 = 0.5;

impl Recognizer {
    /// Finds the faces in an image, in falling order of score, without any other step. [`examine`](Self::examine) begins with
    /// this.
    ///
    /// With a [`SecondLook`], landmarks are its own, and faces that it does not confirm are left out. Box and score stay those of
    /// the detector. Unless [`turned_faces`](super::RecognizerBuilder::turned_faces) is off, a face that is uncertain is also
    /// searched in the turned image. The landmarks of a turned face are those of the face: upside down, `left_eye` is on the
    /// right.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if the model fails.
    pub fn detect(&self, image: ImageView<'_>) -> Result<Vec<Detection>> {
        let pixels = image.rgb8();
        let image = ImageView::new(&pixels, image.width(), image.height(), PixelFormat::Rgb8)?;
        let detections = self.found(image)?;
        self.confirmed(image, detections, Subject::All)
    }

    /// The faces that the detector finds. An image without a face is also searched turned to both sides, if there is a second look
    /// that turns faces upright: detectors miss many faces that lie on their side.
    pub(super) fn found(&self, image: ImageView<'_>) -> Result<Vec<Detection>> {
        let mut best = self.detector.detect(image, &self.detect_options)?;
        if !(best.is_empty() && self.turned_faces && self.second_look.is_some()) {
            return Ok(best);
        }
        let size = (image.width(), image.height());
        let first_score = |faces: &[Detection]| faces.first().map_or(0.0, |face| face.score);
        for turn in [Turn::Quarter, Turn::ThreeQuarters] {
            let turned = turn.apply(image);
            let found = self.detector.detect(turned.view(), &self.detect_options)?;
            if first_score(&found) > first_score(&best) {
                let back = |point| turn.point_back(point, size);
                best = found.iter().map(|face| moved(face, back)).collect();
            }
        }
        Ok(best)
    }

    /// The faces of `subject` among those that the detector found, after a second look.
    pub(super) fn confirmed(
        &self,
        image: ImageView<'_>,
        mut detections: Vec<Detection>,
        subject: Subject,
    ) -> Result<Vec<Detection>> {
        let size = (image.width(), image.height());
        let Some(look) = &self.second_look else {
            return Ok(subject.choose(detections, size));
        };
        if subject == Subject::All {
            let mut faces: Vec<Seen> = Vec::with_capacity(detections.len());
            for detection in detections {
                let Some(seen) = self.seen(look, image, &detection)? else {
                    tracing::debug!(?detection, "a second look found no face");
                    continue;
                };
                // Two boxes of the detector can be the same face.
                if faces
                    .iter()
                    .all(|other| other.rect.iou(&seen.rect) <= DUPLICATE)
                {
                    faces.push(seen);
                }
            }
            return Ok(faces.into_iter().map(|seen| seen.face).collect());
        }
        // The next face is the subject if the first choice is no face.
        while let Some(choice) = subject.choose(detections.clone(), size).pop() {
            if let Some(seen) = self.seen(look, image, &choice)? {
                return Ok(vec![seen.face]);
            }
            detections.retain(|other| *other != choice);
        }
        Ok(Vec::new())
    }

    fn seen(
        &self,
        look: &SecondLook,
        image: ImageView<'_>,
        face: &Detection,
    ) -> Result<Option<Seen>> {
        let equalize = self.detect_options.equalize;
        let mut best = look.look(image, face, equalize)?;
        let certain = best.is_some_and(|best| best.score >= UPRIGHT);
        if !certain && self.turned_faces {
            let turned = look.look_turned(image, face, equalize)?.into_iter().next();
            let needed = best.map_or(0.0, |best| best.score + BETTER);
            best = turned.filter(|turned| turned.score >= needed).or(best);
        }
        Ok(best.map(|best| Seen {
            face: Detection {
                landmarks: best.landmarks,
                ..*face
            },
            rect: best.rect,
        }))
    }

    /// Completes the quality of a face that was embedded. Returns the embedding, or `None` if the face is refused.
    ///
    /// A face that the embedder cannot recognize may be turned, so it is also searched in the turned image. If it is found, its
    /// landmarks, quality, liveness and embedding are replaced.
    pub(super) fn complete(
        &self,
        image: ImageView<'_>,
        face: &mut ExaminedFace,
        embedding: Embedding,
        gate: &QualityOptions,
        liveness: bool,
    ) -> Result<Option<Embedding>> {
        let Some(mut value) = embedding.recognizability() else {
            return Ok(Some(embedding));
        };
        let mut embedding = embedding;
        let enough = gate.min_recognizability.max(DOUBTFUL);
        if value < enough
            && let Some(turned) = self.turned(image, face, enough)?
        {
            (*face, embedding, value) = turned;
            if liveness && face.quality.issues(gate).is_empty() {
                self.check_liveness(image, std::slice::from_mut(face))?;
            }
        }
        face.quality = face.quality.with_recognizability(value);
        let issues = face.quality.issues(gate);
        if !issues.is_empty() {
            face.refused = Some(Outcome::PoorQuality { issues });
        }
        Ok(face.passed().then_some(embedding))
    }

    /// The face in the view in which the embedder recognizes it best, if its recognizability is `enough` there.
    fn turned(
        &self,
        image: ImageView<'_>,
        face: &ExaminedFace,
        enough: f32,
    ) -> Result<Option<(ExaminedFace, Embedding, f32)>> {
        let Some(look) = self.second_look.as_ref().filter(|_| self.turned_faces) else {
            return Ok(None);
        };
        let equalize = self.detect_options.equalize;
        let mut views = look.look_turned(image, &face.detection, equalize)?;
        views.extend(look.look(image, &face.detection, equalize)?);
        views.retain(|view| turn_of(view) != turn_of(&face.detection));
        let mut best = None;
        let mut most = enough;
        for view in views {
            let Ok(aligned) = align(image, &view.landmarks, self.embedder.face_side()) else {
                continue;
            };
            let Some(embedding) = self.embed(std::slice::from_ref(&aligned))?.pop() else {
                continue;
            };
            let value = embedding.recognizability().unwrap_or(0.0);
            if value >= most {
                most = value;
                best = Some((view, aligned, embedding));
            }
        }
        Ok(best.map(|(view, aligned, embedding)| {
            let detection = Detection {
                landmarks: view.landmarks,
                ..face.detection
            };
            let size = (image.width(), image.height());
            let quality = Quality::measure(size, &detection, &aligned);
            let face = ExaminedFace {
                detection,
                aligned,
                quality,
                liveness: None,
                refused: None,
            };
            (face, embedding, most)
        }))
    }

    /// The liveness of faces. A face that the second look found turned is checked in the image turned upright.
    pub(super) fn liveness_of(
        &self,
        check: &dyn Liveness,
        image: ImageView<'_>,
        faces: &[Detection],
    ) -> Result<Vec<LivenessScore>> {
        // A face without a score was not found live.
        let mut scores = vec![LivenessScore::default(); faces.len()];
        let turn_of = |face: &Detection| match &self.second_look {
            Some(_) => turn_of(face),
            None => Turn::None,
        };
        for turn in [Turn::None].into_iter().chain(Turn::OTHERS) {
            let places: Vec<usize> = (0..faces.len())
                .filter(|&at| turn_of(&faces[at]) == turn)
                .collect();
            if places.is_empty() {
                continue;
            }
            let size = (image.width(), image.height());
            let upright: Vec<Detection> = places
                .iter()
                .map(|&at| moved(&faces[at], |point| turn.point(point, size)))
                .collect();
            let found = if turn == Turn::None {
                check.assess(image, &upright)?
            } else {
                let turned = turn.apply(image);
                check.assess(turned.view(), &upright)?
            };
            for (&at, score) in places.iter().zip(found) {
                scores[at] = score;
            }
        }
        Ok(scores)
    }
}

/// A face after a second look, and its box there.
struct Seen {
    face: Detection,
    rect: Rect,
}

/// The turn of the image after which the face is upright.
fn turn_of(face: &Detection) -> Turn {
    Turn::upright(face.landmarks.roll())
}
