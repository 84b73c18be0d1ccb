//! Sources of video for facekit: implementations of [`FrameSource`](facekit::FrameSource), whose frames a tracker takes.
//!
//! - [`Pipe`] reads Motion JPEG or YUV4MPEG2 from a pipe or a file. FFmpeg turns every other video, and local webcams, into one of
//!   the two: `ffmpeg -i ANYTHING -f mjpeg -`.
//! - [`VideoFile`] reads files, also MP4 and Matroska.
//! - `HttpCamera` (feature `http`) reads cameras at an `http://` or `https://` address: Motion JPEG and snapshots.
//! - `RtspCamera` (feature `rtsp`) reads cameras at an `rtsp://` address: H.264 and H.265.
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
//! - `h264`: files of H.264 without a container. The decoder is in Rust.
//! - `mp4`: MP4 files with H.264.
//! - `matroska`: Matroska and WebM files with H.264 or Motion JPEG.
//! - `rtsp`: cameras at an `rtsp://` address, with H.264.
//! - `h265`: H.265 in all of these.
//!
//! H.264 and H.265 are covered by patents in some countries. Users of these features need the licenses there.
//!
//! # What is not supported
//!
//! - Other codecs than H.264, H.265 and Motion JPEG; over RTSP, Motion JPEG too.
//! - RTSP over UDP and over TLS.
//! - Interlaced video.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "http", feature = "rtsp"))]
mod address;
#[cfg(any(feature = "http", feature = "rtsp"))]
mod backoff;
#[cfg(any(feature = "matroska", feature = "mp4"))]
mod configuration;
mod file;
#[cfg(feature = "h264")]
mod h264;
#[cfg(feature = "h265")]
mod h265;
#[cfg(feature = "http")]
mod http;
mod inbox;
mod live;
mod mjpeg;
mod options;
mod packet;
mod picture;
mod pipe;
mod reason;
#[cfg(feature = "rtsp")]
mod rtsp;
mod sender;
mod slot;
#[cfg(feature = "h264")]
mod units;
mod watch;
mod y4m;

pub use file::{FileOptions, VideoFile};
#[cfg(feature = "http")]
pub use http::{HttpCamera, HttpOptions};
pub use inbox::{Inbox, InboxSender};
pub use options::{PipeOptions, Timing};
pub use pipe::Pipe;
#[cfg(feature = "rtsp")]
pub use rtsp::{RtspCamera, RtspOptions};
pub use watch::{
    CameraId, CameraOptions, CameraState, Change, Health, Report, Watched, Watcher, WatcherOptions,
};

/// The examples of the README, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
