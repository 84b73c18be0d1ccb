//! Template stores.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    align::AlignedFace,
    embed::Embedding,
    error::Result,
    person::{Person, PersonId},
};
#[cfg(feature = "engine")]
use crate::{digest::Digest, error::Error};

#[cfg(feature = "store")]
mod file;
#[cfg(feature = "engine")]
mod memory;

#[cfg(feature = "store")]
pub use file::{CheckReport, FileStore, ImportConflict, ImportOptions, ImportReport, OnConflict};
#[cfg(feature = "engine")]
pub use memory::MemoryStore;

/// The number of a stored template, unique in its store and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A template that a store has not given an id yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewTemplate {
    /// The embedding of the face. A store keeps its values, its space, and the mark [`Embedding::is_mirrored`].
    pub embedding: Embedding,
    /// The quality of the face, 0 to 1.
    pub quality: f32,
    /// The time at which the template was made.
    pub created: Timestamp,
    /// The aligned face, so that a later model can embed it again. Present only if the gallery keeps crops.
    pub crop: Option<AlignedFace>,
    /// An id of the photo or of the request that the template comes from: 1 to 128 bytes. A store keeps one template of a
    /// person for each origin and embedding space, so that an enrollment that is sent twice adds nothing twice.
    pub origin: Option<String>,
}

impl NewTemplate {
    /// A template without a crop and without an origin.
    #[must_use]
    pub fn new(embedding: Embedding, quality: f32, created: Timestamp) -> Self {
        Self {
            embedding,
            quality,
            created,
            crop: None,
            origin: None,
        }
    }

    /// Sets [`crop`](Self::crop).
    #[must_use]
    pub fn with_crop(mut self, crop: AlignedFace) -> Self {
        self.crop = Some(crop);
        self
    }

    /// Sets [`origin`](Self::origin).
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

/// A template in a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Template {
    /// The id of the template.
    pub id: TemplateId,
    /// The person it belongs to.
    pub person: PersonId,
    /// The embedding of the face. A store keeps its values, its space, and the mark [`Embedding::is_mirrored`].
    pub embedding: Embedding,
    /// The quality of the face, 0 to 1.
    pub quality: f32,
    /// The time at which the template was made.
    pub created: Timestamp,
    /// An id of the photo or of the request that the template comes from, if one was given.
    pub origin: Option<String>,
}

impl Template {
    /// The template `new` with an id and a person.
    #[must_use]
    pub fn new(id: TemplateId, person: PersonId, new: &NewTemplate) -> Self {
        Self {
            id,
            person,
            embedding: new.embedding.clone(),
            quality: new.quality,
            created: new.created,
            origin: new.origin.clone(),
        }
    }
}

/// The origin of a template, as templates of one person are told apart by it.
#[cfg(feature = "engine")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    origin: String,
    fingerprint: Digest,
    dimension: usize,
}

#[cfg(feature = "engine")]
impl Origin {
    fn of(template: &NewTemplate) -> Option<Self> {
        let space = template.embedding.space();
        template.origin.as_ref().map(|origin| Self {
            origin: origin.clone(),
            fingerprint: *space.fingerprint(),
            dimension: space.dimension(),
        })
    }
}

/// The most bytes that an origin may have.
#[cfg(feature = "engine")]
const LONGEST_ORIGIN: usize = 128;

/// Checks the length of origins.
#[cfg(feature = "engine")]
fn check_origins(templates: &[NewTemplate]) -> Result<()> {
    let origins = templates.iter().filter_map(|new| new.origin.as_ref());
    for origin in origins {
        if !(1..=LONGEST_ORIGIN).contains(&origin.len()) {
            let length = origin.len();
            let reason = format!("{length} bytes long, 1 to {LONGEST_ORIGIN} accepted");
            return Err(Error::argument("origin", reason));
        }
    }
    Ok(())
}

/// Keeps people and their templates.
///
/// # Contract
///
/// - A `put`, `remove` or `remove_templates` that returned `Ok` is permanent, as far as the store's medium allows. In a durable store it
///   survives a crash of the process and a loss of power.
/// - `put`, `remove` and `remove_templates` happen entirely or not at all.
/// - Of a person, the store keeps one template for each [origin](NewTemplate::origin) and embedding space. Templates without
///   an origin are all kept.
/// - A store may hold templates of several embedding spaces.
/// - The id of a template is never given again, not even after the template was removed.
/// - After `remove`, nothing of the person can be read from the store; after `remove_templates`, nothing of the templates.
/// - All methods may be called from many threads at once.
/// - A visit sees the store at the moment at which it began, and the visitor may change the store.
pub trait TemplateStore: fmt::Debug + Send + Sync {
    /// Adds or replaces `person` and adds `templates`, in one step. Returns the ids of the templates, in order. Earlier
    /// templates of the person stay.
    ///
    /// A template of an [origin](NewTemplate::origin) and a space of which the person has a template already is not added,
    /// and the earlier template's id is returned in its place.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails,
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a person or template that the store does not accept.
    /// Nothing has changed then.
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>>;

    /// Removes people with all their templates and crops, in one step. Returns how many people the store had. Unknown
    /// people are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails. Nothing has changed then.
    fn remove(&self, people: &[PersonId]) -> Result<usize>;

    /// Removes templates with their crops, in one step. The people stay, also those who have no template left. Returns how
    /// many templates the store had. Unknown templates are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails. Nothing has changed then.
    fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize>;

    /// The person with this id.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn person(&self, id: &PersonId) -> Result<Option<Person>>;

    /// The templates of every space of one person, in rising order of id. Empty for a person who is not in the store.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>>;

    /// All people, in rising order of id.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn people(&self) -> Result<Vec<Person>>;

    /// Calls `visit` for each template of every space, in rising order of id.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails. An error of `visit` ends the visits and is returned.
    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()>;

    /// Calls `visit` for each crop that was kept, with the id of its template and the person, in rising order of id.
    ///
    /// # Errors
    ///
    /// As [`templates`](Self::templates).
    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()>;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<S: TemplateStore + ?Sized> TemplateStore for $pointer<S> {
            fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
                (**self).put(person, templates)
            }

            fn remove(&self, people: &[PersonId]) -> Result<usize> {
                (**self).remove(people)
            }

            fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize> {
                (**self).remove_templates(templates)
            }

            fn person(&self, id: &PersonId) -> Result<Option<Person>> {
                (**self).person(id)
            }

            fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
                (**self).templates_of(person)
            }

            fn people(&self) -> Result<Vec<Person>> {
                (**self).people()
            }

            fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
                (**self).templates(visit)
            }

            fn crops(
                &self,
                visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
            ) -> Result<()> {
                (**self).crops(visit)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
