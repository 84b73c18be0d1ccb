//! The vault of the settings: its protection, and copies of it.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_server::{private_file, vault::Vault};
use facekit::{Error, GalleryKey, Protection};

use super::settings::{Settings, remove_if_present};

/// The variable with the key of the vault, or a passphrase.
const VARIABLE: &str = "ATTENDANCE_KEY";

/// The end of the name of a copy of the vault.
const COPY: &str = ".copy";

/// The attempts to copy a vault while the server changes it.
const ATTEMPTS: usize = 20;

/// Opens the vault of the settings, or makes it.
pub(super) fn open(settings: &Settings) -> Result<Vault> {
    let file = settings.vault();
    let protection = protection(settings, !file.exists())?;
    if matches!(protection, Protection::None) {
        tracing::warn!(
            "no key protects personal data: everybody who has the data folder can read it"
        );
    }
    let opened = Vault::open_or_create(&file, &protection).map_err(|error| {
        let text = match error {
            Error::FileLocked { .. } => {
                "the server is running, and one program at a time can use the keys".to_owned()
            }
            _ => format!("the keys in {} cannot be used", file.display()),
        };
        anyhow::Error::new(error).context(text)
    })?;
    remove_copies(&settings.data)?;
    Ok(opened)
}

/// Overwrites and removes the copies of the vault in a folder, which commands that were killed left there.
fn remove_copies(folder: &Path) -> Result<()> {
    let read = || format!("the folder {} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(read)? {
        let entry = entry.with_context(read)?;
        let name = entry.file_name();
        let is_copy = |name: &str| name.starts_with("keys.") && name.ends_with(COPY);
        if !name.to_str().is_some_and(is_copy) {
            continue;
        }
        if let Err(error) = overwrite(&entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "a copy of the keys could not be removed");
        }
    }
    Ok(())
}

/// The protection of the settings. For a new vault, a key file that is missing is made.
pub(super) fn protection(settings: &Settings, is_new: bool) -> Result<Protection> {
    let has_variable = std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty());
    let key = match (&settings.key_file, has_variable) {
        (Some(_), true) => bail!("state either --key-file or {VARIABLE}"),
        (Some(file), false) if is_new && !file.exists() => {
            let key = GalleryKey::generate()?;
            key.write_new_file(file)?;
            println!(
                "The key of personal data was made: {}. Keep a copy of it apart from the backups.",
                file.display()
            );
            key
        }
        (Some(file), false) => GalleryKey::from_file(file)?,
        (None, true) => GalleryKey::from_env(VARIABLE)?,
        (None, false) => return Ok(Protection::None),
    };
    Ok(Protection::Key(key))
}

/// A copy of the vault, for reading and for backups, which is also possible while the server runs. It is overwritten and
/// removed at the end, because it opens what the vault opens today.
#[derive(Debug)]
pub(super) struct Copy {
    file: PathBuf,
    vault: Option<Vault>,
}

impl Copy {
    /// Copies the vault of the settings.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let vault = settings.vault();
        let protection = protection(settings, false)?;
        let name = format!("keys.{}{COPY}", std::process::id());
        let mut copy = Self {
            file: settings.data.join(name),
            vault: None,
        };
        for attempt in 1.. {
            // The file may change while it is read. What was read then does not open, since each part is authenticated.
            let content =
                fs::read(&vault).with_context(|| format!("{} cannot be read", vault.display()))?;
            remove_if_present(&copy.file)
                .and_then(|()| private_file::create(&copy.file)?.write_all(&content))
                .with_context(|| format!("{} cannot be written", copy.file.display()))?;
            match Vault::open(&copy.file, &protection) {
                Ok(opened) => {
                    copy.vault = Some(opened);
                    break;
                }
                // A server that starts removes the copy.
                Err(error) if error.is_not_found() && attempt < ATTEMPTS => {}
                Err(Error::FileDamaged { .. } | Error::Key { .. }) if attempt < ATTEMPTS => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("the keys in {} cannot be used", vault.display())
                    });
                }
            }
        }
        Ok(copy)
    }

    /// The copy, opened.
    pub(super) fn vault(&self) -> Result<&Vault> {
        self.vault.as_ref().context("the copy was not opened")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.vault = None;
        if let Err(error) = overwrite(&self.file) {
            eprintln!(
                "{} has keys, and could not be removed: {error}",
                self.file.display()
            );
        }
    }
}

/// Overwrites and removes a file, if it is there.
fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = match fs::OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = file.metadata()?.len();
    let zeros = vec![0; 1 << 16];
    let mut left = length;
    while left > 0 {
        let part = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(part).unwrap_or(zeros.len())])?;
        left -= part;
    }
    file.sync_all()?;
    remove_if_present(path)
}
