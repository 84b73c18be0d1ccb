//! Fetching weights.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use sha2::Digest as _;
use ureq::{Agent, http::HeaderMap};

use super::{FileState, Registry, hash_into, manifest, mismatch, state};
use crate::{
    digest::Digest,
    error::{Error, Result},
    files::replace,
    progress::Watch,
    registry::ModelEntry,
};

/// Bytes fetched at most of a file whose length the manifest does not give.
const UNSIZED_LIMIT: u64 = 1 << 30;

/// How often a lock that another process holds is tried.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// How to fetch a model.
///
/// ```
/// use facekit::{CancellationToken, PullOptions, Watch};
///
/// let token = CancellationToken::new();
/// let options = PullOptions::default()
///     .with_mirror("http://models.local:8000/facekit")
///     .with_watch(Watch::new().with_cancellation(&token));
/// assert!(!options.accept_non_commercial);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PullOptions<'a> {
    /// Whether models may be fetched whose licence forbids commercial use. Not by default.
    pub accept_non_commercial: bool,
    /// Where to fetch from instead of an entry's own address: a folder over http or https that holds files named as in
    /// the models folder. By default what `FACEKIT_MIRROR` named in [`Registry::from_env`], if anything.
    pub mirror: Option<String>,
    /// How long finding and reaching the server may take; 15 seconds by default.
    pub connect_timeout: Duration,
    /// How long the server may send nothing; 30 seconds by default. The whole has no limit.
    pub stall_timeout: Duration,
    /// Hears of progress, in bytes, and stops the work. A server that sends nothing is noticed first by
    /// `stall_timeout`.
    pub watch: Watch<'a>,
}

impl Default for PullOptions<'_> {
    fn default() -> Self {
        Self {
            accept_non_commercial: false,
            mirror: None,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            watch: Watch::new(),
        }
    }
}

impl<'a> PullOptions<'a> {
    /// Sets [`accept_non_commercial`](Self::accept_non_commercial).
    #[must_use]
    pub fn with_accept_non_commercial(mut self, accept: bool) -> Self {
        self.accept_non_commercial = accept;
        self
    }

    /// Sets [`mirror`](Self::mirror): `<mirror>/<file>` is fetched instead of an entry's address. Digests are checked
    /// as ever, so a mirror need not be trusted, and may be plain http.
    #[must_use]
    pub fn with_mirror(mut self, mirror: impl Into<String>) -> Self {
        self.mirror = Some(mirror.into());
        self
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`stall_timeout`](Self::stall_timeout).
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets [`watch`](Self::watch).
    #[must_use]
    pub fn with_watch(mut self, watch: Watch<'a>) -> Self {
        self.watch = watch;
        self
    }
}

/// What [`Registry::pull`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullReport {
    /// The model's name.
    pub model: String,
    /// Its file, verified.
    pub path: PathBuf,
    /// The file's digest.
    pub digest: Digest,
    /// The file's length in bytes.
    pub bytes: u64,
    /// Bytes that came over the network: fewer than `bytes` where an earlier attempt was resumed.
    pub transferred: u64,
    /// Whether the file was there before, so that nothing was asked of the network.
    pub present: bool,
}

impl Registry {
    /// Fetches the file of a model, unless the right file is there.
    ///
    /// The bytes go to `<file>.part` in the models folder and under the final name once the whole file is there, has an
    /// accepted digest and is on the disk. An attempt that breaks off leaves its `.part`, and the next one fetches the
    /// rest. A pull of the same model in another thread or process is waited for.
    ///
    /// No more is written than the longest accepted file has bytes, or 1 GiB where the manifest gives no length.
    ///
    /// A model that is part of the program is written from there, for other programs to use.
    ///
    /// The proxies named by `HTTPS_PROXY` and its like are used, except for addresses of this machine.
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
    /// - [`Error::UnknownModel`]; [`Error::InvalidArgument`] for a set, which [`pull_all`](Self::pull_all) fetches, for a
    ///   model without an address, and for a mirror that is not an http or https address.
    /// - [`Error::NonCommercial`] where the licence forbids commercial use and that was not accepted.
    /// - [`Error::Network`] where the server cannot be reached, refuses, falls silent, or sends too little or too much.
    /// - [`Error::HashMismatch`] where it sends something else; nothing of it is kept.
    /// - [`Error::Io`] where the folder cannot be written.
    /// - [`Error::Cancelled`]; the `.part` stays.
    pub fn pull(&self, name: &str, options: &PullOptions<'_>) -> Result<PullReport> {
        if self.sets.contains_key(name) {
            return Err(Error::argument(
                "model",
                format!("{name:?} is a set, and one model is asked for"),
            ));
        }
        let entry = self.model(name)?;
        check_licence(entry, options)?;
        let path = self.folder.join(&entry.file);
        // Without a lock, so that a folder which nobody may write serves too.
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
        let url = self.address(entry, options)?;
        fs::create_dir_all(&self.folder).map_err(Error::io("creating", &self.folder))?;
        let _lock = Lock::acquire(beside(&path, "lock"), &options.watch)?;
        if let FileState::Verified { digest } = state(entry, &path)? {
            return present(entry, path, digest);
        }

        let part = beside(&path, "part");
        let mut transfer = Transfer {
            entry,
            agent: agent(&url, options),
            url,
            part: &part,
            options,
            transferred: 0,
        };
        let (digest, bytes) = transfer.run().inspect_err(|_| {
            if fs::metadata(&part).is_ok_and(|part| part.len() == 0) {
                let _ = fs::remove_file(&part);
            }
        })?;
        let transferred = transfer.transferred;
        fs::rename(&part, &path).map_err(Error::io("renaming", &part))?;
        // What makes the new name durable; Windows has no such thing.
        #[cfg(unix)]
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io("flushing", &self.folder))?;
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

    /// Fetches every model that a comma-separated list of sets and models names, one after the other.
    ///
    /// Licences are looked at first: where one is not accepted, nothing is fetched. Progress starts anew with each
    /// model.
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
    /// As [`pull`](Self::pull), of the first model that fails; those before it stay.
    pub fn pull_all(&self, names: &str, options: &PullOptions<'_>) -> Result<Vec<PullReport>> {
        let members = self.members(names)?;
        members
            .iter()
            .try_for_each(|entry| check_licence(entry, options))?;
        members
            .iter()
            .map(|entry| self.pull(&entry.name, options))
            .collect()
    }

    fn address(&self, entry: &ModelEntry, options: &PullOptions<'_>) -> Result<String> {
        let Some(mirror) = options.mirror.as_ref().or(self.mirror.as_ref()) else {
            return entry.url.clone().ok_or_else(|| {
                let reason = format!(
                    "{:?} was made on the machine it is for, and has no address",
                    entry.name
                );
                Error::argument("model", reason)
            });
        };
        match manifest::scheme_and_host(mirror) {
            Some(("http" | "https", _)) => {
                Ok(format!("{}/{}", mirror.trim_end_matches('/'), entry.file))
            }
            _ => Err(Error::argument(
                "mirror",
                format!("{mirror:?} is not an http or https address"),
            )),
        }
    }
}

fn check_licence(entry: &ModelEntry, options: &PullOptions<'_>) -> Result<()> {
    if entry.commercial_use || options.accept_non_commercial {
        Ok(())
    } else {
        Err(Error::NonCommercial {
            model: entry.name.clone(),
            licence: entry.licence.clone(),
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

/// `path` with another extension behind its own.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn agent(url: &str, options: &PullOptions<'_>) -> Agent {
    let (scheme, host) = manifest::scheme_and_host(url).unwrap_or_default();
    let mut config = Agent::config_builder()
        .user_agent(concat!("facekit/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .http_status_as_error(false)
        // A redirect must not lead from https to http.
        .https_only(scheme == "https")
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .timeout_per_write(Some(options.stall_timeout));
    if manifest::is_loopback(host) {
        config = config.proxy(None);
    }
    config.build().into()
}

/// One model on its way into its `.part`.
struct Transfer<'a> {
    entry: &'a ModelEntry,
    agent: Agent,
    url: String,
    part: &'a Path,
    options: &'a PullOptions<'a>,
    transferred: u64,
}

enum Attempt {
    Complete {
        digest: Digest,
        bytes: u64,
    },
    /// What an earlier attempt left is of no use and has been removed.
    Restart,
}

impl Transfer<'_> {
    /// Fills the `.part` until it is the model.
    fn run(&mut self) -> Result<(Digest, u64)> {
        loop {
            // An attempt asks for a restart only where it found a `.part`, which it then removed.
            if let Attempt::Complete { digest, bytes } = self.attempt()? {
                return Ok((digest, bytes));
            }
        }
    }

    fn attempt(&mut self) -> Result<Attempt> {
        let mut hasher = sha2::Sha256::new();
        let mut done = match File::open(self.part) {
            Ok(file) => hash_into(&mut hasher, file).map_err(Error::io("reading", self.part))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(Error::io("opening", self.part)(error)),
        };
        if done > 0 {
            let digest = Digest::from_bytes(hasher.clone().finalize().into());
            if self.entry.accepts(digest) {
                self.flush()?;
                return Ok(Attempt::Complete {
                    digest,
                    bytes: done,
                });
            }
            if done >= self.limit() {
                return self.restart();
            }
        }
        self.options.watch.report(done, None)?;

        let mut request = self.agent.get(&self.url);
        if done > 0 {
            request = request.header("Range", format!("bytes={done}-"));
        }
        let response = request.call().map_err(|error| self.network(error, 0))?;
        let resumed = match response.status().as_u16() {
            200 => {
                done = 0;
                hasher = sha2::Sha256::new();
                false
            }
            206 if done > 0 && first_byte(response.headers()) == Some(done) => true,
            206 | 416 if done > 0 => return self.restart(),
            _ => {
                return Err(self.refused(format!("the server answered {}", response.status())));
            }
        };
        let body = response.into_body();
        let announced = body.content_length().map(|rest| done.saturating_add(rest));
        if announced.is_some_and(|bytes| bytes > self.limit()) {
            return self.too_long(resumed);
        }
        let total = announced.or_else(|| self.sizes().map(|(_, most)| most));

        let failed = |action| Error::io(action, self.part);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(!resumed)
            .open(self.part)
            .map_err(failed("creating"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("writing"))?;
        let mut body = body.into_reader();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            self.options.watch.report(done, total)?;
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.network(error.into(), done)),
            };
            if done + read as u64 > self.limit() {
                drop(file);
                return self.too_long(resumed);
            }
            file.write_all(&chunk[..read]).map_err(failed("writing"))?;
            hasher.update(&chunk[..read]);
            done += read as u64;
            self.transferred += read as u64;
        }
        drop(file);

        let digest = Digest::from_bytes(hasher.finalize().into());
        if self.entry.accepts(digest) {
            self.flush()?;
            Ok(Attempt::Complete {
                digest,
                bytes: done,
            })
        } else if let Some((least, _)) = self.sizes().filter(|(least, _)| done < *least) {
            Err(self.refused(format!("the server ended after {done} of {least} bytes")))
        } else if resumed {
            self.restart()
        } else {
            self.remove()?;
            Err(mismatch(self.entry, self.url.clone(), digest))
        }
    }

    /// The lengths of the shortest and the longest accepted file, where all are known.
    fn sizes(&self) -> Option<(u64, u64)> {
        let sizes: Option<Vec<u64>> = self.entry.exports.iter().map(|e| e.bytes).collect();
        let sizes = sizes?;
        Some((*sizes.iter().min()?, *sizes.iter().max()?))
    }

    fn limit(&self) -> u64 {
        self.sizes().map_or(UNSIZED_LIMIT, |(_, most)| most)
    }

    fn flush(&self) -> Result<()> {
        OpenOptions::new()
            .write(true)
            .open(self.part)
            .and_then(|file| file.sync_all())
            .map_err(Error::io("flushing", self.part))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_file(self.part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("removing", self.part)(error))
            }
            _ => Ok(()),
        }
    }

    fn restart(&self) -> Result<Attempt> {
        tracing::debug!(part = %self.part.display(), "cannot be resumed, starting over");
        self.remove()?;
        Ok(Attempt::Restart)
    }

    /// More bytes than any accepted file has: of no use, wherever they came from.
    fn too_long(&self, resumed: bool) -> Result<Attempt> {
        if resumed {
            return self.restart();
        }
        self.remove()?;
        Err(self.refused(format!(
            "the server sends more than the {} bytes expected",
            self.limit()
        )))
    }

    fn refused(&self, reason: String) -> Error {
        Error::Network {
            url: self.url.clone(),
            reason,
            source: None,
        }
    }

    fn network(&self, error: ureq::Error, done: u64) -> Error {
        use ureq::Timeout::{Connect, Resolve};

        let reason = match error {
            ureq::Error::Timeout(Connect | Resolve) => format!(
                "the server was not reached within {:?}",
                self.options.connect_timeout
            ),
            ureq::Error::Timeout(_) => format!(
                "the server sent nothing for {:?}",
                self.options.stall_timeout
            ),
            _ if done > 0 => format!("the transfer broke off after {done} bytes"),
            _ => "the request failed".to_owned(),
        };
        Error::Network {
            url: self.url.clone(),
            reason,
            source: Some(Box::new(error)),
        }
    }
}

/// Where the part that the server sends begins: `Content-Range: bytes 100-199/200`.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get("content-range")?.to_str().ok()?;
    let (first, _) = range.trim().strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok()
}

/// Held by whoever writes a `.part`. A lock on the `.part` itself would move to the final name with it.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn acquire(path: PathBuf, watch: &Watch<'_>) -> Result<Self> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(Error::io("creating", &path))?;
            match file.try_lock() {
                Ok(()) if stands_at(&file, &path) => return Ok(Self { path, _file: file }),
                // Its last holder removed it between the two steps.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    watch.report(0, None)?;
                    thread::sleep(LOCK_INTERVAL);
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("locking", path)(error)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Elsewhere a file cannot be told from its successor of the same name, so the empty lock file stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn stands_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => identity(held) == identity(there),
        _ => false,
    }
}

#[cfg(not(unix))]
fn stands_at(_: &File, _: &Path) -> bool {
    true
}
