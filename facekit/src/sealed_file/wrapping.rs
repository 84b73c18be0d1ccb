//! The user's key, as it wraps a root key.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{
    key::{GalleryKey, Protection, ProtectionKind, Secret},
    seal::{self, SecretKey},
};
use crate::error::Result;

/// The key under which root keys are sealed, and how it was made.
#[derive(Clone)]
pub(crate) enum Wrapping {
    None,
    Key(SecretKey),
    Passphrase {
        stretching: Stretching,
        salt: [u8; 16],
        key: SecretKey,
    },
}

impl Wrapping {
    pub(crate) fn new(protection: &Protection) -> Result<Self> {
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

    pub(crate) fn kind(&self) -> ProtectionKind {
        match self {
            Self::None => ProtectionKind::None,
            Self::Key(_) => ProtectionKind::Key,
            Self::Passphrase { .. } => ProtectionKind::Passphrase,
        }
    }
}

/// The cost of Argon2id.
#[derive(Clone, Copy)]
pub(crate) struct Stretching {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
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

    pub(super) fn stretch(self, phrase: &str, salt: &[u8]) -> Option<SecretKey> {
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
