//! Cameras that speak RTSP.

mod assembler;
mod clock;
mod connection;
mod frames;
mod options;
mod queue;

use std::{sync::Arc, thread, time::Duration};

use facekit::{Error, FrameSource, Next, Pace, Result};
use jiff::Timestamp;
use url::Url;

pub use options::RtspOptions;

use crate::address::{Address, Kind};
use connection::Connection;
use frames::Frames;
use queue::Queue;

/// The addresses of these cameras.
const ADDRESSES: Kind = Kind {
    schemes: &["rtsp"],
    is_url: |url, _| {
        let url = Url::parse(url).ok();
        url.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
    },
};

/// A camera at an `rtsp://` address, which sends H.264 or, with the feature `h265`, H.265.
///
/// The packets come over the connection of RTSP itself (TCP), so a router or a firewall needs no further rule. The first video
/// of the camera is taken. Most cameras have an address for a small picture, too, which takes a quarter of the work: prefer it if faces
/// are large enough in it.
///
/// A thread receives the pictures. They are decoded in [`next`](FrameSource::next), and the newest one is returned. A picture needs
/// those before it, so all of them are decoded, from the newest key frame on. Pictures that are not taken for so long that their bytes
/// are more than [`max_file_bytes`](facekit::image::DecodeLimits::max_file_bytes) are dropped. After a lost packet or damage, no picture is
/// decoded until the next key frame. [`damaged`](FrameSource::damaged) counts the pictures that are left out, and those before the first
/// key frame. H.265 comes later by one picture at least: the decoder returns a picture when the next one begins.
///
/// # Times
///
/// A frame has the time of the camera's clock if the camera sends it, in RTCP sender reports, and if it differs by two seconds at most from
/// the time at which the frame arrives. Otherwise it has the time of its arrival, until the two clocks differ by one second at most.
/// [`VideoFrame::clock`](facekit::VideoFrame::clock) says which. Cameras need the time from a server (NTP) to be that exact.
///
/// # Lost connections
///
/// If the connection is lost, it is made again after 1, 2, 4 … 60 s, and [`Next::Lost`] says why: the server cannot be reached, it answers
/// with an error, it has no such video, or no whole picture or no key frame comes in 10 s. The first frame after that is a
/// [discontinuity](facekit::VideoFrame::discontinuity). If the camera refuses the user or the password (401 or 403), the pause is the
/// longest one at once: many cameras lock an account after a few attempts.
///
/// A user and a password in the address (`rtsp://user:password@host/path`, with `%40` for `@`) are sent if the camera asks for them: as a
/// digest, or as they are if it asks for basic authentication. Neither they nor the query, nor a part of the path with a `=`, are in
/// errors, reasons or `Debug`. The crate `retina`, which speaks RTSP, writes addresses with their query and path to the crate `log`: leave
/// its messages out of logs that others read.
///
/// # Limits
///
/// RTSP over TLS (`rtsps://`) and over UDP are not supported, nor is video of another codec. The answers of the camera to requests have no
/// limit of bytes, but must come within the [timeout](RtspOptions::timeout).
///
/// # Errors
///
/// Interlaced video, other pixels than 4:2:0 of 8 bits, and pictures beyond the limits end the source with an error. So does a panic of
/// the decoder.
///
/// ```no_run
/// use std::time::Duration;
///
/// use facekit::{FrameSource, Next};
/// use facekit_video::{RtspCamera, RtspOptions};
///
/// let mut camera = RtspCamera::open("rtsp://me:secret@192.168.1.7/stream2", &RtspOptions::default())?;
/// loop {
///     match camera.next(Duration::from_secs(1))? {
///         Next::Frame(frame) => println!("{} {:?} {:?}", frame.at, frame.clock, frame.image),
///         Next::Lost { reason, retry_at } => println!("{reason}; next attempt at {retry_at}"),
///         _ => {}
///     }
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Debug)]
pub struct RtspCamera {
    address: Address,
    frames: Frames,
}

impl RtspCamera {
    /// Begins to connect. A camera that cannot be reached is no error.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for something that is no such address, without its text, and for a time that is out of range.
    /// [`Error::Io`] if the system has no more threads.
    pub fn open(address: &str, options: &RtspOptions) -> Result<Self> {
        let address = Address::parse(address, &ADDRESSES)?;
        options.check()?;
        let queue = Arc::new(Queue::new(options.limits.max_file_bytes));
        let connection = Connection::new(&address, options, Arc::downgrade(&queue))?;
        thread::Builder::new()
            .name(format!("facekit {address}"))
            .spawn(move || connection.run())
            .map_err(Error::io("starting the thread of", address.to_string()))?;
        Ok(Self {
            frames: Frames::new(queue, address.shown(), &options.limits),
            address,
        })
    }

    /// The address, without user, password and query.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.shown()
    }
}

impl FrameSource for RtspCamera {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        self.frames.next(wait)
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn skip_before(&mut self, at: Timestamp) {
        self.frames.skip_before(at);
    }

    fn damaged(&self) -> u64 {
        self.frames.damaged()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_such_cameras_are_read() {
        for right in [
            "rtsp://door/",
            "RTSP://me:se%2Fcret@[fe80::1]:8554/a?b=c",
            "rtsp://10.0.0.7",
        ] {
            assert!(Address::parse(right, &ADDRESSES).is_ok(), "{right}");
        }
        for wrong in [
            "rtsps://door/",
            "http://door/",
            "rtsp:///video",
            "rtsp://me:secret@/video",
            "rtsp://door:port/",
        ] {
            let error = Address::parse(wrong, &ADDRESSES).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
