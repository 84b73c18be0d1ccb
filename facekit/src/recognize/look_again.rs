//! The second look at faces, and the search for turned ones.

use super::{ExaminedFace, Outcome, Recognizer, Subject};
use crate::{
    detect::{DetectOptions, Detection, SecondLook, is_among, moved},
    embed::Embedding,
    error::Result,
    geometry::Rect,
    image::{Detail, Image, ImageView, window::Turn},
    liveness::{Liveness, LivenessScore},
    quality::QualityOptions,
};

/// The score of a second look from which on a face counts as upright. `nano_detector` gives hardly any face upside down as much in
/// the window that is not turned, and 99 % of the sharp upright faces more.
const UPRIGHT: f32 = 0.88;
/// The difference of scores from which on a turned view of a face is the better one.
const BETTER: f32 = 0.05;
/// Two boxes of one face overlap more than this (intersection over union).
const DUPLICATE: f32 = 0.5;
/// A face of less recognizability is looked at from all sides.
const DOUBTFUL: f32 = 0.5;

impl Recognizer {
    /// The faces that lie on their side in an image in which the detector finds no upright one: it is searched turned to both
    /// sides, because detectors miss many such faces. Empty if there is no second look that turns faces upright.
    pub(super) fn lying(
        &self,
        image: ImageView<'_>,
        options: &DetectOptions,
    ) -> Result<Vec<Detection>> {
        let mut best = Vec::new();
        if !self.turned_faces || self.second_look.is_none() {
            return Ok(best);
        }
        let first_score = |faces: &[Detection]| faces.first().map_or(0.0, |face| face.score);
        for turn in [Turn::Quarter, Turn::ThreeQuarters] {
            let found = self.detected_turned(image, turn, options)?;
            if first_score(&found) > first_score(&best) {
                best = found;
            }
        }
        Ok(best)
    }

    /// The faces that the detector finds in the image turned by `turn`, in pixels of `image`.
    fn detected_turned(
        &self,
        image: ImageView<'_>,
        turn: Turn,
        options: &DetectOptions,
    ) -> Result<Vec<Detection>> {
        let size = (image.width(), image.height());
        let found = self.detector.detect(turn.apply(image).view(), options)?;
        let back = |point| turn.point_back(point, size);
        Ok(found.iter().map(|face| moved(face, back)).collect())
    }

    /// The faces of `subject` among those that the detector found, after a second look. `equalized` is the image with equalized
    /// contrast, if the options want it.
    ///
    /// Where one face lies on its side or upside down, others do too, and a detector misses a third of those. So if a face turns
    /// out to be turned, the image is searched once more, turned so that this face is upright.
    pub(super) fn confirmed(
        &self,
        image: ImageView<'_>,
        equalized: Option<&Image>,
        mut detections: Vec<Detection>,
        subject: Subject,
    ) -> Result<Vec<Seen>> {
        let size = (image.width(), image.height());
        let Some(look) = &self.second_look else {
            let chosen = subject.choose(detections, size).into_iter();
            return Ok(chosen.map(Seen::once).collect());
        };
        let more = |face: &Detection, known: &[Detection]| -> Result<Vec<Detection>> {
            let options = self.detect_options.clone().with_equalize(false);
            let view = equalized.map_or(image, Image::view);
            let mut found = self.detected_turned(view, turn_of(face), &options)?;
            found.retain(|face| !is_among(face, known));
            Ok(found)
        };
        let mut is_turned_searched = false;
        if subject == Subject::All {
            let mut faces: Vec<Seen> = Vec::with_capacity(detections.len());
            let mut at = 0;
            while at < detections.len() {
                let detection = detections[at];
                at += 1;
                let Some(seen) = self.seen(look, image, &detection)? else {
                    tracing::debug!(?detection, "a second look found no face");
                    continue;
                };
                if !is_turned_searched && turn_of(&seen.face) != Turn::None {
                    is_turned_searched = true;
                    let found = more(&seen.face, &detections)?;
                    detections.extend(found);
                }
                // Two boxes of the detector can be the same face.
                if faces
                    .iter()
                    .all(|other| other.rect.iou(&seen.rect) <= DUPLICATE)
                {
                    faces.push(seen);
                }
            }
            return Ok(faces);
        }
        // The next face is the subject if the first choice is no face.
        while let Some(choice) = subject.choose(detections.clone(), size).pop() {
            let Some(seen) = self.seen(look, image, &choice)? else {
                detections.retain(|other| *other != choice);
                continue;
            };
            if is_turned_searched || turn_of(&seen.face) == Turn::None {
                return Ok(vec![seen]);
            }
            // A face that was missed may be the subject.
            is_turned_searched = true;
            let found = more(&seen.face, &detections)?;
            detections.extend(found);
            if subject.choose(detections.clone(), size).pop() == Some(choice) {
                return Ok(vec![seen]);
            }
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
        let is_certain = best.is_some_and(|best| best.score >= UPRIGHT);
        let all_sides = !is_certain && self.turned_faces;
        if all_sides {
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
            all_sides,
        }))
    }

    /// Completes the quality of a face that was embedded. Returns the embedding, or `None` if the face is refused.
    ///
    /// A face that the embedder cannot recognize may be turned, so it is also searched in the turned image, unless it was before. If
    /// it is found, its landmarks, quality, liveness and embedding are replaced.
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
            && !face.all_sides
            && let Some(turned) = self.turned(image, face, enough)?
        {
            (*face, embedding, value) = turned;
            if liveness && face.quality.issues(gate).is_empty() {
                let details = image.details(&[face.detection])?;
                self.check_liveness(image, std::slice::from_mut(face), &details)?;
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
        if turn_of(&face.detection) != Turn::None {
            views.extend(look.look(image, &face.detection, equalize)?);
        }
        views.retain(|view| turn_of(view) != turn_of(&face.detection));
        let equalized = self.equalized(image);
        // All views have the same box, so they have the same surroundings.
        let detail = image.details(&[face.detection])?.pop().flatten();
        let mut best = None;
        let mut most = enough;
        for view in views {
            let detection = Detection {
                landmarks: view.landmarks,
                ..face.detection
            };
            let seen = self.measured(image, equalized.as_ref(), detection, detail.as_ref())?;
            let Some(seen) = seen else { continue };
            let Some(embedding) = self.embed(std::slice::from_ref(&seen.aligned))?.pop() else {
                continue;
            };
            let value = embedding.recognizability().unwrap_or(0.0);
            if value >= most {
                most = value;
                best = Some((seen, embedding));
            }
        }
        Ok(best.map(|(face, embedding)| (face, embedding, most)))
    }

    /// The liveness of faces, each in its surroundings at full size if the image is reduced. A face that the second look found
    /// turned is checked in the image turned upright.
    pub(super) fn liveness_of(
        &self,
        check: &dyn Liveness,
        image: ImageView<'_>,
        faces: &[Detection],
        details: &[Option<&Detail>],
    ) -> Result<Vec<LivenessScore>> {
        // A face without a score was not found live.
        let mut scores = vec![LivenessScore::default(); faces.len()];
        let turns: Vec<Turn> = faces
            .iter()
            .map(|face| match &self.second_look {
                Some(_) => turn_of(face),
                None => Turn::None,
            })
            .collect();
        for (at, detail) in details.iter().enumerate() {
            let Some(detail) = detail else { continue };
            let face = [detail.mapped(&faces[at])];
            let found = assess(check, detail.image.view(), turns[at], &face)?;
            scores[at] = found.first().copied().unwrap_or_default();
        }
        for turn in [Turn::None].into_iter().chain(Turn::OTHERS) {
            let places: Vec<usize> = (0..faces.len())
                .filter(|&at| details[at].is_none() && turns[at] == turn)
                .collect();
            if places.is_empty() {
                continue;
            }
            let batch: Vec<Detection> = places.iter().map(|&at| faces[at]).collect();
            for (&at, score) in places.iter().zip(assess(check, image, turn, &batch)?) {
                scores[at] = score;
            }
        }
        Ok(scores)
    }
}

/// Assesses faces in the image turned by `turn`.
fn assess(
    check: &dyn Liveness,
    image: ImageView<'_>,
    turn: Turn,
    faces: &[Detection],
) -> Result<Vec<LivenessScore>> {
    if turn == Turn::None {
        return check.assess(image, faces);
    }
    let size = (image.width(), image.height());
    let upright: Vec<Detection> = faces
        .iter()
        .map(|face| moved(face, |point| turn.point(point, size)))
        .collect();
    check.assess(turn.apply(image).view(), &upright)
}

/// A face after a second look.
pub(super) struct Seen {
    pub(super) face: Detection,
    /// The box in the second look.
    rect: Rect,
    /// True if the face was looked at from all sides, so that another look finds nothing new.
    pub(super) all_sides: bool,
}

impl Seen {
    /// A face without a second look.
    pub(super) fn once(face: Detection) -> Self {
        Self {
            rect: face.rect,
            face,
            all_sides: false,
        }
    }
}

/// The turn of the image after which the face is upright.
fn turn_of(face: &Detection) -> Turn {
    Turn::upright(face.landmarks.roll())
}
