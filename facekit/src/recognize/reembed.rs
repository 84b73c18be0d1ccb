use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Recognizer;
use crate::{
    align::AlignedFace, error::Result, gallery::TemplatePhoto, image, person::PersonId,
    progress::Watch, store::NewTemplate,
};

/// The result of [`Recognizer::embed_again`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReembedReport {
    /// People who were embedded again from crops.
    pub embedded: Vec<PersonId>,
    /// People without crops, who must be enrolled again.
    pub must_enroll: Vec<PersonId>,
}

impl Recognizer {
    /// Embeds kept crops again after a change of model, for all people who have no template of this embedder. `watch` counts
    /// crops.
    ///
    /// # Errors
    ///
    /// The errors of [`enroll`](Self::enroll). Nothing has changed then.
    pub fn embed_again(&self, watch: &Watch<'_>) -> Result<ReembedReport> {
        let gallery = self.required_gallery()?;
        let waiting = gallery.unsearchable();
        let side = self.embedder.face_side();
        // Crops are large and vectors are small, so each crop is embedded as it is read.
        let photos = gallery.photos()?;
        let mut templates: Vec<Vec<NewTemplate>> = vec![Vec::new(); waiting.len()];
        let mut done = 0;
        gallery.crops(&mut |id, person, crop| {
            let Ok(nth) = waiting.binary_search_by(|waiting| waiting.id.cmp(person)) else {
                return Ok(());
            };
            let crop = if crop.side() == side {
                crop
            } else {
                AlignedFace::new(image::resize(crop.image().view(), side, side)?)?
            };
            let photo = photos.get(&id).cloned().unwrap_or_else(|| TemplatePhoto {
                quality: 0.0,
                created: Timestamp::now(),
                origin: None,
            });
            for embedding in self.embed(std::slice::from_ref(&crop))? {
                let embedding = self.template(&crop, &embedding, false)?;
                let mut template = NewTemplate::new(embedding, photo.quality, photo.created);
                template.origin.clone_from(&photo.origin);
                templates[nth].push(template);
            }
            done += 1;
            watch.report(done, None)
        })?;
        let mut report = ReembedReport {
            embedded: Vec::new(),
            must_enroll: Vec::new(),
        };
        for (person, templates) in waiting.iter().zip(templates) {
            if templates.is_empty() {
                report.must_enroll.push(person.id.clone());
            } else if gallery.add_to_known(person, &templates)?.is_some() {
                report.embedded.push(person.id.clone());
            }
            // A person who was removed meanwhile stays removed.
        }
        Ok(report)
    }
}
