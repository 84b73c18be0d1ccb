//! Sources of video for facekit: implementations of [`FrameSource`](facekit::FrameSource), whose frames a tracker takes.
//!
//! [`Pipe`] reads Motion JPEG or YUV4MPEG2 from a pipe or a file. FFmpeg turns every other video, and local webcams, into one of
//! the two: `ffmpeg -i ANYTHING -f mjpeg -`. Folders of photos are in the core: `facekit::FrameFolder`.
//!
//! # What is not supported
//!
//! - Cameras in the network (RTSP, HTTP), and files of other formats.
//! - Interlaced video.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod mjpeg;
mod options;
mod packet;
mod pipe;
mod slot;
mod y4m;

pub use options::{PipeOptions, Timing};
pub use pipe::Pipe;

/// The examples of the README, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
