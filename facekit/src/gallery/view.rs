use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Neighbor, Roster};
use crate::{
    embed::Embedding,
    error::Result,
    index::{EntryId, EntrySet, Generation, SearchOptions, VectorIndex},
    person::{Person, PersonId},
    store::{TemplateId, TemplateStore},
};

/// A store's people, and their templates of one embedding space, in memory.
///
/// Searches never wait for a change of the index. A change of the index happens outside of the lock of `known`, which is
/// held for a few look-ups only:
///
/// - `add` first inserts into the index and then makes the templates known. A search that finds a template which is not
///   known yet leaves it out.
/// - `forget` first makes people unknown and then removes them from the index. A search that still finds their templates
///   leaves them out.
///
/// So the index always holds at least the templates that are known. Changes do not overlap: their caller holds a lock.
pub(super) struct View {
    pub(super) index: Box<dyn VectorIndex>,
    known: RwLock<Known>,
}

/// Everybody in the store. Searches take names and owners of templates from here.
pub(super) struct Known {
    pub(super) people: BTreeMap<PersonId, Member>,
    /// The person and the template of each entry of the index.
    owners: HashMap<EntryId, (PersonId, TemplateId)>,
    next: u64,
    /// The state of `owners`.
    generation: Generation,
    added: Generation,
    removed: Generation,
}

pub(super) struct Member {
    pub(super) person: Person,
    /// The index entries of the person's templates.
    pub(super) entries: Vec<EntryId>,
}

/// The part of [`Known`] that a search remembers from its beginning.
struct Start {
    generation: Generation,
    roster: Option<EntrySet>,
}

impl View {
    pub(super) fn new(store: &dyn TemplateStore, index: Box<dyn VectorIndex>) -> Result<Self> {
        const BATCH: usize = 1024;
        let mut known = Known::new();
        for person in store.people()? {
            known.people.insert(person.id.clone(), Member::new(person));
        }
        let mut batch = Vec::with_capacity(BATCH);
        store.templates(&mut |template| {
            if template.embedding.space() == index.space() {
                if let Some(member) = known.people.get_mut(&template.person) {
                    let entry = EntryId(known.next);
                    known.next += 1;
                    member.entries.push(entry);
                    known.owners.insert(entry, (template.person, template.id));
                    batch.push((entry, template.embedding));
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

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds templates of `person`, who may be new or have a new name.
    pub(super) fn add(&self, person: &Person, templates: &[(TemplateId, Embedding)]) -> Result<()> {
        let first = self.known().next;
        let entries: Vec<_> = (first..)
            .map(EntryId)
            .zip(templates.iter().map(|(_, embedding)| embedding.clone()))
            .collect();
        self.index.insert(&entries)?;
        self.known_mut()
            .add(person, templates.iter().map(|&(id, _)| id));
        Ok(())
    }

    /// Removes people with their templates.
    pub(super) fn forget(&self, people: &[&PersonId]) -> Result<()> {
        let entries = self.known_mut().forget(people);
        self.index.remove(&entries)?;
        Ok(())
    }

    /// The number of templates that a search compares with.
    pub(super) fn searched(&self, roster: Option<&Roster>) -> usize {
        let known = self.known();
        match roster {
            Some(roster) => known.entries_of(roster).len(),
            None => known.owners.len(),
        }
    }

    /// The `k` nearest people, each by the nearest of their templates.
    pub(super) fn nearest(
        &self,
        probe: &Embedding,
        k: usize,
        roster: Option<&Roster>,
    ) -> Result<Vec<Neighbor>> {
        let mut entries = k;
        loop {
            let start = self.known().start(roster);
            let mut options = SearchOptions::new(entries);
            options.entries = start.roster.as_ref();
            let found = self.index.search(probe, &options)?;
            let all_found = found.len() < entries;

            let known = self.known();
            let mut left_out = false;
            let mut nearest: Vec<Neighbor> = Vec::with_capacity(k.min(found.len()));
            for entry in found {
                let Some((member, template)) = known.owner(entry.entry) else {
                    left_out = true;
                    continue;
                };
                if nearest.len() < k && nearest.iter().all(|other| other.person != member.person.id)
                {
                    nearest.push(Neighbor {
                        person: member.person.id.clone(),
                        name: member.person.name.clone(),
                        template,
                        score: entry.score,
                    });
                }
            }
            if known.mixes_states(&start, roster, left_out) {
                continue;
            }
            if nearest.len() == k || all_found {
                return Ok(nearest);
            }
            // The nearest entries belong to few people: search further.
            entries = entries.saturating_mul(4);
        }
    }
}

impl Known {
    fn new() -> Self {
        let generation = Generation::next();
        Self {
            people: BTreeMap::new(),
            owners: HashMap::new(),
            next: 0,
            generation,
            added: generation,
            removed: generation,
        }
    }

    fn add(&mut self, person: &Person, templates: impl Iterator<Item = TemplateId>) {
        let first = self.next;
        for template in templates {
            let owner = (person.id.clone(), template);
            self.owners.insert(EntryId(self.next), owner);
            self.next += 1;
        }
        let member = self.people.entry(person.id.clone());
        let member = member.or_insert_with(|| Member::new(person.clone()));
        member.person = person.clone();
        member.entries.extend((first..self.next).map(EntryId));
        self.generation = Generation::next();
        self.added = self.generation;
    }

    /// Returns the entries of those who were known.
    fn forget(&mut self, people: &[&PersonId]) -> Vec<EntryId> {
        let mut entries = Vec::new();
        for &id in people {
            if let Some(member) = self.people.remove(id) {
                entries.extend(member.entries);
            }
        }
        for entry in &entries {
            self.owners.remove(entry);
        }
        self.generation = Generation::next();
        self.removed = self.generation;
        entries
    }

    fn owner(&self, entry: EntryId) -> Option<(&Member, TemplateId)> {
        let (person, template) = self.owners.get(&entry)?;
        Some((self.people.get(person)?, *template))
    }

    fn entries_of(&self, roster: &Roster) -> EntrySet {
        roster.resolve(self.generation, |people| {
            let members = people.iter().filter_map(|id| self.people.get(id));
            members
                .flat_map(|member| member.entries.iter().copied())
                .collect()
        })
    }

    fn start(&self, roster: Option<&Roster>) -> Start {
        Start {
            generation: self.generation,
            roster: roster.map(|roster| self.entries_of(roster)),
        }
    }

    /// Returns true if a search since `start` may lack both people who were added and people who were removed meanwhile. If the addition
    /// came first, no state of the gallery ever lacked both, so the search is repeated. `left_out` says that the search found
    /// templates of nobody who is known now.
    fn mixes_states(&self, start: &Start, roster: Option<&Roster>, left_out: bool) -> bool {
        if self.added <= start.generation || self.removed <= start.generation {
            return false;
        }
        match (roster, &start.roster) {
            (Some(roster), Some(before)) => {
                let now = self.entries_of(roster);
                before.iter().any(|entry| !now.contains(entry))
                    && now.iter().any(|entry| !before.contains(entry))
            }
            // Without a roster the index answers from one state, in which all changes but the last are known. Templates are
            // missing only if they were left out here.
            _ => left_out,
        }
    }
}

impl Member {
    fn new(person: Person) -> Self {
        Self {
            person,
            entries: Vec::new(),
        }
    }
}
