use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
};

use jiff::{Timestamp, tz::Offset};
use serde::{Deserialize, Serialize};

use super::Recognizer;
use crate::{
    align::{AlignedFace, lit, reduced},
    calibration::{Calibration, Curve},
    comparison::Comparison,
    embed::Embedding,
    error::{Error, Result},
    evaluate::{
        ComparedPeople, DuplicatePeople, ImpostorFaces, ImpostorOptions, ImpostorScores, PHOTOS,
        PersonPhotos, scores,
    },
    gallery::Gallery,
    person::PersonId,
    progress::Watch,
    store::Template,
};

/// The number of comparisons that the calibration of a gallery needs: 30 of them have a rate of 5e-6, and extrapolation goes down
/// to 5e-7.
const NEEDED: u64 = 6_000_000;
/// The number of faces of the gallery that are spoiled for the check.
const SPOILED: usize = 1_000;
/// The number of faces that are embedded together.
const BATCH: usize = 32;

/// Options of [`Recognizer::calibrate_gallery`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GalleryCalibrationOptions<'a> {
    /// Pairs of people who look alike and are known to be two: twins. They are compared like all others, and not listed as
    /// probable duplicates. None by default.
    pub different: Vec<(PersonId, PersonId)>,
    /// The number of threads for comparisons: 1 by default.
    pub threads: NonZeroUsize,
    /// Progress, counted in steps, and cancellation between steps.
    pub watch: Watch<'a>,
}

impl Default for GalleryCalibrationOptions<'_> {
    fn default() -> Self {
        Self {
            different: Vec::new(),
            threads: NonZeroUsize::MIN,
            watch: Watch::new(),
        }
    }
}

impl<'a> GalleryCalibrationOptions<'a> {
    /// Sets [`different`](Self::different).
    #[must_use]
    pub fn with_different(mut self, pairs: Vec<(PersonId, PersonId)>) -> Self {
        self.different = pairs;
        self
    }

    /// Sets [`threads`](Self::threads).
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets [`watch`](Self::watch).
    #[must_use]
    pub fn with_watch(mut self, watch: Watch<'a>) -> Self {
        self.watch = watch;
        self
    }
}

/// Two ids that are probably one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbableDuplicate {
    /// The two ids.
    pub people: [PersonId; 2],
    /// The greatest similarity of a photo of one to the mean of the other, −1 to 1.
    pub score: f32,
}

/// A check with faces of the gallery that were spoiled in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpoiledCheck {
    /// The way: "blurred", "dark" or "small".
    pub kind: String,
    /// The number of spoiled faces that can still be recognized, and so were compared.
    pub faces: usize,
    /// The score at a false-match rate of 1e-4 with these faces as probes; `None` if there are too few comparisons.
    pub score: Option<f32>,
    /// The same score with the gallery's own photos as probes.
    pub own_score: f32,
}

/// The result of [`Recognizer::calibrate_gallery`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GalleryCalibration {
    /// The calibration. [`Calibration::path_beside`] is the place where the programs look for it.
    pub calibration: Calibration,
    /// The number of people.
    pub people: usize,
    /// The number of comparisons of a photo with the mean of another person.
    pub comparisons: u64,
    /// Ids that are probably one person, most similar first. They were not compared with each other.
    pub duplicates: Vec<ProbableDuplicate>,
    /// The checks with spoiled faces. Empty if the gallery keeps no crops: then nothing is known about frames that are worse than
    /// the gallery's photos.
    pub spoiled: Vec<SpoiledCheck>,
}

/// The templates of a gallery that are compared, all with or all without mirror images.
struct Members {
    ids: Vec<PersonId>,
    photos: Vec<Vec<Embedding>>,
    mirrored: bool,
}

/// A way of spoiling faces, and the embeddings of each person's faces that were spoiled in this way.
type SpoiledFaces = (&'static str, Vec<Vec<Embedding>>);

impl Recognizer {
    /// Measures a calibration on the people of the gallery: each photo is compared with the means of all other people.
    ///
    /// The rates of a model's calibration are those of the people it was measured on. The people of a gallery may look more alike,
    /// and among many of them lower rates can be counted.
    ///
    /// - **It needs 6 million comparisons**: for one photo each from 2,450 people on, for three photos each from 1,415 on.
    /// - **Two ids of one person** would count as a false match. Two ids are listed and left out if they are more similar than
    ///   different people are. [`GalleryCalibrationOptions::different`] names pairs that are two people.
    /// - **Photos of an enrollment are better than frames at a door.** If the gallery keeps crops, up to 1,000 faces are blurred,
    ///   darkened and reduced, and compared, too. For each rate the highest score counts.
    /// - **Kinds of comparison that the gallery does not have**, such as plain photos if all are mirrored, have the scores of the
    ///   gallery, raised by what they are higher in the calibration of the model.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer has no gallery or the gallery has too few people; the error says how many are
    /// needed. [`Error::UnknownPerson`] if a person of [`different`](GalleryCalibrationOptions::different) is not in the gallery.
    /// [`Error::Cancelled`], [`Error::Runtime`] if a model fails, and errors of the store.
    pub fn calibrate_gallery(
        &self,
        options: &GalleryCalibrationOptions<'_>,
    ) -> Result<GalleryCalibration> {
        let _span = tracing::debug_span!("calibrate gallery").entered();
        let gallery = self.required_gallery()?;
        let members = Members::of(gallery)?;
        members.check_count()?;
        let different = members.positions(&options.different)?;
        options.watch.report(1, Some(4))?;

        let comparing = ImpostorOptions::default().with_threads(options.threads);
        let compared = ComparedPeople::of(&members.photos, &comparing)?;
        let found = compared.duplicates.iter().copied();
        let duplicates: Vec<DuplicatePeople> = found
            .filter(|pair| !different.contains(&pair.people))
            .collect();
        options.watch.report(2, Some(4))?;

        let same = duplicates.iter().map(|pair| pair.people).collect();
        let comparing = comparing.with_same(same);
        let (people, all) = compared.scores(&comparing)?;
        let mut curves = members.curves(&comparing)?;
        // Means of the numbers of photos that the people have: every kind is at least as strict as all of them together.
        let together = all.curve()?;
        for curve in curves.values_mut() {
            *curve = curve.stricter(&together);
        }
        options.watch.report(3, Some(4))?;

        let mut spoiled = Vec::new();
        for (kind, probes) in self.spoiled_faces(gallery, &members)? {
            let faces = probes.iter().map(Vec::len).sum();
            let spoiled_people: Vec<ImpostorFaces> = probes
                .into_iter()
                .zip(&people)
                .map(|(probes, own)| ImpostorFaces::new(probes, own.templates.clone()))
                .collect();
            let own_score = together.score_near(1e-4);
            let curve =
                ImpostorScores::of(&spoiled_people, &comparing).and_then(|scores| scores.curve());
            let curve = curve.ok();
            if let Some(curve) = &curve {
                for own in curves.values_mut() {
                    *own = own.stricter(curve);
                }
            }
            spoiled.push(SpoiledCheck {
                kind: kind.to_owned(),
                faces,
                score: curve.map(|curve| curve.score_near(1e-4)),
                own_score,
            });
        }
        options.watch.report(4, Some(4))?;

        let data = format!(
            "the gallery's own {} templates of {} people, each photo with the means of the other people; {} probable duplicates left \
             out; {}",
            members.photos.iter().map(Vec::len).sum::<usize>(),
            members.ids.len(),
            duplicates.len(),
            if spoiled.is_empty() {
                "not checked with spoiled copies"
            } else {
                "the stricter of these and of blurred, dark and small copies"
            }
        );
        let people = |at: usize| members.ids[at].clone();
        Ok(GalleryCalibration {
            calibration: self.completed(&curves, members.mirrored, all.count(), data)?,
            people: members.ids.len(),
            comparisons: all.count(),
            duplicates: duplicates
                .iter()
                .map(|pair| ProbableDuplicate {
                    people: [people(pair.people.0), people(pair.people.1)],
                    score: pair.score,
                })
                .collect(),
            spoiled,
        })
    }

    /// A calibration with these curves of the gallery, by number of photos, and with a curve for each other kind of comparison.
    fn completed(
        &self,
        curves: &BTreeMap<usize, Curve>,
        mirrored: bool,
        comparisons: u64,
        data: String,
    ) -> Result<Calibration> {
        let own = |photos: usize| {
            Comparison::default()
                .with_photos(photos)
                .with_mirrored_template(mirrored)
                .with_mirrored_probe(mirrored)
        };
        let Some((&least, first)) = curves.iter().next() else {
            return Err(Error::argument(
                "gallery",
                "has too few comparisons for a curve",
            ));
        };
        let mut calibration = Calibration::from_curve(self.embedder.space(), first.clone(), data);
        calibration.measured = Some(Offset::UTC.to_datetime(Timestamp::now()).date());
        calibration.impostor_comparisons = comparisons;
        let kinds = self.calibration.iter().flat_map(Calibration::curves);
        let mut kinds: Vec<Comparison> = kinds.map(|(kind, _)| kind).collect();
        kinds.extend(PHOTOS.map(own));
        kinds.sort_by_key(|kind| kind.photos);
        for kind in kinds {
            let measured = (kind == own(kind.photos))
                .then(|| curves.get(&kind.photos))
                .flatten();
            let curve = match measured {
                Some(curve) => curve.clone(),
                None => {
                    let (&nearest, curve) = curves
                        .range(..=kind.photos)
                        .next_back()
                        .unwrap_or((&least, first));
                    match &self.calibration {
                        Some(model) => curve.raised(model.curve(&kind), model.curve(&own(nearest))),
                        None => curve.clone(),
                    }
                }
            };
            calibration = calibration.with_stricter_curve(kind, curve, comparisons);
        }
        Ok(calibration)
    }

    /// Faces of the gallery's crops that were spoiled: for each way, the embeddings of each person's faces that can still be
    /// recognized. Empty if there are no crops.
    fn spoiled_faces(&self, gallery: &Gallery, members: &Members) -> Result<Vec<SpoiledFaces>> {
        let places: HashMap<&PersonId, usize> = members.ids.iter().zip(0..).collect();
        // Crops are large, so about as many as are needed are taken, of people all over the gallery.
        let photos: usize = members.photos.iter().map(Vec::len).sum();
        let step = photos.div_ceil(SPOILED).max(1);
        let side = self.embedder.face_side();
        let (mut nth, mut crops) = (0, Vec::new());
        gallery.crops(&mut |_, person, crop| {
            if let Some(&at) = places.get(person)
                && crop.side() == side
            {
                if nth % step == 0 {
                    crops.push((at, crop));
                }
                nth += 1;
            }
            Ok(())
        })?;
        if crops.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (kind, spoil) in SPOILS {
            let mut faces = vec![Vec::new(); members.ids.len()];
            for crops in crops.chunks(BATCH) {
                let spoiled: Vec<AlignedFace> = crops
                    .iter()
                    .map(|(_, crop)| spoil(crop))
                    .collect::<Result<_>>()?;
                for (&(at, _), embedding) in crops.iter().zip(self.embed(&spoiled)?) {
                    let least = self.quality.min_recognizability;
                    if embedding.recognizability().is_none_or(|it| it >= least) {
                        faces[at].push(embedding);
                    }
                }
            }
            found.push((kind, faces));
        }
        Ok(found)
    }
}

impl Members {
    /// The people of a gallery. If there are mirrored templates, the others are left out: they have another curve.
    fn of(gallery: &Gallery) -> Result<Self> {
        let mut people: BTreeMap<PersonId, [Vec<Embedding>; 2]> = BTreeMap::new();
        gallery.templates(&mut |template: Template| {
            let kinds = people.entry(template.person).or_default();
            kinds[usize::from(template.embedding.is_mirrored())].push(template.embedding);
            Ok(())
        })?;
        let mirrored = people.values().any(|kinds| !kinds[1].is_empty());
        let members = people.into_iter().map(|(id, [plain, mirror])| {
            let photos = if mirrored { mirror } else { plain };
            (id, photos)
        });
        let (ids, photos) = members.filter(|(_, photos)| !photos.is_empty()).unzip();
        Ok(Self {
            ids,
            photos,
            mirrored,
        })
    }

    /// Checks that there are enough comparisons of a photo with the mean of another person.
    fn check_count(&self) -> Result<()> {
        let people = self.ids.len() as u64;
        let photos: usize = self.photos.iter().map(Vec::len).sum();
        let comparisons = photos as u64 * people.saturating_sub(1);
        if comparisons >= NEEDED {
            return Ok(());
        }
        // The number n of people with p photos each at which p n (n − 1) is as much as needed.
        let each = if people == 0 {
            1.0
        } else {
            photos as f64 / people as f64
        };
        let needed = (1.0 + (1.0 + 4.0 * NEEDED as f64 / each).sqrt()) / 2.0;
        let reason = format!(
            "{people} people with {photos} templates make {comparisons} comparisons, and a calibration needs {NEEDED}: about {} people \
             with as many templates each",
            needed.ceil()
        );
        Err(Error::argument("gallery", reason))
    }

    fn positions(&self, pairs: &[(PersonId, PersonId)]) -> Result<Vec<(usize, usize)>> {
        let position = |id: &PersonId| {
            let found = self.ids.binary_search(id);
            found.map_err(|_| Error::UnknownPerson { id: id.to_string() })
        };
        let pairs = pairs.iter().map(|(a, b)| {
            let (a, b) = (position(a)?, position(b)?);
            Ok((a.min(b), a.max(b)))
        });
        pairs.collect()
    }

    /// The curves of means of 1, 2, 3 and 5 photos, as far as enough people have so many.
    fn curves(&self, options: &ImpostorOptions) -> Result<BTreeMap<usize, Curve>> {
        let photos = self.photos.iter().cloned().map(PersonPhotos::new);
        let photos: Vec<PersonPhotos> = photos.collect();
        let mut curves = BTreeMap::new();
        for count in PHOTOS {
            let kind = Comparison::default().with_photos(count);
            match scores(&photos, &kind, options) {
                Ok(scores) if scores.count() >= NEEDED => {
                    curves.insert(count, scores.curve()?);
                }
                // Too few people have so many photos.
                Ok(_) | Err(Error::InvalidArgument { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(curves)
    }
}

/// A way to spoil a face, and its name.
type Spoil = (&'static str, fn(&AlignedFace) -> Result<AlignedFace>);

const SPOILS: [Spoil; 3] = [
    ("blurred", |face| reduced(face, 2)),
    ("dark", |face| Ok(lit(face, 1.0 / 3.0, 0.0))),
    ("small", |face| reduced(face, 3)),
];
