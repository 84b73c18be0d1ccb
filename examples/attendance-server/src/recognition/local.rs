//! Recognition in this process: threads of the operating system, a gallery in memory for each organisation, and networks that
//! all organisations share.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use anyhow::Context;
use async_trait::async_trait;
use axum::body::Bytes;
use facekit::{
    AutoIndex, Calibration, DetectOptions, Detector, Embedder, EnrollOptions, Gallery, Image,
    LoadOptions, MemoryStore, Metric, NewTemplate, Outcome, Person, PersonId, RecognizeOptions,
    Recognizer, Registry, Roster, Runtime, SecondLook, SecondLookSpec, Template, TemplateStore,
    Threshold, Watch,
    image::{self, DecodeLimits},
};
use facekit_runtimes::{RuntimeName, RuntimeOptions};
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Analyzed, Faces, Frame, Models, Recognition, Room, UnreadablePhoto,
    pool::{Pool, Work},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
};

/// The largest photo, in bytes.
pub const LARGEST_PHOTO: usize = 25 << 20;

/// Pixels of the longer side of a frame that are enough to find faces at a door.
const FRAME_SIDE: usize = 1920;

/// Pixels of the longer side of a photo that are enough for an enrolment.
const PHOTO_SIDE: usize = 4096;

/// The memory that decoding takes at most. The pixels after the decoder's scaling count: a JPEG that takes more is decoded at
/// a reduced scale, and a PNG or WebP is refused.
const DECODING: usize = 144 << 20;

/// The greatest false-positive identification rate of a door.
const GREATEST_FPIR: f64 = 0.1;

/// The false-match rate of one comparison, at most: in a small office the rate of a search alone would be too kind.
const FMR: f64 = 1e-4;

/// Options of [`LocalRecognition`].
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The models by name: `nano`, `standard`, or names of a manifest.
    pub models: String,
    /// A manifest of further models, in TOML, beside that of the models folder.
    pub manifest: Option<PathBuf>,
    /// The models folder; `None` is that of `FACEKIT_MODELS`.
    pub folder: Option<PathBuf>,
    /// The embedding spaces of the templates that exist. The models of those that are not of `models` are loaded, too, so that
    /// their people are recognized during a change of models.
    pub spaces: Vec<String>,
    /// The runtime of the networks.
    pub runtime: RuntimeName,
    /// The share of strangers at a door who may get a name: a false-positive identification rate, above 0 and up to 0.1.
    pub fpir: f64,
    /// Equalizes the contrast of frames and photos before faces are looked for, for dark places.
    pub equalize: bool,
    /// Makes each template the mean over small turns, changes of light and contrast, and blur of its photo.
    pub augment: bool,
    /// The threads, each with a frame or an enrolment at a time.
    pub threads: NonZeroUsize,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            models: "nano".to_owned(),
            manifest: None,
            folder: None,
            spaces: Vec::new(),
            runtime: RuntimeName::default(),
            fpir: 0.01,
            equalize: false,
            augment: false,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Recognition in this process.
#[derive(Debug)]
pub struct LocalRecognition {
    models: Models,
    sets: Sets,
    galleries: RwLock<HashMap<Id, Arc<OrganisationGallery>>>,
    augment: bool,
    pool: Pool,
}

/// The sets of networks, which all organisations share.
#[derive(Clone, Debug)]
struct Sets {
    present: Networks,
    /// The sets of earlier templates, during a change of models.
    earlier: Vec<Networks>,
}

/// The loaded networks of a set of models.
#[derive(Clone, Debug)]
struct Networks {
    detector: Arc<dyn Detector>,
    second_look: Option<(Arc<dyn Detector>, SecondLookSpec)>,
    embedder: Arc<dyn Embedder>,
    liveness: Option<Arc<dyn facekit::Liveness>>,
    calibration: Option<Calibration>,
    matching: Matching,
}

/// The options of searches.
#[derive(Clone, Copy, Debug)]
struct Matching {
    fpir: f64,
    equalize: bool,
}

/// The people of an organisation who have templates.
#[derive(Debug)]
struct OrganisationGallery {
    present: Search,
    /// Searches among templates of earlier models, for faces that the present ones do not know.
    earlier: Vec<Search>,
    store: Arc<MemoryStore>,
    sites: Mutex<Sites>,
}

/// A search in one embedding space.
#[derive(Debug)]
struct Search {
    recognizer: Recognizer,
    gallery: Arc<Gallery>,
}

/// The home sites of the people in a gallery. Locked through a whole change, so that changes come one after the other.
#[derive(Debug, Default)]
struct Sites {
    of: HashMap<PersonId, Id>,
    /// The rosters of sites that were searched, one for each search, until the next change.
    rosters: HashMap<Vec<Id>, Vec<Roster>>,
}

impl LocalRecognition {
    /// Loads models, and starts the threads. Nothing is downloaded: `nano` is part of the program, and files of other
    /// models are in the models folder. Earlier models that cannot be loaded are left out: see [`Models::missing_spaces`].
    ///
    /// # Errors
    ///
    /// If there are no models of this name, a file is missing or damaged, the program has no such runtime, the rate is out of
    /// range, or the models are not calibrated, so that nobody knows how often they mistake people.
    pub fn open(options: &LocalOptions) -> anyhow::Result<Self> {
        anyhow::ensure!(
            options.fpir > 0.0 && options.fpir <= GREATEST_FPIR,
            "fpir: {} given, above 0 and up to {GREATEST_FPIR} needed",
            options.fpir
        );
        let registry = registry(options)?;
        let matching = Matching {
            fpir: options.fpir,
            equalize: options.equalize,
        };
        let runtime = RuntimeOptions::default().with_concurrency(options.threads);
        let runtime = options.runtime.runtime(&runtime)?;
        let present = Networks::load(&registry, &options.models, &*runtime, matching)?;
        let space = present.embedder.space().to_string();
        let (mut earlier, mut names, mut missing_spaces) = (Vec::new(), Vec::new(), Vec::new());
        for other in options.spaces.iter().filter(|other| **other != space) {
            match Networks::of_space(&registry, other, &*runtime, matching) {
                Ok((name, networks)) => {
                    names.push(name);
                    earlier.push(networks);
                }
                Err(error) => {
                    tracing::error!(%error, space = %other, "people with templates of this space are not recognized");
                    missing_spaces.push(other.clone());
                }
            }
        }
        let sets = Sets { present, earlier };
        // An error of the parts comes now, and not at the door.
        sets.gallery(Vec::new())?;
        let models = Models {
            name: options.models.clone(),
            runtime: options.runtime.to_string(),
            space,
            earlier: names,
            missing_spaces,
            has_liveness: sets.present.liveness.is_some(),
        };
        let pool = Pool::new(options.threads).context("the threads cannot be started")?;
        Ok(Self {
            models,
            sets,
            galleries: RwLock::default(),
            augment: options.augment,
            pool,
        })
    }

    /// The same recognition with another embedder of the same space, for tests. Nobody may be enrolled yet.
    #[must_use]
    pub fn with_embedder(
        mut self,
        replace: impl FnOnce(Arc<dyn Embedder>) -> Arc<dyn Embedder>,
    ) -> Self {
        let embedder = &mut self.sets.present.embedder;
        *embedder = replace(Arc::clone(embedder));
        self
    }

    /// The gallery of an organisation, which is empty before [`load`](Recognition::load).
    fn gallery(&self, org: Id) -> Result<Arc<OrganisationGallery>> {
        // A panic elsewhere leaves the map whole, since one call changes it.
        let galleries = self.galleries.read();
        let known = galleries
            .unwrap_or_else(PoisonError::into_inner)
            .get(&org)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let new = Arc::new(self.sets.gallery(Vec::new())?);
        let mut known = self
            .galleries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(org).or_insert(new)))
    }
}

/// The registry with the models of this program, of the models folder, and of the manifest.
fn registry(options: &LocalOptions) -> facekit::Result<Registry> {
    let built_in = facekit_nano::registry();
    let mut registry = match &options.folder {
        Some(folder) => built_in.read_folder(folder)?,
        None => match built_in.clone().read_env() {
            Ok(registry) => registry,
            // A service may have no home folder. The models of the program need none.
            Err(facekit::Error::InvalidArgument { .. }) => built_in,
            Err(error) => return Err(error),
        },
    };
    if let Some(path) = &options.manifest {
        let text = std::fs::read_to_string(path).map_err(|source| facekit::Error::Io {
            action: "reading",
            path: path.clone(),
            source,
        })?;
        registry.add_manifest(&text, &path.display().to_string())?;
    }
    Ok(registry)
}

/// The name of models whose templates are of an embedding space: a set, or else an embedder.
fn models_of(registry: &Registry, space: &str) -> Option<String> {
    let sets = registry.sets().map(|set| &set.name);
    let models = registry.models().map(|model| &model.name);
    let is_of_space = |name: &&String| {
        let set = registry.resolve(name).ok();
        set.and_then(|set| set.space())
            .is_some_and(|found| found.to_string() == space)
    };
    sets.chain(models).find(is_of_space).cloned()
}

impl Networks {
    /// Loads a set of models.
    fn load(
        registry: &Registry,
        models: &str,
        runtime: &dyn Runtime,
        matching: Matching,
    ) -> facekit::Result<Self> {
        let set = registry.resolve(models)?;
        let load = LoadOptions::default();
        let loaded = registry.load_set(&set, runtime, &load)?;
        let detector: Arc<dyn Detector> = loaded.detector.into();
        let second_look = match (&set.landmarks, &loaded.second_look) {
            (Some(landmarks), Some(look)) => {
                let again = if landmarks.model.name == set.detector.name {
                    Arc::clone(&detector)
                } else {
                    registry
                        .load_detector(&landmarks.model.name, runtime, &load)?
                        .into()
                };
                Some((again, look.spec()))
            }
            _ => None,
        };
        Ok(Self {
            detector,
            second_look,
            embedder: loaded.embedder.into(),
            liveness: loaded.liveness.map(Into::into),
            calibration: loaded.calibration,
            matching,
        })
    }

    /// Loads the models of an embedding space. Returns their name, too.
    fn of_space(
        registry: &Registry,
        space: &str,
        runtime: &dyn Runtime,
        matching: Matching,
    ) -> anyhow::Result<(String, Self)> {
        let name = models_of(registry, space).context("no models are known for this space")?;
        let networks = Self::load(registry, &name, runtime, matching)?;
        let found = networks.embedder.space().to_string();
        anyhow::ensure!(found == space, "{name} has the space {found}");
        Ok((name, networks))
    }

    fn index(&self) -> AutoIndex {
        AutoIndex::new(self.embedder.space().clone(), Metric::Cosine)
    }

    fn search(&self, gallery: Gallery) -> facekit::Result<Search> {
        let gallery = Arc::new(gallery);
        let mut builder = Recognizer::builder()
            .detector(Arc::clone(&self.detector))
            .embedder(Arc::clone(&self.embedder))
            .detect_options(DetectOptions::default().with_equalize(self.matching.equalize))
            .threshold(Threshold::Both {
                fpir: self.matching.fpir,
                fmr: FMR,
            })
            .gallery(Arc::clone(&gallery));
        if let Some((detector, spec)) = &self.second_look {
            builder = builder.second_look(SecondLook::new(Arc::clone(detector), *spec));
        }
        if let Some(liveness) = &self.liveness {
            builder = builder.liveness(Arc::clone(liveness));
        }
        if let Some(calibration) = &self.calibration {
            builder = builder.calibration(calibration.clone());
        }
        Ok(Search {
            recognizer: builder.build()?,
            gallery,
        })
    }

    /// Embeds the crops of templates of another space.
    fn embed_again(&self, templates: &[NewTemplate]) -> Result<Vec<NewTemplate>> {
        let person = Person::new(PersonId::new("person")?, Timestamp::UNIX_EPOCH);
        let store = Arc::new(MemoryStore::new());
        store.put(&person, templates)?;
        let search = self.search(Gallery::open(Arc::clone(&store), self.index())?)?;
        search.recognizer.embed_again(&Watch::new())?;
        let all = store.templates_of(&person.id)?;
        let new = all
            .iter()
            .filter(|template| template.embedding.space() == self.embedder.space());
        Ok(new.map(new_template).collect())
    }
}

impl Sets {
    fn all(&self) -> impl Iterator<Item = &Networks> {
        std::iter::once(&self.present).chain(&self.earlier)
    }

    /// A gallery with these templates, each with the home site of its person. Templates of other embedding spaces than those
    /// of the sets are left out.
    fn gallery(&self, templates: Vec<(Id, Template)>) -> facekit::Result<OrganisationGallery> {
        let mut people: HashMap<PersonId, (Id, Vec<NewTemplate>)> = HashMap::new();
        for (site, template) in templates {
            let space = template.embedding.space();
            if self.all().any(|set| set.embedder.space() == space) {
                let person = people.entry(template.person.clone());
                let (_, new) = person.or_insert_with(|| (site, Vec::new()));
                new.push(new_template(&template));
            }
        }
        let store = Arc::new(MemoryStore::new());
        let mut sites = Sites::default();
        for (person, (site, new)) in people {
            store.put(&Person::new(person.clone(), Timestamp::UNIX_EPOCH), &new)?;
            sites.of.insert(person, site);
        }
        let gallery = Gallery::open(Arc::clone(&store), self.present.index())?;
        let beside = |set: &Networks| {
            // The present models have checked the liveness of a face before.
            let mut set = set.clone();
            set.liveness = None;
            set.search(gallery.beside(set.index())?)
        };
        Ok(OrganisationGallery {
            earlier: self
                .earlier
                .iter()
                .map(beside)
                .collect::<facekit::Result<_>>()?,
            present: self.present.search(gallery)?,
            store,
            sites: Mutex::new(sites),
        })
    }
}

/// A template as a store takes it.
fn new_template(template: &Template) -> NewTemplate {
    let (quality, created) = (template.quality, template.created);
    let mut new = NewTemplate::new(template.embedding.clone(), quality, created);
    new.origin.clone_from(&template.origin);
    new
}

impl OrganisationGallery {
    fn sites(&self) -> MutexGuard<'_, Sites> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, person: Id, site: Id, templates: &[Template]) -> Result<()> {
        let id = person_id(person)?;
        let is_searched = |template: &&Template| {
            let space = template.embedding.space();
            self.searches()
                .any(|search| search.gallery.space() == space)
        };
        let searched = templates.iter().filter(is_searched);
        let new: Vec<NewTemplate> = searched.map(new_template).collect();
        let mut sites = self.sites();
        self.store.remove(std::slice::from_ref(&id))?;
        if new.is_empty() {
            sites.of.remove(&id);
        } else {
            self.store
                .put(&Person::new(id.clone(), Timestamp::UNIX_EPOCH), &new)?;
            sites.of.insert(id.clone(), site);
        }
        sites.rosters.clear();
        // The galleries beside it follow, too.
        self.present.gallery.follow(&id)?;
        Ok(())
    }

    /// The searches, that of the present models first.
    fn searches(&self) -> impl Iterator<Item = &Search> {
        std::iter::once(&self.present).chain(&self.earlier)
    }

    /// The people of these home sites, for each search.
    fn rosters(&self, mut of: Vec<Id>) -> Result<Vec<Roster>> {
        of.sort_unstable();
        of.dedup();
        let mut sites = self.sites();
        if let Some(known) = sites.rosters.get(&of) {
            return Ok(known.clone());
        }
        let there = sites.of.iter().filter(|(_, site)| of.contains(site));
        let people: Vec<PersonId> = there.map(|(person, _)| person.clone()).collect();
        // A roster remembers the state of one gallery.
        let rosters = self.searches().map(|search| search.gallery.roster(&people));
        let rosters: Vec<Roster> = rosters.collect::<facekit::Result<_>>()?;
        sites.rosters.insert(of, rosters.clone());
        Ok(rosters)
    }

    fn recognize(&self, frame: Frame) -> Result<Faces> {
        let image = decode_frame(&frame.image)?;
        let rosters = frame.sites.map(|sites| self.rosters(sites)).transpose()?;
        let options = |search: usize| match &rosters {
            Some(rosters) => RecognizeOptions::default().with_roster(rosters[search].clone()),
            None => RecognizeOptions::default(),
        };
        let mut faces = self
            .present
            .recognizer
            .recognize_with(image.view(), &options(0))?;
        for (number, search) in self.earlier.iter().enumerate() {
            if search.gallery.is_empty() {
                continue;
            }
            let unknown = faces
                .iter_mut()
                .filter(|face| matches!(face.outcome, Outcome::Unknown { .. }));
            for face in unknown {
                let options = options(number + 1).with_faces(vec![face.detection]);
                let again = search.recognizer.recognize_with(image.view(), &options)?;
                if let Some(known) = again.into_iter().find(|again| again.known().is_some()) {
                    face.outcome = known.outcome;
                }
            }
        }
        let area = |face: &facekit::Recognition| face.detection.rect.area();
        faces.sort_by(|one, two| area(two).total_cmp(&area(one)));
        Ok(Faces {
            width: image.width(),
            height: image.height(),
            faces,
        })
    }

    fn analyze(
        &self,
        person: Id,
        request: Id,
        photos: &[Bytes],
        augment: bool,
        seen: &watch::Sender<usize>,
    ) -> Result<Analyzed> {
        let limits = DecodeLimits::default()
            .with_max_file_bytes(LARGEST_PHOTO)
            .with_max_memory(DECODING)
            .with_enough_side(Some(PHOTO_SIDE));
        let mut unreadable_photos = Vec::new();
        let images = photos.iter().enumerate().map(|(photo, file)| {
            image::decode(file, &limits).or_else(|error| match &error {
                facekit::Error::Image { .. } | facekit::Error::ImageTooLarge { .. } => {
                    unreadable_photos.push(UnreadablePhoto {
                        photo,
                        error: unreadable(error),
                    });
                    // An error would end the analysis of the other photos. On this one there is no face.
                    Ok(Image::filled(64, 64, [128; 3]))
                }
                _ => Err(error),
            })
        });
        let progress = |progress: facekit::Progress| {
            seen.send_replace(usize::try_from(progress.done).unwrap_or(usize::MAX));
        };
        let options = EnrollOptions::default()
            .with_request(request.to_string())
            .with_augment(augment)
            .with_watch(Watch::new().with_progress(&progress));
        let analysis =
            self.present
                .recognizer
                .analyze_each(&person_id(person)?, images, &options)?;
        let mut report = analysis.report().clone();
        report
            .refused
            .retain(|refused| unreadable_photos.iter().all(|it| it.photo != refused.photo));
        Ok(Analyzed {
            report,
            unreadable: unreadable_photos,
            templates: analysis.templates(Timestamp::now()),
        })
    }
}

fn person_id(person: Id) -> Result<PersonId> {
    Ok(PersonId::new(person.to_string())?)
}

/// The image of a frame.
///
/// # Errors
///
/// 422 if it cannot be read; 413 if it is too large.
pub(crate) fn decode_frame(file: &[u8]) -> Result<Image> {
    let limits = DecodeLimits::default()
        .with_max_file_bytes(LARGEST_PHOTO)
        .with_max_memory(DECODING)
        .with_enough_side(Some(FRAME_SIDE));
    image::decode(file, &limits).map_err(unreadable)
}

/// An image that cannot be decoded, as the fault of the one who sent it.
fn unreadable(error: facekit::Error) -> Error {
    match &error {
        facekit::Error::ImageTooLarge { found, limit, .. } => {
            let detail = format!("The image is too large: {found} is over the limit of {limit}.");
            Error::new(ErrorKind::TooLarge, "image_too_large", detail)
        }
        facekit::Error::Image { reason, .. } => {
            let detail = format!("The image cannot be read: {reason}.");
            Error::new(ErrorKind::Invalid, "unreadable_image", detail)
        }
        _ => error.into(),
    }
}

#[async_trait]
impl Recognition for LocalRecognition {
    fn models(&self) -> &Models {
        &self.models
    }

    fn room(&self, org: Id) -> Option<Room> {
        let gallery = self.gallery(org).ok()?;
        let capacity = gallery.present.recognizer.capacity()?;
        let people = gallery
            .searches()
            .map(|search| search.gallery.searched(None));
        Some(Room {
            people: people.sum(),
            capacity: capacity.extrapolated as u64,
        })
    }

    async fn load(&self, org: Id, templates: Vec<(Id, Template)>) -> Result<()> {
        // Thousands of templates take a while.
        let sets = self.sets.clone();
        let gallery = tokio::task::spawn_blocking(move || sets.gallery(templates));
        let gallery = Arc::new(gallery.await.map_err(Error::internal)??);
        let mut known = self
            .galleries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(org, gallery);
        Ok(())
    }

    async fn follow(&self, org: Id, person: Id, site: Id, templates: Vec<Template>) -> Result<()> {
        let gallery = self.gallery(org)?;
        // A search may hold the lock of the rosters while it makes one.
        let followed =
            tokio::task::spawn_blocking(move || gallery.follow(person, site, &templates));
        followed.await.map_err(Error::internal)?
    }

    async fn analyze(
        &self,
        org: Id,
        person: Id,
        request: Id,
        photos: Vec<Bytes>,
        seen: watch::Sender<usize>,
    ) -> Result<Analyzed> {
        let gallery = self.gallery(org)?;
        let augment = self.augment;
        let work = move || gallery.analyze(person, request, &photos, augment, &seen);
        self.pool.run(Work::Analysis, work).await
    }

    async fn embed_again(&self, templates: Vec<NewTemplate>) -> Result<Vec<NewTemplate>> {
        let networks = self.sets.present.clone();
        let work = move || networks.embed_again(&templates);
        self.pool.run(Work::Analysis, work).await
    }

    async fn recognize(&self, frame: Frame) -> Result<Faces> {
        let gallery = self.gallery(frame.org)?;
        let work = move || gallery.recognize(frame);
        self.pool.run(Work::Frame, work).await
    }
}
