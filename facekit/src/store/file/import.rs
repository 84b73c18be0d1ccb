//! People of another gallery, added to this one.

use std::collections::HashSet;

use super::{snapshot::Snapshot, store::FileStore, writer::Writer};
use crate::{
    embed::Embedding,
    error::Result,
    person::{Person, PersonId},
    progress::Watch,
    sealed_file::{database::guarded, template::Spaces},
    store::{NewTemplate, Origin},
};

/// Options of an import, about people whose id is in the gallery already.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The cosine from which on two templates of one embedding space count as the same person's. `None` by default: then
    /// only equal templates do.
    pub resemblance: Option<f32>,
    /// The treatment of people who may not be the people of that id in this gallery.
    pub on_conflict: OnConflict,
}

impl ImportOptions {
    /// Sets [`resemblance`](Self::resemblance).
    #[must_use]
    pub fn with_resemblance(mut self, cosine: f32) -> Self {
        self.resemblance = Some(cosine);
        self
    }

    /// Sets [`on_conflict`](Self::on_conflict).
    #[must_use]
    pub fn with_on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }
}

/// The treatment of an [`ImportConflict`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Leaves the other gallery's person out.
    #[default]
    Skip,
    /// Merges the two. For callers who know that ids mean the same people in both galleries.
    Merge,
}

/// An id that may belong to two different people in the two galleries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportConflict {
    /// The id in both galleries.
    pub id: PersonId,
    /// The name in this gallery.
    pub our_name: Option<String>,
    /// The name in the other gallery.
    pub their_name: Option<String>,
    /// The highest cosine of a template in the other gallery to one in this gallery; `None` if no two are of one embedding
    /// space.
    pub similarity: Option<f32>,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImportReport {
    /// People who were not in the gallery before.
    pub people_added: usize,
    /// People who were in the gallery before and were merged. Their id, name and time of enrollment did not change.
    pub people_known: usize,
    /// Templates that were not in the gallery before.
    pub templates_added: usize,
    /// Templates that the person had already: the same values or the same origin in the same space. They are not stored twice.
    pub templates_known: usize,
    /// Ids that may belong to two different people, in rising order of the person's number in the other gallery. These
    /// people were left out, or merged with [`OnConflict::Merge`].
    pub conflicts: Vec<ImportConflict>,
}

impl FileStore {
    /// Adds all people of another gallery, with their templates and crops, in one step.
    ///
    /// - A person whose id is not in this gallery is added with all templates, equal ones included.
    /// - A person whose id is in this gallery keeps name and time of enrollment, and gains the templates that are new, if
    ///   both are the same person: the names are equal or one is missing, and a template of the other gallery equals one of
    ///   this gallery or reaches [`ImportOptions::resemblance`] to it. For a person without templates in the other
    ///   gallery, only the names count.
    /// - Every other person of a known id is in [`ImportReport::conflicts`], and is treated as
    ///   [`ImportOptions::on_conflict`] says.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) and [`Error::FileDamaged`](crate::Error::FileDamaged) if either file
    /// fails, [`Error::Cancelled`](crate::Error::Cancelled). Nothing has changed then.
    ///
    /// ```
    /// use facekit::{FileStore, ImportOptions, Person, PersonId, Protection, TemplateStore, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    ///
    /// let day = FileStore::create(folder.path().join("day.gallery"), &Protection::None)?;
    /// let night = FileStore::create(folder.path().join("night.gallery"), &Protection::None)?;
    /// night.put(&Person::new(PersonId::new("bert")?, jiff::Timestamp::UNIX_EPOCH), &[])?;
    /// let options = ImportOptions::default();
    /// assert_eq!(day.import(&night, &options, Watch::new())?.people_added, 1);
    /// assert_eq!(day.import(&night, &options, Watch::new())?.people_added, 0);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn import(
        &self,
        from: &Self,
        options: &ImportOptions,
        watch: Watch<'_>,
    ) -> Result<ImportReport> {
        // Before this gallery is locked, so that two galleries can import each other, or one itself.
        let theirs = from.snapshot()?;
        let their_people = theirs.owners()?;
        let total = their_people.len() as u64;
        let mut spaces = Spaces::default();
        let mut report = ImportReport::default();
        let mut added = Vec::new();
        let mut state = self.begin_change()?;
        let ours = Snapshot::new(&state.database, &state.root, &self.path)?;
        let our_people = ours.owners()?;
        let writer = guarded(&self.path, || {
            let writer = Writer::new(&state.database, &self.path)?;
            for (done, (&number, owner)) in (1..).zip(&their_people) {
                let mut templates = theirs.templates_of(number, &their_people, &mut spaces)?;
                let theirs = &owner.person;
                if let Some(&known) = state.people.get(&theirs.id) {
                    let ours_of = ours.templates_of(known, &our_people, &mut spaces)?;
                    let ours = &our_people[&known].person;
                    let conflict = conflict((ours, &ours_of), (theirs, &templates), options);
                    let skipped = conflict.is_some() && options.on_conflict == OnConflict::Skip;
                    report.conflicts.extend(conflict);
                    if !skipped {
                        let found = templates.len();
                        let have: HashSet<_> =
                            ours_of.iter().map(|one| identity(&one.embedding)).collect();
                        let origins: HashSet<_> = ours_of.iter().filter_map(Origin::of).collect();
                        templates.retain(|one| {
                            let known = Origin::of(one).is_some_and(|one| origins.contains(&one));
                            !known && !have.contains(&identity(&one.embedding))
                        });
                        report.people_known += 1;
                        report.templates_added += templates.len();
                        report.templates_known += found - templates.len();
                        if !templates.is_empty() {
                            writer.put(&state.root, Some(known), ours, &templates)?;
                        }
                    }
                } else {
                    report.people_added += 1;
                    report.templates_added += templates.len();
                    let (number, _) = writer.put(&state.root, None, theirs, &templates)?;
                    added.push((theirs.id.clone(), number));
                }
                watch.report(done, Some(total))?;
            }
            Ok(writer)
        })?;
        self.commit(&mut state, writer)?;
        state.people.extend(added);
        Ok(report)
    }
}

/// The conflict between two people of one id, if they may not be the same person.
fn conflict(
    (ours, our_templates): (&Person, &[NewTemplate]),
    (theirs, their_templates): (&Person, &[NewTemplate]),
    options: &ImportOptions,
) -> Option<ImportConflict> {
    let pairs = || {
        let theirs = their_templates.iter().map(|one| &one.embedding);
        theirs.flat_map(|theirs| {
            let ours = our_templates.iter().map(|one| &one.embedding);
            ours.map(move |ours| (ours, theirs))
        })
    };
    // Two embeddings of different spaces have no cosine.
    let similarity = pairs()
        .filter_map(|(ours, theirs)| ours.cosine(theirs).ok())
        .max_by(f32::total_cmp);
    let named_alike = match (&ours.name, &theirs.name) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    let resembles = || {
        let asked = options.resemblance.zip(similarity);
        asked.is_some_and(|(asked, similarity)| similarity >= asked)
    };
    let same = || pairs().any(|(ours, theirs)| identity(ours) == identity(theirs));
    if named_alike && (their_templates.is_empty() || resembles() || same()) {
        return None;
    }
    Some(ImportConflict {
        id: ours.id.clone(),
        our_name: ours.name.clone(),
        their_name: theirs.name.clone(),
        similarity,
    })
}

/// Equal for two templates that hold the same values in the same space.
fn identity(embedding: &Embedding) -> ([u8; 32], Vec<u32>) {
    let values = embedding.values().iter().map(|value| value.to_bits());
    (
        *embedding.space().fingerprint().as_bytes(),
        values.collect(),
    )
}
