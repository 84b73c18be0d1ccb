//! Snapshots of a flat index: the entries. Codes and signs are computed again.

use std::sync::PoisonError;

use super::{FlatIndex, snapshot::Snapshot};
use crate::{
    error::Result,
    index::{
        EntryId, VectorIndex,
        snapshot_file::{Content, Reader, SnapshotFile, SnapshotIndex},
        wipe::wipe,
    },
};

/// The number of entries that are inserted at a time.
const BATCH: usize = 4096;

impl SnapshotIndex for FlatIndex {
    fn save(&self, file: &SnapshotFile) -> Result<()> {
        let snapshot = self.current.load_full();
        let mut room = Vec::new();
        let written = file.write(Content::Flat, self, |writer| {
            writer.number(snapshot.len as u32)?;
            for segment in &snapshot.segments {
                for row in (0..segment.rows()).filter(|&row| segment.is_live(row)) {
                    let values = segment.values(row, &self.shape).single(&mut room);
                    writer.entry(segment.id(row).0, &values[..self.space.dimension()])?;
                }
            }
            Ok(())
        });
        wipe(&mut room, 0.0);
        written
    }

    fn load(&self, file: &SnapshotFile) -> Result<()> {
        self.load_from(file.read(Content::Flat, self)?)
    }
}

impl FlatIndex {
    /// Replaces the entries by those of a file, which was read up to them.
    pub(in super::super) fn load_from(&self, mut reader: Reader) -> Result<()> {
        let count = reader.count(self.space.dimension(), 0)? as usize;
        let loaded = self.emptied();
        let mut batch = Vec::with_capacity(BATCH);
        for nth in 1..=count {
            let (id, embedding) = reader.entry(&self.space)?;
            batch.push((EntryId(id), embedding));
            if batch.len() == BATCH || nth == count {
                loaded.insert(&batch)?;
                batch.clear();
            }
        }
        reader.end()?;
        if loaded.len() != count {
            return Err(reader.damaged("an entry is in it twice"));
        }
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = loaded
            .slots
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let segments = loaded.current.load().segments.clone();
        let mut own = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        *own = slots;
        self.current.store(Snapshot::new(segments, count).into());
        Ok(())
    }
}
