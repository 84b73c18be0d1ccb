use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Neighbor, Roster};
use crate::{
    embed::Embedding,
    error::Result,
    index::{Generation, SearchOptions, TemplateId, TemplateSet, VectorIndex},
    person::{Person, PersonId},
    store::{Template, TemplateStore},
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
    owners: HashMap<TemplateId, PersonId>,
    /// The state of `owners`.
    generation: Generation,
    added: Generation,
    removed: Generation,
}

pub(super) struct Member {
    pub(super) person: Person,
    /// The templates of the index's space.
    pub(super) templates: Vec<TemplateId>,
}

/// The part of [`Known`] that a search remembers from its beginning.
struct Start {
    generation: Generation,
    roster: Option<TemplateSet>,
}

/// A view that is being filled with the templates of a store.
pub(super) struct Filling {
    index: Box<dyn VectorIndex>,
    known: Known,
    batch: Vec<(TemplateId, Embedding)>,
}

impl Filling {
    pub(super) fn new(people: Vec<Person>, index: Box<dyn VectorIndex>) -> Self {
        let mut known = Known::new();
        for person in people {
            known.people.insert(person.id.clone(), Member::new(person));
        }
        Self {
            index,
            known,
            batch: Vec::new(),
        }
    }

    /// Takes a template of any space and of anybody.
    pub(super) fn push(&mut self, template: Template) -> Result<()> {
        const BATCH: usize = 1024;
        if template.embedding.space() == self.index.space()
            && let Some(member) = self.known.people.get_mut(&template.person)
        {
            member.templates.push(template.id);
            self.known.owners.insert(template.id, template.person);
            self.batch.push((template.id, template.embedding));
            if self.batch.len() == BATCH {
                self.index.insert(&self.batch)?;
                self.batch.clear();
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<View> {
        self.index.insert(&self.batch)?;
        Ok(View {
            index: self.index,
            known: RwLock::new(self.known),
        })
    }
}

impl View {
    pub(super) fn new(store: &dyn TemplateStore, index: Box<dyn VectorIndex>) -> Result<Self> {
        let mut filling = Filling::new(store.people()?, index);
        store.templates(&mut |template| filling.push(template))?;
        filling.finish()
    }

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds templates of `person`, who may be new or have a new name.
    pub(super) fn add(&self, person: &Person, templates: &[(TemplateId, Embedding)]) -> Result<()> {
        self.index.insert(templates)?;
        self.known_mut()
            .add(person, templates.iter().map(|&(id, _)| id));
        Ok(())
    }

    /// Takes over a person and all the person's templates, of any space, as a store has them.
    pub(super) fn update(&self, person: &Person, templates: &[Template]) -> Result<()> {
        let had: Vec<TemplateId> = self
            .known()
            .people
            .get(&person.id)
            .map_or_else(Vec::new, |member| member.templates.clone());
        let has = |id: TemplateId| templates.iter().any(|template| template.id == id);
        let new: Vec<(TemplateId, Embedding)> = templates
            .iter()
            .filter(|template| template.embedding.space() == self.index.space())
            .filter(|template| !had.contains(&template.id))
            .map(|template| (template.id, template.embedding.clone()))
            .collect();
        // In this order, so that the person can be found all the time.
        self.add(person, &new)?;
        let gone: Vec<TemplateId> = had.into_iter().filter(|&id| !has(id)).collect();
        if !gone.is_empty() {
            self.known_mut().forget_templates(&person.id, &gone);
            self.index.remove(&gone)?;
        }
        Ok(())
    }

    /// The owners of templates of this view's space.
    pub(super) fn owners(&self, templates: &[TemplateId]) -> Vec<PersonId> {
        let known = self.known();
        let owners = templates.iter().filter_map(|id| known.owners.get(id));
        owners.cloned().collect()
    }

    /// Removes people with their templates.
    pub(super) fn forget(&self, people: &[&PersonId]) -> Result<()> {
        let templates = self.known_mut().forget(people);
        self.index.remove(&templates)?;
        Ok(())
    }

    /// The number of templates that a search compares with.
    pub(super) fn searched(&self, roster: Option<&Roster>) -> usize {
        let known = self.known();
        match roster {
            Some(roster) => known.templates_of(roster).len(),
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
        let mut templates = k;
        loop {
            let start = self.known().start(roster);
            let mut options = SearchOptions::new(templates);
            options.templates = start.roster.as_ref();
            let found = self.index.search(probe, &options)?;
            let all_found = found.len() < templates;

            let known = self.known();
            let mut left_out = false;
            let mut nearest: Vec<Neighbor> = Vec::with_capacity(k.min(found.len()));
            for template in found {
                let Some(member) = known.owner(template.template) else {
                    left_out = true;
                    continue;
                };
                if nearest.len() < k && nearest.iter().all(|other| other.person != member.person.id)
                {
                    nearest.push(Neighbor {
                        person: member.person.id.clone(),
                        name: member.person.name.clone(),
                        template: template.template,
                        score: template.score,
                    });
                }
            }
            if known.mixes_states(&start, roster, left_out) {
                continue;
            }
            if nearest.len() == k || all_found {
                return Ok(nearest);
            }
            // The nearest templates belong to few people: search further.
            templates = templates.saturating_mul(4);
        }
    }
}

impl Known {
    fn new() -> Self {
        let generation = Generation::next();
        Self {
            people: BTreeMap::new(),
            owners: HashMap::new(),
            generation,
            added: generation,
            removed: generation,
        }
    }

    fn add(&mut self, person: &Person, templates: impl Iterator<Item = TemplateId> + Clone) {
        self.owners
            .extend(templates.clone().map(|id| (id, person.id.clone())));
        let member = self.people.entry(person.id.clone());
        let member = member.or_insert_with(|| Member::new(person.clone()));
        member.person = person.clone();
        member.templates.extend(templates);
        self.generation = Generation::next();
        self.added = self.generation;
    }

    /// Returns the templates of those who were known.
    fn forget(&mut self, people: &[&PersonId]) -> Vec<TemplateId> {
        let mut templates = Vec::new();
        for &id in people {
            if let Some(member) = self.people.remove(id) {
                templates.extend(member.templates);
            }
        }
        for template in &templates {
            self.owners.remove(template);
        }
        self.generation = Generation::next();
        self.removed = self.generation;
        templates
    }

    fn forget_templates(&mut self, person: &PersonId, templates: &[TemplateId]) {
        if let Some(member) = self.people.get_mut(person) {
            member.templates.retain(|id| !templates.contains(id));
        }
        for template in templates {
            self.owners.remove(template);
        }
        self.generation = Generation::next();
        self.removed = self.generation;
    }

    fn owner(&self, template: TemplateId) -> Option<&Member> {
        self.people.get(self.owners.get(&template)?)
    }

    fn templates_of(&self, roster: &Roster) -> TemplateSet {
        roster.resolve(self.generation, |people| {
            let members = people.iter().filter_map(|id| self.people.get(id));
            members
                .flat_map(|member| member.templates.iter().copied())
                .collect()
        })
    }

    fn start(&self, roster: Option<&Roster>) -> Start {
        Start {
            generation: self.generation,
            roster: roster.map(|roster| self.templates_of(roster)),
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
                let now = self.templates_of(roster);
                before.iter().any(|template| !now.contains(template))
                    && now.iter().any(|template| !before.contains(template))
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
            templates: Vec::new(),
        }
    }
}
