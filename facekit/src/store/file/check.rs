//! The check of a whole gallery file.

use std::{thread, time::Duration};

use redb::DatabaseError;

use super::{
    records::PEOPLE,
    snapshot::Snapshot,
    store::{Broken, FileStore},
    survey::Found,
};
use crate::{
    embed::EmbeddingSpace,
    error::Result,
    progress::Watch,
    sealed_file::{
        damage::{Damage, damaged},
        database::{fault, guarded},
    },
};

/// The records that [`FileStore::check`] could open, or that [`FileStore::salvage`] copied, and the damage.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// People whose records open.
    pub people: usize,
    /// Templates whose records open, by space, in the order in which the spaces came into the gallery.
    pub templates: Vec<(EmbeddingSpace, usize)>,
    /// Crops whose records open.
    pub crops: usize,
    /// A line for each fault: damaged records by kind and number, and damaged pages.
    pub damage: Vec<String>,
}

impl CheckReport {
    /// True if there is no damage.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    pub(super) fn count(&mut self, found: &Found<'_>) {
        match found {
            Found::Person(_) => self.people += 1,
            Found::Template(_, space) => {
                match self.templates.iter_mut().find(|(known, _)| known == space) {
                    Some((_, count)) => *count += 1,
                    None => self.templates.push((space.clone(), 1)),
                }
            }
            Found::Crop => self.crops += 1,
        }
    }
}

impl FileStore {
    /// Opens every record and verifies the checksums of all pages.
    ///
    /// Waits until running visits have ended ([`templates`](crate::TemplateStore::templates),
    /// [`crops`](crate::TemplateStore::crops), backups and exports), so it must not be called from one. Changes wait
    /// while pages are verified.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if reading fails; [`Error::Cancelled`](crate::Error::Cancelled). Damage is no
    /// error: it is in the report, beside the records that can still be read. After damaged pages were found, the store
    /// refuses changes.
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
        let damage = Damage::tolerated();
        let mut done = 0;
        // Before the pages: a check that finds damaged pages leaves the database in a state in which reads may fail.
        self.snapshot()?.survey(
            &damage,
            &mut |total| {
                done += 1;
                watch.report(done, Some(total.max(done)))
            },
            &mut |_, _, found| {
                report.count(&found);
                Ok(())
            },
        )?;
        while damage.tolerate(self.check_pages(&damage))? == Some(false) {
            watch.report(done, Some(done))?;
            thread::sleep(Duration::from_millis(5));
        }
        report.damage = damage.into_lines();
        Ok(report)
    }

    /// Lets the database check its own pages. `false` if a running visit prevents it.
    fn check_pages(&self, damage: &Damage) -> Result<bool> {
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
        if checked.is_err() {
            state.broken = Some(Broken::Pages);
        }
        if !checked? {
            let what = if self.read_only {
                "the list of free pages is wrong"
            } else {
                "the list of free pages was wrong; it has been repaired"
            };
            damage.tolerate(Err::<(), _>(damaged(&self.path, what)))?;
        }
        if busy {
            return Ok(false);
        }
        let count = Snapshot::new(&state.database, &state.root, &self.path)?.count(PEOPLE)?;
        if !self.read_only && state.people.len() as u64 != count {
            return Err(damaged(&self.path, "it no longer holds the people it held"));
        }
        Ok(true)
    }
}
