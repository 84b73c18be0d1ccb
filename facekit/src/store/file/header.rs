//! The header of a gallery file: the file's type and version, and two slots for the root key.
//!
//! | Bytes | Content |
//! |-|-|
//! | 0 to 15 | `facekit gallery` and a line feed |
//! | 16 to 19 | format version |
//! | 20 to 51 | SHA-256 of bytes 0 to 19 |
//! | 4096, 8192 | a key slot each |
//! | from 12288 | the redb database |
//!
//! A slot is in a block of its own, so that overwriting it changes nothing else. It holds, in this order: the epoch
//! (8 bytes), the kind of protection (1), Argon2id's memory in KiB, passes and lanes (4 each), the salt (16), the root key
//! (72), and the SHA-256 of all these (32). The root key is sealed under the user's key with the fields before it as
//! context; without protection it is open, and zeros follow it. Numbers are little-endian. An erased slot is zeros.

use std::{io, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{
    damage::damaged,
    disk::Disk,
    key::{GalleryKey, Protection, ProtectionKind, Secret},
    seal::{self, OVERHEAD, SecretKey},
};
use crate::{
    digest::Digest,
    error::{Error, Result},
};

/// The version of the format that this code writes, and the highest it reads.
pub(super) const VERSION: u32 = 1;

/// Bytes before the database.
pub(super) const LENGTH: u64 = 3 * BLOCK as u64;

const BLOCK: usize = 4096;
const MAGIC: &[u8; 16] = b"facekit gallery\n";
const SEALED_KEY: usize = 32 + OVERHEAD;

/// Writes the first block of a new file.
pub(super) fn write(disk: &dyn Disk) -> io::Result<()> {
    let mut block = [0; BLOCK];
    block[..16].copy_from_slice(MAGIC);
    block[16..20].copy_from_slice(&VERSION.to_le_bytes());
    let digest = Digest::of(&block[..20]);
    block[20..52].copy_from_slice(digest.as_bytes());
    disk.write(0, &block)
}

/// Checks that a file is a gallery and returns the version of its format.
pub(super) fn version(disk: &dyn Disk, path: &Path) -> Result<u32> {
    let mut start = [0; 52];
    let length = disk.len().map_err(Error::io("reading", path))?;
    let count = start
        .len()
        .min(usize::try_from(length).unwrap_or(usize::MAX));
    disk.read(0, &mut start[..count])
        .map_err(Error::io("reading", path))?;
    let version = u32::from_le_bytes([start[16], start[17], start[18], start[19]]);
    if length == 0 {
        Err(damaged(path, "the file is empty"))
    } else if start[..16] != *MAGIC {
        Err(damaged(path, "not a gallery file"))
    } else if start[20..] != *Digest::of(&start[..20]).as_bytes() || version == 0 {
        Err(damaged(path, "the header does not match its checksum"))
    } else if version > VERSION {
        Err(Error::GalleryVersion {
            path: path.to_owned(),
            found: version,
            supported: VERSION,
        })
    } else if length <= LENGTH {
        Err(damaged(path, format!("it ends after {length} bytes")))
    } else {
        Ok(version)
    }
}

/// One of the two places for a root key. The last bit of an epoch is the number of the slot for its root key, so that a
/// root key never overwrites the one before it.
pub(super) enum Slot {
    Erased,
    Damaged,
    Live(LiveSlot),
}

pub(super) struct LiveSlot {
    pub(super) epoch: u64,
    stretching: Stretching,
    salt: [u8; 16],
    kind: ProtectionKind,
    sealed: [u8; SEALED_KEY],
    context: [u8; 57],
}

// Offsets in a slot.
const KIND: usize = 8;
const COST: usize = 9;
const SALT: usize = 21;
const SEALED: usize = 37;
const CHECKSUM: usize = SEALED + SEALED_KEY;
pub(super) const END: usize = CHECKSUM + 32;

pub(super) fn read_slots(disk: &dyn Disk, path: &Path) -> Result<[Slot; 2]> {
    let slot = |number: u64| {
        let mut bytes = Zeroizing::new([0; END]);
        disk.read(offset(number), &mut *bytes)
            .map_err(Error::io("reading", path))?;
        Ok(Slot::parse(&bytes))
    };
    Ok([slot(0)?, slot(1)?])
}

/// Writes `root` as the key of `epoch` and syncs.
pub(super) fn write_slot(
    disk: &dyn Disk,
    path: &Path,
    epoch: u64,
    wrapping: &Wrapping,
    root: &SecretKey,
) -> Result<()> {
    let mut block = Zeroizing::new([0; BLOCK]);
    block[..KIND].copy_from_slice(&epoch.to_le_bytes());
    match wrapping {
        Wrapping::None => {
            block[KIND] = 1;
            block[SEALED..SEALED + 32].copy_from_slice(root.bytes());
        }
        Wrapping::Key(_) => block[KIND] = 2,
        Wrapping::Passphrase {
            stretching, salt, ..
        } => {
            block[KIND] = 3;
            let cost = [stretching.memory, stretching.passes, stretching.lanes];
            for (bytes, number) in block[COST..SALT].chunks_exact_mut(4).zip(cost) {
                bytes.copy_from_slice(&number.to_le_bytes());
            }
            block[SALT..SEALED].copy_from_slice(salt);
        }
    }
    if let Wrapping::Key(key) | Wrapping::Passphrase { key, .. } = wrapping {
        let sealed = key.seal(&context(&block[..SEALED]), root.bytes())?;
        block[SEALED..CHECKSUM].copy_from_slice(&sealed);
    }
    let digest = Digest::of(&block[..CHECKSUM]);
    block[CHECKSUM..END].copy_from_slice(digest.as_bytes());
    disk.write(offset(epoch), &*block)
        .and_then(|()| disk.sync())
        .map_err(store("writing the new root key", path))
}

/// Overwrites the slot for the root key of `epoch`, and syncs.
pub(super) fn erase_slot(disk: &dyn Disk, path: &Path, epoch: u64) -> Result<()> {
    disk.write(offset(epoch), &[0; BLOCK])
        .and_then(|()| disk.sync())
        .map_err(store("erasing the old root key", path))
}

fn store(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let store = path.display().to_string();
    move |source| Error::Store {
        store,
        action,
        source: source.into(),
    }
}

fn offset(epoch: u64) -> u64 {
    (1 + epoch % 2) * BLOCK as u64
}

/// Binds a sealed root key to the format and to the slot's other fields.
fn context(fields: &[u8]) -> [u8; 57] {
    let mut context = [0; 57];
    context[..16].copy_from_slice(MAGIC);
    context[16..20].copy_from_slice(&VERSION.to_le_bytes());
    context[20..].copy_from_slice(fields);
    context
}

impl Slot {
    pub(super) fn parse(bytes: &[u8; END]) -> Self {
        if bytes.iter().all(|&byte| byte == 0) {
            return Self::Erased;
        }
        let number = |offset: usize| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|index| bytes[offset + index]);
            u32::from_le_bytes([a, b, c, d])
        };
        let kind = match bytes[KIND] {
            1 => ProtectionKind::None,
            2 => ProtectionKind::Key,
            3 => ProtectionKind::Passphrase,
            _ => return Self::Damaged,
        };
        if bytes[CHECKSUM..] != *Digest::of(&bytes[..CHECKSUM]).as_bytes() {
            return Self::Damaged;
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&bytes[SALT..SEALED]);
        let mut sealed = [0; SEALED_KEY];
        sealed.copy_from_slice(&bytes[SEALED..CHECKSUM]);
        Self::Live(LiveSlot {
            epoch: u64::from(number(0)) | u64::from(number(4)) << 32,
            stretching: Stretching {
                memory: number(COST),
                passes: number(COST + 4),
                lanes: number(COST + 8),
            },
            salt,
            kind,
            sealed,
            context: context(&bytes[..SEALED]),
        })
    }

    pub(super) fn is_erased(&self) -> bool {
        matches!(self, Self::Erased)
    }

    pub(super) fn live(&self) -> Option<&LiveSlot> {
        match self {
            Self::Live(slot) => Some(slot),
            _ => None,
        }
    }
}

impl LiveSlot {
    pub(super) fn kind(&self) -> ProtectionKind {
        self.kind
    }

    /// The root key, and the wrapping for the next one.
    pub(super) fn unlock(
        &self,
        protection: &Protection,
        path: &Path,
    ) -> Result<(Wrapping, SecretKey)> {
        let refused = |reason: &str| {
            Err(Error::Key {
                what: format!("gallery {}", path.display()),
                reason: reason.to_owned(),
            })
        };
        let wrapping = match (self.kind, protection) {
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
            ) => Wrapping::Passphrase {
                stretching: self.stretching,
                salt: self.salt,
                key: self
                    .stretching
                    .stretch(phrase, &self.salt)
                    .ok_or_else(|| damaged(path, "its passphrase settings are out of range"))?,
            },
            (ProtectionKind::Key, _) => {
                return refused("it is protected by a key, and a passphrase was given");
            }
            (ProtectionKind::Passphrase, _) => {
                return refused("it is protected by a passphrase, and a key was given");
            }
        };
        let root = match &wrapping {
            Wrapping::None => SecretKey::from_slice(&self.sealed[..32]),
            Wrapping::Key(key) | Wrapping::Passphrase { key, .. } => key
                .open(&self.context, &self.sealed)
                .and_then(|bytes| SecretKey::from_slice(&bytes)),
        };
        match root {
            Some(root) => Ok((wrapping, root)),
            None => refused("the key does not open it"),
        }
    }
}

/// The key under which root keys are sealed, and how it was made.
#[derive(Clone)]
pub(super) enum Wrapping {
    None,
    Key(SecretKey),
    Passphrase {
        stretching: Stretching,
        salt: [u8; 16],
        key: SecretKey,
    },
}

impl Wrapping {
    pub(super) fn new(protection: &Protection) -> Result<Self> {
        Ok(match protection {
            Protection::None => Self::None,
            Protection::Key(GalleryKey(Secret::Raw(bytes))) => {
                Self::Key(SecretKey::new(bytes.clone()))
            }
            Protection::Key(GalleryKey(Secret::Passphrase(phrase))) => {
                let stretching = Stretching::DEFAULT;
                let salt = seal::random()?;
                let key = stretching
                    .stretch(phrase, &salt)
                    .expect("the default is in range");
                Self::Passphrase {
                    stretching,
                    salt,
                    key,
                }
            }
        })
    }

    pub(super) fn kind(&self) -> ProtectionKind {
        match self {
            Self::None => ProtectionKind::None,
            Self::Key(_) => ProtectionKind::Key,
            Self::Passphrase { .. } => ProtectionKind::Passphrase,
        }
    }
}

/// The cost of Argon2id.
#[derive(Clone, Copy)]
pub(super) struct Stretching {
    /// In KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Stretching {
    /// The second recommended option of RFC 9106, for little memory, but with one lane instead of four: this build of
    /// Argon2 computes lanes one after the other.
    const DEFAULT: Self = Self {
        memory: 64 * 1024,
        passes: 3,
        lanes: 1,
    };

    /// The highest cost that is accepted from a file, so that a forged file cannot use all memory or take hours.
    const MOST: Self = Self {
        memory: 1024 * 1024,
        passes: 16,
        lanes: 16,
    };

    fn stretch(self, phrase: &str, salt: &[u8]) -> Option<SecretKey> {
        let in_range = self.memory <= Self::MOST.memory
            && self.passes <= Self::MOST.passes
            && self.lanes <= Self::MOST.lanes;
        if !in_range {
            return None;
        }
        let params = Params::new(self.memory, self.passes, self.lanes, Some(32)).ok()?;
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(phrase.as_bytes(), salt, &mut *bytes)
            .ok()?;
        Some(SecretKey::new(bytes))
    }
}
