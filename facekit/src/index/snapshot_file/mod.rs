//! Sealed files of indexes.
//!
//! The first three blocks are those of every sealed file: the kind, and a slot with the key of the file. Chunks of 1 MiB
//! follow, each sealed under that key. The context of a chunk is its number and whether it is the last, so chunks can neither
//! be exchanged nor left out.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use super::VectorIndex;
use crate::{
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    error::{Error, Result},
    sealed_file::{
        damage::damaged,
        disk::Disk,
        header::{FileKind, LENGTH},
        key::Protection,
        seal::{OVERHEAD, SecretKey},
        slots::{Slot, SlotRecord, Slots},
        unpublished::Unpublished,
        wrapping::Wrapping,
    },
};

/// The format of snapshots.
const SNAPSHOT: FileKind = FileKind {
    magic: *b"facekit index\n\0\0",
    newest: 1,
    name: "snapshot of an index",
};

/// The bytes in a chunk, before they are sealed.
const CHUNK: usize = 1 << 20;

/// A sealed file with a copy of an index: a cache, which makes it unnecessary to build the index again.
///
/// The file is encrypted and authenticated as gallery files are. It belongs to one state of what the index was built from, such
/// as the number of changes of a store. A file of another state, another space or another version, and a damaged file, do
/// not load.
///
/// With [`Protection::None`], the key is in the file, and anybody who has the file can read it.
///
/// The file holds the embeddings of the people in the index. **Delete it when a person is removed**, or save it again: a removal
/// from a store does not reach it.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, EntryId, FlatIndex, GalleryKey, Metric, Protection};
/// use facekit::{SnapshotFile, SnapshotIndex, VectorIndex};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("people.index");
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let index = FlatIndex::new(space.clone(), Metric::Cosine);
/// index.insert(&[(EntryId(1), Embedding::new(&space, vec![0.6, 0.8])?)])?;
///
/// let changes_of_the_store = 17;
/// let file = SnapshotFile::new(&path, Protection::Key(GalleryKey::generate()?), changes_of_the_store);
/// index.save(&file)?;
///
/// let again = FlatIndex::new(space, Metric::Cosine);
/// again.load(&file)?;
/// assert_eq!(again.len(), 1);
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct SnapshotFile {
    path: PathBuf,
    protection: Protection,
    state: u64,
}

impl SnapshotFile {
    /// The snapshot at `path`, sealed under `protection`, of the state `state` of what the index is built from.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, protection: Protection, state: u64) -> Self {
        Self {
            path: path.into(),
            protection,
            state,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if there is a snapshot at the path, of any state and under any protection, and false if there is no file. A
    /// program can ask before it replaces a file that a user has named.
    ///
    /// # Errors
    ///
    /// [`Error::FileDamaged`] if the file is not a snapshot, [`Error::FileVersion`] if a later version of facekit wrote it, and
    /// [`Error::Io`] if it cannot be read.
    pub fn exists(&self) -> Result<bool> {
        let opened = std::fs::File::open(&self.path).map_err(Error::io("opening", &self.path));
        match opened {
            Ok(file) => SNAPSHOT.version(&file, &self.path).map(|_| true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes a snapshot and replaces the file in one step. `write` writes the entries.
    pub(super) fn write(
        &self,
        content: Content,
        index: &dyn VectorIndex,
        write: impl FnOnce(&mut Writer) -> Result<()>,
    ) -> Result<()> {
        let new = Unpublished::replacement(&self.path)?;
        let disk = new.disk();
        let writing = || Error::io("writing", &self.path);
        SNAPSHOT.write(&*disk, SNAPSHOT.newest).map_err(writing())?;
        let key = SecretKey::random()?;
        let wrapping = Wrapping::new(&self.protection)?;
        let record = SlotRecord::new(&SNAPSHOT, Slots::FIRST_EPOCH, &wrapping, &key)?;
        Slots::create(&disk, &self.path, &record)?;
        let mut writer = Writer {
            disk,
            path: self.path.clone(),
            key,
            number: 0,
            plain: Zeroizing::new(Vec::with_capacity(CHUNK)),
        };
        writer.number(content as u32)?;
        writer.number(index.metric() as u32)?;
        writer.number(index.space().dimension() as u32)?;
        writer.bytes(index.space().fingerprint().as_bytes())?;
        writer.bytes(&self.state.to_le_bytes())?;
        write(&mut writer)?;
        writer.seal(true)?;
        new.publish_over()
    }

    /// Opens the snapshot for `index`, up to the entries.
    pub(super) fn read(&self, content: Content, index: &dyn VectorIndex) -> Result<Reader> {
        let file = std::fs::File::open(&self.path).map_err(Error::io("opening", &self.path))?;
        let disk: Arc<dyn Disk> = Arc::new(file);
        SNAPSHOT.version(&*disk, &self.path)?;
        let slots = Slots::read(&SNAPSHOT, &*disk, &self.path)?;
        let Some(slot) = slots.iter().find_map(Slot::live) else {
            return Err(damaged(&self.path, "it has no key"));
        };
        let (_, key) = slot.unlock(&self.protection, self.path.display())?;
        let length = disk.len().map_err(Error::io("reading", &self.path))?;
        let mut reader = Reader {
            disk,
            path: self.path.clone(),
            key,
            number: 0,
            length,
            plain: Zeroizing::default(),
            at: 0,
        };
        if reader.number()? != content as u32 {
            return Err(reader.misfit("another kind of index"));
        }
        if reader.number()? != index.metric() as u32 {
            return Err(reader.misfit("an index of another metric"));
        }
        let dimension = reader.number()? as usize;
        let fingerprint = Digest::from_bytes(reader.array()?);
        let space = EmbeddingSpace::new(index.space().model(), fingerprint, dimension);
        index.space().check(&space)?;
        let state = u64::from_le_bytes(reader.array()?);
        if state != self.state {
            let reason = format!(
                "{} is of state {state}, and {} is asked for",
                self.path.display(),
                self.state
            );
            return Err(Error::argument("state", reason));
        }
        Ok(reader)
    }
}

impl fmt::Debug for SnapshotFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotFile")
            .field("path", &self.path)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// An index that can be saved in a sealed file.
pub trait SnapshotIndex: VectorIndex {
    /// Writes the index to a file, which is replaced in one step. After a crash the file is the old or the new one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written. The old file is unchanged then.
    fn save(&self, file: &SnapshotFile) -> Result<()>;

    /// Replaces the entries of the index by those of a file.
    ///
    /// # Errors
    ///
    /// The index is unchanged then.
    ///
    /// - [`Error::Io`] if the file cannot be read; see [`Error::is_not_found`].
    /// - [`Error::FileDamaged`] if it is damaged.
    /// - [`Error::FileVersion`] if a later version of facekit wrote it.
    /// - [`Error::Key`] if the protection is not the file's.
    /// - [`Error::SpaceMismatch`] if it is of another embedding space.
    /// - [`Error::InvalidArgument`] if it is of another state, or of an index of another kind, another metric or, for a graph,
    ///   another number of links.
    fn load(&self, file: &SnapshotFile) -> Result<()>;

    /// Loads the file, or calls `build` if that fails. Returns the reason for building; it is also a warning in the log.
    ///
    /// # Errors
    ///
    /// Errors of `build`.
    fn load_or_build(
        &self,
        file: &SnapshotFile,
        build: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Error>> {
        let Err(reason) = self.load(file) else {
            return Ok(None);
        };
        tracing::warn!(%reason, "the index is built again");
        build().map(|()| Some(reason))
    }
}

/// The kind of index in a file.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Flat = 1,
    Graph = 2,
}

/// Writes the sealed chunks of a file.
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    key: SecretKey,
    /// The number of the chunk that is being filled.
    number: u64,
    plain: Zeroizing<Vec<u8>>,
}

impl Writer {
    pub(super) fn bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.plain.len() == CHUNK {
                self.seal(false)?;
            }
            let count = bytes.len().min(CHUNK - self.plain.len());
            let (now, later) = bytes.split_at(count);
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn number(&mut self, number: u32) -> Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    /// Writes an entry's id and its values.
    pub(super) fn entry(&mut self, id: u64, values: &[f32]) -> Result<()> {
        let mut entry = Zeroizing::new(Vec::with_capacity(8 + 4 * values.len()));
        entry.extend_from_slice(&id.to_le_bytes());
        entry.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.bytes(&entry)
    }

    fn seal(&mut self, last: bool) -> Result<()> {
        let sealed = self.key.seal(&context(self.number, last), &self.plain)?;
        self.disk
            .write(offset(self.number), &sealed)
            .map_err(Error::io("writing", &self.path))?;
        self.number += 1;
        self.plain.clear();
        Ok(())
    }
}

/// Reads the sealed chunks of a file.
pub(super) struct Reader {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    key: SecretKey,
    /// The number of the next chunk.
    number: u64,
    /// The length of the file.
    length: u64,
    /// The current chunk.
    plain: Zeroizing<Vec<u8>>,
    /// The next byte of it.
    at: usize,
}

impl Reader {
    pub(super) fn bytes(&mut self, mut bytes: &mut [u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.at == self.plain.len() {
                self.open()?;
            }
            let count = bytes.len().min(self.plain.len() - self.at);
            let (now, later) = bytes.split_at_mut(count);
            now.copy_from_slice(&self.plain[self.at..][..count]);
            self.at += count;
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.bytes(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads the number of entries of this dimension. Each takes `more` bytes beside its id and its values, or more of them. So a
    /// number that is too great ends here, before memory is reserved for it.
    pub(super) fn count(&mut self, dimension: usize, more: usize) -> Result<u32> {
        let count = self.number()?;
        let sealed = self.length.saturating_sub(offset(self.number));
        let left = (self.plain.len() - self.at) as u64 + sealed;
        if u64::from(count) * (8 + 4 * dimension + more) as u64 > left {
            return Err(self.damaged(format!("it is too short for {count} entries")));
        }
        Ok(count)
    }

    /// Reads an entry's id and its values.
    pub(super) fn entry(&mut self, space: &EmbeddingSpace) -> Result<(u64, Embedding)> {
        let id = u64::from_le_bytes(self.array()?);
        let mut bytes = Zeroizing::new(vec![0; 4 * space.dimension()]);
        self.bytes(&mut bytes)?;
        let (values, _) = bytes.as_chunks();
        let values = values.iter().copied().map(f32::from_le_bytes).collect();
        let embedding = Embedding::new(space, values);
        let embedding = embedding.map_err(|error| self.damaged(error.to_string()))?;
        Ok((id, embedding))
    }

    /// Checks that all was read.
    pub(super) fn end(&self) -> Result<()> {
        if self.at == self.plain.len() && offset(self.number) >= self.length {
            Ok(())
        } else {
            Err(self.damaged("it does not end after the last entry"))
        }
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> Error {
        damaged(&self.path, reason)
    }

    /// The error for an index that the file does not fit. The file is of `other`.
    pub(super) fn misfit(&self, other: &str) -> Error {
        Error::argument("index", format!("{} is of {other}", self.path.display()))
    }

    fn open(&mut self) -> Result<()> {
        let start = offset(self.number);
        let Some(rest) = self.length.checked_sub(start).filter(|&rest| rest > 0) else {
            return Err(self.damaged("it ends too early"));
        };
        let whole = (CHUNK + OVERHEAD) as u64;
        let mut sealed = vec![0; rest.min(whole) as usize];
        self.disk
            .read(start, &mut sealed)
            .map_err(Error::io("reading", &self.path))?;
        let context = context(self.number, rest <= whole);
        let Some(plain) = self.key.open(&context, &sealed) else {
            return Err(self.damaged(format!("chunk {} does not open", self.number)));
        };
        if plain.is_empty() {
            return Err(self.damaged(format!("chunk {} is empty", self.number)));
        }
        self.plain = plain;
        self.at = 0;
        self.number += 1;
        Ok(())
    }
}

/// The place of a chunk in the file.
fn offset(number: u64) -> u64 {
    LENGTH + number * (CHUNK + OVERHEAD) as u64
}

fn context(number: u64, last: bool) -> [u8; 25] {
    let mut context = [0; 25];
    context[..16].copy_from_slice(&SNAPSHOT.magic);
    context[16..24].copy_from_slice(&number.to_le_bytes());
    context[24] = last.into();
    context
}

#[cfg(test)]
mod tests;
