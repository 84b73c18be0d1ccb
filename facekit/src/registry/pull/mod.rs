//! Fetching weights.

#[cfg(unix)]
use std::fs::File;
use std::{
    fs,
    path::{Path, PathBuf},
};

use self::{lock::Lock, transfer::Fetched};
use super::{
    ModelEntry, Registry,
    file::{FileState, state},
    url,
};
use crate::{
    digest::Digest,
    error::{Error, Result},
    files::replace,
};

mod lock;
mod options;
mod transfer;

pub use options::PullOptions;

/// The result of [`Registry::pull`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullReport {
    /// The model's name.
    pub model: String,
    /// The model's file, whose digest is verified.
    pub path: PathBuf,
    /// The file's digest.
    pub digest: Digest,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The bytes that came over the network: fewer than `bytes` if an earlier attempt was resumed.
    pub transferred: u64,
    /// True if the file existed before. The network was not used then.
    pub present: bool,
}

impl Registry {
    /// Fetches the file of a model, unless an accepted file exists.
    ///
    /// The bytes are written to `<file>.part` in the models folder. The file gets its final name when it is complete, has
    /// an accepted digest and is synced to disk. An attempt that is interrupted leaves its `.part`, and the next attempt
    /// fetches the rest. If another thread or process pulls the same model, this call waits for it.
    ///
    /// At most as many bytes are written as the longest accepted file has, or 1 GiB if the manifest gives no length.
    ///
    /// The file of a model that is part of the program is written from there, for use by other programs.
    ///
    /// The proxy in `HTTPS_PROXY` or a similar variable is used, except for URLs on this machine.
    ///
    /// ```no_run
    /// use facekit::{PullOptions, Registry};
    ///
    /// let report = Registry::from_env()?.pull("yunet_n", &PullOptions::default())?;
    /// println!("{}: {} bytes fetched", report.path.display(), report.transferred);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownModel`] for an unknown name.
    /// - [`Error::InvalidArgument`] for a set (see [`pull_all`](Self::pull_all)), for a model without a URL, and for a
    ///   mirror that is not an http or https URL.
    /// - [`Error::NonCommercial`] if the license forbids commercial use and this was not accepted.
    /// - [`Error::Network`] if the server cannot be reached, answers with an error, stops sending, or sends too little or
    ///   too much.
    /// - [`Error::HashMismatch`] if the server sends another file. It is not kept.
    /// - [`Error::Io`] if the folder cannot be written.
    /// - [`Error::Cancelled`] if the work was stopped. The `.part` stays.
    pub fn pull(&self, name: &str, options: &PullOptions<'_>) -> Result<PullReport> {
        if self.sets.contains_key(name) {
            return Err(Error::argument(
                "model",
                format!("{name:?} is a set, but one model is needed"),
            ));
        }
        let entry = self.model(name)?;
        check_license(entry, options)?;
        let path = self.folder.join(&entry.file);
        // Without a lock, so that a folder without write permission can be used.
        if let Ok(FileState::Verified { digest }) = state(entry, &path) {
            return present(entry, path, digest);
        }
        if let Some((digest, content)) = self.bundled(entry) {
            fs::create_dir_all(&self.folder).map_err(Error::io("creating", &self.folder))?;
            replace(&path, content)?;
            return Ok(PullReport {
                model: entry.name.clone(),
                path,
                digest,
                bytes: content.len() as u64,
                transferred: 0,
                present: false,
            });
        }
        let url = self.url(entry, options)?;
        fs::create_dir_all(&self.folder).map_err(Error::io("creating", &self.folder))?;
        let _lock = Lock::acquire(beside(&path, "lock"), &options.watch)?;
        if let FileState::Verified { digest } = state(entry, &path)? {
            return present(entry, path, digest);
        }

        let part = beside(&path, "part");
        let fetched = transfer::fetch(entry, url, &part, options)?;
        fs::rename(&part, &path).map_err(Error::io("renaming", &part))?;
        // Makes the new name durable. Windows has no such operation.
        #[cfg(unix)]
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io("flushing", &self.folder))?;
        let Fetched {
            digest,
            bytes,
            transferred,
        } = fetched;
        tracing::info!(model = entry.name, bytes, transferred, "model fetched");
        Ok(PullReport {
            model: entry.name.clone(),
            path,
            digest,
            bytes,
            transferred,
            present: false,
        })
    }

    /// Fetches all models in a comma-separated list of sets and models, one after the other.
    ///
    /// Licenses are checked first. If one is not accepted, nothing is fetched. Progress starts at 0 for each model.
    ///
    /// ```no_run
    /// use facekit::{PullOptions, Registry};
    ///
    /// for report in Registry::from_env()?.pull_all("standard", &PullOptions::default())? {
    ///     println!("{} is at {}", report.model, report.path.display());
    /// }
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`pull`](Self::pull), for the first model that fails. The files of the models before it stay.
    pub fn pull_all(&self, names: &str, options: &PullOptions<'_>) -> Result<Vec<PullReport>> {
        let members = self.members(names)?;
        members
            .iter()
            .try_for_each(|entry| check_license(entry, options))?;
        members
            .iter()
            .map(|entry| self.pull(&entry.name, options))
            .collect()
    }

    /// The URL to fetch a model from.
    fn url(&self, entry: &ModelEntry, options: &PullOptions<'_>) -> Result<String> {
        let Some(mirror) = options.mirror.as_ref().or(self.mirror.as_ref()) else {
            return entry.url.clone().ok_or_else(|| {
                let reason = format!(
                    "{:?} was made on the machine that uses it, and has no URL",
                    entry.name
                );
                Error::argument("model", reason)
            });
        };
        match url::scheme_and_host(mirror) {
            Some(("http" | "https", _)) => {
                Ok(format!("{}/{}", mirror.trim_end_matches('/'), entry.file))
            }
            _ => Err(Error::argument(
                "mirror",
                format!("{mirror:?} is not an http or https URL"),
            )),
        }
    }
}

fn check_license(entry: &ModelEntry, options: &PullOptions<'_>) -> Result<()> {
    if entry.commercial_use || options.accept_non_commercial {
        Ok(())
    } else {
        Err(Error::NonCommercial {
            model: entry.name.clone(),
            license: entry.license.clone(),
        })
    }
}

fn present(entry: &ModelEntry, path: PathBuf, digest: Digest) -> Result<PullReport> {
    let bytes = fs::metadata(&path)
        .map_err(Error::io("reading", &path))?
        .len();
    Ok(PullReport {
        model: entry.name.clone(),
        path,
        digest,
        bytes,
        transferred: 0,
        present: true,
    })
}

/// `path` with a further extension.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
