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

#[cfg(feature = "store")]
mod file;
#[cfg(feature = "engine")]
mod memory;

#[cfg(feature = "store")]
pub use file::{
    CheckReport, FileStore, GalleryKey, ImportConflict, ImportOptions, ImportReport, OnConflict,
    Protection, ProtectionKind,
};
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
    /// The embedding of the face.
    pub embedding: Embedding,
    /// The quality of the face, 0 to 1.
    pub quality: f32,
    /// The time at which the template was made.
    pub created: Timestamp,
    /// True if the embedding is the normalized sum of the embeddings of the photo and of its mirror image:
    /// [`Embedding::is_mirrored`].
    pub mirrored: bool,
    /// The aligned face, so that a later model can embed it again. Present only if the gallery keeps crops.
    pub crop: Option<AlignedFace>,
}

impl NewTemplate {
    /// A template without a crop.
    #[must_use]
    pub fn new(embedding: Embedding, quality: f32, created: Timestamp) -> Self {
        Self {
            mirrored: embedding.is_mirrored(),
            embedding,
            quality,
            created,
            crop: None,
        }
    }

    /// Sets [`mirrored`](Self::mirrored).
    #[must_use]
    pub fn with_mirrored(mut self, mirrored: bool) -> Self {
        self.mirrored = mirrored;
        self
    }

    /// Sets [`crop`](Self::crop).
    #[must_use]
    pub fn with_crop(mut self, crop: AlignedFace) -> Self {
        self.crop = Some(crop);
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
    /// The embedding of the face.
    pub embedding: Embedding,
    /// The quality of the face, 0 to 1.
    pub quality: f32,
    /// The time at which the template was made.
    pub created: Timestamp,
    /// True if the embedding is the normalized sum of the embeddings of the photo and of its mirror image.
    pub mirrored: bool,
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
            mirrored: new.mirrored,
        }
    }
}

/// Keeps people and their templates.
///
/// # Contract
///
/// - A `put` or `remove` that returned `Ok` is permanent, as far as the store's medium allows. In a durable store it
///   survives a crash of the process and a loss of power.
/// - `put` and `remove` happen entirely or not at all.
/// - A store may hold templates of several embedding spaces.
/// - The id of a template is never given again, not even after the template was removed.
/// - After `remove`, nothing of the person can be read from the store.
/// - All methods may be called from many threads at once.
/// - A visit sees the store at the moment at which it began, and the visitor may change the store.
pub trait TemplateStore: fmt::Debug + Send + Sync {
    /// Adds or replaces `person` and adds `templates`, in one step. Returns the ids of the templates, in order. Earlier
    /// templates of the person stay.
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

    /// The templates of a person in every space, in rising order of id. Empty if the person is unknown.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        let mut found = Vec::new();
        self.templates(&mut |template| {
            if template.person == *person {
                found.push(template);
            }
            Ok(())
        })?;
        Ok(found)
    }

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

            fn people(&self) -> Result<Vec<Person>> {
                (**self).people()
            }

            fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
                (**self).templates(visit)
            }

            fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
                (**self).templates_of(person)
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
