//! The transfer of one model: a request, its answer, and the `.part` file that grows.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use sha2::Digest as _;
use ureq::{Agent, http::HeaderMap};

use super::options::PullOptions;
use crate::{
    digest::Digest,
    error::{Error, Result},
    registry::{entry::ModelEntry, file::hash_into, url},
};

/// The most bytes that are fetched of a file whose length is not in the manifest.
const UNSIZED_LIMIT: u64 = 1 << 30;

/// A model that was fetched into its `.part`.
pub(super) struct Fetched {
    pub(super) digest: Digest,
    pub(super) bytes: u64,
    pub(super) transferred: u64,
}

/// Fetches a model into `part`. After an error an empty `part` is removed; any other is kept for the next attempt.
pub(super) fn fetch(
    entry: &ModelEntry,
    url: String,
    part: &Path,
    options: &PullOptions<'_>,
) -> Result<Fetched> {
    let mut transfer = Transfer {
        entry,
        agent: agent(&url, options),
        url,
        part,
        options,
        transferred: 0,
    };
    let (digest, bytes) = transfer.run().inspect_err(|_| {
        if fs::metadata(part).is_ok_and(|part| part.len() == 0) {
            let _ = fs::remove_file(part);
        }
    })?;
    Ok(Fetched {
        digest,
        bytes,
        transferred: transfer.transferred,
    })
}

fn agent(url: &str, options: &PullOptions<'_>) -> Agent {
    let (scheme, host) = url::scheme_and_host(url).unwrap_or_default();
    let mut config = Agent::config_builder()
        .user_agent(concat!("facekit/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .http_status_as_error(false)
        // No redirect from https to http.
        .https_only(scheme == "https")
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .timeout_per_write(Some(options.stall_timeout));
    if url::is_loopback(host) {
        config = config.proxy(None);
    }
    config.build().into()
}

/// The transfer of one model into its `.part`.
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
    /// The `.part` of an earlier attempt could not be used, and was removed.
    Restart,
}

impl Transfer<'_> {
    /// Fills the `.part` until it is the model.
    fn run(&mut self) -> Result<(Digest, u64)> {
        loop {
            // This ends: an attempt returns `Restart` only if it found a `.part`, and it removed that.
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
            Err(self.entry.mismatch(self.url.clone(), digest))
        }
    }

    /// The lengths of the shortest and the longest accepted file; `None` if the length of one is unknown.
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
        tracing::debug!(part = %self.part.display(), "cannot be resumed, starting again");
        self.remove()?;
        Ok(Attempt::Restart)
    }

    /// Handles a server that sends more bytes than any accepted file has. After a resumption the fault may be in the `.part`,
    /// so the transfer starts again.
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

/// The offset of the first byte that the server sends: 100 for `Content-Range: bytes 100-199/200`.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get("content-range")?.to_str().ok()?;
    let (first, _) = range.trim().strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok()
}
