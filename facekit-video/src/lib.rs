//! Sources of video for facekit: implementations of [`FrameSource`](facekit::FrameSource), whose frames a tracker takes.
//!
//! - [`Pipe`] reads Motion JPEG or YUV4MPEG2 from a pipe or a file. FFmpeg turns every other video, and local webcams, into one of
//!   the two: `ffmpeg -i ANYTHING -f mjpeg -`.
//! - `HttpCamera` (feature `http`) reads cameras at an `http://` or `https://` address: Motion JPEG and snapshots.
//! - [`Inbox`] takes frames from other code, such as the gateway of a server.
//! - Folders of photos are in the core: `facekit::FrameFolder`.
//!
//! [`Watcher`] watches several sources at the same time, each with a tracker, and says how they are.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `http`: cameras at an `http://` or `https://` address. TLS is rustls with ring.
//!
//! # What is not supported
//!
//! - RTSP, and files of other formats.
//! - Interlaced video.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "http")]
mod backoff;
#[cfg(feature = "http")]
mod http;
mod inbox;
mod live;
mod mjpeg;
mod options;
mod packet;
mod pipe;
mod reason;
mod slot;
mod watch;
mod y4m;

#[cfg(feature = "http")]
pub use http::{HttpCamera, HttpOptions};
pub use inbox::{Inbox, InboxSender};
pub use options::{PipeOptions, Timing};
pub use pipe::Pipe;
pub use watch::{
    CameraId, CameraOptions, CameraState, Change, Health, Report, Watched, Watcher, WatcherOptions,
};

/// The examples of the README, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
