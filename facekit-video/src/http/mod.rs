//! Cameras with an address of the web.

mod connection;
mod options;

use std::{sync::Arc, thread, time::Duration};

use facekit::{Error, FrameSource, Next, Pace, Result};
use jiff::Timestamp;
use ureq::http::Uri;

pub use options::HttpOptions;

use crate::{
    address::{Address, Kind},
    live::Live,
    slot::Slot,
};

/// The addresses of these cameras.
const ADDRESSES: Kind = Kind {
    schemes: &["http", "https"],
    is_url: |url, host| {
        url.parse::<Uri>().is_ok_and(|uri| {
            let has_host = uri.host().is_some_and(|host| !host.is_empty());
            has_host && (uri.port_u16().is_some() || uri.host() == Some(host))
        })
    },
};

/// A camera at an `http://` or `https://` address, which sends Motion JPEG, or one JPEG for each request.
///
/// The answer of the server says which. `image/…` is a snapshot: it is requested again at each
/// [interval](HttpOptions::interval), with the `ETag` of the last one, so that a server can say that nothing has changed: then, and during
/// the interval, [`next`](FrameSource::next) returns [`Next::Unchanged`]. Anything else but text is a stream of JPEG files, such as
/// `multipart/x-mixed-replace`. Frames have the time of their arrival.
///
/// A thread reads the stream and keeps the newest picture. Only pictures that are taken are decoded, and a picture that is damaged or
/// cut off is left out. After the camera is dropped, the thread ends with the next bytes of the server, or after the
/// [timeout](HttpOptions::timeout).
///
/// The source never ends. If the connection is lost, it is made again after 1, 2, 4 … 60 s, also if it only works for a moment each
/// time, and
/// [`Next::Lost`] says why: the server cannot be reached, it answers with an error, it sends no pictures, or no whole picture in 10 s.
/// The first frame after that is a [discontinuity](facekit::VideoFrame::discontinuity). If the server refuses the user or the password
/// (401 or 403), the pause is the longest one at once: many cameras lock an account after a few attempts.
///
/// A user and a password in the address (`http://user:password@host/path`, with `%40` for `@`) are sent if the server asks for them: as a
/// digest, or as they are if it asks for basic authentication. Neither they nor the query, which can have them too, nor a part of the
/// path with a `=` are in errors, reasons or `Debug`.
///
/// # Limits
///
/// `https://` needs a certificate of a known authority. Proxies are not supported. A redirect to another scheme, host or port does not get the
/// password, and may not lead from https to http.
///
/// ```no_run
/// use std::time::Duration;
///
/// use facekit::{FrameSource, Next};
/// use facekit_video::{HttpCamera, HttpOptions};
///
/// let mut camera = HttpCamera::open("http://me:secret@192.168.1.7/video", &HttpOptions::default())?;
/// loop {
///     match camera.next(Duration::from_secs(1))? {
///         Next::Frame(frame) => println!("{} {:?}", frame.at, frame.image),
///         Next::Lost { reason, retry_at } => println!("{reason}; next attempt at {retry_at}"),
///         _ => {}
///     }
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Debug)]
pub struct HttpCamera {
    address: Address,
    live: Live,
}

impl HttpCamera {
    /// Begins to connect. A camera that cannot be reached is no error.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for something that is no such address, without its text, and for a time that is out of range.
    /// [`Error::Io`] if the system has no more threads.
    pub fn open(address: &str, options: &HttpOptions) -> Result<Self> {
        let address = Address::parse(address, &ADDRESSES)?;
        options.check()?;
        let slot = Arc::new(Slot::new());
        let connection = connection::Connection::new(&address, options, Arc::downgrade(&slot));
        thread::Builder::new()
            .name(format!("facekit {address}"))
            .spawn(move || connection.run())
            .map_err(Error::io("starting the thread of", address.to_string()))?;
        Ok(Self {
            address,
            live: Live::new(slot, &options.limits),
        })
    }

    /// The address, without user, password and query.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.shown()
    }
}

impl FrameSource for HttpCamera {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        self.live.next(wait)
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn skip_before(&mut self, at: Timestamp) {
        self.live.skip_before(at);
    }

    fn damaged(&self) -> u64 {
        self.live.damaged()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_port_is_a_number() {
        assert!(Address::parse("http://door:8080/", &ADDRESSES).is_ok());
        assert!(Address::parse("http://door:port/", &ADDRESSES).is_err());
        assert!(Address::parse("http://door:99999/", &ADDRESSES).is_err());
    }

    proptest! {
        #[test]
        fn any_address_can_be_requested(text in "https?://[ -~é]{0,40}") {
            if let Ok(address) = Address::parse(&text, &ADDRESSES) {
                prop_assert!(address.url().parse::<Uri>().is_ok());
            }
        }
    }
}
