//! A store in memory.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{NewTemplate, Origin, Template, TemplateId, TemplateStore, check_origins};
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
    /// The templates of each person who ever had one.
    owned: HashMap<PersonId, BTreeSet<TemplateId>>,
    origins: HashMap<(PersonId, Origin), TemplateId>,
    next: u64,
}

impl Contents {
    /// Removes templates, and returns how many there were.
    fn forget(&mut self, templates: &[TemplateId]) -> usize {
        let mut forgotten = 0;
        for id in templates {
            if let Some((template, _)) = self.templates.remove(id) {
                forgotten += 1;
                if let Some(owned) = self.owned.get_mut(&template.person) {
                    owned.remove(id);
                }
            }
        }
        if forgotten > 0 {
            let templates = &self.templates;
            self.origins.retain(|_, id| templates.contains_key(id));
        }
        forgotten
    }
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
        check_origins(templates)?;
        let mut contents = self.contents();
        contents.people.insert(person.id.clone(), person.clone());
        let ids = templates.iter().map(|new| {
            let origin = Origin::of(new).map(|origin| (person.id.clone(), origin));
            let known = origin
                .as_ref()
                .and_then(|origin| contents.origins.get(origin));
            if let Some(&known) = known {
                return known;
            }
            let id = TemplateId(contents.next);
            contents.next += 1;
            contents.origins.extend(origin.map(|origin| (origin, id)));
            let owned = contents.owned.entry(person.id.clone());
            owned.or_default().insert(id);
            let stored = (Template::new(id, person.id.clone(), new), new.crop.clone());
            contents.templates.insert(id, stored);
            id
        });
        Ok(ids.collect())
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let mut contents = self.contents();
        let owned: Vec<TemplateId> = people
            .iter()
            .filter_map(|person| contents.owned.remove(person))
            .flatten()
            .collect();
        contents.forget(&owned);
        Ok(people
            .iter()
            .filter(|person| contents.people.remove(person).is_some())
            .count())
    }

    fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize> {
        Ok(self.contents().forget(templates))
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>> {
        Ok(self.contents().people.get(id).cloned())
    }

    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        let contents = self.contents();
        let owned = contents.owned.get(person).into_iter().flatten();
        Ok(owned.map(|id| contents.templates[id].0.clone()).collect())
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
