//! Galleries made from a gallery: backups, exports, and copies of the readable part of a damaged one.

use std::{collections::BTreeSet, path::Path};

use super::{
    check::CheckReport, records::GALLERY, snapshot::Snapshot, store::FileStore, writer::Writer,
};
use crate::{
    error::{Error, Result},
    person::PersonId,
    progress::Watch,
    sealed_file::{
        damage::Damage, database::guarded, key::Protection, seal::SecretKey, template::Spaces,
        unpublished::Unpublished, wrapping::Wrapping,
    },
};

impl FileStore {
    /// Writes a copy of the gallery at this moment, under the same key and in the same format, and syncs it. Every record is
    /// opened for this. The store can be used at the same time. The copy gets its name when it is complete.
    ///
    /// People who are removed from this gallery later stay in the copy.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if `to` exists or cannot be written, [`Error::Store`] if writing fails, [`Error::FileDamaged`]
    /// with the record that does not open (see [`salvage`](Self::salvage)), [`Error::Cancelled`]. There is no file `to`
    /// then. A crash may leave a hidden file whose name begins with that of `to` and ends in `.partial`. The next attempt
    /// removes it, as does opening a gallery of that name for changes.
    ///
    /// ```
    /// use facekit::{FileStore, Protection, TemplateStore, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("staff.gallery"), folder.path().join("staff.backup"));
    ///
    /// let store = FileStore::create(&path, &Protection::None)?;
    /// store.backup(&copy, Watch::new())?;
    /// assert!(FileStore::open(&copy, &Protection::None)?.people()?.is_empty());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn backup(&self, to: impl AsRef<Path>, watch: Watch<'_>) -> Result<()> {
        self.copy(to.as_ref(), Damage::refused(), watch).map(drop)
    }

    /// A [`backup`](Self::backup) of all records that can still be read. The report counts the copied records and names
    /// the damaged ones. A person whose record is damaged is left out with all templates and crops, a damaged template
    /// with its crop, and a damaged crop alone.
    ///
    /// # Errors
    ///
    /// As [`backup`](Self::backup), but damage is not an error unless nothing can be read at all.
    ///
    /// ```
    /// use facekit::{FileStore, Protection, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("staff.gallery"), folder.path().join("staff.salvaged"));
    ///
    /// drop(FileStore::create(&path, &Protection::None)?);
    /// // A damaged gallery may be refused for changes, but not for reading.
    /// let store = FileStore::open_read_only(&path, &Protection::None)?;
    /// let report = store.salvage(&copy, Watch::new())?;
    /// for line in &report.damage {
    ///     println!("lost: {line}");
    /// }
    /// # assert!(report.is_clean());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn salvage(&self, to: impl AsRef<Path>, watch: Watch<'_>) -> Result<CheckReport> {
        self.copy(to.as_ref(), Damage::tolerated(), watch)
    }

    fn copy(&self, to: &Path, damage: Damage, watch: Watch<'_>) -> Result<CheckReport> {
        let (snapshot, wrapping) = {
            let state = self.state();
            let snapshot = Snapshot::new(&state.database, &state.root, &self.path)?;
            (snapshot, state.wrapping.clone())
        };
        let mut report = CheckReport::default();
        let mut done = 0;
        let mut step = |total: u64| {
            done += 1;
            watch.report(done, Some(total.max(done)))
        };
        write_new(to, snapshot.format, wrapping, |writer, root| {
            writer.copy(&snapshot, root, &damage, &mut step, &mut |found| {
                report.count(found);
            })
        })?;
        report.damage = damage.into_lines();
        Ok(report)
    }

    /// Writes people, with their templates and crops, to a new gallery under a protection of its own: the named people, or
    /// with `None` all. No key of this gallery opens the new one, and no key of the new one opens this one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPerson`], and as [`backup`](Self::backup).
    ///
    /// ```
    /// use facekit::{FileStore, Person, PersonId, Protection, TemplateStore, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, other) = (folder.path().join("staff.gallery"), folder.path().join("night.gallery"));
    ///
    /// let store = FileStore::create(&path, &Protection::None)?;
    /// for id in ["anna", "bert"] {
    ///     store.put(&Person::new(PersonId::new(id)?, jiff::Timestamp::UNIX_EPOCH), &[])?;
    /// }
    /// store.export(Some(&[PersonId::new("bert")?]), &other, &Protection::None, Watch::new())?;
    /// assert_eq!(FileStore::open(&other, &Protection::None)?.people()?.len(), 1);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn export(
        &self,
        people: Option<&[PersonId]>,
        to: impl AsRef<Path>,
        protection: &Protection,
        watch: Watch<'_>,
    ) -> Result<()> {
        let snapshot = self.snapshot()?;
        let owners = snapshot.owners()?;
        let mut wanted: Option<BTreeSet<&PersonId>> = people.map(|people| people.iter().collect());
        let chosen: Vec<_> = owners
            .iter()
            .filter(|(_, owner)| {
                wanted
                    .as_mut()
                    .is_none_or(|wanted| wanted.remove(&owner.person.id))
            })
            .collect();
        if let Some(unknown) = wanted.and_then(|mut wanted| wanted.pop_first()) {
            return Err(Error::UnknownPerson {
                id: unknown.to_string(),
            });
        }
        let mut spaces = Spaces::default();
        let wrapping = Wrapping::new(protection)?;
        write_new(to.as_ref(), GALLERY.newest, wrapping, |writer, root| {
            for (done, &(&number, owner)) in (1..).zip(&chosen) {
                let templates = snapshot.templates_of(number, &owners, &mut spaces)?;
                writer.put(root, None, &owner.person, &templates)?;
                watch.report(done, Some(chosen.len() as u64))?;
            }
            Ok(())
        })
    }
}

/// Creates a gallery at a temporary name, fills it, closes it and gives it the name `path`.
fn write_new(
    path: &Path,
    format: u32,
    wrapping: Wrapping,
    fill: impl FnOnce(&Writer<'_>, &SecretKey) -> Result<()>,
) -> Result<()> {
    let new = Unpublished::new(path)?;
    let root = SecretKey::random()?;
    let store = FileStore::create_on(new.disk(), path, format, wrapping, root)?;
    {
        let mut state = store.state();
        let writer = guarded(path, || {
            let writer = Writer::new(&state.database, path)?;
            fill(&writer, &state.root)?;
            Ok(writer)
        })?;
        store.commit(&mut state, writer)?;
    }
    drop(store);
    new.publish()
}
