//! Options for fetching weights.

use std::time::Duration;

use crate::progress::Watch;

/// Options of `Registry::pull`.
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
    /// True to fetch models whose license forbids commercial use. False by default.
    pub accept_non_commercial: bool,
    /// The URL of a folder, http or https, to fetch from instead of the URLs of the entries. Its files have the names of
    /// the files in the models folder. By default the value of `FACEKIT_MIRROR` when
    /// [`Registry::from_env`](crate::Registry::from_env) was called, if it was set.
    pub mirror: Option<String>,
    /// The longest time to resolve the server's name, and the longest time to connect to it; 15 seconds by default.
    pub connect_timeout: Duration,
    /// The longest time without data from the server; 30 seconds by default. The whole transfer has no limit.
    pub stall_timeout: Duration,
    /// Gets progress in bytes, and can stop the work. While the server sends nothing, a cancellation takes effect after
    /// `stall_timeout` at the latest.
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

    /// Sets [`mirror`](Self::mirror): `<mirror>/<file>` is fetched instead of the URL of an entry. Digests are checked all
    /// the same, so a mirror need not be trusted, and may use plain http.
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
