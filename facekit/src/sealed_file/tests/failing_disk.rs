//! A disk in memory whose power fails.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::numbers::Numbers;
use crate::sealed_file::disk::Disk;

/// A disk whose power fails after a number of operations. Data that was not synced before may be lost.
#[derive(Debug, Default)]
pub(crate) struct FailingDisk(Mutex<Medium>);

#[derive(Debug, Default)]
struct Medium {
    /// The content that reads see.
    current: Vec<u8>,
    /// The content at the last sync.
    durable: Vec<u8>,
    /// The changes since the last sync.
    pending: Vec<Change>,
    /// Operations until the power fails; `None` if it does not fail.
    left: Option<usize>,
    operations: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Resize(length) => bytes.resize(*length, 0),
        }
    }
}

impl FailingDisk {
    pub(crate) fn new(bytes: Vec<u8>, left: Option<usize>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Medium {
            current: bytes.clone(),
            durable: bytes,
            left,
            ..Medium::default()
        })))
    }

    fn operate<T>(&self, work: impl FnOnce(&mut Medium) -> io::Result<T>) -> io::Result<T> {
        let mut medium = self.0.lock().unwrap();
        if let Some(left) = &mut medium.left {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| io::Error::other("the power is gone"))?;
        }
        medium.operations += 1;
        work(&mut medium)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.operate(|medium| {
            change.apply(&mut medium.current);
            medium.pending.push(change);
            Ok(())
        })
    }

    /// The content of the drive after the power failed: everything that was synced, and none or some of the changes
    /// since then, whole or in sectors.
    pub(crate) fn after_power_loss(&self, numbers: &mut Numbers) -> Vec<u8> {
        let medium = self.0.lock().unwrap();
        let mut bytes = medium.durable.clone();
        if numbers.below(4) == 0 {
            return bytes;
        }
        let torn = numbers.below(2) == 0;
        for change in &medium.pending {
            match change {
                Change::Write(offset, data) if torn => {
                    let mut start = 0;
                    while start < data.len() {
                        let sector = 512 - (offset + start) % 512;
                        let end = data.len().min(start + sector);
                        if numbers.below(2) == 0 {
                            let part = data[start..end].to_vec();
                            Change::Write(offset + start, part).apply(&mut bytes);
                        }
                        start = end;
                    }
                }
                change if numbers.below(2) == 0 => change.apply(&mut bytes),
                _ => {}
            }
        }
        bytes
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().current.clone()
    }

    pub(crate) fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }
}

impl Disk for Arc<FailingDisk> {
    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        (**self).set_len(length)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        (**self).read(offset, bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (**self).write(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        (**self).sync()
    }
}

impl Disk for FailingDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Change::Resize(length as usize))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let medium = self.0.lock().unwrap();
        let from = medium.current.get(offset as usize..);
        let from = from.and_then(|from| from.get(..bytes.len()));
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset as usize, bytes.to_vec()))
    }

    fn sync(&self) -> io::Result<()> {
        self.operate(|medium| {
            medium.durable = medium.current.clone();
            medium.pending.clear();
            Ok(())
        })
    }
}
