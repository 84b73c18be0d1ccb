//! Sources of video for facekit: implementations of [`FrameSource`](facekit::FrameSource), whose frames a tracker takes.
//!
//! - [`Pipe`] reads Motion JPEG or YUV4MPEG2 from a pipe or a file. FFmpeg turns every other video, and local webcams, into one of
//!   the two: `ffmpeg -i ANYTHING -f mjpeg -`.
//! - [`Inbox`] takes frames from other code, such as the gateway of a server.
//! - Folders of photos are in the core: `facekit::FrameFolder`.
//!
//! [`Watcher`] watches several sources at the same time, each with a tracker, and says how they are.
//!
//! # What is not supported
//!
//! - Cameras in the network (RTSP, HTTP), and files of other formats.
//! - Interlaced video.

#![cfg_attr(docsrs, feature(doc_cfg))]

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
