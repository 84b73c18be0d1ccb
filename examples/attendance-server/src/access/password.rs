//! Passwords and PINs: Argon2id, with the parameters that OWASP recommends.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    error::{Error, ErrorKind, Result},
    secret,
};

/// The shortest password, in characters.
pub const SHORTEST: usize = 10;

/// The longest password, in bytes.
const LONGEST: usize = 256;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Checks a new password.
///
/// # Errors
///
/// If it is shorter than [`SHORTEST`] characters, or longer than 256 bytes.
pub fn check(pointer: &str, password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST {
        let detail = format!("A password has at least {SHORTEST} characters.");
        return Err(Error::invalid(pointer, "password_short", detail));
    }
    if password.len() > LONGEST {
        return Err(Error::invalid(
            pointer,
            "password_long",
            format!("A password has at most {LONGEST} bytes."),
        ));
    }
    Ok(())
}

/// Checks a new PIN.
///
/// # Errors
///
/// If it does not have 4 to 12 digits.
pub fn check_pin(pointer: &str, pin: &str) -> Result<()> {
    if (4..=12).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Error::invalid(
            pointer,
            "pin_form",
            "A PIN has 4 to 12 digits.",
        ))
    }
}

/// Hashes a password or a PIN, with a new salt. It takes some 20 ms: call it outside the async threads.
///
/// # Errors
///
/// If there is no memory for it.
pub fn hash(password: &str) -> Result<String> {
    let salt = &secret::random()[..16];
    let hash = digest(password, salt, MEMORY_KIB, PASSES)?;
    Ok(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    ))
}

/// `true` if the hash is of this password. It takes as long as [`hash`].
///
/// # Errors
///
/// If the hash is not one of [`hash`].
pub fn verify(password: &str, hash: &str) -> Result<bool> {
    let wrong = || Error::internal("a stored password hash cannot be read");
    let mut parts = hash
        .strip_prefix("$argon2id$v=19$")
        .ok_or_else(wrong)?
        .split('$');
    let (Some(costs), Some(salt), Some(expected), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let number = |text: Option<&str>, prefix: &str| {
        text.and_then(|text| text.strip_prefix(prefix)?.parse::<u32>().ok())
    };
    let mut costs = costs.split(',');
    let memory = number(costs.next(), "m=").ok_or_else(wrong)?;
    let passes = number(costs.next(), "t=").ok_or_else(wrong)?;
    let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| wrong())?;
    let expected = STANDARD_NO_PAD.decode(expected).map_err(|_| wrong())?;
    Ok(secret::equal(
        &digest(password, &salt, memory, passes)?,
        &expected,
    ))
}

/// The hash of a new password or PIN, which was checked. It is made before a transaction that writes begins: hashing takes
/// long, and others would wait for the transaction.
#[derive(Clone)]
pub struct HashedSecret(String);

impl HashedSecret {
    /// Checks and hashes a new password.
    ///
    /// # Errors
    ///
    /// As [`check`] and [`hash_aside`].
    pub async fn password(pointer: &str, password: String) -> Result<Self> {
        check(pointer, &password)?;
        hash_aside(password).await.map(Self)
    }

    /// Checks and hashes a new PIN.
    ///
    /// # Errors
    ///
    /// As [`check_pin`] and [`hash_aside`].
    pub async fn pin(pointer: &str, pin: String) -> Result<Self> {
        check_pin(pointer, &pin)?;
        hash_aside(pin).await.map(Self)
    }

    /// The hash, as it is kept.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashedSecret").finish_non_exhaustive()
    }
}

/// The most hashes that are computed at once: each takes 19 MiB and a core.
static HASHES: Semaphore = Semaphore::const_new(4);

/// The most requests that wait for a hash.
static WAITING: Semaphore = Semaphore::const_new(64);

/// Waits until a hash can be computed.
async fn turn() -> Result<SemaphorePermit<'static>> {
    if let Ok(permit) = HASHES.try_acquire() {
        return Ok(permit);
    }
    let _place = WAITING.try_acquire().map_err(|_| {
        let detail = "The server checks many passwords. Try again in a few seconds.";
        Error::new(ErrorKind::TooMany, "busy", detail).after(2)
    })?;
    HASHES.acquire().await.map_err(Error::internal)
}

/// [`hash`] outside the async threads. At most four hashes are computed at once.
///
/// # Errors
///
/// As [`hash`]; 429 if 64 others wait.
pub async fn hash_aside(password: String) -> Result<String> {
    aside(move || hash(&password)).await
}

/// [`verify`] outside the async threads. Without a hash it takes as long, and is `false`: who is tried cannot be told from
/// the time. At most four hashes are computed at once.
///
/// # Errors
///
/// As [`verify`]; 429 if 64 others wait.
pub async fn verify_aside(password: String, expected: Option<String>) -> Result<bool> {
    aside(move || match expected {
        Some(expected) => verify(&password, &expected),
        None => hash(&password).map(|_| false),
    })
    .await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let permit = turn().await?;
    // The permit is in the closure: the work goes on if the request ends.
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    task.await.map_err(Error::internal)?
}

fn digest(password: &str, salt: &[u8], memory: u32, passes: u32) -> Result<[u8; 32]> {
    let parameters = Params::new(memory, passes, 1, Some(32))
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let hash = hash("correct horse").unwrap();
        assert!(verify("correct horse", &hash).unwrap());
        assert!(!verify("correct horsf", &hash).unwrap());
        assert_ne!(
            hash,
            super::hash("correct horse").unwrap(),
            "each hash has a new salt"
        );
        assert!(!hash.contains("horse"));
    }

    #[test]
    fn damaged_hashes_are_errors() {
        for hash in [
            "",
            "$argon2id$v=19$m=1,t=1$a",
            "$argon2i$v=19$m=8,t=1,p=1$YWFhYWFhYWE$YQ",
            "plain",
        ] {
            assert!(verify("x", hash).is_err(), "{hash}");
        }
    }

    #[test]
    fn short_passwords_and_odd_pins_are_refused() {
        assert_eq!(
            check("/password", "123456789").unwrap_err().code,
            "password_short"
        );
        assert!(check("/password", "pässwörter").is_ok());
        assert!(check("/password", &"x".repeat(257)).is_err());
        for pin in ["123", "1234567890123", "12a4", "١٢٣٤"] {
            assert!(check_pin("/pin", pin).is_err(), "{pin}");
        }
        assert!(check_pin("/pin", "0042").is_ok());
    }
}
