//! A disk whose changes stay in memory.

use std::{
    collections::BTreeMap,
    io, iter,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::disk::Disk;

/// A disk that is never written: written pages are kept in memory. The database writes even if nothing is changed: when
/// it opens after a crash and when it closes.
#[derive(Debug)]
pub(crate) struct Overlay<D> {
    below: D,
    state: Mutex<Above>,
}

#[derive(Debug)]
struct Above {
    length: u64,
    /// Bytes of the disk below that are part of this one, from its beginning.
    shown: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

const PAGE: usize = 4096;

impl<D: Disk> Overlay<D> {
    pub(crate) fn new(below: D) -> io::Result<Self> {
        let length = below.len()?;
        Ok(Self {
            below,
            state: Mutex::new(Above {
                length,
                shown: length,
                pages: BTreeMap::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, Above> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the disk below, and zeros beyond its part of this disk.
    fn read_below(&self, shown: u64, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let count = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (there, beyond) = bytes.split_at_mut(count.min(bytes.len()));
        beyond.fill(0);
        if there.is_empty() {
            return Ok(());
        }
        self.below.read(offset, there)
    }
}

/// The pages that hold `length` bytes from `offset`: the number of each, and the range in it.
fn pages(offset: u64, length: usize) -> impl Iterator<Item = (u64, Range<usize>)> {
    let end = offset + length as u64;
    let mut position = offset;
    iter::from_fn(move || {
        let number = position / PAGE as u64;
        let (first, next) = (position, end.min((number + 1) * PAGE as u64));
        position = next;
        let start = (first % PAGE as u64) as usize;
        (first < end).then(|| (number, start..start + (next - first) as usize))
    })
}

impl<D: Disk> Disk for Overlay<D> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.length = length;
        state.shown = state.shown.min(length);
        let (last, used) = (length / PAGE as u64, (length % PAGE as u64) as usize);
        state.pages.retain(|&number, _| number <= last);
        if let Some(page) = state.pages.get_mut(&last) {
            page[used..].fill(0);
        }
        Ok(())
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > state.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(state.shown, offset, bytes)?;
        if state.pages.is_empty() {
            return Ok(());
        }
        let mut rest = bytes;
        for (number, range) in pages(offset, rest.len()) {
            let (part, after) = rest.split_at_mut(range.len());
            if let Some(page) = state.pages.get(&number) {
                part.copy_from_slice(&page[range]);
            }
            rest = after;
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let mut rest = bytes;
        for (number, range) in pages(offset, bytes.len()) {
            let (part, after) = rest.split_at(range.len());
            if !state.pages.contains_key(&number) {
                let mut page = Box::new([0; PAGE]);
                self.read_below(state.shown, number * PAGE as u64, &mut *page)?;
                state.pages.insert(number, page);
            }
            if let Some(page) = state.pages.get_mut(&number) {
                page[range].copy_from_slice(part);
            }
            rest = after;
        }
        state.length = state.length.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
