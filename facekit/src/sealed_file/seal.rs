//! Authenticated encryption of records, and the random numbers it needs.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes that sealing adds: a nonce in front, a tag behind.
pub(crate) const OVERHEAD: usize = NONCE + 16;

const NONCE: usize = 24;

/// A key for XChaCha20-Poly1305, wiped when dropped.
#[derive(Clone)]
pub(crate) struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    pub(crate) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn random() -> Result<Self> {
        random().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts `plain` under a new random nonce of 192 bits, which makes repeated nonces as good as impossible. The same
    /// `context` is needed to open it again.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let payload = Payload {
            msg: plain,
            aad: context,
        };
        let sealed = XChaCha20Poly1305::new(&(*self.0).into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only texts beyond 256 GiB are refused");
        Ok([&nonce[..], &sealed].concat())
    }

    /// `None` if `sealed` was made under another key or context, or is damaged.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: sealed,
            aad: context,
        };
        XChaCha20Poly1305::new(&(*self.0).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .ok()
            .map(Zeroizing::new)
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store {
        store: "the operating system's random numbers".to_owned(),
        action: "reading",
        source: error.to_string().into(),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_context_and_bytes() {
        let key = SecretKey::random().unwrap();
        let sealed = key.seal(b"context", b"plain").unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(**key.open(b"context", &sealed).unwrap(), *b"plain");
        assert!(key.open(b"other", &sealed).is_none());
        assert!(
            SecretKey::random()
                .unwrap()
                .open(b"context", &sealed)
                .is_none()
        );
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(key.open(b"context", &damaged).is_none());
            assert!(key.open(b"context", &sealed[..index]).is_none());
        }
    }
}
