//! Everyone who is known, ready to be searched.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AlignedFace, Embedding, EmbeddingSpace, Error, Metric, NewTemplate, Person, PersonId, Result,
    Roster, SearchOptions, TemplateId, TemplateStore, VectorIndex,
};

/// People and their templates: a [`TemplateStore`] that keeps them, and a [`VectorIndex`] over those of one embedding
/// space, kept in step.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, ExactIndex, Gallery, MemoryStore, Metric, NewTemplate, Person, PersonId};
/// use jiff::Timestamp;
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let gallery = Gallery::open(MemoryStore::new(), ExactIndex::new(space.clone(), Metric::Cosine))?;
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

/// What all galleries over one store have in common.
struct Shared {
    store: Box<dyn TemplateStore>,
    /// Of each of those galleries. Held through a whole change, store and memory, so that changes do not overtake each other.
    views: Mutex<Vec<Weak<View>>>,
}

/// A store's people, and their templates of one space.
struct View {
    index: Box<dyn VectorIndex>,
    /// What is in the store, as far as searches need it. Locked for writing only while memory changes.
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    people: BTreeMap<PersonId, Member>,
    owners: HashMap<TemplateId, PersonId>,
}

struct Member {
    person: Person,
    /// Those of the index's space.
    templates: Vec<TemplateId>,
}

/// A person whose template is near a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbor {
    /// Who.
    pub person: PersonId,
    /// Which of the person's templates is nearest.
    pub template: TemplateId,
    /// How near, by the index's metric; greater is closer.
    pub score: f32,
}

impl Gallery {
    /// The people of `store`; the templates of `index`'s space are put into `index`, which should be empty.
    ///
    /// # Errors
    ///
    /// Whatever the store fails with.
    pub fn open(
        store: impl TemplateStore + 'static,
        index: impl VectorIndex + 'static,
    ) -> Result<Self> {
        let shared = Shared {
            store: Box::new(store),
            views: Mutex::default(),
        };
        Self::over(Arc::new(shared), Box::new(index))
    }

    /// The same people, searched in another embedding space, whose templates are put into `index`: a change through either
    /// gallery is one of both.
    ///
    /// # Errors
    ///
    /// Whatever the store fails with.
    pub fn beside(&self, index: impl VectorIndex + 'static) -> Result<Self> {
        let gallery = Self::over(Arc::clone(&self.shared), Box::new(index))?;
        Ok(gallery.with_crops(self.keep_crops))
    }

    fn over(shared: Arc<Shared>, index: Box<dyn VectorIndex>) -> Result<Self> {
        let _span = tracing::debug_span!("open gallery").entered();
        let mut views = shared.views();
        let view = Arc::new(View::new(&*shared.store, index)?);
        views.retain(|view| view.strong_count() > 0);
        views.push(Arc::downgrade(&view));
        drop(views);
        Ok(Self {
            shared,
            view,
            keep_crops: false,
        })
    }

    /// Whether aligned faces are stored with new templates, so that a later model can embed them again. Off by default:
    /// a face says more about a person than a template does.
    #[must_use]
    pub fn with_crops(mut self, keep: bool) -> Self {
        self.keep_crops = keep;
        self
    }

    /// The space of the embeddings that can be searched for.
    #[must_use]
    pub fn space(&self) -> &EmbeddingSpace {
        self.view.index.space()
    }

    /// What the scores of [`nearest`](Self::nearest) are.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.view.index.metric()
    }

    /// Templates that can be searched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.view.index.len()
    }

    /// Whether no template can be searched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.view.index.is_empty()
    }

    /// Everyone, in order of id, each with the number of templates that can be searched.
    #[must_use]
    pub fn people(&self) -> Vec<(Person, usize)> {
        let known = self.known();
        known
            .people
            .values()
            .map(|member| (member.person.clone(), member.templates.len()))
            .collect()
    }

    /// The person of this id.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> Option<Person> {
        self.known()
            .people
            .get(id)
            .map(|member| member.person.clone())
    }

    /// Those who have no template of this space, since another model made theirs: they must be enrolled again, or
    /// embedded again from their crops (see [`Recognizer::embed_again`](crate::Recognizer::embed_again)).
    #[must_use]
    pub fn unsearchable(&self) -> Vec<Person> {
        let known = self.known();
        known
            .people
            .values()
            .filter(|m| m.templates.is_empty())
            .map(|m| m.person.clone())
            .collect()
    }

    /// Adds `templates` to `person`, who becomes known if that is new. Of a known person the day of enrolment stays, and
    /// so does the name where `person` has none. When this returns, the store has them.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] for a template of another space; whatever the store fails with. Nothing has changed then.
    pub fn add(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        templates
            .iter()
            .try_for_each(|template| self.space().check(template.embedding.space()))?;
        self.changing().add(person, templates)
    }

    /// Until this is dropped nobody else changes the store through a gallery: what is asked of it stays true.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing {
            gallery: self,
            views: self.shared.views(),
        }
    }

    /// As [`add`](Self::add), but somebody who is not known, or no longer, stays so, and that is `None`.
    pub(crate) fn add_to_known(
        &self,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<Option<Vec<TemplateId>>> {
        let changing = self.changing();
        if self.person(&person.id).is_none() {
            return Ok(None);
        }
        changing.add(person, templates).map(Some)
    }

    /// Removes people with everything about them. Returns how many were there.
    ///
    /// # Errors
    ///
    /// Whatever the store fails with. Whoever it holds no longer after that is not recognised, either.
    pub fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let changing = self.changing();
        let removed = self.shared.store.remove(people);
        // A store may fail after it has let people go, in what comes after that.
        let kept = match &removed {
            Ok(_) => Vec::new(),
            Err(_) => self.shared.store.people()?,
        };
        let gone: Vec<&PersonId> = people
            .iter()
            .filter(|id| kept.iter().all(|person| person.id != **id))
            .collect();
        let forgotten: Result<()> = changing
            .views()
            .map(|view| view.forget(&gone))
            .fold(Ok(()), Result::and);
        removed.and_then(|removed| forgotten.map(|()| removed))
    }

    /// The templates of these people, to limit a search to.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPerson`] for someone who is not in the gallery.
    pub fn roster(&self, people: &[PersonId]) -> Result<Roster> {
        let known = self.known();
        let mut roster = Roster::new();
        for id in people {
            let member = known
                .people
                .get(id)
                .ok_or_else(|| Error::UnknownPerson { id: id.to_string() })?;
            roster.extend(&member.templates);
        }
        Ok(roster)
    }

    /// The `k` people nearest to `probe`, each by the nearest of their templates, nearest first; with a roster, the
    /// nearest people of the roster.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] where `probe` is of another space.
    pub fn nearest(
        &self,
        probe: &Embedding,
        k: usize,
        roster: Option<&Roster>,
    ) -> Result<Vec<Neighbor>> {
        let known = self.known();
        let mut templates = k;
        loop {
            let mut options = SearchOptions::new(templates);
            options.roster = roster;
            let candidates = self.view.index.search(probe, &options)?;
            let all_seen = candidates.len() < templates;
            let mut nearest: Vec<Neighbor> = Vec::with_capacity(k.min(candidates.len()));
            for candidate in candidates {
                let Some(person) = known.owners.get(&candidate.template) else {
                    continue;
                };
                if nearest.len() < k && nearest.iter().all(|neighbor| neighbor.person != *person) {
                    let (template, score) = (candidate.template, candidate.score);
                    nearest.push(Neighbor {
                        person: person.clone(),
                        template,
                        score,
                    });
                }
            }
            if nearest.len() == k || all_seen {
                return Ok(nearest);
            }
            // The nearest templates belong to few people; look further.
            templates = templates.saturating_mul(4);
        }
    }

    /// The quality of the face that each template of any space was made from, and when.
    ///
    /// # Errors
    ///
    /// Whatever the store fails with.
    pub(crate) fn origins(&self) -> Result<HashMap<TemplateId, (f32, Timestamp)>> {
        let mut origins = HashMap::new();
        self.shared.store.templates(&mut |template| {
            origins.insert(template.id, (template.quality, template.created));
            Ok(())
        })?;
        Ok(origins)
    }

    /// Calls `visit` for each crop in the store.
    ///
    /// # Errors
    ///
    /// Whatever the store or `visit` fails with.
    pub(crate) fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.shared.store.crops(visit)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.view.known()
    }
}

/// A change of a gallery, which waits for those before it.
pub(crate) struct Changing<'a> {
    gallery: &'a Gallery,
    views: MutexGuard<'a, Vec<Weak<View>>>,
}

impl Changing<'_> {
    /// As [`Gallery::add`], for templates of its space.
    pub(crate) fn add(
        &self,
        person: &Person,
        templates: &[NewTemplate],
    ) -> Result<Vec<TemplateId>> {
        let gallery = self.gallery;
        let mut person = person.clone();
        if let Some(known) = gallery.person(&person.id) {
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
        let embeddings = templates.into_iter().map(|template| template.embedding);
        let entries: Vec<_> = ids.iter().copied().zip(embeddings).collect();
        gallery.view.add(&person, &entries)?;
        for other in self.views() {
            if !Arc::ptr_eq(&other, &gallery.view) {
                other.add(&person, &[])?;
            }
        }
        Ok(ids)
    }

    fn views(&self) -> impl Iterator<Item = Arc<View>> {
        self.views.iter().filter_map(Weak::upgrade)
    }
}

impl Shared {
    fn views(&self) -> MutexGuard<'_, Vec<Weak<View>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn new(person: Person) -> Self {
        Self {
            person,
            templates: Vec::new(),
        }
    }
}

impl View {
    fn new(store: &dyn TemplateStore, index: Box<dyn VectorIndex>) -> Result<Self> {
        const BATCH: usize = 1024;
        let mut known = Known::default();
        for person in store.people()? {
            known.people.insert(person.id.clone(), Member::new(person));
        }
        let mut batch = Vec::with_capacity(BATCH);
        store.templates(&mut |template| {
            if template.embedding.space() == index.space() {
                if let Some(member) = known.people.get_mut(&template.person) {
                    member.templates.push(template.id);
                    known.owners.insert(template.id, template.person);
                    batch.push((template.id, template.embedding));
                }
                if batch.len() == BATCH {
                    index.insert(&batch)?;
                    batch.clear();
                }
            }
            Ok(())
        })?;
        index.insert(&batch)?;
        Ok(Self {
            index,
            known: RwLock::new(known),
        })
    }

    /// These templates of `person`, who may be new, or be called otherwise from now on.
    fn add(&self, person: &Person, templates: &[(TemplateId, Embedding)]) -> Result<()> {
        let mut known = self.known_mut();
        self.index.insert(templates)?;
        let ids = templates.iter().map(|&(id, _)| id);
        known
            .owners
            .extend(ids.clone().map(|id| (id, person.id.clone())));
        let member = known.people.entry(person.id.clone());
        let member = member.or_insert_with(|| Member::new(person.clone()));
        member.person = person.clone();
        member.templates.extend(ids);
        Ok(())
    }

    fn forget(&self, people: &[&PersonId]) -> Result<()> {
        let mut known = self.known_mut();
        for &id in people {
            if let Some(member) = known.people.remove(id) {
                member.templates.iter().for_each(|template| {
                    known.owners.remove(template);
                });
                self.index.remove(&member.templates)?;
            }
        }
        Ok(())
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
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
