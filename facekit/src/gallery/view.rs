use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Fusion, Neighbor, Roster, fusion::PersonMean};
use crate::{
    embed::Embedding,
    error::Result,
    index::{EntryId, EntrySet, Generation, SearchOptions, VectorIndex},
    person::{Person, PersonId},
    store::{Template, TemplateId, TemplateStore},
};

/// The number of entries that are inserted at a time when a gallery is opened.
const BATCH: usize = 1024;

/// A store's people, and the index entries of their templates of one embedding space, in memory.
///
/// Searches never wait for a change of the index. A change of the index happens outside of the lock of `known`, which is
/// held for a few look-ups only:
///
/// - `set` first inserts into the index and then makes the entries known. A search that finds an entry which is not known
///   yet leaves it out.
/// - `forget` first makes people unknown and then removes them from the index. A search that still finds their entries
///   leaves them out.
///
/// So the index always holds at least the entries that are known. Changes do not overlap: their caller holds a lock.
///
/// A new mean keeps the id of its entry, and the index replaces its embedding in one step. A search during this change has
/// the score of one of the two means, and may state the number of photos of the other.
pub(super) struct View {
    pub(super) index: Box<dyn VectorIndex>,
    pub(super) fusion: Fusion,
    known: RwLock<Known>,
}

/// Everybody in the store. Searches take names and owners of entries from here.
pub(super) struct Known {
    pub(super) people: BTreeMap<PersonId, Member>,
    /// The person of each entry of the index.
    owners: HashMap<EntryId, PersonId>,
    /// The next id to give.
    next: u64,
    /// The state of `owners`.
    generation: Generation,
    added: Generation,
    removed: Generation,
}

pub(super) struct Member {
    pub(super) person: Person,
    /// The number of templates of the index's space.
    pub(super) templates: usize,
    /// In rising order of id.
    entries: Vec<Entry>,
}

/// An entry of the index.
#[derive(Clone, Copy)]
struct Entry {
    id: EntryId,
    /// The template; `None` for a mean.
    template: Option<TemplateId>,
    photos: usize,
    mirrored: bool,
}

/// The part of [`Known`] that a search remembers from its beginning.
struct Start {
    generation: Generation,
    roster: Option<EntrySet>,
}

/// A view that is being filled with the templates of a store.
pub(super) struct Filling {
    index: Box<dyn VectorIndex>,
    fusion: Fusion,
    known: Known,
    means: BTreeMap<PersonId, PersonMean>,
    batch: Vec<(EntryId, Embedding)>,
}

impl Filling {
    pub(super) fn new(people: Vec<Person>, index: Box<dyn VectorIndex>, fusion: Fusion) -> Self {
        let mut known = Known::new();
        for person in people {
            known.people.insert(person.id.clone(), Member::new(person));
        }
        Self {
            index,
            fusion,
            known,
            means: BTreeMap::new(),
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// Takes a template of any space and of anybody. The templates of a person come in rising order of id.
    pub(super) fn push(&mut self, template: Template) -> Result<()> {
        let Some(member) = self.known.people.get_mut(&template.person) else {
            return Ok(());
        };
        if template.embedding.space() != self.index.space() {
            return Ok(());
        }
        member.templates += 1;
        match self.fusion {
            Fusion::Mean => match self.means.get_mut(&template.person) {
                Some(mean) => mean.add(&template),
                None => {
                    let mean = PersonMean::new(&template);
                    self.means.insert(template.person, mean);
                    Ok(())
                }
            },
            Fusion::Nearest => {
                let entry = Entry::of(&template, self.known.next);
                self.known.enter(&template.person, entry);
                self.batch.push((entry.id, template.embedding));
                insert_full(&*self.index, &mut self.batch)
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<View> {
        for (person, mean) in self.means {
            let entry = Entry::mean(&mean, self.known.next);
            self.known.enter(&person, entry);
            self.batch.push((entry.id, mean.embedding()?));
            insert_full(&*self.index, &mut self.batch)?;
        }
        self.index.insert(&self.batch)?;
        Ok(View {
            index: self.index,
            fusion: self.fusion,
            known: RwLock::new(self.known),
        })
    }
}

impl View {
    pub(super) fn new(
        store: &dyn TemplateStore,
        index: Box<dyn VectorIndex>,
        fusion: Fusion,
    ) -> Result<Self> {
        let mut filling = Filling::new(store.people()?, index, fusion);
        store.templates(&mut |template| filling.push(template))?;
        filling.finish()
    }

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `templates` the templates of `person`. They are all that the store has in the index's space, in rising order of
    /// id.
    pub(super) fn set(&self, person: &Person, templates: &[Template]) -> Result<()> {
        let (before, next) = {
            let known = self.known();
            let member = known.people.get(&person.id);
            let before = member.map(|member| member.entries.clone());
            (before.unwrap_or_default(), known.next)
        };
        let (after, inserted) = match self.fusion {
            Fusion::Mean => mean_entry(&before, templates, next)?,
            Fusion::Nearest => template_entries(&before, templates, next),
        };
        self.index.insert(&inserted)?;
        let gone = self.known_mut().set(person, templates.len(), after);
        self.index.remove(&gone)?;
        Ok(())
    }

    /// Removes people with their entries.
    pub(super) fn forget(&self, people: &[&PersonId]) -> Result<()> {
        let entries = self.known_mut().forget(people);
        self.index.remove(&entries)?;
        Ok(())
    }

    /// Returns true if the person has a template of the index's space.
    pub(super) fn is_searchable(&self, person: &PersonId) -> bool {
        let known = self.known();
        known
            .people
            .get(person)
            .is_some_and(|member| member.templates > 0)
    }

    /// The number of entries that a search compares with.
    pub(super) fn searched(&self, roster: Option<&Roster>) -> usize {
        let known = self.known();
        match roster {
            Some(roster) => known.entries_of(roster).len(),
            None => known.owners.len(),
        }
    }

    /// The `k` nearest people, each by the nearest of their entries.
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
            for scored in found {
                let Some((member, entry)) = known.owner(scored.entry) else {
                    left_out = true;
                    continue;
                };
                if nearest.len() < k && nearest.iter().all(|other| other.person != member.person.id)
                {
                    nearest.push(Neighbor {
                        person: member.person.id.clone(),
                        name: member.person.name.clone(),
                        template: entry.template,
                        score: scored.score,
                        photos: entry.photos,
                        mirrored: entry.mirrored,
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

    /// Adds a new entry of a person who is known.
    fn enter(&mut self, person: &PersonId, entry: Entry) {
        if let Some(member) = self.people.get_mut(person) {
            member.entries.push(entry);
            self.owners.insert(entry.id, person.clone());
            self.next = self.next.max(entry.id.0 + 1);
        }
    }

    fn put_person(&mut self, person: &Person) -> &mut Member {
        let member = self.people.entry(person.id.clone());
        let member = member.or_insert_with(|| Member::new(person.clone()));
        member.person = person.clone();
        member
    }

    /// Makes `entries` the entries of a person. Returns those that the person has no more.
    fn set(&mut self, person: &Person, templates: usize, entries: Vec<Entry>) -> Vec<EntryId> {
        let member = self.put_person(person);
        member.templates = templates;
        let mut gone: Vec<EntryId> = member.entries.drain(..).map(|entry| entry.id).collect();
        let kept = gone.len();
        gone.retain(|id| entries.iter().all(|entry| entry.id != *id));
        let kept = kept - gone.len();
        let any_new = entries.len() > kept;
        for entry in entries {
            self.enter(&person.id, entry);
        }
        for id in &gone {
            self.owners.remove(id);
        }
        if any_new || !gone.is_empty() {
            self.generation = Generation::next();
        }
        if any_new {
            self.added = self.generation;
        }
        if !gone.is_empty() {
            self.removed = self.generation;
        }
        gone
    }

    /// Returns the entries of those who were known.
    fn forget(&mut self, people: &[&PersonId]) -> Vec<EntryId> {
        let mut entries = Vec::new();
        for &id in people {
            if let Some(member) = self.people.remove(id) {
                entries.extend(member.entries.iter().map(|entry| entry.id));
            }
        }
        if entries.is_empty() {
            return entries;
        }
        for entry in &entries {
            self.owners.remove(entry);
        }
        self.generation = Generation::next();
        self.removed = self.generation;
        entries
    }

    fn owner(&self, id: EntryId) -> Option<(&Member, &Entry)> {
        let member = self.people.get(self.owners.get(&id)?)?;
        let at = member.entries.binary_search_by_key(&id, |entry| entry.id);
        Some((member, &member.entries[at.ok()?]))
    }

    fn entries_of(&self, roster: &Roster) -> EntrySet {
        roster.resolve(self.generation, |people| {
            let members = people.iter().filter_map(|id| self.people.get(id));
            members
                .flat_map(|member| member.entries.iter().map(|entry| entry.id))
                .collect()
        })
    }

    fn start(&self, roster: Option<&Roster>) -> Start {
        Start {
            generation: self.generation,
            roster: roster.map(|roster| self.entries_of(roster)),
        }
    }

    /// Returns true if a search since `start` may lack both people who were added and people who were removed meanwhile. If the
    /// addition came first, no state of the gallery ever lacked both, so the search is repeated. `left_out` says that the search
    /// found entries of nobody who is known now.
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
            // Without a roster the index answers from one state, in which all changes but the last are known. Entries are
            // missing only if they were left out here.
            _ => left_out,
        }
    }
}

impl Member {
    fn new(person: Person) -> Self {
        Self {
            person,
            templates: 0,
            entries: Vec::new(),
        }
    }
}

impl Entry {
    fn of(template: &Template, id: u64) -> Self {
        Self {
            id: EntryId(id),
            template: Some(template.id),
            photos: 1,
            mirrored: template.embedding.is_mirrored(),
        }
    }

    fn mean(mean: &PersonMean, id: u64) -> Self {
        Self {
            id: EntryId(id),
            template: None,
            photos: mean.photos,
            mirrored: mean.mirrored,
        }
    }
}

/// A person's entries after a change, and the embeddings to insert for it.
type Changed = (Vec<Entry>, Vec<(EntryId, Embedding)>);

/// The entry of the mean of `templates`. It keeps its id.
fn mean_entry(before: &[Entry], templates: &[Template], next: u64) -> Result<Changed> {
    let Some((first, others)) = templates.split_first() else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut mean = PersonMean::new(first);
    others.iter().try_for_each(|other| mean.add(other))?;
    let id = before.first().map_or(next, |entry| entry.id.0);
    let entry = Entry::mean(&mean, id);
    Ok((vec![entry], vec![(entry.id, mean.embedding()?)]))
}

/// The entries of `templates`, one each. Entries of templates that stay are kept.
fn template_entries(before: &[Entry], templates: &[Template], next: u64) -> Changed {
    let kept = |entry: &&Entry| {
        let same = |template: &Template| Some(template.id) == entry.template;
        templates.iter().any(same)
    };
    let mut after: Vec<Entry> = before.iter().filter(kept).copied().collect();
    let mut inserted = Vec::new();
    for template in templates {
        if after
            .iter()
            .all(|entry| entry.template != Some(template.id))
        {
            let entry = Entry::of(template, next + inserted.len() as u64);
            after.push(entry);
            inserted.push((entry.id, template.embedding.clone()));
        }
    }
    (after, inserted)
}

/// Inserts a batch that is full, and empties it.
fn insert_full(index: &dyn VectorIndex, batch: &mut Vec<(EntryId, Embedding)>) -> Result<()> {
    if batch.len() == BATCH {
        index.insert(batch)?;
        batch.clear();
    }
    Ok(())
}
