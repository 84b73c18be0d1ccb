use std::{collections::BTreeMap, thread, time::Duration};

use redb::DatabaseError;

use super::{
    FileStore, fault, guarded,
    header::damaged,
    records::{CROPS, KEYS, PEOPLE, Spaces, TEMPLATES},
};
use crate::{EmbeddingSpace, Error, Result, Watch};

/// What [`FileStore::check`] found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// People whose records open.
    pub people: usize,
    /// Templates whose records open, by space, in the order in which the spaces came into the gallery.
    pub templates: Vec<(EmbeddingSpace, usize)>,
    /// Crops whose records open.
    pub crops: usize,
    /// What is wrong, a line for each damaged record.
    pub damage: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }
}

impl FileStore {
    /// Reads everything: verifies the checksums of all pages and opens every record.
    ///
    /// Waits for visits that are under way ([`templates`](crate::TemplateStore::templates),
    /// [`crops`](crate::TemplateStore::crops), backups and the like), so it must not be called from one. Changes wait
    /// while pages are verified.
    ///
    /// # Errors
    ///
    /// [`Error::GalleryDamaged`] where the file does not hold together, so that records cannot even be found;
    /// [`Error::Store`] where reading fails; [`Error::Cancelled`].
    ///
    /// ```
    /// use facekit::{FileStore, Protection, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("test.gallery");
    ///
    /// let store = FileStore::create(&path, &Protection::None)?;
    /// let report = store.check(Watch::new())?;
    /// assert!(report.is_clean());
    /// assert_eq!(report.people, 0);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn check(&self, watch: Watch<'_>) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        while !self.check_pages(&mut report)? {
            watch.report(0, None)?;
            thread::sleep(Duration::from_millis(5));
        }
        let snapshot = self.snapshot()?;
        let mut total = 0;
        for records in [PEOPLE, TEMPLATES, CROPS] {
            total += snapshot.count(records)?;
        }
        let mut done = 0;
        let mut step = || {
            done += 1;
            watch.report(done, Some(total))
        };

        let mut owners = BTreeMap::new();
        snapshot.scan(PEOPLE, &mut |number, record| {
            if let Some(owner) = note(&mut report.damage, snapshot.owner(number, record))? {
                owners.insert(number, owner);
            }
            step()
        })?;
        report.people = owners.len();
        if snapshot.count(KEYS)? != snapshot.count(PEOPLE)? {
            report
                .damage
                .push("people and keys differ in number".to_owned());
        }

        let mut spaces = Spaces::default();
        let mut owned = BTreeMap::<u64, Vec<u64>>::new();
        snapshot.scan(TEMPLATES, &mut |number, record| {
            let opened = snapshot.template(number, record, &owners, &mut spaces);
            if let Some((person, template)) = note(&mut report.damage, opened)? {
                owned.entry(person).or_default().push(number);
                let space = template.embedding.space();
                match report
                    .templates
                    .iter_mut()
                    .find(|(known, _)| known == space)
                {
                    Some((_, count)) => *count += 1,
                    None => report.templates.push((space.clone(), 1)),
                }
            }
            step()
        })?;
        for &person in owners.keys() {
            if snapshot.owned(person)? != owned.remove(&person).unwrap_or_default() {
                report.damage.push(format!(
                    "person record {person} does not list the templates that there are"
                ));
            }
        }

        snapshot.scan(CROPS, &mut |number, record| {
            let opened = snapshot.crop(number, record, &owners);
            report.crops += usize::from(note(&mut report.damage, opened)?.is_some());
            step()
        })?;
        Ok(report)
    }

    /// Has the database check its own pages. `false` where a visit keeps it from doing so.
    fn check_pages(&self, report: &mut CheckReport) -> Result<bool> {
        let mut state = if self.read_only {
            self.state()
        } else {
            self.writable()?
        };
        let mut busy = false;
        let checked = guarded(&self.path, || match state.database.check_integrity() {
            Err(DatabaseError::TransactionInProgress) => {
                busy = true;
                Ok(true)
            }
            checked => checked.map_err(fault(&self.path, "checking")),
        });
        // A failed check leaves the database unfit for changes.
        state.broken |= checked.is_err();
        if !checked? {
            let repaired = if self.read_only {
                "the list of free pages is wrong"
            } else {
                "the list of free pages was wrong; it has been repaired"
            };
            report.damage.push(repaired.to_owned());
        }
        if busy {
            return Ok(false);
        }
        if !self.read_only
            && state.people.len() as u64
                != super::Snapshot::new(&state.database, &state.root, &self.path)?.count(PEOPLE)?
        {
            return Err(damaged(&self.path, "it no longer holds the people it held"));
        }
        Ok(true)
    }
}

/// Takes down what is wrong with a single record and goes on.
fn note<T>(damage: &mut Vec<String>, opened: Result<T>) -> Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Error::GalleryDamaged { reason, .. }) => {
            damage.push(reason);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
