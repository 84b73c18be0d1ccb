use super::Recognizer;
use crate::{
    align::{AlignedFace, turned},
    embed::Embedding,
    error::Result,
    image::{self, Image},
};

impl Recognizer {
    /// The mean embedding over small changes of a face: turns of 5°, light, contrast and blur.
    pub(super) fn augmented(&self, face: &AlignedFace) -> Result<Embedding> {
        let light = |gain: f32, offset: f32| {
            let change =
                |&value: &u8| (f32::from(value) * gain + offset).round().clamp(0.0, 255.0) as u8;
            let pixels = face.image().data().iter().map(change).collect();
            AlignedFace::new(Image::from_rgb8(pixels, face.side(), face.side())?)
        };
        let half = image::resize(
            face.image().view(),
            (face.side() / 2).max(1),
            (face.side() / 2).max(1),
        )?;
        let blurred = AlignedFace::new(image::resize(half.view(), face.side(), face.side())?)?;
        let variants = [
            face.clone(),
            turned(face, 5.0),
            turned(face, -5.0),
            light(1.2, 0.0)?,
            light(0.8, 0.0)?,
            light(0.8, 25.5)?,
            blurred,
        ];
        Embedding::mean(&self.embed(&variants)?)
    }
}
