//! The suite for every [`FrameSource`]. Each function takes a function that opens the source at its beginning, and panics if the
//! source violates its contract.
//!
//! A recording must end by itself. Of a live source, the suite takes the first frames only.
#![allow(
    clippy::missing_panics_doc,
    reason = "the documentation of the module says when functions panic"
)]

use std::{
    thread,
    time::{Duration, Instant},
};

use facekit::{FrameSource, Next, Pace, VideoFrame};
use jiff::Timestamp;

/// Opens the source at its beginning. It has one frame or more.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn FrameSource>;

/// The number of frames that are taken of a live source, and the time for them.
const LIVE_FRAMES: usize = 50;
const LIVE_TIME: Duration = Duration::from_secs(10);
/// The time that a call may take longer than it was told to wait.
const LATE: Duration = Duration::from_secs(2);

/// Makes a module of tests, one for each property of a source of frames.
///
/// The second argument is a function without arguments that returns a function to open the source: see [`Open`].
///
/// ```
/// use std::time::Duration;
///
/// use facekit::{FrameSource, Image, Next, Pace, Result, VideoFrame, jiff::Timestamp};
/// use facekit_conformance::frame_source_suite;
///
/// #[derive(Debug)]
/// struct Still(Option<VideoFrame>);
///
/// impl FrameSource for Still {
///     fn next(&mut self, _: Duration) -> Result<Next> {
///         Ok(self.0.take().map_or(Next::End, Next::Frame))
///     }
///
///     fn pace(&self) -> Pace {
///         Pace::Recorded
///     }
/// }
///
/// fn still() -> Box<dyn FrameSource> {
///     let picture = Image::filled(64, 48, [90; 3]);
///     Box::new(Still(Some(VideoFrame::new(picture, Timestamp::UNIX_EPOCH, 0))))
/// }
///
/// frame_source_suite!(a_still, || still);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! frame_source_suite {
    ($name:ident, $open:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::frame_source_suite!(@tests $open;
                has_frames, times_do_not_fall, numbers_rise, another_size_is_a_discontinuity,
                stays_at_its_end, waits_no_longer_than_told, a_recording_is_not_skipped, a_recording_is_the_same_each_time,
                moves_to_another_thread, works_through_pointers,
            );
        }
    };
    (@tests $open:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::frame_source::$test(&($open)());
            }
        )*
    };
}

/// All frames of a recording, or the first ones of a live source.
fn frames(source: &mut dyn FrameSource) -> Vec<VideoFrame> {
    let is_live = source.pace() == Pace::Live;
    let begin = Instant::now();
    let mut frames = Vec::new();
    loop {
        if is_live && (frames.len() == LIVE_FRAMES || begin.elapsed() > LIVE_TIME) {
            return frames;
        }
        match source.next(Duration::from_secs(1)).unwrap() {
            Next::Frame(frame) => frames.push(frame),
            Next::End => return frames,
            other => assert!(is_live, "a recording returned {other:?}"),
        }
    }
}

/// There is a frame, and frames have pixels.
pub fn has_frames(open: Open<'_>) {
    let frames = frames(&mut *open());
    assert!(!frames.is_empty());
    for frame in frames {
        let view = frame.image.view();
        assert_eq!(view.rgb8().len(), 3 * view.width() * view.height());
    }
}

/// Times do not fall, except at a discontinuity.
pub fn times_do_not_fall(open: Open<'_>) {
    for pair in frames(&mut *open()).windows(2) {
        let [before, after] = pair else { continue };
        assert!(
            after.discontinuity || before.at <= after.at,
            "{} after {}",
            after.at,
            before.at
        );
    }
}

/// Sequence numbers rise, in a recording by one.
pub fn numbers_rise(open: Open<'_>) {
    let mut source = open();
    let is_recorded = source.pace() == Pace::Recorded;
    for pair in frames(&mut *source).windows(2) {
        let [before, after] = [pair[0].sequence, pair[1].sequence];
        assert!(before < after, "{after} after {before}");
        assert!(
            !is_recorded || before + 1 == after,
            "{after} after {before}"
        );
    }
}

/// A frame of another size than the one before is a discontinuity.
pub fn another_size_is_a_discontinuity(open: Open<'_>) {
    let size = |frame: &VideoFrame| (frame.image.view().width(), frame.image.view().height());
    for pair in frames(&mut *open()).windows(2) {
        let is_same = size(&pair[0]) == size(&pair[1]);
        assert!(is_same || pair[1].discontinuity, "{:?}", pair[1].image);
    }
}

/// A recording ends, and then every call says so.
pub fn stays_at_its_end(open: Open<'_>) {
    let mut source = open();
    if source.pace() == Pace::Recorded {
        frames(&mut *source);
        for _ in 0..3 {
            assert_eq!(source.next(Duration::from_secs(1)).unwrap(), Next::End);
        }
    }
}

/// A call returns after about the time that it may wait.
pub fn waits_no_longer_than_told(open: Open<'_>) {
    let mut source = open();
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        let begin = Instant::now();
        source.next(wait).unwrap();
        assert!(begin.elapsed() < wait + LATE, "{:?}", begin.elapsed());
    }
}

/// The frames of a recording are the same each time.
pub fn a_recording_is_the_same_each_time(open: Open<'_>) {
    if open().pace() == Pace::Recorded {
        let [first, second] = [(); 2].map(|()| frames(&mut *open()));
        assert_eq!(first, second);
    }
}

/// A recording delivers all its frames, also those before a time from which they are needed. Of a live source, later ones come.
pub fn a_recording_is_not_skipped(open: Open<'_>) {
    let all = frames(&mut *open());
    let mut source = open();
    if source.pace() == Pace::Recorded {
        source.skip_before(all[all.len() - 1].at);
        assert_eq!(frames(&mut *source), all);
    } else {
        source.skip_before(all[0].at);
        assert!(!frames(&mut *source).is_empty());
    }
}

/// Another thread can go on with a source.
pub fn moves_to_another_thread(open: Open<'_>) {
    let mut source = open();
    source.next(Duration::ZERO).unwrap();
    thread::spawn(move || source.next(Duration::ZERO).unwrap())
        .join()
        .unwrap();
}

/// A box and a reference deliver the frames of the source.
pub fn works_through_pointers(open: Open<'_>) {
    let plain = open();
    let pace = plain.pace();
    let mut boxed: Box<Box<dyn FrameSource>> = Box::new(plain);
    assert_eq!(boxed.pace(), pace);
    let mut by_reference: &mut dyn FrameSource = &mut boxed;
    by_reference.skip_before(Timestamp::MIN);
    assert_eq!(<&mut dyn FrameSource>::pace(&by_reference), pace);
    assert!(!frames(&mut by_reference).is_empty());
}
