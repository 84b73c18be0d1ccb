use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Examined, Recognizer, Subject};
use crate::{
    AlignedFace, Embedding, Error, Gallery, Image, ImageView, LivenessScore, NewTemplate, Person,
    PersonId, QualityIssue, QualityOptions, Result, TemplateId, Watch, align::turned, image,
};

/// The share of the largest face's area from which on a second face makes a photo ambiguous.
pub(super) const AMBIGUITY: f32 = 0.7;

/// How to enrol.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnrollOptions<'a> {
    /// A name for people to read.
    pub name: Option<String>,
    /// What a face needs to become a template; stricter than for recognition.
    pub quality: QualityOptions,
    /// Whether the recogniser's liveness check applies, where it has one. On by default; off for passport photos, which
    /// are prints.
    pub liveness: bool,
    /// Make each template the mean over small turns, changes of light and contrast, and blur of its photo. Off by default.
    pub augment: bool,
    /// Enrol nobody whose face already belongs to somebody else. Off by default: the report warns.
    pub refuse_resemblance: bool,
    /// A second face at least this share of the largest one's area makes a photo ambiguous, 0 to 1.
    pub ambiguity: f32,
    /// Progress, a unit a photo, and cancellation.
    pub watch: Watch<'a>,
}

impl Default for EnrollOptions<'_> {
    fn default() -> Self {
        Self {
            name: None,
            quality: QualityOptions::enrollment(),
            liveness: true,
            augment: false,
            refuse_resemblance: false,
            ambiguity: AMBIGUITY,
            watch: Watch::new(),
        }
    }
}

impl<'a> EnrollOptions<'a> {
    /// Sets [`name`](Self::name).
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets [`quality`](Self::quality).
    #[must_use]
    pub fn with_quality(mut self, quality: QualityOptions) -> Self {
        self.quality = quality;
        self
    }

    /// Sets [`liveness`](Self::liveness).
    #[must_use]
    pub fn with_liveness(mut self, liveness: bool) -> Self {
        self.liveness = liveness;
        self
    }

    /// Sets [`augment`](Self::augment).
    #[must_use]
    pub fn with_augment(mut self, augment: bool) -> Self {
        self.augment = augment;
        self
    }

    /// Sets [`refuse_resemblance`](Self::refuse_resemblance).
    #[must_use]
    pub fn with_refuse_resemblance(mut self, refuse: bool) -> Self {
        self.refuse_resemblance = refuse;
        self
    }

    /// Sets [`ambiguity`](Self::ambiguity).
    #[must_use]
    pub fn with_ambiguity(mut self, ambiguity: f32) -> Self {
        self.ambiguity = ambiguity;
        self
    }

    /// Sets [`watch`](Self::watch).
    #[must_use]
    pub fn with_watch(mut self, watch: Watch<'a>) -> Self {
        self.watch = watch;
        self
    }

    fn check(&self) -> Result<()> {
        self.quality.check()?;
        if (0.0..=1.0).contains(&self.ambiguity) {
            return Ok(());
        }
        let reason = format!("{} is not between 0 and 1", self.ambiguity);
        Err(Error::argument("ambiguity", reason))
    }
}

/// Why a photo was not used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// It shows no face.
    NoFace,
    /// It shows several faces of similar size, and which one is meant is not clear.
    SeveralFaces {
        /// How many faces it shows.
        count: usize,
    },
    /// The face is not good enough.
    PoorQuality {
        /// What falls short.
        issues: Vec<QualityIssue>,
    },
    /// The liveness check refused it.
    Spoof {
        /// Its score.
        liveness: LivenessScore,
    },
    /// The face does not match those of most other photos, which match each other; or as many photos match it as do not.
    AnotherPerson {
        /// The greatest similarity to a photo that it does not match.
        score: f32,
    },
    /// The face of this photo or of another one belongs to somebody else already, and the options refuse that.
    Resembles {
        /// Who that is.
        person: PersonId,
        /// How similar.
        score: f32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFace => f.write_str("no face"),
            Self::SeveralFaces { count } => write!(f, "{count} faces of similar size"),
            Self::PoorQuality { issues } => {
                let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
                f.write_str(&issues.join("; "))
            }
            Self::Spoof { liveness } => write!(f, "not live: liveness {:.2}", liveness.value()),
            Self::AnotherPerson { score } => {
                write!(
                    f,
                    "another person than on the other photos: similarity {score:.2}"
                )
            }
            Self::Resembles { person, score } => {
                write!(
                    f,
                    "the face belongs to {person} already: similarity {score:.2}"
                )
            }
        }
    }
}

/// A photo that was not used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedPhoto {
    /// Which of the photos given, from 0.
    pub photo: usize,
    /// Why.
    #[serde(flatten)]
    pub refusal: Refusal,
}

/// A photo of one person that looks like somebody else in the gallery: the same person under two ids, or a look-alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resemblance {
    /// Which of the photos given, from 0.
    pub photo: usize,
    /// Who it looks like.
    pub person: PersonId,
    /// How similar; it passes the recogniser's threshold.
    pub score: f32,
    /// The false-match rate that the score stands for, where the space is calibrated.
    pub fmr: Option<f64>,
}

/// What became of an enrolment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnrollReport {
    /// Who was to be enrolled.
    pub person: PersonId,
    /// The numbers of the new templates; empty where no photo was good enough, and then nothing has changed.
    pub templates: Vec<TemplateId>,
    /// The photos that became templates, from 0, in the order of `templates`.
    pub accepted: Vec<usize>,
    /// The photos that did not.
    pub refused: Vec<RefusedPhoto>,
    /// Whom accepted photos look like, other than the person.
    pub resembles: Vec<Resemblance>,
}

/// What became of the people of an earlier model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReembedReport {
    /// Who was embedded again from crops.
    pub embedded: Vec<PersonId>,
    /// Who has no crops and must be enrolled again.
    pub must_enroll: Vec<PersonId>,
}

/// The subject of a photo, fit to be embedded.
pub(super) struct Usable {
    pub(super) aligned: AlignedFace,
    pub(super) quality: f32,
}

impl Recognizer {
    /// Enrols a person from photos: the largest face of each becomes a template, if it passes the quality gate and the
    /// liveness check. When this returns `Ok`, the gallery's store has the templates.
    ///
    /// Refused photos are no error: the report gives a reason for each. Where all are refused, nobody is enrolled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] where the recogniser has no gallery, no photo is given or a limit is out of range, [`Error::Cancelled`],
    /// [`Error::Runtime`] where a model fails, and whatever the gallery's store fails with. Nothing has changed then.
    pub fn enroll(
        &self,
        person: &PersonId,
        photos: &[ImageView<'_>],
        options: &EnrollOptions<'_>,
    ) -> Result<EnrollReport> {
        self.enroll_each(person, photos.iter().copied().map(Ok), options)
    }

    /// As [`enroll`](Self::enroll), with photos that are read one after the other: no more than one is held at a time.
    ///
    /// ```no_run
    /// use facekit::{EnrollOptions, EnrollReport, PersonId, Recognizer, Result, image::{self, DecodeLimits}};
    ///
    /// fn enroll_anna(recognizer: &Recognizer) -> Result<EnrollReport> {
    ///     let files = ["1.jpg", "2.jpg", "3.jpg"];
    ///     let photos = files.iter().map(|file| image::open(file, &DecodeLimits::default()));
    ///     recognizer.enroll_each(&PersonId::new("anna")?, photos, &EnrollOptions::default())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enroll`](Self::enroll), and the first error among `photos`; nothing has changed then, either.
    pub fn enroll_each<P>(
        &self,
        person: &PersonId,
        photos: impl ExactSizeIterator<Item = Result<P>>,
        options: &EnrollOptions<'_>,
    ) -> Result<EnrollReport>
    where
        for<'a> ImageView<'a>: From<&'a P>,
    {
        let count = photos.len();
        let _span = tracing::debug_span!("enroll", photos = count).entered();
        let gallery = self.writable_gallery()?;
        options.check()?;
        if count == 0 {
            return Err(Error::argument("photos", "enrolment needs at least one"));
        }
        let mut report = EnrollReport {
            person: person.clone(),
            templates: Vec::new(),
            accepted: Vec::new(),
            refused: Vec::new(),
            resembles: Vec::new(),
        };

        let mut usable = Vec::new();
        for (photo, image) in photos.enumerate() {
            let image = image?;
            let image = ImageView::from(&image);
            match self.subject_of(image, &options.quality, options.liveness, options.ambiguity)? {
                Ok(face) => usable.push((photo, face)),
                Err(refusal) => report.refused.push(RefusedPhoto { photo, refusal }),
            }
            options.watch.report(photo as u64 + 1, Some(count as u64))?;
        }
        let embeddings = if options.augment {
            usable
                .iter()
                .map(|(_, face)| self.augmented(&face.aligned))
                .collect::<Result<_>>()?
        } else {
            let faces: Vec<AlignedFace> = usable
                .iter()
                .map(|(_, face)| face.aligned.clone())
                .collect();
            self.embed(&faces)?
        };

        let now = Timestamp::now();
        let mut templates = Vec::new();
        let strangers = self.strangers(&embeddings)?;
        // Whom they resemble stays true until they are added.
        let changing = gallery.changing();
        for (((photo, face), embedding), stranger) in
            usable.into_iter().zip(embeddings).zip(strangers)
        {
            if let Some(score) = stranger {
                report.refused.push(RefusedPhoto {
                    photo,
                    refusal: Refusal::AnotherPerson { score },
                });
                continue;
            }
            report
                .resembles
                .extend(self.resemblance(gallery, person, photo, &embedding)?);
            report.accepted.push(photo);
            templates.push(NewTemplate::new(embedding, face.quality, now).with_crop(face.aligned));
        }
        if let Some(Resemblance { person, score, .. }) = report
            .resembles
            .first()
            .filter(|_| options.refuse_resemblance)
            .cloned()
        {
            templates.clear();
            report
                .refused
                .extend(report.accepted.drain(..).map(|photo| RefusedPhoto {
                    photo,
                    refusal: Refusal::Resembles {
                        person: person.clone(),
                        score,
                    },
                }));
        }
        report.refused.sort_by_key(|refused| refused.photo);
        if !templates.is_empty() {
            let mut entry = Person::new(person.clone(), now);
            entry.name.clone_from(&options.name);
            report.templates = changing.add(&entry, &templates)?;
        }
        Ok(report)
    }

    /// Makes templates of this embedder for everyone who has none but whose crops were kept, after a change of model.
    ///
    /// # Errors
    ///
    /// As [`enroll`](Self::enroll). `watch` hears of each crop; where it cancels, nothing has changed.
    pub fn embed_again(&self, watch: &Watch<'_>) -> Result<ReembedReport> {
        let gallery = self.writable_gallery()?;
        let waiting = gallery.unsearchable();
        let side = self.embedder.face_side();
        // Vectors are small, crops are not: each is embedded as it comes.
        let origins = gallery.origins()?;
        let mut templates: Vec<Vec<NewTemplate>> = vec![Vec::new(); waiting.len()];
        let mut done = 0;
        gallery.crops(&mut |id, person, crop| {
            let Ok(at) = waiting.binary_search_by(|waiting| waiting.id.cmp(person)) else {
                return Ok(());
            };
            let crop = if crop.side() == side {
                crop
            } else {
                AlignedFace::new(image::resize(crop.image().view(), side, side)?)?
            };
            let (quality, created) = origins
                .get(&id)
                .copied()
                .unwrap_or_else(|| (0.0, Timestamp::now()));
            for embedding in self.embed(&[crop])? {
                templates[at].push(NewTemplate::new(embedding, quality, created));
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
            // Somebody who was removed meanwhile is not brought back.
        }
        Ok(report)
    }

    /// The one face a photo is about.
    pub(super) fn subject_of(
        &self,
        image: ImageView<'_>,
        gate: &QualityOptions,
        liveness: bool,
        ambiguity: f32,
    ) -> Result<std::result::Result<Usable, Refusal>> {
        let mut faces = self.examine(image, Subject::All, &QualityOptions::anything(), false)?;
        faces.sort_by(|a, b| b.detection.rect.area().total_cmp(&a.detection.rect.area()));
        let Some(largest) = faces.first() else {
            return Ok(Err(Refusal::NoFace));
        };
        let similar = largest.detection.rect.area() * ambiguity;
        let count = faces
            .iter()
            .filter(|face| face.detection.rect.area() >= similar)
            .count();
        if count > 1 {
            return Ok(Err(Refusal::SeveralFaces { count }));
        }
        let Examined {
            detection,
            aligned,
            quality,
            ..
        } = faces.swap_remove(0);
        let issues = quality.issues(gate);
        if !issues.is_empty() {
            return Ok(Err(Refusal::PoorQuality { issues }));
        }
        if let Some(check) = self.liveness.as_deref().filter(|_| liveness) {
            let score = check
                .assess(image, &[detection])?
                .first()
                .copied()
                .unwrap_or_default();
            if !score.is_live(self.liveness_threshold) {
                return Ok(Err(Refusal::Spoof { liveness: score }));
            }
        }
        Ok(Ok(Usable {
            aligned,
            quality: quality.score,
        }))
    }

    fn writable_gallery(&self) -> Result<&Gallery> {
        self.gallery()
            .ok_or_else(|| Error::argument("gallery", "the recogniser was built without one"))
    }

    /// For each embedding that is not of the person most photos show, its greatest similarity to one of those; of
    /// `embeddings` that fall into groups of equal size, all. With fewer than three, nobody can say which one is wrong.
    fn strangers(&self, embeddings: &[Embedding]) -> Result<Vec<Option<f32>>> {
        let count = embeddings.len();
        if count < 3 {
            return Ok(vec![None; count]);
        }
        let threshold = self.score_threshold(1)?;
        let mut scores = vec![vec![1.0; count]; count];
        // Photos that match, directly or by way of others, have the same group.
        let mut group: Vec<usize> = (0..count).collect();
        for i in 0..count {
            for j in 0..i {
                let score = embeddings[i].cosine(&embeddings[j])?;
                (scores[i][j], scores[j][i]) = (score, score);
                if score >= threshold {
                    let (from, to) = (group[i], group[j]);
                    group
                        .iter_mut()
                        .filter(|group| **group == from)
                        .for_each(|group| *group = to);
                }
            }
        }
        let size = |of: usize| group.iter().filter(|&&group| group == of).count();
        let largest = group.iter().map(|&group| size(group)).max().unwrap_or(0);
        let mut of_that_size: Vec<usize> = group
            .iter()
            .copied()
            .filter(|&group| size(group) == largest)
            .collect();
        of_that_size.sort_unstable();
        of_that_size.dedup();
        // Where no two photos match, the photos are too different to say anything.
        if largest == 1 {
            return Ok(vec![None; count]);
        }
        let person = (of_that_size.len() == 1).then(|| of_that_size[0]);
        let strange = |i: usize| Some(group[i]) != person;
        let nearest = |i: usize| {
            let others = (0..count)
                .filter(|&j| group[j] != group[i])
                .map(|j| scores[i][j]);
            others.fold(f32::NEG_INFINITY, f32::max)
        };
        Ok((0..count).map(|i| strange(i).then(|| nearest(i))).collect())
    }

    /// Whom else a face looks like.
    fn resemblance(
        &self,
        gallery: &Gallery,
        person: &PersonId,
        photo: usize,
        embedding: &Embedding,
    ) -> Result<Option<Resemblance>> {
        let other = gallery
            .nearest(embedding, 2, None)?
            .into_iter()
            .find(|neighbor| neighbor.person != *person);
        let Some(other) = other else { return Ok(None) };
        let score = gallery.metric().to_cosine(other.score);
        let threshold = match self.score_threshold(gallery.len()) {
            // The gallery has outgrown the calibration; the warning is held to what a single comparison allows.
            Err(Error::RateOutOfRange { .. }) => self.score_threshold(1)?,
            threshold => threshold?,
        };
        let fmr = self.fmr_of(score);
        Ok((score >= threshold).then_some(Resemblance {
            photo,
            person: other.person,
            score,
            fmr,
        }))
    }

    /// The mean embedding over small changes of a face.
    fn augmented(&self, face: &AlignedFace) -> Result<Embedding> {
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
        let embeddings = self.embed(&variants)?;
        let mut mean = vec![0.0; self.embedder.space().dimension()];
        for embedding in &embeddings {
            mean.iter_mut()
                .zip(embedding.values())
                .for_each(|(mean, value)| *mean += value);
        }
        Embedding::new(self.embedder.space(), mean)
    }
}
