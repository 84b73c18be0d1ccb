//! Galleries made from galleries: backups, exports and imports.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    CheckReport, FileStore, Protection, disk,
    disk::{Disk, LockedFile},
    guarded,
    header::Wrapping,
    records::{Damage, Spaces, Writer},
    seal::SecretKey,
};
use crate::{
    embed::Embedding,
    error::{Error, Result},
    person::{Person, PersonId},
    progress::Watch,
    store::NewTemplate,
};

/// What an import does about people whose id is in the gallery already.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The cosine at which two templates of one embedding space count as the same person's. `None` by default: then
    /// nothing short of the very same template does.
    pub resemblance: Option<f32>,
    /// What becomes of people who are perhaps not the same as ours of that id.
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

/// What an import does with an [`ImportConflict`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Leaves out the other gallery's person.
    #[default]
    Skip,
    /// Merges the two nonetheless: the caller knows that ids mean the same people in both galleries.
    Merge,
}

/// Somebody under an id that may be somebody else's in the other gallery.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportConflict {
    /// The id in both galleries.
    pub id: PersonId,
    /// The name in this gallery.
    pub our_name: Option<String>,
    /// The name in the other gallery.
    pub their_name: Option<String>,
    /// The highest cosine of a template of theirs to one of ours; `None` where no two are of one embedding space.
    pub similarity: Option<f32>,
}

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImportReport {
    /// People who were not in the gallery before.
    pub people_added: usize,
    /// People who were and were merged: their id, name and time of enrolment stay as they were.
    pub people_known: usize,
    /// Templates that were not in the gallery before.
    pub templates_added: usize,
    /// Templates that the person had already, number for number in the same space. They are not stored twice.
    pub templates_known: usize,
    /// People who are perhaps not who has their id here, in rising order of number in the other gallery. They were
    /// left out, or merged where [`OnConflict::Merge`] was asked for.
    pub conflicts: Vec<ImportConflict>,
}

impl FileStore {
    /// Writes a copy of the gallery as it is at this moment, under the same key, and syncs it. Every record is opened on
    /// the way. The store stays in use
    /// meanwhile. The copy appears under its name once it is complete.
    ///
    /// Whom the copy holds, it keeps: removing people from this gallery does not reach it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where `to` exists or cannot be written, [`Error::Store`] where writing fails,
    /// [`Error::GalleryDamaged`] with the record that does not open, for which there is [`salvage`](Self::salvage),
    /// [`Error::Cancelled`]. Nothing stands under the name `to` then. A crash may leave a hidden file of that name that
    /// ends in `.partial`, which the next attempt clears away, as does opening a gallery of that name for changes.
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

    /// A [`backup`](Self::backup) of what can still be read. What was copied and what had to be left out is in the
    /// report: people with everything of theirs, templates with their crops, and crops alone.
    ///
    /// # Errors
    ///
    /// As [`backup`](Self::backup), though damage is none unless nothing can be read at all.
    ///
    /// ```
    /// use facekit::{FileStore, Protection, Watch};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("staff.gallery"), folder.path().join("staff.salvaged"));
    ///
    /// drop(FileStore::create(&path, &Protection::None)?);
    /// // Opening for changes refuses some damage.
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
            let snapshot = super::Snapshot::new(&state.database, &state.root, &self.path)?;
            (snapshot, state.wrapping.clone())
        };
        let mut report = CheckReport::default();
        let mut done = 0;
        let mut step = |total: u64| {
            done += 1;
            watch.report(done, Some(total.max(done)))
        };
        write_new(to, wrapping, |writer, root| {
            writer.copy(&snapshot, root, &damage, &mut step, &mut |found| {
                report.count(found);
            })
        })?;
        report.damage = damage.into_lines();
        Ok(report)
    }

    /// Writes people, all of them or those named, with their templates and crops into a new gallery under a
    /// protection of its own. No key of this gallery opens the new one, nor the other way round.
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
        write_new(to.as_ref(), Wrapping::new(protection)?, |writer, root| {
            for (done, &(&number, owner)) in (1..).zip(&chosen) {
                let templates = snapshot.templates_of(number, &owners, &mut spaces)?;
                writer.put(root, None, &owner.person, &templates)?;
                watch.report(done, Some(chosen.len() as u64))?;
            }
            Ok(())
        })
    }

    /// Adds everyone in another gallery, with their templates and crops, in one step.
    ///
    /// A person who is not in this gallery comes with every template, equal ones included. A person whose id is in it
    /// already keeps name and time of enrolment and gains the templates that are new, but only where it is the same
    /// person: the names are equal or one is missing, and a template of theirs equals one of ours or reaches
    /// [`ImportOptions::resemblance`] to it. Everyone else of a known id is in [`ImportReport::conflicts`] and left out.
    /// Who brings no templates has nothing to mix up, so there only the names count.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and [`Error::GalleryDamaged`] where either file fails, [`Error::Cancelled`]. Nothing has
    /// changed then.
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
        // Taken before this gallery is locked, so that two galleries can import each other, or one itself.
        let theirs = from.snapshot()?;
        let their_people = theirs.owners()?;
        let total = their_people.len() as u64;
        let mut spaces = Spaces::default();
        let mut report = ImportReport::default();
        let mut added = Vec::new();
        let mut state = self.writable()?;
        let ours = super::Snapshot::new(&state.database, &state.root, &self.path)?;
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
                        templates.retain(|one| !have.contains(&identity(&one.embedding)));
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

/// What speaks against two people of one id being the same.
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
    // Of different spaces there is no cosine.
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

/// What makes two templates of a person the same.
fn identity(embedding: &Embedding) -> ([u8; 32], Vec<u32>) {
    let values = embedding.values().iter().map(|value| value.to_bits());
    (
        *embedding.space().fingerprint().as_bytes(),
        values.collect(),
    )
}

/// Creates a gallery at `path` with what `fill` puts in, closes it and lets it appear.
fn write_new(
    path: &Path,
    wrapping: Wrapping,
    fill: impl FnOnce(&Writer<'_>, &SecretKey) -> Result<()>,
) -> Result<()> {
    let new = Unpublished::new(path)?;
    let root = SecretKey::random()?;
    let store = FileStore::create_on(new.disk(), path, wrapping, root)?;
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

/// What the names of unfinished files beside `path` begin with, and end in.
fn unfinished(path: &Path) -> Option<(String, &'static str)> {
    let name = path.file_name()?.to_string_lossy();
    Some((format!(".{name}."), ".partial"))
}

/// Removes what crashes left of writing `path`, unless somebody is writing it now. Each is removed under its lock, so that
/// whoever is about to write it knows: see [`Unpublished::new`].
pub(super) fn clear_left_behind(path: &Path) {
    let Some((start, end)) = unfinished(path) else {
        return;
    };
    let Ok(entries) = disk::folder_of(path).read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let named_so = name
            .to_str()
            .is_some_and(|name| name.starts_with(&start) && name.ends_with(end));
        if named_so
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && let Ok(_locked) = LockedFile::exclusive(file)
        {
            // Where this fails, the next one to open the gallery tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A new file that has not got its name yet. Dropped before [`publish`](Self::publish) it disappears; what a crash
/// leaves behind, the next attempt clears away.
pub(super) struct Unpublished {
    path: PathBuf,
    temporary: PathBuf,
    file: Arc<LockedFile>,
}

impl Unpublished {
    pub(super) fn new(path: &Path) -> Result<Self> {
        const ATTEMPTS: usize = 16;
        let creating = || Error::io("creating", path);
        let Some((start, end)) = unfinished(path) else {
            return Err(creating()(io::ErrorKind::InvalidInput.into()));
        };
        if fs::symlink_metadata(path).is_ok() {
            return Err(creating()(io::ErrorKind::AlreadyExists.into()));
        }
        clear_left_behind(path);
        for _ in 0..ATTEMPTS {
            // A name of its own, so that nobody else writes the same file.
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(|error| creating()(io::Error::other(error)))?;
            let temporary =
                path.with_file_name(format!("{start}{:016x}{end}", u64::from_le_bytes(random)));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            let file = disk::owner_only(&mut options)
                .open(&temporary)
                .map_err(creating())?;
            // Between these two steps somebody may have taken the file for one left behind, and removed it.
            if let Ok(file) = LockedFile::exclusive(file)
                && fs::symlink_metadata(&temporary).is_ok()
            {
                return Ok(Self {
                    path: path.to_owned(),
                    temporary,
                    file: Arc::new(file),
                });
            }
            let _ = fs::remove_file(&temporary);
        }
        Err(creating()(io::ErrorKind::ResourceBusy.into()))
    }

    pub(super) fn disk(&self) -> Arc<dyn Disk> {
        Arc::<LockedFile>::clone(&self.file)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Syncs the file and gives it its name, which nothing may have taken meanwhile.
    pub(super) fn publish(self) -> Result<()> {
        let creating = || Error::io("creating", &self.path);
        self.file.sync_all().map_err(creating())?;
        match fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(creating()(error));
            }
            // A file system without links: all that is left is to look first.
            Err(_) if fs::symlink_metadata(&self.path).is_err() => {
                fs::rename(&self.temporary, &self.path).map_err(creating())?;
            }
            Err(_) => return Err(creating()(io::ErrorKind::AlreadyExists.into())),
        }
        let path = self.path.clone();
        drop(self);
        disk::sync_folder_of(&path)
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}
