//! Where templates live.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::{
    align::AlignedFace,
    embed::Embedding,
    error::Result,
    index::TemplateId,
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

/// A template before a store has given it a number.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewTemplate {
    /// The face as a vector.
    pub embedding: Embedding,
    /// The quality of the face it was made from, 0 to 1.
    pub quality: f32,
    /// When it was made.
    pub created: Timestamp,
    /// The aligned face itself, so that a later model can embed it again. Kept only where the gallery was
    /// asked to keep crops.
    pub crop: Option<AlignedFace>,
}

impl NewTemplate {
    /// A template without a crop.
    #[must_use]
    pub fn new(embedding: Embedding, quality: f32, created: Timestamp) -> Self {
        Self {
            embedding,
            quality,
            created,
            crop: None,
        }
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
    /// Its number.
    pub id: TemplateId,
    /// Whose face it is.
    pub person: PersonId,
    /// The face as a vector.
    pub embedding: Embedding,
    /// The quality of the face it was made from, 0 to 1.
    pub quality: f32,
    /// When it was made.
    pub created: Timestamp,
}

impl Template {
    /// `new`, stored under `id` for `person`.
    #[must_use]
    pub fn new(id: TemplateId, person: PersonId, new: &NewTemplate) -> Self {
        Self {
            id,
            person,
            embedding: new.embedding.clone(),
            quality: new.quality,
            created: new.created,
        }
    }
}

/// Keeps people and their templates.
///
/// # Contract
///
/// - What `put` and `remove` returned `Ok` for holds, as far as the store's medium allows: a durable store
///   keeps it through a crash of the process and a loss of power.
/// - `put` and `remove` happen whole or not at all.
/// - Templates of several embedding spaces may stand side by side.
/// - A number that was given to a template is never given again, not even after its removal.
/// - After `remove` nothing of the person can be read from the store again.
/// - All methods may be called from many threads at once.
/// - A visit sees the store as it was when the visit began, and may itself change the store.
pub trait TemplateStore: fmt::Debug + Send + Sync {
    /// Adds or updates `person` and adds `templates`, in one step. Returns the templates' numbers, in order.
    /// `person` replaces what was known of the same id; earlier templates stay.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) where the medium fails,
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for what the store does not take; nothing has changed
    /// then.
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>>;

    /// Removes people with all their templates and crops, in one step. Returns how many were there.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) where the medium fails; nothing has changed then.
    fn remove(&self, people: &[PersonId]) -> Result<usize>;

    /// Everyone, in rising order of id.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) where the medium fails.
    fn people(&self) -> Result<Vec<Person>>;

    /// Calls `visit` for each template of every space, in rising order of number.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) where the medium fails, and whatever `visit` returns, which ends
    /// the visits.
    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()>;

    /// Calls `visit` for each crop that was kept, with its template's number and person, in rising order of
    /// number.
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
