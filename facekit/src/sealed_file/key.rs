//! The keys that users of a gallery hold.

use std::{
    env, fmt,
    fs::File,
    io::{Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use super::{seal, unpublished::Unpublished};
use crate::error::{Error, Result};

/// The key that opens a gallery file or a key vault: 32 random bytes, or a passphrase. Wiped from memory when dropped.
///
/// A passphrase is stretched by Argon2id (64 MiB, 3 passes), so opening takes about a tenth of a second. Prefer a key file
/// if nobody has to type the key.
///
/// ```
/// use facekit::{GalleryKey, Protection};
///
/// let key = GalleryKey::generate()?;
/// assert_eq!(format!("{key:?}"), "GalleryKey(..)");
/// let protection = Protection::Key(key);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone)]
pub struct GalleryKey(pub(crate) Secret);

#[derive(Clone)]
pub(crate) enum Secret {
    Raw(Zeroizing<[u8; 32]>),
    Passphrase(Zeroizing<String>),
}

/// The content of a key file, as errors describe it.
const ACCEPTED: &str = "one line of 64 hexadecimal digits";

impl GalleryKey {
    /// A new random key.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the operating system gives no random numbers.
    pub fn generate() -> Result<Self> {
        seal::random().map(Self::from_bytes)
    }

    /// Makes a key from 32 bytes that nobody can guess. For a text that people can remember, use
    /// [`from_passphrase`](Self::from_passphrase).
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::Raw(Zeroizing::new(bytes)))
    }

    /// Makes a key from a passphrase. Every byte counts, white space included.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if it is empty.
    ///
    /// ```
    /// use facekit::GalleryKey;
    ///
    /// assert!(GalleryKey::from_passphrase("correct horse battery staple").is_ok());
    /// assert!(GalleryKey::from_passphrase("").is_err());
    /// ```
    pub fn from_passphrase(passphrase: &str) -> Result<Self> {
        if passphrase.is_empty() {
            return Err(refused("passphrase", "is empty"));
        }
        Ok(Self(Secret::Passphrase(Zeroizing::new(
            passphrase.to_owned(),
        ))))
    }

    /// Reads a key file: one line of 64 hexadecimal digits, as [`write_new_file`](Self::write_new_file) writes it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read, [`Error::Key`] if it holds anything else.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        // Enough for a key. A large file named by mistake is not read into memory.
        const LIMIT: u64 = 1024;
        let path = path.as_ref();
        let mut text = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
        File::open(path)
            .and_then(|file| file.take(LIMIT).read_to_end(&mut text))
            .map_err(Error::io("reading", path))?;
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        parse(line)
            .map(|bytes| Self(Secret::Raw(bytes)))
            .ok_or_else(|| {
                refused(
                    path.display(),
                    format!("is not a key file, which holds {ACCEPTED}"),
                )
            })
    }

    /// Reads an environment variable: 64 hexadecimal digits are a key, anything else is a passphrase.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the variable is not set, is empty, or is not UTF-8.
    pub fn from_env(variable: &str) -> Result<Self> {
        let text = match env::var(variable) {
            Ok(text) => Zeroizing::new(text),
            Err(error) => {
                let reason = match error {
                    env::VarError::NotPresent => "is not set",
                    env::VarError::NotUnicode(_) => "is not valid UTF-8",
                };
                return Err(refused(variable, reason));
            }
        };
        match parse(text.as_bytes()) {
            Some(bytes) => Ok(Self(Secret::Raw(bytes))),
            None if text.is_empty() => Err(refused(variable, "is empty")),
            None => Ok(Self(Secret::Passphrase(text))),
        }
    }

    /// Writes a key file that only its owner can read (mode 0600 on Unix), and syncs it to disk. The file gets its name
    /// when it is complete.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written or exists already, [`Error::Key`] for a passphrase.
    pub fn write_new_file(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Secret::Raw(bytes) = &self.0 else {
            return Err(refused(
                path.display(),
                "a passphrase is not written to a key file",
            ));
        };
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(digit.into(), 16));
            }
        }
        text.push('\n');
        let new = Unpublished::new(path)?;
        let mut file = new.file();
        file.write_all(text.as_bytes())
            .map_err(Error::io("creating", path))?;
        new.publish()
    }
}

impl fmt::Debug for GalleryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GalleryKey(..)")
    }
}

fn refused(what: impl fmt::Display, reason: impl fmt::Display) -> Error {
    Error::Key {
        what: what.to_string(),
        reason: reason.to_string(),
    }
}

fn parse(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for &digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

/// The protection of a gallery file or a key vault. There is no default: the caller decides whether templates are encrypted.
#[derive(Clone, Debug)]
pub enum Protection {
    /// The file can be read with the key only.
    Key(GalleryKey),
    /// Everybody who has the file can read it: the root key is open in the file. For test data, and for files on a
    /// medium that is encrypted itself. Removed people are erased all the same.
    None,
}

/// The kind of protection of a gallery file or a key vault, as the file states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtectionKind {
    /// By a key of 32 bytes.
    Key,
    /// By a passphrase.
    Passphrase,
    /// No protection.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gallery.key");
        let key = GalleryKey::from_bytes([0xA7; 32]);
        key.write_new_file(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(matches!(
            GalleryKey::from_file(&path).unwrap().0,
            Secret::Raw(bytes) if *bytes == [0xA7; 32]
        ));
        assert!(matches!(
            key.write_new_file(&path).unwrap_err(),
            Error::Io { .. }
        ));
        // An unfinished file that a crash left is removed.
        let (other, partial) = (
            folder.path().join("other"),
            folder.path().join(".other.partial"),
        );
        std::fs::write(&partial, "0123").unwrap();
        key.write_new_file(&other).unwrap();
        assert!(GalleryKey::from_file(&other).is_ok() && !partial.exists());
        let hex = "0123456789abcdefABCDEF".repeat(3);
        let (good, short) = (&hex[..64], &hex[..63]);
        for good in [good.to_owned(), format!("{good}\n"), format!("{good}\r\n")] {
            std::fs::write(&path, good).unwrap();
            GalleryKey::from_file(&path).unwrap();
        }
        for bad in [
            String::new(),
            short.to_owned(),
            format!("{short}g"),
            format!("{good}{good}"),
            format!("{good}\n\n"),
            format!(" {short}"),
        ] {
            std::fs::write(&path, bad).unwrap();
            let error = GalleryKey::from_file(&path).unwrap_err();
            assert!(matches!(error, Error::Key { .. }), "{error}");
            let message = error.to_string();
            assert!(message.contains("gallery.key") && message.contains(ACCEPTED));
        }
        let missing = GalleryKey::from_file(folder.path().join("none")).unwrap_err();
        assert!(missing.is_not_found());
        let phrase = GalleryKey::from_passphrase("open sesame").unwrap();
        assert!(matches!(
            phrase.write_new_file(folder.path().join("p")).unwrap_err(),
            Error::Key { .. }
        ));
        assert!(!format!("{phrase:?}").contains("sesame"));
    }

    #[test]
    fn variables_that_are_not_set() {
        let error = GalleryKey::from_env("FACEKIT_NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!(error.to_string(), "FACEKIT_NO_SUCH_VARIABLE: is not set");
    }
}
