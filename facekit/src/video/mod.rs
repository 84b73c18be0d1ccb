//! Videos: frames with times, and the trait of everything that delivers them.

use std::time::Duration;

use jiff::Timestamp;

use crate::error::Result;

#[cfg(feature = "decode")]
mod folder;
mod frame;

#[cfg(feature = "decode")]
pub use folder::FrameFolder;
pub use frame::{Clock, FrameImage, VideoFrame};

/// Delivers the frames of a video, one after the other: a camera, a file, a folder of photos.
///
/// ```
/// # use facekit::FrameSource;
/// use std::time::Duration;
///
/// use facekit::Next;
///
/// fn count(source: &mut dyn FrameSource) -> facekit::Result<usize> {
///     let mut frames = 0;
///     loop {
///         match source.next(Duration::from_secs(1))? {
///             Next::Frame(_) => frames += 1,
///             Next::End => return Ok(frames),
///             // The camera has no frame yet, or the connection is lost and will be made again.
///             _ => {}
///         }
///     }
/// }
/// # let _ = count;
/// ```
///
/// # Contract
///
/// - Times never fall from one frame to the next, unless the later frame is a [discontinuity](VideoFrame::discontinuity).
/// - [Sequence numbers](VideoFrame::sequence) rise from one frame to the next.
/// - [`next`](Self::next) returns after about the time `wait` at the latest, with [`Next::Nothing`] or [`Next::Unchanged`] if there is
///   no frame. A [recorded](Pace::Recorded) source never returns one of these.
/// - A recorded source delivers all its frames, and the same frames each time. A [live](Pace::Live) source keeps its newest frame
///   only, so its sequence numbers may have gaps.
/// - After [`Next::End`] and after an error, every call returns `End`.
/// - A lost connection is no error but [`Next::Lost`]. An error means that the source never delivers a frame again.
pub trait FrameSource: std::fmt::Debug + Send {
    /// The next frame, for which it waits for the time `wait` at most.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) and [`Error::Image`](crate::Error::Image) if the source can never go on.
    fn next(&mut self, wait: Duration) -> Result<Next>;

    /// Says if frames can wait.
    fn pace(&self) -> Pace;

    /// Says that frames before the time `at` are not needed. A live source that can tell their times without decoding them leaves them out.
    /// A recorded source delivers all its frames.
    ///
    /// A frame before this time comes in any case if it would be a [discontinuity](VideoFrame::discontinuity). Does nothing by default.
    fn skip_before(&mut self, at: Timestamp) {
        let _ = at;
    }

    /// The number of frames that were left out because they could not be decoded. 0 by default.
    fn damaged(&self) -> u64 {
        0
    }
}

/// The result of [`FrameSource::next`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Next {
    /// A frame.
    Frame(VideoFrame),
    /// There was no frame in the time.
    Nothing,
    /// There was no frame in the time, but the source works: it says that nothing has changed, or its next frame is not due yet.
    Unchanged,
    /// The connection is lost. The source makes it again.
    Lost {
        /// The reason, without credentials.
        reason: String,
        /// The time of the next attempt.
        retry_at: Timestamp,
    },
    /// The video has ended.
    End,
}

/// Says if the frames of a source can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A recording: every frame waits until it is taken. No frame is dropped, and the frames are the same each time.
    Recorded,
    /// A camera: frames come as they are taken. Frames that nobody takes in time are dropped.
    Live,
}

macro_rules! forward {
    ($pointer:ty) => {
        #[deny(clippy::missing_trait_methods)]
        impl<S: FrameSource + ?Sized> FrameSource for $pointer {
            fn next(&mut self, wait: Duration) -> Result<Next> {
                (**self).next(wait)
            }

            fn pace(&self) -> Pace {
                (**self).pace()
            }

            fn skip_before(&mut self, at: Timestamp) {
                (**self).skip_before(at);
            }

            fn damaged(&self) -> u64 {
                (**self).damaged()
            }
        }
    };
}

forward!(Box<S>);
forward!(&mut S);
