//! The two slots of a sealed file for its root key.
//!
//! A slot holds, in this order: the epoch (8 bytes), the kind of protection (1), Argon2id's memory in KiB, passes and lanes
//! (4 each), the salt (16), the root key (72), and the SHA-256 of all these (32). The root key is sealed under the user's key
//! with the fields before it as context; without protection it is open, and zeros follow it. Numbers are little-endian. An
//! erased slot is zeros.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use super::{
    damage::damaged,
    disk::Disk,
    header::{BLOCK, FileKind},
    key::{GalleryKey, Protection, ProtectionKind, Secret},
    seal::{OVERHEAD, SecretKey},
    wrapping::{Stretching, Wrapping},
};
use crate::{
    digest::Digest,
    error::{Error, Result},
};

/// The version of the layout of slots, which is the same in all versions of the formats of files.
const LAYOUT: u32 = 1;

const SEALED_KEY: usize = 32 + OVERHEAD;

// Offsets in a slot.
const KIND: usize = 8;
const COST: usize = 9;
const SALT: usize = 21;
const SEALED: usize = 37;
const CHECKSUM: usize = SEALED + SEALED_KEY;
pub(crate) const END: usize = CHECKSUM + 32;

/// A root key as a slot holds it.
pub(crate) struct SlotRecord(pub(crate) Zeroizing<[u8; END]>);

impl SlotRecord {
    /// `root` as the key of `epoch`.
    pub(crate) fn new(
        file: &FileKind,
        epoch: u64,
        wrapping: &Wrapping,
        root: &SecretKey,
    ) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; END]);
        bytes[..KIND].copy_from_slice(&epoch.to_le_bytes());
        match wrapping {
            Wrapping::None => {
                bytes[KIND] = 1;
                bytes[SEALED..SEALED + 32].copy_from_slice(root.bytes());
            }
            Wrapping::Key(_) => bytes[KIND] = 2,
            Wrapping::Passphrase {
                stretching, salt, ..
            } => {
                bytes[KIND] = 3;
                let cost = [stretching.memory, stretching.passes, stretching.lanes];
                for (bytes, number) in bytes[COST..SALT].chunks_exact_mut(4).zip(cost) {
                    bytes.copy_from_slice(&number.to_le_bytes());
                }
                bytes[SALT..SEALED].copy_from_slice(salt);
            }
        }
        if let Wrapping::Key(key) | Wrapping::Passphrase { key, .. } = wrapping {
            let sealed = key.seal(&context(file, &bytes[..SEALED]), root.bytes())?;
            bytes[SEALED..CHECKSUM].copy_from_slice(&sealed);
        }
        let digest = Digest::of(&bytes[..CHECKSUM]);
        bytes[CHECKSUM..].copy_from_slice(digest.as_bytes());
        Ok(Self(bytes))
    }

    /// The record in `bytes`, unchecked. `None` if they are not of its length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }
}

/// The state of a slot. The last bit of an epoch is the number of the slot for its root key, so that a root key never
/// overwrites the one before it.
pub(crate) enum Slot {
    Erased,
    Damaged,
    Live(LiveSlot),
}

pub(crate) struct LiveSlot {
    pub(crate) epoch: u64,
    protection: ProtectionKind,
    file: &'static FileKind,
    record: Zeroizing<[u8; END]>,
}

/// A number in a slot.
fn number(record: &[u8; END], offset: usize) -> u32 {
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| record[offset + index]);
    u32::from_le_bytes([a, b, c, d])
}

/// Binds a sealed root key to the kind of file and to the slot's other fields.
fn context(file: &FileKind, fields: &[u8]) -> [u8; 57] {
    let mut context = [0; 57];
    context[..16].copy_from_slice(&file.magic);
    context[16..20].copy_from_slice(&LAYOUT.to_le_bytes());
    context[20..].copy_from_slice(fields);
    context
}

impl Slot {
    pub(crate) fn parse(file: &'static FileKind, bytes: &[u8; END]) -> Self {
        if bytes.iter().all(|&byte| byte == 0) {
            return Self::Erased;
        }
        let protection = match bytes[KIND] {
            1 => ProtectionKind::None,
            2 => ProtectionKind::Key,
            3 => ProtectionKind::Passphrase,
            _ => return Self::Damaged,
        };
        if bytes[CHECKSUM..] != *Digest::of(&bytes[..CHECKSUM]).as_bytes() {
            return Self::Damaged;
        }
        Self::Live(LiveSlot {
            epoch: u64::from(number(bytes, 0)) | u64::from(number(bytes, 4)) << 32,
            protection,
            file,
            record: Zeroizing::new(*bytes),
        })
    }

    pub(crate) fn is_erased(&self) -> bool {
        matches!(self, Self::Erased)
    }

    pub(crate) fn live(&self) -> Option<&LiveSlot> {
        match self {
            Self::Live(slot) => Some(slot),
            _ => None,
        }
    }
}

impl LiveSlot {
    /// The bytes of the slot.
    pub(crate) fn record(&self) -> &[u8; END] {
        &self.record
    }

    pub(crate) fn kind(&self) -> ProtectionKind {
        self.protection
    }

    /// The root key, and the wrapping for the next one. `name` names the file in errors: its path.
    pub(crate) fn unlock(
        &self,
        protection: &Protection,
        name: impl fmt::Display,
    ) -> Result<(Wrapping, SecretKey)> {
        let refused = |reason: &str| {
            Err(Error::Key {
                what: format!("{} {name}", self.file.name),
                reason: reason.to_owned(),
            })
        };
        let wrapping = match (self.protection, protection) {
            (ProtectionKind::None, Protection::None) => Wrapping::None,
            (ProtectionKind::None, Protection::Key(_)) => {
                return refused("it is not protected, yet a key was given");
            }
            (_, Protection::None) => return refused("it is protected, and no key was given"),
            (ProtectionKind::Key, Protection::Key(GalleryKey(Secret::Raw(bytes)))) => {
                Wrapping::Key(SecretKey::new(bytes.clone()))
            }
            (
                ProtectionKind::Passphrase,
                Protection::Key(GalleryKey(Secret::Passphrase(phrase))),
            ) => {
                let stretching = Stretching {
                    memory: number(&self.record, COST),
                    passes: number(&self.record, COST + 4),
                    lanes: number(&self.record, COST + 8),
                };
                let mut salt = [0; 16];
                salt.copy_from_slice(&self.record[SALT..SEALED]);
                let Some(key) = stretching.stretch(phrase, &salt) else {
                    return refused("its passphrase settings are out of range");
                };
                Wrapping::Passphrase {
                    stretching,
                    salt,
                    key,
                }
            }
            (ProtectionKind::Key, _) => {
                return refused("it is protected by a key, and a passphrase was given");
            }
            (ProtectionKind::Passphrase, _) => {
                return refused("it is protected by a passphrase, and a key was given");
            }
        };
        let root = match &wrapping {
            Wrapping::None => SecretKey::from_slice(&self.record[SEALED..SEALED + 32]),
            Wrapping::Key(key) | Wrapping::Passphrase { key, .. } => key
                .open(
                    &context(self.file, &self.record[..SEALED]),
                    &self.record[SEALED..CHECKSUM],
                )
                .and_then(|bytes| SecretKey::from_slice(&bytes)),
        };
        match root {
            Some(root) => Ok((wrapping, root)),
            None => refused("the key does not open it"),
        }
    }
}

/// The slots of an open file. They replace a root key in three steps: [`write_next`](Self::write_next) writes the new root key
/// beside the old one, the caller commits a change of the database that names the new epoch and calls
/// [`switched`](Self::switched), and [`erase_old`](Self::erase_old) overwrites the old one. After a crash between two steps,
/// the next opening either drops the new key or overwrites the old one.
#[derive(Debug)]
pub(crate) struct Slots {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    epoch: u64,
    /// The old root key is still to be overwritten.
    unerased: bool,
}

impl Slots {
    /// The epoch of the first root key of a file.
    pub(crate) const FIRST_EPOCH: u64 = 1;

    /// Writes the first root key of a new file.
    pub(crate) fn create(disk: &Arc<dyn Disk>, path: &Path, record: &SlotRecord) -> Result<Self> {
        let slots = Self {
            disk: Arc::clone(disk),
            path: path.to_owned(),
            epoch: Self::FIRST_EPOCH,
            unerased: false,
        };
        slots.erase(slots.epoch + 1)?;
        slots.write(slots.epoch, record)?;
        Ok(slots)
    }

    /// Reads both slots, and fails if neither holds a key.
    pub(crate) fn read(file: &'static FileKind, disk: &dyn Disk, path: &Path) -> Result<[Slot; 2]> {
        let slot = |number: u64| {
            let mut bytes = Zeroizing::new([0; END]);
            disk.read(offset(number), &mut *bytes)
                .map_err(Error::io("reading", path))?;
            Ok(Slot::parse(file, &bytes))
        };
        let slots = [slot(0)?, slot(1)?];
        if slots.iter().all(|slot| slot.live().is_none()) {
            return Err(damaged(path, "it has no root key"));
        }
        Ok(slots)
    }

    /// Of two slots, the one of `epoch`.
    pub(crate) fn of_epoch<'a>(
        slots: &'a [Slot; 2],
        epoch: u64,
        path: &Path,
    ) -> Result<&'a LiveSlot> {
        slots
            .iter()
            .filter_map(Slot::live)
            .find(|slot| slot.epoch == epoch)
            .ok_or_else(|| damaged(path, "the root key of its records is missing"))
    }

    /// The slots of a file whose database names `epoch`. `slots` is what [`read`](Self::read) returned.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, slots: &[Slot; 2], epoch: u64) -> Self {
        Self {
            disk: Arc::clone(disk),
            path: path.to_owned(),
            epoch,
            unerased: !slots[usize::from(epoch.is_multiple_of(2))].is_erased(),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Writes the root key of the next epoch into the free slot, and syncs it.
    pub(crate) fn write_next(&self, record: &SlotRecord) -> Result<()> {
        self.write(self.epoch + 1, record)
    }

    /// The database names the next epoch now.
    pub(crate) fn switched(&mut self) {
        self.epoch += 1;
        self.unerased = true;
    }

    /// Overwrites the old root key, if that is still to be done.
    pub(crate) fn erase_old(&mut self) -> Result<()> {
        if self.unerased {
            self.erase(self.epoch + 1)?;
            self.unerased = false;
        }
        Ok(())
    }

    fn write(&self, epoch: u64, record: &SlotRecord) -> Result<()> {
        let mut block = Zeroizing::new([0; BLOCK]);
        block[..END].copy_from_slice(&*record.0);
        self.disk
            .write(offset(epoch), &*block)
            .and_then(|()| self.disk.sync())
            .map_err(self.failed("writing the new root key"))
    }

    fn erase(&self, epoch: u64) -> Result<()> {
        self.disk
            .write(offset(epoch), &[0; BLOCK])
            .and_then(|()| self.disk.sync())
            .map_err(self.failed("erasing the old root key"))
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        let store = self.path.display().to_string();
        move |source| Error::Store {
            store,
            action,
            source: source.into(),
        }
    }
}

fn offset(epoch: u64) -> u64 {
    (1 + epoch % 2) * BLOCK as u64
}
