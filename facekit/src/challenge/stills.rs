//! The depth of a face in single pictures.

use jiff::{SignedDuration, Timestamp};

use super::{session::LEAST_SCORE, verdict::ChallengeDepth, views::Views};
use crate::{
    detect::Detection,
    error::{Error, Result},
    image::ImageView,
    recognize::{FrameView, Recognizer},
};

impl ChallengeDepth {
    /// Measures the depth of the widest face in pictures of one person: one from the front, and three or more in which the nose points
    /// to the left of the image, and to its right. A side needs no more than six. Nothing else is checked: neither when the head turned,
    /// nor whether the pictures show one person. [`Challenge`](crate::Challenge) does that.
    ///
    /// `None` if a face is not found in the picture from the front, or if too few views or points are tracked. That refuses the face.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, frames: &[facekit::Image]) -> facekit::Result<()> {
    /// use facekit::{ChallengeDepth, ImageView};
    ///
    /// let views: Vec<ImageView<'_>> = frames.iter().map(|frame| frame.view()).collect();
    /// let depth = ChallengeDepth::measure(recognizer, views[0], &views[1..4], &views[4..7])?;
    /// println!("{}", depth.is_some_and(|depth| depth.is_enough()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer offers no challenge, [`Error::Runtime`] if a model fails.
    pub fn measure(
        recognizer: &Recognizer,
        front: ImageView<'_>,
        left: &[ImageView<'_>],
        right: &[ImageView<'_>],
    ) -> Result<Option<Self>> {
        let limits = recognizer.challenge_limits();
        let limits = limits.ok_or_else(|| Error::argument("recognizer", "offers no challenge"))?;
        let find = |image: ImageView<'_>| find(recognizer, image, limits.mirrored);
        let mut views = Views::default();
        let Some(face) = find(front)? else {
            return Ok(None);
        };
        if !views.set_middle(front, &face.landmarks)? {
            return Ok(None);
        }
        let mut at = Timestamp::UNIX_EPOCH;
        for (yaw, images) in [(-90.0, left), (90.0, right)] {
            for &image in images {
                at += SignedDuration::from_secs(1);
                if let Some(face) = find(image)? {
                    views.push(image, &face.landmarks, yaw, at)?;
                }
            }
        }
        Ok(views.depth(limits.depth))
    }
}

/// The widest face in an image, with the landmarks of a challenge.
fn find(
    recognizer: &Recognizer,
    image: ImageView<'_>,
    mirrored: bool,
) -> Result<Option<Detection>> {
    let pixels = image.rgb8();
    let frame = FrameView::new(recognizer, image.with_pixels(&pixels)?);
    let found = frame.detect(LEAST_SCORE)?;
    let widest = found
        .iter()
        .max_by(|a, b| a.rect.width.total_cmp(&b.rect.width));
    match widest {
        Some(face) => frame.landmarks(face, mirrored),
        None => Ok(None),
    }
}
