//! Waits for the frames and the faults of a camera, of either kind.

use std::time::{Duration, Instant};

use facekit::{FrameSource, Next, VideoFrame};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The next frame. The reasons of lost connections before it are returned, too.
pub(crate) fn frame(camera: &mut impl FrameSource) -> (VideoFrame, Vec<String>) {
    let begin = Instant::now();
    let mut reasons = Vec::new();
    loop {
        assert!(begin.elapsed() < PATIENCE, "no frame: {reasons:?}");
        match camera.next(Duration::from_millis(100)).unwrap() {
            Next::Frame(frame) => return (frame, reasons),
            Next::Lost { reason, .. } => reasons.push(reason),
            Next::Nothing | Next::Unchanged => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The reason of the next lost connection. Frames before it are left out.
pub(crate) fn lost(camera: &mut impl FrameSource) -> String {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < PATIENCE, "the connection is not lost");
        if let Next::Lost { reason, .. } = camera.next(Duration::from_millis(100)).unwrap() {
            return reason;
        }
    }
}
