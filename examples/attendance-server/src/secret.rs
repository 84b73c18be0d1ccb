//! Secrets: random tokens, their hashes, and keyed hashes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// 256 random bits.
///
/// # Panics
///
/// If the operating system has no random numbers.
#[must_use]
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}

/// The first characters of each token.
pub const PREFIX: &str = "fk_";

/// A new token, as text: [`PREFIX`] and 43 characters.
#[must_use]
pub fn token() -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random()))
}

/// The hash under which a token is kept. A token has 256 random bits, so that a fast hash is enough.
#[must_use]
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// HMAC-SHA-256 (RFC 2104) of parts. Each part is preceded by its length, so that different parts have different hashes.
#[must_use]
pub fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (padded, key) in block.iter_mut().zip(key) {
            *padded ^= key;
        }
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    for part in parts {
        inner.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// Compares without telling by its duration where the difference is.
#[must_use]
pub fn equal(one: &[u8], two: &[u8]) -> bool {
    let differences = one
        .iter()
        .zip(two)
        .fold(0, |all, (one, two)| all | (one ^ two));
    one.len() == two.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, two) = (token(), token());
        assert_eq!(one.len(), 46);
        assert_ne!(one, two);
        assert_ne!(hash(&one), hash(&two));
    }

    #[test]
    fn keyed_hashes_depend_on_key_and_parts() {
        let key = [7; 32];
        assert_eq!(
            keyed_hash(&key, &[b"a", b"b"]),
            keyed_hash(&key, &[b"a", b"b"])
        );
        assert_ne!(keyed_hash(&key, &[b"a", b"b"]), keyed_hash(&key, &[b"ab"]));
        assert_ne!(keyed_hash(&key, &[b"a"]), keyed_hash(&[8; 32], &[b"a"]));
    }

    #[test]
    fn equality_needs_equal_lengths() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab"));
    }
}
