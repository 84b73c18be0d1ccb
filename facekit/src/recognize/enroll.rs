use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ExamineOptions, Recognizer, Subject, consensus};
use crate::{
    align::AlignedFace,
    embed::Embedding,
    error::{Error, Result},
    gallery::Gallery,
    image::ImageView,
    index::TemplateId,
    liveness::LivenessScore,
    person::{Person, PersonId},
    progress::Watch,
    quality::{QualityIssue, QualityOptions},
    store::NewTemplate,
};

/// A photo is ambiguous if its second largest face has at least this share of the largest one's area.
pub(super) const AMBIGUITY: f32 = 0.7;

/// A face is turned if its roll is more than this, in degrees.
const TURNED: f32 = 45.0;

/// Options of an enrollment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnrollOptions<'a> {
    /// The person's name. `None` keeps a known person's name.
    pub name: Option<String>,
    /// The limits that a face must meet to become a template; stricter than for recognition by default.
    pub quality: QualityOptions,
    /// Applies the recognizer's liveness check, if it has one. On by default. Passport photos are prints, so they
    /// need it off.
    pub liveness: bool,
    /// Makes each template the mean over small turns, changes of light and contrast, and blur of its photo. Off by default.
    pub augment: bool,
    /// Refuses a face that matches another person in the gallery. Off by default: the report then lists the resemblance.
    pub refuse_resemblance: bool,
    /// A photo is ambiguous if its second largest face has at least this share of the largest one's area, 0 to 1.
    pub ambiguity: f32,
    /// Progress, counted in photos, and cancellation.
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

/// The reason for which a photo was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The photo shows no face.
    NoFace,
    /// The photo shows several faces of similar size, so that the subject is not clear.
    SeveralFaces {
        /// The number of faces of similar size.
        count: usize,
    },
    /// The face is not good enough.
    PoorQuality {
        /// The limits that the face does not meet.
        issues: Vec<QualityIssue>,
    },
    /// The liveness check refused the face.
    Spoof {
        /// The liveness score.
        liveness: LivenessScore,
    },
    /// The face does not match those of most other photos, which match each other, or as many photos match it as do not.
    AnotherPerson {
        /// The greatest similarity to a photo that the face does not match.
        score: f32,
    },
    /// The face of this photo or of another one matches another person in the gallery, and
    /// [`EnrollOptions::refuse_resemblance`] is set.
    Resembles {
        /// The other person.
        person: PersonId,
        /// The similarity.
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
                    "not the person on the other photos: similarity {score:.2}"
                )
            }
            Self::Resembles { person, score } => {
                write!(
                    f,
                    "the face matches {person}, who is enrolled already: similarity {score:.2}"
                )
            }
        }
    }
}

/// A photo that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedPhoto {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The reason.
    #[serde(flatten)]
    pub refusal: Refusal,
}

/// A photo that matches another person in the gallery: one person with two ids, or a look-alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resemblance {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The other person.
    pub person: PersonId,
    /// The similarity. It passes the recognizer's threshold.
    pub score: f32,
    /// The false-match rate at this score, if the space is calibrated.
    pub fmr: Option<f64>,
}

/// The result of an enrollment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnrollReport {
    /// The person to enroll.
    pub person: PersonId,
    /// The new templates. If it is empty, all photos were refused and nothing has changed.
    pub templates: Vec<TemplateId>,
    /// The photos that became templates, from 0, in the order of `templates`.
    pub accepted: Vec<usize>,
    /// The photos that were refused, with reasons.
    pub refused: Vec<RefusedPhoto>,
    /// Other people whom accepted photos match.
    pub resembles: Vec<Resemblance>,
    /// Accepted photos on which the face lies on its side or upside down.
    #[serde(default)]
    pub turned: Vec<TurnedPhoto>,
}

/// A photo on which the face is not upright. The face was turned upright before it was embedded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TurnedPhoto {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The rotation of the face in the photo, in degrees clockwise, −180 to 180.
    pub roll: f32,
}

/// The subject of a photo, which passed all checks.
pub(super) struct PhotoSubject {
    pub(super) aligned: AlignedFace,
    pub(super) quality: f32,
    pub(super) embedding: Embedding,
    /// The rotation of the face in the photo, in degrees.
    pub(super) roll: f32,
}

impl Recognizer {
    /// Enrolls a person from photos. The largest face of each photo becomes a template if it passes the quality gate and the
    /// liveness check. When this returns `Ok`, the gallery's store has the templates.
    ///
    /// A refused photo is not an error: the report gives the reason for each. If all photos are refused, nobody is enrolled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer has no gallery, no photo is given or a limit is out of range,
    /// [`Error::Cancelled`], [`Error::Runtime`] if a model fails, and errors of the gallery's store. Nothing has changed then.
    pub fn enroll(
        &self,
        person: &PersonId,
        photos: &[ImageView<'_>],
        options: &EnrollOptions<'_>,
    ) -> Result<EnrollReport> {
        self.enroll_each(person, photos.iter().copied().map(Ok), options)
    }

    /// Does the same as [`enroll`](Self::enroll) with photos that are read one by one. It holds one photo at a time.
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
    /// The errors of [`enroll`](Self::enroll), and the first error among `photos`. Nothing has changed then.
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
        let gallery = self.required_gallery()?;
        options.check()?;
        if count == 0 {
            return Err(Error::argument(
                "photos",
                "an enrollment needs at least one",
            ));
        }
        let mut report = EnrollReport {
            person: person.clone(),
            templates: Vec::new(),
            accepted: Vec::new(),
            refused: Vec::new(),
            resembles: Vec::new(),
            turned: Vec::new(),
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
        let embeddings: Vec<Embedding> = usable
            .iter()
            .map(|(_, face)| {
                if options.augment {
                    self.augmented(&face.aligned)
                } else {
                    Ok(face.embedding.clone())
                }
            })
            .collect::<Result<_>>()?;

        let now = Timestamp::now();
        let mut templates = Vec::new();
        let outliers = consensus::outliers(&embeddings, self.score_threshold(1)?)?;
        // Nobody else is added between the search for resemblances and the addition.
        let change = gallery.begin_change();
        for (((photo, face), embedding), outlier) in
            usable.into_iter().zip(embeddings).zip(outliers)
        {
            if let Some(score) = outlier {
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
            if face.roll.abs() > TURNED {
                let roll = face.roll;
                report.turned.push(TurnedPhoto { photo, roll });
            }
            templates.push(NewTemplate::new(embedding, face.quality, now).with_crop(face.aligned));
        }
        if let Some(Resemblance { person, score, .. }) = report
            .resembles
            .first()
            .filter(|_| options.refuse_resemblance)
            .cloned()
        {
            templates.clear();
            report.turned.clear();
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
            report.templates = change.add(&entry, &templates)?;
        }
        Ok(report)
    }

    /// The one face that a photo is about: the largest.
    pub(super) fn subject_of(
        &self,
        image: ImageView<'_>,
        gate: &QualityOptions,
        liveness: bool,
        ambiguity: f32,
    ) -> Result<std::result::Result<PhotoSubject, Refusal>> {
        let all = ExamineOptions::default()
            .with_subject(Subject::All)
            .with_quality(QualityOptions::anything())
            .with_liveness(false);
        let mut faces = self.examine(image, &all)?;
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
        let mut face = faces.swap_remove(0);
        let issues = face.quality.issues(gate);
        if !issues.is_empty() {
            return Ok(Err(Refusal::PoorQuality { issues }));
        }
        // A face that is not upright is found only now. So the liveness check comes last.
        let options = all.with_quality(gate.clone());
        let Some(embedding) = self.embed_examined(image, &mut face, &options)? else {
            let issues = face.quality.issues(gate);
            return Ok(Err(Refusal::PoorQuality { issues }));
        };
        if let Some(check) = self.liveness.as_deref().filter(|_| liveness) {
            let score = self
                .liveness_of(check, image, &[face.detection])?
                .first()
                .copied()
                .unwrap_or_default();
            if !score.is_live(self.liveness_threshold) {
                return Ok(Err(Refusal::Spoof { liveness: score }));
            }
        }
        Ok(Ok(PhotoSubject {
            roll: face.detection.landmarks.roll(),
            aligned: face.aligned,
            quality: face.quality.score,
            embedding,
        }))
    }

    /// The nearest other person, if the face matches.
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
            // The gallery has outgrown the calibration, so the warning takes the threshold of a single comparison.
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
}
