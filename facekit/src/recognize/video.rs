//! The steps of recognition as a tracker needs them: each on its own, for some of the faces of a frame.

use super::{Candidate, ExaminedFace, Recognizer};
use crate::{
    calibration::Threshold,
    comparison::Comparison,
    detect::{Detection, Passes, follow_with, look_with},
    embed::Embedding,
    error::Result,
    gallery::Roster,
    image::{Image, ImageView},
    liveness::LivenessScore,
};

/// The false-match rate at whose score two faces of a video count as two people.
const DIFFERENT: f64 = 1e-3;

/// A frame of a video. Its contrast is equalized once, for all steps.
pub(crate) struct FrameView<'a> {
    recognizer: &'a Recognizer,
    image: ImageView<'a>,
    equalized: Option<Image>,
}

impl<'a> FrameView<'a> {
    /// `image` is RGB, so that no step converts it again.
    pub(crate) fn new(recognizer: &'a Recognizer, image: ImageView<'a>) -> Self {
        Self {
            recognizer,
            image,
            equalized: recognizer.equalized(image),
        }
    }

    /// The faces down to `score`, by one pass of the detector over the frame, with the longest side of the recognizer's options.
    pub(crate) fn detect(&self, score: f32) -> Result<Vec<Detection>> {
        self.detect_within(score, self.recognizer.detect_options.max_side)
    }

    /// The faces down to `score`, by one pass of the detector over the frame that is so many times smaller. The longest side of the
    /// recognizer's options does not apply: it would make a frame smaller still, and small faces would be lost.
    pub(crate) fn detect_reduced(&self, score: f32, reduction: usize) -> Result<Vec<Detection>> {
        let longest = self.image.width().max(self.image.height());
        self.detect_within(score, Some((longest / reduction).max(1)))
    }

    fn detect_within(&self, score: f32, max_side: Option<usize>) -> Result<Vec<Detection>> {
        let options = self.recognizer.detect_options.clone();
        let options = options
            .with_max_side(max_side)
            .with_equalize(false)
            .with_passes(Passes::One)
            .with_score(score);
        let view = self.equalized.as_ref().map_or(self.image, Image::view);
        self.recognizer.detector.detect(view, &options)
    }

    /// Looks at a face again for the landmarks of a challenge: with the second look, or else with the detector in a window, with
    /// `mirrored` also in its mirror image. `None` if it is no face.
    pub(crate) fn landmarks(&self, face: &Detection, mirrored: bool) -> Result<Option<Detection>> {
        let recognizer = self.recognizer;
        let equalize = recognizer.detect_options.equalize;
        match &recognizer.second_look {
            Some(look) => look.look(self.image, face, equalize),
            None => look_with(&*recognizer.detector, mirrored, self.image, face, equalize),
        }
    }

    /// Follows the face of the frame before as [`landmarks`](Self::landmarks) looks at one, in a smaller window.
    pub(crate) fn follow(&self, face: &Detection, mirrored: bool) -> Result<Option<Detection>> {
        let recognizer = self.recognizer;
        let equalize = recognizer.detect_options.equalize;
        match &recognizer.second_look {
            Some(look) => look.follow(self.image, face, equalize),
            None => follow_with(&*recognizer.detector, mirrored, self.image, face, equalize),
        }
    }

    /// Looks at a face again, aligns it and applies the quality gate. `None` if it is no face. The image is taken to be upright.
    pub(crate) fn examine(&self, face: &Detection) -> Result<Option<ExaminedFace>> {
        let recognizer = self.recognizer;
        let mut face = *face;
        if let Some(look) = &recognizer.second_look {
            let equalize = recognizer.detect_options.equalize;
            match look.look(self.image, &face, equalize)? {
                Some(seen) => face.landmarks = seen.landmarks,
                None => return Ok(None),
            }
        }
        let detail = self.image.details(&[face])?.pop().flatten();
        let found =
            recognizer.measured(self.image, self.equalized.as_ref(), face, detail.as_ref())?;
        Ok(found.map(|mut face| {
            face.all_sides = true;
            face.apply(&recognizer.quality);
            face
        }))
    }

    /// Embeds faces that passed the quality gate, in one batch, and completes their quality. `None` for a face that the embedder
    /// cannot recognize, which is refused now.
    pub(crate) fn embed(&self, faces: &mut [&mut ExaminedFace]) -> Result<Vec<Option<Embedding>>> {
        let crops: Vec<_> = faces.iter().map(|face| face.aligned.clone()).collect();
        let recognizer = self.recognizer;
        let embeddings = recognizer.embed(&crops)?.into_iter();
        embeddings
            .zip(faces)
            .map(|(embedding, face)| {
                recognizer.complete(self.image, face, embedding, &recognizer.quality, false)
            })
            .collect()
    }

    /// Applies the liveness check, if there is one, to faces that passed the quality gate, in one batch.
    pub(crate) fn check_liveness(&self, faces: &mut [ExaminedFace]) -> Result<()> {
        if self.recognizer.liveness.is_none() {
            return Ok(());
        }
        let detections: Vec<Detection> = faces.iter().map(|face| face.detection).collect();
        let details = self.image.details(&detections)?;
        self.recognizer.check_liveness(self.image, faces, &details)
    }
}

impl Recognizer {
    /// Checks the threshold and the roster of a tracker.
    pub(crate) fn check_track_search(
        &self,
        threshold: Option<Threshold>,
        roster: Option<&Roster>,
    ) -> Result<()> {
        if roster.is_some() {
            self.required_gallery()?;
        }
        let threshold = threshold.unwrap_or(self.threshold);
        self.limit_of(threshold, &Comparison::default(), 1)?;
        Ok(())
    }

    /// The person nearest to the mean of a track's embeddings, judged at this share of the rate of the threshold. `None` if nobody
    /// is searched.
    pub(crate) fn search_track(
        &self,
        mean: &Embedding,
        threshold: Option<Threshold>,
        roster: Option<&Roster>,
        share: f64,
    ) -> Result<Option<Candidate>> {
        let _span = tracing::debug_span!("identify track").entered();
        let Some(gallery) = self.gallery() else {
            return Ok(None);
        };
        let Some(nearest) = gallery.nearest(mean, 1, roster)?.pop() else {
            return Ok(None);
        };
        let threshold = threshold.unwrap_or(self.threshold).shared(share);
        let limit = threshold.nearest_limit(
            self.calibration.as_ref(),
            &nearest.comparison(mean),
            self.embedder.space(),
            gallery.searched(roster),
        )?;
        Ok(Some(self.candidate(gallery, nearest, mean, limit)))
    }

    /// The score below which two faces of a video are two people: that of a false-match rate of 1e-3. Without a calibration, it is
    /// the raw score of the threshold.
    pub(crate) fn different_people(&self, threshold: Option<Threshold>) -> f32 {
        match (
            &self.calibration,
            threshold.unwrap_or(self.threshold).for_comparison(),
        ) {
            (Some(calibration), _) => calibration
                .curve(&Comparison::default())
                .score_near(DIFFERENT),
            (None, Threshold::Score(score)) => score,
            (None, _) => unreachable!("a rate without a calibration is refused before"),
        }
    }

    /// The least score that counts as live.
    pub(crate) fn liveness_threshold(&self) -> f32 {
        self.liveness_threshold
    }

    /// True if a liveness score counts as live.
    pub(crate) fn is_live(&self, score: LivenessScore) -> bool {
        score.is_live(self.liveness_threshold)
    }
}
