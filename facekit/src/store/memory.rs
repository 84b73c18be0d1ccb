//! A store in memory.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{NewTemplate, Template, TemplateId, TemplateStore};
use crate::{
    align::AlignedFace,
    error::Result,
    person::{Person, PersonId},
};

/// A store in memory: for tests, and for programs that keep templates elsewhere. Its content is lost when it is dropped.
///
/// ```
/// use facekit::{MemoryStore, TemplateStore};
///
/// assert!(MemoryStore::new().people()?.is_empty());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    people: BTreeMap<PersonId, Person>,
    templates: BTreeMap<TemplateId, (Template, Option<AlignedFace>)>,
    next: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // A poisoned lock is no sign of a broken state: no change below can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TemplateStore for MemoryStore {
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        let mut contents = self.contents();
        contents.people.insert(person.id.clone(), person.clone());
        let ids = templates.iter().map(|new| {
            let id = TemplateId(contents.next);
            contents.next += 1;
            let stored = (Template::new(id, person.id.clone(), new), new.crop.clone());
            contents.templates.insert(id, stored);
            id
        });
        Ok(ids.collect())
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let mut contents = self.contents();
        contents
            .templates
            .retain(|_, (template, _)| !people.contains(&template.person));
        Ok(people
            .iter()
            .filter(|person| contents.people.remove(person).is_some())
            .count())
    }

    fn people(&self) -> Result<Vec<Person>> {
        Ok(self.contents().people.values().cloned().collect())
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        let templates: Vec<_> = {
            let contents = self.contents();
            contents
                .templates
                .values()
                .map(|(t, _)| t.clone())
                .collect()
        };
        templates.into_iter().try_for_each(visit)
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        let templates = self.contents().templates.clone();
        templates
            .into_values()
            .try_for_each(|(template, crop)| match crop {
                Some(crop) => visit(template.id, &template.person, crop),
                None => Ok(()),
            })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contents = self.contents();
        f.debug_struct("MemoryStore")
            .field("people", &contents.people.len())
            .field("templates", &contents.templates.len())
            .finish()
    }
}
