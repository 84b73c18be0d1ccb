use crate::{
    detect::Detection,
    embed::Embedding,
    error::Result,
    recognize::{ExaminedFace, FrameView},
};

/// A detection in a frame. It is examined and embedded only if that is needed, and once.
pub(super) struct Seen {
    pub(super) detection: Detection,
    examined: Option<Option<ExaminedFace>>,
    embedding: Option<Option<Embedding>>,
}

impl Seen {
    pub(super) fn new(detection: Detection) -> Self {
        Self {
            detection,
            examined: None,
            embedding: None,
        }
    }

    /// The face, if it passes the quality gate.
    pub(super) fn fit(&mut self, frame: &FrameView<'_>) -> Result<Option<&mut ExaminedFace>> {
        if self.examined.is_none() {
            self.examined = Some(frame.examine(&self.detection)?);
        }
        let examined = self.examined.as_mut().and_then(Option::as_mut);
        Ok(examined.filter(|face| face.passed()))
    }

    /// The embedding of the face, if it can be recognized.
    pub(super) fn embedding(&mut self, frame: &FrameView<'_>) -> Result<Option<&Embedding>> {
        Self::embed(&mut [&mut *self], frame)?;
        Ok(self.embedding.as_ref().and_then(Option::as_ref))
    }

    /// Embeds faces that are not embedded yet, in one batch.
    pub(super) fn embed(seen: &mut [&mut Self], frame: &FrameView<'_>) -> Result<()> {
        let mut faces = Vec::with_capacity(seen.len());
        let mut embeddings = Vec::with_capacity(seen.len());
        for seen in seen.iter_mut().filter(|seen| seen.embedding.is_none()) {
            seen.fit(frame)?;
            let Self {
                examined,
                embedding,
                ..
            } = &mut **seen;
            match examined.as_mut().and_then(Option::as_mut) {
                Some(face) if face.passed() => {
                    faces.push(face);
                    embeddings.push(embedding);
                }
                _ => *embedding = Some(None),
            }
        }
        if faces.is_empty() {
            return Ok(());
        }
        for (place, embedding) in embeddings.into_iter().zip(frame.embed(&mut faces)?) {
            *place = Some(embedding);
        }
        Ok(())
    }

    /// The face and its embedding, if it is fit and was embedded.
    pub(super) fn recognizable(&self) -> Option<(&ExaminedFace, &Embedding)> {
        let face = self.examined.as_ref()?.as_ref()?;
        let embedding = self.embedding.as_ref()?.as_ref()?;
        Some((face, embedding))
    }
}
