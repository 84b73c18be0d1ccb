use jiff::Timestamp;

use super::{EnrollOptions, EnrollReport, Recognizer, RefusedPhoto, enroll::PhotoSubject};
use crate::{
    align::AlignedFace,
    embed::Embedding,
    error::{Error, Result},
    geometry::Rect,
    image::ImageView,
    person::{Person, PersonId},
    store::NewTemplate,
};

/// The photos of an enrollment after all checks. Nothing is stored yet. [`Recognizer::analyze`] makes it, and [`Recognizer::add`]
/// stores its accepted photos.
///
/// A program with a store of its own shows the [`report`](Self::report), and stores the [`templates`](Self::templates) itself.
#[derive(Clone, Debug)]
pub struct Analysis {
    pub(super) person: PersonId,
    pub(super) name: Option<String>,
    pub(super) request: Option<String>,
    pub(super) faces: Vec<AnalyzedFace>,
    /// The photos without a face that can be used.
    pub(super) unusable: Vec<RefusedPhoto>,
    pub(super) allow_mismatch: bool,
    pub(super) refuse_resemblance: bool,
    report: EnrollReport,
}

/// The face of a photo that passed the quality gate and the liveness check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnalyzedFace {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The box of the face, in pixels of the photo.
    pub rect: Rect,
    /// The aligned face.
    pub aligned: AlignedFace,
    /// The quality of the face, 0 to 1.
    pub quality: f32,
    /// The embedding of the template: that of the photo and its mirror image, unless
    /// [`MirrorOptions::templates`](super::MirrorOptions::templates) is off.
    pub embedding: Embedding,
    /// The rotation of the face in the photo, in degrees clockwise, −180 to 180.
    pub roll: f32,
}

impl Analysis {
    /// The person.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// Accepted and refused photos, with reasons and warnings, by the gallery as it was during the analysis. The report has no
    /// templates.
    #[must_use]
    pub fn report(&self) -> &EnrollReport {
        &self.report
    }

    /// The faces of all photos that can be used, in the order of the photos. The report can refuse some of them because they show
    /// another person.
    #[must_use]
    pub fn faces(&self) -> &[AnalyzedFace] {
        &self.faces
    }

    /// The templates of the accepted photos, with crops, in the order of [`EnrollReport::accepted`]. `created` is the time that
    /// they get.
    #[must_use]
    pub fn templates(&self, created: Timestamp) -> Vec<NewTemplate> {
        self.templates_of(&self.report, created)
    }

    fn templates_of(&self, report: &EnrollReport, created: Timestamp) -> Vec<NewTemplate> {
        let accepted = self
            .faces
            .iter()
            .filter(|face| report.accepted.contains(&face.photo));
        let template = |face: &AnalyzedFace| {
            let template = NewTemplate::new(face.embedding.clone(), face.quality, created)
                .with_crop(face.aligned.clone());
            match &self.request {
                Some(request) => template.with_origin(format!("{request}/{}", face.photo)),
                None => template,
            }
        };
        accepted.map(template).collect()
    }
}

impl Recognizer {
    /// The first step of an enrollment: checks the photos of a person, and compares them with each other and with the gallery.
    /// Nothing is stored. The rules are those of [`enroll`](Self::enroll).
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, photos: &[facekit::ImageView<'_>]) -> facekit::Result<()> {
    /// use facekit::{EnrollOptions, PersonId};
    ///
    /// let analysis = recognizer.analyze(&PersonId::new("anna")?, photos, &EnrollOptions::default())?;
    /// for refused in &analysis.report().refused {
    ///     println!("photo {}: {}", refused.photo, refused.refusal);
    /// }
    /// if analysis.report().resembles.is_empty() {
    ///     recognizer.add(&analysis)?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`enroll`](Self::enroll).
    pub fn analyze(
        &self,
        person: &PersonId,
        photos: &[ImageView<'_>],
        options: &EnrollOptions<'_>,
    ) -> Result<Analysis> {
        self.analyze_each(person, photos.iter().copied().map(Ok), options)
    }

    /// Does the same as [`analyze`](Self::analyze) with photos that are read one by one. It holds one photo at a time.
    ///
    /// # Errors
    ///
    /// The errors of [`enroll`](Self::enroll), and the first error among `photos`.
    pub fn analyze_each<P>(
        &self,
        person: &PersonId,
        photos: impl ExactSizeIterator<Item = Result<P>>,
        options: &EnrollOptions<'_>,
    ) -> Result<Analysis>
    where
        for<'a> ImageView<'a>: From<&'a P>,
    {
        let mut analysis = self.read_photos(person, photos, options)?;
        analysis.report = self.judged(self.required_gallery()?, &analysis)?;
        Ok(analysis)
    }

    /// The second step of an enrollment: stores the accepted photos of an analysis. The photos are compared with the gallery once
    /// more, because it may have changed, so the report can differ from that of the analysis. When this returns `Ok`, the gallery's
    /// store has the templates.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer has no gallery, [`Error::SpaceMismatch`] if another embedder made the analysis,
    /// and errors of the gallery's store. Nothing has changed then.
    pub fn add(&self, analysis: &Analysis) -> Result<EnrollReport> {
        let gallery = self.required_gallery()?;
        for face in &analysis.faces {
            gallery.space().check(face.embedding.space())?;
        }
        // Nobody else is added between the comparisons with known people and the addition.
        let change = gallery.begin_change();
        let mut report = self.judged(gallery, analysis)?;
        let now = Timestamp::now();
        let templates = analysis.templates_of(&report, now);
        if !templates.is_empty() {
            let mut person = Person::new(analysis.person.clone(), now);
            person.name.clone_from(&analysis.name);
            report.templates = change.add(&person, &templates)?;
            report.room = self.room(gallery);
        }
        Ok(report)
    }

    /// Finds, checks and embeds the face of each photo.
    pub(super) fn read_photos<P>(
        &self,
        person: &PersonId,
        photos: impl ExactSizeIterator<Item = Result<P>>,
        options: &EnrollOptions<'_>,
    ) -> Result<Analysis>
    where
        for<'a> ImageView<'a>: From<&'a P>,
    {
        let count = photos.len();
        let _span = tracing::debug_span!("enroll", photos = count).entered();
        self.required_gallery()?;
        options.check()?;
        if count == 0 {
            return Err(Error::argument(
                "photos",
                "an enrollment needs at least one",
            ));
        }
        let mut analysis = Analysis {
            person: person.clone(),
            name: options.name.clone(),
            request: options.request.clone(),
            faces: Vec::new(),
            unusable: Vec::new(),
            allow_mismatch: options.allow_mismatch,
            refuse_resemblance: options.refuse_resemblance,
            report: EnrollReport::new(person.clone()),
        };
        for (photo, image) in photos.enumerate() {
            let image = image?;
            let image = ImageView::from(&image);
            let found =
                self.subject_of(image, &options.quality, options.liveness, options.ambiguity)?;
            match found.subjects {
                Ok(subjects) => {
                    for PhotoSubject {
                        aligned,
                        quality,
                        rect,
                        embedding,
                        roll,
                    } in subjects
                    {
                        let embedding = self.template(&aligned, &embedding, options.augment)?;
                        analysis.faces.push(AnalyzedFace {
                            photo,
                            rect,
                            aligned,
                            quality,
                            embedding,
                            roll,
                        });
                    }
                }
                Err(refusal) => analysis.unusable.push(RefusedPhoto { photo, refusal }),
            }
            options.watch.report(photo as u64 + 1, Some(count as u64))?;
        }
        Ok(analysis)
    }
}
