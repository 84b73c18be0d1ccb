//! The people who can be recognized.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    align::AlignedFace,
    comparison::Comparison,
    embed::{Embedding, EmbeddingSpace},
    error::{Error, Result},
    index::{AutoIndex, Metric, VectorIndex},
    person::{Person, PersonId},
    store::{NewTemplate, Template, TemplateId, TemplateStore},
};

mod fusion;
mod roster;
#[cfg(feature = "store")]
mod sealed;
mod view;

pub use fusion::Fusion;
pub use roster::Roster;
use view::View;

/// People and their templates. A [`TemplateStore`] keeps them, and a [`VectorIndex`] holds an entry for each person, the mean of
/// the person's templates of one embedding space. The gallery keeps both in step. With [`Fusion::Nearest`], the index holds each
/// template.
///
/// Threads can share a gallery. Searches do not wait for changes, also if the index takes long to change. A search sees the
/// gallery as it was at one moment during the search.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, Gallery, MemoryStore, NewTemplate, Person, PersonId};
/// use jiff::Timestamp;
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let gallery = Gallery::for_space(MemoryStore::new(), &space)?;
///
/// let now = Timestamp::now();
/// let anna = Person::new(PersonId::new("anna")?, now).with_name("Anna Weiß");
/// let template = Embedding::new(&space, vec![0.9, 0.1])?;
/// gallery.add(&anna, &[NewTemplate::new(template.clone(), 0.8, now)])?;
///
/// let nearest = gallery.nearest(&template, 1, None)?;
/// assert_eq!(nearest[0].person, anna.id);
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct Gallery {
    shared: Arc<Shared>,
    view: Arc<View>,
    keep_crops: bool,
}

/// The part that all galleries over one store share.
struct Shared {
    store: Box<dyn TemplateStore>,
    /// The views of those galleries. Locked through a whole change of store and memory, so that changes come one after the
    /// other.
    views: Mutex<Vec<Weak<View>>>,
}

/// A person who is near to a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Neighbor {
    /// The id.
    pub person: PersonId,
    /// The name, if the gallery has one.
    pub name: Option<String>,
    /// The nearest of the person's templates with [`Fusion::Nearest`]; `None` with [`Fusion::Mean`].
    pub template: Option<TemplateId>,
    /// The closeness to the mean of the person's templates, or to the nearest one, by the index's metric; greater is closer.
    pub score: f32,
    /// The number of templates in this mean; 1 for the nearest template.
    pub photos: usize,
    /// True if one of these templates, or more, is [mirrored](Embedding::is_mirrored).
    pub mirrored: bool,
}

impl Neighbor {
    /// The kind of the comparison with `probe`.
    #[must_use]
    pub fn comparison(&self, probe: &Embedding) -> Comparison {
        Comparison::default()
            .with_photos(self.photos)
            .with_mirrored_template(self.mirrored)
            .with_mirrored_probe(probe.is_mirrored())
    }
}

impl Gallery {
    /// Opens the people of `store` and inserts the means of their templates of `index`'s space into `index`, which should be
    /// empty. [`for_space`](Self::for_space) chooses the index.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn open(
        store: impl TemplateStore + 'static,
        index: impl VectorIndex + 'static,
    ) -> Result<Self> {
        Self::open_with(store, index, Fusion::default())
    }

    /// Opens the people of `store` for searches in `space`, with the index that suits most galleries: an empty
    /// [`AutoIndex`] with the cosine as metric.
    ///
    /// ```
    /// use facekit::{Digest, EmbeddingSpace, Gallery, MemoryStore};
    ///
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let gallery = Gallery::for_space(MemoryStore::new(), &space)?;
    /// assert!(gallery.is_empty());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn for_space(store: impl TemplateStore + 'static, space: &EmbeddingSpace) -> Result<Self> {
        Self::open(store, AutoIndex::new(space.clone(), Metric::Cosine))
    }

    /// Opens the people of `store` as [`open`](Self::open) does, and compares probes with them by `fusion`.
    ///
    /// ```
    /// # use facekit::{Digest, Embedding, EmbeddingSpace, FlatIndex, Gallery, MemoryStore, Metric, NewTemplate, Person, PersonId};
    /// # use jiff::Timestamp;
    /// use facekit::Fusion;
    ///
    /// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// # let index = FlatIndex::new(space.clone(), Metric::Cosine);
    /// let gallery = Gallery::open_with(MemoryStore::new(), index, Fusion::Nearest)?;
    /// # let anna = Person::new(PersonId::new("anna")?, Timestamp::UNIX_EPOCH);
    /// let template = |values: [f32; 2]| {
    ///     let embedding = Embedding::new(&space, values.to_vec())?;
    ///     Ok::<_, facekit::Error>(NewTemplate::new(embedding, 0.8, Timestamp::UNIX_EPOCH))
    /// };
    /// let templates = gallery.add(&anna, &[template([1.0, 0.0])?, template([0.0, 1.0])?])?;
    /// let probe = Embedding::new(&space, vec![0.1, 0.9])?;
    /// assert_eq!(gallery.nearest(&probe, 1, None)?[0].template, Some(templates[1]));
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn open_with(
        store: impl TemplateStore + 'static,
        index: impl VectorIndex + 'static,
        fusion: Fusion,
    ) -> Result<Self> {
        let shared = Shared {
            store: Box::new(store),
            views: Mutex::default(),
        };
        Self::over(Arc::new(shared), Box::new(index), fusion)
    }

    /// Opens the same people for searches in another embedding space, that of `index`, with the same fusion. A change through
    /// one of the galleries is a change of both.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn beside(&self, index: impl VectorIndex + 'static) -> Result<Self> {
        let gallery = Self::over(Arc::clone(&self.shared), Box::new(index), self.fusion())?;
        Ok(gallery.with_crops(self.keep_crops))
    }

    fn over(shared: Arc<Shared>, index: Box<dyn VectorIndex>, fusion: Fusion) -> Result<Self> {
        Self::with_view(shared, |store| View::new(store, index, fusion))
    }

    fn with_view(
        shared: Arc<Shared>,
        open: impl FnOnce(&dyn TemplateStore) -> Result<View>,
    ) -> Result<Self> {
        let _span = tracing::debug_span!("open gallery").entered();
        let mut views = shared.views();
        let view = Arc::new(open(&*shared.store)?);
        views.retain(|view| view.strong_count() > 0);
        views.push(Arc::downgrade(&view));
        drop(views);
        Ok(Self {
            shared,
            view,
            keep_crops: false,
        })
    }

    /// Sets whether aligned faces are stored with new templates, so that a later model can embed them again. Off by default,
    /// because a picture of a face tells more about a person than a template does.
    #[must_use]
    pub fn with_crops(mut self, keep: bool) -> Self {
        self.keep_crops = keep;
        self
    }

    /// The embedding space of its index. Probes must be of this space.
    #[must_use]
    pub fn space(&self) -> &EmbeddingSpace {
        self.view.index.space()
    }

    /// The metric of the scores that [`nearest`](Self::nearest) returns.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.view.index.metric()
    }

    /// The way in which a probe is compared with a person who has several templates.
    #[must_use]
    pub fn fusion(&self) -> Fusion {
        self.view.fusion
    }

    /// The number of people who can be searched. With [`Fusion::Nearest`], the number of templates that can be searched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.view.searched(None)
    }

    /// Returns true if nobody can be searched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of comparisons of a search: the part of [`len`](Self::len) that the roster covers, or all.
    #[must_use]
    pub fn searched(&self, roster: Option<&Roster>) -> usize {
        self.view.searched(roster)
    }

    /// Everyone, in order of id, each with the number of templates that can be searched.
    #[must_use]
    pub fn people(&self) -> Vec<(Person, usize)> {
        let known = self.view.known();
        known
            .people
            .values()
            .map(|member| (member.person.clone(), member.templates))
            .collect()
    }

    /// The person with this id.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> Option<Person> {
        let known = self.view.known();
        known.people.get(id).map(|member| member.person.clone())
    }

    /// People without a template of this space, because another model made theirs. They must be enrolled again, or
    /// embedded again from their crops (see [`Recognizer::embed_again`](crate::Recognizer::embed_again)).
    #[must_use]
    pub fn unsearchable(&self) -> Vec<Person> {
        let known = self.view.known();
        known
            .people
            .values()
            .filter(|member| member.templates == 0)
            .map(|member| member.person.clone())
            .collect()
    }

    /// Adds `templates` to `person`, who is created if the id is new. For a known person, `enrolled` is kept, and the name is
    /// kept if `person` has none. When this returns, the store has the templates.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] for a template of another space, and errors of the store. Nothing has changed then. After an
    /// error of the index, the store has the templates, and searches find them when the gallery is opened again.
    pub fn add(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        templates
            .iter()
            .try_for_each(|template| self.space().check(template.embedding.space()))?;
        self.begin_change().add(person, templates)
    }

    /// Begins a change. Until it is dropped, nobody else can change the store through a gallery, so that conditions which
    /// the caller checks stay true.
    pub(crate) fn begin_change(&self) -> Change<'_> {
        Change {
            gallery: self,
            views: self.shared.views(),
        }
    }

    /// Does the same as [`add`](Self::add) for a known person, and returns `None` for one who is not known.
    pub(crate) fn add_to_known(
        &self,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<Option<Vec<TemplateId>>> {
        let change = self.begin_change();
        if self.person(&person.id).is_none() {
            return Ok(None);
        }
        change.add(person, templates).map(Some)
    }

    /// Removes people with all their data. Returns how many of them existed.
    ///
    /// # Errors
    ///
    /// Errors of the store. People whom the store removed before it failed are not recognized any more. If it cannot say who is left, none
    /// of `people` is recognized until the gallery is opened again.
    pub fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let change = self.begin_change();
        let removed = self.shared.store.remove(people);
        // A store may fail in a later step, after it has removed the people.
        let kept = match &removed {
            Ok(_) => Vec::new(),
            // If the store cannot tell either, nobody of them is recognized until the gallery is opened again.
            Err(_) => self.shared.store.people().unwrap_or_default(),
        };
        let gone: Vec<&PersonId> = people
            .iter()
            .filter(|id| kept.iter().all(|person| person.id != **id))
            .collect();
        let forgotten = of_all(change.views().map(|view| view.forget(&gone)));
        removed.and_then(|removed| forgotten.map(|()| removed))
    }

    /// Removes those of `templates` that are templates of `person`, with their crops. The person stays, also without any
    /// template. Returns how many were removed.
    ///
    /// # Errors
    ///
    /// Errors of the store and of the index.
    pub fn remove_templates(&self, person: &PersonId, templates: &[TemplateId]) -> Result<usize> {
        let change = self.begin_change();
        let mut removed = self.shared.store.templates_of(person)?;
        removed.retain(|template| templates.contains(&template.id));
        let removed: Vec<TemplateId> = removed.iter().map(|template| template.id).collect();
        let count = self.shared.store.remove_templates(&removed);
        // A store may fail in a later step, after it has removed the templates.
        let followed = change.follow(person);
        count.and_then(|count| followed.map(|()| count))
    }

    /// All templates of a person, of every space, as the store has them, in rising order of id. Empty for a person who is not
    /// in the store.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        self.shared.store.templates_of(person)
    }

    /// Takes over what the store says about a person: for a store that others change too, such as a table of an SQL database.
    /// The person may be new there, changed or removed. Searches find the new state when this returns.
    ///
    /// ```
    /// # use facekit::{Digest, Embedding, EmbeddingSpace, FlatIndex, Gallery, MemoryStore, Metric, NewTemplate, Person, PersonId};
    /// # use facekit::TemplateStore;
    /// # use jiff::Timestamp;
    /// # use std::sync::Arc;
    /// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let store = Arc::new(MemoryStore::new());
    /// let gallery = Gallery::open(store.clone(), FlatIndex::new(space.clone(), Metric::Cosine))?;
    ///
    /// let anna = Person::new(PersonId::new("anna")?, Timestamp::now());
    /// let template = Embedding::new(&space, vec![0.9, 0.1])?;
    /// store.put(&anna, &[NewTemplate::new(template, 0.8, Timestamp::now())])?;
    /// assert!(gallery.is_empty());
    /// gallery.follow(&anna.id)?;
    /// assert_eq!(gallery.len(), 1);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Errors of the store and of the index.
    pub fn follow(&self, person: &PersonId) -> Result<()> {
        self.begin_change().follow(person)
    }

    /// Makes a roster, which limits searches to `people`.
    ///
    /// ```
    /// # use facekit::{Digest, Embedding, EmbeddingSpace, FlatIndex, Gallery, MemoryStore, Metric, NewTemplate, Person, PersonId};
    /// # use jiff::Timestamp;
    /// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// # let gallery = Gallery::open(MemoryStore::new(), FlatIndex::new(space.clone(), Metric::Cosine))?;
    /// # let now = Timestamp::now();
    /// let (anna, bela) = (PersonId::new("anna")?, PersonId::new("bela")?);
    /// for (id, values) in [(&anna, [0.9, 0.1]), (&bela, [0.1, 0.9])] {
    ///     let template = NewTemplate::new(Embedding::new(&space, values.to_vec())?, 0.8, now);
    ///     gallery.add(&Person::new(id.clone(), now), &[template])?;
    /// }
    /// let night_shift = gallery.roster(&[bela.clone()])?;
    /// let like_anna = Embedding::new(&space, vec![1.0, 0.0])?;
    /// assert_eq!(gallery.nearest(&like_anna, 1, Some(&night_shift))?[0].person, bela);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPerson`] for a person who is not in the gallery.
    pub fn roster(&self, people: &[PersonId]) -> Result<Roster> {
        let known = self.view.known();
        match people.iter().find(|id| !known.people.contains_key(*id)) {
            Some(id) => Err(Error::UnknownPerson { id: id.to_string() }),
            None => Ok(Roster::new(people)),
        }
    }

    /// Finds the `k` people nearest to `probe`, nearest first. A person is as near as the mean of their templates, or as the
    /// nearest one: see [`Fusion`]. With a roster, finds the nearest people of the roster.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] if `probe` is of another space.
    pub fn nearest(
        &self,
        probe: &Embedding,
        k: usize,
        roster: Option<&Roster>,
    ) -> Result<Vec<Neighbor>> {
        self.view.nearest(probe, k, roster)
    }

    /// The templates of a person in the gallery's space, in rising order of id.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub(crate) fn searchable_templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        if !self.view.is_searchable(person) {
            return Ok(Vec::new());
        }
        let mut templates = self.shared.store.templates_of(person)?;
        templates.retain(|template| template.embedding.space() == self.space());
        Ok(templates)
    }

    /// The quality of the face, the time and the origin of each template of any space.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub(crate) fn photos(&self) -> Result<HashMap<TemplateId, TemplatePhoto>> {
        let mut photos = HashMap::new();
        self.shared.store.templates(&mut |template| {
            let photo = TemplatePhoto {
                quality: template.quality,
                created: template.created,
                origin: template.origin,
            };
            photos.insert(template.id, photo);
            Ok(())
        })?;
        Ok(photos)
    }

    /// Calls `visit` for each template of the gallery's space.
    ///
    /// # Errors
    ///
    /// Errors of the store and of `visit`.
    pub(crate) fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.shared.store.templates(&mut |template| {
            if template.embedding.space() == self.space() {
                visit(template)
            } else {
                Ok(())
            }
        })
    }

    /// Calls `visit` for each crop in the store.
    ///
    /// # Errors
    ///
    /// Errors of the store and of `visit`.
    pub(crate) fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.shared.store.crops(visit)
    }
}

/// The photo of a template.
#[derive(Clone, Debug)]
pub(crate) struct TemplatePhoto {
    pub(crate) quality: f32,
    pub(crate) created: Timestamp,
    pub(crate) origin: Option<String>,
}

/// A change of a gallery, which begins after the changes before it have ended.
pub(crate) struct Change<'a> {
    gallery: &'a Gallery,
    views: MutexGuard<'a, Vec<Weak<View>>>,
}

impl Change<'_> {
    /// Does the same as [`Gallery::add`], for templates of the gallery's space.
    pub(crate) fn add(
        &self,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<Vec<TemplateId>> {
        let gallery = self.gallery;
        let mut person = person.clone();
        if let Some(known) = gallery.shared.store.person(&person.id)? {
            person.enrolled = known.enrolled;
            person.name = person.name.or(known.name);
        }
        let mut templates = templates.to_vec();
        if !gallery.keep_crops {
            templates
                .iter_mut()
                .for_each(|template| template.crop = None);
        }
        let ids = gallery.shared.store.put(&person, &templates)?;
        self.follow(&person.id)?;
        Ok(ids)
    }

    /// Does the same as [`Gallery::follow`].
    fn follow(&self, person: &PersonId) -> Result<()> {
        let store = &self.gallery.shared.store;
        let Some(known) = store.person(person)? else {
            return of_all(self.views().map(|view| view.forget(&[person])));
        };
        let templates = store.templates_of(person)?;
        of_all(self.views().map(|view| {
            let mut searchable = templates.clone();
            searchable.retain(|template| template.embedding.space() == view.index.space());
            view.set(&known, &searchable)
        }))
    }

    fn views(&self) -> impl Iterator<Item = Arc<View>> {
        self.views.iter().filter_map(Weak::upgrade)
    }
}

/// The first error of changes that are all made.
fn of_all(changes: impl Iterator<Item = Result<()>>) -> Result<()> {
    changes.fold(Ok(()), Result::and)
}

impl Shared {
    fn views(&self) -> MutexGuard<'_, Vec<Weak<View>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gallery")
            .field("store", &self.shared.store)
            .field("index", &self.view.index)
            .finish_non_exhaustive()
    }
}
