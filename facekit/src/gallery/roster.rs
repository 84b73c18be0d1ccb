use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    index::{EntrySet, Generation},
    person::PersonId,
};

/// The people that a search is limited to: a course's enrollment list, a shift. [`Gallery::roster`](super::Gallery::roster)
/// makes it.
///
/// A roster names people, not templates, so it stays right when templates are added or removed. The index entries of its people
/// are looked up at the first search after a change of the gallery, and kept until the next change. Clones share them.
///
/// A person who is removed from the gallery no longer matches. The person matches again after a new enrollment.
#[derive(Clone)]
pub struct Roster(Arc<Inner>);

struct Inner {
    /// Sorted, without repetition.
    people: Vec<PersonId>,
    /// The index entries of the people in one state of one gallery.
    resolved: Mutex<Option<(Generation, EntrySet)>>,
}

impl Roster {
    pub(super) fn new(people: &[PersonId]) -> Self {
        let mut people = people.to_vec();
        people.sort();
        people.dedup();
        Self(Arc::new(Inner {
            people,
            resolved: Mutex::default(),
        }))
    }

    /// The number of people, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.people.len()
    }

    /// Returns true if nobody is on the roster, so that a search finds nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.people.is_empty()
    }

    /// Returns true if `person` is on the roster.
    #[must_use]
    pub fn contains(&self, person: &PersonId) -> bool {
        self.0.people.binary_search(person).is_ok()
    }

    /// The people, in order of id.
    pub fn people(&self) -> impl ExactSizeIterator<Item = &PersonId> {
        self.0.people.iter()
    }

    /// The index entries of the people in the gallery's state `generation`, which `look_up` collects if this roster does not
    /// hold them.
    pub(super) fn resolve(
        &self,
        generation: Generation,
        look_up: impl FnOnce(&[PersonId]) -> EntrySet,
    ) -> EntrySet {
        let held = self.resolved().clone();
        match held {
            Some((of, entries)) if of == generation => entries,
            _ => {
                let entries = look_up(&self.0.people);
                *self.resolved() = Some((generation, entries.clone()));
                entries
            }
        }
    }

    fn resolved(&self) -> MutexGuard<'_, Option<(Generation, EntrySet)>> {
        self.0
            .resolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.people()).finish()
    }
}
