use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Analysis, AnalyzedFace, ExamineOptions, ExaminedFace, Outcome, Recognizer, Subject,
    consensus::{Comparisons, Disagreement, Nearest},
};
use crate::{
    align::AlignedFace,
    calibration::Room,
    comparison::Comparison,
    embed::Embedding,
    error::{Error, Result},
    gallery::Gallery,
    geometry::Rect,
    image::ImageView,
    liveness::LivenessScore,
    person::PersonId,
    progress::Watch,
    quality::{QualityIssue, QualityOptions},
    store::TemplateId,
};

/// A photo is ambiguous if its second largest face has at least this share of the largest one's area.
pub(super) const AMBIGUITY: f32 = 0.7;

/// Two photos of an enrollment are of different people if their similarity is below the score of this false-match rate.
const DIFFERENT: f64 = 1e-2;

/// Two photos of an enrollment are doubtful if their similarity is below the score of this false-match rate.
const DOUBTFUL: f64 = 1e-4;

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
    /// Accepts photos that do not match each other or the person. Off by default. The report lists them in any case. It is
    /// for photos that were checked by eye: of a person who has changed much, or of a child and the adult.
    pub allow_mismatch: bool,
    /// A photo is ambiguous if its second largest face has at least this share of the largest one's area, 0 to 1.
    pub ambiguity: f32,
    /// An id of the request, 1 to 120 bytes. The template of photo 0 gets the [origin](crate::NewTemplate::origin) `ID/0`, and so on.
    /// An enrollment of an id that is sent again adds no photo again. `None` adds each photo.
    pub request: Option<String>,
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
            allow_mismatch: false,
            ambiguity: AMBIGUITY,
            request: None,
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

    /// Sets [`allow_mismatch`](Self::allow_mismatch).
    #[must_use]
    pub fn with_allow_mismatch(mut self, allow: bool) -> Self {
        self.allow_mismatch = allow;
        self
    }

    /// Sets [`ambiguity`](Self::ambiguity).
    #[must_use]
    pub fn with_ambiguity(mut self, ambiguity: f32) -> Self {
        self.ambiguity = ambiguity;
        self
    }

    /// Sets [`request`](Self::request).
    #[must_use]
    pub fn with_request(mut self, id: impl Into<String>) -> Self {
        self.request = Some(id.into());
        self
    }

    /// Sets [`watch`](Self::watch).
    #[must_use]
    pub fn with_watch(mut self, watch: Watch<'a>) -> Self {
        self.watch = watch;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        self.quality.check()?;
        if let Some(id) = &self.request
            && !(1..=120).contains(&id.len())
        {
            let reason = format!("{} bytes long, 1 to 120 accepted", id.len());
            return Err(Error::argument("request", reason));
        }
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
    /// The liveness check refused the face, but it sees too little around the face for a reliable score.
    TightCrop {
        /// The liveness score.
        liveness: LivenessScore,
        /// The size of the image relative to the face box.
        context: f32,
        /// The least size of the image that the check needs, relative to the face box.
        minimum: f32,
    },
    /// The face does not match those of most other photos, which match each other, or as many photos match it as do not.
    AnotherPerson {
        /// The greatest similarity to a photo that the face does not match.
        score: f32,
    },
    /// The face does not match another photo or the person's templates: the similarity is below the score of a false-match
    /// rate of 1e-2. If two photos of a new person do not match, both are refused, because nothing shows which one is wrong.
    /// [`EnrollOptions::allow_mismatch`] accepts such photos.
    Mismatch {
        /// The person to enroll.
        person: PersonId,
        /// The photo that it was compared with, from 0; `None` for the templates, if the person has some already.
        other: Option<usize>,
        /// The similarity.
        score: f32,
        /// The false-match rate at this score, if the space is calibrated.
        fmr: Option<f64>,
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

impl Refusal {
    /// The code, such as `no_face`: the `reason` of the JSON form.
    ///
    /// ```
    /// use facekit::Refusal;
    ///
    /// assert_eq!(Refusal::SeveralFaces { count: 2 }.code(), "several_faces");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFace => "no_face",
            Self::SeveralFaces { .. } => "several_faces",
            Self::PoorQuality { .. } => "poor_quality",
            Self::Spoof { .. } => "spoof",
            Self::TightCrop { .. } => "tight_crop",
            Self::AnotherPerson { .. } => "another_person",
            Self::Mismatch { .. } => "mismatch",
            Self::Resembles { .. } => "resembles",
        }
    }

    /// The reason as a text. `name` names a photo by its position in the input.
    ///
    /// ```
    /// use facekit::{PersonId, Refusal};
    ///
    /// let person = PersonId::new("anna")?;
    /// let refusal = Refusal::Mismatch { person, other: Some(1), score: 0.2, fmr: None };
    /// let files = ["first.jpg", "second.jpg"];
    /// let text = refusal.described(|photo| files[photo].to_owned());
    /// assert_eq!(text, "does not match second.jpg: similarity 0.20; one of them does not show anna");
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn described(&self, name: impl FnOnce(usize) -> String) -> String {
        match self {
            Self::NoFace => "no face".to_owned(),
            Self::SeveralFaces { count } => format!("{count} faces of similar size"),
            Self::PoorQuality { issues } => QualityIssue::list(issues),
            Self::Spoof { liveness } => format!("not live: liveness {:.2}", liveness.value()),
            Self::TightCrop {
                context, minimum, ..
            } => format!(
                "too little visible around the face for the liveness check: the image is {context:.1} times as large as the \
                 face, {minimum:.1} times needed"
            ),
            Self::AnotherPerson { score } => {
                format!("not the person on the other photos: similarity {score:.2}")
            }
            Self::Mismatch {
                person,
                other,
                score,
                fmr,
            } => {
                // A rate of 1 is the bound for scores below the calibrated ones.
                let rate = fmr.filter(|&fmr| fmr < 1.0);
                let rate =
                    rate.map_or_else(String::new, |fmr| format!(", false-match rate {fmr:.1e}"));
                match other {
                    Some(other) => format!(
                        "does not match {}: similarity {score:.2}{rate}; one of them does not show {person}",
                        name(*other)
                    ),
                    None => format!(
                        "does not match {person}, who is enrolled already: similarity {score:.2}{rate}"
                    ),
                }
            }
            Self::Resembles { person, score } => {
                format!("the face matches {person}, who is enrolled already: similarity {score:.2}")
            }
        }
    }

    /// The reason for which a face was refused; `None` if it passed all checks.
    pub(super) fn of(face: &ExaminedFace) -> Option<Self> {
        let liveness = face.liveness.unwrap_or_default();
        match face.refused.as_ref()? {
            Outcome::PoorQuality { issues } => Some(Self::PoorQuality {
                issues: issues.clone(),
            }),
            Outcome::TightCrop { context, minimum } => Some(Self::TightCrop {
                liveness,
                context: *context,
                minimum: *minimum,
            }),
            _ => Some(Self::Spoof { liveness }),
        }
    }
}

impl fmt::Display for Refusal {
    /// Names a photo by its position: `photos[1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described(|photo| format!("photos[{photo}]")))
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

/// An accepted photo that matches the person's other photos and templates poorly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mismatch {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The accepted photo that it matches best, from 0; `None` for the templates that the person had before.
    pub other: Option<usize>,
    /// The similarity. It is below the score of a false-match rate of 1e-4.
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
    /// The templates of accepted photos: new ones, or those of an earlier enrollment of the same request. If it is empty, all
    /// photos were refused and nothing has changed.
    pub templates: Vec<TemplateId>,
    /// The photos that became templates, from 0, in the order of `templates`.
    pub accepted: Vec<usize>,
    /// The photos that were refused, with reasons.
    pub refused: Vec<RefusedPhoto>,
    /// Other people whom accepted photos match.
    pub resembles: Vec<Resemblance>,
    /// Accepted photos that match the person's other photos and templates poorly.
    pub mismatches: Vec<Mismatch>,
    /// Accepted photos on which the face lies on its side or upside down.
    #[serde(default)]
    pub turned: Vec<TurnedPhoto>,
    /// The number of people who can still be added until the wanted rate of a search among all is not met; `None` if the
    /// threshold is not a rate of searches. See [`Recognizer::capacity`].
    #[serde(default)]
    pub room: Option<Room>,
}

impl EnrollReport {
    pub(super) fn new(person: PersonId) -> Self {
        Self {
            person,
            templates: Vec::new(),
            accepted: Vec::new(),
            refused: Vec::new(),
            resembles: Vec::new(),
            mismatches: Vec::new(),
            turned: Vec::new(),
            room: None,
        }
    }
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

/// A face of a photo, which passed all checks.
pub(super) struct PhotoSubject {
    pub(super) aligned: AlignedFace,
    pub(super) quality: f32,
    pub(super) rect: Rect,
    pub(super) embedding: Embedding,
    /// The rotation of the face in the photo, in degrees.
    pub(super) roll: f32,
}

/// The faces of a photo.
pub(super) struct PhotoFaces {
    /// The faces to embed, one at least, or the reason why there is none.
    pub(super) subjects: std::result::Result<Vec<PhotoSubject>, Refusal>,
    /// The boxes of all faces, largest first.
    pub(super) rects: Vec<Rect>,
}

/// The similarities that decide whether photos show one person.
struct Limits {
    /// From this similarity on, photos match.
    matching: f32,
    /// Below this similarity, photos show different people.
    different: f32,
    /// Below this similarity, photos match poorly.
    doubtful: f32,
}

impl Recognizer {
    /// Enrolls a person from photos, in one step. [`analyze`](Self::analyze) and [`add`](Self::add) are the same in two steps. The
    /// largest face of each photo becomes a template if it passes the quality gate and the
    /// liveness check. When this returns `Ok`, the gallery's store has the templates.
    ///
    /// A refused photo is not an error: the report gives the reason for each. If all photos are refused, nobody is enrolled.
    ///
    /// The photos must show one person:
    ///
    /// - **Below the score of a false-match rate of 1e-2**, a photo is refused ([`Refusal::Mismatch`]). It is compared with
    ///   the templates that the person has already, and with the photos that match them. If the person is new, the photos
    ///   are compared with each other.
    /// - **Between 1e-2 and 1e-4**, it is accepted, and [`EnrollReport::mismatches`] lists it.
    /// - **Three photos or more** vote, if two of them match by the recognizer's threshold. The others are refused
    ///   ([`Refusal::AnotherPerson`]).
    ///
    /// [`EnrollOptions::allow_mismatch`] accepts all of these photos. If the calibration does not cover a rate, the nearest
    /// rate that it covers applies. Without a calibration nothing is known about rates: photos that do not match by the
    /// recognizer's threshold are accepted and listed, unless they are outvoted. Templates of other embedders are not
    /// compared.
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
        self.add(&self.read_photos(person, photos, options)?)
    }

    /// Compares the faces of an enrollment with each other and with the gallery. The report has no templates yet.
    pub(super) fn judged(&self, gallery: &Gallery, analysis: &Analysis) -> Result<EnrollReport> {
        let mut report = EnrollReport::new(analysis.person.clone());
        report.refused.clone_from(&analysis.unusable);
        let Analysis { person, faces, .. } = analysis;
        let embeddings: Vec<&Embedding> = faces.iter().map(|face| &face.embedding).collect();
        let limits = self.limits()?;
        let known = self.similarities(gallery, person, &embeddings)?;
        let comparisons = Comparisons::new(&embeddings, known.as_deref())?;
        let disagreements = if analysis.allow_mismatch {
            vec![None; faces.len()]
        } else {
            comparisons.disagreements(limits.matching, limits.different)
        };
        let mut accepted = Vec::new();
        for (at, disagreement) in disagreements.into_iter().enumerate() {
            let refusal = match disagreement {
                None => {
                    accepted.push(at);
                    continue;
                }
                Some(Disagreement::Outvoted { score }) => Refusal::AnotherPerson { score },
                Some(Disagreement::Different(Nearest { photo, score })) => Refusal::Mismatch {
                    person: person.clone(),
                    other: photo.map(|other| faces[other].photo),
                    score,
                    fmr: self.rate_of(score, &self.of_photos()).0,
                },
            };
            report.refused.push(RefusedPhoto {
                photo: faces[at].photo,
                refusal,
            });
        }
        for &at in &accepted {
            let AnalyzedFace {
                photo,
                ref embedding,
                roll,
                ..
            } = faces[at];
            let support = comparisons.support(at, &accepted);
            if let Some(near) = support.filter(|near| near.score < limits.doubtful) {
                report.mismatches.push(Mismatch {
                    photo,
                    other: near.photo.map(|other| faces[other].photo),
                    score: near.score,
                    fmr: self.rate_of(near.score, &self.of_photos()).0,
                });
            }
            report
                .resembles
                .extend(self.resemblance(gallery, person, photo, embedding)?);
            report.accepted.push(photo);
            if roll.abs() > TURNED {
                report.turned.push(TurnedPhoto { photo, roll });
            }
        }
        if let Some(Resemblance { person, score, .. }) = report
            .resembles
            .first()
            .filter(|_| analysis.refuse_resemblance)
            .cloned()
        {
            report.mismatches.clear();
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
        report.room = self.room(gallery);
        Ok(report)
    }

    /// The room for more people in a search among all.
    pub(super) fn room(&self, gallery: &Gallery) -> Option<Room> {
        let capacity = self.capacity()?;
        Some(capacity.room(gallery.searched(None)))
    }

    /// The one face that a photo is about: the largest.
    pub(super) fn subject_of(
        &self,
        image: ImageView<'_>,
        gate: &QualityOptions,
        liveness: bool,
        ambiguity: f32,
    ) -> Result<PhotoFaces> {
        let all = ExamineOptions::default()
            .with_subject(Subject::All)
            .with_quality(QualityOptions::anything())
            .with_liveness(false);
        let mut faces = self.examine(image, &all)?;
        faces.sort_by(|a, b| b.detection.rect.area().total_cmp(&a.detection.rect.area()));
        let rects: Vec<Rect> = faces.iter().map(|face| face.detection.rect).collect();
        let similar = rects.first().map_or(0.0, Rect::area) * ambiguity;
        let count = rects.iter().filter(|rect| rect.area() >= similar).count();
        let subjects = match faces.first_mut() {
            None => Err(Refusal::NoFace),
            Some(_) if count > 1 => Err(Refusal::SeveralFaces { count }),
            Some(largest) => {
                largest.apply(gate);
                // A face that is not upright is found only when it is embedded. So the liveness check comes last.
                let options = all.with_quality(gate.clone());
                let embedding = self.embed_examined(image, largest, &options)?;
                if liveness {
                    let details = image.details(&[largest.detection])?;
                    self.check_liveness(image, std::slice::from_mut(largest), &details)?;
                }
                PhotoSubject::of(faces.swap_remove(0), embedding).map(|subject| vec![subject])
            }
        };
        Ok(PhotoFaces { subjects, rects })
    }

    /// The kind of comparison of two photos of an enrollment.
    fn of_photos(&self) -> Comparison {
        Comparison::default()
            .with_mirrored_template(self.mirror.templates)
            .with_mirrored_probe(self.mirror.templates)
    }

    /// The limits for photos of one person.
    fn limits(&self) -> Result<Limits> {
        let comparison = self.of_photos();
        let matching = self.comparison_limit(&comparison)?.score;
        let curve = self.calibration.as_ref().map(|it| it.curve(&comparison));
        Ok(match curve {
            Some(curve) => Limits {
                matching,
                different: curve.score_near(DIFFERENT),
                doubtful: curve.score_near(DOUBTFUL),
            },
            None => Limits {
                matching,
                different: f32::NEG_INFINITY,
                doubtful: matching,
            },
        })
    }

    /// The similarity of each embedding to the nearest template of a person; `None` if the person has no template.
    fn similarities(
        &self,
        gallery: &Gallery,
        person: &PersonId,
        embeddings: &[&Embedding],
    ) -> Result<Option<Vec<f32>>> {
        let templates = gallery.searchable_templates_of(person)?;
        if templates.is_empty() {
            return Ok(None);
        }
        let similarity = |embedding: &&Embedding| {
            let scores = templates
                .iter()
                .map(|template| embedding.cosine(&template.embedding));
            scores.reduce(|a, b| Ok(a?.max(b?))).transpose()
        };
        embeddings.iter().map(similarity).collect()
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
        let comparison = other.comparison(embedding);
        let limit = self.search_limit(&comparison, gallery.searched(None))?;
        let (fmr, _) = self.rate_of(score, &comparison);
        Ok((score >= limit.score).then_some(Resemblance {
            photo,
            person: other.person,
            score,
            fmr,
        }))
    }
}

impl PhotoSubject {
    /// A face that was examined, or the reason for which it was refused.
    pub(super) fn of(
        face: ExaminedFace,
        embedding: Option<Embedding>,
    ) -> std::result::Result<Self, Refusal> {
        match (Refusal::of(&face), embedding) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(embedding)) => Ok(Self {
                roll: face.detection.landmarks.roll(),
                quality: face.quality.score,
                rect: face.detection.rect,
                aligned: face.aligned,
                embedding,
            }),
            (None, None) => unreachable!("a face without an embedding was refused"),
        }
    }
}
